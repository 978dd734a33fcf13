using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tfic.Kernels.GridSampling;

/// <summary>
/// Takes from a picture what lies at given places, by bilinear interpolation: torch's grid_sample with aligned corners and
/// the border repeated, as the spatial transformer of a recogniser uses it.
/// </summary>
/// <remarks>
/// Coordinates run from −1, the middle of the first pixel, to 1, the middle of the last. Coordinate u of an axis of n
/// pixels lies at (u + 1)·½(n − 1), held to 0 … n − 1; NaN counts as 0. The integer part of that is the index of the first
/// neighbour, the second is the next one or, at the end, the first again, and the rest is the second's weight w. Between a
/// and b lies fma(w, b − a, a): first across, in the upper and in the lower row, then down between these two.
/// </remarks>
public static class GridSample
{
    /// <summary>One implementation.</summary>
    /// <param name="input">height × width × channels.</param>
    /// <param name="height">Rows of the input.</param>
    /// <param name="width">Columns of the input.</param>
    /// <param name="channels">Interleaved channels.</param>
    /// <param name="across">Where each output lies between the left (−1) and the right (1).</param>
    /// <param name="down">Where it lies between the top (−1) and the bottom (1).</param>
    /// <param name="output">As many outputs × channels; overlaps no input.</param>
    public delegate void Kernel(
        ReadOnlySpan<float> input, int height, int width, int channels, ReadOnlySpan<float> across,
        ReadOnlySpan<float> down, Span<float> output);

    /// <summary>The implementations; tolerance 0: equal bit for bit.</summary>
    public static VariantTable<Kernel> Variants { get; } = new(
        "grid-sample",
        new("reference", true, 0, Reference),
        new("vector128", Vector128.IsHardwareAccelerated, 0, Simd<Vector128<float>, Lanes128>),
        new("vector256", Vector256.IsHardwareAccelerated, 0, Simd<Vector256<float>, Lanes256>),
        new("vector512", Vector512.IsHardwareAccelerated, 0, Simd<Vector512<float>, Lanes512>));

