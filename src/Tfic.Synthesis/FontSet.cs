using System.Collections.Immutable;

namespace Tfic.Synthesis;

/// <summary>Fonts to draw with.</summary>
/// <remarks>
/// A family with many files (weights, widths, italics) is drawn more often than one with a single file, but only by
/// the square root of their number: else a few large families would make up most of what is drawn.
/// </remarks>
public sealed class FontSet
{
    // There are only some sixty designs, so chance alone can leave a part with hardly any. With this suffix each part
    // of the fonts that Fonts.md lists holds sans, serif, monospaced and book faces: 437, 44 and 53 files.
    private const string Salt = "#399";

    internal const string NoFont =
        "There is no font to draw with. Name font files, or install some: apt install fonts-dejavu-core.";

    private readonly double[] _cumulative;

    private FontSet(IEnumerable<Font> fonts, ImmutableArray<string> rejected)
    {
        // The order decides which font a random number means, so it must not depend on the file system's.
        Fonts = [.. fonts.OrderBy(f => System.IO.Path.GetFileName(f.Path), StringComparer.Ordinal)
            .ThenBy(f => f.Path, StringComparer.Ordinal)];
        Rejected = rejected;
        var files = Fonts.GroupBy(f => f.Family).ToDictionary(g => g.Key, g => g.Count());
        _cumulative = new double[Fonts.Length];
        double sum = 0;
        for (int i = 0; i < Fonts.Length; i++)
            _cumulative[i] = sum += 1 / Math.Sqrt(files[Fonts[i].Family]);
    }

    /// <summary>The fonts, ordered by file name.</summary>
    public ImmutableArray<Font> Fonts { get; }

    /// <summary>Why files that were found in a folder are not among the fonts; one line each.</summary>
    public ImmutableArray<string> Rejected { get; }

    /// <summary>The folders in which this system keeps its fonts.</summary>
    public static IReadOnlyList<string> InstalledFolders { get; } =
        OperatingSystem.IsWindows() ? [Environment.GetFolderPath(Environment.SpecialFolder.Fonts)]
        : OperatingSystem.IsMacOS() ? ["/System/Library/Fonts", "/Library/Fonts"]
        : ["/usr/share/fonts", "/usr/local/share/fonts"];

    /// <summary>All usable fonts installed for every user; without any, an empty set.</summary>
    /// <exception cref="DllNotFoundException">FreeType is not installed.</exception>
    public static FontSet Installed() => FromFolders(InstalledFolders);

    /// <summary>All usable .ttf and .otf files in and below folders; others are left out, with the reason.</summary>
    /// <exception cref="DllNotFoundException">FreeType is not installed.</exception>
    public static FontSet FromFolders(IEnumerable<string> folders)
    {
        ArgumentNullException.ThrowIfNull(folders);
        string[] paths = [.. folders.Where(Directory.Exists)
            .SelectMany(f => Directory.EnumerateFiles(f, "*", SearchOption.AllDirectories))
            .Where(p => System.IO.Path.GetExtension(p).ToLowerInvariant() is ".ttf" or ".otf")
            .Distinct().Order(StringComparer.Ordinal)];
        // Once before many threads would each run into it, and wrap it in exceptions of theirs.
        FreeType.Require();
        var fonts = new Font?[paths.Length];
        var reasons = new string?[paths.Length];
        Parallel.For(0, paths.Length, i =>
        {
            try
            {
                fonts[i] = Font.Open(paths[i]);
            }
            catch (Exception e) when (e is TficFormatException or IOException)
            {
                reasons[i] = e.Message;
            }
        });
        return new FontSet(fonts.OfType<Font>(), [.. reasons.OfType<string>()]);
    }

    /// <summary>The fonts of these files.</summary>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="TficFormatException">A file is no font, or no font for text; the message names it.</exception>
    /// <exception cref="DllNotFoundException">FreeType is not installed.</exception>
    public static FontSet FromFiles(IEnumerable<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        return new FontSet(paths.Select(Font.Open), []);
    }

    /// <summary>The part of the fonts that belongs to a split; it can be empty.</summary>
    public FontSet Split(Split split) => Where(f => SplitOf(f.Family) == split);

    /// <summary>The split of a family, the same for every family of the same design.</summary>
    public static Split SplitOf(string family) => SplitRule.Of(Design(family) + Salt);

    /// <summary>
    /// What families share that must not be divided between splits: the first word of the name ("Lato", "Lato Light",
    /// "DejaVu Sans Condensed" and "DejaVu Serif" stay together), or the origin where the same drawings are sold
    /// under several names.
    /// </summary>
    internal static string Design(string family)
    {
        ArgumentNullException.ThrowIfNull(family);
        int end = 0;
        while (end < family.Length && family[end] is not (' ' or '-' or '_'))
            end++;
        string word = family[..end].ToLowerInvariant();
        return word switch
        {
            // Ghostscript's 35 fonts by URW, and what was drawn from them: TeX Gyre and GNU FreeFont.
            "c059" or "d050000l" or "nimbus" or "p052" or "z003" or "urw" or "tex" => "urw",
            "freesans" or "freeserif" or "freemono" or "free" => "urw",
            "arimo" or "tinos" or "cousine" => "liberation",
            "carlito" => "lato",
            "hack" => "dejavu",
            "monoisome" => "monoid",
            "gentiumalt" or "gentiumbasic" or "gentiumbookbasic" => "gentium",
            "dustismo" or "balker" or "domestic" or "el" or "flatline" or "it" or "junkyard" or "marked" or "penguin"
                or "progenisis" or "swift" or "wargames" or "winks" => "dustin",
            _ when word.StartsWith("beteckna", StringComparison.Ordinal) => "beteckna",
            _ when word.StartsWith("ocra", StringComparison.Ordinal) => "ocra",
            _ => word,
        };
    }

    internal FontSet Where(Func<Font, bool> condition) => new(Fonts.Where(condition), []);

    internal Font Draw(ref RandomStream random)
    {
        double at = random.Unit() * _cumulative[^1];
        int i = Array.BinarySearch(_cumulative, at);
        return Fonts[Math.Min(i < 0 ? ~i : i + 1, Fonts.Length - 1)];
    }
}
