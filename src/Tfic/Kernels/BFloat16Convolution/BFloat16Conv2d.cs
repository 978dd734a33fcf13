using Tfic.Kernels.Convolution;

namespace Tfic.Kernels.BFloat16Convolution;

/// <summary>One implementation of the bfloat16 convolution: some rows of its output.</summary>
/// <param name="layer">Weights and everything that is fixed when a network is loaded.</param>
/// <param name="input">Activations, with a border at least as wide as the layer's padding.</param>
/// <param name="firstRow">First row of the output.</param>
/// <param name="endRow">Row behind the last.</param>
/// <param name="output">Receives these rows in float32, each columns × Outputs; empty where not wanted.</param>
/// <param name="narrow">Receives them in bfloat16, from its row <paramref name="narrowRow"/> on; null where not wanted.</param>
/// <param name="narrowRow">Row of <paramref name="narrow"/> for the first row.</param>
public delegate void BFloat16Conv2dKernel(
    BFloat16Conv2d layer, BFloat16Plane input, int firstRow, int endRow, Span<float> output, BFloat16Plane? narrow,
    int narrowRow);

/// <summary>
/// A <see cref="Conv2d"/> of activations and weights in bfloat16 with sums in float32. About twice as fast as float32
/// where a processor multiplies pairs of bfloat16.
/// </summary>
/// <remarks>
/// <para>
/// Weights, multiplied by a factor if that is wanted, are rounded to bfloat16 when a layer is made. The value of output o
/// at (y, x) is bias[o] + Σ over ky, kx, i inside the input of input · weight, every product exact (8 bits times 8 bits)
/// and every sum rounded to float32; the order of summation is a row's own. Activation as in <see cref="Conv2d"/>.
/// Numbers too small for float32's full precision (2⁻¹²⁶) may count as zero.
/// </para>
/// <para>
/// Tolerance: with T products, S = |bias| + Σ|input · weight| and u = 2⁻²⁴, each of at most T roundings on the way of a
/// sum is off by at most u · S, up to terms of u². Two rows therefore differ by at most 2 · T · u · S: divided by T · S,
/// by 2⁻²³. That is the unit of <see cref="Variants"/>. Arm rounds to odd, off by up to 2 · u: half as much again. A result
/// that is rounded to bfloat16 differs by a last place more.
/// </para>
/// <para>
/// Against float32, roundings of inputs and weights to 8 bits make an output differ by at most 2 · 2⁻⁹ · S, and by about
/// 2⁻⁹ · S / √T since they are independent.
/// </para>
/// <para>Immutable; threads may share it.</para>
/// </remarks>
public sealed class BFloat16Conv2d
{
    /// <summary>Name of the row that multiplies matrices.</summary>
    internal const string MatrixRow = "amx";

    /// <summary>Rounds a layer.</summary>
    /// <param name="layer">The layer in float32, without shuffle and residual.</param>
    /// <param name="factor">For all weights: what a unit of the inputs is worth, where they are integers.</param>
    /// <exception cref="ArgumentException">A shuffle or a residual.</exception>
    public BFloat16Conv2d(Conv2d layer, float factor = 1)
    {
        ArgumentNullException.ThrowIfNull(layer);
        if (layer.Shuffle != 1 || layer.Residual != Residual.None)
            throw new ArgumentException("A layer with a shuffle or a residual has no bfloat16 form.", nameof(layer));

        Layer = layer;
        int channels = layer.InputChannels, width = layer.KernelWidth, height = layer.KernelHeight;
        Run2 = (width * channels + 1) / 2 * 2;
        int padded = GroupedWeights.Padded(layer.OutputChannels);
        Weights = new ushort[checked(padded * height * Run2)];
        Bias = new float[padded];
        layer.Bias.CopyTo(Bias, 0);
        for (int o = 0; o < layer.OutputChannels; o++)
        {
            for (int ky = 0; ky < height; ky++)
            {
                for (int at = 0; at < width * channels; at++)
                {
                    float weight = layer.Weight[((o * channels + at % channels) * height + ky) * width + at / channels];
                    Weights[Place(o, ky, at)] = BFloat16Plane.Round(factor * weight);
                }
            }
        }
    }

