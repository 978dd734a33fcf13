using System.Text.RegularExpressions;

namespace Tfic.Cli.Tests;

[Collection(nameof(Fixture))]
public partial class DemoTests(Fixture fixture)
{
    private string[] Models => ["--codec", fixture.Codec, "--recogniser", fixture.Recogniser];

    [Fact]
    public void The_page_holds_everything_and_needs_nothing()
    {
        using var folder = new TemporaryFolder();
        Command.Result result = Command.Run(
            ["demo", fixture.Line, "-q", "1", "4", "-o", folder["demo.html"], .. Models]).Ok();
        Assert.Equal(["demo.html"], folder.Names);
        string html = File.ReadAllText(folder["demo.html"]);
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);
        Assert.DoesNotContain("http", html, StringComparison.Ordinal);

        // The original, and for two qualities Tfic, JPEG and downscaled JPEG, all as large as the original.
        MatchCollection pictures = DataUri().Matches(html);
        Assert.Equal(1 + 2 * 3, pictures.Count);
        foreach (Match match in pictures)
        {
            Imaging.Picture picture = PictureFile.Read(Convert.FromBase64String(match.Groups[1].Value));
            Assert.Equal((100, 40), (picture.Width, picture.Height));
        }

        Assert.Equal(
            PictureFile.Read(fixture.Line).Samples,
            PictureFile.Read(Convert.FromBase64String(pictures[0].Groups[1].Value)).Samples);
        string[] rows = result.Text.TrimEnd('\n').Split('\n');
        Assert.Equal(1 + 1 + 2 * 3, rows.Length);
        foreach (string row in rows.Skip(1))
            Assert.Contains($">{row.Split('\t')[2]}<", html, StringComparison.Ordinal);
        Assert.Contains("Downscaled JPEG", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_picture_it_shows_its_own()
    {
        using var folder = new TemporaryFolder();
        string text = Command.Run(["demo", "-q", "3", "-o", folder["demo.html"], .. Models]).Ok().Text;
        string[] rows = text.TrimEnd('\n').Split('\n')[1..];
        Assert.Equal(2, rows.Select(r => r.Split('\t')[0]).Distinct().Count());
        Assert.Contains("It says:", File.ReadAllText(folder["demo.html"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_of_several_lines_is_compressed_and_not_read()
    {
        using var folder = new TemporaryFolder();
        string page = folder.Write("page & more.png", Fixture.Png(Fixture.Stripes(90, 130, 3)));
        Command.Result result = Command.Run(["demo", page, "-q", "3", "-o", folder["demo.html"], .. Models]).Ok();
        Assert.Contains("tfic read", result.Error, StringComparison.Ordinal);
        string html = File.ReadAllText(folder["demo.html"]);
        Assert.Contains("tfic read", html, StringComparison.Ordinal);
        Assert.Contains("page &amp; more.png", html, StringComparison.Ordinal);
        Assert.DoesNotContain("class=\"read", html, StringComparison.Ordinal);
    }

    [GeneratedRegex("src=\"data:image/png;base64,([^\"]+)\"")]
    private static partial Regex DataUri();
}
