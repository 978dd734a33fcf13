using Tfic.Kernels;
using Tfic.Kernels.Activation;
using Tfic.Networks.TinyLic;

namespace Tfic.Tests.Kernels;

public sealed class GeluTests
{
    [Fact]
    public void The_reference_is_within_its_error_everywhere()
    {
        var x = new List<float> { 0, -0f, 1e-30f, 1e30f, -1e30f };
        for (int bits = 0x2E000000; bits < 0x43000000; bits += 5003)
            x.AddRange([BitConverter.Int32BitsToSingle(bits), -BitConverter.Int32BitsToSingle(bits)]);
        float[] values = [.. x];
        Gelu.Variants.Reference.Kernel(values);
        double worst = 0;
        for (int i = 0; i < values.Length; i++)
        {
            double exact = x[i] * PublishedTables.Complement(-x[i]);
            worst = Math.Max(worst, Math.Abs(values[i] - exact) / Math.Max(float.Epsilon, Math.Abs(x[i])));
        }

        Assert.InRange(worst, 1e-9, 3e-7);
    }

    [Fact]
    public void Every_row_equals_the_reference_bit_for_bit()
    {
        var random = new Random(2);
        foreach (Variant<Gelu.Kernel> row in Gelu.Variants.Supported.Skip(1))
        {
            for (int length = 0; length < 70; length++)
            {
                var expected = new float[length + 40];
                foreach (ref float value in expected.AsSpan())
                    value = BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
                float[] actual = [.. expected];
                Gelu.Variants.Reference.Kernel(expected.AsSpan(1, length));
                row.Kernel(actual.AsSpan(1, length));
                Assert.Equal(expected, actual);
            }
        }
    }

    [Fact]
    public void What_is_not_a_number_stays_one()
    {
        float[] values = [float.NaN, 1, float.NaN, float.PositiveInfinity];
        Gelu.Run(values);
        Assert.True(float.IsNaN(values[0]) && float.IsNaN(values[2]));
        Assert.Equal(0.8413447f, values[1], 1e-6f);
    }
}
