using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.RangeCoding;

/// <summary>Where a decoder of interleaved lanes stands in its stream.</summary>
internal struct RansState
{
    /// <summary>The lanes' states, each at least 2¹⁶ while the stream is sound.</summary>
    public Lanes States;

    /// <summary>Byte offset of the next word.</summary>
    public int Position;

    /// <summary>Lane of the next symbol.</summary>
    public int Lane;

    [InlineArray(RansEncoding.Lanes)]
    public struct Lanes
    {
        private uint _first;
    }

    /// <summary>Reads the lanes' states.</summary>
    /// <param name="stream">The whole stream.</param>
    /// <param name="state">Receives the decoder's state.</param>
    /// <returns>False if the stream is too short or a state is below 2¹⁶.</returns>
    public static bool TryStart(ReadOnlySpan<byte> stream, out RansState state)
    {
        state = default;
        if (stream.Length < RansEncoding.StateBytes)
            return false;
        for (int lane = 0; lane < RansEncoding.Lanes; lane++)
        {
            state.States[lane] = BinaryPrimitives.ReadUInt32LittleEndian(stream[(4 * lane)..]);
            if (state.States[lane] < RansEncoding.Least)
                return false;
        }

        state.Position = RansEncoding.StateBytes;
        return true;
    }

    /// <summary>Whether all words are used up and every lane is back where the encoder began.</summary>
    public readonly bool IsAtEnd(ReadOnlySpan<byte> stream)
    {
        ReadOnlySpan<uint> states = States;
        return Position == stream.Length && !states.ContainsAnyExcept(RansEncoding.Least);
    }

    /// <summary>Finishes a symbol of the next lane; false if a word is needed and the stream has ended.</summary>
    public bool Take(ReadOnlySpan<byte> stream, uint start, uint frequency)
    {
        uint x = States[Lane];
        x = (frequency * (x >> 16)) + (x & 0xFFFF) - start;
        if (x < RansEncoding.Least)
        {
            if (Position + 2 > stream.Length)
                return false;
            x = (x << 16) | BinaryPrimitives.ReadUInt16LittleEndian(stream[Position..]);
            Position += 2;
        }

        States[Lane] = x;
        Lane = (Lane + 1) % RansEncoding.Lanes;
        return true;
    }
}

/// <summary>Decodes symbols of a stream with 32 lanes (see <see cref="RansEncoding"/>).</summary>
/// <param name="state">Where the decoder stands; moved on.</param>
/// <param name="stream">The whole stream; nothing behind its end is read.</param>
/// <param name="tables">The tables.</param>
/// <param name="tableIndexes">For each symbol the index of its table, all below <c>tables.Count</c>.</param>
/// <param name="symbols">Receives the symbols; as long as <paramref name="tableIndexes"/>.</param>
/// <returns>The number of symbols decoded: fewer than asked for only if the stream is damaged.</returns>
internal delegate int RansDecodingKernel(
    ref RansState state,
    ReadOnlySpan<byte> stream,
    FrequencyTables tables,
    ReadOnlySpan<byte> tableIndexes,
    Span<ushort> symbols);

/// <summary>The rows that decode streams with 32 lanes.</summary>
internal static class RansDecoding
{
    public static readonly VariantTable<RansDecodingKernel> Table = new(
        "rans-decoding",
        new Variant<RansDecodingKernel>("reference", true, 0, Reference),
        new Variant<RansDecodingKernel>("lookup", true, 0, Lookup),
        new Variant<RansDecodingKernel>("vector256", Avx2.IsSupported, 0, Vector256Row));

    /// <summary>One bit at probability one half; null if the stream is damaged.</summary>
    public static bool? RawBit(ref RansState state, ReadOnlySpan<byte> stream)
    {
        bool one = (state.States[state.Lane] & 0x8000) != 0;
        return state.Take(stream, one ? 0x8000u : 0, 0x8000) ? one : null;
    }

    /// <summary>One lane after the other; searches each table from its front.</summary>
    internal static int Reference(
        ref RansState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<ushort> symbols)
    {
        for (int i = 0; i < tableIndexes.Length; i++)
        {
            int first = tables.Firsts[tableIndexes[i]];
            uint slot = state.States[state.Lane] & 0xFFFF;
            int symbol = 0;
            while (tables.Starts[first + symbol + 1] <= slot)
                symbol++;
            uint start = tables.Starts[first + symbol];
            if (!state.Take(stream, start, tables.Starts[first + symbol + 1] - start))
                return i;
            symbols[i] = (ushort)symbol;
        }

        return tableIndexes.Length;
    }

    /// <summary>Starts each search from the slot's bucket; lanes are independent, so their latencies overlap.</summary>
    internal static int Lookup(
        ref RansState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<ushort> symbols)
    {
        ReadOnlySpan<int> firsts = tables.Firsts;
        ReadOnlySpan<uint> starts = tables.Starts;
        ReadOnlySpan<ushort> buckets = tables.Buckets;
        const int BucketsPerTable = FrequencyTables.Total >> FrequencyTables.BucketBits;
        symbols = symbols[..tableIndexes.Length];
        for (int i = 0; i < tableIndexes.Length; i++)
        {
            int table = tableIndexes[i];
            ReadOnlySpan<uint> of = starts[firsts[table]..];
            uint slot = state.States[state.Lane] & 0xFFFF;
            int symbol = buckets[(table * BucketsPerTable) + (int)(slot >> FrequencyTables.BucketBits)];
            while (of[symbol + 1] <= slot)
                symbol++;
            if (!state.Take(stream, of[symbol], of[symbol + 1] - of[symbol]))
                return i;
            symbols[i] = (ushort)symbol;
        }

        return tableIndexes.Length;
    }

