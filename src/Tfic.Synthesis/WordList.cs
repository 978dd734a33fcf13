using System.Collections.Immutable;

namespace Tfic.Synthesis;

/// <summary>Words to draw: printable ASCII, no spaces, none twice.</summary>
public sealed class WordList
{
    /// <summary>Where Debian's word list packages (wamerican, wbritish…) put the words.</summary>
    public const string InstalledPath = "/usr/share/dict/words";

    private WordList(ImmutableArray<string> words)
    {
        Words = words;
    }

    /// <summary>The words, in the order of the list.</summary>
    public ImmutableArray<string> Words { get; }

    /// <summary>Makes a list; words with spaces or with characters that are not printable ASCII are left out.</summary>
    /// <exception cref="ArgumentException">No word is left.</exception>
    public static WordList From(IEnumerable<string> words)
    {
        ArgumentNullException.ThrowIfNull(words);
        ImmutableArray<string> kept =
            [.. words.Where(w => w.Length > 0 && w.All(c => c is > ' ' and <= '~')).Distinct(StringComparer.Ordinal)];
        if (kept.IsEmpty)
            throw new ArgumentException("The list has no word of printable ASCII characters.", nameof(words));
        return new WordList(kept);
    }

    /// <summary>Reads a text file with one word a line.</summary>
    /// <exception cref="FileNotFoundException">No such file.</exception>
    /// <exception cref="TficFormatException">The file has no usable word.</exception>
    public static WordList Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException(
                $"There is no word list {path}. On Debian or Ubuntu: apt install wamerican.", path);
        }

        try
        {
            return From(File.ReadLines(path).Select(line => line.Trim()));
        }
        catch (ArgumentException e)
        {
            throw new TficFormatException($"The word list {path} has no word of printable ASCII characters.", -1, e);
        }
    }

    /// <summary>The installed word list.</summary>
    /// <exception cref="FileNotFoundException">None is installed.</exception>
    public static WordList Installed() => Load(InstalledPath);

    /// <summary>The part of the words that belongs to a split.</summary>
    /// <exception cref="ArgumentException">The part is empty, as it can be in a list of a few words.</exception>
    public WordList Split(Split split) => From(Words.Where(word => SplitOf(word) == split));

    /// <summary>
    /// The split of a word: the same for every capitalisation and for the possessive ("cat", "Cat", "cat's").
    /// </summary>
    public static Split SplitOf(string word)
    {
        ArgumentNullException.ThrowIfNull(word);
        string stem = word.ToLowerInvariant();
        if (stem.Length > 2 && stem.EndsWith("'s", StringComparison.Ordinal))
            stem = stem[..^2];
        return SplitRule.Of(stem);
    }
}
