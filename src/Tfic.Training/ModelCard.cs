using System.Globalization;
using System.Reflection;
using System.Text;

namespace Tfic.Training;

/// <summary>What a set of weights was made from and how well it does: the file that lies beside each model.</summary>
public sealed record ModelCard
{
    /// <summary>The model's name.</summary>
    public required string Name { get; init; }

    /// <summary>One sentence: what it does and its architecture.</summary>
    public required string Purpose { get; init; }

    /// <summary>The command that trained it.</summary>
    public required string Command { get; init; }

    /// <summary>What it was trained on, and how the test data differ.</summary>
    public required string Data { get; init; }

    /// <summary>Steps and seed and time.</summary>
    public required RunState Run { get; init; }

    /// <summary>Examples a step.</summary>
    public required int Batch { get; init; }

    /// <summary>Options that differ from the defaults, and other remarks.</summary>
    public string Remarks { get; init; } = "";

    /// <summary>Figures on the test set, a row each: columns in <see cref="MetricColumns"/>.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Metrics { get; init; } = [];

    /// <summary>Headings of the figures.</summary>
    public IReadOnlyList<string> MetricColumns { get; init; } = [];

    /// <summary>Version of the program with the commit it was built from.</summary>
    public static string ProgramVersion =>
        typeof(ModelCard).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? "unknown";

    /// <summary>The card as Markdown.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {Name}\n\n{Purpose}\n\n");
        text.Append("| | |\n|---|---|\n");
        text.Append(CultureInfo.InvariantCulture, $"| command | `{Command}` |\n");
        text.Append(CultureInfo.InvariantCulture, $"| program | {ProgramVersion} |\n");
        text.Append(CultureInfo.InvariantCulture, $"| steps | {Run.Step} of {Batch} examples |\n");
        text.Append(CultureInfo.InvariantCulture, $"| seed | {Run.Seed} |\n");
        text.Append(CultureInfo.InvariantCulture, $"| time | {TimeSpan.FromSeconds(Run.Seconds):h\\:mm} h |\n");
        text.Append(CultureInfo.InvariantCulture, $"| data | {Data} |\n");
        if (Remarks.Length > 0)
            text.Append(CultureInfo.InvariantCulture, $"\n{Remarks}\n");
        if (Metrics.Count > 0)
        {
            text.Append("\n## Test set\n\n");
            text.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", MetricColumns)} |\n");
            text.Append(CultureInfo.InvariantCulture, $"|{string.Concat(MetricColumns.Select(_ => "---|"))}\n");
            foreach (IReadOnlyList<string> row in Metrics)
                text.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", row)} |\n");
        }

        return text.ToString();
    }
}
