using Tfic.Kernels.Activation;
using Tfic.Kernels.Attention;
using Tfic.Kernels.BFloat16Convolution;
using Tfic.Kernels.Convolution;
using Tfic.Kernels.Dct;
using Tfic.Kernels.GatedConvolution;
using Tfic.Kernels.GridSampling;
using Tfic.Kernels.IntegerConvolution;
using Tfic.Kernels.JpegColour;
using Tfic.Kernels.Lstm;
using Tfic.Kernels.Normalisation;
using Tfic.Kernels.Pooling;
using Tfic.Kernels.QuantisedConvolution;
using Tfic.Kernels.RangeCoding;
using Tfic.Kernels.Resizing;
using Tfic.Kernels.Samples;

namespace Tfic.Kernels;

/// <summary>What comparing a row with its reference gave.</summary>
/// <param name="Kernel">The kernel, as its table calls it.</param>
/// <param name="Row">The row.</param>
/// <param name="IsSupported">Whether this machine can run the row; it is compared only then.</param>
/// <param name="IsPicked">Whether dispatch uses the row now.</param>
/// <param name="Error">
/// Largest difference from the reference: 0 where every value has the same bits, infinite where one of two values is
/// no number; null for a row that cannot run here.
/// </param>
/// <param name="Tolerance">Largest difference that is allowed.</param>
public sealed record RowCheck(
    string Kernel, string Row, bool IsSupported, bool IsPicked, double? Error, double Tolerance)
{
    /// <summary>Whether the row keeps its tolerance, or cannot run here.</summary>
    public bool Passed => Error is null || Error <= Tolerance;
}

/// <summary>
/// Compares every row of every table with its reference on this machine: what tells whoever ports a kernel, or runs on
/// a processor that nobody tried, that it computes what it must.
/// </summary>
/// <remarks>
/// The shapes are those on which vector code goes wrong: lengths around each vector width, odd and single rows,
/// addresses that are no multiple of anything, values at rounding midpoints and at the ends of their types, NaN. What
/// lies behind an output is compared too.
/// </remarks>
public static class Equivalence
{
    private const int Guard = 32;

