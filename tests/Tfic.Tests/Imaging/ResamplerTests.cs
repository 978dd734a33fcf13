using Tfic.Imaging;

namespace Tfic.Tests.Imaging;

public sealed class ResamplerTests
{
    [Theory]
    [InlineData(1, 1, 1, 256, 32)]
    [InlineData(7, 5, 3, 7, 5)]
    [InlineData(37, 29, 1, 16, 9)]
    [InlineData(37, 29, 3, 90, 31)]
    [InlineData(200, 3, 2, 19, 64)]
    public void Samples_are_averages_under_a_triangle(int inputWidth, int inputHeight, int channels, int width, int height)
    {
        var random = new Random(1);
        float[] input = [.. Enumerable.Range(0, inputWidth * inputHeight * channels).Select(_ => 255 * random.NextSingle())];
        float[] actual = Resampling.Resize(input, inputWidth, inputHeight, channels, width, height);
        Assert.Equal(width * height * channels, actual.Length);
        for (int i = 0; i < actual.Length; i++)
        {
            int x = i / channels % width, y = i / channels / width;
            double sum = 0, total = 0;
            for (int iy = 0; iy < inputHeight; iy++)
            {
                for (int ix = 0; ix < inputWidth; ix++)
                {
                    double weight = Triangle(ix, x, inputWidth, width) * Triangle(iy, y, inputHeight, height);
                    total += weight;
                    sum += weight * input[(iy * inputWidth + ix) * channels + i % channels];
                }
            }

            Assert.Equal(sum / total, actual[i], 1e-3);
        }
    }

    [Fact]
    public void A_resampler_used_again_gives_the_same_as_a_new_one()
    {
        var resampler = new Resampler(50, 40, 1, 33, 20);
        var random = new Random(2);
        var result = new float[33 * 20];
        for (int i = 0; i < 3; i++)
        {
            float[] input = [.. Enumerable.Range(0, 50 * 40).Select(_ => random.NextSingle())];
            resampler.Resize(input, result);
            Assert.Equal(Resampling.Resize(input, 50, 40, 1, 33, 20), result);
        }

        Assert.Throws<ArgumentException>(() => resampler.Resize(new float[50 * 40 - 1], result));
        Assert.Throws<ArgumentException>(() => resampler.Resize(new float[50 * 40], new float[33 * 20 - 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Resampler(0, 1, 1, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Resampler(1, 1, 1, 1, 0));
    }

    /// <summary>Weight of an input for an output: 1 at its centre, 0 one (larger) pixel away.</summary>
    private static double Triangle(int input, int output, int inputSize, int outputSize)
    {
        double scale = (double)inputSize / outputSize;
        return Math.Max(0, 1 - Math.Abs(input + 0.5 - (output + 0.5) * scale) / Math.Max(1, scale));
    }
}
