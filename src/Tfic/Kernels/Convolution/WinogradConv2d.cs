using System.Runtime.Intrinsics;

namespace Tfic.Kernels.Convolution;

/// <summary>One implementation of the convolution by Winograd's transforms.</summary>
/// <param name="layer">Weights and everything that is fixed when a network is loaded.</param>
/// <param name="input">height × width × InputChannels.</param>
/// <param name="height">Rows of the input.</param>
/// <param name="width">Columns of the input.</param>
/// <param name="residual">The second input, shaped like the output; empty where the layer has none.</param>
/// <param name="output">The output; it must overlap neither input.</param>
/// <param name="scratch">Memory for as many threads.</param>
/// <param name="threads">How many threads may share the work; the result does not depend on it.</param>
public delegate void WinogradConv2dKernel(
    WinogradConv2d layer, ReadOnlySpan<float> input, int height, int width, ReadOnlySpan<float> residual,
    Span<float> output, Span<float> scratch, int threads);

/// <summary>
/// A 3 × 3 <see cref="Conv2d"/> of stride 1 that multiplies a quarter as often: Winograd's F(4 × 4, 3 × 3)
/// (Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", Section 4).
/// </summary>
/// <remarks>
/// <para>
/// The output is cut into tiles of 4 × 4 from its first row and column on. A tile d of 6 × 6 inputs, zeros where it
/// leaves the input, becomes V = Bᵀ d B for each channel; M = Σ over channels i ascending of fma(V[i], U[o, i], M),
/// beginning with zero, for each of the 36 elements; Y = Aᵀ M A is a tile of the output, to which the bias is added.
/// Residual and activation follow as in <see cref="Conv2d"/>. U = G g Gᵀ is computed in double, at first use, and rounded
/// once. The polynomial's points are 0, ±a, ±b and ∞ with a = 3/4 and b = 3/2: all coefficients of Bᵀ
/// and Aᵀ are then exact, and smaller than those of the customary ±1, ±2, which makes the error of a layer half as large.
/// </para>
/// <para>
/// Both transforms go down the columns first, then along the rows. Six numbers d become, one rounding an operation
/// and fma one: with p = fma(−b², d2, d4), q = fma(−b², d1, d3), r = fma(−a², d2, d4), s = fma(−a², d1, d3),
/// </para>
/// <code>
/// fma(a²b², d0, fma(−(a² + b²), d2, d4)), fma(a, q, p), fma(−a, q, p), fma(b, s, r), fma(−b, s, r),
/// fma(a²b², d1, fma(−(a² + b²), d3, d5))
/// </code>
/// <para>and six numbers m, with s = m1 + m2, e = m1 − m2, t = m3 + m4, g = m3 − m4,</para>
/// <code>
/// (m0 + s) + t, fma(b, g, a · e), fma(b², t, a² · s), fma(b³, g, fma(a³, e, m5))
/// </code>
/// <para>
/// Every row of <see cref="Variants"/> computes exactly this, so tolerance is 0 among them. Against the exact
/// convolution: let S be what the formula gives with the absolute values of all inputs, weights and coefficients,
/// |bias| + Aᵀ(Σ (|Bᵀ| |d| |B|) ∘ (|G| |g| |Gᵀ|))A with |A|. On its way into a sum a product passes 4 roundings of the
/// first transform, 1 of its weight, one a channel, 6 of the second transform and 1 of the bias: with u = 2⁻²⁴ the error
/// is at most (InputChannels + 12) · u · S, up to terms of u². Typically it is a few units of u of the largest output.
/// </para>
/// <para>
/// Because tiles count from the first row and column, a part of a plane has the whole's bits where it begins at
/// multiples of 4 and a value is at least a tile away from where the part was cut. A value that is not finite spreads
/// over its tiles.
/// </para>
/// <para>Immutable apart from weights that are packed at first use; threads may share it.</para>
/// </remarks>
public sealed class WinogradConv2d
{
    /// <summary>Rows and columns of a tile of the output.</summary>
    public const int TileSize = 4;

