using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Tfic.Imaging;

namespace Tfic.Networks;

/// <summary>
/// Writes named tensors as a PyTorch checkpoint: the zip archive that <c>torch.load</c> reads, also with
/// <c>weights_only=True</c>, as an OrderedDict; the same content always gives the same bytes.
/// </summary>
public sealed class PyTorchWriter
{
    // PyTorch aligns storages to 64 bytes, so that a file mapped into memory can be used in place.
    private const int Alignment = 64;
    private const string Folder = "archive";

    private static readonly UTF8Encoding Utf8 = new(false);

    private readonly List<(string Name, TensorType Type, int[] Shape, ReadOnlyMemory<byte> Bytes)> _tensors = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>Adds a tensor; PyTorch will list them in the order of adding.</summary>
    /// <param name="name">Its name, not used before.</param>
    /// <param name="type">Element type; PyTorch has no storages of U16, U32 and U64.</param>
    /// <param name="values">The elements, little-endian and row-major; referred to, not copied.</param>
    /// <param name="shape">Sizes, outermost first; none for a scalar.</param>
    /// <exception cref="ArgumentException">
    /// The name is taken, the type cannot be stored, or values and shape do not agree.
    /// </exception>
    public void Add(string name, TensorType type, ReadOnlyMemory<byte> values, params ReadOnlySpan<int> shape)
    {
        ArgumentNullException.ThrowIfNull(name);
        _ = StorageName(type);
        StoredTensor.CheckSize(name, type, values.Length, shape);
        if (!_names.Add(name))
            throw new ArgumentException($"The name '{name}' is taken.", nameof(name));
        _tensors.Add((name, type, shape.ToArray(), values));
    }

    /// <summary>Adds a tensor of another file.</summary>
    /// <exception cref="ArgumentException">As of the other overload.</exception>
    public void Add(StoredTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        Add(tensor.Name, tensor.Type, tensor.Bytes, tensor.Shape);
    }

    /// <summary>Writes the checkpoint.</summary>
    /// <param name="stream">A writable stream; it is left open.</param>
    /// <param name="section">If given, the tensors are put in a dictionary under this key of the outermost one.</param>
    /// <exception cref="InvalidOperationException">The archive would be longer than 4 GB.</exception>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public void Write(Stream stream, string? section = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var directory = new ArrayBufferWriter<byte>();
        long position = 0;
        int files = 0;
        AddFile("data.pkl", Pickle(section));
        AddFile("byteorder", "little"u8.ToArray());
        for (int i = 0; i < _tensors.Count; i++)
            AddFile($"data/{i}", _tensors[i].Bytes);
        AddFile("version", "3\n"u8.ToArray());

        stream.Write(directory.WrittenSpan);
        var end = new ArrayBufferWriter<byte>();
        if (files >= ushort.MaxValue)
            throw new InvalidOperationException($"{files} files are more than the archive can list.");
        WriteNumbers(end, 4, 0x06054B50);
        WriteNumbers(end, 2, 0, 0, (uint)files, (uint)files);
        WriteNumbers(end, 4, (uint)directory.WrittenCount, (uint)position);
        WriteNumbers(end, 2, 0);
        stream.Write(end.WrittenSpan);

