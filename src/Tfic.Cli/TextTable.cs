using System.Globalization;
using Spectre.Console;

namespace Tfic.Cli;

/// <summary>A table of results: drawn where a person sees it, tab-separated where a program reads it.</summary>
/// <param name="headings">Headings; columns whose heading starts with a space are aligned to the right.</param>
internal sealed class TextTable(params string[] headings)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add(cells);

    /// <summary>A number as a cell; a dash where there is none.</summary>
    public static string Number(double? value, string format) =>
        value is { } number && !double.IsNaN(number) ? number.ToString(format, CultureInfo.InvariantCulture) : "–";

    /// <summary>Writes the table to standard output.</summary>
    public void Write(Terminal terminal)
    {
        if (terminal.OutputIsTerminal)
            Draw(terminal);
        else
            terminal.Write(string.Concat(
                _rows.Prepend([.. headings.Select(h => h.Trim())]).Select(row => string.Join('\t', row) + "\n")));
    }

    // In a method of its own, so that Spectre.Console is loaded only where it draws.
    private void Draw(Terminal terminal)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (string heading in headings)
        {
            var column = new TableColumn(Markup.Escape(heading.Trim()));
            table.AddColumn(heading.StartsWith(' ') ? column.RightAligned() : column);
        }

        foreach (string[] row in _rows)
            table.AddRow([.. row.Select(cell => new Text(cell))]);
        using var writer = new StreamWriter(terminal.Output, leaveOpen: true);
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) }).Write(table);
    }
}