    /// <summary>Samples, by the row of <see cref="Variants"/> that is picked.</summary>
    /// <inheritdoc cref="Kernel"/>
    /// <exception cref="ArgumentException">Sizes below 1, lengths that do not agree, or spans that overlap.</exception>
    public static void Run(
        ReadOnlySpan<float> input, int height, int width, int channels, ReadOnlySpan<float> across,
        ReadOnlySpan<float> down, Span<float> output)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        if (input.Length < (long)height * width * channels)
            throw new ArgumentException("Shorter than height × width × channels.", nameof(input));
        if (across.Length != down.Length)
            throw new ArgumentException("Every place has two coordinates.", nameof(down));
        if (output.Length < (long)across.Length * channels)
            throw new ArgumentException("Shorter than the result.", nameof(output));
        if (output.Overlaps(input) || output.Overlaps(across) || output.Overlaps(down))
            throw new ArgumentException("The output overlaps an input.", nameof(output));
        Variants.Picked.Kernel(input, height, width, channels, across, down, output);
    }

    private static void Reference(
        ReadOnlySpan<float> input, int height, int width, int channels, ReadOnlySpan<float> across,
        ReadOnlySpan<float> down, Span<float> output)
    {
        for (int i = 0; i < across.Length; i++)
        {
            float x = Position(across[i], width), y = Position(down[i], height);
            int left = (int)x, upper = (int)y;
            int right = int.Min(left + 1, width - 1), lower = int.Min(upper + 1, height - 1);
            for (int c = 0; c < channels; c++)
            {
                float above = Between(
                    x - left, input[(upper * width + left) * channels + c], input[(upper * width + right) * channels + c]);
                float below = Between(
                    x - left, input[(lower * width + left) * channels + c], input[(lower * width + right) * channels + c]);
                output[i * channels + c] = Between(y - upper, above, below);
            }
        }

        static float Position(float coordinate, int size)
        {
            float at = (coordinate + 1) * (0.5f * (size - 1));
            return at > 0 ? at < size - 1 ? at : size - 1 : 0;
        }

        static float Between(float weight, float a, float b) => MathF.FusedMultiplyAdd(weight, b - a, a);
    }

    private static unsafe void Simd<TVector, TLanes>(
        ReadOnlySpan<float> input, int height, int width, int channels, ReadOnlySpan<float> across,
        ReadOnlySpan<float> down, Span<float> output)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        fixed (float* source = input, x = across, y = down, target = output)
        {
            int done = Sample<TVector, TLanes>(source, height, width, channels, x, y, 0, across.Length, target);
            Sample<float, Lanes1>(source, height, width, channels, x, y, done, across.Length, target);
        }
    }

    /// <summary>Samples as many as fill vectors; returns where it has come to.</summary>
    /// <remarks>Positions and interpolation are computed in vectors; what lies at the positions is fetched one by one.</remarks>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe int Sample<TVector, TLanes>(
        float* source, int height, int width, int channels, float* across, float* down, int i, int end, float* target)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        float* x = stackalloc float[TLanes.Count], y = stackalloc float[TLanes.Count];
        float* a = stackalloc float[TLanes.Count], b = stackalloc float[TLanes.Count];
        float* c = stackalloc float[TLanes.Count], d = stackalloc float[TLanes.Count];
        nint* first = stackalloc nint[TLanes.Count];
        nint* toRight = stackalloc nint[TLanes.Count], toLower = stackalloc nint[TLanes.Count];
        for (; i <= end - TLanes.Count; i += TLanes.Count)
        {
            TLanes.Store(Position<TVector, TLanes>(TLanes.Load(across + i), width), x);
            TLanes.Store(Position<TVector, TLanes>(TLanes.Load(down + i), height), y);
            for (int lane = 0; lane < TLanes.Count; lane++)
            {
                int left = (int)x[lane], upper = (int)y[lane];
                x[lane] -= left;
                y[lane] -= upper;
                first[lane] = ((nint)upper * width + left) * channels;
                toRight[lane] = left < width - 1 ? channels : 0;
                toLower[lane] = upper < height - 1 ? (nint)width * channels : 0;
            }

            for (int channel = 0; channel < channels; channel++)
            {
                for (int lane = 0; lane < TLanes.Count; lane++)
                {
                    float* corner = source + first[lane] + channel;
                    a[lane] = corner[0];
                    b[lane] = corner[toRight[lane]];
                    c[lane] = corner[toLower[lane]];
                    d[lane] = corner[toLower[lane] + toRight[lane]];
                }

                TVector weight = TLanes.Load(x);
                TVector above = Between<TVector, TLanes>(weight, TLanes.Load(a), TLanes.Load(b));
                TVector below = Between<TVector, TLanes>(weight, TLanes.Load(c), TLanes.Load(d));
                TLanes.Store(Between<TVector, TLanes>(TLanes.Load(y), above, below), a);
                for (int lane = 0; lane < TLanes.Count; lane++)
                    target[(nint)(i + lane) * channels + channel] = a[lane];
            }
        }

        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Position<TVector, TLanes>(TVector coordinate, int size)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        TVector at = TLanes.Multiply(TLanes.Add(coordinate, TLanes.Broadcast(1f)), TLanes.Broadcast(0.5f * (size - 1)));
        return TLanes.Lesser(TLanes.Greater(at, TLanes.Broadcast(0f)), TLanes.Broadcast(size - 1));
    }

    // b − a as fma(a, −1, b): the product is exact, so it is rounded once as the difference is.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Between<TVector, TLanes>(TVector weight, TVector a, TVector b)
        where TVector : struct
        where TLanes : ILanes<TVector> =>
        TLanes.FusedMultiplyAdd(weight, TLanes.FusedMultiplyAdd(a, TLanes.Broadcast(-1f), b), a);
}
