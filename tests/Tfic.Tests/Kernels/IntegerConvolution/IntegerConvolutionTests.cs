using Tfic.Kernels;
using Tfic.Kernels.IntegerConvolution;
using Kernel = Tfic.Kernels.IntegerConvolution.IntegerConvolution;

namespace Tfic.Tests.Kernels.IntegerConvolution;

public class IntegerConvolutionTests
{
    public static TheoryData<string> Rows() => [.. Kernel.Table.Rows.Skip(1).Select(row => row.Name)];

    public static readonly (int Height, int Width, int Inputs, int Outputs, int K)[] Shapes =
    [
        (1, 1, 2, 1, 1), (1, 1, 2, 1, 3), (1, 2, 4, 3, 3), (3, 3, 2, 4, 3), (2, 5, 6, 15, 3), (1, 4, 8, 16, 1),
        (2, 7, 2, 17, 5), (3, 8, 10, 31, 3), (1, 9, 32, 33, 3), (2, 13, 64, 20, 1),
        (5, 17, 14, 64, 3), (1, 31, 4, 48, 3),
    ];

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void EveryRowEqualsTheReference(string name)
    {
        Variant<IntegerConvolutionKernel> row = Kernel.Table.Rows.Single(r => r.Name == name);
        Skip.IfNot(row.IsSupported, $"This machine cannot run row '{name}'.");
        foreach ((int height, int width, int inputs, int outputs, int k) in Shapes)
        {
            var random = new Random((height * 7919) + (width * 31) + inputs + outputs);
            foreach (int magnitude in new[] { 16383, 32767, 100 })
            {
                var weights = new IntegerConvolutionWeights(
                    Draw(random, outputs * inputs * k * k, 127).Select(v => (sbyte)v).ToArray(),
                    Draw(random, outputs, 1_000_000),
                    inputs,
                    k);
                short[] input = Draw(random, (height + k - 1) * (width + k - 1) * inputs, magnitude)
                    .Select(v => (short)v).ToArray();
                Compare(row, input, weights, height, width);
            }
        }
    }

    /// <summary>
    /// All products of one sign at the largest magnitudes: a row that saturates, or that keeps partial sums in too few
    /// bits, differs here.
    /// </summary>
    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void EveryRowKeepsSumsNearTwoToThe31(string name)
    {
        Variant<IntegerConvolutionKernel> row = Kernel.Table.Rows.Single(r => r.Name == name);
        Skip.IfNot(row.IsSupported, $"This machine cannot run row '{name}'.");
        const int Inputs = 64;
        const int Outputs = 18;
        int[] signs = [1, -1];
        foreach (int sign in signs)
        {
            sbyte[] weight = Enumerable.Repeat((sbyte)(127 * sign), Outputs * Inputs * 9).ToArray();
            int[] bias = Enumerable.Repeat(sign * 940_000_000, Outputs).ToArray();
            var weights = new IntegerConvolutionWeights(weight, bias, Inputs, 3);
            Assert.True(weights.MaxActivation() is >= 16383 and < 16600);
            short[] input = Enumerable.Repeat((short)16383, 4 * 7 * Inputs).ToArray();
            int[] sums = Compare(row, input, weights, 2, 5);
            Assert.True(sums.All(sum => (long)sum * sign > 2_130_000_000));
        }
    }

    [Fact]
    public void ReferenceIsTheFormula()
    {
        // 1 output, 2 inputs, 1 × 1: 3·a − 5·b + 7.
        var weights = new IntegerConvolutionWeights([3, -5], [7], 2, 1);
        var sums = new int[2];
        Kernel.Reference([10, 1, -4, 2], weights, 1, 2, sums);
        Assert.Equal([32, -15], sums);

        // A 3 × 3 kernel whose only weight is at row 0, column 2.
        var taps = new sbyte[18];
        taps[2] = 2;
        weights = new IntegerConvolutionWeights(taps, [0], 2, 3);
        short[] input = Enumerable.Range(0, 18).Select(i => (short)i).ToArray();
        sums = new int[1];
        Kernel.Reference(input, weights, 1, 1, sums);
        Assert.Equal([8], sums);
    }

    [Fact]
    public void MaxActivationIsTheOverflowBound()
    {
        Assert.Equal(32768, new IntegerConvolutionWeights([127, -127], [100], 2, 1).MaxActivation());
        Assert.Equal(
            (int.MaxValue - 2_147_000_000) / 254,
            new IntegerConvolutionWeights([127, -127], [-2_147_000_000], 2, 1).MaxActivation());
        Assert.Equal(0, new IntegerConvolutionWeights([0, 0], [int.MinValue], 2, 1).MaxActivation());
    }

