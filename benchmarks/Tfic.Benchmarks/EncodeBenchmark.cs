using BenchmarkDotNet.Attributes;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Kernels;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Benchmarks;

/// <summary>
/// A picture of 512 × 256 to bytes with the shipped codec at quality 4, one thread, beside the float parts of the same
/// network alone (g_a and h_a, no prior and no coder) in libtorch.
/// </summary>
public class EncodeBenchmark
{
    private const int Width = 512, Height = 256;

    private readonly Picture _picture = new(Width, Height, 3);
    private readonly AnalysisTransform _analysis = new();
    private readonly HyperAnalysis _hyper = new();
    private readonly Workspace _workspace = new();
    private readonly float[] _latents = new float[Height / 16 * (Width / 16) * CompactCodec.LatentChannels];
    private CodecModel _model = null!;
    private TficEncoder _encoder = null!;
    private Tensor _tensor = null!;
    private int _threads;

    [GlobalSetup]
    public void Setup()
    {
        _threads = get_num_threads();
        set_num_threads(1);
        using (Stream stream = ShippedModels.Open(ShippedModels.Compact))
            _model = CodecModel.Load(stream);
        _encoder = new TficEncoder(_model);

        // Lines of strokes on white: what matters to the coder is how much there is to code.
        _picture.Samples.AsSpan().Fill(240);
        var random = new Random(1);
        for (int stroke = 0; stroke < 150; stroke++)
        {
            int left = random.Next(Width - 8), top = 64 * random.Next(1, 3) + random.Next(40), high = random.Next(4, 30);
            for (int y = top; y < top + high; y++)
                _picture.Row(y).Slice(3 * left, 18).Fill(20);
        }

        _tensor = rand(1, 3, Height, Width);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        VariantChoice.Current = VariantChoice.Automatic;
        set_num_threads(_threads);
    }

    [Benchmark(Baseline = true)]
    public void LibTorchTransforms()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _hyper.call(_analysis.call(_tensor)).sum().item<float>();
    }

    [Benchmark]
    public int Encode() => _encoder.Encode(_picture, 4).Length;

    [Benchmark]
    public void Analysis() => _model.Transforms.Analysis(_picture, _workspace, _latents, CompactCodec.Narrow);

    [Benchmark]
    public void AnalysisInFloat32() => _model.Transforms.Analysis(_picture, _workspace, _latents, narrow: false);
}