    /// <summary>The implementations; for the tolerance see the remarks.</summary>
    public static VariantTable<BFloat16Conv2dKernel> Variants { get; } = new(
        "bfloat16-conv2d",
        new("reference", true, 0, BFloat16Conv2dReference.Run),
        new("native", BFloat16Conv2dNative.IsSupported, BFloat16Conv2dNative.Tolerance, BFloat16Conv2dNative.Run),
        new(MatrixRow, BFloat16Conv2dNative.IsMatrixSupported, 1.0 / (1 << 23), BFloat16Conv2dNative.RunMatrices));

    /// <summary>The layer in float32.</summary>
    public Conv2d Layer { get; }

    /// <summary>Elements that a row of the kernel reads, rounded up to a multiple of 2.</summary>
    internal int Run2 { get; }

    /// <summary>In the order of <see cref="GroupedWeights"/>, pairs of the run together.</summary>
    internal ushort[] Weights { get; }

    /// <summary>Biases, padded with zeros to a whole group.</summary>
    internal float[] Bias { get; }

    /// <summary>One weight.</summary>
    /// <param name="output">The output.</param>
    /// <param name="ky">Row of the kernel.</param>
    /// <param name="at">kx · InputChannels + i.</param>
    internal float this[int output, int ky, int at] => BFloat16Plane.ToSingle(Weights[Place(output, ky, at)]);

    /// <summary>Convolves by the row of <see cref="Variants"/> that is picked.</summary>
    /// <param name="input">Activations; the border must be at least as wide as the padding to the left and right.</param>
    /// <param name="output">Receives ResultHeight × ResultWidth × OutputChannels of the layer; empty where not wanted.</param>
    /// <param name="narrow">
    /// Receives the output in bfloat16; not the input, and of the output's columns and channels. Null where not wanted.
    /// </param>
    /// <param name="narrowRow">Its row for the output's first.</param>
    /// <param name="threads">How many threads may share the work; the result does not depend on it.</param>
    /// <exception cref="ArgumentException">A plane of another shape, or a span that is too short.</exception>
    public void Run(
        BFloat16Plane input, Span<float> output, BFloat16Plane? narrow = null, int narrowRow = 0, int threads = 1) =>
        Run(Variants.Picked, input, output, narrow, narrowRow, threads);

    /// <summary>Convolves by a given row.</summary>
    /// <inheritdoc cref="Run(BFloat16Plane, Span{float}, BFloat16Plane?, int, int)"/>
    internal unsafe void Run(
        Variant<BFloat16Conv2dKernel> variant, BFloat16Plane input, Span<float> output, BFloat16Plane? narrow = null,
        int narrowRow = 0, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(narrowRow);
        (int rows, int columns) = input.ResultOf(Layer);
        int pitch = columns * Layer.OutputChannels;
        if (output.IsEmpty ? narrow is null : output.Length < (long)rows * pitch)
            throw new ArgumentException("The output is too short, or none is wanted.", nameof(output));
        if (narrow is not null && (ReferenceEquals(narrow, input) || narrow.Rows < (long)narrowRow + rows
            || (narrow.Columns, narrow.Channels) != (columns, Layer.OutputChannels)))
        {
            throw new ArgumentException("The plane for the output has another shape.", nameof(narrow));
        }

        int band = GroupedWeights.BandHeight(pitch);
        fixed (float* outputStart = output)
        {
            if (threads > 1)
            {
                RunParallel(variant, input, rows, band, pitch, outputStart, narrow, narrowRow, threads);
                return;
            }

            for (int first = 0; first < rows; first += band)
                Band(variant, input, first, int.Min(first + band, rows), pitch, outputStart, narrow, narrowRow);
        }
    }

    // A method of its own: what a lambda captures is allocated where the method begins.
    private unsafe void RunParallel(
        Variant<BFloat16Conv2dKernel> variant, BFloat16Plane input, int rows, int band, int pitch, float* output,
        BFloat16Plane? narrow, int narrowRow, int threads) =>
        Parallel.For(
            0, (rows + band - 1) / band, new ParallelOptions { MaxDegreeOfParallelism = threads },
            i => Band(variant, input, i * band, int.Min((i + 1) * band, rows), pitch, output, narrow, narrowRow));

    private unsafe void Band(
        Variant<BFloat16Conv2dKernel> variant, BFloat16Plane input, int first, int end, int pitch, float* output,
        BFloat16Plane? narrow, int narrowRow) =>
        variant.Kernel(
            this, input, first, end,
            output == null ? default : new Span<float>(output + (long)first * pitch, (end - first) * pitch), narrow,
            narrowRow + first);

    private int Place(int output, int ky, int at) => GroupedWeights.Place(Layer, Run2, 2, output, ky, at);
}
