using BenchmarkDotNet.Attributes;
using Tfic.Kernels.BFloat16Convolution;
using Tfic.Kernels.Convolution;
using Tfic.Kernels.QuantisedConvolution;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Padding = Tfic.Kernels.Convolution.Padding;

namespace Tfic.Benchmarks;

/// <summary>
/// DnCNN with 17 layers of 64 filters, normalisations folded, forward on a patch of 64 × 256: libtorch with channels last,
/// in float32 and in bfloat16, and the core's kernels. The time does not depend on what the weights are. Winograd's
/// percentage of the peak is of the multiplications that it saves, too.
/// </summary>
public class DnCnnForward
{
    private const int Height = 64, Width = 256, Layers = 17, Filters = 64;

    // 3 × 3 taps, 15 layers of 64 × 64 and the first and last of 64.
    private const long MultiplyAdds = (long)Height * Width * 9 * (15 * Filters * Filters + 2 * Filters);

    private readonly Conv2d[] _layers = new Conv2d[Layers];
    private readonly WinogradConv2d[] _winograd = new WinogradConv2d[Layers];
    private readonly BFloat16Conv2d[] _rounded = new BFloat16Conv2d[Layers];
    private readonly QuantisedConv2d[] _quantised = new QuantisedConv2d[Layers];
    private readonly Tensor[] _weights = new Tensor[Layers], _biases = new Tensor[Layers];
    private readonly Tensor[] _narrowWeights = new Tensor[Layers], _narrowBiases = new Tensor[Layers];
    private readonly float[] _input = new float[Height * Width], _output = new float[Height * Width];
    private readonly float[][] _planes = [new float[Height * Width * Filters], new float[Height * Width * Filters]];
    private readonly BFloat16Plane[] _narrow = [new(), new()];
    private float[] _scratch = [];
    private readonly QuantisedPlane[] _bytes = [new(), new()];
    private Tensor _picture = null!;
    private int _threads;

    /// <summary>Threads that share the work of a layer.</summary>
    [Params(1, 2)]
    public int Threads { get; set; } = 1;

    [GlobalSetup]
    public void Setup()
    {
        _threads = get_num_threads();
        set_num_threads(Threads);
        var random = new Random(1);
        foreach (ref float sample in _input.AsSpan())
            sample = random.NextSingle();
        _picture = tensor(_input).view(1, 1, Height, Width);
        for (int i = 0; i < Layers; i++)
        {
            int inputs = i == 0 ? 1 : Filters, outputs = i == Layers - 1 ? 1 : Filters;
            float range = MathF.Sqrt(6f / (9 * inputs));
            float[] weight = [.. Enumerable.Range(0, outputs * inputs * 9).Select(_ => range * (2 * random.NextSingle() - 1))];
            float[] bias = new float[outputs];
            _layers[i] = new Conv2d(weight, bias, inputs, 3, 3)
            {
                Padding = Padding.Symmetric(1, 1),
                NegativeSlope = i == Layers - 1 ? 1f : 0f,
            };
            _winograd[i] = new WinogradConv2d(_layers[i]);
            _rounded[i] = new BFloat16Conv2d(_layers[i]);
            _quantised[i] = new QuantisedConv2d(_layers[i]);
            _weights[i] = LibTorchPeer.ChannelsLast(tensor(weight).view(outputs, inputs, 3, 3));
            _biases[i] = tensor(bias);
            _narrowWeights[i] = LibTorchPeer.ChannelsLast(_weights[i].to(bfloat16));
            _narrowBiases[i] = _biases[i].to(bfloat16);
        }

        _scratch = new float[_winograd.Max(layer => layer.ScratchLength(Threads))];
    }

    [GlobalCleanup]
    public void Cleanup() => set_num_threads(_threads);

    [Benchmark(Baseline = true)]
    [Work(MultiplyAdds)]
    public void LibTorchFloat32() => Torch(_picture, _weights, _biases);

    [Benchmark]
    [Work(0, bfloat16: MultiplyAdds)]
    public void LibTorchBFloat16() => Torch(_picture.to(bfloat16), _narrowWeights, _narrowBiases);

    [Benchmark]
    [Work(MultiplyAdds)]
    public void Float32()
    {
        float[] from = _input;
        for (int i = 0; i < Layers; i++)
        {
            float[] to = i == Layers - 1 ? _output : _planes[i % 2];
            _layers[i].Run(from, Height, Width, to, threads: Threads);
            from = to;
        }
    }

    [Benchmark]
    [Work(MultiplyAdds)]
    public void Float32Winograd()
    {
        float[] from = _input;
        for (int i = 0; i < Layers; i++)
        {
            float[] to = i == Layers - 1 ? _output : _planes[i % 2];
            if (i == 0)
                _layers[i].Run(from, Height, Width, to, threads: Threads);
            else
                _winograd[i].Run(from, Height, Width, to, _scratch, threads: Threads);
            from = to;
        }
    }

    [Benchmark]
    [Work(0, bfloat16: MultiplyAdds)]
    public void BFloat16()
    {
        _narrow[1].Reshape(Height, Width, 1, 1);
        for (int y = 0; y < Height; y++)
            _narrow[1].SetRow(y, _input.AsSpan(y * Width, Width));
        for (int i = 0; i < Layers; i++)
        {
            BFloat16Plane from = _narrow[(i + 1) % 2], to = _narrow[i % 2];
            if (i == Layers - 1)
            {
                _rounded[i].Run(from, _output, threads: Threads);
                return;
            }

            to.Reshape(Height, Width, Filters, 1);
            _rounded[i].Run(from, default, to, threads: Threads);
        }
    }

    [Benchmark]
    [Work(0, int8: MultiplyAdds)]
    public void Int8()
    {
        _bytes[1].Reshape(Height, Width, 1, 1);
        for (int y = 0; y < Height; y++)
            _bytes[1].SetRow(y, _input.AsSpan(y * Width, Width));
        for (int i = 0; i < Layers; i++)
        {
            bool last = i == Layers - 1;
            QuantisedPlane to = _bytes[i % 2];
            to.Reshape(Height, Width, Filters, 1);
            _quantised[i].Run(
                _bytes[(i + 1) % 2], last ? _output : _planes[0], quantised: last ? null : to, threads: Threads);
        }
    }

    private static void Torch(Tensor picture, Tensor[] weights, Tensor[] biases)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = LibTorchPeer.ChannelsLast(picture);
        for (int i = 0; i < Layers; i++)
        {
            x = F.conv2d(x, weights[i], biases[i], padding: [1, 1]);
            if (i < Layers - 1)
                x = F.relu(x, inplace: true);
        }

        x.sum().to(float32).item<float>();
    }
}
