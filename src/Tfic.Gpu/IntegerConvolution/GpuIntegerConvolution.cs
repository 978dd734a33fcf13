using ILGPU;
using ILGPU.Runtime;
using Tfic.Kernels;
using Tfic.Kernels.IntegerConvolution;

namespace Tfic.Gpu.IntegerConvolution;

/// <summary>
/// The row named gpu of the integer convolution, on an ILGPU accelerator: the same sums as every other row, bit for
/// bit.
/// </summary>
/// <remarks>
/// Not safe for use by several threads at once: buffers are kept from call to call and grow with the largest plane
/// seen. Weights stay on the device from their first use until this is disposed of.
/// </remarks>
public sealed class GpuIntegerConvolution : IDisposable
{
    private readonly Accelerator _accelerator;
    private readonly Action<
        KernelConfig, ArrayView<short>, ArrayView<short>, ArrayView<int>, ConvolutionShape, ArrayView<int>> _convolve;
    private readonly Dictionary<IntegerConvolutionWeights, DeviceWeights> _weights = [];
    private MemoryBuffer1D<short, Stride1D.Dense>? _input;
    private MemoryBuffer1D<int, Stride1D.Dense>? _output;

    /// <summary>Compiles the kernel for an accelerator, which the caller keeps and disposes of after this.</summary>
    /// <exception cref="NotSupportedException">The accelerator cannot run groups of 64 threads.</exception>
    public GpuIntegerConvolution(Accelerator accelerator)
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        if (accelerator.MaxNumThreadsPerGroup < IntegerConvolutionKernels.GroupSize)
        {
            throw new NotSupportedException(
                $"{accelerator.Name} runs groups of at most {accelerator.MaxNumThreadsPerGroup} threads; " +
                $"the integer convolution needs {IntegerConvolutionKernels.GroupSize}.");
        }

        _accelerator = accelerator;
        _convolve = accelerator.LoadStreamKernel<
            ArrayView<short>, ArrayView<short>, ArrayView<int>, ConvolutionShape, ArrayView<int>>(
            IntegerConvolutionKernels.Convolve);
        Row = new("gpu", true, 0, Run);
    }

    /// <summary>The row; its contract is that of the kernel's table.</summary>
    public Variant<IntegerConvolutionKernel> Row { get; }

    /// <summary>Gives back the device's memory.</summary>
    public void Dispose()
    {
        foreach (DeviceWeights weights in _weights.Values)
        {
            weights.Packed.Dispose();
            weights.Bias.Dispose();
        }

        _weights.Clear();
        _output?.Dispose();
        _input?.Dispose();
    }

    private void Run(
        ReadOnlySpan<short> input, IntegerConvolutionWeights weights, int height, int width, Span<int> output)
    {
        var shape = new ConvolutionShape(
            height * width, width, weights.Inputs, weights.Outputs, weights.KernelSize);
        int border = weights.KernelSize - 1;
        int activations = (height + border) * (width + border) * weights.Inputs;
        int sums = shape.Positions * shape.Outputs;
        if (!_weights.TryGetValue(weights, out DeviceWeights? there))
        {
            there = new DeviceWeights(
                _accelerator.Allocate1D(weights.Packed), _accelerator.Allocate1D(weights.PackedBias));
            _weights.Add(weights, there);
        }

        ArrayView1D<short, Stride1D.Dense> from = Grow(ref _input, activations).View.SubView(0, activations);
        ArrayView1D<int, Stride1D.Dense> to = Grow(ref _output, sums).View.SubView(0, sums);
        from.CopyFromCPU(_accelerator.DefaultStream, input[..activations]);
        _convolve(
            (IntegerConvolutionKernels.Groups(shape), IntegerConvolutionKernels.GroupSize),
            from.BaseView,
            there.Packed.View.BaseView,
            there.Bias.View.BaseView,
            shape,
            to.BaseView);
        to.CopyToCPU(_accelerator.DefaultStream, output[..sums]);
        _accelerator.DefaultStream.Synchronize();
    }

    private MemoryBuffer1D<T, Stride1D.Dense> Grow<T>(ref MemoryBuffer1D<T, Stride1D.Dense>? buffer, int length)
        where T : unmanaged
    {
        if (buffer is null || buffer.Length < length)
        {
            buffer?.Dispose();
            buffer = _accelerator.Allocate1D<T>(length);
        }

        return buffer;
    }

    private sealed record DeviceWeights(
        MemoryBuffer1D<short, Stride1D.Dense> Packed, MemoryBuffer1D<int, Stride1D.Dense> Bias);
}
