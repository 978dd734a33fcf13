using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tfic.Kernels.Attention;

/// <summary>
/// Additive attention (Bahdanau et al. 2015): how much each frame matters to a state, and the frames' mean by that.
/// </summary>
/// <remarks>
/// <para>
/// Frame t has energy Σ score[k]·tanh(keys[k, t] + query[k]), summed by fused multiply-adds in the order of k from 0. Its
/// weight is the softmax of the energies: the exponential of the difference to the largest, divided by the sum of these in
/// the order of t. Channel c of the context is Σ weights[t]·frames[t, c], summed likewise in the order of t. Exponential and
/// tanh are those of <see cref="Elementary"/> and <see cref="Logistic"/>.
/// </para>
/// <para>
/// Keys lie unit by unit, so that a vector holds neighbouring frames and no lane's sum is ever cut.
/// </para>
/// </remarks>
public static class AdditiveAttention
{
    // Frames are computed in groups of as many as the widest vector holds.
    private const int Group = 16;

    /// <summary>One implementation.</summary>
    /// <param name="keys">
    /// units × pitch: the projected frames of each unit; what stands behind the frames of a row may be anything.
    /// </param>
    /// <param name="pitch">See <see cref="Pitch"/>.</param>
    /// <param name="query">The projected state, one value for each unit.</param>
    /// <param name="score">Weight of each unit.</param>
    /// <param name="frames">frames × channels.</param>
    /// <param name="weights">Receives a weight for each frame.</param>
    /// <param name="context">Receives the mean, one value for each channel.</param>
    public delegate void Kernel(
        ReadOnlySpan<float> keys, int pitch, ReadOnlySpan<float> query, ReadOnlySpan<float> score,
        ReadOnlySpan<float> frames, Span<float> weights, Span<float> context);

    /// <summary>The implementations; tolerance 0: equal bit for bit.</summary>
    public static VariantTable<Kernel> Variants { get; } = new(
        "additive-attention",
        new("reference", true, 0, Reference),
        new("vector128", Vector128.IsHardwareAccelerated, 0, Simd<Vector128<float>, Lanes128>),
        new("vector256", Vector256.IsHardwareAccelerated, 0, Simd<Vector256<float>, Lanes256>),
        new("vector512", Vector512.IsHardwareAccelerated, 0, Simd<Vector512<float>, Lanes512>));

    /// <summary>Floats from a row of keys to the next: the frames, rounded up to whole vectors.</summary>
    public static int Pitch(int frames) => (frames + Group - 1) / Group * Group;

    /// <summary>Attends, by the row of <see cref="Variants"/> that is picked.</summary>
    /// <inheritdoc cref="Kernel"/>
    /// <exception cref="ArgumentException">A span is empty or too short, or lengths do not agree.</exception>
    public static void Run(
        ReadOnlySpan<float> keys, int pitch, ReadOnlySpan<float> query, ReadOnlySpan<float> score,
        ReadOnlySpan<float> frames, Span<float> weights, Span<float> context)
    {
        if (query.IsEmpty || score.Length != query.Length)
            throw new ArgumentException("Every unit needs a query and a score.", nameof(score));
        if (weights.IsEmpty || pitch < Pitch(weights.Length) || keys.Length < (long)pitch * query.Length)
            throw new ArgumentException("There are fewer keys than units × frames, rounded up.", nameof(keys));
        if (context.IsEmpty || frames.Length < (long)weights.Length * context.Length)
            throw new ArgumentException("There are fewer values than frames × channels.", nameof(frames));
        Variants.Picked.Kernel(keys, pitch, query, score, frames, weights, context);
    }

    private static void Reference(
        ReadOnlySpan<float> keys, int pitch, ReadOnlySpan<float> query, ReadOnlySpan<float> score,
        ReadOnlySpan<float> frames, Span<float> weights, Span<float> context)
    {
        float largest = float.NegativeInfinity;
        for (int t = 0; t < weights.Length; t++)
        {
            float energy = 0;
            for (int k = 0; k < query.Length; k++)
                energy = MathF.FusedMultiplyAdd(Logistic.Tanh(keys[k * pitch + t] + query[k]), score[k], energy);
            weights[t] = energy;
            largest = energy > largest ? energy : largest;
        }

        float sum = 0;
        foreach (ref float weight in weights)
        {
            weight = Elementary.Exp(weight - largest);
            sum += weight;
        }

        foreach (ref float weight in weights)
            weight /= sum;
        for (int c = 0; c < context.Length; c++)
        {
            float value = 0;
            for (int t = 0; t < weights.Length; t++)
                value = MathF.FusedMultiplyAdd(frames[t * context.Length + c], weights[t], value);
            context[c] = value;
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Simd<TVector, TLanes>(
        ReadOnlySpan<float> keys, int pitch, ReadOnlySpan<float> query, ReadOnlySpan<float> score,
        ReadOnlySpan<float> frames, Span<float> weights, Span<float> context)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        float* lanes = stackalloc float[Group];
        fixed (float* keysStart = keys, framesStart = frames, weightsStart = weights, contextStart = context)
        {
            float largest = float.NegativeInfinity;
            for (int t = 0; t < weights.Length; t += TLanes.Count)
            {
                TVector energy = TLanes.Broadcast(0f);
                float* key = keysStart + t;
                for (int k = 0; k < query.Length; k++, key += pitch)
                {
                    TVector sum = TLanes.Add(TLanes.Load(key), TLanes.Broadcast(query[k]));
                    energy = TLanes.FusedMultiplyAdd(
                        Logistic.Tanh<TVector, TLanes>(sum), TLanes.Broadcast(score[k]), energy);
                }

                // Lanes behind the last frame hold whatever there was.
                TLanes.Store(energy, lanes);
                int count = int.Min(TLanes.Count, weights.Length - t);
                for (int lane = 0; lane < count; lane++)
                {
                    weightsStart[t + lane] = lanes[lane];
                    largest = lanes[lane] > largest ? lanes[lane] : largest;
                }
            }

            Softmax<TVector, TLanes>(weights, weightsStart, largest);
            int c = 0;
            for (; c <= context.Length - TLanes.Count; c += TLanes.Count)
                Mean<TVector, TLanes>(framesStart + c, context.Length, weights, contextStart + c);
            for (; c < context.Length; c++)
                Mean<float, Lanes1>(framesStart + c, context.Length, weights, contextStart + c);
        }
    }

    private static unsafe void Softmax<TVector, TLanes>(Span<float> weights, float* start, float largest)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        int t = 0;
        TVector shift = TLanes.Broadcast(-largest);
        for (; t <= weights.Length - TLanes.Count; t += TLanes.Count)
            TLanes.Store(Elementary.Exp<TVector, TLanes>(TLanes.Add(TLanes.Load(start + t), shift)), start + t);
        for (; t < weights.Length; t++)
            start[t] = Elementary.Exp(start[t] - largest);
        float sum = 0;
        foreach (float weight in weights)
            sum += weight;
        foreach (ref float weight in weights)
            weight /= sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Mean<TVector, TLanes>(
        float* frames, int channels, ReadOnlySpan<float> weights, float* target)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        TVector value = TLanes.Broadcast(0f);
        foreach (float weight in weights)
        {
            value = TLanes.FusedMultiplyAdd(TLanes.Load(frames), TLanes.Broadcast(weight), value);
            frames += channels;
        }

        TLanes.Store(value, target);
    }
}
