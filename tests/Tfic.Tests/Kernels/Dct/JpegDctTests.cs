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
            JpegDct.ForwardReference(samples, 8, ones, levels);
            float[] plane = [.. samples.Select(s => s - 128f)];
            var exact = new float[64];
            BlockDct.ForwardReference(plane, 8, exact);
            for (int i = 0; i < 64; i++)
                Assert.InRange(levels[i] - exact[i], -0.75f, 0.75f); // half for the rounding, a quarter for arithmetic

            var back = new byte[64];
            JpegDct.InverseReference(levels, ones, back, 8);
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
            int count = 1 + trial % 5;
            int stride = count * 8 + trial % 3 * 5;
            ushort largestStep = trial % 7 == 0 ? ushort.MaxValue : (ushort)(1 + trial % 255);
            ushort[] steps = [.. Enumerable.Range(0, 64).Select(_ => (ushort)random.Next(1, largestStep + 1))];
            var blocks = new short[count * 64];
            for (int i = 0; i < blocks.Length; i++)
            {
                bool flat = (trial + i / 64) % 3 == 0;
                if (i % 64 == 0 || (!flat && random.Next(3) == 0))
                    blocks[i] = trial % 5 == 0 ? (short)random.Next(-32768, 32768) : (short)random.Next(-60, 61);
            }

            byte[] expected = Filled(7 * stride + count * 8 + 4), actual = Filled(7 * stride + count * 8 + 4);
            JpegDct.InverseReference(blocks, steps, expected.AsSpan(2), stride);
            row.Kernel(blocks, steps, actual.AsSpan(2, 7 * stride + count * 8), stride);
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
            int count = 1 + trial % 5;
            int stride = count * 8 + trial % 3 * 5;
            int largestStep = trial % 7 == 0 ? ushort.MaxValue : 1 + trial % 255;
            ushort[] steps = [.. Enumerable.Range(0, 64).Select(_ => (ushort)random.Next(1, largestStep + 1))];
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
            JpegDct.ForwardReference(samples, stride, steps, expected);
            short[] actual = [.. Enumerable.Repeat((short)77, count * 64 + 2)];
            row.Kernel(samples, stride, steps, actual.AsSpan(1, count * 64));
            Assert.Equal(expected, actual[1..^1]);
            Assert.Equal((77, 77), (actual[0], actual[^1]));
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
            JpegDct.Forward(samples, 8, steps, levels);
            Assert.Equal(level, levels[0]);
            Assert.All(levels[1..], l => Assert.Equal(0, l));
        }
    }

    [Fact]
    public void WrongSizesAreRefused()
    {
        var steps = new ushort[64];
        Array.Fill(steps, (ushort)1);
        Assert.Throws<ArgumentException>(() => JpegDct.Inverse(new short[64], steps, new byte[63], 8));
        Assert.Throws<ArgumentException>(() => JpegDct.Inverse(new short[63], steps, new byte[64], 8));
        Assert.Throws<ArgumentException>(() => JpegDct.Inverse(new short[128], steps, new byte[128], 8));
        Assert.Throws<ArgumentException>(() => JpegDct.Forward(new byte[64], 8, new ushort[63], new short[64]));
    }

    private static byte[] Filled(int length)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, (byte)99);
        return bytes;
    }
}
