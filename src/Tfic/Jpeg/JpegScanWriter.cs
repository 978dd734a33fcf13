using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tfic.Jpeg;

/// <summary>Entropy-codes blocks into a buffer that goes to a stream whenever it is full.</summary>
internal sealed class JpegScanWriter
{
    // A block makes at most 64 codes of 27 bits, each of whose bytes may need a zero behind it.
    private const int LargestBlock = 64 * 27 / 8 * 2 + 16;

    private readonly byte[] _buffer = new byte[1 << 16];
    private readonly short[] _coded = new short[64];
    private Stream _stream = Stream.Null;
    private int _length;

    // The lower 64 − _free bits of the window are coded bits that are not yet in the buffer.
    private ulong _window;
    private int _free;

    /// <summary>Starts a scan.</summary>
    public void Start(Stream stream)
    {
        _stream = stream;
        _length = 0;
        _window = 0;
        _free = 64;
    }

    /// <summary>Fills the last byte with ones and hands everything to the stream, which is then forgotten.</summary>
    public void Finish()
    {
        int count = 64 - _free, padding = -count & 7;
        ulong last = (_window << padding) | ((1u << padding) - 1);
        for (int left = count + padding - 8; left >= 0; left -= 8)
            PutByte((byte)(last >> left));
        _stream.Write(_buffer, 0, _length);
        _stream = Stream.Null;
    }

    /// <summary>Codes one block.</summary>
    /// <param name="block">64 levels in natural order.</param>
    /// <param name="dc">Code of sizes of differences.</param>
    /// <param name="ac">Code of runs and sizes.</param>
    /// <param name="prediction">The first level of the component's block before; becomes that of this block.</param>
    /// <exception cref="ArgumentException">A level that baseline coding has no codes for.</exception>
    public void Put(ref short block, HuffmanEncodingTable dc, HuffmanEncodingTable ac, ref int prediction)
    {
        if (_length > _buffer.Length - LargestBlock)
        {
            _stream.Write(_buffer, 0, _length);
            _length = 0;
        }

        ref short coded = ref MemoryMarshal.GetArrayDataReference(_coded);
        ref uint acEntries = ref MemoryMarshal.GetArrayDataReference(ac.Entries);
        ref byte buffer = ref MemoryMarshal.GetArrayDataReference(_buffer);
        ulong window = _window, mask = ZigZag.Scan(ref block, ref coded) & ~1ul;
        int free = _free, length = _length;

        int difference = block - prediction;
        prediction = block;
        int size = JpegWriter.Size(difference);
        if (size > JpegWriter.LargestDcSize)
            throw JpegWriter.TooLarge();
        Append(dc.Entries[size], Bits(difference, size), ref window, ref free, ref buffer, ref length);

        int before = 0;
        for (; mask != 0; mask &= mask - 1)
        {
            int k = BitOperations.TrailingZeroCount(mask), run = k - before - 1;
            before = k;
            int value = Unsafe.Add(ref coded, k);
            size = JpegWriter.Size(value);
            if (size > JpegWriter.LargestAcSize)
                throw JpegWriter.TooLarge();
            for (; run > 15; run -= 16)
                Append(Unsafe.Add(ref acEntries, 0xF0), 0, ref window, ref free, ref buffer, ref length);
            Append(Unsafe.Add(ref acEntries, run << 4 | size), Bits(value, size), ref window, ref free, ref buffer, ref length);
        }

        if (before < 63)
            Append(acEntries, 0, ref window, ref free, ref buffer, ref length);
        _window = window;
        _free = free;
        _length = length;
    }

    /// <summary>What is written for a value: its lowest bits or, if it is negative, those of one less.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bits(int value, int size) => (uint)(value + (value >> 31)) & ((1u << size) - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Append(
        uint entry, uint bits, ref ulong window, ref int free, ref byte buffer, ref int length)
    {
        ulong code = (entry & HuffmanEncodingTable.CodeMask) | bits;
        int count = (int)(entry >> HuffmanEncodingTable.CodeBits);
        free -= count;
        if (free >= 0)
        {
            window = (window << count) | code;
            return;
        }

        // The window takes what it has room for and is emptied. The rest of the code then lies below bits that are in
        // the buffer already, which later ones push out.
        ulong full = (window << (count + free)) | (code >> -free);
        window = code;
        free += 64;

        // Whether any byte is 0xFF, that is, any byte of the complement is zero.
        if (((~full - 0x0101_0101_0101_0101) & full & 0x8080_8080_8080_8080) != 0)
        {
            length = PutStuffed(full, ref buffer, length);
            return;
        }

        Unsafe.WriteUnaligned(
            ref Unsafe.Add(ref buffer, length),
            BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(full) : full);
        length += 8;
    }

    private static int PutStuffed(ulong full, ref byte buffer, int length)
    {
        for (int shift = 56; shift >= 0; shift -= 8)
        {
            byte value = (byte)(full >> shift);
            Unsafe.Add(ref buffer, length++) = value;
            if (value == 0xFF)
                Unsafe.Add(ref buffer, length++) = 0; // So that it is not taken for a marker.
        }

        return length;
    }

    private void PutByte(byte value)
    {
        _buffer[_length++] = value;
        if (value == 0xFF)
            _buffer[_length++] = 0;
    }
}
