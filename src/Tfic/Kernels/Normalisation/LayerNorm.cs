using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tfic.Kernels.Normalisation;

/// <summary>
/// Layer normalisation (Ba et al. 2016) of each position's channels: less their mean, over the root of their variance, times
/// a factor and plus a bias for each channel.
/// </summary>
/// <remarks>
/// <para>
/// Sums over channels have an order of their own, so that vectors of any width take it: sixteen partial sums, of which
/// number i has the channels i, i + 16, i + 32 … in this order, then halved again and again (i and i + 8, then i and i + 4
/// …). They are sums of x and of fma(x − mean, x − mean, ·); each is divided by the number of channels. The value is
/// fma((x − mean) · (1 / √(variance + ε)), factor, bias).
/// </para>
/// </remarks>
public static class LayerNorm
{
    /// <summary>Torch's ε, added to the variance.</summary>
    public const float Epsilon = 1e-5f;

    private const int Partials = 16;

    /// <summary>One implementation.</summary>
    /// <param name="input">positions × channels.</param>
    /// <param name="factor">One for each channel; their number is the number of channels.</param>
    /// <param name="bias">One for each channel.</param>
    /// <param name="output">positions × channels; may be the input.</param>
    public delegate void Kernel(
        ReadOnlySpan<float> input, ReadOnlySpan<float> factor, ReadOnlySpan<float> bias, Span<float> output);

    /// <summary>The implementations; tolerance 0: equal bit for bit.</summary>
    public static VariantTable<Kernel> Variants { get; } = new(
        "layer-norm",
        new("reference", true, 0, Reference),
        new("vector128", Vector128.IsHardwareAccelerated, 0, Simd<Vector128<float>, Lanes128>),
        new("vector256", Vector256.IsHardwareAccelerated, 0, Simd<Vector256<float>, Lanes256>),
        new("vector512", Vector512.IsHardwareAccelerated, 0, Simd<Vector512<float>, Lanes512>));

    /// <summary>Normalises, by the row of <see cref="Variants"/> that is picked.</summary>
    /// <inheritdoc cref="Kernel"/>
    /// <exception cref="ArgumentException">No channels, or lengths that do not agree.</exception>
    public static void Run(
        ReadOnlySpan<float> input, ReadOnlySpan<float> factor, ReadOnlySpan<float> bias, Span<float> output)
    {
        if (factor.IsEmpty || bias.Length != factor.Length)
            throw new ArgumentException("Factors and biases must be as many, one for each channel.", nameof(bias));
        if (input.Length % factor.Length != 0)
            throw new ArgumentException("The input's length is no multiple of the channels.", nameof(input));
        if (output.Length < input.Length)
            throw new ArgumentException("Shorter than the input.", nameof(output));
        if (input.Overlaps(output, out int offset) && offset != 0)
            throw new ArgumentException("The output overlaps the input and is not the same.", nameof(output));
        Variants.Picked.Kernel(input, factor, bias, output);
    }

    private static void Reference(
        ReadOnlySpan<float> input, ReadOnlySpan<float> factor, ReadOnlySpan<float> bias, Span<float> output)
    {
        int channels = factor.Length;
        Span<float> partials = stackalloc float[Partials];
        for (int at = 0; at < input.Length; at += channels)
        {
            ReadOnlySpan<float> x = input.Slice(at, channels);
            partials.Clear();
            for (int c = 0; c < channels; c++)
                partials[c % Partials] += x[c];
            float mean = Total(partials) / channels;

            partials.Clear();
            for (int c = 0; c < channels; c++)
                partials[c % Partials] = MathF.FusedMultiplyAdd(x[c] - mean, x[c] - mean, partials[c % Partials]);
            float scale = Scale(partials, channels);
            for (int c = 0; c < channels; c++)
                output[at + c] = MathF.FusedMultiplyAdd((x[c] - mean) * scale, factor[c], bias[c]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Simd<TVector, TLanes>(
        ReadOnlySpan<float> input, ReadOnlySpan<float> factor, ReadOnlySpan<float> bias, Span<float> output)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        int channels = factor.Length, inVectors = channels / Partials * Partials;
        float* partials = stackalloc float[Partials];
        var sums = new Span<float>(partials, Partials);
        fixed (float* inputStart = input, factors = factor, biases = bias, outputStart = output)
        {
            for (int at = 0; at < input.Length; at += channels)
            {
                float* x = inputStart + at, y = outputStart + at;

                // One lane of a partial sum at a time, through all channels that it has.
                for (int lane = 0; lane < Partials; lane += TLanes.Count)
                {
                    TVector sum = TLanes.Broadcast(0f);
                    for (int c = lane; c < inVectors; c += Partials)
                        sum = TLanes.Add(sum, TLanes.Load(x + c));
                    TLanes.Store(sum, partials + lane);
                }

                for (int c = inVectors; c < channels; c++)
                    partials[c - inVectors] += x[c];
                float mean = Total(sums) / channels;

                TVector negativeMean = TLanes.Broadcast(-mean);
                for (int lane = 0; lane < Partials; lane += TLanes.Count)
                {
                    TVector sum = TLanes.Broadcast(0f);
                    for (int c = lane; c < inVectors; c += Partials)
                    {
                        TVector difference = TLanes.Add(TLanes.Load(x + c), negativeMean);
                        sum = TLanes.FusedMultiplyAdd(difference, difference, sum);
                    }

                    TLanes.Store(sum, partials + lane);
                }

                for (int c = inVectors; c < channels; c++)
                {
                    partials[c - inVectors] =
                        MathF.FusedMultiplyAdd(x[c] - mean, x[c] - mean, partials[c - inVectors]);
                }

                float scale = Scale(sums, channels);
                TVector scales = TLanes.Broadcast(scale);
                int end = 0;
                for (; end <= channels - TLanes.Count; end += TLanes.Count)
                {
                    TVector normal = TLanes.Multiply(TLanes.Add(TLanes.Load(x + end), negativeMean), scales);
                    TLanes.Store(
                        TLanes.FusedMultiplyAdd(normal, TLanes.Load(factors + end), TLanes.Load(biases + end)), y + end);
                }

                for (; end < channels; end++)
                    y[end] = MathF.FusedMultiplyAdd((x[end] - mean) * scale, factors[end], biases[end]);
            }
        }
    }

    private static float Total(Span<float> partials)
    {
        for (int half = Partials / 2; half > 0; half /= 2)
        {
            for (int i = 0; i < half; i++)
                partials[i] += partials[i + half];
        }

        return partials[0];
    }

    private static float Scale(Span<float> squares, int channels) =>
        1f / MathF.Sqrt(Total(squares) / channels + Epsilon);
}
