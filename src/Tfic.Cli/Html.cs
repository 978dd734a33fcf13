using System.Globalization;
using System.Net;
using System.Text;
using Tfic.Imaging;

namespace Tfic.Cli;

/// <summary>What pages are made of: each is one file that needs nothing else, with pictures inside and no scripts.</summary>
internal static class Html
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

    /// <summary>The page's beginning, up to its body.</summary>
    public static string Head(string title) => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{Text(title)}</title>
        <style>
        {Style}
        </style>
        </head>
        <body>

        """;

    /// <summary>A picture inside the page.</summary>
    public static string Image(Picture picture, string description)
    {
        using var png = new MemoryStream();
        PngWriter.Write(png, picture);
        return $"<img src=\"data:image/png;base64,{Convert.ToBase64String(png.ToArray())}\" " +
            $"width=\"{picture.Width}\" height=\"{picture.Height}\" alt=\"{Text(description)}\">";
    }

    /// <summary>A picture with its name, a remark and the text that was read from it.</summary>
    public static void AppendFigure(StringBuilder html, Picture picture, string name, string remark, string text) =>
        html.Append(CultureInfo.InvariantCulture, $"""
            <figure>{Image(picture, name)}
            <figcaption><b>{Text(name)}</b>{Text(remark)}
            <span class="read">{(text.Length > 0 ? Text(text) : "(nothing read)")}</span></figcaption></figure>

            """);

    /// <summary>A table's row, of cells "td" or "th".</summary>
    public static void AppendRow(StringBuilder html, string tag, string attributes, params ReadOnlySpan<string> cells)
    {
        html.Append(CultureInfo.InvariantCulture, $"<tr{attributes}>");
        foreach (string cell in cells)
            html.Append(CultureInfo.InvariantCulture, $"<{tag}>{Text(cell)}</{tag}>");
        html.Append("</tr>\n");
    }

    /// <summary>Text as HTML.</summary>
    public static string Text(string text) => WebUtility.HtmlEncode(text);
}
