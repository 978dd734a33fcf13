using System.Globalization;
using System.Text.Json;
using System.Xml;
using System.Xml.Linq;
using Tfic.Imaging;
using Tfic.Metrics;
using Tfic.Networks;
using Tfic.Reading;
using Tfic.Synthesis;

namespace Tfic.Cli.Tests;

[Collection(nameof(Fixture))]
public class ReadTests(Fixture fixture)
{
    private string[] Models => ["--recogniser", fixture.Recogniser, "--codec", fixture.Codec, "--detector", fixture.Detector];

    [Fact]
    public void Text_of_a_picture_from_file_and_from_standard_input()
    {
        string text = Command.Run(["read", fixture.Line, .. Models]).Ok().Text;
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        Assert.Single(text.TrimEnd('\n').Split('\n'));
        Assert.Equal(text, Command.Run(File.ReadAllBytes(fixture.Line), ["read", "-", .. Models]).Ok().Text);
    }

    [Fact]
    public void A_published_recogniser_reads_lines_and_pages()
    {
        using var folder = new TemporaryFolder();
        string[] models = ["--recogniser", fixture.WordRecogniser, "--detector", fixture.Detector];
        ReadLine expected = new LineReader(RecogniserModel.Load(File.ReadAllBytes(fixture.WordRecogniser)))
            .Read(PictureFile.Read(File.ReadAllBytes(fixture.Line)));
        using JsonDocument json = JsonDocument.Parse(
            Command.Run(["read", fixture.Line, "--layout", "line", "--format", "json", .. models]).Ok().Text);
        JsonElement line = json.RootElement[0].GetProperty("lines")[0];
        Assert.Equal(expected.Text, line.GetProperty("text").GetString());
        Assert.Equal(expected.Confidence, line.GetProperty("confidence").GetDouble(), 1e-3);
        Command.Run(["read", fixture.Line, "--layout", "page", .. models]).Ok();
        Command.Run("read", fixture.Line, "--recogniser", folder.Write("short.pth", "PK\x03\x04"u8.ToArray())).Refused("short.pth");
    }

    [Fact]
    public void A_tfic_file_reads_as_the_picture_it_decodes_to()
    {
        using var folder = new TemporaryFolder();
        Command.Run("decode", fixture.Packed, "-o", folder["a.png"], "--codec", fixture.Codec).Ok();
        Assert.Equal(
            Command.Run(["read", folder["a.png"], .. Models]).Ok().Text,
            Command.Run(["read", fixture.Packed, .. Models]).Ok().Text);
    }

