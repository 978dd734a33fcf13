using Tfic.Imaging;
using Tfic.Networks;
using Tfic.Synthesis;
using Tfic.Training.Data;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Tests;

public sealed class DetectorTests : TorchTests
{
    [SkippableFact]
    public void TargetsPeakOnCharactersAndOnTheLinksBetweenThem()
    {
        // Two words of two and of one character, 8 pixels high.
        var page = new Page(
            new Picture(64, 32, 1),
            [
                new PageLine("ab c", new Box(8, 8, 42, 16),
                [
                    new PageWord("ab", new Box(8, 8, 24, 16)) { Characters = [new(8, 8, 15, 16), new(17, 10, 24, 16)] },
                    new PageWord("c", new Box(34, 8, 42, 16)) { Characters = [new(34, 8, 42, 16)] },
                ]),
            ],
            20, "");
        float[] region = new float[32 * 16], affinity = new float[32 * 16];
        Array.Fill(region, 7f);
        DetectorTargets.Draw(page, region, affinity);

        // Rows 8…15 have their middle at 5.5 of the map, columns 8…15 theirs at 5.5, and so on.
        float Region(int x) => Math.Max(region[5 * 32 + x], region[6 * 32 + x]);
        float Affinity(int x) => Math.Max(affinity[5 * 32 + x], affinity[6 * 32 + x]);
        Assert.True(Math.Max(Region(5), Region(6)) > 0.8 && Math.Max(Region(9), Region(10)) > 0.8);
        Assert.True(Math.Max(Region(18), Region(19)) > 0.8);
        Assert.True(Math.Max(Affinity(7), Affinity(8)) > 0.7);
        Assert.True(Affinity(14) < 0.05 && Region(14) < 0.1);
        Assert.InRange(Region(4), 0.3f, 0.7f);
        Assert.All(Enumerable.Range(0, 32), x => Assert.True(region[x] < 0.05 && region[15 * 32 + x] < 0.05));
        Assert.InRange(region.Max(), 0.8f, 1f);
    }

    [SkippableFact]
    public void TheLossLooksAtTextAndAtTheWorstOfTheRest()
    {
        using DisposeScope scope = NewDisposeScope();
        var target = new float[2 * 16 * 16];
        target[5] = target[300] = 1;
        var scores = new float[target.Length];
        scores[5] = 0.5f;
        scores[100] = 1;
        Tensor loss = DetectorTrainer.Loss(tensor(scores, [1, 2, 16, 16]), tensor(target, [1, 2, 16, 16]));

        // Two positives, off by 0.5 and 1, and eight others (a 64th of all; six would be three times two), one of them by 1.
        Assert.Equal((0.25 + 1 + 1) / 10, loss.item<float>(), 5);
    }

    [SkippableTheory]
    [InlineData(64, 40)]
    [InlineData(72, 96)]
    public void TheExportedNetworkGivesTheSameScores(int width, int height)
    {
        using DisposeScope scope = NewDisposeScope();
        random.manual_seed(3);
        var network = new CompactDetectorNetwork();
        for (int i = 0; i < 3; i++)
            network.call(rand(2, 1, 32, 32));
        network.eval();
        byte[] file = DetectorExport.ToFile(network, new Dictionary<string, string> { ["name"] = "test" });
        Assert.Equal("test", DetectorModel.Load(file).Name);
        ShippedModelTests.AssertSameScores(file, width, height);
    }

    [SkippableFact]
    public void TheNetworkStaysWithinItsMultipliesPerPixel()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new CompactDetectorNetwork();
        static int StrideOf(string name) => name switch
        {
            "conv0" or "conv1" or "conv5" or "head" => 2,
            "conv3" or "res2" or "res3" or "up0" => 8,
            _ => 4,
        };
        double perPixel = network.Normalised.Sum(
            layer => layer.Layer.Convolution.Weight.numel() / Math.Pow(StrideOf(layer.Name), 2))
            + network.Head.Weight.numel() / 4.0;
        Assert.InRange(perPixel, 10_000, 11_500);
    }

    [SkippableFact]
    public void TwoStepsOfTrainingRun()
    {
        FontSet fonts = FontSet.Installed();
        Skip.If(new[] { Split.Train, Split.Validation }.Any(split => fonts.Split(split).Fonts.IsEmpty), "Too few fonts.");
        using DisposeScope scope = NewDisposeScope();
        string folder = Directory.CreateTempSubdirectory("tfic-detector-").FullName;
        try
        {
            WordList words = WordList.From(Enumerable.Range(0, 200).Select(i => $"word{(char)('a' + i % 26)}{(char)('a' + i / 26)}"));
            var options = new DetectorTrainingOptions { Output = folder, Steps = 2, Batch = 1, BFloat16 = false };
            (CompactDetectorNetwork network, RunState state) =
                DetectorTrainer.Train(options, fonts, words, CancellationToken.None);
            Assert.Equal(2, state.Step);
            Assert.False(network.training);
            Assert.Contains("validation precision", File.ReadAllText(Path.Combine(folder, "log.tsv")), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
