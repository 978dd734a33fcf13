using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Networks;

/// <summary>
/// The conditional prior of y: a Gaussian of predicted mean and scale, integrated over the quantisation bin
/// (Ballé et al. 2018; Minnen et al. 2018). Scales come from a table of 64, 0.11 … 256, spaced geometrically.
/// </summary>
public static class GaussianConditional
{
    /// <summary>Smallest scale of the table.</summary>
    public const double SmallestScale = 0.11;

    /// <summary>Largest scale of the table.</summary>
    public const double LargestScale = 256.0;

    /// <summary>Number of scales.</summary>
    public const int ScaleCount = 64;

    /// <summary>Scale σ of a (fractional) table index, 0 … 63; indexes outside are held at the ends.</summary>
    public static Tensor Scale(Tensor index) =>
        (index.clamp(0, ScaleCount - 1) * (Math.Log(LargestScale / SmallestScale) / (ScaleCount - 1))).exp()
        * SmallestScale;

    /// <summary>Bits of each symbol under a zero-mean Gaussian.</summary>
    /// <param name="symbol">y − μ, perturbed by noise of one bin or rounded.</param>
    /// <param name="scale">σ, same shape.</param>
    /// <returns>−log2 p, same shape.</returns>
    public static Tensor Bits(Tensor symbol, Tensor scale)
    {
        // By symmetry p(s) = p(|s|), and the tail form Φ(−x) keeps its digits where 1 − Φ(x) would not.
        Tensor magnitude = symbol.abs();
        Tensor mass = NormalCumulative((0.5 - magnitude) / scale) - NormalCumulative((-0.5 - magnitude) / scale);
        return mass.clamp_min(1e-9).log2().neg();
    }

    private static Tensor NormalCumulative(Tensor x) => (x * -Math.Sqrt(0.5)).erfc() * 0.5;
}
