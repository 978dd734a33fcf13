using Tfic.Imaging;

namespace Tfic.Metrics;

/// <summary>Peak signal-to-noise ratio of 8-bit pictures.</summary>
public static class Psnr
{
    /// <summary>
    /// The value, in dB, that stands for "identical" in means and in files that cannot hold an infinity. No two
    /// different 8-bit pictures of fewer than 150,000 samples reach it: one sample off by one level among n gives
    /// 48.13 + 10·log10(n) dB.
    /// </summary>
    public const double Cap = 100.0;

    /// <summary>10·log10(255² / MSE), the mean squared error being over every sample of red, green and blue.</summary>
    /// <param name="a">A picture; grey counts as equal red, green and blue.</param>
    /// <param name="b">A picture of the same width and height.</param>
    /// <returns>Decibels; <see cref="double.PositiveInfinity"/> for identical pictures. Limit it with
    /// <see cref="Cap"/> (<c>Math.Min</c>) before averaging.</returns>
    /// <exception cref="ArgumentException">The sizes differ.</exception>
    public static double Rgb(Picture a, Picture b)
    {
        double error = MeanSquaredError(a, b);
        return error == 0 ? double.PositiveInfinity : 10.0 * Math.Log10(255.0 * 255.0 / error);
    }

    /// <summary>Mean squared difference of the samples, 0…65025.</summary>
    /// <param name="a">A picture; grey counts as equal red, green and blue.</param>
    /// <param name="b">A picture of the same width and height.</param>
    /// <exception cref="ArgumentException">The sizes differ.</exception>
    public static double MeanSquaredError(Picture a, Picture b)
    {
        RequireSameSize(a, b);

        // Grey against grey is the same mean over one channel as over three equal ones.
        int channels = Math.Max(a.Channels, b.Channels);
        long sum = 0;
        for (int y = 0; y < a.Height; y++)
        {
            ReadOnlySpan<byte> p = a.Row(y), q = b.Row(y);
            if (a.Channels == b.Channels)
            {
                for (int i = 0; i < p.Length; i++)
                    sum += Square(p[i] - q[i]);
            }
            else
            {
                for (int i = 0; i < a.Width * 3; i++)
                    sum += Square(p[a.Channels == 3 ? i : i / 3] - q[b.Channels == 3 ? i : i / 3]);
            }
        }

        return sum / ((double)a.PixelCount * channels);
    }

    internal static void RequireSameSize(Picture a, Picture b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.Width != b.Width || a.Height != b.Height)
            throw new ArgumentException(
                $"Pictures of {a.Width} × {a.Height} and {b.Width} × {b.Height} pixels cannot be compared.", nameof(b));
    }

    private static int Square(int value) => value * value;
}
