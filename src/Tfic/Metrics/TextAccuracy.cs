namespace Tfic.Metrics;

/// <summary>The paper's accuracy of read text (Della Fiore et al., Section 3.3) and what it is made of.</summary>
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
