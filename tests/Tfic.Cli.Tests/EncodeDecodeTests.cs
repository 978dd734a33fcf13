using Tfic.Imaging;

namespace Tfic.Cli.Tests;

[Collection(nameof(Fixture))]
public class EncodeDecodeTests(Fixture fixture)
{
    [Fact]
    public void A_picture_goes_through()
    {
        using var folder = new TemporaryFolder();
        Command.Result encoded = Command.Run(
            "encode", fixture.Line, "-o", folder["a.tfic"], "--codec", fixture.Codec).Ok();
        Assert.Contains("100 × 40 pixels", encoded.Error, StringComparison.Ordinal);
        Assert.Contains("bpp", encoded.Error, StringComparison.Ordinal);
        Assert.Empty(encoded.Output);
        foreach (string name in new[] { "a.png", "a.ppm", "a.jpg", "a.pgm" })
        {
            Command.Run("decode", folder["a.tfic"], "-o", folder[name], "--codec", fixture.Codec).Ok();
            Picture picture = PictureFile.Read(folder[name]);
            Assert.Equal((100, 40), (picture.Width, picture.Height));
        }

        Assert.Equal(["a.jpg", "a.pgm", "a.png", "a.ppm", "a.tfic"], folder.Names);
    }

    [Fact]
    public void Standard_input_and_output_give_the_same_bytes()
    {
        byte[] packed = Command.Run(
            File.ReadAllBytes(fixture.Line), ["encode", "-", "-o", "-", "--codec", fixture.Codec]).Ok().Output;
        Assert.Equal(File.ReadAllBytes(fixture.Packed), packed);
        byte[] png = Command.Run(packed, ["decode", "-", "-o", "-", "--codec", fixture.Codec]).Ok().Output;
        Picture picture = PictureFile.Read(png);
        Assert.Equal((100, 40), (picture.Width, picture.Height));
    }

    [Fact]
    public void A_folder_goes_to_a_folder_whatever_the_number_of_threads()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["in"]);
        for (int i = 0; i < 5; i++)
            folder.Write($"in/p{i}.png", Fixture.Png(Fixture.Stripes(20 + 13 * i, 30, i % 2 == 0 ? 1 : 3)));
        folder.Write("in/notes.txt", [1, 2, 3]);
        string[] common = ["--codec", fixture.Codec, "--quiet"];
        Assert.Empty(Command.Run(["encode", folder["in"], "-o", folder["one"], "-j", "1", .. common]).Ok().Error);
        Command.Run(["encode", folder["in"], "-o", folder["three"], "-j", "3", .. common]).Ok();
        string[] names = ["p0.tfic", "p1.tfic", "p2.tfic", "p3.tfic", "p4.tfic"];
        Assert.Equal(names, Directory.GetFiles(folder["three"]).Select(Path.GetFileName).Order());
        foreach (string name in names)
            Assert.Equal(File.ReadAllBytes(folder["one/" + name]), File.ReadAllBytes(folder["three/" + name]));

        Command.Run(["decode", folder["three"], "-o", folder["back"], "-j", "3", .. common]).Ok();
        for (int i = 0; i < 5; i++)
            Assert.Equal(20 + 13 * i, PictureFile.Read(folder[$"back/p{i}.png"]).Width);
    }

    [Fact]
    public void One_bad_file_among_good_ones_is_reported_and_the_rest_done()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["in"]);
        folder.Write("in/a.png", Fixture.Png(Fixture.Stripes(20, 20, 1)));
        folder.Write("in/b.png", [.. "not a picture"u8]);
        folder.Write("in/c.png", Fixture.Png(Fixture.Stripes(20, 20, 1)));
        Command.Result result = Command.Run(
            "encode", folder["in"], "-o", folder["out"], "--codec", fixture.Codec).Ended(1);
        Assert.Contains($"tfic: {folder["in/b.png"]}: ", result.Error, StringComparison.Ordinal);
        Assert.Equal(["a.tfic", "c.tfic"], Directory.GetFiles(folder["out"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void More_quality_more_bytes_and_targets_are_kept()
    {
        using var folder = new TemporaryFolder();
        long Encode(params string[] rate)
        {
            Command.Run(["encode", fixture.Line, "-o", folder["a.tfic"], "--codec", fixture.Codec, .. rate]).Ok();
            return new FileInfo(folder["a.tfic"]).Length;
        }

        long low = Encode("-q", "1"), high = Encode("-q", "8");
        Assert.True(low < high, $"{low} bytes at quality 1, {high} at 8");
        long middle = (low + high) / 2;
        Assert.InRange(Encode("--bytes", $"{middle}"), middle * 0.97, middle * 1.03);
        Assert.InRange(
            Encode("--bpp", FormattableString.Invariant($"{8.0 * middle / 4000}")), middle * 0.97, middle * 1.03);
        Command.Result unreachable = Command.Run(
            "encode", fixture.Line, "-o", folder["a.tfic"], "--codec", fixture.Codec, "--bytes", "3").Ok();
        Assert.Contains(
            $"the target is out of reach: at the lowest quality this picture takes {low} bytes",
            unreachable.Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void No_overwrite_keeps_what_is_there()
    {
        using var folder = new TemporaryFolder();
        string old = folder.Write("a.tfic", [7]);
        Command.Run("encode", fixture.Line, "-o", old, "--codec", fixture.Codec, "--no-overwrite")
            .Refused(old, "exists already");
        Assert.Equal([7], File.ReadAllBytes(old));
        Command.Run("encode", fixture.Line, "-o", old, "--codec", fixture.Codec).Ok();
        Assert.Equal(File.ReadAllBytes(fixture.Packed), File.ReadAllBytes(old));
    }

    [Fact]
    public void Outputs_that_would_collide_are_refused()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["x"]);
        string a = folder.Write("a.png", Fixture.Png(Fixture.Stripes(20, 20, 1)));
        string b = folder.Write("x/a.png", Fixture.Png(Fixture.Stripes(20, 20, 1)));
        string[] model = ["--codec", fixture.Codec];
        Command.Run(["encode", a, b, "-o", folder["out"], .. model]).Refused("would both become");
        Command.Run(["encode", a, b, "-o", "-", .. model]).Refused("standard output");
        Command.Run(["encode", a, b, "-o", a, .. model]).Refused("is a file");
        Command.Run(["encode", a, "-o", a, .. model]).Refused("is the input itself");
        Command.Run(["encode", "-", "-", "-o", "-", .. model]).Refused("only once");
        Command.Run(["encode", a, "-", "-o", folder["out"], .. model]).Refused("no name");
        Assert.Equal(["a.png", "x", "x/a.png"], folder.Names);
    }
}
