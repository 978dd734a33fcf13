using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.TinyLic;

/// <summary>A residual group of blocks of neighbourhood attention and a two-layer perceptron.</summary>
internal sealed class ResidualAttention : PublishedModule
{
    private readonly Layer group;

    /// <summary>Makes the group.</summary>
    /// <param name="channels">Channels.</param>
    /// <param name="heads">Heads of the attention.</param>
    /// <param name="kernel">Side of its window.</param>
    /// <param name="dropRates">For each block, how often training leaves its branches out.</param>
    public ResidualAttention(int channels, int heads, int kernel, ReadOnlySpan<double> dropRates)
        : base(nameof(ResidualAttention)) =>
        group = Part("residual_group", new Layer(channels, heads, kernel, dropRates));

    /// <summary>[B, C, H, W] → [B, C, H, W].</summary>
    public override Tensor forward(Tensor input) =>
        group.call(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) + input;

    private sealed class Layer : PublishedModule
    {
        private readonly Block[] blocks;

        public Layer(int channels, int heads, int kernel, ReadOnlySpan<double> dropRates)
            : base(nameof(Layer))
        {
            blocks = new Block[dropRates.Length];
            for (int i = 0; i < blocks.Length; i++)
                blocks[i] = new Block(channels, heads, kernel, dropRates[i]);
            Part("blocks", ModuleList(blocks));
        }

        public override Tensor forward(Tensor input)
        {
            Tensor x = input;
            foreach (Block block in blocks)
                x = block.call(x);
            return x;
        }
    }

    private sealed class Block : PublishedModule
    {
        private readonly LayerNorm norm1;
        private readonly NeighbourhoodAttention attention;
        private readonly LayerNorm norm2;
        private readonly Perceptron perceptron;
        private readonly double dropRate;

        public Block(int channels, int heads, int kernel, double dropRate)
            : base(nameof(Block))
        {
            this.dropRate = dropRate;
            norm1 = Part("norm1", LayerNorm(channels));
            attention = Part("attn", new NeighbourhoodAttention(channels, kernel, heads));
            norm2 = Part("norm2", LayerNorm(channels));
            perceptron = Part("mlp", new Perceptron(channels));
        }

        public override Tensor forward(Tensor input)
        {
            Tensor x = input + Drop(attention.call(norm1.call(input)));
            return x + Drop(perceptron.call(norm2.call(x)));
        }

        // Stochastic depth (Huang et al. 2016): a branch is left out for whole pictures, else weighted to keep its mean.
        private Tensor Drop(Tensor branch)
        {
            if (!training || dropRate == 0)
                return branch;
            double kept = 1 - dropRate;
            Tensor mask = (rand([branch.shape[0], 1, 1, 1], branch.dtype, branch.device) + kept).floor();
            return branch * (mask / kept);
        }
    }

    private sealed class Perceptron : PublishedModule
    {
        private readonly Linear widen;
        private readonly Linear narrow;

        public Perceptron(int channels)
            : base(nameof(Perceptron))
        {
            widen = Part("fc1", Linear(channels, 2 * channels));
            narrow = Part("fc2", Linear(2 * channels, channels));
        }

        public override Tensor forward(Tensor input) => narrow.call(functional.gelu(widen.call(input)));
    }
}
