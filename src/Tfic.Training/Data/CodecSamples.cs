using Tfic.Imaging;
using Tfic.Synthesis;

namespace Tfic.Training.Data;

/// <summary>Pictures for the codec: the paper's stretched lines, and pieces of pages with lines at their own shape.</summary>
public sealed class CodecSamples
{
    /// <summary>Size of the paper's pictures.</summary>
    public const int Width = 512, Height = 256;

    private const int DrawnLines = 4;

    private readonly LineGenerator lines;
    private readonly LineGenerator print;

    /// <summary>Makes a source.</summary>
    /// <param name="options">How lines look.</param>
    /// <param name="fonts">The fonts of the split that is drawn.</param>
    /// <param name="words">Its words.</param>
    /// <param name="seed">Seed of all lines.</param>
    public CodecSamples(LineOptions options, FontSet fonts, WordList words, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(options);
        lines = new LineGenerator(options, fonts, words, seed);
        print = new LineGenerator(Printed(options), fonts, words, seed);
    }

    /// <summary>Longer lines, straight, black on white: as they are printed on pages and receipts.</summary>
    internal static LineOptions Printed(LineOptions options) => options with
    {
        MaxCharacters = 60,
        MaxWords = 10,
        WhiteWeight = 1,
        PlainWeight = 0,
        GradientWeight = 0,
        NoiseWeight = 0,
        QuasicrystalWeight = 0,
        PictureWeight = 0,
        SkewProbability = 0,
        SineProbability = 0,
        CosineProbability = 0,
        SlackProbability = 0,
        NeighbourProbability = 0,
        Margin = new(0, 0.1),
    };

    /// <summary>Line number index, stretched to a size: 512 × 256 in the paper (Section 3.3).</summary>
    /// <param name="index">Number of the line.</param>
    /// <param name="width">Width, at least 1.</param>
    /// <param name="height">Height, at least 1.</param>
    public (Picture Picture, string Text) Line(long index, int width = Width, int height = Height)
    {
        TextLine line = lines.Draw(index);
        return (Resampling.Resize(line.Picture, width, height), line.Text);
    }

    /// <summary>
    /// A piece of a page: lines below one another, 12 to 48 pixels high, each on its own ground, as on receipts,
    /// forms and signs.
    /// </summary>
    /// <param name="index">Number of the piece.</param>
    /// <param name="size">Width and height.</param>
    public Picture Piece(long index, int size)
    {
        var random = new Random(unchecked((int)(index * 2654435761L)));
        var piece = new Picture(size, size, 3);
        piece.Samples.AsSpan().Fill((byte)random.Next(200, 256));
        int top = random.Next(0, 8);
        for (int n = 0; top < size; n++)
        {
            TextLine line = lines.Draw(index * 32 + n % 32);
            int height = random.Next(12, 49);
            Picture scaled = AtHeight(line.Picture, height);
            Paste(scaled, piece, random.Next(-scaled.Width / 4, size / 3), top);
            top += height + random.Next(0, height);
        }

        return piece;
    }

    /// <summary>
    /// A piece of a printed page or receipt: lines of one pitch, 12 to 36 pixels, on white paper that is lit or
    /// tinted evenly. A few lines are drawn, and come back at other places: drawing costs more than training on them.
    /// </summary>
    /// <param name="index">Number of the piece.</param>
    /// <param name="size">Width and height.</param>
    public Picture Print(long index, int size)
    {
        var random = new Random(unchecked((int)(index * 2246822519L)));
        var piece = new Picture(size, size, 3);
        piece.Samples.AsSpan().Fill(255);
        int pitch = (int)(12 * Math.Pow(3, random.NextDouble()));
        int height = Math.Max(8, (int)(pitch * (0.75 + 0.25 * random.NextDouble())));
        var drawn = new Picture[DrawnLines];
        for (int n = 0; n < drawn.Length; n++)
            drawn[n] = AtHeight(print.Draw(index * DrawnLines + n).Picture, height);

        for (int top = random.Next(-height, pitch); top < size; top += pitch)
        {
            Picture line = drawn[random.Next(drawn.Length)];
            if (random.Next(8) > 0)
                Paste(line, piece, random.Next(-line.Width / 2, size / 4), top);
        }

        Span<float> tint = [1, 1, 1];
        if (random.Next(2) == 0)
        {
            float light = 0.7f + 0.3f * random.NextSingle();
            foreach (ref float channel in tint)
                channel = light * (0.92f + 0.08f * random.NextSingle());
        }

        for (int i = 0; i < piece.Samples.Length; i++)
            piece.Samples[i] = (byte)(piece.Samples[i] * tint[i % 3] + 0.5f);
        return piece;
    }

    /// <summary>A picture with its last row repeated below it, as the codec pads; itself if it is high enough.</summary>
    public static Picture ExtendDown(Picture picture, int height)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (picture.Height >= height)
            return picture;
        var extended = new Picture(picture.Width, height, picture.Channels);
        for (int y = 0; y < height; y++)
            picture.Row(Math.Min(y, picture.Height - 1)).CopyTo(extended.Row(y));
        return extended;
    }

    /// <summary>A picture's samples as a network has them: plane after plane, 0…1; grey three times.</summary>
    /// <param name="picture">Any picture.</param>
    /// <param name="planes">3 · height · width values.</param>
    public static void ToPlanes(Picture picture, Span<float> planes)
    {
        ArgumentNullException.ThrowIfNull(picture);
        int pixels = (int)picture.PixelCount;
        for (int c = 0; c < 3; c++)
        {
            for (int i = 0; i < pixels; i++)
                planes[c * pixels + i] = picture.Samples[picture.Channels == 3 ? 3 * i + c : i] / 255f;
        }
    }

    /// <summary>A line at another height, its shape kept.</summary>
    private static Picture AtHeight(Picture line, int height) => Resampling.Resize(
        line, Math.Max(1, (int)((long)line.Width * height / line.Height)), height);

    private static void Paste(Picture source, Picture target, int left, int top)
    {
        int firstX = Math.Max(0, -left), endX = Math.Min(source.Width, target.Width - left);
        for (int y = Math.Max(0, -top); y < source.Height && top + y < target.Height && firstX < endX; y++)
        {
            source.Row(y)[(firstX * 3)..(endX * 3)].CopyTo(target.Row(top + y)[((left + firstX) * 3)..]);
        }
    }
}
