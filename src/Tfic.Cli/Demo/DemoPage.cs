using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using Tfic.Imaging;

namespace Tfic.Cli.Demo;

/// <summary>Writes the report as one HTML file that needs nothing else: pictures inside, no scripts.</summary>
internal static class DemoPage
{
    private const string Style = """
        :root { color-scheme: light dark; --ink: #1d1d1b; --soft: #63625d; --paper: #fbfaf7; --card: #fff;
          --line: #dedbd3; --good: #20692f; --bad: #a32c20; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e9e6df; --soft: #a19d93; --paper: #171614;
          --card: #211f1c; --line: #3a3732; --good: #7fce8d; --bad: #ef8f82; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; padding: 3rem 1.5rem 4rem; max-width: 76rem; background: var(--paper);
          color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.015em; }
        h2 { font-size: 1.35rem; margin: 3.5rem 0 .75rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
        h3 { font-size: 1rem; margin: 2.25rem 0 .75rem; }
        p { max-width: 44rem; margin: .5rem 0; }
        .soft, figcaption, th { color: var(--soft); }
        .row { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem; }
        figure { margin: 0; padding: .75rem; background: var(--card); border: 1px solid var(--line);
          border-radius: .5rem; min-width: 0; }
        figure.original { max-width: 42rem; }
        img { display: block; width: auto; height: auto; max-width: 100%; max-height: 32rem; margin: 0 auto .6rem; }
        figcaption { font-size: .875rem; }
        figcaption b { color: var(--ink); }
        .read { display: block; margin-top: .35rem; padding: .3rem .5rem; border-radius: .25rem; color: var(--ink);
          background: color-mix(in srgb, var(--line) 45%, transparent); overflow-wrap: anywhere; white-space: pre-wrap;
          min-height: 1.9em; font: .9375rem/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono",
          monospace; }
        .right { color: var(--good); } .wrong { color: var(--bad); }
        .scroll { overflow-x: auto; margin-top: 1.5rem; }
        table { border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
        th, td { padding: .35rem .75rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
        th { font-weight: 500; } th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
        tr.first td { border-top: 2px solid var(--line); }
        footer { margin-top: 3.5rem; border-top: 1px solid var(--line); padding-top: 1rem; font-size: .875rem; }
        """;

