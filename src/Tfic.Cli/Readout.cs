using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Tfic.Imaging;
using Tfic.Reading;

namespace Tfic.Cli;

/// <summary>A word that was read on a page.</summary>
/// <param name="Text">Its characters.</param>
/// <param name="Confidence">0…1.</param>
/// <param name="Box">x, y, width and height in pixels of the picture read.</param>
/// <param name="Characters">Confidence of each character, 0…1.</param>
internal sealed record ReadoutWord(string Text, double Confidence, int[] Box, double[] Characters)
{
    public static ReadoutWord Of(PageTextWord word) =>
        new(word.Text, word.Confidence, Numbers(word.Box), [.. word.Characters]);

    /// <summary>A box as all formats have it.</summary>
    public static int[] Numbers(Box box) => [box.Left, box.Top, box.Width, box.Height];
}

/// <summary>One line of text that was read.</summary>
/// <param name="Text">Its characters.</param>
/// <param name="Confidence">0…1.</param>
/// <param name="Box">x, y, width and height in pixels of the picture read.</param>
/// <param name="Characters">Confidence of each character, 0…1; of a page's line those of its words.</param>
/// <param name="Words">Its words, where the picture was read as a page; otherwise none.</param>
internal sealed record ReadoutLine(
    string Text, double Confidence, int[] Box, double[] Characters, ReadoutWord[] Words)
{
    public static ReadoutLine Of(ReadLine line, Picture picture) => new(
        line.Text, line.Confidence, [0, 0, picture.Width, picture.Height],
        [.. line.Characters.Select(c => c.Confidence)], []);

    public static ReadoutLine Of(PageTextLine line) => new(
        line.Text, line.Confidence, ReadoutWord.Numbers(line.Box), [.. line.Words.SelectMany(word => word.Characters)],
        [.. line.Words.Select(ReadoutWord.Of)]);
}

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

    /// <summary>
    /// A table with a heading: file, line, word, text, confidence, x, y, width, height. Lines and words count from 1; a
    /// line has word 0, and the rows of its words follow.
    /// </summary>
    private sealed class Tsv : ReadoutFormat
    {
        public override string Start => "file\tline\tword\ttext\tconfidence\tx\ty\twidth\theight\n";

        public override string Format(Readout readout) => string.Concat(readout.Lines.Select((line, l) =>
            Row(readout.File, l + 1, 0, line.Text, line.Confidence, line.Box)
            + string.Concat(line.Words.Select((word, w) =>
                Row(readout.File, l + 1, w + 1, word.Text, word.Confidence, word.Box)))));

        private static string Row(string file, int line, int word, string text, double confidence, int[] box) =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Cell(file)}\t{line}\t{word}\t{Cell(text)}\t{confidence:f4}\t{string.Join('\t', box)}\n");

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
    /// hOCR 1.2, as XHTML: an ocr_page for a picture, an ocr_line for a line, an ocrx_word for a word of a page; with
    /// x_wconf (0…100) for each and x_confs (0…100) for the characters of what holds the text.
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
            <meta name="ocr-capabilities" content="ocr_page ocr_line ocrx_word"/>
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
                string id = $"{page}_{++number}";
                double[] confidences = line.Words.Length > 0 ? [] : line.Characters;
                Open(html, "ocr_line", $"line_{id}", line.Box, line.Confidence, confidences);
                for (int i = 0; i < line.Words.Length; i++)
                {
                    ReadoutWord word = line.Words[i];
                    html.Append(i > 0 ? " " : "");
                    Open(html, "ocrx_word", $"word_{id}_{i + 1}", word.Box, word.Confidence, word.Characters);
                    html.Append(CultureInfo.InvariantCulture, $"{Escape(word.Text)}</span>");
                }

                html.Append(CultureInfo.InvariantCulture, $"{(line.Words.Length > 0 ? "" : Escape(line.Text))}</span>\n");
            }

            return html.Append("</div>\n").ToString();
        }

        private static void Open(
            StringBuilder html, string kind, string id, int[] box, double confidence, double[] characters)
        {
            html.Append(
                CultureInfo.InvariantCulture,
                $"<span class='{kind}' id='{id}' " +
                $"title='bbox {box[0]} {box[1]} {box[0] + box[2]} {box[1] + box[3]}; x_wconf {Percent(confidence)}");
            html.Append(characters.Length > 0 ? $"; x_confs {string.Join(' ', characters.Select(Percent))}'>" : "'>");
        }

        private static string Percent(double confidence) =>
            (100 * confidence).ToString("f0", CultureInfo.InvariantCulture);

        /// <summary>Escapes markup; characters that XML cannot hold at all become U+FFFD.</summary>
        private static string Escape(string text) => WebUtility.HtmlEncode(
            string.Concat(text.Select(c => c < ' ' && c is not ('\t' or '\n' or '\r') ? '\uFFFD' : c)));
    }
}
