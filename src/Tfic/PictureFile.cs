using Tfic.Imaging;
using Tfic.Jpeg;

namespace Tfic;

/// <summary>The picture formats that are written without further packages.</summary>
public enum PictureFormat
{
    /// <summary>Portable Network Graphics, lossless.</summary>
    Png,

    /// <summary>Portable anymap, uncompressed: P5 for grey, P6 for RGB.</summary>
    Pnm,

    /// <summary>Baseline JPEG, lossy.</summary>
    Jpeg,
}

/// <summary>Picture files: PNG, PNM and JPEG, by content when read, by extension when written.</summary>
public static class PictureFile
{
    /// <summary>
    /// Reads formats that this library knows by name only (WebP, TIFF, BMP, GIF and others). Given the whole file
    /// and the limits it returns the upright picture, or null if it does not know the format either; bad input
    /// makes it throw <see cref="TficFormatException"/>. Null, the default, where nothing can read them.
    /// </summary>
    public static Func<ReadOnlyMemory<byte>, PictureLimits, Picture?>? FallbackReader { get; set; }

    /// <summary>Reads a picture, finding its format by its first bytes.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="limits">Limits; null for <see cref="PictureLimits.Default"/>.</param>
    /// <returns>The upright picture: orientation applied, transparency over white, 8 bits.</returns>
    /// <exception cref="TficFormatException">Unknown format, damaged, truncated, or over a limit.</exception>
    public static Picture Read(ReadOnlySpan<byte> bytes, PictureLimits? limits = null)
    {
        limits ??= PictureLimits.Default;
        if (bytes.IsEmpty)
            throw new TficFormatException("The picture file is empty", 0);
        if (bytes.StartsWith(PngReader.Signature))
            return PngReader.Read(bytes, limits);
        if (bytes.Length >= 2 && bytes[0] == 'P' && bytes[1] is >= (byte)'1' and <= (byte)'6')
            return PnmReader.Read(bytes, limits);
        if (bytes.StartsWith(JpegReader.Signature))
            return JpegReader.Read(bytes, limits);

        (string? format, bool others) = Recognise(bytes);
        if (FallbackReader is { } fallback && fallback(bytes.ToArray(), limits) is { } picture)
            return picture;
        if (format is null)
            throw new TficFormatException(
                "This is not a picture of a known format; PNG, PNM (P1 to P6) and JPEG files are read", 0);
        throw new TficFormatException(
            others && FallbackReader is null
                ? $"This is a {format} file, which only builds with the package SixLabors.ImageSharp read; convert " +
                  "it to PNG, or build where that package can be restored"
                : $"This is a {format} file, which is not supported; convert it to PNG", 0);
    }

    /// <summary>Reads a picture from a stream, to its end.</summary>
    /// <param name="stream">The stream; not closed.</param>
    /// <param name="limits">Limits; null for <see cref="PictureLimits.Default"/>.</param>
    /// <returns>See <see cref="Read(ReadOnlySpan{byte}, PictureLimits?)"/>.</returns>
    /// <exception cref="TficFormatException">Unknown format, damaged, truncated, or over a limit.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static Picture Read(Stream stream, PictureLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        limits ??= PictureLimits.Default;
        long most = Math.Min(limits.MaxBytes, Array.MaxLength);
        using var content = new MemoryStream();
        var buffer = new byte[1 << 16];
        int read;
        while ((read = stream.Read(buffer)) > 0)
        {
            if (content.Length + read > most)
                throw new TficFormatException($"The picture file is larger than the limit of {most} bytes", most);
            content.Write(buffer, 0, read);
        }

