using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.Recognition;

/// <summary>The features of CRNN (Shi et al. 2015): seven convolutions to one row of frames.</summary>
public sealed class VggFeatures : PublishedModule
{
    private readonly Sequential layers;

    /// <summary>Makes the extractor.</summary>
    /// <param name="inChannels">Channels of the picture.</param>
    /// <param name="outChannels">Channels of a frame, a multiple of 8.</param>
    public VggFeatures(int inChannels, int outChannels)
        : base(nameof(VggFeatures))
    {
        (int a, int b, int c, int d) = (outChannels / 8, outChannels / 4, outChannels / 2, outChannels);
        layers = Part("ConvNet", Sequential(
            Conv2d(inChannels, a, 3, padding: 1),
            ReLU(),
            MaxPool2d(2, 2),
            Conv2d(a, b, 3, padding: 1),
            ReLU(),
            MaxPool2d(2, 2),
            Conv2d(b, c, 3, padding: 1),
            ReLU(),
            Conv2d(c, c, 3, padding: 1),
            ReLU(),
            MaxPool2d((2, 1), (2, 1)),
            Conv2d(c, d, 3, padding: 1, bias: false),
            BatchNorm2d(d),
            ReLU(),
            Conv2d(d, d, 3, padding: 1, bias: false),
            BatchNorm2d(d),
            ReLU(),
            MaxPool2d((2, 1), (2, 1)),
            Conv2d(d, d, 2),
            ReLU()));
    }

    /// <summary>[B, C, 32, W] → [B, D, 1, W/4 − 1].</summary>
    public override Tensor forward(Tensor input) => layers.call(input);
}
