using System.Text.RegularExpressions;
using Tfic.Bitstream;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Reading;
using Tfic.Restoration;
using Tfic.Tests;
using Tfic.Tests.Networks;

namespace Tfic.CApi.Tests;

public sealed unsafe class ExportsTests : IDisposable
{
    private const int Width = 37, Height = 21;

    private static readonly byte[] s_codecFile = RandomCodec.File(1);
    private static readonly Picture s_rgb = RandomModels.Picture(Width, Height, 3, 5);
    private static readonly Picture s_grey = RandomModels.Picture(Width, Height, 1, 6);

    private readonly nint _codec = Api.Open(ModelKind.Codec, s_codecFile);
    private readonly nint _recogniser = Open(ModelKind.Recogniser, null);

    public void Dispose()
    {
        Api.CodecClose(_codec);
        Api.RecogniserClose(_recogniser);
    }

    [Fact]
    public void Version_is_the_assembly_s() =>
        Assert.Matches(new Regex(@"^\d+\.\d+\.\d+$"), Api.Version());

    [Theory]
    [InlineData(1, 1.0)]
    [InlineData(3, 4.3)]
    [InlineData(3, 8.0)]
    public void Round_trip_gives_what_the_core_gives(int channels, double quality)
    {
        Picture picture = channels == 1 ? s_grey : s_rgb;
        byte[] file = Api.Encode(_codec, picture.Samples, Width, Height, channels, quality);
        Assert.Equal(new TficEncoder(RandomCodec.Model).Encode(picture, quality), file);

        int width, height, foundChannels;
        fixed (byte* bytes = file)
            Api.Ok(Api.Info(bytes, (nuint)file.Length, &width, &height, &foundChannels));
        Assert.Equal((Width, Height, channels), (width, height, foundChannels));

        Api.Ok(Api.TryDecode(_codec, file, out var decoded));
        Assert.Equal((Width, Height, channels), (decoded.Width, decoded.Height, decoded.Channels));
        Assert.Equal(new TficDecoder(RandomCodec.Model).Decode(file).Samples, decoded.Pixels);

        using Stream model = ShippedModels.Open(ShippedModels.RecogniserCompact);
        ReadLine expected = new LineReader(RecogniserModel.Load(model)).Read(new Picture(
            Width, Height, channels, decoded.Pixels));
        Assert.Equal(
            (expected.Text, expected.Confidence),
            Api.Read(_recogniser, decoded.Pixels, Width, Height, channels));
    }

    [Fact]
    public void Two_layers_and_a_target()
    {
        nint other = Api.Open(ModelKind.Codec, RandomCodec.File(2));
        byte* file;
        nuint size;
        double quality;
        fixed (byte* pixels = s_rgb.Samples)
        {
            Api.Ok(Api.EncodeLayers(
                _codec, other, pixels, Width, Height, 3, 3 * Width, 2, 5.5, &file, &size));
            byte[] both = new ReadOnlySpan<byte>(file, (int)size).ToArray();
            Api.Free(file);
            var eye = new BaseLayer(new TficEncoder(RandomCodec.OtherModel), 5.5);
            Assert.Equal(new TficEncoder(RandomCodec.Model).Encode(s_rgb, 2, eye), both);

            var decoder = new TficDecoder([RandomCodec.Model, RandomCodec.OtherModel]);
            foreach ((nint codec, int layer, LayerKind kind) in new[]
            {
                (_codec, 0, LayerKind.Text),
                (_codec, 1, LayerKind.Text),
                (other, 2, LayerKind.Base),
            })
            {
                Api.Ok(Api.TryDecode(codec, both, out var picture, layer));
                Assert.Equal(decoder.Decode(both, kind).Samples, picture.Pixels);
            }

            Api.Fails(Status.BadFormat, "base layer", Api.TryDecode(_codec, both, out _, 2));
            Api.Fails(Status.InvalidArgument, "A layer 3", Api.TryDecode(_codec, both, out _, 3));
            Api.Fails(
                Status.InvalidArgument,
                "A quality of 9",
                Api.EncodeLayers(_codec, other, pixels, Width, Height, 3, 3 * Width, 2, 9, &file, &size));
            Api.Fails(
                Status.InvalidArgument,
                "The codec is NULL",
                Api.EncodeLayers(_codec, 0, pixels, Width, Height, 3, 3 * Width, 2, 2, &file, &size));

            RateSearchResult expected = new TficEncoder(RandomCodec.Model).EncodeToBytes(s_rgb, 700);
            Api.Ok(Api.EncodeToSize(_codec, pixels, Width, Height, 3, 3 * Width, 700, &file, &size, &quality));
            Assert.Equal(expected.File, new ReadOnlySpan<byte>(file, (int)size).ToArray());
            Assert.Equal(expected.Quality, quality);
            Api.Free(file);
            Api.Ok(Api.EncodeToSize(_codec, pixels, Width, Height, 3, 3 * Width, 700, &file, &size, null));
            Api.Free(file);
            Api.Fails(
                Status.InvalidArgument,
                "0 bytes",
                Api.EncodeToSize(_codec, pixels, Width, Height, 3, 3 * Width, 0, &file, &size, &quality));
        }

        Api.CodecClose(other);
    }

