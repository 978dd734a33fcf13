using Tfic.Kernels;
using Tfic.Kernels.Convolution;

namespace Tfic.Tests.Kernels;

public sealed class Conv2dTests
{
    /// <summary>Kernel height and width, stride, padding, channels in and out, shuffle, input height and width.</summary>
    public sealed record Shape(
        int Kh, int Kw, int Stride, Padding Padding, int Cin, int Cout, int Shuffle, int Height, int Width)
    {
        public override string ToString() =>
            $"{Kh}×{Kw} s{Stride} p{Padding.Top},{Padding.Left},{Padding.Bottom},{Padding.Right} " +
            $"{Cin}→{Cout} r{Shuffle} on {Height}×{Width}";
    }

    public static IEnumerable<Shape> Shapes()
    {
        Padding one = Padding.Symmetric(1, 1), none = default;

        // Widths around every tile and vector width, and channels around every group.
        foreach (int width in new[] { 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 15, 16, 17, 18, 31, 33 })
            yield return new(3, 3, 1, one, 5, 17, 1, 3, width);
        foreach (int outputs in new[] { 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65, 80, 96 })
            yield return new(3, 3, 1, one, 3, outputs, 1, 2, 11);
        foreach (int inputs in new[] { 1, 2, 3, 4, 15, 16, 17, 48, 97 })
            yield return new(3, 3, 2, one, inputs, 33, 1, 5, 13);
        yield return new(1, 1, 1, none, 48, 192, 1, 3, 7);
        yield return new(1, 1, 1, none, 97, 7, 1, 1, 1);
        yield return new(1, 1, 1, none, 1, 1, 1, 1, 1);
        yield return new(1, 1, 2, none, 6, 20, 1, 5, 6);
        yield return new(1, 1, 1, one, 6, 20, 1, 3, 4);

        // One pixel, kernels larger than the input, all taps in the padding.
        yield return new(3, 3, 1, one, 4, 16, 1, 1, 1);
        yield return new(3, 3, 2, one, 4, 16, 1, 1, 1);
        yield return new(5, 5, 1, Padding.Symmetric(4, 4), 2, 18, 1, 1, 1);
        yield return new(7, 7, 1, Padding.Symmetric(3, 3), 2, 18, 1, 2, 3);
        yield return new(1, 1, 1, Padding.Symmetric(2, 3), 2, 18, 1, 1, 2);
        yield return new(2, 2, 3, Padding.Symmetric(3, 3), 2, 18, 1, 1, 1);

        // The networks' own odd ones: line height reduced to one, and a filter along the line.
        yield return new(2, 1, 1, none, 19, 35, 1, 2, 13);
        foreach (int width in new[] { 1, 2, 3, 4, 6, 7, 8, 14, 15, 64 })
            yield return new(1, 7, 1, Padding.Symmetric(0, 3), 9, 48, 1, 1, width);
        yield return new(4, 4, 4, none, 3, 32, 1, 16, 44);

        // Strides, asymmetric padding, kernels that are not square.
        yield return new(3, 3, 2, one, 8, 24, 1, 8, 16);
        yield return new(3, 3, 2, one, 8, 24, 1, 9, 17);
        yield return new(3, 3, 3, one, 8, 24, 1, 10, 20);
        yield return new(3, 5, 2, new Padding(0, 3, 2, 1), 3, 50, 1, 7, 21);
        yield return new(5, 2, 1, new Padding(3, 0, 1, 4), 3, 50, 1, 6, 9);

        // Shuffles: groups that fill vectors and groups that do not, weights in several groups.
        yield return new(1, 1, 1, none, 5, 4, 2, 2, 3);
        yield return new(1, 1, 1, none, 24, 96, 2, 3, 10);
        yield return new(1, 1, 1, none, 16, 192, 2, 2, 5);
        yield return new(3, 3, 1, one, 6, 48, 4, 5, 9);
        yield return new(3, 3, 1, one, 6, 27, 3, 5, 9);
    }

    public static TheoryData<string> Rows() => [.. Conv2d.Variants.Rows.Select(row => row.Name)];

