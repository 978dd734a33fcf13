using Tfic.Imaging;
using Tfic.Synthesis;

namespace Tfic.Synthesis.Tests;

/// <summary>What is installed where the tests run; tests that need it skip where it is missing.</summary>
internal static class Fixtures
{
    private static readonly Lazy<FontSet> s_fonts = new(FontSet.Installed);

    public static readonly WordList Words = WordList.From(
        "the quick brown fox jumps over lazy dogs while Wizards mix jugs of quartz don't zebra's vow".Split(' '));

    public static FontSet AllFonts
    {
        get
        {
            Skip.If(s_fonts.Value.Fonts.IsEmpty, "No font is installed (apt install fonts-dejavu-core).");
            return s_fonts.Value;
        }
    }

    /// <summary>One ordinary font, the same wherever it is installed.</summary>
    public static FontSet OneFont
    {
        get
        {
            Font font = AllFonts.Fonts.FirstOrDefault(f => Path.GetFileName(f.Path) == "DejaVuSans.ttf")
                ?? AllFonts.Fonts[0];
            return FontSet.FromFiles([font.Path]);
        }
    }

    /// <summary>A new folder that is removed again.</summary>
    public static TemporaryFolder Folder() => new();

    /// <summary>Luma of a pixel, 0…255.</summary>
    public static double Luma(Picture picture, int x, int y)
    {
        Span<byte> row = picture.Row(y);
        return picture.Channels == 1
            ? row[x]
            : 0.299 * row[3 * x] + 0.587 * row[3 * x + 1] + 0.114 * row[3 * x + 2];
    }
}

internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("tfic-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
