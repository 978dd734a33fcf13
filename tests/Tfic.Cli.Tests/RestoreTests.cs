using Tfic.Imaging;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Reading;
using Tfic.Restoration;
using Tfic.Tests.Networks;

namespace Tfic.Cli.Tests;

[Collection(nameof(Fixture))]
public class RestoreTests(Fixture fixture)
{
    private string[] Models =>
        ["--restorer", fixture.Restorer, "--word-restorer", fixture.WordRestorer, "--detector", fixture.Detector];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_colour_jpeg_of_any_size_becomes_a_grey_picture(int channels)
    {
        using var folder = new TemporaryFolder();
        string page = Page(folder, "page.jpg", 83, 61, channels);
        Picture decoded = PictureFile.Read(page);
        var restorer = new PageRestorer(
            RestorerModel.Load(File.ReadAllBytes(fixture.Restorer)),
            RestorerModel.Load(File.ReadAllBytes(fixture.WordRestorer)),
            DetectorModel.Load(File.ReadAllBytes(fixture.Detector)));

        Command.Result result = Command.Run(["restore", page, "-o", folder["a.png"], .. Models]).Ok();
        RestoredPage expected = restorer.Restore(decoded);
        Assert.Equal(expected.Picture.Samples, Read(folder["a.png"], 83, 61).Samples);
        Assert.Contains($"83 × 61 pixels, {expected.Words.Count} words → ", result.Error, StringComparison.Ordinal);

        Command.Run("restore", page, "-o", folder["b.png"], "--d1-only", "--restorer", fixture.Restorer).Ok();
        Assert.Equal(restorer.Clean(decoded).Samples, Read(folder["b.png"], 83, 61).Samples);

        byte[] piped = Command.Run(File.ReadAllBytes(page), ["restore", "-", "-o", "-", "--threads", "3", .. Models]).Ok().Output;
        Assert.Equal(File.ReadAllBytes(folder["a.png"]), piped);
    }

    [Fact]
    public void A_folder_goes_to_a_folder_whatever_the_number_of_threads()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["in"]);
        for (int i = 0; i < 4; i++)
            Page(folder, $"in/p{i}.jpg", 20 + 17 * i, 30, 1);
        folder.Write("in/p4.jpg", [.. "no picture"u8]);
        Command.Result one = Command.Run(["restore", folder["in"], "-o", folder["one"], "-j", "1", .. Models]).Ended(1);
        Assert.Contains(folder["in/p4.jpg"], one.Error, StringComparison.Ordinal);
        Command.Run(["restore", folder["in"], "-o", folder["two"], "-j", "3", "--threads", "2", .. Models]).Ended(1);
        string[] names = ["p0.png", "p1.png", "p2.png", "p3.png"];
        Assert.Equal(names, Directory.GetFiles(folder["two"]).Select(Path.GetFileName).Order());
        foreach (string name in names)
            Assert.Equal(File.ReadAllBytes(folder["one/" + name]), File.ReadAllBytes(folder["two/" + name]));
    }

    [Fact]
    public void Restored_pages_are_read()
    {
        using var folder = new TemporaryFolder();
        string page = Page(folder, "page.jpg", 120, 70, 1);
        var restorer = new PageRestorer(
            RestorerModel.Load(File.ReadAllBytes(fixture.Restorer)),
            RestorerModel.Load(File.ReadAllBytes(fixture.WordRestorer)),
            DetectorModel.Load(File.ReadAllBytes(fixture.Detector)));
        RecogniserModel recogniser = RecogniserModel.Load(File.ReadAllBytes(fixture.Recogniser));
        RestoredPage restored = restorer.Restore(PictureFile.Read(page));
        string expected = new PageReader(DetectorModel.Load(File.ReadAllBytes(fixture.Detector)), recogniser)
            .Read(restored.Picture, restored.Words).Text;

        string[] read = ["read", page, "--restore", "--recogniser", fixture.Recogniser, .. Models];
        Assert.Equal(expected.Length == 0 ? "" : expected + "\n", Command.Run(read).Ok().Text);
        Picture decoded = PictureFile.Read(page);
        Picture line = restorer.Enhance(decoded, restorer.Clean(decoded), [new Box(0, 0, 120, 70)]);
        Assert.Equal(new LineReader(recogniser).Read(line).Text + "\n", Command.Run([.. read, "--layout", "line"]).Ok().Text);
    }

    [Fact]
    public void What_cannot_be_done_is_refused_with_the_reason()
    {
        using var folder = new TemporaryFolder();
        string page = Page(folder, "page.jpg", 40, 30, 1);
        Command.Run(["restore", page, "-o", folder["a.webp"], .. Models]).Refused(".png");
        Command.Run(["restore", page, "-o", page, .. Models]).Refused("is the input itself");
        Command.Run(["restore", page, "-o", folder["a.png"], "--max-pixels", "1199", .. Models]).Refused(page, "1199");
        Command.Run(["restore", page, "-o", folder["a.png"], "--threads", "0", .. Models]).Refused("--threads");
        Command.Run("restore", page, "-o", folder["a.png"], "--restorer", fixture.Detector, "--d1-only")
            .Refused(fixture.Detector, "restorer model is needed");
        string old = folder.Write("old.png", [7]);
        Command.Run(["restore", page, "-o", old, "--no-overwrite", .. Models]).Refused(old, "exists already");
        Assert.Equal([7], File.ReadAllBytes(old));
        Assert.Equal(["old.png", "page.jpg"], folder.Names);
    }

    [SkippableTheory]
    [InlineData("--restorer", ShippedModels.RestorerD1)]
    [InlineData("--detector", ShippedModels.DetectorCompact)]
    public void Weights_that_are_missing_are_named(string option, string name)
    {
        Skip.If(ShippedModels.Names.Contains(name), "This build holds them.");
        using var folder = new TemporaryFolder();
        string page = Page(folder, "page.jpg", 40, 30, 1);
        string[] others = [.. Models.Chunk(2).Where(pair => pair[0] != option).SelectMany(pair => pair)];
        Command.Run(["restore", page, "-o", folder["a.png"], .. others]).Refused($"'{name}'", ".safetensors");
    }

    private static string Page(TemporaryFolder folder, string name, int width, int height, int channels)
    {
        string path = folder[name];
        PictureFile.Write(path, RandomModels.Picture(width, height, channels, seed: width), jpegQuality: 1);
        return path;
    }

    private static Picture Read(string path, int width, int height)
    {
        Picture picture = PictureFile.Read(path);
        Assert.Equal((width, height, 1), (picture.Width, picture.Height, picture.Channels));
        return picture;
    }
}
