namespace Tfic.Jpeg;

/// <summary>YCbCr of JFIF (BT.601 weights, full range) from and to RGB, in 16-bit fixed point.</summary>
internal static class JpegColour
{
    private const int Half = 1 << 15;

    /// <summary>R = Y + 1.402 Cr′, G = Y − 0.34414 Cb′ − 0.71414 Cr′, B = Y + 1.772 Cb′; Cb′ = Cb − 128.</summary>
    public static void ToRgb(
        ReadOnlySpan<byte> luma, ReadOnlySpan<byte> blue, ReadOnlySpan<byte> red, Span<byte> rgb)
    {
        blue = blue[..luma.Length];
        red = red[..luma.Length];
        rgb = rgb[..(3 * luma.Length)];
        for (int x = 0; x < luma.Length; x++)
        {
            int y = luma[x], cb = blue[x] - 128, cr = red[x] - 128;
            rgb[3 * x] = Clamp(y + ((91881 * cr + Half) >> 16));
            rgb[3 * x + 1] = Clamp(y + ((-22554 * cb - 46802 * cr + Half) >> 16));
            rgb[3 * x + 2] = Clamp(y + ((116130 * cb + Half) >> 16));
        }
    }

    /// <summary>The inverse, rounded; halves of Cb and Cr downwards, so that 255.5 does not occur.</summary>
    public static void FromRgb(ReadOnlySpan<byte> rgb, Span<byte> luma, Span<byte> blue, Span<byte> red)
    {
        const int Offset = (128 << 16) + Half - 1;
        for (int x = 0; x < luma.Length; x++)
        {
            int r = rgb[3 * x], g = rgb[3 * x + 1], b = rgb[3 * x + 2];
            luma[x] = Imaging.PictureConversion.Luma(r, g, b);
            blue[x] = (byte)((-11059 * r - 21709 * g + 32768 * b + Offset) >> 16);
            red[x] = (byte)((32768 * r - 27439 * g - 5329 * b + Offset) >> 16);
        }
    }

    private static byte Clamp(int value) => (byte)Math.Clamp(value, 0, 255);
}
