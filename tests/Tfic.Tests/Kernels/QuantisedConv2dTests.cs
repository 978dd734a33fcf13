using System.Runtime.Intrinsics;
using Tfic.Kernels;
using Tfic.Kernels.Convolution;
using Tfic.Kernels.QuantisedConvolution;

namespace Tfic.Tests.Kernels;

/// <summary>That all rows agree on hard shapes is <see cref="EquivalenceTests"/>' matter.</summary>
public sealed class QuantisedConv2dTests
{
    public static TheoryData<string> Rows() => [.. QuantisedConv2d.Variants.Rows.Select(row => row.Name)];

    [Fact]
    public void An_element_is_off_by_at_most_half_a_step()
    {
        var plane = new QuantisedPlane();
        foreach (int columns in new[] { 1, 2, 7, 16, 33 })
        {
            plane.Reshape(5, columns, 3, 2);
            var rows = new float[][]
            {
                Values(3 * columns, 1, -2, 5), Values(3 * columns, 2, 1, 4), Values(3 * columns, 3, -9, -8),
                new float[3 * columns], Values(3 * columns, 4, -1e-20f, 1e-20f),
            };
            for (int y = 0; y < rows.Length; y++)
                plane.SetRow(y, rows[y]);
            for (int y = 0; y < rows.Length; y++)
            {
                ReadOnlySpan<byte> all = plane.Elements.Slice(y * plane.Pitch, plane.Pitch);
                float scale = plane.Scales[y];
                int zero = plane.Zeros[y];
                Assert.InRange(zero, 0, 255);
                for (int i = 0; i < rows[y].Length; i++)
                {
                    double error = (double)scale * (all[6 + i] - zero) - rows[y][i];
                    Assert.InRange(Math.Abs(error), 0, 0.5001 * scale);
                }

                // What lies beside the row stands for 0.
                Assert.True(all[..6].IndexOfAnyExcept((byte)zero) < 0 && all[^6..].IndexOfAnyExcept((byte)zero) < 0);
            }
        }
    }

    [Fact]
    public void All_lanes_quantise_alike()
    {
        foreach (int length in new[] { 1, 3, 4, 5, 8, 15, 16, 17, 33, 100 })
        {
            float[] values = Values(length, length, -3, 7);
            values[0] = length % 2 == 0 ? -0f : 7f;
            var results = new[] { new byte[length], new byte[length], new byte[length] };
            (float, int) first = QuantisedPlane.Quantise<Vector128<float>, Lanes128>(values, results[0]);
            Assert.Equal(first, QuantisedPlane.Quantise<Vector256<float>, Lanes256>(values, results[1]));
            Assert.Equal(first, QuantisedPlane.Quantise<Vector512<float>, Lanes512>(values, results[2]));
            Assert.Equal(results[0], results[1]);
            Assert.Equal(results[0], results[2]);
            Assert.Contains(results[0], element => element > 0);
        }
    }

    [Fact]
    public void The_reference_is_the_convolution_within_its_steps()
    {
        Conv2d layer = Layer(7, 20, Residual.None);
        var quantised = new QuantisedConv2d(layer);
        (QuantisedPlane plane, float[] input) = Input(5, 9, 7);
        float[] expected = new float[5 * 9 * 20], actual = new float[5 * 9 * 20];
        layer.Run(Conv2d.Variants.Reference, input, 5, 9, expected);
        quantised.Run(QuantisedConv2d.Variants.Reference, plane, actual);

        // 63 products of an input up to 2 that is off by half of 4/255 and a weight up to 1 that is off by half of 1/127.
        const double bound = 63 * (2 * 0.5 / 127 + 0.5 * 4 / 255 + 0.00004);
        double largest = expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max();
        Assert.InRange(largest, 1e-6, bound);
    }

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void Neither_threads_nor_bands_change_the_result(string rowName)
    {
        Variant<QuantisedConv2dKernel> row = QuantisedConv2d.Variants.Rows.Single(r => r.Name == rowName);
        Skip.IfNot(row.IsSupported, $"This machine cannot run {rowName}.");

        // 300 columns × 64 channels: bands of a single row.
        foreach ((int height, int width, int outputs) in new[] { (5, 300, 64), (40, 5, 20) })
        {
            var layer = new QuantisedConv2d(Layer(4, outputs, Residual.AfterActivation));
            (QuantisedPlane input, _) = Input(height, width, 4);
            float[] residual = Values(height * width * outputs, 8, -1, 1);
            var expected = new float[residual.Length];
            QuantisedConv2d.Variants.Reference.Kernel(layer, input, 0, height, residual, expected);
            foreach (int threads in new[] { 1, 2, 5 })
            {
                var output = new float[residual.Length];
                var quantised = new QuantisedPlane();
                quantised.Reshape(height, width, outputs, 1);
                layer.Run(row, input, output, residual, quantised, threads: threads);
                Assert.Equal(expected, output);
                var alone = new QuantisedPlane();
                alone.Reshape(height, width, outputs, 1);
                for (int y = 0; y < height; y++)
                    alone.SetRow(y, expected.AsSpan(y * width * outputs, width * outputs));
                Assert.True(alone.Elements[..^QuantisedPlane.Slack].SequenceEqual(
                    quantised.Elements[..^QuantisedPlane.Slack]));
                Assert.True(alone.Scales.SequenceEqual(quantised.Scales) && alone.Zeros.SequenceEqual(quantised.Zeros));
            }
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var layer = new QuantisedConv2d(Layer(4, 20, Residual.None));
        (QuantisedPlane input, _) = Input(3, 5, 4);
        var output = new float[3 * 5 * 20];
        Assert.Throws<ArgumentException>(() => layer.Run(input, output.AsSpan(1)));
        Assert.Throws<ArgumentException>(() => layer.Run(input, output, residual: new float[300]));
        Assert.Throws<ArgumentException>(() => layer.Run(Input(3, 5, 3).Plane, output));
        Assert.Throws<ArgumentException>(() => layer.Run(input, output, quantised: input));
        var narrow = new QuantisedPlane();
        narrow.Reshape(3, 5, 4, 0);
        Assert.Throws<ArgumentException>(() => layer.Run(narrow, output));
        Assert.Throws<ArgumentException>(() => layer.Run(input, output, quantised: narrow));
        Assert.Throws<ArgumentException>(
            () => new QuantisedConv2d(new Conv2d(new float[16], new float[4], 4, 1, 1) { Shuffle = 2 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => input.SetRow(0, new float[19]));
    }

    private static Conv2d Layer(int inputs, int outputs, Residual residual) =>
        new(Values(outputs * inputs * 9, 5, -1, 1), Values(outputs, 6, -1, 1), inputs, 3, 3)
        {
            Padding = Padding.Symmetric(1, 1),
            NegativeSlope = 0.125f,
            Residual = residual,
        };

    private static (QuantisedPlane Plane, float[] Values) Input(int height, int width, int channels)
    {
        var plane = new QuantisedPlane();
        plane.Reshape(height, width, channels, 1);
        float[] values = Values(height * width * channels, 7, -2, 2);
        for (int y = 0; y < height; y++)
            plane.SetRow(y, values.AsSpan(y * width * channels, width * channels));
        return (plane, values);
    }

    private static float[] Values(int count, int seed, float low, float high)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => low + (high - low) * random.NextSingle())];
    }
}
