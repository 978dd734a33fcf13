using Tfic.Imaging;
using Tfic.Kernels.BFloat16Convolution;
using Tfic.Kernels.QuantisedConvolution;
using Tfic.Networks;

namespace Tfic.Tests.Networks;

public sealed class DnCnnRestorerTests
{
    private static readonly DnCnnRestorer s_model = Load(31, depth: 5, features: 6);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 9)]
    [InlineData(2, 3)]
    [InlineData(40, 1)]
    [InlineData(23, 37)]
    public void It_computes_the_network(int width, int height)
    {
        float[] input = Noise(width, height);
        var output = new float[input.Length];
        s_model.Restore(input, width, height, new Workspace(), output, exact: true);

        PlainTensor x = PlainTensor.FromInterleaved(input, 1, height, width);
        for (int i = 0; i < s_model.Depth; i++)
        {
            x = x.Convolve(s_model.File, $"conv{i}");
            x = i < s_model.Depth - 1 ? x.Relu() : x;
        }

        Assert.True(x.Values.Max(Math.Abs) > 1e-3);
        for (int i = 0; i < output.Length; i++)
        {
            double expected = Math.Clamp(input[i] - x.Values[i], 0, 1);
            Assert.InRange(output[i], expected - 1e-6, expected + 1e-6);
        }
    }

    // Strips narrower than their margins and bands of one row are the hardest; 100 and 100 are the whole at once.
    [Theory]
    [InlineData(17, 23, nameof(DnCnnRestorer.Precision.Float32))]
    [InlineData(17, 23, nameof(DnCnnRestorer.Precision.BFloat16))]
    [InlineData(64, 5, nameof(DnCnnRestorer.Precision.Float32))]
    [InlineData(5, 64, nameof(DnCnnRestorer.Precision.BFloat16))]
    [InlineData(3, 2, nameof(DnCnnRestorer.Precision.Float32))]
    [InlineData(3, 2, nameof(DnCnnRestorer.Precision.BFloat16))]
    [InlineData(1, 1, nameof(DnCnnRestorer.Precision.Float32))]
    [InlineData(1, 1, nameof(DnCnnRestorer.Precision.BFloat16))]
    public void Bands_strips_and_threads_change_no_bit(int width, int height, string precisionName)
    {
        var precision = Enum.Parse<DnCnnRestorer.Precision>(precisionName);
        float[] input = Noise(width, height);
        var whole = new float[input.Length];
        s_model.Restore(input, width, height, new Workspace(), whole, 100, 100, precision);
        Assert.True(input.Length == 1 || whole.Distinct().Count() > 1);
        foreach (int threads in new[] { 1, 3 })
        {
            var workspace = new Workspace(threads);
            foreach (int strip in new[] { 1, 2, 7, 100 })
            {
                foreach (int band in new[] { 1, 2, 3, 4, 5, 6, 8, 22, 23, 100 })
                {
                    var output = new float[input.Length];
                    s_model.Restore(input, width, height, workspace, output, strip, band, precision);
                    Assert.True(whole.AsSpan().SequenceEqual(output), $"strips of {strip}, bands of {band}");
                }
            }

            var own = new float[input.Length];
            s_model.Restore(input, width, height, workspace, own, exact: precision == DnCnnRestorer.Precision.Float32);
            if (precision == DnCnnRestorer.Precision.Float32 || BFloat16Conv2d.Variants.PickedName == BFloat16Conv2d.MatrixRow)
                Assert.Equal(whole, own);
        }
    }

    // A row's scale is that of the whole row, so strips matter, bands and threads do not.
    [Theory]
    [InlineData(17, 23)]
    [InlineData(64, 5)]
    [InlineData(3, 2)]
    [InlineData(1, 1)]
    public void In_8_bits_bands_and_threads_change_no_bit(int width, int height)
    {
        float[] input = Noise(width, height);
        var whole = new float[input.Length];
        s_model.Restore(input, width, height, new Workspace(), whole, 100, 100, DnCnnRestorer.Precision.Int8);
        Assert.True(input.Length == 1 || whole.Distinct().Count() > 1);
        foreach (int threads in new[] { 1, 3 })
        {
            var workspace = new Workspace(threads);
            foreach (int band in new[] { 1, 2, 3, 4, 5, 8, 22, 23, 100 })
            {
                var output = new float[input.Length];
                s_model.Restore(input, width, height, workspace, output, 100, band, DnCnnRestorer.Precision.Int8);
                Assert.True(whole.AsSpan().SequenceEqual(output), $"bands of {band}");
            }
        }
    }

    [SkippableFact]
    public void It_runs_in_8_bits_where_that_is_wanted()
    {
        Skip.IfNot(
            QuantisedConv2d.Variants.PickedName != QuantisedConv2d.Variants.Reference.Name,
            "Nothing here is faster in 8 bits than the reference.");
        float[] input = Noise(17, 23), expected = new float[input.Length], output = new float[input.Length];
        DnCnnRestorer model = s_model.InBytes();
        model.Restore(input, 17, 23, new Workspace(), output);
        s_model.Restore(input, 17, 23, new Workspace(), expected, 100, 100, DnCnnRestorer.Precision.Int8);
        Assert.Equal(expected, output);
        Assert.Equal((5, 1, false), (model.Reach, model.Grid, s_model.UsesBytes));
        s_model.Restore(input, 17, 23, new Workspace(), output);
        Assert.NotEqual(expected, output);
    }

    [Theory]
    [InlineData(3, 64, nameof(DnCnnRestorer.Precision.BFloat16), 0.05)]
    [InlineData(6, 5, nameof(DnCnnRestorer.Precision.BFloat16), 0.05)]
    [InlineData(3, 64, nameof(DnCnnRestorer.Precision.Int8), 0.05)]
    [InlineData(6, 5, nameof(DnCnnRestorer.Precision.Int8), 0.05)]
    public void In_few_bits_it_is_nearly_the_same(int depth, int features, string precisionName, double most)
    {
        var precision = Enum.Parse<DnCnnRestorer.Precision>(precisionName);
        DnCnnRestorer model = Load(7, depth, features);
        const int width = 40, height = 30;
        float[] input = [.. RandomModels.Picture(width, height, 1, seed: 9).Samples.Select(sample => sample / 255f)];
        float[] exact = new float[input.Length], narrow = new float[input.Length];
        model.Restore(input, width, height, new Workspace(), exact, 100, 100, DnCnnRestorer.Precision.Float32);
        model.Restore(input, width, height, new Workspace(), narrow, 100, 100, precision);
        double noise = exact.Zip(narrow, (e, n) => ((double)e - n) * (e - n)).Sum();
        double signal = exact.Zip(input, (e, x) => ((double)e - x) * (e - x)).Sum();
        Assert.True(signal > 0.01);
        Assert.InRange(Math.Sqrt(noise / signal), 1e-6, most);
    }

    // What is drawn from a part rounds to samples; here every bit counts.
    [Theory]
    [InlineData(20, 24, 39, 36)]
    [InlineData(24, 0, 25, 1)]
    [InlineData(4, 20, 70, 23)]
    public void As_far_as_it_reaches_decides_every_bit(int left, int top, int right, int bottom)
    {
        const int width = 70, height = 61;
        float[] input = Noise(width, height), whole = new float[input.Length];
        s_model.Restore(input, width, height, new Workspace(), whole);
        Box all = new(0, 0, width, height), part = new(left, top, right, bottom);
        Box near = part.Enlarge(s_model.Reach, s_model.Reach).Intersect(all);
        int x0 = near.Left / s_model.Grid * s_model.Grid, y0 = near.Top / s_model.Grid * s_model.Grid;
        int columns = near.Right - x0, rows = near.Bottom - y0;
        Assert.True(columns * rows < input.Length);
        float[] seen = [.. Enumerable.Range(0, columns * rows)
            .Select(i => input[(y0 + i / columns) * width + x0 + i % columns])];
        var output = new float[seen.Length];
        s_model.Restore(seen, columns, rows, new Workspace(), output);
        for (int y = top; y < bottom; y++)
        {
            Assert.Equal(
                whole.AsSpan(y * width + left, right - left), output.AsSpan((y - y0) * columns + left - x0, right - left));
        }
    }

    [Fact]
    public void Pictures_are_rounded_to_samples()
    {
        Picture picture = RandomModels.Picture(30, 21, 1, seed: 4);
        byte[] before = [.. picture.Samples];
        Picture restored = s_model.Restore(picture, new Workspace());
        Assert.Equal((30, 21, 1), (restored.Width, restored.Height, restored.Channels));
        Assert.Equal(before, picture.Samples);

        var output = new float[before.Length];
        s_model.Restore([.. before.Select(b => b / 255f)], 30, 21, new Workspace(), output);
        Assert.Equal(output.Select(v => (byte)Math.Round(255 * v)), restored.Samples);
    }

    // The picture is larger than what a part of it sees.
    [Theory]
    [InlineData(0, 0, 70, 61)]
    [InlineData(0, 3, 1, 4)]
    [InlineData(32, 29, 39, 36)]
    [InlineData(35, 30, 36, 31)]
    [InlineData(68, 60, 70, 61)]
    public void A_part_is_what_the_whole_has_there(int left, int top, int right, int bottom)
    {
        var part = new Box(left, top, right, bottom);
        Picture picture = RandomModels.Picture(70, 61, 1, seed: 4);
        Picture whole = s_model.Restore(picture, new Workspace());
        Assert.Equal(whole.Crop(part).Samples, s_model.Restore(picture, part, new Workspace()).Samples);
    }

    [Fact]
    public void Depth_and_width_come_from_the_file()
    {
        DnCnnRestorer model = Load(1, depth: 2, features: 3);
        Assert.Equal((2, 3, "random 1"), (model.Depth, model.Features, model.Name));
    }

    [Fact]
    public void Wrong_inputs_are_refused()
    {
        var workspace = new Workspace();
        var plane = new float[12];
        Assert.Throws<ArgumentException>(() => s_model.Restore(plane, 4, 4, workspace, new float[16]));
        Assert.Throws<ArgumentException>(() => s_model.Restore(plane, 3, 4, workspace, new float[11]));
        Assert.Throws<ArgumentException>(() => s_model.Restore(plane, 3, 4, workspace, plane));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_model.Restore(plane, 0, 4, workspace, new float[12]));
        Assert.Throws<ArgumentException>(() => s_model.Restore(new Picture(2, 2, 3), workspace));
        Assert.Throws<ArgumentException>(() => s_model.Restore(new Picture(2, 2, 1), new Box(0, 0, 3, 2), workspace));
        Assert.Throws<ArgumentException>(() => s_model.Restore(new Picture(2, 2, 1), new Box(1, 0, 1, 2), workspace));
    }

    [Fact]
    public void A_file_that_is_something_else_is_refused_with_the_reason()
    {
        static string MessageFor(Action<SafetensorsWriter> change, int depth = 3) => Assert.Throws<TficFormatException>(
            () => RestorerModel.Load(RandomModels.Restorer(1, depth, 4, change))).Message;

        Assert.Contains("restorer model is needed", MessageFor(w => w.SetMetadata("tfic", "codec 1")));
        Assert.Contains("newer program", MessageFor(w => w.SetMetadata("tfic", "restorer 2")));
        Assert.Contains("newer program", MessageFor(w => w.SetMetadata("profile", "unet")));
        Assert.Contains("layers", MessageFor(_ => { }, depth: 65));

        // One layer more: what was the last then has too few channels.
        Assert.Contains("conv2.weight", MessageFor(w =>
        {
            w.AddFloat16("conv3.weight", new float[4 * 9], 1, 4, 3, 3);
            w.AddFloat16("conv3.bias", new float[1], 1);
        }));

        static byte[] Only(string name, params int[] shape)
        {
            var writer = new SafetensorsWriter();
            writer.SetMetadata("tfic", "restorer 1");
            writer.SetMetadata("profile", "dncnn");
            writer.AddFloat16(name, new float[shape.Aggregate(1, (a, b) => a * b)], shape);
            writer.AddFloat16("conv1.weight", new float[9], 1, 1, 3, 3);
            return writer.ToArray();
        }

        Assert.Contains("layers", Assert.Throws<TficFormatException>(() => RestorerModel.Load(Only("x", 1))).Message);
        Assert.Contains("channels", Assert.Throws<TficFormatException>(
            () => RestorerModel.Load(Only("conv0.weight", 1025, 1, 3, 3))).Message);
        Assert.Contains("channels", Assert.Throws<TficFormatException>(
            () => RestorerModel.Load(Only("conv0.weight", 0, 1, 3, 3))).Message);
        Assert.Contains("channels", Assert.Throws<TficFormatException>(
            () => RestorerModel.Load(Only("conv0.weight"))).Message);
        Assert.Contains("conv0.weight", Assert.Throws<TficFormatException>(
            () => RestorerModel.Load(Only("conv0.weight", 2, 1, 5, 5))).Message);
        Assert.Contains("conv0.bias", Assert.Throws<TficFormatException>(
            () => RestorerModel.Load(Only("conv0.weight", 2, 1, 3, 3))).Message);

        byte[] whole = RandomModels.Restorer(1, 3, 4);
        for (int length = 0; length < whole.Length; length += 37)
            Assert.Throws<TficFormatException>(() => RestorerModel.Load(whole.AsMemory(0, length)));
    }

    private static DnCnnRestorer Load(int seed, int depth, int features) =>
        Assert.IsType<DnCnnRestorer>(RestorerModel.Load(RandomModels.Restorer(seed, depth, features)));

    private static float[] Noise(int width, int height)
    {
        var random = new Random(width * 100 + height);
        return [.. Enumerable.Range(0, width * height).Select(_ => (float)random.NextDouble())];
    }
}
