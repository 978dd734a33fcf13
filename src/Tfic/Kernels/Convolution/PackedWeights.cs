namespace Tfic.Kernels.Convolution;

/// <summary>Weights of a <see cref="Conv2d"/> in the order in which its vector rows read them.</summary>
/// <remarks>
/// Output channels are cut into groups of up to three vectors. A group holds [ky][kx][input channel][lane], so that
/// for one ky the weights of all kx and channels are one run, as are the inputs, and both are read straight through.
/// The output channels of a shuffling layer are put in the order (dy, dx, c): then the channels of one dy lie side by
/// side in the shuffled output, and a group, which never spans two dy, is stored where it belongs at no extra cost.
/// </remarks>
internal sealed class PackedWeights
{
    public PackedWeights(Conv2d layer, int lanes)
    {
        int shuffle = layer.Shuffle;
        int run = layer.OutputChannels / shuffle;
        var groups = new List<Group>();
        int taps = layer.InputChannels * layer.KernelHeight * layer.KernelWidth;
        int weights = 0, biases = 0;
        for (int dy = 0; dy < shuffle; dy++)
        {
            int left = (run + lanes - 1) / lanes;
            for (int first = 0; first < run;)
            {
                int vectors = VectorsOf(left);
                groups.Add(new Group(dy, first, int.Min(vectors * lanes, run - first), vectors, weights, biases));
                weights = checked(weights + taps * vectors * lanes);
                biases += vectors * lanes;
                first += vectors * lanes;
                left -= vectors;
            }
        }

        Groups = [.. groups];
        Weights = new float[weights];
        Bias = new float[biases];
        foreach (Group group in Groups)
            Pack(layer, group, lanes);
    }

    /// <summary>The groups, in the order of their output.</summary>
    public Group[] Groups { get; }

    /// <summary>Weights of all groups; 0 in lanes without a channel.</summary>
    public float[] Weights { get; }

    /// <summary>Biases of all groups; 0 in lanes without a channel.</summary>
    public float[] Bias { get; }

    // Three vectors by eight pixels keep 24 sums in registers; a lone vector is the slowest shape, so four vectors
    // make 2 + 2 and not 3 + 1.
    private static int VectorsOf(int left) => left is 1 or 2 ? left : left is 4 ? 2 : 3;

    private void Pack(Conv2d layer, Group group, int lanes)
    {
        int shuffle = layer.Shuffle, channels = layer.ResultChannels;
        int width = group.Vectors * lanes;
        for (int lane = 0; lane < group.Channels; lane++)
        {
            int dx = (group.First + lane) / channels, c = (group.First + lane) % channels;
            int o = (c * shuffle + group.Dy) * shuffle + dx;
            Bias[group.BiasOffset + lane] = layer.Bias[o];
            int at = group.WeightOffset + lane;
            for (int ky = 0; ky < layer.KernelHeight; ky++)
            {
                for (int kx = 0; kx < layer.KernelWidth; kx++)
                {
                    for (int i = 0; i < layer.InputChannels; i++, at += width)
                    {
                        Weights[at] = layer.Weight[
                            ((o * layer.InputChannels + i) * layer.KernelHeight + ky) * layer.KernelWidth + kx];
                    }
                }
            }
        }
    }

    /// <summary>Up to three vectors of output channels.</summary>
    /// <param name="Dy">Row within the shuffled pixel; 0 without a shuffle.</param>
    /// <param name="First">Place of its first channel among the (dx, c) of its row.</param>
    /// <param name="Channels">How many of its lanes hold a channel.</param>
    /// <param name="Vectors">1, 2 or 3.</param>
    /// <param name="WeightOffset">Where its weights start.</param>
    /// <param name="BiasOffset">Where its biases start.</param>
    public sealed record Group(int Dy, int First, int Channels, int Vectors, int WeightOffset, int BiasOffset);
}
