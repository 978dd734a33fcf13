using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.RangeCoding;

/// <remarks>
/// <para>
/// The vector rows divide in float32. A lane's state is below f · 2¹⁶ when it is divided by f, so the quotient is below
/// 2¹⁶. Conversion, division and the product with 1 − 2⁻²² each err by a factor within 1 ± 2⁻²⁴, so what they give is
/// below the true quotient, and by less than 2¹⁶ · 2⁻²¹ = 1/32: its integer part is the right one or one less, which a
/// comparison of the remainder with f tells.
/// </para>
/// <para>
/// Vectors hold their lanes in reverse, since the stream is written from its end.
/// </para>
/// </remarks>
internal static partial class RansEncoding
{
    private const float JustBelowOne = 1 - (1f / (1 << 22));

    private static bool IsVector512Supported =>
        Avx512Vbmi2.VL.IsSupported && Avx512Vbmi.IsSupported && Avx512BW.VL.IsSupported;

    /// <summary>Eight vectors of four lanes; the bytes of a vector are picked by a shuffle from a table.</summary>
    internal static void Vector128Row(ref RansEncoderState state, ReadOnlySpan<Interval> intervals, Span<byte> output)
    {
        int i = ToLaneZero(ref state, intervals, output);
        ref uint states = ref Unsafe.As<RansLanes, uint>(ref state.States);
        ref uint source = ref Unsafe.As<Interval, uint>(ref MemoryMarshal.GetReference(intervals));
        ref byte target = ref MemoryMarshal.GetReference(output);
        for (; i >= RansLanes.Count && state.Length <= output.Length - (3 * RansLanes.Count); i -= RansLanes.Count)
        {
            int length = state.Length;
            for (int v = RansLanes.Count - 4; v >= 0; v -= 4)
            {
                Vector128<uint> x = Vector128.LoadUnsafe(ref states, (nuint)v);
                Vector128<uint> interval =
                    Vector128.LoadUnsafe(ref source, (nuint)(i - RansLanes.Count + v));
                Vector128<uint> limit = interval & Vector128.Create(0xFFFF0000u);
                Vector128<uint> one = Vector128.GreaterThanOrEqual(x, limit);
                Vector128<uint> two = Vector128.GreaterThanOrEqual(x >>> 8, limit);
                length += Move(x, one, two, ref Unsafe.Add(ref target, length));
                x = Vector128.ConditionalSelect(one, x >>> 8, x);
                x = Vector128.ConditionalSelect(two, x >>> 8, x);

                Vector128<uint> frequency = interval >>> 16;
                Vector128<float> high = Vector128.ConvertToSingle((x >>> 16).AsInt32());
                Vector128<float> low = Vector128.ConvertToSingle((x & Vector128.Create(0xFFFFu)).AsInt32());
                Vector128<float> ratio = ((high * 65536f) + low) /
                    Vector128.ConvertToSingle(frequency.AsInt32()) * JustBelowOne;
                Vector128<uint> quotient = Vector128.ConvertToInt32(ratio).AsUInt32();
                Vector128<uint> remainder = x - (quotient * frequency);
                Vector128<uint> more = Vector128.GreaterThanOrEqual(remainder.AsInt32(), frequency.AsInt32()).AsUInt32();
                x = (quotient << 16) + remainder + (interval & Vector128.Create(0xFFFFu)) +
                    (more & (Vector128.Create(65536u) - frequency));
                x.StoreUnsafe(ref states, (nuint)v);
            }

            state.Length = length;
        }

        Reference(ref state, intervals[..i], output);
    }

