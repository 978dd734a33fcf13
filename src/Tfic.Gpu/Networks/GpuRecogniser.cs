using ILGPU.Runtime;
using Tfic.Networks;

namespace Tfic.Gpu.Networks;

/// <summary>The compact recogniser on an ILGPU accelerator, from a line to logits without a copy between layers.</summary>
/// <remarks>
/// Not safe for use by several threads at once. Differences from the processor are those of single layers, see
/// <see cref="Convolution.GpuConv2d"/>; what is tested for the whole is 10⁻⁴ of the output's range.
/// </remarks>
public sealed class GpuRecogniser : IDisposable
{
    private readonly DeviceNetwork _network;
    private readonly CompactRecogniser _model;
    private float[] _logits = [];

    /// <summary>Copies a recogniser to an accelerator, which the caller keeps and disposes of after this.</summary>
    /// <exception cref="NotSupportedException">The accelerator cannot run groups of 64 threads.</exception>
    public GpuRecogniser(Accelerator accelerator, CompactRecogniser model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _network = new DeviceNetwork(accelerator);
        int plane = DeviceNetwork.Input;
        foreach ((var layer, int poolHeight, int poolWidth) in model.Convolutions)
        {
            // A residual is added to what came in.
            plane = _network.Convolve(
                layer, plane, layer.Residual == Kernels.Convolution.Residual.None ? DeviceNetwork.None : plane);
            if (poolHeight * poolWidth > 1)
                plane = _network.Pool(plane, poolHeight, poolWidth);
        }
    }

    /// <summary>Scores the classes in every frame of a line, as <see cref="CompactRecogniser.Logits"/> does.</summary>
    /// <param name="input">32 × width, −1…1.</param>
    /// <param name="width">A multiple of 4, at least 4.</param>
    /// <returns>width/4 × ClassCount logits, valid until the next call.</returns>
    /// <exception cref="ArgumentException">A width that is no multiple of 4, or too few values.</exception>
    public ReadOnlySpan<float> Logits(ReadOnlySpan<float> input, int width)
    {
        CompactRecogniser.Check(input, width);
        int length = width / CompactRecogniser.FrameWidth * _model.ClassCount;
        if (_logits.Length < length)
            _logits = new float[length];
        _network.Run(input, CompactRecogniser.InputHeight, width, _logits);
        return _logits.AsSpan(0, length);
    }

    /// <summary>Gives back the device's memory.</summary>
    public void Dispose() => _network.Dispose();
}
