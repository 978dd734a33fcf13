using System.Globalization;
using System.Net;
using System.Text;

namespace Tfic.Cli.Paper;

/// <summary>A curve of a chart.</summary>
/// <param name="Name">What the legend calls it.</param>
/// <param name="Points">Points, in the order in which they are joined.</param>
/// <param name="Colour">Number of its colour; curves of one family share one.</param>
/// <param name="Dashed">Whether it is drawn dashed.</param>
internal sealed record Curve(string Name, IReadOnlyList<(double X, double Y)> Points, int Colour, bool Dashed = false);

/// <summary>A line chart as an SVG picture.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="XTitle">What runs to the right, with its unit.</param>
/// <param name="YTitle">What runs upwards, with its unit.</param>
/// <param name="LogarithmicX">Whether x is spaced by its logarithm; then every x must be positive.</param>
/// <param name="Horizontal">A level to mark across the whole chart, with its name.</param>
internal sealed record Chart(
    string Title,
    string XTitle,
    string YTitle,
    IReadOnlyList<Curve> Curves,
    bool LogarithmicX = false,
    (string Name, double Y)? Horizontal = null)
{
    /// <summary>Size of the picture, in its own units.</summary>
    public const int Width = 760, Height = 460;

    private const double Left = 64, Right = 190, Top = 40, Bottom = 52;

    private static readonly string[] s_colours =
        ["#1f6fb4", "#c2571a", "#3b8f3f", "#8a5aa8", "#b8336a", "#7a6a4f", "#2a9d9d"];

    /// <summary>Draws it. Colours of text and lines follow the page's "currentColor".</summary>
    /// <exception cref="InvalidOperationException">There is no point to draw.</exception>
    public string Svg() => Invariant(
        $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" role=\"img\">\n{Body()}</svg>\n");

    /// <summary>The same without the element around it, for a picture of several charts.</summary>
    /// <inheritdoc cref="Svg"/>
    public string Body()
    {
        (double X, double Y)[] all = [.. Curves.SelectMany(c => c.Points)];
        if (all.Length == 0)
            throw new InvalidOperationException("A chart needs at least one point.");
        double[] heights = Horizontal is { } level ? [.. all.Select(p => p.Y), level.Y] : [.. all.Select(p => p.Y)];
        (double yLow, double yHigh, double yStep) = Ticks(heights.Min(), heights.Max());
        double xLow = all.Min(p => p.X), xHigh = all.Max(p => p.X);
        double[] xTicks;
        if (LogarithmicX)
        {
            xTicks = [.. LogarithmicTicks(xLow, xHigh)];
            (xLow, xHigh) = (Math.Min(xLow, xTicks[0]), Math.Max(xHigh, xTicks[^1]));
        }
        else
        {
            (xLow, xHigh, double xStep) = Ticks(xLow, xHigh);
            xTicks = [.. Steps(xLow, xHigh, xStep)];
        }

        double Across(double x)
        {
            double share = LogarithmicX ? Math.Log(x / xLow) / Math.Log(xHigh / xLow) : (x - xLow) / (xHigh - xLow);
            return Left + share * (Width - Left - Right);
        }

        double Down(double y) => Top + (yHigh - y) / (yHigh - yLow) * (Height - Top - Bottom);

        var svg = new StringBuilder();
        svg.Append("<g font-family=\"system-ui, DejaVu Sans, sans-serif\" font-size=\"13\" fill=\"currentColor\">\n")
            .Append(Invariant($"<title>{Text(Title)}</title>\n"))
            .Append(Invariant($"<text x=\"{Left}\" y=\"22\" font-size=\"15\" font-weight=\"600\">{Text(Title)}</text>\n"));
        foreach (double x in xTicks)
        {
            svg.Append(Line(Across(x), Top, Across(x), Height - Bottom, "stroke-opacity=\".15\""))
                .Append(Label(Across(x), Height - Bottom + 18, "middle", x));
        }

        foreach (double y in Steps(yLow, yHigh, yStep))
        {
            svg.Append(Line(Left, Down(y), Width - Right, Down(y), "stroke-opacity=\".15\""))
                .Append(Label(Left - 8, Down(y) + 4, "end", y));
        }

        svg.Append(Invariant(
            $"<text x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 10}\" text-anchor=\"middle\">{Text(XTitle)}</text>\n"))
            .Append(Invariant($"<text transform=\"translate(16 {(Top + Height - Bottom) / 2}) rotate(-90)\" "))
            .Append(Invariant($"text-anchor=\"middle\">{Text(YTitle)}</text>\n"));
        if (Horizontal is { } marked)
        {
            svg.Append(Line(Left, Down(marked.Y), Width - Right, Down(marked.Y), "stroke-dasharray=\"2 4\""))
                .Append(Invariant($"<text x=\"{Width - Right + 8}\" y=\"{Down(marked.Y) + 4}\">{Text(marked.Name)}</text>\n"));
        }

        int row = 0;
        foreach (Curve curve in Curves)
        {
            string colour = s_colours[curve.Colour % s_colours.Length];
            string dash = curve.Dashed ? " stroke-dasharray=\"6 4\"" : "";
            string points = string.Join(' ', curve.Points.Select(p => Invariant($"{Across(p.X):0.#},{Down(p.Y):0.#}")));
            svg.Append(Invariant($"<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>\n"));
            foreach ((double x, double y) in curve.Points)
            {
                svg.Append(Invariant($"<circle cx=\"{Across(x):0.#}\" cy=\"{Down(y):0.#}\" r=\"3.2\" fill=\"{colour}\">"))
                    .Append(Invariant($"<title>{Text(curve.Name)}: {x:g4}, {y:g4}</title></circle>\n"));
            }

            // Below the marked level's name, which stands at its own height on the same side.
            double legend = Height - Bottom - 18 * (Curves.Count - row++) + 8;
            svg.Append(Invariant($"<path d=\"M{Width - Right + 8} {legend - 4}h24\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>"))
                .Append(Invariant($"<text x=\"{Width - Right + 38}\" y=\"{legend}\">{Text(curve.Name)}</text>\n"));
        }

        return svg.Append("</g>\n").ToString();
    }

    /// <summary>Ends and step of an axis: 4 to 9 round numbers around a range.</summary>
    private static (double Low, double High, double Step) Ticks(double low, double high)
    {
        if (high - low < 1e-12)
            (low, high) = (low - 0.5, high + 0.5);
        double step = Math.Pow(10, Math.Floor(Math.Log10((high - low) / 4)));
        foreach (double factor in (ReadOnlySpan<double>)[1, 2, 5])
        {
            if ((high - low) / (step * factor) <= 8)
            {
                step *= factor;
                break;
            }
        }

        return (Math.Floor(low / step) * step, Math.Ceiling(high / step) * step, step);
    }

    private static IEnumerable<double> Steps(double low, double high, double step)
    {
        int count = (int)Math.Round((high - low) / step);
        return Enumerable.Range(0, count + 1).Select(i => low + i * step);
    }

    /// <summary>1, 2 and 5 times the powers of ten around a range.</summary>
    private static IEnumerable<double> LogarithmicTicks(double low, double high)
    {
        double[] candidates =
        [
            .. Enumerable.Range((int)Math.Floor(Math.Log10(low)) - 1, 12)
                .SelectMany(e => new[] { 1.0, 2.0, 5.0 }.Select(m => m * Math.Pow(10, e))),
        ];
        int first = Array.FindLastIndex(candidates, c => c <= low * 1.0001);
        int last = Array.FindIndex(candidates, c => c >= high * 0.9999);
        return candidates[first..(Math.Max(last, first + 1) + 1)];
    }

    private static string Line(double x1, double y1, double x2, double y2, string style) => Invariant(
        $"<path d=\"M{x1:0.#} {y1:0.#}L{x2:0.#} {y2:0.#}\" stroke=\"currentColor\" {style}/>\n");

    private static string Label(double x, double y, string anchor, double value) => Invariant(
        $"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\" fill-opacity=\".75\">{Math.Round(value, 6):0.####}</text>\n");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
