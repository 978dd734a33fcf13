using System.Buffers.Binary;
using System.IO.Compression;

namespace Tfic.Imaging;

/// <summary>Writes PNG files: 8-bit grey or RGB, each row with the filter that leaves the least to code.</summary>
public static class PngWriter
{
    private const int IdatLength = 1 << 16;

    /// <summary>Writes a picture.</summary>
    /// <param name="stream">Where to; not closed, need not seek.</param>
    /// <param name="picture">What to write.</param>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public static void Write(Stream stream, Picture picture)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(picture);
        stream.Write(PngReader.Signature);

        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, picture.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], picture.Height);
        header[8] = 8;
        header[9] = (byte)(picture.Channels == 1 ? 0 : 2);
        header[10..].Clear();
        WriteChunk(stream, "IHDR"u8, header);

        using (var deflated = new ZLibStream(
                   new BufferedStream(new IdatStream(stream), IdatLength), CompressionLevel.Optimal))
            WriteRows(deflated, picture);
        WriteChunk(stream, "IEND"u8, []);
    }

    private static void WriteRows(ZLibStream deflated, Picture picture)
    {
        int step = picture.Channels;
        int length = picture.Width * step;
        var zeros = new byte[length];
        // One candidate row a filter, its filter byte in front.
        var candidates = new byte[5][];
        for (int filter = 0; filter < 5; filter++)
        {
            candidates[filter] = new byte[1 + length];
            candidates[filter][0] = (byte)filter;
        }

        for (int y = 0; y < picture.Height; y++)
        {
            ReadOnlySpan<byte> row = picture.Row(y);
            ReadOnlySpan<byte> above = y == 0 ? zeros : picture.Row(y - 1);
            int best = 0;
            long leastCost = long.MaxValue;
            for (int filter = 0; filter < 5; filter++)
            {
                Span<byte> filtered = candidates[filter].AsSpan(1);
                Filter(filter, row, above, step, filtered);
                long cost = Cost(filtered);
                if (cost < leastCost)
                    (best, leastCost) = (filter, cost);
            }

            deflated.Write(candidates[best]);
        }
    }

    private static void Filter(int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int step, Span<byte> to)
    {
        // The first pixel has nothing on its left: its neighbours there count as 0.
        above = above[..row.Length];
        to = to[..row.Length];
        for (int i = 0; i < step; i++)
        {
            to[i] = (byte)(row[i] - filter switch
            {
                2 => above[i],
                3 => above[i] >> 1,
                4 => PngReader.Paeth(0, above[i], 0),
                _ => 0,
            });
        }

        switch (filter)
        {
            case 0:
                row.CopyTo(to);
                break;
            case 1:
                for (int i = step; i < row.Length; i++)
                    to[i] = (byte)(row[i] - row[i - step]);
                break;
            case 2:
                for (int i = step; i < row.Length; i++)
                    to[i] = (byte)(row[i] - above[i]);
                break;
            case 3:
                for (int i = step; i < row.Length; i++)
                    to[i] = (byte)(row[i] - ((row[i - step] + above[i]) >> 1));
                break;
            default:
                for (int i = step; i < row.Length; i++)
                    to[i] = (byte)(row[i] - PngReader.Paeth(row[i - step], above[i], above[i - step]));
                break;
        }
    }

    /// <summary>The specification's heuristic: the sum of the residuals' magnitudes, taken as signed bytes.</summary>
    private static long Cost(ReadOnlySpan<byte> filtered)
    {
        long sum = 0;
        foreach (byte value in filtered)
            sum += Math.Abs((int)(sbyte)value);
        return sum;
    }

    private static void WriteChunk(Stream stream, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, data.Length);
        stream.Write(word);
        stream.Write(type);
        stream.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(word, Crc32.Append(Crc32.Append(0, type), data));
        stream.Write(word);
    }

    /// <summary>Makes an IDAT chunk of every write.</summary>
    private sealed class IdatStream(Stream target) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer) => WriteChunk(target, "IDAT"u8, buffer);

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
