using Tfic.Bitstream;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Tests.Bitstream;

public class TficContainerTests
{
    private static readonly ModelId s_model = new(0xA1B2C3D4);

    [Fact]
    public void ChecksumsHaveTheirPublishedValues()
    {
        byte[] digits = "123456789"u8.ToArray();
        Assert.Equal(0x29B1, Checksum.Crc16(digits));
        Assert.Equal(0xCBF43926, Checksum.Crc32(digits));
        Assert.Equal(0xCBF43926, Checksum.Crc32(digits.AsSpan(4), Checksum.Crc32(digits.AsSpan(0, 4))));
    }

    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(512, 256, 50)]
    [InlineData(4096, 4096, 245)]
    [InlineData(4096, 4096, 246)]
    [InlineData(4097, 1, 3)]
    [InlineData(20480, 512, 245)]
    [InlineData(512, 20480, 12)]
    [InlineData(3, 4097, 0)]
    [InlineData(20481, 512, 0)]
    [InlineData(20480, 513, 0)]
    [InlineData(4097, 4097, 0)]
    [InlineData(1, 1 << 20, 0)]
    [InlineData(513, 257, 100_000)]
    public void WhatIsWrittenIsRead(int width, int height, int payloadLength)
    {
        byte[] payload = Payload(payloadLength);
        (int longer, int shorter) = (Math.Max(width, height), Math.Min(width, height));
        bool isShort = payloadLength + 10 < 256 && (longer <= 4096 || (longer <= 20480 && shorter <= 512));
        foreach (bool grey in new[] { false, true })
        {
            byte[] file = TficContainer.Write(width, height, grey, s_model, 137, CodingMode.Range, payload);
            foreach (TficContainer read in new[]
            {
                TficContainer.Read(file),
                TficContainer.Read(new Trickle(file, 1)),
                TficContainer.Read(new Trickle(file, 7)),
            })
            {
                Assert.Equal((width, height, grey), (read.Width, read.Height, read.IsGrey));
                Assert.Equal(isShort, read.IsShort);
                TficLayer layer = Assert.Single(read.Layers);
                Assert.Equal(LayerKind.Text, layer.Kind);
                Assert.Equal(137, layer.Quality);
                Assert.Equal(CodingMode.Range, layer.Mode);
                Assert.Equal(payload, layer.Payload.ToArray());
                Assert.Equal(payload, file.AsSpan((int)layer.Offset, payload.Length).ToArray());
                Assert.True(read.IsWhole(layer, s_model));
                Assert.False(read.IsWhole(layer, new ModelId(0xA1B2C3D5)));
                Assert.False(read.MayBe(layer, new ModelId(0xA1B3C3D4)));
                Assert.Equal(file.Length, read.Bytes);
                Assert.Equal(file.Length - payload.Length, read.OverheadBytes);
                Assert.Equal(file.Length * 8.0 / width / height, read.BitsPerPixel, 12);
            }

            Assert.InRange(file.Length - payloadLength, 10, isShort ? 10 : 24);
        }
    }

    [Fact]
    public void ALongFileEndsByItselfInAStream()
    {
        byte[] file = TficContainer.Write(40, 50, false, s_model, 0, CodingMode.Range, Payload(300));
        var stream = new MemoryStream([.. file, .. file, 9]);
        Assert.Equal(40, TficContainer.Read(stream).Width);
        Assert.Equal(file.Length, stream.Position);
        Assert.Equal(40, TficContainer.Read(stream).Width);
        Assert.Throws<TficFormatException>(() => TficContainer.Read(stream));
        Assert.Throws<TficFormatException>(() => TficContainer.Read((byte[])[.. file, 0]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(60)]
    [InlineData(245)]
    [InlineData(246)]
    [InlineData(600)]
    public void EveryTruncationAndEveryFlippedBitIsFound(int payloadLength)
    {
        foreach (int seed in Enumerable.Range(0, payloadLength > 300 ? 1 : 20))
        {
            byte[] payload = Payload(payloadLength, seed);
            byte[] file = TficContainer.Write(512, 256, false, s_model, 7, CodingMode.Range, payload);
            for (int length = 0; length < file.Length; length++)
                AssertRefused(file[..length]);
            for (int bit = 0; bit < 8 * file.Length; bit++)
            {
                byte[] damaged = [.. file];
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                AssertRefused(damaged);
            }
        }
    }

    /// <summary>
    /// Among 20,000 short files some hundred would have a beginning that passes the check by chance; the writer
    /// avoids all of them.
    /// </summary>
    [Fact]
    public void NoBeginningOfAShortFilePassesTheCheck()
    {
        int salted = 0;
        for (int seed = 0; seed < 20_000; seed++)
        {
            byte[] file = TficContainer.Write(100, 100, false, s_model, 7, CodingMode.Range, Payload(120, seed));
            if ((file[1] & 0x0C) != 0)
                salted++;
            ushort crc = 0xFFFF;
            for (int end = 0; end < file.Length - 2; end++)
            {
                if (end >= 8)
                    Assert.NotEqual((ushort)(crc ^ s_model.Value), (file[end] << 8) | file[end + 1]);
                crc = Checksum.Crc16(crc, file[end]);
            }
        }

        Assert.InRange(salted, 10, 100);
    }

    [Fact]
    public void UnknownSectionsAreSkippedOrRefusedByTheirKind()
    {
        byte[] layer = [0xA1, 0xB2, 0xC3, 0xD4, 32, 0, 1, 2, 3];
        TficContainer read = TficContainer.Read(Long(10, 20, (9, [7, 7]), (1, layer), (2, layer), (15, [])));
        Assert.Equal([LayerKind.Text, LayerKind.Base], read.Layers.Select(l => l.Kind));
        Assert.Equal([1, 2, 3], read.Layers[1].Payload.ToArray());
        Assert.Equal(s_model, read.Layers[1].Model);

        AssertMessage("unknown kind", Long(10, 20, (3, layer)));
        AssertMessage("unknown kind", Long(10, 20, (0, layer)));
        AssertMessage("unknown kind", Long(10, 20, (0x21, layer)));
        AssertMessage("no layer", Long(10, 20, (8, layer)));
        AssertMessage("Two layers", Long(10, 20, (1, layer), (1, layer)));
        AssertMessage("lacks its header", Long(10, 20, (1, layer[..5])));
        AssertMessage("Quality byte 225", Long(10, 20, (1, [1, 2, 3, 4, 225, 0])));
        AssertMessage("Quality byte 225", Long(10, 20, (1, layer), (2, [1, 2, 3, 4, 225, 0])));
        AssertMessage("More than 16", Long(10, 20, [.. Enumerable.Repeat((8, layer), 17)]));
        AssertMessage("beyond 1048576", Long((1 << 20) + 1, 20, (1, layer)));
    }

    [Fact]
    public void OtherFilesAreRefusedWithTheReason()
    {
        AssertMessage("is empty", []);
        AssertMessage("Only 1 bytes", [0xF4]);
        AssertMessage("first byte", [0x89, 0x50, 0x4E, 0x47, 0, 0, 0, 0, 0, 0]);
        AssertMessage("version 2", [0xF4, 0x20, 0, 0, 0, 0, 0, 0, 0, 0]);
        AssertMessage("version 0", [0xF4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0]);
        AssertMessage("Reserved", [0xF4, 0x15, 0, 0, 0, 0, 0, 0, 0, 0]);
        AssertMessage("Reserved", [0xF4, 0x91, 0, 0, 0, 0, 0, 0, 0, 0]);
        AssertMessage("short form", new byte[] { 0xF4, 0x10 }.Concat(new byte[254]).ToArray());
        AssertMessage("shortest form", [0xF4, 0x11, 0x80, 0x00, 0, 1]);
        AssertMessage("too large", [0xF4, 0x11, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
        AssertMessage("cut off", [0xF4, 0x11, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0]);
        Assert.False(TficContainer.IsTfic([0x89, 0x50]));
        Assert.True(TficContainer.IsTfic([0xF4, 0x1D]));
    }

    [Fact]
    public void LimitsHold()
    {
        byte[] file = TficContainer.Write(1000, 1000, false, s_model, 0, CodingMode.Range, Payload(1000));
        var pixels = new TficLimits { MaxPixels = 999_999 };
        Assert.Contains("999999", Assert.Throws<TficFormatException>(() => TficContainer.Read(file, pixels)).Message);
        var bytes = new TficLimits { MaxBytes = file.Length - 1 };
        Assert.Throws<TficFormatException>(() => TficContainer.Read(file, bytes));
        Assert.Throws<TficFormatException>(() => TficContainer.Read(new Trickle(file, 100), bytes));
        Assert.Equal(
            1000, TficContainer.Read(file, new TficLimits { MaxBytes = file.Length, MaxPixels = 1_000_000 }).Width);

        byte[] small = TficContainer.Write(9, 9, false, s_model, 0, CodingMode.Range, Payload(20));
        foreach (int most in new[] { small.Length, 1000 })
            Assert.Equal(9, TficContainer.Read(new Trickle(small, 4), new TficLimits { MaxBytes = most }).Width);
        foreach (int most in new[] { 1, 5, 9, small.Length - 1 })
        {
            var few = new TficLimits { MaxBytes = most };
            Assert.Throws<TficFormatException>(() => TficContainer.Read(small, few));
            var stream = new Trickle(small, 4);
            Assert.Throws<TficFormatException>(() => TficContainer.Read(stream, few));
            Assert.InRange(stream.Given, 0, most + 1);
        }

        byte[] three = Long(10, 20, (9, [7, 7]), (1, [1, 2, 3, 4, 0, 0]), (8, []));
        Assert.Single(TficContainer.Read(three, new TficLimits { MaxLayers = 3 }).Layers);
        Assert.Contains("2 layers allowed", Assert.Throws<TficFormatException>(
            () => TficContainer.Read(three, new TficLimits { MaxLayers = 2 })).Message);
    }

    /// <summary>
    /// What a header claims is compared with the limits as it comes: nothing is allocated for it, and nothing behind
    /// it is read.
    /// </summary>
    [Theory]
    [InlineData("F41080FFFFFF12345678", 8, "4096 × 4096 pixels")]
    [InlineData("F411FFFF3FFFFF3F" + "01FFFFFF7F", 8, "1048576 × 1048576 pixels")]
    [InlineData("F4110000" + "01FFFFFFFF07", 16, "longer than")]
    [InlineData("F4110000" + "01FFFFFF7F", 15, "longer than")]
    [InlineData("F4110000" + "0105", 6, "lacks its header")]
    [InlineData("F4110000" + "01FFFFFF1F" + "01020304FF", 15, "Quality byte 255")]
    [InlineData("F4110000" + "03", 5, "unknown kind")]
    [InlineData("89504E47", 2, "first byte")]
    [InlineData("F420", 2, "version 2")]
    public void ClaimsCostNothing(string start, int read, string message)
    {
        // Behind the start the stream has zeros without end.
        var endless = new Trickle(Convert.FromHexString(start), 1000) { IsEndless = true };
        long before = GC.GetAllocatedBytesForCurrentThread();
        var limits = new TficLimits { MaxPixels = 16_777_215 };
        string said = Assert.Throws<TficFormatException>(() => TficContainer.Read(endless, limits)).Message;
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50_000);
        Assert.Contains(message, said, StringComparison.Ordinal);
        Assert.InRange(endless.Given, 1, read);
    }

    /// <summary>A claim that the limits allow, but that is not kept: memory grows with what comes.</summary>
    [Fact]
    public void MemoryGrowsWithTheBytesThatCome()
    {
        byte[] start = Convert.FromHexString("F4110000" + "01FFFFFF1F");
        long before = GC.GetAllocatedBytesForCurrentThread();
        string said = Assert.Throws<TficFormatException>(
            () => TficContainer.Read(new Trickle([.. start, .. new byte[5000]], 1000))).Message;
        Assert.Contains("cut off", said, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void FilesOfTwoLayersAreWrittenAndRead()
    {
        var text = new TficLayer(LayerKind.Text, s_model, 7, CodingMode.Range, Payload(20));
        var other = new TficLayer(LayerKind.Base, new ModelId(5), 224, CodingMode.Interleaved, Payload(300));
        byte[] both = TficContainer.Write(100, 50, true, text, other);
        foreach (TficContainer read in new[] { TficContainer.Read(both), TficContainer.Read(new Trickle(both, 11)) })
        {
            Assert.Equal((100, 50, true, false), (read.Width, read.Height, read.IsGrey, read.IsShort));
            AssertSame(text, read.GetLayer());
            AssertSame(text, read.GetLayer(LayerKind.Text));
            AssertSame(other, read.GetLayer(LayerKind.Base));
            Assert.Equal(both.Length - 320, read.OverheadBytes);

            // Layers can go into other files; alone, the one for text has the short form again.
            Assert.Equal(
                TficContainer.Write(100, 50, true, text), TficContainer.Write(100, 50, true, read.GetLayer()));
        }

        TficContainer reversed = TficContainer.Read(TficContainer.Write(100, 50, true, other, text));
        Assert.Equal([LayerKind.Base, LayerKind.Text], reversed.Layers.Select(layer => layer.Kind));
        AssertSame(text, reversed.GetLayer());

        TficContainer alone = TficContainer.Read(TficContainer.Write(100, 50, true, other));
        AssertSame(other, alone.GetLayer());
        Assert.Equal(
            "The file has no text layer, only a base layer. (at byte 0)",
            Assert.Throws<TficFormatException>(() => alone.GetLayer(LayerKind.Text)).Message);
        Assert.Throws<ArgumentException>(() => TficContainer.Write(1, 1, true));
        Assert.Throws<ArgumentException>(() => TficContainer.Write(1, 1, true, text, text));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => TficContainer.Write(1, 1, true, text with { Kind = (LayerKind)3 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => TficContainer.Write(1, 1, true, text with { Quality = 225 }));
    }

    [Fact]
    public void ModelIdsShowTheHashInOrder() =>
        Assert.Equal("00ff10ab", ModelId.FromHash([0x00, 0xFF, 0x10, 0xAB, 0x77]).ToString());

    private static void AssertRefused(byte[] bytes)
    {
        try
        {
            TficContainer read = TficContainer.Read(bytes);
            Assert.False(read.Layers.All(layer => read.IsWhole(layer, s_model)));
        }
        catch (TficFormatException)
        {
            // The other way to refuse.
        }
    }

    private static void AssertMessage(string part, byte[] bytes)
    {
        Assert.Contains(part, Assert.Throws<TficFormatException>(() => TficContainer.Read(bytes)).Message);
        Assert.Throws<TficFormatException>(() => TficContainer.Read(new Trickle(bytes, 3)));
    }

    private static void AssertSame(TficLayer expected, TficLayer actual)
    {
        Assert.Equal(expected.Payload.ToArray(), actual.Payload.ToArray());
        Assert.Equal(expected, actual with { Payload = expected.Payload, Offset = 0 });
    }

    private static byte[] Payload(int length, int seed = 1)
    {
        var payload = new byte[length];
        new Random(seed).NextBytes(payload);
        return payload;
    }

    /// <summary>A file of the long form, written by the book.</summary>
    private static byte[] Long(int width, int height, params (int Tag, byte[] Body)[] sections)
    {
        var file = new List<byte> { 0xF4, 0x11 };
        void Varint(int value)
        {
            for (; value >= 0x80; value >>= 7)
                file.Add((byte)(value | 0x80));
            file.Add((byte)value);
        }

        Varint(width - 1);
        Varint(height - 1);
        byte[] header = [.. file];
        for (int i = 0; i < sections.Length; i++)
        {
            int start = file.Count;
            file.Add((byte)(sections[i].Tag | (i < sections.Length - 1 ? 0x10 : 0)));
            Varint(sections[i].Body.Length);
            file.AddRange(sections[i].Body);
            uint crc = Checksum.Crc32([.. header, .. file[start..]]);
            file.AddRange([(byte)(crc >> 24), (byte)(crc >> 16), (byte)(crc >> 8), (byte)crc]);
        }

        return [.. file];
    }

    /// <summary>A stream that cannot seek and gives a few bytes at a time.</summary>
    private sealed class Trickle(byte[] bytes, int most) : Stream
    {
        private int _position;

        /// <summary>Whether zeros without end follow the bytes.</summary>
        public bool IsEndless { get; init; }

        /// <summary>How many bytes were read.</summary>
        public int Given => _position;

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
            int read = Math.Min(Math.Min(count, most), IsEndless ? count : bytes.Length - _position);
            Span<byte> to = buffer.AsSpan(offset, read);
            to.Clear();
            ReadOnlySpan<byte> rest = bytes.AsSpan(Math.Min(_position, bytes.Length));
            rest[..Math.Min(rest.Length, read)].CopyTo(to);
            _position += read;
            return read;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
