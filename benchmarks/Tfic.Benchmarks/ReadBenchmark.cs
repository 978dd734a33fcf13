using BenchmarkDotNet.Attributes;
using Tfic.Imaging;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Reading;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Tfic.Benchmarks;

/// <summary>
/// A decoded line of 512 × 256 to text with the shipped recogniser, beside the same network in libtorch, in float32, norms
/// folded, with the same steps before and behind it. Layers as small as these run in libtorch's BLAS: see
/// <see cref="ResultFile.Blas"/>. Channels last is the slower layout for them.
/// </summary>
public class ReadBenchmark
{
    private static readonly string[] s_layers =
        ["conv0", "conv1", "conv2", "conv3", "conv4", "conv5", "conv6", "seq0", "seq1", "seq2", "head"];

    private readonly Picture _picture = SamplePicture.Strokes();
    private readonly Dictionary<string, (Tensor Weight, Tensor Bias)> _layers = [];
    private LineReader _reader = null!;
    private Tensor _luma = null!;
    private int _threads, _width;

    /// <summary>Threads that share the work of a line.</summary>
    [Params(1, 2)]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _threads = get_num_threads();
        set_num_threads(Threads);
        CompactRecogniser model;
        using (Stream stream = ShippedModels.Open(ShippedModels.RecogniserCompact))
            model = (CompactRecogniser)RecogniserModel.Load(stream);
        _reader = new LineReader(model, Threads);
        _width = LineReader.InputWidth(_picture.Width, _picture.Height);
        foreach (string name in s_layers)
            _layers[name] = LibTorchPeer.Layer(model.File, name);
        _luma = tensor([0.299f, 0.587f, 0.114f]);
    }

    [GlobalCleanup]
    public void Cleanup() => set_num_threads(_threads);

    [Benchmark(Baseline = true)]
    public int LibTorch()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor grey = tensor(_picture.Samples).view(1, _picture.Height, _picture.Width, 3).to(float32).matmul(_luma);
        Tensor x = F.interpolate(
            grey.unsqueeze(1), size: [CompactRecogniser.InputHeight, _width], mode: InterpolationMode.Bilinear,
            align_corners: false, antialias: true) / 127.5f - 1f;
        x = Relu("conv0", x, [2, 2]);
        x = F.max_pool2d(Relu("conv1", x), [2, 2]);
        x = Relu("conv2", x);
        x = F.max_pool2d(F.relu(x + Convolve("conv3", x, [1, 1], [1, 1])), [2, 1], [2, 1]);
        x = F.max_pool2d(Relu("conv4", x), [2, 1], [2, 1]);
        x = F.relu(Convolve("conv6", Relu("conv5", x), [1, 1], [0, 0]));
        foreach (string name in s_layers[7..10])
            x = x + F.relu(Convolve(name, x, [1, 1], [0, 3]));
        (Tensor values, Tensor classes) = Convolve("head", x, [1, 1], [0, 0]).softmax(1).max(1);
        long[] best = classes.contiguous().data<long>().ToArray();
        float[] probabilities = values.contiguous().data<float>().ToArray();
        int characters = 0;
        for (int i = 0; i < best.Length; i++)
            characters += best[i] != 0 && (i == 0 || best[i] != best[i - 1]) && probabilities[i] > 0 ? 1 : 0;
        return characters;
    }

    [Benchmark]
    [Latencies]
    public int Read() => _reader.Read(_picture).Text.Length;

    private Tensor Relu(string layer, Tensor x, long[]? strides = null) =>
        F.relu(Convolve(layer, x, strides ?? [1, 1], [1, 1]));

    private Tensor Convolve(string layer, Tensor x, long[] strides, long[] padding) =>
        F.conv2d(x, _layers[layer].Weight, _layers[layer].Bias, strides, padding);
}
