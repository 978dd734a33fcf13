using System.Buffers.Binary;
using System.Text;
using Tfic.Imaging;

namespace Tfic.Networks;

/// <summary>
/// A zip archive whose files are stored without compression, as PyTorch writes them: each is a slice of the archive.
/// </summary>
/// <remarks>
/// Layout after PKWARE's application note: local headers with the files' bytes, then the central directory, then its
/// end record (with a 64-bit one before it where PyTorch writes it). Nothing is unpacked, so nothing can grow.
/// </remarks>
internal sealed class StoredZip
{
    private const uint LocalHeader = 0x04034B50, CentralHeader = 0x02014B50, EndRecord = 0x06054B50;
    private const uint EndRecord64 = 0x06064B50, EndLocator64 = 0x07064B50;
    private const string Remedy = "The file is truncated or damaged; copy it again.";

    private static readonly UTF8Encoding Utf8 = new(false);

    private readonly ReadOnlyMemory<byte> _file;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Reads the directory.</summary>
    /// <param name="file">The archive.</param>
    /// <exception cref="TficFormatException">Damaged, compressed or encrypted.</exception>
    public StoredZip(ReadOnlyMemory<byte> file)
    {
        _file = file;
        ReadOnlySpan<byte> bytes = file.Span;
        (long start, long length, long count) = FindDirectory(bytes);
        ReadOnlySpan<byte> directory = bytes.Slice((int)start, (int)length);
        int position = 0;
        for (long i = 0; i < count; i++)
            ReadEntry(directory, start, ref position);
        if (position != directory.Length)
            throw new TficFormatException($"The archive's directory has bytes too many. {Remedy}", start + position);
    }

    /// <summary>Names of the files.</summary>
    public IEnumerable<string> Names => _entries.Keys;

