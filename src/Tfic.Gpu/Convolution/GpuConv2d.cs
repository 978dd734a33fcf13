using ILGPU.Runtime;
using Tfic.Gpu.Networks;
using Tfic.Kernels;
using Tfic.Kernels.Convolution;

namespace Tfic.Gpu.Convolution;

/// <summary>The row named gpu of <see cref="Conv2d"/>, on an ILGPU accelerator.</summary>
/// <remarks>
/// <para>
/// For single layers: a plane travels to the device and back. Whole networks stay there, see
/// <see cref="GpuRestorer"/>, <see cref="GpuCodec"/> and <see cref="GpuRecogniser"/>. Not safe for use by several threads
/// at once. Weights stay on the device from their first use until this is disposed of.
/// </para>
/// <para>
/// Tolerance. The sum has the order of the reference, ascending from the bias, but the device's assembler may or may not
/// fuse a product with its addition. With n products and u = 2⁻²⁴, every term passes through at most n + 1 roundings, its
/// own product's included; residual and activation add one each. So, whatever is fused, result and reference each differ
/// from the exact value by at most γ·S, where γ = (n + 3)u / (1 − (n + 3)u) and S = |bias| + Σ|weight||activation| +
/// |residual|, for slopes within −1 … 1, and from each other by at most 2γ·S. The row states 2γ for n = 4096, in units of
/// S; <see cref="ErrorBound"/> is what it is for a layer.
/// </para>
/// </remarks>
public sealed class GpuConv2d : IDisposable
{
    private const int MostProducts = 4096;

    private readonly Accelerator _accelerator;
    private readonly Dictionary<Conv2d, DeviceNetwork> _layers = [];

    /// <summary>Takes an accelerator, which the caller keeps and disposes of after this.</summary>
    public GpuConv2d(Accelerator accelerator)
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        _accelerator = accelerator;
        Row = new("gpu", true, RelativeBound(MostProducts), Run);
    }

    /// <summary>The row; its contract is that of the kernel's table.</summary>
    public Variant<Conv2dKernel> Row { get; }

    /// <summary>Largest difference from the reference for a layer, in units of |bias| + Σ|weight||input| + |residual|.</summary>
    public static double ErrorBound(Conv2d layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return RelativeBound(layer.Weight.Length / layer.OutputChannels);
    }

    /// <summary>Gives back the device's memory.</summary>
    public void Dispose()
    {
        foreach (DeviceNetwork layer in _layers.Values)
            layer.Dispose();
        _layers.Clear();
    }

    private static double RelativeBound(int products)
    {
        double rounding = (products + 3) * (1.0 / (1 << 24));
        return 2 * rounding / (1 - rounding);
    }

    private void Run(
        Conv2d layer, ReadOnlySpan<float> input, int height, int width, ReadOnlySpan<float> residual, Span<float> output,
        int threads)
    {
        _ = threads;
        if (!_layers.TryGetValue(layer, out DeviceNetwork? network))
        {
            network = new DeviceNetwork(_accelerator);
            network.Convolve(
                layer, DeviceNetwork.Input,
                layer.Residual == Residual.None ? DeviceNetwork.None : DeviceNetwork.SecondInput);
            _layers.Add(layer, network);
        }

        network.Run(input, height, width, output, residual);
    }
}
