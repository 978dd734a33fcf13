namespace Tfic.Imaging;

/// <summary>Which filter a picture is resampled with.</summary>
public enum ResamplingFilter
{
    /// <summary>A triangle: bilinear interpolation when enlarging.</summary>
    Triangle,

    /// <summary>Keys' cubic (1981) with a = −½, twice as wide.</summary>
    Cubic,
}

/// <summary>
/// Resampling with an antialiased filter, by default a triangle: bilinear interpolation when enlarging, a triangle as wide
/// as two output pixels when shrinking (the convention of most imaging libraries' "bilinear").
/// </summary>
/// <remarks>
/// The operator is linear and separable, x' = A·x·Bᵀ, and its weights are given openly, so that a network can be
/// trained through exactly the resampling that is used when it runs.
/// </remarks>
public static class Resampling
{
    /// <summary>The weights of one output sample: they apply to inputs First, First + 1, … and sum to 1.</summary>
    /// <param name="First">Index of the first input sample.</param>
    /// <param name="Weights">Weights, at least one.</param>
    public readonly record struct Taps(int First, float[] Weights);

    /// <summary>Computes the filter of one axis.</summary>
    /// <param name="inputSize">Number of input samples, at least 1.</param>
    /// <param name="outputSize">Number of output samples, at least 1.</param>
    /// <param name="filter">The filter.</param>
    /// <returns>outputSize sets of taps.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1.</exception>
    public static Taps[] Filter(int inputSize, int outputSize, ResamplingFilter filter = ResamplingFilter.Triangle)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputSize, 1);

        double scale = (double)inputSize / outputSize;
        double unit = Math.Max(scale, 1.0), radius = filter == ResamplingFilter.Cubic ? 2 * unit : unit;
        var taps = new Taps[outputSize];
        for (int o = 0; o < outputSize; o++)
        {
            // Pixel centres lie at half-integers: output centre o + ½ falls on (o + ½)·scale of the input.
            double centre = (o + 0.5) * scale;
            int first = Math.Max(0, (int)Math.Floor(centre - radius));
            int end = Math.Min(inputSize, (int)Math.Ceiling(centre + radius));
            var weights = new double[end - first];
            double sum = 0;
            for (int i = first; i < end; i++)
            {
                double distance = Math.Abs((i + 0.5 - centre) / unit);
                double weight = filter == ResamplingFilter.Cubic ? Cubic(distance) : Math.Max(0.0, 1.0 - distance);
                weights[i - first] = weight;
                sum += weight;
            }

            taps[o] = new Taps(first, Array.ConvertAll(weights, w => (float)(w / sum)));
        }

        return taps;
    }

    private static double Cubic(double x) =>
        x < 1 ? (1.5 * x - 2.5) * x * x + 1
        : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2
        : 0;

    /// <summary>Resizes a picture.</summary>
    /// <param name="picture">Any picture.</param>
    /// <param name="width">New width, at least 1.</param>
    /// <param name="height">New height, at least 1.</param>
    /// <returns>A new picture; samples rounded to nearest.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1.</exception>
    public static Picture Resize(Picture picture, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(picture);
        int channels = picture.Channels;
        var plane = new float[picture.Samples.Length];
        for (int i = 0; i < plane.Length; i++)
            plane[i] = picture.Samples[i];

        float[] resized = Resize(plane, picture.Width, picture.Height, channels, width, height);
        var samples = new byte[resized.Length];
        for (int i = 0; i < samples.Length; i++)
            samples[i] = (byte)Math.Clamp(MathF.Round(resized[i]), 0f, 255f);
        return new Picture(width, height, channels, samples);
    }

    /// <summary>Resizes float samples: rows first, then columns.</summary>
    /// <param name="samples">inputHeight × inputWidth × channels, interleaved.</param>
    /// <param name="inputWidth">Width of the input.</param>
    /// <param name="inputHeight">Height of the input.</param>
    /// <param name="channels">Interleaved channels.</param>
    /// <param name="width">New width.</param>
    /// <param name="height">New height.</param>
    /// <returns>height × width × channels samples.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1.</exception>
    /// <exception cref="ArgumentException">samples has another length.</exception>
    public static float[] Resize(
        ReadOnlySpan<float> samples, int inputWidth, int inputHeight, int channels, int width, int height)
    {
        var resampler = new Resampler(inputWidth, inputHeight, channels, width, height);
        var result = new float[checked(height * width * channels)];
        resampler.Resize(samples, result);
        return result;
    }
}
