using System.Buffers.Binary;
using System.IO.Compression;
using Tfic.Imaging;

namespace Tfic.Tests.Imaging;

/// <summary>Makes PNG files of every kind, right and wrong, without any code of the reader's.</summary>
internal sealed class PngBuilder
{
    private readonly List<(string Type, byte[] Data)> _chunks = [];

    public static byte[] Signature => [137, 80, 78, 71, 13, 10, 26, 10];

    public static byte[] Header(int width, int height, int depth, int colour, bool interlaced)
    {
        var data = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(data, width);
        BinaryPrimitives.WriteInt32BigEndian(data.AsSpan(4), height);
        data[8] = (byte)depth;
        data[9] = (byte)colour;
        data[12] = interlaced ? (byte)1 : (byte)0;
        return data;
    }

    /// <summary>The IDAT content of samples[y, x, channel]; row y of each pass is filtered with filter y mod 5.</summary>
    public static byte[] Data(int[,,] samples, int depth, bool interlaced)
    {
        int height = samples.GetLength(0), width = samples.GetLength(1), channels = samples.GetLength(2);
        using var content = new MemoryStream();
        (int X0, int Y0, int Dx, int Dy)[] passes = interlaced
            ? [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
            : [(0, 0, 1, 1)];
        int step = Math.Max(1, channels * depth / 8);
        foreach ((int x0, int y0, int dx, int dy) in passes)
        {
            byte[]? above = null;
            int filter = 0;
            for (int y = y0; y < height; y += dy)
            {
                var bits = new List<bool>();
                for (int x = x0; x < width; x += dx)
                {
                    for (int c = 0; c < channels; c++)
                    {
                        for (int bit = depth - 1; bit >= 0; bit--)
                            bits.Add(((samples[y, x, c] >> bit) & 1) == 1);
                    }
                }

                if (bits.Count == 0)
                    continue;
                var row = new byte[(bits.Count + 7) / 8];
                for (int i = 0; i < bits.Count; i++)
                    row[i / 8] |= (byte)((bits[i] ? 1 : 0) << (7 - i % 8));
                above ??= new byte[row.Length];
                content.WriteByte((byte)filter);
                for (int i = 0; i < row.Length; i++)
                {
                    int a = i >= step ? row[i - step] : 0, b = above[i], c = i >= step ? above[i - step] : 0;
                    int guess = filter switch { 0 => 0, 1 => a, 2 => b, 3 => (a + b) / 2, _ => Paeth(a, b, c) };
                    content.WriteByte((byte)(row[i] - guess));
                }

                above = row;
                filter = (filter + 1) % 5;
            }
        }

        return Deflate(content.ToArray());
    }

    public static byte[] Deflate(byte[] content)
    {
        using var deflated = new MemoryStream();
        using (var stream = new ZLibStream(deflated, CompressionLevel.Optimal, leaveOpen: true))
            stream.Write(content);
        return deflated.ToArray();
    }

    /// <summary>Rewrites every checksum, so that a change gets past them.</summary>
    public static void RepairChecksums(byte[] file)
    {
        int at = 8;
        while (file.Length - at >= 12)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at));
            if (length > file.Length - at - 12)
                return;
            uint crc = Crc(file.AsSpan(at + 4, (int)length + 4));
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(at + 8 + (int)length), crc);
            at += 12 + (int)length;
        }
    }

    public PngBuilder Add(string type, params byte[] data)
    {
        _chunks.Add((type, data));
        return this;
    }

    public byte[] ToArray()
    {
        var bytes = new List<byte>(Signature);
        foreach ((string type, byte[] data) in _chunks)
        {
            byte[] body = [.. System.Text.Encoding.ASCII.GetBytes(type), .. data];
            var word = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(word, data.Length);
            bytes.AddRange(word);
            bytes.AddRange(body);
            BinaryPrimitives.WriteUInt32BigEndian(word, Crc(body));
            bytes.AddRange(word);
        }

        return [.. bytes];
    }

    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }

        return ~crc;
    }

    private static int Paeth(int a, int b, int c)
    {
        int p = a + b - c;
        int best = Math.Min(Math.Abs(p - a), Math.Min(Math.Abs(p - b), Math.Abs(p - c)));
        return Math.Abs(p - a) == best ? a : Math.Abs(p - b) == best ? b : c;
    }
}
