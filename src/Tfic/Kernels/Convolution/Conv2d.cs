using System.Runtime.Intrinsics;

namespace Tfic.Kernels.Convolution;

/// <summary>Where a convolution adds its second input.</summary>
public enum Residual
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>activation(convolution + residual).</summary>
    BeforeActivation,

    /// <summary>activation(convolution) + residual.</summary>
    AfterActivation,
}

/// <summary>Zero rows and columns around the input.</summary>
/// <param name="Top">Rows above.</param>
/// <param name="Left">Columns to the left.</param>
/// <param name="Bottom">Rows below.</param>
/// <param name="Right">Columns to the right.</param>
public readonly record struct Padding(int Top, int Left, int Bottom, int Right)
{
    /// <summary>The same number of rows above and below, and of columns left and right.</summary>
    public static Padding Symmetric(int rows, int columns) => new(rows, columns, rows, columns);
}

/// <summary>One implementation of the convolution.</summary>
/// <param name="layer">Weights and everything that is fixed when a network is loaded.</param>
/// <param name="input">height × width × InputChannels.</param>
/// <param name="height">Rows of the input.</param>
/// <param name="width">Columns of the input.</param>
/// <param name="residual">The second input, shaped like the output; empty where the layer has none.</param>
/// <param name="output">The output; it must overlap neither input.</param>
/// <param name="threads">How many threads may share the work; the result does not depend on it.</param>
public delegate void Conv2dKernel(
    Conv2d layer, ReadOnlySpan<float> input, int height, int width, ReadOnlySpan<float> residual, Span<float> output,
    int threads);

/// <summary>
/// A two-dimensional convolution (cross-correlation, as neural networks call it) of float32 planes with interleaved
/// channels, with bias, residual and activation in the same pass.
/// </summary>
/// <remarks>
/// <para>
/// The value of output channel o at (y, x) is defined to the last bit. It starts as bias[o]. Then, for ky, kx and
/// input channel i ascending in this order (i fastest), it becomes
/// <c>fma(input[y·stride + ky − top, x·stride + kx − left, i], weight[o, i, ky, kx], value)</c>, one rounding a step;
/// taps that fall outside the input are left out. Then the residual is added, if it goes before the activation; then
/// a negative value is multiplied by <see cref="NegativeSlope"/>; then the residual is added, if it goes after.
/// Every row of <see cref="Variants"/> computes exactly this: they put different outputs, never parts of one sum,
/// into the lanes of a vector.
/// </para>
/// <para>
/// With a shuffle of r the output channels are rearranged as torch's pixel_shuffle does: channel c·r² + dy·r + dx at
/// (y, x) becomes channel c at (y·r + dy, x·r + dx).
/// </para>
/// <para>Objects are immutable apart from weights that are packed at first use, and may be shared by threads.</para>
/// </remarks>
public sealed class Conv2d
{
    private readonly PackedWeights?[] _packed = new PackedWeights?[3];

    /// <summary>Makes a layer.</summary>
    /// <param name="weight">outputs × inputs × kernelHeight × kernelWidth, torch's order; not copied.</param>
    /// <param name="bias">One for each output channel; not copied.</param>
    /// <param name="inputChannels">Channels of the input.</param>
    /// <param name="kernelHeight">Rows of the kernel.</param>
    /// <param name="kernelWidth">Columns of the kernel.</param>
    /// <exception cref="ArgumentException">Sizes below 1, or lengths that do not agree.</exception>
    public Conv2d(float[] weight, float[] bias, int inputChannels, int kernelHeight, int kernelWidth)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(bias);
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(kernelHeight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(kernelWidth, 1);
        ArgumentOutOfRangeException.ThrowIfZero(bias.Length, nameof(bias));
        if (weight.Length != (long)bias.Length * inputChannels * kernelHeight * kernelWidth)
        {
            throw new ArgumentException(
                $"{weight.Length} weights do not make {bias.Length} × {inputChannels} × {kernelHeight} × {kernelWidth}.",
                nameof(weight));
        }

        Weight = weight;
        Bias = bias;
        InputChannels = inputChannels;
        KernelHeight = kernelHeight;
        KernelWidth = kernelWidth;
    }

    /// <summary>
    /// The implementations; tolerance 0: equal bit for bit. Without a fused multiply-add in hardware the vector rows
    /// are still exact, since the framework then computes it in software.
    /// </summary>
    public static VariantTable<Conv2dKernel> Variants { get; } = new(
        "conv2d",
        new("reference", true, 0, Conv2dReference.Run),
        new("vector128", Vector128.IsHardwareAccelerated, 0, Conv2dSimd.Run<Vector128<float>, Lanes128>),
        new("vector256", Vector256.IsHardwareAccelerated, 0, Conv2dSimd.Run<Vector256<float>, Lanes256>),
        new("vector512", Vector512.IsHardwareAccelerated, 0, Conv2dSimd.Run<Vector512<float>, Lanes512>));

    /// <summary>Weights, OutputChannels × InputChannels × KernelHeight × KernelWidth.</summary>
    public float[] Weight { get; }

    /// <summary>Bias of each output channel.</summary>
    public float[] Bias { get; }

    /// <summary>Channels of the input.</summary>
    public int InputChannels { get; }

    /// <summary>Channels before the shuffle.</summary>
    public int OutputChannels => Bias.Length;

    /// <summary>Rows of the kernel.</summary>
    public int KernelHeight { get; }