    /// <summary>Rows and columns of a tile of the input, and of what it is transformed to.</summary>
    internal const int Size = TileSize + 2;

    /// <summary>Elements that are multiplied one by one.</summary>
    internal const int Frequencies = Size * Size;

    /// <summary>The polynomial's points are 0, ±PointA, ±PointB, ∞.</summary>
    internal const float PointA = 0.75f, PointB = 1.5f;

    // What the transforms of a block of tiles take together: half of a second-level cache of a megabyte, whose other
    // half the weights pass through.
    private const int BlockLength = 1 << 17;

    // Transformed at first use: not every model that is loaded runs.
    private readonly Lazy<Conv2d[]> _frequencies;

    /// <summary>Gives a layer this form.</summary>
    /// <param name="layer">3 × 3, of stride 1, without a shuffle.</param>
    /// <exception cref="ArgumentException">A layer of another kind.</exception>
    public WinogradConv2d(Conv2d layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        if (!Takes(layer))
            throw new ArgumentException("Only 3 × 3 layers of stride 1 without a shuffle have this form.", nameof(layer));

        Layer = layer;
        _frequencies = new(() => Transform(layer));
        (PaddedInputs, PaddedOutputs) = (Padded(layer.InputChannels), Padded(layer.OutputChannels));
        BlockTiles = int.Clamp(BlockLength / (Frequencies * (PaddedInputs + PaddedOutputs)) / 8 * 8, 8, 64);
    }

    /// <summary>The implementations; tolerance 0: equal bit for bit.</summary>
    public static VariantTable<WinogradConv2dKernel> Variants { get; } = new(
        "winograd-conv2d",
        new("reference", true, 0, WinogradConv2dReference.Run),
        new("vector128", Vector128.IsHardwareAccelerated, 0, WinogradConv2dSimd.Run<Vector128<float>, Lanes128>),
        new("vector256", Vector256.IsHardwareAccelerated, 0, WinogradConv2dSimd.Run<Vector256<float>, Lanes256>),
        new("vector512", Vector512.IsHardwareAccelerated, 0, WinogradConv2dSimd.Run<Vector512<float>, Lanes512>));

    /// <summary>The layer.</summary>
    public Conv2d Layer { get; }

    /// <summary>Input channels, rounded up to whole vectors of any width.</summary>
    internal int PaddedInputs { get; }

    /// <summary>Output channels, rounded up likewise.</summary>
    internal int PaddedOutputs { get; }

    /// <summary>Tiles that are transformed together.</summary>
    internal int BlockTiles { get; }

    /// <summary>Floats from one element of the transformed inputs of a block to the next.</summary>
    /// <remarks>A vector more than they take: steps of a power of two would put all 36 into the same lines of a cache.</remarks>
    internal int InputStep => BlockTiles * PaddedInputs + Lanes512.Count;

    /// <summary>Floats from one element of the sums of a block to the next.</summary>
    internal int OutputStep => BlockTiles * PaddedOutputs + Lanes512.Count;

    /// <summary>Whether a layer has this form.</summary>
    public static bool Takes(Conv2d layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return (layer.KernelHeight, layer.KernelWidth, layer.Stride, layer.Shuffle) == (3, 3, 1, 1);
    }

    /// <summary>Floats of memory that <see cref="Run(ReadOnlySpan{float}, int, int, Span{float}, Span{float}, ReadOnlySpan{float}, int)"/> needs.</summary>
    /// <param name="threads">How many threads it may use.</param>
    public long ScratchLength(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        return (long)threads * ThreadScratch;
    }

    /// <summary>One thread's: transformed inputs, sums, a tile with its border, two halves of a transform; and to align them.</summary>
    internal int ThreadScratch =>
        Frequencies * (InputStep + OutputStep + PaddedInputs + 2 * Lanes512.Count) + Lanes512.Count;

    /// <summary>The weights of one of the elements, as a layer that multiplies a vector of channels by a matrix.</summary>
    internal Conv2d Frequency(int f) => _frequencies.Value[f];

