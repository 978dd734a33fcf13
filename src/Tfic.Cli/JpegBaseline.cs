using Tfic.Imaging;
using Tfic.Jpeg;

namespace Tfic.Cli;

/// <summary>
/// JPEG, possibly of the picture made smaller first, at the size nearest to a given one: baseline, 4:2:0, with Huffman
/// codes fitted to the picture, which at a few hundred bytes makes files much smaller.
/// </summary>
internal static class JpegBaseline
{
    /// <summary>The factors by which pictures are made smaller; 1 is plain JPEG.</summary>
    public static readonly int[] Factors = [1, 2, 4, 8];

    /// <summary>A JPEG file of a picture made smaller.</summary>
    /// <param name="Bytes">The file.</param>
    /// <param name="Quality">The quality that made it, 1…100.</param>
    /// <param name="Factor">By how much width and height were divided.</param>
    public sealed record File(byte[] Bytes, int Quality, int Factor);

    /// <summary>Encodes at one quality.</summary>
    public static File Encode(Picture picture, int factor, int quality)
    {
        Picture small = Shrink(picture, factor);
        using var stream = new MemoryStream();
        JpegWriter.Write(stream, small, quality, optimise: true);
        return new File(stream.ToArray(), quality, factor);
    }

    /// <summary>
    /// Of the files at qualities 1…100, the one nearest to a size. Sizes grow with quality, so bisection finds the
    /// two between which the target lies.
    /// </summary>
    public static File Nearest(Picture picture, int factor, long bytes)
    {
        int low = 1, high = 100;
        File below = Encode(picture, factor, low), above = Encode(picture, factor, high);
        if (below.Bytes.Length >= bytes)
            return below;
        if (above.Bytes.Length <= bytes)
            return above;
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            File file = Encode(picture, factor, middle);
            if (file.Bytes.Length <= bytes)
                (low, below) = (middle, file);
            else
                (high, above) = (middle, file);
        }

        return bytes - below.Bytes.Length <= above.Bytes.Length - bytes ? below : above;
    }

    /// <summary>Decodes a file and enlarges the picture to its first size.</summary>
    public static Picture Decode(File file, int width, int height)
    {
        Picture picture = JpegReader.Read(file.Bytes, PictureLimits.Default);
        return Enlarge(picture, width, height);
    }

    /// <summary>The picture at 1/factor of its size.</summary>
    public static Picture Shrink(Picture picture, int factor) => factor == 1 ? picture : Resampling.Resize(
        picture, Shrunk(picture.Width, factor), Shrunk(picture.Height, factor));

    /// <summary>A picture made smaller, at its first size again.</summary>
    public static Picture Enlarge(Picture picture, int width, int height) =>
        picture.Width == width && picture.Height == height ? picture : Resampling.Resize(picture, width, height);

    private static int Shrunk(int size, int factor) => Math.Max(1, (size + factor / 2) / factor);
}
