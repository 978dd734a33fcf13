using Tfic.Kernels;
using Tfic.Kernels.Convolution;

namespace Tfic.Tests.Kernels;

public sealed class WinogradConv2dTests
{
    private const double A = 0.75, B = 1.5, A2 = A * A, B2 = B * B;

    // Bᵀ, G and Aᵀ as the papers write them.
    private static readonly double[][] s_input =
    [
        [A2 * B2, 0, -A2 - B2, 0, 1, 0], [0, -A * B2, -B2, A, 1, 0], [0, A * B2, -B2, -A, 1, 0],
        [0, -A2 * B, -A2, B, 1, 0], [0, A2 * B, -A2, -B, 1, 0], [0, A2 * B2, 0, -A2 - B2, 0, 1],
    ];

    private static readonly double[][] s_weights =
    [
        [1 / (A2 * B2), 0, 0], Row(A, 2 * A2 * (A2 - B2)), Row(-A, 2 * A2 * (A2 - B2)),
        Row(B, 2 * B2 * (B2 - A2)), Row(-B, 2 * B2 * (B2 - A2)), [0, 0, 1],
    ];

    private static readonly double[][] s_output =
    [
        [1, 1, 1, 1, 1, 0], [0, A, -A, B, -B, 0], [0, A2, A2, B2, B2, 0], [0, A * A2, -A * A2, B * B2, -B * B2, 1],
    ];

    /// <summary>Padding, channels in and out, input height and width.</summary>
    public sealed record Shape(Padding Padding, int Cin, int Cout, int Height, int Width)
    {
        public override string ToString() =>
            $"p{Padding.Top},{Padding.Left},{Padding.Bottom},{Padding.Right} {Cin}→{Cout} on {Height}×{Width}";
    }

    public static IEnumerable<Shape> Shapes()
    {
        Padding one = Padding.Symmetric(1, 1);

        // Sizes around tiles, blocks of them, and channels around every vector.
        foreach (int width in new[] { 1, 2, 3, 4, 5, 7, 8, 9, 13, 40 })
            yield return new(one, 16, 16, 3, width);
        foreach (int height in new[] { 1, 2, 4, 5, 8, 9 })
            yield return new(one, 5, 33, height, 6);
        foreach (int outputs in new[] { 1, 2, 3, 4, 5, 8, 15, 16, 17, 47, 48, 64, 65 })
            yield return new(one, 3, outputs, 6, 11);
        foreach (int inputs in new[] { 1, 2, 4, 7, 8, 15, 16, 17, 32, 97 })
            yield return new(one, inputs, 20, 6, 14);
        yield return new(one, 1, 1, 1, 1);
        yield return new(one, 2, 3, 1, 700);

        // A strip's rows come from outside; no padding, much, and on one side only.
        yield return new(new Padding(0, 1, 0, 1), 8, 16, 10, 12);
        yield return new(default, 16, 8, 3, 3);
        yield return new(default, 16, 8, 12, 9);
        yield return new(Padding.Symmetric(7, 6), 3, 8, 1, 2);
        yield return new(new Padding(3, 0, 0, 2), 16, 16, 5, 6);
    }

