using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Tfic.Kernels.Convolution;

namespace Tfic.Kernels.BFloat16Convolution;

/// <summary>The rows in native/kernels: AVX512-BF16's vdpbf16ps, Arm's BFDOT and AMX's tdpbf16ps.</summary>
internal static class BFloat16Conv2dNative
{
    /// <summary>
    /// Whether the library is there and the processor can; <see cref="Avx512F"/> too, so that the switches with which .NET
    /// is told to do without AVX-512 are obeyed here as well; on Arm <see cref="AdvSimd"/>.
    /// </summary>
    public static bool IsSupported { get; } =
        (Avx512F.IsSupported || AdvSimd.IsSupported) && NativeKernels.IsAvailable
        && NativeKernels.BFloat16ConvolutionSupported() == 1;

    /// <summary>Of the row of vectors: see the remarks of <see cref="BFloat16Conv2d"/>.</summary>
    public static double Tolerance => (AdvSimd.IsSupported ? 1.5 : 1.0) / (1 << 23);

    /// <summary>The same for AMX.</summary>
    public static bool IsMatrixSupported { get; } = IsSupported && NativeKernels.BFloat16ConvolutionAmxSupported() == 1;

    public static void Run(
        BFloat16Conv2d rounded, BFloat16Plane input, int firstRow, int endRow, Span<float> output,
        BFloat16Plane? narrow, int narrowRow) =>
        Run(rounded, input, firstRow, endRow, output, narrow, narrowRow, byMatrices: false);

    public static void RunMatrices(
        BFloat16Conv2d rounded, BFloat16Plane input, int firstRow, int endRow, Span<float> output,
        BFloat16Plane? narrow, int narrowRow) =>
        Run(rounded, input, firstRow, endRow, output, narrow, narrowRow, byMatrices: true);

    private static unsafe void Run(
        BFloat16Conv2d rounded, BFloat16Plane input, int firstRow, int endRow, Span<float> output,
        BFloat16Plane? narrow, int narrowRow, bool byMatrices)
    {
        Conv2d layer = rounded.Layer;
        Span<ushort> target = narrow is null ? default : narrow.Elements[(narrowRow * narrow.Pitch)..];
        fixed (ushort* elements = input.Elements, weights = rounded.Weights, narrowStart = target)
        fixed (float* bias = rounded.Bias, outputStart = output)
        {
            var call = new Call
            {
                Input = elements,
                InputLength = input.Elements.Length,
                Pitch = input.Pitch,
                Origin = (input.Border - layer.Padding.Left) * input.Channels,
                Weights = weights,
                WeightsLength = rounded.Weights.Length,
                Bias = bias,
                Output = output.IsEmpty ? null : outputStart,
                OutputLength = output.Length,
                Narrow = narrow is null ? null : narrowStart,
                NarrowLength = target.Length,
                NarrowPitch = narrow is null ? 0 : narrow.Pitch,
                NarrowOrigin = narrow is null ? 0 : narrow.Border * narrow.Channels,
                Rows = input.Rows,
                Outputs = layer.OutputChannels,
                KernelHeight = layer.KernelHeight,
                Run = rounded.Run2,
                Step = layer.Stride * input.Channels,
                Stride = layer.Stride,
                Top = layer.Padding.Top,
                Columns = layer.ResultWidth(input.Columns),
                FirstRow = firstRow,
                EndRow = endRow,
                Slope = layer.NegativeSlope,
            };
            int status = byMatrices
                ? NativeKernels.BFloat16ConvolutionAmx(&call)
                : NativeKernels.BFloat16Convolution(&call);
            if (status != 0)
                throw new InvalidOperationException($"tfic_bfloat16_convolution returned status {status}.");
        }
    }

    /// <summary>tfic_bfloat16_convolution_call of tfic/bfloat16_convolution.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct Call
    {
        public ushort* Input;
        public long InputLength;
        public long Pitch;
        public long Origin;
        public ushort* Weights;
        public long WeightsLength;
        public float* Bias;
        public float* Output;
        public long OutputLength;
        public ushort* Narrow;
        public long NarrowLength;
        public long NarrowPitch;
        public long NarrowOrigin;
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
        public float Slope;
    }
}
