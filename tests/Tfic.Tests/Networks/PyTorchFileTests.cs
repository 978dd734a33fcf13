using System.Buffers.Binary;
using System.IO.Compression;
using Tfic.Networks;

namespace Tfic.Tests.Networks;

/// <summary>
/// Checkpoints that PyTorch wrote (Fixtures/checkpoints.py), and pickles written byte by byte for what it never would.
/// </summary>
public sealed class PyTorchFileTests
{
    private static readonly float[] Grid = [.. Enumerable.Range(0, 12).Select(i => (float)i)];

    public static TheoryData<string> Checkpoints => ["archive.pth", "archive-protocol4.pth", "stream.pth"];

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void A_state_dict_comes_with_its_names_shapes_and_values(string name)
    {
        PyTorchFile file = PyTorchFile.Read(Fixture(name));
        Assert.Equal(name != "stream.pth", file.IsZip);

        IReadOnlyDictionary<string, StoredTensor> network = file.StateDict();
        Assert.Equal(
            ["0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"],
            network.Keys);
        Assert.Equal([2, 1, 3, 3], network["0.weight"].Shape);
        Assert.Equal("0.weight", network["0.weight"].Name);
        Assert.Equal(TensorType.I64, network["1.num_batches_tracked"].Type);
        Assert.Empty(network["1.num_batches_tracked"].Shape.ToArray());

        // Running statistics moved by the one step in training; the gradient behind a normalisation is zero.
        Assert.Equal(4f, network["1.bias"].ToFloat()[0], 2);
        Assert.Equal(8, BinaryPrimitives.ReadInt64LittleEndian(network["1.num_batches_tracked"].Bytes.Span));

        Assert.Equal(["state_dict", "optimizer", "kinds"], file.Sections);
        Assert.Equal("3", file.Values["epoch"]);
        Assert.Equal("0.001", file.Values["optimizer.param_groups.0.lr"]);
        Assert.Contains("optimizer.state.0.exp_avg", file.Tensors.Keys);
        Assert.Equal([2, 1, 3, 3], file.StateDict("optimizer")["state.0.exp_avg"].Shape);
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void All_element_types_and_views_are_read(string name)
    {
        IReadOnlyDictionary<string, StoredTensor> kinds = PyTorchFile.Read(Fixture(name)).StateDict("kinds");

        Assert.Equal([4, 3], kinds["transposed"].Shape);
        Assert.Equal([0f, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11], kinds["transposed"].ToFloat());
        Assert.Equal([4f, 5, 6, 7], kinds["row"].ToFloat());
        Assert.Equal([2f, 6, 10], kinds["column"].ToFloat());
        Assert.Equal(Grid, kinds["half"].ToFloat());
        Assert.Equal(TensorType.F16, kinds["half"].Type);
        Assert.Equal(Grid, kinds["brain"].ToFloat());
        Assert.Equal(TensorType.BF16, kinds["brain"].Type);
        Assert.Equal(TensorType.BOOL, kinds["bool"].Type);
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1], kinds["bool"].Bytes.ToArray());
        Assert.Equal([.. Grid.Select(x => (sbyte)-x)], kinds["i8"].ToSByte());
        Assert.Equal([.. Grid.Select(x => (byte)x)], kinds["u8"].ToByte());
        Assert.Equal([.. Grid.Select(x => (short)-x)], kinds["i16"].ToInt16());
        Assert.Equal([.. Grid.Select(x => -(int)x)], kinds["i32"].ToInt32());
        Assert.Equal(-11, BinaryPrimitives.ReadInt64LittleEndian(kinds["i64"].Bytes.Span[88..]));
        Assert.Equal(11.0, BinaryPrimitives.ReadDoubleLittleEndian(kinds["f64"].Bytes.Span[88..]));
        Assert.Equal([1f, 1, 1, 1, 1], kinds["expanded"].ToFloat());
        Assert.Equal([0, 3], kinds["empty"].Shape);
        Assert.Equal([2.5f], kinds["scalar"].ToFloat());
        Assert.Equal(Grid, kinds["parameter"].ToFloat());
        Assert.Equal([8f, 9, 10, 11], kinds["list.4.2"].ToFloat());
    }

    [Fact]
    public void Numbers_and_texts_are_told()
    {
        IReadOnlyDictionary<string, string> values = PyTorchFile.Read(Fixture("archive.pth")).Values;
        Assert.Equal("-2.5", values["kinds.list.1"]);
        Assert.Equal("None", values["kinds.list.2"]);
        Assert.Equal("True", values["kinds.list.3"]);
        Assert.Equal("1099511627776", values["kinds.list.4.0"]);
        Assert.Equal("é", values["kinds.list.4.1"]);
    }

    [Fact]
    public void Programs_are_refused()
    {
        byte[] module = [0x80, 2, .. "("u8, .. Short("module"), .. "NNNtQ."u8];
        Refuses("module", () => Read(module));

        byte[] script = Archive(("x/data.pkl", "}."u8.ToArray()), ("x/constants.pkl", ")."u8.ToArray()));
        Refuses("TorchScript", () => PyTorchFile.Read(script));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("state_dict")]
    public void What_is_written_is_read_back(string? section)
    {
        var writer = new PyTorchWriter();
        IReadOnlyDictionary<string, StoredTensor> kinds = PyTorchFile.Read(Fixture("archive.pth")).StateDict("kinds");
        foreach (StoredTensor tensor in kinds.Values)
            writer.Add(tensor);
        writer.Add("naïve \"name\"", TensorType.U8, new byte[6], 3, 1, 2);

        byte[] bytes = writer.ToArray(section);
        Assert.Equal(bytes, writer.ToArray(section));
        PyTorchFile back = PyTorchFile.Read(bytes);
        IReadOnlyDictionary<string, StoredTensor> actual = back.StateDict();
        Assert.Equal([.. kinds.Keys, "naïve \"name\""], actual.Keys);
        Assert.Equal([3, 1, 2], actual["naïve \"name\""].Shape);
        foreach ((string name, StoredTensor tensor) in kinds)
        {
            Assert.Equal(tensor.Type, actual[name].Type);
            Assert.Equal(tensor.Shape, actual[name].Shape);
            Assert.Equal(tensor.Bytes.ToArray(), actual[name].Bytes.ToArray());
        }
    }

    [Fact]
    public void Storages_are_written_aligned()
    {
        var writer = new PyTorchWriter();
        writer.Add("a", TensorType.F32, new byte[12], 3);
        writer.Add("b", TensorType.F64, new byte[8]);
        foreach (StoredTensor tensor in PyTorchFile.Read(writer.ToArray()).Tensors.Values)
            Assert.Equal(0, tensor.Offset % 64);
    }

    [Fact]
    public void The_writer_refuses_what_a_checkpoint_cannot_hold()
    {
        var writer = new PyTorchWriter();
        writer.Add("a", TensorType.F32, new byte[4], 1);
        Assert.Throws<ArgumentException>(() => writer.Add("a", TensorType.F32, new byte[4], 1));
        Assert.Throws<ArgumentException>(() => writer.Add("b", TensorType.F32, new byte[4], 2));
        Assert.Throws<ArgumentException>(() => writer.Add("c", TensorType.U32, new byte[4], 1));
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Every_truncation_is_refused(string name)
    {
        byte[] whole = Fixture(name);
        for (int length = 0; length < whole.Length; length += length < 500 ? 1 : 13)
            Assert.Throws<TficFormatException>(() => PyTorchFile.Read(whole.AsMemory(0, length)));
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Flipped_bits_are_refused_or_read_and_nothing_else_happens(string name)
    {
        byte[] whole = Fixture(name);
        int refused = 0;
        for (int i = 0; i < whole.Length; i += 3)
        {
            byte[] damaged = (byte[])whole.Clone();
            damaged[i] ^= (byte)(1 << (i % 8));
            try
            {
                _ = PyTorchFile.Read(damaged).Tensors.Values.Sum(t => t.Bytes.Length);
            }
            catch (TficFormatException)
            {
                refused++;
            }
        }

        // Archives have checksums: what passes lies between the files, or in fields that mean nothing here. Streams have
        // none, so an altered weight passes.
        Assert.InRange(refused, whole.Length / (name == "stream.pth" ? 30 : 15), whole.Length);
    }

    [Theory]
    [InlineData("posix", "system")]
    [InlineData("os", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("torch._utils", "_rebuild_qtensor")]
    [InlineData("numpy.core.multiarray", "scalar")]
    [InlineData("torch", "load")]
    public void A_name_that_is_no_part_of_state_dicts_is_refused_and_named(string module, string name)
    {
        byte[] byOpcode = [0x80, 2, .. Global(module, name), .. Short("true"), 0x85, .. "R."u8];
        var e = Assert.Throws<TficFormatException>(() => Read(byOpcode));
        Assert.Contains($"{module}.{name}", e.Message, StringComparison.Ordinal);
        Assert.True(e.Offset > 0);

        byte[] byStack = [0x80, 4, .. Short(module), .. Short(name), 0x93, .. ")R."u8];
        e = Assert.Throws<TficFormatException>(() => Read(byStack));
        Assert.Contains($"{module}.{name}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Instances_and_extensions_are_refused()
    {
        byte[] instance = [0x80, 2, .. Global("collections", "OrderedDict"), (byte)')', 0x81, (byte)'.'];
        Refuses("0x81", () => Read(instance));
        Assert.Throws<TficFormatException>(() => Read([0x80, 2, 0x82, 1, (byte)'.']));
        Assert.Throws<TficFormatException>(() => Read([0x80, 2, .. "(i__main__\nX\n."u8]));
    }

    [Fact]
    public void A_protocol_of_texts_and_a_result_left_on_the_stack_are_refused()
    {
        Assert.Throws<TficFormatException>(() => Read("I1\n."u8.ToArray()));
        Assert.Throws<TficFormatException>(() => Read("NN."u8.ToArray()));
        Assert.Throws<TficFormatException>(() => Read("."u8.ToArray()));
        Assert.Throws<TficFormatException>(() => Read("(t0."u8.ToArray()));
        Assert.Throws<TficFormatException>(() => Read("t."u8.ToArray()));
        Assert.Throws<TficFormatException>(() => Read("h\x05."u8.ToArray()));
        Assert.Throws<TficFormatException>(() => Read("](u."u8.ToArray()));
        Assert.Throws<TficFormatException>(() => Read("}(Nu."u8.ToArray()));
    }

    [Fact]
    public void A_claimed_length_is_not_allocated()
    {
        Assert.Throws<TficFormatException>(() => Read([(byte)'X', 0xFF, 0xFF, 0xFF, 0xFF, (byte)'.']));
        Assert.Throws<TficFormatException>(
            () => Read([0x8D, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, (byte)'.']));
        Assert.Throws<TficFormatException>(() => Read([(byte)'B', 0xFF, 0xFF, 0xFF, 0x7F, (byte)'.']));

        // A memo slot of the highest number is one slot.
        Assert.Empty(Read([.. "}"u8, (byte)'r', 0xFF, 0xFF, 0xFF, 0xFF, (byte)'.']).Tensors);
    }

    [Fact]
    public void Deep_nesting_is_refused()
    {
        byte[] nested = [.. Enumerable.Repeat((byte)']', 100_000), .. Enumerable.Repeat((byte)'a', 99_999), (byte)'.'];
        Refuses("deeper", () => Read(nested));
    }

    [Fact]
    public void A_list_that_contains_itself_is_refused() =>
        Assert.Throws<TficFormatException>(() => Read("]q\0h\0a."u8.ToArray()));

    [Fact]
    public void A_memo_that_doubles_a_list_at_each_step_is_refused_in_bounded_time()
    {
        // 60 lists, each of the one before twice: 2^60 leaves.
        var bomb = new List<byte>("]q\0"u8.ToArray());
        for (int i = 0; i < 60; i++)
            bomb.AddRange([.. "](h"u8, (byte)i, (byte)'h', (byte)i, .. "eq"u8, (byte)(i + 1)]);

        // The lists stay on the stack; a tuple of all of them is the result.
        byte[] pickle = [(byte)'(', .. bomb, (byte)'t', (byte)'.'];
        Assert.Throws<TficFormatException>(() => Read(pickle));
    }

    [Theory]
    [InlineData(0, new long[] { 5 }, new long[] { 1 }, "reaches")]
    [InlineData(3, new long[] { 2 }, new long[] { 1 }, "reaches")]
    [InlineData(0, new long[] { 2, 2 }, new long[] { 3, 1 }, "reaches")]
    [InlineData(-1, new long[] { 1 }, new long[] { 1 }, "before")]
    [InlineData(0, new long[] { -1 }, new long[] { 1 }, "size")]
    [InlineData(0, new long[] { 2 }, new long[] { -1 }, "stride")]
    [InlineData(0, new long[] { int.MaxValue, int.MaxValue, int.MaxValue }, new long[] { 0, 0, 0 }, "reaches")]
    [InlineData(0, new long[] { 1 << 28 }, new long[] { 0 }, "several times")]
    [InlineData(0, new long[] { 2, 2 }, new long[] { long.MaxValue, long.MaxValue }, "reaches")]
    [InlineData(0, new long[] { 2 }, new long[] { 1, 1 }, "strides")]
    public void A_view_beyond_its_storage_is_refused(long first, long[] shape, long[] strides, string reason)
    {
        byte[] pickle = TensorPickle("FloatStorage", 4, first, shape, strides);
        Refuses(reason, () => Read(pickle, new byte[16]));
    }

    [Fact]
    public void A_view_within_its_storage_is_read()
    {
        var storage = new byte[16];
        for (int i = 0; i < 4; i++)
            BinaryPrimitives.WriteSingleLittleEndian(storage.AsSpan(4 * i), i);
        StoredTensor At(long first, long[] shape, long[] strides) =>
            Read(TensorPickle("FloatStorage", 4, first, shape, strides), storage).Tensors["tensor"];
        Assert.Equal([3f, 3, 3], At(3, [3], [0]).ToFloat());
        Assert.Equal([1f, 3], At(1, [2, 1], [2, 100]).ToFloat());
        Assert.Equal([0f, 1, 1, 2, 2, 3], At(0, [3, 2], [1, 1]).ToFloat());
        Assert.Equal([0, int.MaxValue], At(9, [0, int.MaxValue], [1, 1]).Shape);
    }

    [Fact]
    public void A_storage_of_another_size_or_type_is_refused()
    {
        Assert.Throws<TficFormatException>(() => Read(TensorPickle("FloatStorage", 4, 0, [1], [1]), new byte[15]));
        Assert.Throws<TficFormatException>(() => Read(TensorPickle("FloatStorage", 5, 0, [1], [1]), new byte[16]));
        Assert.Throws<TficFormatException>(() => Read(TensorPickle("ComplexFloatStorage", 2, 0, [1], [1]), new byte[16]));

        byte[] one = TensorPickle("FloatStorage", 4, 0, [1], [1])[2..^1];
        byte[] other = TensorPickle("DoubleStorage", 4, 0, [1], [1])[2..^1];
        Assert.Throws<TficFormatException>(() => Read([.. one, .. other, 0x86, (byte)'.'], new byte[16]));
    }

    [Fact]
    public void Which_part_is_the_network_is_found_or_asked()
    {
        byte[] inner = [.. "}"u8, .. Short("w"), .. TensorPickle("FloatStorage", 4, 0, [1], [1])[2..^1], (byte)'s'];
        byte[] Dict(params string[] keys) =>
            [0x80, 2, .. "}("u8, .. keys.SelectMany(k => (byte[])[.. Short(k), .. inner]), .. "u."u8];
        Assert.Equal(["w"], Read(Dict("other", "model"), new byte[16]).StateDict().Keys);
        Assert.Equal(["w"], Read(Dict("only"), new byte[16]).StateDict().Keys);
        Assert.Equal(["only.w"], Read(Dict("only"), new byte[16]).StateDict("").Keys);
        var e = Assert.Throws<TficFormatException>(() => Read(Dict("one", "two"), new byte[16]).StateDict());
        Assert.Contains("one, two", e.Message, StringComparison.Ordinal);
        Assert.Throws<TficFormatException>(() => Read(Dict("one"), new byte[16]).StateDict("two"));
    }

    [Fact]
    public void An_archive_with_a_compressed_or_doubled_or_moved_file_is_refused()
    {
        byte[] whole = Archive(("x/data.pkl", "}."u8.ToArray()));
        Assert.Empty(PyTorchFile.Read(whole).Tensors);
        int central = whole.AsSpan().IndexOf("PK\x01\x02"u8);

        void Refused(int at, byte value, string reason)
        {
            byte[] damaged = (byte[])whole.Clone();
            damaged[at] = value;
            Refuses(reason, () => PyTorchFile.Read(damaged));
        }

        Refused(central + 10, 8, "compressed");
        Refused(central + 8, 1, "encrypted");
        Refused(central + 16, (byte)(whole[central + 16] ^ 1), "checksum");
        Refused(central + 45, 0x7F, "outside");
        Refused(30, (byte)'y', "another name");
        Refused(whole.Length - 1, 9, "no directory");
    }

    [Fact]
    public void Other_files_are_told_apart()
    {
        Assert.False(PyTorchFile.IsPyTorch("not a checkpoint"u8));
        Assert.True(PyTorchFile.IsPyTorch(Fixture("archive.pth")));
        Assert.True(PyTorchFile.IsPyTorch(Fixture("stream.pth")));
        var tar = new byte[512];
        "ustar"u8.CopyTo(tar.AsSpan(257));
        Refuses("tar", () => PyTorchFile.Read(tar));
    }

    private static void Refuses(string reason, Func<object> read) =>
        Assert.Contains(reason, Assert.Throws<TficFormatException>(read).Message, StringComparison.Ordinal);

    private static byte[] Fixture(string name) =>
        File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Networks", "Fixtures", name));

    /// <summary>Reads a pickle as an archive's, whose only storage "0" has the given bytes.</summary>
    private static PyTorchFile Read(byte[] pickle, byte[]? storage = null) =>
        PyTorchFile.Read(Archive(("x/data.pkl", pickle), ("x/data/0", storage ?? [])));

    private static byte[] Archive(params (string Name, byte[] Content)[] files)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in files)
            {
                using Stream entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                entry.Write(content);
            }
        }

        return stream.ToArray();
    }

    private static byte[] Global(string module, string name) => System.Text.Encoding.UTF8.GetBytes($"c{module}\n{name}\n");

    private static byte[] Short(string text) => [0x8C, (byte)text.Length, .. System.Text.Encoding.UTF8.GetBytes(text)];

    private static byte[] Number(long value)
    {
        var bytes = new byte[10];
        (bytes[0], bytes[1]) = (0x8A, 8);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(2), value);
        return bytes;
    }

    /// <summary>A pickle of one tensor of storage "0"; without its first two bytes and its last, a part of one.</summary>
    private static byte[] TensorPickle(string type, long count, long first, long[] shape, long[] strides) =>
    [
        0x80, 2, .. Global("torch._utils", "_rebuild_tensor_v2"),
        .. "(("u8, .. Short("storage"), .. Global("torch", type), .. Short("0"), .. Short("cpu"), .. Number(count),
        .. "tQ"u8,
        .. Number(first), .. "("u8, .. shape.SelectMany(Number), .. "t("u8, .. strides.SelectMany(Number), .. "t"u8,
        0x89, .. Global("collections", "OrderedDict"), .. ")RtR."u8,
    ];
}
