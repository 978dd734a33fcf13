using System.Globalization;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>
/// How a tensor is written. Metadata leaves the elements out; the others write them all the same way here.
/// </summary>
public enum TensorStringStyle
{
    Metadata,
    Julia,
    Numpy,
    CSharp,
    Default,
}

public static class TensorExtensionMethods
{
    public static Parameter AsParameter(this Tensor tensor) => new(tensor);

    public static int ElementSize(this ScalarType type) => type switch
    {
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool or ScalarType.QInt8 or ScalarType.QUInt8 => 1,
        ScalarType.Int16 or ScalarType.Float16 or ScalarType.BFloat16 => 2,
        ScalarType.Int32 or ScalarType.Float32 or ScalarType.QInt32 => 4,
        ScalarType.ComplexFloat64 => 16,
        _ => 8,
    };

    public static long TotalSize(this IEnumerable<long> shape) => shape.Aggregate(1L, (total, size) => total * size);

    /// <summary>
    /// Writes the tensor as TorchSharp does: element type, number of dimensions and sizes in LEB128, then the elements.
    /// </summary>
    public static void Save(this Tensor tensor, BinaryWriter writer)
    {
        writer.Write7BitEncodedInt64((long)tensor.dtype);
        long[] shape = tensor.shape;
        writer.Write7BitEncodedInt64(shape.Length);
        foreach (long size in shape)
            writer.Write7BitEncodedInt64(size);
        writer.Flush();
        tensor.WriteBytesToStream(writer.BaseStream);
    }

    public static void Save(this Tensor tensor, Stream stream)
    {
        using var writer = new BinaryWriter(stream);
        tensor.Save(writer);
    }

    public static void Save(this Tensor tensor, string location) => tensor.Save(File.Create(location));

    /// <summary>Fills the tensor with what <see cref="Save(Tensor, BinaryWriter)"/> wrote.</summary>
    /// <param name="skip">Leaves the tensor as it is and only moves the reader.</param>
    /// <exception cref="ArgumentException">The stored type or shape is another one.</exception>
    public static void Load(this Tensor tensor, BinaryReader reader, bool skip = false)
    {
        (ScalarType type, long[] shape) = ReadHeader(reader);
        if (skip)
        {
            Skip(reader, type, shape);
            return;
        }

        if (type != tensor.dtype)
            throw new ArgumentException($"the stored tensor holds {type}, not {tensor.dtype}");
        if (!shape.AsSpan().SequenceEqual(tensor.shape))
            throw new ArgumentException(
                $"the stored tensor has the shape [{string.Join(", ", shape)}], not "
                + $"[{string.Join(", ", tensor.shape)}]");
        tensor.ReadBytesFromStream(reader.BaseStream);
    }

    public static Tensor Load(BinaryReader reader, bool skip = false)
    {
        (ScalarType type, long[] shape) = ReadHeader(reader);
        if (skip)
        {
            Skip(reader, type, shape);
            return zeros(shape, type);
        }

        // A false header must not make it allocate what the stream cannot fill.
        Stream stream = reader.BaseStream;
        long bytes = ByteCount(type, shape);
        if (stream.CanSeek && bytes > stream.Length - stream.Position)
            throw new EndOfStreamException(
                $"the stored tensor needs {bytes} bytes; {stream.Length - stream.Position} are left");
        Tensor tensor = empty(shape, type, CPU);
        tensor.ReadBytesFromStream(stream);
        return tensor;
    }

    public static void Load(ref Tensor? tensor, BinaryReader reader, bool skip = false)
    {
        if (tensor is null)
            tensor = Load(reader, skip);
        else
            tensor.Load(reader, skip);
    }

    public static Tensor ToTensor<T>(
        this T[] rawArray, long[] dimensions, bool doCopy = false, bool requires_grad = false) where T : unmanaged =>
        FromElements<T>(rawArray, dimensions, requires_grad: requires_grad);

    public static Tensor ToTensor<T>(this T scalar, Device? device = null, bool requires_grad = false)
        where T : unmanaged => FromElements<T>([scalar], [], device: device, requires_grad: requires_grad);

    public static float ToSingle(this Tensor value) => One<float>(value, ScalarType.Float32);

    public static double ToDouble(this Tensor value) => One<double>(value, ScalarType.Float64);

    public static sbyte ToSByte(this Tensor value) => One<sbyte>(value, ScalarType.Int8);

    public static byte ToByte(this Tensor value) => One<byte>(value, ScalarType.Byte);

    public static short ToInt16(this Tensor value) => One<short>(value, ScalarType.Int16);

    public static int ToInt32(this Tensor value) => One<int>(value, ScalarType.Int32);

    public static long ToInt64(this Tensor value) => One<long>(value, ScalarType.Int64);

    public static bool ToBoolean(this Tensor value) => One<bool>(value, ScalarType.Bool);

    /// <summary>The tensor's type, shape and (where they are few) elements.</summary>
    public static string str(
        this Tensor tensor, string? fltFormat = null, int? width = null, string? newLine = null,
        CultureInfo? cultureInfo = null, TensorStringStyle style = TensorStringStyle.Default) =>
        style == TensorStringStyle.Metadata
            ? TensorText.Metadata(tensor)
            : TensorText.Elements(tensor, fltFormat ?? "g5", cultureInfo);

    private static T One<T>(Tensor value, ScalarType type) where T : unmanaged
    {
        if (value.NumberOfElements != 1)
            throw new ArgumentException("Number of elements in the tensor must be 1");
        using DisposeScope scope = NewDisposeScope();
        using IDisposable without = no_grad();
        return value.to(type, CPU).data<T>()[0];
    }

    private static (ScalarType Type, long[] Shape) ReadHeader(BinaryReader reader)
    {
        long type = reader.Read7BitEncodedInt64();
        if (type is < 0 or > (long)ScalarType.BFloat16 || !Enum.IsDefined((ScalarType)type))
            throw new InvalidDataException($"{type} is no element type: this is not a tensor that TorchSharp saved");
        long rank = reader.Read7BitEncodedInt64();
        if (rank is < 0 or > 64)
            throw new InvalidDataException(
                $"a tensor cannot have {rank} dimensions: this is not a tensor that TorchSharp saved");
        var shape = new long[rank];
        for (int i = 0; i < shape.Length; i++)
        {
            shape[i] = reader.Read7BitEncodedInt64();
            if (shape[i] < 0)
                throw new InvalidDataException(
                    $"a tensor cannot have the size {shape[i]}: this is not a tensor that TorchSharp saved");
        }

        return ((ScalarType)type, shape);
    }

    private static long ByteCount(ScalarType type, long[] shape)
    {
        try
        {
            return shape.Aggregate((long)type.ElementSize(), (bytes, size) => checked(bytes * size));
        }
        catch (OverflowException)
        {
            throw new InvalidDataException($"a tensor of the shape [{string.Join(", ", shape)}] is too large");
        }
    }

    private static void Skip(BinaryReader reader, ScalarType type, long[] shape) =>
        reader.BaseStream.Seek(ByteCount(type, shape), SeekOrigin.Current);
}
