using System.Runtime.CompilerServices;

namespace Tfic.Kernels;

/// <summary>
/// The two activations of recurrent layers, made of <see cref="Elementary.Exp(float)"/>: the same bits in every lane of
/// every vector width, and from the scalar forms. NaN stays NaN.
/// </summary>
internal static class Logistic
{
    /// <summary>
    /// 1 / (1 + e^−x), off by at most 3·10⁻⁷ of itself. Where the exponential is held at its limit, beyond ±87, the value
    /// is 1 or within 10⁻³⁷ of 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Sigmoid<TVector, TLanes>(TVector x)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        TVector one = TLanes.Broadcast(1f);
        TVector e = Elementary.Exp<TVector, TLanes>(TLanes.Multiply(x, TLanes.Broadcast(-1f)));
        return TLanes.Divide(one, TLanes.Add(one, e));
    }

    /// <summary>1 − 2 / (1 + e^2x), off by at most 2·10⁻⁷; not relative to itself where it is near 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Tanh<TVector, TLanes>(TVector x)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        TVector one = TLanes.Broadcast(1f);
        TVector e = Elementary.Exp<TVector, TLanes>(TLanes.Add(x, x));
        return TLanes.Add(one, TLanes.Divide(TLanes.Broadcast(-2f), TLanes.Add(one, e)));
    }

    /// <inheritdoc cref="Sigmoid{TVector, TLanes}(TVector)"/>
    public static float Sigmoid(float x) => Sigmoid<float, Lanes1>(x);

    /// <inheritdoc cref="Tanh{TVector, TLanes}(TVector)"/>
    public static float Tanh(float x) => Tanh<float, Lanes1>(x);
}
