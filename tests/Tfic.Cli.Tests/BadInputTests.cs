using System.Buffers.Binary;

namespace Tfic.Cli.Tests;

/// <summary>Whatever is wrong with an input: a message that names it, exit code 2, and nothing left behind.</summary>
[Collection(nameof(Fixture))]
public class BadInputTests(Fixture fixture)
{
    /// <summary>The verbs that take pictures or .tfic files, with everything else they need.</summary>
    private IEnumerable<(string Verb, string[] Arguments)> Verbs(TemporaryFolder folder) =>
    [
        ("encode", ["-o", folder["out.tfic"], "--codec", fixture.Codec]),
        ("decode", ["-o", folder["out.png"], "--codec", fixture.Codec]),
        ("read", ["-o", folder["out.txt"], "--recogniser", fixture.Recogniser, "--codec", fixture.Codec]),
        ("info", []),
        ("demo", ["-o", folder["out.html"], .. DemoModels]),
    ];

    private string[] DemoModels => ["--codec", fixture.Codec, "--recogniser", fixture.Recogniser];

    private void AllRefuse(TemporaryFolder folder, string input, params string[] messages)
    {
        string[] before = folder.Names;
        foreach ((string verb, string[] arguments) in Verbs(folder))
        {
            Command.Result result = Command.Run([verb, input, .. arguments]).Refused([input, .. messages]);
            Assert.StartsWith("tfic: ", result.Error, StringComparison.Ordinal);
            Assert.Empty(result.Output);
            Assert.Equal(before, folder.Names);
        }
    }

    [Fact]
    public void Missing_file()
    {
        using var folder = new TemporaryFolder();
        AllRefuse(folder, folder["none.png"], "there is no such file");
        AllRefuse(folder, folder["none/none.png"], "there is no such file");
    }

    [Fact]
    public void Empty_file()
    {
        using var folder = new TemporaryFolder();
        AllRefuse(folder, folder.Write("empty.png", []), "is empty");
        Command.Run([], ["encode", "-", "-o", "-", "--codec", fixture.Codec]).Refused("standard input: is empty");
    }

    [Fact]
    public void A_folder_without_pictures()
    {
        using var folder = new TemporaryFolder();
        folder.Write("notes.txt", [1]);
        foreach ((string verb, string[] arguments) in Verbs(folder))
            Command.Run([verb, folder.Path, .. arguments]).Refused(folder.Path);
        Assert.Equal(["notes.txt"], folder.Names);
    }

    [Fact]
    public void Wrong_type()
    {
        using var folder = new TemporaryFolder();
        AllRefuse(folder, folder.Write("text.png", [.. "This is text, not a picture."u8]));
        AllRefuse(folder, folder.Write("book.pdf", [.. "%PDF-1.7\n%more"u8]));
        AllRefuse(folder, folder.Write("zeros.png", new byte[1000]));
        Command.Run("encode", fixture.Packed, "-o", folder["x.tfic"], "--codec", fixture.Codec).Refused(fixture.Packed);
        Command.Run("decode", fixture.Line, "-o", folder["x.png"], "--codec", fixture.Codec).Refused(fixture.Line);
        Assert.DoesNotContain(folder.Names, n => n.StartsWith('x'));
    }

    [Fact]
    public void Truncated_picture()
    {
        using var folder = new TemporaryFolder();
        byte[] png = File.ReadAllBytes(fixture.Line);
        foreach (int length in new[] { 4, 8, 20, 33, 50, png.Length / 2, png.Length - 13 })
        {
            string path = folder.Write($"cut{length}.png", png[..length]);
            Command.Run("encode", path, "-o", folder["x.tfic"], "--codec", fixture.Codec).Refused(path);
        }

        Assert.DoesNotContain("x.tfic", folder.Names);
    }

    [Fact]
    public void Truncated_tfic()
    {
        using var folder = new TemporaryFolder();
        byte[] packed = File.ReadAllBytes(fixture.Packed);
        for (int length = 1; length < packed.Length; length += Math.Max(1, packed.Length / 40))
        {
            string path = folder.Write($"cut{length}.tfic", packed[..length]);
            Command.Run("decode", path, "-o", folder["x.png"], "--codec", fixture.Codec).Refused(path);
            Command.Run("read", path, "-o", folder["x.txt"], "--codec", fixture.Codec, "--recogniser", fixture.Recogniser)
                .Refused(path);
        }

        Assert.DoesNotContain(folder.Names, n => n.StartsWith('x'));
    }

    [Fact]
    public void Damaged_tfic()
    {
        using var folder = new TemporaryFolder();
        byte[] packed = File.ReadAllBytes(fixture.Packed);
        for (int i = 0; i < packed.Length; i += Math.Max(1, packed.Length / 40))
        {
            byte[] damaged = [.. packed];
            damaged[i] ^= 0x10;
            string path = folder.Write($"damaged{i}.tfic", damaged);
            Command.Run("decode", path, "-o", folder["x.png"], "--codec", fixture.Codec).Refused(path);
        }

        Assert.DoesNotContain("x.png", folder.Names);
    }

