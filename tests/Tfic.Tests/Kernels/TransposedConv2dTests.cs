using Tfic.Kernels.Convolution;

namespace Tfic.Tests.Kernels;

public sealed class TransposedConv2dTests
{
    [Fact]
    public void It_is_a_convolution_the_other_way_round()
    {
        var random = new Random(1);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => 2 * random.NextSingle() - 1)];
        foreach ((int kernel, int inputs, int outputs, int height, int width) in new[]
        {
            (3, 1, 1, 1, 1), (3, 3, 5, 2, 3), (5, 4, 17, 3, 1), (5, 2, 3, 4, 9), (7, 3, 2, 2, 2), (3, 33, 48, 5, 8),
        })
        {
            float[] weight = Values(inputs * outputs * kernel * kernel), bias = Values(outputs);
            float[] input = Values(height * width * inputs);
            var layer = new TransposedConv2d(weight, bias, inputs, kernel);
            var output = new float[4 * height * width * outputs];
            layer.Run(input, height, width, output, new float[layer.ScratchLength(height, width)]);

            // Every input is spread over the kernel around twice its place.
            var expected = new double[output.Length];
            for (int i = 0; i < expected.Length; i++)
                expected[i] = bias[i % outputs];
            for (int at = 0; at < input.Length; at++)
            {
                (int y, int x, int c) = (at / inputs / width, at / inputs % width, at % inputs);
                for (int tap = 0; tap < kernel * kernel; tap++)
                {
                    (int row, int column) = (2 * y + tap / kernel - kernel / 2, 2 * x + tap % kernel - kernel / 2);
                    if (row < 0 || column < 0 || row >= 2 * height || column >= 2 * width)
                        continue;
                    for (int o = 0; o < outputs; o++)
                    {
                        expected[(row * 2 * width + column) * outputs + o] +=
                            (double)input[at] * weight[(c * outputs + o) * kernel * kernel + tap];
                    }
                }
            }

            for (int i = 0; i < output.Length; i++)
                Assert.Equal(expected[i], output[i], 2e-5);
            Assert.Equal((long)kernel * kernel * inputs * outputs * height * width, layer.MultiplyAdds(height, width));
        }
    }

    [Fact]
    public void Wrong_sizes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new TransposedConv2d(new float[10], new float[1], 1, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TransposedConv2d(new float[16], new float[1], 1, 4));
        var layer = new TransposedConv2d(new float[9], new float[1], 1, 3);
        Assert.Throws<ArgumentException>(() => layer.Run(new float[4], 2, 2, new float[15], new float[4]));
        Assert.Throws<ArgumentException>(() => layer.Run(new float[4], 2, 2, new float[16], new float[3]));
    }
}
