using System.Buffers.Binary;

namespace Tfic.Imaging;

/// <summary>Reads the portable anymap formats P1 to P6 (bitmap, greymap, pixmap; text or binary).</summary>
/// <remarks>Samples are scaled from 0…maxval to 0…255 and rounded. Of several pictures in a file the first is
/// read.</remarks>
public static class PnmReader
{
    /// <summary>Reads a picture.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="limits">Limits; null for <see cref="PictureLimits.Default"/>.</param>
    /// <returns>Grey for P1, P2, P4, P5; RGB for P3, P6.</returns>
    /// <exception cref="TficFormatException">Not such a file, damaged, truncated, or over a limit.</exception>
    public static Picture Read(ReadOnlySpan<byte> bytes, PictureLimits? limits = null)
    {
        limits ??= PictureLimits.Default;
        if (bytes.Length < 2 || bytes[0] != 'P' || bytes[1] is < (byte)'1' or > (byte)'6')
            throw new TficFormatException("PNM: the file does not begin with P1 to P6", 0);
        int kind = bytes[1] - '0';
        bool text = kind <= 3, bitmap = kind is 1 or 4;
        int channels = kind is 3 or 6 ? 3 : 1;

        int at = 2;
        int width = ReadNumber(bytes, ref at, "the width");
        int height = ReadNumber(bytes, ref at, "the height");
        int largest = bitmap ? 1 : ReadNumber(bytes, ref at, "the largest sample");
        if (width == 0 || height == 0)
            throw new TficFormatException($"PNM: the size {width} × {height} is not valid", 2);
        if (largest is 0 or > 65535)
            throw new TficFormatException($"PNM: the largest sample is {largest}, not 1…65535", at);
        if (!text)
        {
            if (at == bytes.Length || !IsSpace(bytes[at]))
                throw new TficFormatException("PNM: white space is missing after the header", at);
            at++;
        }

        long samples = (long)width * height * channels;
        limits.Check("PNM", width, height, (Int128)width * height * channels, 2);

        // Least bytes for so many samples; a shorter file is not worth its allocation.
        long least = kind switch
        {
            1 => samples,
            2 or 3 => 2 * samples - 1,
            4 => ((long)width + 7) / 8 * height,
            _ => samples * (largest > 255 ? 2 : 1),
        };
        if (bytes.Length - at < least)
            throw new TficFormatException(
                $"PNM: the file is truncated: {least} bytes of samples expected, {bytes.Length - at} found", at);

        var picture = new Picture(width, height, channels);
        byte[] target = picture.Samples;
        ReadOnlySpan<byte> raster = bytes[at..];
        switch (kind)
        {
            case 1:
                for (int i = 0; i < target.Length; i++)
                    target[i] = ReadBit(bytes, ref at) ? (byte)0 : (byte)255;
                break;
            case 2 or 3:
                for (int i = 0; i < target.Length; i++)
                {
                    int value = ReadNumber(bytes, ref at, "a sample");
                    target[i] = Scale(value, largest, at);
                }

                break;
            case 4:
                int stride = (width + 7) / 8;
                for (int y = 0; y < height; y++)
                {
                    for (int x = 0; x < width; x++)
                    {
                        bool black = ((raster[y * stride + (x >> 3)] >> (~x & 7)) & 1) == 1;
                        target[y * width + x] = black ? (byte)0 : (byte)255;
                    }
                }

                break;
            default:
                if (largest == 255)
                    raster[..target.Length].CopyTo(target);
                else if (largest < 255)
                {
                    for (int i = 0; i < target.Length; i++)
                        target[i] = Scale(raster[i], largest, at + i);
                }
                else
                {
                    for (int i = 0; i < target.Length; i++)
                        target[i] = Scale(
                            BinaryPrimitives.ReadUInt16BigEndian(raster.Slice((int)(2L * i), 2)), largest, at + 2L * i);
                }

                break;
        }

        return picture;
    }

    private static byte Scale(int value, int largest, long at)
    {
        if (value > largest)
            throw new TficFormatException($"PNM: a sample is {value}, above the largest, {largest}", at);
        return (byte)((value * 255 + largest / 2) / largest);
    }

    private static bool ReadBit(ReadOnlySpan<byte> bytes, ref int at)
    {
        SkipSpace(bytes, ref at);
        if (at == bytes.Length)
            throw new TficFormatException("PNM: the file is truncated: samples are missing", at);
        // Digits of a text bitmap need no space between them.
        return bytes[at++] switch
        {
            (byte)'0' => false,
            (byte)'1' => true,
            _ => throw new TficFormatException("PNM: a sample of a bitmap is neither 0 nor 1", at - 1),
        };
    }

    private static int ReadNumber(ReadOnlySpan<byte> bytes, ref int at, string what)
    {
        int before = at;
        SkipSpace(bytes, ref at);
        int start = at;
        if (at == bytes.Length)
            throw new TficFormatException($"PNM: the file is truncated: {what} is missing", at);
        if (before == at)
            throw new TficFormatException($"PNM: white space is missing before {what}", at);
        long value = 0;
        while (at < bytes.Length && bytes[at] is >= (byte)'0' and <= (byte)'9')
        {
            value = value * 10 + (bytes[at++] - '0');
            if (value > int.MaxValue)
                throw new TficFormatException($"PNM: {what} is too large", start);
        }

        if (at == start)
            throw new TficFormatException($"PNM: {what} is not a number", start);
        return (int)value;
    }

    private static void SkipSpace(ReadOnlySpan<byte> bytes, ref int at)
    {
        while (at < bytes.Length && (IsSpace(bytes[at]) || bytes[at] == '#'))
        {
            if (bytes[at++] != '#')
                continue;
            while (at < bytes.Length && bytes[at] is not ((byte)'\n' or (byte)'\r'))
                at++;
        }
    }

    private static bool IsSpace(byte value) => value is (byte)' ' or (>= 9 and <= 13);
}
