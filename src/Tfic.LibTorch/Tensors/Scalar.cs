using TorchSharp.Interop;

namespace TorchSharp;

/// <summary>A number with torch's element type, made by conversion where an operation takes one.</summary>
public sealed class Scalar : IDisposable
{
    private readonly double number;
    private readonly long integer;

    private Scalar(torch.ScalarType type, double number, long integer)
    {
        Type = type;
        this.number = number;
        this.integer = integer;
    }

    public torch.ScalarType Type { get; }

    internal double Number => torch.is_floating_point(Type) ? number : integer;

    internal long Integer => torch.is_floating_point(Type) ? checked((long)number) : integer;

    public static implicit operator Scalar(byte value) => new(torch.ScalarType.Byte, 0, value);

    public static implicit operator Scalar(sbyte value) => new(torch.ScalarType.Int8, 0, value);

    public static implicit operator Scalar(short value) => new(torch.ScalarType.Int16, 0, value);

    public static implicit operator Scalar(int value) => new(torch.ScalarType.Int32, 0, value);

    public static implicit operator Scalar(long value) => new(torch.ScalarType.Int64, 0, value);

    public static implicit operator Scalar(Half value) => new(torch.ScalarType.Float16, (double)value, 0);

    public static implicit operator Scalar(BFloat16 value) => new(torch.ScalarType.BFloat16, (double)value, 0);

    public static implicit operator Scalar(float value) => new(torch.ScalarType.Float32, value, 0);

    public static implicit operator Scalar(double value) => new(torch.ScalarType.Float64, value, 0);

    public static implicit operator Scalar(bool value) => new(torch.ScalarType.Bool, 0, value ? 1 : 0);

    /// <summary>Nothing to free here; TorchSharp's scalar is native and can be disposed.</summary>
    public void Dispose()
    {
    }

    internal Value ToValue() => Type switch
    {
        torch.ScalarType.Bool => integer != 0,
        _ when torch.is_floating_point(Type) => number,
        _ => integer,
    };
}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;

    public static Scalar ToScalar(this sbyte value) => value;

    public static Scalar ToScalar(this short value) => value;

    public static Scalar ToScalar(this int value) => value;

    public static Scalar ToScalar(this long value) => value;

    public static Scalar ToScalar(this float value) => value;

    public static Scalar ToScalar(this double value) => value;

    public static Scalar ToScalar(this bool value) => value;

    public static float ToSingle(this Scalar value) => (float)value.Number;

    public static double ToDouble(this Scalar value) => value.Number;

    public static sbyte ToSByte(this Scalar value) => checked((sbyte)value.Integer);

    public static byte ToByte(this Scalar value) => checked((byte)value.Integer);

    public static short ToInt16(this Scalar value) => checked((short)value.Integer);

    public static int ToInt32(this Scalar value) => checked((int)value.Integer);

    public static long ToInt64(this Scalar value) => value.Integer;

    public static bool ToBoolean(this Scalar value) => value.Number != 0;
}
