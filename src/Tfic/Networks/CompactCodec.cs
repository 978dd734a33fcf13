using System.Numerics;
using Tfic.Imaging;
using Tfic.Kernels;
using Tfic.Kernels.BFloat16Convolution;
using Tfic.Kernels.Convolution;
using Tfic.Kernels.QuantisedConvolution;
using Tfic.Profiling;
using Tfic.Kernels.Samples;

namespace Tfic.Networks;

/// <summary>The float transforms of the compact codec: g_a, h_a, g_s and the gains.</summary>
/// <remarks>
/// <code>
/// picture ─ g_a ─ y ─ ·gain ─ y' ─ h_a ─ z          ŷ' ─ /gain ─ ŷ ─ g_s ─ picture
/// </code>
/// <para>
/// Nothing here chooses a probability, so floats may differ in the last place between machines. Planes have
/// interleaved channels: y is rows × columns × 96 at 1/16 of the padded picture, z rows × columns × 32 at 1/64.
/// The picture is padded to the right and below, to multiples of 64, by repeating its last column and row; grey is
/// repeated in three channels; samples are divided by 255.
/// </para>
/// <para>
/// g_a: 1×1 convolution 48→32 of the picture unshuffled by 4 (here one 4×4 convolution of stride 4), two 3×3 of
/// stride 2 (32→64→96), two residual blocks, 1×1 to y. g_s: 1×1, two residual blocks, 1×1 96→192 shuffled by 2, a
/// residual block of 48 channels, 1×1 48→96 shuffled by 2, 3×3 24→48 shuffled by 4 to the picture. h_a: two 3×3 of
/// stride 2 (96→64→32). Activations are leaky rectifiers of slope 1/8, in h_a a plain one; a residual block is
/// x + 1×1(leaky(3×3(x))). About 1.4 thousand multiply-adds a pixel to encode, 1.9 to decode.
/// </para>
/// <para>
/// Where the processor has rows for it, the encoder's g_a runs in fewer bits (<see cref="Narrow"/>): its residual blocks
/// in 8, what comes before them in bfloat16, the sums, what runs past the blocks and the last layer in float32.
/// 8 bits everywhere would cost 1 part in 800 of y's power and 0.05 dB of the picture; as it is, the error of y is a tenth of
/// that. The decoder's g_s is float32 everywhere: all see the same picture.
/// </para>
/// <para>Immutable: threads may share it, each with its own <see cref="Workspace"/>.</para>
/// </remarks>
public sealed class CompactCodec
{
    /// <summary>Channels of y.</summary>
    public const int LatentChannels = 96;

    /// <summary>Channels of z.</summary>
    public const int HyperChannels = 32;

    /// <summary>Pixels per element of y, in each direction.</summary>
    public const int LatentStride = 16;

    /// <summary>Pixels per element of z, in each direction; padded sides are multiples of it.</summary>
    public const int HyperStride = 64;

    /// <summary>Learned qualities, 1…8; gains between them are interpolated.</summary>
    public const int QualityCount = 8;

    private const float Leak = 0.125f;

    // Pictures are taken in by bands of this many rows, so that their floats stay in the cache until g_a.conv0 has
    // read them; it has stride 4 and no padding, so bands do not touch.
    private const int BandHeight = 16;

    private readonly Conv2d _ga0, _ga1, _ga2, _ga3;
    private readonly ResidualBlock _gaRes0, _gaRes1;
    private readonly Conv2d _ha0, _ha1;
    private readonly Conv2d _gs0, _gs1, _gs2, _gs3;
    private readonly ResidualBlock _gsRes0, _gsRes1, _gsRes2;
    private readonly float[] _gainLog2;

    // Made when a picture is first encoded so: decoders need none.
    private readonly Lazy<NarrowAnalysis> _narrow;

