using Tfic.Networks;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Tests;

/// <summary>The exported integer prior against the TorchSharp network that it stands for.</summary>
public sealed class PriorExportTests : TorchTests
{
    private const int Rows = 8, Columns = 12, Channels = CompactCodecNetwork.LatentChannels;

    /// <summary>
    /// Means and scale indexes of both passes, from the same ẑ and the same decoded anchors. An 8-bit weight is off by
    /// at most 1/254 of its output's largest; the means here move over several units, the indexes over some tens of
    /// tables, which makes some hundredths and some tenths.
    /// </summary>
    [SkippableTheory]
    [InlineData(1)]
    [InlineData(2)]
    public void MeansAndScalesAreTheNetworks(int seed)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        CompactCodecNetwork network = Lively(seed, usesContext: true);
        Tensor quality = tensor(new[] { 4f });
        Tensor z = (randn(1, CompactCodecNetwork.HyperChannels, Rows / 4, Columns / 4) * 3).round();
        (Tensor inside0, Tensor inside1) = network.HS.Inner(z);
        Tensor features = network.HS.Features((inside0, inside1));
        Tensor parameters = network.HS.Parameters(features);
        Tensor isAnchor = ((arange(Rows).view(-1, 1) + arange(Columns)).remainder(2) == 0).to(ScalarType.Float32);

        // Decoded anchors: multiples of 1/64, such as integers can hold.
        Tensor decoded = (randn(1, Channels, Rows, Columns) * 2 * 64).round() / 64 * isAnchor;
        Tensor inner = network.Context.Inner(decoded, features);
        Tensor corrected = parameters + network.Context.call(decoded, features) * (1 - isAnchor);
        float[] maxima = [inside0.max().item<float>(), inside1.max().item<float>(), inner.max().item<float>()];
        (double origin, double step) = CompactCodecNetwork.IndexMap;
        float[] means = Interleaved(corrected.narrow(1, 0, Channels));
        float[] indexes = Interleaved(
            corrected.narrow(1, Channels, Channels) * step + origin
            + CompactCodecNetwork.AtQuality(network.ScaleOffset, quality));

        IntegerPrior prior = CodecExport.Prior(network, maxima);
        Assert.True(prior.HasContext);
        int[] hyper = Array.ConvertAll(Interleaved(z), v => (int)v);
        var latents = new int[Rows * Columns * Channels];
        var scales = new byte[latents.Length];
        var workspace = new IntegerPriorWorkspace();
        prior.Evaluate(hyper, Rows / 4, Columns / 4, 96, workspace, latents, scales);
        float[] anchors = Interleaved(decoded);
        var first = new int[latents.Length];
        (double meanSquares, double worstMean, double indexSquares, double worstIndex) = (0, 0, 0, 0);
        for (int i = 0; i < latents.Length; i++)
        {
            first[i] = latents[i];
            if (IsAnchor(i))
            {
                Compare(i);
                latents[i] = (int)(anchors[i] * 64);
            }
        }

        prior.EvaluateOthers(Rows, Columns, workspace, latents, scales);
        double moved = 0;
        for (int i = 0; i < latents.Length; i++)
        {
            if (IsAnchor(i))
                continue;
            Compare(i);
            moved = Math.Max(moved, Math.Abs(latents[i] - first[i]) / 64.0);
        }

        Assert.True(moved > 1, $"The context moves means by {moved} at most: the test would not see it missing.");

        // Rounding alone makes 1/222 and 0.29 in the root of the mean square, 1/128 and 0.5 at most.
        Assert.InRange(Math.Sqrt(meanSquares / latents.Length), 0.004, 0.04);
        Assert.InRange(worstMean, 0, 0.25);
        Assert.InRange(Math.Sqrt(indexSquares / latents.Length), 0.2, 0.45);
        Assert.InRange(worstIndex, 0.4, 2);

        void Compare(int i)
        {
            double error = Math.Abs((latents[i] / 64.0) - means[i]);
            meanSquares += error * error;
            worstMean = Math.Max(worstMean, error);
            error = Math.Abs(scales[i] - Math.Clamp(indexes[i], 0, 63));
            indexSquares += error * error;
            worstIndex = Math.Max(worstIndex, error);
        }

        static bool IsAnchor(int i) => ((i / Channels / Columns) + (i / Channels % Columns)) % 2 == 0;
    }

    /// <summary>
    /// The same latents cost about the same under the integers as under the floats, and something else without the
    /// context. Random weights know nothing of the pictures, so what a trained model loses is not seen here.
    /// </summary>
    [SkippableFact]
    public void TheCostOfIntegersIsMeasured()
    {
        using DisposeScope scope = NewDisposeScope();
        CompactCodecNetwork network = Lively(3, usesContext: true);
        Tensor[] pictures = [rand(2, 3, 64, 128), rand(1, 3, 128, 64)];
        float[] maxima = CodecExport.Calibrate(network, pictures);
        IReadOnlyList<PriorCost> costs = PriorCost.Measure(network, CodecExport.Prior(network, maxima), pictures);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], costs.Select(cost => (int)cost.Quality));
        Assert.All(costs, cost =>
        {
            Assert.True(cost.Float > 0 && cost.FloatWithTables > 0);
            Assert.InRange(cost.QuantisationLoss, -0.01, 0.01);
            Assert.NotEqual(cost.Integer, cost.IntegerWithoutContext);
        });
        Assert.Throws<ArgumentException>(() => PriorCost.Measure(network, CodecExport.Prior(network, maxima), []));
    }

    [SkippableFact]
    public void ANetworkWithoutContextExportsNone()
    {
        using DisposeScope scope = NewDisposeScope();
        CompactCodecNetwork network = Lively(4, usesContext: false);
        Tensor[] pictures = [rand(1, 3, 64, 64)];
        IntegerPrior prior = CodecExport.Prior(network, CodecExport.Calibrate(network, pictures));
        Assert.False(prior.HasContext);
        Assert.All(PriorCost.Measure(network, prior, pictures), cost =>
        {
            Assert.InRange(cost.QuantisationLoss, -0.01, 0.01);
            Assert.Equal(0, cost.ContextSaving);
        });
    }

    /// <summary>Random weights that give latents, means and scales something to do.</summary>
    private static CompactCodecNetwork Lively(int seed, bool usesContext)
    {
        random.manual_seed(seed);
        using IDisposable guard = no_grad();
        var network = new CompactCodecNetwork { UsesContext = usesContext };
        foreach (Convolution layer in new[] { network.HS.Layers[2], network.Context.Layers[2] })
            layer.Weight.mul_(3);
        network.eval();
        return network;
    }

    private static float[] Interleaved(Tensor planes) =>
        planes.permute(0, 2, 3, 1).contiguous().data<float>().ToArray();
}
