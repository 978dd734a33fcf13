namespace Tfic.Synthesis;

/// <summary>One float a pixel, row after row.</summary>
internal sealed class Plane(int width, int height)
{
    public int Width { get; } = width;

    public int Height { get; } = height;

    public float[] Samples { get; } = new float[checked(width * height)];

    /// <summary>Blurs with a Gaussian of this standard deviation in pixels; outside is 0, as around ink.</summary>
    public void Blur(double sigma)
    {
        if (sigma < 0.1)
            return;
        int radius = (int)Math.Ceiling(3 * sigma);
        var kernel = new float[radius + 1];
        double sum = 0;
        for (int i = 0; i <= radius; i++)
            sum += (i == 0 ? 1 : 2) * Math.Exp(-i * i / (2 * sigma * sigma));
        for (int i = 0; i <= radius; i++)
            kernel[i] = (float)(Math.Exp(-i * i / (2 * sigma * sigma)) / sum);

        // Along rows, each with zeros on both sides so that the inner loop has no borders.
        var padded = new float[Width + 2 * radius];
        for (int y = 0; y < Height; y++)
        {
            Span<float> row = Samples.AsSpan(y * Width, Width);
            row.CopyTo(padded.AsSpan(radius));
            AddScaled(row, padded.AsSpan(radius, Width), kernel[0], first: true);
            for (int k = 1; k <= radius; k++)
            {
                AddScaled(row, padded.AsSpan(radius - k, Width), kernel[k], first: false);
                AddScaled(row, padded.AsSpan(radius + k, Width), kernel[k], first: false);
            }
        }

        var source = (float[])Samples.Clone();
        for (int y = 0; y < Height; y++)
        {
            Span<float> row = Samples.AsSpan(y * Width, Width);
            AddScaled(row, source.AsSpan(y * Width, Width), kernel[0], first: true);
            for (int k = 1; k <= radius; k++)
            {
                if (y >= k)
                    AddScaled(row, source.AsSpan((y - k) * Width, Width), kernel[k], first: false);
                if (y + k < Height)
                    AddScaled(row, source.AsSpan((y + k) * Width, Width), kernel[k], first: false);
            }
        }
    }

    /// <summary>Multiplies all, if needed, so that the greatest sample is at least this.</summary>
    public void RaisePeak(float least)
    {
        float peak = 0;
        foreach (float sample in Samples)
            peak = Math.Max(peak, sample);
        if (peak >= least || peak == 0)
            return;
        foreach (ref float sample in Samples.AsSpan())
            sample *= least / peak;
    }

    /// <summary>Makes every sample 0 or 1.</summary>
    public void MakeBilevel(float threshold)
    {
        foreach (ref float sample in Samples.AsSpan())
            sample = sample > threshold ? 1 : 0;
    }

    private static void AddScaled(Span<float> target, ReadOnlySpan<float> source, float factor, bool first)
    {
        int lanes = System.Numerics.Vector<float>.Count, i = 0;
        for (; i <= target.Length - lanes; i += lanes)
        {
            var product = new System.Numerics.Vector<float>(source[i..]) * factor;
            (first ? product : product + new System.Numerics.Vector<float>(target[i..])).CopyTo(target[i..]);
        }

        for (; i < target.Length; i++)
            target[i] = source[i] * factor + (first ? 0 : target[i]);
    }
}