    [Theory]
    [InlineData(5, 1 << 30, 31, 3)] // 2.5 up
    [InlineData(-5, 1 << 30, 31, -2)] // −2.5 up
    [InlineData(4, 1 << 30, 31, 2)]
    [InlineData(int.MaxValue, int.MaxValue, 62, 1)]
    [InlineData(int.MinValue, int.MaxValue, 62, -1)]
    [InlineData(int.MaxValue, int.MaxValue, 1, 1000)]
    [InlineData(int.MinValue, int.MaxValue, 1, -1000)]
    [InlineData(7, 0, 1, 0)]
    public void RequantisationRoundsToNearestTiesUpwards(int sum, int multiplier, int shift, int expected) =>
        Assert.Equal(expected, Requantisation.Apply(sum, multiplier, shift, -1000, 1000));

    [Fact]
    public void ManySumsAreRequantisedAsOne()
    {
        var random = new Random(12);
        foreach (int length in new[] { 0, 1, 7, 8, 9, 16, 23, 64 })
        {
            int[] sums = Draw(random, length, int.MaxValue - 1), multipliers = Draw(random, length, int.MaxValue - 1);
            for (int i = 0; i < length; i++)
            {
                multipliers[i] = i % 5 == 0 ? int.MaxValue : Math.Abs(multipliers[i]);
                if (i % 7 == 0)
                    sums[i] = int.MinValue;
            }

            for (int first = 1; first <= Requantisation.MaxShift; first += 3)
            {
                int[] shifts = [.. Enumerable.Range(0, length).Select(i => (first + i) % Requantisation.MaxShift + 1)];
                int[] expected = [.. sums.Select((sum, i) =>
                    Requantisation.Apply(sum, multipliers[i], shifts[i], -1 << 21, 1 << 21))];
                var wide = new int[length + 8];
                Requantisation.Apply(sums, multipliers, shifts, -1 << 21, 1 << 21, wide);
                Assert.Equal(expected, wide[..length]);
                Assert.All(wide[length..], v => Assert.Equal(0, v));
                var narrow = new short[length + 8];
                Requantisation.Apply(sums, multipliers, shifts, (short)0, (short)16383, narrow);
                Assert.Equal(
                    sums.Select((sum, i) => (short)Requantisation.Apply(sum, multipliers[i], shifts[i], 0, 16383)),
                    narrow[..length]);
                Assert.All(narrow[length..], v => Assert.Equal(0, v));
            }
        }
    }

    [Fact]
    public void BadSizesAreRefused()
    {
        Assert.Throws<ArgumentException>(() => new IntegerConvolutionWeights(new sbyte[3], new int[1], 3, 1));
        Assert.Throws<ArgumentException>(() => new IntegerConvolutionWeights(new sbyte[8], new int[1], 2, 2));
        Assert.Throws<ArgumentException>(() => new IntegerConvolutionWeights(new sbyte[3], new int[1], 2, 1));
        var weights = new IntegerConvolutionWeights(new sbyte[18], new int[1], 2, 3);
        Assert.Throws<ArgumentException>(() => Kernel.Run(new short[17], weights, 1, 1, new int[1]));
        Assert.Throws<ArgumentException>(() => Kernel.Run(new short[18], weights, 1, 1, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => Kernel.Run(new short[18], weights, 0, 1, new int[1]));
    }

    private static int[] Compare(
        Variant<IntegerConvolutionKernel> row, short[] input, IntegerConvolutionWeights weights, int height, int width)
    {
        var expected = new int[height * width * weights.Outputs];
        Kernel.Reference(input, weights, height, width, expected);

        // Sentinels behind the output show a store that goes too far.
        var actual = new int[expected.Length + 16];
        Array.Fill(actual, 12345);
        row.Kernel(input, weights, height, width, actual.AsSpan(0, expected.Length));
        Assert.Equal(expected, actual[..^16]);
        Assert.All(actual[^16..], v => Assert.Equal(12345, v));
        return expected;
    }

    private static int[] Draw(Random random, int count, int magnitude) =>
        Enumerable.Range(0, count).Select(_ => random.Next(-magnitude, magnitude + 1)).ToArray();
}
