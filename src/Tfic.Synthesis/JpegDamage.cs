using Tfic.Imaging;
using Tfic.Jpeg;

namespace Tfic.Synthesis;

/// <summary>What JPEG does to pictures.</summary>
public static class JpegDamage
{
    /// <summary>What a picture becomes in a JPEG file.</summary>
    /// <param name="picture">Any picture.</param>
    /// <param name="quality">1…100.</param>
    /// <returns>The decoded file.</returns>
    public static Picture Apply(Picture picture, int quality)
    {
        using var file = new MemoryStream();
        JpegWriter.Write(file, picture, quality);
        return JpegReader.Read(file.GetBuffer().AsSpan(0, (int)file.Length));
    }
}
