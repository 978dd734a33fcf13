using System.Numerics;

namespace Tfic.Imaging;

/// <summary>
/// <see cref="Resampling"/> between two fixed sizes: filters and memory are prepared once and used for every picture.
/// One for each thread.
/// </summary>
public sealed class Resampler
{
    private readonly Resampling.Taps[] _across, _down;
    private readonly float[] _narrowed;
    private readonly bool _rounds;

    /// <summary>Prepares the filters.</summary>
    /// <param name="inputWidth">Width of the input.</param>
    /// <param name="inputHeight">Height of the input.</param>
    /// <param name="channels">Interleaved channels.</param>
    /// <param name="width">New width.</param>
    /// <param name="height">New height.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="rounds">
    /// Whether samples are rounded to nearest and held to 0…255 in either direction, as where pictures keep 8 bits.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1.</exception>
    /// <exception cref="OverflowException">More samples than an array can hold.</exception>
    public Resampler(
        int inputWidth, int inputHeight, int channels, int width, int height,
        ResamplingFilter filter = ResamplingFilter.Triangle, bool rounds = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        _across = Resampling.Filter(inputWidth, width, filter);
        _down = Resampling.Filter(inputHeight, height, filter);
        _rounds = rounds;
        _narrowed = new float[checked(inputHeight * width * channels)];
        InputWidth = inputWidth;
        InputHeight = inputHeight;
        Channels = channels;
        Width = width;
        Height = height;
    }

    /// <summary>Width of the input.</summary>
    public int InputWidth { get; }

    /// <summary>Height of the input.</summary>
    public int InputHeight { get; }

    /// <summary>Interleaved channels.</summary>
    public int Channels { get; }

    /// <summary>New width.</summary>
    public int Width { get; }

    /// <summary>New height.</summary>
    public int Height { get; }

    /// <summary>Resizes float samples: rows first, then columns.</summary>
    /// <param name="samples">InputHeight × InputWidth × Channels, interleaved.</param>
    /// <param name="result">Height × Width × Channels; overwritten.</param>
    /// <exception cref="ArgumentException">A span has another length.</exception>
    public void Resize(ReadOnlySpan<float> samples, Span<float> result)
    {
        if (samples.Length != (long)InputWidth * InputHeight * Channels)
            throw new ArgumentException("The number of samples is not width × height × channels.", nameof(samples));
        if (result.Length != (long)Width * Height * Channels)
            throw new ArgumentException("The number of samples is not width × height × channels.", nameof(result));

        int inputStride = InputWidth * Channels, stride = Width * Channels;
        for (int y = 0; y < InputHeight; y++)
            Narrow(samples.Slice(y * inputStride, inputStride), _narrowed.AsSpan(y * stride, stride));

        if (_rounds)
            Round(_narrowed);
        for (int y = 0; y < Height; y++)
        {
            Resampling.Taps taps = _down[y];
            Span<float> target = result.Slice(y * stride, stride);
            target.Clear();
            for (int k = 0; k < taps.Weights.Length; k++)
                AddScaled(_narrowed.AsSpan((taps.First + k) * stride, stride), taps.Weights[k], target);
        }

        if (_rounds)
            Round(result);
    }

    // Halves go up.
    private static void Round(Span<float> samples)
    {
        foreach (ref float sample in samples)
            sample = Math.Clamp(MathF.Floor(sample + 0.5f), 0f, 255f);
    }

    private void Narrow(ReadOnlySpan<float> row, Span<float> target)
    {
        int channels = Channels;
        for (int x = 0; x < _across.Length; x++)
        {
            float[] weights = _across[x].Weights;
            int first = _across[x].First * channels;
            for (int c = 0; c < channels; c++)
            {
                float sum = 0;
                for (int k = 0; k < weights.Length; k++)
                    sum += weights[k] * row[first + k * channels + c];
                target[x * channels + c] = sum;
            }
        }
    }

    /// <summary>target += weight · row. A product and a sum, each rounded, whether in a vector or not.</summary>
    private static void AddScaled(ReadOnlySpan<float> row, float weight, Span<float> target)
    {
        int i = 0;
        for (; i <= target.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(target[i..]) + new Vector<float>(row[i..]) * weight).CopyTo(target[i..]);
        for (; i < target.Length; i++)
            target[i] += weight * row[i];
    }
}
