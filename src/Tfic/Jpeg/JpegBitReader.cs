using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tfic.Jpeg;

/// <summary>Reads the entropy-coded bits of a scan, up to the next marker.</summary>
/// <remarks>
/// The window is 64 bits, filled from the top. Beyond the data it yields zeros and remembers that it did, so that
/// decoding needs no test a bit; <see cref="Overrun"/>, asked once an MCU, tells.
/// </remarks>
internal ref struct JpegBitReader
{
    private readonly ReadOnlySpan<byte> _bytes;
    private int _at;
    private ulong _window;
    private int _count;
    private int _invented;

    public JpegBitReader(ReadOnlySpan<byte> bytes, int at)
    {
        _bytes = bytes;
        _at = at;
    }

    /// <summary>Offset of the next byte that is not in the window: of the marker, once it has been reached.</summary>
    public readonly int Position => _at;

    /// <summary>Whether bits were consumed that the data do not have.</summary>
    public readonly bool Overrun => _count < _invented;

    /// <summary>Makes sure that 32 bits are there: a code and its value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Need32()
    {
        if (_count < 32)
            Fill();
    }

    /// <summary>The next bits, 1…32, without consuming them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int Peek(int bits) => (int)(_window >> (64 - bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Skip(int bits)
    {
        _window <<= bits;
        _count -= bits;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Take(int bits)
    {
        int value = Peek(bits);
        Skip(bits);
        return value;
    }

    /// <summary>Decodes one symbol; 32 bits must be there, and 16 of them stay.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Decode(HuffmanDecodingTable table)
    {
        int entry = table.Short[Peek(HuffmanDecodingTable.LookAhead)];
        if (entry == 0)
            return DecodeLong(table);
        Skip(entry >> 8);
        return (byte)entry;
    }

    /// <summary>Takes a value of 1…15 bits in EXTEND's form, or 0 for no bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int TakeExtended(int bits) => bits == 0 ? 0 : HuffmanDecodingTable.Extend(Take(bits), bits);

    /// <summary>Forgets the window and goes on at another offset, after a restart marker.</summary>
    public void Restart(int at)
    {
        _at = at;
        _window = 0;
        _count = 0;
        _invented = 0;
    }

    /// <summary>Decodes a whole block of a sequential scan.</summary>
    /// <param name="dc">Code of the first coefficient's difference.</param>
    /// <param name="ac">Code of the others.</param>
    /// <param name="prediction">The first coefficient of the component's block before; becomes that of this one.</param>
    /// <param name="block">64 coefficients in natural order, all zero before.</param>
    public void DecodeBlock(
        HuffmanDecodingTable dc, HuffmanDecodingTable ac, ref int prediction, ref short block)
    {
        Need32();
        int entry = dc.WithValue[Peek(HuffmanDecodingTable.LookAhead)];
        if (entry != 0)
        {
            Skip((byte)entry);
            prediction += entry >> 16;
        }
        else
        {
            int size = Decode(dc);
            if (size > 15)
                throw Damaged();
            prediction += TakeExtended(size);
        }

        block = (short)prediction;

        // The window and its count stay in registers while all codes are short and no marker is near.
        ref int entries = ref MemoryMarshal.GetArrayDataReference(ac.WithValue);
        ref byte order = ref MemoryMarshal.GetReference(ZigZag.Natural);
        ulong window = _window;
        int count = _count, k = 1;
        bool damaged = false;
        while (k < 64)
        {
            if (count < 32)
            {
                (_window, _count) = (window, count);
                Fill();
                (window, count) = (_window, _count);
            }

            entry = Unsafe.Add(ref entries, (nint)(window >> (64 - HuffmanDecodingTable.LookAhead)));
            if (entry == 0)
            {
                (_window, _count) = (window, count);
                entry = DecodeWithValue(ac);
                (window, count) = (_window, _count);
            }
            else
            {
                window <<= entry;
                count -= (byte)entry;
            }

            // Sixteen zeros may end beyond the block, as its end does.
            k += (byte)(entry >> 8);
            if (k > 63)
            {
                damaged = entry >> 16 != 0;
                break;
            }

            Unsafe.Add(ref block, Unsafe.Add(ref order, k)) = (short)(entry >> 16);
            k++;
        }

        (_window, _count) = (window, count);
        if (damaged)
            throw Damaged();
    }

    /// <summary>An AC code and its value, as <see cref="HuffmanDecodingTable.WithValue"/> has the short ones.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int DecodeWithValue(HuffmanDecodingTable ac)
    {
        int symbol = Decode(ac), run = symbol >> 4, size = symbol & 15;
        if (size == 0)
            return (run < 15 ? HuffmanDecodingTable.EndOfBlock : run) << 8;
        return TakeExtended(size) << 16 | run << 8;
    }

    private readonly TficFormatException Damaged() => new("JPEG: the coded data are damaged", _at);

    private int DecodeLong(HuffmanDecodingTable table)
    {
        int symbol = table.FindLong(Peek(16), out int length);
        if (length > 16)
            throw new TficFormatException("JPEG: the coded data hold a code that is in no table", _at);
        Skip(length);
        return symbol;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Fill()
    {
        if (_bytes.Length - _at >= 8)
        {
            ulong next = BinaryPrimitives.ReadUInt64BigEndian(_bytes[_at..]);

            // Whether any byte is 0xFF, that is, any byte of the complement is zero.
            if (((~next - 0x0101_0101_0101_0101) & next & 0x8080_8080_8080_8080) == 0)
            {
                // Bits below the whole bytes that are counted enter the window too. They are the same bits that the
                // next fill adds there, and adding is OR.
                int bytes = (63 - _count) >> 3;
                _window |= next >> _count;
                _count += bytes * 8;
                _at += bytes;
                return;
            }
        }

        while (_count <= 56)
        {
            ulong value = 0;
            if (_at < _bytes.Length && _bytes[_at] != 0xFF)
                value = _bytes[_at++];
            else if (_bytes.Length - _at >= 2 && _bytes[_at + 1] == 0)
            {
                value = 0xFF;
                _at += 2;
            }
            else
                _invented += 8;
            _window |= value << (56 - _count);
            _count += 8;
        }
    }
}
