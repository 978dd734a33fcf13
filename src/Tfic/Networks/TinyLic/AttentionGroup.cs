using Tfic.Kernels.Activation;
using Tfic.Kernels.Attention;
using Tfic.Kernels.Convolution;
using Tfic.Kernels.Normalisation;

namespace Tfic.Networks.TinyLic;

/// <summary>
/// A residual group of blocks, each a neighbourhood attention and a two-layer perceptron with layer normalisations before
/// and residuals around them (Lu and Ma 2022, section 3).
/// </summary>
/// <remarks>
/// <para>
/// A block takes two passes over the plane, each in bands of rows whose activations stay in the second-level cache: one to
/// queries, keys and values, and, as attention needs its neighbours' keys, another for all the rest. Threads take bands in
/// turn; each has its own part of the scratch.
/// </para>
/// <para>Immutable: threads may share it, each with its own <see cref="Workspace"/>.</para>
/// </remarks>
internal sealed class AttentionGroup
{
    // Floats of the activations of a band in one copy; there are up to four of them at once.
    private const int BandFloats = 1 << 15;

    private readonly Block[] _blocks;

    /// <summary>Loads a group.</summary>
    /// <param name="weights">Where from.</param>
    /// <param name="name">Of the group.</param>
    /// <param name="channels">Channels, a multiple of the heads.</param>
    /// <param name="heads">Heads of each attention.</param>
    /// <param name="window">Side of its window.</param>
    /// <param name="depth">Blocks.</param>
    /// <exception cref="TficFormatException">Weights are missing or of another shape.</exception>
    public AttentionGroup(PublishedWeights weights, string name, int channels, int heads, int window, int depth)
    {
        Channels = channels;
        _blocks = new Block[depth];
        for (int i = 0; i < depth; i++)
            _blocks[i] = new Block(weights, $"{name}.residual_group.blocks.{i}", channels, heads, window);
    }

    private enum Pass
    {
        Project,
        Rest,
    }

    /// <summary>Channels in and out.</summary>
    public int Channels { get; }

    /// <summary>Multiply-adds on so many positions.</summary>
    public long MultiplyAdds(int height, int width) => _blocks.Sum(block => block.MultiplyAdds(height, width));

    /// <summary>Runs the group on a plane in place.</summary>
    /// <param name="plane">height × width × Channels.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="before">Receives the input; as long as the plane.</param>
    /// <param name="workspace">Of which slots 1 and 2 are used.</param>
    public unsafe void Run(Span<float> plane, int height, int width, Span<float> before, Workspace workspace)
    {
        plane.CopyTo(before);
        foreach (Block block in _blocks)
        {
            var size = new Size(block, height, width);
            int workers = int.Min(workspace.Threads, size.Bands);
            Span<float> projected = workspace.Floats(1, (long)size.PaddedHeight * size.PaddedWidth * 3 * Channels);
            Span<float> scratch = workspace.Floats(2, workers * size.ScratchLength);
            fixed (float* x = plane, qkv = projected, part = scratch)
            {
                foreach (Pass pass in (ReadOnlySpan<Pass>)[Pass.Project, Pass.Rest])
                {
                    var work = new BandWork(block, size, x, qkv, part, workers);
                    if (workers == 1)
                        work.Run(pass, 0);
                    else
                        RunParallel(work, pass, workers);
                }
            }
        }

        for (int i = 0; i < plane.Length; i++)
            plane[i] += before[i];
    }

