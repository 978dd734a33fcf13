namespace Tfic.Metrics;

/// <summary>
/// How well text was read: the paper's accuracy (Della Fiore et al., Section 3.3) and the two measures that the
/// literature on text recognition reports.
/// </summary>
/// <remarks>
/// Accuracy looks at alphanumeric characters only; <see cref="Cer(string, string)"/> and <see cref="Ned"/> look at
/// the text as written, so case, punctuation and spaces count. All count UTF-16 code units.
/// </remarks>
public static class TextAccuracy
{
    /// <summary>1 − lev(G, T) / max(|G|, |T|) over alphanumeric characters; case counts.</summary>
    /// <param name="truth">The true text G.</param>
    /// <param name="read">The text T that was read.</param>
    /// <returns>0…1; 1 where neither text has an alphanumeric character.</returns>
    public static double Accuracy(string truth, string read)
    {
        string g = Alphanumeric(truth), t = Alphanumeric(read);
        int longest = Math.Max(g.Length, t.Length);
        return longest == 0 ? 1.0 : 1.0 - (double)Levenshtein(g, t) / longest;
    }

    /// <summary>
    /// Character error rate: lev(G, T) / |G|, the number of insertions, deletions and substitutions for each
    /// character of the truth.
    /// </summary>
    /// <param name="truth">The true text G.</param>
    /// <param name="read">The text T that was read.</param>
    /// <returns>0 for a perfect reading; above 1 where more was wrong than there was. An empty truth counts as one
    /// character, so that reading nothing there gives 0 and every invented character costs 1.</returns>
    public static double Cer(string truth, string read) => Cer([(truth, read)]);

    /// <summary>
    /// Character error rate of a set: Σ lev(G, T) / Σ |G|, so that every character weighs the same whatever the
    /// length of its line.
    /// </summary>
    /// <param name="lines">True and read texts.</param>
    /// <returns>0 for perfect readings and for an empty set.</returns>
    public static double Cer(IEnumerable<(string Truth, string Read)> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        long errors = 0, characters = 0;
        foreach ((string truth, string read) in lines)
        {
            errors += Levenshtein(truth, read);
            characters += truth.Length;
        }

        return (double)errors / Math.Max(characters, 1);
    }

    /// <summary>
    /// 1 − normalised edit distance, 1 − lev(G, T) / max(|G|, |T|): the "1-N.E.D." of the ICDAR 2019 competitions
    /// (ArT, LSVT, ReCTS). The value of a set is the mean over its lines.
    /// </summary>
    /// <param name="truth">The true text G.</param>
    /// <param name="read">The text T that was read.</param>
    /// <returns>0…1; 1 for a perfect reading, two empty texts included.</returns>
    public static double Ned(string truth, string read)
    {
        ArgumentNullException.ThrowIfNull(truth);
        ArgumentNullException.ThrowIfNull(read);
        int longest = Math.Max(truth.Length, read.Length);
        return longest == 0 ? 1.0 : 1.0 - (double)Levenshtein(truth, read) / longest;
    }

    /// <summary>Keeps the ASCII letters and digits of a text.</summary>
    public static string Alphanumeric(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return string.Concat(text.Where(char.IsAsciiLetterOrDigit));
    }

    /// <summary>Levenshtein's edit distance: insertions, deletions and substitutions each cost 1.</summary>
    public static int Levenshtein(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        // One row of the table is enough: row i needs only row i − 1, of which `diagonal` is the part overwritten.
        var row = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
            row[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
