using Tfic.Kernels;
using Tfic.Kernels.Resizing;

namespace Tfic.Tests.Kernels;

public sealed class BilinearResizeTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_row_equals_the_reference(bool alignCorners)
    {
        var random = new Random(1);
        foreach (Variant<BilinearResize.Kernel> row in BilinearResize.Variants.Supported.Skip(1))
        {
            foreach (int channels in new[] { 1, 3, 4, 5, 8, 9, 16, 17, 33, 64 })
            {
                foreach ((int height, int width, int rows, int columns) in new[]
                {
                    (1, 1, 1, 1), (1, 1, 3, 2), (2, 3, 4, 6), (4, 6, 2, 3), (5, 3, 11, 1), (3, 7, 1, 9),
                })
                {
                    float[] input = [.. Enumerable.Range(0, height * width * channels).Select(_ => random.NextSingle() - 0.5f)];
                    float[] expected = new float[rows * columns * channels], actual = new float[expected.Length + 20];
                    Array.Fill(actual, 7f);
                    BilinearResize.Variants.Reference.Kernel(
                        input, height, width, channels, expected, rows, columns, alignCorners);
                    row.Kernel(
                        input, height, width, channels, actual.AsSpan(0, expected.Length), rows, columns, alignCorners);
                    Assert.Equal(expected, actual[..expected.Length]);
                    Assert.All(actual[expected.Length..], value => Assert.Equal(7f, value));
                }
            }
        }
    }

    [Fact]
    public void Corners_are_aligned_by_their_middles_or_by_their_edges()
    {
        float[] Resize(int length, bool alignCorners)
        {
            var output = new float[length];
            BilinearResize.Run([0, 4, 8], 1, 3, 1, output, 1, length, alignCorners);
            return output;
        }

        Assert.Equal([0, 2, 4, 6, 8], Resize(5, alignCorners: true));
        Assert.Equal([0, 1, 3, 5, 7, 8], Resize(6, alignCorners: false));
        Assert.Equal([0], Resize(1, alignCorners: true));
        Assert.Equal([4], Resize(1, alignCorners: false));
        Assert.Equal([0, 4, 8], Resize(3, alignCorners: false));
    }

    [Fact]
    public void Wrong_sizes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => BilinearResize.Run(new float[7], 2, 2, 2, new float[32], 4, 4));
        Assert.Throws<ArgumentException>(() => BilinearResize.Run(new float[8], 2, 2, 2, new float[31], 4, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => BilinearResize.Run(new float[8], 2, 2, 2, new float[8], 0, 4));
        var plane = new float[16];
        Assert.Throws<ArgumentException>(() => BilinearResize.Run(plane.AsSpan(0, 8), 2, 2, 2, plane.AsSpan(7), 2, 2));
    }
}
