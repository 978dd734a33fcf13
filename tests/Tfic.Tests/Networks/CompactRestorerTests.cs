using Tfic.Imaging;
using Tfic.Networks;

namespace Tfic.Tests.Networks;

public sealed class CompactRestorerTests
{
    private static readonly CompactRestorer s_model = Load(31, blocks: 2, features: 5);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(8, 8)]
    [InlineData(7, 17)]
    [InlineData(40, 24)]
    [InlineData(33, 9)]
    public void It_computes_the_network(int width, int height)
    {
        float[] input = Noise(width, height);
        var output = new float[input.Length];
        s_model.Restore(input, width, height, new Workspace(), output, exact: true);

        // Blocks are whole: what a picture lacks is paper, which is no ink.
        int columns = (width + 7) / 8 * 8, rows = (height + 7) / 8 * 8;
        var ink = new PlainTensor(1, rows, columns);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
                ink.Values[y * columns + x] = 1 - input[y * width + x];
        }

        PlainTensor residual = Branches(ink.PixelUnshuffle(8).Convolve(s_model.File, "head").Relu(), "body", 2);
        residual = residual.Convolve(s_model.File, "up").Relu().PixelShuffle(2)
            .Plus(ink.PixelUnshuffle(4).Convolve(s_model.File, "skip"));
        residual = Branches(residual, "fine", 2).Convolve(s_model.File, "tail").PixelShuffle(4);
        Assert.True(residual.Values.Max(Math.Abs) > 1e-3);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                double expected = Math.Clamp(input[y * width + x] - residual[0, y, x], 0, 1);
                Assert.InRange(output[y * width + x], expected - 1e-5, expected + 1e-5);
            }
        }

        static PlainTensor Branches(PlainTensor x, string name, int count)
        {
            for (int i = 0; i < count; i++)
            {
                x = x.Plus(x.Convolve(s_model.File, $"{name}{i}.conv0").Relu()
                    .Convolve(s_model.File, $"{name}{i}.conv1"));
            }

            return x;
        }
    }

    [Theory]
    [InlineData(8, 8, false)]
    [InlineData(130, 75, false)]
    [InlineData(130, 75, true)]
    [InlineData(9, 170, true)]
    public void Tiles_and_threads_change_no_bit(int width, int height, bool narrow)
    {
        float[] input = Noise(width, height);
        var whole = new float[input.Length];
        s_model.Restore(input, width, height, new Workspace(), whole, 1000, narrow);
        Assert.True(whole.Distinct().Count() > 1);
        foreach (int threads in new[] { 1, 3 })
        {
            // A workspace that larger pictures have left full of other values.
            var workspace = new Workspace(threads);
            s_model.Restore(Noise(200, 180), 200, 180, workspace, new float[200 * 180], 1000, narrow);
            foreach (int tile in new[] { 1, 2, 3, 7, 1000 })
            {
                var output = new float[input.Length];
                s_model.Restore(input, width, height, workspace, output, tile, narrow);
                Assert.True(whole.AsSpan().SequenceEqual(output), $"tiles of {tile}");
            }

            var own = new float[input.Length];
            s_model.Restore(input, width, height, workspace, own, exact: !narrow);
            if (!narrow || RestorerModel.Narrow)
                Assert.Equal(whole, own);
        }
    }

    [Fact]
    public void In_bfloat16_it_is_nearly_the_same()
    {
        CompactRestorer model = Load(7, blocks: 6, features: 64);
        const int width = 72, height = 40;
        float[] input = [.. RandomModels.Picture(width, height, 1, seed: 9).Samples.Select(sample => sample / 255f)];
        float[] exact = new float[input.Length], narrow = new float[input.Length];
        model.Restore(input, width, height, new Workspace(), exact, 1000, narrow: false);
        model.Restore(input, width, height, new Workspace(), narrow, 1000, narrow: true);
        double noise = exact.Zip(narrow, (e, n) => ((double)e - n) * (e - n)).Sum();
        double signal = exact.Zip(input, (e, x) => ((double)e - x) * (e - x)).Sum();
        Assert.True(signal > 0.01);
        Assert.InRange(Math.Sqrt(noise / signal), 1e-6, 0.02);
    }

    // Parts that begin off the grid of blocks, that touch the edges, and one in the middle of a picture large enough for
    // the network not to see its edges from there.
    [Theory]
    [InlineData(0, 0, 150, 130)]
    [InlineData(0, 3, 1, 4)]
    [InlineData(71, 66, 79, 71)]
    [InlineData(149, 129, 150, 130)]
    public void A_part_is_what_the_whole_has_there(int left, int top, int right, int bottom)
    {
        var part = new Box(left, top, right, bottom);
        Picture picture = RandomModels.Picture(150, 130, 1, seed: 4);
        Picture whole = s_model.Restore(picture, new Workspace());
        Assert.Equal(whole.Crop(part).Samples, s_model.Restore(picture, part, new Workspace()).Samples);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void It_reaches_as_far_as_it_says(int blocks)
    {
        CompactRestorer model = Load(3, blocks, features: 4);
        int reach = model.Reach, size = 2 * reach + 24;
        float[] input = Noise(size, size), changed = [.. input];
        // The far corner of a block.
        int middle = size / 2 / 8 * 8 + 7;
        changed[middle * size + middle] = 1 - changed[middle * size + middle];
        float[] before = new float[input.Length], after = new float[input.Length];
        model.Restore(input, size, size, new Workspace(), before, exact: true);
        model.Restore(changed, size, size, new Workspace(), after, exact: true);
        int farthest = 0;
        for (int i = 0; i < before.Length; i++)
        {
            if (before[i] != after[i])
                farthest = Math.Max(farthest, Math.Max(Math.Abs(i % size - middle), Math.Abs(i / size - middle)));
        }

        Assert.Equal(reach, farthest);
    }

    [Fact]
    public void Depth_and_width_come_from_the_file() =>
        Assert.Equal((2, 5, "random 31", 8, false), (s_model.Depth, s_model.Features, s_model.Name, s_model.Grid, s_model.SeesPage));

    [Fact]
    public void A_file_that_is_something_else_is_refused_with_the_reason()
    {
        static string MessageFor(Action<SafetensorsWriter> change, int blocks = 1, int features = 4) =>
            Assert.Throws<TficFormatException>(
                () => RestorerModel.Load(RandomModels.CompactRestorer(1, blocks, features, change))).Message;

        Assert.Contains("restorer model is needed", MessageFor(w => w.SetMetadata("tfic", "codec 1")));
        Assert.Contains("newer program", MessageFor(w => w.SetMetadata("tfic", "restorer 2")));
        Assert.Contains("newer program", MessageFor(w => w.SetMetadata("input", "book")));
        Assert.Contains("blocks", MessageFor(_ => { }, blocks: 65, features: 1));

        // One block more, of which there is only the first layer.
        Assert.Contains("body1", MessageFor(w => w.AddFloat16("body1.conv0.weight", new float[4 * 4 * 9], 4, 4, 3, 3)));

        var empty = new SafetensorsWriter();
        empty.SetMetadata("tfic", "restorer 1");
        empty.SetMetadata("profile", "compact");
        empty.AddFloat16("tail", new float[1], 1);
        Assert.Contains("head.weight", Assert.Throws<TficFormatException>(() => RestorerModel.Load(empty.ToArray())).Message);

        byte[] whole = RandomModels.CompactRestorer(1, 1, 2);
        for (int length = 0; length < whole.Length; length += 1009)
            Assert.Throws<TficFormatException>(() => RestorerModel.Load(whole.AsMemory(0, length)));
    }

    private static CompactRestorer Load(int seed, int blocks, int features) =>
        Assert.IsType<CompactRestorer>(RestorerModel.Load(RandomModels.CompactRestorer(seed, blocks, features)));

    private static float[] Noise(int width, int height)
    {
        var random = new Random(width * 100 + height);
        return [.. Enumerable.Range(0, width * height).Select(_ => (float)random.NextDouble())];
    }
}