    /// <summary>Four vectors of eight lanes.</summary>
    internal static void Vector256Row(ref RansEncoderState state, ReadOnlySpan<Interval> intervals, Span<byte> output)
    {
        int i = ToLaneZero(ref state, intervals, output);
        ref uint states = ref Unsafe.As<RansLanes, uint>(ref state.States);
        ref uint source = ref Unsafe.As<Interval, uint>(ref MemoryMarshal.GetReference(intervals));
        ref byte target = ref MemoryMarshal.GetReference(output);
        for (; i >= RansLanes.Count && state.Length <= output.Length - (3 * RansLanes.Count); i -= RansLanes.Count)
        {
            int length = state.Length;
            for (int v = RansLanes.Count - 8; v >= 0; v -= 8)
            {
                Vector256<uint> x = Vector256.LoadUnsafe(ref states, (nuint)v);
                Vector256<uint> interval =
                    Vector256.LoadUnsafe(ref source, (nuint)(i - RansLanes.Count + v));
                Vector256<uint> limit = interval & Vector256.Create(0xFFFF0000u);

                // AVX2 compares signed numbers only, but has a maximum of unsigned ones.
                Vector256<uint> one = Vector256.Equals(Avx2.Max(x, limit), x);
                Vector256<uint> shifted = x >>> 8;
                Vector256<uint> two = Vector256.Equals(Avx2.Max(shifted, limit), shifted);
                length += Move(
                    x.GetUpper(), one.GetUpper(), two.GetUpper(), ref Unsafe.Add(ref target, length));
                length += Move(
                    x.GetLower(), one.GetLower(), two.GetLower(), ref Unsafe.Add(ref target, length));
                Vector256<uint> eight = Vector256.Create(8u);
                x = Avx2.ShiftRightLogicalVariable(x, (one & eight) + (two & eight));

                Vector256<uint> frequency = interval >>> 16;
                Vector256<float> high = Avx.ConvertToVector256Single((x >>> 16).AsInt32());
                Vector256<float> low = Avx.ConvertToVector256Single((x & Vector256.Create(0xFFFFu)).AsInt32());
                Vector256<float> ratio = ((high * 65536f) + low) /
                    Avx.ConvertToVector256Single(frequency.AsInt32()) * JustBelowOne;
                Vector256<uint> quotient = Avx.ConvertToVector256Int32WithTruncation(ratio).AsUInt32();
                Vector256<uint> remainder = x - (quotient * frequency);
                Vector256<uint> more = ~Vector256.GreaterThan(frequency.AsInt32(), remainder.AsInt32()).AsUInt32();
                x = (quotient << 16) + remainder + (interval & Vector256.Create(0xFFFFu)) +
                    (more & (Vector256.Create(65536u) - frequency));
                x.StoreUnsafe(ref states, (nuint)v);
            }

            state.Length = length;
        }

        Reference(ref state, intervals[..i], output);
    }

    /// <summary>Two vectors of sixteen lanes; the bytes of a vector are brought together by a compression.</summary>
    internal static void Vector512Row(ref RansEncoderState state, ReadOnlySpan<Interval> intervals, Span<byte> output)
    {
        int i = ToLaneZero(ref state, intervals, output);
        ref uint states = ref Unsafe.As<RansLanes, uint>(ref state.States);
        ref uint source = ref Unsafe.As<Interval, uint>(ref MemoryMarshal.GetReference(intervals));
        ref byte target = ref MemoryMarshal.GetReference(output);
        Vector512<uint> reverse = Vector512.Create(15u) - Vector512<uint>.Indices;
        Vector512<uint> upper = Avx512F.PermuteVar16x32(Vector512.LoadUnsafe(ref states, 16), reverse);
        Vector512<uint> lower = Avx512F.PermuteVar16x32(Vector512.LoadUnsafe(ref states), reverse);
        int length = state.Length;
        for (; i >= RansLanes.Count && length <= output.Length - (3 * RansLanes.Count); i -= RansLanes.Count)
        {
            Vector512<uint> interval =
                Avx512F.PermuteVar16x32(Vector512.LoadUnsafe(ref source, (nuint)(i - 16)), reverse);
            length += Code(ref upper, interval, ref Unsafe.Add(ref target, length));
            interval = Avx512F.PermuteVar16x32(Vector512.LoadUnsafe(ref source, (nuint)(i - 32)), reverse);
            length += Code(ref lower, interval, ref Unsafe.Add(ref target, length));
        }

        state.Length = length;
        Avx512F.PermuteVar16x32(upper, reverse).StoreUnsafe(ref states, 16);
        Avx512F.PermuteVar16x32(lower, reverse).StoreUnsafe(ref states);
        Reference(ref state, intervals[..i], output);
    }

