using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Tfic.Kernels.Convolution;

namespace Tfic.Kernels.QuantisedConvolution;

/// <summary>The rows in native/kernels: AVX512-VNNI's vpdpbusd, Arm's USDOT and AMX's tdpbusd.</summary>
internal static class QuantisedConv2dNative
{
    /// <summary>
    /// Whether the library is there and the processor can; <see cref="Avx512F"/> too, so that the switches with which .NET
    /// is told to do without AVX-512 are obeyed here as well; on Arm <see cref="AdvSimd"/>.
    /// </summary>
    public static bool IsSupported { get; } =
        (Avx512F.IsSupported || AdvSimd.IsSupported) && NativeKernels.IsAvailable
        && NativeKernels.QuantisedConvolutionSupported() == 1;

    /// <summary>The same for AMX.</summary>
    public static bool IsMatrixSupported { get; } = IsSupported && NativeKernels.QuantisedConvolutionAmxSupported() == 1;

    public static void Run(
        QuantisedConv2d quantised, QuantisedPlane input, int firstRow, int endRow, ReadOnlySpan<float> residual,
        Span<float> output) =>
        Run(quantised, input, firstRow, endRow, residual, output, byMatrices: false);

    public static void RunMatrices(
        QuantisedConv2d quantised, QuantisedPlane input, int firstRow, int endRow, ReadOnlySpan<float> residual,
        Span<float> output) =>
        Run(quantised, input, firstRow, endRow, residual, output, byMatrices: true);

    private static unsafe void Run(
        QuantisedConv2d quantised, QuantisedPlane input, int firstRow, int endRow, ReadOnlySpan<float> residual,
        Span<float> output, bool byMatrices)
    {
        Conv2d layer = quantised.Layer;
        fixed (byte* elements = input.Elements)
        fixed (float* scales = input.Scales, weightScales = quantised.Scales, bias = quantised.Bias)
        fixed (float* residualStart = residual, outputStart = output)
        fixed (int* zeros = input.Zeros, sums = quantised.Sums)
        fixed (sbyte* weights = quantised.Weights)
        {
            var call = new Call
            {
                Input = elements,
                InputLength = input.Elements.Length,
                Pitch = input.Pitch,
                Origin = (input.Border - layer.Padding.Left) * input.Channels,
                Scales = scales,
                Zeros = zeros,
                Weights = weights,
                WeightsLength = quantised.Weights.Length,
                WeightScales = weightScales,
                WeightSums = sums,
                Bias = bias,
                Residual = residual.IsEmpty ? null : residualStart,
                Output = outputStart,
                OutputLength = output.Length,
                Rows = input.Rows,
                Outputs = layer.OutputChannels,
                KernelHeight = layer.KernelHeight,
                Run = quantised.Run4,
                Step = layer.Stride * input.Channels,
                Stride = layer.Stride,
                Top = layer.Padding.Top,
                Columns = layer.ResultWidth(input.Columns),
                FirstRow = firstRow,
                EndRow = endRow,
                ResidualMode = (int)layer.Residual,
                Slope = layer.NegativeSlope,
            };
            int status = byMatrices
                ? NativeKernels.QuantisedConvolutionAmx(&call)
                : NativeKernels.QuantisedConvolution(&call);
            if (status != 0)
                throw new InvalidOperationException($"tfic_quantised_convolution returned status {status}.");
        }
    }

    /// <summary>tfic_quantised_convolution_call of tfic/quantised_convolution.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct Call
    {
        public byte* Input;
        public long InputLength;
        public long Pitch;
        public long Origin;
        public float* Scales;
        public int* Zeros;
        public sbyte* Weights;
        public long WeightsLength;
        public float* WeightScales;
        public int* WeightSums;
        public float* Bias;
        public float* Residual;
        public float* Output;
        public long OutputLength;
        public int Rows;
        public int Outputs;
        public int KernelHeight;
        public int Run;
        public int Step;
        public int Stride;
        public int Top;
        public int Columns;
        public int FirstRow;
        public int EndRow;
        public int ResidualMode;
        public float Slope;
    }
}
