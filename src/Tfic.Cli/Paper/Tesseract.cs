using Tfic.Imaging;

namespace Tfic.Cli.Paper;

/// <summary>A second reader, which took no part in training: the program tesseract.</summary>
internal static class Tesseract
{
    private const int Border = 10;
    private const int SmallestHeight = 48;

    /// <summary>Whether it is there.</summary>
    public static bool IsInstalled => ExternalTool.IsInstalled("tesseract");

    /// <summary>Reads a line (psm 7).</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="width">Width of the line before it was stretched.</param>
    /// <param name="height">Its height.</param>
    public static string Read(Picture picture, int width, int height)
    {
        if (height < SmallestHeight)
            (width, height) = (width * SmallestHeight / height, SmallestHeight);
        return Read(Resampling.Resize(picture, Math.Max(1, width), height), mode: "7");
    }

    /// <summary>Reads a block of lines (psm 6).</summary>
    /// <param name="picture">The block.</param>
    /// <param name="factor">How much larger it is shown: tesseract wants letters of some 20 pixels and more.</param>
    public static string ReadBlock(Picture picture, int factor) =>
        Read(Resampling.Resize(picture, factor * picture.Width, factor * picture.Height), mode: "6");

    private static string Read(Picture picture, string mode)
    {
        using var folder = new ExchangeFolder();
        string source = folder.File("text.png");
        PictureFile.Write(source, WithBorder(picture));
        return ExternalTool.Run("tesseract", source, "stdout", "--psm", mode, "-l", "eng").Trim();
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
