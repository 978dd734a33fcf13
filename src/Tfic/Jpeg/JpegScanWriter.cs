using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tfic.Jpeg;

/// <summary>Entropy-codes blocks into a buffer that goes to a stream whenever it is full.</summary>
/// <remarks>
/// Blocks are first brought into the order of coding, many of them, and then coded. Where a block's last code is
/// cannot be predicted, so each block costs the processor a wrong guess; with its mask and levels at hand it does not
/// have to wait for them too.
/// </remarks>
internal sealed class JpegScanWriter
{
    private const int Batch = 64;

    // A block makes at most 64 codes of 27 bits, each of whose bytes may need a zero behind it.
    private const int LargestBlock = 64 * 27 / 8 * 2 + 16;

    private readonly byte[] _buffer = new byte[1 << 16];
    private readonly short[] _coded = new short[Batch * 64];
    private readonly ulong[] _masks = new ulong[Batch];
    private readonly int[] _differences = new int[Batch];
    private readonly byte[] _tables = new byte[Batch];
    private Stream _stream = Stream.Null;
    private HuffmanEncodingTable[] _dc = [], _ac = [];
    private int _waiting;
    private int _length;

    // The lowest _count bits of the window, fewer than eight between blocks, are coded but not yet in the buffer.
    private ulong _window;
    private int _count;

    /// <summary>Starts a scan.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="dc">Codes of sizes of differences, by table.</param>
    /// <param name="ac">Codes of runs and sizes, by table.</param>
    public void Start(Stream stream, HuffmanEncodingTable[] dc, HuffmanEncodingTable[] ac)
    {
        _stream = stream;
        _dc = dc;
        _ac = ac;
        _waiting = 0;
        _length = 0;
        _window = 0;
        _count = 0;
    }

    /// <summary>Fills the last byte with ones and hands everything to the stream, which is then forgotten.</summary>
    /// <exception cref="ArgumentException">A level that baseline coding has no codes for.</exception>
    public void Finish()
    {
        CodeWaiting();
        if (_count > 0)
            PutBytes((_window << (64 - _count)) | (ulong.MaxValue >> _count), 1);
        _stream.Write(_buffer, 0, _length);
        _stream = Stream.Null;
    }

    /// <summary>Takes one block.</summary>
    /// <param name="block">64 levels in natural order.</param>
    /// <param name="table">Which codes.</param>
    /// <param name="prediction">The first level of the component's block before; becomes that of this block.</param>
    /// <exception cref="ArgumentException">A level that baseline coding has no codes for.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(ref short block, int table, ref int prediction)
    {
        int at = _waiting;
        _masks[at] = ZigZag.Scan(ref block, ref _coded[at * 64]) & ~1ul;
        _differences[at] = block - prediction;
        _tables[at] = (byte)table;
        prediction = block;
        _waiting = at + 1;
        if (at + 1 == Batch)
            CodeWaiting();
    }

