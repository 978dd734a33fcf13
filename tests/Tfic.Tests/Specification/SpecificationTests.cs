using Tfic.Bitstream;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;
using Tfic.Tests.Networks;

namespace Tfic.Tests.Specification;

/// <summary>The product decodes, and refuses, what a decoder does that was written from FORMAT.md alone.</summary>
public class SpecificationTests
{
    private static readonly CodecModel[] s_models =
        [RandomCodec.Model, RandomCodec.OtherModel, RandomCodec.ContextModel];

    private static readonly Lazy<SpecifiedModel[]> s_specified = new(() =>
    [
        new SpecifiedModel(RandomCodec.File(1)),
        new SpecifiedModel(RandomCodec.File(2)),
        new SpecifiedModel(RandomCodec.File(3, hasContext: true)),
    ]);

    [Fact]
    public void ChecksumsAndIdsAreThoseOfTheSpecification()
    {
        byte[] digits = [.. "123456789"u8];
        Assert.Equal(0x29B1, SpecificationDecoder.Crc16(digits));
        Assert.Equal(0xCBF43926, SpecificationDecoder.Crc32(digits));
        Assert.Equal(s_models.Select(m => m.Prior.Id.Value), s_specified.Value.Select(m => m.Id));
    }

    [Theory]
    [InlineData(1, 1, 1, 1.0)]
    [InlineData(16, 16, 3, 8.0)]
    [InlineData(17, 33, 3, 2.3)]
    [InlineData(65, 40, 1, 5.0)]
    [InlineData(100, 130, 3, 3.96875)]
    [InlineData(4200, 5, 1, 1.0)]
    [InlineData(7, 4097, 3, 1.0)]
    public void StreamsDecodeToTheSameLatents(int width, int height, int channels, double quality)
    {
        Picture picture = RandomModels.Picture(width, height, channels, 31);
        foreach (CodecModel model in s_models)
        {
            byte[] file = new TficEncoder(model).Encode(picture, quality);
            SpecifiedFile header = AssertAgree(file);
            Assert.Equal((width, height, channels == 1), (header.Width, header.Height, header.IsGrey));
        }
    }

    /// <summary>Noise at the highest quality: streams long enough for each of the coding modes.</summary>
    [Theory]
    [InlineData(150, 100, CodingMode.Range)]
    [InlineData(384, 192, CodingMode.Interleaved)]
    [InlineData(576, 400, CodingMode.Chunked)]
    public void StreamsOfEveryModeDecodeToTheSameLatents(int width, int height, CodingMode mode)
    {
        byte[] file = new TficEncoder(RandomCodec.ContextModel).Encode(RandomModels.Picture(width, height, 3, 32), 8);
        Assert.Equal(mode, TficContainer.Read(file).GetLayer().Mode);
        AssertAgree(file);
    }

    [Fact]
    public void BothLayersDecodeToTheSameLatents()
    {
        Picture picture = RandomModels.Picture(50, 70, 3, 33);
        var text = new TficEncoder(RandomCodec.ContextModel);
        AssertAgree(text.Encode(picture, 1, new BaseLayer(text, 4)));
        byte[] file = text.Encode(picture, 4.5, new BaseLayer(new TficEncoder(RandomCodec.Model), 2));
        SpecifiedFile header = AssertAgree(file);
        Assert.Equal([1, 2], header.Layers.Select(layer => layer.Kind));
        AssertAgree([.. file, 0]);
        AssertAgree(file[..^1]);
    }

    /// <summary>Payloads of noise, and real ones with a byte changed, in every mode, with sound checksums.</summary>
    [Fact]
    public void DamagedPayloadsAreRefusedOrDecodedAlike()
    {
        var random = new Random(34);
        CodecModel model = RandomCodec.ContextModel;
        TficLayer real = TficContainer.Read(new TficEncoder(model).Encode(RandomModels.Picture(16, 30, 3, 35), 3))
            .GetLayer();
        int accepted = 0;
        for (int i = 0; i < 90; i++)
        {
            byte[] payload = real.Payload.ToArray();
            if (i % 3 == 0)
            {
                payload = new byte[random.Next(400)];
                random.NextBytes(payload);
            }
            else
            {
                payload[random.Next(payload.Length)] ^= (byte)(1 << random.Next(8));
                payload = payload[..(payload.Length - (i % 3 == 1 ? 0 : random.Next(4)))];
            }

            var mode = (CodingMode)(i % 3 == 0 ? random.Next(4) : 0);
            if (mode == CodingMode.Chunked && payload.Length > 5)
                (payload[0], payload[1], payload[2], payload[3], payload[4]) = (10, 130, 0, 0, 0);
            byte[] file = TficContainer.Write(
                16, 30, false, new TficLayer(LayerKind.Text, model.Prior.Id, 64, mode, payload));
            if (AssertAgree(file, mayBeRefused: true) is not null)
                accepted++;
        }

        Assert.InRange(accepted, 5, 85);
    }

    [Fact]
    public void CutAndFlippedFilesAreRefusedByBoth()
    {
        foreach (byte[] file in new[]
        {
            new TficEncoder(RandomCodec.Model).Encode(RandomModels.Picture(8, 8, 3, 36), 1),
            TficContainer.Write(
                300, 2, true, new TficLayer(LayerKind.Base, new ModelId(7), 9, CodingMode.Range, new byte[9])),
        })
        {
            for (int length = 0; length < file.Length; length++)
                AssertParsedAlike(file[..length]);
            for (int bit = 0; bit < 8 * file.Length; bit++)
            {
                byte[] damaged = [.. file];
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                AssertParsedAlike(damaged);
            }
        }
    }

