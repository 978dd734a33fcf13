using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using BenchmarkDotNet.Environments;
using BenchmarkDotNet.Parameters;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using Tfic.Profiling;

namespace Tfic.Benchmarks;

/// <summary>One measured case of a benchmark class.</summary>
/// <param name="Method">Name of the method.</param>
/// <param name="Parameters">Parameters by name.</param>
/// <param name="MeanNanoseconds">Mean time of one call.</param>
/// <param name="StandardErrorNanoseconds">Standard error of that mean.</param>
/// <param name="AllocatedBytes">Managed memory that one call allocates.</param>
/// <param name="Ratio">Time over that of the baseline in the same run; null where there is none.</param>
/// <param name="PercentOfPeak">
/// Least time that the machine's peaks allow its multiply-adds and copies, in percent of the mean; null where that is not
/// known.
/// </param>
/// <param name="Scaling">Time on one thread over this time; null where there is none on one thread, or it is this.</param>
/// <param name="Latencies">Times of single calls; null where they are not asked for.</param>
internal sealed record MeasuredCase(
    string Method,
    IReadOnlyDictionary<string, string> Parameters,
    double MeanNanoseconds,
    double StandardErrorNanoseconds,
    long AllocatedBytes,
    double? Ratio,
    double? PercentOfPeak,
    double? Scaling,
    Latencies? Latencies);

/// <summary>Times of single calls.</summary>
/// <param name="MedianNanoseconds">Half of them are shorter.</param>
/// <param name="P99Nanoseconds">Of a hundred, one is longer.</param>
internal sealed record Latencies(double MedianNanoseconds, double P99Nanoseconds)
{
    private const int WarmUps = 50, Calls = 2000;

    /// <summary>Calls a benchmark's method, which returns a number, again and again.</summary>
    public static Latencies Measure(BenchmarkCase benchmark)
    {
        object instance = Activator.CreateInstance(benchmark.Descriptor.Type)!;
        foreach (ParameterInstance parameter in benchmark.Parameters.Items)
            benchmark.Descriptor.Type.GetProperty(parameter.Name)!.SetValue(instance, parameter.Value);
        benchmark.Descriptor.GlobalSetupMethod?.Invoke(instance, null);
        MethodInfo method = benchmark.Descriptor.WorkloadMethod;
        Func<int> call = method.CreateDelegate<Func<int>>(instance);
        var ticks = new long[Calls];
        for (int i = -WarmUps; i < Calls; i++)
        {
            long start = Stopwatch.GetTimestamp();
            call();
            if (i >= 0)
                ticks[i] = Stopwatch.GetTimestamp() - start;
        }

        benchmark.Descriptor.GlobalCleanupMethod?.Invoke(instance, null);
        Array.Sort(ticks);
        double Nanoseconds(double part) => 1e9 * ticks[(int)(part * Calls)] / Stopwatch.Frequency;
        return new Latencies(Nanoseconds(0.5), Nanoseconds(0.99));
    }
}

