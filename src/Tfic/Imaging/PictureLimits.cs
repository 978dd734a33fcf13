namespace Tfic.Imaging;

/// <summary>What a reader may spend on one picture. Checked against the header, before anything is allocated.</summary>
/// <param name="MaxPixels">Most pixels, width × height.</param>
/// <param name="MaxBytes">Most bytes of memory for the picture and everything a reader needs to make it.</param>
public sealed record PictureLimits(long MaxPixels = 100_000_000, long MaxBytes = 2L << 30)
{
    /// <summary>100 million pixels, 2 GiB.</summary>
    public static PictureLimits Default { get; } = new();

    /// <summary>Throws if a picture is larger than allowed.</summary>
    /// <param name="format">Name of the format, for the message.</param>
    /// <param name="width">Width that the header declares, at least 1.</param>
    /// <param name="height">Height that the header declares, at least 1.</param>
    /// <param name="bytes">Bytes the reader would allocate in all.</param>
    /// <param name="offset">Where the header says so.</param>
    /// <exception cref="TficFormatException">The picture is over a limit.</exception>
    internal void Check(string format, long width, long height, Int128 bytes, long offset)
    {
        if ((Int128)width * height > MaxPixels)
            throw new TficFormatException(
                $"{format}: {width} × {height} pixels are more than the limit of {MaxPixels}; raise MaxPixels if the " +
                "file is to be trusted", offset);
        if (bytes > MaxBytes)
            throw new TficFormatException(
                $"{format}: reading {width} × {height} pixels takes {bytes} bytes, more than the limit of " +
                $"{MaxBytes}; raise MaxBytes if the file is to be trusted", offset);
        if ((Int128)width * height * 3 > Array.MaxLength)
            throw new TficFormatException(
                $"{format}: {width} × {height} pixels are more than one picture can hold", offset);
    }
}
