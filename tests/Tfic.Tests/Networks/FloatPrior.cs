using Tfic.Networks;

namespace Tfic.Tests.Networks;

/// <summary>h_s and the context model as trained, in double precision and plainly; planes have interleaved channels.</summary>
internal sealed class FloatPrior(HyperSynthesisWeights weights)
{
    /// <summary>The largest activation behind h_s.conv0 of the last <see cref="Features"/>.</summary>
    public double LargestFirst { get; private set; }

    /// <summary>What h_s.conv2 reads, at four times ẑ's size.</summary>
    public double[] Features(double[] z, int rows, int columns)
    {
        double[] a0 = Shuffle(Relu(Convolve(z, rows, columns, weights.Conv0)), rows, columns, weights.Conv0.Outputs);
        LargestFirst = a0.Max();
        double[] a1 = Relu(Convolve(a0, 2 * rows, 2 * columns, weights.Conv1));
        return Shuffle(a1, 2 * rows, 2 * columns, weights.Conv1.Outputs);
    }

    /// <summary>Means and scale indexes of anchors.</summary>
    public double[] Anchors(double[] features, int rows, int columns) =>
        Convolve(features, rows, columns, weights.Conv2);

    /// <summary>Means and scale indexes of the others; at anchors, too, numbers without meaning.</summary>
    public double[] Others(double[] features, double[] latents, int rows, int columns)
    {
        double[] correction = Convolve(
            Hidden(features, latents, rows, columns), rows, columns, weights.Context!.Conv2);
        return [.. Anchors(features, rows, columns).Zip(correction, (a, b) => a + b)];
    }

    /// <summary>The context model's largest hidden activation, at positions that are no anchors.</summary>
    public double LargestHidden(double[] features, double[] latents, int rows, int columns)
    {
        double[] hidden = Hidden(features, latents, rows, columns);
        int channels = weights.Context!.Conv0.Outputs;
        return hidden.Where((_, i) => ((i / channels / columns) + (i / channels % columns)) % 2 == 1).Max();
    }

    private double[] Hidden(double[] features, double[] latents, int rows, int columns)
    {
        ContextWeights context = weights.Context!;
        int channels = latents.Length / (rows * columns);
        var neighbours = new double[rows * columns * 4 * channels];
        for (int y = 0; y < rows; y++)
        {
            for (int x = 0; x < columns; x++)
            {
                int at = ((y * columns) + x) * 4 * channels;
                foreach ((int dy, int dx) in new[] { (-1, 0), (0, -1), (0, 1), (1, 0) })
                {
                    bool inside = y + dy >= 0 && y + dy < rows && x + dx >= 0 && x + dx < columns;
                    for (int c = 0; c < channels; c++)
                        neighbours[at++] = inside ? latents[((((y + dy) * columns) + x + dx) * channels) + c] : 0;
                }
            }
        }

        double[] a = Convolve(neighbours, rows, columns, context.Conv0);
        double[] b = Convolve(features, rows, columns, context.Conv1);
        return Relu([.. a.Zip(b, (p, q) => p + q)]);
    }

    private static double[] Convolve(double[] input, int rows, int columns, ConvolutionWeights layer)
    {
        int k = layer.KernelSize;
        var output = new double[rows * columns * layer.Outputs];
        for (int y = 0; y < rows; y++)
        {
            for (int x = 0; x < columns; x++)
            {
                for (int o = 0; o < layer.Outputs; o++)
                {
                    double sum = layer.Bias[o];
                    for (int ky = 0; ky < k; ky++)
                    {
                        for (int kx = 0; kx < k; kx++)
                        {
                            (int iy, int ix) = (y + ky - (k / 2), x + kx - (k / 2));
                            if (iy < 0 || iy >= rows || ix < 0 || ix >= columns)
                                continue;
                            for (int i = 0; i < layer.Inputs; i++)
                            {
                                sum += layer.Weight[(((((o * layer.Inputs) + i) * k) + ky) * k) + kx]
                                    * input[(((iy * columns) + ix) * layer.Inputs) + i];
                            }
                        }
                    }

                    output[(((y * columns) + x) * layer.Outputs) + o] = sum;
                }
            }
        }

        return output;
    }

    private static double[] Relu(double[] values) => [.. values.Select(v => Math.Max(v, 0))];

    private static double[] Shuffle(double[] values, int rows, int columns, int channels)
    {
        int c4 = channels / 4;
        var output = new double[values.Length];
        for (int y = 0; y < 2 * rows; y++)
        {
            for (int x = 0; x < 2 * columns; x++)
            {
                for (int c = 0; c < c4; c++)
                {
                    output[(((y * 2 * columns) + x) * c4) + c] =
                        values[((((y / 2) * columns) + (x / 2)) * channels) + (4 * c) + (2 * (y % 2)) + (x % 2)];
                }
            }
        }

        return output;
    }
}
