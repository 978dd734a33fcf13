using Tfic.Imaging;
using Tfic.Networks;

namespace Tfic.Tests.Networks;

public sealed class CompactCodecTests
{
    private static readonly SafetensorsFile s_file = RandomModels.CodecTransforms(seed: 11);
    private static readonly CompactCodec s_codec = new(s_file);

    [Fact]
    public void The_transforms_are_the_networks_they_stand_for()
    {
        const int width = 70, height = 45;
        Picture picture = RandomModels.Picture(width, height, 3, seed: 1);
        var workspace = new Workspace();
        (int columns, int rows) = CompactCodec.LatentSize(width, height);
        var y = new float[rows * columns * 96];
        s_codec.Analysis(picture, workspace, y, narrow: false);
        PlainTensor expectedY = PlainAnalysis(picture, columns * 16, rows * 16);
        AssertNear(expectedY, PlainTensor.FromInterleaved(y, 96, rows, columns), 1e-5);

        var z = new float[rows / 4 * (columns / 4) * 32];
        s_codec.HyperAnalysis(y, columns, rows, workspace, z);
        PlainTensor expectedZ = expectedY.Convolve(s_file, "h_a.conv0", 2).Relu().Convolve(s_file, "h_a.conv1", 2);
        AssertNear(expectedZ, PlainTensor.FromInterleaved(z, 32, rows / 4, columns / 4), 1e-5);

        // Scaled so that the picture lies in 0…1 for the most part: clamped values would compare nothing.
        float[] latent = [.. y.Select(v => v * 0.2f)];
        Picture output = s_codec.Synthesis(latent, width, height, workspace);
        PlainTensor expected = PlainSynthesis(PlainTensor.FromInterleaved(latent, 96, rows, columns));
        int inside = 0;
        for (int i = 0; i < output.Samples.Length; i++)
        {
            double value = 255 * expected[i % 3, i / 3 / width, i / 3 % width];
            inside += value is > 1 and < 254 ? 1 : 0;
            Assert.InRange(output.Samples[i], Math.Clamp(value, 0, 255) - 0.501, Math.Clamp(value, 0, 255) + 0.501);
        }

        Assert.True(inside > output.Samples.Length / 10, $"Only {inside} samples are not clamped.");
    }

    /// <summary>
    /// By the reference rows, which stand for the others (<see cref="Kernels.EquivalenceTests"/>) and run everywhere.
    /// </summary>
    [Fact]
    public void Fewer_bits_move_y_by_less_than_a_fiftieth()
    {
        foreach ((int width, int height, int channels) in new[] { (70, 45, 3), (64, 64, 1), (1, 1, 3) })
        {
            Picture picture = RandomModels.Picture(width, height, channels, seed: 5);
            (int columns, int rows) = CompactCodec.LatentSize(width, height);
            float[] expected = new float[rows * columns * 96], narrow = new float[expected.Length];
            s_codec.Analysis(picture, new Workspace(), expected, narrow: false);
            s_codec.Analysis(picture, new Workspace(), narrow, narrow: true);
            double signal = expected.Sum(value => (double)value * value);
            double noise = expected.Zip(narrow, (e, n) => ((double)e - n) * (e - n)).Sum();
            Assert.InRange(Math.Sqrt(noise / signal), 1e-6, 0.02);

            var again = new float[expected.Length];
            s_codec.Analysis(picture, new Workspace(threads: 3), again, narrow: true);
            Assert.Equal(narrow, again);
        }
    }

