using System.Runtime.Intrinsics;

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
    /// Number of tables of which two vector registers of 512 bits hold 16 bits each: the model's latent tables.
    /// </summary>
    internal const int VectorTables = 64;

    private readonly int[] _centres;
    private readonly int[] _lengths;
    private readonly int[] _frequencies;
    private readonly int[] _firsts;
    private readonly uint[] _starts;
    private readonly Interval[] _intervals;
    private readonly Bucket[] _buckets;
    private readonly ushort[] _firstFrequencies;
    private readonly int[] _bucketShifts;
    private readonly int[] _bucketBases;
    private readonly ushort[] _packed = new ushort[5 * VectorTables];

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
        AreCentredAtZero = !centres.ContainsAnyExcept(0);
        _lengths = lengths.ToArray();
        _frequencies = frequencies.ToArray();
        _firsts = new int[lengths.Length];
        _starts = new uint[frequencies.Length + lengths.Length];
        _intervals = new Interval[_starts.Length];
        _bucketShifts = new int[lengths.Length];
        _bucketBases = new int[lengths.Length];
        _firstFrequencies = new ushort[lengths.Length];
        int first = 0;
        int bucketCount = 0;
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
                _intervals[_firsts[t] + k] = new Interval((ushort)start, (ushort)frequency);
                start += frequency;
                if (start > Total)
                    break;
            }

            if (start != Total)
                throw new ArgumentException($"The frequencies of table {t} do not add up to {Total}.");
            _starts[_firsts[t] + lengths[t]] = Total;
            _firstFrequencies[t] = (ushort)_frequencies[first];
            first += lengths[t];

            _bucketShifts[t] = BucketMap.Shift(lengths[t]);
            _bucketBases[t] = bucketCount + BucketMap.Place(0, _bucketShifts[t]);
            bucketCount = _bucketBases[t] - BucketMap.Place(Total - 1, _bucketShifts[t]) + 1;
        }

        _buckets = new Bucket[bucketCount];
        for (int t = 0; t < lengths.Length; t++)
            FillBuckets(t);
        PackForVectors();
    }

    /// <summary>Number of tables.</summary>
    public int Count => _lengths.Length;

    /// <summary>The value of symbol 0 of each table.</summary>
    public ReadOnlySpan<int> Centres => _centres;

    /// <summary>Number of symbols of each table, the escape included.</summary>
    public ReadOnlySpan<int> Lengths => _lengths;

    /// <summary>All tables' frequencies, one table behind the other.</summary>
    public ReadOnlySpan<int> Frequencies => _frequencies;

    /// <summary>Where each table begins in <see cref="Starts"/> and <see cref="Intervals"/>.</summary>
    internal ReadOnlySpan<int> Firsts => _firsts;

    /// <summary>All tables' starts, each table closed by <see cref="Total"/>.</summary>
    internal ReadOnlySpan<uint> Starts => _starts;

    /// <summary>All tables' intervals, laid out as <see cref="Starts"/>; each table is closed by an empty one.</summary>
    internal ReadOnlySpan<Interval> Intervals => _intervals;

    /// <summary>
    /// For each table and each of its buckets (see <see cref="BucketMap"/>): the symbol that owns the bucket's first
    /// slot.
    /// </summary>
    internal ReadOnlySpan<Bucket> Buckets => _buckets;

    /// <summary>
    /// For each table what <see cref="BucketMap.Place"/> of a slot is taken from to give its bucket's index in
    /// <see cref="Buckets"/>.
    /// </summary>
    internal ReadOnlySpan<int> BucketBases => _bucketBases;

    /// <summary>How many digits each table's buckets leave out: see <see cref="BucketMap"/>.</summary>
    internal ReadOnlySpan<int> BucketShifts => _bucketShifts;

    /// <summary>Each table's frequency of symbol 0, usually the most frequent.</summary>
    internal ReadOnlySpan<ushort> FirstFrequencies => _firstFrequencies;

    /// <summary>Whether symbol 0 of every table stands for 0, as it does in the latents' tables.</summary>
    internal bool AreCentredAtZero { get; }

    /// <summary>
    /// Whether the vector rows can hold what they need of each table in registers, in 16 bits:
    /// <see cref="PackedForVectors"/>.
    /// </summary>
    internal bool FitVectors =>
        Count <= VectorTables && _starts.Length <= Total && _buckets.Length <= Total;

    /// <summary>
    /// If <see cref="FitVectors"/>, <see cref="VectorTables"/> elements each: first interval, escape's symbol, bucket
    /// base, bucket shift, and frequency of symbol 0 of every table. Bucket bases are cut to 16 bits, in which the
    /// buckets' indexes are right all the same.
    /// </summary>
    internal ReadOnlySpan<ushort> PackedForVectors => _packed;

    /// <summary>Information content of a value, in bits, the raw bits behind an escape included.</summary>
    /// <param name="table">Index of the table.</param>
    /// <param name="value">Any value.</param>
    public double Bits(int table, int value)
    {
        long index = SymbolValue.ToIndex(value, _centres[table]);
        int escape = _lengths[table] - 1;
        int first = _firsts[table];
        return index < escape
            ? _intervals[first + (int)index].Bits
            : _intervals[first + escape].Bits + EscapeCode.BitCount((ulong)(index - escape));
    }

    private void FillBuckets(int table)
    {
        ReadOnlySpan<uint> starts = _starts.AsSpan(_firsts[table]);
        int filled = FindBucket(table, 0);
        for (int symbol = 0; symbol < _lengths[table]; symbol++)
        {
            uint last = starts[symbol + 1] - 1;
            int lastBucket = FindBucket(table, last);
            for (; filled <= lastBucket; filled++)
            {
                _buckets[filled] = new Bucket(
                    (ushort)symbol,
                    (ushort)starts[symbol],
                    (ushort)last,
                    symbol + 1 < _lengths[table] ? (ushort)(starts[symbol + 2] - 1) : ushort.MaxValue);
            }
        }
    }

    private int FindBucket(int table, uint slot) =>
        _bucketBases[table] - BucketMap.Place(slot, _bucketShifts[table]);

    private void PackForVectors()
    {
        if (!FitVectors)
            return;
        for (int t = 0; t < Count; t++)
        {
            _packed[t] = (ushort)_firsts[t];
            _packed[VectorTables + t] = (ushort)(_lengths[t] - 1);
            _packed[(2 * VectorTables) + t] = (ushort)_bucketBases[t];
            _packed[(3 * VectorTables) + t] = (ushort)_bucketShifts[t];
            _packed[(4 * VectorTables) + t] = _firstFrequencies[t];
        }
    }
}

