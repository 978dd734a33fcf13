using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>The upper 16 bits of a float: its exponent with 8 bits of precision.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct BFloat16 : IEquatable<BFloat16>, IComparable<BFloat16>
{
    private readonly ushort bits;

    /// <summary>Rounds to nearest, ties to even.</summary>
    public BFloat16(float f)
    {
        uint raw = BitConverter.SingleToUInt32Bits(f);
        // A NaN's payload may lie wholly in the dropped half, and rounding may carry into the sign: keep it a quiet
        // NaN.
        bits = float.IsNaN(f)
            ? (ushort)((raw >> 16) | 0x40)
            : (ushort)((raw + 0x7FFF + ((raw >> 16) & 1)) >> 16);
    }

    private BFloat16(ushort rawValue)
    {
        bits = rawValue;
    }

    public static BFloat16 FromRawValue(ushort rawValue) => new(rawValue);

    public float ToSingle() => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    public static explicit operator float(BFloat16 bf) => bf.ToSingle();

    public static explicit operator double(BFloat16 bf) => bf.ToSingle();

    public static explicit operator BFloat16(float f) => new(f);

    public static explicit operator BFloat16(double d) => new((float)d);

    public static bool operator ==(BFloat16 a, BFloat16 b) => a.ToSingle() == b.ToSingle();

    public static bool operator !=(BFloat16 a, BFloat16 b) => a.ToSingle() != b.ToSingle();

    public bool Equals(BFloat16 other) => ToSingle().Equals(other.ToSingle());

    public override bool Equals(object? obj) => obj is BFloat16 other && Equals(other);

    public override int GetHashCode() => ToSingle().GetHashCode();

    public int CompareTo(BFloat16 other) => ToSingle().CompareTo(other.ToSingle());

    public override string ToString() => ToSingle().ToString();
}
