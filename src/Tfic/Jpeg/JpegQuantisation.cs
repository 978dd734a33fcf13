using Tfic.Kernels.Dct;

namespace Tfic.Jpeg;

/// <summary>The example quantiser tables of T.81's Annex K, scaled by quality as the IJG's library does.</summary>
public static class JpegQuantisation
{
    private static readonly JpegQuantiser?[] s_luma = new JpegQuantiser?[101], s_chroma = new JpegQuantiser?[101];

    // Natural (row-major) order.
    private static ReadOnlySpan<byte> AnnexLuma =>
    [
        16, 11, 10, 16, 24, 40, 51, 61,
        12, 12, 14, 19, 26, 58, 60, 55,
        14, 13, 16, 24, 40, 57, 69, 56,
        14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77,
        24, 35, 55, 64, 81, 104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101,
        72, 92, 95, 98, 112, 100, 103, 99,
    ];

    private static ReadOnlySpan<byte> AnnexChroma =>
    [
        17, 18, 24, 47, 99, 99, 99, 99,
        18, 21, 26, 66, 99, 99, 99, 99,
        24, 26, 56, 99, 99, 99, 99, 99,
        47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
    ];

    /// <summary>Steps for luma.</summary>
    /// <param name="quality">1…100: 50 gives the table itself, 100 steps of 1, 1 steps of 50 times the table's.</param>
    /// <returns>64 steps, 1…255, in natural order.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A quality outside 1…100.</exception>
    public static ushort[] Luma(int quality) => Scale(AnnexLuma, quality);

    /// <summary>Steps for the colour differences.</summary>
    /// <param name="quality">1…100.</param>
    /// <returns>64 steps, 1…255, in natural order.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A quality outside 1…100.</exception>
    public static ushort[] Chroma(int quality) => Scale(AnnexChroma, quality);

    /// <summary>The same steps as <see cref="Luma"/>, as the transform takes them; made once for each quality.</summary>
    internal static JpegQuantiser LumaQuantiser(int quality) => Cached(s_luma, AnnexLuma, quality);

    /// <summary>The same steps as <see cref="Chroma"/>.</summary>
    internal static JpegQuantiser ChromaQuantiser(int quality) => Cached(s_chroma, AnnexChroma, quality);

    private static JpegQuantiser Cached(JpegQuantiser?[] cache, ReadOnlySpan<byte> table, int quality) =>
        quality is >= 1 and <= 100 && Volatile.Read(ref cache[quality]) is { } known
            ? known
            : cache[quality] = new JpegQuantiser(Scale(table, quality));

    private static ushort[] Scale(ReadOnlySpan<byte> table, int quality)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(quality, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, 100);
        int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
        var steps = new ushort[64];
        for (int i = 0; i < 64; i++)
            steps[i] = (ushort)Math.Clamp((table[i] * percent + 50) / 100, 1, 255);
        return steps;
    }
}
