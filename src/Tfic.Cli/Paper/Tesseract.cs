using Tfic.Imaging;

namespace Tfic.Cli.Paper;

/// <summary>A second reader, which took no part in training: the program tesseract, reading one line (psm 7).</summary>
internal static class Tesseract
{
    private const int Border = 10;
    private const int SmallestHeight = 48;

    /// <summary>Whether it is there.</summary>
    public static bool IsInstalled => ExternalTool.IsInstalled("tesseract");

    /// <summary>Reads a line.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="width">Width of the line before it was stretched.</param>
    /// <param name="height">Its height.</param>
    public static string Read(Picture picture, int width, int height)
    {
        if (height < SmallestHeight)
            (width, height) = (width * SmallestHeight / height, SmallestHeight);
        Picture line = WithBorder(Resampling.Resize(picture, Math.Max(1, width), height));
        using var folder = new ExchangeFolder();
        string source = folder.File("line.png");
        PictureFile.Write(source, line);
        return ExternalTool.Run("tesseract", source, "stdout", "--psm", "7", "-l", "eng").Trim();
    }

    /// <summary>Its edge pixels continued: tesseract misses characters that touch the picture's edge.</summary>
    private static Picture WithBorder(Picture picture)
    {
        var larger = new Picture(picture.Width + 2 * Border, picture.Height + 2 * Border, picture.Channels);
        int channels = picture.Channels;
        for (int y = 0; y < larger.Height; y++)
        {
            ReadOnlySpan<byte> from = picture.Row(Math.Clamp(y - Border, 0, picture.Height - 1));
            Span<byte> to = larger.Row(y);
            for (int x = 0; x < larger.Width; x++)
                from.Slice(Math.Clamp(x - Border, 0, picture.Width - 1) * channels, channels).CopyTo(to[(x * channels)..]);
        }

        return larger;
    }
}
