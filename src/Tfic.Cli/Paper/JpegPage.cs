using System.Globalization;
using System.Text;
using Tfic.Imaging;
using static Tfic.Cli.Html;
using static Tfic.Cli.TextTable;

namespace Tfic.Cli.Paper;

/// <summary>Writes the experiment as one HTML file: the paper's table, its Figures 9 and 10, and the sweep over λ.</summary>
internal static class JpegPage
{
    // The patches' pixels, made visible.
    private const int Zoom = 2;

    /// <summary>The headings of the table, the first of which is the row's name.</summary>
    public static readonly string[] Headings =
    [
        "pages", " patches", " words", " exact words", " patches, found", " words, found", " exact words, found",
        " recall", " precision", " PSNR, dB", " Tesseract",
    ];

    /// <summary>λ against accuracy; null without a sweep.</summary>
    public static Chart? SweepChart(JpegFigures figures) => figures.Sweep is not { Points.Count: > 0 } sweep ? null : new Chart(
        "The weight of D1's losses", "λ", "accuracy",
        [new Curve("D1", [.. sweep.Points.OrderBy(p => p.Lambda).Select(p => (p.Lambda, p.Accuracy))], 0)]);

    /// <summary>A row of the table.</summary>
    public static string[] Cells(RestorationRow row) =>
    [
        row.Name, Number(row.TruePlaces.Patches, "f4"), Number(row.TruePlaces.Words, "f4"),
        Number(row.TruePlaces.ExactWords, "f4"), Number(row.Found?.Patches, "f4"), Number(row.Found?.Words, "f4"),
        Number(row.Found?.ExactWords, "f4"), Number(row.Recall, "f3"), Number(row.Precision, "f3"),
        Number(row.Psnr, "f2"), Number(row.SecondAccuracy, "f4"),
    ];

    /// <summary>Writes the page.</summary>
    /// <param name="figures">The measurements.</param>
    /// <param name="shown">Pages to show, at least one.</param>
    public static string Write(JpegFigures figures, IReadOnlyList<ShownPage> shown)
    {
        var html = new StringBuilder(Head("Tfic: hidden semantics in JPEG"));
        html.Append(CultureInfo.InvariantCulture, $"""
            <h1>Text in JPEG files of quality 1</h1>
            <p class="soft">{Text(figures.Description)}. {figures.Patches:N0} patches of 64 × 256 pixels with
            {figures.Words:N0} words, on {figures.Pages:N0} pages; a page's file has {figures.BytesPerPage:f0} bytes,
            {figures.Bpp:f3} bits a pixel.</p>
            <p class="soft">Accuracy is 1 − edit distance ÷ length of the longer text, over letters and digits: of patches,
            whose text is that of their words in reading order, and of words. A word is exact if none of its letters and
            digits is wrong. In the first three columns words are read one by one at their true places; in those called
            found, as tfic read does, where the detector finds them: on each state of the page by itself, for D2 on D1's
            page. A found word is the true one with which it shares at least half of what both cover.</p>

            """);
        html.Append("<div class=\"scroll\"><table>\n<thead>");
        AppendRow(html, "th", "", [.. Headings.Select(heading => heading.Trim())]);
        html.Append("</thead>\n<tbody>\n");
        foreach (RestorationRow row in figures.Rows)
            AppendRow(html, "td", "", Cells(row));
        html.Append("</tbody></table></div>\n");
        if (figures.SecondReaderPatches > 0)
        {
            html.Append(CultureInfo.InvariantCulture, $"""
                <p class="soft">Tesseract read {figures.SecondReaderPatches} of the patches, four times as large, as blocks
                of text.</p>

                """);
        }

        AppendSweep(html, figures);
        AppendPatches(html, figures, shown);
        AppendPage(html, figures, shown[0]);
        return html.Append("</body>\n</html>\n").ToString();
    }

    private static void AppendSweep(StringBuilder html, JpegFigures figures)
    {
        if (SweepChart(figures) is not { } chart)
            return;
        html.Append("<h2>The sweep over λ</h2>\n").Append(CultureInfo.InvariantCulture, $"""
            <p class="soft">D1 is trained with λ · squared error + (1 − λ) · thresholded DCT loss.
            {Text(figures.Sweep!.Description)}</p>
            {chart.Svg()}
            <div class="scroll"><table><thead>
            """);
        AppendRow(html, "th", "", "λ", "accuracy", "PSNR, dB");
        html.Append("</thead><tbody>\n");
        foreach (SweepPoint point in figures.Sweep.Points.OrderBy(p => p.Lambda))
            AppendRow(html, "td", "", Number(point.Lambda, "0.##"), Number(point.Accuracy, "f4"), Number(point.Psnr, "f2"));
        html.Append("</tbody></table></div>\n");
    }

    private static void AppendPatches(StringBuilder html, JpegFigures figures, IReadOnlyList<ShownPage> shown)
    {
        html.Append("<h2>Patches (the paper's Figure 9)</h2>\n");
        foreach (ShownPage page in shown)
        {
            html.Append("<div class=\"row\">\n");
            for (int i = 0; i < figures.Rows.Count; i++)
            {
                Picture patch = page.Pictures[i].Crop(page.Patch);
                AppendFigure(
                    html, Resampling.Resize(patch, Zoom * patch.Width, Zoom * patch.Height), figures.Rows[i].Name, "",
                    page.Texts[i]);
            }

            html.Append("</div>\n");
        }
    }

    private static void AppendPage(StringBuilder html, JpegFigures figures, ShownPage page)
    {
        html.Append("<h2>A page (the paper's Figure 10)</h2>\n<div class=\"row\">\n");
        for (int i = 0; i < figures.Rows.Count; i++)
        {
            string bytes = i == 0
                ? string.Create(CultureInfo.InvariantCulture, $", {page.File.Length:N0} bytes")
                : "";
            html.Append(CultureInfo.InvariantCulture, $"""
                <figure>{Image(page.Pictures[i], figures.Rows[i].Name)}
                <figcaption><b>{Text(figures.Rows[i].Name)}</b>{bytes}</figcaption></figure>

                """);
        }

        html.Append("</div>\n");
    }
}
