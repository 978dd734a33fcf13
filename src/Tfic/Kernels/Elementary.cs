using System.Runtime.CompilerServices;

namespace Tfic.Kernels;

/// <summary>
/// Elementary functions of floats, each defined by the operations below: the same bits in every lane of every vector
/// width, and from the scalar form that references use.
/// </summary>
internal static class Elementary
{
    // e^87.3 and e^−87.3 are just within the normal numbers.
    private const float ExpLimit = 87.3f;

    /// <summary>
    /// e^x, off by at most 1.5 units in the last place; x is held to ±87.3, beyond which there is no normal number. NaN
    /// stays NaN.
    /// </summary>
    /// <remarks>
    /// With n = round(x / ln 2) and r = x − n·ln 2, e^x = 2ⁿ·eʳ. ln 2 is taken away in two parts, the first with so few
    /// digits that n times it is exact; |r| ≤ 0.347, where Taylor's polynomial of degree 7 is off by 0.347⁸/8! =
    /// 5.2·10⁻⁹, a tenth of a unit in the last place.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp<TVector, TLanes>(TVector x)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        // A NaN is neither greater nor lesser, so it passes in second place.
        x = TLanes.Greater(TLanes.Broadcast(-ExpLimit), x);
        x = TLanes.Lesser(TLanes.Broadcast(ExpLimit), x);
        TVector n = TLanes.Round(TLanes.Multiply(x, TLanes.Broadcast(1.44269504f)));
        TVector r = TLanes.FusedMultiplyAdd(n, TLanes.Broadcast(-0.693359375f), x);
        r = TLanes.FusedMultiplyAdd(n, TLanes.Broadcast(2.12194440e-4f), r);
        TVector p = TLanes.Broadcast(1f / 5040);
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f / 720));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f / 120));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f / 24));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f / 6));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(0.5f));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f));
        return TLanes.ScaleByPowerOfTwo(p, n);
    }

    /// <summary>The same of one number.</summary>
    public static float Exp(float x) => Exp<float, Lanes1>(x);
}
