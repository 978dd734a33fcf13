using System.Numerics;
using System.Runtime.InteropServices;
using Tfic.Imaging;

namespace Tfic.Metrics;

/// <summary>
/// Multi-scale structural similarity (Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image
/// quality assessment", Asilomar 2003).
/// </summary>
/// <remarks>
/// <para>
/// With μ, σ² and σ_ab the local means, variances and covariance under a Gaussian window (11 × 11, σ = 1.5, only
/// where the window lies wholly inside), C1 = (0.01 · 255)² and C2 = (0.03 · 255)²:
/// </para>
/// <code>
/// l  = mean of (2·μa·μb + C1) / (μa² + μb² + C1)
/// cs = mean of (2·σab  + C2) / (σa² + σb² + C2)
/// MS-SSIM = Π(j = 1…4) cs_j^w_j · (mean of l·cs at scale 5)^w_5,   w = 0.0448, 0.2856, 0.3001, 0.2363, 0.1333
/// </code>
/// <para>
/// Each scale halves the one before by 2 × 2 means; an odd last row or column is repeated, as the authors' program
/// does. A colour picture's value is the mean of its channels' values. A negative factor counts as 0, because a
/// fractional power of it is undefined.
/// </para>
/// <para>
/// Pictures too small for five scales: the smaller side must be at least 161 for the window to fit at scale 5. A
/// smaller picture uses as many scales as fit and the first weights divided by their sum; with one scale this is
/// SSIM. Where a side is below 11 even at scale 1, the window is cut to the largest odd length that fits along
/// that side and normalised again. Such values compare only with values of pictures of the same size.
/// </para>
/// </remarks>
public static class MsSsim
{
    private const int Taps = 11;
    private const double Sigma = 1.5;
    private const float C1 = 0.01f * 255 * 0.01f * 255;
    private const float C2 = 0.03f * 255 * 0.03f * 255;

    /// <summary>Exponents of scales 1…5, from Wang's Section 3.2.</summary>
    private static readonly double[] s_weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

    /// <summary>MS-SSIM of two pictures, the mean over red, green and blue.</summary>
    /// <param name="a">A picture; grey counts as equal red, green and blue.</param>
    /// <param name="b">A picture of the same width and height.</param>
    /// <returns>0…1; 1 for identical pictures.</returns>
    /// <exception cref="ArgumentException">The sizes differ.</exception>
    public static double Rgb(Picture a, Picture b)
    {
        Psnr.RequireSameSize(a, b);
        int channels = Math.Max(a.Channels, b.Channels);
        double sum = 0;
        for (int c = 0; c < channels; c++)
            sum += OfPlanes(Plane(a, c), Plane(b, c), a.Width, a.Height);
        return sum / channels;
    }

    /// <summary>Number of scales used for a size: 5 from 161 × 161 on, at least 1.</summary>
    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    public static int Scales(int width, int height)
    {
        int side = Math.Min(width, height), scales = 1;
        while (scales < s_weights.Length && (side = (side + 1) / 2) >= Taps)
            scales++;
        return scales;
    }

    private static float[] Plane(Picture picture, int channel)
    {
        int step = picture.Channels, first = step == 1 ? 0 : channel;
        var plane = new float[checked((int)picture.PixelCount)];
        for (int i = 0; i < plane.Length; i++)
            plane[i] = picture.Samples[i * step + first];
        return plane;
    }

    private static double OfPlanes(float[] a, float[] b, int width, int height)
    {
        int scales = Scales(width, height);
        double total = s_weights.Take(scales).Sum(), product = 1;
        for (int scale = 0; scale < scales; scale++)
        {
            (double structure, double similarity) = Compare(a, b, width, height);
            double factor = scale == scales - 1 ? similarity : structure;
            product *= Math.Pow(Math.Max(factor, 0), s_weights[scale] / total);
            if (scale == scales - 1)
                break;
            a = Halve(a, width, height);
            b = Halve(b, width, height);
            width = (width + 1) / 2;
            height = (height + 1) / 2;
        }

        return product;
    }

