using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.RangeCoding;

/// <remarks>
/// A vector of lanes looks up its slots' buckets, which tell of two symbols; where a lane's symbol is further on, all
/// search on step by step. Bytes are dealt to the lanes that need some in lane order, as the scalar rows do. Whatever the
/// stream's bytes are, slots are below 2¹⁶ and table indexes are checked by the caller, so lookups stay inside the
/// tables.
/// </remarks>
internal static unsafe partial class RansDecoding
{
    private static bool IsVector128Supported => Vector128.IsHardwareAccelerated && BitConverter.IsLittleEndian;

    private static bool IsVector512Supported =>
        Avx512Vbmi2.VL.IsSupported && Avx512BW.VL.IsSupported && Avx2.IsSupported;

    /// <summary>Eight vectors of four lanes; lookups lane by lane.</summary>
    internal static int Vector128Row(
        ref RansState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<int> differences)
    {
        int i = ToLaneZero(ref state, stream, tables, tableIndexes, differences, out bool isSound);
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
        fixed (int* output = differences[..tableIndexes.Length])
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
                        int symbol = buckets[bucketBases[table] - BucketMap.Place(slot, bucketShifts[table])].Near(slot);
                        Interval* of = intervals + firsts[table];
                        while (slot - of[symbol].Start >= of[symbol].Frequency)
                            symbol++;
                        found[lane] = *(uint*)(of + symbol);
                        output[i + v + lane] = SymbolValue.Difference(symbol, lengths[table]);
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

        return i + Lookup(ref state, stream, tables, tableIndexes[i..], differences[i..]);
    }

