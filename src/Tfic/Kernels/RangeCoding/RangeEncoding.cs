using System.Buffers.Binary;

namespace Tfic.Kernels.RangeCoding;

/// <summary>Range encoder of streams with one lane: wastes less than nine bits, whatever is coded.</summary>
/// <remarks>
/// <para>
/// Coding narrows an interval [low, low + range) of the numbers below 1, whose binary digits are the stream. Bytes
/// behind the end of a stream read as zeros, so the encoder may end with the shortest string of bytes that lies in
/// the last interval: an empty one if it contains 0, as it does when every symbol was symbol 0.
/// </para>
/// <para>
/// Both numbers have 64 bits, of which 32 at a time become final. The range stays at least 2³², so range / 2¹⁶ is
/// cut to an integer of at least 2¹⁶, and the loss by cutting is below 2.3 · 10⁻⁵ bits a symbol at worst and near
/// 10⁻⁶ on average. An addition to low may carry into digits already written: it is carried there.
/// </para>
/// <para>
/// Why not rANS here: its first symbol fills a 16-bit state whatever it costs, so it would waste up to two bytes,
/// 4% of a 50-byte stream.
/// </para>
/// </remarks>
internal static class RangeEncoding
{
    /// <summary>Bytes that <see cref="Encode"/> may need for n intervals.</summary>
    public static int MaxBytes(int intervals) => checked((2 * intervals) + 16);

    /// <summary>Writes a sequence of intervals.</summary>
    /// <param name="intervals">The sequence.</param>
    /// <param name="output">At least <see cref="MaxBytes"/> long.</param>
    /// <returns>Number of bytes written.</returns>
    public static int Encode(ReadOnlySpan<Interval> intervals, Span<byte> output)
    {
        ulong low = 0;
        ulong range = ulong.MaxValue;
        int length = 0;
        foreach (Interval interval in intervals)
        {
            ulong unit = range >> FrequencyTables.Precision;
            ulong increment = unit * interval.Start;
            low += increment;
            if (low < increment)
                Carry(output[..length]);
            range = unit * interval.Frequency;
            if (range < 1UL << 32)
            {
                BinaryPrimitives.WriteUInt32BigEndian(output[length..], (uint)(low >> 32));
                length += 4;
                low <<= 32;
                range <<= 32;
            }
        }

        // The number with the fewest bytes in [low, low + range): low rounded up to n bytes, for the least n that
        // does not leave the interval. n = 8 always does not: it is low itself.
        for (int n = 0; n <= 8; n++)
        {
            ulong below = n == 0 ? ulong.MaxValue : n == 8 ? 0 : ulong.MaxValue >> (8 * n);
            ulong up = (0 - low) & below;
            if (up >= range)
                continue;
            ulong end = low + up;
            if (end < low)
                Carry(output[..length]);
            for (int i = 0; i < n; i++)
                output[length++] = (byte)(end >> (56 - (8 * i)));
            break;
        }

        while (length > 0 && output[length - 1] == 0)
            length--;
        return length;
    }

    private static void Carry(Span<byte> written)
    {
        // The interval lies below 1, so a digit that can take the carry is always found.
        int i = written.Length - 1;
        while (++written[i] == 0)
            i--;
    }
}
