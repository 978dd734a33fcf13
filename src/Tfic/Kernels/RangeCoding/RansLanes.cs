using System.Runtime.CompilerServices;

namespace Tfic.Kernels.RangeCoding;

/// <summary>What encoder and decoder of interleaved lanes share.</summary>
/// <remarks>
/// <para>
/// Asymmetric numeral systems (Duda, arXiv 1311.2540): a lane's state x is a number that holds everything still to be
/// decoded. Coding the interval [s, s + f) of M = 2¹⁶ makes it ⌊x / f⌋ · M + s + x mod f, which decoding undoes
/// exactly. Between symbols states are in [2²⁴, 2³²): before a symbol an encoder moves the low byte to the stream while
/// x ≥ f · 2¹⁶, at most twice; a decoder takes as many back. Symbol i belongs to lane i mod 32. Decoding runs forwards,
/// so encoding runs backwards.
/// </para>
/// <para>
/// Why 2²⁴ and bytes: ⌊x / f⌋ is then at least 2⁸, and a symbol costs at most log₂(1 + 2⁻⁸) = 0.006 bits more than
/// −log₂(f / M), whatever the symbols are; the mean is below 0.001. With 16 bits at a time states would begin at 2¹⁶
/// and ⌊x / f⌋ at 1: 0.1% to 0.2% on the model's own statistics, several percent on others.
/// </para>
/// <para>
/// Each lane begins at 2²⁴, a value that the decoder checks at its end: three bytes a lane, 96 bytes together.
/// </para>
/// </remarks>
[InlineArray(Count)]
internal struct RansLanes
{
    /// <summary>Number of lanes.</summary>
    public const int Count = 32;

    /// <summary>Every lane's first state, and the least.</summary>
    public const uint Least = 1u << 24;

    /// <summary>Bytes of the final states, which precede the bytes that the symbols moved out.</summary>
    public const int StateBytes = 4 * Count;

    private uint _first;
}
