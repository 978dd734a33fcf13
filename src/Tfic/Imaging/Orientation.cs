using System.Buffers.Binary;

namespace Tfic.Imaging;

/// <summary>EXIF's orientation (tag 0x0112): how stored pixels are to be turned for viewing.</summary>
internal static class Orientation
{
    private const ushort Tag = 0x0112;
    private const ushort TypeShort = 3;

    /// <summary>Finds the orientation in an EXIF block, which is a TIFF file without a picture.</summary>
    /// <param name="exif">The block, from its byte-order mark on.</param>
    /// <returns>1…8; 1 (as stored) where the block says nothing or is damaged, for a picture is readable without
    /// its metadata.</returns>
    public static int Parse(ReadOnlySpan<byte> exif)
    {
        if (exif.Length < 8)
            return 1;
        bool little = exif[0] == 'I' && exif[1] == 'I';
        if (!little && !(exif[0] == 'M' && exif[1] == 'M'))
            return 1;
        if (U16(exif, 2, little) != 42)
            return 1;
        uint directory = U32(exif, 4, little);
        if (directory > (uint)exif.Length - 2)
            return 1;
        int count = U16(exif, (int)directory, little);
        long at = directory + 2L;
        for (int i = 0; i < count && at + 12 <= exif.Length; i++, at += 12)
        {
            int entry = (int)at;
            if (U16(exif, entry, little) != Tag)
                continue;
            int value = U16(exif, entry + 8, little);
            bool valid = U16(exif, entry + 2, little) == TypeShort && U32(exif, entry + 4, little) == 1;
            return valid && value is >= 1 and <= 8 ? value : 1;
        }

        return 1;
    }

    /// <summary>Turns stored pixels into viewed ones.</summary>
    /// <param name="stored">The picture as the file stores it.</param>
    /// <param name="orientation">1…8 as EXIF numbers them.</param>
    /// <returns>The same picture for 1; otherwise a new one, width and height exchanged for 5…8.</returns>
    public static Picture Apply(Picture stored, int orientation)
    {
        if (orientation == 1)
            return stored;

        // EXIF names, for each value, the side of the scene on which stored row 0 and stored column 0 lie. Viewed
        // pixel (x, y) therefore reads stored (x, y), each axis reversed or not and, for 5…8, the two exchanged.
        bool transposed = orientation >= 5;
        bool reversedX = orientation is 2 or 3 or 7 or 8;
        bool reversedY = orientation is 3 or 4 or 6 or 7;
        int width = transposed ? stored.Height : stored.Width;
        int height = transposed ? stored.Width : stored.Height;
        int channels = stored.Channels;
        int alongX = transposed ? stored.Width * channels : channels;
        int alongY = transposed ? channels : stored.Width * channels;
        int origin = 0;

        // reversedX and reversedY speak of the stored axes.
        if (reversedX)
        {
            origin += (stored.Width - 1) * channels;
            if (transposed)
                alongY = -alongY;
            else
                alongX = -alongX;
        }

        if (reversedY)
        {
            origin += (stored.Height - 1) * stored.Width * channels;
            if (transposed)
                alongX = -alongX;
            else
                alongY = -alongY;
        }

        var viewed = new Picture(width, height, channels);
        ReadOnlySpan<byte> source = stored.Samples;
        for (int y = 0; y < height; y++)
        {
            Span<byte> row = viewed.Row(y);
            int from = origin + y * alongY;
            if (channels == 1)
            {
                for (int x = 0; x < row.Length; x++, from += alongX)
                    row[x] = source[from];
            }
            else
            {
                for (int x = 0; x < row.Length; x += 3, from += alongX)
                    source.Slice(from, 3).CopyTo(row[x..]);
            }
        }

        return viewed;
    }

    private static ushort U16(ReadOnlySpan<byte> bytes, int at, bool little) => little
        ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..])
        : BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at, bool little) => little
        ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..])
        : BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
}
