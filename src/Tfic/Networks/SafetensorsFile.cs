using System.Buffers.Binary;
using System.Text.Json;

namespace Tfic.Networks;

/// <summary>A file of named tensors in the safetensors format, read and checked.</summary>
/// <remarks>
/// <para>
/// Layout: the header's length as a 64-bit little-endian number, the header (a JSON object), then the tensors' bytes.
/// The header maps each name to <c>{"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}</c>, offsets counted
/// from the end of the header, and may map <c>__metadata__</c> to an object of strings.
/// </para>
/// <para>
/// A file is refused unless its tensors cover the data exactly, without gaps or overlaps, so nothing can hide in it
/// and a truncated file never loads. Nothing is allocated in proportion to a number that the file merely claims.
/// </para>
/// </remarks>
public sealed class SafetensorsFile
{
    /// <summary>Longest header accepted, in bytes; the format's own limit.</summary>
    public const int MaxHeaderBytes = 100_000_000;

    // Longest file that is read from a stream where nothing else is said.
    private const int MaxFileBytes = 1 << 30;

    internal const string MetadataKey = "__metadata__";

    private const string Remedy = "The file is damaged or is not a safetensors file; copy or export it again.";

    private readonly Dictionary<string, StoredTensor> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private SafetensorsFile()
    {
    }

    /// <summary>The strings under <c>__metadata__</c>; empty where the file has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Tensors => _tensors;

    /// <summary>Reads a file from a stream, to its end.</summary>
    /// <param name="stream">A readable stream; seeking is not needed.</param>
    /// <param name="maxBytes">Longest file accepted; at most about 2 GB.</param>
    /// <exception cref="TficFormatException">Not a whole, correct file, or longer than allowed.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static SafetensorsFile Read(Stream stream, int maxBytes = MaxFileBytes) => Read(ReadBytes(stream, maxBytes));

