namespace Tfic.Kernels.RangeCoding;

/// <summary>The slots [Start, Start + Frequency) of 2¹⁶ that stand for a symbol.</summary>
/// <remarks>
/// Packed in 32 bits, as the vector rows read it: a table has at least two symbols, so that no frequency reaches 2¹⁶.
/// </remarks>
internal readonly record struct Interval(ushort Start, ushort Frequency)
{
    /// <summary>Information content, in bits.</summary>
    public double Bits => FrequencyTables.Precision - Math.Log2(Frequency);

    /// <summary>One bit at probability one half.</summary>
    public static Interval RawBit(bool one) => new(one ? (ushort)0x8000 : (ushort)0, 0x8000);
}
