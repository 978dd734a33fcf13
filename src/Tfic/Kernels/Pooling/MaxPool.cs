using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tfic.Kernels.Pooling;

/// <summary>The largest value of each window, channel by channel; windows do not overlap.</summary>
/// <remarks>
/// Within a window values are compared row by row, from left to right: a value replaces the largest so far if it is
/// greater, so a NaN replaces nothing and one in first place stays. Rows and columns that do not fill a window are
/// left out, as torch's max_pool2d does.
/// </remarks>
public static class MaxPool
{
    /// <summary>One implementation.</summary>
    /// <param name="input">height × width × channels.</param>
    /// <param name="height">Rows of the input.</param>
    /// <param name="width">Columns of the input.</param>
    /// <param name="channels">Interleaved channels.</param>
    /// <param name="windowHeight">Rows of a window.</param>
    /// <param name="windowWidth">Columns of a window.</param>
    /// <param name="output">height/windowHeight × width/windowWidth × channels, rounded down.</param>
    public delegate void Kernel(
        ReadOnlySpan<float> input, int height, int width, int channels, int windowHeight, int windowWidth,
        Span<float> output);

    /// <summary>The implementations; tolerance 0: equal bit for bit.</summary>
    public static VariantTable<Kernel> Variants { get; } = new(
        "max-pool",
        new("reference", true, 0, Reference),
        new("vector128", Vector128.IsHardwareAccelerated, 0, Simd<Vector128<float>, Lanes128>),
        new("vector256", Vector256.IsHardwareAccelerated, 0, Simd<Vector256<float>, Lanes256>),
        new("vector512", Vector512.IsHardwareAccelerated, 0, Simd<Vector512<float>, Lanes512>));

    /// <summary>Pools, by the row of <see cref="Variants"/> that is picked.</summary>
    /// <inheritdoc cref="Kernel"/>
    /// <exception cref="ArgumentException">Sizes below 1, or a span that is too short.</exception>
    public static void Run(
        ReadOnlySpan<float> input, int height, int width, int channels, int windowHeight, int windowWidth,
        Span<float> output)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(windowHeight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(windowWidth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, windowHeight);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, windowWidth);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        if (input.Length < (long)height * width * channels)
            throw new ArgumentException("Shorter than height × width × channels.", nameof(input));
        if (output.Length < (long)(height / windowHeight) * (width / windowWidth) * channels)
            throw new ArgumentException("Shorter than the result.", nameof(output));
        Variants.Picked.Kernel(input, height, width, channels, windowHeight, windowWidth, output);
    }

    private static void Reference(
        ReadOnlySpan<float> input, int height, int width, int channels, int windowHeight, int windowWidth,
        Span<float> output)
    {
        int rows = height / windowHeight, columns = width / windowWidth;
        for (int y = 0; y < rows; y++)
        {
            for (int x = 0; x < columns; x++)
            {
                for (int c = 0; c < channels; c++)
                {
                    float largest = input[(y * windowHeight * width + x * windowWidth) * channels + c];
                    for (int i = 1; i < windowHeight * windowWidth; i++)
                    {
                        int inputY = y * windowHeight + i / windowWidth, inputX = x * windowWidth + i % windowWidth;
                        float value = input[(inputY * width + inputX) * channels + c];
                        largest = value > largest ? value : largest;
                    }

                    output[(y * columns + x) * channels + c] = largest;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Simd<TVector, TLanes>(
        ReadOnlySpan<float> input, int height, int width, int channels, int windowHeight, int windowWidth,
        Span<float> output)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        int rows = height / windowHeight, columns = width / windowWidth;
        int pitch = width * channels;
        fixed (float* inputStart = input, outputStart = output)
        {
            float* target = outputStart;
            for (int y = 0; y < rows; y++)
            {
                float* corner = inputStart + (nint)y * windowHeight * pitch;
                for (int x = 0; x < columns; x++, corner += windowWidth * channels, target += channels)
                {
                    int c = 0;
                    for (; c <= channels - TLanes.Count; c += TLanes.Count)
                    {
                        TVector largest = TLanes.Load(corner + c);
                        for (int dy = 0; dy < windowHeight; dy++)
                        {
                            float* row = corner + (nint)dy * pitch + c;
                            for (int dx = dy == 0 ? 1 : 0; dx < windowWidth; dx++)
                                largest = TLanes.Greater(TLanes.Load(row + dx * channels), largest);
                        }

                        TLanes.Store(largest, target + c);
                    }

                    for (; c < channels; c++)
                    {
                        float largest = corner[c];
                        for (int dy = 0; dy < windowHeight; dy++)
                        {
                            float* row = corner + (nint)dy * pitch + c;
                            for (int dx = dy == 0 ? 1 : 0; dx < windowWidth; dx++)
                            {
                                float value = row[dx * channels];
                                largest = value > largest ? value : largest;
                            }
                        }

                        target[c] = largest;
                    }
                }
            }
        }
    }
}
