using System.Runtime.Intrinsics;

namespace Tfic.Kernels.Dct;

/// <summary>The orthonormal 8×8 DCT-II of every block of a plane, its inverse, and uniform quantisation.</summary>
/// <remarks>
/// <para>
/// With the basis C[u,x] = a(u)·cos((2x + 1)uπ/16), a(0) = √⅛, otherwise ½, a block P has the coefficients
/// F = C·P·Cᵀ and comes back as P = Cᵀ·F·C. There is no level shift: a flat block of value p has F[0,0] = 8p.
/// Coefficient (u, v) of a block lies where its pixel in row u, column v lies, so a plane keeps its shape.
/// </para>
/// <para>
/// Arithmetic, the same in every row on a CPU: the column product first (T = C·P), then the row product (T·Cᵀ);
/// each sum of eight runs over ascending index, its first term a rounded product, every further one a fused
/// multiply-add; all in float32. The GPU rows sum in this order but may fuse the first product too.
/// </para>
/// </remarks>
public static partial class BlockDct
{
    /// <summary>Width and height of a block.</summary>
    public const int Size = 8;

    /// <summary>Transforms every block of a plane.</summary>
    /// <param name="source">height × width samples, row-major; both multiples of 8.</param>
    /// <param name="width">Width in samples.</param>
    /// <param name="target">As long as source; may be the same memory, must not overlap it otherwise.</param>
    public delegate void TransformKernel(ReadOnlySpan<float> source, int width, Span<float> target);

    /// <summary>Quantises every block of a plane.</summary>
    /// <param name="coefficients">height × width coefficients in the layout of the transform.</param>
    /// <param name="width">Width in coefficients.</param>
    /// <param name="steps">64 quantiser steps, row-major, above 0.</param>
    /// <param name="levels">As long as coefficients.</param>
    public delegate void QuantiseKernel(
        ReadOnlySpan<float> coefficients, int width, ReadOnlySpan<float> steps, Span<short> levels);

    /// <summary>The basis C, row-major: entry 8u + x.</summary>
    public static ReadOnlySpan<float> Basis => BasisTable;

    /// <summary>Cᵀ, row-major: entry 8x + u.</summary>
    public static ReadOnlySpan<float> TransposedBasis => TransposedTable;

    // 256 bits come last, for they are never slower where it was measured: 59 µs against 62 with 512 bits on 512×256
    // samples (Zen 4). Such processors run a 512-bit operation as two of 256 bits, and the row product of two blocks at
    // once takes a permutation for each entry where a single block's is broadcast by the load itself.

    /// <summary>Variants of the forward transform. Tolerance: absolute, for samples of magnitude at most 1.</summary>
    public static VariantTable<TransformKernel> ForwardTable { get; } = new(
        "dct-forward",
        new Variant<TransformKernel>("reference", true, 0, ForwardReference),
        new Variant<TransformKernel>("vector128", HasFused128, 0, Forward128),
        new Variant<TransformKernel>("vector512", HasFused512, 0, Forward512),
        new Variant<TransformKernel>("vector256", HasFused256, 0, Forward256));

    /// <summary>Variants of the inverse transform. Tolerance: absolute, for coefficients of magnitude at most 8.</summary>
    public static VariantTable<TransformKernel> InverseTable { get; } = new(
        "dct-inverse",
        new Variant<TransformKernel>("reference", true, 0, InverseReference),
        new Variant<TransformKernel>("vector128", HasFused128, 0, Inverse128),
        new Variant<TransformKernel>("vector512", HasFused512, 0, Inverse512),
        new Variant<TransformKernel>("vector256", HasFused256, 0, Inverse256));

    /// <summary>Variants of the quantiser. Tolerance: in levels.</summary>
    public static VariantTable<QuantiseKernel> QuantiseTable { get; } = new(
        "dct-quantise",
        new Variant<QuantiseKernel>("reference", true, 0, QuantiseReference),
        new Variant<QuantiseKernel>("vector128", Vector128.IsHardwareAccelerated, 0, Quantise128),
        new Variant<QuantiseKernel>("vector256", Vector256.IsHardwareAccelerated, 0, Quantise256),
        new Variant<QuantiseKernel>("vector512", Vector512.IsHardwareAccelerated, 0, Quantise512));

