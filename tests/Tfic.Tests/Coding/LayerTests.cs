using Tfic.Bitstream;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;
using Tfic.Tests.Networks;

namespace Tfic.Tests.Coding;

/// <summary>Files of a text layer and a base layer.</summary>
public class LayerTests
{
    private static readonly Picture s_picture = RandomModels.Picture(70, 40, 3, 21);

    [Fact]
    public void EachLayerDecodesAlone()
    {
        var text = new TficEncoder(RandomCodec.Model);
        var other = new TficEncoder(RandomCodec.OtherModel);
        byte[] file = text.Encode(s_picture, 2, new BaseLayer(other, 6.5));
        var both = new TficDecoder([RandomCodec.Model, RandomCodec.OtherModel]);
        byte[] legible = both.Decode(text.Encode(s_picture, 2)).Samples;
        byte[] forTheEye = both.Decode(other.Encode(s_picture, 6.5)).Samples;
        Assert.NotEqual(legible, forTheEye);

        Assert.Equal(legible, both.Decode(file).Samples);
        Assert.Equal(legible, both.Decode(file, LayerKind.Text).Samples);
        Assert.Equal(forTheEye, both.Decode(file, LayerKind.Base).Samples);
        Assert.Equal(forTheEye, both.Decode(new MemoryStream(file), LayerKind.Base).Samples);

        // A layer is decoded by its own model alone; the other one's is not needed.
        Assert.Equal(legible, new TficDecoder(RandomCodec.Model).Decode(file).Samples);
        var eye = new TficDecoder(RandomCodec.OtherModel);
        Assert.Equal(forTheEye, eye.Decode(file, LayerKind.Base).Samples);
        Assert.Contains("text layer", Assert.Throws<TficFormatException>(() => eye.Decode(file)).Message);
    }

    [Fact]
    public void OneEncoderMayCodeBoth()
    {
        var encoder = new TficEncoder(RandomCodec.Model);
        byte[] file = encoder.Encode(s_picture, 1.5, new BaseLayer(encoder, 5));
        TficContainer container = TficContainer.Read(file);
        Assert.Equal([LayerKind.Text, LayerKind.Base], container.Layers.Select(layer => layer.Kind));
        Assert.Equal([16, 128], container.Layers.Select(layer => (int)layer.Quality));
        foreach ((LayerKind kind, double quality) in new[] { (LayerKind.Text, 1.5), (LayerKind.Base, 5) })
        {
            Assert.Equal(
                TficContainer.Read(encoder.Encode(s_picture, quality)).GetLayer().Payload.ToArray(),
                container.GetLayer(kind).Payload.ToArray());
        }
    }

    [Fact]
    public void TheTargetOfASearchIsTheWholeFile()
    {
        var encoder = new TficEncoder(RandomCodec.Model);
        var baseLayer = new BaseLayer(new TficEncoder(RandomCodec.OtherModel), 1);
        int least = encoder.Encode(s_picture, 1, baseLayer).Length;
        int most = encoder.Encode(s_picture, 8, baseLayer).Length;
        int target = (least + most) / 2;
        RateSearchResult result = encoder.EncodeToBytes(s_picture, target, baseLayer);
        Assert.Null(result.Shortfall);
        Assert.InRange(result.File.Length, target * 0.97, target * 1.03);
        Assert.Equal(result.File, encoder.Encode(s_picture, result.Quality, baseLayer));

        TficLayer other = TficContainer.Read(result.File).GetLayer(LayerKind.Base);
        Assert.Contains(
            $"{least} bytes, {other.Payload.Length} of them for the base layer",
            encoder.EncodeToBytes(s_picture, least / 2, baseLayer).Shortfall);
    }

