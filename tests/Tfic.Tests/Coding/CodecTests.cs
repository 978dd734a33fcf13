using System.Buffers.Binary;
using System.Security.Cryptography;
using Tfic.Bitstream;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Kernels;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;
using Tfic.Tests.Kernels;
using Tfic.Tests.Networks;

namespace Tfic.Tests.Coding;

[Collection(VariantChoiceCollection.Name)]
public class CodecTests
{
    [Theory]
    [InlineData(1, 1, 3)]
    [InlineData(1, 17, 1)]
    [InlineData(16, 16, 3)]
    [InlineData(17, 64, 3)]
    [InlineData(65, 31, 1)]
    [InlineData(130, 50, 3)]
    public void AnySizeComesBack(int width, int height, int channels)
    {
        CheckSize(RandomCodec.Model, width, height, channels);
        CheckSize(RandomCodec.ContextModel, width, height, channels);
    }

    private static void CheckSize(CodecModel model, int width, int height, int channels)
    {
        var encoder = new TficEncoder(model);
        var decoder = new TficDecoder(model);
        Picture picture = RandomModels.Picture(width, height, channels, 3);
        int before = 0;
        foreach (double quality in new[] { 1, 4.4, 8 })
        {
            byte[] file = encoder.Encode(picture, quality);
            Picture decoded = decoder.Decode(file);
            Assert.Equal((width, height, channels), (decoded.Width, decoded.Height, decoded.Channels));
            Assert.True(file.Length > before, $"{file.Length} bytes at quality {quality}, {before} below it");
            before = file.Length;
            Assert.Equal(decoded.Samples, decoder.Decode(new MemoryStream(file)).Samples);
            Assert.Equal(Math.Round((quality - 1) * 32), TficContainer.Read(file).Layers[0].Quality);
        }
    }

    /// <summary>
    /// What the decoder makes of a file is what the encoder meant: ŷ' lies within half a step of y', at every position
    /// that is coded.
    /// </summary>
    [Fact]
    public void LatentsComeBackWithinHalfAStep()
    {
        CheckLatents(RandomCodec.Model);
        CheckLatents(RandomCodec.ContextModel);
    }

    private static void CheckLatents(CodecModel model)
    {
        Picture picture = RandomModels.Picture(100, 70, 3, 4);
        foreach (byte quality in new byte[] { 0, 77, 224 })
        {
            byte[] file = new TficEncoder(model).Encode(picture, 1 + (quality / 32.0));
            TficContainer container = TficContainer.Read(file);
            int[] decoded = new TficDecoder(model).DecodeLatents(container, container.Layers[0], model.Prior).ToArray();

            (int columns, int rows) = CompactCodec.LatentSize(100, 70);
            var y = new float[rows * columns * 96];
            var gain = new float[96];
            model.Transforms.Analysis(picture, new Workspace(), y);
            model.Transforms.Gain(1 + (quality / 32.0), gain);
            CompactCodec.Scale(y, gain);
            Assert.Equal(y.Length, decoded.Length);
            double largest = 0;
            for (int i = 0; i < y.Length; i++)
            {
                int position = i / 96;
                if (position / columns < 5 && position % columns < 7)
                    Assert.InRange((decoded[i] / 64.0) - y[i], -0.50001, 0.50001);
                largest = Math.Max(largest, Math.Abs(y[i]));
            }

            Assert.True(largest > 1, "the fixture's latents are all near zero");
        }
    }

    /// <summary>Streams that were written with any row, decoded with any other, give one and the same ŷ.</summary>
    [Fact]
    public void EveryRowWritesAndReadsTheSameBytes()
    {
        CodecModel model = RandomCodec.ContextModel;
        Picture picture = RandomModels.Picture(90, 40, 3, 5);
        byte[] expected = new TficEncoder(model).Encode(picture, 5);
        byte[] latents = LatentHash(expected, model);
        VariantChoice before = VariantChoice.Current;
        try
        {
            foreach (VariantTable table in new VariantTable[]
            {
                Tfic.Kernels.IntegerConvolution.IntegerConvolution.Table,
                RangeDecoding.Table,
                RansDecoding.Table,
            })
            {
                foreach (Variant row in table.Variants.Where(row => row.IsSupported))
                {
                    VariantChoice.Current = VariantChoice.Parse($"{table.Kernel}={row.Name}");
                    Assert.Equal(expected, new TficEncoder(model).Encode(picture, 5));
                    Assert.Equal(latents, LatentHash(expected, model));
                }
            }
        }
        finally
        {
            VariantChoice.Current = before;
        }
    }

    /// <summary>
    /// A picture whose latents go into several chunks, which threads share: file, ŷ' and picture are the same for any
    /// number of them.
    /// </summary>
    [Fact]
    public void ThreadsChangeNothing()
    {
        CodecModel model = RandomCodec.ContextModel;
        Picture picture = RandomModels.Picture(512, 512, 3, 5);
        byte[] file = new TficEncoder(model).Encode(picture, 8);
        TficContainer container = TficContainer.Read(file);
        TficLayer layer = container.Layers[0];
        Assert.Equal(CodingMode.Chunked, layer.Mode);
        Assert.InRange(1 << layer.Payload.Span[0], 1, 32 * 32 * 96 / 2 - 1);
        var decoder = new TficDecoder(model);
        int[] latents = decoder.DecodeLatents(container, layer, model.Prior).ToArray();
        byte[] samples = decoder.Decode(file).Samples;
        foreach (int threads in new[] { 2, 3, 8 })
        {
            Assert.Equal(file, new TficEncoder(model, threads).Encode(picture, 8));
            decoder = new TficDecoder(model, threads: threads);
            Assert.Equal(latents, decoder.DecodeLatents(container, layer, model.Prior).ToArray());
            Assert.Equal(samples, decoder.Decode(file).Samples);
        }
    }