    /// <summary>Mean of cs and mean of l·cs over the places where the window fits.</summary>
    private static (double Structure, double Similarity) Compare(float[] a, float[] b, int width, int height)
    {
        float[] across = Window(width), down = Window(height);
        int columns = width - across.Length + 1, rows = height - down.Length + 1;

        // Every row is filtered along x once, in five planes (a, b, a², b², ab), into a ring as tall as the window;
        // the ring is then filtered along y. The working set stays in the cache whatever the picture's height.
        const int planes = 5;
        int stride = planes * columns;
        var ring = new float[down.Length * stride];
        var products = new float[planes * width];
        var moments = new float[stride];
        double structure = 0, similarity = 0;
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<float> p = a.AsSpan(y * width, width), q = b.AsSpan(y * width, width);
            p.CopyTo(products);
            q.CopyTo(products.AsSpan(width));
            for (int x = 0; x < width; x++)
            {
                products[2 * width + x] = p[x] * p[x];
                products[3 * width + x] = q[x] * q[x];
                products[4 * width + x] = p[x] * q[x];
            }

            Span<float> slot = ring.AsSpan(y % down.Length * stride, stride);
            slot.Clear();
            for (int plane = 0; plane < planes; plane++)
            {
                for (int k = 0; k < across.Length; k++)
                    Accumulate(
                        across[k], products.AsSpan(plane * width + k, columns), slot.Slice(plane * columns, columns));
            }

            int top = y - down.Length + 1;
            if (top < 0)
                continue;
            Array.Clear(moments);
            for (int k = 0; k < down.Length; k++)
                Accumulate(down[k], ring.AsSpan((top + k) % down.Length * stride, stride), moments);

            for (int x = 0; x < columns; x++)
            {
                float meanA = moments[x], meanB = moments[columns + x];
                float squareA = meanA * meanA, squareB = meanB * meanB, both = meanA * meanB;
                float varianceA = moments[2 * columns + x] - squareA, varianceB = moments[3 * columns + x] - squareB;
                float covariance = moments[4 * columns + x] - both;
                float cs = (2 * covariance + C2) / (varianceA + varianceB + C2);
                structure += cs;
                similarity += cs * ((2 * both + C1) / (squareA + squareB + C1));
            }
        }

        double count = (double)rows * columns;
        return (structure / count, similarity / count);
    }

    private static float[] Window(int size)
    {
        int taps = Math.Min(Taps, size - 1 + size % 2);
        var weights = new double[taps];
        for (int i = 0; i < taps; i++)
        {
            double x = i - taps / 2;
            weights[i] = Math.Exp(-x * x / (2 * Sigma * Sigma));
        }

        double sum = weights.Sum();
        return Array.ConvertAll(weights, w => (float)(w / sum));
    }

    /// <summary>target += weight · source. A product, then a sum: every vector width gives the same bits.</summary>
    private static void Accumulate(float weight, ReadOnlySpan<float> source, Span<float> target)
    {
        ReadOnlySpan<Vector<float>> wideSource = MemoryMarshal.Cast<float, Vector<float>>(source);
        Span<Vector<float>> wideTarget = MemoryMarshal.Cast<float, Vector<float>>(target);
        for (int i = 0; i < wideTarget.Length; i++)
            wideTarget[i] += wideSource[i] * weight;
        for (int i = wideTarget.Length * Vector<float>.Count; i < target.Length; i++)
            target[i] += source[i] * weight;
    }

    private static float[] Halve(float[] plane, int width, int height)
    {
        int columns = (width + 1) / 2, rows = (height + 1) / 2;
        var half = new float[columns * rows];
        for (int y = 0; y < rows; y++)
        {
            ReadOnlySpan<float> upper = plane.AsSpan(2 * y * width, width);
            ReadOnlySpan<float> lower = plane.AsSpan(Math.Min(2 * y + 1, height - 1) * width, width);
            for (int x = 0; x < columns; x++)
            {
                int left = 2 * x, right = Math.Min(left + 1, width - 1);
                half[y * columns + x] = (upper[left] + upper[right] + lower[left] + lower[right]) * 0.25f;
            }
        }

        return half;
    }
}