    [Fact]
    public void Tsv_has_a_heading_and_a_row_a_line()
    {
        string[] rows = Command.Run(["read", fixture.Line, fixture.Packed, "--format", "tsv", .. Models])
            .Ok().Text.TrimEnd('\n').Split('\n');
        Assert.Equal("file\tline\tword\ttext\tconfidence\tx\ty\twidth\theight", rows[0]);
        Assert.Equal(3, rows.Length);
        string[] cells = rows[1].Split('\t');
        Assert.Equal(fixture.Line, cells[0]);
        Assert.Equal(["1", "0"], cells[1..3]);
        Assert.InRange(double.Parse(cells[4], CultureInfo.InvariantCulture), 0, 1);
        Assert.Equal(["0", "0", "100", "40"], cells[5..]);
        Assert.StartsWith(fixture.Packed + "\t", rows[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Json_parses_back()
    {
        string text = Command.Run(["read", fixture.Line, "--format", "txt", .. Models]).Ok().Text.TrimEnd('\n');
        using JsonDocument json = JsonDocument.Parse(
            Command.Run(["read", fixture.Line, fixture.Packed, "--format", "json", .. Models]).Ok().Text);
        Assert.Equal(2, json.RootElement.GetArrayLength());
        JsonElement picture = json.RootElement[0];
        Assert.Equal(fixture.Line, picture.GetProperty("file").GetString());
        Assert.Equal(100, picture.GetProperty("width").GetInt32());
        JsonElement line = Assert.Single(picture.GetProperty("lines").EnumerateArray());
        Assert.Equal(text, line.GetProperty("text").GetString());
        Assert.InRange(line.GetProperty("confidence").GetDouble(), 0, 1);
        Assert.Equal([0, 0, 100, 40], line.GetProperty("box").EnumerateArray().Select(b => b.GetInt32()));
        Assert.Equal(text.Length, line.GetProperty("characters").GetArrayLength());
    }

    [Fact]
    public void Hocr_is_xml_with_pages_and_lines()
    {
        using var folder = new TemporaryFolder();
        string odd = folder.Write("a & <b> \"c\".png", File.ReadAllBytes(fixture.Line));
        string text = Command.Run(["read", odd, .. Models]).Ok().Text.TrimEnd('\n');
        string hocr = Command.Run(["read", odd, fixture.Packed, "--format", "hocr", .. Models]).Ok().Text;
        using var reader = XmlReader.Create(
            new StringReader(hocr), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        XElement html = XDocument.Load(reader).Root!;
        XNamespace ns = "http://www.w3.org/1999/xhtml";
        Assert.Equal(ns + "html", html.Name);
        Assert.Contains(html.Descendants(ns + "meta"), m => (string?)m.Attribute("name") == "ocr-system");
        XElement[] pages = [.. html.Descendants(ns + "div").Where(d => (string?)d.Attribute("class") == "ocr_page")];
        Assert.Equal(2, pages.Length);
        Assert.Equal($"image \"{odd}\"; bbox 0 0 100 40; ppageno 0", (string?)pages[0].Attribute("title"));
        XElement line = Assert.Single(pages[0].Elements(ns + "span"));
        Assert.Equal("ocr_line", (string?)line.Attribute("class"));
        Assert.Matches(@"^bbox 0 0 100 40; x_wconf \d+(; x_confs( \d+)+)?$", (string?)line.Attribute("title"));
        Assert.Equal(text, line.Value);
        string[] ids = [.. html.Descendants().Attributes("id").Select(a => a.Value)];
        Assert.Equal(["page_1", "line_1_1", "page_2", "line_2_1"], ids);
    }

    [Fact]
    public void A_folder_keeps_its_order_on_several_threads()
    {
        using var folder = new TemporaryFolder();
        for (int i = 0; i < 6; i++)
            folder.Write($"p{i}.png", Fixture.Png(Fixture.Stripes(400 - 60 * i, 32, 1)));
        string[] rows = Command.Run(["read", folder.Path, "-j", "3", "--format", "tsv", .. Models])
            .Ok().Text.TrimEnd('\n').Split('\n');
        Assert.Equal(
            Enumerable.Range(0, 6).Select(i => folder[$"p{i}.png"]), rows.Skip(1).Select(r => r.Split('\t')[0]));
        Assert.Equal(rows, Command.Run(["read", folder.Path, "-j", "1", "--format", "tsv", .. Models])
            .Ok().Text.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void To_a_file_with_one_bad_input_keeps_the_rest()
    {
        using var folder = new TemporaryFolder();
        string bad = folder.Write("bad.png", [1]);
        Command.Result result = Command.Run(
            ["read", fixture.Line, bad, "--format", "json", "-o", folder["a.json"], .. Models]).Ended(1);
        Assert.Contains(bad, result.Error, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(folder["a.json"]));
        Assert.Equal(1, json.RootElement.GetArrayLength());

        Command.Run(["read", bad, "--format", "json", "-o", folder["b.json"], .. Models]).Refused(bad);
        Assert.Equal(["a.json", "bad.png"], folder.Names);
        Assert.Empty(Command.Run(["read", bad, "--format", "json", .. Models]).Refused(bad).Output);
    }

    [Fact]
    public void Lines_and_pages_are_told_apart_by_their_shape_or_by_an_option()
    {
        using var folder = new TemporaryFolder();
        string page = folder.Write("page.png", Fixture.Png(Fixture.Stripes(120, 160, 1)));
        string[] Rows(string file, params string[] layout) => Command.Run(
            ["read", file, "--format", "tsv", .. layout, .. Models]).Ok().Text.TrimEnd('\n').Split('\n')[1..];
        Assert.EndsWith("\t0\t0\t120\t160", Assert.Single(Rows(page, "--layout", "line")), StringComparison.Ordinal);
        Assert.Equal(Rows(page, "--layout", "page"), Rows(page));
        Assert.Equal(Rows(fixture.Line, "--layout", "line"), Rows(fixture.Line));
        Assert.DoesNotContain(
            Rows(page), row => row.EndsWith("\t0\t0\t120\t160", StringComparison.Ordinal));
        Command.Run(["read", page, "--layout", "book", .. Models]).Refused("book");
    }

    [Fact]
    public void Without_a_usable_detector_lines_are_read_and_pages_are_not()
    {
        using var folder = new TemporaryFolder();
        string page = folder.Write("page.png", Fixture.Png(Fixture.Stripes(120, 160, 1)));
        string[] models = ["--recogniser", fixture.Recogniser, "--detector", fixture.Recogniser];
        Command.Run(["read", fixture.Line, .. models]).Ok();
        Assert.Contains(
            "detector", Command.Run(["read", page, .. models]).Refused(fixture.Recogniser).Error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_drawn_page_is_read_word_for_word_in_every_format()
    {
        Page drawn = Draw();
        using var folder = new TemporaryFolder();
        string page = folder["page.png"];
        PictureFile.Write(page, drawn.Picture);
        string[] Read(string format) => Command.Run("read", page, "--format", format).Ok().Text.TrimEnd('\n').Split('\n');

        string truth = string.Join('\n', drawn.Lines.Select(line => line.Text));
        string[] text = Read("txt");
        Assert.True(TextAccuracy.Accuracy(truth, string.Join('\n', text)) > 0.9, string.Join('\n', text));
        Assert.Equal(drawn.Lines.Length, text.Length);

        // Rows of lines and of their words say the same, and the words stand where they were drawn.
        string[][] rows = [.. Read("tsv").Skip(1).Select(row => row.Split('\t'))];
        Assert.Equal(text, rows.Where(row => row[2] == "0").Select(row => row[3]));
        Assert.Equal(text, rows.Where(row => row[2] != "0").GroupBy(row => row[1], row => row[3])
            .Select(line => string.Join(' ', line)));
        Box[] found = [.. rows.Where(row => row[2] != "0").Select(row => Array.ConvertAll(row[5..], int.Parse))
            .Select(b => new Box(b[0], b[1], b[0] + b[2], b[1] + b[3]))];
        Box[] words = [.. drawn.Lines.SelectMany(line => line.Words).Select(word => word.Box)];
        Assert.True(DetectionCounts.Of(words, found).F > 0.85, $"{DetectionCounts.Of(words, found)}");

        using JsonDocument json = JsonDocument.Parse(string.Join('\n', Read("json")));
        JsonElement[] lines = [.. json.RootElement[0].GetProperty("lines").EnumerateArray()];
        Assert.Equal(text, lines.Select(line => line.GetProperty("text").GetString()));
        Assert.Equal(text, lines.Select(line => string.Join(
            ' ', line.GetProperty("words").EnumerateArray().Select(word => word.GetProperty("text").GetString()))));

        using var reader = XmlReader.Create(
            new StringReader(string.Join('\n', Read("hocr"))),
            new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        XElement[] spans = [.. XDocument.Load(reader).Root!.Descendants()
            .Where(element => (string?)element.Attribute("class") == "ocr_line")];
        Assert.Equal(text, spans.Select(span => span.Value));
        Assert.All(spans, span => Assert.All(
            span.Elements(), word => Assert.Equal("ocrx_word", (string?)word.Attribute("class"))));
    }

    private static Page Draw()
    {
        try
        {
            FontSet fonts = FontSet.Installed();
            Font? font = fonts.Fonts.FirstOrDefault(f => Path.GetFileName(f.Path) == "DejaVuSans.ttf");
            Skip.If(font is null, "The font DejaVu Sans is not installed (apt install fonts-dejavu-core).");
            BookText text = BookText.From(string.Join(' ', Enumerable.Repeat("The clocks of the town were striking nine", 20)));
            var options = new PageOptions { Width = 420, Height = 300, FontSize = new(18, 18), LineSpacing = new(1.3, 1.3) };
            return new PageGenerator(options, FontSet.FromFiles([font.Path]), text, 1).Draw(0);
        }
        catch (DllNotFoundException)
        {
            throw new SkipException("FreeType is not installed.");
        }
    }
}
