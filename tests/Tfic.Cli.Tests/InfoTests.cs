namespace Tfic.Cli.Tests;

[Collection(nameof(Fixture))]
public class InfoTests(Fixture fixture)
{
    [Fact]
    public void Tells_what_files_hold()
    {
        string text = Command.Run("info", fixture.Line, fixture.Packed, fixture.Codec).Ok().Text;
        Assert.Contains($"{fixture.Line}: picture, 100 × 40 pixels, RGB", text, StringComparison.Ordinal);
        Assert.Contains($"{fixture.Packed}: Tfic, 100 × 40 pixels", text, StringComparison.Ordinal);
        Assert.Contains($"{new FileInfo(fixture.Packed).Length:N0} bytes", text, StringComparison.Ordinal);
        Assert.Contains("quality 3", text, StringComparison.Ordinal);
        Assert.Contains($"{fixture.Codec}: safetensors", text, StringComparison.Ordinal);
        Assert.Contains("profile: compact", text, StringComparison.Ordinal);
    }

    [Fact]
    public void From_standard_input() => Assert.Contains(
        "standard input: Tfic, 100 × 40 pixels",
        Command.Run(File.ReadAllBytes(fixture.Packed), ["info", "-"]).Ok().Text,
        StringComparison.Ordinal);

    [Fact]
    public void Needs_no_weights() =>
        Assert.DoesNotContain("--codec", Command.Run("info", "--help").Ok().Text, StringComparison.Ordinal);
}