    /// <summary>Codes an interval in each of sixteen lanes, and writes 32 bytes of which it returns how many count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Code(ref Vector512<uint> states, Vector512<uint> interval, ref byte target)
    {
        Vector512<uint> x = states;
        Vector512<uint> limit = interval & Vector512.Create(0xFFFF0000u);
        Vector512<uint> one = Vector512.GreaterThanOrEqual(x, limit);
        Vector512<uint> two = Vector512.GreaterThanOrEqual(x >>> 8, limit);

        // From the low word of each lane, its high byte where two are moved, then its low byte where any is.
        Vector512<byte> swapped = Avx512BW.Shuffle(
            x.AsByte(), Vector512.Create(0x80800001u, 0x80800405, 0x80800809, 0x80800C0D,
                0x80800001, 0x80800405, 0x80800809, 0x80800C0D, 0x80800001, 0x80800405, 0x80800809, 0x80800C0D,
                0x80800001, 0x80800405, 0x80800809, 0x80800C0D).AsByte());
        Vector256<byte> bytes = Avx512F.ConvertToVector256UInt16(swapped.AsUInt32()).AsByte();
        Vector256<byte> isMoved = Avx512F.ConvertToVector256UInt16(
            (one & Vector512.Create(0xFF00u)) | (two & Vector512.Create(0x00FFu))).AsByte();
        Avx512Vbmi2.VL.Compress(Vector256<byte>.Zero, isMoved, bytes).StoreUnsafe(ref target);
        Vector512<uint> eight = Vector512.Create(8u);
        x = Avx512F.ShiftRightLogicalVariable(x, (one & eight) + (two & eight));

        Vector512<uint> frequency = interval >>> 16;
        Vector512<float> ratio = Avx512F.ConvertToVector512Single(x) / Avx512F.ConvertToVector512Single(frequency) *
            JustBelowOne;
        Vector512<uint> quotient = Avx512F.ConvertToVector512Int32WithTruncation(ratio).AsUInt32();
        Vector512<uint> remainder = x - (quotient * frequency);
        Vector512<uint> more = Vector512.GreaterThanOrEqual(remainder, frequency);
        states = (quotient << 16) + remainder + (interval & Vector512.Create(0xFFFFu)) +
            (more & (Vector512.Create(65536u) - frequency));
        return BitOperations.PopCount(isMoved.ExtractMostSignificantBits());
    }

    /// <summary>Codes one by one until the next lane is the last; returns how many intervals are left.</summary>
    private static int ToLaneZero(ref RansEncoderState state, ReadOnlySpan<Interval> intervals, Span<byte> output)
    {
        int head = Math.Min(state.Lane, intervals.Length);
        Reference(ref state, intervals[^head..], output);
        return intervals.Length - head;
    }

    /// <summary>Writes the bytes that four lanes move out, and up to eight in all; returns how many count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Move(Vector128<uint> states, Vector128<uint> one, Vector128<uint> two, ref byte target)
    {
        uint moved = one.ExtractMostSignificantBits() | (two.ExtractMostSignificantBits() << 4);
        Vector128<byte> shuffle = Vector128.LoadUnsafe(ref MemoryMarshal.GetArrayDataReference(s_moves), 16 * moved);
        ulong bytes = Vector128.Shuffle(states.AsByte(), shuffle).AsUInt64().ToScalar();
        Unsafe.WriteUnaligned(ref target, bytes);
        return BitOperations.PopCount(moved);
    }

    private static readonly byte[] s_moves = MakeMoves();

    /// <summary>
    /// For each mask of four lanes that move a byte (low half) or two (high half): the places of those bytes among the
    /// sixteen of the lanes, the last lane's first and each lane's higher one first.
    /// </summary>
    private static byte[] MakeMoves()
    {
        var moves = new byte[256 * 16];
        for (int moved = 0; moved < 256; moved++)
        {
            Span<byte> shuffle = moves.AsSpan(16 * moved, 16);
            shuffle.Fill(0x80);
            int at = 0;
            for (int lane = 3; lane >= 0; lane--)
            {
                if ((moved >> (lane + 4) & 1) != 0)
                    shuffle[at++] = (byte)((4 * lane) + 1);
                if ((moved >> lane & 1) != 0)
                    shuffle[at++] = (byte)(4 * lane);
            }
        }

        return moves;
    }
}
