using System.Globalization;
using Tfic.Kernels.BFloat16Convolution;
using Tfic.Kernels.Convolution;
using Tfic.Kernels.QuantisedConvolution;
using Tfic.Kernels.Samples;

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
/// In float32, all layers but the first go by Winograd's tiles (<see cref="WinogradConv2d"/>), a quarter of the
/// multiplications.
/// </para>
/// <para>
/// The picture passes in bands of rows. Each layer keeps the rows of its input that the next band needs, so nothing is
/// computed twice and what is in flight fits the cache at any height. Wide pictures are cut into strips that overlap by
/// a tile a layer on either side. Every value is what the whole picture at once would give, to the last bit, for any
/// bands, strips and number of threads.
/// </para>
/// <para>
/// Where the processor multiplies matrices of bfloat16, activations and weights have that type and sums float32, as in
/// training; 8-bit samples enter exactly, and the residual leaves in float32. An output then differs from float32's by
/// some thousandths of the residual. In 8 bits, if that is wanted (<see cref="UsesBytes"/>), by some hundredths.
/// </para>
/// </remarks>
public sealed class DnCnnRestorer : RestorerModel
{
    // Bounds of what a file may ask for.
    private const int MaxDepth = 64, MaxFeatures = 1024;

    // Rows a thread takes in at once, and the widest strip: two bands of 64 channels are 8 MB for the widest pages that
    // need no strips.
    private const int BandHeight = 16, StripWidth = 1024;

    private const int Tile = WinogradConv2d.TileSize;

    private readonly Conv2d[] _layers;

    // The first one, whose single channel leaves nothing to save, is not used.
    private readonly WinogradConv2d[] _tiled;

    // Made when a picture first needs them.
    private readonly Lazy<BFloat16Layers> _narrow;
    private readonly Lazy<QuantisedLayers> _quantised;

    /// <summary>In what the layers compute.</summary>
    internal enum Precision
    {
        /// <summary>Float32, by tiles.</summary>
        Float32,

        /// <summary>Activations and weights in bfloat16.</summary>
        BFloat16,

        /// <summary>Activations and weights in 8 bits.</summary>
        Int8,
    }

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

        _tiled = [.. _layers.Select(layer => new WinogradConv2d(layer))];
        _narrow = new(() => new(_layers));
        _quantised = new(() => new(_layers));
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
    /// <remarks>To the last bit: a tile is rounded differently if only part of it is there.</remarks>
    public override int Reach => Current == Precision.Float32 ? TiledReach : Depth;

    /// <inheritdoc/>
    public override int Grid => Current == Precision.Float32 ? Tile : 1;

    /// <summary>
    /// Whether it runs in 8 bits where the processor multiplies bytes: faster, and off by some hundredths of the residual.
    /// A row's scale is then that of what is seen of it, so that a part may differ from the whole, and a wide picture from
    /// itself in other strips, by as much. <see cref="InBytes"/> makes such a restorer.
    /// </summary>
    public bool UsesBytes { get; private init; }

    // Tiles have the advantage over bfloat16 unless that is multiplied in matrices: 56 ms against 82 for 64 × 256 on a
    // Zen 4, whose vectors multiply bfloat16 twice as fast as float32, and bytes four times: 51 ms with their rounding.
    private Precision Current =>
        UsesBytes && !ReferenceEquals(QuantisedConv2d.Variants.Picked, QuantisedConv2d.Variants.Reference) ? Precision.Int8
        : Narrow && BFloat16Conv2d.Variants.Picked.Name == BFloat16Conv2d.MatrixRow ? Precision.BFloat16
        : Precision.Float32;

    // A column of the first layer, a tile of each other one.
    private int TiledReach => 1 + Tile * (Depth - 1);

    /// <summary>The same network, for running in 8 bits: see <see cref="UsesBytes"/>.</summary>
    public DnCnnRestorer InBytes() => new(File) { UsesBytes = true };