    /// <summary>Takes the transforms from a model file.</summary>
    /// <param name="file">Tensors g_a.*, h_a.*, g_s.* and gain_log2.</param>
    /// <exception cref="TficFormatException">A tensor is missing, has another shape, or is not finite.</exception>
    public CompactCodec(SafetensorsFile file)
    {
        ArgumentNullException.ThrowIfNull(file);

        // Unshuffling by 4 gives channel c·16 + dy·4 + dx, so a 1×1 weight [32, 48] is, number for number, the
        // weight [32, 3, 4, 4] of a convolution of the picture itself.
        _ga0 = new Conv2d(file.Float("g_a.conv0.weight", 32, 48, 1, 1), file.Float("g_a.conv0.bias", 32), 3, 4, 4)
        {
            Stride = 4,
            NegativeSlope = Leak,
        };
        _ga1 = Layers.Load(file, "g_a.conv1", 32, 64, 3, 3, stride: 2, slope: Leak);
        _ga2 = Layers.Load(file, "g_a.conv2", 64, LatentChannels, 3, 3, stride: 2, slope: Leak);
        _gaRes0 = new ResidualBlock(file, "g_a.res0", LatentChannels);
        _gaRes1 = new ResidualBlock(file, "g_a.res1", LatentChannels);
        _ga3 = Layers.Load(file, "g_a.conv3", LatentChannels, LatentChannels, 1, 1);

        _ha0 = Layers.Load(file, "h_a.conv0", LatentChannels, 64, 3, 3, stride: 2, slope: 0f);
        _ha1 = Layers.Load(file, "h_a.conv1", 64, HyperChannels, 3, 3, stride: 2);

        _gs0 = Layers.Load(file, "g_s.conv0", LatentChannels, LatentChannels, 1, 1);
        _gsRes0 = new ResidualBlock(file, "g_s.res0", LatentChannels);
        _gsRes1 = new ResidualBlock(file, "g_s.res1", LatentChannels);
        _gs1 = Layers.Load(file, "g_s.conv1", LatentChannels, 192, 1, 1, slope: Leak, shuffle: 2);
        _gsRes2 = new ResidualBlock(file, "g_s.res2", 48);
        _gs2 = Layers.Load(file, "g_s.conv2", 48, 96, 1, 1, slope: Leak, shuffle: 2);
        _gs3 = RowsFirst(Layers.Load(file, "g_s.conv3", 24, 48, 3, 3));

        _gainLog2 = file.Float("gain_log2", QualityCount, LatentChannels);
        _narrow = new(() => new NarrowAnalysis(this));
    }

    /// <summary>
    /// Whether g_a runs in fewer bits than float32: where the kernels for that have better rows than their reference, and no
    /// choice of rows says otherwise.
    /// </summary>
    public static bool Narrow =>
        !ReferenceEquals(BFloat16Conv2d.Variants.Picked, BFloat16Conv2d.Variants.Reference)
        && !ReferenceEquals(QuantisedConv2d.Variants.Picked, QuantisedConv2d.Variants.Reference);

    /// <summary>Layers of g_a from first to last; a residual is what the layer before took in.</summary>
    internal IEnumerable<Conv2d> AnalysisLayers =>
        [_ga0, _ga1, _ga2, .. _gaRes0.Convolutions, .. _gaRes1.Convolutions, _ga3];

    /// <summary>The same of h_a.</summary>
    internal IEnumerable<Conv2d> HyperAnalysisLayers => [_ha0, _ha1];

    /// <summary>The same of g_s; the last one's channels are 4 × 4 pixels × RGB.</summary>
    internal IEnumerable<Conv2d> SynthesisLayers =>
    [
        _gs0, .. _gsRes0.Convolutions, .. _gsRes1.Convolutions, _gs1, .. _gsRes2.Convolutions, _gs2, _gs3,
    ];

    /// <summary>Size of y for a picture.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1, or a picture too large to compute with.</exception>
    public static (int Width, int Height) LatentSize(int width, int height)
    {
        (int hyperWidth, int hyperHeight) = HyperSize(width, height);
        return (hyperWidth * (HyperStride / LatentStride), hyperHeight * (HyperStride / LatentStride));
    }

