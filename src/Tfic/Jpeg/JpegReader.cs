using Tfic.Imaging;

namespace Tfic.Jpeg;

/// <summary>
/// Reads JPEG files (ITU-T T.81): baseline, extended sequential and progressive, 8 bits, Huffman-coded, with any
/// sampling factors.
/// </summary>
/// <remarks>
/// Pixels equal those of the usual decoders' accurate mode: integer inverse DCT (<see cref="Kernels.Dct.JpegDct"/>),
/// chroma enlarged by a triangle filter where it is halved. Unlike those, damaged or missing data are an error, not
/// a grey patch: text that was guessed is worse than none.
/// </remarks>
public static class JpegReader
{
    internal static ReadOnlySpan<byte> Signature => [0xFF, 0xD8, 0xFF];

    /// <summary>Reads a picture.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="limits">Limits; null for <see cref="PictureLimits.Default"/>.</param>
    /// <returns>Grey for one component, otherwise RGB; upright.</returns>
    /// <exception cref="TficFormatException">Not a JPEG file, of an unsupported kind, damaged, truncated, or over a
    /// limit.</exception>
    public static Picture Read(ReadOnlySpan<byte> bytes, PictureLimits? limits = null) => Read(bytes, limits, into: null);

    /// <summary>Reads a picture into the memory of another.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="limits">Limits; null for <see cref="PictureLimits.Default"/>.</param>
    /// <param name="into">A picture that is overwritten and returned if it has the size and the channels of what is
    /// read and that is stored upright; after an exception its samples have no meaning. Null, or another size: a new
    /// picture is made.</param>
    /// <returns>Grey for one component, otherwise RGB; upright.</returns>
    /// <exception cref="TficFormatException">Not a JPEG file, of an unsupported kind, damaged, truncated, or over a
    /// limit.</exception>
    public static Picture Read(ReadOnlySpan<byte> bytes, PictureLimits? limits, Picture? into)
    {
        var decoder = new JpegDecoder(bytes, limits ?? PictureLimits.Default, wantsPixels: true, into);
        try
        {
            JpegCoefficients file = decoder.Decode();
            return Orientation.Apply(decoder.Picture ?? JpegPixels.Decode(file), file.Orientation);
        }
        finally
        {
            decoder.Release();
        }
    }

    /// <summary>Reads the quantised coefficients and stops short of pixels.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="limits">Limits; null for <see cref="PictureLimits.Default"/>.</param>
    /// <exception cref="TficFormatException">Not a JPEG file, of an unsupported kind, damaged, truncated, or over a
    /// limit.</exception>
    public static JpegCoefficients ReadCoefficients(ReadOnlySpan<byte> bytes, PictureLimits? limits = null) =>
        new JpegDecoder(bytes, limits ?? PictureLimits.Default, wantsPixels: false, into: null).Decode();

    /// <summary>Turns coefficients into pixels, as stored: the orientation is not applied.</summary>
    /// <param name="file">Coefficients of a file.</param>
    /// <returns>Grey for one component, otherwise RGB.</returns>
    public static Picture ToPicture(JpegCoefficients file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return JpegPixels.Decode(file);
    }
}
