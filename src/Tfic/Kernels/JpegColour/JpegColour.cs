using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.JpegColour;

/// <summary>Rows of RGB to rows of YCbCr, as JFIF defines them (BT.601 weights, full range), and back.</summary>
/// <remarks>
/// <para>In 16-bit fixed point, with ⌊ ⌋ downwards and P = 2^16, H = P/2; a′ = a − 128:</para>
/// <code>
/// Y  = ⌊(19595 R + 38470 G +  7471 B + H) / P⌋           R = Y + ⌊(91881 Cr′ + H) / P⌋
/// Cb = ⌊(32768 B − 11059 R − 21709 G + 128 P + H − 1) / P⌋   G = Y + ⌊(−22554 Cb′ − 46802 Cr′ + H) / P⌋
/// Cr = ⌊(32768 R − 27439 G −  5329 B + 128 P + H − 1) / P⌋   B = Y + ⌊(116130 Cb′ + H) / P⌋
/// </code>
/// <para>
/// with R, G and B clamped to 0…255. Halves of Cb and Cr are rounded downwards, so that 255.5 does not occur. These
/// are the integers of the Independent JPEG Group's library, so that pixels agree.
/// </para>
/// </remarks>
internal static partial class JpegColour
{
    /// <summary>Luma and colour differences of a row.</summary>
    /// <param name="rgb">Pixels; 3 bytes for each byte of luma.</param>
    /// <param name="luma">Y; its length says how many pixels.</param>
    /// <param name="blue">Cb; at least as long as luma.</param>
    /// <param name="red">Cr; at least as long as luma.</param>
    public delegate void FromRgbKernel(ReadOnlySpan<byte> rgb, Span<byte> luma, Span<byte> blue, Span<byte> red);

    /// <summary>Pixels of a row.</summary>
    /// <param name="luma">Y; its length says how many pixels.</param>
    /// <param name="blue">Cb; at least as long as luma.</param>
    /// <param name="red">Cr; at least as long as luma.</param>
    /// <param name="rgb">Receives 3 bytes for each byte of luma.</param>
    public delegate void ToRgbKernel(
        ReadOnlySpan<byte> luma, ReadOnlySpan<byte> blue, ReadOnlySpan<byte> red, Span<byte> rgb);

    // From RGB, 256 bits come last: 1.3 ms against 1.5 with 512 bits for 2048 × 2048 pixels on Zen 4. The way back takes
    // bytes apart that only 512 bits with VBMI permute at once: 0.8 ms against 1.1.

    /// <summary>Variants of the way from RGB; every row equals the reference.</summary>
    public static VariantTable<FromRgbKernel> FromRgbTable { get; } = new(
        "jpeg-colour-from-rgb",
        new Variant<FromRgbKernel>("reference", true, 0, FromRgbReference),
        new Variant<FromRgbKernel>("vector128", Ssse3.IsSupported, 0, FromRgb<Vector128<byte>, Pixels128>),
        new Variant<FromRgbKernel>("vector512", HasWide, 0, FromRgb<Vector512<byte>, Pixels512>),
        new Variant<FromRgbKernel>("vector256", Avx2.IsSupported, 0, FromRgb<Vector256<byte>, Pixels256>));

    /// <summary>Variants of the way to RGB; every row equals the reference.</summary>
    public static VariantTable<ToRgbKernel> ToRgbTable { get; } = new(
        "jpeg-colour-to-rgb",
        new Variant<ToRgbKernel>("reference", true, 0, ToRgbReference),
        new Variant<ToRgbKernel>("vector128", Ssse3.IsSupported, 0, ToRgb<Vector128<byte>, Pixels128>),
        new Variant<ToRgbKernel>("vector256", Avx2.IsSupported, 0, ToRgb<Vector256<byte>, Pixels256>),
        new Variant<ToRgbKernel>("vector512", HasWide, 0, ToRgb<Vector512<byte>, Pixels512>));

    private const int Half = 1 << 15;
    private const int ChromaOffset = (128 << 16) + Half - 1;

    private static bool HasWide =>
        Vector512.IsHardwareAccelerated && Avx512BW.IsSupported && Avx512Vbmi.IsSupported;

    /// <summary>Luma and colour differences of a row, by the picked variant.</summary>
    /// <param name="rgb">Pixels; 3 bytes for each byte of luma.</param>
    /// <param name="luma">Y; its length says how many pixels.</param>
    /// <param name="blue">Cb; at least as long as luma.</param>
    /// <param name="red">Cr; at least as long as luma.</param>
    /// <exception cref="ArgumentException">A span too short.</exception>
    public static void FromRgb(ReadOnlySpan<byte> rgb, Span<byte> luma, Span<byte> blue, Span<byte> red)
    {
        Check(luma.Length, blue.Length, red.Length, rgb.Length);
        FromRgbTable.Picked.Kernel(rgb, luma, blue, red);
    }

    /// <summary>Pixels of a row, by the picked variant.</summary>
    /// <param name="luma">Y; its length says how many pixels.</param>
    /// <param name="blue">Cb; at least as long as luma.</param>
    /// <param name="red">Cr; at least as long as luma.</param>
    /// <param name="rgb">Receives 3 bytes for each byte of luma.</param>
    /// <exception cref="ArgumentException">A span too short.</exception>
    public static void ToRgb(
        ReadOnlySpan<byte> luma, ReadOnlySpan<byte> blue, ReadOnlySpan<byte> red, Span<byte> rgb)
    {
        Check(luma.Length, blue.Length, red.Length, rgb.Length);
        ToRgbTable.Picked.Kernel(luma, blue, red, rgb);
    }

    internal static void FromRgbReference(ReadOnlySpan<byte> rgb, Span<byte> luma, Span<byte> blue, Span<byte> red)
    {
        for (int x = 0; x < luma.Length; x++)
        {
            int r = rgb[3 * x], g = rgb[3 * x + 1], b = rgb[3 * x + 2];
            luma[x] = Imaging.PictureConversion.Luma(r, g, b);
            blue[x] = (byte)((-11059 * r - 21709 * g + 32768 * b + ChromaOffset) >> 16);
            red[x] = (byte)((32768 * r - 27439 * g - 5329 * b + ChromaOffset) >> 16);
        }
    }

    internal static void ToRgbReference(
        ReadOnlySpan<byte> luma, ReadOnlySpan<byte> blue, ReadOnlySpan<byte> red, Span<byte> rgb)
    {
        for (int x = 0; x < luma.Length; x++)
        {
            int y = luma[x], cb = blue[x] - 128, cr = red[x] - 128;
            rgb[3 * x] = Clamp(y + ((91881 * cr + Half) >> 16));
            rgb[3 * x + 1] = Clamp(y + ((-22554 * cb - 46802 * cr + Half) >> 16));
            rgb[3 * x + 2] = Clamp(y + ((116130 * cb + Half) >> 16));
        }
    }

    private static byte Clamp(int value) => (byte)Math.Clamp(value, 0, 255);

    private static void Check(int luma, int blue, int red, int rgb)
    {
        if (blue < luma || red < luma || rgb < 3L * luma)
            throw new ArgumentException(
                $"{luma} samples of luma with {blue} and {red} of colour differences and {rgb} bytes of RGB.");
    }
}
