namespace Tfic.Benchmarks;

/// <summary>
/// Besides its mean, the median and the 99th percentile of single calls of the method are measured: BenchmarkDotNet's
/// iterations are means of many calls.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LatenciesAttribute : Attribute;
