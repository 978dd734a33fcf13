using Tfic.Kernels;
using Tfic.Kernels.Pooling;

namespace Tfic.Tests.Kernels;

public sealed class MaxPoolTests
{
    [Fact]
    public void Every_row_equals_the_reference()
    {
        var random = new Random(5);
        foreach (Variant<MaxPool.Kernel> row in MaxPool.Variants.Supported.Skip(1))
        {
            foreach ((int windowHeight, int windowWidth) in new[] { (2, 2), (2, 1), (1, 1), (3, 2) })
            {
                foreach (int channels in new[] { 1, 3, 4, 7, 8, 15, 16, 17, 64, 97 })
                {
                    foreach ((int height, int width) in new[] { (3, 2), (4, 5), (7, 9) })
                    {
                        var input = new float[height * width * channels];
                        for (int i = 0; i < input.Length; i++)
                            input[i] = random.Next(20) == 0 ? float.NaN : random.Next(-3, 4) / 2f;
                        int length = height / windowHeight * (width / windowWidth) * channels;
                        float[] expected = new float[length], actual = new float[length];
                        MaxPool.Variants.Reference.Kernel(
                            input, height, width, channels, windowHeight, windowWidth, expected);
                        row.Kernel(input, height, width, channels, windowHeight, windowWidth, actual);
                        Assert.Equal(expected, actual);
                    }
                }
            }
        }
    }

    [Fact]
    public void The_reference_takes_the_largest_and_leaves_out_what_fills_no_window()
    {
        float[] input = [1, -1, 2, -2, 9, 9, 3, -3, -4, -4, 9, 9, 9, 9, 9, 9, 9, 9];
        var output = new float[2];
        MaxPool.Variants.Reference.Kernel(input, 3, 3, 2, 2, 2, output);
        Assert.Equal([3, -1], output);
        MaxPool.Run(input, 3, 3, 2, 2, 2, output);
        Assert.Equal([3, -1], output);
    }

    [Fact]
    public void Wrong_sizes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => MaxPool.Run(new float[7], 2, 2, 2, 2, 2, new float[2]));
        Assert.Throws<ArgumentException>(() => MaxPool.Run(new float[8], 2, 2, 2, 2, 2, new float[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => MaxPool.Run(new float[8], 1, 2, 2, 2, 2, new float[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => MaxPool.Run(new float[8], 2, 2, 2, 0, 2, new float[2]));
    }
}