    /// <summary>Four vectors of eight lanes.</summary>
    internal static int Vector256Row(
        ref RansState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<int> differences)
    {
        int i = ToLaneZero(ref state, stream, tables, tableIndexes, differences, out bool isSound);
        if (!isSound)
            return i;
        RansLanes held = state.States;
        uint* lanes = (uint*)&held;
        fixed (int* firsts = tables.Firsts)
        fixed (uint* starts = tables.Starts)
        fixed (int* bucketBases = tables.BucketBases)
        fixed (int* bucketShifts = tables.BucketShifts)
        fixed (Bucket* buckets = tables.Buckets)
        fixed (byte* indexes = tableIndexes)
        fixed (int* output = differences[..tableIndexes.Length])
        fixed (byte* bytes = stream)
        {
            Vector256<int> low16 = Vector256.Create(0xFFFF);
            for (; i <= tableIndexes.Length - RansLanes.Count &&
                state.Position <= stream.Length - (2 * RansLanes.Count); i += RansLanes.Count)
            {
                int position = state.Position;
                for (int v = 0; v < RansLanes.Count; v += 8)
                {
                    Vector256<int> table = Avx2.ConvertToVector256Int32(indexes + i + v);
                    Vector256<int> bucketBase = Avx2.GatherVector256(bucketBases, table, 4);
                    Vector256<uint> bucketShift = Avx2.GatherVector256(bucketShifts, table, 4).AsUInt32();
                    Vector256<uint> x = Vector256.Load(lanes + v);
                    Vector256<int> slot = x.AsInt32() & low16;
                    Vector256<int> left = Vector256.AndNot(low16, x.AsInt32()) + Vector256.Create(BucketMap.Bias);
                    Vector256<int> bucket = bucketBase - Avx2.ShiftRightLogicalVariable(
                        Avx.ConvertToVector256Single(left).AsInt32(), bucketShift);
                    Vector256<int> near = Avx2.GatherVector256((int*)buckets, bucket, 8);
                    Vector256<int> lasts = Avx2.GatherVector256((int*)buckets + 1, bucket, 8);

                    // All of these are below 2¹⁶, so that signed comparisons serve.
                    Vector256<int> last = lasts & low16;
                    Vector256<int> isNext = Vector256.GreaterThan(slot, last);
                    Vector256<int> start = Vector256.ConditionalSelect(isNext, last + Vector256<int>.One, near >>> 16);
                    last = Vector256.ConditionalSelect(isNext, lasts >>> 16, last);
                    Vector256<int> symbol = (near & low16) - isNext;
                    while (Vector256.GreaterThanAny(slot, last))
                    {
                        isNext = Vector256.GreaterThan(slot, last);
                        symbol -= isNext;
                        start = Vector256.ConditionalSelect(isNext, last + Vector256<int>.One, start);
                        last = Avx2.GatherVector256(
                            (int*)starts + 1, Avx2.GatherVector256(firsts, table, 4) + symbol, 4) - Vector256<int>.One;
                    }

                    // Only a table's last symbol, the escape, owns the last slot.
                    Vector256<int> difference = (symbol >>> 1) ^ -(symbol & Vector256<int>.One);
                    Vector256.ConditionalSelect(
                        Vector256.Equals(last, low16), Vector256.Create(SymbolValue.Escape), difference)
                        .Store(output + i + v);
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
        return i + Lookup(ref state, stream, tables, tableIndexes[i..], differences[i..]);
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
        Span<int> differences)
    {
        if (!tables.FitVectors)
            return Vector256Row(ref state, stream, tables, tableIndexes, differences);
        int i = ToLaneZero(ref state, stream, tables, tableIndexes, differences, out bool isSound);
        if (!isSound)
            return i;
        fixed (byte* bytes = stream)
            i += Steps(ref state, bytes, stream.Length, tables, tableIndexes[i..], differences[i..]);

        // The last bytes, too few to be read many at a time, are read so from a copy. A step that takes more than there
        // are is taken back and left to the row that notices.
        if (tableIndexes.Length - i >= RansLanes.Count)
        {
            int start = state.Position;
            int length = stream.Length - start;
            byte* rest = stackalloc byte[2 * StepBytes];
            new Span<byte>(rest, 2 * StepBytes).Clear();
            stream[start..].CopyTo(new Span<byte>(rest, StepBytes));
            state.Position = 0;
            while (tableIndexes.Length - i >= RansLanes.Count)
            {
                RansState before = state;
                Steps(
                    ref state, rest, length + StepBytes, tables, tableIndexes.Slice(i, RansLanes.Count), differences[i..]);
                if (state.Position > length)
                {
                    state = before;
                    break;
                }

                i += RansLanes.Count;
            }

            state.Position += start;
        }

        return i + Lookup(ref state, stream, tables, tableIndexes[i..], differences[i..]);
    }

    /// <summary>Bytes that must be there for a step of all lanes: 32 at most for the first half, then 64 that are read.</summary>
    private const int StepBytes = 96;

    /// <summary>Decodes with all lanes until fewer symbols than lanes are left, or fewer bytes than must be there.</summary>
    /// <returns>How many symbols were decoded.</returns>
    /// <remarks>A method of its own that calls none, so that vectors stay in registers.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Steps(
        ref RansState state,
        byte* stream,
        int length,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<int> differences)
    {
        ref uint states = ref Unsafe.As<RansLanes, uint>(ref state.States);
        int i = 0;
        fixed (ushort* packed = tables.PackedForVectors)
        fixed (uint* starts = tables.Starts)
        fixed (Bucket* buckets = tables.Buckets)
        fixed (byte* indexes = tableIndexes)
        fixed (int* output = differences[..tableIndexes.Length])
        {
            var lookup = new Lookup512(packed, starts, buckets);
            Vector512<uint> lower = Vector512.LoadUnsafe(ref states);
            Vector512<uint> upper = Vector512.LoadUnsafe(ref states, 16);
            byte* at = stream + state.Position;
            byte* last = stream + length - StepBytes;
            int end = tableIndexes.Length - RansLanes.Count;
            for (; i <= end && at <= last; i += RansLanes.Count)
            {
                lower = lookup.Decode(lower, indexes + i, output + i);
                upper = lookup.Decode(upper, indexes + i + 16, output + i + 16);
                at += Deal(ref lower, at);
                at += Deal(ref upper, at);
            }

            lower.StoreUnsafe(ref states);
            upper.StoreUnsafe(ref states, 16);
            state.Position = (int)(at - stream);
        }

        return i;
    }

    /// <summary>What sixteen lanes need of 64 tables, two registers each.</summary>
    private readonly struct Lookup512(ushort* packed, uint* starts, Bucket* buckets)
    {
        private readonly Vector512<ushort> _firsts0 = Vector512.Load(packed);
        private readonly Vector512<ushort> _firsts1 = Vector512.Load(packed + 32);
        private readonly Vector512<ushort> _bases0 = Vector512.Load(packed + 128);
        private readonly Vector512<ushort> _bases1 = Vector512.Load(packed + 160);
        private readonly Vector512<ushort> _shifts0 = Vector512.Load(packed + 192);
        private readonly Vector512<ushort> _shifts1 = Vector512.Load(packed + 224);
        private readonly Vector512<ushort> _firstFrequencies0 = Vector512.Load(packed + 256);
        private readonly Vector512<ushort> _firstFrequencies1 = Vector512.Load(packed + 288);

        /// <summary>Writes the lanes' differences, and returns their states before bytes are dealt to them.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<uint> Decode(Vector512<uint> x, byte* indexes, int* output)
        {
            Vector512<uint> low16 = Vector512.Create(0xFFFFu);
            Vector512<ushort> table = Avx512F.ConvertToVector512Int32(Vector128.Load(indexes)).AsUInt16();
            Vector512<uint> slot = x & low16;

            // Most latents are the commonest symbol of a table that is nearly certain: often all sixteen are.
            Vector512<uint> frequency =
                Avx512BW.PermuteVar32x16x2(_firstFrequencies0, table, _firstFrequencies1).AsUInt32() & low16;
            if (Vector512.LessThanAll(slot, frequency))
            {
                Vector512<int>.Zero.Store(output);
                return (frequency * (x >>> 16)) + slot;
            }

            Vector512<uint> bucketBase = Avx512BW.PermuteVar32x16x2(_bases0, table, _bases1).AsUInt32();
            Vector512<uint> shift = Avx512BW.PermuteVar32x16x2(_shifts0, table, _shifts1).AsUInt32() & low16;
            Vector512<uint> left = Vector512.AndNot(low16, x) + Vector512.Create((uint)BucketMap.Bias);
            Vector512<uint> bucket = low16 & (bucketBase - Avx512F.ShiftRightLogicalVariable(
                Avx512F.ConvertToVector512Single(left.AsInt32()).AsUInt32(), shift));

            // Sixteen buckets of 64 bits, four at a time; then their halves apart.
            Vector256<int> low = bucket.GetLower().AsInt32(), high = bucket.GetUpper().AsInt32();
            Vector512<uint> first = Join(
                Avx2.GatherVector256((ulong*)buckets, low.GetLower(), 8),
                Avx2.GatherVector256((ulong*)buckets, low.GetUpper(), 8)).AsUInt32();
            Vector512<uint> second = Join(
                Avx2.GatherVector256((ulong*)buckets, high.GetLower(), 8),
                Avx2.GatherVector256((ulong*)buckets, high.GetUpper(), 8)).AsUInt32();
            Vector512<uint> even = Vector512<uint>.Indices << 1;
            Vector512<uint> near = Avx512F.PermuteVar16x32x2(first, even, second);
            Vector512<uint> lasts = Avx512F.PermuteVar16x32x2(first, even + Vector512<uint>.One, second);

            Vector512<uint> last = lasts & low16;
            Vector512<uint> isNext = Vector512.GreaterThan(slot, last);
            Vector512<uint> start = Vector512.ConditionalSelect(isNext, last + Vector512<uint>.One, near >>> 16);
            last = Vector512.ConditionalSelect(isNext, lasts >>> 16, last);
            Vector512<uint> symbol = (near & low16) - isNext;
            while (Vector512.GreaterThanAny(slot, last))
            {
                isNext = Vector512.GreaterThan(slot, last);
                symbol -= isNext;
                start = Vector512.ConditionalSelect(isNext, last + Vector512<uint>.One, start);
                Vector512<int> at = (symbol +
                    (low16 & Avx512BW.PermuteVar32x16x2(_firsts0, table, _firsts1).AsUInt32())).AsInt32();
                last = Join(
                    Avx2.GatherVector256(starts + 1, at.GetLower(), 4),
                    Avx2.GatherVector256(starts + 1, at.GetUpper(), 4)) - Vector512<uint>.One;
            }

            // Only a table's last symbol, the escape, owns the last slot.
            Vector512<int> difference = ((symbol >>> 1) ^ -(symbol & Vector512<uint>.One)).AsInt32();
            Vector512.ConditionalSelect(
                Vector512.Equals(last, low16).AsInt32(), Vector512.Create(SymbolValue.Escape), difference).Store(output);
            return ((last - start + Vector512<uint>.One) * (x >>> 16)) + slot - start;
        }

        /// <summary>Two vectors as one: unlike Vector512.Create, without a way through memory.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<T> Join<T>(Vector256<T> lower, Vector256<T> upper) =>
            lower.ToVector512Unsafe().WithUpper(upper);
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
        // A state has at most 23 leading zeros here: 8 bits are wanted from 8 zeros on, 16 from 16 on.
        Vector512<uint> bits = Avx512CD.LeadingZeroCount(x) & Vector512.Create(24u);
        Vector512<uint> one = Vector512<uint>.One;
        Vector512<byte> isTaken = (Avx512F.ShiftLeftLogicalVariable(one, bits) - one).AsByte();
        Vector512<uint> dealt = Avx512Vbmi2.Expand(Vector512<byte>.Zero, isTaken, Vector512.Load(bytes)).AsUInt32();
        x = Avx512F.ShiftLeftLogicalVariable(x, bits) | dealt;
        return BitOperations.PopCount(isTaken.ExtractMostSignificantBits());
    }

    /// <summary>Decodes one by one until the next lane is the first.</summary>
    private static int ToLaneZero(
        ref RansState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<int> differences,
        out bool isSound)
    {
        int head = Math.Min((RansLanes.Count - state.Lane) % RansLanes.Count, tableIndexes.Length);
        int decoded = Lookup(ref state, stream, tables, tableIndexes[..head], differences);
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
