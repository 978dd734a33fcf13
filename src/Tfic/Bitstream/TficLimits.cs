namespace Tfic.Bitstream;

/// <summary>What a reader of .tfic files accepts. All limits are checked before memory is allocated.</summary>
/// <remarks>
/// A blank picture of any size can be coded in ten bytes, so it is <see cref="MaxPixels"/> that bounds what decoding
/// takes, not the length of the file: about 30 bytes of memory for each pixel.
/// </remarks>
public sealed record TficLimits
{
    /// <summary>The defaults: 100 million pixels, 256 MiB, 16 layers.</summary>
    public static TficLimits Default { get; } = new();

    /// <summary>Largest number of pixels.</summary>
    public long MaxPixels { get; init; } = 100_000_000;

    /// <summary>Longest file, in bytes.</summary>
    public int MaxBytes { get; init; } = 256 << 20;

    /// <summary>
    /// Most layers, those counted that are of kinds to be skipped; the format has
    /// <see cref="TficContainer.MaxSections"/> at most.
    /// </summary>
    public int MaxLayers { get; init; } = TficContainer.MaxSections;
}