    [Fact]
    public void Any_size_passes_and_gives_the_same_twice()
    {
        // One workspace for all sizes, growing and shrinking: what it held before must not matter.
        var workspace = new Workspace();
        for (int i = 0; i < 14; i++)
        {
            int width = 1 + i * 37 % 130, height = 1 + i * 53 % 130;
            Picture picture = RandomModels.Picture(width, height, 1 + i % 2 * 2, seed: i);
            (float[] y, float[] z, Picture output) = RunAll(picture, workspace);
            Assert.True(y.All(float.IsFinite) && z.All(float.IsFinite));
            Assert.Equal((width, height, 3), (output.Width, output.Height, output.Channels));

            (float[] y2, float[] z2, Picture output2) = RunAll(picture, new Workspace(threads: 1 + i % 3));
            Assert.Equal(y, y2);
            Assert.Equal(z, z2);
            Assert.Equal(output.Samples, output2.Samples);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 130)]
    [InlineData(130, 1)]
    [InlineData(64, 64)]
    [InlineData(65, 63)]
    [InlineData(128, 129)]
    public void Sizes_around_the_padding_pass(int width, int height)
    {
        (float[] y, float[] z, Picture output) = RunAll(
            RandomModels.Picture(width, height, 3, seed: 9), new Workspace());
        int blocks = (width + 63) / 64 * ((height + 63) / 64);
        Assert.Equal(blocks * 16 * 96, y.Length);
        Assert.Equal(blocks * 32, z.Length);
        Assert.Equal(width * height * 3, output.Samples.Length);
        Assert.Contains(y, v => v != 0);
    }

    [Fact]
    public void Padding_repeats_the_edge()
    {
        Picture small = RandomModels.Picture(50, 37, 3, seed: 3);
        var padded = new Picture(64, 64, 3);
        for (int i = 0; i < padded.Samples.Length; i++)
        {
            int x = Math.Min(i / 3 % 64, 49), y = Math.Min(i / 3 / 64, 36);
            padded.Samples[i] = small.Samples[(y * 50 + x) * 3 + i % 3];
        }

        Assert.Equal(RunAll(padded, new Workspace()).Y, RunAll(small, new Workspace()).Y);
    }

    [Fact]
    public void Grey_is_read_as_three_equal_channels()
    {
        Picture grey = RandomModels.Picture(33, 20, 1, seed: 3);
        var rgb = new Picture(33, 20, 3, [.. grey.Samples.SelectMany(v => new[] { v, v, v })]);
        Assert.Equal(RunAll(rgb, new Workspace()).Y, RunAll(grey, new Workspace()).Y);
    }

    [Fact]
    public void Gains_are_the_stored_powers_and_interpolate_their_logarithms()
    {
        float[] log = s_file.Float("gain_log2", 8, 96);
        float[] gain = new float[96];
        for (int q = 1; q <= 8; q++)
        {
            s_codec.Gain(q, gain);
            for (int c = 0; c < 96; c++)
                Assert.Equal(Math.Pow(2, log[(q - 1) * 96 + c]), gain[c], 1e-6);
        }

        s_codec.Gain(3.25, gain);
        for (int c = 0; c < 96; c++)
            Assert.Equal(Math.Pow(2, 0.75 * log[2 * 96 + c] + 0.25 * log[3 * 96 + c]), gain[c], 1e-6);
        float[] top = new float[96];
        s_codec.Gain(99, gain);
        s_codec.Gain(8, top);
        Assert.Equal(top, gain);
    }

    [Fact]
    public void Scaling_multiplies_each_channel()
    {
        float[] plane = [.. Enumerable.Range(0, 3 * 19).Select(i => (float)i)];
        float[] factors = [.. Enumerable.Range(0, 19).Select(i => i - 3.5f)];
        float[] expected = [.. plane.Select((v, i) => v * factors[i % 19])];
        CompactCodec.Scale(plane, factors);
        Assert.Equal(expected, plane);
    }

