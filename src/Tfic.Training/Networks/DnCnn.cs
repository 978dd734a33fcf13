using Tfic.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks;

/// <summary>How the published programs name and build DnCNN; what it computes is the same.</summary>
public enum DnCnnLayout
{
    /// <summary>Of the paper's authors' first program: Sequential <c>dncnn</c>, convolutions between have no bias.</summary>
    DnCnn,

    /// <summary>Of the later program KAIR, in training: Sequential <c>model</c>, every convolution has a bias.</summary>
    Kair,

    /// <summary>Of KAIR's published weights: <c>model</c> without normalisation, which is folded into the weights.</summary>
    KairFolded,
}

/// <summary>
/// DnCNN (Zhang et al. 2017): a chain of 3 × 3 convolutions that predicts what to take away from a picture.
/// </summary>
public sealed class DnCnn : PublishedModule
{
    // The authors' value; torch's default is 1e-5.
    private const double Epsilon = 1e-4;

    private readonly Sequential chain;
    private readonly int channels;
    private readonly int features;
    private readonly int depth;

    /// <summary>Makes the network with the paper's initial weights.</summary>
    /// <param name="channels">Channels of the picture.</param>
    /// <param name="features">Channels between.</param>
    /// <param name="depth">Convolutions, at least 2.</param>
    /// <param name="layout">Names and form.</param>
    /// <param name="momentum">
    /// Weight of a batch in the running statistics of the normalisations; null for the published program's, with which
    /// hardly more than the last batch counts.
    /// </param>
    public DnCnn(
        int channels = 1, int features = 64, int depth = 17, DnCnnLayout layout = DnCnnLayout.DnCnn,
        double? momentum = null)
        : base(nameof(DnCnn))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 2);
        (this.channels, this.features, this.depth, Layout) = (channels, features, depth, layout);
        bool hasBias = layout != DnCnnLayout.DnCnn;
        var layers = new List<Module<Tensor, Tensor>> { Conv2d(channels, features, 3, padding: 1), ReLU() };
        for (int i = 0; i < depth - 2; i++)
        {
            layers.Add(Conv2d(features, features, 3, padding: 1, bias: hasBias));
            if (layout != DnCnnLayout.KairFolded)
                layers.Add(BatchNorm2d(features, Epsilon, momentum ?? (layout == DnCnnLayout.Kair ? 0.9 : 0.95)));
            layers.Add(ReLU());
        }

        layers.Add(Conv2d(features, channels, 3, padding: 1, bias: hasBias));
        chain = Part(layout == DnCnnLayout.DnCnn ? "dncnn" : "model", Sequential(layers));
        foreach (Conv2d layer in chain.modules().OfType<Conv2d>())
        {
            init.kaiming_normal_(layer.weight);
            if (layer.bias is not null)
                init.zeros_(layer.bias);
        }
    }

    /// <summary>Names and form.</summary>
    public DnCnnLayout Layout { get; }

    /// <summary>
    /// Type in which the convolutions between the first and the last form their products: float32 or bfloat16. Weights
    /// and their gradients stay in float32.
    /// </summary>
    public ScalarType Precision { get; set; } = ScalarType.Float32;

    /// <summary>The convolutions in their order.</summary>
    public IEnumerable<Conv2d> Convolutions => chain.children().OfType<Conv2d>();

    /// <summary>Makes the network that a state dictionary is of, with its weights.</summary>
    /// <exception cref="TficFormatException">It is of another network.</exception>
    public static DnCnn FromStateDict(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        tensors = StateDict.WithoutWrapper(tensors);
        bool kair = tensors.ContainsKey("model.0.weight");
        if (!tensors.TryGetValue(kair ? "model.0.weight" : "dncnn.0.weight", out StoredTensor? first)
            || first.Shape is not [> 0, > 0, 3, 3])
        {
            throw new TficFormatException("These are no weights of DnCNN: there is no first 3 × 3 convolution.");
        }

        // Folded, only convolutions have parameters; otherwise there is a normalisation's weight, of one dimension, too.
        int depth = tensors.Count(pair => pair.Value.Shape.Length == 4);
        bool normalised = tensors.Keys.Any(name => name.EndsWith("running_mean", StringComparison.Ordinal));
        DnCnnLayout layout = !kair ? DnCnnLayout.DnCnn : normalised ? DnCnnLayout.Kair : DnCnnLayout.KairFolded;
        var network = new DnCnn(first.Shape[1], first.Shape[0], Math.Max(2, depth), layout);
        StateDict.Load(network, tensors);
        network.eval();
        return network;
    }

    /// <summary>Whether a state dictionary's names are DnCNN's.</summary>
    public static bool Fits(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        tensors = StateDict.WithoutWrapper(tensors);
        return tensors.ContainsKey("dncnn.0.weight")
            || (tensors.ContainsKey("model.0.weight") && tensors.ContainsKey("model.2.weight"));
    }

    /// <summary>Takes the predicted residual away.</summary>
    /// <param name="input">[B, C, H, W], 0 … 1 by convention.</param>
    /// <returns>x − r(x), of the same shape.</returns>
    public override Tensor forward(Tensor input) => input - Residual(input);

    /// <summary>The predicted residual r(x).</summary>
    public Tensor Residual(Tensor input)
    {
        if (Precision == ScalarType.Float32)
            return chain.call(input);
        Tensor x = ChannelsLast(input);
        Conv2d last = Convolutions.Last();
        foreach (Module layer in chain.children())
        {
            if (layer is Conv2d convolution)
            {
                // The casts are part of the graph: gradients arrive at the float32 weights. The last layer's sum is the
                // picture itself, which eight bits would make coarse.
                ScalarType type = ReferenceEquals(layer, last) ? ScalarType.Float32 : Precision;
                x = functional.conv2d(
                    x.to(type), convolution.weight.to(type), convolution.bias?.to(type), padding: [1, 1]);
            }
            else
            {
                x = ((Module<Tensor, Tensor>)layer).call(x);
            }
        }

        return x;
    }

    /// <summary>The same tensor with its channels together in memory: so libtorch's bfloat16 takes a third of the time.</summary>
    /// <remarks>Neither TorchSharp nor its stand-in has a channels-last argument: the strides say it.</remarks>
    internal static Tensor ChannelsLast(Tensor x)
    {
        (long c, long h, long w) = (x.shape[1], x.shape[2], x.shape[3]);
        return x.permute(0, 2, 3, 1).contiguous().as_strided(x.shape, [c * h * w, 1, w * c, c]);
    }

    /// <summary>
    /// The same function without normalisations, as it is at inference: each convolution takes over the factor
    /// γ/√(v + ε) and the offset β − (m − b)·γ/√(v + ε) of the normalisation behind it.
    /// </summary>
    public DnCnn Fold()
    {
        using IDisposable guard = no_grad();
        var folded = new DnCnn(channels, features, depth, DnCnnLayout.KairFolded);
        Module[] source = [.. chain.children()];
        Conv2d[] targets = [.. folded.chain.children().OfType<Conv2d>()];
        int next = 0;
        for (int i = 0; i < source.Length; i++)
        {
            if (source[i] is not Conv2d layer)
                continue;
            Conv2d target = targets[next++];
            if (i + 1 < source.Length && source[i + 1] is BatchNorm2d norm)
            {
                Tensor factor = norm.weight / (norm.running_var! + Epsilon).sqrt();
                Tensor mean = layer.bias is null ? norm.running_mean! : norm.running_mean! - layer.bias;
                target.weight.copy_(layer.weight * factor.view(-1, 1, 1, 1));
                target.bias!.copy_(norm.bias! - mean * factor);
            }
            else
            {
                target.weight.copy_(layer.weight);
                if (layer.bias is not null)
                    target.bias!.copy_(layer.bias);
            }
        }

        folded.train(training);
        return folded;
    }
}
