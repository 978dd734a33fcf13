using System.Globalization;
using Tfic.Kernels.RangeCoding;

namespace Tfic.Networks.TinyLic;

/// <summary>
/// The factorised prior (Ballé et al. 2018, appendix 6.1) as CompressAI keeps it: a learned cumulative distribution a
/// channel, and three learned quantiles that tell where its tables begin, where its middle is and where they end.
/// </summary>
internal sealed class FactorisedPrior
{
    private static readonly int[] Widths = [1, 3, 3, 3, 3, 1];

    /// <summary>Loads the prior; makes its tables where they are not stored.</summary>
    /// <exception cref="TficFormatException">Weights are missing, of another shape, or no distributions.</exception>
    public FactorisedPrior(PublishedWeights weights, string name, int channels)
    {
        Medians = new float[channels];
        if (weights.AreDrawn)
        {
            // Any distribution serves.
            Tables = PublishedTables.Gaussian([.. Enumerable.Repeat(2f, channels)]);
            return;
        }

        float[] quantiles = weights.Float(name + ".quantiles", channels, 1, 3);
        for (int c = 0; c < channels; c++)
            Medians[c] = quantiles[3 * c + 1];
        Tables = PublishedTables.Read(weights, name) ?? Make(weights, name, quantiles);
        if (Tables.Count != channels)
            throw new TficFormatException($"The factorised prior has {Tables.Count} tables for {channels} channels.");
    }

    /// <summary>Middle of each channel's distribution, around which values are rounded.</summary>
    public float[] Medians { get; }

    /// <summary>A table for each channel, of rounded values less the median.</summary>
    public FrequencyTables Tables { get; }

    private static FrequencyTables Make(PublishedWeights weights, string name, float[] quantiles)
    {
        int channels = quantiles.Length / 3;
        float[][] matrices = new float[Widths.Length - 1][], biases = new float[Widths.Length - 1][];
        float[][] factors = new float[Widths.Length - 2][];
        for (int i = 0; i < matrices.Length; i++)
        {
            (int to, int from) = (Widths[i + 1], Widths[i]);
            matrices[i] = Part("matrix", "matrices", i, channels, to, from);
            for (int j = 0; j < matrices[i].Length; j++)
                matrices[i][j] = (float)Math.Log(1 + Math.Exp(matrices[i][j]));
            biases[i] = Part("bias", "biases", i, channels, to, 1);
            if (i < factors.Length)
                factors[i] = Array.ConvertAll(Part("factor", "factors", i, channels, to, 1), MathF.Tanh);
        }

        int[] below = new int[channels], lengths = new int[channels];
        for (int c = 0; c < channels; c++)
        {
            float median = quantiles[3 * c + 1];
            double first = Math.Max(0, Math.Ceiling(median - quantiles[3 * c]));
            double length = first + Math.Max(0, Math.Ceiling(quantiles[3 * c + 2] - median)) + 1;
            if (length > FrequencyTables.Total - 2)
                throw new TficFormatException($"The quantiles of channel {c} of the factorised prior are too far apart.");
            (below[c], lengths[c]) = ((int)first, (int)length);
        }

        int longest = lengths.Max();
        var rows = new List<(int, float[], float)>();
        for (int c = 0; c < channels; c++)
        {
            double start = quantiles[3 * c + 1] - below[c];
            var mass = new float[lengths[c]];
            for (int i = 0; i < mass.Length; i++)
            {
                // Both ends are taken where the sigmoids are small, so that the difference keeps its digits.
                double low = Logits(c, start + i - 0.5), high = Logits(c, start + i + 0.5);
                mass[i] = (float)(low + high > 0 ? Sigmoid(-low) - Sigmoid(-high) : Sigmoid(high) - Sigmoid(low));
            }

            // As in CompressAI, what is beyond the longest row counts as a row's upper tail.
            double tail = Sigmoid(Logits(c, start - 0.5)) + Sigmoid(-Logits(c, start + longest - 0.5));
            rows.Add((-below[c], mass, (float)tail));
        }

        try
        {
            return PublishedTables.Of(rows);
        }
        catch (ArgumentException e)
        {
            throw new TficFormatException($"The factorised prior has no distributions: {e.Message}", inner: e);
        }

        // Before CompressAI 1.2 these were lists of parameters.
        float[] Part(string single, string list, int i, params ReadOnlySpan<int> shape)
        {
            string number = i.ToString(CultureInfo.InvariantCulture), old = $"{name}._{list}.{number}";
            return weights.Float(weights.Has(old) ? old : $"{name}._{single}{number}", shape);
        }

        double Logits(int channel, double value)
        {
            double[] layer = [value];
            for (int i = 0; i < matrices.Length; i++)
            {
                var next = new double[Widths[i + 1]];
                for (int to = 0; to < next.Length; to++)
                {
                    int row = channel * next.Length + to;
                    double sum = biases[i][row];
                    for (int from = 0; from < layer.Length; from++)
                        sum += matrices[i][row * layer.Length + from] * layer[from];
                    next[to] = i < factors.Length ? sum + factors[i][row] * Math.Tanh(sum) : sum;
                }

                layer = next;
            }

            return layer[0];
        }

        static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
    }
}
