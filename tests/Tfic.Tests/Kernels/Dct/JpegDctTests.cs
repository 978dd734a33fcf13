using Tfic.Kernels;
using Tfic.Kernels.Dct;

namespace Tfic.Tests.Kernels.Dct;

public class JpegDctTests
{
    public static TheoryData<string> Rows()
    {
        var data = new TheoryData<string>();
        foreach (Variant row in JpegDct.InverseTable.Rows)
            data.Add(row.Name);
        return data;
    }

    [Fact]
    public void MatrixIsTheScaledCosineBasis()
    {
        for (int u = 0; u < 8; u++)
        {
            for (int x = 0; x < 8; x++)
            {
                double exact = 8192 * Math.Sqrt(8) * (u == 0 ? Math.Sqrt(0.125) : 0.5)
                    * Math.Cos((2 * x + 1) * u * Math.PI / 16);

                // Sums of up to four rounded constants.
                Assert.InRange(JpegDct.Matrix[u * 8 + x] - exact, -2.0, 2.0);
            }
        }
    }

    [Fact]
    public void ReferenceIsWithinOneLevelOfTheExactTransform()
    {
        var random = new Random(3);
        var ones = new ushort[64];
        Array.Fill(ones, (ushort)1);
        var samples = new byte[64];
        var levels = new short[64];
        for (int trial = 0; trial < 200; trial++)
        {
            random.NextBytes(samples);
            JpegDct.ForwardReference(samples, 8, new JpegQuantiser(ones), levels);
            float[] plane = [.. samples.Select(s => s - 128f)];
            var exact = new float[64];
            BlockDct.ForwardReference(plane, 8, exact);
            for (int i = 0; i < 64; i++)
                Assert.InRange(levels[i] - exact[i], -0.75f, 0.75f); // half for the rounding, a quarter for arithmetic

            var back = new byte[64];
            JpegDct.InverseReference(levels, new JpegQuantiser(ones), back, 8);
            for (int i = 0; i < 64; i++)
                Assert.InRange(back[i] - samples[i], -2, 2);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void EveryInverseRowEqualsTheReference(string name)
    {
        Variant<JpegDct.InverseKernel> row = JpegDct.InverseTable.Rows.Single(r => r.Name == name);
        Skip.IfNot(row.IsSupported, $"{name} does not run on this machine");
        var random = new Random(1);
        for (int trial = 0; trial < 300; trial++)
        {
            int count = 1 + trial % 9;
            int stride = count * 8 + trial % 3 * 5;
            ushort largestStep = trial % 7 == 0 ? ushort.MaxValue : (ushort)(1 + trial % 255);
            var quantiser = new JpegQuantiser(
                [.. Enumerable.Range(0, 64).Select(_ => (ushort)random.Next(1, largestStep + 1))]);
            var blocks = new short[count * 64];
            for (int i = 0; i < blocks.Length; i++)
            {
                bool flat = (trial + i / 64) % 3 == 0;
                if (i % 64 == 0 || (!flat && random.Next(3) == 0))
                    blocks[i] = trial % 5 == 0 ? (short)random.Next(-32768, 32768) : (short)random.Next(-60, 61);
            }

            byte[] expected = Filled(7 * stride + count * 8 + 4), actual = Filled(7 * stride + count * 8 + 4);
            JpegDct.InverseReference(blocks, quantiser, expected.AsSpan(2), stride);
            row.Kernel(blocks, quantiser, actual.AsSpan(2, 7 * stride + count * 8), stride);
            Assert.Equal(expected, actual);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void EveryForwardRowEqualsTheReference(string name)
    {
        Variant<JpegDct.ForwardKernel> row = JpegDct.ForwardTable.Rows.Single(r => r.Name == name);
        Skip.IfNot(row.IsSupported, $"{name} does not run on this machine");
        var random = new Random(2);
        for (int trial = 0; trial < 300; trial++)
        {
            int count = 1 + trial % 9;
            int stride = count * 8 + trial % 3 * 5;
            int largestStep = trial % 7 == 0 ? ushort.MaxValue : 1 + trial % 255;
            var quantiser = new JpegQuantiser(
                [.. Enumerable.Range(0, 64).Select(_ => (ushort)random.Next(1, largestStep + 1))]);
            var samples = new byte[7 * stride + count * 8];
            for (int i = 0; i < samples.Length; i++)
                samples[i] = (trial % 4) switch
                {
                    0 => (byte)random.Next(256),
                    1 => (byte)(random.Next(2) * 255), // the largest coefficients there are
                    2 => (byte)(trial * 7), // flat
                    _ => (byte)(i % stride / 4 % 2 * 255),
                };
            var expected = new short[count * 64];
            JpegDct.ForwardReference(samples, stride, quantiser, expected);
            short[] actual = [.. Enumerable.Repeat((short)77, count * 64 + 2)];
            row.Kernel(samples, stride, quantiser, actual.AsSpan(1, count * 64));
            Assert.Equal(expected, actual[1..^1]);
            Assert.Equal((77, 77), (actual[0], actual[^1]));
        }
    }

    [Fact]
    public void ReciprocalsDivideExactly()
    {
        // All that the forward transform can ask of every step there is: ⌊n / 8·step⌋ for n up to 8192 + 4·step.
        for (int first = 1; first < 5000; first += 64)
        {
            var quantiser = new JpegQuantiser([.. Enumerable.Range(first, 64).Select(step => (ushort)step)]);
            for (int i = 0; i < 64; i++)
            {
                int step = first + i;
                for (int magnitude = 0; magnitude <= 8192; magnitude++)
                {
                    int n = magnitude + quantiser.HalfSteps[i];
                    int product = (n * quantiser.Reciprocals[i]) >>> 16;
                    if (product >> quantiser.Shifts[i] != (magnitude + 4 * step) / (8 * step)
                        || (product * quantiser.Scales[i]) >> 16 != product >> quantiser.Shifts[i])
                        Assert.Fail($"|F| = {magnitude}, step {step}");
                }
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void LevelsAroundTheLargestThatFitSixteenBitsEqualTheReference(string name)
    {
        Variant<JpegDct.InverseKernel> row = JpegDct.InverseTable.Rows.Single(r => r.Name == name);
        Skip.IfNot(row.IsSupported, $"{name} does not run on this machine");
        foreach (ushort step in new ushort[] { 1, 3, 255, 1021, 1300, 1301 })
        {
            var quantiser = new JpegQuantiser([.. Enumerable.Repeat(step, 64)]);
            foreach (int beyond in new[] { -1, 0, 1 })
            {
                // The sign patterns of K's rows and columns add all magnitudes up, at one position each.
                for (int position = 0; position < 64; position++)
                {
                    short[] blocks = new short[8 * 64];
                    for (int i = 0; i < blocks.Length; i++)
                    {
                        int largest = quantiser.LargestLevels[i % 64] + (i / 64 == position % 8 ? beyond : 0);
                        int sign = Math.Sign(
                            JpegDct.Matrix[i % 64 / 8 * 8 + position / 8] * JpegDct.Matrix[i % 8 * 8 + position % 8]);
                        blocks[i] = (short)(sign * largest);
                    }

                    byte[] expected = new byte[8 * 64], actual = new byte[8 * 64];
                    JpegDct.InverseReference(blocks, quantiser, expected, 64);
                    row.Kernel(blocks, quantiser, actual, 64);
                    Assert.Equal(expected, actual);
                }
            }
        }
    }

    [Fact]
    public void HalvesAreRoundedAwayFromZero()
    {
        // A flat block of 128 + n has the coefficient 8n: with a step of 16, half a level a unit.
        var steps = new ushort[64];
        Array.Fill(steps, (ushort)16);
        var samples = new byte[64];
        var levels = new short[64];
        foreach ((int n, int level) in new[] { (1, 1), (-1, -1), (2, 1), (3, 2), (-3, -2), (0, 0) })
        {
            Array.Fill(samples, (byte)(128 + n));
            JpegDct.Forward(samples, 8, new JpegQuantiser(steps), levels);
            Assert.Equal(level, levels[0]);
            Assert.All(levels[1..], l => Assert.Equal(0, l));
        }
    }

    [Fact]
    public void WrongSizesAreRefused()
    {
        var ones = new ushort[64];
        Array.Fill(ones, (ushort)1);
        var quantiser = new JpegQuantiser(ones);
        Assert.Throws<ArgumentException>(() => JpegDct.Inverse(new short[64], quantiser, new byte[63], 8));
        Assert.Throws<ArgumentException>(() => JpegDct.Inverse(new short[63], quantiser, new byte[64], 8));
        Assert.Throws<ArgumentException>(() => JpegDct.Inverse(new short[128], quantiser, new byte[128], 8));
        Assert.Throws<ArgumentException>(() => JpegDct.Forward(new byte[63], 8, quantiser, new short[64]));
        Assert.Throws<ArgumentException>(() => new JpegQuantiser(ones.AsSpan(1)));
        ones[5] = 0;
        Assert.Throws<ArgumentException>(() => new JpegQuantiser(ones));
    }

    private static byte[] Filled(int length)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, (byte)99);
        return bytes;
    }
}
