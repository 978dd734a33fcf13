using Tfic.Imaging;
using Tfic.Metrics;

namespace Tfic.Tests.Metrics;

public class MsSsimTests
{
    [Theory]
    [InlineData(161, 161, 5)]
    [InlineData(160, 400, 4)]
    [InlineData(512, 256, 5)]
    [InlineData(256, 64, 3)]
    [InlineData(21, 21, 2)]
    [InlineData(20, 20, 1)]
    [InlineData(1, 1, 1)]
    public void Scales_are_those_the_window_fits(int width, int height, int scales) =>
        Assert.Equal(scales, MsSsim.Scales(width, height));

    [Fact]
    public void Identical_pictures_give_one()
    {
        foreach ((int w, int h) in new[] { (200, 170), (64, 32), (11, 11), (5, 7), (1, 1) })
        {
            Picture picture = Texture(w, h, 3, 1);
            Assert.Equal(1.0, MsSsim.Rgb(picture, picture), 6);
        }
    }

    [Fact]
    public void Flat_pictures_give_the_luminance_term_alone()
    {
        // Without variance cs = 1 at every scale, and l enters at the last scale only, to the power w5.
        const double c1 = 2.55 * 2.55, l = (2 * 100 * 150 + c1) / (100 * 100 + 150 * 150 + c1);
        Assert.Equal(Math.Pow(l, 0.1333), MsSsim.Rgb(Flat(200, 180, 100), Flat(200, 180, 150)), 4);

        // One scale: the exponent 0.0448 divided by itself.
        Assert.Equal(l, MsSsim.Rgb(Flat(12, 12, 100), Flat(12, 12, 150)), 4);
    }

    [Theory]
    [InlineData(170, 163, 1)]
    [InlineData(161, 177, 3)]
    [InlineData(97, 33, 3)]
    [InlineData(30, 17, 1)]
    [InlineData(9, 4, 1)]
    [InlineData(2, 1, 3)]
    public void Equals_the_definition(int width, int height, int channels)
    {
        Picture a = Texture(width, height, channels, 2), b = Texture(width, height, channels, 3, like: a);
        double expected = Definition(a, b);
        Assert.InRange(expected, 0.02, 0.995);
        Assert.Equal(expected, MsSsim.Rgb(a, b), 4);
        Assert.Equal(MsSsim.Rgb(a, b), MsSsim.Rgb(b, a), 6);
    }

    [Fact]
    public void An_inverted_picture_gives_zero_not_NaN()
    {
        Picture a = Texture(170, 170, 1, 4);
        var b = new Picture(170, 170, 1, Array.ConvertAll(a.Samples, s => (byte)(255 - s)));
        Assert.Equal(0.0, MsSsim.Rgb(a, b));
    }

    [Fact]
    public void More_noise_gives_less()
    {
        Picture a = Texture(180, 180, 3, 5);
        double last = 1;
        foreach (int amplitude in new[] { 8, 24, 72 })
        {
            double value = MsSsim.Rgb(a, Texture(180, 180, 3, 6, like: a, amplitude));
            Assert.InRange(value, 0, last - 0.001);
            last = value;
        }
    }

    /// <summary>The definition in double precision, with the window as one table and nothing reused.</summary>
    private static double Definition(Picture a, Picture b)
    {
        double[] weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
        double mean = 0;
        for (int channel = 0; channel < a.Channels; channel++)
        {
            double[,] p = Plane(a, channel), q = Plane(b, channel);
            int scales = MsSsim.Scales(a.Width, a.Height);
            double product = 1, total = weights.Take(scales).Sum();
            for (int scale = 0; scale < scales; scale++)
            {
                (double cs, double ssim) = Ssim(p, q);
                product *= Math.Pow(Math.Max(0, scale == scales - 1 ? ssim : cs), weights[scale] / total);
                (p, q) = (Halve(p), Halve(q));
            }

            mean += product / a.Channels;
        }

        return mean;
    }

    private static (double Cs, double Ssim) Ssim(double[,] p, double[,] q)
    {
        int height = p.GetLength(0), width = p.GetLength(1);
        int tall = Math.Min(11, height % 2 == 0 ? height - 1 : height);
        int wide = Math.Min(11, width % 2 == 0 ? width - 1 : width);
        var window = new double[tall, wide];
        double sum = 0;
        for (int y = 0; y < tall; y++)
            for (int x = 0; x < wide; x++)
                sum += window[y, x] = Math.Exp(-(Math.Pow(x - wide / 2, 2) + Math.Pow(y - tall / 2, 2)) / 4.5);

        double csSum = 0, ssimSum = 0;
        int count = 0;
        for (int top = 0; top + tall <= height; top++)
        {
            for (int left = 0; left + wide <= width; left++, count++)
            {
                double ma = 0, mb = 0, va = 0, vb = 0, cov = 0;
                for (int y = 0; y < tall; y++)
                {
                    for (int x = 0; x < wide; x++)
                    {
                        ma += window[y, x] / sum * p[top + y, left + x];
                        mb += window[y, x] / sum * q[top + y, left + x];
                    }
                }

                for (int y = 0; y < tall; y++)
                {
                    for (int x = 0; x < wide; x++)
                    {
                        double da = p[top + y, left + x] - ma, db = q[top + y, left + x] - mb, w = window[y, x] / sum;
                        va += w * da * da;
                        vb += w * db * db;
                        cov += w * da * db;
                    }
                }

                double cs = (2 * cov + 58.5225) / (va + vb + 58.5225);
                csSum += cs;
                ssimSum += cs * (2 * ma * mb + 6.5025) / (ma * ma + mb * mb + 6.5025);
            }
        }

        return (csSum / count, ssimSum / count);
    }

    private static double[,] Halve(double[,] p)
    {
        int height = p.GetLength(0), width = p.GetLength(1);
        var half = new double[(height + 1) / 2, (width + 1) / 2];
        for (int y = 0; y < half.GetLength(0); y++)
        {
            for (int x = 0; x < half.GetLength(1); x++)
            {
                int below = Math.Min(2 * y + 1, height - 1), right = Math.Min(2 * x + 1, width - 1);
                half[y, x] = (p[2 * y, 2 * x] + p[2 * y, right] + p[below, 2 * x] + p[below, right]) / 4;
            }
        }

        return half;
    }

    private static double[,] Plane(Picture picture, int channel)
    {
        var plane = new double[picture.Height, picture.Width];
        for (int y = 0; y < picture.Height; y++)
            for (int x = 0; x < picture.Width; x++)
                plane[y, x] = picture.Row(y)[x * picture.Channels + channel];
        return plane;
    }

    private static Picture Flat(int width, int height, byte level)
    {
        var picture = new Picture(width, height, 1);
        picture.Samples.AsSpan().Fill(level);
        return picture;
    }

    /// <summary>Waves and noise; with <paramref name="like"/>, that picture and noise.</summary>
    private static Picture Texture(
        int width, int height, int channels, int seed, Picture? like = null, int amplitude = 60)
    {
        var random = new Random(seed);
        var picture = new Picture(width, height, channels);
        for (int i = 0; i < picture.Samples.Length; i++)
        {
            int x = i / channels % width, y = i / channels / width;
            double level = like?.Samples[i] ?? 128 + 70 * Math.Sin(x * 0.3 + i % channels) * Math.Cos(y * 0.2);
            picture.Samples[i] = (byte)Math.Clamp(level + random.Next(-amplitude, amplitude + 1), 0, 255);
        }

        return picture;
    }
}
