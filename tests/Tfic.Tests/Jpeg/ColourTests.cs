using Tfic.Kernels;
using Tfic.Kernels.JpegColour;

namespace Tfic.Tests.Jpeg;

public class ColourTests
{
    [Fact]
    public void EveryColourIsConvertedAlikeByEveryRow()
    {
        // All values of two channels against some of the third, in a row whose length leaves a rest for every width.
        byte[] three = new byte[3 * ((256 * 256) + 7)];
        foreach (int third in new[] { 0, 1, 127, 128, 254, 255 })
        {
            for (int at = 0; at < 3; at++)
            {
                for (int i = 0; i < three.Length / 3; i++)
                {
                    three[3 * i + at] = (byte)third;
                    three[3 * i + (at + 1) % 3] = (byte)i;
                    three[3 * i + (at + 2) % 3] = (byte)(i >> 8);
                }

                int length = three.Length / 3;
                byte[][] expected = [new byte[length], new byte[length], new byte[length]];
                JpegColour.FromRgbReference(three, expected[0], expected[1], expected[2]);
                foreach (Variant<JpegColour.FromRgbKernel> row in JpegColour.FromRgbTable.Supported)
                {
                    byte[][] planes = [new byte[length], new byte[length], new byte[length]];
                    row.Kernel(three, planes[0], planes[1], planes[2]);
                    Assert.True(expected.Zip(planes, (e, p) => e.AsSpan().SequenceEqual(p)).All(equal => equal), row.Name);
                }

                // The same numbers as Y, Cb and Cr.
                byte[][] given = [new byte[length], new byte[length], new byte[length]];
                for (int i = 0; i < three.Length; i++)
                    given[i % 3][i / 3] = three[i];
                byte[] rgb = new byte[three.Length];
                JpegColour.ToRgbReference(given[0], given[1], given[2], rgb);
                foreach (Variant<JpegColour.ToRgbKernel> row in JpegColour.ToRgbTable.Supported)
                {
                    byte[] actual = new byte[three.Length];
                    row.Kernel(given[0], given[1], given[2], actual);
                    Assert.True(rgb.AsSpan().SequenceEqual(actual), row.Name);
                }
            }
        }
    }

    [Fact]
    public void ColoursAreThoseOfTheDefinition()
    {
        var random = new Random(6);
        byte[] rgb = new byte[3 * 5000], y = new byte[5000], cb = new byte[5000], cr = new byte[5000];
        random.NextBytes(rgb);
        JpegColour.FromRgb(rgb, y, cb, cr);
        for (int i = 0; i < y.Length; i++)
        {
            double r = rgb[3 * i], g = rgb[3 * i + 1], b = rgb[3 * i + 2], luma = 0.299 * r + 0.587 * g + 0.114 * b;
            Assert.InRange(y[i] - luma, -0.51, 0.51);
            Assert.InRange(cb[i] - (128 + (b - luma) / 1.772), -0.51, 0.51);
            Assert.InRange(cr[i] - (128 + (r - luma) / 1.402), -0.51, 0.51);
        }

        byte[] back = new byte[rgb.Length];
        JpegColour.ToRgb(y, cb, cr, back);
        for (int i = 0; i < rgb.Length; i++)
            Assert.InRange(back[i] - rgb[i], -2, 2);
    }

    [Fact]
    public void EveryChromaRowEqualsTheReference()
    {
        var random = new Random(7);
        foreach (int length in new[] { 1, 2, 3, 15, 16, 17, 31, 32, 33, 34, 63, 64, 65, 66, 129, 500 })
        {
            byte[] upper = new byte[2 * length], lower = new byte[2 * length];
            random.NextBytes(upper);
            random.NextBytes(lower);
            byte[] halved = new byte[length + 1], doubled = new byte[2 * length + 1];
            ChromaFilter.HalveReference(upper, lower, halved.AsSpan(0, length));
            ChromaFilter.DoubleReference(upper.AsSpan(0, length), lower.AsSpan(0, length), doubled.AsSpan(0, 2 * length));
            foreach (Variant<ChromaFilter.HalveKernel> row in ChromaFilter.HalveTable.Supported)
            {
                byte[] actual = new byte[length + 1];
                row.Kernel(upper, lower, actual.AsSpan(0, length));
                Assert.Equal(halved, actual);
            }

            foreach (Variant<ChromaFilter.DoubleKernel> row in ChromaFilter.DoubleTable.Supported)
            {
                byte[] actual = new byte[2 * length + 1];
                row.Kernel(upper.AsSpan(0, length), lower.AsSpan(0, length), actual.AsSpan(0, 2 * length));
                Assert.Equal(doubled, actual);
            }
        }
    }
}
