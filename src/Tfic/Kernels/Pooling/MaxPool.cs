using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tfic.Kernels.Pooling;

/// <summary>The largest value of each window, channel by channel.</summary>
/// <remarks>
/// Within a window values are compared row by row, from left to right: a value replaces the largest so far if it is
/// greater, so a NaN replaces nothing and one in first place stays. What a window has outside the input does not count.
/// Rows and columns that do not fill a window are left out, as torch's max_pool2d does.
/// </remarks>
public static class MaxPool
{
    /// <summary>One implementation.</summary>
    /// <param name="input">height × width × channels.</param>
    /// <param name="height">Rows of the input.</param>
    /// <param name="width">Columns of the input.</param>
    /// <param name="channels">Interleaved channels.</param>
    /// <param name="window">The windows.</param>
    /// <param name="output">ResultHeight × ResultWidth of the windows, × channels; does not overlap the input.</param>
    public delegate void Kernel(
        ReadOnlySpan<float> input, int height, int width, int channels, PoolingWindow window, Span<float> output);

    /// <summary>The implementations; tolerance 0: equal bit for bit.</summary>
    public static VariantTable<Kernel> Variants { get; } = new(
        "max-pool",
        new("reference", true, 0, Reference),
        new("vector128", Vector128.IsHardwareAccelerated, 0, Simd<Vector128<float>, Lanes128>),
        new("vector256", Vector256.IsHardwareAccelerated, 0, Simd<Vector256<float>, Lanes256>),
        new("vector512", Vector512.IsHardwareAccelerated, 0, Simd<Vector512<float>, Lanes512>));

    /// <summary>Pools by windows that touch.</summary>
    /// <param name="input">height × width × channels.</param>
    /// <param name="height">Rows of the input.</param>
    /// <param name="width">Columns of the input.</param>
    /// <param name="channels">Interleaved channels.</param>
    /// <param name="windowHeight">Rows of a window.</param>
    /// <param name="windowWidth">Columns of a window.</param>
    /// <param name="output">height/windowHeight × width/windowWidth × channels, rounded down.</param>
    /// <exception cref="ArgumentException">Sizes below 1, or a span that is too short.</exception>
    public static void Run(
        ReadOnlySpan<float> input, int height, int width, int channels, int windowHeight, int windowWidth,
        Span<float> output) =>
        Run(input, height, width, channels, new PoolingWindow(windowHeight, windowWidth), output);

    /// <summary>Pools, by the row of <see cref="Variants"/> that is picked.</summary>
    /// <inheritdoc cref="Kernel"/>
    /// <exception cref="ArgumentException">
    /// Sizes below 1, a padding above half a window, an input smaller than a window, or a span that is too short.
    /// </exception>
    public static void Run(
        ReadOnlySpan<float> input, int height, int width, int channels, PoolingWindow window, Span<float> output)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(int.Min(window.Height, window.Width), 1, nameof(window));
        ArgumentOutOfRangeException.ThrowIfLessThan(int.Min(window.RowStride, window.ColumnStride), 1, nameof(window));
        ArgumentOutOfRangeException.ThrowIfNegative(int.Min(window.RowPadding, window.ColumnPadding), nameof(window));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(window.RowPadding, window.Height / 2, nameof(window));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(window.ColumnPadding, window.Width / 2, nameof(window));
        ArgumentOutOfRangeException.ThrowIfLessThan(int.Min(height, width), 1, nameof(input));
        int rows = window.ResultHeight(height), columns = window.ResultWidth(width);
        ArgumentOutOfRangeException.ThrowIfLessThan(int.Min(rows, columns), 1, nameof(input));
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        if (input.Length < (long)height * width * channels)
            throw new ArgumentException("Shorter than height × width × channels.", nameof(input));
        if (output.Length < (long)rows * columns * channels)
            throw new ArgumentException("Shorter than the result.", nameof(output));
        Variants.Picked.Kernel(input, height, width, channels, window, output);
    }

    private static void Reference(
        ReadOnlySpan<float> input, int height, int width, int channels, PoolingWindow window, Span<float> output)
    {
        int rows = window.ResultHeight(height), columns = window.ResultWidth(width);
        for (int y = 0; y < rows; y++)
        {
            for (int x = 0; x < columns; x++)
            {
                for (int c = 0; c < channels; c++)
                {
                    float? largest = null;
                    for (int i = 0; i < window.Height * window.Width; i++)
                    {
                        int inputY = y * window.RowStride - window.RowPadding + i / window.Width;
                        int inputX = x * window.ColumnStride - window.ColumnPadding + i % window.Width;
                        if (inputY < 0 || inputX < 0 || inputY >= height || inputX >= width)
                            continue;
                        float value = input[(inputY * width + inputX) * channels + c];
                        largest = largest is { } before && !(value > before) ? before : value;
                    }

                    output[(y * columns + x) * channels + c] = largest!.Value;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Simd<TVector, TLanes>(
        ReadOnlySpan<float> input, int height, int width, int channels, PoolingWindow window, Span<float> output)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        int rows = window.ResultHeight(height), columns = window.ResultWidth(width);
        nint pitch = (nint)width * channels;
        fixed (float* inputStart = input, outputStart = output)
        {
            float* target = outputStart;
            for (int y = 0; y < rows; y++)
            {
                int top = y * window.RowStride - window.RowPadding;
                int down = int.Min(height, top + window.Height) - int.Max(0, top);
                float* row = inputStart + int.Max(0, top) * pitch;
                for (int x = 0; x < columns; x++, target += channels)
                {
                    int left = x * window.ColumnStride - window.ColumnPadding;
                    int across = int.Min(width, left + window.Width) - int.Max(0, left);
                    float* corner = row + (nint)int.Max(0, left) * channels;
                    int c = 0;
                    for (; c <= channels - TLanes.Count; c += TLanes.Count)
                        TLanes.Store(Largest<TVector, TLanes>(corner + c, down, across, pitch, channels), target + c);
                    for (; c < channels; c++)
                        target[c] = Largest<float, Lanes1>(corner + c, down, across, pitch, channels);
                }
            }
        }
    }

    /// <summary>The largest of down × across inputs; the first, compared with itself, stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe TVector Largest<TVector, TLanes>(float* corner, int down, int across, nint pitch, int channels)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        TVector largest = TLanes.Load(corner);
        for (int dy = 0; dy < down; dy++, corner += pitch)
        {
            for (int dx = 0; dx < across; dx++)
                largest = TLanes.Greater(TLanes.Load(corner + (nint)dx * channels), largest);
        }

        return largest;
    }
}
