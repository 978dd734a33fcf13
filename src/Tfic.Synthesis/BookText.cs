using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;

namespace Tfic.Synthesis;

/// <summary>Prose to set pages of: paragraphs of words in printable ASCII, in chapters.</summary>
public sealed partial class BookText
{
    private const int Parts = 10;

    private BookText(ImmutableArray<ImmutableArray<string>> chapters)
    {
        Chapters = chapters;
        Paragraphs = [.. chapters.SelectMany(c => c)];
    }

    /// <summary>Paragraphs, each on one line with single spaces, by chapter.</summary>
    public ImmutableArray<ImmutableArray<string>> Chapters { get; }

    /// <summary>All paragraphs in their order.</summary>
    public ImmutableArray<string> Paragraphs { get; }

    /// <summary>Reads text files in UTF-8 as one text, their chapters one after another.</summary>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="TficFormatException">A file has no words.</exception>
    public static BookText Load(IEnumerable<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        return new BookText([.. paths.SelectMany(path => Load(path).Chapters)]);
    }

    /// <summary>Reads a text file in UTF-8.</summary>
    /// <exception cref="FileNotFoundException">No such file.</exception>
    /// <exception cref="TficFormatException">The file has no words.</exception>
    public static BookText Load(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no text file {path}.", path);
        try
        {
            return From(File.ReadAllText(path));
        }
        catch (ArgumentException e)
        {
            throw new TficFormatException($"The text file {path} has no words in printable ASCII.", -1, e);
        }
    }

    /// <summary>
    /// Takes a text whose paragraphs are separated by empty lines. A line such as "Chapter 3" or "IV. A NAME" begins a
    /// chapter; a text with fewer than ten of these is cut into ten parts of equally many paragraphs.
    /// </summary>
    /// <param name="text">
    /// Any text. Typographic quotation marks, dashes and ellipses and Western accents become ASCII; what else is not
    /// printable ASCII is left out.
    /// </param>
    /// <exception cref="ArgumentException">No word is left.</exception>
    public static BookText From(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var chapters = new List<List<string>> { new() };
        foreach (string block in ParagraphBreak().Split(text.ReplaceLineEndings("\n")))
        {
            string paragraph = string.Join(' ', ToAscii(block).Split(' ', StringSplitOptions.RemoveEmptyEntries));
            if (paragraph.Length == 0)
                continue;
            if (Heading().IsMatch(paragraph))
                chapters.Add([]);
            chapters[^1].Add(paragraph);
        }

        chapters.RemoveAll(c => c.Count == 0);
        if (chapters.Count == 0)
            throw new ArgumentException("The text has no words in printable ASCII.", nameof(text));
        if (chapters.Count < Parts)
        {
            string[] all = [.. chapters.SelectMany(c => c)];
            int length = (all.Length + Parts - 1) / Parts;
            chapters = [.. all.Chunk(length).Select(c => c.ToList())];
        }

        return new BookText([.. chapters.Select(c => c.ToImmutableArray())]);
    }

    /// <summary>The chapters of a split: of every ten, the ninth is for validation, the tenth for the test.</summary>
    /// <exception cref="ArgumentException">The text is too short to have such a chapter.</exception>
    public BookText Split(Split split)
    {
        ImmutableArray<ImmutableArray<string>> kept = [.. Chapters.Where((_, i) => (i % Parts) switch
        {
            Parts - 2 => split == Synthesis.Split.Validation,
            Parts - 1 => split == Synthesis.Split.Test,
            _ => split == Synthesis.Split.Train,
        })];
        return kept.IsEmpty
            ? throw new ArgumentException($"The text has only {Chapters.Length} chapters: none is for {split}.")
            : new BookText(kept);
    }

    private static string ToAscii(string text)
    {
        var ascii = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            if (c is >= ' ' and <= '~')
                ascii.Append(c);
            else if (char.IsWhiteSpace(c))
                ascii.Append(' ');
            else
                ascii.Append(Substitute(c));
        }

        return ascii.ToString();
    }

    private static string Substitute(char c) => c switch
    {
        '\u2018' or '\u2019' or '\u201a' => "'",
        '\u201c' or '\u201d' or '\u201e' => "\"",
        '\u2013' or '\u2010' or '\u2011' or '\u2212' => "-",
        '\u2014' => "--",
        '\u2026' => "...",
        >= 'À' and <= 'Å' => "A",
        >= 'à' and <= 'å' => "a",
        'Æ' => "AE",
        'æ' => "ae",
        'Ç' => "C",
        'ç' => "c",
        >= 'È' and <= 'Ë' => "E",
        >= 'è' and <= 'ë' => "e",
        >= 'Ì' and <= 'Ï' => "I",
        >= 'ì' and <= 'ï' => "i",
        'Ñ' => "N",
        'ñ' => "n",
        >= 'Ò' and <= 'Ö' => "O",
        >= 'ò' and <= 'ö' => "o",
        'œ' => "oe",
        >= 'Ù' and <= 'Ü' => "U",
        >= 'ù' and <= 'ü' => "u",
        'ß' => "ss",
        _ => "",
    };

    [GeneratedRegex(@"\n[ \t]*\n\s*")]
    private static partial Regex ParagraphBreak();

    [GeneratedRegex(@"^((?i:chapter|adventure|book|part)\s+([IVXLCivxlc]+|\d+)\b.{0,60}|[IVXLC]+\.\s.{1,60})$")]
    private static partial Regex Heading();
}
