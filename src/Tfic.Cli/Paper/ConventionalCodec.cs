using System.Globalization;
using Tfic.Imaging;

namespace Tfic.Cli.Paper;

/// <summary>How a conventional codec is used: on the picture made smaller by a factor, with a setting of its own.</summary>
internal readonly record struct ConventionalSetting(int Factor, string Setting);

/// <summary>
/// What people would use instead: JPEG, WebP, AVIF, JPEG XL, each on the picture as it is and made smaller first
/// (and enlarged again after decoding).
/// </summary>
/// <param name="Name">As charts show it.</param>
/// <param name="Settings">The settings to measure, chosen to span 0.005 to 0.1 bits a pixel on lines of text.</param>
/// <param name="Code">Encodes and decodes: the size of the file in bytes, and the picture that comes back.</param>
internal sealed record ConventionalCodec(
    string Name,
    IReadOnlyList<ConventionalSetting> Settings,
    Func<Picture, string, (int Bytes, Picture Decoded)> Code)
{
    /// <summary>JPEG, and those whose programs are installed.</summary>
    /// <param name="tools">Whether to look for programs at all.</param>
    public static IReadOnlyList<ConventionalCodec> Installed(bool tools)
    {
        var codecs = new List<ConventionalCodec>
        {
            new(
                "JPEG",
                [
                    new(1, "1"), new(2, "1"), new(2, "10"), new(4, "5"), new(4, "20"), new(4, "50"), new(8, "30"),
                    new(8, "75"),
                ],
                Jpeg),
        };
        if (!tools)
            return codecs;
        if (ExternalTool.IsInstalled("cwebp") && ExternalTool.IsInstalled("dwebp"))
        {
            codecs.Add(new ConventionalCodec(
                "WebP",
                [new(1, "0"), new(2, "0"), new(2, "20"), new(4, "0"), new(4, "30"), new(8, "40"), new(8, "80")],
                (picture, quality) => Convert(
                    picture, ".webp",
                    (source, coded) => ExternalTool.Run(
                        "cwebp", "-quiet", "-m", "6", "-q", quality, source, "-o", coded),
                    (coded, back) => ExternalTool.Run("dwebp", "-quiet", coded, "-o", back))));
        }

        if (ExternalTool.IsInstalled("avifenc") && ExternalTool.IsInstalled("avifdec"))
        {
            codecs.Add(new ConventionalCodec(
                "AVIF",
                [new(1, "63"), new(1, "58"), new(2, "63"), new(2, "52"), new(4, "55"), new(4, "40"), new(8, "30")],
                (picture, quantiser) => Convert(
                    picture, ".avif",
                    (source, coded) => ExternalTool.Run(
                        "avifenc", "-j", "1", "-s", "6", "--min", quantiser, "--max", quantiser, source, coded),
                    (coded, back) => ExternalTool.Run("avifdec", "-j", "1", coded, back))));
        }

        if (ExternalTool.IsInstalled("cjxl") && ExternalTool.IsInstalled("djxl"))
        {
            codecs.Add(new ConventionalCodec(
                "JPEG XL",
                [new(1, "25"), new(1, "15"), new(2, "20"), new(2, "10"), new(4, "12"), new(4, "5"), new(8, "3")],
                (picture, distance) => Convert(
                    picture, ".jxl",
                    (source, coded) => ExternalTool.Run(
                        "cjxl", "--quiet", "--num_threads=0", "-e", "5", "-d", distance, source, coded),
                    (coded, back) => ExternalTool.Run("djxl", "--quiet", "--num_threads=0", coded, back))));
        }

        return codecs;
    }

    /// <summary>Codes a picture with a setting.</summary>
    /// <returns>Bytes of the file, and the decoded picture at the first one's size.</returns>
    public (int Bytes, Picture Decoded) CodeAt(Picture picture, ConventionalSetting setting)
    {
        (int bytes, Picture decoded) = Code(JpegBaseline.Shrink(picture, setting.Factor), setting.Setting);
        return (bytes, JpegBaseline.Enlarge(decoded, picture.Width, picture.Height));
    }

    private static (int Bytes, Picture Decoded) Jpeg(Picture picture, string quality)
    {
        JpegBaseline.File file = JpegBaseline.Encode(
            picture, 1, int.Parse(quality, CultureInfo.InvariantCulture));
        return (file.Bytes.Length, JpegBaseline.Decode(file, picture.Width, picture.Height));
    }

    private static (int Bytes, Picture Decoded) Convert(
        Picture picture, string extension, Action<string, string> encode, Action<string, string> decode)
    {
        using var folder = new ExchangeFolder();
        (string source, string coded, string back) =
            (folder.File("source.png"), folder.File("coded" + extension), folder.File("back.png"));
        PictureFile.Write(source, picture);
        encode(source, coded);
        decode(coded, back);
        return ((int)new FileInfo(coded).Length, PictureFile.Read(back));
    }
}
