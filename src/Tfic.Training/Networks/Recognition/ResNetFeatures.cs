using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.Recognition;

/// <summary>The residual features of the focusing attention network (Cheng et al. 2017), 29 convolutions deep.</summary>
public sealed class ResNetFeatures : PublishedModule
{
    private readonly ResNet network;

    /// <summary>Makes the extractor.</summary>
    /// <param name="inChannels">Channels of the picture.</param>
    /// <param name="outChannels">Channels of a frame, a multiple of 16.</param>
    public ResNetFeatures(int inChannels, int outChannels)
        : base(nameof(ResNetFeatures)) => network = Part("ConvNet", new ResNet(inChannels, outChannels));

    /// <summary>[B, C, 32, W] → [B, D, 1, W/4 + 1].</summary>
    public override Tensor forward(Tensor input) => network.call(input);

    private sealed class ResNet : PublishedModule
    {
        private readonly List<Module<Tensor, Tensor>> chain = [];

        public ResNet(int inChannels, int outChannels)
            : base(nameof(ResNet))
        {
            (int a, int b, int c, int d) = (outChannels / 16, outChannels / 8, outChannels / 4, outChannels / 2);
            int e = outChannels;
            Normalised("0_1", Conv2d(inChannels, a, 3, padding: 1, bias: false), a);
            Normalised("0_2", Conv2d(a, b, 3, padding: 1, bias: false), b);
            chain.Add(Part("maxpool1", MaxPool2d(2, 2)));
            Stage("1", b, c, 1);
            chain.Add(Part("maxpool2", MaxPool2d(2, 2)));
            Stage("2", c, d, 2);
            chain.Add(Part("maxpool3", MaxPool2d((2, 2), (2, 1), (0, 1))));
            Stage("3", d, e, 5);
            chain.Add(Part("layer4", Blocks(e, e, 3)));
            Normalised("4_1", Conv2d(e, e, (2, 2), (2, 1), (0, 1), bias: false), e);
            Normalised("4_2", Conv2d(e, e, 2, bias: false), e);
        }

        public override Tensor forward(Tensor input)
        {
            Tensor x = input;
            foreach (Module<Tensor, Tensor> step in chain)
                x = step.call(x);
            return x;
        }

        private void Stage(string number, int from, int to, int blocks)
        {
            chain.Add(Part("layer" + number, Blocks(from, to, blocks)));
            Normalised(number, Conv2d(to, to, 3, padding: 1, bias: false), to);
        }

        private void Normalised(string number, Conv2d convolution, int channels)
        {
            chain.Add(Part("conv" + number, convolution));
            chain.Add(Part("bn" + number, BatchNorm2d(channels)));
            chain.Add(ReLU());
        }

        private static Sequential Blocks(int from, int to, int count)
        {
            var blocks = new Module<Tensor, Tensor>[count];
            for (int i = 0; i < count; i++)
                blocks[i] = new Block(i == 0 ? from : to, to);
            return Sequential(blocks);
        }
    }

    private sealed class Block : PublishedModule
    {
        private readonly Conv2d conv1;
        private readonly BatchNorm2d norm1;
        private readonly Conv2d conv2;
        private readonly BatchNorm2d norm2;
        private readonly Sequential? shortcut;

        public Block(int from, int to)
            : base(nameof(Block))
        {
            conv1 = Part("conv1", Conv2d(from, to, 3, padding: 1, bias: false));
            norm1 = Part("bn1", BatchNorm2d(to));
            conv2 = Part("conv2", Conv2d(to, to, 3, padding: 1, bias: false));
            norm2 = Part("bn2", BatchNorm2d(to));
            if (from != to)
                shortcut = Part("downsample", Sequential(Conv2d(from, to, 1, bias: false), BatchNorm2d(to)));
        }

        public override Tensor forward(Tensor input)
        {
            Tensor x = functional.relu(norm1.call(conv1.call(input)));
            return functional.relu(norm2.call(conv2.call(x)) + (shortcut is null ? input : shortcut.call(input)));
        }
    }
}
