using System.Text.Json;
using System.Xml.Linq;
using Tfic.Cli.Paper;

namespace Tfic.Cli.Tests;

[Collection(nameof(Fixture))]
public class PaperTests(Fixture fixture)
{
    private static PaperPoint Point(double bpp, double accuracy) => new("", bpp, accuracy, 20, null, null);

    [Theory]
    [InlineData(0.8, 0.02)]
    [InlineData(0.7, 0.0141421356)]
    [InlineData(0.85, 0.028284271)]
    public void Bits_for_an_accuracy_lie_between_the_points_around_it(double accuracy, double expected)
    {
        PaperPoint[] points = [Point(0.04, 0.9), Point(0.01, 0.6), Point(0.03, 0.7), Point(0.02, 0.8)];
        Assert.Equal(expected, TficPage.BitsFor(accuracy, points)!.Value, 1e-6);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.95)]
    public void Outside_the_measured_range_nothing_is_claimed(double accuracy) =>
        Assert.Null(TficPage.BitsFor(accuracy, [Point(0.01, 0.6), Point(0.02, 0.8)]));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_chart_is_an_svg_with_every_point_inside_its_frame(bool logarithmic)
    {
        (double, double)[] points = [(0.003, 0.2), (0.02, 0.91), (0.3, 0.9999)];
        var chart = new Chart(
            "a < b", "x", "y", [new Curve("one & two", points, 0), new Curve("three", [(0.05, 0.5)], 9, true)],
            logarithmic, ("level", 1.02));
        XElement svg = XElement.Parse(chart.Svg());
        XElement[] circles = [.. svg.Descendants().Where(e => e.Name.LocalName == "circle")];
        Assert.Equal(4, circles.Length);
        foreach (XElement circle in circles)
        {
            Assert.InRange((double)circle.Attribute("cx")!, 60, Chart.Width - 180);
            Assert.InRange((double)circle.Attribute("cy")!, 35, Chart.Height - 50);
        }

        double[] heights = [.. circles.Take(3).Select(c => (double)c.Attribute("cy")!)];
        Assert.True(heights[0] > heights[1] && heights[1] > heights[2], "higher values stand higher");
    }

    [Fact]
    public void A_chart_of_a_single_point_has_a_frame_around_it() =>
        Assert.Contains("<circle", new Chart("t", "x", "y", [new Curve("c", [(1, 1)], 0)]).Svg(), StringComparison.Ordinal);

    [Fact]
    public void A_training_log_becomes_a_chart_a_figure()
    {
        string[] log =
        [
            "step\tseconds\tloss\tctc", "50\t1\t0.5\tNaN", "# step 50: q1 0.1 bpp", "100\t2\t0.4\tNaN",
            "150\t3\t0.3\tNaN",
        ];
        XElement svg = XElement.Parse(TrainingCurves.Svg(log)!);
        Assert.Equal(3, svg.Descendants().Count(e => e.Name.LocalName == "circle"));
        Assert.Null(TrainingCurves.Svg(log[..2]));
    }

    [SkippableFact]
    public void The_experiment_writes_its_report()
    {
        Skip.IfNot(SynthTests.CanDraw(), "needs FreeType and an installed font in every split");
        using var folder = new TemporaryFolder();
        Command.Result result = Command.Run(
            ["paper", "tfic", "-o", folder["report"], "--lines", "2", "--no-tools", "-q", "2", "5", "-j", "1"]).Ok();
        Assert.Contains("Figure 3", File.ReadAllText(folder["report/report.html"]), StringComparison.Ordinal);
        XElement.Parse(File.ReadAllText(folder["report/figure3.svg"]));
        XElement.Parse(File.ReadAllText(folder["report/figure5.svg"]));
        using JsonDocument figures = JsonDocument.Parse(File.ReadAllText(folder["report/figures.json"]));
        JsonElement curves = figures.RootElement.GetProperty("curves");
        Assert.Equal(3, curves.GetArrayLength());
        foreach (JsonElement curve in curves.EnumerateArray().Take(2))
        {
            JsonElement[] points = [.. curve.GetProperty("points").EnumerateArray()];
            Assert.Equal(2, points.Length);
            Assert.True(points[0].GetProperty("bpp").GetDouble() < points[1].GetProperty("bpp").GetDouble());
        }

        Assert.Contains("ratio", result.Error, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_experiment_on_jpeg_writes_its_report(bool whole)
    {
        Skip.IfNot(SynthTests.CanDraw(), "needs FreeType and an installed font in every split");
        using var folder = new TemporaryFolder();
        string prose = string.Concat(Enumerable.Range(0, 400).Select(i => $"Paragraph {i} says: the number {i * i} is square.\n\n"));
        string book = folder.Write("book.txt", System.Text.Encoding.UTF8.GetBytes(prose));
        string sweep = folder.Write("sweep.json", [..
            """
            {"description": "Short runs.", "points": [{"lambda": 1, "accuracy": 0.5, "psnr": null},
            {"lambda": 0.5, "accuracy": 0.75, "psnr": 19.5}]}
            """u8]);
        string[] models = ["--restorer", fixture.Restorer, "--recogniser", fixture.Recogniser];
        string[] parts = whole
            ? ["--word-restorer", fixture.WordRestorer, "--detector", fixture.Detector, "--sweep", sweep]
            : ["--d1-only", "--true-places"];
        Command.Result Run(string output, string jobs) => Command.Run(
            ["paper", "jpeg", "-o", folder[output], "--text", book, "--patches", "12", "--no-tools", "-j", jobs, .. models, .. parts]);
        Run("report", "1").Ok();
        Run("again", "3").Ok();
        Assert.Equal(File.ReadAllBytes(folder["report/figures.json"]), File.ReadAllBytes(folder["again/figures.json"]));
        Assert.Equal(File.ReadAllBytes(folder["report/report.html"]), File.ReadAllBytes(folder["again/report.html"]));

        JpegFigures figures = JsonSerializer.Deserialize(
            File.ReadAllBytes(folder["report/figures.json"]), JpegFiguresJson.Default.JpegFigures)!;
        Assert.Equal(12, figures.Patches);
        Assert.InRange(figures.Pages, 2, 12);
        Assert.True(figures.Words > 50);
        Assert.Equal(whole ? 4 : 3, figures.Rows.Count);
        Assert.Null(figures.Rows[^1].Psnr);
        Assert.All(figures.Rows, row => Assert.Equal(whole, row.Found is not null && row.Recall is not null));
        Assert.All(figures.Rows, row => Assert.InRange(row.TruePlaces.Patches, 0, 1));

        string html = File.ReadAllText(folder["report/report.html"]);
        Assert.Contains("Figure 9", html, StringComparison.Ordinal);
        Assert.Contains("Figure 10", html, StringComparison.Ordinal);
        Assert.Equal(whole, html.Contains("The sweep over λ", StringComparison.Ordinal));
        Tfic.Imaging.Picture page = PictureFile.Read(folder["report/page.jpg"]);
        Assert.Equal(1, page.Channels);
        Assert.Equal(page.PixelCount, PictureFile.Read(folder["report/page-restored.png"]).PixelCount);
        if (whole)
            XElement.Parse(File.ReadAllText(folder["report/sweep.svg"]));
    }

    [Fact]
    public void A_sweep_that_is_none_is_refused()
    {
        using var folder = new TemporaryFolder();
        string book = folder.Write("book.txt", [.. "Some words."u8]);
        foreach (string json in new[] { "null", "[]", "{\"points\": []}", "{", "{\"description\": null, \"points\": []}", "{\"description\": \"x\", \"points\": [null]}" })
        {
            string sweep = folder.Write("sweep.json", System.Text.Encoding.UTF8.GetBytes(json));
            Command.Run("paper", "jpeg", "-o", folder["report"], "--text", book, "--sweep", sweep)
                .Refused(sweep, "is no sweep");
        }
    }
}
