using Tfic.Kernels;
using Tfic.Kernels.Dct;

namespace Tfic.Tests.Kernels.Dct;

public class BlockDctTests
{
    // Blocks down and across: one, odd and even numbers, either side of what a wide row takes at once.
    private static readonly (int Down, int Across)[] Shapes = [(1, 1), (1, 2), (2, 1), (3, 3), (1, 5), (4, 2), (2, 7)];

    public static TheoryData<string> Rows()
    {
        var data = new TheoryData<string>();
        foreach (Variant row in BlockDct.ForwardTable.Rows)
            data.Add(row.Name);
        return data;
    }

    [Fact]
    public void ReferenceIsTheCosineSum()
    {
        float[] plane = Noise(16, 24);
        var coefficients = new float[plane.Length];
        BlockDct.ForwardReference(plane, 24, coefficients);
        for (int top = 0; top < 16; top += 8)
        {
            for (int left = 0; left < 24; left += 8)
            {
                for (int u = 0; u < 8; u++)
                {
                    for (int v = 0; v < 8; v++)
                    {
                        double sum = 0;
                        for (int y = 0; y < 8; y++)
                        {
                            for (int x = 0; x < 8; x++)
                                sum += plane[(top + y) * 24 + left + x]
                                    * Math.Cos((2 * y + 1) * u * Math.PI / 16)
                                    * Math.Cos((2 * x + 1) * v * Math.PI / 16);
                        }

                        double scale = (u == 0 ? Math.Sqrt(0.125) : 0.5) * (v == 0 ? Math.Sqrt(0.125) : 0.5);

                        // Two sums of eight products, each with a relative error of at most 8·2⁻²⁴, of terms
                        // that add up to at most 8.
                        Assert.Equal(sum * scale, coefficients[(top + u) * 24 + left + v], 8 * 16 / 16777216.0);
                    }
                }
            }
        }
    }

