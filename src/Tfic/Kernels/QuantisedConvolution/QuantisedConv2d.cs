using Tfic.Kernels.Convolution;

namespace Tfic.Kernels.QuantisedConvolution;

/// <summary>One implementation of the quantised convolution: some rows of its output.</summary>
/// <param name="layer">Weights and everything that is fixed when a network is loaded.</param>
/// <param name="input">Activations, with a border at least as wide as the layer's padding.</param>
/// <param name="firstRow">First row of the output.</param>
/// <param name="endRow">Row behind the last.</param>
/// <param name="residual">The second input for these rows; empty where the layer has none.</param>
/// <param name="output">These rows, each columns × Outputs.</param>
public delegate void QuantisedConv2dKernel(
    QuantisedConv2d layer, QuantisedPlane input, int firstRow, int endRow, ReadOnlySpan<float> residual,
    Span<float> output);

/// <summary>
/// A <see cref="Conv2d"/> whose activations and weights have 8 bits: products are summed in integers, a row of the
/// kernel at a time, and the rows in float32. About four times as fast as float32 where a processor multiplies bytes.
/// </summary>
/// <remarks>
/// <para>
/// Weights of output o and kernel row ky become integers −127…127 of scale s(o, ky) = max |weight[o, ·, ky, ·]| / 127.
/// The value of output o at (y, x) starts as bias[o]. Then for ky ascending, with r = y · stride + ky − top, rows
/// outside the input left out: n = Σ over kx and input channel i of integer weight · (q[r, x · stride + kx − left, i] −
/// zero[r]), exact in 32 bits, and value = fma((float)n, scale[r] · s(o, ky), value). Residual and activation follow as
/// in <see cref="Conv2d"/>. Every row of <see cref="Variants"/> computes exactly this.
/// </para>
/// <para>
/// Against float32 each activation is off by up to half its row's step and each weight by half of its s: the relative
/// error of a layer is about 1 : 100 for activations that fill their range evenly. What that does to a network has to be
/// measured on the network.
/// </para>
/// <para>Immutable; threads may share it.</para>
/// </remarks>
public sealed class QuantisedConv2d
{
    /// <summary>Most kernel columns × channels: sums of that many products keep within 32 bits.</summary>
    private const int MaxRun = 1 << 16;

    /// <summary>Quantises a layer.</summary>
    /// <param name="layer">The layer in float32, without a shuffle.</param>
    /// <exception cref="ArgumentException">A shuffle, or more than 65536 kernel columns × channels.</exception>
    public QuantisedConv2d(Conv2d layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        if (layer.Shuffle != 1)
            throw new ArgumentException("A layer with a shuffle has no quantised form.", nameof(layer));
        int run = layer.KernelWidth * layer.InputChannels;
        if (run > MaxRun)
            throw new ArgumentException($"{run} products a row are more than {MaxRun}.", nameof(layer));

        Layer = layer;
        Run4 = (run + 3) / 4 * 4;
        int height = layer.KernelHeight;
        int padded = GroupedWeights.Padded(layer.OutputChannels);
        Weights = new sbyte[padded * height * Run4];
        Scales = new float[height * padded];
        Sums = new int[height * padded];
        Bias = new float[padded];
        layer.Bias.CopyTo(Bias, 0);
        for (int o = 0; o < layer.OutputChannels; o++)
        {
            for (int ky = 0; ky < height; ky++)
                Pack(o, ky, padded);
        }
    }

    /// <summary>The implementations; tolerance 0: equal bit for bit.</summary>
    public static VariantTable<QuantisedConv2dKernel> Variants { get; } = new(
        "quantised-conv2d",
        new("reference", true, 0, QuantisedConv2dReference.Run),
        new("native", QuantisedConv2dNative.IsSupported, 0, QuantisedConv2dNative.Run),
        new("amx", QuantisedConv2dNative.IsMatrixSupported, 0, QuantisedConv2dNative.RunMatrices));

    /// <summary>The layer in float32.</summary>
    public Conv2d Layer { get; }

    /// <summary>Elements that a row of the kernel reads, rounded up to a multiple of 4.</summary>
    internal int Run4 { get; }

    /// <summary>In the order of <see cref="GroupedWeights"/>, four of the run together.</summary>
    internal sbyte[] Weights { get; }

    /// <summary>[ky][output]: what a step of a weight is worth.</summary>
    internal float[] Scales { get; }

    /// <summary>[ky][output]: the sum of the integer weights, which times a zero point is what that adds to a sum.</summary>
    internal int[] Sums { get; }

    /// <summary>Biases, padded with zeros to a whole group.</summary>
    internal float[] Bias { get; }

    /// <summary>One integer weight.</summary>
    /// <param name="output">The output.</param>
    /// <param name="ky">Row of the kernel.</param>
    /// <param name="at">kx · InputChannels + i.</param>
    internal sbyte this[int output, int ky, int at] => Weights[Place(output, ky, at)];

