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
}
