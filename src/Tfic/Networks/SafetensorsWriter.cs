using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tfic.Networks;

/// <summary>Writes named tensors in the safetensors format; the same content always gives the same bytes.</summary>
/// <remarks>
/// Tensors are ordered by element size, largest first, then by name, and the header is padded with spaces to a
/// multiple of 8 bytes: so every tensor is aligned to its elements without gaps, which the format forbids.
/// </remarks>
public sealed class SafetensorsWriter
{
    private readonly SortedDictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (TensorType Type, int[] Shape, byte[] Bytes)> _tensors =
        new(StringComparer.Ordinal);

    /// <summary>Sets a metadata string.</summary>
    public void SetMetadata(string key, string value)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(value);
        _metadata[key] = value;
    }

    /// <summary>Adds an F32 tensor.</summary>
    /// <inheritdoc cref="Add"/>
    public void AddFloat32(string name, ReadOnlySpan<float> values, params ReadOnlySpan<int> shape)
    {
        var bytes = new byte[4 * values.Length];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * i), values[i]);
        Add(name, TensorType.F32, bytes, shape);
    }

    /// <summary>Adds an F16 tensor: values rounded to nearest, ties to even.</summary>
    /// <inheritdoc cref="Add"/>
    public void AddFloat16(string name, ReadOnlySpan<float> values, params ReadOnlySpan<int> shape)
    {
        var bytes = new byte[2 * values.Length];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteHalfLittleEndian(bytes.AsSpan(2 * i), (Half)values[i]);
        Add(name, TensorType.F16, bytes, shape);
    }

    /// <summary>Adds an I32 tensor.</summary>
    /// <inheritdoc cref="Add"/>
    public void AddInt32(string name, ReadOnlySpan<int> values, params ReadOnlySpan<int> shape)
    {
        var bytes = new byte[4 * values.Length];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * i), values[i]);
        Add(name, TensorType.I32, bytes, shape);
    }

    /// <summary>Adds an I16 tensor.</summary>
    /// <inheritdoc cref="Add"/>
    public void AddInt16(string name, ReadOnlySpan<short> values, params ReadOnlySpan<int> shape)
    {
        var bytes = new byte[2 * values.Length];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(2 * i), values[i]);
        Add(name, TensorType.I16, bytes, shape);
    }

    /// <summary>Adds a U16 tensor.</summary>
    /// <inheritdoc cref="Add"/>
    public void AddUInt16(string name, ReadOnlySpan<ushort> values, params ReadOnlySpan<int> shape)
    {
        var bytes = new byte[2 * values.Length];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2 * i), values[i]);
        Add(name, TensorType.U16, bytes, shape);
    }

    /// <summary>Adds an I8 tensor.</summary>
    /// <inheritdoc cref="Add"/>
    public void AddSByte(string name, ReadOnlySpan<sbyte> values, params ReadOnlySpan<int> shape) =>
        Add(name, TensorType.I8, MemoryMarshal.AsBytes(values), shape);

    /// <summary>Adds a U8 tensor.</summary>
    /// <inheritdoc cref="Add"/>
    public void AddByte(string name, ReadOnlySpan<byte> values, params ReadOnlySpan<int> shape) =>
        Add(name, TensorType.U8, values, shape);

    /// <summary>Adds a tensor.</summary>
    /// <param name="name">Its name, not used before.</param>
    /// <param name="type">Element type.</param>
    /// <param name="values">The elements, row-major (for raw bytes: little-endian); copied.</param>
    /// <param name="shape">Sizes, outermost first; none for a scalar.</param>
    /// <exception cref="ArgumentException">The name is taken, or values and shape do not agree.</exception>
    public void Add(string name, TensorType type, ReadOnlySpan<byte> values, params ReadOnlySpan<int> shape)
    {
        ArgumentNullException.ThrowIfNull(name);
        StoredTensor.CheckSize(name, type, values.Length, shape);
        if (name == SafetensorsFile.MetadataKey || !_tensors.TryAdd(name, (type, shape.ToArray(), values.ToArray())))
            throw new ArgumentException($"The name '{name}' is taken.", nameof(name));
    }

    /// <summary>Writes the file.</summary>
    /// <param name="stream">A writable stream; it is left open.</param>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public void Write(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        string[] names =
        [
            .. _tensors.Keys
                .OrderByDescending(name => StoredTensor.SizeOf(_tensors[name].Type))
                .ThenBy(name => name, StringComparer.Ordinal),
        ];

        var header = new ArrayBufferWriter<byte>();
        WriteHeader(header, names);
        int padding = -header.WrittenCount & 7;
        header.Write("       "u8[..padding]);

        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.WrittenCount);
        stream.Write(length);
        stream.Write(header.WrittenSpan);
        foreach (string name in names)
            stream.Write(_tensors[name].Bytes);
    }

    /// <summary>The file as bytes.</summary>
    public byte[] ToArray()
    {
        using var stream = new MemoryStream();
        Write(stream);
        return stream.ToArray();
    }

    private void WriteHeader(ArrayBufferWriter<byte> header, string[] names)
    {
        // Names and character sets stay readable: quotes and control characters are still escaped.
        var options = new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using var json = new Utf8JsonWriter(header, options);
        json.WriteStartObject();
        if (_metadata.Count > 0)
        {
            json.WriteStartObject(SafetensorsFile.MetadataKey);
            foreach ((string key, string value) in _metadata)
                json.WriteString(key, value);
            json.WriteEndObject();
        }

        long offset = 0;
        foreach (string name in names)
        {
            (TensorType type, int[] shape, byte[] bytes) = _tensors[name];
            json.WriteStartObject(name);
            json.WriteString("dtype", type.ToString());
            json.WriteStartArray("shape");
            foreach (int size in shape)
                json.WriteNumberValue(size);
            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(offset);
            json.WriteNumberValue(offset += bytes.Length);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
