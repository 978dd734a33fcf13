using ILGPU.Runtime;
using Tfic.Kernels.Convolution;
using Tfic.Networks;

namespace Tfic.Gpu.Networks;

/// <summary>DnCNN on an ILGPU accelerator: all of its layers run there without a copy between them.</summary>
/// <remarks>
/// <para>
/// Not safe for use by several threads at once: the buffers are kept from call to call. Each of the two holds a plane of
/// all channels, 256 bytes a pixel for 64 of them; pictures that would take more than <see cref="MaxPlane"/> values pass
/// in bands of rows that overlap as far as the layers reach, which changes no value.
/// </para>
/// <para>
/// Each layer keeps the bound that <see cref="Convolution.GpuConv2d"/> derives. For the whole no worst case is of use, as
/// it grows by a layer's largest gain at every layer; what is tested is 10⁻⁴ of the output's range.
/// </para>
/// </remarks>
public sealed class GpuRestorer : IDisposable
{
    /// <summary>Most values of a plane between layers, unless a single row and its surroundings need more: 256 MB.</summary>
    public const int MaxPlane = 1 << 26;

    private readonly DeviceNetwork _network;
    private readonly DnCnnRestorer _model;
    private float[] _residual = [];

    /// <summary>Copies a restorer to an accelerator, which the caller keeps and disposes of after this.</summary>
    /// <exception cref="NotSupportedException">
    /// The restorer is not a DnCNN; or the accelerator cannot run groups of 64 threads.
    /// </exception>
    public GpuRestorer(Accelerator accelerator, RestorerModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model as DnCnnRestorer
            ?? throw new NotSupportedException("Only restorers of profile dncnn run on a GPU; use the processor.");
        _network = new DeviceNetwork(accelerator);
        int plane = DeviceNetwork.Input;
        foreach (Conv2d layer in _model.Convolutions)
            plane = _network.Convolve(layer, plane);
    }

    /// <summary>Restores a plane as <see cref="RestorerModel"/> does in float32.</summary>
    /// <param name="input">height × width samples, 0 … 1.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="output">At least height × width; written; does not overlap the input.</param>
    /// <exception cref="ArgumentException">
    /// A size below 1, a span that is too short, spans that overlap, or rows too wide for the device.
    /// </exception>
    public void Restore(ReadOnlySpan<float> input, int width, int height, Span<float> output) =>
        Restore(input, width, height, output, MaxPlane);

    /// <summary>Gives back the device's memory.</summary>
    public void Dispose() => _network.Dispose();

    /// <summary>Restores by bands of at most so many values a plane.</summary>
    internal void Restore(ReadOnlySpan<float> input, int width, int height, Span<float> output, int maxPlane)
    {
        RestorerModel.Check(input, width, height, output);
        int reach = _model.Reach;
        int bandHeight = (int)long.Clamp(maxPlane / ((long)width * _model.Features) - 2 * reach, 1, height);
        for (int top = 0; top < height; top += bandHeight)
        {
            int bottom = int.Min(top + bandHeight, height);
            int from = int.Max(0, top - reach), to = int.Min(height, bottom + reach);
            if (_residual.Length < (to - from) * width)
                _residual = new float[(to - from) * width];
            _network.Run(input[(from * width)..(to * width)], to - from, width, _residual);
            int skipped = (top - from) * width;
            for (int i = top * width; i < bottom * width; i++)
                output[i] = Math.Clamp(input[i] - _residual[skipped + i - top * width], 0f, 1f);
        }
    }
}
