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
/// Both numbers have 64 bits, of which 24 at a time become final. The range stays at least 2⁴⁰, so range / 2¹⁶ is
/// cut to an integer of at least 2²⁴, and the loss by cutting is below 10⁻⁷ bits a symbol at worst and near 3 · 10⁻⁹ on
/// average: not 0.02% even of the 2 · 10⁻⁵ bits of the most certain symbol that a table can have. (A range of at least
/// 2³² would lose 2% there, and break the promise of 0.5% and four bytes after a hundred million such symbols.) An
/// addition to low may carry into digits already written: it is carried there.
/// </para>
/// <para>
/// Why not rANS here: its first symbol fills a 16-bit state whatever it costs, so it would waste up to two bytes,
/// 4% of a 50-byte stream.
/// </para>
/// </remarks>
internal struct RangeEncoder
{
    /// <summary>Bytes that become final at a time.</summary>
    public const int StepBytes = 3;

    /// <summary>Bits that become final at a time.</summary>
    public const int StepBits = 8 * StepBytes;

    /// <summary>The least range between symbols. A symbol leaves 2⁻¹⁶ of it, less than which a step makes up for.</summary>
    public const ulong Least = 1UL << (64 - StepBits);

    private ulong _low;
    private ulong _range;
    private int _length;

    /// <summary>Starts a stream.</summary>
    public static RangeEncoder Start() => new() { _range = ulong.MaxValue };

    /// <summary>Codes a sequence of intervals.</summary>
    /// <param name="intervals">The sequence.</param>
    /// <param name="output">
    /// The whole stream's memory: with room for the stream, at most two bytes an interval, and for eight more.
    /// </param>
    public void Add(ReadOnlySpan<Interval> intervals, Span<byte> output)
    {
        ulong low = _low;
        ulong range = _range;
        foreach (Interval interval in intervals)
        {
            ulong unit = range >> FrequencyTables.Precision;
            ulong increment = unit * interval.Start;
            low += increment;
            if (low < increment)
                Carry(output[.._length]);
            range = unit * interval.Frequency;
            if (range < Least)
            {
                // One byte more than counts; the next step, or the end, writes over it.
                BinaryPrimitives.WriteUInt32BigEndian(output[_length..], (uint)(low >> 32));
                _length += StepBytes;
                low <<= StepBits;
                range <<= StepBits;
            }
        }

        _low = low;
        _range = range;
    }

    /// <summary>Ends the stream.</summary>
    /// <returns>The stream: the front of <paramref name="output"/>.</returns>
    public Span<byte> Finish(Span<byte> output)
    {
        // The number with the fewest bytes in [low, low + range): low rounded up to n bytes, for the least n that
        // does not leave the interval. n = 8 always does not: it is low itself.
        for (int n = 0; n <= 8; n++)
        {
            ulong below = n == 0 ? ulong.MaxValue : n == 8 ? 0 : ulong.MaxValue >> (8 * n);
            ulong up = (0 - _low) & below;
            if (up >= _range)
                continue;
            ulong end = _low + up;
            if (end < _low)
                Carry(output[.._length]);
            for (int i = 0; i < n; i++)
                output[_length++] = (byte)(end >> (56 - (8 * i)));
            break;
        }

        return output[.._length].TrimEnd((byte)0);
    }

    private static void Carry(Span<byte> written)
    {
        // The interval lies below 1, so a digit that can take the carry is always found.
        int i = written.Length - 1;
        while (++written[i] == 0)
            i--;
    }
}
