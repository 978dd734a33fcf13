using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;
using Tfic.Benchmarks;

if (args is ["-h" or "--help", ..] or { Length: > 1 })
{
    Console.Error.WriteLine("Usage: Tfic.Benchmarks [FILTER]    run the classes whose name contains FILTER, or all");
    return args.Length > 1 ? 2 : 0;
}

string filter = args.FirstOrDefault("");
Type[] classes =
[
    .. typeof(BlockDctBenchmark).Assembly.GetTypes()
        .Where(type => type.GetMethods().Any(method => method.IsDefined(typeof(BenchmarkAttribute), inherit: true)))
        .Where(type => type.Name.Contains(filter, StringComparison.OrdinalIgnoreCase))
        .OrderBy(type => type.Name, StringComparer.Ordinal),
];
if (classes.Length == 0)
{
    Console.Error.WriteLine($"No benchmark has '{filter}' in its name.");
    return 2;
}

string root = ResultFile.FindRepository();

// In this process: BenchmarkDotNet's usual way is to generate and build a project of its own, which would have to find
// the native libraries and optional packages again.
IConfig config = new ManualConfig()
    .AddJob(Job.Default
        .WithToolchain(InProcessEmitToolchain.Instance)
        .WithWarmupCount(3)
        .WithIterationCount(10)
        .WithIterationTime(TimeInterval.FromMilliseconds(200)))
    .AddDiagnoser(MemoryDiagnoser.Default)
    .AddColumnProvider(DefaultColumnProviders.Instance)
    .AddLogger(ConsoleLogger.Default)
    .WithArtifactsPath(Path.Combine(root, "artifacts", "benchmarks"));

int failures = 0;
foreach (Type type in classes)
{
    Summary summary = BenchmarkRunner.Run(type, config);
    failures += summary.HasCriticalValidationErrors ? 1 : summary.Reports.Count(report => !report.Success);
    if (ResultFile.From(summary, type.Name, root) is { } result)
        Console.Error.WriteLine($"Wrote {result.Write(root)}");
}

if (failures > 0)
    Console.Error.WriteLine($"{failures} benchmarks failed.");
return failures > 0 ? 1 : 0;