    private static readonly int[] Lengths = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 257];

    private static readonly Dictionary<VariantTable, Func<IEnumerable<RowCheck>>> Checks = new()
    {
        [Gelu.Variants] = () => Rows(Gelu.Variants, Gelus),
        [NeighbourhoodAttention.Variants] = () => Rows(NeighbourhoodAttention.Variants, Attentions),
        [LayerNorm.Variants] = () => Rows(LayerNorm.Variants, LayerNorms),
        [AdditiveAttention.Variants] = () => Rows(AdditiveAttention.Variants, AdditiveAttentions),
        [BFloat16Conv2d.Variants] = () => Rows(BFloat16Conv2d.Variants, BFloat16Convolutions),
        [Conv2d.Variants] = () => Rows(Conv2d.Variants, Convolutions),
        [BlockDct.ForwardTable] = () => Rows(BlockDct.ForwardTable, kernel => Transforms(kernel, 1)),
        [BlockDct.InverseTable] = () => Rows(BlockDct.InverseTable, kernel => Transforms(kernel, 8)),
        [BlockDct.QuantiseTable] = () => Rows(BlockDct.QuantiseTable, Quantisations),
        [JpegDct.ForwardTable] = () => Rows(JpegDct.ForwardTable, JpegForward),
        [JpegDct.InverseTable] = () => Rows(JpegDct.InverseTable, JpegInverse),
        [GatedUpdate.Variants] = () => Rows(GatedUpdate.Variants, GatedUpdates),
        [GridSample.Variants] = () => Rows(GridSample.Variants, GridSamples),
        [IntegerConvolution.IntegerConvolution.Table] =
            () => Rows(IntegerConvolution.IntegerConvolution.Table, IntegerConvolutions),
        [ChromaFilter.DoubleTable] = () => Rows(ChromaFilter.DoubleTable, ChromaDoublings),
        [ChromaFilter.HalveTable] = () => Rows(ChromaFilter.HalveTable, ChromaHalvings),
        [JpegColour.JpegColour.FromRgbTable] = () => Rows(JpegColour.JpegColour.FromRgbTable, FromRgb),
        [JpegColour.JpegColour.ToRgbTable] = () => Rows(JpegColour.JpegColour.ToRgbTable, ToRgb),
        [LstmCell.Variants] = () => Rows(LstmCell.Variants, LstmCells),
        [MaxPool.Variants] = () => Rows(MaxPool.Variants, Pools),
        [QuantisedConv2d.Variants] = () => Rows(QuantisedConv2d.Variants, QuantisedConvolutions),
        [IntervalLookup.Table] = () => ForcedRows(IntervalLookup.Table, Codings),
        [RangeDecoding.Table] = () => ForcedRows(RangeDecoding.Table, Codings),
        [RansDecoding.Table] = () => ForcedRows(RansDecoding.Table, Codings),
        [RansEncoding.Table] = () => ForcedRows(RansEncoding.Table, Codings),
        [WinogradConv2d.Variants] = () => Rows(WinogradConv2d.Variants, WinogradConvolutions),
        [BilinearResize.Variants] = () => Rows(BilinearResize.Variants, Resizes),
        [SampleConversion.ToFloatVariants] = () => Rows(SampleConversion.ToFloatVariants, ToFloats),
        [SampleConversion.ToSamplesVariants] = () => Rows(SampleConversion.ToSamplesVariants, ToSamples),
    };

    /// <summary>Compares; results come as they are found, in the order of <see cref="KernelTables.All"/>.</summary>
    /// <remarks>Rows of the entropy coder are forced while they are compared, in the whole process.</remarks>
    public static IEnumerable<RowCheck> Check() =>
        KernelTables.All.SelectMany(table => Checks.TryGetValue(table, out Func<IEnumerable<RowCheck>>? check)
            ? check()
            : throw new InvalidOperationException($"Nothing compares the rows of {table.Kernel}: add that here."));

    /// <summary>The largest difference between two lists of values, see <see cref="RowCheck.Error"/>.</summary>
    public static double Difference(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual)
    {
        if (expected.Length != actual.Length)
            return double.PositiveInfinity;
        double largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.DoubleToInt64Bits(expected[i]) == BitConverter.DoubleToInt64Bits(actual[i])
                || (double.IsNaN(expected[i]) && double.IsNaN(actual[i])))
                continue;
            double difference = Math.Abs(expected[i] - actual[i]);

            // The two zeros differ in their bits alone.
            largest = double.IsNaN(difference)
                ? double.PositiveInfinity
                : Math.Max(largest, Math.Max(difference, double.Epsilon));
        }

        return largest;
    }

    /// <summary>Compares the rows of a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="results">What a row computes, always from the same inputs.</param>
    internal static IEnumerable<RowCheck> Rows<TKernel>(
        VariantTable<TKernel> table, Func<TKernel, IEnumerable<double[]>> results)
        where TKernel : Delegate
    {
        double[][] expected = [.. results(table.Reference.Kernel)];
        foreach (Variant<TKernel> row in table.Rows)
            yield return Compare(table, row, expected, () => results(row.Kernel));
    }

    /// <summary>The same for kernels that only code around them can call: each row is forced in its turn.</summary>
    private static IEnumerable<RowCheck> ForcedRows(VariantTable table, Func<IEnumerable<double[]>> results)
    {
        double[][] Forced(string row)
        {
            VariantChoice before = VariantChoice.Current;
            VariantChoice.Current = VariantChoice.Parse($"{table.Kernel}={row}");
            try
            {
                return [.. results()];
            }
            finally
            {
                VariantChoice.Current = before;
            }
        }

        double[][] expected = Forced(table.Variants[0].Name);
        foreach (Variant row in table.Variants)
            yield return Compare(table, row, expected, () => Forced(row.Name));
    }

    private static RowCheck Compare(
        VariantTable table, Variant row, double[][] expected, Func<IEnumerable<double[]>> results)
    {
        double? error = null;
        if (row.IsSupported)
            error = expected.Zip(results(), (e, r) => Difference(e, r)).Max();
        return new RowCheck(
            table.Kernel, row.Name, row.IsSupported, row.Name == table.PickedName, error, row.Tolerance);
    }

    private static IEnumerable<double[]> Convolutions(Conv2dKernel kernel)
    {
        var random = new Random(1);
        Padding one = Padding.Symmetric(1, 1);
        (int Kh, int Kw, int Stride, Padding Padding, int Inputs, int Outputs, int Shuffle, int Height, int Width)[]
            shapes =
            [
                (3, 3, 1, one, 5, 17, 1, 3, 1), (3, 3, 1, one, 4, 33, 1, 3, 15), (3, 3, 2, one, 3, 64, 1, 5, 18),
                (1, 1, 1, default, 48, 31, 1, 3, 7), (1, 1, 1, default, 1, 1, 1, 1, 1), (1, 1, 2, default, 6, 96, 1, 5, 6),
                (5, 5, 1, Padding.Symmetric(4, 4), 2, 18, 1, 1, 1), (2, 1, 1, default, 19, 35, 1, 2, 13),
                (1, 7, 1, Padding.Symmetric(0, 3), 9, 48, 1, 1, 14), (3, 5, 2, new Padding(0, 3, 2, 1), 3, 50, 1, 7, 21),
                (1, 1, 1, default, 24, 96, 2, 3, 10), (3, 3, 1, one, 6, 48, 4, 5, 9), (3, 3, 1, one, 6, 27, 3, 5, 9),
            ];
        foreach (var s in shapes)
        {
            foreach (Residual residual in Enum.GetValues<Residual>())
            {
                var layer = new Conv2d(
                    Floats(random, s.Outputs * s.Inputs * s.Kh * s.Kw), Floats(random, s.Outputs), s.Inputs, s.Kh, s.Kw)
                {
                    Stride = s.Stride,
                    Padding = s.Padding,
                    Shuffle = s.Shuffle,
                    Residual = residual,
                    NegativeSlope = residual == Residual.AfterActivation ? 0f : 0.125f,
                };
                int length = layer.ResultHeight(s.Height) * layer.ResultWidth(s.Width) * layer.ResultChannels;
                float[] input = Floats(random, s.Height * s.Width * s.Inputs + 1);
                float[] second = residual == Residual.None ? [] : Floats(random, length);
                float[] output = new float[length + Guard];
                kernel(layer, input.AsSpan(1), s.Height, s.Width, second, output.AsSpan(1, length), threads: 2);
                yield return Array.ConvertAll(output, value => (double)value);
            }
        }
    }

    private static IEnumerable<double[]> WinogradConvolutions(WinogradConv2dKernel kernel)
    {
        var random = new Random(13);
        Padding one = Padding.Symmetric(1, 1);
        (Padding Padding, int Inputs, int Outputs, int Height, int Width)[] shapes =
        [
            (one, 1, 1, 1, 1), (one, 5, 17, 3, 1), (one, 16, 33, 8, 12), (one, 48, 16, 7, 15), (one, 33, 64, 6, 30),
            (new Padding(0, 1, 0, 1), 8, 24, 11, 9), (default, 17, 8, 3, 3), (Padding.Symmetric(6, 7), 3, 5, 1, 2),
        ];
        foreach (var s in shapes)
        {
            foreach (Residual residual in Enum.GetValues<Residual>())
            {
                var layer = new WinogradConv2d(
                    new Conv2d(Floats(random, s.Outputs * s.Inputs * 9), Floats(random, s.Outputs), s.Inputs, 3, 3)
                    {
                        Padding = s.Padding,
                        Residual = residual,
                        NegativeSlope = residual == Residual.AfterActivation ? 0f : 0.125f,
                    });
                int length = layer.Layer.ResultHeight(s.Height) * layer.Layer.ResultWidth(s.Width) * s.Outputs;
                float[] input = Floats(random, s.Height * s.Width * s.Inputs + 1);
                float[] second = residual == Residual.None ? [] : Floats(random, length);
                float[] output = new float[length + Guard];
                kernel(
                    layer, input.AsSpan(1), s.Height, s.Width, second, output.AsSpan(1, length),
                    new float[layer.ScratchLength(2)], threads: 2);
                yield return Array.ConvertAll(output, value => (double)value);
            }
        }
    }

    /// <summary>Kernel, stride, padding, channels and sizes on which the narrow convolutions are compared.</summary>
    private static readonly (int Kh, int Kw, int Stride, Padding Padding, int Inputs, int Outputs, int Height, int Width)[]
        NarrowShapes =
        [
            (3, 3, 1, Padding.Symmetric(1, 1), 1, 17, 3, 1), (3, 3, 1, Padding.Symmetric(1, 1), 6, 48, 2, 11),
            (3, 3, 2, Padding.Symmetric(1, 1), 8, 64, 5, 18), (1, 1, 1, default, 7, 96, 3, 9),
            (1, 1, 1, default, 1, 1, 1, 1), (4, 4, 4, default, 3, 32, 8, 20), (2, 1, 1, default, 19, 35, 2, 13),
            (1, 7, 1, Padding.Symmetric(0, 3), 9, 16, 1, 14), (5, 5, 1, Padding.Symmetric(4, 4), 2, 18, 1, 1),
            (3, 5, 2, new Padding(0, 3, 2, 1), 3, 113, 7, 21),
        ];

    /// <summary>Each value divided by products × (|bias| + Σ|input · weight|), see <see cref="BFloat16Conv2d"/>.</summary>
    private static IEnumerable<double[]> BFloat16Convolutions(BFloat16Conv2dKernel kernel)
    {
        static float[] Rounded(float[] values) =>
            Array.ConvertAll(values, value => BFloat16Plane.ToSingle(BFloat16Plane.Round(value)));

        var random = new Random(10);
        foreach (var s in NarrowShapes)
        {
            int products = s.Kh * s.Kw * s.Inputs;
            float[] weights = Rounded(Floats(random, s.Outputs * products)), biases = Floats(random, s.Outputs);
            float[] values = Rounded(Floats(random, s.Height * s.Width * s.Inputs));
            Conv2d Layer(float[] weight, float[] bias) => new(weight, bias, s.Inputs, s.Kh, s.Kw)
            {
                Stride = s.Stride,
                Padding = s.Padding,
                NegativeSlope = 0.125f,
            };

            var layer = new BFloat16Conv2d(Layer(weights, biases));
            var input = new BFloat16Plane();
            input.Reshape(s.Height, s.Width, s.Inputs, int.Max(s.Padding.Left, s.Padding.Right));
            for (int y = 0; y < s.Height; y++)
                input.SetRow(y, values.AsSpan(y * s.Width * s.Inputs, s.Width * s.Inputs));
            int rows = layer.Layer.ResultHeight(s.Height), columns = layer.Layer.ResultWidth(s.Width);
            float[] magnitudes = new float[rows * columns * s.Outputs];
            Layer(Array.ConvertAll(weights, MathF.Abs), Array.ConvertAll(biases, MathF.Abs)).Run(
                Conv2d.Variants.Reference, Array.ConvertAll(values, MathF.Abs), s.Height, s.Width, magnitudes);

            float[] output = new float[magnitudes.Length + Guard];
            kernel(layer, input, 0, rows, output.AsSpan(1, magnitudes.Length), narrow: null, narrowRow: 0);
            yield return [.. magnitudes.Select((magnitude, i) => output[i + 1] / ((double)products * magnitude))];
            yield return [output[0], .. output.AsSpan(1 + magnitudes.Length).ToArray().Select(value => (double)value)];
        }
    }

    private static IEnumerable<double[]> QuantisedConvolutions(QuantisedConv2dKernel kernel)
    {
        var random = new Random(11);
        foreach (var s in NarrowShapes)
        {
            foreach (Residual residual in Enum.GetValues<Residual>())
            {
                var layer = new QuantisedConv2d(
                    new Conv2d(
                        Floats(random, s.Outputs * s.Inputs * s.Kh * s.Kw), Floats(random, s.Outputs), s.Inputs, s.Kh,
                        s.Kw)
                    {
                        Stride = s.Stride,
                        Padding = s.Padding,
                        Residual = residual,
                        NegativeSlope = residual == Residual.AfterActivation ? 0f : 0.125f,
                    });

                // Rows of all signs, of one sign, and of zeros.
                var input = new QuantisedPlane();
                input.Reshape(s.Height, s.Width, s.Inputs, int.Max(s.Padding.Left, s.Padding.Right));
                for (int y = 0; y < s.Height; y++)
                {
                    float[] values = Floats(random, s.Width * s.Inputs, y % 4 == 3 ? 0 : 1 + y);
                    input.SetRow(y, y % 3 == 1 ? Array.ConvertAll(values, MathF.Abs) : values);
                }

                int rows = layer.Layer.ResultHeight(s.Height), columns = layer.Layer.ResultWidth(s.Width);
                int length = rows * columns * s.Outputs;
                float[] second = residual == Residual.None ? [] : Floats(random, length);
                float[] output = new float[length + Guard];
                kernel(layer, input, 0, rows, second, output.AsSpan(1, length));
                yield return Array.ConvertAll(output, value => (double)value);
            }
        }
    }

    private static IEnumerable<double[]> Transforms(BlockDct.TransformKernel kernel, float magnitude)
    {
        var random = new Random(2);
        foreach ((int rows, int columns) in new[] { (1, 1), (1, 2), (2, 3), (3, 4), (1, 5), (2, 17) })
        {
            int length = 64 * rows * columns;
            float[] source = Floats(random, length + 1, magnitude);
            float[] target = new float[length + Guard];
            kernel(source.AsSpan(1), 8 * columns, target.AsSpan(3, length));
            yield return Array.ConvertAll(target, value => (double)value);
        }
    }

    private static IEnumerable<double[]> Quantisations(BlockDct.QuantiseKernel kernel)
    {
        var random = new Random(3);
        float[] special =
            [0.5f, -0.5f, 1.5f, -2.5f, 32766.5f, 40000f, -40000f, float.NaN, float.PositiveInfinity, -0f, float.Epsilon];
        foreach (int columns in new[] { 1, 2, 3, 5 })
        {
            float[] steps = Floats(random, 64);
            for (int i = 0; i < steps.Length; i++)
                steps[i] = i % 3 == 0 ? 1f : Math.Abs(steps[i]) + 0.01f;
            float[] coefficients = Floats(random, 64 * columns + 1, 8);
            for (int i = 0; i < special.Length; i++)
                coefficients[1 + 3 * i] = special[i];
            short[] levels = new short[64 * columns + Guard];
            kernel(coefficients.AsSpan(1), 8 * columns, steps, levels.AsSpan(1, 64 * columns));
            yield return Array.ConvertAll(levels, value => (double)value);
        }
    }

    private static IEnumerable<double[]> JpegForward(JpegDct.ForwardKernel kernel)
    {
        var random = new Random(4);
        foreach (int count in new[] { 1, 2, 3, 4, 5, 7, 9 })
        {
            foreach (int largest in new[] { 1, 255, ushort.MaxValue })
            {
                int stride = 8 * count + 3;
                byte[] source = new byte[8 * stride + 1];
                random.NextBytes(source);
                if (largest == 1)
                    source.AsSpan().Replace((byte)7, byte.MaxValue);
                ushort[] steps = Steps(random, largest);
                short[] blocks = new short[64 * count + Guard];
                kernel(source.AsSpan(1), stride, new JpegQuantiser(steps), blocks.AsSpan(1, 64 * count));
                yield return Array.ConvertAll(blocks, value => (double)value);
            }
        }
    }

    private static IEnumerable<double[]> JpegInverse(JpegDct.InverseKernel kernel)
    {
        var random = new Random(5);
        foreach (int count in new[] { 1, 2, 3, 4, 5, 7, 9 })
        {
            foreach (int largest in new[] { 1, 255, ushort.MaxValue })
            {
                int stride = 8 * count + 3;
                short[] blocks = new short[64 * count];
                for (int i = 0; i < blocks.Length; i++)
                {
                    // A block of its first coefficient alone, sparse ones, and with the largest steps forged ones.
                    if (i % 64 == 0 || (i / 64 % 3 != 0 && random.Next(3) == 0))
                        blocks[i] = largest > 255 ? (short)random.Next(-32768, 32768) : (short)random.Next(-60, 61);
                }

                byte[] target = new byte[8 * stride + Guard];
                kernel(blocks, new JpegQuantiser(Steps(random, largest)), target.AsSpan(1), stride);
                yield return Array.ConvertAll(target, value => (double)value);
            }
        }
    }

    private static IEnumerable<double[]> FromRgb(JpegColour.JpegColour.FromRgbKernel kernel)
    {
        foreach (int length in Lengths)
        {
            byte[] rgb = Bytes(3 * length + 1, seed: length);
            byte[][] planes = [new byte[length + Guard], new byte[length + Guard], new byte[length + Guard]];
            kernel(
                rgb.AsSpan(1), planes[0].AsSpan(1, length), planes[1].AsSpan(1, length), planes[2].AsSpan(1, length));
            foreach (byte[] plane in planes)
                yield return Array.ConvertAll(plane, value => (double)value);
        }
    }

    private static IEnumerable<double[]> ToRgb(JpegColour.JpegColour.ToRgbKernel kernel)
    {
        foreach (int length in Lengths)
        {
            byte[] planes = Bytes(3 * length + 1, seed: 100 + length), rgb = new byte[3 * length + Guard];
            kernel(
                planes.AsSpan(1, length), planes.AsSpan(1 + length, length), planes.AsSpan(1 + 2 * length),
                rgb.AsSpan(1, 3 * length));
            yield return Array.ConvertAll(rgb, value => (double)value);
        }
    }

    private static IEnumerable<double[]> ChromaHalvings(ChromaFilter.HalveKernel kernel)
    {
        foreach (int length in Lengths)
        {
            byte[] rows = Bytes(4 * length + 1, seed: 200 + length), target = new byte[length + Guard];
            kernel(rows.AsSpan(1, 2 * length), rows.AsSpan(1 + 2 * length), target.AsSpan(1, length));
            yield return Array.ConvertAll(target, value => (double)value);
        }
    }

    private static IEnumerable<double[]> ChromaDoublings(ChromaFilter.DoubleKernel kernel)
    {
        foreach (int length in Lengths.Where(length => length > 0))
        {
            byte[] rows = Bytes(2 * length + 1, seed: 300 + length), target = new byte[2 * length + Guard];
            kernel(rows.AsSpan(1, length), rows.AsSpan(1 + length), target.AsSpan(1, 2 * length));
            yield return Array.ConvertAll(target, value => (double)value);
        }
    }

    /// <summary>Samples of which a third are 0 or 255.</summary>
    private static byte[] Bytes(int length, int seed)
    {
        var random = new Random(seed);
        byte[] bytes = new byte[length];
        foreach (ref byte value in bytes.AsSpan())
            value = random.Next(3) == 0 ? (byte)(255 * random.Next(2)) : (byte)random.Next(256);
        return bytes;
    }

    private static IEnumerable<double[]> IntegerConvolutions(IntegerConvolutionKernel kernel)
    {
        var random = new Random(6);
        foreach ((int height, int width, int inputs, int outputs, int k) in new[]
        {
            (1, 1, 2, 1, 1), (1, 2, 4, 3, 3), (2, 5, 6, 15, 3), (1, 4, 8, 16, 1), (2, 7, 2, 17, 5), (3, 8, 10, 31, 3),
            (1, 9, 32, 33, 3), (2, 13, 64, 20, 1), (1, 31, 4, 48, 3),
        })
        {
            // Drawn, and all of one sign so that sums reach the end of 32 bits.
            foreach (bool extreme in new[] { false, true })
            {
                var weights = new sbyte[outputs * inputs * k * k];
                var bias = new int[outputs];
                for (int i = 0; i < weights.Length; i++)
                    weights[i] = extreme ? (sbyte)-127 : (sbyte)random.Next(-127, 128);
                for (int i = 0; i < outputs; i++)
                    bias[i] = extreme ? -1_000_000_000 : random.Next(-1_000_000, 1_000_001);
                var layer = new IntegerConvolutionWeights(weights, bias, inputs, k);
                int most = Math.Min(layer.MaxActivation(), short.MaxValue);
                short[] input = new short[(height + k - 1) * (width + k - 1) * inputs + 1];
                for (int i = 0; i < input.Length; i++)
                    input[i] = (short)(extreme ? most : random.Next(-most, most + 1));
                int[] output = new int[height * width * outputs + Guard];
                kernel(input.AsSpan(1), layer, height, width, output.AsSpan(1, height * width * outputs));
                yield return Array.ConvertAll(output, value => (double)value);
            }
        }
    }

    private static IEnumerable<double[]> Pools(MaxPool.Kernel kernel)
    {
        var random = new Random(7);
        PoolingWindow[] windows =
        [
            new(1, 1), new(2, 2), new(2, 1), new(3, 2), new(2, 2) { ColumnStride = 1, ColumnPadding = 1 },
            new(3, 3) { RowStride = 1, ColumnStride = 1, RowPadding = 1, ColumnPadding = 1 },
            new(2, 3) { RowStride = 3, RowPadding = 1 },
        ];
        foreach (int channels in Lengths.Where(length => length is > 0 and <= 100))
        {
            foreach (PoolingWindow window in windows)
            {
                const int Height = 5, Width = 6;
                int length = window.ResultHeight(Height) * window.ResultWidth(Width) * channels;
                float[] input = Floats(random, Height * Width * channels + 1);
                for (int i = 0; i < input.Length; i += 5)
                    input[i] = (i % 3) switch { 0 => float.NaN, 1 => -0f, _ => 0f };
                float[] output = new float[length + Guard];
                kernel(input.AsSpan(1), Height, Width, channels, window, output.AsSpan(1, length));
                yield return Array.ConvertAll(output, value => (double)value);
            }
        }
    }

    private static IEnumerable<double[]> Resizes(BilinearResize.Kernel kernel)
    {
        var random = new Random(20);
        foreach (int channels in Lengths.Where(length => length is > 0 and <= 100))
        {
            foreach ((int height, int width, int rows, int columns) in new[]
            {
                (1, 1, 2, 3), (2, 3, 4, 6), (3, 5, 7, 4), (4, 2, 1, 1), (5, 7, 5, 7),
            })
            {
                foreach (bool alignCorners in new[] { false, true })
                {
                    int length = rows * columns * channels;
                    float[] input = Floats(random, height * width * channels + 1);
                    float[] output = new float[length + Guard];
                    kernel(
                        input.AsSpan(1), height, width, channels, output.AsSpan(1, length), rows, columns, alignCorners);
                    yield return Array.ConvertAll(output, value => (double)value);
                }
            }
        }
    }

    private static IEnumerable<double[]> LstmCells(LstmCell.Kernel kernel)
    {
        var random = new Random(21);
        float[] special = [float.NaN, -0f, 90f, -90f, 1e30f, float.NegativeInfinity, float.PositiveInfinity, 1e-30f];
        foreach (int units in Lengths.Where(length => length > 0))
        {
            foreach (int lines in new[] { 1, 3 })
            {
                float[] gates = Floats(random, 4 * lines * units + 1, 4);
                for (int i = 0; i < gates.Length; i += 7)
                    gates[i] = special[i / 7 % special.Length];
                float[] memory = Floats(random, lines * units + Guard, 2), hidden = new float[lines * units + Guard];
                kernel(
                    gates.AsSpan(1), lines, memory.AsSpan(1, lines * units), hidden.AsSpan(3, lines * units));
                yield return [.. memory.Select(value => (double)value), .. hidden.Select(value => (double)value)];
            }
        }
    }

    private static IEnumerable<double[]> AdditiveAttentions(AdditiveAttention.Kernel kernel)
    {
        var random = new Random(22);
        foreach (int frames in Lengths.Where(length => length is > 0 and <= 65))
        {
            foreach ((int units, int channels) in new[] { (1, 1), (5, 17), (33, 8), (7, 35) })
            {
                int pitch = AdditiveAttention.Pitch(frames);
                float[] keys = Floats(random, units * pitch + 1, 2);
                for (int k = 0; k < units; k++)
                    keys.AsSpan(1 + k * pitch + frames, pitch - frames).Fill(float.NaN);
                float[] query = Floats(random, units, 2), score = Floats(random, units, 3);
                float[] weights = new float[frames + Guard], context = new float[channels + Guard];
                kernel(
                    keys.AsSpan(1), pitch, query, score, Floats(random, frames * channels), weights.AsSpan(1, frames),
                    context.AsSpan(3, channels));
                yield return [.. weights.Select(value => (double)value), .. context.Select(value => (double)value)];
            }
        }
    }

    private static IEnumerable<double[]> GatedUpdates(GatedUpdate.Kernel kernel)
    {
        var random = new Random(23);
        foreach (int channels in Lengths.Where(length => length > 0))
        {
            const int Positions = 3;
            var layer = new GatedUpdate
            {
                GateFromInput = Floats(random, channels, 2),
                GateFromState = Floats(random, channels, 2),
                GateShift = Floats(random, channels),
                FromInput = Floats(random, channels, 2),
                Shift = Floats(random, channels),
                FromState = Floats(random, channels, 2),
                StateShift = Floats(random, channels),
            };
            float[][] inputs = [.. Enumerable.Range(0, 4).Select(_ => Floats(random, Positions * channels, 3))];
            inputs[1][0] = inputs[2][^1] = float.NaN;
            float[] output = new float[Positions * channels + Guard];
            kernel(layer, inputs[0], inputs[1], inputs[2], inputs[3], output.AsSpan(1, Positions * channels));
            yield return Array.ConvertAll(output, value => (double)value);
        }
    }

    private static IEnumerable<double[]> GridSamples(GridSample.Kernel kernel)
    {
        var random = new Random(24);
        float[] special = [-1f, 1f, 0f, -1.0001f, 5f, -1e30f, float.NaN, float.PositiveInfinity, 0.5f];
        foreach (int places in Lengths)
        {
            foreach ((int height, int width, int channels) in new[] { (1, 1, 1), (4, 5, 1), (3, 9, 3), (32, 100, 1) })
            {
                float[] across = Floats(random, places + 1, 1.2f), down = Floats(random, places + 1, 1.2f);
                for (int i = 0; i < places; i += 3)
                    (across[i], down[^(1 + i)]) = (special[i % special.Length], special[i * 2 % special.Length]);
                float[] output = new float[places * channels + Guard];
                kernel(
                    Floats(random, height * width * channels), height, width, channels, across.AsSpan(1), down.AsSpan(1),
                    output.AsSpan(1, places * channels));
                yield return Array.ConvertAll(output, value => (double)value);
            }
        }
    }

    private static IEnumerable<double[]> Gelus(Gelu.Kernel kernel)
    {
        var random = new Random(12);
        float[] special = [float.NaN, -0f, 0f, 1e-30f, -13.3f, 14f, -1e20f, float.MaxValue, float.NegativeInfinity];
        foreach (int length in Lengths)
        {
            float[] values = Floats(random, length + 1 + Guard, 6);
            for (int i = 0; i < length; i += 3)
                values[1 + i] = special[i / 3 % special.Length];
            kernel(values.AsSpan(1, length));
            yield return Array.ConvertAll(values, value => (double)value);
        }
    }

    private static IEnumerable<double[]> LayerNorms(LayerNorm.Kernel kernel)
    {
        var random = new Random(13);
        foreach (int channels in Lengths.Where(length => length > 0))
        {
            float[] input = Floats(random, 3 * channels + 1, 5);

            // A position without any variance, and one with a large mean.
            input.AsSpan(1 + channels, channels).Fill(0.3f);
            foreach (ref float value in input.AsSpan(1 + 2 * channels))
                value += 1000;
            float[] output = new float[3 * channels + Guard];
            kernel(
                input.AsSpan(1), Floats(random, channels), Floats(random, channels), output.AsSpan(1, 3 * channels));
            yield return Array.ConvertAll(output, value => (double)value);
        }
    }

    private static IEnumerable<double[]> Attentions(NeighbourhoodAttentionKernel kernel)
    {
        var random = new Random(14);
        foreach ((int heads, int depth, int window, int height, int width) in new[]
        {
            (1, 1, 3, 3, 3), (2, 3, 3, 4, 9), (3, 8, 5, 6, 5), (4, 2, 7, 7, 12), (7, 4, 3, 5, 3), (8, 16, 7, 9, 8),
            (12, 16, 3, 3, 5), (16, 9, 5, 5, 7), (20, 16, 7, 7, 7), (31, 1, 3, 3, 4), (33, 2, 3, 4, 3),
        })
        {
            int channels = heads * depth, side = 2 * window - 1;
            var layer = new NeighbourhoodAttention(Floats(random, heads * side * side), channels, heads, window);
            float[] input = Floats(random, 3 * height * width * channels + 1, 3);

            // All but two rows, which leaves some for either end of the window's movement.
            int length = (height - 2) * width * channels;
            float[] output = new float[length + Guard];
            kernel(layer, input.AsSpan(1), height, width, 1, height - 1, output.AsSpan(1, length));
            yield return Array.ConvertAll(output, value => (double)value);
        }
    }

    private static IEnumerable<double[]> ToFloats(SampleConversion.ToFloatKernel kernel)
    {
        foreach (int length in Lengths)
        {
            byte[] samples = new byte[length + 1];
            for (int i = 0; i < samples.Length; i++)
                samples[i] = (byte)i;
            float[] values = new float[length + Guard];
            kernel(samples.AsSpan(1), values.AsSpan(1, length));
            yield return Array.ConvertAll(values, value => (double)value);
        }
    }

    private static IEnumerable<double[]> ToSamples(SampleConversion.ToSamplesKernel kernel)
    {
        var random = new Random(8);
        float[] special = [float.NaN, -0f, -3f, 2f, float.PositiveInfinity, 0.5f / 255, 1.5f / 255, 254.5f / 255, 1f];
        foreach (int length in Lengths)
        {
            float[] values = Floats(random, length + 1);
            for (int i = 0; i < values.Length; i += 2)
                values[i] = special[i / 2 % special.Length];
            byte[] samples = new byte[length + Guard];
            kernel(values.AsSpan(1), samples.AsSpan(1, length));
            yield return Array.ConvertAll(samples, value => (double)value);
        }
    }

    /// <summary>Streams of both coders, and what is decoded from them.</summary>
    private static IEnumerable<double[]> Codings()
    {
        FrequencyTables tables = Exponentials();
        var random = new Random(9);
        var encoder = new SymbolEncoder();
        foreach (int count in Lengths.Append(3001))
        {
            byte[] indexes = new byte[count];
            int[] values = new int[count];
            for (int i = 0; i < count; i++)
            {
                indexes[i] = (byte)random.Next(tables.Count);
                values[i] = random.Next(9) == 0 ? random.Next(-300, 301) : random.Next(-2, 3);
            }

            if (count > 60)
                (values[3], values[17], values[^1]) = (int.MaxValue, int.MinValue, -100_000);
            foreach (CodingMode mode in new[] { CodingMode.Range, CodingMode.Interleaved })
            {
                // Two runs, so that the second starts in the middle of the lanes.
                int cut = count / 3;
                encoder.Clear();
                encoder.Add(tables, indexes.AsSpan(0, cut), values.AsSpan(0, cut));
                encoder.Add(tables, indexes.AsSpan(cut), values.AsSpan(cut));
                byte[] stream = encoder.Finish(mode).ToArray();
                yield return Array.ConvertAll(stream, value => (double)value);

                int[] decoded = new int[count];
                try
                {
                    var decoder = new SymbolDecoder();
                    decoder.Start(stream, mode);
                    decoder.Decode(tables, indexes.AsSpan(0, cut), decoded.AsSpan(0, cut));
                    decoder.Decode(tables, indexes.AsSpan(cut), decoded.AsSpan(cut));
                    decoder.End();
                }
                catch (TficFormatException)
                {
                    // A row that calls its own stream damaged differs from the reference in every value.
                    Array.Fill(decoded, int.MinValue);
                }

                yield return Array.ConvertAll(decoded, value => (double)value);
            }
        }
    }

    /// <summary>Tables from almost certain to almost even, each around 0 and with its escape at the end.</summary>
    private static FrequencyTables Exponentials()
    {
        int[] reaches = [1, 1, 2, 3, 7, 20, 60];
        var frequencies = new List<int>();
        for (int t = 0; t < reaches.Length; t++)
        {
            int length = 2 * reaches[t] + 2;
            var table = new int[length];
            Array.Fill(table, 1);
            int left = FrequencyTables.Total - length;

            // Alternating signs from the centre outwards, each value half, or a wider table's part, of what is left.
            for (int symbol = 0; symbol < length - 1; symbol++)
            {
                int part = left / (t == 0 ? 1 : t + 1);
                table[symbol] += part;
                left -= part;
            }

            table[0] += left;
            frequencies.AddRange(table);
        }

        return new FrequencyTables(
            new int[reaches.Length], [.. reaches.Select(reach => 2 * reach + 2)], frequencies.ToArray());
    }

    private static ushort[] Steps(Random random, int largest)
    {
        var steps = new ushort[64];
        for (int i = 0; i < steps.Length; i++)
            steps[i] = (ushort)random.Next(1, largest + 1);
        return steps;
    }

    private static float[] Floats(Random random, int count, float magnitude = 1)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = magnitude * (2 * random.NextSingle() - 1);
        return values;
    }
}