    /// <summary>Columns of the kernel.</summary>
    public int KernelWidth { get; }

    /// <summary>Step between outputs, in both directions, at least 1.</summary>
    public int Stride
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "Below 1.");
    } = 1;

    /// <summary>Zeros around the input.</summary>
    public Padding Padding
    {
        get;
        init => field = int.Min(int.Min(value.Top, value.Left), int.Min(value.Bottom, value.Right)) >= 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "Negative padding.");
    }

    /// <summary>Factor for negative values: 1 for no activation, 0 for ReLU, between them for a leaky one.</summary>
    public float NegativeSlope { get; init; } = 1f;

    /// <summary>Where the second input is added.</summary>
    public Residual Residual { get; init; }

    /// <summary>Factor of the pixel shuffle; 1 for none. Its square divides <see cref="OutputChannels"/>.</summary>
    public int Shuffle
    {
        get;
        init => field = value >= 1 && OutputChannels % (value * value) == 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "The square must divide the channels.");
    } = 1;

    /// <summary>Channels of the output: OutputChannels / Shuffle².</summary>
    public int ResultChannels => OutputChannels / (Shuffle * Shuffle);

    /// <summary>Rows of the output, after the shuffle; 0 or less where the input is smaller than the kernel.</summary>
    public int ResultHeight(int height) =>
        Shuffle * Positions(height + Padding.Top + Padding.Bottom, KernelHeight);

    /// <summary>Columns of the output, after the shuffle; 0 or less where the input is smaller than the kernel.</summary>
    public int ResultWidth(int width) => Shuffle * Positions(width + Padding.Left + Padding.Right, KernelWidth);

    /// <summary>Multiply-adds for an input of this size, taps in the padding included.</summary>
    public long MultiplyAdds(int height, int width) =>
        (long)(ResultHeight(height) / Shuffle) * (ResultWidth(width) / Shuffle) * Weight.Length;

    /// <summary>Convolves, by the row of <see cref="Variants"/> that is picked.</summary>
    /// <param name="input">height × width × InputChannels.</param>
    /// <param name="height">Rows of the input.</param>
    /// <param name="width">Columns of the input.</param>
    /// <param name="output">At least ResultHeight × ResultWidth × ResultChannels; overlaps neither input.</param>
    /// <param name="residual">Shaped like the output; needed exactly where the layer has a residual.</param>
    /// <param name="threads">How many threads may share the work; the result does not depend on it.</param>
    /// <exception cref="ArgumentException">A span is too short, or the input is smaller than the kernel.</exception>
    public void Run(
        ReadOnlySpan<float> input, int height, int width, Span<float> output, ReadOnlySpan<float> residual = default,
        int threads = 1) =>
        Run(Variants.Picked, input, height, width, output, residual, threads);

    /// <summary>Convolves by a given row.</summary>
    /// <inheritdoc cref="Run(ReadOnlySpan{float}, int, int, Span{float}, ReadOnlySpan{float}, int)"/>
    internal void Run(
        Variant<Conv2dKernel> variant, ReadOnlySpan<float> input, int height, int width, Span<float> output,
        ReadOnlySpan<float> residual = default, int threads = 1)
    {
        (int inputLength, int outputLength) = CheckLengths(input, height, width, output, residual, threads);

        // Exact lengths, so that what lies behind is neither read nor written.
        variant.Kernel(
            this, input[..inputLength], height, width,
            Residual == Residual.None ? default : residual[..outputLength], output[..outputLength], threads);
    }

    /// <summary>Floats of the input and of the output, when all is as it must be.</summary>
    /// <inheritdoc cref="Run(ReadOnlySpan{float}, int, int, Span{float}, ReadOnlySpan{float}, int)"/>
    internal (int Input, int Output) CheckLengths(
        ReadOnlySpan<float> input, int height, int width, ReadOnlySpan<float> output, ReadOnlySpan<float> residual,
        int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        int resultHeight = ResultHeight(height), resultWidth = ResultWidth(width);
        if (height < 1 || width < 1 || resultHeight < 1 || resultWidth < 1)
            throw new ArgumentException($"An input of {height} × {width} is smaller than the kernel.", nameof(input));

        long inputLength = (long)height * width * InputChannels;
        long outputLength = (long)resultHeight * resultWidth * ResultChannels;
        if (input.Length < inputLength)
            throw new ArgumentException($"{inputLength} floats are needed, {input.Length} given.", nameof(input));
        if (output.Length < outputLength)
            throw new ArgumentException($"{outputLength} floats are needed, {output.Length} given.", nameof(output));
        if (Residual == Residual.None ? !residual.IsEmpty : residual.Length < outputLength)
            throw new ArgumentException("The residual is missing, too short, or not wanted.", nameof(residual));
        if (output.Overlaps(input) || output.Overlaps(residual))
            throw new ArgumentException("The output overlaps an input.", nameof(output));
        return ((int)inputLength, (int)outputLength);
    }

    /// <summary>The weights arranged for vectors of 4, 8 or 16 lanes; made at first use.</summary>
    internal PackedWeights Packed(int lanes)
    {
        // Two threads may both pack: they make the same, and one is dropped.
        ref PackedWeights? slot = ref _packed[int.TrailingZeroCount(lanes) - 2];
        return Volatile.Read(ref slot) ?? (slot = new PackedWeights(this, lanes));
    }

    private int Positions(int padded, int kernel) => padded < kernel ? 0 : (padded - kernel) / Stride + 1;
}
