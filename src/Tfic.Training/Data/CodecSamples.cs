using Tfic.Imaging;
using Tfic.Synthesis;

namespace Tfic.Training.Data;

/// <summary>Pictures for the codec: the paper's stretched lines, and pieces of pages with lines at their own shape.</summary>
public sealed class CodecSamples
{
    /// <summary>Size of the paper's pictures.</summary>
    public const int Width = 512, Height = 256;

    private readonly LineGenerator lines;

    /// <summary>Makes a source.</summary>
    /// <param name="lines">Lines at their own shape.</param>
    public CodecSamples(LineGenerator lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        this.lines = lines;
    }

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
            int width = Math.Max(1, (int)((long)line.Picture.Width * height / line.Picture.Height));
            Picture scaled = Resampling.Resize(line.Picture, width, height);
            Paste(scaled, piece, random.Next(-width / 4, size / 3), top);
            top += height + random.Next(0, height);
        }

        return piece;
    }

    /// <summary>Copies a window of a picture.</summary>
    public static Picture Crop(Picture picture, int left, int top, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(picture);
        var crop = new Picture(width, height, picture.Channels);
        for (int y = 0; y < height; y++)
            picture.Row(top + y).Slice(left * picture.Channels, width * picture.Channels).CopyTo(crop.Row(y));
        return crop;
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

    private static void Paste(Picture source, Picture target, int left, int top)
    {
        int firstX = Math.Max(0, -left), endX = Math.Min(source.Width, target.Width - left);
        for (int y = 0; y < source.Height && top + y < target.Height && firstX < endX; y++)
        {
            source.Row(y)[(firstX * 3)..(endX * 3)].CopyTo(target.Row(top + y)[((left + firstX) * 3)..]);
        }
    }
}
