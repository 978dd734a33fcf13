using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tfic.Kernels.Attention;

/// <summary>The vector rows of <see cref="NeighbourhoodAttention"/>: one text for all vector widths.</summary>
/// <remarks>
/// <para>
/// A lane is a head. Heads that do not fill a vector of a row go into narrower ones, the last few one by one: of 20 heads,
/// a row of 512 bits takes 16 and then 4.
/// </para>
/// <para>
/// Scores are computed for four keys at once, which need one load of the query; of a window's row of seven the fourth is
/// computed twice. Weighted values are computed for eight channels of a head at once, which need one load of the weight.
/// Both have enough independent sums to cover the latency of a fused multiply-add (4 cycles, up to 2 a cycle).
/// </para>
/// </remarks>
internal static unsafe class NeighbourhoodAttentionSimd
{
    public static void Run128(
        NeighbourhoodAttention layer, ReadOnlySpan<float> input, int height, int width, int firstRow, int endRow,
        Span<float> output) =>
        Run(layer, input, height, width, firstRow, endRow, output, lanes: 4);

    public static void Run256(
        NeighbourhoodAttention layer, ReadOnlySpan<float> input, int height, int width, int firstRow, int endRow,
        Span<float> output) =>
        Run(layer, input, height, width, firstRow, endRow, output, lanes: 8);

    public static void Run512(
        NeighbourhoodAttention layer, ReadOnlySpan<float> input, int height, int width, int firstRow, int endRow,
        Span<float> output) =>
        Run(layer, input, height, width, firstRow, endRow, output, lanes: 16);

    private static void Run(
        NeighbourhoodAttention layer, ReadOnlySpan<float> input, int height, int width, int firstRow, int endRow,
        Span<float> output, int lanes)
    {
        int window = layer.Window, channels = layer.Channels, pixel = 3 * channels;

        // Queries, then scores, of the heads of one vector.
        float* scratch = stackalloc float[lanes * (layer.Depth + window * window)];
        fixed (float* inputStart = input, outputStart = output, bias = layer.Bias)
        {
            Place place = default;
            place.Window = window;
            place.Heads = layer.Heads;
            place.Depth = layer.Depth;
            place.Scale = layer.Scale;
            place.Pixel = pixel;
            place.Pitch = (nint)width * pixel;
            place.BiasPitch = (2 * window - 1) * layer.Heads;
            place.Scratch = scratch;
            float* target = outputStart;
            for (int y = firstRow; y < endRow; y++)
            {
                int top = int.Clamp(y - window / 2, 0, height - window);
                float* row = inputStart + y * place.Pitch;
                float* keyRow = inputStart + top * place.Pitch + channels;
                float* biasRow = bias + (top - y + window - 1) * place.BiasPitch;
                for (int x = 0; x < width; x++, target += channels)
                {
                    int left = int.Clamp(x - window / 2, 0, width - window);
                    place.Query = row + (nint)x * pixel;
                    place.Keys = keyRow + (nint)left * pixel;
                    place.Values = place.Keys + channels;
                    place.Bias = biasRow + (left - x + window - 1) * layer.Heads;
                    place.Output = target;
                    int rest = layer.Heads;
                    for (; lanes >= 16 && rest >= 16; rest -= 16)
                        Attend<Vector512<float>, Lanes512>(ref place);
                    for (; lanes >= 8 && rest >= 8; rest -= 8)
                        Attend<Vector256<float>, Lanes256>(ref place);
                    for (; rest >= 4; rest -= 4)
                        Attend<Vector128<float>, Lanes128>(ref place);
                    for (; rest > 0; rest--)
                        Attend<float, Lanes1>(ref place);
                }
            }
        }
    }

    /// <summary>One position, as many heads as a vector has lanes; then goes on to the next heads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Attend<TVector, TLanes>(ref Place place)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        float* query = place.Scratch, scores = query + place.Depth * TLanes.Count;
        TVector scale = TLanes.Broadcast(place.Scale);
        for (int d = 0; d < place.Depth; d++)
            TLanes.Store(TLanes.Multiply(TLanes.Load(place.Query + d * place.Heads), scale), query + d * TLanes.Count);

        int window = place.Window;
        for (int row = 0; row < window; row++)
        {
            float* keys = place.Keys + row * place.Pitch, bias = place.Bias + row * place.BiasPitch;
            float* to = scores + row * window * TLanes.Count;
            if (window == 3)
            {
                Score<TVector, TLanes, Three>(place, query, keys, bias, to);
                continue;
            }

            // The last four may begin within the four before: what is computed twice is the same.
            for (int column = 0; column < window; column += 4)
            {
                int first = int.Min(column, window - 4);
                Score<TVector, TLanes, Four>(
                    place, query, keys + first * place.Pixel, bias + first * place.Heads, to + first * TLanes.Count);
            }
        }

        int count = window * window;
        TVector largest = TLanes.Load(scores);
        for (int i = 1; i < count; i++)
            largest = TLanes.Greater(TLanes.Load(scores + i * TLanes.Count), largest);
        TVector negative = TLanes.Multiply(largest, TLanes.Broadcast(-1f)), total = TLanes.Broadcast(0f);
        for (int i = 0; i < count; i++)
        {
            float* score = scores + i * TLanes.Count;
            TVector weight = Elementary.Exp<TVector, TLanes>(TLanes.Add(TLanes.Load(score), negative));
            TLanes.Store(weight, score);
            total = TLanes.Add(total, weight);
        }

