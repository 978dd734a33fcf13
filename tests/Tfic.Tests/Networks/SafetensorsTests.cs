using System.Buffers.Binary;
using Tfic.Networks;

namespace Tfic.Tests.Networks;

public sealed class SafetensorsTests
{
    [Fact]
    public void What_is_written_is_read_back()
    {
        SafetensorsFile file = SafetensorsFile.Read(Example());

        Assert.Equal("é \"quoted\" \\ …", file.Metadata["charset"]);
        Assert.Equal("codec 1", file.Metadata["tfic"]);
        Assert.Equal([1f, -2.5f, 3e-20f, 0f, -0f, float.MaxValue], file.Float("w", 2, 3));
        Assert.Equal([0.5f, -65504f, (float)(Half)0.1f], file.Float("half", 3));
        Assert.Equal([int.MinValue, int.MaxValue], file.Int32("i", 2, 1, 1));
        Assert.Equal([sbyte.MinValue, 0, sbyte.MaxValue], file.SByte("b", 3));
        Assert.Equal([short.MinValue, 7], file.Tensor("s", 2).ToInt16());
        Assert.Equal([ushort.MaxValue, 1], file.Tensor("u", 2).ToUInt16());
        Assert.Equal([255, 0, 1], file.Tensor("bytes", 3).ToByte());
        Assert.Equal([1.0f, -3.140625f], file.Float("brain", 2));
        Assert.Empty(file.Float("empty", 0, 5));
        Assert.Equal([42f], file.Float("scalar"));
        Assert.Equal(TensorType.F64, file.Tensor("double", 1).Type);
        Assert.Equal(11, file.Tensors.Count);
    }

    [Fact]
    public void Order_of_adding_does_not_matter_and_tensors_are_aligned()
    {
        var one = new SafetensorsWriter();
        one.AddByte("z", [1, 2, 3], 3);
        one.AddFloat32("a", [1], 1);
        one.AddFloat16("h", [1], 1);
        one.SetMetadata("b", "2");
        one.SetMetadata("a", "1");
        var two = new SafetensorsWriter();
        two.SetMetadata("a", "1");
        two.SetMetadata("b", "2");
        two.AddFloat16("h", [1], 1);
        two.AddFloat32("a", [1], 1);
        two.AddByte("z", [1, 2, 3], 3);

        Assert.Equal(one.ToArray(), two.ToArray());
        foreach (StoredTensor tensor in SafetensorsFile.Read(one.ToArray()).Tensors.Values)
            Assert.Equal(0, tensor.Offset % StoredTensor.SizeOf(tensor.Type));
    }

    [Fact]
    public void A_stream_is_read_with_and_without_seeking_and_bounded()
    {
        byte[] bytes = Example();
        Assert.Equal(11, SafetensorsFile.Read(new MemoryStream(bytes)).Tensors.Count);
        Assert.Equal(11, SafetensorsFile.Read(new OneWay(bytes)).Tensors.Count);
        Assert.Throws<TficFormatException>(() => SafetensorsFile.Read(new MemoryStream(bytes), bytes.Length - 1));
        Assert.Throws<TficFormatException>(() => SafetensorsFile.Read(new OneWay(bytes), bytes.Length - 1));
    }