    // The cosines are written out, for Math.Cos may differ in the last place from one platform to another.
    // Entry k is ½·cos(kπ/16); the constant row's √⅛ equals ½·cos(4π/16).
    private static ReadOnlySpan<double> HalfCosines =>
    [
        0.5, 0.49039264020161522, 0.46193976625564338, 0.41573480615127262,
        0.35355339059327376, 0.27778511650980111, 0.19134171618254489, 0.09754516100806413, 0.0,
    ];

    private static readonly float[] BasisTable = MakeBasis(transposed: false);
    private static readonly float[] TransposedTable = MakeBasis(transposed: true);

    /// <summary>Coefficients of every 8×8 block of a plane, by the picked variant.</summary>
    /// <param name="plane">height × width samples, row-major; both multiples of 8.</param>
    /// <param name="width">Width in samples.</param>
    /// <param name="coefficients">As long as plane; may be the same memory, must not overlap it otherwise.</param>
    /// <exception cref="ArgumentException">A size that is no multiple of 8, or spans of different lengths.</exception>
    public static void Forward(ReadOnlySpan<float> plane, int width, Span<float> coefficients)
    {
        Check(plane.Length, width, coefficients.Length);
        ForwardTable.Picked.Kernel(plane, width, coefficients);
    }

    /// <summary>Samples from the coefficients of every 8×8 block of a plane, by the picked variant.</summary>
    /// <param name="coefficients">height × width coefficients; both multiples of 8.</param>
    /// <param name="width">Width in samples.</param>
    /// <param name="plane">As long as coefficients; may be the same memory, must not overlap it otherwise.</param>
    /// <exception cref="ArgumentException">A size that is no multiple of 8, or spans of different lengths.</exception>
    public static void Inverse(ReadOnlySpan<float> coefficients, int width, Span<float> plane)
    {
        Check(coefficients.Length, width, plane.Length);
        InverseTable.Picked.Kernel(coefficients, width, plane);
    }

    /// <summary>
    /// level = coefficient / step, rounded to nearest with ties to even, clamped to −32768…32767; NaN becomes 0.
    /// The quotient is a correctly rounded float32 division, not a product with a reciprocal.
    /// </summary>
    /// <param name="coefficients">height × width coefficients; both multiples of 8.</param>
    /// <param name="width">Width in coefficients.</param>
    /// <param name="steps">64 quantiser steps, row-major, above 0.</param>
    /// <param name="levels">As long as coefficients.</param>
    /// <exception cref="ArgumentException">A size that is no multiple of 8, spans of different lengths, or not 64
    /// steps.</exception>
    public static void Quantise(
        ReadOnlySpan<float> coefficients, int width, ReadOnlySpan<float> steps, Span<short> levels)
    {
        Check(coefficients.Length, width, levels.Length);
        if (steps.Length != Size * Size)
            throw new ArgumentException($"{steps.Length} steps given, 64 expected.", nameof(steps));
        QuantiseTable.Picked.Kernel(coefficients, width, steps, levels);
    }

    private static void Check(int sourceLength, int width, int targetLength)
    {
        if (width <= 0 || width % Size != 0)
            throw new ArgumentException($"The width, {width}, is not a positive multiple of 8.", nameof(width));
        if (sourceLength % ((long)width * Size) != 0)
            throw new ArgumentException($"{sourceLength} samples are not whole rows of 8×8 blocks {width} wide.");
        if (sourceLength != targetLength)
            throw new ArgumentException($"{sourceLength} samples in, room for {targetLength} out.");
    }

    private static float[] MakeBasis(bool transposed)
    {
        var basis = new float[Size * Size];
        for (int u = 0; u < Size; u++)
        {
            for (int x = 0; x < Size; x++)
            {
                // cos(kπ/16) has the period 32 in k, is even, and changes sign when mirrored at 8.
                int k = (2 * x + 1) * u % 32;
                k = Math.Min(k, 32 - k);
                double value = u == 0 ? HalfCosines[4] : k <= 8 ? HalfCosines[k] : -HalfCosines[16 - k];
                basis[transposed ? x * Size + u : u * Size + x] = (float)value;
            }
        }

        return basis;
    }
}
