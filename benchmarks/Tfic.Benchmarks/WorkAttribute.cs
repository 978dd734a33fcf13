using Tfic.Profiling;

namespace Tfic.Benchmarks;

/// <summary>
/// Multiply-adds of one call, by the numbers that are multiplied, or bytes that it moves: gives the results a percentage
/// of the peak.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class WorkAttribute(long float32, long bfloat16 = 0, long int16 = 0, long int8 = 0) : Attribute
{
    /// <summary>The multiply-adds.</summary>
    public Work Work { get; } = new(float32, bfloat16, int16, int8);

    /// <summary>Bytes whose copying moves as much between memory and processor as the call.</summary>
    public long CopiedBytes { get; init; }

    /// <summary>Seconds that one core needs at least; null where a peak that counts is not known.</summary>
    public double? LeastSeconds(MachinePeaks peaks) => Work.LeastSeconds(peaks) + CopiedBytes / peaks.CopiedBytes;
}
