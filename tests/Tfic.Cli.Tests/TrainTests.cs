namespace Tfic.Cli.Tests;

/// <summary>What is refused before torch is needed; training itself has its tests beside the trainers.</summary>
public class TrainTests
{
    [Fact]
    public void Stage_2_needs_the_run_of_stage_1()
    {
        using var folder = new TemporaryFolder();
        Command.Run("train", "codec", "-o", folder["run"], "--stage", "2").Refused("--from");
        Command.Run("train", "codec", "-o", folder["run"], "--stage", "2", "--from", folder["none"])
            .Refused(folder["none"], "no checkpoint");
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void What_only_the_rate_depends_on_is_trained_for_the_transforms_of_a_run()
    {
        using var folder = new TemporaryFolder();
        Command.Run("train", "codec", "-o", folder["run"], "--entropy-only").Refused("--from");
        Command.Run("train", "codec", "-o", folder["run"], "--entropy-only", "--stage", "2", "--from", folder["none"])
            .Refused("stage 1");
        Command.Run("train", "codec", "-o", folder["run"], "--entropy-only", "--from", folder["none"])
            .Refused(folder["none"], "no checkpoint");
        Assert.Empty(folder.Names);
    }

    [Theory]
    [InlineData("recogniser")]
    [InlineData("codec")]
    public void Bad_input_leaves_nothing(string network)
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("file", [1]);
        string[] before = folder.Names;
        Command.Run("train", network, "-o", Path.Combine(file, "run")).Refused(file);
        string none = folder["none"];
        Command.Run("train", network, "-o", folder["run"], "--options", none).Refused(none);
        Command.Run("train", network, "-o", folder["run"], "--options", file).Refused(file);
        Command.Run("train", network, "-o", folder["run"], "--fonts", none).Refused(none);
        Assert.Equal(before, folder.Names);
    }

    [Theory]
    [InlineData("d1")]
    [InlineData("d2")]
    public void Restorers_need_prose(string network)
    {
        using var folder = new TemporaryFolder();
        Command.Run("train", network, "-o", folder["run"]).Refused("--text");
        string none = folder["none.txt"];
        Command.Run("train", network, "-o", folder["run"], "--text", none).Refused(none);
        string empty = folder.Write("empty.txt", []);
        Command.Run("train", network, "-o", folder["run"], "--text", empty).Refused(empty, "no words");
    }

    [Fact]
    public void A_recogniser_starts_from_a_run()
    {
        using var folder = new TemporaryFolder();
        Command.Run("train", "recogniser", "-o", folder["run"], "--from", folder["none"])
            .Refused(folder["none"], "no checkpoint");
        Assert.Empty(folder.Names);
    }
}