    [Fact]
    public void AnAbsentLayerIsNotReplacedByTheOther()
    {
        byte[] file = new TficEncoder(RandomCodec.Model).Encode(s_picture, 2);
        var decoder = new TficDecoder(RandomCodec.Model);
        Assert.Contains(
            "no base layer, only a text layer",
            Assert.Throws<TficFormatException>(() => decoder.Decode(file, LayerKind.Base)).Message);

        TficContainer container = TficContainer.Read(file);
        byte[] only = TficContainer.Write(70, 40, false, container.GetLayer() with
        {
            Kind = LayerKind.Base,
            Model = RandomCodec.Model.Prior.Id,
        });
        Assert.Equal(decoder.Decode(file).Samples, decoder.Decode(only).Samples);
        Assert.Contains(
            "no text layer, only a base layer",
            Assert.Throws<TficFormatException>(() => decoder.Decode(only, LayerKind.Text)).Message);
    }

    /// <summary>A coding mode of a later version in one layer leaves the other decodable.</summary>
    [Fact]
    public void AnUnknownModeSpoilsItsOwnLayerOnly()
    {
        var encoder = new TficEncoder(RandomCodec.Model);
        byte[] file = encoder.Encode(s_picture, 2, new BaseLayer(encoder, 3));
        TficContainer container = TficContainer.Read(file);
        byte[] newer = TficContainer.Write(
            70, 40, false, container.GetLayer(), container.GetLayer(LayerKind.Base) with { Mode = (CodingMode)200 });
        var decoder = new TficDecoder(RandomCodec.Model);
        Assert.Equal(decoder.Decode(file).Samples, decoder.Decode(newer).Samples);
        Assert.Contains(
            "Coding mode 200",
            Assert.Throws<TficFormatException>(() => decoder.Decode(newer, LayerKind.Base)).Message);
    }

    [Fact]
    public void EveryTruncationAndFlippedBitOfTwoLayersIsRefused()
    {
        var encoder = new TficEncoder(RandomCodec.Model);
        byte[] file = encoder.Encode(
            RandomModels.Picture(16, 9, 3, 2), 1, new BaseLayer(new TficEncoder(RandomCodec.OtherModel), 1));
        var decoder = new TficDecoder([RandomCodec.Model, RandomCodec.OtherModel]);
        foreach (LayerKind? kind in new LayerKind?[] { null, LayerKind.Text, LayerKind.Base })
        {
            for (int length = 0; length < file.Length; length++)
                Assert.Throws<TficFormatException>(() => decoder.Decode(file.AsSpan(0, length), kind));
            for (int bit = 0; bit < 8 * file.Length; bit++)
            {
                byte[] damaged = [.. file];
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.Throws<TficFormatException>(() => decoder.Decode(damaged, kind));
            }
        }
    }

    [Fact]
    public void AModelThatIsKnownButNotLoadedIsNamed()
    {
        var encoder = new TficEncoder(RandomCodec.Model);
        ModelId wanted = RandomCodec.Model.Prior.Id;
        byte[] shortFile = encoder.Encode(RandomModels.Picture(8, 8, 3, 1), 1);
        byte[] longFile = encoder.Encode(s_picture, 8);
        Assert.True(TficContainer.Read(shortFile).IsShort);
        Assert.False(TficContainer.Read(longFile).IsShort);
        int asked = 0;
        IEnumerable<(ModelId, string)> Known()
        {
            asked++;
            yield return (new ModelId(wanted.Value ^ 1), "a near miss");
            yield return (wanted, "the one that ships");
        }

        var decoder = new TficDecoder(RandomCodec.OtherModel) { KnownModels = Known() };
        decoder.Decode(new TficEncoder(RandomCodec.OtherModel).Encode(s_picture, 1));
        Assert.Equal(0, asked);
        foreach (byte[] file in new[] { shortFile, longFile })
        {
            string message = Assert.Throws<TficFormatException>(() => decoder.Decode(file)).Message;
            Assert.Contains($"made with model the one that ships ({wanted}), which is not loaded", message);
        }
    }

    [Fact]
    public void AStreamGetsTheFile()
    {
        var encoder = new TficEncoder(RandomCodec.Model);
        using var stream = new MemoryStream();
        encoder.Encode(s_picture, 3, stream, new BaseLayer(encoder, 2));
        Assert.Equal(encoder.Encode(s_picture, 3, new BaseLayer(encoder, 2)), stream.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => encoder.Encode(s_picture, 9, stream));
        Assert.Throws<ArgumentOutOfRangeException>(() => encoder.Encode(s_picture, 1, new BaseLayer(encoder, 0.5)));
    }