    [Fact]
    public void Limits_of_a_codec_hold()
    {
        byte[] file = Api.Encode(_codec, s_rgb.Samples, Width, Height, 3, 2);
        Api.Ok(Api.CodecLimits(_codec, (Width * Height) - 1, 1 << 20));
        Api.Fails(Status.BadFormat, $"{(Width * Height) - 1} allowed", Api.TryDecode(_codec, file, out _));
        Api.Ok(Api.CodecLimits(_codec, Width * Height, file.Length - 1));
        Api.Fails(Status.BadFormat, $"{file.Length - 1}", Api.TryDecode(_codec, file, out _));
        Api.Ok(Api.CodecLimits(_codec, Width * Height, file.Length));
        Api.Ok(Api.TryDecode(_codec, file, out _));
        Api.Fails(Status.InvalidArgument, "1 at least", Api.CodecLimits(_codec, 0, 1));
        Api.Fails(Status.InvalidArgument, "1 at least", Api.CodecLimits(_codec, 1, -1));
        Api.Fails(Status.InvalidArgument, "The codec is NULL", Api.CodecLimits(0, 1, 1));
    }

    [Fact]
    public void Text_and_confidence_come_back()
    {
        // A recogniser that sees Ω in every frame, whatever the picture: text beyond ASCII crosses as UTF-8.
        var head = new float[96];
        head[1] = 1e4f;
        nint recogniser = Api.Open(ModelKind.Recogniser, Rename(RandomModels.Recogniser(3, "head.bias", head), "Ω"));
        byte* text;
        double confidence = -1;
        fixed (byte* pixels = s_grey.Samples)
        {
            Api.Ok(Api.ReadLine(recogniser, pixels, Width, Height, 1, Width, &text, &confidence));
            Assert.Equal([0xCE, 0xA9, 0], new ReadOnlySpan<byte>(text, 3).ToArray());
            Assert.Equal(1, confidence);
            Api.Free(text);

            // Who does not care for the confidence need not ask.
            Api.Ok(Api.ReadLine(recogniser, pixels, Width, Height, 1, Width, &text, null));
            Api.Free(text);
        }

        Api.RecogniserClose(recogniser);
    }