    /// <summary>Restores a plane by strips and bands of given sizes, which change nothing but time and memory.</summary>
    internal void Restore(
        ReadOnlySpan<float> input, int width, int height, Workspace workspace, Span<float> output, int stripWidth,
        int bandHeight, Precision precision)
    {
        // Strips of equal width, none wider than asked for.
        int strips = (width + stripWidth - 1) / stripWidth;
        for (int i = 0; i < strips; i++)
        {
            int left = (int)((long)width * i / strips), right = (int)((long)width * (i + 1) / strips);
            if (precision == Precision.BFloat16)
            {
                NarrowStrip<BFloat16Plane, ushort>(
                    input, width, height, left, right, bandHeight, workspace, output, _narrow.Value,
                    workspace.Narrow(0), workspace.Narrow(1), workspace.Narrow(2));
            }
            else if (precision == Precision.Int8)
            {
                NarrowStrip<QuantisedPlane, byte>(
                    input, width, height, left, right, bandHeight, workspace, output, _quantised.Value,
                    workspace.Quantised(0), workspace.Quantised(1), workspace.Quantised(2));
            }
            else
            {
                Strip(input, width, height, left, right, bandHeight, workspace, output);
            }
        }
    }

    private protected override void Run(
        ReadOnlySpan<float> input, int width, int height, Workspace workspace, Span<float> output, bool narrow) =>
        Restore(
            input, width, height, workspace, output, StripWidth, BandHeight * workspace.Threads,
            !narrow ? Precision.Float32 : Current);

    /// <summary>Columns [left, right) of the picture, from its first row to its last.</summary>
    private void Strip(
        ReadOnlySpan<float> input, int width, int height, int left, int right, int bandHeight, Workspace workspace,
        Span<float> output)
    {
        int from = int.Max(0, left - TiledReach) / Tile * Tile, columns = int.Min(width, right + TiledReach) - from;
        bandHeight = int.Min(bandHeight, height);

        // Rows that wait for their tile to be complete, and one before them; where the picture ends, all come at once.
        const int MostKept = Tile + 1;
        long bandLength = (int.Min(bandHeight + Tile * Depth, height) + MostKept + 1L) * columns * Features;
        Span<float> band = workspace.Floats(0, bandLength), next = workspace.Floats(1, bandLength);
        Span<float> scratch = workspace.Floats(4, ScratchLength(workspace.Threads));
        int keptLength = MostKept * columns * Features;
        Span<float> kept = workspace.Floats(2, (long)keptLength * Depth);

        // Rows of its input that each layer has seen, and rows of its output that it has made.
        Span<int> seen = stackalloc int[Depth], made = stackalloc int[Depth];
        seen.Clear();
        made.Clear();
        for (int i = 0; i < Depth; i++)
            kept.Slice(i * keptLength, columns * _layers[i].InputChannels).Clear();

        for (int top = 0; top < height; top += bandHeight)
        {
            // The kept rows come first, from the one before the next row to make, then the new ones.
            int rows = int.Min(bandHeight, height - top), done = made[^1];
            for (int y = 0; y < rows; y++)
                input.Slice((top + y) * width + from, columns).CopyTo(band[((seen[0] - made[0] + 1 + y) * columns)..]);
            for (int i = 0; i < Depth && rows > 0; i++)
            {
                int pitch = columns * _layers[i].InputChannels, lead = seen[i] - made[i] + 1;
                Span<float> own = kept.Slice(i * keptLength, MostKept * pitch);
                own[..(lead * pitch)].CopyTo(band);

                // What the layer has seen reaches one row further than what it can say, but where the picture ends.
                seen[i] += rows;
                int results = seen[i] - 1;
                if (seen[i] == height)
                {
                    results = height;
                    band.Slice((lead + rows) * pitch, pitch).Clear();
                }
                else if (i > 0)
                {
                    results = results / Tile * Tile;
                }

                results -= made[i];
                made[i] += results;
                band[(results * pitch)..((lead + rows) * pitch)].CopyTo(own);
                if (results > 0)
                {
                    int nextLead = i == Depth - 1 ? 0 : seen[i + 1] - made[i + 1] + 1;
                    Span<float> target = next[(nextLead * columns * _layers[i].OutputChannels)..];
                    if (i == 0)
                        _layers[i].Run(band, results + 2, columns, target, threads: workspace.Threads);
                    else
                        _tiled[i].Run(band, results + 2, columns, target, scratch, threads: workspace.Threads);
                    Span<float> swap = band;
                    band = next;
                    next = swap;
                }

                rows = results;
            }

            Subtract(input, band, width, left, right, from, columns, done, rows, output);
        }
    }

    private long ScratchLength(int threads)
    {
        long length = 0;
        foreach (WinogradConv2d layer in _tiled.AsSpan(1))
            length = long.Max(length, layer.ScratchLength(threads));
        return length;
    }

