using Tfic.Imaging;
using Tfic.Kernels.BFloat16Convolution;
using Tfic.Kernels.Samples;

namespace Tfic.Networks;

/// <summary>
/// A restorer: takes from a grey picture of print what JPEG has done to it (paper, Section 4). Output = input − what the
/// network predicts, clamped to 0 … 1.
/// </summary>
/// <remarks>Immutable: threads may share it, each with its own <see cref="Workspace"/>.</remarks>
public abstract class RestorerModel
{
    private const string Kind = "restorer", WholePage = "page", CleanedPage = "cleaned";

    /// <summary>Reads what all restorers say of themselves.</summary>
    /// <exception cref="TficFormatException">The file is not a restorer of the profile.</exception>
    private protected RestorerModel(SafetensorsFile file, string profile)
    {
        Layers.CheckKind(file, Kind, profile);
        File = file;
        string input = file.Metadata.GetValueOrDefault("input", CleanedPage);
        SeesPage = input switch
        {
            WholePage => true,
            CleanedPage => false,
            _ => throw new TficFormatException(
                $"The restorer's metadata says input = '{input}', and this program knows '{WholePage}' and "
                + $"'{CleanedPage}'. Use a newer program."),
        };
    }

    /// <summary>
    /// Whether bfloat16 has a better row than its reference here and no choice of rows says otherwise. A compact restorer
    /// then runs in it, a DnCNN only where whole matrices are multiplied: elsewhere Winograd's tiles are faster.
    /// </summary>
    public static bool Narrow =>
        !ReferenceEquals(BFloat16Conv2d.Variants.Picked, BFloat16Conv2d.Variants.Reference);

    /// <summary>The model's own name, from its metadata: d1, d2; "" where it has none.</summary>
    public string Name => File.Metadata.GetValueOrDefault("name", "");

    /// <summary>The file it came from.</summary>
    public SafetensorsFile File { get; }

    /// <summary>
    /// Whether a D2 was trained on pages as JPEG left them (metadata input = page), and not on what D1 made of them.
    /// </summary>
    public bool SeesPage { get; }

    /// <summary>An output depends on inputs up to this many pixels away.</summary>
    public abstract int Reach { get; }

    /// <summary>
    /// Rows and columns at which a part of a picture may begin: multiples of this, so that the network sees JPEG's blocks
    /// where the whole has them.
    /// </summary>
    public abstract int Grid { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="stream">A safetensors file; read to its end.</param>
    /// <exception cref="TficFormatException">Damaged, or not a restorer of this version.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static RestorerModel Load(Stream stream) => Load(SafetensorsFile.Read(stream));

    /// <summary>Loads a model that is in memory.</summary>
    /// <param name="file">A whole safetensors file, which must not change afterwards.</param>
    /// <exception cref="TficFormatException">Damaged, or not a restorer of this version.</exception>
    public static RestorerModel Load(ReadOnlyMemory<byte> file) => Load(SafetensorsFile.Read(file));

    /// <summary>Restores a picture.</summary>
    /// <param name="picture">Grey, of any size.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <returns>A new grey picture of the same size; samples rounded to nearest.</returns>
    /// <exception cref="ArgumentException">The picture is in colour.</exception>
    public Picture Restore(Picture picture, Workspace workspace)
    {
        ArgumentNullException.ThrowIfNull(picture);
        return Restore(picture, new Box(0, 0, picture.Width, picture.Height), workspace);
    }

    /// <summary>Restores a part of a picture: what the whole has there, to the last bit, but only that is computed.</summary>
    /// <param name="picture">Grey, of any size.</param>
    /// <param name="part">The part, within the picture.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <returns>A new grey picture of the part's size; samples rounded to nearest.</returns>
    /// <exception cref="ArgumentException">
    /// The picture is in colour, or the part is empty or reaches outside the picture.
    /// </exception>
    public Picture Restore(Picture picture, Box part, Workspace workspace)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentNullException.ThrowIfNull(workspace);
        if (picture.Channels != 1)
            throw new ArgumentException("Only grey pictures are restored.", nameof(picture));
        var whole = new Box(0, 0, picture.Width, picture.Height);
        if (part.Area == 0 || !whole.Contains(part))
            throw new ArgumentException("The part is empty or reaches outside the picture.", nameof(part));

        Box near = part.Enlarge(Reach, Reach).Intersect(whole);
        var seen = new Box(near.Left / Grid * Grid, near.Top / Grid * Grid, near.Right, near.Bottom);
        Span<float> plane = workspace.Floats(3, seen.Area);
        for (int y = 0; y < seen.Height; y++)
        {
            SampleConversion.ToFloat(
                picture.Row(seen.Top + y).Slice(seen.Left, seen.Width), plane[(y * seen.Width)..]);
        }

        var output = new float[plane.Length];
        Restore(plane, seen.Width, seen.Height, workspace, output);
        var restored = new Picture(part.Width, part.Height, 1);
        for (int y = 0; y < part.Height; y++)
        {
            int at = (part.Top - seen.Top + y) * seen.Width + part.Left - seen.Left;
            SampleConversion.ToSamples(output.AsSpan(at, part.Width), restored.Row(y));
        }

        return restored;
    }

    /// <summary>Restores a plane.</summary>
    /// <param name="input">height × width samples, 0 … 1.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <param name="output">At least height × width; written; does not overlap the input.</param>
    /// <param name="exact">Whether to compute in float32 even where bfloat16 is faster.</param>
    /// <exception cref="ArgumentException">A size below 1, a span that is too short, or spans that overlap.</exception>
    public void Restore(
        ReadOnlySpan<float> input, int width, int height, Workspace workspace, Span<float> output, bool exact = false)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        Check(input, width, height, output);
        Run(input, width, height, workspace, output, Narrow && !exact);
    }

    /// <summary>Checks a plane and its output.</summary>
    internal static void Check(ReadOnlySpan<float> input, int width, int height, Span<float> output)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        long pixels = (long)width * height;
        if (input.Length < pixels || output.Length < pixels)
            throw new ArgumentException($"Fewer than {width} × {height} samples.", nameof(input));
        if (output.Overlaps(input))
            throw new ArgumentException("The output overlaps the input.", nameof(output));
    }

    /// <summary>Restores a plane that has been checked.</summary>
    private protected abstract void Run(
        ReadOnlySpan<float> input, int width, int height, Workspace workspace, Span<float> output, bool narrow);

    private static RestorerModel Load(SafetensorsFile file) =>
        file.Metadata.GetValueOrDefault("profile") == CompactRestorer.Profile
            ? new CompactRestorer(file)
            : new DnCnnRestorer(file);
}