    [Fact]
    public void Sizes_that_cannot_be_computed_are_refused_before_memory_is_taken()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => CompactCodec.LatentSize(0, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => CompactCodec.HyperSize(int.MaxValue, int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => CompactCodec.LatentSize(30_000, 30_000));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_codec.Synthesis([], 60_000, 60_000, new Workspace()));
        Assert.Equal((1600, 1600), CompactCodec.LatentSize(25_600, 25_600));
        Assert.Throws<ArgumentException>(() => s_codec.Synthesis(new float[95], 1, 1, new Workspace()));
        Assert.Throws<ArgumentException>(
            () => s_codec.Analysis(new Picture(1, 1, 3), new Workspace(), new float[16 * 96 - 1]));
    }

    [Fact]
    public void Nothing_but_the_picture_is_allocated_after_warming_up()
    {
        Picture picture = RandomModels.Picture(100, 50, 3, seed: 3), output = new(100, 50, 3);
        var workspace = new Workspace();
        (int columns, int rows) = CompactCodec.LatentSize(100, 50);
        float[] y = new float[rows * columns * 96], z = new float[rows * columns * 2];
        void Run()
        {
            s_codec.Analysis(picture, workspace, y);
            s_codec.HyperAnalysis(y, columns, rows, workspace, z);
            s_codec.Synthesis(y, workspace, output);
        }

        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData("g_a.conv0.weight")]
    [InlineData("g_s.res2.conv1.bias")]
    [InlineData("gain_log2")]
    public void A_missing_tensor_is_named(string name)
    {
        var writer = new SafetensorsWriter();
        foreach (StoredTensor tensor in s_file.Tensors.Values.Where(t => t.Name != name))
            writer.Add(tensor.Name, tensor.Type, tensor.Bytes.Span, tensor.Shape);
        var e = Assert.Throws<TficFormatException>(() => new CompactCodec(SafetensorsFile.Read(writer.ToArray())));
        Assert.Contains(name, e.Message, StringComparison.Ordinal);
    }

    private static (float[] Y, float[] Z, Picture Output) RunAll(Picture picture, Workspace workspace)
    {
        (int columns, int rows) = CompactCodec.LatentSize(picture.Width, picture.Height);
        var y = new float[rows * columns * 96];
        s_codec.Analysis(picture, workspace, y);
        var z = new float[rows * columns / 16 * 32];
        s_codec.HyperAnalysis(y, columns, rows, workspace, z);
        return (y, z, s_codec.Synthesis(y, picture.Width, picture.Height, workspace));
    }

    private static PlainTensor PlainAnalysis(Picture picture, int width, int height)
    {
        var x = new PlainTensor(3, height, width);
        for (int c = 0; c < 3; c++)
        {
            for (int row = 0; row < height; row++)
            {
                for (int column = 0; column < width; column++)
                {
                    int at = Math.Min(row, picture.Height - 1) * picture.Width + Math.Min(column, picture.Width - 1);
                    x[c, row, column] = picture.Samples[at * picture.Channels + c % picture.Channels] / 255.0;
                }
            }
        }

        x = x.PixelUnshuffle(4).Convolve(s_file, "g_a.conv0").LeakyRelu();
        x = x.Convolve(s_file, "g_a.conv1", 2).LeakyRelu();
        x = x.Convolve(s_file, "g_a.conv2", 2).LeakyRelu();
        return Block(Block(x, "g_a.res0"), "g_a.res1").Convolve(s_file, "g_a.conv3");
    }

    private static PlainTensor PlainSynthesis(PlainTensor y)
    {
        PlainTensor x = Block(Block(y.Convolve(s_file, "g_s.conv0"), "g_s.res0"), "g_s.res1");
        x = Block(x.Convolve(s_file, "g_s.conv1").LeakyRelu().PixelShuffle(2), "g_s.res2");
        x = x.Convolve(s_file, "g_s.conv2").LeakyRelu().PixelShuffle(2);
        return x.Convolve(s_file, "g_s.conv3").PixelShuffle(4);
    }

    private static PlainTensor Block(PlainTensor x, string name) =>
        x.Plus(x.Convolve(s_file, name + ".conv0").LeakyRelu().Convolve(s_file, name + ".conv1"));

    /// <summary>Equal within a part of the largest value: float32 rounds to 2⁻²⁴ of it, a few dozen times over.</summary>
    private static void AssertNear(PlainTensor expected, PlainTensor actual, double part)
    {
        Assert.Equal(
            (expected.Channels, expected.Height, expected.Width), (actual.Channels, actual.Height, actual.Width));
        double largest = expected.Values.Max(Math.Abs);
        double error = expected.Values.Zip(actual.Values, (a, b) => Math.Abs(a - b)).Max();
        Assert.True(largest > 0.01, $"Nothing to compare: largest {largest}.");
        Assert.True(error <= part * largest, $"Error {error}, largest value {largest}.");
    }
}
