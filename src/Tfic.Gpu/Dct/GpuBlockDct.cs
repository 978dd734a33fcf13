using ILGPU;
using ILGPU.Runtime;
using Tfic.Kernels;
using Tfic.Kernels.Dct;

namespace Tfic.Gpu.Dct;

/// <summary>The rows named gpu of <see cref="BlockDct"/>: the 8×8 DCT on an ILGPU accelerator.</summary>
/// <remarks>
/// <para>
/// Not safe for use by several threads at once: the device buffers are kept from call to call and grow with the
/// largest plane seen.
/// </para>
/// <para>
/// Tolerance. Each stage computes sums of eight products in ascending order, every operation rounded once, any product
/// fused with its addition or not. In float32, with u = 2⁻²⁴ and γ = 8u/(1 − 8u), such a sum differs from the exact one
/// by at most γ·Σ|a||b|, whatever is fused. Two stages differ from the exact M·B·Mᵀ by at most
/// ((1 + γ)² − 1)·(|M||B||Mᵀ|), entry by entry. A row of C or of Cᵀ has the Euclidean norm 1 and so, by
/// Cauchy–Schwarz, absolute values that sum to at most √8; hence |M||B||Mᵀ| ≤ 8·max|B|. The reference keeps the same
/// bound, so the two differ by at most twice that: 16·max|B|·((1 + γ)² − 1), which is 1.5·10⁻⁵ for samples of
/// magnitude 1 and eight times as much for coefficients of magnitude 8. Flushed subnormals are far below it.
/// </para>
/// </remarks>
public sealed class GpuBlockDct : IDisposable
{
    private const double UnitRoundoff = 1.0 / (1 << 24);
    private const double Gamma = 8 * UnitRoundoff / (1 - 8 * UnitRoundoff);
    private const double ForwardTolerance = 16 * ((1 + Gamma) * (1 + Gamma) - 1);
    private const double InverseTolerance = 8 * ForwardTolerance;

    private readonly Accelerator _accelerator;
    private readonly Action<KernelConfig, ArrayView<float>, int, ArrayView<float>, ArrayView<float>> _transform;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _basis;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _transposedBasis;
    private MemoryBuffer1D<float, Stride1D.Dense>? _plane;

    /// <summary>Compiles the kernel for an accelerator, which the caller keeps and disposes of after this.</summary>
    /// <exception cref="NotSupportedException">The accelerator cannot run groups of 64 threads.</exception>
    public GpuBlockDct(Accelerator accelerator)
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        if (accelerator.MaxNumThreadsPerGroup < BlockDctKernel.GroupSize)
        {
            throw new NotSupportedException(
                $"{accelerator.Name} runs groups of at most {accelerator.MaxNumThreadsPerGroup} threads; " +
                $"the block DCT needs {BlockDctKernel.GroupSize}.");
        }

        _accelerator = accelerator;
        _transform = accelerator.LoadStreamKernel<ArrayView<float>, int, ArrayView<float>, ArrayView<float>>(
            BlockDctKernel.Transform);
        _basis = accelerator.Allocate1D(BlockDct.Basis.ToArray());
        _transposedBasis = accelerator.Allocate1D(BlockDct.TransposedBasis.ToArray());
        Forward = new("gpu", true, ForwardTolerance, (source, width, target) => Run(source, width, _basis, target));
        Inverse = new(
            "gpu", true, InverseTolerance, (source, width, target) => Run(source, width, _transposedBasis, target));
    }

    /// <summary>The forward transform; its contract is that of <see cref="BlockDct.ForwardTable"/>.</summary>
    public Variant<BlockDct.TransformKernel> Forward { get; }

    /// <summary>The inverse transform; its contract is that of <see cref="BlockDct.InverseTable"/>.</summary>
    public Variant<BlockDct.TransformKernel> Inverse { get; }

    /// <summary>Gives back the device's memory.</summary>
    public void Dispose()
    {
        _plane?.Dispose();
        _transposedBasis.Dispose();
        _basis.Dispose();
    }

    private void Run(
        ReadOnlySpan<float> source, int width, MemoryBuffer1D<float, Stride1D.Dense> matrix, Span<float> target)
    {
        if (source.IsEmpty)
            return;
        if (_plane is null || _plane.Length < source.Length)
        {
            _plane?.Dispose();
            _plane = _accelerator.Allocate1D<float>(source.Length);
        }

        // One buffer serves as source and target: a group reads its block before it writes it.
        ArrayView1D<float, Stride1D.Dense> plane = _plane.View.SubView(0, source.Length);
        plane.CopyFromCPU(_accelerator.DefaultStream, source);
        _transform(
            (source.Length / BlockDctKernel.GroupSize, BlockDctKernel.GroupSize),
            plane.BaseView, width, matrix.View.BaseView, plane.BaseView);
        plane.CopyToCPU(_accelerator.DefaultStream, target);
        _accelerator.DefaultStream.Synchronize();
    }
}
