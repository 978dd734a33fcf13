using ILGPU.Runtime;
using Tfic.Gpu.Networks;
using Tfic.Imaging;
using Tfic.Models;
using Tfic.Networks;

namespace Tfic.Gpu.Tests;

/// <summary>
/// Whole networks with the weights that ship, on whichever accelerator, against the processor's float32: within 10⁻⁴ of
/// the output's range.
/// </summary>
internal static class NetworkChecks
{
    private const double Tolerance = 1e-4;

    /// <summary>D1, at once and in bands.</summary>
    public static void Restores(Accelerator accelerator, int width, int height, bool inBands)
    {
        using Stream stream = ShippedModels.Open(ShippedModels.RestorerD1);
        RestorerModel model = RestorerModel.Load(stream);
        using var gpu = new GpuRestorer(accelerator, model);
        float[] input = Noise(width * height, 0, 1, seed: width);
        var expected = new float[input.Length];
        var actual = new float[input.Length];
        model.Restore(input, width, height, new Workspace(), expected, exact: true);
        gpu.Restore(input, width, height, actual);
        AssertNear(expected, actual);
        if (!inBands)
            return;

        // Bands have the same sums in the same order.
        var banded = new float[input.Length];
        gpu.Restore(input, width, height, banded, maxPlane: 1);
        Assert.Equal(actual, banded);
    }

    /// <summary>g_a, h_a and g_s; the picture is no multiple of anything.</summary>
    public static void Transforms(Accelerator accelerator, int width, int height)
    {
        using Stream stream = ShippedModels.Open(ShippedModels.Compact);
        CompactCodec codec = CodecModel.Load(stream).Transforms;
        using var gpu = new GpuCodec(accelerator, codec);
        var workspace = new Workspace();
        var picture = new Picture(width, height, 3);
        new Random(width).NextBytes(picture.Samples);
        (int columns, int rows) = CompactCodec.LatentSize(width, height);
        var y = new float[rows * columns * CompactCodec.LatentChannels];
        codec.Analysis(picture, workspace, y, narrow: false);
        var actualY = new float[y.Length];
        gpu.Analysis(picture, actualY);
        AssertNear(y, actualY);

        var z = new float[rows / 4 * (columns / 4) * CompactCodec.HyperChannels];
        var actualZ = new float[z.Length];
        codec.HyperAnalysis(y, columns, rows, workspace, z);
        gpu.HyperAnalysis(y, columns, rows, actualZ);
        AssertNear(z, actualZ);

        Picture expected = codec.Synthesis(y, width, height, workspace), actual = new(width, height, 3);
        gpu.Synthesis(y, actual);
        for (int i = 0; i < expected.Samples.Length; i++)
            Assert.InRange(actual.Samples[i], expected.Samples[i] - 1, expected.Samples[i] + 1);
        Assert.True(expected.Samples.Distinct().Count() > 10);
    }

    /// <summary>The recogniser.</summary>
    public static void Recognises(Accelerator accelerator, int width)
    {
        using Stream stream = ShippedModels.Open(ShippedModels.RecogniserCompact);
        var model = (CompactRecogniser)RecogniserModel.Load(stream);
        using var gpu = new GpuRecogniser(accelerator, model);
        float[] line = Noise(CompactRecogniser.InputHeight * width, -1, 1, seed: width);
        AssertNear(model.Logits(line, width, new Workspace()), gpu.Logits(line, width));
        Assert.Throws<ArgumentException>(() => gpu.Logits(line, width - 1));
    }

    private static void AssertNear(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        float least = float.MaxValue, largest = float.MinValue;
        foreach (float value in expected)
            (least, largest) = (Math.Min(least, value), Math.Max(largest, value));
        Assert.True(largest > least);
        double tolerance = Tolerance * ((double)largest - least);
        for (int i = 0; i < expected.Length; i++)
        {
            // Written so that NaN fails.
            if (!(Math.Abs((double)expected[i] - actual[i]) <= tolerance))
                Assert.Fail($"Value {i}: {actual[i]}, the processor has {expected[i]}; the tolerance is {tolerance}.");
        }
    }

    private static float[] Noise(int count, float least, float largest, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => least + (largest - least) * random.NextSingle())];
    }
}
