namespace Tfic.Kernels.Dct;

/// <summary>JPEG's 8×8 DCT with quantisation, in integers: from samples to levels and back, the same everywhere.</summary>
/// <remarks>
/// <para>
/// With K the 8×8 integer matrix <see cref="Matrix"/>, which is 8192·√8 times the orthonormal basis,
/// and D(n, s) = (n + 2^(s−1)) >> s,
/// </para>
/// <code>
/// forward:  T = D((P − 128)·Kᵀ, 11)   F = D(K·T, 15)          level = sign(F)·⌊(|F| + 4·step) / (8·step)⌋
/// inverse:  F = level·step            T = D(Kᵀ·F, 11)         P = clamp(D(T·K + 128·2^18, 18), 0, 255)
/// </code>
/// <para>
/// all in 32-bit integers that wrap, which only forged files make them do. The forward F is thus 8 times the
/// orthonormal coefficient, and levels are rounded to nearest, halves away from zero. T keeps two fractional bits.
/// </para>
/// <para>
/// K's entries are what the fast algorithm of Loeffler, Ligtenberg and Moschytz (1989) computes when its twelve
/// constants are rounded to 13 bits. Integer sums may be regrouped freely as long as both rounding shifts stay where
/// they are, so an implementation may multiply by K or use that algorithm, and yields the same bits. It is also
/// the arithmetic of the accurate integer method of the Independent JPEG Group's library, so that pixels agree.
/// </para>
/// </remarks>
public static partial class JpegDct
{
    /// <summary>Fractional bits of the constants.</summary>
    private const int ConstantBits = 13;

    /// <summary>Fractional bits that stay after the first of the two passes.</summary>
    private const int PassBits = 2;

    /// <summary>Quantised coefficients from samples, for blocks side by side.</summary>
    /// <param name="source">Eight rows of samples; block i is in columns 8i…8i + 7.</param>
    /// <param name="stride">Distance between rows.</param>
    /// <param name="quantiser">The steps.</param>
    /// <param name="blocks">64 levels a block in natural order; its length says how many blocks.</param>
    public delegate void ForwardKernel(
        ReadOnlySpan<byte> source, int stride, JpegQuantiser quantiser, Span<short> blocks);

    /// <summary>Samples from quantised coefficients, for blocks side by side.</summary>
    /// <param name="blocks">64 levels a block in natural order; its length says how many blocks.</param>
    /// <param name="quantiser">The steps.</param>
    /// <param name="target">Eight rows of samples; block i goes to columns 8i…8i + 7.</param>
    /// <param name="stride">Distance between rows.</param>
    public delegate void InverseKernel(
        ReadOnlySpan<short> blocks, JpegQuantiser quantiser, Span<byte> target, int stride);

    /// <summary>Variants of the forward transform; every row equals the reference.</summary>
    public static VariantTable<ForwardKernel> ForwardTable { get; } = new(
        "jpeg-dct-forward", ForwardRows);

    /// <summary>Variants of the inverse transform; every row equals the reference.</summary>
    public static VariantTable<InverseKernel> InverseTable { get; } = new(
        "jpeg-dct-inverse", InverseRows);

    /// <summary>The matrix K, row-major: row = frequency, column = position.</summary>
    internal static ReadOnlySpan<int> Matrix =>
    [
        8192, 8192, 8192, 8192, 8192, 8192, 8192, 8192,
        11363, 9633, 6437, 2260, -2260, -6437, -9633, -11363,
        10703, 4433, -4433, -10703, -10703, -4433, 4433, 10703,
        9633, -2259, -11362, -6436, 6436, 11362, 2259, -9633,
        8192, -8192, -8192, 8192, 8192, -8192, -8192, 8192,
        6437, -11362, 2261, 9633, -9633, -2261, 11362, -6437,
        4433, -10704, 10704, -4433, -4433, 10704, -10704, 4433,
        2260, -6436, 9633, -11363, 11363, -9633, 6436, -2260,
    ];

    /// <summary>Transforms and quantises blocks side by side, by the picked variant.</summary>
    /// <param name="source">Eight rows of samples; block i is in columns 8i…8i + 7.</param>
    /// <param name="stride">Distance between rows.</param>
    /// <param name="quantiser">The steps.</param>
    /// <param name="blocks">64 levels a block in natural order; its length says how many blocks.</param>
    /// <exception cref="ArgumentException">A span too short, or not whole blocks.</exception>
    public static void Forward(ReadOnlySpan<byte> source, int stride, JpegQuantiser quantiser, Span<short> blocks)
    {
        ArgumentNullException.ThrowIfNull(quantiser);
        Check(source.Length, stride, blocks.Length);
        ForwardTable.Picked.Kernel(source, stride, quantiser, blocks);
    }

    /// <summary>Dequantises and transforms blocks side by side, by the picked variant.</summary>
    /// <param name="blocks">64 levels a block in natural order; its length says how many blocks.</param>
    /// <param name="quantiser">The steps.</param>
    /// <param name="target">Eight rows of samples; block i goes to columns 8i…8i + 7.</param>
    /// <param name="stride">Distance between rows.</param>
    /// <exception cref="ArgumentException">A span too short, or not whole blocks.</exception>
    public static void Inverse(ReadOnlySpan<short> blocks, JpegQuantiser quantiser, Span<byte> target, int stride)
    {
        ArgumentNullException.ThrowIfNull(quantiser);
        Check(target.Length, stride, blocks.Length);
        InverseTable.Picked.Kernel(blocks, quantiser, target, stride);
    }

    private static void Check(int samples, int stride, int levels)
    {
        if (levels % 64 != 0)
            throw new ArgumentException($"{levels} levels are not whole blocks.");
        if (levels > 0 && (stride < levels / 8 || samples < 7L * stride + levels / 8))
            throw new ArgumentException($"{samples} samples, {stride} apart, do not hold {levels / 64} blocks.");
    }
}
