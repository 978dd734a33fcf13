using BenchmarkDotNet.Attributes;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Tfic.Benchmarks;

/// <summary>
/// One training step (forward, backward, Adam) of DnCNN with 17 layers of 64 filters on 64×256 patches, per patch:
/// in float32, and with bfloat16 channels-last activations over float32 master weights.
/// </summary>
public class DnCnnTrainingStep
{
    private const int Patches = 4, Height = 64, Width = 256, Layers = 17, Filters = 64;

    private DnCnn _network = null!;
    private Adam _optimizer = null!;
    private Tensor _degraded = null!;
    private Tensor _clean = null!;

    [GlobalSetup]
    public void Setup()
    {
        manual_seed(1);
        _network = new DnCnn();
        _optimizer = optim.Adam(_network.parameters(), 1e-3);
        _clean = rand(Patches, 1, Height, Width);
        _degraded = _clean + (0.1 * randn_like(_clean));
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _network.Dispose();
        _optimizer.Dispose();
        _clean.Dispose();
        _degraded.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Patches)]
    public float Float32() => Step(bfloat: false);

    [Benchmark(OperationsPerInvoke = Patches)]
    public float BFloat16ChannelsLast() => Step(bfloat: true);

    private float Step(bool bfloat)
    {
        using DisposeScope scope = NewDisposeScope();
        _optimizer.zero_grad();
        Tensor loss = F.mse_loss(_network.Restore(_degraded, bfloat), _clean);
        loss.backward();
        _optimizer.step();
        return loss.item<float>();
    }

    private sealed class DnCnn : nn.Module
    {
        private readonly ModuleList<Conv2d> _convolutions = new();
        private readonly ModuleList<BatchNorm2d> _norms = new();

        internal DnCnn()
            : base(nameof(DnCnn))
        {
            for (int layer = 0; layer < Layers; layer++)
            {
                bool first = layer == 0, last = layer == Layers - 1;
                _convolutions.Add(nn.Conv2d(first ? 1 : Filters, last ? 1 : Filters, 3, padding: 1, bias: first || last));
                if (!first && !last)
                    _norms.Add(nn.BatchNorm2d(Filters));
            }

            RegisterComponents();
        }

        /// <summary>The picture without the residual that the network finds in it.</summary>
        internal Tensor Restore(Tensor picture, bool bfloat)
        {
            Tensor x = bfloat ? ChannelsLast(picture.to(bfloat16)) : picture;
            for (int layer = 0; layer < Layers; layer++)
            {
                Conv2d convolution = _convolutions[layer];
                // The cast of a weight is part of the graph: its gradient arrives at the float32 weight.
                x = bfloat
                    ? F.conv2d(x, convolution.weight.to(bfloat16), convolution.bias?.to(bfloat16), padding: [1, 1])
                    : convolution.call(x);
                if (layer is > 0 and < Layers - 1)
                    x = _norms[layer - 1].call(x);
                if (layer < Layers - 1)
                    x = F.relu(x, inplace: true);
            }

            return picture - x.to(float32);
        }

        // Neither TorchSharp nor its stand-in has a channels-last argument: the strides say it.
        private static Tensor ChannelsLast(Tensor x)
        {
            long[] shape = x.shape;
            long c = shape[1], h = shape[2], w = shape[3];
            return x.permute(0, 2, 3, 1).contiguous().as_strided(shape, [c * h * w, 1, w * c, c]);
        }
    }
}
