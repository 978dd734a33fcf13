using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tfic.Kernels.Resizing;

/// <summary>
/// Resizes planes of features by bilinear interpolation between the four nearest values, as torch's interpolate does
/// without antialiasing. For pictures see <see cref="Imaging.Resampling"/>.
/// </summary>
/// <remarks>
/// <para>
/// Output o of an axis lies at o·(inputs − 1)/(outputs − 1) of the input where corners are aligned (0 where there is one
/// output), else at (o + ½)·inputs/outputs − ½, but not before 0. Of that, computed in double precision, the integer
/// part is the index of the first neighbour, the second is the next one or, at the end, the first again, and the rest,
/// rounded to float, is the second's weight w.
/// </para>
/// <para>
/// Between a and b lies fma(w, b − a, a): first across, in the upper and in the lower row, then down between these two.
/// </para>
/// </remarks>
public static class BilinearResize
{
    /// <summary>One implementation.</summary>
    /// <param name="input">height × width × channels.</param>
    /// <param name="height">Rows of the input.</param>
    /// <param name="width">Columns of the input.</param>
    /// <param name="channels">Interleaved channels.</param>
    /// <param name="output">outputHeight × outputWidth × channels; does not overlap the input.</param>
    /// <param name="outputHeight">Rows of the output.</param>
    /// <param name="outputWidth">Columns of the output.</param>
    /// <param name="alignCorners">Whether the middles of the corner pixels fall on one another, and not their corners.</param>
    public delegate void Kernel(
        ReadOnlySpan<float> input, int height, int width, int channels, Span<float> output, int outputHeight,
        int outputWidth, bool alignCorners);

    /// <summary>The implementations; tolerance 0: equal bit for bit.</summary>
    public static VariantTable<Kernel> Variants { get; } = new(
        "bilinear-resize",
        new("reference", true, 0, Reference),
        new("vector128", Vector128.IsHardwareAccelerated, 0, Simd<Vector128<float>, Lanes128>),
        new("vector256", Vector256.IsHardwareAccelerated, 0, Simd<Vector256<float>, Lanes256>),
        new("vector512", Vector512.IsHardwareAccelerated, 0, Simd<Vector512<float>, Lanes512>));

    /// <summary>Resizes, by the row of <see cref="Variants"/> that is picked.</summary>
    /// <inheritdoc cref="Kernel"/>
    /// <exception cref="ArgumentException">Sizes below 1, a span that is too short, or spans that overlap.</exception>
    public static void Run(
        ReadOnlySpan<float> input, int height, int width, int channels, Span<float> output, int outputHeight,
        int outputWidth, bool alignCorners = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputHeight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputWidth, 1);
        if (input.Length < (long)height * width * channels)
            throw new ArgumentException("Shorter than height × width × channels.", nameof(input));
        if (output.Length < (long)outputHeight * outputWidth * channels)
            throw new ArgumentException("Shorter than the result.", nameof(output));
        if (output.Overlaps(input))
            throw new ArgumentException("The output overlaps the input.", nameof(output));
        Variants.Picked.Kernel(input, height, width, channels, output, outputHeight, outputWidth, alignCorners);
    }

    /// <summary>The neighbours of an output and the second's weight.</summary>
    private static (int First, int Second, float Weight) Locate(int output, int inputs, int outputs, bool alignCorners)
    {
        double at = !alignCorners ? Math.Max(0, (output + 0.5) * inputs / outputs - 0.5)
            : outputs > 1 ? (double)output * (inputs - 1) / (outputs - 1)
            : 0;
        int first = (int)at;
        return (first, int.Min(first + 1, inputs - 1), (float)(at - first));
    }

    private static void Reference(
        ReadOnlySpan<float> input, int height, int width, int channels, Span<float> output, int outputHeight,
        int outputWidth, bool alignCorners)
    {
        for (int y = 0; y < outputHeight; y++)
        {
            (int upper, int lower, float down) = Locate(y, height, outputHeight, alignCorners);
            for (int x = 0; x < outputWidth; x++)
            {
                (int left, int right, float across) = Locate(x, width, outputWidth, alignCorners);
                for (int c = 0; c < channels; c++)
                {
                    float above = Between(
                        across, input[(upper * width + left) * channels + c], input[(upper * width + right) * channels + c]);
                    float below = Between(
                        across, input[(lower * width + left) * channels + c], input[(lower * width + right) * channels + c]);
                    output[(y * outputWidth + x) * channels + c] = Between(down, above, below);
                }
            }
        }

        static float Between(float weight, float a, float b) => MathF.FusedMultiplyAdd(weight, b - a, a);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Simd<TVector, TLanes>(
        ReadOnlySpan<float> input, int height, int width, int channels, Span<float> output, int outputHeight,
        int outputWidth, bool alignCorners)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        nint pitch = (nint)width * channels;
        fixed (float* inputStart = input, outputStart = output)
        {
            float* target = outputStart;
            for (int y = 0; y < outputHeight; y++)
            {
                (int upper, int lower, float down) = Locate(y, height, outputHeight, alignCorners);
                for (int x = 0; x < outputWidth; x++, target += channels)
                {
                    (int left, int right, float across) = Locate(x, width, outputWidth, alignCorners);
                    float* corner = inputStart + upper * pitch + (nint)left * channels;
                    nint toRight = (nint)(right - left) * channels, toLower = (lower - upper) * pitch;
                    int c = 0;
                    for (; c <= channels - TLanes.Count; c += TLanes.Count)
                        Blend<TVector, TLanes>(corner + c, toRight, toLower, across, down, target + c);
                    for (; c < channels; c++)
                        Blend<float, Lanes1>(corner + c, toRight, toLower, across, down, target + c);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Blend<TVector, TLanes>(
        float* corner, nint toRight, nint toLower, float across, float down, float* target)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        TVector acrossLanes = TLanes.Broadcast(across);
        TVector above = Between<TVector, TLanes>(acrossLanes, TLanes.Load(corner), TLanes.Load(corner + toRight));
        corner += toLower;
        TVector below = Between<TVector, TLanes>(acrossLanes, TLanes.Load(corner), TLanes.Load(corner + toRight));
        TLanes.Store(Between<TVector, TLanes>(TLanes.Broadcast(down), above, below), target);
    }

    // b − a as fma(a, −1, b): the product is exact, so it is rounded once as the difference is.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Between<TVector, TLanes>(TVector weight, TVector a, TVector b)
        where TVector : struct
        where TLanes : ILanes<TVector> =>
        TLanes.FusedMultiplyAdd(weight, TLanes.FusedMultiplyAdd(a, TLanes.Broadcast(-1f), b), a);
}
