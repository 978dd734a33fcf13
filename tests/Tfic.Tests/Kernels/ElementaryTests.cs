using System.Runtime.Intrinsics;
using Tfic.Kernels;

namespace Tfic.Tests.Kernels;

public sealed class ElementaryTests
{
    [Fact]
    public void The_exponential_is_within_its_error_everywhere()
    {
        double worst = 0;
        for (int bits = 0; bits < 0x42AE999A; bits += 4099)
        {
            foreach (float x in new[] { BitConverter.Int32BitsToSingle(bits), -BitConverter.Int32BitsToSingle(bits) })
            {
                double exact = Math.Exp(x);
                float found = Elementary.Exp(x);
                float unit = MathF.BitIncrement((float)exact) - (float)exact;
                worst = Math.Max(worst, Math.Abs(found - exact) / unit);
            }
        }

        Assert.InRange(worst, 0.4, 1.5);
        Assert.Equal(1f, Elementary.Exp(0));
        Assert.Equal(1f, Elementary.Exp(-0f));
        Assert.Equal(Elementary.Exp(-87.3f), Elementary.Exp(float.NegativeInfinity));
        Assert.Equal(Elementary.Exp(87.3f), Elementary.Exp(1e30f));
        Assert.True(float.IsNormal(Elementary.Exp(-1000)) && float.IsNormal(Elementary.Exp(1000)));
        Assert.True(float.IsNaN(Elementary.Exp(float.NaN)));
    }

    [Fact]
    public void Vectors_of_any_width_give_the_same_bits()
    {
        // The framework computes them in software where there is no hardware: the same there too.
        var random = new Random(1);
        for (int round = 0; round < 2000; round++)
        {
            var x = new float[16];
            foreach (ref float value in x.AsSpan())
                value = BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
            var expected = Array.ConvertAll(x, value => BitConverter.SingleToInt32Bits(Elementary.Exp(value)));
            Vector512<float> wide = Elementary.Exp<Vector512<float>, Lanes512>(Vector512.Create(x));
            Vector256<float> half = Elementary.Exp<Vector256<float>, Lanes256>(Vector256.Create(x));
            Vector128<float> quarter = Elementary.Exp<Vector128<float>, Lanes128>(Vector128.Create(x));
            for (int i = 0; i < 16; i++)
            {
                Assert.Equal(float.IsNaN(x[i]), float.IsNaN(wide[i]));
                if (float.IsNaN(x[i]))
                    continue;
                Assert.Equal(expected[i], BitConverter.SingleToInt32Bits(wide[i]));
                if (i < 8)
                    Assert.Equal(expected[i], BitConverter.SingleToInt32Bits(half[i]));
                if (i < 4)
                    Assert.Equal(expected[i], BitConverter.SingleToInt32Bits(quarter[i]));
            }
        }
    }
}