    /// <summary>
    /// Ten bytes may claim 16 million pixels, and mean it: a blank picture costs nothing. What decoding takes is in
    /// proportion to the pixels, and the limit on them is what bounds it.
    /// </summary>
    [Fact]
    public void MemoryIsInProportionToThePixelsClaimed()
    {
        ModelId model = RandomCodec.Model.Prior.Id;
        var decoder = new TficDecoder(RandomCodec.Model, new TficLimits { MaxPixels = 1 << 20 });
        long Allocated(int width, int height, ModelId id)
        {
            byte[] file = TficContainer.Write(width, height, false, id, 0, CodingMode.Range, []);
            Assert.Equal(10, file.Length);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                decoder.Decode(file);
            }
            catch (TficFormatException)
            {
                // A random model need not find a picture in no bytes.
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.InRange(Allocated(4096, 4096, model), 0, 50_000);
        Assert.InRange(Allocated(1024, 1024, new ModelId(1)), 0, 50_000);
        Assert.InRange(Allocated(1024, 1024, model), 0, 40L << 20);
    }

    /// <summary>
    /// Sixteen threads, an encoder and a decoder each, share two models, with files of both forms, modes and layers,
    /// each thread in another order.
    /// </summary>
    [Fact]
    public void SixteenThreadsAgree()
    {
        (Picture Picture, double Quality, double BaseQuality)[] work =
        [
            (RandomModels.Picture(8, 8, 3, 1), 1, 0),
            (RandomModels.Picture(50, 30, 1, 2), 4, 0),
            (RandomModels.Picture(65, 17, 3, 3), 2.5, 3),
            (RandomModels.Picture(500, 300, 3, 4), 8, 0),
        ];
        byte[] Encode(TficEncoder encoder, TficEncoder other, int i) => work[i].BaseQuality == 0
            ? encoder.Encode(work[i].Picture, work[i].Quality)
            : encoder.Encode(work[i].Picture, work[i].Quality, new BaseLayer(other, work[i].BaseQuality));
        byte[][] Decode(TficDecoder decoder, byte[] file) =>
            [.. TficContainer.Read(file).Layers.Select(layer => decoder.Decode(file, layer.Kind).Samples)];

        var textEncoder = new TficEncoder(RandomCodec.Model);
        var baseEncoder = new TficEncoder(RandomCodec.OtherModel);
        var oneDecoder = new TficDecoder([RandomCodec.Model, RandomCodec.OtherModel]);
        byte[][] files = [.. work.Select((_, i) => Encode(textEncoder, baseEncoder, i))];
        byte[][][] pictures = [.. files.Select(file => Decode(oneDecoder, file))];
        TficContainer[] containers = [.. files.Select(file => TficContainer.Read(file))];
        Assert.Equal(2, containers.Select(file => file.IsShort).Distinct().Count());
        Assert.Equal(2, containers.Select(file => file.Layers[0].Mode).Distinct().Count());

        var agreed = new int[16];
        using var start = new Barrier(agreed.Length);
        Thread[] threads = [.. agreed.Select((_, thread) => new Thread(() =>
        {
            var encoder = new TficEncoder(RandomCodec.Model);
            var other = new TficEncoder(RandomCodec.OtherModel);
            var decoder = new TficDecoder([RandomCodec.OtherModel, RandomCodec.Model]);
            start.SignalAndWait();
            for (int step = 0; step < 4; step++)
            {
                int i = ((thread / 4) + (((thread % 4) ^ step) & 3)) & 3;
                byte[][] decoded = Decode(decoder, files[i]);
                bool same = decoded.Zip(pictures[i]).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));
                if (same && (i == 3 || Encode(encoder, other, i).AsSpan().SequenceEqual(files[i])))
                    agreed[thread]++;
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.All(agreed, count => Assert.Equal(4, count));
    }
}