    /// <summary>Size of z for a picture.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1, or a picture too large to compute with.</exception>
    public static (int Width, int Height) HyperSize(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        long hyperWidth = ((long)width + HyperStride - 1) / HyperStride;
        long hyperHeight = ((long)height + HyperStride - 1) / HyperStride;

        // The largest plane is the synthesised picture, three floats a pixel.
        if (hyperWidth * hyperHeight > Array.MaxLength / (3 * HyperStride * HyperStride))
        {
            throw new ArgumentOutOfRangeException(
                nameof(width), $"{width} × {height} pixels are too many: at most about 715 million can be coded.");
        }

        return ((int)hyperWidth, (int)hyperHeight);
    }

    /// <summary>The gains of a quality: 2 to the power of the interpolated logarithms.</summary>
    /// <param name="quality">1…8; outside, the nearest end.</param>
    /// <param name="gain">96 factors.</param>
    public void Gain(double quality, Span<float> gain)
    {
        double position = Math.Clamp(quality - 1, 0, QualityCount - 1);
        int below = Math.Min((int)position, QualityCount - 2);
        double fraction = position - below;
        for (int c = 0; c < LatentChannels; c++)
        {
            double low = _gainLog2[below * LatentChannels + c], high = _gainLog2[(below + 1) * LatentChannels + c];
            gain[c] = (float)Math.Pow(2, low + (high - low) * fraction);
        }
    }

    /// <summary>Multiplies every element of a plane by the factor of its channel, in place.</summary>
    /// <param name="plane">Any number of elements × factors.Length channels.</param>
    /// <param name="factors">One for each channel.</param>
    public static void Scale(Span<float> plane, ReadOnlySpan<float> factors)
    {
        for (; !plane.IsEmpty; plane = plane[factors.Length..])
        {
            int c = 0;
            for (; c <= factors.Length - Vector<float>.Count; c += Vector<float>.Count)
                (new Vector<float>(plane[c..]) * new Vector<float>(factors[c..])).CopyTo(plane[c..]);
            for (; c < factors.Length; c++)
                plane[c] *= factors[c];
        }
    }

    /// <summary>g_a: picture to y.</summary>
    /// <param name="picture">Any picture, grey or RGB.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <param name="y">Rows × columns × 96 of <see cref="LatentSize"/>; written.</param>
    /// <exception cref="ArgumentException">y is too short, or the picture too large.</exception>
    public void Analysis(Picture picture, Workspace workspace, Span<float> y) =>
        Analysis(picture, workspace, y, Narrow);

    /// <summary>g_a in float32, or in fewer bits.</summary>
    internal void Analysis(Picture picture, Workspace workspace, Span<float> y, bool narrow)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentNullException.ThrowIfNull(workspace);
        (int columns, int rows) = LatentSize(picture.Width, picture.Height);
        if (narrow)
        {
            _narrow.Value.Run(picture, workspace, columns, rows, y);
            return;
        }

        long area = (long)rows * columns;
        int threads = workspace.Threads;
        Span<float> a = workspace.Floats(0, area * 16 * 32);
        Span<float> b = workspace.Floats(1, area * 4 * 64);
        Span<float> c = workspace.Floats(2, area * LatentChannels);

