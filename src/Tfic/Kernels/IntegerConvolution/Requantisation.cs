using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.IntegerConvolution;

/// <summary>
/// Brings sums back to the scale of activations: the one definition of rounding of the integer networks.
/// </summary>
internal static class Requantisation
{
    /// <summary>Largest shift.</summary>
    public const int MaxShift = 62;

    /// <summary>
    /// clamp((sum · multiplier + 2^(shift − 1)) ≫ shift, minimum, maximum) in 64 bits: to nearest, ties upwards.
    /// </summary>
    /// <param name="sum">Any int32.</param>
    /// <param name="multiplier">0 … 2³¹ − 1.</param>
    /// <param name="shift">1 … 62. |sum · multiplier| &lt; 2⁶² and the rounding term ≤ 2⁶¹: no overflow.</param>
    /// <param name="minimum">Least result.</param>
    /// <param name="maximum">Largest result.</param>
    public static int Apply(int sum, int multiplier, int shift, int minimum, int maximum)
    {
        long rounded = (((long)sum * multiplier) + (1L << (shift - 1))) >> shift;
        return (int)Math.Min(Math.Max(rounded, minimum), maximum);
    }

    /// <summary>The same for the sums of neighbouring outputs, with a multiplier and a shift each.</summary>
    /// <param name="sums">The sums.</param>
    /// <param name="multipliers">As many multipliers.</param>
    /// <param name="shifts">As many shifts.</param>
    /// <param name="minimum">Least result.</param>
    /// <param name="maximum">Largest result.</param>
    /// <param name="results">Receives as many results; may be the sums themselves.</param>
    public static void Apply(
        ReadOnlySpan<int> sums, ReadOnlySpan<int> multipliers, ReadOnlySpan<int> shifts, int minimum, int maximum,
        Span<int> results)
    {
        multipliers = multipliers[..sums.Length];
        shifts = shifts[..sums.Length];
        results = results[..sums.Length];
        int i = 0;
        if (Avx512DQ.IsSupported)
        {
            for (; i <= sums.Length - 8; i += 8)
            {
                Vector512<long> eight = Eight(sums, multipliers, shifts, minimum, maximum, i);
                Avx512F.ConvertToVector256Int32(eight).StoreUnsafe(ref results[i]);
            }
        }

        for (; i < sums.Length; i++)
            results[i] = Apply(sums[i], multipliers[i], shifts[i], minimum, maximum);
    }

    /// <summary>The same with results of 16 bits.</summary>
    /// <inheritdoc cref="Apply(ReadOnlySpan{int}, ReadOnlySpan{int}, ReadOnlySpan{int}, int, int, Span{int})"/>
    public static void Apply(
        ReadOnlySpan<int> sums, ReadOnlySpan<int> multipliers, ReadOnlySpan<int> shifts, short minimum, short maximum,
        Span<short> results)
    {
        multipliers = multipliers[..sums.Length];
        shifts = shifts[..sums.Length];
        results = results[..sums.Length];
        int i = 0;
        if (Avx512DQ.IsSupported)
        {
            for (; i <= sums.Length - 8; i += 8)
            {
                Vector512<long> eight = Eight(sums, multipliers, shifts, minimum, maximum, i);
                Avx512F.ConvertToVector128Int16(eight).StoreUnsafe(ref results[i]);
            }
        }

        for (; i < sums.Length; i++)
            results[i] = (short)Apply(sums[i], multipliers[i], shifts[i], minimum, maximum);
    }

    /// <summary>Eight at once, where there are 64-bit products and shifts for vectors (AVX-512).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<long> Eight(
        ReadOnlySpan<int> sums, ReadOnlySpan<int> multipliers, ReadOnlySpan<int> shifts, int minimum, int maximum, int at)
    {
        Vector512<long> sum = Avx512F.ConvertToVector512Int64(Vector256.LoadUnsafe(in sums[at]));
        Vector512<long> multiplier = Avx512F.ConvertToVector512Int64(Vector256.LoadUnsafe(in multipliers[at]));
        Vector512<ulong> shift = Avx512F.ConvertToVector512Int64(Vector256.LoadUnsafe(in shifts[at])).AsUInt64();
        Vector512<long> half = Avx512F.ShiftLeftLogicalVariable(
            Vector512<long>.One, shift - Vector512<ulong>.One);
        Vector512<long> rounded = Avx512F.ShiftRightArithmeticVariable(sum * multiplier + half, shift);
        return Vector512.Min(Vector512.Max(rounded, Vector512.Create((long)minimum)), Vector512.Create((long)maximum));
    }
}
