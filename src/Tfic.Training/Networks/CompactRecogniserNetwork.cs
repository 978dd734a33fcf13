using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks;

/// <summary>
/// The compact recogniser: a convolutional CTC network that reads a text line, 217 million multiply-accumulates
/// for 32 × 256 pixels.
/// </summary>
/// <remarks>
/// Two reductions in width (to one frame per 4 pixels) and five in height leave one row of frames; three 1 × 7
/// residual convolutions give each frame 19 neighbours of context in place of a recurrent layer, which would be
/// the slowest part of training and of reading.
/// </remarks>
public sealed class CompactRecogniserNetwork : Module<Tensor, Tensor>
{
#pragma warning disable IDE1006 // field names are the names in the state_dict
    private readonly NormalisedConvolution conv0 = new(1, 32, (3, 3), 2);
    private readonly NormalisedConvolution conv1 = new(32, 64, (3, 3));
    private readonly NormalisedConvolution conv2 = new(64, 96, (3, 3));
    private readonly NormalisedConvolution conv3 = new(96, 96, (3, 3));
    private readonly NormalisedConvolution conv4 = new(96, 160, (3, 3));
    private readonly NormalisedConvolution conv5 = new(160, 192, (3, 3));
    private readonly NormalisedConvolution conv6 = new(192, 192, (2, 1), padding: (0, 0));
    private readonly NormalisedConvolution seq0 = new(192, 192, (1, 7));
    private readonly NormalisedConvolution seq1 = new(192, 192, (1, 7));
    private readonly NormalisedConvolution seq2 = new(192, 192, (1, 7));
    private readonly Convolution head = new(192, Charset.ClassCount, (1, 1), gain: 0.5);
#pragma warning restore IDE1006

    /// <summary>Makes the network with random weights.</summary>
    public CompactRecogniserNetwork()
        : base(nameof(CompactRecogniserNetwork)) => RegisterComponents();

    /// <summary>The layers with batch normalisation, by their exported names.</summary>
    public IEnumerable<(string Name, NormalisedConvolution Layer)> Normalised =>
    [
        (nameof(conv0), conv0), (nameof(conv1), conv1), (nameof(conv2), conv2), (nameof(conv3), conv3),
        (nameof(conv4), conv4), (nameof(conv5), conv5), (nameof(conv6), conv6),
        (nameof(seq0), seq0), (nameof(seq1), seq1), (nameof(seq2), seq2),
    ];

    /// <summary>The last layer: frames to class logits.</summary>
    public Convolution Head => head;

    /// <summary>Reads normalised grey lines.</summary>
    /// <param name="input">[B, 1, 32, W], W a multiple of 4, values −1 (black) … 1 (white).</param>
    /// <returns>Logits [B, W/4, classes]; class 0 is the CTC blank. Float32.</returns>
    public override Tensor forward(Tensor input)
    {
        Tensor x = functional.relu(conv0.call(input));
        x = functional.relu(conv1.call(x));
        x = functional.max_pool2d(x, [2, 2]);
        x = functional.relu(conv2.call(x));
        x = functional.relu(x + conv3.call(x));
        x = functional.max_pool2d(x, [2, 1], [2, 1]);
        x = functional.relu(conv4.call(x));
        x = functional.max_pool2d(x, [2, 1], [2, 1]);
        x = functional.relu(conv5.call(x));
        x = functional.relu(conv6.call(x));
        x = x + functional.relu(seq0.call(x));
        x = x + functional.relu(seq1.call(x));
        x = x + functional.relu(seq2.call(x));
        return head.call(x).squeeze(2).transpose(1, 2).to(ScalarType.Float32);
    }

    /// <summary>Sets the arithmetic of all convolutions to float32 or bfloat16.</summary>
    public void SetPrecision(ScalarType precision)
    {
        foreach ((_, NormalisedConvolution layer) in Normalised)
            layer.Convolution.Precision = precision;
        head.Precision = precision;
    }
}

/// <summary>A convolution without bias, then batch normalisation.</summary>
public sealed class NormalisedConvolution : Module<Tensor, Tensor>
{
#pragma warning disable IDE1006
    private readonly Convolution conv;
    private readonly BatchNorm2d norm;
#pragma warning restore IDE1006

    /// <summary>Makes the pair; parameters as of <see cref="Networks.Convolution"/>.</summary>
    public NormalisedConvolution(
        long inChannels,
        long outChannels,
        (long Height, long Width) kernel,
        long stride = 1,
        (long Rows, long Columns)? padding = null)
        : base(nameof(NormalisedConvolution))
    {
        conv = new Convolution(inChannels, outChannels, kernel, stride, padding, hasBias: false);
        norm = BatchNorm2d(outChannels);
        RegisterComponents();
    }

    /// <summary>The convolution alone.</summary>
    public Convolution Convolution => conv;

    /// <summary>The normalisation alone.</summary>
    public BatchNorm2d Normalisation => norm;

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => norm.call(conv.call(input));

    /// <summary>
    /// The one convolution that does the same at inference: w' = w·γ/√(v + ε), b' = β − m·γ/√(v + ε).
    /// </summary>
    /// <returns>Weight [O, I, kh, kw] and bias [O], detached.</returns>
    public (Tensor Weight, Tensor Bias) Fold()
    {
        using IDisposable guard = no_grad();
        Tensor factor = norm.weight! / (norm.running_var! + 1e-5).sqrt();
        return (conv.Weight.detach() * factor.view(-1, 1, 1, 1), norm.bias! - norm.running_mean! * factor);
    }

    /// <summary>The reverse of <see cref="Fold"/>: sets a folded weight and bias, the normalisation to identity.</summary>
    public void LoadFolded(Tensor weight, Tensor bias)
    {
        using IDisposable guard = no_grad();
        conv.Weight.copy_(weight);
        norm.weight!.fill_(1);
        norm.bias!.copy_(bias);
        norm.running_mean!.zero_();
        norm.running_var!.fill_(1 - 1e-5);
    }
}
