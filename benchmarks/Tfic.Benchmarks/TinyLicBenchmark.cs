using BenchmarkDotNet.Attributes;
using Tfic.Kernels.Attention;
using Tfic.Networks;
using Tfic.Networks.TinyLic;
using TorchSharp;
using static TorchSharp.torch;
using TorchAttention = Tfic.Training.Networks.TinyLic.NeighbourhoodAttention;
using TorchTinyLic = Tfic.Training.Networks.TinyLic.TinyLicNetwork;

namespace Tfic.Benchmarks;

/// <summary>
/// TinyLIC at its published size with random weights on a picture of 512 × 256, one thread, float32: picture to y and z in
/// libtorch and on the core, and from the picture to bytes on the core.
/// </summary>
public class TinyLicBenchmark
{
    private const int Width = 512, Height = 256;

    private readonly TinyLicModel _model = TinyLicModel.Drawn(seed: 1);
    private readonly Workspace _workspace = new();
    private readonly float[] _input = new float[3 * Width * Height];
    private readonly Imaging.Picture _picture = new(Width, Height, 3);
    private float[] _y = [], _z = [];
    private TorchTinyLic _network = null!;
    private Tensor _tensor = null!;
    private int _threads;

    [GlobalSetup]
    public void Setup()
    {
        _threads = get_num_threads();
        set_num_threads(1);
        _network = new TorchTinyLic();
        _network.eval();
        new Random(1).NextBytes(_picture.Samples);
        for (int i = 0; i < _input.Length; i++)
            _input[i] = _picture.Samples[i] / 255f;
        _tensor = rand(1, 3, Height, Width);
        _y = new float[Height / 16 * (Width / 16) * _model.LatentChannels];
        _z = new float[Height / 64 * (Width / 64) * _model.HyperChannels];
    }

    [GlobalCleanup]
    public void Cleanup() => set_num_threads(_threads);

    [Benchmark(Baseline = true)]
    public void LibTorchTransforms()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _network.Latents(_tensor).Hyper.sum().item<float>();
    }

    [Benchmark]
    public void Transforms()
    {
        _model.Analysis(_input, Height, Width, _workspace, _y);
        _model.HyperAnalysis(_y, Height / 16, Width / 16, _workspace, _z);
    }

    [Benchmark]
    public int Encode() => _model.Encode(_picture, _workspace).Latent.Length;
}

/// <summary>
/// One neighbourhood attention of TinyLIC's first level, 8 heads of 16 channels, a window of 7, on 128 × 128 positions, one
/// thread: the whole layer with its projections in libtorch, as it gathers windows by tiles; on the core the kernel alone.
/// </summary>
public class NeighbourhoodAttentionBenchmark
{
    private const int Size = 128, Channels = 128, Heads = 8, Window = 7;

    private readonly NeighbourhoodAttention _layer =
        new(new float[Heads * (2 * Window - 1) * (2 * Window - 1)], Channels, Heads, Window);

    private readonly float[] _projected = new float[3 * Size * Size * Channels], _output = new float[Size * Size * Channels];
    private TorchAttention _module = null!;
    private Tensor _tensor = null!;
    private int _threads;

    [GlobalSetup]
    public void Setup()
    {
        _threads = get_num_threads();
        set_num_threads(1);
        _module = new TorchAttention(Channels, Window, Heads);
        _tensor = rand(1, Size, Size, Channels);
        var random = new Random(1);
        foreach (ref float value in _projected.AsSpan())
            value = 2 * random.NextSingle() - 1;
    }

    [GlobalCleanup]
    public void Cleanup() => set_num_threads(_threads);

    // Projections of 4 · Channels² beside the attention's 2 · Window² · Channels.
    [Benchmark(Baseline = true)]
    [Work((4L * Channels + 2L * Window * Window) * Channels * Size * Size)]
    public void LibTorchLayer()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _module.call(_tensor).sum().item<float>();
    }

    [Benchmark]
    [Work(2L * Window * Window * Channels * Size * Size)]
    public void Kernel() => _layer.Run(_projected, Size, Size, _output);
}