    public static TheoryData<string, string> RowsAndShapes()
    {
        var data = new TheoryData<string, string>();
        foreach (Variant<Conv2dKernel> row in Conv2d.Variants.Rows.Skip(1))
        {
            foreach (Shape shape in Shapes())
                data.Add(row.Name, shape.ToString());
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(RowsAndShapes))]
    public void Every_row_equals_the_reference_bit_for_bit(string rowName, string shapeName)
    {
        Variant<Conv2dKernel> row = Conv2d.Variants.Rows.Single(r => r.Name == rowName);
        Skip.IfNot(row.IsSupported, $"This machine cannot run {rowName}.");
        Shape shape = Shapes().Single(s => s.ToString() == shapeName);

        foreach (Residual residual in Enum.GetValues<Residual>())
        {
            foreach (float slope in new[] { 1f, 0f, 0.125f })
            {
                Conv2d layer = Layer(shape, residual, slope, seed: 1);
                (float[] expected, int _) = Run(layer, Conv2d.Variants.Reference, shape, offset: 0, threads: 1);
                int nonzero = expected.Count(value => value != 0);
                Assert.True(nonzero > 0 || expected.Length < 8, "Nothing was computed.");

                // A float at any address: vectors then straddle cache lines.
                foreach (int offset in new[] { 0, 1, 3 })
                {
                    (float[] actual, int guards) = Run(layer, row, shape, offset, threads: 1);
                    AssertSameBits(expected, actual);
                    Assert.Equal(0, guards);
                }
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void The_result_does_not_depend_on_the_number_of_threads(string rowName)
    {
        Variant<Conv2dKernel> row = Conv2d.Variants.Rows.Single(r => r.Name == rowName);
        Skip.IfNot(row.IsSupported, $"This machine cannot run {rowName}.");
        foreach (Shape shape in new Shape[]
        {
            new(3, 3, 1, Padding.Symmetric(1, 1), 7, 70, 1, 13, 17), new(1, 1, 1, default, 9, 100, 1, 5, 5),
            new(3, 3, 1, Padding.Symmetric(1, 1), 7, 32, 2, 3, 17),
        })
        {
            Conv2d layer = Layer(shape, Residual.AfterActivation, 0.125f, seed: 3);
            (float[] expected, int _) = Run(layer, Conv2d.Variants.Reference, shape, offset: 0, threads: 1);
            foreach (int threads in new[] { 1, 2, 3, 16 })
                AssertSameBits(expected, Run(layer, row, shape, offset: 0, threads).Output);
        }
    }

    /// <summary>The reference against a convolution written from its textbook definition, in double precision.</summary>
    [Fact]
    public void The_reference_is_a_convolution()
    {
        foreach (Shape shape in Shapes())
        {
            foreach (Residual residual in Enum.GetValues<Residual>())
            {
                Conv2d layer = Layer(shape, residual, 0.125f, seed: 2);
                float[] output = Run(layer, Conv2d.Variants.Reference, shape, offset: 0, threads: 1).Output;
                (float[] input, float[] second) = Inputs(layer, shape);
                double[] direct = Direct(layer, shape, input, second);
                Assert.Equal(direct.Length, output.Length);
                for (int i = 0; i < output.Length; i++)
                {
                    // At most 97·9 roundings of partial sums below 100: 873 · 100 · 2⁻²⁴ = 0.005; usually far less.
                    Assert.True(Math.Abs(direct[i] - output[i]) < 1e-3, $"{shape}: {direct[i]} and {output[i]} at {i}");
                }
            }
        }
    }

    [Fact]
    public void What_is_not_finite_spreads_only_where_the_kernel_reaches()
    {
        var shape = new Shape(3, 3, 1, Padding.Symmetric(1, 1), 4, 48, 1, 9, 20);
        Conv2d layer = Layer(shape, Residual.None, 0f, seed: 4);
        (float[] input, float[] _) = Inputs(layer, shape);
        input[(4 * 20 + 10) * 4 + 1] = float.NaN;
        foreach (Variant<Conv2dKernel> row in Conv2d.Variants.Supported)
        {
            var output = new float[9 * 20 * 48];
            layer.Run(row, input, 9, 20, output);
            for (int i = 0; i < output.Length; i++)
            {
                int x = i / 48 % 20, y = i / 48 / 20;
                Assert.Equal(Math.Abs(x - 10) <= 1 && Math.Abs(y - 4) <= 1, float.IsNaN(output[i]));
            }
        }
    }

    [Fact]
    public void Dispatch_picks_the_widest_vectors_of_this_machine()
    {
        string expected = System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? "vector512"
            : System.Runtime.Intrinsics.Vector256.IsHardwareAccelerated ? "vector256"
            : System.Runtime.Intrinsics.Vector128.IsHardwareAccelerated ? "vector128"
            : "reference";
        Assert.Equal(expected, Conv2d.Variants.PickFor(VariantChoice.Automatic).Name);
    }

    [Fact]
    public void Wrong_sizes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new Conv2d(new float[10], new float[1], 1, 3, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Conv2d([], [], 1, 3, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Conv2d(new float[9], new float[1], 1, 3, 3) { Stride = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new Conv2d(new float[9], new float[1], 1, 3, 3) { Shuffle = 2 });
        Assert.Throws<ArgumentOutOfRangeException>(
            () => new Conv2d(new float[9], new float[1], 1, 3, 3) { Padding = new(0, -1, 0, 0) });

        var layer = new Conv2d(new float[9], new float[1], 1, 3, 3);
        Assert.Throws<ArgumentException>(() => layer.Run(new float[4], 2, 2, new float[4]));
        Assert.Throws<ArgumentException>(() => layer.Run(new float[15], 4, 4, new float[4]));
        Assert.Throws<ArgumentException>(() => layer.Run(new float[16], 4, 4, new float[3]));
        Assert.Throws<ArgumentException>(() => layer.Run(new float[16], 4, 4, new float[4], new float[4]));
        var plane = new float[20];
        Assert.Throws<ArgumentException>(() => layer.Run(plane.AsSpan(0, 16), 4, 4, plane.AsSpan(15, 4)));
        var second = new Conv2d(new float[9], new float[1], 1, 3, 3) { Residual = Residual.BeforeActivation };
        Assert.Throws<ArgumentException>(() => second.Run(new float[16], 4, 4, new float[4]));
    }

    [Fact]
    public void Nothing_is_allocated_after_the_first_run()
    {
        var shape = new Shape(3, 3, 1, Padding.Symmetric(1, 1), 16, 17, 1, 8, 9);
        Conv2d layer = Layer(shape, Residual.None, 0f, seed: 5);
        (float[] input, float[] _) = Inputs(layer, shape);
        var output = new float[8 * 9 * 17];
        layer.Run(input, 8, 9, output);
        long before = GC.GetAllocatedBytesForCurrentThread();
        layer.Run(input, 8, 9, output);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static Conv2d Layer(Shape shape, Residual residual, float slope, int seed)
    {
        var random = new Random(seed);
        return new Conv2d(
            Values(random, shape.Cout * shape.Cin * shape.Kh * shape.Kw), Values(random, shape.Cout), shape.Cin, shape.Kh,
            shape.Kw)
        {
            Stride = shape.Stride,
            Padding = shape.Padding,
            Shuffle = shape.Shuffle,
            Residual = residual,
            NegativeSlope = slope,
        };
    }

    private static (float[] Input, float[] Residual) Inputs(Conv2d layer, Shape shape)
    {
        var random = new Random(77);
        int length = layer.ResultHeight(shape.Height) * layer.ResultWidth(shape.Width) * layer.ResultChannels;
        return (Values(random, shape.Height * shape.Width * shape.Cin),
            layer.Residual == Residual.None ? [] : Values(random, length));
    }

    /// <summary>Runs with NaN before and behind every span; counts the guards behind the output that changed.</summary>
    private static (float[] Output, int Guards) Run(
        Conv2d layer, Variant<Conv2dKernel> row, Shape shape, int offset, int threads)
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

        int length = layer.ResultHeight(shape.Height) * layer.ResultWidth(shape.Width) * layer.ResultChannels;
        var output = new float[offset + length + Guard];
        Array.Fill(output, float.NaN);
        layer.Run(
            row, Guarded(input).AsSpan(offset, input.Length), shape.Height, shape.Width, output.AsSpan(offset),
            residual.Length == 0 ? default : Guarded(residual).AsSpan(offset, residual.Length), threads);
        int changed = output.AsSpan(0, offset).ToArray().Concat(output[(offset + length)..])
            .Count(value => !float.IsNaN(value));
        return (output[offset..(offset + length)], changed);
    }

    private static double[] Direct(Conv2d layer, Shape s, float[] input, float[] residual)
    {
        int rows = (s.Height + s.Padding.Top + s.Padding.Bottom - s.Kh) / s.Stride + 1;
        int columns = (s.Width + s.Padding.Left + s.Padding.Right - s.Kw) / s.Stride + 1;
        var result = new double[rows * columns * s.Cout];
        for (int o = 0; o < s.Cout; o++)
        {
            for (int y = 0; y < rows; y++)
            {
                for (int x = 0; x < columns; x++)
                {
                    double sum = layer.Bias[o];
                    for (int i = 0; i < s.Cin; i++)
                    {
                        for (int ky = 0; ky < s.Kh; ky++)
                        {
                            for (int kx = 0; kx < s.Kw; kx++)
                            {
                                int iy = y * s.Stride - s.Padding.Top + ky, ix = x * s.Stride - s.Padding.Left + kx;
                                if (iy < 0 || ix < 0 || iy >= s.Height || ix >= s.Width)
                                    continue;
                                sum += (double)layer.Weight[((o * s.Cin + i) * s.Kh + ky) * s.Kw + kx]
                                    * input[(iy * s.Width + ix) * s.Cin + i];
                            }
                        }
                    }

                    // pixel_shuffle: [C·r², H, W] viewed as [C, r, r, H, W] and transposed to [C, H, r, W, r].
                    int r = s.Shuffle, c = o / (r * r), dy = o % (r * r) / r, dx = o % r;
                    int at = ((y * r + dy) * (columns * r) + x * r + dx) * (s.Cout / (r * r)) + c;
                    if (layer.Residual == Residual.BeforeActivation)
                        sum += residual[at];
                    sum = sum < 0 ? sum * layer.NegativeSlope : sum;
                    if (layer.Residual == Residual.AfterActivation)
                        sum += residual[at];
                    result[at] = sum;
                }
            }
        }

        return result;
    }

    private static float[] Values(Random random, int count)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = (float)(2 * random.NextDouble() - 1);
        return values;
    }

    private static void AssertSameBits(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]))
                Assert.Fail($"{expected[i]:R} expected at {i}, {actual[i]:R} computed.");
        }
    }
}
