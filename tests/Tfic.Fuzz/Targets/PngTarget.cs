using System.Buffers.Binary;
using System.IO.Compression;
using Tfic.Imaging;
using Tfic.Tests.Imaging;

namespace Tfic.Fuzz.Targets;

/// <summary>The PNG reader; changes are made chunk by chunk and in the pixels under the compression.</summary>
internal sealed class PngTarget : Target
{
    private static readonly PictureLimits s_limits = new(MaxPixels: 1 << 16, MaxBytes: 1 << 20);

    public override string Name => "png";

    // Copies of the compressed data and the inflater are not the reader's to count.
    public override long MaxAllocation(int length) => s_limits.MaxBytes + (2 * length);

    public override IEnumerable<byte[]> Seeds()
    {
        var random = new FuzzRandom(1);
        (int Colour, int[] Depths, int Channels)[] kinds =
            [(0, [1, 2, 4, 8, 16], 1), (2, [8, 16], 3), (3, [1, 2, 4, 8], 1), (4, [8, 16], 2), (6, [8, 16], 4)];
        foreach ((int colour, int[] depths, int channels) in kinds)
        {
            foreach (int depth in depths)
            {
                foreach (bool interlaced in new[] { false, true })
                {
                    int width = 1 + random.Below(20), height = 1 + random.Below(12);
                    int colours = colour == 3 ? Math.Min(1 << depth, 7) : 1 << depth;
                    var samples = new int[height, width, channels];
                    for (int y = 0; y < height; y++)
                    {
                        for (int x = 0; x < width; x++)
                        {
                            for (int c = 0; c < channels; c++)
                                samples[y, x, c] = random.Below(colours);
                        }
                    }

                    var builder = new PngBuilder().Add(
                        "IHDR", PngBuilder.Header(width, height, depth, colour, interlaced));
                    if (random.OneIn(3))
                        builder.Add("eXIf", Exif.Block(1 + random.Below(8), random.OneIn(2)));
                    if (colour == 3)
                        builder.Add("PLTE", [.. Enumerable.Range(0, 3 * colours).Select(i => (byte)(i * 37))]);
                    if (colour < 4 && random.OneIn(2))
                        builder.Add("tRNS", new byte[colour switch { 0 => 2, 2 => 6, _ => 1 }]);
                    builder.Add("IDAT", PngBuilder.Data(samples, depth, interlaced)).Add("IEND");
                    yield return builder.ToArray();
                }
            }
        }
    }

    public override byte[] Mutate(byte[] input, byte[] other, FuzzRandom random)
    {
        List<Chunk>? chunks = random.OneIn(12) ? null : Split(input);
        if (chunks is null || chunks.Count == 0)
            return Mutations.Bytes(input, other, random, MaxLength);
        for (int i = 1 << random.Below(3); i > 0 && chunks.Count > 0; i--)
            Change(chunks, Split(other), random);
        byte[] file = Join(chunks, random.OneIn(20) ? random : null);
        return file.Length <= MaxLength ? file : file[..MaxLength];
    }

    public override string Run(ReadOnlyMemory<byte> input)
    {
        Picture picture = PngReader.Read(input.Span, s_limits);
        if (picture.PixelCount > s_limits.MaxPixels)
            throw new PromiseBrokenException($"{picture.PixelCount} pixels");
        return $"png {Magnitude(picture.Width)} {Magnitude(picture.Height)} {picture.Channels}";
    }

    private static void Change(List<Chunk> chunks, List<Chunk>? others, FuzzRandom random)
    {
        int at = random.Below(chunks.Count);
        Chunk chunk = chunks[at];
        switch (random.Below(12))
        {
            case 0:
                chunks.RemoveAt(at);
                break;
            case 1:
                chunks.Insert(random.Below(chunks.Count + 1), chunk);
                break;
            case 2 when others is { Count: > 0 }:
                chunks.Insert(random.Below(chunks.Count + 1), others[random.Below(others.Count)]);
                break;
            case 3:
                uint type = random.Of(
                    Chunk.Ihdr, Chunk.Plte, Chunk.Idat, Chunk.Iend, Chunk.Trns, Chunk.Exif, (uint)random.Next64());
                chunks[at] = new Chunk(type, chunk.Data);
                break;
            case 4: // one chunk becomes two
                int cut = random.Below(chunk.Data.Length + 1);
                chunks[at] = new Chunk(chunk.Type, chunk.Data[..cut]);
                chunks.Insert(at + 1, new Chunk(chunk.Type, chunk.Data[cut..]));
                break;
            case 5 or 6 when chunks.FindIndex(c => c.Type == Chunk.Ihdr && c.Data.Length == 13) is int i and >= 0:
                byte[] header = [.. chunks[i].Data];
                ChangeHeader(header, random);
                chunks[i] = new Chunk(Chunk.Ihdr, header);
                break;
            case 7 or 8 when chunks.FindIndex(c => c.Type == Chunk.Idat) is int i and >= 0:
                chunks[i] = new Chunk(Chunk.Idat, ChangePixels(chunks[i].Data, random));
                break;
            default:
                chunks[at] = new Chunk(chunk.Type, Mutations.Bytes(chunk.Data, chunk.Data, random, 1 << 15));
                break;
        }
    }