        TVector part = TLanes.Divide(TLanes.Broadcast(1f), total);
        int depth = 0;
        for (; depth <= place.Depth - 8; depth += 8)
            Weigh<TVector, TLanes, Eight>(place, scores, part, depth);
        for (; depth <= place.Depth - 2; depth += 2)
            Weigh<TVector, TLanes, Two>(place, scores, part, depth);
        if (depth < place.Depth)
            Weigh<TVector, TLanes, One>(place, scores, part, depth);
        place.Query += TLanes.Count;
        place.Keys += TLanes.Count;
        place.Values += TLanes.Count;
        place.Bias += TLanes.Count;
        place.Output += TLanes.Count;
    }

    /// <summary>Scores of three or four keys side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Score<TVector, TLanes, TKeys>(
        in Place place, float* query, float* keys, float* bias, float* scores)
        where TVector : struct
        where TLanes : ILanes<TVector>
        where TKeys : ICount
    {
        nint heads = place.Heads;
        TVector s0 = TLanes.Load(bias), s1 = TLanes.Load(bias + heads), s2 = TLanes.Load(bias + 2 * heads);
        TVector s3 = TKeys.Value > 3 ? TLanes.Load(bias + 3 * heads) : default;
        float* k0 = keys, k1 = k0 + place.Pixel, k2 = k1 + place.Pixel, k3 = k2 + place.Pixel;
        nint at = 0;
        for (int d = place.Depth; d > 0; d--)
        {
            TVector q = TLanes.Load(query);
            query += TLanes.Count;
            s0 = TLanes.FusedMultiplyAdd(q, TLanes.Load(k0 + at), s0);
            s1 = TLanes.FusedMultiplyAdd(q, TLanes.Load(k1 + at), s1);
            s2 = TLanes.FusedMultiplyAdd(q, TLanes.Load(k2 + at), s2);
            if (TKeys.Value > 3)
                s3 = TLanes.FusedMultiplyAdd(q, TLanes.Load(k3 + at), s3);
            at += heads;
        }

        TLanes.Store(s0, scores);
        TLanes.Store(s1, scores + TLanes.Count);
        TLanes.Store(s2, scores + 2 * TLanes.Count);
        if (TKeys.Value > 3)
            TLanes.Store(s3, scores + 3 * TLanes.Count);
    }

    /// <summary>Weighted values of a few channels of a head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Weigh<TVector, TLanes, TDepth>(in Place place, float* weights, TVector part, int depth)
        where TVector : struct
        where TLanes : ILanes<TVector>
        where TDepth : ICount
    {
        TVector a0 = TLanes.Broadcast(0f), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
        nint heads = place.Heads;
        float* row = place.Values + depth * heads;
        for (int y = place.Window; y > 0; y--, row += place.Pitch)
        {
            float* v = row;
            for (int x = place.Window; x > 0; x--, v += place.Pixel)
            {
                TVector weight = TLanes.Load(weights);
                weights += TLanes.Count;
                a0 = TLanes.FusedMultiplyAdd(weight, TLanes.Load(v), a0);
                if (TDepth.Value > 1)
                    a1 = TLanes.FusedMultiplyAdd(weight, TLanes.Load(v + heads), a1);
                if (TDepth.Value > 2)
                {
                    float* v2 = v + 2 * heads, v4 = v + 4 * heads, v6 = v4 + 2 * heads;
                    a2 = TLanes.FusedMultiplyAdd(weight, TLanes.Load(v2), a2);
                    a3 = TLanes.FusedMultiplyAdd(weight, TLanes.Load(v2 + heads), a3);
                    a4 = TLanes.FusedMultiplyAdd(weight, TLanes.Load(v4), a4);
                    a5 = TLanes.FusedMultiplyAdd(weight, TLanes.Load(v4 + heads), a5);
                    a6 = TLanes.FusedMultiplyAdd(weight, TLanes.Load(v6), a6);
                    a7 = TLanes.FusedMultiplyAdd(weight, TLanes.Load(v6 + heads), a7);
                }
            }
        }

        float* to = place.Output + depth * heads;
        TLanes.Store(TLanes.Multiply(a0, part), to);
        if (TDepth.Value > 1)
            TLanes.Store(TLanes.Multiply(a1, part), to + heads);
        if (TDepth.Value > 2)
        {
            TLanes.Store(TLanes.Multiply(a2, part), to + 2 * heads);
            TLanes.Store(TLanes.Multiply(a3, part), to + 3 * heads);
            TLanes.Store(TLanes.Multiply(a4, part), to + 4 * heads);
            TLanes.Store(TLanes.Multiply(a5, part), to + 5 * heads);
            TLanes.Store(TLanes.Multiply(a6, part), to + 6 * heads);
            TLanes.Store(TLanes.Multiply(a7, part), to + 7 * heads);
        }
    }

    /// <summary>Where one position's vectors of heads lie; steps are in floats.</summary>
    private struct Place
    {
        public int Window;
        public int Heads;
        public int Depth;
        public float Scale;
        public nint Pixel;
        public nint Pitch;
        public nint BiasPitch;
        public float* Scratch;
        public float* Query;
        public float* Keys;
        public float* Values;
        public float* Bias;
        public float* Output;
    }
}
