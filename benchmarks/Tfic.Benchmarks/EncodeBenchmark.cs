using BenchmarkDotNet.Attributes;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Kernels.RangeCoding;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Benchmarks;

/// <summary>
/// A picture of 512 × 256 to bytes with the shipped codec at quality 4, beside the same network in libtorch with a plain
/// coder: g_a and h_a with the shipped weights, h_s and the context in float32 with random ones, which cost the same, and
/// the core's coder of one lane.
/// </summary>
public class EncodeBenchmark
{
    private const double Quality = 4;

    private readonly Picture _picture = SamplePicture.Strokes();
    private readonly CompactCodecNetwork _network = new();
    private readonly SymbolEncoder _coder = new();
    private CodecModel _model = null!;
    private TficEncoder _encoder = null!;
    private Workspace _workspace = null!;
    private float[] _latents = [];
    private byte[] _hyperTables = [];
    private Tensor _quality = null!, _anchors = null!;
    private int _threads;

    /// <summary>Threads that share the work of a picture.</summary>
    [Params(1, 2)]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _threads = get_num_threads();
        set_num_threads(Threads);
        using (Stream stream = ShippedModels.Open(ShippedModels.Compact))
            _model = CodecModel.Load(stream);
        _encoder = new TficEncoder(_model, Threads);
        _workspace = new Workspace(Threads);
        (int columns, int rows) = CompactCodec.LatentSize(_picture.Width, _picture.Height);
        _latents = new float[rows * columns * CompactCodec.LatentChannels];
        _hyperTables = new byte[rows / 4 * (columns / 4) * CompactCodec.HyperChannels];
        for (int i = 0; i < _hyperTables.Length; i++)
            _hyperTables[i] = (byte)(i % CompactCodec.HyperChannels);

        using IDisposable guard = no_grad();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in _network.named_parameters())
        {
            // The file holds what chooses probabilities in integers.
            bool isTransform = name.StartsWith("g_a.", StringComparison.Ordinal) || name.StartsWith("h_a.", StringComparison.Ordinal);
            if (isTransform && _model.File.Tensors.TryGetValue(name, out StoredTensor? stored))
                parameter.copy_(tensor(stored.ToFloat()).view(parameter.shape));
        }

        _quality = tensor([(float)Quality]);
        _anchors = ((arange(rows).view(-1, 1) + arange(columns)).remainder(2) == 0).to(float32).view(1, 1, rows, columns);
    }

    [GlobalCleanup]
    public void Cleanup() => set_num_threads(_threads);

    [Benchmark(Baseline = true)]
    public int LibTorchAndPlainCoder()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor picture = tensor(_picture.Samples).view(1, _picture.Height, _picture.Width, 3).permute(0, 3, 1, 2);
        Tensor y = _network.Latent(picture.to(float32) / 255f, _quality);
        Tensor z = _network.HA.call(y).round();
        Tensor features = _network.HS.Features(z), parameters = _network.HS.Parameters(features);
        Tensor known = parameters.narrow(1, 0, CompactCodec.LatentChannels);
        known = ((y - known).round() + known) * _anchors;
        parameters += _network.Context.call(known, features) * (1 - _anchors);
        Tensor symbols = (y - parameters.narrow(1, 0, CompactCodec.LatentChannels)).round();
        (double origin, double step) = CompactCodecNetwork.IndexMap;
        Tensor tables = (parameters.narrow(1, CompactCodec.LatentChannels, CompactCodec.LatentChannels) * step + origin)
            .round().clamp(0, 63);

        _coder.Clear();
        _coder.Add(_model.Prior.HyperTables, _hyperTables, Integers(z));
        _coder.Add(_model.Prior.LatentTables, Array.ConvertAll(Integers(tables), table => (byte)table), Integers(symbols));
        return _coder.Finish(CodingMode.Range).Length;
    }

    [Benchmark]
    [Latencies]
    public int Encode() => _encoder.Encode(_picture, Quality).Length;

    [Benchmark]
    public void Analysis() => _model.Transforms.Analysis(_picture, _workspace, _latents, CompactCodec.Narrow);

    [Benchmark]
    public void AnalysisInFloat32() => _model.Transforms.Analysis(_picture, _workspace, _latents, narrow: false);

    // Channels last, as the coder takes them.
    private static int[] Integers(Tensor x) => x.permute(0, 2, 3, 1).to(ScalarType.Int32).contiguous().data<int>().ToArray();
}