    /// <summary>Reads a file of weights of any kind from a stream, to its end.</summary>
    /// <exception cref="TficFormatException">It is longer than allowed.</exception>
    internal static byte[] ReadBytes(Stream stream, int maxBytes = MaxFileBytes)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.CanSeek && stream.Length - stream.Position is long length)
        {
            if (length > maxBytes)
                throw TooLong(maxBytes);
            var bytes = new byte[length];
            stream.ReadExactly(bytes);
            return bytes;
        }

        using var copy = new MemoryStream();
        var part = new byte[1 << 16];
        for (int read; (read = stream.Read(part)) > 0;)
        {
            if (copy.Length + read > maxBytes)
                throw TooLong(maxBytes);
            copy.Write(part, 0, read);
        }

        return copy.ToArray();
    }

    /// <summary>Reads a file that is in memory.</summary>
    /// <param name="file">The whole file. Tensors refer to it: it must not change afterwards.</param>
    /// <exception cref="TficFormatException">Not a whole, correct file.</exception>
    public static SafetensorsFile Read(ReadOnlyMemory<byte> file)
    {
        if (file.Length < 8)
            throw new TficFormatException($"Only {file.Length} bytes, where 8 hold the header's length. {Remedy}", 0);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(file.Span);
        if (headerLength > MaxHeaderBytes)
            throw new TficFormatException($"A header of {headerLength} bytes is beyond all limits. {Remedy}", 0);
        if (headerLength > (ulong)(file.Length - 8))
        {
            throw new TficFormatException(
                $"The header has {headerLength} bytes, but only {file.Length - 8} follow. {Remedy}", 0);
        }

        int dataStart = 8 + (int)headerLength;
        var result = new SafetensorsFile();
        result.ReadHeader(file.Span[8..dataStart], file[dataStart..], dataStart);
        return result;
    }

    /// <summary>The tensor of a name, with the shape it must have.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its sizes, outermost first; none for a scalar.</param>
    /// <exception cref="TficFormatException">No such tensor, or another shape.</exception>
    public StoredTensor Tensor(string name, params ReadOnlySpan<int> shape)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!_tensors.TryGetValue(name, out StoredTensor? tensor))
            throw new TficFormatException($"There is no tensor '{name}'. This file was made for another network.");
        if (!tensor.Shape.SequenceEqual(shape))
        {
            throw new TficFormatException(
                $"Tensor '{name}' has shape {Show(tensor.Shape)}, but {Show(shape)} is needed. " +
                "This file was made for another network.",
                tensor.Offset);
        }

        return tensor;
    }

    /// <summary>Floats of an F32, F16 or BF16 tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">The shape it must have.</param>
    /// <returns>A new array, row-major, all values finite.</returns>
    /// <exception cref="TficFormatException">Missing, of another shape or type, or not finite.</exception>
    public float[] Float(string name, params ReadOnlySpan<int> shape) => Tensor(name, shape).ToFloat();

    /// <summary>Values of an I32 tensor.</summary>
    /// <inheritdoc cref="Float"/>
    public int[] Int32(string name, params ReadOnlySpan<int> shape) => Tensor(name, shape).ToInt32();

    /// <summary>Values of an I8 tensor.</summary>
    /// <inheritdoc cref="Float"/>
    public sbyte[] SByte(string name, params ReadOnlySpan<int> shape) => Tensor(name, shape).ToSByte();

    private static TficFormatException TooLong(int maxBytes) => new(
        $"The file is longer than the {maxBytes} bytes allowed. Is it the right file? If so, raise the limit.");

    private static string Show(ReadOnlySpan<int> shape) => $"[{string.Join(", ", shape.ToArray())}]";

    private void ReadHeader(ReadOnlySpan<byte> header, ReadOnlyMemory<byte> data, int dataStart)
    {
        var json = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = 4 });
        try
        {
            Expect(ref json, JsonTokenType.StartObject, "an object");
            while (Next(ref json) == JsonTokenType.PropertyName)
            {
                string name = json.GetString()!;
                if (name == MetadataKey)
                    ReadMetadata(ref json);
                else if (!_tensors.TryAdd(name, ReadTensor(ref json, name, data, dataStart)))
                    throw Fault(json, $"Tensor '{name}' appears twice.");
            }

            // Nothing but white space may follow the object; Read throws JsonException at anything else.
            json.Read();
        }
        catch (JsonException e)
        {
            throw new TficFormatException(
                $"The header is not correct JSON: {e.Message} {Remedy}", 8 + json.BytesConsumed, e);
        }
        catch (InvalidOperationException e)
        {
            // Utf8JsonReader throws this for strings that are not well-formed Unicode.
            throw new TficFormatException($"A string of the header is not Unicode. {Remedy}", 8 + json.TokenStartIndex, e);
        }

        CheckCoverage(data.Length, dataStart);
    }

    private void ReadMetadata(ref Utf8JsonReader json)
    {
        if (_metadata.Count > 0)
            throw Fault(json, $"{MetadataKey} appears twice.");
        Expect(ref json, JsonTokenType.StartObject, "an object");
        while (Next(ref json) == JsonTokenType.PropertyName)
        {
            string key = json.GetString()!;
            Expect(ref json, JsonTokenType.String, "a string");
            if (!_metadata.TryAdd(key, json.GetString()!))
                throw Fault(json, $"Metadata '{key}' appears twice.");
        }
    }

    private static StoredTensor ReadTensor(
        ref Utf8JsonReader json, string name, ReadOnlyMemory<byte> data, int dataStart)
    {
        TensorType? type = null;
        int[]? shape = null;
        (long Begin, long End)? range = null;
        Expect(ref json, JsonTokenType.StartObject, "an object");
        while (Next(ref json) == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("dtype"u8) && type is null)
                type = ReadType(ref json, name);
            else if (json.ValueTextEquals("shape"u8) && shape is null)
                shape = ReadShape(ref json, name);
            else if (json.ValueTextEquals("data_offsets"u8) && range is null)
                range = ReadRange(ref json, name);
            else
                throw Fault(json, $"Tensor '{name}' has an unknown or repeated property '{json.GetString()}'.");
        }

        if (type is null || shape is null || range is null)
            throw Fault(json, $"Tensor '{name}' lacks dtype, shape or data_offsets.");
        (long begin, long end) = range.Value;
        if (begin > end || end > data.Length)
        {
            throw Fault(
                json, $"Tensor '{name}' occupies bytes {begin} to {end} of the data, which has {data.Length}.");
        }

        // The product stops at the first factor beyond the file's size, so it cannot overflow; zeros make it zero.
        Int128 bytes = StoredTensor.SizeOf(type.Value);
        foreach (int size in shape)
            bytes = shape.Contains(0) ? 0 : bytes > data.Length ? bytes : bytes * size;
        if (bytes != end - begin)
        {
            throw Fault(
                json, $"Tensor '{name}', {type} {Show(shape)}, does not fit its {end - begin} bytes of data.");
        }

        return new StoredTensor(
            name, type.Value, shape, data.Slice((int)begin, (int)(end - begin)), dataStart + begin);
    }

    private static TensorType ReadType(ref Utf8JsonReader json, string name)
    {
        Expect(ref json, JsonTokenType.String, "a string");
        string text = json.GetString()!;
        foreach (TensorType type in Enum.GetValues<TensorType>())
        {
            if (type.ToString() == text)
                return type;
        }

        throw Fault(json, $"Tensor '{name}' has element type '{text}', which is not supported.");
    }

    private static int[] ReadShape(ref Utf8JsonReader json, string name)
    {
        var sizes = new List<int>();
        Expect(ref json, JsonTokenType.StartArray, "an array");
        while (Next(ref json) == JsonTokenType.Number)
        {
            if (!json.TryGetInt32(out int size) || size < 0)
                throw Fault(json, $"Tensor '{name}' has a size that is not 0…{int.MaxValue}.");
            sizes.Add(size);
        }

        return json.TokenType == JsonTokenType.EndArray
            ? [.. sizes]
            : throw Fault(json, $"Tensor '{name}' has a shape that is not an array of numbers.");
    }

    private static (long Begin, long End) ReadRange(ref Utf8JsonReader json, string name)
    {
        Expect(ref json, JsonTokenType.StartArray, "an array");
        if (Next(ref json) == JsonTokenType.Number && json.TryGetInt64(out long begin) && begin >= 0
            && Next(ref json) == JsonTokenType.Number && json.TryGetInt64(out long end) && end >= 0
            && Next(ref json) == JsonTokenType.EndArray)
        {
            return (begin, end);
        }

        throw Fault(json, $"Tensor '{name}' has data_offsets that are not two numbers from 0 up.");
    }

    /// <summary>Tensors, in order of their place, must follow one another from the first byte of data to the last.</summary>
    private void CheckCoverage(int dataLength, int dataStart)
    {
        long expected = dataStart;
        foreach (StoredTensor tensor in _tensors.Values.OrderBy(t => t.Offset).ThenBy(t => t.Bytes.Length))
        {
            if (tensor.Offset != expected)
            {
                throw new TficFormatException(
                    $"Tensor '{tensor.Name}' starts at byte {tensor.Offset}, but the one before ends at {expected}. " +
                    Remedy,
                    tensor.Offset);
            }

            expected += tensor.Bytes.Length;
        }

        if (expected != dataStart + (long)dataLength)
        {
            throw new TficFormatException(
                $"{dataStart + (long)dataLength - expected} bytes at the end belong to no tensor. {Remedy}", expected);
        }
    }

    private static JsonTokenType Next(ref Utf8JsonReader json) => json.Read() ? json.TokenType : JsonTokenType.None;

    private static void Expect(ref Utf8JsonReader json, JsonTokenType wanted, string what)
    {
        if (Next(ref json) != wanted)
            throw Fault(json, $"The header has a {json.TokenType} where {what} belongs.");
    }

    // Offsets are in the file, whose first 8 bytes precede the header.
    private static TficFormatException Fault(in Utf8JsonReader json, string what) =>
        new($"{what} {Remedy}", 8 + json.TokenStartIndex);
}
