using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Tfic.Imaging;
using static Tfic.Cli.Html;
using static Tfic.Cli.TextTable;

namespace Tfic.Cli.Paper;

/// <summary>What one coder made of the pictures that the report shows, at about one rate.</summary>
/// <param name="Name">The coder and its setting.</param>
/// <param name="Pictures">Each decoded picture, its bytes and the text read from it.</param>
internal sealed record Specimens(string Name, IReadOnlyList<(Picture Picture, int Bytes, string Text)> Pictures);

/// <summary>Writes the experiment as one HTML file: the paper's Figures 3, 4 and 5 and its Table 1.</summary>
internal static class TficPage
{
    private const double ShownBpp = 0.15;

    /// <summary>Accuracies at which bits are compared.</summary>
    private static readonly double[] s_accuracies = [0.75, 0.8, 0.85, 0.9, 0.93];

    /// <summary>Figure 3: rate against accuracy.</summary>
    public static Chart Accuracy(TficFigures figures) => new(
        "Rate and accuracy of reading (the paper's Figure 3)", "bits per pixel", "accuracy",
        Shown(figures, p => p.Bpp, p => p.Accuracy), LogarithmicX: true,
        ("uncompressed", figures.UncompressedAccuracy));

    /// <summary>The same with the second reader; null where there was none.</summary>
    public static Chart? SecondAccuracy(TficFigures figures) =>
        figures.UncompressedSecondAccuracy is not { } uncompressed ? null : new Chart(
            "The same, read by Tesseract", "bits per pixel", "accuracy",
            Shown(figures, p => p.SecondBpp!.Value, p => p.SecondAccuracy!.Value), LogarithmicX: true,
            ("uncompressed", uncompressed));

    /// <summary>Figure 5: rate against PSNR.</summary>
    public static Chart Distortion(TficFigures figures) => new(
        "Rate and PSNR (the paper's Figure 5)", "bits per pixel", "PSNR, dB",
        Shown(figures, p => p.Bpp, p => p.Psnr), LogarithmicX: true);

    /// <summary>Writes the page.</summary>
    /// <param name="figures">The measurements.</param>
    /// <param name="specimens">Pictures to show: the originals, then what each coder makes of them.</param>
    public static string Write(TficFigures figures, IReadOnlyList<Specimens> specimens)
    {
        var html = new StringBuilder(Head("Tfic: text at low bit rates"));
        html.Append($"""
            <h1>Text-aware compression of lines</h1>
            <p class="soft">{Text(figures.Description)}. Every rate is that of real files, every accuracy that of the
            text read from what was decoded: 1 − edit distance ÷ length of the longer text, over letters and digits.
            Conventional codecs are also tried on pictures made smaller by 2, 4 and 8 first; of their settings, those
            that no other of the same codec beats at equal or fewer bits are joined.</p>
            {Accuracy(figures).Svg()}
            {SecondAccuracy(figures)?.Svg()}
            {Distortion(figures).Svg()}

            """);
        AppendBits(html, figures);
        AppendTimes(html, figures.Times);
        AppendSpecimens(html, specimens);
        AppendPoints(html, figures);
        return html.Append("</body>\n</html>\n").ToString();
    }

    /// <summary>
    /// Bits per pixel that a coder needs for an accuracy, interpolated between its points in the logarithm of the
    /// rate; null where it does not reach it, or reaches it already at its lowest rate.
    /// </summary>
    public static double? BitsFor(double accuracy, IEnumerable<PaperPoint> points)
    {
        PaperPoint? below = null;
        foreach (PaperPoint point in Best(points, p => p.Bpp, p => p.Accuracy))
        {
            if (point.Accuracy >= accuracy)
            {
                if (below is null)
                    return null;
                double share = (accuracy - below.Accuracy) / (point.Accuracy - below.Accuracy);
                return below.Bpp * Math.Pow(point.Bpp / below.Bpp, share);
            }

            below = point;
        }

        return null;
    }

    /// <summary>The points that no other point beats at equal or fewer bits, by rate.</summary>
    private static IEnumerable<PaperPoint> Best(
        IEnumerable<PaperPoint> points, Func<PaperPoint, double> rate, Func<PaperPoint, double> quality)
    {
        double best = double.NegativeInfinity;
        foreach (PaperPoint point in points.OrderBy(rate))
        {
            if (quality(point) <= best)
                continue;
            best = quality(point);
            yield return point;
        }
    }

    private static bool IsLearned(PaperCurve curve) =>
        curve.Name is TficExperiment.TficName or TficExperiment.MseName;

