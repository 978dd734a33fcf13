using System.Globalization;
using Tfic.Kernels.BFloat16Convolution;
using Tfic.Kernels.Convolution;

namespace Tfic.Networks;

/// <summary>
/// DnCNN (Zhang et al. 2017), the paper's restorer, its normalisations folded into the convolutions.
/// </summary>
/// <remarks>
/// <para>
/// A chain of 3 × 3 convolutions padded by zeros, with rectifiers between them, predicts what the damage added; output =
/// input − chain(input), clamped to 0 … 1. Depth and width follow from the file; 17 × 64 costs 556 thousand
/// multiply-adds a pixel.
/// </para>
/// <para>
/// The picture passes in bands of rows. Each layer keeps the last two rows of its input for the next band, so nothing is
/// computed twice and what is in flight fits the cache at any height. Wide pictures are cut into strips that overlap by
/// one column a layer on either side. Every value is the sum that the whole picture at once would give, to the last bit,
/// for any bands, strips and number of threads.
/// </para>
/// <para>
/// Where the processor multiplies bfloat16 (<see cref="RestorerModel.Narrow"/>), activations and weights have that type
/// and sums float32, as in training; 8-bit samples enter exactly, and the residual leaves in float32. An output then
/// differs from float32's by some thousandths of the residual.
/// </para>
/// </remarks>
public sealed class DnCnnRestorer : RestorerModel
{
    // Bounds of what a file may ask for.
    private const int MaxDepth = 64, MaxFeatures = 1024;

    // Rows a thread takes in at once, and the widest strip: two bands of 64 channels are 4 MB for the widest pages that
    // need no strips.
    private const int BandHeight = 8, StripWidth = 1024;

    private readonly Conv2d[] _layers;

    // Made when a picture first needs them.
    private readonly Lazy<BFloat16Conv2d[]> _narrow;

    /// <summary>Makes the network.</summary>
    /// <exception cref="TficFormatException">Not such a restorer; or tensors are missing, of another shape or not finite.</exception>
    internal DnCnnRestorer(SafetensorsFile file)
        : base(file, "dncnn")
    {
        int depth = 0;
        while (file.Tensors.ContainsKey($"conv{depth}.weight"))
            depth++;
        if (depth is < 2 or > MaxDepth)
            throw new TficFormatException($"A restorer has 2 to {MaxDepth} layers, not {depth}. Export the model again.");
        ReadOnlySpan<int> first = file.Tensors["conv0.weight"].Shape;
        Features = first.Length == 4 ? first[0] : 0;
        if (Features is < 1 or > MaxFeatures)
        {
            throw new TficFormatException(
                $"A restorer has 1 to {MaxFeatures} channels between its layers, not {Features}. Export the model again.");
        }

        // Rows above and below come from the bands: only columns are padded by the layers.
        var sides = new Padding(0, 1, 0, 1);
        _layers = new Conv2d[depth];
        for (int i = 0; i < depth; i++)
        {
            bool last = i == depth - 1;
            _layers[i] = Layers.Load(
                file, string.Create(CultureInfo.InvariantCulture, $"conv{i}"), i == 0 ? 1 : Features,
                last ? 1 : Features, 3, 3, sides, slope: last ? 1f : 0f);
        }

        // Samples enter as 0 … 255.
        _narrow = new(() => [.. _layers.Select((layer, i) => new BFloat16Conv2d(layer, i == 0 ? 1 / 255f : 1f))]);
    }

    /// <summary>Number of convolutions: an output depends on inputs up to this many pixels away.</summary>
    public int Depth => _layers.Length;

    /// <summary>Channels between the layers.</summary>
    public int Features { get; }

    /// <summary>The layers as the whole picture at once would have them: padded on all sides.</summary>
    internal IEnumerable<Conv2d> Convolutions => _layers.Select(layer =>
        new Conv2d(layer.Weight, layer.Bias, layer.InputChannels, layer.KernelHeight, layer.KernelWidth)
        {
            Padding = Padding.Symmetric(1, 1),
            NegativeSlope = layer.NegativeSlope,
        });

    /// <inheritdoc/>
    public override int Reach => Depth;

    /// <inheritdoc/>
    public override int Grid => 1;

    /// <summary>Restores a plane by strips and bands of given sizes, which change nothing but time and memory.</summary>
    internal void Restore(
        ReadOnlySpan<float> input, int width, int height, Workspace workspace, Span<float> output, int stripWidth,
        int bandHeight, bool narrow)
    {
        // Strips of equal width, none wider than asked for.
        int strips = (width + stripWidth - 1) / stripWidth;
        for (int i = 0; i < strips; i++)
        {
            int left = (int)((long)width * i / strips), right = (int)((long)width * (i + 1) / strips);
            if (narrow)
                NarrowStrip(input, width, height, left, right, bandHeight, workspace, output);
            else
                Strip(input, width, height, left, right, bandHeight, workspace, output);
        }
    }

    private protected override void Run(
        ReadOnlySpan<float> input, int width, int height, Workspace workspace, Span<float> output, bool narrow) =>
        Restore(input, width, height, workspace, output, StripWidth, BandHeight * workspace.Threads, narrow);

