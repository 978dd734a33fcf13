using Tfic.Imaging;

namespace Tfic.Metrics;

/// <summary>Bit rate: what a picture costs.</summary>
public static class BitRate
{
    /// <summary>Bits per pixel: 8 × bytes ÷ (width × height). The whole file counts, its header too.</summary>
    /// <param name="bytes">Length of the file in bytes, at least 0.</param>
    /// <param name="picture">The picture it holds; a pixel counts once whatever its channels.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative length.</exception>
    public static double BitsPerPixel(long bytes, Picture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        return 8.0 * bytes / picture.PixelCount;
    }
}
