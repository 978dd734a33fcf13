namespace Tfic.Jpeg;

/// <summary>One Huffman code of a JPEG file, arranged for decoding.</summary>
/// <remarks>
/// The next <see cref="LookAhead"/> bits index a table that holds the symbol and its length if the code is that
/// short. A second table goes further for AC coefficients: where code and value together fit, it holds both.
/// Longer codes are found by comparing 16 bits with the first code beyond each length.
/// </remarks>
internal sealed class HuffmanDecodingTable
{
    /// <summary>Bits that the tables look ahead.</summary>
    public const int LookAhead = 9;

    /// <summary>For the next bits: length of the code times 256 plus its symbol; 0 where the code is longer.</summary>
    public readonly ushort[] Short = new ushort[1 << LookAhead];

    /// <summary>
    /// For the next bits, where they hold a code and its whole value: value times 65536, plus zero run times 256, plus
    /// bits of both; 0 elsewhere. AC codes without a value are the run <see cref="EndOfBlock"/>, and fifteen zeros
    /// before a zero.
    /// </summary>
    public readonly int[] WithValue = new int[1 << LookAhead];

    /// <summary>A run of zeros that no block can hold.</summary>
    public const int EndOfBlock = 128;

    // Files of one maker have the same tables: those that a thread made last are kept.
    [ThreadStatic]
    private static HuffmanDecodingTable?[]? s_recent;

    [ThreadStatic]
    private static int s_next;

    // First 16-bit pattern beyond the codes of each length; symbol index of a code = code + offset.
    private readonly int[] _limit = new int[18];
    private readonly int[] _offset = new int[17];
    private readonly byte[] _counts;
    private readonly byte[] _symbols;
    private readonly bool _isAc;

    /// <summary>Makes the tables, or finds those of an equal code.</summary>
    /// <param name="counts">Number of codes of length 1…16.</param>
    /// <param name="symbols">Symbols in the order of their codes.</param>
    /// <param name="isAc">Whether symbols are runs and sizes, not sizes alone.</param>
    /// <param name="offset">Where in the file, for errors.</param>
    /// <exception cref="TficFormatException">The lengths make no code.</exception>
    public static HuffmanDecodingTable Make(
        ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols, bool isAc, long offset)
    {
        HuffmanDecodingTable?[] recent = s_recent ??= new HuffmanDecodingTable?[8];
        foreach (HuffmanDecodingTable? table in recent)
        {
            if (table is not null && table._isAc == isAc && counts.SequenceEqual(table._counts)
                && symbols.SequenceEqual(table._symbols))
                return table;
        }

        return recent[s_next++ & 7] = new HuffmanDecodingTable(counts, symbols, isAc, offset);
    }

    /// <summary>Makes the tables.</summary>
    /// <param name="counts">Number of codes of length 1…16.</param>
    /// <param name="symbols">Symbols in the order of their codes.</param>
    /// <param name="isAc">Whether symbols are runs and sizes, not sizes alone.</param>
    /// <param name="offset">Where in the file, for errors.</param>
    /// <exception cref="TficFormatException">The lengths make no code.</exception>
    private HuffmanDecodingTable(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols, bool isAc, long offset)
    {
        _counts = counts.ToArray();
        _isAc = isAc;
        _symbols = symbols.ToArray();
        int code = 0, index = 0;
        for (int length = 1; length <= 16; length++)
        {
            _offset[length] = index - code;
            for (int i = 0; i < counts[length - 1]; i++, code++, index++)
            {
                if (code >= 1 << length)
                    throw new TficFormatException(
                        "JPEG: a Huffman table has more codes than fit their lengths", offset);
                if (length <= LookAhead)
                    Short.AsSpan(code << (LookAhead - length), 1 << (LookAhead - length))
                        .Fill((ushort)(length << 8 | symbols[index]));
            }

            _limit[length] = code << (16 - length);
            code <<= 1;
        }

        _limit[17] = int.MaxValue;
        FillWithValue();
    }

    /// <summary>Decodes a code longer than <see cref="LookAhead"/> bits.</summary>
    /// <param name="bits">The next 16 bits.</param>
    /// <param name="length">Length of the code; 17 if the bits are no code.</param>
    /// <returns>The symbol.</returns>
    public int FindLong(int bits, out int length)
    {
        length = LookAhead + 1;
        while (bits >= _limit[length])
            length++;
        return length > 16 ? 0 : _symbols[(bits >> (16 - length)) + _offset[length]];
    }

    /// <summary>The value of which <paramref name="count"/> bits are given (T.81, EXTEND).</summary>
    /// <remarks>Values whose first bit is 0 stand for negative numbers, counted up from −(2^count − 1).</remarks>
    public static int Extend(int bits, int count) =>
        bits < 1 << (count - 1) ? bits - (1 << count) + 1 : bits;

    private void FillWithValue()
    {
        for (int bits = 0; bits < Short.Length; bits++)
        {
            int length = Short[bits] >> 8, run = _isAc ? (Short[bits] >> 4) & 15 : 0;
            int size = _isAc ? Short[bits] & 15 : (byte)Short[bits];
            if (length == 0 || length + size > LookAhead)
                continue;
            if (size == 0)
            {
                WithValue[bits] = (_isAc && run < 15 ? EndOfBlock : run) << 8 | length;
                continue;
            }

            int value = Extend((bits >> (LookAhead - length - size)) & ((1 << size) - 1), size);
            WithValue[bits] = (value << 16) | (run << 8) | (length + size);
        }
    }
}
