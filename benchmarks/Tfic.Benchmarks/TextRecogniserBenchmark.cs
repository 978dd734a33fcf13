using BenchmarkDotNet.Attributes;
using Tfic.Networks;
using Tfic.Networks.Recognition;
using Tfic.Training.Networks.Recognition;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Benchmarks;

/// <summary>
/// A word of 32 × 100 by TPS-ResNet-BiLSTM-Attention of the published size, 26 steps, one thread: the whole, and its
/// first recurrent layer alone, in libtorch and on the core's kernels. The time does not depend on what the weights are.
/// </summary>
public class TextRecogniserBenchmark
{
    private const int Frames = 26, Channels = 512, Units = 256;

    // Of each direction the gates from the frames and from the state; then the linear layer.
    private const long RecurrentMultiplyAdds = Frames * (2L * 4 * Units * (Channels + Units) + 2 * Units * Units);

    private readonly Workspace _workspace = new();
    private readonly float[] _word = new float[32 * 100];
    private readonly float[] _frames = new float[Frames * Channels], _context = new float[Frames * Units];
    private TextRecogniserModel _model = null!;
    private Tfic.Networks.Recognition.BidirectionalLstm _layer = null!;
    private TextRecogniser _torchModel = null!;
    private Tfic.Training.Networks.Recognition.BidirectionalLstm _torchLayer = null!;
    private Tensor _torchWord = null!, _torchFrames = null!;
    private int _threads;

    [GlobalSetup]
    public void Setup()
    {
        _threads = get_num_threads();
        set_num_threads(1);
        var random = new Random(1);
        foreach (float[] values in new[] { _word, _frames })
        {
            foreach (ref float value in values.AsSpan())
                value = 2 * random.NextSingle() - 1;
        }

        var options = new TextRecogniserOptions();
        _model = TextRecogniserModel.Random(options, seed: 1);
        _layer = new(PublishedWeights.Drawn(seed: 2), "layer", Channels, Units, Units);
        _torchModel = new TextRecogniser(options);
        _torchModel.eval();
        _torchLayer = new(Channels, Units, Units);
        _torchLayer.eval();
        _torchWord = tensor(_word).view(1, 1, 32, 100);
        _torchFrames = tensor(_frames).view(1, Frames, Channels);
    }

    [GlobalCleanup]
    public void Cleanup() => set_num_threads(_threads);

    [Benchmark(Baseline = true)]
    public float LibTorch()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return _torchModel.Read(_torchWord).sum().item<float>();
    }

    [Benchmark]
    public float Core() => _model.Logits(_word, 100, 1, _workspace)[0];

    [Benchmark]
    [Work(RecurrentMultiplyAdds)]
    public float LibTorchRecurrent()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return _torchLayer.call(_torchFrames).sum().item<float>();
    }

    [Benchmark]
    [Work(RecurrentMultiplyAdds)]
    public float CoreRecurrent()
    {
        _layer.Run(_frames, 1, Frames, _workspace, _context);
        return _context[0];
    }
}
