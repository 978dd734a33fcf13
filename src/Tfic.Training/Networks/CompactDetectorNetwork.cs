using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks;

/// <summary>
/// The compact detector: a convolutional U-net from a picture to score maps of characters and of the links between them,
/// 10.9 thousand multiply-accumulates a pixel.
/// </summary>
/// <remarks>
/// Maps of half the picture's size, as CRAFT has them, tell words apart that are three pixels from one another; nearly
/// all features are computed at a quarter and an eighth of it, where they cost little.
/// </remarks>
public sealed class CompactDetectorNetwork : Module<Tensor, Tensor>
{
#pragma warning disable IDE1006 // field names are the names in the state_dict
    private readonly NormalisedConvolution conv0 = new(1, 24, (3, 3), 2);
    private readonly NormalisedConvolution conv1 = new(24, 32, (3, 3));
    private readonly NormalisedConvolution conv2 = new(32, 48, (3, 3), 2);
    private readonly NormalisedConvolution res0 = new(48, 48, (3, 3));
    private readonly NormalisedConvolution res1 = new(48, 48, (3, 3));
    private readonly NormalisedConvolution conv3 = new(48, 64, (3, 3), 2);
    private readonly NormalisedConvolution res2 = new(64, 64, (3, 3));
    private readonly NormalisedConvolution res3 = new(64, 64, (3, 3));
    private readonly NormalisedConvolution up0 = new(64, 192, (1, 1));
    private readonly NormalisedConvolution conv4 = new(48, 48, (3, 3));
    private readonly NormalisedConvolution up1 = new(48, 128, (1, 1));
    private readonly NormalisedConvolution conv5 = new(32, 32, (3, 3));
    private readonly Convolution head = new(32, 2, (1, 1), gain: 0.5);
#pragma warning restore IDE1006

    /// <summary>Makes the network with random weights.</summary>
    public CompactDetectorNetwork()
        : base(nameof(CompactDetectorNetwork)) => RegisterComponents();

    /// <summary>The layers with batch normalisation, by their exported names.</summary>
    public IEnumerable<(string Name, NormalisedConvolution Layer)> Normalised =>
    [
        (nameof(conv0), conv0), (nameof(conv1), conv1), (nameof(conv2), conv2), (nameof(res0), res0),
        (nameof(res1), res1), (nameof(conv3), conv3), (nameof(res2), res2), (nameof(res3), res3), (nameof(up0), up0),
        (nameof(conv4), conv4), (nameof(up1), up1), (nameof(conv5), conv5),
    ];

    /// <summary>The last layer: features to scores.</summary>
    public Convolution Head => head;

    /// <summary>Scores pictures.</summary>
    /// <param name="input">[B, 1, H, W], H and W multiples of 8, values 0 (black) … 1 (white).</param>
    /// <returns>[B, 2, H/2, W/2]: characters, then links. Float32.</returns>
    public override Tensor forward(Tensor input)
    {
        // Ink is what is not zero, so that the zeros around the picture are paper.
        Tensor x = functional.relu(conv0.call(1 - input));
        Tensor half = functional.relu(conv1.call(x));
        x = functional.relu(conv2.call(half));
        x = x + functional.relu(res0.call(x));
        Tensor quarter = x + functional.relu(res1.call(x));
        x = functional.relu(conv3.call(quarter));
        x = x + functional.relu(res2.call(x));
        x = x + functional.relu(res3.call(x));
        x = functional.relu(functional.pixel_shuffle(up0.call(x), 2) + quarter);
        x = functional.relu(conv4.call(x));
        x = functional.relu(functional.pixel_shuffle(up1.call(x), 2) + half);
        x = functional.relu(conv5.call(x));
        return head.call(x).to(ScalarType.Float32);
    }

    /// <summary>Sets the arithmetic of all convolutions to float32 or bfloat16.</summary>
    public void SetPrecision(ScalarType precision)
    {
        foreach ((_, NormalisedConvolution layer) in Normalised)
            layer.Convolution.Precision = precision;
        head.Precision = precision;
    }
}
