using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tfic.Kernels.Samples;

/// <summary>Between 8-bit samples of pictures and the floats that networks compute with, 0…1.</summary>
/// <remarks>
/// To floats: v / 255, rounded once. To samples: 255 · v, rounded once to float, held in 0…255 (NaN becomes 0), then
/// rounded to the nearest integer, ties to even. There and back is the identity.
/// </remarks>
public static class SampleConversion
{
    /// <summary>One implementation of samples to floats.</summary>
    /// <param name="samples">Any number of samples.</param>
    /// <param name="values">As many floats.</param>
    public delegate void ToFloatKernel(ReadOnlySpan<byte> samples, Span<float> values);

    /// <summary>One implementation of floats to samples.</summary>
    /// <param name="values">Any number of floats.</param>
    /// <param name="samples">As many samples.</param>
    public delegate void ToSamplesKernel(ReadOnlySpan<float> values, Span<byte> samples);

    /// <summary>The implementations of samples to floats; tolerance 0.</summary>
    public static VariantTable<ToFloatKernel> ToFloatVariants { get; } = new(
        "samples-to-float",
        new("reference", true, 0, ToFloatReference),
        new("vector128", Vector128.IsHardwareAccelerated, 0, ToFloatSimd<Vector128<float>, Lanes128>),
        new("vector256", Vector256.IsHardwareAccelerated, 0, ToFloatSimd<Vector256<float>, Lanes256>),
        new("vector512", Vector512.IsHardwareAccelerated, 0, ToFloatSimd<Vector512<float>, Lanes512>));

    /// <summary>The implementations of floats to samples; tolerance 0.</summary>
    public static VariantTable<ToSamplesKernel> ToSamplesVariants { get; } = new(
        "float-to-samples",
        new("reference", true, 0, ToSamplesReference),
        new("vector128", Vector128.IsHardwareAccelerated, 0, ToSamplesSimd<Vector128<float>, Lanes128>),
        new("vector256", Vector256.IsHardwareAccelerated, 0, ToSamplesSimd<Vector256<float>, Lanes256>),
        new("vector512", Vector512.IsHardwareAccelerated, 0, ToSamplesSimd<Vector512<float>, Lanes512>));

    /// <summary>Samples to floats, by the row that is picked.</summary>
    /// <param name="samples">Any number of samples.</param>
    /// <param name="values">At least as many floats.</param>
    /// <exception cref="ArgumentException">values is too short.</exception>
    public static void ToFloat(ReadOnlySpan<byte> samples, Span<float> values)
    {
        if (values.Length < samples.Length)
            throw new ArgumentException("Fewer floats than samples.", nameof(values));
        ToFloatVariants.Picked.Kernel(samples, values[..samples.Length]);
    }

    /// <summary>Floats to samples, by the row that is picked.</summary>
    /// <param name="values">Any number of floats.</param>
    /// <param name="samples">At least as many samples.</param>
    /// <exception cref="ArgumentException">samples is too short.</exception>
    public static void ToSamples(ReadOnlySpan<float> values, Span<byte> samples)
    {
        if (samples.Length < values.Length)
            throw new ArgumentException("Fewer samples than floats.", nameof(samples));
        ToSamplesVariants.Picked.Kernel(values, samples[..values.Length]);
    }

    private static void ToFloatReference(ReadOnlySpan<byte> samples, Span<float> values)
    {
        for (int i = 0; i < samples.Length; i++)
            values[i] = samples[i] / 255f;
    }

    private static void ToSamplesReference(ReadOnlySpan<float> values, Span<byte> samples)
    {
        for (int i = 0; i < values.Length; i++)
        {
            float scaled = 255f * values[i];
            scaled = scaled > 0f ? scaled : 0f;
            scaled = scaled < 255f ? scaled : 255f;
            samples[i] = (byte)MathF.Round(scaled, MidpointRounding.ToEven);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void ToFloatSimd<TVector, TLanes>(ReadOnlySpan<byte> samples, Span<float> values)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        int i = 0;
        TVector full = TLanes.Broadcast(255f);
        fixed (byte* source = samples)
        fixed (float* target = values)
        {
            // A true division: a product with 1/255 would differ in the last place.
            for (; i <= samples.Length - TLanes.Count; i += TLanes.Count)
                TLanes.Store(TLanes.Divide(TLanes.LoadBytes(source + i), full), target + i);
        }

        ToFloatReference(samples[i..], values[i..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void ToSamplesSimd<TVector, TLanes>(ReadOnlySpan<float> values, Span<byte> samples)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        int i = 0;
        TVector full = TLanes.Broadcast(255f), zero = TLanes.Broadcast(0f);
        fixed (float* source = values)
        fixed (byte* target = samples)
        {
            for (; i <= values.Length - TLanes.Count; i += TLanes.Count)
            {
                TVector scaled = TLanes.Greater(TLanes.Multiply(TLanes.Load(source + i), full), zero);
                TLanes.StoreBytes(TLanes.Lesser(scaled, full), target + i);
            }
        }

        ToSamplesReference(values[i..], samples[i..]);
    }
}
