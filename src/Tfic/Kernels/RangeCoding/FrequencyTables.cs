namespace Tfic.Kernels.RangeCoding;

/// <summary>An immutable set of integer probability tables, each over all of int32.</summary>
/// <remarks>
/// <para>
/// A table gives the values around its centre a frequency out of 2¹⁶ each, in the order centre, −1, +1, −2, +2, …
/// (symbol 0, 1, 2, …); its last symbol is the escape, behind which any other int32 is coded with raw bits. Symbol k
/// owns the slots [start(k), start(k) + frequency(k)), where start(k) is the sum of the frequencies before it.
/// </para>
/// <para>
/// Why 2¹⁶: at text-level rates nearly all symbols are near certain. A symbol that is always the same costs at least
/// −log₂(1 − 1/2ᵖ) because the escape keeps one slot: at p = 12 that is 17 bits for the 49,152 latents of a 512 × 256
/// picture, as much as 4% of a 400-bit stream; at p = 16 it is 1 bit. Why the centre first: its interval then starts
/// at 0, where the range coder's shortest codeword is the empty one, and a search from the front ends soonest.
/// </para>
/// </remarks>
public sealed class FrequencyTables
{
    /// <summary>Binary logarithm of <see cref="Total"/>.</summary>
    public const int Precision = 16;

    /// <summary>Sum of the frequencies of every table.</summary>
    public const int Total = 1 << Precision;

    /// <summary>Largest centre, of either sign: no value of a table can then leave int32.</summary>
    public const int MaxCentre = 1 << 30;

    /// <summary>
    /// Binary logarithm of the number of slots that share an entry of the lookup that the fast rows start their
    /// search from.
    /// </summary>
    internal const int BucketBits = 8;

    private readonly int[] _centres;
    private readonly int[] _lengths;
    private readonly int[] _frequencies;
    private readonly int[] _firsts;
    private readonly uint[] _starts;
    private readonly ushort[] _buckets;
    private readonly float[] _bits;

    /// <summary>Makes a set of tables.</summary>
    /// <param name="centres">
    /// The value of symbol 0 of each table; at most 256 tables, so that a byte can name one.
    /// </param>
    /// <param name="lengths">Number of symbols of each table, the escape included: 2…65,536.</param>
    /// <param name="frequencies">All tables' frequencies, one table behind the other; each at least 1, and
    /// <see cref="Total"/> in the sum over a table.</param>
    /// <exception cref="ArgumentException">Anything else; the message says which table.</exception>
    public FrequencyTables(ReadOnlySpan<int> centres, ReadOnlySpan<int> lengths, ReadOnlySpan<int> frequencies)
    {
        if (centres.Length is < 1 or > 256 || centres.Length != lengths.Length)
        {
            throw new ArgumentException(
                $"{centres.Length} centres and {lengths.Length} lengths: there must be as many, 1…256.");
        }

        long total = 0;
        foreach (int length in lengths)
        {
            if (length is < 2 or > Total)
                throw new ArgumentException($"A table of {length} symbols: 2…{Total} are possible.");
            total += length;
        }

        foreach (int centre in centres)
        {
            if (centre is < -MaxCentre or > MaxCentre)
                throw new ArgumentException($"A table centred at {centre}: ±{MaxCentre} is the most.");
        }

        if (total != frequencies.Length)
            throw new ArgumentException($"{frequencies.Length} frequencies, where the lengths add up to {total}.");

        _centres = centres.ToArray();
        _lengths = lengths.ToArray();
        _frequencies = frequencies.ToArray();
        _firsts = new int[lengths.Length];
        _starts = new uint[frequencies.Length + lengths.Length];
        _bits = new float[frequencies.Length];
        _buckets = new ushort[lengths.Length << (Precision - BucketBits)];
        int first = 0;
        for (int t = 0; t < lengths.Length; t++)
        {
            // One more start than frequencies: the last is Total, so a search needs no test for the end.
            _firsts[t] = first + t;
            long start = 0;
            for (int k = 0; k < lengths[t]; k++)
            {
                int frequency = _frequencies[first + k];
                if (frequency < 1)
                    throw new ArgumentException(
                        $"Table {t} gives symbol {k} the frequency {frequency}; 1 is the least.");
                _starts[_firsts[t] + k] = (uint)start;
                _bits[first + k] = (float)(Precision - Math.Log2(frequency));
                start += frequency;
                if (start > Total)
                    break;
            }

            if (start != Total)
                throw new ArgumentException($"The frequencies of table {t} do not add up to {Total}.");
            _starts[_firsts[t] + lengths[t]] = Total;
            FillBuckets(t);
            first += lengths[t];
        }
    }

