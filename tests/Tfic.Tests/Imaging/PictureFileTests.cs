using Tfic.Imaging;

namespace Tfic.Tests.Imaging;

public sealed class PictureFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tfic-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(".png", 1)]
    [InlineData(".png", 3)]
    [InlineData(".ppm", 3)]
    [InlineData(".pgm", 1)]
    [InlineData(".pnm", 1)]
    [InlineData(".PNG", 3)]
    public void LosslessFormatsRoundTrip(string extension, int channels)
    {
        string path = Path.Combine(_folder, "picture" + extension);
        foreach ((int width, int height) in new[] { (1, 1), (7, 5), (33, 2), (300, 120) })
        {
            Picture picture = TestPictures.Scene(width, height, channels);
            PictureFile.Write(path, picture);
            TestPictures.AssertEqual(picture, PictureFile.Read(path));
        }

        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void ContentDecidesOnTheFormatWhenReading()
    {
        Picture picture = TestPictures.Scene(20, 10, 3);
        string png = Path.Combine(_folder, "a.png"), wrong = Path.Combine(_folder, "a.jpg");
        PictureFile.Write(png, picture);
        File.Move(png, wrong);
        TestPictures.AssertEqual(picture, PictureFile.Read(wrong));
    }

    [Fact]
    public void ExtensionDecidesOnTheFormatWhenWriting()
    {
        Picture colour = TestPictures.Scene(20, 10, 3), grey = TestPictures.Scene(20, 10, 1);
        Write("a.pgm", colour);
        TestPictures.AssertEqual(PictureConversion.ToGrey(colour), PictureFile.Read(At("a.pgm")));
        Write("a.ppm", grey);
        TestPictures.AssertEqual(PictureConversion.ToRgb(grey), PictureFile.Read(At("a.ppm")));
        Write("a.jpeg", colour);
        Assert.Equal([0xFF, 0xD8], File.ReadAllBytes(At("a.jpeg"))[..2]);
        Assert.Equal(3, PictureFile.Read(At("a.jpeg")).Channels);
        foreach (string name in new[] { "a", "a.gif", "a.tfic", ".png/b" })
            Assert.Throws<ArgumentException>(() => PictureFile.Write(At(name), colour));
        Assert.Equal(3, Directory.GetFiles(_folder).Length);

        string At(string name) => Path.Combine(_folder, name);
        void Write(string name, Picture picture) => PictureFile.Write(At(name), picture);
    }

    [Fact]
    public void AFailedWriteLeavesWhatWasThere()
    {
        string path = Path.Combine(_folder, "kept.bin");
        File.WriteAllText(path, "before");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write(new byte[100_000]);
            throw new InvalidOperationException();
        }));
        Assert.Equal("before", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => PictureFile.Write(Path.Combine(_folder, "new.jpg"), new Picture(1, 1, 1), jpegQuality: 0));
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Fact]
    public void AMissingFolderIsAnIoError()
    {
        string path = Path.Combine(_folder, "missing", "a.png");
        Assert.ThrowsAny<IOException>(() => PictureFile.Write(path, new Picture(1, 1, 1)));
        Assert.ThrowsAny<IOException>(() => PictureFile.Read(path));
        Assert.ThrowsAny<UnauthorizedAccessException>(() => PictureFile.Read(_folder));
    }

    [SkippableFact]
    public void LinksStayAndDevicesAreNotReplaced()
    {
        Skip.If(OperatingSystem.IsWindows(), "links need a privilege on Windows, and there is no /dev/null");
        string target = Path.Combine(_folder, "target.png"), link = Path.Combine(_folder, "link.png");
        File.CreateSymbolicLink(link, target);
        var picture = new Picture(3, 2, 1);
        PictureFile.Write(link, picture);
        PictureFile.Write(link, picture);
        Assert.NotNull(new FileInfo(link).LinkTarget);
        TestPictures.AssertEqual(picture, PictureFile.Read(target));
        AtomicFile.Write("/dev/null", stream => stream.WriteByte(1));
        Assert.Empty(Directory.GetFiles("/dev", "null.*.tmp"));
        Assert.Empty(File.ReadAllBytes("/dev/null"));
    }

    public static TheoryData<byte[], string> Foreign() => new()
    {
        { [.. "RIFF"u8, 0, 0, 0, 0, .. "WEBPVP8 "u8], "WebP" },
        { [.. "II*\0"u8, 8, 0, 0, 0], "TIFF" },
        { [.. "MM\0*"u8, 0, 0, 0, 8], "TIFF" },
        { [.. "GIF89a"u8, 0, 0], "GIF" },
        { [.. "BM"u8, 9, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0], "BMP" },
        { [.. "qoif"u8, 0], "QOI" },
        { [0, 0, 0, 32, .. "ftypavif"u8], "AVIF" },
        { [0, 0, 0, 32, .. "ftypheic"u8], "HEIC" },
        { [0xFF, 0x0A, 0, 0], "JPEG XL" },
        { [0, 0, 0, 12, .. "JXL \r\n"u8], "JPEG XL" },
        { [0, 0, 0, 12, .. "jP  \r\n"u8], "JPEG 2000" },
        { [.. "P7\nWIDTH"u8], "PAM" },
        { [.. "%PDF-1.7"u8], "PDF" },
        { [.. "hello"u8], "not a picture of a known format" },
        { [], "empty" },
        { [0xFF], "not a picture of a known format" },
    };

    [Theory]
    [MemberData(nameof(Foreign))]
    public void OtherFormatsAreNamed(byte[] bytes, string name)
    {
        TficFormatException exception = BadInput.Refused(bytes, PictureFile.Read, name);
        bool others = name is "WebP" or "TIFF" or "GIF" or "BMP" or "QOI";
        Assert.Equal(others, exception.Message.Contains("SixLabors.ImageSharp", StringComparison.Ordinal));
    }

    [Fact]
    public void StreamsAreReadToTheLimit()
    {
        using var stream = new MemoryStream();
        PictureFile.Write(stream, TestPictures.Noise(30, 20, 3), PictureFormat.Png);
        stream.Position = 0;
        TestPictures.AssertEqual(TestPictures.Noise(30, 20, 3), PictureFile.Read(stream));
        stream.Position = 0;
        Assert.Contains(
            "larger than the limit",
            Assert.Throws<TficFormatException>(
                () => PictureFile.Read(stream, new PictureLimits(MaxBytes: 100))).Message,
            StringComparison.Ordinal);
    }
}
