using Tfic.Imaging;

namespace Tfic.Cli;

/// <summary>Tells pictures of one line of text from pages, by their shape alone.</summary>
internal static class LineShape
{
    /// <summary>
    /// At least twice as wide as high, as lines and the paper's 512 × 256 pictures are; or no higher than a line of
    /// text in print, as cut-out words are.
    /// </summary>
    public static bool Fits(Picture picture) => picture.Width >= 2 * picture.Height || picture.Height <= 64;
}