    /// <summary>Columns [left, right) of the picture, from its first row to its last.</summary>
    private void Strip(
        ReadOnlySpan<float> input, int width, int height, int left, int right, int bandHeight, Workspace workspace,
        Span<float> output)
    {
        int from = int.Max(0, left - Depth), columns = int.Min(width, right + Depth) - from;
        bandHeight = int.Min(bandHeight, height);

        // A band may grow by a row a layer where the picture ends; two rows before it are kept, one of zeros comes after.
        long bandLength = (bandHeight + Depth + 3L) * columns * Features;
        Span<float> band = workspace.Floats(0, bandLength), next = workspace.Floats(1, bandLength);
        int keptLength = 2 * columns * Features;
        Span<float> kept = workspace.Floats(2, (long)keptLength * Depth);
        Span<int> seen = stackalloc int[Depth];
        seen.Clear();

        for (int top = 0; top < height; top += bandHeight)
        {
            // The two kept rows come first, then the new ones.
            int rows = int.Min(bandHeight, height - top);
            for (int y = 0; y < rows; y++)
                input.Slice((top + y) * width + from, columns).CopyTo(band[((2 + y) * columns)..]);
            int done = seen[^1] == 0 ? 0 : seen[^1] - 1;
            for (int i = 0; i < Depth && rows > 0; i++)
            {
                int pitch = columns * _layers[i].InputChannels;
                Span<float> own = kept.Slice(i * keptLength, 2 * pitch);
                if (seen[i] == 0)
                    own.Clear();
                own.CopyTo(band);
                band.Slice(rows * pitch, 2 * pitch).CopyTo(own);

                // What the layer has seen reaches one row further than what it can say, but where the picture ends.
                int skipped = seen[i] == 0 ? 1 : 0;
                seen[i] += rows;
                int ended = seen[i] == height ? 1 : 0;
                if (ended == 1)
                    band.Slice((2 + rows) * pitch, pitch).Clear();
                int results = rows - skipped + ended;
                if (results > 0)
                {
                    int lead = i == Depth - 1 ? 0 : 2 * columns * _layers[i].OutputChannels;
                    _layers[i].Run(
                        band[(skipped * pitch)..], results + 2, columns, next[lead..], threads: workspace.Threads);
                    Span<float> swap = band;
                    band = next;
                    next = swap;
                }

                rows = results;
            }

            Subtract(input, band, width, left, right, from, columns, done, rows, output);
        }
    }

    /// <summary>The same in bfloat16.</summary>
    private void NarrowStrip(
        ReadOnlySpan<float> input, int width, int height, int left, int right, int bandHeight, Workspace workspace,
        Span<float> output)
    {
        int from = int.Max(0, left - Depth), columns = int.Min(width, right + Depth) - from;
        bandHeight = int.Min(bandHeight, height);
        int most = bandHeight + Depth + 3;

        BFloat16Conv2d[] layers = _narrow.Value;

        // Planes take their largest shape first: later ones then leave what they hold.
        BFloat16Plane band = workspace.Narrow(0), next = workspace.Narrow(1), kept = workspace.Narrow(2);
        band.Reshape(most, columns, Features, 1);
        next.Reshape(most, columns, Features, 1);
        kept.Reshape(2 * Depth, columns, Features, 0);
        Span<float> residual = workspace.Floats(0, (long)most * columns);
        Span<int> seen = stackalloc int[Depth];
        seen.Clear();

        for (int top = 0; top < height; top += bandHeight)
        {
            // The first layer finds the rows before the band in the picture.
            int rows = int.Min(bandHeight, height - top);
            int before = int.Min(top, 2);
            band.Reshape(rows + 3, columns, 1, 1);
            if (top == 1)
                band.Row(0).Clear();
            for (int y = -before; y < rows; y++)
            {
                ReadOnlySpan<float> samples = input.Slice((top + y) * width + from, columns);
                Span<ushort> row = band.Row(Lead(seen[0]) + y);
                for (int x = 0; x < columns; x++)
                    row[x] = BFloat16Plane.Round(255f * samples[x]);
            }

            int done = seen[^1] == 0 ? 0 : seen[^1] - 1;
            for (int i = 0; i < Depth && rows > 0; i++)
            {
                int lead = Lead(seen[i]);
                if (lead == 1)
                {
                    band.Row(0).Clear();
                }
                else if (i > 0)
                {
                    kept.Row(2 * i).CopyTo(band.Row(0));
                    kept.Row(2 * i + 1).CopyTo(band.Row(1));
                }

                if (i > 0)
                {
                    band.Row(lead + rows - 2).CopyTo(kept.Row(2 * i));
                    band.Row(lead + rows - 1).CopyTo(kept.Row(2 * i + 1));
                }

                seen[i] += rows;
                int ended = seen[i] == height ? 1 : 0;
                if (ended == 1)
                    band.Row(lead + rows).Clear();
                int results = lead + rows + ended - 2;
                if (results > 0)
                {
                    band.Reshape(results + 2, columns, i == 0 ? 1 : Features, 1);
                    if (i == Depth - 1)
                    {
                        layers[i].Run(band, residual, threads: workspace.Threads);
                    }
                    else
                    {
                        int nextLead = Lead(seen[i + 1]);
                        next.Reshape(nextLead + results + 1, columns, Features, 1);
                        layers[i].Run(band, default, next, nextLead, workspace.Threads);
                        (band, next) = (next, band);
                    }
                }

                rows = results;
            }

            Subtract(input, residual, width, left, right, from, columns, done, rows, output);
        }

        // A row of zeros before the picture, later the two rows last seen.
        static int Lead(int seen) => seen == 0 ? 1 : 2;
    }

    private static void Subtract(
        ReadOnlySpan<float> input, ReadOnlySpan<float> residuals, int width, int left, int right, int from, int columns,
        int first, int rows, Span<float> output)
    {
        for (int y = 0; y < rows; y++)
        {
            int at = (first + y) * width;
            ReadOnlySpan<float> residual = residuals.Slice(y * columns + left - from, right - left);
            for (int x = left; x < right; x++)
                output[at + x] = Math.Clamp(input[at + x] - residual[x - left], 0f, 1f);
        }
    }
}
