using System.Buffers.Binary;

namespace Tfic.Kernels.RangeCoding;

/// <summary>Encoder of streams with 32 interleaved lanes, for long streams.</summary>
/// <remarks>
/// <para>
/// Asymmetric numeral systems: a lane's state x is a number that holds everything still to be decoded; coding the
/// interval [s, s + f) of M = 2¹⁶ makes it ⌊x / f⌋ · M + s + x mod f, which decoding undoes exactly. States are kept
/// in [2¹⁶, 2³²) by moving their low 16 bits to the stream when x ≥ f · 2¹⁶, which can be needed at most once a
/// symbol. Interval i belongs to lane i mod 32. Decoding runs forwards, so encoding runs backwards and writes its
/// output from the end.
/// </para>
/// <para>
/// Since M is as large as the least state, ⌊x / f⌋ can be as small as 1, which costs 0.05 to 0.2% of the
/// information (measured on Gaussian tables). Each lane begins at 2¹⁶, a value that the decoder checks at its end:
/// two bytes a lane, 64 bytes together, below 0.2% of the streams that use lanes.
/// </para>
/// </remarks>
internal static class RansEncoding
{
    /// <summary>Number of lanes.</summary>
    public const int Lanes = 32;

    /// <summary>Every lane's first state, and the least.</summary>
    public const uint Least = 1u << 16;

    /// <summary>Bytes of the final states at the stream's front.</summary>
    public const int StateBytes = 4 * Lanes;

    /// <summary>Bytes that <see cref="Encode"/> may need for n intervals.</summary>
    public static int MaxBytes(int intervals) => checked(StateBytes + (2 * intervals));

    /// <summary>Writes a sequence of intervals at the end of a buffer.</summary>
    /// <param name="intervals">The sequence.</param>
    /// <param name="output">At least <see cref="MaxBytes"/> long.</param>
    /// <returns>Number of bytes written: they are the last ones of <paramref name="output"/>.</returns>
    public static int Encode(ReadOnlySpan<Interval> intervals, Span<byte> output)
    {
        Span<uint> states = stackalloc uint[Lanes];
        states.Fill(Least);
        int position = output.Length;
        for (int i = intervals.Length - 1; i >= 0; i--)
        {
            (ushort start, ushort frequency) = intervals[i];
            uint x = states[i % Lanes];
            if (x >= (uint)frequency << 16)
            {
                position -= 2;
                BinaryPrimitives.WriteUInt16LittleEndian(output[position..], (ushort)x);
                x >>= 16;
            }

            (uint quotient, uint remainder) = Math.DivRem(x, frequency);
            states[i % Lanes] = (quotient << 16) + start + remainder;
        }

        position -= StateBytes;
        for (int lane = 0; lane < Lanes; lane++)
            BinaryPrimitives.WriteUInt32LittleEndian(output[(position + (4 * lane))..], states[lane]);
        return output.Length - position;
    }
}
