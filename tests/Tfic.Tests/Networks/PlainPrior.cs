using System.Numerics;
using Tfic.Networks;

namespace Tfic.Tests.Networks;

/// <summary>
/// The prior as FORMAT.md, section 4, defines it, on numbers without bounds and straight from the model file's tensors:
/// slow, and in no way related to the code under test.
/// </summary>
internal sealed class PlainPrior(SafetensorsFile file)
{
    private readonly int _channels = file.Tensors["scale_offset_q4"].Shape[1];

    /// <summary>Means and scale indexes of the first pass, [rows, columns, 2M], t without the offset.</summary>
    public int[,,] FirstPass(int[,,] hyper)
    {
        int[,,] features = Features(hyper);
        return Layer("h_s.conv2", features, -(1 << 21), 1 << 21);
    }

    /// <summary>What h_s.conv2 reads.</summary>
    public int[,,] Features(int[,,] hyper) =>
        Shuffle(Layer("h_s.conv1", Shuffle(Layer("h_s.conv0", hyper, 0, 16383)), 0, 16383));

    /// <summary>Mean and t of one position of the second pass: 2M numbers.</summary>
    /// <param name="latents">ŷ'.</param>
    /// <param name="first">What <see cref="FirstPass"/> gave.</param>
    /// <param name="features">What <see cref="Features"/> gave.</param>
    /// <param name="rows">Coded rows.</param>
    /// <param name="columns">Coded columns.</param>
    /// <param name="y">Row.</param>
    /// <param name="x">Column.</param>
    public int[] SecondPass(int[,,] latents, int[,,] first, int[,,] features, int rows, int columns, int y, int x)
    {
        var n = new int[1, 1, 4 * _channels];
        int at = 0;
        foreach ((int dy, int dx) in new[] { (-1, 0), (0, -1), (0, 1), (1, 0) })
        {
            for (int c = 0; c < _channels; c++)
            {
                bool inside = y + dy >= 0 && y + dy < rows && x + dx >= 0 && x + dx < columns;
                n[0, 0, at++] = inside ? Math.Clamp(latents[y + dy, x + dx, c], -16383, 16383) : 0;
            }
        }

        var f = new int[1, 1, features.GetLength(2)];
        for (int c = 0; c < f.Length; c++)
            f[0, 0, c] = features[y, x, c];
        int[,,] r0 = Layer("context.conv0", n, -(1 << 21), 1 << 21);
        int[,,] r1 = Layer("context.conv1", f, -(1 << 21), 1 << 21);
        for (int c = 0; c < r0.Length; c++)
            r0[0, 0, c] = Math.Clamp(r0[0, 0, c] + r1[0, 0, c], 0, 16383);
        int[,,] result = Layer("context.conv2", r0, -(1 << 21), 1 << 21);
        return [.. Enumerable.Range(0, 2 * _channels)
            .Select(c => Math.Clamp(first[y, x, c] + result[0, 0, c], -(1 << 21), 1 << 21))];
    }

    /// <summary>The table of t.</summary>
    public int Table(int t, int quality, int channel)
    {
        int[] offsets = file.Tensors["scale_offset_q4"].ToInt32();
        (int i, int f) = (quality / 32, quality % 32);
        int low = offsets[(i * _channels) + channel];
        int high = offsets[(Math.Min(i + 1, 7) * _channels) + channel];
        int offset = (int)Math.Floor(((low * (32 - f)) + (high * f) + 16) / 32.0);
        return Math.Clamp((int)Math.Floor((t + offset + 8) / 16.0), 0, 63);
    }

    private int[,,] Layer(string name, int[,,] input, int least, int largest)
    {
        StoredTensor weight = file.Tensors[$"{name}.weight"];
        (int outputs, int inputs, int k) = (weight.Shape[0], weight.Shape[1], weight.Shape[2]);
        ReadOnlySpan<byte> weights = weight.Bytes.Span;
        int[] bias = file.Tensors[$"{name}.bias"].ToInt32();
        int[] multiplier = file.Tensors[$"{name}.multiplier"].ToInt32();
        int[] shift = file.Tensors[$"{name}.shift"].ToInt32();
        (int rows, int columns) = (input.GetLength(0), input.GetLength(1));
        var result = new int[rows, columns, outputs];
        for (int y = 0; y < rows; y++)
        {
            for (int x = 0; x < columns; x++)
            {
                for (int o = 0; o < outputs; o++)
                {
                    long sum = bias[o];
                    for (int dy = 0; dy < k; dy++)
                    {
                        for (int dx = 0; dx < k; dx++)
                        {
                            (int iy, int ix) = (y + dy - ((k - 1) / 2), x + dx - ((k - 1) / 2));
                            if (iy < 0 || iy >= rows || ix < 0 || ix >= columns)
                                continue;
                            for (int i = 0; i < inputs; i++)
                                sum += (sbyte)weights[(((((o * inputs) + i) * k) + dy) * k) + dx] * input[iy, ix, i];
                        }
                    }

                    BigInteger r = ((sum * (BigInteger)multiplier[o]) + (BigInteger.One << (shift[o] - 1))) >> shift[o];
                    result[y, x, o] = (int)BigInteger.Min(BigInteger.Max(r, least), largest);
                }
            }
        }

        return result;
    }

    private static int[,,] Shuffle(int[,,] values)
    {
        (int rows, int columns, int channels) = (values.GetLength(0), values.GetLength(1), values.GetLength(2) / 4);
        var result = new int[2 * rows, 2 * columns, channels];
        for (int y = 0; y < 2 * rows; y++)
        {
            for (int x = 0; x < 2 * columns; x++)
            {
                for (int c = 0; c < channels; c++)
                    result[y, x, c] = values[y / 2, x / 2, (4 * c) + (2 * (y % 2)) + (x % 2)];
            }
        }

        return result;
    }
}
