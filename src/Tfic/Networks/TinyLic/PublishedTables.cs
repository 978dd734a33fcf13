using Tfic.Kernels.RangeCoding;

namespace Tfic.Networks.TinyLic;

/// <summary>
/// CompressAI's probability tables: cumulative frequencies, out of 2¹⁶, of the values from an offset on, then of all values
/// beyond. Its rANS streams are not written; the core's coder takes the same frequencies.
/// </summary>
internal static class PublishedTables
{
    /// <summary>Probabilities as cumulative integers from 0 to 2¹⁶, in which no symbol has nothing.</summary>
    /// <remarks>
    /// As CompressAI does it, step by step, so that its tables are met exactly: frequencies are rounded, scaled to the
    /// sum they should have (rounding down) and added up; a symbol left with nothing then takes one from the symbol with
    /// the fewest above one.
    /// </remarks>
    /// <exception cref="ArgumentException">A probability is none, or there are no or too many.</exception>
    public static int[] Cumulate(ReadOnlySpan<float> probabilities)
    {
        const int Precision = FrequencyTables.Precision;
        var cumulative = new int[probabilities.Length + 1];
        long total = 0;
        for (int i = 0; i < probabilities.Length; i++)
        {
            float probability = probabilities[i];
            if (!(probability >= 0) || !float.IsFinite(probability))
                throw new ArgumentException($"A probability is {probability}.", nameof(probabilities));
            cumulative[i + 1] = (int)MathF.Round(probability * (1 << Precision), MidpointRounding.AwayFromZero);
            total += cumulative[i + 1];
        }

        if (total == 0 || probabilities.Length > FrequencyTables.Total)
            throw new ArgumentException("All probabilities are nothing, or there are too many.", nameof(probabilities));
        for (int i = 1; i < cumulative.Length; i++)
            cumulative[i] = cumulative[i - 1] + (int)(((long)cumulative[i] << Precision) / total);
        cumulative[^1] = 1 << Precision;

        for (int i = 0; i + 1 < cumulative.Length; i++)
        {
            if (cumulative[i] != cumulative[i + 1])
                continue;
            int fewest = int.MaxValue, donor = -1;
            for (int j = 0; j + 1 < cumulative.Length; j++)
            {
                int frequency = cumulative[j + 1] - cumulative[j];
                if (frequency > 1 && frequency < fewest)
                    (fewest, donor) = (frequency, j);
            }

            // Moving the bounds between the two by one hands it over.
            int step = donor < i ? -1 : 1;
            for (int j = Math.Min(donor, i) + 1; j <= Math.Max(donor, i); j++)
                cumulative[j] += step;
        }

        return cumulative;
    }

    /// <summary>Tables as the core's coder takes them.</summary>
    /// <param name="offsets">First value of each row.</param>
    /// <param name="lengths">Cumulative frequencies of each row.</param>
    /// <param name="cumulative">Cumulative frequencies [rows, longest]; what is beyond a row's length means nothing.</param>
    /// <exception cref="TficFormatException">They are no distributions.</exception>
    public static FrequencyTables Convert(int[] offsets, int[] lengths, int[] cumulative)
    {
        if (offsets.Length != lengths.Length || lengths.Length == 0)
            throw new TficFormatException($"The entropy model has {offsets.Length} offsets for {lengths.Length} tables.");
        int columns = cumulative.Length / lengths.Length;
        var centres = new int[lengths.Length];
        var frequencies = new List<int>();
        try
        {
            for (int row = 0; row < lengths.Length; row++)
            {
                // The core lists values outward from a centre, the lower of two first.
                if (lengths[row] < 3 || lengths[row] > columns || Math.Abs((long)offsets[row]) > FrequencyTables.MaxCentre / 2)
                    throw new ArgumentException($"Row {row} has {lengths[row]} bounds from {offsets[row]} on.");
                int count = lengths[row] - 2;
                centres[row] = offsets[row] + count / 2;
                int Frequency(int i) => cumulative[row * columns + i + 1] - cumulative[row * columns + i];
                for (int k = 0; k < count; k++)
                    frequencies.Add(Frequency(count / 2 + (k % 2 == 1 ? -(k + 1) / 2 : k / 2)));
                frequencies.Add(Frequency(count));
            }

            return new FrequencyTables(
                centres, Array.ConvertAll(lengths, length => length - 1), frequencies.ToArray());
        }
        catch (ArgumentException e)
        {
            throw new TficFormatException($"The entropy model's tables are no distributions: {e.Message}", inner: e);
        }
    }

    /// <summary>Tables that a state dictionary holds.</summary>
    /// <returns>Null where it holds none: it was saved before they were made.</returns>
    /// <exception cref="TficFormatException">They are damaged.</exception>
    public static FrequencyTables? Read(PublishedWeights weights, string prefix)
    {
        if (!weights.Has(prefix + "._quantized_cdf") || weights.Any(prefix + "._offset", 1).Count == 0)
            return null;
        return Convert(
            weights.Any(prefix + "._offset", 1).ToInt32(), weights.Any(prefix + "._cdf_length", 1).ToInt32(),
            weights.Any(prefix + "._quantized_cdf", 2).ToInt32());
    }

    /// <summary>Tables from probabilities.</summary>
    /// <param name="rows">Of each row the first value, the probabilities from there on, and that of all others.</param>
    public static FrequencyTables Of(IReadOnlyList<(int First, float[] Mass, float Tail)> rows)
    {
        int columns = rows.Max(row => row.Mass.Length) + 2;
        var cumulative = new int[rows.Count * columns];
        for (int row = 0; row < rows.Count; row++)
            Cumulate([.. rows[row].Mass, rows[row].Tail]).CopyTo(cumulative.AsSpan(row * columns));
        return Convert([.. rows.Select(row => row.First)], [.. rows.Select(row => row.Mass.Length + 2)], cumulative);
    }

    /// <summary>Tables of zero-mean Gaussians over the width of an integer.</summary>
    public static FrequencyTables Gaussian(IReadOnlyList<float> scales)
    {
        // The tables leave 10⁻⁹ to the values beyond: half of that lies beyond so many deviations on either side.
        const double Reach = 6.109410204869;
        return Of([.. scales.Select(scale =>
        {
            int reach = (int)Math.Ceiling(scale * Reach);
            double Mass(int distance) =>
                Complement((distance - 0.5) / scale) - Complement((distance + 0.5) / scale);
            return (-reach, Enumerable.Range(-reach, 2 * reach + 1).Select(v => (float)Mass(Math.Abs(v))).ToArray(),
                (float)(2 * Complement((reach + 0.5) / scale)));
        })]);
    }

    /// <summary>The probability that a standard normal variable is above x, to 10⁻¹⁴.</summary>
    internal static double Complement(double x)
    {
        if (x < 0)
            return 1 - Complement(-x);
        double density = Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);
        if (x < 4)
        {
            // ½ − φ(x)·(x + x³/3 + x⁵/(3·5) + …).
            double term = x, sum = x;
            for (int n = 3; term > 1e-17 * sum; n += 2)
                sum += term *= x * x / n;
            return 0.5 - density * sum;
        }

        // φ(x)/(x + 1/(x + 2/(x + 3/(x + …)))), from behind.
        double fraction = x;
        for (int n = 60; n > 0; n--)
            fraction = x + n / fraction;
        return density / fraction;
    }
}
