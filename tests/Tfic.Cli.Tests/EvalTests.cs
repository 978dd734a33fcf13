using System.Globalization;
using System.Text.Json;
using Tfic.Metrics;

namespace Tfic.Cli.Tests;

[Collection(nameof(Fixture))]
public class EvalTests(Fixture fixture)
{
    private static readonly string[] s_figures =
    [
        "psnr-rgb", "ms-ssim-rgb", "bpp", "encoding_time", "decoding_time", "ocr-accuracy", "ned", "cer", "ocr_time",
        "encode_to_ocr_ratio", "quality",
    ];

    private string[] Models => ["--codec", fixture.Codec, "--recogniser", fixture.Recogniser];

    private static void Label(TemporaryFolder folder, params string[] rows) =>
        File.WriteAllLines(folder["labels.tsv"], rows);

    [Fact]
    public void A_labelled_folder_gives_results_files_and_a_table()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.png", Fixture.Png(Fixture.Stripes(64, 32, 3)));
        folder.Write("b.png", Fixture.Png(Fixture.Stripes(96, 24, 1)));
        Label(folder, "a.png\tHello", "b.png\tWorld\tsome font");
        Command.Result result = Command.Run(
            ["eval", folder.Path, "-q", "1", "4.5", "8", "--jpeg", "-o", folder["results"], "-j", "2", .. Models]).Ok();

        string[] coders =
            ["jpeg-downscaled-2", "jpeg-downscaled-4", "jpeg-downscaled-8", "jpeg", "tfic-codec", "uncompressed"];
        Assert.Equal(
            coders.Select(c => c + ".json"),
            Directory.GetFiles(folder["results"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        int rates = 0;
        foreach (string coder in coders)
        {
            using JsonDocument json = JsonDocument.Parse(File.ReadAllText(folder[$"results/{coder}.json"]));
            Assert.Equal(coder, json.RootElement.GetProperty("name").GetString());
            Assert.Equal("2 labelled pictures", json.RootElement.GetProperty("description").GetString());
            JsonElement figures = json.RootElement.GetProperty("results");
            Assert.Equal(s_figures, figures.EnumerateObject().Select(p => p.Name));
            JsonElement[] qualities = [.. figures.GetProperty("quality").EnumerateArray()];
            foreach (JsonProperty figure in figures.EnumerateObject())
                Assert.Equal(qualities.Length, figure.Value.GetArrayLength());
            rates += qualities.Length;

            // JPEG cannot follow to the lowest rates: its smallest file is there once, not once a target.
            bool jpeg = coder.StartsWith("jpeg", StringComparison.Ordinal);
            Assert.InRange(qualities.Length, coder == "tfic-codec" ? 3 : 1, coder == "uncompressed" ? 1 : 3);
            Assert.True(!jpeg || qualities.Select(q => q.GetDouble()).Distinct().Count() == qualities.Length);
        }

        string[] rows = result.Text.TrimEnd('\n').Split('\n');
        Assert.Equal(1 + rates, rows.Length);
        Assert.StartsWith("coder\tquality\tbpp\t", rows[0], StringComparison.Ordinal);
        Assert.StartsWith("uncompressed\t", rows[1], StringComparison.Ordinal);
        Assert.All(rows, r => Assert.Equal(12, r.Split('\t').Length));
    }

    [Fact]
    public void Figures_are_those_of_the_real_files()
    {
        using var folder = new TemporaryFolder();
        string picture = folder.Write("a.png", Fixture.Png(Fixture.Stripes(64, 32, 3)));
        Label(folder, "a.png\tHello");
        Command.Run(["eval", folder.Path, "-q", "2", "-o", folder["results"], .. Models]).Ok();
        Command.Run("encode", picture, "-q", "2", "-o", folder["a.tfic"], "--codec", fixture.Codec).Ok();
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(folder["results/tfic-codec.json"]));
        double Figure(string name) => json.RootElement.GetProperty("results").GetProperty(name)[0].GetDouble();
        Assert.Equal(8.0 * new FileInfo(folder["a.tfic"]).Length / (64 * 32), Figure("bpp"), 9);
        Command.Run("decode", folder["a.tfic"], "-o", folder["back.png"], "--codec", fixture.Codec).Ok();
        Assert.Equal(
            Psnr.Rgb(PictureFile.Read(picture), PictureFile.Read(folder["back.png"])), Figure("psnr-rgb"), 9);
        string text = Command.Run("read", folder["back.png"], "--recogniser", fixture.Recogniser).Ok().Text.TrimEnd('\n');
        Assert.Equal(TextAccuracy.Accuracy("Hello", text), Figure("ocr-accuracy"), 9);
        Assert.Equal(TextAccuracy.Cer("Hello", text), Figure("cer"), 9);
        Assert.Equal(Figure("encoding_time") / Figure("ocr_time"), Figure("encode_to_ocr_ratio"), 9);
    }

    [SkippableFact]
    public void Drawn_lines()
    {
        Skip.IfNot(SynthTests.CanDraw(), "needs FreeType and an installed font in every split");
        using var folder = new TemporaryFolder();
        string words = folder["words.txt"];
        File.WriteAllLines(words, Enumerable.Range(0, 200).Select(i => $"w{i}"));
        string[] arguments = ["eval", "--lines", "3", "--size", "96x32", "-q", "3", "--words", words, .. Models];

        // All but the times, which come last.
        string[] Figures() =>
            [.. Command.Run(arguments).Ok().Text.Split('\n').SelectMany(r => r.Split('\t').Take(8))];
        Assert.Equal(Figures(), Figures());
    }

    [Fact]
    public void Bad_labels()
    {
        using var folder = new TemporaryFolder();
        string[] Arguments(string path) => ["eval", path, "-q", "3", "-o", folder["results"], .. Models];
        Command.Run(Arguments(folder["none"])).Refused(folder["none"]);
        Command.Run(Arguments(folder.Path)).Refused(folder.Path, "labels.tsv");
        Label(folder, "a.png Hello");
        Command.Run(Arguments(folder.Path)).Refused("labels.tsv", "line 1");
        Label(folder);
        Command.Run(Arguments(folder.Path)).Refused("labels.tsv", "names no picture");
        folder.Write("a.png", Fixture.Png(Fixture.Stripes(64, 32, 3)));
        Label(folder, "a.png\tHello", "b.png\tWorld");
        Command.Result result = Command.Run(Arguments(folder.Path)).Ended(1);
        Assert.Contains(folder["b.png"], result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
        Assert.DoesNotContain(folder.Names, n => n.EndsWith(".json", StringComparison.Ordinal));
    }

    [Fact]
    public void Two_codecs_of_one_name() => Command.Run(
        "eval", "--codec", fixture.Codec, fixture.Codec, "--recogniser", fixture.Recogniser).Refused("tfic-codec");
}