    private void CodeWaiting()
    {
        ref byte buffer = ref MemoryMarshal.GetArrayDataReference(_buffer);
        for (int block = 0; block < _waiting; block++)
        {
            if (_length > _buffer.Length - LargestBlock)
            {
                _stream.Write(_buffer, 0, _length);
                _length = 0;
            }

            // The window and its count stay in registers while a block is coded. What happens seldom finds them in their
            // fields.
            ulong window = _window;
            int count = _count, table = _tables[block], difference = _differences[block];
            int zeros = LeadingZeros(difference);
            if (zeros < 32 - JpegWriter.LargestDcSize)
                throw JpegWriter.TooLarge();
            uint entry = _dc[table].Entries[32 - zeros];
            ulong code = (entry & HuffmanEncodingTable.CodeMask) | Bits(difference, zeros);
            int added = (int)(entry >> HuffmanEncodingTable.CodeBits);
            window = (window << added) | code; // at most 7 + 16 + 11 bits
            count += added;

            ref uint acEntries = ref MemoryMarshal.GetArrayDataReference(_ac[table].Entries);
            ref short coded = ref _coded[block * 64];
            int before = 0;
            for (ulong mask = _masks[block]; mask != 0; mask &= mask - 1)
            {
                int k = BitOperations.TrailingZeroCount(mask), run = k - before - 1, value = Unsafe.Add(ref coded, k);
                before = k;
                zeros = LeadingZeros(value);
                if (zeros < 32 - JpegWriter.LargestAcSize)
                    throw JpegWriter.TooLarge();
                if (run > 15)
                {
                    (_window, _count) = (window, count);
                    AppendZeros(run >> 4, ref acEntries);
                    (window, count, run) = (_window, _count, run & 15);
                }

                entry = Unsafe.Add(ref acEntries, (run << 4) + 32 - zeros);
                code = (entry & HuffmanEncodingTable.CodeMask) | Bits(value, zeros);
                added = (int)(entry >> HuffmanEncodingTable.CodeBits);
                count += added;
                if (count <= 64)
                    window = (window << added) | code;
                else
                    (window, count) = (AppendToFull(window, count, code, added), count - 64);
            }

            if (before < 63)
            {
                code = acEntries & HuffmanEncodingTable.CodeMask;
                added = (int)(acEntries >> HuffmanEncodingTable.CodeBits);
                count += added;
                if (count <= 64)
                    window = (window << added) | code;
                else
                    (window, count) = (AppendToFull(window, count, code, added), count - 64);
            }

            // Whole bytes leave the window here, where it costs no decision, so that few blocks fill it on their way.
            ulong full = window << (64 - count);
            if (HasMarker(full))
                PutBytes(full, count >> 3);
            else
            {
                WriteBigEndian(ref Unsafe.Add(ref buffer, _length), full);
                _length += count >> 3;
            }

            _window = window;
            _count = count & 7;
        }

        _waiting = 0;
    }

    /// <summary>Leading zeros of the magnitude, without a decision that cannot be predicted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LeadingZeros(int value) =>
        BitOperations.LeadingZeroCount((uint)((value ^ (value >> 31)) - (value >> 31)));

    /// <summary>What is written for a value: its lowest bits or, if it is negative, those of one less.</summary>
    /// <param name="value">The value.</param>
    /// <param name="zeros">Leading zeros of its magnitude. Those of 0, which are 32, shift by nothing: 0 remains.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bits(int value, int zeros) => (uint)(value + (value >> 31)) & (uint.MaxValue >> zeros);

    /// <summary>Codes of sixteen zeros, on the fields.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AppendZeros(int times, ref uint acEntries)
    {
        uint entry = Unsafe.Add(ref acEntries, 0xF0);
        ulong code = entry & HuffmanEncodingTable.CodeMask;
        int added = (int)(entry >> HuffmanEncodingTable.CodeBits);
        for (; times > 0; times--)
        {
            int count = _count + added;
            if (count <= 64)
                (_window, _count) = ((_window << added) | code, count);
            else
                (_window, _count) = (AppendToFull(_window, count, code, added), count - 64);
        }
    }

    /// <summary>
    /// Fills the window up and empties it into the buffer. The rest of the code then lies below bits that are in the
    /// buffer already, which later ones push out.
    /// </summary>
    /// <returns>The new window.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong AppendToFull(ulong window, int count, ulong code, int added)
    {
        int rest = count - 64;
        PutBytes((window << (added - rest)) | (code >> rest), 8);
        return code;
    }

    /// <summary>Whether any byte is 0xFF, that is, any byte of the complement is zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool HasMarker(ulong bytes) =>
        ((~bytes - 0x0101_0101_0101_0101) & bytes & 0x8080_8080_8080_8080) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteBigEndian(ref byte target, ulong bytes) => Unsafe.WriteUnaligned(
        ref target, BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(bytes) : bytes);

    /// <summary>Writes the upper bytes, with a zero behind each 0xFF, so that it is not taken for a marker.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void PutBytes(ulong bytes, int count)
    {
        ref byte buffer = ref MemoryMarshal.GetArrayDataReference(_buffer);
        if (!HasMarker(bytes))
        {
            WriteBigEndian(ref Unsafe.Add(ref buffer, _length), bytes);
            _length += count;
            return;
        }

        for (; count > 0; count--, bytes <<= 8)
        {
            byte value = (byte)(bytes >> 56);
            Unsafe.Add(ref buffer, _length++) = value;
            if (value == 0xFF)
                Unsafe.Add(ref buffer, _length++) = 0;
        }
    }
}
