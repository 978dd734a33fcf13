using Tfic.Networks;

namespace Tfic.Tests.Networks;

/// <summary>
/// Channels × rows × columns in double precision, with torch's layers written from their definitions: slow, and
/// sharing nothing with the code under test.
/// </summary>
internal sealed record PlainTensor(int Channels, int Height, int Width, double[] Values)
{
    public PlainTensor(int channels, int height, int width)
        : this(channels, height, width, new double[channels * height * width])
    {
    }

    public double this[int c, int y, int x]
    {
        get => Values[(c * Height + y) * Width + x];
        set => Values[(c * Height + y) * Width + x] = value;
    }

    /// <summary>From interleaved channels.</summary>
    public static PlainTensor FromInterleaved(ReadOnlySpan<float> values, int channels, int height, int width)
    {
        var result = new PlainTensor(channels, height, width);
        for (int i = 0; i < channels * height * width; i++)
            result[i % channels, i / channels / width, i / channels % width] = values[i];
        return result;
    }

    public PlainTensor Convolve(
        SafetensorsFile file, string name, int stride = 1, (int Rows, int Columns)? padding = null)
    {
        StoredTensor stored = file.Tensors[name + ".weight"];
        float[] weight = stored.ToFloat(), bias = file.Tensors[name + ".bias"].ToFloat();
        int outputs = stored.Shape[0], kh = stored.Shape[2], kw = stored.Shape[3];
        (int top, int left) = padding ?? (kh / 2, kw / 2);
        var result = new PlainTensor(
            outputs, (Height + 2 * top - kh) / stride + 1, (Width + 2 * left - kw) / stride + 1);
        for (int o = 0; o < outputs; o++)
        {
            for (int y = 0; y < result.Height; y++)
            {
                for (int x = 0; x < result.Width; x++)
                {
                    double sum = bias[o];
                    for (int ky = int.Max(0, top - y * stride); ky < int.Min(kh, Height + top - y * stride); ky++)
                    {
                        for (int kx = int.Max(0, left - x * stride); kx < int.Min(kw, Width + left - x * stride); kx++)
                        {
                            for (int i = 0; i < Channels; i++)
                            {
                                sum += weight[((o * Channels + i) * kh + ky) * kw + kx]
                                    * this[i, y * stride + ky - top, x * stride + kx - left];
                            }
                        }
                    }

                    result[o, y, x] = sum;
                }
            }
        }

        return result;
    }

    public PlainTensor LeakyRelu(double slope = 0.125) => Map(v => v < 0 ? slope * v : v);

    public PlainTensor Relu() => Map(v => Math.Max(v, 0));

    public PlainTensor Map(Func<double, double> f) => this with { Values = Array.ConvertAll(Values, v => f(v)) };

    public PlainTensor Plus(PlainTensor other) =>
        this with { Values = [.. Values.Zip(other.Values, (a, b) => a + b)] };

    public PlainTensor MaxPool(int windowHeight, int windowWidth)
    {
        var result = new PlainTensor(Channels, Height / windowHeight, Width / windowWidth);
        Array.Fill(result.Values, double.NegativeInfinity);
        for (int c = 0; c < Channels; c++)
        {
            for (int y = 0; y < result.Height * windowHeight; y++)
            {
                for (int x = 0; x < result.Width * windowWidth; x++)
                {
                    double before = result[c, y / windowHeight, x / windowWidth];
                    result[c, y / windowHeight, x / windowWidth] = Math.Max(before, this[c, y, x]);
                }
            }
        }

        return result;
    }

    public PlainTensor PixelShuffle(int r)
    {
        var result = new PlainTensor(Channels / (r * r), Height * r, Width * r);
        for (int c = 0; c < result.Channels; c++)
        {
            for (int y = 0; y < result.Height; y++)
            {
                for (int x = 0; x < result.Width; x++)
                    result[c, y, x] = this[c * r * r + y % r * r + x % r, y / r, x / r];
            }
        }

        return result;
    }

    public PlainTensor PixelUnshuffle(int r)
    {
        var result = new PlainTensor(Channels * r * r, Height / r, Width / r);
        for (int c = 0; c < Channels; c++)
        {
            for (int y = 0; y < Height; y++)
            {
                for (int x = 0; x < Width; x++)
                    result[c * r * r + y % r * r + x % r, y / r, x / r] = this[c, y, x];
            }
        }

        return result;
    }
}
