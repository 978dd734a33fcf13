using System.Buffers.Binary;

namespace Tfic.Kernels.RangeCoding;

/// <summary>Where a range decoder stands in its stream.</summary>
internal struct RangeState
{
    /// <summary>The stream's number less the interval's low end, in units of the interval's last digit.</summary>
    public ulong Code;

    /// <summary>Size of the interval in the same unit; at least 2³² between symbols.</summary>
    public ulong Range;

    /// <summary>Bytes read, zeros behind the end included.</summary>
    public long Position;

    public static RangeState Start(ReadOnlySpan<byte> stream)
    {
        RangeState state = default;
        state.Range = ulong.MaxValue;
        state.Code = ((ulong)state.Read32(stream) << 32) | state.Read32(stream);
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
        if (Range < 1UL << 32)
        {
            Code = (Code << 32) | Read32(stream);
            Range <<= 32;
        }
    }

    private uint Read32(ReadOnlySpan<byte> stream)
    {
        uint word = 0;
        if (Position + 4 <= stream.Length)
        {
            word = BinaryPrimitives.ReadUInt32BigEndian(stream[(int)Position..]);
        }
        else
        {
            for (int i = 0; i < 4; i++)
                word = (word << 8) | (Position + i < stream.Length ? stream[(int)Position + i] : 0u);
        }

        Position += 4;
        return word;
    }
}

/// <summary>Decodes symbols of a stream with one lane (see <see cref="RangeEncoding"/>).</summary>
/// <param name="state">Where the decoder stands; moved on.</param>
/// <param name="stream">The whole stream; what is behind its end reads as zeros.</param>
/// <param name="tables">The tables.</param>
/// <param name="tableIndexes">For each symbol the index of its table, all below <c>tables.Count</c>.</param>
/// <param name="symbols">Receives the symbols; as long as <paramref name="tableIndexes"/>.</param>
/// <returns>The number of symbols decoded: fewer than asked for only if the stream is damaged.</returns>
internal delegate int RangeDecodingKernel(
    ref RangeState state,
    ReadOnlySpan<byte> stream,
    FrequencyTables tables,
    ReadOnlySpan<byte> tableIndexes,
    Span<ushort> symbols);

/// <summary>The rows that decode streams with one lane.</summary>
internal static class RangeDecoding
{
    public static readonly VariantTable<RangeDecodingKernel> Table = new(
        "range-decoding",
        new Variant<RangeDecodingKernel>("reference", true, 0, Reference),
        new Variant<RangeDecodingKernel>("lookup", true, 0, Lookup));

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
        Span<ushort> symbols)
    {
        for (int i = 0; i < tableIndexes.Length; i++)
        {
            int first = tables.Firsts[tableIndexes[i]];
            ulong slot = state.Slot;
            if (slot >= FrequencyTables.Total)
                return i;
            int symbol = 0;
            while (tables.Starts[first + symbol + 1] <= slot)
                symbol++;
            uint start = tables.Starts[first + symbol];
            state.Take(stream, state.Unit, start, tables.Starts[first + symbol + 1] - start);
            symbols[i] = (ushort)symbol;
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
        Span<ushort> symbols)
    {
        RangeState local = state;
        ReadOnlySpan<int> firsts = tables.Firsts;
        ReadOnlySpan<uint> starts = tables.Starts;
        ReadOnlySpan<ushort> buckets = tables.Buckets;
        const int BucketsPerTable = FrequencyTables.Total >> FrequencyTables.BucketBits;
        symbols = symbols[..tableIndexes.Length];
        int i = 0;
        for (; i < tableIndexes.Length; i++)
        {
            int table = tableIndexes[i];
            ReadOnlySpan<uint> of = starts[firsts[table]..];
            ulong unit = local.Unit;
            ulong boundary = unit * of[1];
            if (local.Code < boundary)
            {
                local.Range = boundary;
                if (boundary < 1UL << 32)
                    local.Take(stream, boundary, 0, 1);
                symbols[i] = 0;
                continue;
            }

            ulong slot = local.Code / unit;
            if (slot >= FrequencyTables.Total)
                break;
            int symbol = buckets[(table * BucketsPerTable) + (int)(slot >> FrequencyTables.BucketBits)];
            while (of[symbol + 1] <= slot)
                symbol++;
            local.Take(stream, unit, of[symbol], of[symbol + 1] - of[symbol]);
            symbols[i] = (ushort)symbol;
        }

        state = local;
        return i;
    }
}
