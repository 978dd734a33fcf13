using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.RangeCoding;

/// <summary>Where a decoder of interleaved lanes stands in its stream.</summary>
internal struct RansState
{
    /// <summary>The lanes' states, each at least 2²⁴ while the stream is sound.</summary>
    public RansLanes States;

    /// <summary>Offset of the next byte.</summary>
    public int Position;

    /// <summary>Lane of the next symbol.</summary>
    public int Lane;

    /// <summary>Reads the lanes' states.</summary>
    /// <param name="stream">The whole stream.</param>
    /// <param name="state">Receives the decoder's state.</param>
    /// <returns>False if the stream is too short or a state is below 2²⁴.</returns>
    public static bool TryStart(ReadOnlySpan<byte> stream, out RansState state)
    {
        state = default;
        if (stream.Length < RansLanes.StateBytes)
            return false;
        for (int lane = 0; lane < RansLanes.Count; lane++)
        {
            state.States[lane] = BinaryPrimitives.ReadUInt32LittleEndian(stream[(4 * lane)..]);
            if (state.States[lane] < RansLanes.Least)
                return false;
        }

        state.Position = RansLanes.StateBytes;
        return true;
    }

    /// <summary>Whether all bytes are used up and every lane is back where the encoder began.</summary>
    public readonly bool IsAtEnd(ReadOnlySpan<byte> stream)
    {
        ReadOnlySpan<uint> states = States;
        return Position == stream.Length && !states.ContainsAnyExcept(RansLanes.Least);
    }

    /// <summary>Finishes a symbol of the next lane; false if bytes are needed and the stream has ended.</summary>
    public bool Take(ReadOnlySpan<byte> stream, Interval interval)
    {
        uint x = States[Lane];
        x = (interval.Frequency * (x >> 16)) + (x & 0xFFFF) - interval.Start;
        if (x < RansLanes.Least)
        {
            if (x >= RansLanes.Least >> 8)
            {
                if (Position >= stream.Length)
                    return false;
                x = (x << 8) | stream[Position++];
            }
            else
            {
                if (Position > stream.Length - 2)
                    return false;
                x = (x << 16) | BinaryPrimitives.ReadUInt16LittleEndian(stream[Position..]);
                Position += 2;
            }
        }

        States[Lane] = x;
        Lane = (Lane + 1) % RansLanes.Count;
        return true;
    }
}

/// <summary>Decodes the symbols of all chunks of a run, but not the raw bits behind them.</summary>
/// <param name="stream">The whole stream.</param>
/// <param name="bounds">Where each chunk begins in the stream, and where the last one ends; all within it.</param>
/// <param name="chunkBits">Binary logarithm of a full chunk's symbols.</param>
/// <param name="tables">The tables.</param>
/// <param name="tableIndexes">For each symbol of the run the index of its table.</param>
/// <param name="differences">As in <see cref="SymbolDecodingKernel{TState}"/>.</param>
/// <param name="states">
/// Where each chunk's decoder stands: at its chunk's beginning; moved on. A position of −1 says that the chunk ended too
/// soon.
/// </param>
internal delegate void ChunkDecodingKernel(
    ReadOnlySpan<byte> stream,
    ReadOnlySpan<int> bounds,
    int chunkBits,
    FrequencyTables tables,
    ReadOnlySpan<byte> tableIndexes,
    Span<int> differences,
    Span<RansState> states);

/// <summary>The rows that decode streams with 32 lanes.</summary>
/// <remarks>
/// There is no native row: the steps of the AVX-512 row, written in C++ and compiled by gcc 12, take 1.04 ns a symbol
/// where they take 1.08 here (one table of 2.4 or 6.0 bits; 0.50 and 0.52 for 0.1 bits, 1.18 and 1.23 for all 64
/// tables). Gathers of eight buckets at a time, which .NET does not offer, are slower: 1.11 and 1.48.
/// </remarks>
internal static partial class RansDecoding
{
    public static readonly VariantTable<SymbolDecodingKernel<RansState>> Table = new(
        "rans-decoding",
        new Variant<SymbolDecodingKernel<RansState>>("reference", true, 0, Reference),
        new Variant<SymbolDecodingKernel<RansState>>("lookup", true, 0, Lookup),
        new Variant<SymbolDecodingKernel<RansState>>("vector128", IsVector128Supported, 0, Vector128Row),
        new Variant<SymbolDecodingKernel<RansState>>("vector256", Avx2.IsSupported, 0, Vector256Row),
        new Variant<SymbolDecodingKernel<RansState>>("vector512", IsVector512Supported, 0, Vector512Row));

    /// <summary>One bit at probability one half; null if the stream is damaged.</summary>
    public static bool? RawBit(ref RansState state, ReadOnlySpan<byte> stream)
    {
        bool one = (state.States[state.Lane] & 0x8000) != 0;
        return state.Take(stream, Interval.RawBit(one)) ? one : null;
    }

    /// <summary>One lane after the other; searches each table from its front.</summary>
    internal static int Reference(
        ref RansState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<int> differences)
    {
        for (int i = 0; i < tableIndexes.Length; i++)
        {
            int table = tableIndexes[i];
            int first = tables.Firsts[table];
            uint slot = state.States[state.Lane] & 0xFFFF;
            int symbol = 0;
            while (tables.Starts[first + symbol + 1] <= slot)
                symbol++;
            if (!state.Take(stream, tables.Intervals[first + symbol]))
                return i;
            differences[i] = SymbolValue.Difference(symbol, tables.Lengths[table]);
        }

        return tableIndexes.Length;
    }

    /// <summary>Starts each search from the slot's bucket; lanes are independent, so their latencies overlap.</summary>
    internal static int Lookup(
        ref RansState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<int> differences)
    {
        ReadOnlySpan<int> firsts = tables.Firsts;
        ReadOnlySpan<int> lengths = tables.Lengths;
        ReadOnlySpan<Interval> intervals = tables.Intervals;
        ReadOnlySpan<Bucket> buckets = tables.Buckets;
        ReadOnlySpan<int> bucketBases = tables.BucketBases;
        ReadOnlySpan<int> bucketShifts = tables.BucketShifts;
        differences = differences[..tableIndexes.Length];
        for (int i = 0; i < tableIndexes.Length; i++)
        {
            int table = tableIndexes[i];
            uint slot = state.States[state.Lane] & 0xFFFF;
            int symbol = buckets[bucketBases[table] - BucketMap.Place(slot, bucketShifts[table])].Near(slot);
            ReadOnlySpan<Interval> of = intervals.Slice(firsts[table], lengths[table]);
            while (slot - of[symbol].Start >= of[symbol].Frequency)
                symbol++;
            if (!state.Take(stream, of[symbol]))
                return i;
            differences[i] = SymbolValue.Difference(symbol, of.Length);
        }

        return tableIndexes.Length;
    }
}
