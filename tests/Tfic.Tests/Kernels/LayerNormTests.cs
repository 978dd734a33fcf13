using Tfic.Kernels;
using Tfic.Kernels.Normalisation;

namespace Tfic.Tests.Kernels;

public sealed class LayerNormTests
{
    [Fact]
    public void The_reference_is_a_layer_normalisation()
    {
        foreach (int channels in new[] { 1, 2, 15, 16, 17, 128, 320 })
        {
            (float[] input, float[] factor, float[] bias) = Inputs(channels, positions: 4);
            var output = new float[input.Length];
            LayerNorm.Variants.Reference.Kernel(input, factor, bias, output);
            for (int at = 0; at < input.Length; at += channels)
            {
                double[] x = [.. input.AsSpan(at, channels).ToArray().Select(v => (double)v)];
                double mean = x.Average(), variance = x.Average(v => (v - mean) * (v - mean));
                for (int c = 0; c < channels; c++)
                {
                    double exact = (x[c] - mean) / Math.Sqrt(variance + 1e-5) * factor[c] + bias[c];
                    Assert.Equal(exact, output[at + c], 1e-4);
                }
            }
        }
    }

    [Fact]
    public void Every_row_equals_the_reference_bit_for_bit()
    {
        foreach (Variant<LayerNorm.Kernel> row in LayerNorm.Variants.Supported.Skip(1))
        {
            for (int channels = 1; channels < 70; channels++)
            {
                (float[] input, float[] factor, float[] bias) = Inputs(channels, positions: 3);
                float[] expected = new float[input.Length], actual = new float[input.Length + 33];
                Array.Fill(actual, float.NaN);
                LayerNorm.Variants.Reference.Kernel(input, factor, bias, expected);
                row.Kernel(input, factor, bias, actual.AsSpan(1, input.Length));
                Assert.Equal(expected, actual[1..^32]);
                Assert.All(actual[^32..], value => Assert.True(float.IsNaN(value)));

                // In place.
                row.Kernel(input, factor, bias, input);
                Assert.Equal(expected, input);
            }
        }
    }

    [Fact]
    public void Wrong_sizes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => LayerNorm.Run(new float[4], [], [], new float[4]));
        Assert.Throws<ArgumentException>(() => LayerNorm.Run(new float[4], new float[2], new float[3], new float[4]));
        Assert.Throws<ArgumentException>(() => LayerNorm.Run(new float[5], new float[2], new float[2], new float[5]));
        Assert.Throws<ArgumentException>(() => LayerNorm.Run(new float[4], new float[2], new float[2], new float[3]));
        var plane = new float[6];
        Assert.Throws<ArgumentException>(
            () => LayerNorm.Run(plane.AsSpan(0, 4), new float[2], new float[2], plane.AsSpan(1, 4)));
    }

    private static (float[] Input, float[] Factor, float[] Bias) Inputs(int channels, int positions)
    {
        var random = new Random(channels);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => 4 * random.NextSingle() - 2)];
        float[] input = Values(positions * channels);

        // A large mean, and no variance at all.
        for (int c = 0; c < channels; c++)
            (input[c], input[channels + c]) = (input[c] + 100, 0.7f);
        return (input, Values(channels), Values(channels));
    }
}
