using System.Runtime.Intrinsics;

namespace Tfic.Kernels.Attention;

/// <summary>One implementation of neighbourhood attention: some rows of its output.</summary>
/// <param name="layer">What is fixed when a network is loaded.</param>
/// <param name="input">height × width × 3 · Channels: queries, keys, values.</param>
/// <param name="height">Rows, at least Window.</param>
/// <param name="width">Columns, at least Window.</param>
/// <param name="firstRow">First row of the output.</param>
/// <param name="endRow">Row behind the last.</param>
/// <param name="output">Receives these rows, each width × Channels.</param>
public delegate void NeighbourhoodAttentionKernel(
    NeighbourhoodAttention layer, ReadOnlySpan<float> input, int height, int width, int firstRow, int endRow,
    Span<float> output);

/// <summary>
/// Attention of each position to the k × k positions around it, with a bias for each relative position (Hassani et al. 2022,
/// "Neighborhood attention transformer", section 3), between the projections: from queries, keys and values to the weighted
/// values.
/// </summary>
/// <remarks>
/// <para>
/// Near an edge the window is moved inward, so that it has k × k positions everywhere: along an axis of length n the window
/// of position i starts at clamp(i − ⌊k/2⌋, 0, n − k).
/// </para>
/// <para>
/// Channels are ordered with the heads innermost, channel d · Heads + h being number d of head h, in queries, keys, values
/// and output: heads are then computed side by side, and none of their sums runs along a vector. Who loads a network brings
/// the weights of the projections around it into this order.
/// </para>
/// <para>
/// For each position and head, keys i taken row by row from left to right: sᵢ starts as the bias and becomes
/// fma(qd · scale, kid, sᵢ) for d ascending, scale being 1/√Depth; m is the largest sᵢ; eᵢ = e^(sᵢ − m), as
/// <see cref="Elementary"/> defines it; t is the sum of the eᵢ in this order; the output starts as 0, becomes
/// fma(eᵢ, vid, ·) for i ascending, and is multiplied by 1/t. All rows give the same bits.
/// </para>
/// <para>Immutable; threads may share it.</para>
/// </remarks>
public sealed class NeighbourhoodAttention
{
    /// <summary>Largest side of a window.</summary>
    public const int MaxWindow = 31;

    /// <summary>Makes a layer.</summary>
    /// <param name="bias">heads × (2 · window − 1) × (2 · window − 1), torch's order: by the row and column of the key less
    /// those of the query, plus window − 1. Not kept.</param>
    /// <param name="channels">Channels of queries, keys, values and output, a multiple of the heads.</param>
    /// <param name="heads">Heads.</param>
    /// <param name="window">Side of the window, odd, 3 … <see cref="MaxWindow"/>.</param>
    /// <exception cref="ArgumentException">Sizes that do not agree.</exception>
    public NeighbourhoodAttention(ReadOnlySpan<float> bias, int channels, int heads, int window)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 3);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(window, MaxWindow);
        ArgumentOutOfRangeException.ThrowIfEqual(window % 2, 0, nameof(window));
        ArgumentOutOfRangeException.ThrowIfLessThan(heads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, heads);
        ArgumentOutOfRangeException.ThrowIfNotEqual(channels % heads, 0, nameof(channels));
        int side = 2 * window - 1;
        if (bias.Length != (long)heads * side * side)
            throw new ArgumentException($"{bias.Length} biases do not make {heads} × {side} × {side}.", nameof(bias));
        (Channels, Heads, Window) = (channels, heads, window);
        Bias = new float[bias.Length];
        for (int i = 0; i < bias.Length; i++)
            Bias[i % (side * side) * heads + i / (side * side)] = bias[i];
    }

    /// <summary>The implementations; tolerance 0: equal bit for bit.</summary>
    public static VariantTable<NeighbourhoodAttentionKernel> Variants { get; } = new(
        "neighbourhood-attention",
        new("reference", true, 0, NeighbourhoodAttentionReference.Run),
        new("vector128", Vector128.IsHardwareAccelerated, 0, NeighbourhoodAttentionSimd.Run128),
        new("vector256", Vector256.IsHardwareAccelerated, 0, NeighbourhoodAttentionSimd.Run256),
        new("vector512", Vector512.IsHardwareAccelerated, 0, NeighbourhoodAttentionSimd.Run512));

    /// <summary>Channels of queries, keys, values and output.</summary>
    public int Channels { get; }

    /// <summary>Heads.</summary>
    public int Heads { get; }

    /// <summary>Channels of a head.</summary>
    public int Depth => Channels / Heads;

    /// <summary>Side of the window.</summary>
    public int Window { get; }

    /// <summary>What scores are multiplied by: 1/√Depth.</summary>
    public float Scale => (float)(1 / Math.Sqrt(Depth));

    /// <summary>Biases, by relative row and column, then head.</summary>
    internal float[] Bias { get; }

    /// <summary>Multiply-adds on so many positions: of scores and of weighted values.</summary>
    public long MultiplyAdds(int height, int width) => 2L * Window * Window * Channels * height * width;

    /// <summary>Attends, by the row of <see cref="Variants"/> that is picked.</summary>
    /// <param name="input">height × width × 3 · Channels: queries, keys, values.</param>
    /// <param name="height">Rows, at least Window.</param>
    /// <param name="width">Columns, at least Window.</param>
    /// <param name="output">Receives height × width × Channels; must not overlap the input.</param>
    /// <exception cref="ArgumentException">
    /// An input smaller than the window (pad it with zeros before the projection, as the published layer does), or a span
    /// that is too short.
    /// </exception>
    public void Run(ReadOnlySpan<float> input, int height, int width, Span<float> output) =>
        Run(input, height, width, 0, height, output);

    /// <summary>The same for some rows of the output, so that threads can share them.</summary>
    /// <param name="input">height × width × 3 · Channels: queries, keys, values.</param>
    /// <param name="height">Rows, at least Window.</param>
    /// <param name="width">Columns, at least Window.</param>
    /// <param name="firstRow">First row of the output.</param>
    /// <param name="endRow">Row behind the last.</param>
    /// <param name="output">Receives (endRow − firstRow) × width × Channels; must not overlap the input.</param>
    /// <exception cref="ArgumentException">As of the other, or rows that are not there.</exception>
    public void Run(ReadOnlySpan<float> input, int height, int width, int firstRow, int endRow, Span<float> output)
    {
        if (height < Window || width < Window)
        {
            throw new ArgumentException(
                $"{height} × {width} is smaller than the window of {Window}: pad the projection's input with zeros.",
                nameof(input));
        }

        if (input.Length < (long)height * width * 3 * Channels)
            throw new ArgumentException("Shorter than height × width × 3 · channels.", nameof(input));
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(endRow, height);
        ArgumentOutOfRangeException.ThrowIfLessThan(endRow, firstRow);
        if (output.Length < (long)(endRow - firstRow) * width * Channels)
            throw new ArgumentException("Shorter than the rows.", nameof(output));
        if (output.Overlaps(input))
            throw new ArgumentException("The output overlaps the input.", nameof(output));
        Variants.Picked.Kernel(this, input, height, width, firstRow, endRow, output);
    }
}
