using Tfic.Profiling;

namespace Tfic.Benchmarks;

/// <summary>Multiply-adds of one call, by the numbers that are multiplied: gives the results a percentage of the peak.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class WorkAttribute(long float32, long bfloat16 = 0, long int16 = 0, long int8 = 0) : Attribute
{
    /// <summary>The multiply-adds.</summary>
    public Work Work { get; } = new(float32, bfloat16, int16, int8);
}
