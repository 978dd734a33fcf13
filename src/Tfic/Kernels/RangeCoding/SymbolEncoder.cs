using System.Runtime.InteropServices;

namespace Tfic.Kernels.RangeCoding;

/// <summary>How symbols were turned into a stream of bytes.</summary>
public enum CodingMode : byte
{
    /// <summary>One lane: the fewest bytes.</summary>
    Range = 0,

    /// <summary>32 interleaved lanes: fast, at the price of up to 0.25% and 64 bytes.</summary>
    Interleaved = 1,
}

/// <summary>Codes integers with given probability tables. Reusable; for one thread at a time.</summary>
/// <remarks>
/// Values come in runs. A value that its table lacks is coded as the table's escape, and what the escapes of a run
/// stand for follows behind the run, so that rows need not look for escapes while they decode a run.
/// </remarks>
public sealed class SymbolEncoder
{
    /// <summary>
    /// From this information content on, the lanes' cost is at most 0.2% of the stream and buys speed.
    /// </summary>
    public const double InterleavedFromBits = 8 * 32768;

    private Interval[] _intervals = new Interval[1024];
    private byte[] _output = [];
    private int _count;

    /// <summary>Information content of all values since the last <see cref="Clear"/>: Σ −log₂ p, in bits.</summary>
    public double InformationBits { get; private set; }

    /// <summary>Forgets all values; keeps the memory.</summary>
    public void Clear()
    {
        _count = 0;
        InformationBits = 0;
    }

    /// <summary>Adds a run of values.</summary>
    /// <param name="tables">The probability tables.</param>
    /// <param name="tableIndexes">For each value the index of its table.</param>
    /// <param name="values">The values; as many.</param>
    /// <exception cref="ArgumentException">Lengths differ, or an index names no table.</exception>
    public void Add(FrequencyTables tables, ReadOnlySpan<byte> tableIndexes, ReadOnlySpan<int> values)
    {
        ArgumentNullException.ThrowIfNull(tables);
        RunCheck.Validate(tables, tableIndexes, values.Length);
        Reserve(values.Length);
        double bits = 0;
        int escapes = 0;
        for (int i = 0; i < values.Length; i++)
        {
            int table = tableIndexes[i];
            long index = SymbolValue.ToIndex(values[i], tables.Centres[table]);
            int escape = tables.Lengths[table] - 1;
            if (index >= escape)
            {
                index = escape;
                escapes++;
            }

            int at = tables.Firsts[table] + (int)index;
            uint start = tables.Starts[at];
            _intervals[_count++] = new Interval((ushort)start, (ushort)(tables.Starts[at + 1] - start));
            bits += tables.SymbolBits[at - table];
        }

        for (int i = 0; escapes > 0; i++)
        {
            int table = tableIndexes[i];
            long excess = SymbolValue.ToIndex(values[i], tables.Centres[table]) - (tables.Lengths[table] - 1);
            if (excess < 0)
                continue;
            bits += AddEscape((ulong)excess);
            escapes--;
        }

        InformationBits += bits;
    }

    /// <summary>Turns the values into bytes, with the mode that suits their information content.</summary>
    /// <param name="mode">Receives the mode, which the decoder must be told.</param>
    /// <returns>The stream; valid until the next call.</returns>
    public ReadOnlySpan<byte> Finish(out CodingMode mode)
    {
        mode = InformationBits >= InterleavedFromBits ? CodingMode.Interleaved : CodingMode.Range;
        return Finish(mode);
    }

    /// <summary>Turns the values into bytes.</summary>
    /// <param name="mode">How.</param>
    /// <returns>The stream; valid until the next call.</returns>
    public ReadOnlySpan<byte> Finish(CodingMode mode)
    {
        ReadOnlySpan<Interval> intervals = _intervals.AsSpan(0, _count);
        int needed = mode switch
        {
            CodingMode.Range => RangeEncoding.MaxBytes(_count),
            CodingMode.Interleaved => RansEncoding.MaxBytes(_count),
            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "No such coding mode."),
        };
        if (_output.Length < needed)
            _output = new byte[needed];
        return mode == CodingMode.Range
            ? _output.AsSpan(0, RangeEncoding.Encode(intervals, _output))
            : _output.AsSpan(^RansEncoding.Encode(intervals, _output)..);
    }

    private int AddEscape(ulong excess)
    {
        int zeros = EscapeCode.Zeros(excess);
        int bits = EscapeCode.BitCount(excess);
        Reserve(bits);
        for (int i = bits - 1; i >= 0; i--)
            _intervals[_count++] = Interval.RawBit(i <= zeros && (((excess + 1) >> i) & 1) != 0);
        return bits;
    }

    private void Reserve(int more)
    {
        if (_intervals.Length - _count >= more)
            return;
        long doubled = Math.Min(2L * _intervals.Length, Array.MaxLength);
        Array.Resize(ref _intervals, (int)Math.Max(doubled, checked(_count + more)));
    }
}

/// <summary>What encoder and decoder require of a run.</summary>
internal static class RunCheck
{
    public static void Validate(FrequencyTables tables, ReadOnlySpan<byte> tableIndexes, int values)
    {
        if (tableIndexes.Length != values)
            throw new ArgumentException(
                $"{values} values and {tableIndexes.Length} table indexes: there must be as many.");
        if (tables.Count < 256 && tableIndexes.ContainsAnyInRange((byte)tables.Count, byte.MaxValue))
            throw new ArgumentException(
                $"A table index names none of the {tables.Count} tables.", nameof(tableIndexes));
    }
}
