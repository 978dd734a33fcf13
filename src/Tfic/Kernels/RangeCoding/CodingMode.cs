namespace Tfic.Kernels.RangeCoding;

/// <summary>How symbols were turned into a stream of bytes.</summary>
public enum CodingMode : byte
{
    /// <summary>One lane: the fewest bytes.</summary>
    Range = 0,

    /// <summary>32 interleaved lanes: fast, at the price of 97 bytes.</summary>
    Interleaved = 1,

    /// <summary>
    /// Chunks of 32 interleaved lanes that can be coded and decoded apart from each other, at the price of 101 bytes
    /// each.
    /// </summary>
    Chunked = 2,
}
