using Tfic.Kernels;
using Tfic.Kernels.Samples;

namespace Tfic.Tests.Kernels;

public sealed class SampleConversionTests
{
    private static readonly byte[] s_allSamples = [.. Enumerable.Range(0, 256).Select(v => (byte)v)];

    [Fact]
    public void Samples_become_exact_quotients_in_every_row()
    {
        foreach (Variant<SampleConversion.ToFloatKernel> row in SampleConversion.ToFloatVariants.Supported)
        {
            for (int length = 0; length <= 256; length += length < 70 ? 1 : 31)
            {
                for (int offset = 0; offset < 3; offset++)
                {
                    byte[] samples = s_allSamples[..length];
                    var values = new float[offset + length + 1];
                    values[^1] = -1;
                    row.Kernel(samples, values.AsSpan(offset, length));
                    for (int i = 0; i < length; i++)
                        Assert.Equal((float)(samples[i] / 255.0), values[offset + i]);
                    Assert.Equal(-1, values[^1]);
                }
            }
        }
    }

    [Fact]
    public void There_and_back_is_the_identity()
    {
        var values = new float[256];
        var samples = new byte[256];
        SampleConversion.ToFloat(s_allSamples, values);
        SampleConversion.ToSamples(values, samples);
        Assert.Equal(s_allSamples, samples);
    }

    [Fact]
    public void Every_row_rounds_and_clamps_like_the_reference()
    {
        var values = new List<float>
        {
            float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.MinValue, -0f, 0f,
            float.Epsilon, -1e-3f, 1f, 1.0000001f, 1.002f,
        };
        for (int v = 0; v < 256; v++)
        {
            // Around every rounding midpoint, where a different order of operations would show.
            float midpoint = (v + 0.5f) / 255f;
            values.AddRange([MathF.BitDecrement(midpoint), midpoint, MathF.BitIncrement(midpoint)]);
        }

        foreach (Variant<SampleConversion.ToSamplesKernel> row in SampleConversion.ToSamplesVariants.Supported.Skip(1))
        {
            for (int length = 0; length <= values.Count; length += length < 70 ? 1 : 29)
            {
                byte[] expected = new byte[length], actual = new byte[length + 1];
                actual[^1] = 77;
                SampleConversion.ToSamplesVariants.Reference.Kernel(values.ToArray().AsSpan(0, length), expected);
                row.Kernel(values.ToArray().AsSpan(0, length), actual.AsSpan(0, length));
                Assert.Equal(expected, actual[..^1]);
                Assert.Equal(77, actual[^1]);
            }
        }
    }

    [Theory]
    [InlineData(float.NaN, 0)]
    [InlineData(-1f, 0)]
    [InlineData(2f, 255)]
    [InlineData(0.5f, 128)]
    [InlineData(0.25f, 64)]
    [InlineData(2.5f / 255, 2)]
    public void The_reference_rounds_ties_to_even(float value, byte expected)
    {
        var samples = new byte[1];
        SampleConversion.ToSamplesVariants.Reference.Kernel([value], samples);
        Assert.Equal(expected, samples[0]);
    }
}
