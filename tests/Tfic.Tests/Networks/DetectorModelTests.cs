using Tfic.Networks;

namespace Tfic.Tests.Networks;

public sealed class DetectorModelTests
{
    private static readonly DetectorModel s_model = DetectorModel.Load(RandomModels.Detector(seed: 31));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(8, 8)]
    [InlineData(33, 17)]
    [InlineData(24, 40)]
    public void The_scores_are_those_of_the_network(int width, int height)
    {
        float[] grey = Picture(width, height);
        (float[] region, float[] affinity) = Score(grey, width, height);

        SafetensorsFile file = SafetensorsFile.Read(RandomModels.Detector(seed: 31));
        var x = new PlainTensor(1, (height + 7) / 8 * 8, (width + 7) / 8 * 8);
        for (int row = 0; row < x.Height; row++)
        {
            for (int column = 0; column < x.Width; column++)
                x[0, row, column] = 1.0 - grey[Math.Min(row, height - 1) * width + Math.Min(column, width - 1)];
        }

        PlainTensor Layer(PlainTensor input, string name, int stride = 1) => input.Convolve(file, name, stride).Relu();
        PlainTensor a = Layer(Layer(x, "conv0", 2), "conv1");
        PlainTensor b = Layer(a, "conv2", 2);
        b = b.Plus(Layer(b, "res0"));
        b = b.Plus(Layer(b, "res1"));
        PlainTensor c = Layer(b, "conv3", 2);
        c = c.Plus(Layer(c, "res2"));
        c = c.Plus(Layer(c, "res3"));
        PlainTensor d = Layer(c.Convolve(file, "up0").PixelShuffle(2).Plus(b).Relu(), "conv4");
        PlainTensor e = Layer(d.Convolve(file, "up1").PixelShuffle(2).Plus(a).Relu(), "conv5");
        PlainTensor scores = e.Convolve(file, "head");

        double largest = scores.Values.Max(Math.Abs);
        Assert.True(largest > 0.01);
        for (int row = 0; row < DetectorModel.MapSize(height); row++)
        {
            for (int column = 0; column < DetectorModel.MapSize(width); column++)
            {
                int at = row * DetectorModel.MapSize(width) + column;
                Assert.InRange(region[at] - scores[0, row, column], -1e-5 * largest, 1e-5 * largest);
                Assert.InRange(affinity[at] - scores[1, row, column], -1e-5 * largest, 1e-5 * largest);
            }
        }
    }

    [Theory]
    [InlineData(24, 300, 24 * 8)]
    [InlineData(40, 203, 40 * 56)]
    [InlineData(9, 1000, 1)]
    public void Bands_do_not_change_the_scores(int width, int height, int bandPixels)
    {
        float[] grey = Picture(width, height);
        (float[] region, float[] affinity) = Score(grey, width, height);
        float[] bandRegion = new float[region.Length], bandAffinity = new float[region.Length];
        s_model.Score(grey, width, height, new Workspace(), bandRegion, bandAffinity, bandPixels);
        Assert.Equal(region, bandRegion);
        Assert.Equal(affinity, bandAffinity);
    }

    [Fact]
    public void Threads_and_used_workspaces_do_not_change_the_scores()
    {
        var used = new Workspace(threads: 3);
        foreach ((int width, int height) in new[] { (100, 60), (3, 5), (64, 200) })
        {
            float[] grey = Picture(width, height);
            (float[] region, float[] affinity) = Score(grey, width, height);
            float[] again = new float[region.Length], affinityAgain = new float[region.Length];
            s_model.Score(grey, width, height, used, again, affinityAgain);
            Assert.Equal(region, again);
            Assert.Equal(affinity, affinityAgain);
        }
    }

    [Fact]
    public void Wrong_inputs_are_refused()
    {
        var map = new float[4];
        Assert.Throws<ArgumentOutOfRangeException>(() => s_model.Score(map, 0, 4, new Workspace(), map, map));
        Assert.Throws<ArgumentException>(() => s_model.Score(map, 5, 1, new Workspace(), map, map));
        Assert.Throws<ArgumentException>(() => s_model.Score(new float[25], 5, 5, new Workspace(), new float[9], map));
        Assert.Throws<ArgumentException>(() => s_model.Score(new float[25], 5, 5, new Workspace(), map, new float[9]));
    }

    [Fact]
    public void A_file_that_is_something_else_is_refused_with_the_reason()
    {
        static string MessageFor(Action<SafetensorsWriter> change) => Assert.Throws<TficFormatException>(
            () => DetectorModel.Load(RandomModels.Detector(1, change))).Message;

        Assert.Contains("detector model is needed", MessageFor(w => w.SetMetadata("tfic", "recogniser 1")));
        Assert.Contains("newer program", MessageFor(w => w.SetMetadata("tfic", "detector 2")));
        Assert.Contains("newer program", MessageFor(w => w.SetMetadata("profile", "craft")));
        Assert.Contains(
            "detector model is needed",
            Assert.Throws<TficFormatException>(() => DetectorModel.Load(RandomModels.Recogniser(1))).Message);
        Assert.Throws<TficFormatException>(() => DetectorModel.Load(new byte[100]));
    }

    private static (float[] Region, float[] Affinity) Score(float[] grey, int width, int height)
    {
        int size = DetectorModel.MapSize(width) * DetectorModel.MapSize(height);
        float[] region = new float[size], affinity = new float[size];
        s_model.Score(grey, width, height, new Workspace(), region, affinity);
        return (region, affinity);
    }

    private static float[] Picture(int width, int height) =>
        [.. RandomModels.Picture(width, height, 1, width + height).Samples.Select(sample => sample / 255f)];
}
