using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Tfic.Imaging;
using static Tfic.Cli.Html;
using static Tfic.Cli.TextTable;

namespace Tfic.Cli.Demo;

/// <summary>Writes the report as one HTML file that needs nothing else: pictures inside, no scripts.</summary>
internal static class DemoPage
{
    public static string Write(IReadOnlyList<PictureReport> reports)
    {
        var html = new StringBuilder();
        html.Append(Html.Head("Tfic: what comes back"));
        html.Append($"""
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
                <p>This picture does not have the shape of one line of text, so nothing is read from it here, but
                compressed all the same. <code>tfic read</code> reads pages; give a picture of one line to see it read
                here.</p>

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

    private static string Qualities(int number) => number switch
    {
        1 => "one quality",
        2 => "two qualities",
        3 => "three qualities",
        _ => string.Create(CultureInfo.InvariantCulture, $"{number} qualities"),
    };

    private static string Bpp(PictureReport report, int bytes) => Number(report.Bpp(bytes), "f3");
}