    /// <summary>Convolves by the row of <see cref="Variants"/> that is picked.</summary>
    /// <param name="input">Activations; the border must be at least as wide as the padding to the left and right.</param>
    /// <param name="output">ResultHeight × ResultWidth × OutputChannels of the layer.</param>
    /// <param name="residual">Shaped like the output; needed exactly where the layer has a residual.</param>
    /// <param name="quantised">
    /// Receives the output too, quantised; not the input, and of the output's columns and channels. Null where not wanted.
    /// </param>
    /// <param name="quantisedRow">Its row for the output's first.</param>
    /// <param name="threads">How many threads may share the work; the result does not depend on it.</param>
    /// <exception cref="ArgumentException">A plane of another shape, or a span that is too short.</exception>
    public void Run(
        QuantisedPlane input, Span<float> output, ReadOnlySpan<float> residual = default, QuantisedPlane? quantised = null,
        int quantisedRow = 0, int threads = 1) =>
        Run(Variants.Picked, input, output, residual, quantised, quantisedRow, threads);

    /// <summary>Convolves by a given row.</summary>
    /// <inheritdoc cref="Run(QuantisedPlane, Span{float}, ReadOnlySpan{float}, QuantisedPlane?, int, int)"/>
    internal unsafe void Run(
        Variant<QuantisedConv2dKernel> variant, QuantisedPlane input, Span<float> output,
        ReadOnlySpan<float> residual = default, QuantisedPlane? quantised = null, int quantisedRow = 0,
        int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(quantisedRow);
        (int rows, int columns) = input.ResultOf(Layer);
        int pitch = columns * Layer.OutputChannels;
        if (output.Length < (long)rows * pitch)
            throw new ArgumentException("The output is too short.", nameof(output));
        if (Layer.Residual == Residual.None ? !residual.IsEmpty : residual.Length < (long)rows * pitch)
            throw new ArgumentException("The residual is missing, too short, or not wanted.", nameof(residual));
        if (output.Overlaps(residual))
            throw new ArgumentException("The output overlaps the residual.", nameof(output));
        if (quantised is not null && (ReferenceEquals(quantised, input) || quantised.Rows < (long)quantisedRow + rows
            || (quantised.Columns, quantised.Channels) != (columns, Layer.OutputChannels)))
        {
            throw new ArgumentException("The plane for the quantised output has another shape.", nameof(quantised));
        }

        // A row is quantised while it is in the cache.
        int band = GroupedWeights.BandHeight(pitch);
        fixed (float* outputStart = output, residualStart = residual)
        {
            if (threads > 1)
            {
                RunParallel(variant, input, rows, band, pitch, residualStart, outputStart, quantised, quantisedRow, threads);
                return;
            }

            for (int first = 0; first < rows; first += band)
            {
                Band(
                    variant, input, first, int.Min(first + band, rows), pitch, residualStart, outputStart, quantised,
                    quantisedRow);
            }
        }
    }

    // A method of its own: what a lambda captures is allocated where the method begins.
    private unsafe void RunParallel(
        Variant<QuantisedConv2dKernel> variant, QuantisedPlane input, int rows, int band, int pitch, float* residual,
        float* output, QuantisedPlane? quantised, int quantisedRow, int threads) =>
        Parallel.For(
            0, (rows + band - 1) / band, new ParallelOptions { MaxDegreeOfParallelism = threads },
            i => Band(variant, input, i * band, int.Min((i + 1) * band, rows), pitch, residual, output, quantised, quantisedRow));

    private unsafe void Band(
        Variant<QuantisedConv2dKernel> variant, QuantisedPlane input, int first, int end, int pitch, float* residual,
        float* output, QuantisedPlane? quantised, int quantisedRow)
    {
        int at = first * pitch, length = (end - first) * pitch;
        ReadOnlySpan<float> second = Layer.Residual == Residual.None ? default : new(residual + at, length);
        var rows = new Span<float>(output + at, length);
        variant.Kernel(this, input, first, end, second, rows);
        for (int y = first; quantised is not null && y < end; y++)
            quantised.SetRow(quantisedRow + y, rows.Slice((y - first) * pitch, pitch));
    }

    private int Place(int output, int ky, int at) => GroupedWeights.Place(Layer, Run4, 4, output, ky, at);

    private void Pack(int o, int ky, int padded)
    {
        int channels = Layer.InputChannels, width = Layer.KernelWidth, height = Layer.KernelHeight;
        float Weight(int kx, int i) => Layer.Weight[((o * channels + i) * height + ky) * width + kx];

        float largest = 0;
        for (int kx = 0; kx < width; kx++)
        {
            for (int i = 0; i < channels; i++)
                largest = MathF.Max(largest, MathF.Abs(Weight(kx, i)));
        }

        float scale = largest / 127;
        int sum = 0;
        for (int kx = 0; kx < width; kx++)
        {
            for (int i = 0; i < channels; i++)
            {
                // A scale so small that it is denormal may make the quotient leave the range.
                sbyte weight = scale > 0 ? (sbyte)MathF.Round(float.Clamp(Weight(kx, i) / scale, -127, 127)) : (sbyte)0;
                Weights[Place(o, ky, kx * channels + i)] = weight;
                sum += weight;
            }
        }

        Scales[ky * padded + o] = scale;
        Sums[ky * padded + o] = sum;
    }
}
