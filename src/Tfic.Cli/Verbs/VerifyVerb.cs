using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Tfic.Cli.Verification;
using Tfic.Kernels;
using Tfic.Models;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic verify</c>: whether every implementation of every kernel is right on this machine.</summary>
internal static class VerifyVerb
{
    private const string Examples = """
        tfic verify
        tfic verify --codec my-codec.safetensors --json > report.json
        """;

    public static Verb Create(Terminal terminal)
    {
        Option<string> codec = CommonOptions.Codec(), recogniser = CommonOptions.Recogniser();
        Option<string> detector = CommonOptions.Detector();
        Option<string[]> restorers = Further(
            "--restorer", "Restorers", ShippedModels.RestorerD1, ShippedModels.RestorerD2);
        var json = new Option<bool>("--json") { Description = "Write JSON instead of a table." };
        var verb = new Verb(
            "verify",
            "Compare every implementation of every kernel that this machine can run, and whole models on them, with " +
            "the reference.",
            Examples)
        {
            codec, recogniser, detector, restorers, json,
        };
        verb.Does((result, cancellation) =>
        {
            string codecName = result.GetRequiredValue(codec), recogniserName = result.GetRequiredValue(recogniser);
            string detectorName = result.GetRequiredValue(detector);
            var networks = new NetworkChecks(
                (Path.GetFileNameWithoutExtension(codecName), Weights.Codec(codecName)),
                (Path.GetFileNameWithoutExtension(recogniserName), Weights.Recogniser(recogniserName)),
                (Path.GetFileNameWithoutExtension(detectorName), Weights.Detector(detectorName)),
                [.. result.GetRequiredValue(restorers).Select(n => (Path.GetFileNameWithoutExtension(n), Weights.Restorer(n)))]);
            int total = KernelTables.All.Sum(table => table.Variants.Count) + networks.Count;
            var checks = new List<RowCheck>(total);
            terminal.Progress("Comparing", total, advance =>
            {
                foreach (RowCheck check in Equivalence.Check().Concat(networks.Check()))
                {
                    cancellation.ThrowIfCancellationRequested();
                    checks.Add(check);
                    advance(checks.Count);
                }
            });
            return Tell(terminal, checks, result.GetValue(json));
        });
        return verb;
    }

    /// <summary>Names models of a kind; by default those of the given ones that this build holds.</summary>
    private static Option<string[]> Further(string option, string kind, params string[] shipped) => new(option)
    {
        Description = $"{kind}, as names or .safetensors files. Default: those that ship.",
        HelpName = "NAME|PATH",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [.. shipped.Where(ShippedModels.Names.Contains)],
    };

    /// <summary>Writes the results; a row that differs from its reference is a failure.</summary>
    internal static int Tell(Terminal terminal, IReadOnlyList<RowCheck> checks, bool json)
    {
        if (json)
            terminal.Write(JsonSerializer.Serialize(Report.Of(checks), ReportJson.Default.Report) + "\n");
        else
            Table(checks).Write(terminal);

        int failed = checks.Count(check => !check.Passed);
        if (failed == 0)
        {
            terminal.Say($"{checks.Count(check => check.IsSupported)} rows agree with their reference.");
            return ExitCode.Success;
        }

        terminal.Complain(
            $"{failed} rows differ from their reference by more than they may. Force others with " +
            $"{VariantChoice.EnvironmentVariable}, and please report the table above with the processor's name.");
        return ExitCode.Failure;
    }

    private static TextTable Table(IEnumerable<RowCheck> checks)
    {
        var table = new TextTable("kernel", "row", "used", " largest error", " tolerance", "result");
        foreach (RowCheck check in checks)
        {
            table.Add(
                check.Kernel,
                check.Row,
                check.IsPicked ? "picked" : check.IsSupported ? "can run" : "cannot run",
                check.Error is { } error ? Number(error) : "–",
                Number(check.Tolerance),
                !check.IsSupported ? "–" : check.Passed ? "pass" : "FAIL");
        }

        return table;
    }

    private static string Number(double value) => value.ToString("g3", CultureInfo.InvariantCulture);
}
