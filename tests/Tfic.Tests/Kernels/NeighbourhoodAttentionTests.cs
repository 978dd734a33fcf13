using Tfic.Kernels;
using Tfic.Kernels.Attention;

namespace Tfic.Tests.Kernels;

public sealed class NeighbourhoodAttentionTests
{
    /// <summary>Heads, their depth, side of the window, rows and columns.</summary>
    public static TheoryData<int, int, int, int, int> Shapes { get; } = new()
    {
        { 1, 1, 3, 3, 3 }, { 2, 3, 3, 4, 9 }, { 3, 8, 5, 6, 5 }, { 4, 2, 7, 7, 12 }, { 5, 11, 7, 8, 7 }, { 7, 4, 3, 5, 3 },
        { 8, 16, 7, 9, 8 }, { 9, 1, 9, 9, 10 }, { 12, 16, 3, 3, 5 }, { 15, 3, 3, 4, 4 }, { 16, 9, 5, 5, 7 },
        { 17, 2, 3, 3, 4 }, { 20, 16, 7, 7, 7 }, { 31, 1, 3, 3, 4 }, { 33, 2, 3, 4, 3 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_reference_is_that_of_the_definition(int heads, int depth, int window, int height, int width)
    {
        (NeighbourhoodAttention layer, float[] bias, float[] input) = Make(heads, depth, window, height, width);
        var output = new float[height * width * heads * depth];
        layer.Run(input, height, width, output);
        int channels = heads * depth, side = 2 * window - 1;
        double At(int y, int x, int part, int head, int d) => input[((y * width + x) * 3 + part) * channels + d * heads + head];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                (int top, int left) =
                    (Math.Clamp(y - window / 2, 0, height - window), Math.Clamp(x - window / 2, 0, width - window));
                for (int head = 0; head < heads; head++)
                {
                    var weights = new Dictionary<(int Row, int Column), double>();
                    for (int row = top; row < top + window; row++)
                    {
                        for (int column = left; column < left + window; column++)
                        {
                            double score = bias[(head * side + row - y + window - 1) * side + column - x + window - 1];
                            for (int d = 0; d < depth; d++)
                                score += At(y, x, 0, head, d) / Math.Sqrt(depth) * At(row, column, 1, head, d);
                            weights[(row, column)] = Math.Exp(score);
                        }
                    }

                    double total = weights.Values.Sum();
                    for (int d = 0; d < depth; d++)
                    {
                        double exact = weights.Sum(w => w.Value / total * At(w.Key.Row, w.Key.Column, 2, head, d));
                        Assert.Equal(exact, output[(y * width + x) * channels + d * heads + head], 2e-5);
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_row_equals_the_reference_bit_for_bit(int heads, int depth, int window, int height, int width)
    {
        (NeighbourhoodAttention layer, _, float[] input) = Make(heads, depth, window, height, width);
        int channels = heads * depth;
        var expected = new float[height * width * channels];
        NeighbourhoodAttention.Variants.Reference.Kernel(layer, input, height, width, 0, height, expected);
        foreach (Variant<NeighbourhoodAttentionKernel> row in NeighbourhoodAttention.Variants.Supported.Skip(1))
        {
            foreach ((int first, int end) in new[] { (0, height), (1, height), (0, 1), (height - 1, height), (1, 1) })
            {
                // NaN on all sides of the input: nothing outside may be read, since it would spread.
                int length = (end - first) * width * channels;
                float[] guarded = [.. Enumerable.Repeat(float.NaN, 35), .. input, .. Enumerable.Repeat(float.NaN, 64)];
                var output = new float[length + 65];
                Array.Fill(output, float.NaN);
                row.Kernel(layer, guarded.AsSpan(35, input.Length), height, width, first, end, output.AsSpan(1, length));
                Assert.Equal(expected[(first * width * channels)..(end * width * channels)], output[1..^64]);
                Assert.All(output[^64..], value => Assert.True(float.IsNaN(value)));
            }
        }
    }

    [Fact]
    public void A_far_larger_score_takes_all_without_overflow()
    {
        const int Heads = 16, Window = 3;
        var input = new float[3 * 3 * 3 * Heads];
        for (int i = 0; i < input.Length; i++)
            input[i] = i / Heads % 3 == 0 ? 1000 : i / (3 * Heads) == 4 ? 1000 : i / (3 * Heads);
        var layer = new NeighbourhoodAttention(new float[Heads * 25], Heads, Heads, Window);
        foreach (Variant<NeighbourhoodAttentionKernel> row in NeighbourhoodAttention.Variants.Supported)
        {
            var output = new float[9 * Heads];
            row.Kernel(layer, input, 3, 3, 0, 3, output);
            Assert.All(output, value => Assert.Equal(1000f, value));
        }
    }

    [Fact]
    public void Wrong_sizes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new NeighbourhoodAttention(new float[24], 2, 1, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new NeighbourhoodAttention(new float[50], 3, 2, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new NeighbourhoodAttention(new float[49], 1, 1, 4));
        var layer = new NeighbourhoodAttention(new float[25], 2, 1, 3);
        Assert.Throws<ArgumentException>(() => layer.Run(new float[36], 2, 3, new float[12]));
        Assert.Throws<ArgumentException>(() => layer.Run(new float[53], 3, 3, new float[18]));
        Assert.Throws<ArgumentException>(() => layer.Run(new float[54], 3, 3, new float[17]));
        Assert.Throws<ArgumentOutOfRangeException>(() => layer.Run(new float[54], 3, 3, 2, 4, new float[18]));
        var plane = new float[72];
        Assert.Throws<ArgumentException>(() => layer.Run(plane.AsSpan(0, 54), 3, 3, plane.AsSpan(53, 18)));
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        (NeighbourhoodAttention layer, _, float[] input) = Make(20, 16, 7, 7, 8);
        var output = new float[7 * 8 * 320];
        layer.Run(input, 7, 8, output);
        long before = GC.GetAllocatedBytesForCurrentThread();
        layer.Run(input, 7, 8, output);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static (NeighbourhoodAttention Layer, float[] Bias, float[] Input) Make(
        int heads, int depth, int window, int height, int width)
    {
        var random = new Random(heads * depth);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => 4 * random.NextSingle() - 2)];
        int side = 2 * window - 1;
        float[] bias = Values(heads * side * side);
        return (new NeighbourhoodAttention(bias, heads * depth, heads, window), bias, Values(3 * height * width * heads * depth));
    }
}