    [Fact]
    public void Pages_are_read_as_the_core_reads_them()
    {
        Picture page = new(400, 200, 1);
        page.Samples.AsSpan().Fill(255);
        DrawWord(page, 20, 30);
        DrawWord(page, 220, 30);
        DrawWord(page, 60, 120);
        PageText expected = new PageReader(
            DetectorModel.Load(ShippedModels.Open(ShippedModels.DetectorCompact)),
            RecogniserModel.Load(ShippedModels.Open(ShippedModels.RecogniserCompact))).Read(page);
        Assert.NotEmpty(expected.Lines);

        nint detector = Open(ModelKind.Detector, null), recogniser = Open(ModelKind.Recogniser, null);
        byte* text;
        Word* words;
        nuint count;
        fixed (byte* pixels = page.Samples)
        {
            Api.Ok(Api.ReadPage(detector, recogniser, pixels, 400, 200, 1, 400, &text, &words, &count));
            Assert.Equal(expected.Text, Api.TextAt(text));
            var all = expected.Lines.SelectMany((l, number) => l.Words.Select(word => (number, word))).ToArray();
            Assert.Equal(all.Length, (int)count);
            for (int i = 0; i < all.Length; i++)
            {
                (int number, PageTextWord word) = all[i];
                Assert.Equal(word.Text, Api.TextAt(words[i].Text));
                Assert.Equal(
                    (word.Box, number, word.Confidence),
                    (new Box(words[i].Left, words[i].Top, words[i].Right, words[i].Bottom), words[i].Line,
                        words[i].Confidence));
            }

            Api.Free(text);
            Api.Free(words);

            // The text alone.
            Api.Ok(Api.ReadPage(detector, recogniser, pixels, 400, 200, 1, 400, &text, null, null));
            Assert.Equal(expected.Text, Api.TextAt(text));
            Api.Free(text);
            Api.Fails(
                Status.InvalidArgument, "go together",
                Api.ReadPage(detector, recogniser, pixels, 400, 200, 1, 400, &text, &words, null));
            Api.Fails(
                Status.InvalidArgument, "no open detector",
                Api.ReadPage(recogniser, recogniser, pixels, 400, 200, 1, 400, &text, &words, &count));
            Assert.True(text is null && words is null && count == 0);
        }

        Api.DetectorClose(detector);
        Api.RecogniserClose(recogniser);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Pages_are_restored_as_the_core_restores_them(int channels)
    {
        Picture page = RandomModels.Picture(90, 70, channels, seed: 5);
        byte[] first = RandomModels.Restorer(1, 3, 4), second = RandomModels.CompactRestorer(2, 1, 5);
        var expected = new PageRestorer(
            RestorerModel.Load(first), RestorerModel.Load(second), DetectorModel.Load(RandomModels.Detector(3)));
        nint d1 = Api.Open(ModelKind.Restorer, first), d2 = Api.Open(ModelKind.Restorer, second);
        nint detector = Api.Open(ModelKind.Detector, RandomModels.Detector(3));
        byte* restored;
        fixed (byte* pixels = page.Samples)
        {
            Api.Ok(Api.Restore(d1, 0, 0, pixels, 90, 70, channels, (nuint)(90 * channels), &restored));
            Assert.Equal(expected.Clean(page).Samples, new ReadOnlySpan<byte>(restored, 90 * 70).ToArray());
            Api.Free(restored);
            for (int i = 0; i < 2; i++)
            {
                Api.Ok(Api.Restore(d1, d2, detector, pixels, 90, 70, channels, (nuint)(90 * channels), &restored));
                Assert.Equal(expected.Restore(page).Picture.Samples, new ReadOnlySpan<byte>(restored, 90 * 70).ToArray());
                Api.Free(restored);
            }

            Api.Fails(
                Status.InvalidArgument, "The detector is NULL",
                Api.Restore(d1, d2, 0, pixels, 90, 70, channels, (nuint)(90 * channels), &restored));
            Assert.True(restored is null);
            Api.Fails(
                Status.InvalidArgument, "no open restorer",
                Api.Restore(detector, 0, 0, pixels, 90, 70, channels, (nuint)(90 * channels), &restored));
            Api.Fails(Status.InvalidArgument, "is NULL", Api.Restore(d1, 0, 0, pixels, 90, 70, channels, 270, null));
        }

        Api.RestorerClose(d1);
        Api.RestorerClose(d2);
        Api.DetectorClose(detector);
    }

    [SkippableTheory]
    [InlineData(null)]
    [InlineData(ShippedModels.Compact)]
    [InlineData(ShippedModels.CompactMse)]
    public void Shipped_codecs_open_by_name(string? name)
    {
        string wanted = name ?? ShippedModels.Compact;
        Skip.IfNot(ShippedModels.Names.Contains(wanted), $"No codec '{wanted}' ships with this build.");
        nint codec = Open(ModelKind.Codec, name);
        byte[] file = Api.Encode(codec, s_rgb.Samples, Width, Height, 3, 5);
        using Stream stream = ShippedModels.Open(wanted);
        CodecModel model = CodecModel.Load(stream);
        Assert.Equal(new TficEncoder(model).Encode(s_rgb, 5), file);
        Api.Ok(Api.TryDecode(codec, file, out var decoded));
        Assert.Equal(new TficDecoder(model).Decode(file).Samples, decoded.Pixels);
        Api.CodecClose(codec);
    }

    [Fact]
    public void Models_open_from_files()
    {
        // The folder's name is beyond ASCII: paths are UTF-8.
        string folder = Directory.CreateTempSubdirectory("tfic-Ω-").FullName;
        try
        {
            string codecPath = Path.Combine(folder, "codec"), recogniserPath = Path.Combine(folder, "recogniser");
            File.WriteAllBytes(codecPath, s_codecFile);
            File.WriteAllBytes(recogniserPath, RandomModels.Recogniser(4));
            nint codec, recogniser;
            Api.Ok(Api.OpenFile(ModelKind.Codec, codecPath, 1, &codec));
            Api.Ok(Api.OpenFile(ModelKind.Recogniser, recogniserPath, 1, &recogniser));
            Assert.Equal(
                Api.Encode(_codec, s_rgb.Samples, Width, Height, 3, 2),
                Api.Encode(codec, s_rgb.Samples, Width, Height, 3, 2));
            Api.Read(recogniser, s_rgb.Samples, Width, Height, 3);
            Api.CodecClose(codec);
            Api.RecogniserClose(recogniser);

            // Each is refused where the other belongs.
            Api.Fails(
                Status.BadFormat, "A codec model is needed", Api.OpenFile(ModelKind.Codec, recogniserPath, 1, &codec));
            Api.Fails(
                Status.BadFormat,
                "A recogniser model is needed",
                Api.OpenFile(ModelKind.Recogniser, codecPath, 1, &recogniser));
            Assert.Equal((0, 0), (codec, recogniser));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    [InlineData(3, 64)]
    public void Strides_skip_what_lies_between_rows(int channels, int gap)
    {
        Picture picture = channels == 1 ? s_grey : s_rgb;
        int row = Width * channels, stride = row + gap;

        // The last row has no gap behind it.
        var spread = new byte[(stride * (Height - 1)) + row];
        Array.Fill(spread, (byte)0x5A);
        for (int y = 0; y < Height; y++)
            picture.Row(y).CopyTo(spread.AsSpan(y * stride));
        Assert.Equal(
            Api.Encode(_codec, picture.Samples, Width, Height, channels, 3),
            Api.Encode(_codec, spread, Width, Height, channels, 3, stride));
        Assert.Equal(
            Api.Read(_recogniser, picture.Samples, Width, Height, channels),
            Api.Read(_recogniser, spread, Width, Height, channels, stride));
    }

    [Fact]
    public void One_handle_serves_many_threads()
    {
        byte[] expected = Api.Encode(_codec, s_rgb.Samples, Width, Height, 3, 3);
        (string, double) text = Api.Read(_recogniser, s_rgb.Samples, Width, Height, 3);
        Api.Ok(Api.TryDecode(_codec, expected, out var picture));
        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ =>
        {
            Assert.Equal(expected, Api.Encode(_codec, s_rgb.Samples, Width, Height, 3, 3));
            Api.Ok(Api.TryDecode(_codec, expected, out var again));
            Assert.Equal(picture.Pixels, again.Pixels);
            Assert.Equal(text, Api.Read(_recogniser, s_rgb.Samples, Width, Height, 3));
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(int.MaxValue)]
    public void Results_do_not_depend_on_threads(int threads)
    {
        nint codec = Api.Open(ModelKind.Codec, s_codecFile, threads);
        byte[] file = Api.Encode(codec, s_rgb.Samples, Width, Height, 3, 3);
        Assert.Equal(Api.Encode(_codec, s_rgb.Samples, Width, Height, 3, 3), file);
        Api.CodecClose(codec);
    }

    [Fact]
    public void Negative_threads_are_refused()
    {
        nint handle = 1;
        byte data = 0;
        foreach (ModelKind kind in Enum.GetValues<ModelKind>())
        {
            Api.Fails(Status.InvalidArgument, "-1 threads", Api.Open(kind, null, -1, &handle));
            Assert.Equal(0, handle);
            Api.Fails(Status.InvalidArgument, "-1 threads", Api.OpenFile(kind, "x", -1, &handle));
            Api.Fails(Status.InvalidArgument, "-1 threads", Api.OpenMemory(kind, &data, 1, -1, &handle));
        }
    }

    [Theory]
    [InlineData(ModelKind.Codec)]
    [InlineData(ModelKind.Recogniser)]
    [InlineData(ModelKind.Detector)]
    [InlineData(ModelKind.Restorer)]
    public void Models_that_cannot_be_opened_say_why(ModelKind kind)
    {
        nint handle = 1;
        Api.Fails(Status.UnknownModel, "recogniser-compact", Api.Open(kind, "tinylic", 1, &handle));
        Assert.Equal(0, handle);
        Api.Fails(Status.UnknownModel, "''", Api.Open(kind, "", 1, &handle));
        Api.Fails(Status.InvalidArgument, "is NULL", Api.Open(kind, null, 1, null));

        Api.Fails(Status.InvalidArgument, "'path' is NULL", Api.OpenFile(kind, null, 1, &handle));
        Api.Fails(Status.InvalidArgument, "is empty", Api.OpenFile(kind, "", 1, &handle));
        Api.Fails(Status.IoError, "no-such-model", Api.OpenFile(kind, "no-such-model", 1, &handle));
        Api.Fails(Status.IoError, "no-such-folder", Api.OpenFile(kind, "no-such-folder/model", 1, &handle));
        Api.Fails(Status.IoError, "", Api.OpenFile(kind, Path.GetTempPath(), 1, &handle));
        Api.Fails(Status.InvalidArgument, "is NULL", Api.OpenFile(kind, "x", 1, null));
        string noModel = Path.Combine(AppContext.BaseDirectory, "tfic.h");
        Api.Fails(Status.BadFormat, "safetensors", Api.OpenFile(kind, noModel, 1, &handle));

        byte[] model = Model(kind), other = Model(kind == ModelKind.Codec ? ModelKind.Detector : ModelKind.Codec);
        Api.Fails(Status.InvalidArgument, "'data' is NULL", Api.OpenMemory(kind, null, 8, 1, &handle));
        fixed (byte* data = model)
        {
            Api.Fails(Status.InvalidArgument, "is NULL", Api.OpenMemory(kind, data, 8, 1, null));
            Api.Fails(Status.BadFormat, "0 bytes", Api.OpenMemory(kind, data, 0, 1, &handle));
            Api.Fails(Status.BadFormat, "", Api.OpenMemory(kind, data, (nuint)model.Length - 1, 1, &handle));
            Api.Fails(Status.InvalidArgument, "are the most", Api.OpenMemory(kind, data, nuint.MaxValue, 1, &handle));
            data[20] ^= 1;
            Api.Fails(Status.BadFormat, "", Api.OpenMemory(kind, data, (nuint)model.Length, 1, &handle));
            data[20] ^= 1;
        }

        fixed (byte* data = other)
        {
            Api.Fails(
                Status.BadFormat, "model is needed", Api.OpenMemory(kind, data, (nuint)other.Length, 1, &handle));
        }

        Assert.Equal(0, handle);
    }

    [Theory]
    [InlineData(0.99)]
    [InlineData(8.01)]
    [InlineData(-1.0)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Qualities_out_of_range_are_refused(double quality)
    {
        byte* file = (byte*)1;
        nuint size = 1;
        fixed (byte* pixels = s_rgb.Samples)
        {
            Api.Fails(
                Status.InvalidArgument,
                "quality",
                Api.Encode(_codec, pixels, Width, Height, 3, 3 * Width, quality, &file, &size));
        }

        Assert.True(file is null && size == 0);
    }

    [Theory]
    [InlineData(0, 1, 3, 3, "0 × 1")]
    [InlineData(1, 0, 3, 3, "1 × 0")]
    [InlineData(-1, 1, 3, 3, "-1 × 1")]
    [InlineData(1, int.MinValue, 3, 3, "1 × -2147483648")]
    [InlineData(1, 1, 0, 3, "0 channels")]
    [InlineData(1, 1, 2, 3, "2 channels")]
    [InlineData(1, 1, 4, 4, "4 channels")]
    [InlineData(2, 1, 3, 5, "stride of 5")]
    [InlineData(2, 1, 1, 0, "stride of 0")]
    [InlineData(1 << 20, 1, 3, (3 << 20) - 1, "stride")]
    [InlineData((1 << 20) + 1, 1, 1, int.MaxValue, "1048576 at most")]
    [InlineData(1, (1 << 20) + 1, 1, 1, "1048576 at most")]
    [InlineData(int.MaxValue, int.MaxValue, 3, int.MaxValue, "at most")]
    [InlineData(10_001, 10_000, 1, 10_001, "100000000 are the most")]
    [InlineData(1, 3, 1, -1, "do not fit")]
    public void Pictures_of_impossible_sizes_are_refused(int width, int height, int channels, int stride, string words)
    {
        // −1 stands for the largest size_t. No row may be touched: there is only a byte.
        nuint rowBytes = stride < 0 ? nuint.MaxValue : (nuint)stride;
        byte pixel = 0;
        byte* output;
        nuint size;
        double confidence;
        Api.Fails(
            Status.InvalidArgument,
            words,
            Api.Encode(_codec, &pixel, width, height, channels, rowBytes, 3, &output, &size));
        Assert.True(output is null && size == 0);
        Api.Fails(
            Status.InvalidArgument,
            words,
            Api.ReadLine(_recogniser, &pixel, width, height, channels, rowBytes, &output, &confidence));
        Assert.True(output is null && confidence == 0);
    }

    [Fact]
    public void Null_is_refused_everywhere()
    {
        byte[] file = Api.Encode(_codec, s_grey.Samples, Width, Height, 1, 3);
        byte* output;
        nuint size;
        int a, b, c;
        fixed (byte* pixels = s_grey.Samples, bytes = file)
        {
            nuint length = (nuint)file.Length;
            Status[] statuses =
            [
                Api.Encode(0, pixels, Width, Height, 1, Width, 3, &output, &size),
                Api.Encode(_codec, null, Width, Height, 1, Width, 3, &output, &size),
                Api.Encode(_codec, pixels, Width, Height, 1, Width, 3, null, &size),
                Api.Encode(_codec, pixels, Width, Height, 1, Width, 3, &output, null),
                Api.Decode(0, bytes, length, &output, &a, &b, &c),
                Api.Decode(_codec, null, length, &output, &a, &b, &c),
                Api.Decode(_codec, null, 0, &output, &a, &b, &c),
                Api.Decode(_codec, bytes, length, null, &a, &b, &c),
                Api.Decode(_codec, bytes, length, &output, null, &b, &c),
                Api.Decode(_codec, bytes, length, &output, &a, null, &c),
                Api.Decode(_codec, bytes, length, &output, &a, &b, null),
                Api.Info(null, length, &a, &b, &c),
                Api.Info(bytes, length, null, &b, &c),
                Api.Info(bytes, length, &a, null, &c),
                Api.Info(bytes, length, &a, &b, null),
                Api.ReadLine(0, pixels, Width, Height, 1, Width, &output, null),
                Api.ReadLine(_recogniser, null, Width, Height, 1, Width, &output, null),
                Api.ReadLine(_recogniser, pixels, Width, Height, 1, Width, null, null),
            ];
            Assert.All(statuses, status => Assert.Equal(Status.InvalidArgument, status));
        }

        Assert.EndsWith("is NULL.", Api.LastError(), StringComparison.Ordinal);

        // These take NULL in silence, as free does.
        Api.Free(null);
        Api.CodecClose(0);
        Api.RecogniserClose(0);
        Api.DetectorClose(0);
        Api.RestorerClose(0);
    }

    [Fact]
    public void Handles_that_are_closed_or_of_the_other_kind_are_refused()
    {
        byte[] file = Api.Encode(_codec, s_grey.Samples, Width, Height, 1, 3);
        nint closed = Api.Open(ModelKind.Codec, s_codecFile);
        Api.CodecClose(closed);
        Api.CodecClose(closed);
        foreach (nint handle in new[] { closed, _recogniser, -1, nint.MaxValue })
            Api.Fails(Status.InvalidArgument, "no open codec", Api.TryDecode(handle, file, out _));

        byte* text;
        fixed (byte* pixels = s_grey.Samples)
        {
            Api.Fails(
                Status.InvalidArgument,
                "no open recogniser",
                Api.ReadLine(_codec, pixels, Width, Height, 1, Width, &text, null));
        }

        // Closing by the wrong function closes nothing.
        Api.CodecClose(_recogniser);
        Api.RecogniserClose(_codec);
        Api.Ok(Api.TryDecode(_codec, file, out _));
        Api.Read(_recogniser, s_grey.Samples, Width, Height, 1);
    }

    [Fact]
    public void Damaged_files_are_noticed()
    {
        byte[] file = Api.Encode(_codec, s_grey.Samples, Width, Height, 1, 1);
        for (int length = 0; length < file.Length; length++)
            Assert.Equal(Status.BadFormat, Api.TryDecode(_codec, file[..length], out _));
        for (int i = 0; i < file.Length; i++)
        {
            byte[] damaged = [.. file];
            damaged[i] ^= (byte)(1 << (i % 8));
            Assert.Equal(Status.BadFormat, Api.TryDecode(_codec, damaged, out _));
        }

        // The decoder is none the worse for it.
        Api.Ok(Api.TryDecode(_codec, file, out _));

        int a = -1, b = -1, c = -1;
        fixed (byte* bytes = "not a .tfic file"u8)
            Api.Fails(Status.BadFormat, "no .tfic file", Api.Info(bytes, 16, &a, &b, &c));
        Assert.Equal((0, 0, 0), (a, b, c));
        fixed (byte* bytes = file)
            Api.Fails(Status.InvalidArgument, "are the most", Api.Info(bytes, nuint.MaxValue, &a, &b, &c));
    }

    [Fact]
    public void Another_model_s_file_is_refused_with_the_models_named()
    {
        nint other = Api.Open(ModelKind.Codec, RandomCodec.File(2));
        byte[] file = Api.Encode(other, s_grey.Samples, Width, Height, 1, 3);
        Api.Fails(Status.BadFormat, "random 1", Api.TryDecode(_codec, file, out _));
        Api.CodecClose(other);
    }

    [Fact]
    public void Errors_belong_to_their_thread_and_stay_until_the_next()
    {
        Api.Fails(Status.InvalidArgument, "The codec is NULL", Api.TryDecode(0, [1], out _));
        byte* address = Api.LastErrorAddress();
        string? elsewhere = null;
        var thread = new Thread(() =>
        {
            elsewhere = Api.LastError();
            Api.TryDecode(_codec, [], out _);
        });
        thread.Start();
        thread.Join();
        Assert.Equal("", elsewhere);

        // A success leaves the message alone, and so does a collection of garbage.
        Api.Encode(_codec, s_grey.Samples, Width, Height, 1, 3);
        GC.Collect();
        Assert.True(address == Api.LastErrorAddress());
        Assert.Contains("The codec is NULL", Api.LastError(), StringComparison.Ordinal);
    }

    private static nint Open(ModelKind kind, string? name)
    {
        nint handle;
        Api.Ok(Api.Open(kind, name, 1, &handle));
        return handle;
    }

    private static byte[] Model(ModelKind kind) => kind switch
    {
        ModelKind.Codec => [.. s_codecFile],
        ModelKind.Recogniser => RandomModels.Recogniser(4),
        ModelKind.Detector => RandomModels.Detector(4),
        _ => RandomModels.CompactRestorer(4, blocks: 1, features: 3),
    };

    /// <summary>TFIC in letters of 5 × 7 dots, a row in each number, the leftmost dot in bit 4.</summary>
    private static void DrawWord(Picture page, int left, int top)
    {
        const int Dot = 3;
        byte[][] letters =
        [
            [31, 4, 4, 4, 4, 4, 4], [31, 16, 16, 30, 16, 16, 16], [14, 4, 4, 4, 4, 4, 14], [14, 17, 16, 16, 16, 17, 14],
        ];
        for (int letter = 0; letter < letters.Length; letter++)
        {
            for (int y = 0; y < 7 * Dot; y++)
            {
                for (int x = 0; x < 5 * Dot; x++)
                {
                    if ((letters[letter][y / Dot] >> (4 - x / Dot) & 1) != 0)
                        page.Row(top + y)[left + 6 * Dot * letter + x] = 0;
                }
            }
        }
    }

    /// <summary>A recogniser whose first class stands for another character.</summary>
    private static byte[] Rename(byte[] model, string first)
    {
        SafetensorsFile file = SafetensorsFile.Read(model);
        var writer = new SafetensorsWriter();
        foreach ((string key, string value) in file.Metadata)
            writer.SetMetadata(key, key == "charset" ? first + value[1..] : value);
        foreach (StoredTensor tensor in file.Tensors.Values)
            writer.Add(tensor.Name, tensor.Type, tensor.Bytes.Span, tensor.Shape);
        return writer.ToArray();
    }
}