    private static Curve[] Shown(
        TficFigures figures, Func<PaperPoint, double> rate, Func<PaperPoint, double> quality) =>
    [
        .. figures.Curves.Select((curve, i) => new Curve(
            curve.Name,
            [
                .. (IsLearned(curve) ? curve.Points.OrderBy(rate) : Best(curve.Points, rate, quality))
                    .Where(p => rate(p) < ShownBpp).Select(p => (rate(p), quality(p))),
            ],
            i,
            Dashed: !IsLearned(curve))).Where(c => c.Points.Count > 0),
    ];

    private static void AppendBits(StringBuilder html, TficFigures figures)
    {
        PaperPoint[] conventional = [.. figures.Curves.Where(c => !IsLearned(c)).SelectMany(c => c.Points)];
        html.Append("<h2>Bits for equal accuracy</h2>\n<div class=\"scroll\"><table>\n<thead>");
        AppendRow(
            html, "th", "", "accuracy", "TFIC, bpp", "MSE codec, bpp", "best conventional, bpp", "TFIC ÷ MSE codec",
            "TFIC ÷ best conventional");
        html.Append("</thead>\n<tbody>\n");
        foreach (double accuracy in s_accuracies)
        {
            double? tfic = Bits(TficExperiment.TficName), mse = Bits(TficExperiment.MseName);
            double? other = BitsFor(accuracy, conventional);
            AppendRow(
                html, "td", "", Number(accuracy, "f2"), Number(tfic, "f4"), Number(mse, "f4"), Number(other, "f4"),
                Number(tfic / mse, "f2"), Number(tfic / other, "f2"));

            double? Bits(string name) => BitsFor(accuracy, figures.Curves.Single(c => c.Name == name).Points);
        }

        html.Append("</tbody></table></div>\n");
    }

    private static void AppendTimes(StringBuilder html, TimeTable times)
    {
        html.Append($"""
            <h2>Times (the paper's Table 1)</h2>
            <p class="soft">{times.Pictures} pictures of 512 × 256 at quality {Number(times.Quality, "0.##")}, one
            thread of this machine ({RuntimeInformation.ProcessArchitecture},
            {Text(RuntimeInformation.FrameworkDescription)}). The paper measured 12.9 ms and 24.1 ms.</p>
            <div class="scroll"><table><thead>
            """);
        AppendRow(html, "th", "", "stage", "mean ± deviation, ms", "median, ms");
        html.Append("</thead><tbody>\n");
        foreach ((string name, Timing time) in
            (ReadOnlySpan<(string, Timing)>)[("encode", times.Encode), ("OCR of the decoded picture", times.Ocr)])
            AppendRow(html, "td", "", name, $"{Number(time.Mean, "f1")} ± {Number(time.Deviation, "f1")}", Number(time.Median, "f1"));
        AppendRow(html, "td", "", "encode ÷ OCR", Number(times.Ratio, "f2"), "");
        html.Append("</tbody></table></div>\n");
    }

    private static void AppendSpecimens(StringBuilder html, IReadOnlyList<Specimens> specimens)
    {
        html.Append("<h2>What comes back (the paper's Figure 4)</h2>\n");
        for (int i = 0; i < specimens[0].Pictures.Count; i++)
        {
            html.Append("<div class=\"row\">\n");
            foreach (Specimens coder in specimens)
            {
                (Picture picture, int bytes, string text) = coder.Pictures[i];
                AppendFigure(
                    html, picture, coder.Name, string.Create(CultureInfo.InvariantCulture, $", {bytes:N0} bytes"), text);
            }

            html.Append("</div>\n");
        }
    }

    private static void AppendPoints(StringBuilder html, TficFigures figures)
    {
        html.Append("<h2>All points</h2>\n<div class=\"scroll\"><table>\n<thead>");
        AppendRow(html, "th", "", "coder", "setting", "bpp", "accuracy", "PSNR, dB", "Tesseract's accuracy");
        html.Append("</thead>\n<tbody>\n");
        AppendRow(
            html, "td", "", "uncompressed", "", "24", Number(figures.UncompressedAccuracy, "f4"), "–",
            Number(figures.UncompressedSecondAccuracy, "f4"));
        foreach (PaperCurve curve in figures.Curves)
        {
            foreach (PaperPoint p in curve.Points)
                AppendRow(
                    html, "td", p == curve.Points[0] ? " class=\"first\"" : "", curve.Name, p.Setting,
                    Number(p.Bpp, "f4"), Number(p.Accuracy, "f4"), Number(p.Psnr, "f2"),
                    Number(p.SecondAccuracy, "f4"));
        }

        html.Append("</tbody></table></div>\n");
    }
}
