using System.Buffers.Binary;

namespace Tfic.Kernels.RangeCoding;

/// <summary>Where a range decoder stands in its stream.</summary>
internal struct RangeState
{
    /// <summary>The stream's number less the interval's low end, in units of the interval's last digit.</summary>
    public ulong Code;

    /// <summary>Size of the interval in the same unit; at least <see cref="RangeEncoder.Least"/> between symbols.</summary>
    public ulong Range;

    /// <summary>Bytes read, zeros behind the end included.</summary>
    public long Position;

    public static RangeState Start(ReadOnlySpan<byte> stream)
    {
        RangeState state = default;
        state.Range = ulong.MaxValue;
        state.Code = ReadStep(stream, ref state.Position);
        state.Code = (state.Code << RangeEncoder.StepBits) | ReadStep(stream, ref state.Position);
        for (int i = 2 * RangeEncoder.StepBytes; i < sizeof(ulong); i++, state.Position++)
            state.Code = (state.Code << 8) | (state.Position < stream.Length ? stream[(int)state.Position] : 0u);
        return state;
    }

    /// <summary>Size of one of the 2¹⁶ slots.</summary>
    public readonly ulong Unit => Range >> FrequencyTables.Precision;

    /// <summary>The slot that the stream's number lies in; 2¹⁶ or more only if the stream is damaged.</summary>
    public readonly ulong Slot => Code / Unit;

    public void Take(ReadOnlySpan<byte> stream, ulong unit, uint start, uint frequency)
    {
        Code -= unit * start;
        Range = unit * frequency;
        if (Range < RangeEncoder.Least)
        {
            Code = (Code << RangeEncoder.StepBits) | ReadStep(stream, ref Position);
            Range <<= RangeEncoder.StepBits;
        }
    }

    /// <summary>The next three bytes; what is behind the stream's end reads as zeros.</summary>
    public static uint ReadStep(ReadOnlySpan<byte> stream, ref long position)
    {
        uint step = 0;
        if (position + 4 <= stream.Length)
        {
            step = BinaryPrimitives.ReadUInt32BigEndian(stream[(int)position..]) >> (32 - RangeEncoder.StepBits);
        }
        else
        {
            for (int i = 0; i < RangeEncoder.StepBytes; i++)
                step = (step << 8) | (position + i < stream.Length ? stream[(int)position + i] : 0u);
        }

        position += RangeEncoder.StepBytes;
        return step;
    }
}

/// <summary>Decodes symbols of a stream, from where its decoder stands.</summary>
/// <typeparam name="TState">
/// Where the decoder stands: <see cref="RangeState"/> (one lane, see <see cref="RangeEncoder"/>) or
/// <see cref="RansState"/> (32 lanes, see <see cref="RansLanes"/>).
/// </typeparam>
/// <param name="state">Moved on.</param>
/// <param name="stream">The whole stream; nothing behind its end is read.</param>
/// <param name="tables">The tables.</param>
/// <param name="tableIndexes">For each symbol the index of its table, all below <c>tables.Count</c>.</param>
/// <param name="differences">
/// Receives what each symbol adds to its table's centre, <see cref="SymbolValue.Escape"/> where it is the table's last;
/// as long as <paramref name="tableIndexes"/>.
/// </param>
/// <returns>The number of symbols decoded: fewer than asked for only if the stream is damaged.</returns>
internal delegate int SymbolDecodingKernel<TState>(
    ref TState state,
    ReadOnlySpan<byte> stream,
    FrequencyTables tables,
    ReadOnlySpan<byte> tableIndexes,
    Span<int> differences)
    where TState : struct;

/// <summary>The rows that decode streams with one lane.</summary>
internal static class RangeDecoding
{
    public static readonly VariantTable<SymbolDecodingKernel<RangeState>> Table = new(
        "range-decoding",
        new Variant<SymbolDecodingKernel<RangeState>>("reference", true, 0, Reference),
        new Variant<SymbolDecodingKernel<RangeState>>("lookup", true, 0, Lookup));

    /// <summary>One bit at probability one half; null if the stream is damaged.</summary>
    public static bool? RawBit(ref RangeState state, ReadOnlySpan<byte> stream)
    {
        ulong slot = state.Slot;
        if (slot >= FrequencyTables.Total)
            return null;
        bool one = slot >= 0x8000;
        state.Take(stream, state.Unit, one ? 0x8000u : 0, 0x8000);
        return one;
    }

    /// <summary>Searches each table from its front.</summary>
    internal static int Reference(
        ref RangeState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<int> differences)
    {
        for (int i = 0; i < tableIndexes.Length; i++)
        {
            int table = tableIndexes[i];
            int first = tables.Firsts[table];
            ulong slot = state.Slot;
            if (slot >= FrequencyTables.Total)
                return i;
            int symbol = 0;
            while (tables.Starts[first + symbol + 1] <= slot)
                symbol++;
            uint start = tables.Starts[first + symbol];
            state.Take(stream, state.Unit, start, tables.Starts[first + symbol + 1] - start);
            differences[i] = SymbolValue.Difference(symbol, tables.Lengths[table]);
        }

        return tableIndexes.Length;
    }

    /// <summary>
    /// Needs no division where symbol 0 is certain enough to win by one comparison, and otherwise starts its search
    /// from the bucket of the slot.
    /// </summary>
    internal static int Lookup(
        ref RangeState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<int> differences)
    {
        ReadOnlySpan<int> firsts = tables.Firsts;
        ReadOnlySpan<int> lengths = tables.Lengths;
        ReadOnlySpan<Interval> intervals = tables.Intervals;
        ReadOnlySpan<Bucket> buckets = tables.Buckets;
        ReadOnlySpan<ushort> commonest = tables.FirstFrequencies;
        ReadOnlySpan<int> bucketBases = tables.BucketBases;
        ReadOnlySpan<int> bucketShifts = tables.BucketShifts;
        differences = differences[..tableIndexes.Length];
        differences.Clear();
        ulong code = state.Code;
        ulong range = state.Range;
        int i = 0;
        for (; i < tableIndexes.Length; i++)
        {
            int table = tableIndexes[i];
            ulong unit = range >> FrequencyTables.Precision;
            range = unit * commonest[table];
            if (code >= range)
            {
                ulong slot = code / unit;
                if (slot >= FrequencyTables.Total)
                    break;

                int symbol = buckets[bucketBases[table] - BucketMap.Place((uint)slot, bucketShifts[table])].Near((uint)slot);
                ReadOnlySpan<Interval> of = intervals.Slice(firsts[table], lengths[table]);
                while ((uint)slot - of[symbol].Start >= of[symbol].Frequency)
                    symbol++;
                code -= unit * of[symbol].Start;
                range = unit * of[symbol].Frequency;
                differences[i] = SymbolValue.Difference(symbol, of.Length);
            }

            if (range < RangeEncoder.Least)
            {
                code = (code << RangeEncoder.StepBits) | RangeState.ReadStep(stream, ref state.Position);
                range <<= RangeEncoder.StepBits;
            }
        }

        state.Code = code;
        state.Range = range;
        return i;
    }
}
