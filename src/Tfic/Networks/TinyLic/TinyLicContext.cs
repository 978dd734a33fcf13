using Tfic.Kernels.Activation;
using Tfic.Kernels.Convolution;

namespace Tfic.Networks.TinyLic;

/// <summary>
/// TinyLIC's multistage context model (Lu and Ma 2022, section 4): means and scales of y, from what h_s tells and from what
/// of y is coded already.
/// </summary>
/// <remarks>
/// <para>
/// y is coded in four slices of channels of growing size (M less M·cos(πt/8), rounded up, for t = 1, 2, 3); all slices
/// before are context of the next. Within the first slice there are four steps, one for each parity of row and column,
/// within the next two there are two (a checkerboard and its complement), within the last one.
/// </para>
/// <para>
/// The published program computes means and scales of all positions at every step and keeps those of the step; here they are
/// computed where they are kept.
/// </para>
/// <para>Immutable: threads may share it, each with its own <see cref="Workspace"/>.</para>
/// </remarks>
internal sealed class TinyLicContext
{
    /// <summary>Slices of channels.</summary>
    public const int Slices = 4;

    // Parities (row, column) of the positions that are coded at each step of each slice, in the order of coding.
    private static readonly (int Row, int Column)[][][] Parities =
    [
        [[(0, 0)], [(1, 1)], [(0, 1)], [(1, 0)]],
        [[(0, 1), (1, 0)], [(0, 0), (1, 1)]],
        [[(0, 0), (1, 1)], [(0, 1), (1, 0)]],
        [[]],
    ];

    private readonly int[] _sizes;
    private readonly Conv2d[][] _spatial = new Conv2d[Slices][];
    private readonly Conv2d[][] _channel = new Conv2d[Slices][];
    private readonly Conv2d[][] _parameters = new Conv2d[Slices][];

    /// <summary>Loads the model.</summary>
    /// <param name="weights">Where from.</param>
    /// <param name="channels">M, channels of y.</param>
    /// <exception cref="TficFormatException">Weights are missing or of another shape.</exception>
    public TinyLicContext(PublishedWeights weights, int channels)
    {
        Channels = channels;
        _sizes = SliceSizes(channels);
        int number = 0, before = 0;
        for (int slice = 0; slice < Slices; slice++)
        {
            int s = _sizes[slice];
            _spatial[slice] = new Conv2d[Parities[slice].Length - 1];
            for (int i = 0; i < _spatial[slice].Length; i++)
                _spatial[slice][i] = Masked($"sc_transform_{++number}", s, slice == 0 && i == 0 ? 3 : 5);
            string name = $"cc_transforms.{slice}";
            _channel[slice] =
            [
                Convolution($"{name}.0", 2 * channels + before, s, 5), Convolution($"{name}.2", s, s, 5),
                Convolution($"{name}.4", s, 2 * s, 3),
            ];
            (int first, int second) = HasSpatial(slice) ? (s * 10 / 3, s * 8 / 3) : (2 * s, 2 * s);
            name = $"entropy_parameters_{slice + 1}";
            _parameters[slice] =
            [
                Convolution($"{name}.0", 2 * channels + (HasSpatial(slice) ? 4 : 2) * s, first, 1),
                Convolution($"{name}.2", first, second, 1), Convolution($"{name}.4", second, 2 * s, 1),
            ];
            before += s;
        }

        Conv2d Convolution(string name, int from, int to, int kernel) =>
            weights.Convolution(name, from, to, kernel, kernel / 2);

        Conv2d Masked(string name, int from, int kernel)
        {
            Conv2d layer = Convolution(name, from, 2 * from, kernel);
            float[] mask = weights.Float(name + ".mask", 2 * from, from, kernel, kernel);
            for (int i = 0; i < mask.Length; i++)
                layer.Weight[i] *= mask[i];
            return layer;
        }
    }

    /// <summary>Codes the values of some positions.</summary>
    /// <param name="firstChannel">First channel of the slice.</param>
    /// <param name="positions">Positions, row · columns + column, in the order of coding.</param>
    /// <param name="parameters">
    /// For each position the scales of the slice's channels, then their means; the means are replaced by ŷ.
    /// </param>
    public delegate void Coding(int firstChannel, ReadOnlySpan<int> positions, Span<float> parameters);

    /// <summary>M.</summary>
    public int Channels { get; }

    /// <summary>Sizes of the slices of so many channels: they grow as the cosine falls.</summary>
    public static int[] SliceSizes(int channels)
    {
        int[] left = [.. Enumerable.Range(0, Slices).Select(t => (int)Math.Ceiling(Math.Cos(Math.PI * t / 8) * channels)), 0];
        return [.. Enumerable.Range(0, Slices).Select(t => left[t] - left[t + 1])];
    }