    // A method of its own: what a lambda captures is allocated where the method begins.
    private static void RunParallel(BandWork work, Pass pass, int workers) =>
        Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, worker => work.Run(pass, worker));

    /// <summary>
    /// Sizes of one block's work. An input smaller than the window is padded with zeros below and to the right, between
    /// normalisation and projection: the padding takes part as keys.
    /// </summary>
    private readonly struct Size
    {
        public Size(Block block, int height, int width)
        {
            (Height, Width) = (height, width);
            PaddedHeight = int.Max(height, block.Attention.Window);
            PaddedWidth = int.Max(width, block.Attention.Window);
            BandHeight = int.Max(1, BandFloats / (PaddedWidth * block.Attention.Channels));
            Bands = (PaddedHeight + BandHeight - 1) / BandHeight;
            ScratchLength = 4L * BandHeight * PaddedWidth * block.Attention.Channels;
        }

        public int Height { get; }

        public int Width { get; }

        public int PaddedHeight { get; }

        public int PaddedWidth { get; }

        public int BandHeight { get; }

        public int Bands { get; }

        public long ScratchLength { get; }
    }

    /// <summary>One pass over a plane, in pinned memory.</summary>
    private readonly unsafe struct BandWork(Block block, Size size, float* plane, float* projected, float* scratch, int workers)
    {
        /// <summary>The bands of a worker.</summary>
        public void Run(Pass pass, int worker)
        {
            int channels = block.Attention.Channels, pitch = size.Width * channels;
            var part = new Span<float>(scratch + worker * size.ScratchLength, (int)size.ScratchLength);
            var all = new Span<float>(projected, size.PaddedHeight * size.PaddedWidth * 3 * channels);
            var x = new Span<float>(plane, size.Height * pitch);
            for (int band = worker; band < size.Bands; band += workers)
            {
                int first = band * size.BandHeight;
                if (pass == Pass.Project)
                {
                    int rows = int.Min(size.BandHeight, size.PaddedHeight - first);
                    int length = rows * size.PaddedWidth * 3 * channels;
                    block.Project(x, size, first, rows, part, all.Slice(first * size.PaddedWidth * 3 * channels, length));
                }
                else if (first < size.Height)
                {
                    int rows = int.Min(size.BandHeight, size.Height - first);
                    block.Rest(all, size, first, rows, part, x.Slice(first * pitch, rows * pitch));
                }
            }
        }
    }

    private sealed class Block
    {
        private readonly float[] _factor1, _bias1, _factor2, _bias2;
        private readonly Conv2d _project, _combine, _widen, _narrow;

        public Block(PublishedWeights weights, string name, int channels, int heads, int window)
        {
            (_factor1, _bias1) = Norm("norm1");
            (_factor2, _bias2) = Norm("norm2");
            int side = 2 * window - 1, depth = channels / heads;
            Attention = new NeighbourhoodAttention(
                weights.Float($"{name}.attn.rpb", heads, side, side), channels, heads, window);

            // The kernel wants heads innermost: rows of the projection and columns of the combination are moved.
            float[] weight = weights.Float($"{name}.attn.qkv.weight", 3 * channels, channels);
            float[] bias = weights.Float($"{name}.attn.qkv.bias", 3 * channels);
            float[] moved = new float[weight.Length], movedBias = new float[bias.Length];
            for (int from = 0; from < bias.Length; from++)
            {
                int to = from / channels * channels + Place(from % channels);
                movedBias[to] = bias[from];
                weight.AsSpan(from * channels, channels).CopyTo(moved.AsSpan(to * channels));
            }

            _project = new Conv2d(moved, movedBias, channels, 1, 1);
            weight = weights.Float($"{name}.attn.proj.weight", channels, channels);
            moved = new float[weight.Length];
            for (int i = 0; i < weight.Length; i++)
                moved[i / channels * channels + Place(i % channels)] = weight[i];
            _combine = Linear(moved, weights.Float($"{name}.attn.proj.bias", channels), channels, Residual.AfterActivation);
            _widen = Linear(
                weights.Float($"{name}.mlp.fc1.weight", 2 * channels, channels),
                weights.Float($"{name}.mlp.fc1.bias", 2 * channels), channels);
            _narrow = Linear(
                weights.Float($"{name}.mlp.fc2.weight", channels, 2 * channels),
                weights.Float($"{name}.mlp.fc2.bias", channels), 2 * channels, Residual.AfterActivation);

            (float[], float[]) Norm(string part) =>
                (weights.Float($"{name}.{part}.weight", channels), weights.Float($"{name}.{part}.bias", channels));
            int Place(int channel) => channel % depth * heads + channel / depth;
            static Conv2d Linear(float[] weight, float[] bias, int inputs, Residual residual = Residual.None) =>
                new(weight, bias, inputs, 1, 1) { Residual = residual };
        }

        public NeighbourhoodAttention Attention { get; }

        public long MultiplyAdds(int height, int width)
        {
            int paddedHeight = int.Max(height, Attention.Window), paddedWidth = int.Max(width, Attention.Window);
            return _project.MultiplyAdds(paddedHeight, paddedWidth) + Attention.MultiplyAdds(height, width)
                + _combine.MultiplyAdds(height, width) + _widen.MultiplyAdds(height, width)
                + _narrow.MultiplyAdds(height, width);
        }

        /// <summary>Queries, keys and values of some rows of the padded plane.</summary>
        public void Project(
            ReadOnlySpan<float> plane, in Size size, int firstRow, int rows, Span<float> scratch, Span<float> projected)
        {
            int channels = Attention.Channels, pitch = size.Width * channels, paddedPitch = size.PaddedWidth * channels;
            for (int row = 0; row < rows; row++)
            {
                Span<float> normal = scratch.Slice(row * paddedPitch, paddedPitch);
                int there = firstRow + row < size.Height ? pitch : 0;
                if (there > 0)
                    LayerNorm.Run(plane.Slice((firstRow + row) * pitch, pitch), _factor1, _bias1, normal);
                normal[there..].Clear();
            }

            _project.Run(scratch, rows, size.PaddedWidth, projected);
        }

        /// <summary>All behind the projection, for some rows of the plane, in place.</summary>
        public void Rest(
            ReadOnlySpan<float> projected, in Size size, int firstRow, int rows, Span<float> scratch, Span<float> plane)
        {
            int channels = Attention.Channels, length = rows * size.Width * channels;
            int paddedLength = rows * size.PaddedWidth * channels;
            Span<float> a = scratch[..paddedLength], b = scratch.Slice(paddedLength, length);
            Attention.Run(projected, size.PaddedHeight, size.PaddedWidth, firstRow, firstRow + rows, a);
            if (size.PaddedWidth > size.Width)
            {
                for (int row = 1; row < rows; row++)
                {
                    a.Slice(row * size.PaddedWidth * channels, size.Width * channels)
                        .CopyTo(a[(row * size.Width * channels)..]);
                }
            }

            _combine.Run(a, rows, size.Width, b, plane);
            a = a[..length];
            LayerNorm.Run(b, _factor2, _bias2, a);
            Span<float> wide = scratch.Slice(paddedLength + length, 2 * length);
            _widen.Run(a, rows, size.Width, wide);
            Gelu.Run(wide);
            _narrow.Run(wide, rows, size.Width, plane, b);
        }
    }
}
