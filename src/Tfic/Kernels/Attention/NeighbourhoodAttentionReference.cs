namespace Tfic.Kernels.Attention;

/// <summary>The definition of <see cref="NeighbourhoodAttention"/>, written down as plainly as it can be.</summary>
internal static class NeighbourhoodAttentionReference
{
    public static void Run(
        NeighbourhoodAttention layer, ReadOnlySpan<float> input, int height, int width, int firstRow, int endRow,
        Span<float> output)
    {
        int window = layer.Window, heads = layer.Heads, channels = layer.Channels;
        Span<float> weights = stackalloc float[window * window];
        for (int y = firstRow; y < endRow; y++)
        {
            int top = int.Clamp(y - window / 2, 0, height - window);
            for (int x = 0; x < width; x++)
            {
                int left = int.Clamp(x - window / 2, 0, width - window);
                ReadOnlySpan<float> query = input[((y * width + x) * 3 * channels)..];
                for (int head = 0; head < heads; head++)
                {
                    for (int i = 0; i < weights.Length; i++)
                    {
                        int row = top + i / window, column = left + i % window;
                        int side = 2 * window - 1;
                        float sum = layer.Bias[
                            ((row - y + window - 1) * side + column - x + window - 1) * heads + head];
                        ReadOnlySpan<float> key = input[(((row * width + column) * 3 + 1) * channels)..];
                        for (int at = head; at < channels; at += heads)
                            sum = MathF.FusedMultiplyAdd(query[at] * layer.Scale, key[at], sum);
                        weights[i] = sum;
                    }

                    float largest = weights[0], total = 0;
                    foreach (float score in weights)
                        largest = score > largest ? score : largest;
                    foreach (ref float weight in weights)
                    {
                        weight = Elementary.Exp(weight - largest);
                        total += weight;
                    }

                    float part = 1 / total;
                    for (int at = head; at < channels; at += heads)
                    {
                        float sum = 0;
                        for (int i = 0; i < weights.Length; i++)
                        {
                            int position = (top + i / window) * width + left + i % window;
                            sum = MathF.FusedMultiplyAdd(weights[i], input[(position * 3 + 2) * channels + at], sum);
                        }

                        output[((y - firstRow) * width + x) * channels + at] = sum * part;
                    }
                }
            }
        }
    }
}
