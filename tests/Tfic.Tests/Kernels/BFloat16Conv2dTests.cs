using Tfic.Kernels;
using Tfic.Kernels.BFloat16Convolution;
using Tfic.Kernels.Convolution;

namespace Tfic.Tests.Kernels;

/// <summary>That all rows agree on hard shapes is <see cref="EquivalenceTests"/>' matter.</summary>
public sealed class BFloat16Conv2dTests
{
    public static TheoryData<string> Rows() => [.. BFloat16Conv2d.Variants.Rows.Select(row => row.Name)];

    [Fact]
    public void Rounding_is_to_nearest_and_ties_are_even()
    {
        Assert.Equal(0x3F80, BFloat16Plane.Round(1f));
        Assert.Equal(0x3F80, BFloat16Plane.Round(1f + 1f / 256));
        Assert.Equal(0x3F82, BFloat16Plane.Round(1f + 3f / 256));
        Assert.Equal(0x3F81, BFloat16Plane.Round(1f + 1f / 256 + 1e-6f));
        Assert.Equal(0x7F80, BFloat16Plane.Round(float.MaxValue));
        Assert.Equal(0xFF80, BFloat16Plane.Round(float.NegativeInfinity));
        Assert.Equal(0x8000, BFloat16Plane.Round(-float.Epsilon));
        Assert.True(float.IsNaN(BFloat16Plane.ToSingle(BFloat16Plane.Round(float.NaN))));
    }

    [Fact]
    public void Rows_of_floats_and_of_samples_are_rounded_alike_at_every_place()
    {
        float[] special =
            [1f + 1f / 256, 1f + 3f / 256, -0f, float.Epsilon, -1e-39f, float.MaxValue, float.NaN, float.PositiveInfinity];
        var random = new Random(1);
        var plane = new BFloat16Plane();
        foreach (int length in new[] { 1, 2, 15, 16, 17, 31, 32, 48, 77 })
        {
            plane.Reshape(2, length, 1, 1);
            var values = new float[length];
            var samples = new byte[length];
            random.NextBytes(samples);
            for (int i = 0; i < length; i++)
                values[i] = i % 3 == 0 ? special[i / 3 % special.Length] : (random.NextSingle() - 0.5f) * 1000;
            plane.SetRow(0, values);
            plane.SetRow(1, samples);
            Assert.Equal(values.Select(BFloat16Plane.Round), plane.Row(0).ToArray());
            Assert.Equal(samples, plane.Row(1).ToArray().Select(element => (byte)BFloat16Plane.ToSingle(element)));
            Assert.Equal(0, plane.Elements[0] + plane.Elements[length + 1] + plane.Elements[length + 2]);
        }
    }

    [Fact]
    public void The_reference_is_the_convolution_within_its_roundings()
    {
        // 45 inputs and weights up to 1, each off by at most 2⁻⁹ of itself.
        Conv2d layer = Layer(5, 20);
        float[] input = Values(4 * 9 * 5, 3);
        var plane = new BFloat16Plane();
        plane.Reshape(4, 9, 5, 1);
        for (int y = 0; y < 4; y++)
            plane.SetRow(y, input.AsSpan(y * 45, 45));
        float[] expected = new float[4 * 9 * 20], actual = new float[4 * 9 * 20];
        layer.Run(Conv2d.Variants.Reference, input, 4, 9, expected);
        new BFloat16Conv2d(layer).Run(BFloat16Conv2d.Variants.Reference, plane, actual);
        Assert.InRange(expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max(), 1e-6, 45 * 2.01 / 512);

        // A factor is as good as inputs that are multiplied by it.
        var scaled = new float[actual.Length];
        for (int y = 0; y < 4; y++)
            plane.SetRow(y, Array.ConvertAll(input.AsSpan(y * 45, 45).ToArray(), value => 4 * value));
        new BFloat16Conv2d(layer, 0.25f).Run(BFloat16Conv2d.Variants.Reference, plane, scaled);
        Assert.Equal(actual, scaled);
    }

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void Neither_threads_nor_bands_nor_the_place_of_rows_change_the_result(string rowName)
    {
        Variant<BFloat16Conv2dKernel> row = BFloat16Conv2d.Variants.Rows.Single(r => r.Name == rowName);
        Skip.IfNot(row.IsSupported, $"This machine cannot run {rowName}.");
        foreach ((int height, int width, int outputs) in new[] { (5, 300, 64), (40, 5, 20) })
        {
            var layer = new BFloat16Conv2d(Layer(4, outputs));
            var input = new BFloat16Plane();
            input.Reshape(height, width, 4, 1);
            for (int y = 0; y < height; y++)
                input.SetRow(y, Values(width * 4, y));
            var expected = new float[height * width * outputs];
            row.Kernel(layer, input, 0, height, expected, null, 0);
            foreach (int threads in new[] { 1, 2, 5 })
            {
                var output = new float[expected.Length];
                var narrow = new BFloat16Plane();
                narrow.Reshape(height + 3, width, outputs, 1);
                layer.Run(row, input, output, narrow, narrowRow: 2, threads);
                Assert.Equal(expected, output);
                for (int y = 0; y < height; y++)
                {
                    Assert.Equal(
                        output.AsSpan(y * width * outputs, width * outputs).ToArray().Select(BFloat16Plane.Round),
                        narrow.Row(2 + y).ToArray());
                }
            }
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var layer = new BFloat16Conv2d(Layer(4, 20));
        var input = new BFloat16Plane();
        input.Reshape(3, 5, 4, 1);
        for (int y = 0; y < 3; y++)
            input.SetRow(y, Values(20, y));
        var output = new float[3 * 5 * 20];
        Assert.Throws<ArgumentException>(() => layer.Run(input, output.AsSpan(1)));
        Assert.Throws<ArgumentException>(() => layer.Run(input, default));
        Assert.Throws<ArgumentException>(() => layer.Run(input, output, narrow: input));
        var other = new BFloat16Plane();
        other.Reshape(3, 5, 20, 0);
        Assert.Throws<ArgumentException>(() => layer.Run(input, output, other, narrowRow: 1));
        Assert.Throws<ArgumentException>(() => layer.Run(other, output));
        other.Reshape(3, 5, 4, 0);
        Assert.Throws<ArgumentException>(() => layer.Run(other, output));
        Assert.Throws<ArgumentException>(
            () => new BFloat16Conv2d(new Conv2d(new float[4], new float[1], 4, 1, 1) { Residual = Residual.BeforeActivation }));
        Assert.Throws<ArgumentOutOfRangeException>(() => input.SetRow(0, new float[19]));
    }

    private static Conv2d Layer(int inputs, int outputs) =>
        new(Values(outputs * inputs * 9, 5), Values(outputs, 6), inputs, 3, 3)
        {
            Padding = Padding.Symmetric(1, 1),
            NegativeSlope = 0.125f,
        };

    private static float[] Values(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => 2 * random.NextSingle() - 1)];
    }
}
