using System.Globalization;
using System.Text;
using Tfic.Cli.Paper;

namespace Tfic.Cli;

/// <summary>Draws a training run's log.tsv: every figure over the steps, one chart below the other.</summary>
internal static class TrainingCurves
{
    private const int MostPoints = 120;

    /// <summary>Draws the charts of a log.</summary>
    /// <param name="log">Lines of log.tsv: names, then a row for every so many steps; "#" begins a remark.</param>
    /// <returns>An SVG picture; null where no figure has two rows yet.</returns>
    public static string? Svg(IEnumerable<string> log)
    {
        string[][] rows = [.. log.Where(l => l.Length > 0 && l[0] != '#').Select(l => l.Split('\t'))];
        if (rows.Length < 3)
            return null;
        string[] names = rows[0];
        var charts = new List<Chart>();
        for (int column = 0; column < names.Length; column++)
        {
            if (names[column] is "step" or "seconds")
                continue;
            (double X, double Y)[] points =
            [
                .. rows[1..].Where(r => r.Length == names.Length)
                    .Select(r => (Number(r[Array.IndexOf(names, "step")]), Number(r[column])))
                    .Where(p => double.IsFinite(p.Item1) && double.IsFinite(p.Item2)),
            ];
            if (points.Length >= 2)
                charts.Add(new Chart(names[column], "step", names[column], [new Curve(names[column], Thin(points), 0)]));
        }

        if (charts.Count == 0)
            return null;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" ")
            .Append(CultureInfo.InvariantCulture, $"viewBox=\"0 0 {Chart.Width} {Chart.Height * charts.Count}\">\n");
        for (int i = 0; i < charts.Count; i++)
            svg.Append(CultureInfo.InvariantCulture, $"<g transform=\"translate(0 {i * Chart.Height})\">\n")
                .Append(charts[i].Body()).Append("</g>\n");
        return svg.Append("</svg>\n").ToString();
    }

    /// <summary>Means of neighbours, so that at most <see cref="MostPoints"/> remain.</summary>
    private static (double X, double Y)[] Thin((double X, double Y)[] points) =>
        [.. points.Chunk((points.Length + MostPoints - 1) / MostPoints)
            .Select(chunk => (chunk[^1].X, chunk.Average(p => p.Y)))];

    private static double Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : double.NaN;
}
