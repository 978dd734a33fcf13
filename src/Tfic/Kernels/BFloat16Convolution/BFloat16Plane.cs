using System.Runtime.Intrinsics;
using Tfic.Kernels.Convolution;

namespace Tfic.Kernels.BFloat16Convolution;

/// <summary>
/// Activations in bfloat16, the upper half of float32, with zeros beside each row. Reuses its memory; one for each thread.
/// </summary>
public sealed class BFloat16Plane : BorderedPlane<ushort>
{
    /// <summary>Elements behind the last row that may be read: runs are read in pairs.</summary>
    internal const int Slack = 2;

    /// <summary>Makes an empty plane.</summary>
    public BFloat16Plane()
        : base(Slack)
    {
    }

    /// <summary>The nearest bfloat16, ties to even; what float32 cannot hold with full precision becomes zero.</summary>
    /// <remarks>As vcvtneps2bf16 does it. The relative error is at most 2⁻⁹.</remarks>
    public static ushort Round(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return (ushort)(bits >> 16 | 0x40);
        if ((bits & 0x7F80_0000) == 0)
            return (ushort)(bits >> 16 & 0x8000);
        return (ushort)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }

    /// <summary>The value of a bfloat16.</summary>
    public static float ToSingle(ushort element) => BitConverter.UInt32BitsToSingle((uint)element << 16);

    /// <summary>Takes a shape. The border is cleared; rows hold anything until they are written.</summary>
    /// <exception cref="OverflowException">More elements than an array can have.</exception>
    public override void Reshape(int rows, int columns, int channels, int border)
    {
        base.Reshape(rows, columns, channels, border);
        int side = border * channels, pitch = Pitch;
        Span<ushort> elements = Elements;
        for (int y = 0; side > 0 && y < rows; y++)
        {
            elements.Slice(y * pitch, side).Clear();
            elements.Slice((y + 1) * pitch - side, side).Clear();
        }

        // Read with weights of zero, which make zero only of what is finite.
        elements[(rows * pitch)..].Clear();
    }

    /// <summary>Writes a row of samples as the integers 0…255, which bfloat16 holds exactly.</summary>
    /// <param name="row">Which.</param>
    /// <param name="samples">Columns × Channels samples.</param>
    public unsafe void SetRow(int row, ReadOnlySpan<byte> samples)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(samples.Length, Columns * Channels, nameof(samples));
        Span<ushort> target = Row(row);
        int i = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            fixed (byte* source = samples)
            fixed (ushort* elements = target)
            {
                for (; i <= samples.Length - 16; i += 16)
                {
                    Vector512<uint> bits = Lanes512.LoadBytes(source + i).AsUInt32() >>> 16;
                    Vector256.Narrow(bits.GetLower(), bits.GetUpper()).Store(elements + i);
                }
            }
        }

        for (; i < samples.Length; i++)
            target[i] = (ushort)(BitConverter.SingleToUInt32Bits(samples[i]) >> 16);
    }

    /// <summary>Rounds a row of floats.</summary>
    /// <param name="row">Which.</param>
    /// <param name="values">Columns × Channels values.</param>
    public void SetRow(int row, ReadOnlySpan<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, Columns * Channels, nameof(values));
        Span<ushort> target = Row(row);
        int i = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            for (; i <= values.Length - 16; i += 16)
            {
                Vector512<uint> bits = Vector512.LoadUnsafe(in values[i]).AsUInt32();
                Vector512<uint> upper = bits >>> 16, exponent = bits & Vector512.Create(0x7F80_0000u);
                Vector512<uint> rounded = bits + Vector512.Create(0x7FFFu) + (upper & Vector512.Create(1u)) >>> 16;
                rounded = Vector512.ConditionalSelect(
                    Vector512.Equals(exponent, Vector512<uint>.Zero), upper & Vector512.Create(0x8000u), rounded);
                Vector512<uint> isNumber = Vector512.Equals(
                    bits.AsSingle(), bits.AsSingle()).AsUInt32();
                rounded = Vector512.ConditionalSelect(isNumber, rounded, upper | Vector512.Create(0x40u));
                Vector256.Narrow(rounded.GetLower(), rounded.GetUpper()).StoreUnsafe(ref target[i]);
            }
        }

        for (; i < values.Length; i++)
            target[i] = Round(values[i]);
    }
}