    [Fact]
    public void FlatBlockHasOnlyItsMean()
    {
        var plane = new float[64];
        Array.Fill(plane, 0.75f);
        var coefficients = new float[64];
        BlockDct.Forward(plane, 8, coefficients);
        Assert.Equal(6f, coefficients[0], 1e-6f);
        Assert.All(coefficients[1..], c => Assert.Equal(0f, c, 1e-6f));
    }

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void EveryRowEqualsTheReference(string name)
    {
        Variant<BlockDct.TransformKernel> forward = BlockDct.ForwardTable.Rows.Single(r => r.Name == name);
        Variant<BlockDct.TransformKernel> inverse = BlockDct.InverseTable.Rows.Single(r => r.Name == name);
        Skip.IfNot(forward.IsSupported, $"{name} does not run on this machine");
        foreach ((int down, int across) in Shapes)
        {
            int width = across * 8, length = down * across * 64;
            // At odd offsets, so that no vector is aligned; NaN all around, so that no other memory is used or written.
            float[] source =
                [.. Enumerable.Repeat(float.NaN, 3), .. Noise(down * 8, width), .. Enumerable.Repeat(float.NaN, 19)];
            foreach ((BlockDct.TransformKernel kernel, BlockDct.TransformKernel reference) in new[]
                     {
                         (forward.Kernel, BlockDct.ForwardTable.Reference.Kernel),
                         (inverse.Kernel, BlockDct.InverseTable.Reference.Kernel),
                     })
            {
                var expected = new float[length];
                reference(source.AsSpan(3, length), width, expected);
                float[] actual = [.. Enumerable.Repeat(float.NaN, length + 40)];
                kernel(source.AsSpan(3, length), width, actual.AsSpan(5, length));
                Assert.Equal(Bits(expected), Bits(actual.AsSpan(5, length)));
                Assert.All(actual[..5], f => Assert.True(float.IsNaN(f)));
                Assert.All(actual[(5 + length)..], f => Assert.True(float.IsNaN(f)));

                float[] inPlace = source.AsSpan(3, length).ToArray();
                kernel(inPlace, width, inPlace);
                Assert.Equal(Bits(expected), Bits(inPlace));
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void EveryRowQuantisesAsTheReference(string name)
    {
        Variant<BlockDct.QuantiseKernel> row = BlockDct.QuantiseTable.Rows.Single(r => r.Name == name);
        Skip.IfNot(row.IsSupported, $"{name} does not run on this machine");
        float[] steps = [.. Enumerable.Range(0, 64).Select(i => i % 3 == 0 ? 2f : 0.1f + i * 0.37f)];
        float[] hard =
        [
            0f, -0f, 1f, -1f, 3f, -3f, 5f, -5f, 1e30f, -1e30f, float.NaN, float.PositiveInfinity,
            float.NegativeInfinity, float.Epsilon, 65535f, 65537f, 131070f, -65536f, -65537f, 0.99999994f, 1.0000001f,
        ];
        foreach ((int down, int across) in Shapes)
        {
            float[] coefficients = Noise(down * 8, across * 8);
            for (int i = 0; i < coefficients.Length; i++)
            {
                // Every other one exactly between two levels, or one of the hard cases.
                float step = steps[i / (across * 8) % 8 * 8 + i % 8];
                coefficients[i] = (i % 4) switch
                {
                    0 => (MathF.Round(coefficients[i] * 20) + 0.5f) * step,
                    1 => hard[i / 4 % hard.Length],
                    _ => coefficients[i] * 100,
                };
            }

            var expected = new short[coefficients.Length];
            BlockDct.QuantiseReference(coefficients, across * 8, steps, expected);
            var actual = new short[coefficients.Length];
            row.Kernel(coefficients, across * 8, steps, actual);
            Assert.Equal(expected, actual);
        }
    }

    [Theory]
    [InlineData(1f, 2f, 0)]
    [InlineData(3f, 2f, 2)]
    [InlineData(5f, 2f, 2)]
    [InlineData(-1f, 2f, 0)]
    [InlineData(-3f, 2f, -2)]
    [InlineData(float.NaN, 2f, 0)]
    [InlineData(1e9f, 2f, 32767)]
    [InlineData(-1e9f, 2f, -32768)]
    public void QuantiserRoundsHalvesToEven(float coefficient, float step, int level)
    {
        var coefficients = new float[64];
        Array.Fill(coefficients, coefficient);
        var steps = new float[64];
        Array.Fill(steps, step);
        var levels = new short[64];
        BlockDct.Quantise(coefficients, 8, steps, levels);
        Assert.All(levels, l => Assert.Equal(level, l));
    }

    [Fact]
    public void InverseUndoesForward()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            float[] plane = Noise(24, 40, seed);
            var coefficients = new float[plane.Length];
            BlockDct.Forward(plane, 40, coefficients);
            Assert.Equal(
                plane.Sum(p => (double)p * p), coefficients.Sum(c => (double)c * c), plane.Length * 1e-6); // Parseval
            BlockDct.Inverse(coefficients, 40, coefficients);
            for (int i = 0; i < plane.Length; i++)
                Assert.Equal(plane[i], coefficients[i], 4e-6f);
        }
    }

    [Fact]
    public void WrongSizesAreRefused()
    {
        Assert.Throws<ArgumentException>(() => BlockDct.Forward(new float[64], 4, new float[64]));
        Assert.Throws<ArgumentException>(() => BlockDct.Forward(new float[64], 0, new float[64]));
        Assert.Throws<ArgumentException>(() => BlockDct.Forward(new float[60], 8, new float[60]));
        Assert.Throws<ArgumentException>(() => BlockDct.Inverse(new float[64], 8, new float[63]));
        Assert.Throws<ArgumentException>(() => BlockDct.Quantise(new float[64], 8, new float[63], new short[64]));
    }

    [Fact]
    public void DispatchPicksTheWidestRow()
    {
        foreach (VariantTable<BlockDct.TransformKernel> table in new[] { BlockDct.ForwardTable, BlockDct.InverseTable })
            Assert.Equal(table.Supported.Last().Name, table.PickFor(VariantChoice.Parse("")).Name);
    }

    private static float[] Noise(int height, int width, int seed = 1)
    {
        var random = new Random(seed);
        var plane = new float[height * width];
        for (int i = 0; i < plane.Length; i++)
            plane[i] = random.NextSingle() * 2 - 1;
        return plane;
    }

    private static int[] Bits(ReadOnlySpan<float> values)
    {
        var bits = new int[values.Length];
        for (int i = 0; i < bits.Length; i++)
            bits[i] = BitConverter.SingleToInt32Bits(values[i]);
        return bits;
    }
}
