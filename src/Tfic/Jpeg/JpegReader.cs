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
    public static Picture Read(ReadOnlySpan<byte> bytes, PictureLimits? limits = null)
    {
        var decoder = new JpegDecoder(bytes, limits ?? PictureLimits.Default, wantsPixels: true);
        JpegCoefficients file = decoder.Decode();
        return Orientation.Apply(JpegPixels.Assemble(file, decoder.Planes), file.Orientation);
    }

    /// <summary>Reads the quantised coefficients and stops short of pixels.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="limits">Limits; null for <see cref="PictureLimits.Default"/>.</param>
    /// <exception cref="TficFormatException">Not a JPEG file, of an unsupported kind, damaged, truncated, or over a
    /// limit.</exception>
    public static JpegCoefficients ReadCoefficients(ReadOnlySpan<byte> bytes, PictureLimits? limits = null) =>
        new JpegDecoder(bytes, limits ?? PictureLimits.Default, wantsPixels: false).Decode();

    /// <summary>Turns coefficients into pixels, as stored: the orientation is not applied.</summary>
    /// <param name="file">Coefficients of a file.</param>
    /// <returns>Grey for one component, otherwise RGB.</returns>
    public static Picture ToPicture(JpegCoefficients file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return JpegPixels.Assemble(file, JpegPixels.MakePlanes(file));
    }
}
