namespace Tfic.Jpeg;

/// <summary>One Huffman code of a JPEG file, arranged for encoding.</summary>
internal sealed class HuffmanEncodingTable
{
    /// <summary>Where the length begins in <see cref="Entries"/>: a code has at most 16 bits and a value 11.</summary>
    public const int CodeBits = 27;

    /// <summary>The bits of <see cref="Entries"/> below the length.</summary>
    public const uint CodeMask = (1u << CodeBits) - 1;

    /// <summary>
    /// For each symbol, whose lowest four bits say how many bits of a value follow: its code with room for these below
    /// it and, from <see cref="CodeBits"/> on, how many bits that makes; 0 where it has none.
    /// </summary>
    public readonly uint[] Entries = new uint[256];

    /// <summary>For each symbol its code.</summary>
    public readonly ushort[] Codes = new ushort[256];

    /// <summary>For each symbol the length of its code; 0 where it has none.</summary>
    public readonly byte[] Lengths = new byte[256];

    /// <summary>Makes the table from what a DHT segment holds.</summary>
    /// <param name="counts">Number of codes of length 1…16.</param>
    /// <param name="symbols">Symbols in the order of their codes.</param>
    public HuffmanEncodingTable(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        Counts = counts.ToArray();
        Symbols = symbols.ToArray();
        int code = 0, index = 0;
        for (int length = 1; length <= 16; length++, code <<= 1)
        {
            for (int i = 0; i < counts[length - 1]; i++, index++)
            {
                // A value has at most 11 bits; symbols that say otherwise are never written.
                int symbol = symbols[index], bits = Math.Min(symbol & 15, 11);
                Codes[symbol] = (ushort)code;
                Lengths[symbol] = (byte)length;
                Entries[symbol] = (uint)(length + bits) << CodeBits | (uint)code << bits;
                code++;
            }
        }
    }

    /// <summary>Number of codes of length 1…16.</summary>
    public byte[] Counts { get; }

    /// <summary>Symbols in the order of their codes.</summary>
    public byte[] Symbols { get; }

    /// <summary>T.81, table K.3: DC differences of luma.</summary>
    public static HuffmanEncodingTable LumaDc { get; } = new(
        [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);

    /// <summary>T.81, table K.4: DC differences of chroma.</summary>
    public static HuffmanEncodingTable ChromaDc { get; } = new(
        [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);

    /// <summary>T.81, table K.5: AC coefficients of luma; run in the upper, size in the lower four bits.</summary>
    public static HuffmanEncodingTable LumaAc { get; } = new(
        [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
        [
            0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
            0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0,
            0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28,
            0x29, 0x2A, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
            0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
            0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
            0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7,
            0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3, 0xC4, 0xC5,
            0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
            0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
            0xF9, 0xFA,
        ]);

    /// <summary>T.81, table K.6: AC coefficients of chroma.</summary>
    public static HuffmanEncodingTable ChromaAc { get; } = new(
        [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
        [
            0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
            0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0,
            0x15, 0x62, 0x72, 0xD1, 0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26,
            0x27, 0x28, 0x29, 0x2A, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
            0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
            0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
            0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5,
            0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
            0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
            0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
            0xF9, 0xFA,
        ]);

    /// <summary>The best code, with lengths up to 16, for symbols that occur so often.</summary>
    /// <param name="frequencies">256 counts, at least one above 0.</param>
    public static HuffmanEncodingTable Optimal(ReadOnlySpan<long> frequencies)
    {
        int[] lengths = PackageMerge(frequencies);

        // JPEG keeps the code of all ones free: the last, longest code becomes that of no symbol. PackageMerge has
        // reserved it as symbol 256.
        var counts = new byte[16];
        var symbols = new List<byte>();
        for (int length = 1; length <= 16; length++)
        {
            for (int symbol = 0; symbol < 256; symbol++)
            {
                if (lengths[symbol] == length)
                {
                    counts[length - 1]++;
                    symbols.Add((byte)symbol);
                }
            }
        }

        return new HuffmanEncodingTable(counts, symbols.ToArray());
    }

    /// <summary>Lengths of the best code of at most 16 bits (Larmore and Hirschberg, 1990), a 257th symbol
    /// reserved at the greatest length.</summary>
    private static int[] PackageMerge(ReadOnlySpan<long> frequencies)
    {
        var leaves = new List<(long Weight, int[] Symbols)>();
        for (int symbol = 0; symbol < 256; symbol++)
        {
            if (frequencies[symbol] > 0)
                leaves.Add((frequencies[symbol], [symbol]));
        }

        leaves.Add((0, [256])); // The rarest of all, hence as long as any.
        leaves.Sort((a, b) => a.Weight.CompareTo(b.Weight));

        // At each of 16 levels the leaves are merged with pairs of the level below. A symbol's length is the number of
        // times it is in the 2n − 2 lightest items of the last level.
        var items = new List<(long Weight, int[] Symbols)>();
        for (int level = 0; level < 16; level++)
        {
            var merged = new List<(long Weight, int[] Symbols)>(leaves);
            for (int i = 0; i + 1 < items.Count; i += 2)
                merged.Add((items[i].Weight + items[i + 1].Weight, [.. items[i].Symbols, .. items[i + 1].Symbols]));
            merged.Sort((a, b) => a.Weight.CompareTo(b.Weight));
            items = merged;
        }

        var lengths = new int[257];
        for (int i = 0; i < 2 * leaves.Count - 2; i++)
        {
            foreach (int symbol in items[i].Symbols)
                lengths[symbol]++;
        }

        return lengths;
    }
}
