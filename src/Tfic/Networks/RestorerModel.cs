using System.Globalization;
using Tfic.Imaging;
using Tfic.Kernels.Convolution;

namespace Tfic.Networks;

/// <summary>
/// A restorer of grey pictures: DnCNN (Zhang et al. 2017), its normalisations folded into the convolutions.
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
/// <para>Immutable: threads may share it, each with its own <see cref="Workspace"/>.</para>
/// </remarks>
public sealed class RestorerModel
{
    // Bounds of what a file may ask for.
    private const int MaxDepth = 64, MaxFeatures = 1024;

    // Rows a thread takes in at once, and the widest strip: two bands of 64 channels are 4 MB for the widest pages that
    // need no strips.
    private const int BandHeight = 8, StripWidth = 1024;

    private readonly Conv2d[] _layers;

    private RestorerModel(SafetensorsFile file)
    {
        Layers.CheckKind(file, "restorer", "dncnn");
        File = file;
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
    }

    /// <summary>The model's own name, from its metadata: d1, d2; "" where it has none.</summary>
    public string Name => File.Metadata.GetValueOrDefault("name", "");

    /// <summary>The file it came from.</summary>
    public SafetensorsFile File { get; }

    /// <summary>Number of convolutions: an output depends on inputs up to this many pixels away.</summary>
    public int Depth => _layers.Length;

    /// <summary>Channels between the layers.</summary>
    public int Features { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="stream">A safetensors file; read to its end.</param>
    /// <exception cref="TficFormatException">Damaged, or not a restorer of this version.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static RestorerModel Load(Stream stream) => new(SafetensorsFile.Read(stream));

    /// <summary>Loads a model that is in memory.</summary>
    /// <param name="file">A whole safetensors file, which must not change afterwards.</param>
    /// <exception cref="TficFormatException">Damaged, or not a restorer of this version.</exception>
    public static RestorerModel Load(ReadOnlyMemory<byte> file) => new(SafetensorsFile.Read(file));

    /// <summary>Restores a picture.</summary>
    /// <param name="picture">Grey, of any size.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <returns>A new grey picture of the same size; samples rounded to nearest.</returns>
    /// <exception cref="ArgumentException">The picture is in colour.</exception>
    public Picture Restore(Picture picture, Workspace workspace)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentNullException.ThrowIfNull(workspace);
        if (picture.Channels != 1)
            throw new ArgumentException("Only grey pictures are restored.", nameof(picture));
        Span<float> plane = workspace.Floats(3, picture.PixelCount);
        for (int i = 0; i < plane.Length; i++)
            plane[i] = picture.Samples[i] / 255f;
        var restored = new float[plane.Length];
        Restore(plane, picture.Width, picture.Height, workspace, restored);
        return new Picture(
            picture.Width, picture.Height, 1, Array.ConvertAll(restored, value => (byte)MathF.Round(255f * value)));
    }

    /// <summary>Restores a plane.</summary>
    /// <param name="input">height × width samples, 0 … 1.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <param name="output">At least height × width; written; does not overlap the input.</param>
    /// <exception cref="ArgumentException">A size below 1, a span that is too short, or spans that overlap.</exception>
    public void Restore(ReadOnlySpan<float> input, int width, int height, Workspace workspace, Span<float> output)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        Restore(input, width, height, workspace, output, StripWidth, BandHeight * workspace.Threads);
    }

    /// <summary>Restores a plane by strips and bands of given sizes, which change nothing but time and memory.</summary>
    internal void Restore(
        ReadOnlySpan<float> input, int width, int height, Workspace workspace, Span<float> output, int stripWidth,
        int bandHeight)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        long pixels = (long)width * height;
        if (input.Length < pixels || output.Length < pixels)
            throw new ArgumentException($"Fewer than {width} × {height} samples.", nameof(input));
        if (output.Overlaps(input))
            throw new ArgumentException("The output overlaps the input.", nameof(output));

        // Strips of equal width, none wider than asked for.
        int strips = (width + stripWidth - 1) / stripWidth;
        for (int i = 0; i < strips; i++)
        {
            int left = (int)((long)width * i / strips), right = (int)((long)width * (i + 1) / strips);
            Strip(input, width, height, left, right, bandHeight, workspace, output);
        }
    }

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

            for (int y = 0; y < rows; y++)
            {
                int at = (done + y) * width;
                ReadOnlySpan<float> residual = band.Slice(y * columns + left - from, right - left);
                for (int x = left; x < right; x++)
                    output[at + x] = Math.Clamp(input[at + x] - residual[x - left], 0f, 1f);
            }
        }
    }
}
