namespace Tfic.Bitstream;

/// <summary>What a reader of .tfic files accepts. All limits are checked before memory is allocated.</summary>
public sealed record TficLimits
{
    /// <summary>The defaults: 100 million pixels, 256 MiB.</summary>
    public static TficLimits Default { get; } = new();

    /// <summary>Largest number of pixels.</summary>
    public long MaxPixels { get; init; } = 100_000_000;

    /// <summary>Longest file, in bytes.</summary>
    public int MaxBytes { get; init; } = 256 << 20;
}