    [Fact]
    public void Huge_picture_is_refused_by_its_header()
    {
        using var folder = new TemporaryFolder();
        byte[] png = File.ReadAllBytes(fixture.Line);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 1_000_000);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 1_000_000);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc32(png.AsSpan(12, 17)));
        string huge = folder.Write("huge.png", png);
        AllRefuse(folder, huge);
        Command.Run("encode", huge, "-o", folder["x.tfic"], "--codec", fixture.Codec)
            .Refused(huge, "1000000 × 1000000");

        // The same limit, lowered by the option.
        Command.Run("encode", fixture.Line, "-o", folder["x.tfic"], "--codec", fixture.Codec, "--max-pixels", "3999")
            .Refused(fixture.Line, "3999");
        Command.Run("decode", fixture.Packed, "-o", folder["x.png"], "--codec", fixture.Codec, "--max-pixels", "3999")
            .Refused(fixture.Packed, "3999");
        Assert.Equal(["huge.png"], folder.Names);
    }

    [SkippableFact]
    public void Huge_file_is_refused_unread()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "needs a file system with sparse files");
        using var folder = new TemporaryFolder();
        using (FileStream stream = File.Create(folder["huge.png"]))
            stream.SetLength(1L << 40);
        AllRefuse(folder, folder["huge.png"], "is larger than");
    }

    [Fact]
    public void Unwritable_target()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("file", [1]);
        Directory.CreateDirectory(folder["folder.tfic"]);
        string[] before = folder.Names;
        string[] targets = [folder["none/out.tfic"], Path.Combine(file, "out.tfic")];
        foreach (string target in targets)
        {
            Command.Run("encode", fixture.Line, "-o", target, "--codec", fixture.Codec).Refused(target);
            Command.Run("decode", fixture.Packed, "-o", Path.ChangeExtension(target, ".png"), "--codec", fixture.Codec)
                .Refused(Path.ChangeExtension(target, ".png"));
            Command.Run("read", fixture.Line, "-o", target, "--recogniser", fixture.Recogniser).Refused(target);
            Command.Run(["demo", fixture.Line, "-o", target, .. DemoModels]).Refused(target);
        }

        Command.Run("encode", fixture.Line, fixture.Line, "-o", file, "--codec", fixture.Codec).Refused(file);
        Command.Run("eval", "-o", Path.Combine(file, "x")).Refused(file);
        Command.Run("decode", fixture.Packed, "-o", folder["a.webp"], "--codec", fixture.Codec)
            .Refused(folder["a.webp"], ".png");
        Assert.Equal(before, folder.Names);
    }

    [SkippableFact]
    public void Unwritable_folder()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "needs /proc, where nobody may create files");
        Command.Run("encode", fixture.Line, "-o", "/proc/out.tfic", "--codec", fixture.Codec).Refused("/proc/out.tfic");
    }

    [SkippableFact]
    public void Unreadable_file()
    {
        Skip.If(OperatingSystem.IsWindows(), "needs Unix permissions");
        using var folder = new TemporaryFolder();
        string path = folder.Write("secret.png", File.ReadAllBytes(fixture.Line));
        Skip.If(Environment.UserName == "root", "root may read every file");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.None);
        AllRefuse(folder, path, "permissions");
    }

    [Fact]
    public void Font_that_cannot_be_read()
    {
        using var folder = new TemporaryFolder();
        string font = folder.Write("broken.ttf", [0, 1, 0, 0, 9, 9, 9, 9]);
        string[] common = ["-o", folder["out"], "-n", "2"];
        Command.Run(["synth", "lines", "--fonts", font, .. common]).Refused(font);
        Command.Run(["synth", "lines", "--fonts", folder["none.ttf"], .. common]).Refused(folder["none.ttf"]);
        Command.Run(["synth", "lines", "--fonts", folder.Path, .. common]).Refused(folder.Path);
        Command.Run(["eval", "--fonts", font, .. DemoModels]).Refused(font);
        Assert.Equal(["broken.ttf"], folder.Names);
    }

    [Fact]
    public void Weights_that_do_not_match()
    {
        using var folder = new TemporaryFolder();
        string[] to = ["-o", folder["out.png"]];

        // Made by another codec.
        Command.Run(["decode", fixture.Packed, .. to, "--codec", fixture.OtherCodec])
            .Refused(fixture.Packed, "--codec");
        Command.Run(["read", fixture.Packed, "--codec", fixture.OtherCodec, "--recogniser", fixture.Recogniser])
            .Refused(fixture.Packed, "--codec");

        // A recogniser for a codec, and the other way round.
        Command.Run(["decode", fixture.Packed, .. to, "--codec", fixture.Recogniser]).Refused(fixture.Recogniser);
        Command.Run(["encode", fixture.Line, .. to, "--codec", fixture.Recogniser]).Refused(fixture.Recogniser);
        Command.Run(["read", fixture.Line, .. to, "--recogniser", fixture.Codec]).Refused(fixture.Codec);

        // No weights at all.
        Command.Run(["encode", fixture.Line, .. to, "--codec", fixture.Line]).Refused(fixture.Line);
        Command.Run(["encode", fixture.Line, .. to, "--codec", "compakt"]).Refused("compakt", "Check the name");
        string cut = folder.Write("cut.safetensors", File.ReadAllBytes(fixture.Codec)[..5000]);
        Command.Run(["encode", fixture.Line, .. to, "--codec", cut]).Refused(cut);
        Assert.Equal(["cut.safetensors"], folder.Names);
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int i = 0; i < 8; i++)
                crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
        }

        return ~crc;
    }
}