    public static TheoryData<string> Rows() => [.. WinogradConv2d.Variants.Rows.Select(row => row.Name)];

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void Every_row_equals_the_reference_bit_for_bit(string rowName)
    {
        Variant<WinogradConv2dKernel> row = RowOf(rowName);
        foreach (Shape shape in Shapes())
        {
            foreach (Residual residual in Enum.GetValues<Residual>())
            {
                foreach (float slope in residual == Residual.None ? new[] { 1f, 0f } : [0.125f])
                {
                    WinogradConv2d layer = Layer(shape, residual, slope, seed: 1);
                    float[] expected = Run(layer, WinogradConv2d.Variants.Reference, shape, offset: 0, threads: 1);
                    Assert.True(expected.Any(value => value != 0) || expected.Length < 8, "Nothing was computed.");
                    foreach (int offset in new[] { 0, 1, 3 })
                        AssertSameBits(expected, Run(layer, row, shape, offset, threads: 1), shape);
                }
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void The_result_does_not_depend_on_the_number_of_threads(string rowName)
    {
        Variant<WinogradConv2dKernel> row = RowOf(rowName);
        var shape = new Shape(Padding.Symmetric(1, 1), 7, 18, 37, 150);
        WinogradConv2d layer = Layer(shape, Residual.AfterActivation, 0.125f, seed: 3);
        float[] expected = Run(layer, WinogradConv2d.Variants.Picked, shape, offset: 0, threads: 1);
        foreach (int threads in new[] { 1, 2, 3, 16 })
            AssertSameBits(expected, Run(layer, row, shape, offset: 0, threads), shape);
    }

    // The bound of the remarks, with the few roundings of residual and activation.
    [Fact]
    public void The_reference_is_the_convolution_within_its_roundings()
    {
        double largest = 0;
        foreach (Shape shape in Shapes().Append(new(Padding.Symmetric(1, 1), 64, 16, 16, 16)))
        {
            foreach (Residual residual in Enum.GetValues<Residual>())
            {
                WinogradConv2d layer = Layer(shape, residual, 0.125f, seed: 2);
                float[] output = Run(layer, WinogradConv2d.Variants.Reference, shape, offset: 0, threads: 1);
                (float[] input, float[] second) = Inputs(layer, shape);
                (double[] exact, double[] bounds) = Direct(layer, shape, input, second);
                Assert.Equal(exact.Length, output.Length);
                for (int i = 0; i < output.Length; i++)
                {
                    double unit = bounds[i] / (1 << 24);
                    largest = Math.Max(largest, Math.Abs(exact[i] - output[i]) / unit);
                    Assert.True(
                        Math.Abs(exact[i] - output[i]) <= (shape.Cin + 15) * unit,
                        $"{shape}: {exact[i]} and {output[i]} at {i}");
                }
            }
        }

        // Some rounding there must be.
        Assert.True(largest > 0.1);
    }

    [Fact]
    public void Its_error_is_some_units_of_the_last_place()
    {
        // As in DnCNN: 64 channels behind rectifiers, weights that keep the power.
        var random = new Random(5);
        const int channels = 64, size = 24;
        float[] weight = [.. Values(random, channels * channels * 9).Select(w => w * MathF.Sqrt(6f / (9 * channels)))];
        var plain = new Conv2d(weight, new float[channels], channels, 3, 3) { Padding = Padding.Symmetric(1, 1) };
        var layer = new WinogradConv2d(plain);
        float[] input = [.. Values(random, size * size * channels).Select(v => MathF.Max(0, v))];
        float[] expected = new float[input.Length], output = new float[input.Length];
        plain.Run(input, size, size, expected);
        layer.Run(input, size, size, output, new float[layer.ScratchLength(1)]);
        double noise = expected.Zip(output, (e, o) => ((double)e - o) * (e - o)).Sum();
        double signal = expected.Sum(e => (double)e * e);
        Assert.InRange(Math.Sqrt(noise / signal), 1e-9, 1e-6);
    }

    [Fact]
    public void A_part_that_begins_at_tiles_has_the_bits_of_the_whole()
    {
        var shape = new Shape(new Padding(0, 1, 0, 1), 5, 7, 26, 9);
        WinogradConv2d layer = Layer(shape, Residual.None, 0f, seed: 6);
        float[] whole = Run(layer, WinogradConv2d.Variants.Picked, shape, offset: 0, threads: 1);
        (float[] input, _) = Inputs(layer, shape);
        foreach (int first in new[] { 0, 4, 12, 20 })
        {
            int rows = 26 - first, length = (rows - 2) * 9 * 7;
            var part = new float[length];
            layer.Run(input.AsSpan(first * 9 * 5), rows, 9, part, new float[layer.ScratchLength(1)]);
            AssertSameBits(whole[^length..], part, shape);
        }
    }

    [Fact]
    public void Dispatch_picks_the_widest_vectors_of_this_machine() => Assert.Equal(
        Conv2d.Variants.PickFor(VariantChoice.Automatic).Name,
        WinogradConv2d.Variants.PickFor(VariantChoice.Automatic).Name);

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        static Conv2d Plain(int kh, int kw, int outputs = 4) => new(new float[outputs * kh * kw], new float[outputs], 1, kh, kw);
        Assert.Throws<ArgumentException>(() => new WinogradConv2d(Plain(3, 1)));
        Assert.Throws<ArgumentException>(() => new WinogradConv2d(Plain(5, 3)));
        Assert.Throws<ArgumentException>(
            () => new WinogradConv2d(new Conv2d(new float[9], new float[1], 1, 3, 3) { Stride = 2 }));
        Assert.Throws<ArgumentException>(
            () => new WinogradConv2d(new Conv2d(new float[36], new float[4], 1, 3, 3) { Shuffle = 2 }));

        var layer = new WinogradConv2d(Plain(3, 3));
        var scratch = new float[layer.ScratchLength(1)];
        Assert.Throws<ArgumentException>(() => layer.Run(new float[15], 4, 4, new float[16], scratch));
        Assert.Throws<ArgumentException>(() => layer.Run(new float[16], 4, 4, new float[15], scratch));
        Assert.Throws<ArgumentException>(() => layer.Run(new float[4], 2, 2, new float[16], scratch));
        Assert.Throws<ArgumentException>(() => layer.Run(new float[16], 4, 4, new float[16], scratch[1..]));
        Assert.Throws<ArgumentException>(() => layer.Run(new float[16], 4, 4, new float[16], scratch, threads: 2));
        Assert.Throws<ArgumentException>(() => layer.Run(new float[16], 4, 4, new float[16], scratch, new float[16]));
        Assert.Throws<ArgumentOutOfRangeException>(() => layer.ScratchLength(0));
    }

    [SkippableFact]
    public void Nothing_is_allocated_after_the_first_run()
    {
        Skip.If(
            ReferenceEquals(WinogradConv2d.Variants.Picked, WinogradConv2d.Variants.Reference),
            "Without vector instructions the plain reference runs, which allocates.");
        var shape = new Shape(Padding.Symmetric(1, 1), 16, 17, 8, 9);
        WinogradConv2d layer = Layer(shape, Residual.None, 0f, seed: 5);
        (float[] input, float[] _) = Inputs(layer, shape);
        float[] output = new float[8 * 9 * 17], scratch = new float[layer.ScratchLength(1)];
        layer.Run(input, 8, 9, output, scratch);
        long before = GC.GetAllocatedBytesForCurrentThread();
        layer.Run(input, 8, 9, output, scratch);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static double[] Row(double point, double factor) => [1 / factor, point / factor, point * point / factor];

    private static Variant<WinogradConv2dKernel> RowOf(string name)
    {
        Variant<WinogradConv2dKernel> row = WinogradConv2d.Variants.Rows.Single(r => r.Name == name);
        Skip.IfNot(row.IsSupported, $"This machine cannot run {name}.");
        return row;
    }

    private static WinogradConv2d Layer(Shape shape, Residual residual, float slope, int seed)
    {
        var random = new Random(seed);
        return new WinogradConv2d(
            new Conv2d(Values(random, shape.Cout * shape.Cin * 9), Values(random, shape.Cout), shape.Cin, 3, 3)
            {
                Padding = shape.Padding,
                Residual = residual,
                NegativeSlope = slope,
            });
    }

    private static (float[] Input, float[] Residual) Inputs(WinogradConv2d winograd, Shape shape)
    {
        var random = new Random(77);
        Conv2d layer = winograd.Layer;
        int length = layer.ResultHeight(shape.Height) * layer.ResultWidth(shape.Width) * layer.ResultChannels;
        return (Values(random, shape.Height * shape.Width * shape.Cin),
            layer.Residual == Residual.None ? [] : Values(random, length));
    }

    /// <summary>Runs with NaN around every span and in the scratch memory.</summary>
    private static float[] Run(
        WinogradConv2d layer, Variant<WinogradConv2dKernel> row, Shape shape, int offset, int threads)
    {
        const int Guard = 64;
        (float[] input, float[] residual) = Inputs(layer, shape);
        float[] Guarded(float[] values)
        {
            var guarded = new float[offset + values.Length + Guard];
            Array.Fill(guarded, float.NaN);
            values.CopyTo(guarded, offset);
            return guarded;
        }

        int length = layer.Layer.ResultHeight(shape.Height) * layer.Layer.ResultWidth(shape.Width) * shape.Cout;
        var output = new float[offset + length + Guard];
        Array.Fill(output, float.NaN);
        var scratch = new float[offset + (int)layer.ScratchLength(threads) + Guard];
        Array.Fill(scratch, float.NaN);
        layer.Run(
            row, Guarded(input).AsSpan(offset, input.Length), shape.Height, shape.Width, output.AsSpan(offset),
            scratch.AsSpan(offset, (int)layer.ScratchLength(threads)),
            residual.Length == 0 ? default : Guarded(residual).AsSpan(offset, residual.Length), threads);
        Assert.All([.. output[..offset], .. output[(offset + length)..]], value => Assert.True(float.IsNaN(value)));
        Assert.All(scratch[..offset], value => Assert.True(float.IsNaN(value)));
        Assert.All(scratch[^Guard..], value => Assert.True(float.IsNaN(value)));
        return output[offset..(offset + length)];
    }

    /// <summary>The convolution in double, and |bias| + |Aᵀ| (Σ (|Bᵀ| |d| |B|) ∘ (|G| |g| |Gᵀ|)) |A| + |residual|.</summary>
    private static (double[] Exact, double[] Bounds) Direct(
        WinogradConv2d winograd, Shape s, float[] input, float[] residual)
    {
        Conv2d layer = winograd.Layer;
        int rows = layer.ResultHeight(s.Height), columns = layer.ResultWidth(s.Width);
        double[] exact = new double[rows * columns * s.Cout], bounds = new double[exact.Length];
        double Input(int y, int x, int i)
        {
            (y, x) = (y - s.Padding.Top, x - s.Padding.Left);
            return y < 0 || x < 0 || y >= s.Height || x >= s.Width ? 0 : input[(y * s.Width + x) * s.Cin + i];
        }

        double Weight(int o, int i, int ky, int kx) => layer.Weight[((o * s.Cin + i) * 3 + ky) * 3 + kx];
        double[][,] weights =
        [
            .. Enumerable.Range(0, s.Cout * s.Cin).Select(
                oi => Transform(s_weights, (y, x) => Math.Abs(Weight(oi / s.Cin, oi % s.Cin, y, x)))),
        ];
        for (int top = 0; top < rows; top += 4)
        {
            for (int left = 0; left < columns; left += 4)
            {
                double[][,] tiles =
                [
                    .. Enumerable.Range(0, s.Cin).Select(
                        i => Transform(s_input, (y, x) => Math.Abs(Input(top + y, left + x, i)))),
                ];
                for (int o = 0; o < s.Cout; o++)
                {
                    double[,] magnitude = Transform(
                        s_output, (y, x) => tiles.Select((tile, i) => tile[y, x] * weights[o * s.Cin + i][y, x]).Sum());
                    for (int y = top; y < int.Min(top + 4, rows); y++)
                    {
                        for (int x = left; x < int.Min(left + 4, columns); x++)
                        {
                            int at = (y * columns + x) * s.Cout + o;
                            double sum = layer.Bias[o];
                            for (int tap = 0; tap < 9 * s.Cin; tap++)
                            {
                                int i = tap / 9, ky = tap / 3 % 3, kx = tap % 3;
                                sum += Input(y + ky, x + kx, i) * Weight(o, i, ky, kx);
                            }

                            if (layer.Residual == Residual.BeforeActivation)
                                sum += residual[at];
                            sum = sum < 0 ? sum * layer.NegativeSlope : sum;
                            if (layer.Residual == Residual.AfterActivation)
                                sum += residual[at];
                            exact[at] = sum;
                            bounds[at] = magnitude[y - top, x - left] + Math.Abs(layer.Bias[o])
                                + (residual.Length > 0 ? Math.Abs(residual[at]) : 0);
                        }
                    }
                }
            }
        }

        return (exact, bounds);
    }

    /// <summary>|T| x |Tᵀ|.</summary>
    private static double[,] Transform(double[][] matrix, Func<int, int, double> x)
    {
        int size = matrix[0].Length;
        var result = new double[matrix.Length, matrix.Length];
        for (int i = 0; i < matrix.Length; i++)
        {
            for (int j = 0; j < matrix.Length; j++)
            {
                for (int k = 0; k < size * size; k++)
                {
                    result[i, j] += Math.Abs(matrix[i][k / size]) * x(k / size, k % size)
                        * Math.Abs(matrix[j][k % size]);
                }
            }
        }

        return result;
    }

    private static float[] Values(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(2 * random.NextDouble() - 1))];

    private static void AssertSameBits(float[] expected, float[] actual, Shape shape)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]))
                Assert.Fail($"{shape}: {expected[i]:R} expected at {i}, {actual[i]:R} computed.");
        }
    }
}