    /// <summary>Number of tables.</summary>
    public int Count => _lengths.Length;

    /// <summary>The value of symbol 0 of each table.</summary>
    public ReadOnlySpan<int> Centres => _centres;

    /// <summary>Number of symbols of each table, the escape included.</summary>
    public ReadOnlySpan<int> Lengths => _lengths;

    /// <summary>All tables' frequencies, one table behind the other.</summary>
    public ReadOnlySpan<int> Frequencies => _frequencies;

    /// <summary>Where each table begins in <see cref="Starts"/>.</summary>
    internal ReadOnlySpan<int> Firsts => _firsts;

    /// <summary>All tables' starts, each table closed by <see cref="Total"/>.</summary>
    internal ReadOnlySpan<uint> Starts => _starts;

    /// <summary>
    /// For each table and each slot that is a multiple of 2^<see cref="BucketBits"/>: the symbol that owns it.
    /// </summary>
    internal ReadOnlySpan<ushort> Buckets => _buckets;

    /// <summary>Information content of a value, in bits, the raw bits behind an escape included.</summary>
    /// <param name="table">Index of the table.</param>
    /// <param name="value">Any value.</param>
    public double Bits(int table, int value)
    {
        long index = SymbolValue.ToIndex(value, _centres[table]);
        int escape = _lengths[table] - 1;
        int first = _firsts[table] - table;
        return index < escape
            ? _bits[first + (int)index]
            : _bits[first + escape] + EscapeCode.BitCount((ulong)(index - escape));
    }

    /// <summary>Information content of each symbol, laid out as <see cref="Frequencies"/>.</summary>
    internal ReadOnlySpan<float> SymbolBits => _bits;

    private void FillBuckets(int table)
    {
        int perTable = Total >> BucketBits;
        int symbol = 0;
        for (int b = 0; b < perTable; b++)
        {
            while (_starts[_firsts[table] + symbol + 1] <= (uint)(b << BucketBits))
                symbol++;
            _buckets[(table * perTable) + b] = (ushort)symbol;
        }
    }
}

/// <summary>The order in which a table lists values: centre, −1, +1, −2, +2, … for symbols 0, 1, 2, …</summary>
internal static class SymbolValue
{
    /// <summary>Symbol of a value as if the table had no end; up to 2³³.</summary>
    public static long ToIndex(int value, int centre)
    {
        long difference = (long)value - centre;
        return difference < 0 ? (-2 * difference) - 1 : 2 * difference;
    }

    /// <summary>Value of a symbol; beyond int32 where the symbol is none of an int32.</summary>
    public static long FromIndex(long index, int centre) =>
        centre + ((index & 1) != 0 ? -((index >> 1) + 1) : index >> 1);
}

/// <summary>
/// What follows an escape: e, by how much the value's index exceeds the escape's, in Exp-Golomb code of order 0.
/// With v = e + 1 of n + 1 binary digits: n zeros, then the digits of v from the highest, each a raw bit.
/// </summary>
internal static class EscapeCode
{
    /// <summary>Indexes stay below 2³³, so v has at most 34 digits and n is at most 33.</summary>
    public const int MaxZeros = 33;

    public static int Zeros(ulong excess) => 63 - System.Numerics.BitOperations.LeadingZeroCount(excess + 1);

    public static int BitCount(ulong excess) => (2 * Zeros(excess)) + 1;
}
