using System.Security.Cryptography;
using Tfic.Imaging;
using Tfic.Jpeg;
using Tfic.Tests.Imaging;

namespace Tfic.Tests.Jpeg;

public class JpegReaderTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Jpeg", "Fixtures");

    public static TheoryData<string, int, int, int, string> Expected()
    {
        var data = new TheoryData<string, int, int, int, string>();
        foreach (string line in File.ReadLines(Path.Combine(Folder, "expected.txt")))
        {
            string[] parts = line.Split(' ');
            data.Add(parts[0], int.Parse(parts[1]), int.Parse(parts[2]), int.Parse(parts[3]), parts[4]);
        }

        Assert.Equal(23, data.Count());
        return data;
    }

    [Theory]
    [MemberData(nameof(Expected))]
    public void PixelsEqualThoseOfTheAccurateIntegerMethod(
        string name, int width, int height, int channels, string hash)
    {
        byte[] file = Fixture(name);
        Picture picture = JpegReader.Read(file);
        Assert.Equal((width, height, channels), (picture.Width, picture.Height, picture.Channels));
        Assert.Equal(hash, Convert.ToHexStringLower(SHA256.HashData(picture.Samples)));

        // The way over coefficients leads to the same pixels as the direct one.
        TestPictures.AssertEqual(picture, JpegReader.ToPicture(JpegReader.ReadCoefficients(file)));
    }

    [Theory]
    [InlineData("grey")]
    [InlineData("420")]
    [InlineData("420-5x3")]
    [InlineData("progressive-restarts")]
    [InlineData("separate-scans")]
    [InlineData("restarts")]
    [InlineData("rgb")]
    public void TruncationsAndMutationsEndWell(string name)
    {
        byte[] file = Fixture(name);
        BadInput.EveryTruncationIsRefused(file, JpegReader.Read);
        Assert.InRange(BadInput.MutationsEndWell(file, JpegReader.Read, 500), 20, 500);
        BadInput.MutationsEndWell(
            file, (bytes, limits) => JpegReader.ToPicture(JpegReader.ReadCoefficients(bytes, limits)), 200);
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
        foreach (string name in new[] { "grey", "420" })
        {
            byte[] file = Fixture(name);
            Picture stored = JpegReader.Read(file);
            foreach (bool little in new[] { false, true })
            {
                byte[] turned = Insert(file, 0xE1, [.. "Exif\0\0"u8, .. Exif.Block(orientation, little)]);
                TestPictures.AssertEqual(Exif.Upright(stored, orientation), JpegReader.Read(turned));
                Assert.Equal(orientation, JpegReader.ReadCoefficients(turned).Orientation);
            }
        }
    }

    [Fact]
    public void APictureThatFitsIsReadInto()
    {
        foreach (string name in new[] { "grey", "420", "progressive", "410", "rgb", "restarts" })
        {
            byte[] file = Fixture(name);
            Picture expected = JpegReader.Read(file);
            var into = new Picture(expected.Width, expected.Height, expected.Channels);
            into.Samples.AsSpan().Fill(99);
            Picture actual = JpegReader.Read(file, limits: null, into);
            TestPictures.AssertEqual(expected, actual);

            // All but coefficients that have to be kept until the file ends.
            if (name != "progressive")
                Assert.Same(into, actual);
            var other = new Picture(expected.Width + 1, expected.Height, expected.Channels);
            TestPictures.AssertEqual(expected, JpegReader.Read(file, limits: null, other));
        }
    }

    [Fact]
    public void LittleIsAllocatedForTheNextPictureOfASize()
    {
        Picture picture = TestPictures.Scene(1200, 700, 3);
        using var stream = new MemoryStream();
        JpegWriter.Write(stream, picture, 75);
        byte[] file = stream.ToArray();
        long least = long.MaxValue;
        for (int i = 0; i < 5; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Same(picture, JpegReader.Read(file, limits: null, picture));
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        // Headers, tables of steps, and two rows of the picture's width; nothing that grows with its height.
        Assert.InRange(least, 0, 16_000);
    }

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(3)]
    public void PixelsAreThoseOfLibjpegTurbo(int channels)
    {
        Skip.IfNot(LibjpegTurbo.IsAvailable, "libturbojpeg is not installed (Debian: libturbojpeg0)");
        foreach ((int width, int height) in new[]
                 {
                     (1, 1), (2, 2), (3, 5), (8, 8), (16, 16), (17, 33), (63, 65), (130, 31), (200, 150), (515, 66),
                 })
        {
            foreach (int quality in new[] { 1, 20, 75, 100 })
            {
                foreach (bool noise in new[] { false, true })
                {
                    Picture picture = noise
                        ? TestPictures.Noise(width, height, channels)
                        : TestPictures.Scene(width, height, channels);
                    using var stream = new MemoryStream();
                    JpegWriter.Write(stream, picture, quality);
                    byte[] file = stream.ToArray();
                    Picture ours = JpegReader.Read(file), theirs = LibjpegTurbo.Decode(file, width, height, channels);
                    for (int i = 0; i < ours.Samples.Length; i++)
                    {
                        if (Math.Abs(ours.Samples[i] - theirs.Samples[i]) > 1)
                            Assert.Fail($"{width} × {height}, quality {quality}, sample {i}: {ours.Samples[i]}, not {theirs.Samples[i]}");
                    }
                }
            }
        }
    }

    [Fact]
    public void DamagedExifIsIgnored()
    {
        byte[] file = Fixture("420"), block = Exif.Block(6, little: false);
        Picture stored = JpegReader.Read(file);
        for (int length = 0; length < block.Length - 8; length++)
            TestPictures.AssertEqual(
                stored, JpegReader.Read(Insert(file, 0xE1, [.. "Exif\0\0"u8, .. block[..length]])));
    }

    [Fact]
    public void SegmentsThatMeanNothingHereAreSkipped()
    {
        byte[] file = Fixture("420");
        Picture expected = JpegReader.Read(file);
        byte[] more = Insert(Insert(file, 0xFE, "comment"u8), 0xED, new byte[300]);
        TestPictures.AssertEqual(expected, JpegReader.Read(more));
        TestPictures.AssertEqual(expected, JpegReader.Read([.. file, 0xFF, 0xD8, 1, 2, 3])); // after the end
        byte[] filled = [.. file[..2], 0xFF, 0xFF, 0xFF, .. file[3..]]; // fill bytes before a marker
        TestPictures.AssertEqual(expected, JpegReader.Read(filled));
    }

    [Fact]
    public void UnsupportedKindsAreNamed()
    {
        BadInput.Refused(Fixture("arithmetic"), JpegReader.Read, "arithmetic coding");
        byte[] file = Fixture("444");
        int frame = Find(file, 0xC0);
        foreach ((byte marker, string name) in new[]
                 {
                     ((byte)0xC3, "lossless"), ((byte)0xC5, "hierarchical"), ((byte)0xDE, "hierarchical"),
                     ((byte)0xC9, "arithmetic"),
                 })
            BadInput.Refused(Changed(file, frame + 1, marker), JpegReader.Read, name);
        BadInput.Refused(Changed(file, frame + 4, 12), JpegReader.Read, "12 bits");
        BadInput.Refused(Changed(Changed(file, frame + 5, 0), frame + 6, 0), JpegReader.Read, "DNL");
        BadInput.Refused(Changed(Changed(file, frame + 7, 0), frame + 8, 0), JpegReader.Read, "width is 0");
        BadInput.Refused(Changed(file, frame + 9, 2), JpegReader.Read, "2 components");
        BadInput.Refused(Changed(file, frame + 11, 0x51), JpegReader.Read, "sampling factors 5×1");
        BadInput.Refused(Changed(file, frame + 12, 3), JpegReader.Read, "quantiser table 3 is missing");
        BadInput.Refused(Changed(file, frame + 13, 1), JpegReader.Read, "two components");
    }

    [Fact]
    public void EveryFaultIsNamed()
    {
        byte[] file = Fixture("420");
        int quantiser = Find(file, 0xDB), frame = Find(file, 0xC0), huffman = Find(file, 0xC4), scan = Find(file, 0xDA);
        Refused("start marker", [1, 2, 3]);
        Refused("second start", [0xFF, 0xD8, 0xFF, 0xD8, 0, 0]);
        Refused("before a picture", [0xFF, 0xD8, 0xFF, 0xD9]);
        Refused("restart marker outside", [0xFF, 0xD8, 0xFF, 0xD0, 0, 0]);
        Refused("segment of length 1", [0xFF, 0xD8, 0xFF, 0xE0, 0, 1]);
        Refused("unknown marker FF02", [0xFF, 0xD8, 0xFF, 0x02, 0, 2]);
        Refused("quantiser table of unknown kind", Changed(file, quantiser + 4, 0x20));
        Refused("step is 0", Changed(file, quantiser + 5, 0));
        Refused("Huffman table of unknown kind", Changed(file, huffman + 4, 0x24));
        Refused("more codes than fit", Changed(Changed(file, huffman + 5, 3), huffman + 7, 2));
        Refused("second frame", [.. file[..scan], .. file[frame..]]);
        Refused("before the frame", [.. file[..frame], .. file[scan..]]);
        Refused("unknown component 9", Changed(file, scan + 5, 9));
        Refused("component 1 twice", Changed(file, scan + 7, 1));
        Refused("part of the coefficients", Changed(file, scan + 11, 1));
        Refused("no data", [.. file[..scan], 0xFF, 0xD9]);
        Refused("repeats or skips", [.. file[..^2], .. file[scan..]]); // the same scan again

        byte[] restarts = Fixture("restarts");
        int marker = restarts.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xD1]);
        Refused("restart marker 1 is missing", Changed(restarts, marker + 1, 0xD2));
        Refused("end too early", [.. file[..^30], 0xFF, 0xD9]);

        byte[] progressive = Fixture("progressive");
        int first = Find(progressive, 0xDA);
        int tables = first + progressive.AsSpan(first).IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC4]); // of the second scan
        Refused("before the DC scan", [.. progressive[..first], .. progressive[tables..]]);

        static void Refused(string fragment, byte[] bytes) => BadInput.Refused(bytes, JpegReader.Read, fragment);
    }

    [Fact]
    public void NothingIsAllocatedForAForgedSize()
    {
        byte[] file = Fixture("420");
        int frame = Find(file, 0xC0);
        byte[] huge = [.. file];
        huge[frame + 5] = huge[frame + 6] = huge[frame + 7] = huge[frame + 8] = 0xFF;
        BadInput.Refused(huge, JpegReader.Read, "limit");
        huge[frame + 5] = huge[frame + 7] = 0x20;
        BadInput.Refused(huge, JpegReader.Read, "cannot hold");
        var limits = new PictureLimits(MaxBytes: 5000);
        Assert.Throws<TficFormatException>(() => JpegReader.Read(file, limits));
    }

    [Theory]
    [InlineData(false, 0, new byte[] { 200, 100, 50, 0 }, new byte[] { 55, 155, 205 })]
    [InlineData(false, 0, new byte[] { 0, 0, 0, 255 }, new byte[] { 0, 0, 0 })]
    [InlineData(true, 0, new byte[] { 200, 100, 50, 255 }, new byte[] { 200, 100, 50 })]
    [InlineData(true, 0, new byte[] { 200, 100, 50, 51 }, new byte[] { 40, 20, 10 })]
    [InlineData(true, 2, new byte[] { 60, 128, 128, 255 }, new byte[] { 195, 195, 195 })]
    public void FourInksBecomeRgb(bool adobe, byte transform, byte[] components, byte[] rgb)
    {
        Picture picture = JpegReader.Read(FlatFourComponents(adobe, transform, components));
        Assert.Equal((8, 8, 3), (picture.Width, picture.Height, picture.Channels));
        for (int i = 0; i < picture.Samples.Length; i++)
            Assert.InRange(picture.Samples[i] - rgb[i % 3], -1, 1);
    }

    /// <summary>8 × 8 pixels, each component flat: a DC difference and an end of block each.</summary>
    private static byte[] FlatFourComponents(bool adobe, byte transform, byte[] components)
    {
        var file = new List<byte> { 0xFF, 0xD8 };
        if (adobe)
            file.AddRange([0xFF, 0xEE, 0, 14, .. "Adobe"u8, 0, 100, 0, 0, 0, 0, transform]);
        file.AddRange([0xFF, 0xDB, 0, 67, 0, .. Enumerable.Repeat((byte)1, 64)]);
        file.AddRange([0xFF, 0xC0, 0, 20, 8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0]);

        // DC: twelve codes of four bits, code = number of bits of the difference. AC: the code 0, the end of a block.
        file.AddRange([0xFF, 0xC4, 0, 31, 0x00, 0, 0, 0, 12, .. new byte[12], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        file.AddRange([0xFF, 0xC4, 0, 20, 0x10, 1, .. new byte[15], 0]);
        file.AddRange([0xFF, 0xDA, 0, 14, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]);
        var bits = new System.Text.StringBuilder();
        foreach (byte component in components)
        {
            int coefficient = 8 * (component - 128); // with a step of 1
            int size = coefficient == 0 ? 0 : (int)Math.Log2(Math.Abs(coefficient)) + 1;
            int value = coefficient < 0 ? coefficient + (1 << size) - 1 : coefficient;
            bits.Append(Convert.ToString(size, 2).PadLeft(4, '0'));
            if (size > 0)
                bits.Append(Convert.ToString(value, 2).PadLeft(size, '0'));
            bits.Append('0');
        }

        while (bits.Length % 8 != 0)
            bits.Append('1');
        for (int i = 0; i < bits.Length; i += 8)
        {
            byte value = Convert.ToByte(bits.ToString(i, 8), 2);
            file.Add(value);
            if (value == 0xFF)
                file.Add(0);
        }

        file.AddRange([0xFF, 0xD9]);
        return [.. file];
    }

    private static byte[] Fixture(string name) => File.ReadAllBytes(Path.Combine(Folder, name + ".jpg"));

    private static byte[] Changed(byte[] file, int at, byte value)
    {
        byte[] changed = [.. file];
        changed[at] = value;
        return changed;
    }

    /// <summary>Inserts a segment after the start marker.</summary>
    private static byte[] Insert(byte[] file, byte marker, ReadOnlySpan<byte> content)
    {
        int length = content.Length + 2;
        return [.. file[..2], 0xFF, marker, (byte)(length >> 8), (byte)length, .. content, .. file[2..]];
    }

    private static int Find(byte[] file, byte marker)
    {
        int at = 2;
        while (file[at + 1] != marker)
            at += 2 + (file[at + 2] << 8 | file[at + 3]);
        return at;
    }
}