        TakeIn(picture, workspace, columns * LatentStride, rows * LatentStride, a);
        _ga1.Run(a, rows * 4, columns * 4, b, threads: threads);
        _ga2.Run(b, rows * 2, columns * 2, a, threads: threads);
        _gaRes0.Run(a, rows, columns, b, c, threads);
        _gaRes1.Run(c, rows, columns, b, a, threads);
        _ga3.Run(a, rows, columns, y, threads: threads);
        workspace.Clock?.End(Stage.Analysis);
    }

    /// <summary>Multiply-adds of g_a for a picture, as it would run now.</summary>
    public Work AnalysisWork(int width, int height)
    {
        (int columns, int rows) = LatentSize(width, height);
        Work first = Work.Of(_ga0, rows * 16, columns * 16) + Work.Of(_ga1, rows * 4, columns * 4)
            + Work.Of(_ga2, rows * 2, columns * 2);
        Work blocks = _gaRes0.Work(rows, columns) + _gaRes1.Work(rows, columns);
        Work last = Work.Of(_ga3, rows, columns);
        return Narrow ? last with { BFloat16 = first.Total, Int8 = blocks.Total } : first + blocks + last;
    }

    /// <summary>Multiply-adds of h_a for a picture.</summary>
    public Work HyperAnalysisWork(int width, int height)
    {
        (int columns, int rows) = LatentSize(width, height);
        return Work.Of(_ha0, rows, columns) + Work.Of(_ha1, rows / 2, columns / 2);
    }

    /// <summary>h_a: y' to z.</summary>
    /// <param name="scaled">y', rows × columns × 96; the caller's own memory, as z is.</param>
    /// <param name="width">Columns of y', a multiple of 4.</param>
    /// <param name="height">Rows of y', a multiple of 4.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <param name="z">height/4 × width/4 × 32; written; not rounded.</param>
    /// <exception cref="ArgumentException">A span is too short, or a size is no multiple of 4.</exception>
    public void HyperAnalysis(ReadOnlySpan<float> scaled, int width, int height, Workspace workspace, Span<float> z)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        if (width % 4 != 0 || height % 4 != 0)
            throw new ArgumentException($"y' of {height} × {width} is not of a padded picture.", nameof(width));
        Span<float> a = workspace.Floats(0, (long)(height / 2) * (width / 2) * 64);
        _ha0.Run(scaled, height, width, a, threads: workspace.Threads);
        _ha1.Run(a, height / 2, width / 2, z, threads: workspace.Threads);
        workspace.Clock?.End(Stage.HyperAnalysis);
    }

    /// <summary>g_s: ŷ to picture.</summary>
    /// <param name="y">ŷ, rows × columns × 96 of <see cref="LatentSize"/>.</param>
    /// <param name="width">Width of the picture in pixels.</param>
    /// <param name="height">Height of the picture in pixels.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <returns>A new RGB picture.</returns>
    /// <exception cref="ArgumentException">y is too short, or the picture too large.</exception>
    public Picture Synthesis(ReadOnlySpan<float> y, int width, int height, Workspace workspace)
    {
        LatentSize(width, height);
        var picture = new Picture(width, height, 3);
        Synthesis(y, workspace, picture);
        return picture;
    }

    /// <summary>g_s: ŷ to picture.</summary>
    /// <param name="y">ŷ, rows × columns × 96 of <see cref="LatentSize"/>.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <param name="picture">An RGB picture of the size wanted; overwritten.</param>
    /// <exception cref="ArgumentException">y is too short, or the picture too large or grey.</exception>
    public void Synthesis(ReadOnlySpan<float> y, Workspace workspace, Picture picture)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        ArgumentNullException.ThrowIfNull(picture);
        if (picture.Channels != 3)
            throw new ArgumentException("The picture must have three channels.", nameof(picture));
        (int columns, int rows) = LatentSize(picture.Width, picture.Height);
        long area = (long)rows * columns;
        int threads = workspace.Threads;
        Span<float> a = workspace.Floats(0, area * 16 * 24);
        Span<float> b = workspace.Floats(1, area * 16 * 48);
        Span<float> c = workspace.Floats(2, area * 4 * 48);

        _gs0.Run(y, rows, columns, a, threads: threads);
        _gsRes0.Run(a, rows, columns, b, c, threads);
        _gsRes1.Run(c, rows, columns, b, a, threads);
        _gs1.Run(a, rows, columns, b, threads: threads);
        _gsRes2.Run(b, rows * 2, columns * 2, a, c, threads);
        _gs2.Run(c, rows * 2, columns * 2, a, threads: threads);
        _gs3.Run(a, rows * 4, columns * 4, b, threads: threads);
        GiveOut(b, columns * 4, workspace, picture);
    }

    /// <summary>
    /// Reorders the channels that the last shuffle spreads from (c, dy, dx) to (dy, dx, c): then the 12 samples of
    /// one row of a 4 × 4 block lie together as they do in the picture.
    /// </summary>
    private static Conv2d RowsFirst(Conv2d layer)
    {
        int taps = layer.Weight.Length / layer.OutputChannels;
        var weight = new float[layer.Weight.Length];
        var bias = new float[layer.OutputChannels];
        for (int c = 0; c < 3; c++)
        {
            for (int position = 0; position < 16; position++)
            {
                int from = c * 16 + position, to = position * 3 + c;
                bias[to] = layer.Bias[from];
                layer.Weight.AsSpan(from * taps, taps).CopyTo(weight.AsSpan(to * taps));
            }
        }

        return new Conv2d(weight, bias, layer.InputChannels, layer.KernelHeight, layer.KernelWidth)
        {
            Padding = layer.Padding,
        };
    }

    /// <summary>Pads the picture and converts it to floats.</summary>
    internal static void Pad(Picture picture, Workspace workspace, int paddedWidth, int paddedHeight, Span<float> plane)
    {
        int pitch = paddedWidth * 3;
        Span<byte> samples = workspace.Bytes(pitch);
        for (int y = 0; y < paddedHeight; y++)
            TakeInRow(picture, y, samples, plane[(y * pitch)..]);
    }

    /// <summary>Pads the picture, converts it to floats and runs g_a.conv0, band by band.</summary>
    private void TakeIn(Picture picture, Workspace workspace, int paddedWidth, int paddedHeight, Span<float> output)
    {
        int pitch = paddedWidth * 3;
        Span<byte> samples = workspace.Bytes(pitch);
        Span<float> band = workspace.Floats(3, (long)pitch * BandHeight);
        int outputPitch = _ga0.ResultWidth(paddedWidth) * _ga0.OutputChannels;
        for (int top = 0; top < paddedHeight; top += BandHeight)
        {
            for (int i = 0; i < BandHeight; i++)
                TakeInRow(picture, top + i, samples, band[(i * pitch)..]);
            workspace.Clock?.End(Stage.Convert);
            _ga0.Run(
                band, BandHeight, paddedWidth, output[(int)((long)top / 4 * outputPitch)..],
                threads: workspace.Threads);
            workspace.Clock?.End(Stage.Analysis);
        }
    }

    /// <summary>One row of the padded picture as floats; rows below the last repeat it.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="y">The row, after all those above it.</param>
    /// <param name="samples">Room for a row, the same for all rows: it holds the last one.</param>
    /// <param name="values">Receives the row.</param>
    private static void TakeInRow(Picture picture, int y, Span<byte> samples, Span<float> values)
    {
        if (y < picture.Height)
            PadRow(picture, y, samples);
        SampleConversion.ToFloat(samples, values);
    }

    /// <summary>One row as RGB, its last pixel repeated to the end.</summary>
    private static void PadRow(Picture picture, int y, Span<byte> samples)
    {
        ReadOnlySpan<byte> row = picture.Row(y);
        if (picture.Channels == 3)
        {
            row.CopyTo(samples);
        }
        else
        {
            for (int x = 0; x < row.Length; x++)
                samples[3 * x] = samples[3 * x + 1] = samples[3 * x + 2] = row[x];
        }

        for (int i = picture.Width * 3; i < samples.Length; i++)
            samples[i] = samples[i - 3];
    }

    /// <summary>Rounds the last layer's output to samples and puts each 4 × 4 block in its place.</summary>
    internal static void GiveOut(ReadOnlySpan<float> blocks, int columns, Workspace workspace, Picture picture)
    {
        int pitch = columns * 48;
        Span<byte> samples = workspace.Bytes(pitch);
        for (int top = 0; top < picture.Height; top += 4)
        {
            SampleConversion.ToSamples(blocks.Slice(top / 4 * pitch, pitch), samples);
            for (int dy = 0; dy < int.Min(4, picture.Height - top); dy++)
            {
                Span<byte> row = picture.Row(top + dy);
                ReadOnlySpan<byte> source = samples[(12 * dy)..];
                for (; row.Length > 12; row = row[12..], source = source[48..])
                    source[..12].CopyTo(row);
                source[..row.Length].CopyTo(row);
            }
        }
    }

    /// <summary>x + conv1(leaky(conv0(x))), 3×3 and 1×1.</summary>
    private sealed class ResidualBlock(SafetensorsFile file, string name, int channels)
    {
        private readonly Conv2d _conv0 = Layers.Load(file, name + ".conv0", channels, channels, 3, 3, slope: Leak);
        private readonly Conv2d _conv1 = Layers.Load(
            file, name + ".conv1", channels, channels, 1, 1, residual: Residual.AfterActivation);

        public IEnumerable<Conv2d> Convolutions => [_conv0, _conv1];

        public Work Work(int height, int width) =>
            Profiling.Work.Of(_conv0, height, width) + Profiling.Work.Of(_conv1, height, width);

        public (QuantisedConv2d, QuantisedConv2d) Quantise() => (new(_conv0), new(_conv1));

        public void Run(
            ReadOnlySpan<float> x, int height, int width, Span<float> between, Span<float> output, int threads)
        {
            _conv0.Run(x, height, width, between, threads: threads);
            _conv1.Run(between, height, width, output, x, threads);
        }
    }

    /// <summary>g_a in 8 bits and bfloat16.</summary>
    private sealed class NarrowAnalysis
    {
        private readonly BFloat16Conv2d _conv0, _conv1, _conv2;
        private readonly QuantisedConv2d _res00, _res01, _res10, _res11;
        private readonly Conv2d _conv3;

        public NarrowAnalysis(CompactCodec codec)
        {
            // Samples enter as the integers 0…255: all their bits fit, and what they are worth is in the weights.
            _conv0 = new BFloat16Conv2d(codec._ga0, 1f / 255);
            _conv1 = new BFloat16Conv2d(codec._ga1);
            _conv2 = new BFloat16Conv2d(codec._ga2);
            (_res00, _res01) = codec._gaRes0.Quantise();
            (_res10, _res11) = codec._gaRes1.Quantise();
            _conv3 = codec._ga3;
        }

        public void Run(Picture picture, Workspace workspace, int columns, int rows, Span<float> y)
        {
            int threads = workspace.Threads;
            (BFloat16Plane band, BFloat16Plane quarter, BFloat16Plane eighth) =
                (workspace.Narrow(0), workspace.Narrow(1), workspace.Narrow(2));
            (QuantisedPlane p, QuantisedPlane q) = (workspace.Quantised(0), workspace.Quantised(1));
            band.Reshape(BandHeight, columns * LatentStride, 3, 0);
            quarter.Reshape(rows * 4, columns * 4, 32, 1);
            eighth.Reshape(rows * 2, columns * 2, 64, 1);
            p.Reshape(rows, columns, LatentChannels, 1);
            q.Reshape(rows, columns, LatentChannels, 1);
            long length = (long)rows * columns * LatentChannels;
            Span<float> a = workspace.Floats(0, length), b = workspace.Floats(1, length), c = workspace.Floats(2, length);

            Span<byte> samples = workspace.Bytes(columns * LatentStride * 3);
            for (int top = 0; top < rows * LatentStride; top += BandHeight)
            {
                for (int i = 0; i < BandHeight; i++)
                {
                    // Rows below the last repeat it.
                    if (top + i < picture.Height)
                        PadRow(picture, top + i, samples);
                    band.SetRow(i, samples);
                }

                workspace.Clock?.End(Stage.Convert);
                _conv0.Run(band, default, quarter, top / 4, threads);
                workspace.Clock?.End(Stage.Analysis);
            }

            _conv1.Run(quarter, default, eighth, threads: threads);
            _conv2.Run(eighth, a, threads: threads);
            int pitch = columns * LatentChannels;
            for (int row = 0; row < rows; row++)
                p.SetRow(row, a.Slice(row * pitch, pitch));
            _res00.Run(p, b, quantised: q, threads: threads);
            _res01.Run(q, c, a, p, threads: threads);
            _res10.Run(p, b, quantised: q, threads: threads);
            _res11.Run(q, a, c, threads: threads);
            _conv3.Run(a, rows, columns, y, threads: threads);
            workspace.Clock?.End(Stage.Analysis);
        }
    }
}
