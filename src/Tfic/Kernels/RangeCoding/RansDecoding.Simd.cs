using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.RangeCoding;

/// <remarks>
/// A vector of lanes looks up its slots' buckets, which tell of two symbols; the few lanes whose symbol is further on
/// search one by one. Bytes are dealt to the lanes that need some in lane order, as the scalar rows do. Whatever the
/// stream's bytes are, slots are below 2¹⁶ and table indexes are checked by the caller, so lookups stay inside the
/// tables.
/// </remarks>
internal static unsafe partial class RansDecoding
{
    /// <summary>The most lanes of a vector.</summary>
    private const int Lanes = 16;

    private static bool IsVector128Supported => Vector128.IsHardwareAccelerated && BitConverter.IsLittleEndian;

    private static bool IsVector512Supported =>
        Avx512Vbmi2.VL.IsSupported && Avx512BW.VL.IsSupported && Avx2.IsSupported;

    /// <summary>Eight vectors of four lanes; lookups lane by lane.</summary>
    internal static int Vector128Row(
        ref RansState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<ushort> symbols)
    {
        int i = ToLaneZero(ref state, stream, tables, tableIndexes, symbols, out bool isSound);
        if (!isSound)
            return i;
        ref uint states = ref Unsafe.As<RansLanes, uint>(ref state.States);
        fixed (int* firsts = tables.Firsts)
        fixed (int* lengths = tables.Lengths)
        fixed (int* bucketBases = tables.BucketBases)
        fixed (int* bucketShifts = tables.BucketShifts)
        fixed (Interval* intervals = tables.Intervals)
        fixed (Bucket* buckets = tables.Buckets)
        fixed (byte* indexes = tableIndexes)
        fixed (ushort* output = symbols[..tableIndexes.Length])
        fixed (byte* bytes = stream)
        {
            uint* found = stackalloc uint[4];

            // Eight bytes are read for four lanes, whether or not all are needed.
            for (; i <= tableIndexes.Length - RansLanes.Count &&
                state.Position <= stream.Length - (2 * RansLanes.Count); i += RansLanes.Count)
            {
                int position = state.Position;
                for (int v = 0; v < RansLanes.Count; v += 4)
                {
                    Vector128<uint> x = Vector128.LoadUnsafe(ref states, (nuint)v);
                    for (int lane = 0; lane < 4; lane++)
                    {
                        int table = indexes[i + v + lane];
                        uint slot = Unsafe.Add(ref states, v + lane) & 0xFFFF;
                        int symbol = buckets[bucketBases[table] + BucketMap.Find(slot, bucketShifts[table])].Near(slot);
                        Interval* of = intervals + firsts[table];
                        while (slot - of[symbol].Start >= of[symbol].Frequency)
                            symbol++;
                        found[lane] = *(uint*)(of + symbol);
                        output[i + v + lane] = symbol == lengths[table] - 1 ? SymbolValue.Escape : (ushort)symbol;
                    }

                    Vector128<uint> interval = Vector128.Load(found);
                    Vector128<uint> low16 = Vector128.Create(0xFFFFu);
                    x = ((interval >>> 16) * (x >>> 16)) + (x & low16) - (interval & low16);
                    position += Deal(ref x, bytes + position);
                    x.StoreUnsafe(ref states, (nuint)v);
                }

                state.Position = position;
            }
        }

        return i + Lookup(ref state, stream, tables, tableIndexes[i..], symbols[i..]);
    }