    /// <summary>Multiply-adds for a latent of this size.</summary>
    public long MultiplyAdds(int height, int width)
    {
        long total = 0;
        for (int slice = 0; slice < Slices; slice++)
        {
            foreach (Conv2d layer in (Conv2d[])[.. _spatial[slice], .. _channel[slice], .. _parameters[slice]])
                total += layer.MultiplyAdds(height, width);
        }

        return total;
    }

    /// <summary>Walks through slices and steps, the same for coding and decoding.</summary>
    /// <param name="hyper">What h_s gives, height × width × 2M.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="workspace">All of whose slots are used.</param>
    /// <param name="code">Codes each step.</param>
    /// <param name="decoded">Receives ŷ, height × width × M; must not lie in the workspace.</param>
    public void Run(
        ReadOnlySpan<float> hyper, int height, int width, Workspace workspace, Coding code, Span<float> decoded)
    {
        int area = height * width, wide = 2 * Channels, first = 0;
        int[] positions = new int[area];
        for (int slice = 0; slice < Slices; slice++)
        {
            int s = _sizes[slice];
            Span<float> channel = ChannelContext(slice, hyper, decoded, first, height, width, workspace);
            Span<float> both = workspace.Floats(1, 3L * area * s);
            both.Clear();
            Span<float> spatial = both[..(2 * area * s)], known = both[(2 * area * s)..];
            for (int step = 0; step < Parities[slice].Length; step++)
            {
                if (step > 0)
                    _spatial[slice][step - 1].Run(known, height, width, spatial, threads: workspace.Threads);
                int count = Positions(Parities[slice][step], height, width, positions);
                ReadOnlySpan<int> here = positions.AsSpan(0, count);

                // What is known of each position, side by side.
                int inputs = wide + (HasSpatial(slice) ? 4 : 2) * s;
                Span<float> gathered = workspace.Floats(2, (long)count * inputs);
                for (int i = 0; i < count; i++)
                {
                    Span<float> to = gathered.Slice(i * inputs, inputs);
                    hyper.Slice(here[i] * wide, wide).CopyTo(to);
                    to = to[wide..];
                    if (HasSpatial(slice))
                    {
                        spatial.Slice(here[i] * 2 * s, 2 * s).CopyTo(to);
                        to = to[(2 * s)..];
                    }

                    channel.Slice(here[i] * 2 * s, 2 * s).CopyTo(to);
                }

                Span<float> parameters = Chain(_parameters[slice], gathered, 1, count, workspace, 3, 2);
                code(first, here, parameters);
                for (int i = 0; i < count; i++)
                {
                    Span<float> values = parameters.Slice((2 * i + 1) * s, s);
                    values.CopyTo(known[(here[i] * s)..]);
                    values.CopyTo(decoded[(here[i] * Channels + first)..]);
                }
            }

            first += s;
        }
    }

    private static bool HasSpatial(int slice) => slice < Slices - 1;

    /// <summary>What h_s and the slices before tell of a slice: height × width × 2s, in slot 0.</summary>
    private Span<float> ChannelContext(
        int slice, ReadOnlySpan<float> hyper, ReadOnlySpan<float> decoded, int before, int height, int width,
        Workspace workspace)
    {
        int area = height * width, wide = 2 * Channels, inputs = wide + before;
        Span<float> joined = workspace.Floats(1, (long)area * inputs);
        for (int i = 0; i < area; i++)
        {
            Span<float> to = joined.Slice(i * inputs, inputs);
            hyper.Slice(i * wide, wide).CopyTo(to);
            decoded.Slice(i * Channels, before).CopyTo(to[wide..]);
        }

        return Chain(_channel[slice], joined, height, width, workspace, 0, 3);
    }

    /// <summary>Three convolutions with GELUs between them; the result is in slot <paramref name="last"/>.</summary>
    private static Span<float> Chain(
        Conv2d[] layers, ReadOnlySpan<float> input, int height, int width, Workspace workspace, int last, int between)
    {
        ReadOnlySpan<float> from = input;
        for (int i = 0; ; i++)
        {
            Span<float> to = workspace.Floats(i % 2 == 0 ? last : between, (long)height * width * layers[i].OutputChannels);
            layers[i].Run(from, height, width, to, threads: workspace.Threads);
            if (i == layers.Length - 1)
                return to;
            Gelu.Run(to);
            from = to;
        }
    }

    /// <summary>The positions of a step, parity by parity, row by row.</summary>
    private static int Positions((int Row, int Column)[] parities, int height, int width, Span<int> positions)
    {
        int count = 0;
        if (parities.Length == 0)
        {
            for (; count < height * width; count++)
                positions[count] = count;
        }

        foreach ((int row, int column) in parities)
        {
            for (int y = row; y < height; y += 2)
            {
                for (int x = column; x < width; x += 2)
                    positions[count++] = y * width + x;
            }
        }

        return count;
    }
}