/// <summary>What one benchmark class gave on one device, as benchmarks/results keeps it.</summary>
/// <param name="Name">Name of the class.</param>
/// <param name="Date">Day of the run, UTC.</param>
/// <param name="Commit">Commit that was measured, with "+" where the working tree differed from it.</param>
/// <param name="Device">The processor, as it names itself.</param>
/// <param name="LogicalCores">How many logical cores the process could use.</param>
/// <param name="Runtime">Version of .NET, operating system family and architecture.</param>
/// <param name="Blas">
/// The library in which libtorch multiplies matrices, small convolutions included; null where none is loaded. Debian's
/// libtorch takes the reference BLAS unless libopenblas0-pthread is installed, and is then many times slower.
/// </param>
/// <param name="Peaks">What one core can do at most, measured in the same run.</param>
/// <param name="Cases">The measurements.</param>
internal sealed partial record ResultFile(
    string Name,
    string Date,
    string Commit,
    string Device,
    int LogicalCores,
    string Runtime,
    string? Blas,
    MachinePeaks Peaks,
    IReadOnlyList<MeasuredCase> Cases)
{
    /// <summary>The parameter that holds a kernel's row; the baseline of a kernel is its reference.</summary>
    private const string RowParameter = "Row";

    /// <summary>The parameter that holds a number of threads.</summary>
    private const string ThreadsParameter = "Threads";
    private const string ReferenceRow = "reference";

    /// <summary>Takes the figures out of a run; null when nothing was measured.</summary>
    public static ResultFile? From(Summary summary, string name, string repository)
    {
        BenchmarkReport[] measured = [.. summary.Reports.Where(report => report.ResultStatistics is not null)];
        if (measured.Length == 0)
            return null;

        var baselines = measured
            .Where(report => IsBaseline(report.BenchmarkCase))
            .ToDictionary(report => GroupOf(report.BenchmarkCase), report => report.ResultStatistics!.Mean);
        MachinePeaks peaks = MachinePeaks.Measure();
        return new ResultFile(
            name,
            DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            FindCommit(repository),
            FindDevice(),
            Environment.ProcessorCount,
            $".NET {Environment.Version}, {FamilyOfSystem()} {RuntimeInformation.ProcessArchitecture}",
            FindBlas(),
            peaks,
            [
                .. measured.Select(report => new MeasuredCase(
                    report.BenchmarkCase.Descriptor.WorkloadMethod.Name,
                    ParametersOf(report.BenchmarkCase),
                    report.ResultStatistics!.Mean,
                    report.ResultStatistics.StandardError,
                    report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0,
                    baselines.TryGetValue(GroupOf(report.BenchmarkCase), out double mean)
                        ? report.ResultStatistics.Mean / mean
                        : null,
                    report.BenchmarkCase.Descriptor.WorkloadMethod.GetCustomAttribute<WorkAttribute>() is { } work
                        ? 1e11 * work.LeastSeconds(peaks) / report.ResultStatistics.Mean / ThreadsOf(report)
                        : null,
                    ScalingOf(report, measured),
                    report.BenchmarkCase.Descriptor.WorkloadMethod.IsDefined(typeof(LatenciesAttribute))
                        ? Latencies.Measure(report.BenchmarkCase)
                        : null)),
            ]);
    }

    private static int ThreadsOf(BenchmarkReport report) =>
        report.BenchmarkCase.Parameters.Items.FirstOrDefault(item => item.Name == ThreadsParameter)?.Value as int? ?? 1;

    private static double? ScalingOf(BenchmarkReport report, BenchmarkReport[] all)
    {
        if (ThreadsOf(report) == 1)
            return null;
        BenchmarkReport? single = all.FirstOrDefault(other => ThreadsOf(other) == 1
            && other.BenchmarkCase.Descriptor.WorkloadMethod == report.BenchmarkCase.Descriptor.WorkloadMethod
            && Others(other).SequenceEqual(Others(report)));
        return single?.ResultStatistics!.Mean / report.ResultStatistics!.Mean;

        static IEnumerable<KeyValuePair<string, string>> Others(BenchmarkReport report) =>
            ParametersOf(report.BenchmarkCase).Where(parameter => parameter.Key != ThreadsParameter);
    }

    /// <summary>Writes NAME.json and NAME.md into the device's folder.</summary>
    /// <returns>Path of the JSON file within the repository.</returns>
    public string Write(string repository)
    {
        string folder = Path.Combine("benchmarks", "results", FolderOf(Device));
        Directory.CreateDirectory(Path.Combine(repository, folder));
        string path = Path.Combine(folder, Name);
        File.WriteAllText(
            Path.Combine(repository, path + ".json"),
            JsonSerializer.Serialize(this, ResultJson.Default.ResultFile) + "\n");
        File.WriteAllText(Path.Combine(repository, path + ".md"), ToMarkdown());
        return path + ".json";
    }

    /// <summary>The folder above the program that holds Core.sln.</summary>
    /// <exception cref="DirectoryNotFoundException">The program does not run inside the repository.</exception>
    public static string FindRepository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Core.sln")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException("No folder above this program holds Core.sln.");
    }

    /// <summary>"AMD EPYC 9B14 96-Core Processor" → "amd-epyc-9b14".</summary>
    internal static string FolderOf(string device)
    {
        string text = NoiseInNames().Replace(device, " ");
        return string.Join('-', NotInFolderNames().Split(text).Where(part => part.Length > 0)).ToLowerInvariant();
    }

    private string ToMarkdown()
    {
        string[] parameters = [.. Cases.SelectMany(one => one.Parameters.Keys).Distinct()];
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"# {Name}").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Device}, {LogicalCores} logical cores. {Runtime}.");
        text.AppendLine(CultureInfo.InvariantCulture, $"{Date}, commit {Commit}. Ratios are to the baseline of this run.");
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"Peaks of one core, billions of multiply-adds a second: float32 {ToGiga(Peaks.Float32)}, bfloat16 {ToGiga(Peaks.BFloat16)}, 16 bits {ToGiga(Peaks.Int16)}, 8 bits {ToGiga(Peaks.Int8)}. Copies {ToGiga(Peaks.CopiedBytes)} GB/s.");
        if (Blas is not null)
            text.AppendLine(CultureInfo.InvariantCulture, $"libtorch's BLAS: {Path.GetFileName(Blas)}.");
        text.AppendLine();
        text.AppendLine($"| {string.Join(" | ", [.. parameters.Prepend("method"), "mean", "standard error", "ratio", "% of peak", "allocated", "scaling", "median", "p99"])} |");
        text.AppendLine(
            $"|{string.Concat(Enumerable.Repeat("---|", parameters.Length + 1))}---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (MeasuredCase one in Cases)
        {
            IEnumerable<string> values = parameters.Select(name => one.Parameters.GetValueOrDefault(name, ""));
            string[] cells =
            [
                one.Method, .. values, ToText(one.MeanNanoseconds), ToText(one.StandardErrorNanoseconds),
                one.Ratio is { } ratio ? ratio.ToString("0.000", CultureInfo.InvariantCulture) : "",
                one.PercentOfPeak is { } percent ? percent.ToString("0", CultureInfo.InvariantCulture) : "",
                one.AllocatedBytes.ToString("N0", CultureInfo.InvariantCulture) + " B",
                one.Scaling is { } scaling ? scaling.ToString("0.00", CultureInfo.InvariantCulture) : "",
                one.Latencies is { } median ? ToText(median.MedianNanoseconds) : "",
                one.Latencies is { } p99 ? ToText(p99.P99Nanoseconds) : "",
            ];
            text.AppendLine($"| {string.Join(" | ", cells)} |");
        }

        return text.Replace("\r\n", "\n").ToString();
    }

    private static string ToGiga(double? value) =>
        value is { } number ? (number / 1e9).ToString("0.0", CultureInfo.InvariantCulture) : "–";

    private static string ToText(double nanoseconds)
    {
        (double scale, string unit) = nanoseconds switch
        {
            >= 1e9 => (1e9, "s"),
            >= 1e6 => (1e6, "ms"),
            >= 1e3 => (1e3, "µs"),
            _ => (1.0, "ns"),
        };
        return (nanoseconds / scale).ToString("0.00", CultureInfo.InvariantCulture) + " " + unit;
    }

    private static Dictionary<string, string> ParametersOf(BenchmarkCase benchmark) =>
        benchmark.Parameters.Items.ToDictionary(
            item => item.Name, item => Convert.ToString(item.Value, CultureInfo.InvariantCulture) ?? "");

    private static bool IsBaseline(BenchmarkCase benchmark) =>
        benchmark.Descriptor.Baseline || ParametersOf(benchmark).GetValueOrDefault(RowParameter) == ReferenceRow;

    /// <summary>
    /// Cases that are compared: those that differ in the row alone or, in a class that has a baseline method, in the
    /// method alone.
    /// </summary>
    private static string GroupOf(BenchmarkCase benchmark)
    {
        Dictionary<string, string> parameters = ParametersOf(benchmark);
        IEnumerable<string> key = parameters
            .Where(parameter => parameter.Key != RowParameter)
            .Select(parameter => $"{parameter.Key}={parameter.Value}");
        if (parameters.ContainsKey(RowParameter))
            key = key.Prepend(benchmark.Descriptor.WorkloadMethod.Name);
        return string.Join(';', key);
    }

    private static string FindDevice()
    {
        string name = HostEnvironmentInfo.GetCurrent().CpuInfo.Value?.ProcessorName ?? "unknown processor";
        if (name.Any(char.IsDigit) || !File.Exists("/proc/cpuinfo"))
            return name;

        // Under a hypervisor the name may be that of the whole series; family and model tell its generations apart.
        Dictionary<string, string> facts = File.ReadLines("/proc/cpuinfo")
            .TakeWhile(line => line.Length > 0)
            .Select(line => line.Split(':', 2, StringSplitOptions.TrimEntries))
            .Where(fact => fact.Length == 2)
            .ToDictionary(fact => fact[0], fact => fact[1]);
        return facts.TryGetValue("cpu family", out string? family) && facts.TryGetValue("model", out string? model)
            ? $"{name} family {family} model {model}"
            : name;
    }

    private static string? FindBlas()
    {
        if (!File.Exists("/proc/self/maps"))
            return null;
        string[] loaded = [.. File.ReadLines("/proc/self/maps").Select(line => line[(line.LastIndexOf(' ') + 1)..])];
        string? link = loaded.FirstOrDefault(path => path.Contains("/libblas.so", StringComparison.Ordinal));
        return loaded.FirstOrDefault(path => path.Contains("openblas", StringComparison.Ordinal))
            ?? loaded.FirstOrDefault(path => path.Contains("libmkl", StringComparison.Ordinal)) ?? link;
    }

    private static string FamilyOfSystem() =>
        OperatingSystem.IsWindows() ? "Windows" : OperatingSystem.IsMacOS() ? "macOS" : "Linux";

    private static string FindCommit(string repository)
    {
        string commit = Git(repository, "rev-parse --short=12 HEAD");
        return commit.Length == 0 ? "unknown"
            : Git(repository, "status --porcelain --untracked-files=no -- src native benchmarks/Tfic.Benchmarks") is "" ? commit
            : commit + "+";
    }

    private static string Git(string folder, string arguments)
    {
        try
        {
            using Process git = Process.Start(new ProcessStartInfo("git", arguments)
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            string output = git.StandardOutput.ReadToEnd().Trim();
            git.WaitForExit();
            return git.ExitCode == 0 ? output : "";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "";
        }
    }

    [GeneratedRegex(@"\((R|TM|C)\)|\bCPU\b|\bProcessor\b|\b\d+-Core\b|@.*$", RegexOptions.IgnoreCase)]
    private static partial Regex NoiseInNames();

    [GeneratedRegex("[^A-Za-z0-9]+")]
    private static partial Regex NotInFolderNames();
}

[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NewLine = "\n")]
[JsonSerializable(typeof(ResultFile))]
internal sealed partial class ResultJson : JsonSerializerContext;
