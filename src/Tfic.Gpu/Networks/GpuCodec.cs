using ILGPU.Runtime;
using Tfic.Imaging;
using Tfic.Kernels.Convolution;
using Tfic.Networks;

namespace Tfic.Gpu.Networks;

/// <summary>
/// The float transforms of the compact codec on an ILGPU accelerator, each without a copy between its layers.
/// </summary>
/// <remarks>
/// <para>
/// Not safe for use by several threads at once. Pictures are padded and converted on the processor, by the code that does
/// it for <see cref="CompactCodec"/>.
/// </para>
/// <para>
/// Differences from the processor's float32 are those of single layers, see <see cref="Convolution.GpuConv2d"/>; what is
/// tested for the whole is 10⁻⁴ of the output's range, and for samples one level. Nothing here chooses a probability.
/// </para>
/// </remarks>
public sealed class GpuCodec : IDisposable
{
    private readonly DeviceNetwork _analysis, _hyperAnalysis, _synthesis;
    private readonly Workspace _workspace = new();
    private float[] _plane = [];

    /// <summary>Copies a codec to an accelerator, which the caller keeps and disposes of after this.</summary>
    /// <exception cref="NotSupportedException">The accelerator cannot run groups of 64 threads.</exception>
    public GpuCodec(Accelerator accelerator, CompactCodec codec)
    {
        ArgumentNullException.ThrowIfNull(codec);
        _analysis = Chain(accelerator, codec.AnalysisLayers);
        _hyperAnalysis = Chain(accelerator, codec.HyperAnalysisLayers);
        _synthesis = Chain(accelerator, codec.SynthesisLayers);
    }

    /// <summary>g_a: picture to y.</summary>
    /// <param name="picture">Any picture, grey or RGB.</param>
    /// <param name="y">Rows × columns × 96 of <see cref="CompactCodec.LatentSize"/>; written.</param>
    /// <exception cref="ArgumentException">y is too short, or the picture too large.</exception>
    public void Analysis(Picture picture, Span<float> y)
    {
        ArgumentNullException.ThrowIfNull(picture);
        (int columns, int rows) = CompactCodec.LatentSize(picture.Width, picture.Height);
        int width = columns * CompactCodec.LatentStride, height = rows * CompactCodec.LatentStride;
        Span<float> padded = Plane(3L * width * height);
        CompactCodec.Pad(picture, _workspace, width, height, padded);
        _analysis.Run(padded, height, width, y);
    }

    /// <summary>h_a: y' to z.</summary>
    /// <param name="scaled">y', height × width × 96.</param>
    /// <param name="width">Columns of y', a multiple of 4.</param>
    /// <param name="height">Rows of y', a multiple of 4.</param>
    /// <param name="z">height/4 × width/4 × 32; written; not rounded.</param>
    /// <exception cref="ArgumentException">A span is too short, or a size is no multiple of 4.</exception>
    public void HyperAnalysis(ReadOnlySpan<float> scaled, int width, int height, Span<float> z)
    {
        if (width % 4 != 0 || height % 4 != 0)
            throw new ArgumentException($"y' of {height} × {width} is not of a padded picture.", nameof(width));
        _hyperAnalysis.Run(scaled, height, width, z);
    }

    /// <summary>g_s: ŷ to picture.</summary>
    /// <param name="y">ŷ, rows × columns × 96 of <see cref="CompactCodec.LatentSize"/>.</param>
    /// <param name="picture">An RGB picture of the size wanted; overwritten.</param>
    /// <exception cref="ArgumentException">y is too short, or the picture too large or grey.</exception>
    public void Synthesis(ReadOnlySpan<float> y, Picture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (picture.Channels != 3)
            throw new ArgumentException("The picture must have three channels.", nameof(picture));
        (int columns, int rows) = CompactCodec.LatentSize(picture.Width, picture.Height);
        Span<float> blocks = Plane(16L * rows * columns * 48);
        _synthesis.Run(y, rows, columns, blocks);
        CompactCodec.GiveOut(blocks, columns * 4, _workspace, picture);
    }

    /// <summary>Gives back the device's memory.</summary>
    public void Dispose()
    {
        _synthesis.Dispose();
        _hyperAnalysis.Dispose();
        _analysis.Dispose();
    }

    /// <summary>One layer after the other; a residual is what the layer before took in, as in x + conv1(conv0(x)).</summary>
    private static DeviceNetwork Chain(Accelerator accelerator, IEnumerable<Conv2d> layers)
    {
        var network = new DeviceNetwork(accelerator);
        int plane = DeviceNetwork.Input, before = DeviceNetwork.None;
        foreach (Conv2d layer in layers)
        {
            int result = network.Convolve(layer, plane, layer.Residual == Residual.None ? DeviceNetwork.None : before);
            (before, plane) = (plane, result);
        }

        return network;
    }

    private Span<float> Plane(long length)
    {
        if (_plane.Length < length)
            _plane = new float[length];
        return _plane.AsSpan(0, (int)length);
    }
}