        void AddFile(string shortName, ReadOnlyMemory<byte> content)
        {
            byte[] name = Utf8.GetBytes($"{Folder}/{shortName}");
            uint crc = Crc32.Append(0, content.Span);

            // An extra field of the tag "FB" fills up to the alignment, as in PyTorch's own files.
            const int FieldHeader = 4;
            int padding = (int)(-(position + 30 + name.Length + FieldHeader) & (Alignment - 1));
            long start = position + 30 + name.Length + FieldHeader + padding;
            if (start + content.Length + directory.WrittenCount + 1024 > uint.MaxValue)
                throw new InvalidOperationException("The checkpoint would be longer than 4 GB.");

            var header = new ArrayBufferWriter<byte>();
            WriteNumbers(header, 4, 0x04034B50);
            WriteCommon(header);
            WriteNumbers(header, 2, (uint)name.Length, (uint)(FieldHeader + padding));
            header.Write(name);
            WriteNumbers(header, 2, 'F' | ('B' << 8), (uint)padding);
            header.GetSpan(padding)[..padding].Clear();
            header.Advance(padding);
            stream.Write(header.WrittenSpan);
            stream.Write(content.Span);

            WriteNumbers(directory, 4, 0x02014B50);
            WriteNumbers(directory, 2, 0);
            WriteCommon(directory);
            WriteNumbers(directory, 2, (uint)name.Length, 0, 0, 0, 0);
            WriteNumbers(directory, 4, 0, (uint)position);
            directory.Write(name);
            position = start + content.Length;
            files++;

            // Version 1.0, names in UTF-8, stored, no date (1 January 1980).
            void WriteCommon(ArrayBufferWriter<byte> target)
            {
                WriteNumbers(target, 2, 10, 1 << 11, 0, 0, 0x21);
                WriteNumbers(target, 4, crc, (uint)content.Length, (uint)content.Length);
            }
        }
    }

    /// <summary>The checkpoint as bytes.</summary>
    public byte[] ToArray(string? section = null)
    {
        using var stream = new MemoryStream();
        Write(stream, section);
        return stream.ToArray();
    }

    private static string StorageName(TensorType type) => type switch
    {
        TensorType.F32 => "FloatStorage",
        TensorType.F64 => "DoubleStorage",
        TensorType.F16 => "HalfStorage",
        TensorType.BF16 => "BFloat16Storage",
        TensorType.I64 => "LongStorage",
        TensorType.I32 => "IntStorage",
        TensorType.I16 => "ShortStorage",
        TensorType.I8 => "CharStorage",
        TensorType.U8 => "ByteStorage",
        TensorType.BOOL => "BoolStorage",
        _ => throw new ArgumentException($"PyTorch's checkpoints have no storage of {type}.", nameof(type)),
    };

    private static void WriteNumbers(ArrayBufferWriter<byte> target, int size, params ReadOnlySpan<uint> numbers)
    {
        foreach (uint number in numbers)
        {
            Span<byte> place = target.GetSpan(size);
            if (size == 2)
                BinaryPrimitives.WriteUInt16LittleEndian(place, (ushort)number);
            else
                BinaryPrimitives.WriteUInt32LittleEndian(place, number);
            target.Advance(size);
        }
    }

    // Protocol 2, without a memo: what repeats is short.
    private ReadOnlyMemory<byte> Pickle(string? section)
    {
        var pickle = new ArrayBufferWriter<byte>();
        pickle.Write<byte>([0x80, 2]);
        if (section is not null)
        {
            pickle.Write("}"u8);
            Text(section);
        }

        EmptyOrderedDict();
        pickle.Write("("u8);
        for (int i = 0; i < _tensors.Count; i++)
        {
            (string name, TensorType type, int[] shape, ReadOnlyMemory<byte> bytes) = _tensors[i];
            Text(name);
            pickle.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
            Text("storage");
            pickle.Write(Utf8.GetBytes($"ctorch\n{StorageName(type)}\n"));
            Text(i.ToString(CultureInfo.InvariantCulture));
            Text("cpu");
            Number(bytes.Length / StoredTensor.SizeOf(type));
            pickle.Write("tQK\0("u8);
            foreach (int size in shape)
                Number(size);
            pickle.Write("t("u8);
            for (int d = 0; d < shape.Length; d++)
            {
                long stride = 1;
                for (int inner = d + 1; inner < shape.Length; inner++)
                    stride *= Math.Max(1, shape[inner]);
                Number(checked((int)stride));
            }

            pickle.Write("t"u8);
            pickle.Write<byte>([0x89]);
            EmptyOrderedDict();
            pickle.Write("tR"u8);
        }

        pickle.Write("u"u8);
        pickle.Write(section is not null ? "s."u8 : "."u8);
        return pickle.WrittenMemory;

        void EmptyOrderedDict() => pickle.Write("ccollections\nOrderedDict\n)R"u8);

        void Text(string text)
        {
            byte[] utf8 = Utf8.GetBytes(text);
            pickle.Write("X"u8);
            WriteNumbers(pickle, 4, (uint)utf8.Length);
            pickle.Write(utf8);
        }

        void Number(int number)
        {
            pickle.Write("J"u8);
            WriteNumbers(pickle, 4, (uint)number);
        }
    }
}
