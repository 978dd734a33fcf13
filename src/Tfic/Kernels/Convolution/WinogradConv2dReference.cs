namespace Tfic.Kernels.Convolution;

/// <summary>The definition of <see cref="WinogradConv2d"/>, written down as plainly as it can be.</summary>
internal static class WinogradConv2dReference
{
    private const int Size = WinogradConv2d.Size, TileSize = WinogradConv2d.TileSize;
    private const float A = WinogradConv2d.PointA, B = WinogradConv2d.PointB;

    public static void Run(
        WinogradConv2d winograd, ReadOnlySpan<float> input, int height, int width, ReadOnlySpan<float> residual,
        Span<float> output, Span<float> scratch, int threads)
    {
        _ = scratch.Length + threads;
        Conv2d layer = winograd.Layer;
        int rows = layer.ResultHeight(height), columns = layer.ResultWidth(width);
        for (int top = 0; top < rows; top += TileSize)
        {
            for (int left = 0; left < columns; left += TileSize)
            {
                float[][,] tiles = [.. Enumerable.Repeat(0, layer.InputChannels).Select(_ => new float[Size, Size])];
                for (int i = 0; i < tiles.Length; i++)
                {
                    for (int y = 0; y < Size; y++)
                    {
                        for (int x = 0; x < Size; x++)
                        {
                            int inputY = top + y - layer.Padding.Top, inputX = left + x - layer.Padding.Left;
                            if (inputY >= 0 && inputY < height && inputX >= 0 && inputX < width)
                                tiles[i][y, x] = input[(inputY * width + inputX) * tiles.Length + i];
                        }
                    }

                    tiles[i] = Transform(tiles[i], Size, Forward);
                }

                for (int o = 0; o < layer.OutputChannels; o++)
                {
                    float[,] result = Transform(Sums(winograd, tiles, o), TileSize, Inverse);
                    for (int y = top; y < int.Min(top + TileSize, rows); y++)
                    {
                        for (int x = left; x < int.Min(left + TileSize, columns); x++)
                        {
                            int at = (y * columns + x) * layer.OutputChannels + o;
                            float value = result[y - top, x - left] + layer.Bias[o];
                            if (layer.Residual == Residual.BeforeActivation)
                                value += residual[at];
                            if (value < 0)
                                value *= layer.NegativeSlope;
                            if (layer.Residual == Residual.AfterActivation)
                                value += residual[at];
                            output[at] = value;
                        }
                    }
                }
            }
        }
    }

    private static float[,] Sums(WinogradConv2d winograd, float[][,] tiles, int output)
    {
        var sums = new float[Size, Size];
        for (int f = 0; f < WinogradConv2d.Frequencies; f++)
        {
            float[] weights = winograd.Frequency(f).Weight;
            float sum = 0;
            for (int i = 0; i < tiles.Length; i++)
                sum = MathF.FusedMultiplyAdd(tiles[i][f / Size, f % Size], weights[output * tiles.Length + i], sum);
            sums[f / Size, f % Size] = sum;
        }

        return sums;
    }

    /// <summary>Columns first, then rows.</summary>
    private static float[,] Transform(float[,] tile, int size, Func<float[], float[]> transform)
    {
        var half = new float[size, Size];
        for (int x = 0; x < Size; x++)
        {
            float[] column = transform([.. Enumerable.Range(0, Size).Select(y => tile[y, x])]);
            for (int y = 0; y < size; y++)
                half[y, x] = column[y];
        }

        var whole = new float[size, size];
        for (int y = 0; y < size; y++)
        {
            float[] row = transform([.. Enumerable.Range(0, Size).Select(x => half[y, x])]);
            for (int x = 0; x < size; x++)
                whole[y, x] = row[x];
        }

        return whole;
    }

    private static float[] Forward(float[] d)
    {
        float p = MathF.FusedMultiplyAdd(-B * B, d[2], d[4]), q = MathF.FusedMultiplyAdd(-B * B, d[1], d[3]);
        float r = MathF.FusedMultiplyAdd(-A * A, d[2], d[4]), s = MathF.FusedMultiplyAdd(-A * A, d[1], d[3]);
        return
        [
            MathF.FusedMultiplyAdd(A * A * B * B, d[0], MathF.FusedMultiplyAdd(-(A * A + B * B), d[2], d[4])),
            MathF.FusedMultiplyAdd(A, q, p), MathF.FusedMultiplyAdd(-A, q, p),
            MathF.FusedMultiplyAdd(B, s, r), MathF.FusedMultiplyAdd(-B, s, r),
            MathF.FusedMultiplyAdd(A * A * B * B, d[1], MathF.FusedMultiplyAdd(-(A * A + B * B), d[3], d[5])),
        ];
    }

    private static float[] Inverse(float[] m)
    {
        float s = m[1] + m[2], e = m[1] - m[2], t = m[3] + m[4], g = m[3] - m[4];
        return
        [
            m[0] + s + t, MathF.FusedMultiplyAdd(B, g, A * e), MathF.FusedMultiplyAdd(B * B, t, A * A * s),
            MathF.FusedMultiplyAdd(B * B * B, g, MathF.FusedMultiplyAdd(A * A * A, e, m[5])),
        ];
    }
}