    /// <summary>A file's bytes, after its checksum was verified.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="offset">Where it starts in the archive.</param>
    /// <exception cref="TficFormatException">No such file, or its checksum does not match.</exception>
    public ReadOnlyMemory<byte> File(string name, out long offset)
    {
        if (!_entries.TryGetValue(name, out Entry entry))
            throw new TficFormatException($"The archive lacks the file '{name}'. {Remedy}");
        ReadOnlySpan<byte> bytes = _file.Span;
        int header = (int)entry.Header;
        if (entry.Header + 30 > entry.Limit || BinaryPrimitives.ReadUInt32LittleEndian(bytes[header..]) != LocalHeader)
            throw new TficFormatException($"The header of '{name}' is missing. {Remedy}", header);
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(header + 26)..]);
        long start = entry.Header + 30 + nameLength + BinaryPrimitives.ReadUInt16LittleEndian(bytes[(header + 28)..]);
        if (start > entry.Limit - entry.Length)
            throw new TficFormatException($"'{name}' does not fit into the archive. {Remedy}", header);
        if (Utf8.GetString(bytes.Slice(header + 30, nameLength)) != name)
            throw new TficFormatException($"'{name}' has another name in its own header. {Remedy}", header);

        offset = start;
        ReadOnlyMemory<byte> content = _file.Slice((int)start, (int)entry.Length);
        if (Crc32.Append(0, content.Span) != entry.Crc)
        {
            throw new TficFormatException(
                $"The checksum of '{name}' does not match. {Remedy} If PyTorch was told to leave checksums out " +
                "(torch.serialization.set_crc32_options), save it again with them.",
                start);
        }

        return content;
    }

    private static (long Start, long Length, long Count) FindDirectory(ReadOnlySpan<byte> bytes)
    {
        const int RecordLength = 22;
        int at = bytes.Length - RecordLength;
        for (int lowest = Math.Max(0, at - ushort.MaxValue); ; at--)
        {
            if (at < lowest)
                throw new TficFormatException($"The archive has no directory at its end. {Remedy}", bytes.Length);
            if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]) == EndRecord
                && BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 20)..]) == bytes.Length - at - RecordLength)
            {
                break;
            }
        }

        ReadOnlySpan<byte> end = bytes[at..];
        ulong count = BinaryPrimitives.ReadUInt16LittleEndian(end[10..]);
        ulong length = BinaryPrimitives.ReadUInt32LittleEndian(end[12..]);
        ulong start = BinaryPrimitives.ReadUInt32LittleEndian(end[16..]);
        if (count == ushort.MaxValue || length == uint.MaxValue || start == uint.MaxValue)
        {
            if (at < 20 || BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at - 20)..]) != EndLocator64)
                throw new TficFormatException($"The archive's 64-bit directory is missing. {Remedy}", at);
            ulong record = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(at - 12)..]);
            if (record > (ulong)at || (ulong)at - record < 56
                || BinaryPrimitives.ReadUInt32LittleEndian(bytes[(int)record..]) != EndRecord64)
            {
                throw new TficFormatException($"The archive's 64-bit directory is missing. {Remedy}", at);
            }

            count = BinaryPrimitives.ReadUInt64LittleEndian(bytes[((int)record + 32)..]);
            length = BinaryPrimitives.ReadUInt64LittleEndian(bytes[((int)record + 40)..]);
            start = BinaryPrimitives.ReadUInt64LittleEndian(bytes[((int)record + 48)..]);
        }

        return start <= (ulong)at && length <= (ulong)at - start && count <= length / 46
            ? ((long)start, (long)length, (long)count)
            : throw new TficFormatException($"The archive's directory lies outside the file. {Remedy}", at);
    }

    private void ReadEntry(ReadOnlySpan<byte> directory, long start, ref int position)
    {
        int at = position;
        ReadOnlySpan<byte> header = directory[at..];
        if (header.Length < 46 || BinaryPrimitives.ReadUInt32LittleEndian(header) != CentralHeader)
            throw new TficFormatException($"The archive's directory is damaged. {Remedy}", start + at);
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(header[28..]);
        int extraLength = BinaryPrimitives.ReadUInt16LittleEndian(header[30..]);
        int total = 46 + nameLength + extraLength + BinaryPrimitives.ReadUInt16LittleEndian(header[32..]);
        if (total > header.Length)
            throw new TficFormatException($"The archive's directory is damaged. {Remedy}", start + at);
        position = at + total;

        string name = Utf8.GetString(header.Slice(46, nameLength));
        int flags = BinaryPrimitives.ReadUInt16LittleEndian(header[8..]);
        int method = BinaryPrimitives.ReadUInt16LittleEndian(header[10..]);
        if (method != 0 || (flags & 1) != 0)
        {
            throw new TficFormatException(
                $"'{name}' is compressed or encrypted, which PyTorch never does. Unpack the archive, or save it again.",
                start + at);
        }

        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(header[16..]);
        ulong packed = BinaryPrimitives.ReadUInt32LittleEndian(header[20..]);
        ulong length = BinaryPrimitives.ReadUInt32LittleEndian(header[24..]);
        ulong local = BinaryPrimitives.ReadUInt32LittleEndian(header[42..]);
        Widen(header.Slice(46 + nameLength, extraLength), ref length, ref packed, ref local);

        // Files lie before the directory.
        if (packed != length || length > (ulong)start || local > (ulong)start - length)
            throw new TficFormatException($"'{name}' lies outside the archive. {Remedy}", start + at);
        if (!_entries.TryAdd(name, new Entry((long)local, (long)length, start, crc)))
            throw new TficFormatException($"The archive holds two files '{name}'. {Remedy}", start + at);
    }

    // The 64-bit extra field (tag 1) holds, in this order, those of the numbers that do not fit their 32-bit places.
    private static void Widen(ReadOnlySpan<byte> extra, ref ulong length, ref ulong packed, ref ulong local)
    {
        while (extra.Length >= 4)
        {
            int tag = BinaryPrimitives.ReadUInt16LittleEndian(extra);
            int size = Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]), extra.Length - 4);
            if (tag == 1)
            {
                ReadOnlySpan<byte> wide = extra.Slice(4, size);
                Replace(ref length, ref wide);
                Replace(ref packed, ref wide);
                Replace(ref local, ref wide);
            }

            extra = extra[(4 + size)..];
        }

        static void Replace(ref ulong number, ref ReadOnlySpan<byte> wide)
        {
            if (number != uint.MaxValue || wide.Length < 8)
                return;
            number = BinaryPrimitives.ReadUInt64LittleEndian(wide);
            wide = wide[8..];
        }
    }

    private readonly record struct Entry(long Header, long Length, long Limit, uint Crc);
}
