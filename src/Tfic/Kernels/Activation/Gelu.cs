using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tfic.Kernels.Activation;

/// <summary>
/// The Gaussian error linear unit (Hendrycks and Gimpel 2016), x·Φ(x) with the normal distribution itself, as torch's gelu
/// without an approximation.
/// </summary>
/// <remarks>
/// <para>
/// Φ(−|x|) = ½·(a₁u + a₂u² + … + a₅u⁵)·e^(−x²/2), u = 1 / (1 + p·|x|/√2), is off by at most 7.5·10⁻⁸ (Abramowitz and
/// Stegun 1964, 7.1.26); the result is max(x, 0) − |x|·Φ(−|x|), which takes no difference of nearly equal numbers on either
/// side. With the roundings of single precision it is off by at most 3·10⁻⁷·|x| (2.7 measured), of normal numbers.
/// </para>
/// <para>The operations and their order are fixed, so every row gives the same bits. NaN stays NaN.</para>
/// </remarks>
public static class Gelu
{
    /// <summary>One implementation.</summary>
    /// <param name="values">Each is replaced.</param>
    public delegate void Kernel(Span<float> values);

    /// <summary>The implementations; tolerance 0: equal bit for bit.</summary>
    public static VariantTable<Kernel> Variants { get; } = new(
        "gelu",
        new("reference", true, 0, Reference),
        new("vector128", Vector128.IsHardwareAccelerated, 0, Simd<Vector128<float>, Lanes128>),
        new("vector256", Vector256.IsHardwareAccelerated, 0, Simd<Vector256<float>, Lanes256>),
        new("vector512", Vector512.IsHardwareAccelerated, 0, Simd<Vector512<float>, Lanes512>));

    /// <summary>Replaces values, by the row of <see cref="Variants"/> that is picked.</summary>
    /// <inheritdoc cref="Kernel"/>
    public static void Run(Span<float> values) => Variants.Picked.Kernel(values);

    private static void Reference(Span<float> values)
    {
        foreach (ref float value in values)
            value = Of<float, Lanes1>(value);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Simd<TVector, TLanes>(Span<float> values)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        fixed (float* start = values)
        {
            int i = 0;
            for (; i <= values.Length - TLanes.Count; i += TLanes.Count)
                TLanes.Store(Of<TVector, TLanes>(TLanes.Load(start + i)), start + i);
            for (; i < values.Length; i++)
                start[i] = Of<float, Lanes1>(start[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Of<TVector, TLanes>(TVector x)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        TVector negative = TLanes.Multiply(x, TLanes.Broadcast(-1f));
        TVector magnitude = TLanes.Greater(x, negative);
        TVector one = TLanes.Broadcast(1f);

        // p/√2, and the halves of a₁ … a₅.
        TVector u = TLanes.Divide(one, TLanes.FusedMultiplyAdd(magnitude, TLanes.Broadcast(0.23164189f), one));
        TVector sum = TLanes.Broadcast(0.5307027145f);
        sum = TLanes.FusedMultiplyAdd(sum, u, TLanes.Broadcast(-0.7265760135f));
        sum = TLanes.FusedMultiplyAdd(sum, u, TLanes.Broadcast(0.7107068705f));
        sum = TLanes.FusedMultiplyAdd(sum, u, TLanes.Broadcast(-0.142248368f));
        sum = TLanes.FusedMultiplyAdd(sum, u, TLanes.Broadcast(0.127414796f));
        TVector exponential = Elementary.Exp<TVector, TLanes>(
            TLanes.Multiply(TLanes.Multiply(x, TLanes.Broadcast(-0.5f)), x));
        TVector beyond = TLanes.Multiply(TLanes.Multiply(sum, u), exponential);
        TVector positive = TLanes.Greater(x, TLanes.Broadcast(0f));
        return TLanes.FusedMultiplyAdd(TLanes.Multiply(magnitude, TLanes.Broadcast(-1f)), beyond, positive);
    }
}