        return Read(content.GetBuffer().AsSpan(0, (int)content.Length), limits);
    }

    /// <summary>Reads a picture file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">Limits; null for <see cref="PictureLimits.Default"/>.</param>
    /// <returns>See <see cref="Read(ReadOnlySpan{byte}, PictureLimits?)"/>.</returns>
    /// <exception cref="TficFormatException">Unknown format, damaged, truncated, or over a limit.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Reading it is not allowed, or it is a folder.</exception>
    public static Picture Read(string path, PictureLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        return Read(stream, limits);
    }

    /// <summary>The format that a file name asks for.</summary>
    /// <param name="path">A file name ending in .png, .ppm, .pgm, .pnm, .jpg or .jpeg.</param>
    /// <exception cref="ArgumentException">Another extension, or none.</exception>
    public static PictureFormat FormatOf(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".png" => PictureFormat.Png,
            ".ppm" or ".pgm" or ".pnm" => PictureFormat.Pnm,
            ".jpg" or ".jpeg" => PictureFormat.Jpeg,
            _ => throw new ArgumentException(
                $"'{path}': pictures are written as .png, .ppm, .pgm, .pnm, .jpg or .jpeg.", nameof(path)),
        };
    }

    /// <summary>Writes a picture to a stream.</summary>
    /// <param name="stream">Where to; not closed, need not seek.</param>
    /// <param name="picture">What to write.</param>
    /// <param name="format">As what.</param>
    /// <param name="jpegQuality">1…100, for JPEG only.</param>
    /// <exception cref="ArgumentOutOfRangeException">Unknown format, or a quality outside 1…100.</exception>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public static void Write(Stream stream, Picture picture, PictureFormat format, int jpegQuality = 90)
    {
        switch (format)
        {
            case PictureFormat.Png:
                PngWriter.Write(stream, picture);
                break;
            case PictureFormat.Pnm:
                PnmWriter.Write(stream, picture);
                break;
            case PictureFormat.Jpeg:
                JpegWriter.Write(stream, picture, jpegQuality);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(format), format, "Not a picture format.");
        }
    }

    /// <summary>Writes a picture file, entirely or not at all; the extension decides on the format.</summary>
    /// <param name="path">A file name ending in .png, .ppm, .pgm, .pnm, .jpg or .jpeg. A .pgm holds the luma of a
    /// colour picture, a .ppm a grey picture as RGB.</param>
    /// <param name="picture">What to write.</param>
    /// <param name="jpegQuality">1…100, for JPEG only.</param>
    /// <exception cref="ArgumentException">Another extension, or none.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A quality outside 1…100.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing there is not allowed.</exception>
    public static void Write(string path, Picture picture, int jpegQuality = 90)
    {
        ArgumentNullException.ThrowIfNull(picture);
        PictureFormat format = FormatOf(path);
        Picture written = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".pgm" => PictureConversion.ToGrey(picture),
            ".ppm" => PictureConversion.ToRgb(picture),
            _ => picture,
        };
        AtomicFile.Write(path, stream => Write(stream, written, format, jpegQuality));
    }

    /// <summary>Names a format that is not read here, and says whether ImageSharp reads it.</summary>
    private static (string? Name, bool ImageSharp) Recognise(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= 12 && bytes.StartsWith("RIFF"u8) && bytes[8..].StartsWith("WEBP"u8))
            return ("WebP", true);
        if (bytes.StartsWith("II*\0"u8) || bytes.StartsWith("MM\0*"u8))
            return ("TIFF", true);
        if (bytes.StartsWith("GIF87a"u8) || bytes.StartsWith("GIF89a"u8))
            return ("GIF", true);
        // "BM" alone would claim much text; the four reserved bytes of a bitmap are zero.
        if (bytes.Length >= 14 && bytes.StartsWith("BM"u8) && bytes.Slice(6, 4).SequenceEqual("\0\0\0\0"u8))
            return ("BMP", true);
        if (bytes.StartsWith("qoif"u8))
            return ("QOI", true);
        if (bytes.Length >= 12 && bytes[4..].StartsWith("ftyp"u8))
        {
            ReadOnlySpan<byte> brand = bytes.Slice(8, 4);
            if (brand.SequenceEqual("avif"u8) || brand.SequenceEqual("avis"u8))
                return ("AVIF", false);
            if (brand.StartsWith("hei"u8) || brand.StartsWith("hev"u8) || brand.SequenceEqual("mif1"u8))
                return ("HEIC", false);
        }

        if (bytes.StartsWith("\0\0\0\u000CJXL "u8) || bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x0A]))
            return ("JPEG XL", false);
        if (bytes.StartsWith("\0\0\0\u000CjP  "u8) || bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x4F, 0xFF, 0x51]))
            return ("JPEG 2000", false);
        if (bytes.StartsWith("P7\n"u8))
            return ("PAM", false);
        if (bytes.StartsWith("%PDF"u8))
            return ("PDF", false);
        return (null, false);
    }
}
