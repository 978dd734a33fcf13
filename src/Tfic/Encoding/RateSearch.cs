using System.Globalization;

namespace Tfic.Encoding;

/// <summary>What came of a search for a size.</summary>
/// <param name="File">The .tfic file.</param>
/// <param name="Quality">Quality of its text layer, 1…8.</param>
/// <param name="Shortfall">Null if the size is within 3% of the target; else why it is not.</param>
/// <param name="Trials">How many files were made to find it.</param>
public sealed record RateSearchResult(byte[] File, double Quality, string? Shortfall, int Trials);

/// <summary>Looks for the quality whose file is nearest to a size.</summary>
internal static class RateSearch
{
    /// <summary>How far from its target a search may end, as a fraction of the target.</summary>
    public const double Tolerance = 0.03;

    /// <summary>Most files that a search makes: 8 to bisect 225 qualities, some around the end of that.</summary>
    public const int MaxTrials = 8 + (2 * Neighbours);

    // Size grows with quality but for small steps back, so that the nearest may lie beside where bisection ends.
    private const int Neighbours = 3;

    /// <summary>Searches.</summary>
    /// <param name="target">The size in bytes, above 0.</param>
    /// <param name="highest">The highest quality byte; the lowest is 0.</param>
    /// <param name="encode">Makes the file of a quality byte.</param>
    public static RateSearchResult Run(double target, int highest, Func<byte, byte[]> encode)
    {
        var sizes = new SortedDictionary<int, int>();
        byte[] best = [];
        int bestQuality = 0;
        double bestDistance = double.PositiveInfinity;

        int Try(int quality)
        {
            byte[] file = encode((byte)quality);
            sizes.Add(quality, file.Length);
            double distance = Math.Abs(file.Length - target);
            if (distance < bestDistance)
                (best, bestQuality, bestDistance) = (file, quality, distance);
            return file.Length;
        }

        // Invariant: low is too small or −1, high is not or is beyond the highest.
        int low = -1;
        int high = highest + 1;
        while (high - low > 1 && bestDistance >= 0.5)
        {
            int middle = (low + high) / 2;
            if (Try(middle) < target)
                low = middle;
            else
                high = middle;
        }

        bool IsNear() => bestDistance <= Tolerance * target;
        for (int step = 1; step <= Neighbours && !IsNear() && low >= 0 && high <= highest; step++)
        {
            foreach (int quality in new[] { low - step, high + step })
            {
                if (!IsNear() && quality >= 0 && quality <= highest && !sizes.ContainsKey(quality))
                    Try(quality);
            }
        }

        return new RateSearchResult(
            best, 1 + (bestQuality / 32.0), IsNear() ? null : Explain(target, highest, sizes), sizes.Count);
    }

    private static string Explain(double target, int highest, SortedDictionary<int, int> sizes)
    {
        int smallest = sizes.Values.Min();
        int largest = sizes.Values.Max();
        if (smallest > target)
            return Invariant($"at the lowest quality this picture takes {sizes[0]} bytes");
        if (largest < target)
            return Invariant($"at the highest quality this picture takes {sizes[highest]} bytes");
        int below = sizes.Values.Where(size => size <= target).Max();
        int above = sizes.Values.Where(size => size >= target).Min();
        return Invariant(
            $"a step of quality takes this picture from {below} to {above} bytes, past {target:0.#}");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