    /// <summary>Containers put together by chance, sound and unsound, mostly with right checksums.</summary>
    [Fact]
    public void RandomContainersAreParsedAlike()
    {
        int accepted = 0;
        for (int seed = 0; seed < 4000; seed++)
        {
            if (AssertParsedAlike(RandomContainer(new Random(seed))))
                accepted++;
        }

        Assert.InRange(accepted, 500, 3500);
    }

    private static byte[] RandomContainer(Random random)
    {
        bool Rarely() => random.Next(12) == 0;
        var file = new List<byte> { 0xF4, (byte)(0x11 | random.Next(2) << 1) };
        if (Rarely())
            file[1] = (byte)random.Next(256);

        void Varint(long value)
        {
            for (; value >= 128; value >>= 7)
                file.Add((byte)(value | 128));
            file.Add((byte)value);
            if (random.Next(40) == 0)
            {
                file[^1] |= 128;
                file.Add(0);
            }
        }

        Varint(Rarely() ? random.NextInt64(1L << random.Next(37)) : random.Next(1000));
        Varint(Rarely() ? random.NextInt64(1L << random.Next(37)) : random.Next(1000));
        byte[] header = [.. file];
        int sections = Rarely() ? random.Next(20) : random.Next(1, 4);
        for (int i = 0; i < sections; i++)
        {
            int start = file.Count;
            int kind = Rarely() ? random.Next(16) : new[] { 1, 2, 9, 15 }[random.Next(4)];
            bool more = Rarely() ? random.Next(2) == 0 : i < sections - 1;
            file.Add((byte)(kind | (more ? 16 : 0) | (Rarely() ? random.Next(8) << 5 : 0)));
            byte[] body = new byte[Rarely() ? random.Next(9) : random.Next(6, 300)];
            random.NextBytes(body);
            if (body.Length > 4 && !Rarely())
                body[4] %= 225;
            Varint(body.Length + (random.Next(40) == 0 ? random.Next(-2, 3) & 0xFFFF : 0));
            file.AddRange(body);
            uint crc = SpecificationDecoder.Crc32([.. header, .. file[start..]]) ^ (random.Next(40) == 0 ? 1u : 0);
            file.AddRange([(byte)(crc >> 24), (byte)(crc >> 16), (byte)(crc >> 8), (byte)crc]);
        }

        if (random.Next(40) == 0)
            file.Add(0);
        return [.. file];
    }

    /// <summary>Whether both accepted.</summary>
    private static bool AssertParsedAlike(byte[] file)
    {
        // The product's own limits are no part of the format.
        var limits = new TficLimits { MaxPixels = long.MaxValue, MaxBytes = int.MaxValue };
        SpecifiedFile? specified = null;
        TficContainer? product = null;
        string reason = "", message = "";
        try
        {
            specified = SpecificationDecoder.Parse(file);
        }
        catch (RejectedException e)
        {
            reason = e.Message;
        }

        try
        {
            product = TficContainer.Read(file, limits);
        }
        catch (TficFormatException e)
        {
            message = e.Message;
        }

        Assert.True(
            specified is null == product is null, $"{Convert.ToHexString(file)}: '{reason}' against '{message}'");
        if (specified is null || product is null)
            return false;
        Assert.Equal((specified.Width, specified.Height), (product.Width, product.Height));
        Assert.Equal((specified.IsGrey, specified.ShortCheck >= 0), (product.IsGrey, product.IsShort));
        Assert.Equal(
            specified.Layers.Select(l => (l.Kind, l.Id, l.Quality, l.Mode, Convert.ToHexString(l.Payload))),
            product.Layers.Select(l => (
                (int)l.Kind, l.Model.Value, (int)l.Quality, (int)l.Mode, Convert.ToHexString(l.Payload.Span))));
        return true;
    }

    private static SpecifiedFile AssertAgree(byte[] file) => AssertAgree(file, mayBeRefused: false)!;

    /// <summary>Decodes all layers both ways; null where both refuse.</summary>
    private static SpecifiedFile? AssertAgree(byte[] file, bool mayBeRefused)
    {
        SpecifiedFile? header = null;
        foreach (int kind in new[] { 0, 2, 1 })
        {
            // What a single layer holds need be decoded once.
            if (kind == 1 && header is { Layers: [{ Kind: 1 }] })
                continue;
            (SpecifiedFile File, int[] Latents)? specified = null;
            string reason = "";
            try
            {
                specified = SpecificationDecoder.Decode(file, s_specified.Value, kind);
            }
            catch (RejectedException e)
            {
                reason = e.Message;
            }

            int[]? product = null;
            string message = "";
            try
            {
                product = Decode(file, kind == 0 ? null : (LayerKind)kind);
            }
            catch (TficFormatException e)
            {
                message = e.Message;
            }

            Assert.True(specified is null == product is null, $"layer {kind}: '{reason}' against '{message}'");
            if (specified is { } both)
            {
                Assert.Equal(both.Latents, product);
                header ??= both.File;
            }
            else
            {
                Assert.True(mayBeRefused || kind != 0 || !TryParse(file), reason);
            }
        }

        return header;
    }

    private static bool TryParse(byte[] file)
    {
        try
        {
            SpecificationDecoder.Parse(file);
            return true;
        }
        catch (RejectedException)
        {
            return false;
        }
    }

    private static int[] Decode(byte[] file, LayerKind? kind)
    {
        TficContainer container = TficContainer.Read(file);
        TficLayer layer = container.GetLayer(kind);
        CodecModel model = Array.Find(s_models, m => container.IsWhole(layer, m.Prior.Id))
            ?? throw new TficFormatException("no such model", 0);
        return new TficDecoder(model).DecodeLatents(container, layer, model.Prior).ToArray();
    }
}