    /// <summary>The same in planes of few bits: every row is rounded by itself, so bands change nothing here either.</summary>
    private void NarrowStrip<TPlane, TElement>(
        ReadOnlySpan<float> input, int width, int height, int left, int right, int bandHeight, Workspace workspace,
        Span<float> output, INarrowLayers<TPlane> layers, TPlane band, TPlane next, TPlane kept)
        where TPlane : BorderedPlane<TElement>
        where TElement : unmanaged
    {
        int from = int.Max(0, left - Depth), columns = int.Min(width, right + Depth) - from;
        bandHeight = int.Min(bandHeight, height);
        int most = bandHeight + Depth + 3;

        // Planes take their largest shape first: later ones then leave what they hold.
        band.Reshape(most, columns, Features, 1);
        next.Reshape(most, columns, Features, 1);
        kept.Reshape(2 * Depth, columns, Features, 1);
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
                band.ClearRow(0);
            for (int y = -before; y < rows; y++)
                layers.TakeIn(input.Slice((top + y) * width + from, columns), band, Lead(seen[0]) + y);

            int done = seen[^1] == 0 ? 0 : seen[^1] - 1;
            for (int i = 0; i < Depth && rows > 0; i++)
            {
                int lead = Lead(seen[i]);
                if (lead == 1)
                {
                    band.ClearRow(0);
                }
                else if (i > 0)
                {
                    band.CopyRow(0, kept, 2 * i);
                    band.CopyRow(1, kept, 2 * i + 1);
                }

                if (i > 0)
                {
                    kept.CopyRow(2 * i, band, lead + rows - 2);
                    kept.CopyRow(2 * i + 1, band, lead + rows - 1);
                }

                seen[i] += rows;
                int ended = seen[i] == height ? 1 : 0;
                if (ended == 1)
                    band.ClearRow(lead + rows);
                int results = lead + rows + ended - 2;
                if (results > 0)
                {
                    band.Reshape(results + 2, columns, i == 0 ? 1 : Features, 1);
                    if (i == Depth - 1)
                    {
                        layers.Run(i, band, residual, null, 0, workspace);
                    }
                    else
                    {
                        int nextLead = Lead(seen[i + 1]);
                        next.Reshape(nextLead + results + 1, columns, Features, 1);
                        layers.Run(i, band, default, next, nextLead, workspace);
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

    /// <summary>The layers in few bits.</summary>
    private interface INarrowLayers<TPlane>
    {
        /// <summary>Rounds a row of the picture.</summary>
        void TakeIn(ReadOnlySpan<float> samples, TPlane plane, int row);

        /// <summary>Runs a layer: the last one to floats, the others to a plane, from a row of it on.</summary>
        void Run(int layer, TPlane input, Span<float> output, TPlane? narrow, int narrowRow, Workspace workspace);
    }

    private sealed class BFloat16Layers(Conv2d[] layers) : INarrowLayers<BFloat16Plane>
    {
        // Samples enter as 0 … 255.
        private readonly BFloat16Conv2d[] _layers =
            [.. layers.Select((layer, i) => new BFloat16Conv2d(layer, i == 0 ? 1 / 255f : 1f))];

        public void TakeIn(ReadOnlySpan<float> samples, BFloat16Plane plane, int row)
        {
            Span<ushort> elements = plane.Row(row);
            for (int x = 0; x < elements.Length; x++)
                elements[x] = BFloat16Plane.Round(255f * samples[x]);
        }

        public void Run(
            int layer, BFloat16Plane input, Span<float> output, BFloat16Plane? narrow, int narrowRow, Workspace workspace) =>
            _layers[layer].Run(input, output, narrow, narrowRow, workspace.Threads);
    }

    private sealed class QuantisedLayers(Conv2d[] layers) : INarrowLayers<QuantisedPlane>
    {
        private readonly QuantisedConv2d[] _layers = [.. layers.Select(layer => new QuantisedConv2d(layer))];

        public void TakeIn(ReadOnlySpan<float> samples, QuantisedPlane plane, int row)
        {
            Span<byte> elements = plane.SetRow(row, 1 / 255f);
            SampleConversion.ToSamples(samples, elements);
        }

        public void Run(
            int layer, QuantisedPlane input, Span<float> output, QuantisedPlane? narrow, int narrowRow,
            Workspace workspace)
        {
            // What is quantised a row at a time is in floats before.
            if (narrow is not null)
                output = workspace.Floats(1, (long)input.Rows * input.Columns * narrow.Channels);
            _layers[layer].Run(
                input, output, quantised: narrow, quantisedRow: narrowRow, threads: workspace.Threads);
        }
    }
}