    /// <summary>Four vectors of eight lanes.</summary>
    internal static int Vector256Row(
        ref RansState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<ushort> symbols)
    {
        int i = ToLaneZero(ref state, stream, tables, tableIndexes, symbols, out bool isSound);
        if (!isSound)
            return i;
        RansLanes held = state.States;
        uint* lanes = (uint*)&held;
        fixed (int* lengths = tables.Lengths)
        fixed (int* bucketBases = tables.BucketBases)
        fixed (int* bucketShifts = tables.BucketShifts)
        fixed (Bucket* buckets = tables.Buckets)
        fixed (byte* indexes = tableIndexes)
        fixed (ushort* output = symbols[..tableIndexes.Length])
        fixed (byte* bytes = stream)
        {
            uint* found = stackalloc uint[3 * Lanes];
            Vector256<int> low16 = Vector256.Create(0xFFFF);
            for (; i <= tableIndexes.Length - RansLanes.Count &&
                state.Position <= stream.Length - (2 * RansLanes.Count); i += RansLanes.Count)
            {
                int position = state.Position;
                for (int v = 0; v < RansLanes.Count; v += 8)
                {
                    Vector256<int> table = Avx2.ConvertToVector256Int32(indexes + i + v);
                    Vector256<int> escape = Avx2.GatherVector256(lengths, table, 4) - Vector256<int>.One;
                    Vector256<int> bucketBase = Avx2.GatherVector256(bucketBases, table, 4);
                    Vector256<uint> bucketShift = Avx2.GatherVector256(bucketShifts, table, 4).AsUInt32();
                    Vector256<uint> x = Vector256.Load(lanes + v);
                    Vector256<int> slot = x.AsInt32() & low16;
                    Vector256<int> left = Avx.ConvertToVector256Single(Vector256.Create(BucketMap.Last) - slot).AsInt32();
                    Vector256<int> bucket = bucketBase +
                        Avx2.ShiftRightLogicalVariable(Vector256.Create(BucketMap.Top) - left, bucketShift);
                    Vector256<int> near = Avx2.GatherVector256((int*)buckets, bucket, 8);
                    Vector256<int> lasts = Avx2.GatherVector256((int*)buckets + 1, bucket, 8);

                    // All of these are below 2¹⁶, so that signed comparisons serve.
                    Vector256<int> last = lasts & low16;
                    Vector256<int> isNext = Vector256.GreaterThan(slot, last);
                    Vector256<int> start = Vector256.ConditionalSelect(isNext, last + Vector256<int>.One, near >>> 16);
                    last = Vector256.ConditionalSelect(isNext, lasts >>> 16, last);
                    Vector256<int> symbol = (near & low16) - isNext;
                    uint beyond = Vector256.GreaterThan(slot, last).ExtractMostSignificantBits();
                    if (beyond != 0)
                    {
                        symbol.Store((int*)found);
                        start.Store((int*)found + Lanes);
                        last.Store((int*)found + (2 * Lanes));
                        Search(beyond, tables, indexes + i + v, lanes + v, found);
                        symbol = Vector256.Load((int*)found);
                        start = Vector256.Load((int*)found + Lanes);
                        last = Vector256.Load((int*)found + (2 * Lanes));
                    }

                    symbol |= Vector256.Equals(symbol, escape) & low16;
                    Vector128.Narrow(symbol.GetLower().AsUInt32(), symbol.GetUpper().AsUInt32()).Store(output + i + v);
                    Vector256<int> frequency = last - start + Vector256<int>.One;
                    x = (frequency * (x >>> 16).AsInt32() + slot - start).AsUInt32();
                    Vector128<uint> low = x.GetLower(), high = x.GetUpper();
                    position += Deal(ref low, bytes + position);
                    position += Deal(ref high, bytes + position);
                    Vector256.Create(low, high).Store(lanes + v);
                }

                state.Position = position;
            }
        }

        state.States = held;
        return i + Lookup(ref state, stream, tables, tableIndexes[i..], symbols[i..]);
    }

    /// <summary>
    /// Two vectors of sixteen lanes. What is needed of each table lies in registers; the bytes of a vector are dealt
    /// out by an expansion.
    /// </summary>
    internal static int Vector512Row(
        ref RansState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<ushort> symbols)
    {
        if (!tables.FitVectors)
            return Vector256Row(ref state, stream, tables, tableIndexes, symbols);
        int i = ToLaneZero(ref state, stream, tables, tableIndexes, symbols, out bool isSound);
        if (!isSound)
            return i;
        ref uint states = ref Unsafe.As<RansLanes, uint>(ref state.States);
        fixed (ushort* packed = tables.PackedForVectors)
        fixed (Interval* intervals = tables.Intervals)
        fixed (Bucket* buckets = tables.Buckets)
        fixed (byte* indexes = tableIndexes)
        fixed (ushort* output = symbols[..tableIndexes.Length])
        fixed (byte* bytes = stream)
        {
            var lookup = new Lookup512(tables, packed, buckets);
            Vector512<uint> lower = Vector512.LoadUnsafe(ref states);
            Vector512<uint> upper = Vector512.LoadUnsafe(ref states, 16);
            int position = state.Position;

            // 32 bytes are read for sixteen lanes, whether or not all are needed.
            int last = stream.Length - (2 * RansLanes.Count);
            for (; i <= tableIndexes.Length - RansLanes.Count && position <= last; i += RansLanes.Count)
            {
                lower = lookup.Decode(lower, indexes + i, output + i);
                upper = lookup.Decode(upper, indexes + i + 16, output + i + 16);
                position += Deal(ref lower, bytes + position);
                position += Deal(ref upper, bytes + position);
            }

            lower.StoreUnsafe(ref states);
            upper.StoreUnsafe(ref states, 16);
            state.Position = position;
        }

        return i + Lookup(ref state, stream, tables, tableIndexes[i..], symbols[i..]);
    }

