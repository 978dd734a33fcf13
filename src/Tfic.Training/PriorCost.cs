using Tfic.Kernels.RangeCoding;
using Tfic.Networks;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training;

/// <summary>What the same latents cost under several priors, at one quality, in bits a pixel.</summary>
/// <param name="Quality">1 … 8.</param>
/// <param name="Float">
/// Under the network's own prior: Gaussians of its own means and scales, which no two machines compute alike.
/// </param>
/// <param name="FloatWithTables">
/// Under the network's own means and scales, each scale rounded to a table, and the tables of the export. A value far
/// from its mean may cost less than under the Gaussian, for the tables have escapes.
/// </param>
/// <param name="Integer">Under the exported integers and their tables, escapes included: what a file holds.</param>
/// <param name="IntegerWithoutContext">
/// The same without the context's layers, the other weights unchanged; as <paramref name="Integer"/> for a model without.
/// </param>
public sealed record PriorCost(
    double Quality, double Float, double FloatWithTables, double Integer, double IntegerWithoutContext)
{
    /// <summary>What integers and tables together cost more than floats, as a fraction.</summary>
    public double Loss => (Integer / Float) - 1;

    /// <summary>What integers alone cost more, in means and scale indexes, as a fraction.</summary>
    public double QuantisationLoss => (Integer / FloatWithTables) - 1;

    /// <summary>
    /// What the context saves, as a fraction of what its model costs without. A model that was trained without one may
    /// do better than this one with its context switched off.
    /// </summary>
    public double ContextSaving => 1 - (Integer / IntegerWithoutContext);

    /// <summary>Measures a network and its export on pictures, at qualities 1, 2, … 8.</summary>
    /// <param name="network">A trained network.</param>
    /// <param name="prior">Its export (<see cref="CodecExport.Prior"/>).</param>
    /// <param name="pictures">
    /// Batches [B, 3, H, W], 0 … 1, sides multiples of 64. They are gone through once; none of them is kept.
    /// </param>
    /// <returns>Eight rows.</returns>
    /// <exception cref="ArgumentException">There are no pictures.</exception>
    public static IReadOnlyList<PriorCost> Measure(
        CompactCodecNetwork network, IntegerPrior prior, IEnumerable<Tensor> pictures)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(prior);
        ArgumentNullException.ThrowIfNull(pictures);
        using IDisposable guard = no_grad();
        IntegerPrior without = prior.HasContext ? prior.WithoutContext() : prior;
        var coding = new LatentCoding();
        var symbols = new SymbolEncoder();
        var bits = new PriorCost[CompactCodecNetwork.QualityCount];
        for (int level = 0; level < bits.Length; level++)
            bits[level] = new PriorCost(level + 1, 0, 0, 0, 0);
        long pixels = 0;
        foreach (Tensor batch in pictures)
        {
            (long count, int height, int width) = (batch.shape[0], (int)batch.shape[2], (int)batch.shape[3]);
            pixels += count * height * width;
            var grid = new LatentGrid(width, height);
            for (int level = 0; level < bits.Length; level++)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor quality = full([count], level + 1.0);
                CompactCodecNetwork.Pass pass = network.Quantise(batch, quality);
                Tensor latent = network.Latent(batch, quality), hyper = network.HA.call(latent);
                (Tensor mean, Tensor index) = FloatPrior(network, latent, hyper, quality);
                float[] y = Interleaved(latent), z = Interleaved(hyper);
                PriorCost sum = bits[level];
                for (int n = 0; n < count; n++)
                {
                    double Bits(IntegerPrior by)
                    {
                        symbols.Clear();
                        coding.Encode(by, grid, 32 * level, Part(z, n), Part(y, n), symbols);
                        return symbols.InformationBits;
                    }

                    double integer = Bits(prior);
                    sum = sum with
                    {
                        Integer = sum.Integer + integer,
                        IntegerWithoutContext =
                            sum.IntegerWithoutContext + (prior.HasContext ? Bits(without) : integer),
                    };
                }

                bits[level] = sum with
                {
                    Float = sum.Float + (pass.LatentBits + pass.HyperBits).sum().item<float>(),
                    FloatWithTables = sum.FloatWithTables + HyperBits(prior, z)
                        + LatentBits(prior, y, Interleaved(mean), Interleaved(index)),
                };

                ReadOnlySpan<float> Part(float[] values, int n) =>
                    values.AsSpan((int)(n * (values.Length / count)), (int)(values.Length / count));
            }
        }

        if (pixels == 0)
            throw new ArgumentException("There are no pictures to measure on.", nameof(pictures));
        return
        [
            .. bits.Select(b => new PriorCost(
                b.Quality,
                b.Float / pixels,
                b.FloatWithTables / pixels,
                b.Integer / pixels,
                b.IntegerWithoutContext / pixels)),
        ];
    }

    /// <summary>The network's means and scale indexes, as <see cref="CompactCodecNetwork.Quantise"/> has them.</summary>
    private static (Tensor Mean, Tensor Index) FloatPrior(
        CompactCodecNetwork network, Tensor latent, Tensor hyper, Tensor quality)
    {
        const int Channels = CompactCodecNetwork.LatentChannels;
        Tensor features = network.HS.Features(hyper.round().clamp(sbyte.MinValue, sbyte.MaxValue));
        Tensor parameters = network.HS.Parameters(features);
        if (network.UsesContext)
        {
            Tensor anchors = CompactCodecNetwork.Anchors(latent.shape[2], latent.shape[3]);
            Tensor anchorMean = parameters.narrow(1, 0, Channels);
            Tensor known = ((latent - anchorMean).round() + anchorMean) * anchors;
            parameters = parameters + network.Context.call(known, features) * (1 - anchors);
        }

        (double origin, double step) = CompactCodecNetwork.IndexMap;
        Tensor index = parameters.narrow(1, Channels, Channels) * step + origin
            + CompactCodecNetwork.AtQuality(network.ScaleOffset, quality);
        return (parameters.narrow(1, 0, Channels), index);
    }

    private static double HyperBits(IntegerPrior prior, float[] z)
    {
        double bits = 0;
        for (int i = 0; i < z.Length; i++)
        {
            bits += prior.HyperTables.Bits(
                i % prior.HyperChannels, (int)Math.Clamp(MathF.Round(z[i]), sbyte.MinValue, sbyte.MaxValue));
        }

        return bits;
    }

    private static double LatentBits(IntegerPrior prior, float[] y, float[] mean, float[] index)
    {
        double bits = 0;
        for (int i = 0; i < y.Length; i++)
        {
            int table = (int)Math.Clamp(MathF.Round(index[i]), 0, IntegerPrior.Scales - 1);
            bits += prior.LatentTables.Bits(table, (int)MathF.Round(y[i] - mean[i]));
        }

        return bits;
    }

    private static float[] Interleaved(Tensor planes) => ModelFile.Values(planes.permute(0, 2, 3, 1));
}
