using System.Text.Json;
using Tfic.Imaging;

namespace Tfic.Cli.Tests;

[Collection(nameof(Fixture))]
public class ProfileTests(Fixture fixture)
{
    private static readonly string[] s_encoding = ["convert", "g_a", "h_a", "prior", "quantise", "code"];
    private static readonly string[] s_reading = ["resize", "features", "sequence", "predict"];

    [Fact]
    public void Every_stage_is_timed_and_stages_add_up()
    {
        using var folder = new TemporaryFolder();
        string json = folder["profile.json"], trace = folder["trace.json"];
        string table = Command.Run(
            "profile", "-n", "3", "--codec", fixture.Codec, "--recogniser", fixture.Recogniser, "--json", json, "--trace",
            trace).Ok().Text;
        foreach (string stage in s_encoding.Concat(s_reading))
            Assert.Contains($"\n  {stage}\t", table, StringComparison.Ordinal);

        using JsonDocument profile = JsonDocument.Parse(File.ReadAllText(json));
        Assert.Equal(3, profile.RootElement.GetProperty("pictures").GetInt32());
        Assert.True(profile.RootElement.GetProperty("peaks").GetProperty("float32").GetDouble() > 1e8);
        foreach ((string part, string[] stages) in new[] { ("encode", s_encoding), ("read", s_reading) })
        {
            JsonElement own = profile.RootElement.GetProperty(part);
            JsonElement[] rows = [.. own.GetProperty("stages").EnumerateArray()];
            Assert.Equal(stages, rows.Select(row => row.GetProperty("name").GetString()));
            double whole = Mean(own.GetProperty("whole")), sum = rows.Sum(Mean);
            Assert.True(sum > 0 && sum <= whole * 1.001, $"{part}: {sum} of {whole}");
            Assert.Contains(rows, row => row.GetProperty("percent_of_peak").ValueKind == JsonValueKind.Number);
        }

        using JsonDocument events = JsonDocument.Parse(File.ReadAllText(trace));
        JsonElement[] all = [.. events.RootElement.GetProperty("traceEvents").EnumerateArray()];
        Assert.Equal(
            s_encoding.Concat(s_reading).Order(), all.Select(e => e.GetProperty("name").GetString()!).Distinct().Order());
        Assert.All(all, e => Assert.True(e.GetProperty("ts").GetDouble() >= 0 && e.GetProperty("dur").GetDouble() >= 0));
    }

    [Fact]
    public void Tinylic_is_profiled_with_random_weights_and_says_so()
    {
        using var folder = new TemporaryFolder();
        var picture = new Picture(70, 40, 3);
        new Random(1).NextBytes(picture.Samples);
        string file = folder["line.png"], json = folder["profile.json"];
        using (FileStream to = File.Create(file))
            PngWriter.Write(to, picture);
        Command.Result result = Command.Run(
            "profile", file, "--profile", "tinylic", "-n", "1", "--recogniser", fixture.Recogniser, "--json", json).Ok();
        Assert.Contains("random weights", result.Error, StringComparison.Ordinal);
        using JsonDocument profile = JsonDocument.Parse(File.ReadAllText(json));
        foreach ((string part, string[] stages) in new[]
        {
            ("encode", s_encoding), ("decode", (string[])["prior", "code", "g_s"]),
        })
        {
            JsonElement[] rows = [.. profile.RootElement.GetProperty(part).GetProperty("stages").EnumerateArray()];
            Assert.Equal(stages, rows.Select(row => row.GetProperty("name").GetString()));
            foreach (JsonElement row in rows)
            {
                string name = row.GetProperty("name").GetString()!;
                Assert.Equal(
                    name is "g_a" or "h_a" or "prior" or "g_s", row.GetProperty("multiply_adds").GetInt64() > 1_000_000);
            }
        }

        // Weights of something else are no TinyLIC.
        Command.Run("profile", file, "--profile", "tinylic", "-n", "1", "--codec", fixture.Codec).Refused("TinyLIC");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_published_recogniser_and_a_page_have_stages_of_their_own(bool isPage)
    {
        using var folder = new TemporaryFolder();
        string picture = folder["page.png"], json = folder["profile.json"];
        PictureFile.Write(picture, isPage ? Fixture.Stripes(90, 70, 1) : Fixture.Stripes(90, 30, 1));
        Command.Run(
            "profile", picture, "-n", "2", "--codec", fixture.Codec, "--recogniser", fixture.WordRecogniser, "--detector",
            fixture.Detector, "--json", json).Ok();
        using JsonDocument profile = JsonDocument.Parse(File.ReadAllText(json));
        Assert.Equal("TPS-ResNet-BiLSTM-Attn", profile.RootElement.GetProperty("recogniser").GetString());
        string[] found =
        [
            .. profile.RootElement.GetProperty("read").GetProperty("stages").EnumerateArray()
                .Select(row => row.GetProperty("name").GetString()!),
        ];
        if (isPage)
            Assert.Equal("detect", found[0]);
        else
            Assert.Equal(["resize", "rectify", "features", "sequence", "predict"], found);
    }

    private static double Mean(JsonElement row) => row.GetProperty("times").GetProperty("mean_ms").GetDouble();
}