    [Fact]
    public void The_wrong_shape_type_or_name_is_named()
    {
        SafetensorsFile file = SafetensorsFile.Read(Example());
        Assert.Contains("[2, 3]", Assert.Throws<TficFormatException>(() => file.Float("w", 3, 2)).Message);
        Assert.Contains("'absent'", Assert.Throws<TficFormatException>(() => file.Float("absent", 1)).Message);
        Assert.Contains("I32", Assert.Throws<TficFormatException>(() => file.Float("i", 2, 1, 1)).Message);
        Assert.Contains("F32", Assert.Throws<TficFormatException>(() => file.Int32("w", 2, 3)).Message);
        Assert.Throws<TficFormatException>(() => file.SByte("bytes", 3));
        Assert.Throws<TficFormatException>(() => file.Float("double", 1));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Weights_that_are_not_finite_are_refused_at_their_place(float bad)
    {
        var writer = new SafetensorsWriter();
        writer.AddFloat32("w", [1, 2, bad], 3);
        writer.AddFloat16("h", [1, bad], 2);
        byte[] bytes = writer.ToArray();
        SafetensorsFile file = SafetensorsFile.Read(bytes);
        var e = Assert.Throws<TficFormatException>(() => file.Float("w", 3));
        Assert.Equal(bytes.Length - 4 - 4, e.Offset);
        Assert.Throws<TficFormatException>(() => file.Float("h", 2));
    }

    [Theory]
    [InlineData("", "no header")]
    [InlineData("[]", "an array")]
    [InlineData("{", "unfinished")]
    [InlineData("{} {}", "two values")]
    [InlineData("{}x", "rubbish after")]
    [InlineData("""{"a":1}""", "not an object")]
    [InlineData("""{"a":{}}""", "nothing in it")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", "no offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":0}}""", "unknown property")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "repeated property")]
    [InlineData("""{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}""", "unknown type")]
    [InlineData("""{"a":{"dtype":9,"shape":[1],"data_offsets":[0,4]}}""", "type a number")]
    [InlineData("""{"a":{"dtype":"9","shape":[1],"data_offsets":[0,4]}}""", "type a number in a string")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", "negative size")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", "fractional size")]
    [InlineData("""{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", "size a string")]
    [InlineData("""{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", "shape a number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "shape too large")]
    [InlineData("""{"a":{"dtype":"F32","shape":[65536,65536,65536,65536,65536],"data_offsets":[0,4]}}""", "overflow")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1073741825,4],"data_offsets":[0,4]}}""", "product 4 modulo 2^32")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", "backwards")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", "negative offset")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", "three offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", "one offset")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "past the end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775800,9223372036854775804]}}""", "far")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", "bytes left over")]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}""", "gap at the start")]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""",
        "overlap")]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""",
        "the same bytes twice")]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}""",
        "a name twice")]
    [InlineData(
        """{"__metadata__":{"x":1},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "metadata not strings")]
    [InlineData(
        """{"__metadata__":{"x":"1","x":"2"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "key twice")]
    [InlineData("""{"a\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "lone surrogate")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}""", "nested shape")]
    public void A_bad_header_is_refused(string header, string why) =>
        Assert.True(Refuses(WithHeader(header)), why);

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""")]
    [InlineData("""  {"a":{"data_offsets":[0,4],"shape":[],"dtype":"F32"}}   """)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"e":{"dtype":"F32","shape":[0,9],"data_offsets":[0,0]}}""")]
    public void A_good_header_in_any_spelling_is_accepted(string header) =>
        Assert.True(SafetensorsFile.Read(WithHeader(header)).Tensors.ContainsKey("a"));

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(long.MaxValue)]
    [InlineData(int.MaxValue)]
    [InlineData(100_000_001)]
    [InlineData(1000)]
    [InlineData(0)]
    public void A_hostile_header_length_is_refused(ulong length)
    {
        byte[] bytes = Example();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        // 1000 lies inside the file: then the header is cut or followed by data.
        Assert.True(Refuses(bytes));
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        byte[] bytes = Example();
        for (int length = 0; length < bytes.Length; length++)
            Assert.True(Refuses(bytes.AsMemory(0, length)), $"{length} bytes were accepted.");
        Assert.True(Refuses(bytes.Append((byte)0).ToArray()));
    }

    [Fact]
    public void Random_damage_is_refused_or_harmless()
    {
        byte[] bytes = Example();
        var random = new Random(20240607);
        int refused = 0;
        for (int trial = 0; trial < 20_000; trial++)
        {
            byte[] damaged = [.. bytes];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                foreach (StoredTensor tensor in SafetensorsFile.Read(damaged).Tensors.Values)
                {
                    if (tensor.Type is TensorType.F32 or TensorType.F16 or TensorType.BF16)
                        tensor.ToFloat();
                }
            }
            catch (TficFormatException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 10_000, 20_000);
    }

    [Fact]
    public void The_writer_refuses_what_cannot_be_stored()
    {
        var writer = new SafetensorsWriter();
        writer.AddInt32("a", [1], 1);
        Assert.Throws<ArgumentException>(() => writer.AddInt32("a", [1], 1));
        Assert.Throws<ArgumentException>(() => writer.AddInt32("b", [1, 2], 3));
        Assert.Throws<ArgumentException>(() => writer.AddInt32("__metadata__", [1], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.AddInt32("c", [1], -1, -1));
    }

    private static byte[] Example()
    {
        var writer = new SafetensorsWriter();
        writer.SetMetadata("tfic", "codec 1");
        writer.SetMetadata("charset", "é \"quoted\" \\ …");
        writer.AddFloat32("w", [1f, -2.5f, 3e-20f, 0f, -0f, float.MaxValue], 2, 3);
        writer.AddFloat16("half", [0.5f, -65504f, 0.1f], 3);
        writer.AddInt32("i", [int.MinValue, int.MaxValue], 2, 1, 1);
        writer.AddSByte("b", [sbyte.MinValue, 0, sbyte.MaxValue], 3);
        writer.AddInt16("s", [short.MinValue, 7], 2);
        writer.AddUInt16("u", [ushort.MaxValue, 1], 2);
        writer.AddByte("bytes", [255, 0, 1], 3);
        writer.Add("brain", TensorType.BF16, [0x80, 0x3F, 0x49, 0xC0], 2);
        writer.AddFloat32("empty", [], 0, 5);
        writer.AddFloat32("scalar", [42f]);
        writer.Add("double", TensorType.F64, new byte[8], 1);
        return writer.ToArray();
    }

    private static byte[] WithHeader(string header)
    {
        byte[] json = System.Text.Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + json.Length + 4];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        return bytes;
    }

    private static bool Refuses(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            SafetensorsFile.Read(bytes);
            return false;
        }
        catch (TficFormatException e)
        {
            return e.Message.Length > 20;
        }
    }

    /// <summary>A stream that cannot seek and gives a few bytes at a time.</summary>
    private sealed class OneWay(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(7, buffer.Length)]);
    }
}
