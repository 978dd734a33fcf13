using System.Diagnostics;
using System.Globalization;

namespace Tfic.Fuzz;

/// <summary>Shares processor time out among targets, in turns, each turn a worker process.</summary>
internal sealed class Campaign(IReadOnlyList<Target> targets, string state, ulong seed, TextWriter report)
{
    private static readonly TimeSpan s_turn = TimeSpan.FromSeconds(30);

    private readonly Findings _findings = new(Path.Combine(state, "findings"));

    /// <summary>Fuzzes for some processor time.</summary>
    /// <returns>Whether there is no finding, from this run or an earlier one.</returns>
    public bool Run(TimeSpan budget)
    {
        double spent = 0;
        for (int turn = 0; spent < budget.TotalSeconds; turn++)
        {
            Target target = targets[turn % targets.Count];
            double slice = Math.Min(
                s_turn.TotalSeconds, Math.Max(1, Math.Min(budget.TotalSeconds - spent, budget.TotalSeconds / targets.Count)));
            double before = Progress.Load(Folder(target)).CpuSeconds;
            RunWorker(target, slice);
            // A worker that fails at once must not go round for ever.
            spent += Math.Max(1, Progress.Load(Folder(target)).CpuSeconds - before);
            if (report == Console.Out && !Console.IsOutputRedirected)
                report.Write($"\r{spent / 60:0.0} of {budget.TotalMinutes:0.0} minutes, {Found()} ");
        }

        if (report == Console.Out && !Console.IsOutputRedirected)
            report.WriteLine();
        Report();
        return _findings.Count == 0;
    }

    private string Folder(Target target) => Directory.CreateDirectory(Path.Combine(state, target.Name)).FullName;

    private void RunWorker(Target target, double seconds)
    {
        string program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program) { RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
            start.ArgumentList.Add(typeof(Campaign).Assembly.Location);
        foreach (string argument in new[]
                 {
                     "worker", target.Name, seconds.ToString(CultureInfo.InvariantCulture), state,
                     seed.ToString(CultureInfo.InvariantCulture),
                 })
        {
            start.ArgumentList.Add(argument);
        }

        // A gigabyte and a half: whoever allocates more fails for want of memory, and not the machine.
        start.Environment["DOTNET_GCHeapHardLimit"] = "60000000";
        start.Environment["DOTNET_gcConcurrent"] = "0";
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        using Process worker = Process.Start(start)!;
        string errors = worker.StandardError.ReadToEnd();
        worker.WaitForExit();
        if (worker.ExitCode == 0)
            return;
        byte[] input = Journal.Read(Folder(target)) ?? throw new InvalidOperationException(
            $"The worker for {target.Name} ended with code {worker.ExitCode} while it tried no input:\n{errors}");
        bool hang = worker.ExitCode == Worker.HangCode;
        _findings.Add(
            target,
            input,
            hang ? "hang" : $"crash {worker.ExitCode} {errors.Split('\n').FirstOrDefault(line => line.Contains("   at "))}",
            hang ? "The input did not end in time." : $"The process ended with code {worker.ExitCode}.\n{errors}");

        // The next worker must not try the same again; progress is saved too seldom to tell its number.
        Progress progress = Progress.Load(Folder(target));
        (progress with { Next = progress.Next + 1_000_000 }).Save(Folder(target));
    }

    private void Report()
    {
        report.WriteLine("target          inputs   accepted  CPU minutes");
        Progress sum = default;
        foreach (Target target in targets)
        {
            Progress p = Progress.Load(Folder(target));
            sum = new Progress(0, sum.Inputs + p.Inputs, sum.Accepted + p.Accepted, sum.CpuSeconds + p.CpuSeconds);
            report.WriteLine(Row(target.Name, p));
        }

        report.WriteLine(Row("all", sum));
        report.WriteLine(_findings.Count == 0 ? Found() : $"{Found()}, in {Path.Combine(state, "findings")}");
    }

    private string Found() => _findings.Count switch
    {
        0 => "no finding",
        1 => "1 finding",
        int count => $"{count} findings",
    };

    private static string Row(string name, Progress p) => string.Create(
        CultureInfo.InvariantCulture, $"{name,-12}{p.Inputs,10}{p.Accepted,11}{p.CpuSeconds / 60,13:0.00}");
}
