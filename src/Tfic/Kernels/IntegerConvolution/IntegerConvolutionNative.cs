using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.IntegerConvolution;

/// <summary>The row in native/kernels: AVX512-VNNI, which .NET does not offer.</summary>
internal static class IntegerConvolutionNative
{
    /// <summary>
    /// Whether the library is there and this processor has the instructions, and .NET was not told to do without
    /// AVX-512: its switches then show what a lesser machine does.
    /// </summary>
    public static bool IsSupported { get; } =
        Avx512F.IsSupported && NativeKernels.IsAvailable && NativeKernels.IntegerConvolutionSupported() == 1;

    public static unsafe void Run(
        ReadOnlySpan<short> input, IntegerConvolutionWeights weights, int height, int width, Span<int> output)
    {
        fixed (short* inputAt = input)
        fixed (short* packedAt = weights.Packed)
        fixed (int* biasAt = weights.PackedBias)
        fixed (int* outputAt = output)
        {
            int status = NativeKernels.IntegerConvolution(
                inputAt,
                input.Length,
                packedAt,
                weights.Packed.Length,
                biasAt,
                weights.PackedBias.Length,
                height,
                width,
                weights.Inputs,
                weights.Outputs,
                weights.KernelSize,
                outputAt,
                output.Length);
            if (status != 0)
                throw new InvalidOperationException($"tfic_integer_convolution returned status {status}.");
        }
    }
}