    private static void ChangeHeader(byte[] header, FuzzRandom random)
    {
        switch (random.Below(4))
        {
            case 0:
                BinaryPrimitives.WriteUInt32BigEndian(
                    header.AsSpan(4 * random.Below(2)), (uint)(random.OneIn(3) ? random.Number(32) : 1 + random.Below(40)));
                break;
            case 1:
                header[8] = random.Of<byte>(1, 2, 4, 8, 16, 0, 3, 255);
                header[9] = random.Of<byte>(0, 2, 3, 4, 6, 1, 5, 255);
                break;
            case 2:
                header[12] ^= 1;
                break;
            default:
                Mutations.InPlace(header, random);
                break;
        }
    }

    /// <summary>Inflates, changes (filter numbers too) and deflates again, or damages the deflated data.</summary>
    private static byte[] ChangePixels(byte[] data, FuzzRandom random)
    {
        byte[] content;
        try
        {
            using var inflated = new ZLibStream(new MemoryStream(data), CompressionMode.Decompress);
            content = new byte[1 << 15];
            content = content[..inflated.ReadAtLeast(content, content.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            content = new byte[1 + random.Spread(12)];
        }

        if (random.OneIn(8))
            content = new byte[random.Spread(15)];
        byte[] deflated = PngBuilder.Deflate(Mutations.Bytes(content, content, random, 1 << 15));
        if (random.OneIn(6))
            Mutations.InPlace(deflated, random);
        return deflated;
    }

    /// <summary>The chunks of a file; null if it is none.</summary>
    private static List<Chunk>? Split(ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith(PngBuilder.Signature))
            return null;
        var chunks = new List<Chunk>();
        for (int at = 8; file.Length - at >= 12;)
        {
            int length = (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(file[at..]), (uint)(file.Length - at - 12));
            uint type = BinaryPrimitives.ReadUInt32BigEndian(file[(at + 4)..]);
            chunks.Add(new Chunk(type, file.Slice(at + 8, length).ToArray()));
            at += 12 + length;
        }

        return chunks;
    }

    /// <summary>A file with right lengths and checksums, but for one where there is a random to break it.</summary>
    private static byte[] Join(List<Chunk> chunks, FuzzRandom? random)
    {
        int broken = random?.Below(chunks.Count + 1) ?? -1;
        var file = new MemoryStream();
        file.Write(PngBuilder.Signature);
        Span<byte> word = stackalloc byte[4];
        for (int i = 0; i < chunks.Count; i++)
        {
            long length = i == broken && random!.OneIn(2) ? random.Number(32) : chunks[i].Data.Length;
            BinaryPrimitives.WriteUInt32BigEndian(word, (uint)length);
            file.Write(word);
            BinaryPrimitives.WriteUInt32BigEndian(word, chunks[i].Type);
            file.Write(word);
            uint crc = Crc32.Append(0, word);
            file.Write(chunks[i].Data);
            crc = Crc32.Append(crc, chunks[i].Data);
            BinaryPrimitives.WriteUInt32BigEndian(word, i == broken ? crc ^ 1 : crc);
            file.Write(word);
        }

        return file.ToArray();
    }

    private sealed record Chunk(uint Type, byte[] Data)
    {
        public const uint Ihdr = 0x49484452, Plte = 0x504C5445, Idat = 0x49444154, Iend = 0x49454E44;
        public const uint Trns = 0x74524E53, Exif = 0x65584966;
    }
}
