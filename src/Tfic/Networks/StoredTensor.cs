using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Tfic.Networks;

/// <summary>Element types of a safetensors file, named as the format names them.</summary>
public enum TensorType
{
    /// <summary>One byte, 0 or 1.</summary>
    BOOL,

    /// <summary>Unsigned, 8 bits.</summary>
    U8,

    /// <summary>Signed, 8 bits.</summary>
    I8,

    /// <summary>Unsigned, 16 bits.</summary>
    U16,

    /// <summary>Signed, 16 bits.</summary>
    I16,

    /// <summary>IEEE 754 half precision.</summary>
    F16,

    /// <summary>The upper half of an F32.</summary>
    BF16,

    /// <summary>Unsigned, 32 bits.</summary>
    U32,

    /// <summary>Signed, 32 bits.</summary>
    I32,

    /// <summary>IEEE 754 single precision.</summary>
    F32,

    /// <summary>Unsigned, 64 bits.</summary>
    U64,

    /// <summary>Signed, 64 bits.</summary>
    I64,

    /// <summary>IEEE 754 double precision.</summary>
    F64,
}

/// <summary>A tensor as it lies in a file: little-endian, row-major.</summary>
public sealed class StoredTensor
{
    private readonly int[] _shape;

    internal StoredTensor(string name, TensorType type, int[] shape, ReadOnlyMemory<byte> bytes, long offset)
    {
        Name = name;
        Type = type;
        _shape = shape;
        Bytes = bytes;
        Offset = offset;
    }

    /// <summary>Name in the file.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public TensorType Type { get; }

    /// <summary>Sizes, outermost first; empty for a scalar.</summary>
    public ReadOnlySpan<int> Shape => _shape;

    /// <summary>Elements, little-endian; exactly as many bytes as type and shape say.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>
    /// Where <see cref="Bytes"/> starts in the file; of a PyTorch tensor that lies there in another order, where the
    /// storage starts that it was gathered from.
    /// </summary>
    public long Offset { get; }

    /// <summary>Number of elements.</summary>
    public int Count => Bytes.Length / SizeOf(Type);

    /// <summary>Bytes an element takes.</summary>
    public static int SizeOf(TensorType type) => type switch
    {
        TensorType.BOOL or TensorType.U8 or TensorType.I8 => 1,
        TensorType.U16 or TensorType.I16 or TensorType.F16 or TensorType.BF16 => 2,
        TensorType.U32 or TensorType.I32 or TensorType.F32 => 4,
        TensorType.U64 or TensorType.I64 or TensorType.F64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not an element type."),
    };

    /// <summary>Checks that the number of a tensor's bytes, values, and its shape agree.</summary>
    /// <exception cref="ArgumentException">They do not, or a size is negative.</exception>
    internal static void CheckSize(string name, TensorType type, int values, ReadOnlySpan<int> shape)
    {
        long length = SizeOf(type);
        foreach (int size in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(shape));
            length = checked(length * size);
        }

        if (length != values)
        {
            throw new ArgumentException(
                $"'{name}': the shape needs {length} bytes, but there are {values}.", nameof(values));
        }
    }

    /// <summary>Reads F32, F16 or BF16 elements; the last two widen exactly.</summary>
    /// <returns>A new array of <see cref="Count"/> finite values.</returns>
    /// <exception cref="TficFormatException">Another type, or a value that is not finite.</exception>
    public float[] ToFloat()
    {
        ReadOnlySpan<byte> bytes = Bytes.Span;
        var values = new float[Count];
        switch (Type)
        {
            case TensorType.F32:
                for (int i = 0; i < values.Length; i++)
                    values[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]);
                break;
            case TensorType.F16:
                for (int i = 0; i < values.Length; i++)
                    values[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]);
                break;
            case TensorType.BF16:
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = BitConverter.Int32BitsToSingle(
                        BinaryPrimitives.ReadInt16LittleEndian(bytes[(2 * i)..]) << 16);
                }

                break;
            default:
                throw WrongType("F32, F16 or BF16");
        }

        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                throw new TficFormatException(
                    $"Tensor '{Name}' holds {values[i]} at index {i}; weights are finite. Export the model again.",
                    Offset + (long)i * SizeOf(Type));
            }
        }

        return values;
    }

    /// <summary>Reads I32 elements.</summary>
    /// <exception cref="TficFormatException">Another type.</exception>
    public int[] ToInt32()
    {
        if (Type != TensorType.I32)
            throw WrongType("I32");
        ReadOnlySpan<byte> bytes = Bytes.Span;
        var values = new int[Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 * i)..]);
        return values;
    }

    /// <summary>Reads I16 elements.</summary>
    /// <exception cref="TficFormatException">Another type.</exception>
    public short[] ToInt16()
    {
        if (Type != TensorType.I16)
            throw WrongType("I16");
        ReadOnlySpan<byte> bytes = Bytes.Span;
        var values = new short[Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = BinaryPrimitives.ReadInt16LittleEndian(bytes[(2 * i)..]);
        return values;
    }

    /// <summary>Reads U16 elements.</summary>
    /// <exception cref="TficFormatException">Another type.</exception>
    public ushort[] ToUInt16()
    {
        if (Type != TensorType.U16)
            throw WrongType("U16");
        ReadOnlySpan<byte> bytes = Bytes.Span;
        var values = new ushort[Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]);
        return values;
    }

    /// <summary>Reads I8 elements.</summary>
    /// <exception cref="TficFormatException">Another type.</exception>
    public sbyte[] ToSByte() => Type == TensorType.I8
        ? MemoryMarshal.Cast<byte, sbyte>(Bytes.Span).ToArray()
        : throw WrongType("I8");

    /// <summary>Reads U8 elements.</summary>
    /// <exception cref="TficFormatException">Another type.</exception>
    public byte[] ToByte() => Type == TensorType.U8 ? Bytes.ToArray() : throw WrongType("U8");

    internal StoredTensor Renamed(string name) => new(name, Type, _shape, Bytes, Offset);

    private TficFormatException WrongType(string wanted) => new(
        $"Tensor '{Name}' is {Type}, but {wanted} is needed. This file was made for another program or version.",
        Offset);
}
