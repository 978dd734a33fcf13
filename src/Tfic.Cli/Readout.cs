using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tfic.Cli;

/// <summary>One line of text that was read.</summary>
/// <param name="Text">Its characters.</param>
/// <param name="Confidence">0…1.</param>
/// <param name="Box">x, y, width and height in pixels of the picture read.</param>
/// <param name="Characters">Confidence of each character, 0…1.</param>
internal sealed record ReadoutLine(string Text, double Confidence, int[] Box, double[] Characters);

/// <summary>What was read from one picture.</summary>
/// <param name="File">Name of the input.</param>
/// <param name="Width">Width of the picture in pixels.</param>
/// <param name="Height">Height of the picture in pixels.</param>
/// <param name="Lines">Its lines, from top to bottom.</param>
internal sealed record Readout(string File, int Width, int Height, ReadoutLine[] Lines);

[JsonSerializable(typeof(Readout))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class ReadoutJson : JsonSerializerContext;

/// <summary>
/// A text format of results. A document is Start, then the pictures joined by Between, then End, so that results
/// can be written as they come.
/// </summary>
internal abstract class ReadoutFormat
{
    public static readonly string[] Names = ["txt", "tsv", "json", "hocr"];

    public virtual string Start => "";

    public virtual string Between => "";

    public virtual string End => "";

    public abstract string Format(Readout readout);

    public static ReadoutFormat Named(string name) => name switch
    {
        "txt" => new Text(),
        "tsv" => new Tsv(),
        "json" => new Json(),
        "hocr" => new Hocr(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such format."),
    };

    /// <summary>The text alone, a line of the picture a line.</summary>
    private sealed class Text : ReadoutFormat
    {
        public override string Format(Readout readout) =>
            string.Concat(readout.Lines.Select(line => $"{line.Text}\n"));
    }

    /// <summary>A table with a heading: file, text, confidence, x, y, width, height.</summary>
    private sealed class Tsv : ReadoutFormat
    {
        public override string Start => "file\ttext\tconfidence\tx\ty\twidth\theight\n";

        public override string Format(Readout readout) => string.Concat(readout.Lines.Select(line => string.Create(
            CultureInfo.InvariantCulture,
            $"{Cell(readout.File)}\t{Cell(line.Text)}\t{line.Confidence:f4}\t{string.Join('\t', line.Box)}\n")));

        /// <summary>Tabs and line ends would break the table; a file's name may hold them.</summary>
        private static string Cell(string text) => text.Replace('\t', ' ').Replace('\n', ' ').Replace('\r', ' ');
    }

    /// <summary>One array, an object a picture.</summary>
    private sealed class Json : ReadoutFormat
    {
        public override string Start => "[\n";

        public override string Between => ",\n";

        public override string End => "\n]\n";

        public override string Format(Readout readout) =>
            JsonSerializer.Serialize(readout, ReadoutJson.Default.Readout);
    }

    /// <summary>
    /// hOCR 1.2, as XHTML: an ocr_page for a picture, an ocr_line for a line, with x_wconf (0…100) for the line and
    /// x_confs (0…100) for its characters.
    /// </summary>
    private sealed class Hocr : ReadoutFormat
    {
        private int _page;

        public override string Start => """
            <?xml version="1.0" encoding="UTF-8"?>
            <!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
              "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
            <html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
            <head>
            <title>Text read by tfic</title>
            <meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>
            <meta name="ocr-system" content="tfic"/>
            <meta name="ocr-capabilities" content="ocr_page ocr_line"/>
            </head>
            <body>

            """;

        public override string End => "</body>\n</html>\n";

        public override string Format(Readout readout)
        {
            int page = ++_page, number = 0;
            var html = new StringBuilder();
            html.Append(CultureInfo.InvariantCulture, $"<div class='ocr_page' id='page_{page}' title='");
            html.Append(Escape($"image \"{readout.File}\"; bbox 0 0 {readout.Width} {readout.Height}; "));
            html.Append(CultureInfo.InvariantCulture, $"ppageno {page - 1}");
            html.Append("'>\n");
            foreach (ReadoutLine line in readout.Lines)
            {
                int[] b = line.Box;
                string confidences = string.Join(' ', line.Characters.Select(Percent));
                html.Append(
                    CultureInfo.InvariantCulture,
                    $"<span class='ocr_line' id='line_{page}_{++number}' " +
                    $"title='bbox {b[0]} {b[1]} {b[0] + b[2]} {b[1] + b[3]}; x_wconf {Percent(line.Confidence)}");
                html.Append(confidences.Length > 0 ? $"; x_confs {confidences}" : "");
                html.Append($"'>{Escape(line.Text)}</span>\n");
            }

            return html.Append("</div>\n").ToString();
        }

        private static string Percent(double confidence) =>
            (100 * confidence).ToString("f0", CultureInfo.InvariantCulture);

        /// <summary>Escapes markup; characters that XML cannot hold at all become U+FFFD.</summary>
        private static string Escape(string text) => WebUtility.HtmlEncode(
            string.Concat(text.Select(c => c < ' ' && c is not ('\t' or '\n' or '\r') ? '\uFFFD' : c)));
    }
}