    /// <summary>What sixteen lanes need of 64 tables, two registers each.</summary>
    private readonly struct Lookup512(FrequencyTables tables, ushort* packed, Bucket* buckets)
    {
        private readonly Vector512<ushort> _escapes0 = Vector512.Load(packed + 64);
        private readonly Vector512<ushort> _escapes1 = Vector512.Load(packed + 96);
        private readonly Vector512<ushort> _bases0 = Vector512.Load(packed + 128);
        private readonly Vector512<ushort> _bases1 = Vector512.Load(packed + 160);
        private readonly Vector512<ushort> _shifts0 = Vector512.Load(packed + 192);
        private readonly Vector512<ushort> _shifts1 = Vector512.Load(packed + 224);
        private readonly Vector512<ushort> _firstFrequencies0 = Vector512.Load(packed + 256);
        private readonly Vector512<ushort> _firstFrequencies1 = Vector512.Load(packed + 288);

        /// <summary>Writes the lanes' symbols, and returns their states before bytes are dealt to them.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<uint> Decode(Vector512<uint> x, byte* indexes, ushort* output)
        {
            Vector512<uint> low16 = Vector512.Create(0xFFFFu);
            Vector512<ushort> table = Avx512F.ConvertToVector512Int32(Vector128.Load(indexes)).AsUInt16();
            Vector512<uint> slot = x & low16;

            // Most latents are the commonest symbol of a table that is nearly certain: often all sixteen are.
            Vector512<uint> frequency =
                Avx512BW.PermuteVar32x16x2(_firstFrequencies0, table, _firstFrequencies1).AsUInt32() & low16;
            if (Vector512.LessThanAll(slot, frequency))
            {
                Vector256<ushort>.Zero.Store(output);
                return (frequency * (x >>> 16)) + slot;
            }

            Vector512<uint> escape = Avx512BW.PermuteVar32x16x2(_escapes0, table, _escapes1).AsUInt32() & low16;
            Vector512<uint> bucketBase = Avx512BW.PermuteVar32x16x2(_bases0, table, _bases1).AsUInt32() & low16;
            Vector512<uint> shift = Avx512BW.PermuteVar32x16x2(_shifts0, table, _shifts1).AsUInt32() & low16;
            Vector512<uint> left = Avx512F.ConvertToVector512Single(
                Vector512.Create((uint)BucketMap.Last) - slot).AsUInt32();
            Vector512<int> bucket = (bucketBase + Avx512F.ShiftRightLogicalVariable(
                Vector512.Create((uint)BucketMap.Top) - left, shift)).AsInt32();

            // Sixteen buckets of 64 bits, four at a time; then their halves apart.
            Vector512<uint> first = Vector512.Create(
                Avx2.GatherVector256((long*)buckets, bucket.GetLower().GetLower(), 8),
                Avx2.GatherVector256((long*)buckets, bucket.GetLower().GetUpper(), 8)).AsUInt32();
            Vector512<uint> second = Vector512.Create(
                Avx2.GatherVector256((long*)buckets, bucket.GetUpper().GetLower(), 8),
                Avx2.GatherVector256((long*)buckets, bucket.GetUpper().GetUpper(), 8)).AsUInt32();
            Vector512<uint> even = Vector512<uint>.Indices << 1;
            Vector512<uint> near = Avx512F.PermuteVar16x32x2(first, even, second);
            Vector512<uint> lasts = Avx512F.PermuteVar16x32x2(first, even + Vector512<uint>.One, second);

            Vector512<uint> last = lasts & low16;
            Vector512<uint> isNext = Vector512.GreaterThan(slot, last);
            Vector512<uint> start = Vector512.ConditionalSelect(isNext, last + Vector512<uint>.One, near >>> 16);
            last = Vector512.ConditionalSelect(isNext, lasts >>> 16, last);
            Vector512<uint> symbol = (near & low16) - isNext;
            Vector512<uint> isBeyond = Vector512.GreaterThan(slot, last);
            if (isBeyond != Vector512<uint>.Zero)
                (symbol, start, last) = Search(isBeyond, tables, indexes, x, symbol, start, last);
            symbol |= Vector512.Equals(symbol, escape) & low16;
            Avx512F.ConvertToVector256UInt16(symbol).Store(output);
            return ((last - start + Vector512<uint>.One) * (x >>> 16)) + slot - start;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static (Vector512<uint> Symbol, Vector512<uint> Start, Vector512<uint> Last) Search(
            Vector512<uint> isBeyond,
            FrequencyTables tables,
            byte* indexes,
            Vector512<uint> x,
            Vector512<uint> symbol,
            Vector512<uint> start,
            Vector512<uint> last)
        {
            uint* found = stackalloc uint[3 * Lanes];
            symbol.Store(found);
            start.Store(found + Lanes);
            last.Store(found + (2 * Lanes));
            RansDecoding.Search((uint)isBeyond.ExtractMostSignificantBits(), tables, indexes, (uint*)&x, found);
            return (Vector512.Load(found), Vector512.Load(found + Lanes), Vector512.Load(found + (2 * Lanes)));
        }
    }

    /// <summary>Searches on in the lanes of a vector whose slot is beyond the two symbols that its bucket tells of.</summary>
    /// <param name="lanes">Which lanes, bit by bit.</param>
    /// <param name="tables">The tables.</param>
    /// <param name="indexes">The lanes' table indexes.</param>
    /// <param name="states">The lanes' states.</param>
    /// <param name="found">
    /// The lanes' symbols, where these start, and their last slots, <see cref="Lanes"/> elements each; moved on.
    /// </param>
    private static void Search(uint lanes, FrequencyTables tables, byte* indexes, uint* states, uint* found)
    {
        for (; lanes != 0; lanes &= lanes - 1)
        {
            int lane = BitOperations.TrailingZeroCount(lanes);
            int table = indexes[lane];
            ReadOnlySpan<uint> starts = tables.Starts.Slice(tables.Firsts[table], tables.Lengths[table] + 1);
            uint slot = states[lane] & 0xFFFF;
            int symbol = (int)found[lane];
            while (starts[symbol + 1] <= slot)
                symbol++;
            found[lane] = (uint)symbol;
            found[lane + Lanes] = starts[symbol];
            found[lane + (2 * Lanes)] = starts[symbol + 1] - 1;
        }
    }

    /// <summary>Appends to four states the bytes that they need; returns how many of eight bytes were taken.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Deal(ref Vector128<uint> x, byte* bytes)
    {
        Vector128<uint> one = Vector128.Equals(x >>> 24, Vector128<uint>.Zero);
        Vector128<uint> two = Vector128.Equals(x >>> 16, Vector128<uint>.Zero);
        uint taken = one.ExtractMostSignificantBits() | (two.ExtractMostSignificantBits() << 4);
        Vector128<byte> shuffle = Vector128.LoadUnsafe(ref MemoryMarshal.GetArrayDataReference(s_deals), 16 * taken);
        Vector128<byte> dealt = Vector128.Shuffle(
            Vector128.CreateScalarUnsafe(*(ulong*)bytes).AsByte(), shuffle);
        x = Vector128.ConditionalSelect(one, x << 8, x);
        x = Vector128.ConditionalSelect(two, x << 8, x);
        x |= dealt.AsUInt32();
        return BitOperations.PopCount(taken);
    }

    /// <summary>Appends to sixteen states the bytes that they need; returns how many of 32 bytes were taken.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Deal(ref Vector512<uint> x, byte* bytes)
    {
        Vector512<uint> one = Vector512.LessThan(x, Vector512.Create(RansLanes.Least));
        Vector512<uint> two = Vector512.LessThan(x, Vector512.Create(RansLanes.Least >> 8));
        Vector256<byte> isTaken = Avx512F.ConvertToVector256UInt16(
            (one & Vector512.Create(0x00FFu)) | (two & Vector512.Create(0xFF00u))).AsByte();
        Vector256<byte> dealt = Avx512Vbmi2.VL.Expand(Vector256<byte>.Zero, isTaken, Vector256.Load(bytes));
        Vector512<uint> eight = Vector512.Create(8u);
        x = Avx512F.ShiftLeftLogicalVariable(x, (one & eight) + (two & eight)) |
            Avx512F.ConvertToVector512UInt32(dealt.AsUInt16());
        return BitOperations.PopCount(isTaken.ExtractMostSignificantBits());
    }

    /// <summary>Decodes one by one until the next lane is the first.</summary>
    private static int ToLaneZero(
        ref RansState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<ushort> symbols,
        out bool isSound)
    {
        int head = Math.Min((RansLanes.Count - state.Lane) % RansLanes.Count, tableIndexes.Length);
        int decoded = Lookup(ref state, stream, tables, tableIndexes[..head], symbols);
        isSound = decoded == head;
        return decoded;
    }

    private static readonly byte[] s_deals = MakeDeals();

    /// <summary>
    /// For each mask of four lanes that need a byte (low half) or two (high half): where in the stream each of the
    /// sixteen bytes of the lanes comes from, if from there.
    /// </summary>
    private static byte[] MakeDeals()
    {
        var deals = new byte[256 * 16];
        for (int taken = 0; taken < 256; taken++)
        {
            Span<byte> shuffle = deals.AsSpan(16 * taken, 16);
            shuffle.Fill(0x80);
            byte from = 0;
            for (int lane = 0; lane < 4; lane++)
            {
                if ((taken >> lane & 1) != 0)
                    shuffle[4 * lane] = from++;
                if ((taken >> (lane + 4) & 1) != 0)
                    shuffle[(4 * lane) + 1] = from++;
            }
        }

        return deals;
    }
}
