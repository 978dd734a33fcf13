using ILGPU;
using ILGPU.Runtime;
using Tfic.Kernels;
using Tfic.Kernels.Dct;

namespace Tfic.Gpu.Dct;

/// <summary>
/// The rows named gpu of <see cref="JpegDct"/>: JPEG's block DCT with its quantiser on an ILGPU accelerator, bit for bit
/// as every other row has it. Whole planes take one launch.
/// </summary>
/// <remarks>
/// Not safe for use by several threads at once: buffers are kept from call to call and grow with the largest plane seen.
/// </remarks>
public sealed class GpuJpegDct : IDisposable
{
    private readonly AcceleratorStream _stream;
    private readonly Action<KernelConfig, ArrayView<byte>, JpegLayout, ArrayView<int>, ArrayView<short>> _forward;
    private readonly Action<KernelConfig, ArrayView<short>, JpegLayout, ArrayView<int>, ArrayView<byte>> _inverse;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _constants;
    private readonly int[] _hostConstants = new int[2 * JpegDctKernels.GroupSize];
    private readonly DeviceBuffer<byte> _samples;
    private readonly DeviceBuffer<short> _levels;
    private byte[] _rows = [];

    /// <summary>Compiles the kernels for an accelerator, which the caller keeps and disposes of after this.</summary>
    /// <exception cref="NotSupportedException">The accelerator cannot run groups of 64 threads.</exception>
    public GpuJpegDct(Accelerator accelerator)
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        if (accelerator.MaxNumThreadsPerGroup < JpegDctKernels.GroupSize)
        {
            throw new NotSupportedException(
                $"{accelerator.Name} runs groups of at most {accelerator.MaxNumThreadsPerGroup} threads; " +
                $"JPEG's DCT needs {JpegDctKernels.GroupSize}.");
        }

        _stream = accelerator.DefaultStream;
        _forward = accelerator.LoadStreamKernel<ArrayView<byte>, JpegLayout, ArrayView<int>, ArrayView<short>>(
            JpegDctKernels.Forward);
        _inverse = accelerator.LoadStreamKernel<ArrayView<short>, JpegLayout, ArrayView<int>, ArrayView<byte>>(
            JpegDctKernels.Inverse);
        _samples = new DeviceBuffer<byte>(accelerator);
        _levels = new DeviceBuffer<short>(accelerator);
        JpegDct.Matrix.CopyTo(_hostConstants);
        _constants = accelerator.Allocate1D<int>(_hostConstants.Length);
        ForwardRow = new(
            "gpu", true, 0, (source, stride, quantiser, blocks) => Forward(source, stride, blocks.Length / 64, quantiser, blocks));
        InverseRow = new(
            "gpu", true, 0, (blocks, quantiser, target, stride) => Inverse(blocks, quantiser, target, stride, blocks.Length / 64));
    }

    /// <summary>The forward transform; its contract is that of <see cref="JpegDct.ForwardTable"/>.</summary>
    public Variant<JpegDct.ForwardKernel> ForwardRow { get; }

    /// <summary>The inverse transform; its contract is that of <see cref="JpegDct.InverseTable"/>.</summary>
    public Variant<JpegDct.InverseKernel> InverseRow { get; }

    /// <summary>Quantised coefficients of a plane.</summary>
    /// <param name="source">Rows of samples, as many as whole rows of blocks have.</param>
    /// <param name="stride">Distance between rows.</param>
    /// <param name="blocksAcross">Blocks side by side.</param>
    /// <param name="quantiser">The steps.</param>
    /// <param name="blocks">64 levels a block in natural order, blocks in reading order; its length says how many.</param>
    /// <exception cref="ArgumentException">A span too short, or not whole rows of blocks.</exception>
    public void Forward(
        ReadOnlySpan<byte> source, int stride, int blocksAcross, JpegQuantiser quantiser, Span<short> blocks)
    {
        ArgumentNullException.ThrowIfNull(quantiser);
        if (blocks.IsEmpty)
            return;
        int length = Check(source.Length, stride, blocksAcross, blocks.Length);
        ArrayView1D<byte, Stride1D.Dense> samples = _samples.Take(length);
        ArrayView1D<short, Stride1D.Dense> levels = _levels.Take(blocks.Length);
        SetSteps(quantiser.Steps);
        samples.CopyFromCPU(_stream, source[..length]);
        _forward(
            (blocks.Length / JpegDctKernels.GroupSize, JpegDctKernels.GroupSize), samples.BaseView,
            new JpegLayout(stride, blocksAcross), _constants.View.BaseView, levels.BaseView);
        levels.CopyToCPU(_stream, blocks);
        _stream.Synchronize();
    }

    /// <summary>Samples of a plane from its quantised coefficients.</summary>
    /// <param name="blocks">64 levels a block in natural order, blocks in reading order; its length says how many.</param>
    /// <param name="quantiser">The steps.</param>
    /// <param name="target">Rows of samples, as many as whole rows of blocks have.</param>
    /// <param name="stride">Distance between rows; what lies between them is left alone.</param>
    /// <param name="blocksAcross">Blocks side by side.</param>
    /// <exception cref="ArgumentException">A span too short, or not whole rows of blocks.</exception>
    public void Inverse(
        ReadOnlySpan<short> blocks, JpegQuantiser quantiser, Span<byte> target, int stride, int blocksAcross)
    {
        ArgumentNullException.ThrowIfNull(quantiser);
        if (blocks.IsEmpty)
            return;
        Check(target.Length, stride, blocksAcross, blocks.Length);
        ArrayView1D<byte, Stride1D.Dense> samples = _samples.Take(blocks.Length);
        ArrayView1D<short, Stride1D.Dense> levels = _levels.Take(blocks.Length);
        SetSteps(quantiser.Steps);
        levels.CopyFromCPU(_stream, blocks);
        int width = blocksAcross * JpegDctKernels.Size;
        _inverse(
            (blocks.Length / JpegDctKernels.GroupSize, JpegDctKernels.GroupSize), levels.BaseView,
            new JpegLayout(width, blocksAcross), _constants.View.BaseView, samples.BaseView);

        // Rows lie without gaps on the device, so that one copy brings them and what is between them here stays.
        if (_rows.Length < blocks.Length)
            _rows = new byte[blocks.Length];
        samples.CopyToCPU(_stream, _rows.AsSpan(0, blocks.Length));
        _stream.Synchronize();
        for (int y = 0; y < blocks.Length / width; y++)
            _rows.AsSpan(y * width, width).CopyTo(target[(y * stride)..]);
    }

    /// <summary>Gives back the device's memory.</summary>
    public void Dispose()
    {
        _levels.Dispose();
        _samples.Dispose();
        _constants.Dispose();
    }

    private void SetSteps(ReadOnlySpan<ushort> steps)
    {
        for (int i = 0; i < steps.Length; i++)
            _hostConstants[JpegDctKernels.GroupSize + i] = steps[i];
        _constants.View.CopyFromCPU(_stream, new ReadOnlySpan<int>(_hostConstants));
    }

    /// <summary>How many samples there are from the first to the last.</summary>
    private static int Check(int samples, int stride, int blocksAcross, int levels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blocksAcross, 1);
        int width = blocksAcross * JpegDctKernels.Size;
        if (levels % (width * JpegDctKernels.Size) != 0)
            throw new ArgumentException($"{levels} levels are not whole rows of {blocksAcross} blocks.");
        long length = (long)(levels / width - 1) * stride + width;
        if (stride < width || samples < length)
            throw new ArgumentException($"{samples} samples, {stride} apart, do not hold {levels / 64} blocks.");
        return (int)length;
    }
}
