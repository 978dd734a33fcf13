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
            $"the target is missed by more than 3%: at the lowest quality this picture takes {low} bytes",
            unreachable.Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Two_layers_in_one_file()
    {
        using var folder = new TemporaryFolder();
        string[] both =
            ["--codec", fixture.Codec, "-q", "2", "--base-codec", fixture.OtherCodec, "--base-quality", "7"];
        Command.Result encoded = Command.Run(["encode", fixture.Line, "-o", folder["a.tfic"], .. both]).Ok();
        Assert.Contains("quality 2, base layer's 7", encoded.Error, StringComparison.Ordinal);
        Command.Run("encode", fixture.Line, "-o", folder["text.tfic"], "--codec", fixture.Codec, "-q", "2").Ok();
        Command.Run("encode", fixture.Line, "-o", folder["eye.tfic"], "--codec", fixture.OtherCodec, "-q", "7").Ok();

        byte[] Decode(string file, params string[] options) =>
            Command.Run(["decode", folder[file], "-o", "-", .. options]).Ok().Output;
        byte[] legible = Decode("text.tfic", "--codec", fixture.Codec);
        byte[] forTheEye = Decode("eye.tfic", "--codec", fixture.OtherCodec);
        Assert.NotEqual(legible, forTheEye);
        Assert.Equal(legible, Decode("a.tfic", "--codec", fixture.Codec));
        Assert.Equal(legible, Decode("a.tfic", "--codec", fixture.Codec, "--layer", "text"));
        Assert.Equal(forTheEye, Decode("a.tfic", "--codec", fixture.OtherCodec, "--layer", "base"));

        string[] read = ["read", "--recogniser", fixture.Recogniser, "--codec", fixture.Codec];
        Assert.Equal(
            Command.Run([.. read, folder["text.tfic"]]).Ok().Text, Command.Run([.. read, folder["a.tfic"]]).Ok().Text);

        string[] info = Command.Run("info", folder["a.tfic"]).Ok().Text.TrimEnd('\n').Split('\n');
        Assert.Equal(3, info.Length);
        const string size = @" layer: [\d,]+ bytes of symbols, \d+\.\d{4} bpp, ";
        Assert.Matches($"^  text{size}quality 2, model [0-9a-f]{{8}}, mode", info[1]);
        Assert.Matches($"^  base{size}quality 7, model [0-9a-f]{{8}}, mode", info[2]);

        Command.Run("decode", folder["text.tfic"], "-o", folder["x.png"], "--codec", fixture.Codec, "--layer", "base")
            .Refused(folder["text.tfic"], "no base layer, only a text layer");
        Command.Run("decode", folder["a.tfic"], "-o", folder["x.png"], "--codec", fixture.Codec, "--layer", "base")
            .Refused(folder["a.tfic"], "base layer was made with model", "--codec");
    }

    /// <summary>A damaged file on standard input is refused at its fault: nothing waits for its end.</summary>
    [Fact]
    public async Task Standard_input_is_read_no_further_than_needed()
    {
        byte[] packed = File.ReadAllBytes(fixture.Packed);
        using var folder = new TemporaryFolder();
        string[] decode = ["decode", "-", "-o", folder["x.png"], "--codec", fixture.Codec];
        Command.Run([.. packed, 0], decode).Refused("standard input");
        Command.Run([], decode).Refused("standard input", "is empty");
        Command.Run(packed, [.. decode, "--max-bytes", $"{packed.Length - 1}"]).Refused("standard input", "longer");
        Command.Run(packed, [.. decode, "--max-bytes", $"{packed.Length}"]).Ok();

        await using var endless = new EndlessStream();
        await using var error = new StringWriter();
        var terminal = new Terminal(endless, Stream.Null, error, OutputIsTerminal: false, ErrorIsTerminal: false);
        Assert.Equal(2, await TficCommand.RunAsync(decode, terminal));
        Assert.Contains("first byte", error.ToString(), StringComparison.Ordinal);
        Assert.InRange(endless.Given, 1, 16);
    }

    [Fact]
    public void Limits_of_bytes_and_layers()
    {
        using var folder = new TemporaryFolder();
        string[] model = ["--codec", fixture.Codec];
        string both = folder["a.tfic"], line = fixture.Line;
        Command.Run(["encode", line, "-o", both, "--base-codec", fixture.Codec, "--base-quality", "3", .. model]).Ok();
        long bytes = new FileInfo(both).Length;
        foreach (string[] verb in new[]
        {
            ["decode", "-o", folder["x.png"], .. model],
            ["read", "--recogniser", fixture.Recogniser, .. model],
            new[] { "info" },
        })
        {
            Command.Run([.. verb, both, "--max-bytes", $"{bytes}", "--max-layers", "2"]).Ok();
            Command.Run([.. verb, both, "--max-bytes", $"{bytes - 1}"]).Refused(both, $"{bytes - 1}");
            Command.Run([.. verb, both, "--max-layers", "1"]).Refused(both, "1 layers allowed");
            Command.Run([.. verb, both, "--max-pixels", "3999"]).Refused(both, "3999");
        }

        long size = new FileInfo(line).Length;
        Command.Run(["encode", line, "-o", both, "--max-bytes", $"{size - 1}", .. model]).Refused(line, "--max-bytes");
        Command.Run(["encode", line, "-o", both, "--max-bytes", $"{size}", .. model]).Ok();
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

    /// <summary>Standard input that has the letter a without end.</summary>
    private sealed class EndlessStream : Stream
    {
        public int Given { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            buffer.AsSpan(offset, count).Fill((byte)'a');
            Given += count;
            return count;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