    /// <summary>
    /// Eight lanes at once: gathers table firsts, bucket and starts; lanes whose search goes on repeat the last
    /// gather together. Words are dealt to the lanes that need one in lane order, as the scalar rows do.
    /// </summary>
    internal static int Vector256Row(
        ref RansState state,
        ReadOnlySpan<byte> stream,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<ushort> symbols)
    {
        const int Width = 8;
        int i = 0;

        // The scalar row takes the lanes up to a multiple of eight.
        int head = Math.Min((Width - (state.Lane % Width)) % Width, tableIndexes.Length);
        if (head > 0)
        {
            i = Lookup(ref state, stream, tables, tableIndexes[..head], symbols);
            if (i < head)
                return i;
        }

        ReadOnlySpan<int> firsts = tables.Firsts;
        ReadOnlySpan<uint> starts = tables.Starts;
        ReadOnlySpan<ushort> buckets = tables.Buckets;
        ref byte indexes = ref MemoryMarshal.GetReference(tableIndexes);
        ref ushort output = ref MemoryMarshal.GetReference(symbols[..tableIndexes.Length]);
        ref uint states = ref Unsafe.As<RansState.Lanes, uint>(ref state.States);
        unsafe
        {
            fixed (int* firstsAt = firsts)
            fixed (uint* startsAt = starts)
            fixed (ushort* bucketsAt = buckets)
            fixed (byte* streamAt = stream)
            {
                // A gather of 32 bits at the last bucket would reach two bytes too far, so the gather reads the
                // pair of buckets that contains the wanted one; their number is even.
                int* bucketPairs = (int*)bucketsAt;

                // Eight words are read whether or not all are needed: the last 16 bytes are left to the scalar row.
                int lastPosition = stream.Length - (2 * Width);
                Vector256<uint> low16 = Vector256.Create(0xFFFFu);
                for (; i + Width <= tableIndexes.Length && state.Position <= lastPosition; i += Width)
                {
                    Vector256<int> table = Avx2.ConvertToVector256Int32(
                        Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref indexes, i)))
                            .AsByte());
                    Vector256<int> first = Avx2.GatherVector256(firstsAt, table, 4);
                    Vector256<uint> x = Vector256.LoadUnsafe(ref states, (nuint)state.Lane);
                    Vector256<int> slot = (x & low16).AsInt32();
                    Vector256<int> bucket =
                        (table << (FrequencyTables.Precision - FrequencyTables.BucketBits)) +
                        (slot >>> FrequencyTables.BucketBits);
                    Vector256<int> pair = Avx2.GatherVector256(bucketPairs, bucket >>> 1, 4);
                    Vector256<uint> odd = ((bucket & Vector256<int>.One) << 4).AsUInt32();
                    Vector256<int> symbol = (Avx2.ShiftRightLogicalVariable(pair.AsUInt32(), odd) & low16).AsInt32();

                    Vector256<int> at = first + symbol;
                    Vector256<int> end = Avx2.GatherVector256((int*)startsAt, at + Vector256<int>.One, 4);
                    for (; ; )
                    {
                        Vector256<int> beyond = ~Vector256.GreaterThan(end, slot);
                        if (beyond == Vector256<int>.Zero)
                            break;
                        at -= beyond;
                        end = Avx2.GatherMaskVector256(end, (int*)startsAt, at + Vector256<int>.One, beyond, 4);
                    }

                    Vector256<int> start = Avx2.GatherVector256((int*)startsAt, at, 4);
                    symbol = at - first;
                    x = ((end - start).AsUInt32() * (x >>> 16)) + (slot - start).AsUInt32();

                    Vector256<int> needs = Vector256.Equals(x >>> 16, Vector256<uint>.Zero).AsInt32();
                    uint mask = needs.ExtractMostSignificantBits();
                    Vector256<int> words =
                        Avx2.ConvertToVector256Int32(Vector128.Load((ushort*)(streamAt + state.Position)));
                    Vector256<int> dealt = Avx2.PermuteVar8x32(words, Deal(mask));
                    x = Vector256.ConditionalSelect(needs.AsUInt32(), (x << 16) | dealt.AsUInt32(), x);
                    x.StoreUnsafe(ref states, (nuint)state.Lane);
                    state.Position += 2 * System.Numerics.BitOperations.PopCount(mask);
                    state.Lane = (state.Lane + Width) % RansEncoding.Lanes;
                    Vector128.Narrow(symbol.GetLower().AsUInt32(), symbol.GetUpper().AsUInt32())
                        .StoreUnsafe(ref output, (nuint)i);
                }
            }
        }

        return i + Lookup(ref state, stream, tables, tableIndexes[i..], symbols[i..]);
    }

    /// <summary>For each lane the number of lanes before it that need a word: which of the words is its own.</summary>
    private static Vector256<int> Deal(uint mask) =>
        Avx2.ConvertToVector256Int32(Vector128.CreateScalarUnsafe(s_deals[mask]).AsByte());

    private static readonly ulong[] s_deals = MakeDeals();

    private static ulong[] MakeDeals()
    {
        var deals = new ulong[256];
        for (int mask = 0; mask < 256; mask++)
        {
            for (int lane = 0; lane < 8; lane++)
            {
                int before = System.Numerics.BitOperations.PopCount((uint)mask & ((1u << lane) - 1));
                deals[mask] |= (ulong)before << (8 * lane);
            }
        }

        return deals;
    }
}