    /// <summary>
    /// Whatever a cut or a flipped bit makes of a file, it is refused with the library's own exception.
    /// </summary>
    [Theory]
    [InlineData(1, 1, 1.0)]
    [InlineData(40, 20, 1.0)]
    [InlineData(40, 20, 3.0)]
    public void EveryTruncationAndFlippedBitIsRefused(int width, int height, double quality)
    {
        byte[] file = new TficEncoder(RandomCodec.Model).Encode(RandomModels.Picture(width, height, 3, 6), quality);
        var decoder = new TficDecoder(RandomCodec.Model);
        for (int length = 0; length < file.Length; length++)
            Assert.Throws<TficFormatException>(() => decoder.Decode(file.AsSpan(0, length)));
        for (int bit = 0; bit < 8 * file.Length; bit++)
        {
            byte[] damaged = [.. file];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<TficFormatException>(() => decoder.Decode(damaged));
        }

        // The decoder is as good as new afterwards.
        Assert.Equal(width, decoder.Decode(file).Width);
    }

    /// <summary>
    /// Damage that the checksum does not see, because it was computed after it: the symbol decoder is on its own, and
    /// either makes a picture or refuses.
    /// </summary>
    [Fact]
    public void PayloadsOfNoiseDecodeOrAreRefused()
    {
        CodecModel model = RandomCodec.ContextModel;
        var decoder = new TficDecoder(model);
        var random = new Random(7);
        int refused = 0;
        for (int i = 0; i < 150; i++)
        {
            var payload = new byte[random.Next(600)];
            random.NextBytes(payload);
            var mode = (CodingMode)random.Next(2);
            byte[] file = TficContainer.Write(
                random.Next(1, 70), random.Next(1, 70), false, model.Prior.Id, (byte)random.Next(225), mode, payload);
            try
            {
                TficContainer container = TficContainer.Read(file);
                decoder.DecodeLatents(container, container.Layers[0], model.Prior);
            }
            catch (TficFormatException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 60, 150);
    }

    [Fact]
    public void AStreamForAnotherModelIsRefusedByName()
    {
        Picture picture = RandomModels.Picture(60, 60, 3, 8);
        foreach (double quality in new[] { 1.0, 8.0 })
        {
            byte[] file = new TficEncoder(RandomCodec.Model).Encode(picture, quality);
            var e = Assert.Throws<TficFormatException>(() => new TficDecoder(RandomCodec.OtherModel).Decode(file));
            Assert.Contains(RandomCodec.Model.Prior.Id.ToString()[..4], e.Message);
            Assert.Contains("random 2", e.Message);
            Assert.Contains(RandomCodec.OtherModel.Prior.Id.ToString(), e.Message);

            // With both at hand the right one is found.
            Picture expected = new TficDecoder(RandomCodec.Model).Decode(file);
            var both = new TficDecoder([RandomCodec.OtherModel, RandomCodec.Model]);
            Assert.Equal(expected.Samples, both.Decode(file).Samples);
        }
    }

    [Fact]
    public void ArgumentsAreChecked()
    {
        var encoder = new TficEncoder(RandomCodec.Model);
        var picture = new Picture(8, 8, 1);
        foreach (double quality in new[] { 0.99, 8.01, double.NaN, double.PositiveInfinity })
            Assert.Throws<ArgumentOutOfRangeException>(() => encoder.Encode(picture, quality));
        Assert.Throws<ArgumentOutOfRangeException>(() => encoder.EncodeToBytes(picture, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => encoder.EncodeToBitsPerPixel(picture, double.NaN));
        Assert.Throws<ArgumentException>(() => new TficDecoder([]));
        byte[] file = encoder.Encode(picture, 1);
        Assert.Throws<TficFormatException>(() =>
            new TficDecoder(RandomCodec.Model, new TficLimits { MaxPixels = 63 }).Decode(file));
        Assert.Throws<TficFormatException>(() =>
            new TficDecoder(RandomCodec.Model, new TficLimits { MaxBytes = 9 }).Decode(file));
        Assert.Throws<TficFormatException>(() =>
            new TficDecoder(RandomCodec.Model).Decode(TficContainer.Read(file), LayerKind.Base));
    }

    private static byte[] LatentHash(byte[] file, CodecModel model)
    {
        TficContainer container = TficContainer.Read(file);
        return LatentHash(container, model.Prior);
    }

    internal static byte[] LatentHash(TficContainer container, IntegerPrior prior)
    {
        Assert.True(container.IsWhole(container.Layers[0], prior.Id));
        var decoder = new TficDecoder(RandomCodec.Model);
        ReadOnlySpan<int> latents = decoder.DecodeLatents(container, container.Layers[0], prior);
        var bytes = new byte[4 * latents.Length];
        for (int i = 0; i < latents.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * i), latents[i]);
        return SHA256.HashData(bytes);
    }
}
