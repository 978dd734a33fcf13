using Tfic.Kernels.Convolution;

namespace Tfic.Networks.TinyLic;

/// <summary>One of TinyLIC's transforms: convolutions that halve or double the plane, and groups of attention between them.</summary>
/// <remarks>Immutable: threads may share it, each with its own <see cref="Workspace"/>.</remarks>
internal sealed class TinyLicTransform
{
    private readonly Step[] _steps;

    private TinyLicTransform(Step[] steps) => _steps = steps;

    /// <summary>Loads a transform; its layers are called PREFIX0, PREFIX1 …</summary>
    /// <param name="weights">Where from.</param>
    /// <param name="prefix">Name of the transform.</param>
    /// <param name="window">Side of the attentions' windows.</param>
    /// <param name="groups">Channels, heads and blocks of the groups, in their order.</param>
    /// <param name="kernels">Sides of the convolutions' kernels, in their order.</param>
    /// <param name="inputs">Channels in.</param>
    /// <param name="outputs">Channels out.</param>
    /// <param name="up">Whether the convolutions double; groups then come first, otherwise convolutions.</param>
    /// <exception cref="TficFormatException">Weights are missing or of another shape.</exception>
    public static TinyLicTransform Load(
        PublishedWeights weights, string prefix, int window, ReadOnlySpan<(int Channels, int Heads, int Depth)> groups,
        ReadOnlySpan<int> kernels, int inputs, int outputs, bool up)
    {
        var steps = new Step[groups.Length + kernels.Length];
        for (int i = 0; i < steps.Length; i++)
        {
            string name = $"{prefix}{i}";
            int at = i / 2;
            if (i % 2 == (up ? 0 : 1))
            {
                (int channels, int heads, int depth) = groups[at];
                steps[i] = new Step(null, null, new AttentionGroup(weights, name, channels, heads, window, depth));
                continue;
            }

            int k = kernels[at];
            if (up)
            {
                int from = groups[at].Channels, to = at + 1 < groups.Length ? groups[at + 1].Channels : outputs;
                steps[i] = new Step(
                    null,
                    new TransposedConv2d(weights.Float($"{name}.weight", from, to, k, k), weights.Float($"{name}.bias", to), from, k),
                    null);
            }
            else
            {
                int from = at == 0 ? inputs : groups[at - 1].Channels, to = groups[at].Channels;
                steps[i] = new Step(
                    new Conv2d(weights.Float($"{name}.weight", to, from, k, k), weights.Float($"{name}.bias", to), from, k, k)
                    {
                        Stride = 2,
                        Padding = Padding.Symmetric(k / 2, k / 2),
                    },
                    null, null);
            }
        }

        return new TinyLicTransform(steps);
    }

    /// <summary>Multiply-adds on an input of this size.</summary>
    public long MultiplyAdds(int height, int width)
    {
        long total = 0;
        foreach (Step step in _steps)
        {
            total += step.MultiplyAdds(height, width);
            (height, width) = step.Result(height, width);
        }

        return total;
    }

    /// <summary>Transforms a plane.</summary>
    /// <param name="input">height × width × channels.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="workspace">All of whose slots are used.</param>
    /// <returns>The result, in the workspace.</returns>
    public Span<float> Run(ReadOnlySpan<float> input, int height, int width, Workspace workspace)
    {
        // The plane changes between slots 0 and 3.
        int slot = 0;
        Span<float> plane = workspace.Floats(slot, input.Length);
        bool isFirst = true;
        foreach (Step step in _steps)
        {
            (int rows, int columns) = step.Result(height, width);
            Span<float> other = workspace.Floats(3 - slot, (long)rows * columns * step.Channels);
            ReadOnlySpan<float> from = isFirst ? input : plane;
            if (step.Group is { } group)
            {
                if (isFirst)
                    input.CopyTo(plane);
                group.Run(plane, height, width, other, workspace);
            }
            else
            {
                if (step.Down is { } down)
                {
                    down.Run(from, height, width, other, threads: workspace.Threads);
                }
                else
                {
                    TransposedConv2d up = step.Up!;
                    up.Run(from, height, width, other, workspace.Floats(2, up.ScratchLength(height, width)), workspace.Threads);
                }

                plane = other;
                slot = 3 - slot;
            }

            (height, width) = (rows, columns);
            isFirst = false;
        }

        return plane;
    }

    /// <summary>One of the three.</summary>
    private sealed record Step(Conv2d? Down, TransposedConv2d? Up, AttentionGroup? Group)
    {
        public int Channels => Down?.ResultChannels ?? Up?.OutputChannels ?? Group!.Channels;

        public (int Height, int Width) Result(int height, int width) =>
            Down is not null ? (Down.ResultHeight(height), Down.ResultWidth(width))
            : Up is not null ? (2 * height, 2 * width)
            : (height, width);

        public long MultiplyAdds(int height, int width) =>
            Down?.MultiplyAdds(height, width) ?? Up?.MultiplyAdds(height, width) ?? Group!.MultiplyAdds(height, width);
    }
}