/// <summary>What a bucket tells of the two symbols that own its first slots.</summary>
/// <param name="Symbol">The symbol that owns the bucket's first slot.</param>
/// <param name="Start">The first slot of that symbol.</param>
/// <param name="Last">The last slot of that symbol.</param>
/// <param name="NextLast">The last slot of the symbol behind it.</param>
/// <remarks>Packed in 64 bits, as the vector rows read it.</remarks>
internal readonly record struct Bucket(ushort Symbol, ushort Start, ushort Last, ushort NextLast)
{
    /// <summary>The slot's own symbol, or one before it: where a search begins.</summary>
    public int Near(uint slot) => Symbol + (slot > Last ? 1 : 0);
}

/// <summary>Which slots share an entry of the lookup that the fast rows start their search from.</summary>
/// <remarks>
/// Symbols come by falling probability, so a table's last slots are crowded with rare symbols: buckets of one width
/// would be too wide there or too many elsewhere. These halve with the number of slots that are left: a bucket is what
/// a float32 of that number, a little increased, tells in its exponent and its first few digits. That number falls
/// while slots rise, so a bucket's index is a table's base less it. Of Gaussian tables of any scale a search from there
/// takes one step or two.
/// </remarks>
internal static class BucketMap
{
    /// <summary>
    /// By how much the number of slots behind a slot is increased; without it, most buckets would serve a few slots.
    /// </summary>
    public const int Bias = 16;

    /// <summary>Digits that are dropped of a table's float32: four or more stay, as many as a long table needs.</summary>
    public static int Shift(int symbols) =>
        23 - Math.Clamp(System.Numerics.BitOperations.Log2((uint)symbols / 6) + 1, 4, 10);

    /// <summary>A slot's bucket, counted backwards.</summary>
    public static int Place(uint slot, int shift) =>
        BitConverter.SingleToInt32Bits(FrequencyTables.Total - 1 - (int)slot + Bias) >> shift;
}

/// <summary>The order in which a table lists values: centre, −1, +1, −2, +2, … for symbols 0, 1, 2, …</summary>
internal static class SymbolValue
{
    /// <summary>
    /// What decoders write for a table's last symbol: no other one is as far from its table's centre, for a table has
    /// 2¹⁶ at most.
    /// </summary>
    public const int Escape = int.MinValue;

    /// <summary>Symbol of a value as if the table had no end; up to 2³³.</summary>
    public static long ToIndex(int value, int centre)
    {
        long difference = (long)value - centre;
        return difference < 0 ? (-2 * difference) - 1 : 2 * difference;
    }

    /// <summary>Value of a symbol; beyond int32 where the symbol is none of an int32.</summary>
    public static long FromIndex(long index, int centre) =>
        centre + ((index & 1) != 0 ? -((index >> 1) + 1) : index >> 1);

    /// <summary>What a symbol of a table adds to the table's centre.</summary>
    /// <param name="symbol">The symbol.</param>
    /// <param name="length">The table's number of symbols.</param>
    /// <returns>The difference, or <see cref="Escape"/> for the table's last symbol.</returns>
    public static int Difference(int symbol, int length) =>
        symbol == length - 1 ? Escape : (symbol >> 1) ^ -(symbol & 1);
}

/// <summary>
/// What follows an escape: e, by how much the value's index exceeds the escape's, in Exp-Golomb code of order 0.
/// With v = e + 1 of n + 1 binary digits: n zeros, then the digits of v from the highest, each a raw bit.
/// </summary>
internal static class EscapeCode
{
    /// <summary>Indexes stay below 2³³, so v has at most 34 digits and n is at most 33.</summary>
    public const int MaxZeros = 33;

    /// <summary>Raw bits of the longest code.</summary>
    public const int MaxBits = (2 * MaxZeros) + 1;

    public static int Zeros(ulong excess) => 63 - System.Numerics.BitOperations.LeadingZeroCount(excess + 1);

    public static int BitCount(ulong excess) => (2 * Zeros(excess)) + 1;

    /// <summary>Writes the code as intervals.</summary>
    /// <param name="excess">e.</param>
    /// <param name="bits">At least <see cref="MaxBits"/> long.</param>
    /// <returns>The code: the front of <paramref name="bits"/>.</returns>
    public static Span<Interval> Write(ulong excess, Span<Interval> bits)
    {
        int zeros = Zeros(excess);
        int count = BitCount(excess);
        for (int i = 0; i < count; i++)
        {
            int place = count - 1 - i;
            bits[i] = Interval.RawBit(place <= zeros && (((excess + 1) >> place) & 1) != 0);
        }

        return bits[..count];
    }
}
