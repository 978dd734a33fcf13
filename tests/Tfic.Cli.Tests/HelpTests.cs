namespace Tfic.Cli.Tests;

public class HelpTests
{
    private static readonly string[] s_verbs =
    [
        "encode", "decode", "read", "info", "synth", "synth lines", "synth pages", "train", "train recogniser",
        "train codec", "eval", "demo", "profile", "verify", "model", "model info", "model import", "model export", "model run",
    ];

    public static TheoryData<string> Verbs => [.. s_verbs];

    [Theory, MemberData(nameof(Verbs))]
    public void Every_verb_has_help_with_examples(string verb)
    {
        Command.Result result = Command.Run([.. verb.Split(' '), "--help"]).Ok();
        Assert.Contains("Usage:", result.Text, StringComparison.Ordinal);
        int examples = result.Text.IndexOf("Examples:\n", StringComparison.Ordinal);
        Assert.True(examples > 0, result.Text);
        Assert.Contains($"  tfic {verb}", result.Text[examples..], StringComparison.Ordinal);
        Assert.Empty(result.Error);
    }

    [Fact]
    public void The_command_lists_its_verbs()
    {
        string help = Command.Run("--help").Ok().Text;
        foreach (string verb in s_verbs.Where(v => !v.Contains(' ', StringComparison.Ordinal)))
            Assert.Contains($"\n  {verb} ", help, StringComparison.Ordinal);
    }

    [Fact]
    public void Version() => Assert.Matches(@"^tfic \d+\.\d+\.\d+\n$", Command.Run("--version").Ok().Text);

    [Theory]
    [InlineData("", "Required command")]
    [InlineData("encod", "'encod'")]
    [InlineData("encode", "--output")]
    [InlineData("encode a.png -o a.tfic --fast", "no option --fast")]
    [InlineData("encode a.png -o a.tfic -q 9", "--quality is 9; it must be a number from 1 to 8")]
    [InlineData("encode a.png -o a.tfic -q high", "--quality is high")]
    [InlineData("encode a.png -o a.tfic -q NaN", "--quality is NaN")]
    [InlineData("encode a.png -o a.tfic --bpp 0", "--bpp is 0")]
    [InlineData("encode a.png -o a.tfic --bytes 1.5", "--bytes is 1.5")]
    [InlineData("encode a.png -o a.tfic -q 2 --bpp 1", "only one of")]
    [InlineData("encode a.png -o a.tfic -j 0", "--jobs is 0")]
    [InlineData("encode a.png -o", "missing for option: '-o'")]
    [InlineData("encode a.png -o a.tfic --base-quality 0", "--base-quality is 0")]
    [InlineData("encode a.png -o a.tfic --base-codec compact", "needs --base-quality")]
    [InlineData("decode a.tfic", "--output")]
    [InlineData("decode a.tfic -o a.png --layer eye", "--layer is eye; it must be text or base")]
    [InlineData("decode a.tfic -o a.png --max-layers 17", "--max-layers is 17; it must be a number from 1 to 16")]
    [InlineData("info a.tfic --max-bytes 0", "--max-bytes is 0")]
    [InlineData("decode a.tfic -o a.png --max-pixels many", "--max-pixels is many")]
    [InlineData("read", "Required argument missing")]
    [InlineData("read a.png --format pdf", "'pdf'")]
    [InlineData("info --all a.tfic", "no option --all")]
    [InlineData("synth", "Required command")]
    [InlineData("synth lines -o x -n 0", "--count is 0")]
    [InlineData("synth lines -o x --size 512", "--size is 512")]
    [InlineData("synth lines -o x --size 0x7", "--size is 0x7")]
    [InlineData("synth lines -o x --split exam", "'exam'")]
    [InlineData("train", "Required command")]
    [InlineData("train codec -o x --stage 3", "--stage is 3")]
    [InlineData("eval -q 1 11", "--quality is 11")]
    [InlineData("demo a.png b.png", "'b.png'")]
    [InlineData("demo --truth", "--truth")]
    public void Bad_usage_ends_with_2_and_points_to_the_help(string arguments, string message)
    {
        Command.Result result = Command.Run(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        result.Refused(message, "--help");
        Assert.Empty(result.Output);
        foreach (string line in result.Error.TrimEnd().Split('\n').Where(l => l[0] != '\t'))
            Assert.Matches("^(tfic: |Try \"tfic)", line);
    }

    [Fact]
    public void After_two_dashes_everything_is_a_file() =>
        Command.Run("info", "--", "--fast").Refused("--fast: there is no such file");

    [Fact]
    public void A_name_with_an_at_sign_is_a_file() =>
        Command.Run("info", "@list").Refused("@list: there is no such file");
}
