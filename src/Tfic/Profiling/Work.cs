using Tfic.Kernels.Convolution;

namespace Tfic.Profiling;

/// <summary>Multiply-adds by the numbers that are multiplied; taps in the padding count.</summary>
/// <param name="Float32">In float32.</param>
/// <param name="BFloat16">In bfloat16.</param>
/// <param name="Int16">In 16-bit integers.</param>
/// <param name="Int8">In 8-bit integers.</param>
public readonly record struct Work(long Float32, long BFloat16 = 0, long Int16 = 0, long Int8 = 0)
{
    /// <summary>All of them.</summary>
    public long Total => Float32 + BFloat16 + Int16 + Int8;

    /// <summary>The sum of two.</summary>
    public static Work operator +(Work a, Work b) =>
        new(a.Float32 + b.Float32, a.BFloat16 + b.BFloat16, a.Int16 + b.Int16, a.Int8 + b.Int8);

    /// <summary>Seconds that one core needs at least; null where a peak that counts is not known.</summary>
    public double? LeastSeconds(MachinePeaks peaks)
    {
        ArgumentNullException.ThrowIfNull(peaks);
        double? seconds = 0;
        foreach ((long count, double? peak) in
            new[] { (Float32, peaks.Float32), (BFloat16, peaks.BFloat16), (Int16, peaks.Int16), (Int8, peaks.Int8) })
        {
            if (count > 0)
                seconds += count / peak;
        }

        return seconds;
    }

    /// <summary>A layer's, in float32.</summary>
    internal static Work Of(Conv2d layer, int height, int width) => new(layer.MultiplyAdds(height, width));
}
