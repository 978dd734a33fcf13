using Tfic.Imaging;

namespace Tfic.Metrics;

/// <summary>How many words there are, how many were found, and how many of these are right.</summary>
/// <param name="Truth">Words there are.</param>
/// <param name="Found">Boxes found.</param>
/// <param name="Matched">Pairs of the two that agree.</param>
public readonly record struct DetectionCounts(int Truth, int Found, int Matched)
{
    /// <summary>Matched / Found; 1 where nothing was found.</summary>
    public double Precision => Found == 0 ? 1 : (double)Matched / Found;

    /// <summary>Matched / Truth; 1 where there is nothing to find.</summary>
    public double Recall => Truth == 0 ? 1 : (double)Matched / Truth;

    /// <summary>The harmonic mean of precision and recall.</summary>
    public double F => Truth + Found == 0 ? 1 : 2.0 * Matched / (Truth + Found);

    /// <summary>The sum of two counts.</summary>
    public static DetectionCounts operator +(DetectionCounts a, DetectionCounts b) =>
        new(a.Truth + b.Truth, a.Found + b.Found, a.Matched + b.Matched);

    /// <summary>Compares boxes found with those there are: the best pairs first, each box in one pair at most.</summary>
    /// <param name="truth">The words there are.</param>
    /// <param name="found">The boxes found.</param>
    /// <param name="overlap">Least intersection over union of a pair.</param>
    /// <param name="ignored">
    /// Words that count neither way, such as those cut off at the picture's edge; so do boxes that lie on one by half.
    /// </param>
    public static DetectionCounts Of(
        IReadOnlyList<Box> truth, IReadOnlyList<Box> found, double overlap = 0.5, IReadOnlyList<Box>? ignored = null)
    {
        IReadOnlyList<(int Truth, int Found)> matches = Match(truth, found, overlap);
        HashSet<int> taken = [.. matches.Select(match => match.Found)];
        int beside = ignored is null ? 0 : found.Where((box, f) =>
            !taken.Contains(f) && ignored.Any(other => 2 * box.Intersect(other).Area > box.Area)).Count();
        return new DetectionCounts(truth.Count, found.Count - beside, matches.Count);
    }

    /// <summary>Pairs boxes found with those there are: the best first, each box in one pair at most.</summary>
    /// <param name="truth">The words there are.</param>
    /// <param name="found">The boxes found.</param>
    /// <param name="overlap">Least intersection over union of a pair.</param>
    /// <returns>Indexes of the two of each pair.</returns>
    public static IReadOnlyList<(int Truth, int Found)> Match(
        IReadOnlyList<Box> truth, IReadOnlyList<Box> found, double overlap = 0.5)
    {
        ArgumentNullException.ThrowIfNull(truth);
        ArgumentNullException.ThrowIfNull(found);
        var pairs = new List<(double Overlap, int Truth, int Found)>();
        for (int t = 0; t < truth.Count; t++)
        {
            for (int f = 0; f < found.Count; f++)
            {
                if (truth[t].Overlap(found[f]) is var common && common >= overlap && common > 0)
                    pairs.Add((common, t, f));
            }
        }

        var truthTaken = new bool[truth.Count];
        var foundTaken = new bool[found.Count];
        var matches = new List<(int, int)>();
        foreach ((_, int t, int f) in pairs.OrderByDescending(p => p.Overlap))
        {
            if (truthTaken[t] || foundTaken[f])
                continue;
            truthTaken[t] = foundTaken[f] = true;
            matches.Add((t, f));
        }

        return matches;
    }
}
