namespace Tfic.Imaging;

/// <summary>Grey from colour and back.</summary>
public static class PictureConversion
{
    /// <summary>Luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, rounded to nearest.</summary>
    /// <param name="picture">Any picture.</param>
    /// <returns>A grey picture; the same object if it is grey already.</returns>
    public static Picture ToGrey(Picture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (picture.Channels == 1)
            return picture;
        var grey = new Picture(picture.Width, picture.Height, 1);
        ReadOnlySpan<byte> from = picture.Samples;
        Span<byte> to = grey.Samples;
        for (int i = 0; i < to.Length; i++)
        {
            ReadOnlySpan<byte> pixel = from.Slice(3 * i, 3);
            to[i] = Luma(pixel[0], pixel[1], pixel[2]);
        }

        return grey;
    }

    /// <summary>The same luma unrounded, as networks take it; grey stays what it is.</summary>
    /// <param name="picture">Any picture.</param>
    /// <param name="grey">Receives a value 0…255 for each pixel.</param>
    /// <exception cref="ArgumentException">There is not a value for each pixel.</exception>
    public static void ToGrey(Picture picture, Span<float> grey)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (grey.Length != picture.PixelCount)
            throw new ArgumentException($"{grey.Length} values for {picture.PixelCount} pixels.", nameof(grey));
        ReadOnlySpan<byte> samples = picture.Samples;
        if (picture.Channels == 1)
        {
            for (int i = 0; i < grey.Length; i++)
                grey[i] = samples[i];
        }
        else
        {
            for (int i = 0; i < grey.Length; i++, samples = samples[3..])
                grey[i] = 0.299f * samples[0] + 0.587f * samples[1] + 0.114f * samples[2];
        }
    }

    /// <summary>Repeats grey in red, green and blue.</summary>
    /// <param name="picture">Any picture.</param>
    /// <returns>An RGB picture; the same object if it is RGB already.</returns>
    public static Picture ToRgb(Picture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (picture.Channels == 3)
            return picture;
        var rgb = new Picture(picture.Width, picture.Height, 3);
        ReadOnlySpan<byte> from = picture.Samples;
        Span<byte> to = rgb.Samples;
        for (int i = 0; i < from.Length; i++)
            to.Slice(3 * i, 3).Fill(from[i]);
        return rgb;
    }

    // The factors in 1/65536; they sum to 65536, so that white stays white.
    internal static byte Luma(int red, int green, int blue) =>
        (byte)((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16);
}