    public static string Write(IReadOnlyList<PictureReport> reports)
    {
        var html = new StringBuilder();
        html.Append($"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Tfic: what comes back</title>
            <style>
            {Style}
            </style>
            </head>
            <body>
            <h1>A picture goes in, a few bytes come out, the text comes back</h1>
            <p class="soft">Each picture below was compressed by Tfic at {Qualities(reports[0].Rates.Count)},
            and by JPEG to the nearest size it can reach, at full size and made smaller first.{(reports.Any(r => r.IsLine)
                ? " Then the same reader read the text from all of them."
                : "")} Every size is that of a real file.</p>

            """);
        foreach (PictureReport report in reports)
            Append(html, report);
        html.Append($"""
            <footer class="soft">
            <p>Times are medians of several warm runs on one thread of this machine
            ({RuntimeInformation.ProcessArchitecture}, {Text(RuntimeInformation.FrameworkDescription)}).
            JPEG is baseline with 4:2:0 chroma and Huffman codes fitted to the picture. Downscaled JPEG includes the time to make the picture smaller and to enlarge it again; where several factors
            reach the size within 5 %, the one most like the original by PSNR is shown. Accuracy is 1 − edit distance ÷
            length of the longer text, over letters and digits.</p>
            </footer>
            </body>
            </html>

            """);
        return html.ToString();
    }

    private static void Append(StringBuilder html, PictureReport report)
    {
        DemoPicture source = report.Source;
        Picture picture = source.Picture;
        html.Append($"<h2>{Text(source.Name)}</h2>\n");
        if (!report.IsLine)
            html.Append("""
                <p>This picture does not have the shape of one line of text, so nothing is read from it here: the
                reader reads one line, and there is no detector of lines yet. The picture is compressed all the same.
                Give a picture of one line to see it read.</p>

                """);
        html.Append($"""
            <figure class="original">{Image(picture, "The original")}
            <figcaption><b>Original</b>, {picture.Width} × {picture.Height} pixels,
            {Number(picture.Samples.Length, "N0")} bytes uncompressed{(source.Truth is null ? "" : $". It says: <b>{Text(source.Truth)}</b>")}
            {Read(report.Text, report.Accuracy)}</figcaption></figure>

            """);
        foreach (IReadOnlyList<CodedPicture> rate in report.Rates)
        {
            html.Append($"""
                <h3>At {Number(rate[0].Bytes, "N0")} bytes, {Bpp(report, rate[0].Bytes)} bits a pixel</h3>
                <div class="row">

                """);
            foreach (CodedPicture coded in rate)
            {
                string remark = coded.Remark.Length > 0 ? $", {Text(coded.Remark)}" : "";
                html.Append($"""
                    <figure>{Image(coded.Decoded, $"{coded.Coder}, {coded.Setting}")}
                    <figcaption><b>{Text(coded.Coder)}</b>, {Text(coded.Setting)}:
                    <b>{Number(coded.Bytes, "N0")} bytes</b>, {Bpp(report, coded.Bytes)} bpp{remark}
                    {Read(coded.Text, coded.Accuracy)}</figcaption></figure>

                    """);
            }

            html.Append("</div>\n");
        }

        AppendTable(html, report);
    }

    private static void AppendTable(StringBuilder html, PictureReport report)
    {
        string accuracy = report.Source.Truth is null ? "same as original’s" : "accuracy";
        int raw = report.Source.Picture.Samples.Length;
        html.Append("<div class=\"scroll\"><table>\n<thead>");
        AppendRow(
            html, "th", "", "coder", "setting", "bytes", "bpp", accuracy, "encode ms", "decode ms", "read ms");
        html.Append("</thead>\n<tbody>\n");
        AppendRow(
            html, "td", "", "original", "uncompressed", Number(raw, "N0"), Bpp(report, raw),
            Number(report.Accuracy, "f2"), "–", "–", Number(report.ReadMs, "f1"));
        foreach (IReadOnlyList<CodedPicture> rate in report.Rates)
        {
            foreach (CodedPicture c in rate)
                AppendRow(
                    html, "td", c == rate[0] ? " class=\"first\"" : "", c.Coder, c.Setting, Number(c.Bytes, "N0"),
                    Bpp(report, c.Bytes), Number(c.Accuracy, "f2"), Number(c.EncodeMs, "f1"), Number(c.DecodeMs, "f1"),
                    Number(c.ReadMs, "f1"));
        }

        html.Append("</tbody></table></div>\n");
    }

    private static void AppendRow(StringBuilder html, string tag, string attributes, params string[] cells)
    {
        html.Append($"<tr{attributes}>");
        foreach (string cell in cells)
            html.Append($"<{tag}>{Text(cell)}</{tag}>");
        html.Append("</tr>\n");
    }

    private static string Read(string? text, double? accuracy)
    {
        if (text is null)
            return "";
        string verdict = accuracy switch
        {
            null => "",
            1.0 => " right",
            < 0.5 => " wrong",
            _ => "",
        };
        return $"<span class=\"read{verdict}\">{(text.Length > 0 ? Text(text) : "(nothing read)")}</span>";
    }

    private static string Image(Picture picture, string description)
    {
        using var png = new MemoryStream();
        PngWriter.Write(png, picture);
        return $"<img src=\"data:image/png;base64,{Convert.ToBase64String(png.ToArray())}\" " +
            $"width=\"{picture.Width}\" height=\"{picture.Height}\" alt=\"{Text(description)}\">";
    }

    private static string Qualities(int number) => number switch
    {
        1 => "one quality",
        2 => "two qualities",
        3 => "three qualities",
        _ => string.Create(CultureInfo.InvariantCulture, $"{number} qualities"),
    };

    private static string Bpp(PictureReport report, int bytes) => Number(report.Bpp(bytes), "f3");

    private static string Number(double? value, string format) =>
        value is { } number && !double.IsNaN(number) ? number.ToString(format, CultureInfo.InvariantCulture) : "–";

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