    /// <summary>Convolves, by the row of <see cref="Variants"/> that is picked.</summary>
    /// <param name="input">height × width × InputChannels.</param>
    /// <param name="height">Rows of the input.</param>
    /// <param name="width">Columns of the input.</param>
    /// <param name="output">At least ResultHeight × ResultWidth × ResultChannels of the layer; overlaps neither input.</param>
    /// <param name="scratch">At least <see cref="ScratchLength"/>; holds anything before and after.</param>
    /// <param name="residual">Shaped like the output; needed exactly where the layer has a residual.</param>
    /// <param name="threads">How many threads may share the work; the result does not depend on it.</param>
    /// <exception cref="ArgumentException">A span is too short, or the input is smaller than the kernel.</exception>
    public void Run(
        ReadOnlySpan<float> input, int height, int width, Span<float> output, Span<float> scratch,
        ReadOnlySpan<float> residual = default, int threads = 1) =>
        Run(Variants.Picked, input, height, width, output, scratch, residual, threads);

    /// <summary>Convolves by a given row.</summary>
    /// <inheritdoc cref="Run(ReadOnlySpan{float}, int, int, Span{float}, Span{float}, ReadOnlySpan{float}, int)"/>
    internal void Run(
        Variant<WinogradConv2dKernel> variant, ReadOnlySpan<float> input, int height, int width, Span<float> output,
        Span<float> scratch, ReadOnlySpan<float> residual = default, int threads = 1)
    {
        (int inputLength, int outputLength) = Layer.CheckLengths(input, height, width, output, residual, threads);
        if (scratch.Length < ScratchLength(threads))
            throw new ArgumentException($"{ScratchLength(threads)} floats are needed, {scratch.Length} given.", nameof(scratch));

        variant.Kernel(
            this, input[..inputLength], height, width,
            Layer.Residual == Residual.None ? default : residual[..outputLength], output[..outputLength], scratch, threads);
    }

    private static int Padded(int channels) => (channels + Lanes512.Count - 1) / Lanes512.Count * Lanes512.Count;

    /// <summary>G g Gᵀ of all pairs of channels, element by element.</summary>
    private static Conv2d[] Transform(Conv2d layer)
    {
        int outputs = layer.OutputChannels, inputs = layer.InputChannels;
        var noBias = new float[outputs];
        var transformed = new float[Frequencies][];
        for (int f = 0; f < Frequencies; f++)
            transformed[f] = new float[outputs * inputs];
        Span<double> weights = stackalloc double[9], half = stackalloc double[Size * 3];
        for (int i = 0; i < outputs * inputs; i++)
        {
            for (int k = 0; k < 9; k++)
                weights[k] = layer.Weight[9 * i + k];

            // half = G g, then half Gᵀ.
            for (int k = 0; k < 3; k++)
            {
                for (int y = 0; y < Size; y++)
                    half[3 * y + k] = Weighted(y, weights[k], weights[3 + k], weights[6 + k]);
            }

            for (int f = 0; f < Frequencies; f++)
            {
                Span<double> row = half.Slice(3 * (f / Size), 3);
                transformed[f][i] = (float)Weighted(f % Size, row[0], row[1], row[2]);
            }
        }

        return Array.ConvertAll(transformed, weight => new Conv2d(weight, noBias, inputs, 1, 1));
    }

    // A row of G times three weights: (1, p, p²) over the product of the differences to the other points.
    private static double Weighted(int row, double first, double second, double third)
    {
        const double a = PointA, b = PointB, a2 = a * a, b2 = b * b;
        double ofA = 2 * a2 * (a2 - b2), ofB = 2 * b2 * (b2 - a2);
        return row switch
        {
            0 => first / (a2 * b2),
            1 => (first + a * second + a2 * third) / ofA,
            2 => (first - a * second + a2 * third) / ofA,
            3 => (first + b * second + b2 * third) / ofB,
            4 => (first - b * second + b2 * third) / ofB,
            _ => third,
        };
    }
}
