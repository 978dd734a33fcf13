using Tfic.Imaging;

namespace Tfic.Tests.Imaging;

public class PngTests
{
    private static readonly (int Width, int Height)[] Sizes =
        [(1, 1), (3, 2), (8, 8), (17, 13), (9, 1), (1, 9), (33, 5)];

    public static TheoryData<int, int, bool, bool> Kinds()
    {
        var data = new TheoryData<int, int, bool, bool>();
        foreach ((int colour, int[] depths) in new[]
                 {
                     (0, new[] { 1, 2, 4, 8, 16 }), (2, [8, 16]), (3, [1, 2, 4, 8]), (4, [8, 16]), (6, [8, 16]),
                 })
        {
            foreach (int depth in depths)
            {
                foreach (bool interlaced in new[] { false, true })
                {
                    data.Add(colour, depth, interlaced, false);
                    if (colour is 0 or 2 or 3)
                        data.Add(colour, depth, interlaced, true);
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EveryKindIsReadPixelByPixel(int colour, int depth, bool interlaced, bool transparency)
    {
        foreach ((int width, int height) in Sizes)
        {
            (byte[] file, Picture expected) = Make(width, height, colour, depth, interlaced, transparency);
            TestPictures.AssertEqual(expected, PngReader.Read(file));
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(1, 400)]
    [InlineData(3, 400)]
    public void WrittenFilesAreReadBack(int channels, int size)
    {
        foreach (Picture picture in new[]
                 {
                     TestPictures.Noise(size, size / 2 + 1, channels), // several IDAT chunks
                     TestPictures.Scene(size, size / 2 + 1, channels),
                     new Picture(size, 3, channels),
                 })
        {
            using var stream = new MemoryStream();
            PngWriter.Write(stream, picture);
            TestPictures.AssertEqual(picture, PngReader.Read(stream.ToArray()));
        }
    }

    [Fact]
    public void WrittenFilesAreAsSmallAsTheFiltersMakeThem()
    {
        // A slope is nothing but equal differences.
        var picture = new Picture(256, 256, 1);
        for (int i = 0; i < picture.Samples.Length; i++)
            picture.Samples[i] = (byte)(i / 256 + i);
        using var stream = new MemoryStream();
        PngWriter.Write(stream, picture);
        Assert.InRange(stream.Length, 50, 1000);
    }

    [Fact]
    public void SixteenBitsAreRounded()
    {
        // 257·v is v exactly; half a step above it, 128.5, belongs to v + 1.
        int[] values = [0, 128, 129, 257, 257 + 128, 257 + 129, 65535, 65535 - 128, 65535 - 129];
        byte[] expected = [0, 0, 1, 1, 1, 2, 255, 255, 254];
        var samples = new int[1, values.Length, 1];
        for (int x = 0; x < values.Length; x++)
            samples[0, x, 0] = values[x];
        Assert.Equal(expected, PngReader.Read(Build(samples, 0, 16, false).ToArray()).Samples);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void OrientationIsApplied(int orientation)
    {
        foreach (int colour in new[] { 0, 2 })
        {
            (byte[] plain, Picture stored) = Make(7, 4, colour, 8, false, false);
            foreach (bool little in new[] { false, true })
            {
                byte[] exif = Exif.Block(orientation, little);
                byte[] chunk = new PngBuilder().Add("eXIf", exif).ToArray()[8..];
                byte[] file = [.. plain[..33], .. chunk, .. plain[33..]];
                TestPictures.AssertEqual(Exif.Upright(stored, orientation), PngReader.Read(file));
            }
        }
    }

    [Fact]
    public void DamagedExifIsIgnored()
    {
        (byte[] plain, Picture stored) = Make(7, 4, 2, 8, false, false);
        byte[] whole = Exif.Block(6, little: true);
        for (int length = 0; length < whole.Length - 8; length++)
        {
            byte[] chunk = new PngBuilder().Add("eXIf", whole[..length]).ToArray()[8..];
            TestPictures.AssertEqual(stored, PngReader.Read([.. plain[..33], .. chunk, .. plain[33..]]));
        }

        byte[] wild = [.. whole];
        wild[4] = wild[5] = wild[6] = wild[7] = 0xFF; // the directory's offset
        byte[] wildChunk = new PngBuilder().Add("eXIf", wild).ToArray()[8..];
        TestPictures.AssertEqual(stored, PngReader.Read([.. plain[..33], .. wildChunk, .. plain[33..]]));
        TestPictures.AssertEqual(stored, PngReader.Read(
            [.. plain[..33], .. new PngBuilder().Add("eXIf", Exif.Block(9, true)).ToArray()[8..], .. plain[33..]]));
    }

    [Fact]
    public void UnknownAncillaryChunksAreSkipped()
    {
        (byte[] plain, Picture expected) = Make(5, 5, 2, 8, false, false);
        byte[] chunk = new PngBuilder().Add("teSt", 1, 2, 3).Add("gAMA", 0, 0, 1, 0).ToArray()[8..];
        TestPictures.AssertEqual(expected, PngReader.Read([.. plain[..33], .. chunk, .. plain[33..]]));
        TestPictures.AssertEqual(expected, PngReader.Read([.. plain, 1, 2, 3])); // after the end
    }

    [Fact]
    public void EveryFaultIsNamed()
    {
        byte[] header = PngBuilder.Header(2, 2, 8, 0, false);
        byte[] data = PngBuilder.Data(new int[2, 2, 1], 8, false);
        byte[] palette = [1, 2, 3];
        Refused("signature", [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        Refused("first chunk is IDAT", B().Add("IDAT", data).Add("IHDR", header).Add("IEND").ToArray());
        Refused("second IHDR", B().Add("IHDR", header).Add("IHDR", header).Add("IDAT", data).Add("IEND").ToArray());
        Refused("no IDAT", B().Add("IHDR", header).Add("IEND").ToArray());
        Refused("ends before the IEND", B().Add("IHDR", header).Add("IDAT", data).ToArray());
        Refused("not consecutive",
            B().Add("IHDR", header).Add("IDAT", data[..5]).Add("teSt").Add("IDAT", data[5..]).Add("IEND").ToArray());
        Refused("required chunk TeSt", B().Add("IHDR", header).Add("TeSt").Add("IDAT", data).Add("IEND").ToArray());
        Refused("IHDR has 12 bytes", B().Add("IHDR", header[..12]).Add("IDAT", data).Add("IEND").ToArray());
        Refused("size 0", B().Add("IHDR", PngBuilder.Header(0, 2, 8, 0, false)).Add("IDAT", data).Add("IEND").ToArray());
        Refused("size", B().Add("IHDR", PngBuilder.Header(2, -1, 8, 0, false)).Add("IDAT", data).Add("IEND").ToArray());
        Refused("3 bits", B().Add("IHDR", PngBuilder.Header(2, 2, 3, 0, false)).Add("IDAT", data).Add("IEND").ToArray());
        Refused("colour type 2 with 4",
            B().Add("IHDR", PngBuilder.Header(2, 2, 4, 2, false)).Add("IDAT", data).Add("IEND").ToArray());
        Refused("without a PLTE",
            B().Add("IHDR", PngBuilder.Header(2, 2, 8, 3, false)).Add("IDAT", data).Add("IEND").ToArray());
        Refused("grey picture with a palette",
            B().Add("IHDR", header).Add("PLTE", palette).Add("IDAT", data).Add("IEND").ToArray());
        Refused("palette of 4 bytes",
            B().Add("IHDR", PngBuilder.Header(2, 2, 8, 3, false)).Add("PLTE", 1, 2, 3, 4).Add("IDAT", data).Add("IEND")
                .ToArray());
        Refused("palette comes after",
            B().Add("IHDR", PngBuilder.Header(2, 2, 8, 3, false)).Add("IDAT", data).Add("PLTE", palette).Add("IEND")
                .ToArray());
        Refused("3 colours for 1 bits",
            B().Add("IHDR", PngBuilder.Header(2, 2, 1, 3, false)).Add("PLTE", new byte[9]).Add("IDAT", data).Add("IEND")
                .ToArray());
        Refused("colour 7 of a palette of 1",
            B().Add("IHDR", PngBuilder.Header(1, 1, 8, 3, false)).Add("PLTE", palette)
                .Add("IDAT", PngBuilder.Data(new int[1, 1, 1] { { { 7 } } }, 8, false)).Add("IEND").ToArray());
        Refused("tRNS has 3 bytes", B().Add("IHDR", header).Add("tRNS", 1, 2, 3).Add("IDAT", data).Add("IEND").ToArray());
        Refused("tRNS has more entries",
            B().Add("IHDR", PngBuilder.Header(2, 2, 8, 3, false)).Add("PLTE", palette).Add("tRNS", 1, 2)
                .Add("IDAT", data).Add("IEND").ToArray());
        Refused("tRNS in a picture that has an alpha",
            B().Add("IHDR", PngBuilder.Header(2, 2, 8, 4, false)).Add("tRNS", 1, 2).Add("IDAT", data).Add("IEND")
                .ToArray());
        Refused("row filter 5",
            B().Add("IHDR", header).Add("IDAT", PngBuilder.Deflate([5, 1, 1, 0, 1, 1])).Add("IEND").ToArray());
        Refused("end too early",
            B().Add("IHDR", header).Add("IDAT", PngBuilder.Deflate([0, 1, 1, 0, 1])).Add("IEND").ToArray());
        byte[] damaged = [.. data];
        damaged[^1] ^= 1; // zlib's own checksum
        Refused("damaged", B().Add("IHDR", header).Add("IDAT", damaged).Add("IEND").ToArray());
        byte[] wrongCrc = B().Add("IHDR", header).Add("IDAT", data).Add("IEND").ToArray();
        wrongCrc[^1] ^= 1;
        Refused("checksum of chunk IEND", wrongCrc);

        static PngBuilder B() => new();
        static void Refused(string fragment, byte[] file) => BadInput.Refused(file, PngReader.Read, fragment);
    }

    [Fact]
    public void NothingIsAllocatedForAForgedSize()
    {
        byte[] data = PngBuilder.Data(new int[2, 2, 1], 8, false);
        Refused("more than the limit", PngBuilder.Header(int.MaxValue, int.MaxValue, 16, 6, false));
        Refused("more than the limit", PngBuilder.Header(100_001, 1000, 8, 0, false));
        Refused("cannot hold", PngBuilder.Header(10_000, 10_000, 8, 0, false));
        Refused("bytes, more than the limit", PngBuilder.Header(99_999_999, 1, 16, 6, true));
        Refused("cannot hold", PngBuilder.Header(99_999_999, 1, 1, 0, true));
        Refused("cannot hold", PngBuilder.Header(1, 99_999_999, 1, 0, true));

        void Refused(string fragment, byte[] header) => BadInput.Refused(
            new PngBuilder().Add("IHDR", header).Add("IDAT", data).Add("IEND").ToArray(), PngReader.Read, fragment);
    }

    [Fact]
    public void MoreDataThanPixelsIsNotInflated()
    {
        // Forty million zeros behind a 2 × 2 picture; only what the picture needs is asked for.
        byte[] file = new PngBuilder().Add("IHDR", PngBuilder.Header(2, 2, 8, 0, false))
            .Add("IDAT", PngBuilder.Deflate(new byte[40_000_000])).Add("IEND").ToArray();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(new byte[4], PngReader.Read(file, BadInput.Small).Samples);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void TruncationsAndMutationsEndWell()
    {
        foreach ((int colour, int depth, bool interlaced) in new[]
                 {
                     (0, 1, false), (2, 8, false), (3, 4, true), (4, 16, true), (6, 8, false),
                 })
        {
            (byte[] file, _) = Make(19, 11, colour, depth, interlaced, transparency: colour is 0 or 2 or 3);
            BadInput.EveryTruncationIsRefused(file, PngReader.Read);
            Assert.Equal(100, BadInput.MutationsEndWell(file, PngReader.Read, 100) + Unchanged(file, 100));
            Assert.InRange(BadInput.MutationsEndWell(file, PngReader.Read, 500, PngBuilder.RepairChecksums), 50, 500);
        }

        // Some mutations set a byte to what it was.
        static int Unchanged(byte[] file, int count)
        {
            int same = 0;
            BadInput.MutationsEndWell(
                file,
                (bytes, limits) =>
                {
                    same += bytes.SequenceEqual(file) ? 1 : 0;
                    return PngReader.Read(file, limits);
                },
                count);
            return same;
        }
    }

    private static PngBuilder Build(
        int[,,] samples, int colour, int depth, bool interlaced, byte[]? palette = null, byte[]? transparency = null)
    {
        PngBuilder builder = new PngBuilder().Add(
            "IHDR", PngBuilder.Header(samples.GetLength(1), samples.GetLength(0), depth, colour, interlaced));
        if (palette is not null)
            builder.Add("PLTE", palette);
        if (transparency is not null)
            builder.Add("tRNS", transparency);
        byte[] data = PngBuilder.Data(samples, depth, interlaced);
        return builder.Add("IDAT", data[..3]).Add("IDAT").Add("IDAT", data[3..]).Add("IEND");
    }

    /// <summary>A random picture of any kind, and its pixels by the formulas of the standard.</summary>
    private static (byte[] File, Picture Expected) Make(
        int width, int height, int colour, int depth, bool interlaced, bool transparency)
    {
        var random = new Random(width * 1000 + height * 100 + colour * 10 + depth);
        int stored = colour switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        int channels = colour is 0 or 4 ? 1 : 3;
        int largest = (1 << depth) - 1;
        int colours = Math.Min(1 << depth, 100);
        byte[]? palette = null, trns = null;
        if (colour == 3)
        {
            palette = new byte[colours * 3];
            random.NextBytes(palette);
        }

        var samples = new int[height, width, stored];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                for (int c = 0; c < stored; c++)
                    samples[y, x, c] = random.Next(colour == 3 ? colours : largest + 1);
                if (stored is 2 or 4 && x % 3 == 0)
                    samples[y, x, stored - 1] = x % 2 == 0 ? 0 : largest;
            }
        }

        if (transparency && colour == 3)
        {
            trns = new byte[(colours + 1) / 2];
            random.NextBytes(trns);
        }
        else if (transparency)
        {
            // The colour of the last pixel.
            trns = new byte[2 * channels];
            for (int c = 0; c < channels; c++)
            {
                trns[2 * c] = (byte)(samples[height - 1, width - 1, c] >> 8);
                trns[2 * c + 1] = (byte)samples[height - 1, width - 1, c];
            }
        }

        var expected = new Picture(width, height, channels);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                double alpha = 1;
                var value = new double[channels];
                for (int c = 0; c < channels; c++)
                    value[c] = colour == 3
                        ? palette![3 * samples[y, x, 0] + c] / 255.0
                        : samples[y, x, c] / (double)largest;
                if (colour is 4 or 6)
                    alpha = samples[y, x, stored - 1] / (double)largest;
                else if (trns is not null && colour == 3)
                    alpha = samples[y, x, 0] < trns.Length ? trns[samples[y, x, 0]] / 255.0 : 1;
                else if (trns is not null)
                    alpha = Enumerable.Range(0, channels).All(
                        c => samples[y, x, c] == samples[height - 1, width - 1, c]) ? 0 : 1;
                for (int c = 0; c < channels; c++)
                {
                    // With 16 bits the blend is rounded to 16 bits first, as it would be stored.
                    double over = value[c] * alpha + (1 - alpha);
                    if (depth == 16)
                        over = Math.Floor(over * 65535 + 0.5 - 1e-9) / 65535;
                    expected.Row(y)[x * channels + c] = (byte)Math.Floor(over * 255 + 0.5 - 1e-9);
                }
            }
        }

        return (Build(samples, colour, depth, interlaced, palette, trns).ToArray(), expected);
    }
}
