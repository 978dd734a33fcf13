namespace Tfic.Imaging;

/// <summary>
/// An 8-bit picture in memory: interleaved samples, row after row, no padding, sRGB or grey.
/// </summary>
/// <remarks>
/// One type serves readers, codecs and metrics. Files with 16 bits a sample are rounded to 8 and
/// transparency is laid over white when a file is read, so nothing downstream needs to know of either.
/// </remarks>
public sealed class Picture
{
    /// <summary>Makes a black picture.</summary>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <param name="channels">1 (grey) or 3 (red, green, blue).</param>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1, or channels neither 1 nor 3.</exception>
    public Picture(int width, int height, int channels)
        : this(width, height, channels, Allocate(width, height, channels))
    {
    }

    /// <summary>Wraps samples that the caller gives away.</summary>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <param name="channels">1 (grey) or 3 (red, green, blue).</param>
    /// <param name="samples">width × height × channels samples, 0…255; not copied.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1, or channels neither 1 nor 3.</exception>
    /// <exception cref="ArgumentException">The array's length is not width × height × channels.</exception>
    public Picture(int width, int height, int channels, byte[] samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        Check(width, height, channels);
        if (samples.LongLength != (long)width * height * channels)
            throw new ArgumentException(
                $"{samples.LongLength} samples given, {width} × {height} × {channels} expected.", nameof(samples));
        Width = width;
        Height = height;
        Channels = channels;
        Samples = samples;
    }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>1 for grey, 3 for red, green, blue.</summary>
    public int Channels { get; }

    /// <summary>The samples themselves: row-major, interleaved, 0…255.</summary>
    public byte[] Samples { get; }

    /// <summary>Number of pixels, the denominator of bits per pixel.</summary>
    public long PixelCount => (long)Width * Height;

    /// <summary>One row of samples.</summary>
    /// <param name="y">Row, 0 at the top.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such row.</exception>
    public Span<byte> Row(int y)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(y);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(y, Height);
        return Samples.AsSpan(y * Width * Channels, Width * Channels);
    }

    /// <summary>Copies a window.</summary>
    /// <param name="box">At least one pixel, all within the picture.</param>
    /// <exception cref="ArgumentOutOfRangeException">The box is empty or reaches outside.</exception>
    public Picture Crop(Box box)
    {
        if (box.Area == 0 || !new Box(0, 0, Width, Height).Contains(box))
        {
            throw new ArgumentOutOfRangeException(
                nameof(box), box, $"The box is empty or reaches outside of {Width} × {Height} pixels.");
        }

        var crop = new Picture(box.Width, box.Height, Channels);
        for (int y = 0; y < box.Height; y++)
            Row(box.Top + y).Slice(box.Left * Channels, box.Width * Channels).CopyTo(crop.Row(y));
        return crop;
    }

    /// <summary>Copies another picture into this one.</summary>
    /// <param name="picture">A picture of as many channels.</param>
    /// <param name="left">Where its first column comes to lie.</param>
    /// <param name="top">Where its first row comes to lie.</param>
    /// <exception cref="ArgumentException">It reaches outside, or has other channels.</exception>
    public void Paste(Picture picture, int left, int top)
    {
        ArgumentNullException.ThrowIfNull(picture);
        var place = new Box(left, top, left + picture.Width, top + picture.Height);
        if (picture.Channels != Channels || !new Box(0, 0, Width, Height).Contains(place))
            throw new ArgumentException($"The picture does not fit {place} in {Width} × {Height} pixels.", nameof(picture));
        for (int y = 0; y < picture.Height; y++)
            picture.Row(y).CopyTo(Row(top + y)[(left * Channels)..]);
    }

    private static byte[] Allocate(int width, int height, int channels)
    {
        Check(width, height, channels);
        return new byte[checked(width * height * channels)];
    }

    private static void Check(int width, int height, int channels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (channels is not (1 or 3))
            throw new ArgumentOutOfRangeException(nameof(channels), channels, "Channels are 1 (grey) or 3 (RGB).");
    }
}
