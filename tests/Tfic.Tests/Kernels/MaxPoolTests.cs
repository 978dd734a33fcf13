using Tfic.Kernels;
using Tfic.Kernels.Pooling;

namespace Tfic.Tests.Kernels;

public sealed class MaxPoolTests
{
    private static readonly PoolingWindow[] s_windows =
    [
        new(2, 2), new(2, 1), new(1, 1), new(3, 2), new(2, 2) { ColumnStride = 1, ColumnPadding = 1 },
        new(3, 3) { RowStride = 1, ColumnStride = 1, RowPadding = 1, ColumnPadding = 1 },
        new(2, 2) { RowStride = 3, ColumnStride = 1, RowPadding = 1 },
    ];

    [Fact]
    public void Every_row_equals_the_reference()
    {
        var random = new Random(5);
        foreach (Variant<MaxPool.Kernel> row in MaxPool.Variants.Supported.Skip(1))
        {
            foreach (PoolingWindow window in s_windows)
            {
                foreach (int channels in new[] { 1, 3, 4, 7, 8, 15, 16, 17, 64, 97 })
                {
                    foreach ((int height, int width) in new[] { (3, 2), (4, 5), (7, 9) })
                    {
                        var input = new float[height * width * channels];
                        for (int i = 0; i < input.Length; i++)
                            input[i] = random.Next(20) == 0 ? float.NaN : random.Next(-3, 4) / 2f;
                        int length = window.ResultHeight(height) * window.ResultWidth(width) * channels;
                        float[] expected = new float[length], actual = new float[length];
                        MaxPool.Variants.Reference.Kernel(input, height, width, channels, window, expected);
                        row.Kernel(input, height, width, channels, window, actual);
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
        MaxPool.Variants.Reference.Kernel(input, 3, 3, 2, new(2, 2), output);
        Assert.Equal([3, -1], output);
        MaxPool.Run(input, 3, 3, 2, 2, 2, output);
        Assert.Equal([3, -1], output);
    }

    [Fact]
    public void What_reaches_over_an_edge_counts_for_nothing()
    {
        float[] input = [-3, -1, -2, -5, -4, -6];
        var window = new PoolingWindow(2, 2) { ColumnStride = 1, ColumnPadding = 1 };
        Assert.Equal((1, 4), (window.ResultHeight(2), window.ResultWidth(3)));
        foreach (Variant<MaxPool.Kernel> row in MaxPool.Variants.Supported)
        {
            var output = new float[4];
            row.Kernel(input, 2, 3, 1, window, output);
            Assert.Equal([-3, -1, -1, -2], output);
        }
    }

    [Fact]
    public void Wrong_sizes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => MaxPool.Run(new float[7], 2, 2, 2, 2, 2, new float[2]));
        Assert.Throws<ArgumentException>(() => MaxPool.Run(new float[8], 2, 2, 2, 2, 2, new float[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => MaxPool.Run(new float[8], 1, 2, 2, 2, 2, new float[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => MaxPool.Run(new float[8], 2, 2, 2, 0, 2, new float[2]));
        foreach (PoolingWindow window in new PoolingWindow[]
        {
            new(2, 2) { RowStride = 0 }, new(2, 2) { ColumnPadding = -1 }, new(3, 1) { RowPadding = 2 },
            new(1, 1) { ColumnPadding = 1 },
        })
            Assert.Throws<ArgumentOutOfRangeException>(() => MaxPool.Run(new float[8], 2, 2, 2, window, new float[99]));
    }
}
