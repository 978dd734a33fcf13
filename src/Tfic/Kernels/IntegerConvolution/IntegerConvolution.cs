using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.IntegerConvolution;

/// <summary>
/// Convolves integer activations: stride 1, no padding (the caller's plane has its border already).
/// </summary>
/// <param name="input">
/// (height + k − 1) × (width + k − 1) positions of <c>weights.Inputs</c> activations each, row-major.
/// </param>
/// <param name="weights">Weights and biases; they bound the activations (see there).</param>
/// <param name="height">Rows of output.</param>
/// <param name="width">Columns of output.</param>
/// <param name="output">Receives height × width positions of <c>weights.Outputs</c> sums each, biases included.</param>
/// <remarks>
/// Exact: every product and every partial sum in any order fits 32 bits as long as the activations keep the bound
/// that <see cref="IntegerConvolutionWeights.MaxActivation"/> states, so all rows give the same sums. No row uses an
/// instruction that saturates.
/// </remarks>
public delegate void IntegerConvolutionKernel(
    ReadOnlySpan<short> input, IntegerConvolutionWeights weights, int height, int width, Span<int> output);

/// <summary>Contract, rows and dispatch of the integer convolution.</summary>
public static class IntegerConvolution
{
    /// <summary>The rows. Their names are those of the instruction sets' widths; all are exact.</summary>
    public static readonly VariantTable<IntegerConvolutionKernel> Table = new(
        "integer-convolution",
        new Variant<IntegerConvolutionKernel>("reference", true, 0, Reference),
        new Variant<IntegerConvolutionKernel>(
            "vector128", Vector128.IsHardwareAccelerated, 0, IntegerConvolutionSimd.Run<Lanes128>),
        new Variant<IntegerConvolutionKernel>(
            "vector256", Avx2.IsSupported, 0, IntegerConvolutionSimd.Run<Lanes256>),
        new Variant<IntegerConvolutionKernel>(
            "vector512", Avx512BW.IsSupported, 0, IntegerConvolutionSimd.Run<Lanes512>),
        new Variant<IntegerConvolutionKernel>(
            "native", IntegerConvolutionNative.IsSupported, 0, IntegerConvolutionNative.Run));

    /// <summary>Runs the picked row on spans whose lengths have been checked.</summary>
    /// <inheritdoc cref="IntegerConvolutionKernel"/>
    /// <exception cref="ArgumentException">A span is too short.</exception>
    public static void Run(
        ReadOnlySpan<short> input, IntegerConvolutionWeights weights, int height, int width, Span<int> output)
    {
        Check(input, weights, height, width, output);
        Table.Picked.Kernel(input, weights, height, width, output);
    }

    /// <summary>What every row relies on; the rows themselves do not check.</summary>
    internal static void Check(
        ReadOnlySpan<short> input, IntegerConvolutionWeights weights, int height, int width, Span<int> output)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        int border = weights.KernelSize - 1;
        if (input.Length < checked((long)(height + border) * (width + border) * weights.Inputs))
            throw new ArgumentException("The plane of activations is too short.", nameof(input));
        if (output.Length < checked((long)height * width * weights.Outputs))
            throw new ArgumentException("The plane of sums is too short.", nameof(output));
    }

    /// <summary>The definition, in the order of the formula.</summary>
    internal static void Reference(
        ReadOnlySpan<short> input, IntegerConvolutionWeights weights, int height, int width, Span<int> output)
    {
        int k = weights.KernelSize;
        int inputs = weights.Inputs;
        int stride = (width + k - 1) * inputs;
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                for (int o = 0; o < weights.Outputs; o++)
                {
                    int sum = weights.Bias[o];
                    for (int ky = 0; ky < k; ky++)
                    {
                        for (int kx = 0; kx < k; kx++)
                        {
                            for (int i = 0; i < inputs; i++)
                                sum += weights[o, i, ky, kx] * input[((y + ky) * stride) + ((x + kx) * inputs) + i];
                        }
                    }

                    output[(((y * width) + x) * weights.Outputs) + o] = sum;
                }
            }
        }
    }
}
