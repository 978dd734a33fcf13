using System.Buffers.Binary;
using System.IO.Compression;
using System.Numerics;

namespace Tfic.Imaging;

/// <summary>Reads PNG files (ISO/IEC 15948): every colour type and bit depth, interlaced or not.</summary>
/// <remarks>
/// Transparency is laid over white and 16 bits are rounded to 8. Gamma and colour profiles are ignored, as viewers
/// of text do. An eXIf orientation is applied.
/// </remarks>
public static class PngReader
{
    internal const int SignatureLength = 8;

    private const uint Ihdr = 0x49484452, Plte = 0x504C5445, Idat = 0x49444154, Iend = 0x49454E44;
    private const uint Trns = 0x74524E53, Exif = 0x65584966;

    // Deflate cannot expand by more: a symbol of at least one bit for the length and one for the distance makes at
    // most 258 bytes.
    private const long LargestExpansion = 1032;

    private enum Colour
    {
        Grey = 0,
        Rgb = 2,
        Palette = 3,
        GreyAlpha = 4,
        Rgba = 6,
    }

    internal static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Reads a picture.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="limits">Limits; null for <see cref="PictureLimits.Default"/>.</param>
    /// <returns>Grey for the grey colour types, RGB for all others.</returns>
    /// <exception cref="TficFormatException">Not a PNG file, damaged, truncated, or over a limit.</exception>
    public static Picture Read(ReadOnlySpan<byte> bytes, PictureLimits? limits = null)
    {
        limits ??= PictureLimits.Default;
        Header header = ParseChunks(bytes, out int compressedLength);

        // Known before anything is allocated: the picture, the compressed data put together, and two rows.
        long stride = header.BytesIn(header.Width);
        long pixels = (long)header.Width * header.Height;
        int copies = header.Orientation == 1 ? 1 : 2;
        limits.Check(
            "PNG", header.Width, header.Height,
            (Int128)pixels * header.OutputChannels * copies + compressedLength + 2 * (Int128)stride + 3L * header.Width,
            SignatureLength + 8);
        long scanlineBytes = header.ScanlineBytes();
        if (scanlineBytes / LargestExpansion > compressedLength)
            throw new TficFormatException(
                $"PNG: {compressedLength} bytes of compressed data cannot hold {header.Width} × {header.Height} " +
                "pixels; the file is truncated or forged", header.FirstData);
        if (stride > Array.MaxLength - 16)
            throw new TficFormatException("PNG: a row of pixels is too long", SignatureLength + 8);

        var compressed = new byte[compressedLength];
        GatherData(bytes, header.FirstData, compressed);
        var picture = new Picture(header.Width, header.Height, header.OutputChannels);
        using (var inflated = new ZLibStream(new MemoryStream(compressed), CompressionMode.Decompress))
            Decode(header, inflated, picture);
        return Orientation.Apply(picture, header.Orientation);
    }

    private static Header ParseChunks(ReadOnlySpan<byte> bytes, out int compressedLength)
    {
        if (!bytes.StartsWith(Signature))
            throw new TficFormatException("PNG: the signature is missing", 0);
        Header? header = null;
        compressedLength = 0;
        uint previous = 0;
        int at = SignatureLength;
        while (true)
        {
            if (bytes.Length - at < 12)
                throw new TficFormatException("PNG: the file is truncated: it ends before the IEND chunk", at);
            uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
            uint type = BinaryPrimitives.ReadUInt32BigEndian(bytes[(at + 4)..]);
            if (length > (uint)(bytes.Length - at - 12))
                throw new TficFormatException(
                    $"PNG: the file is truncated: chunk {Name(type)} of {length} bytes goes past the end", at);
            ReadOnlySpan<byte> data = bytes.Slice(at + 8, (int)length);
            uint stored = BinaryPrimitives.ReadUInt32BigEndian(bytes[(at + 8 + (int)length)..]);
            if (Crc32.Append(0, bytes.Slice(at + 4, 4 + (int)length)) != stored)
                throw new TficFormatException(
                    $"PNG: the checksum of chunk {Name(type)} is wrong; the file is damaged", at);

            if (header is null)
            {
                if (type != Ihdr)
                    throw new TficFormatException($"PNG: the first chunk is {Name(type)}, not IHDR", at);
                header = ParseHeader(data, at + 8);
            }
            else
            {
                switch (type)
                {
                    case Ihdr:
                        throw new TficFormatException("PNG: a second IHDR chunk", at);
                    case Plte when header.FirstData != 0:
                        throw new TficFormatException("PNG: the palette comes after the pixels", at);
                    case Plte:
                        ParsePalette(header, data, at);
                        break;
                    case Trns when header.FirstData != 0:
                        throw new TficFormatException("PNG: the tRNS chunk comes after the pixels", at);
                    case Trns:
                        ParseTransparency(header, data, at);
                        break;
                    case Idat:
                        if (header.FirstData == 0)
                            header.FirstData = at;
                        else if (previous != Idat)
                            throw new TficFormatException("PNG: the IDAT chunks are not consecutive", at);
                        compressedLength += (int)length;
                        break;
                    case Exif:
                        header.Orientation = Orientation.Parse(data);
                        break;
                    case Iend:
                        if (header.FirstData == 0)
                            throw new TficFormatException("PNG: there is no IDAT chunk", at);
                        if (header.Colour == Colour.Palette && header.PaletteSize == 0)
                            throw new TficFormatException("PNG: a palette picture without a PLTE chunk", at);
                        return header;
                    default:
                        // Bit 5 of a type's first letter says whether a reader may skip a chunk it does not know.
                        if ((type & 0x2000_0000) == 0)
                            throw new TficFormatException($"PNG: the required chunk {Name(type)} is unknown", at);
                        break;
                }
            }

            previous = type;
            at += 12 + (int)length;
        }
    }

    private static Header ParseHeader(ReadOnlySpan<byte> data, int at)
    {
        if (data.Length != 13)
            throw new TficFormatException($"PNG: IHDR has {data.Length} bytes, not 13", at);
        uint width = BinaryPrimitives.ReadUInt32BigEndian(data);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(data[4..]);
        if (width is 0 or > int.MaxValue || height is 0 or > int.MaxValue)
            throw new TficFormatException($"PNG: the size {width} × {height} is not valid", at);
        int depth = data[8];
        var colour = (Colour)data[9];
        bool valid = colour switch
        {
            Colour.Grey => depth is 1 or 2 or 4 or 8 or 16,
            Colour.Palette => depth is 1 or 2 or 4 or 8,
            Colour.Rgb or Colour.GreyAlpha or Colour.Rgba => depth is 8 or 16,
            _ => false,
        };
        if (!valid)
            throw new TficFormatException($"PNG: colour type {data[9]} with {depth} bits is not valid", at + 8);
        if (data[10] != 0 || data[11] != 0)
            throw new TficFormatException("PNG: unknown compression or filter method", at + 10);
        if (data[12] > 1)
            throw new TficFormatException($"PNG: unknown interlace method {data[12]}", at + 12);
        return new Header((int)width, (int)height, depth, colour, data[12] == 1);
    }

    private static void ParsePalette(Header header, ReadOnlySpan<byte> data, int at)
    {
        if (header.Colour is Colour.Grey or Colour.GreyAlpha)
            throw new TficFormatException("PNG: a grey picture with a palette", at);
        if (header.PaletteSize != 0)
            throw new TficFormatException("PNG: a second PLTE chunk", at);
        if (data.Length is 0 or > 768 || data.Length % 3 != 0)
            throw new TficFormatException($"PNG: a palette of {data.Length} bytes", at);
        if (header.Colour != Colour.Palette)
            return; // A suggestion for screens of few colours.
        header.PaletteSize = data.Length / 3;
        if (header.PaletteSize > 1 << header.Depth)
            throw new TficFormatException(
                $"PNG: a palette of {header.PaletteSize} colours for {header.Depth} bits a pixel", at);
        data.CopyTo(header.Palette);
    }

    private static void ParseTransparency(Header header, ReadOnlySpan<byte> data, int at)
    {
        switch (header.Colour)
        {
            case Colour.Palette:
                if (data.Length > header.PaletteSize)
                    throw new TficFormatException("PNG: tRNS has more entries than the palette before it", at);
                for (int i = 0; i < data.Length; i++)
                {
                    for (int c = 0; c < 3; c++)
                        header.Palette[i * 3 + c] = OverWhite(header.Palette[i * 3 + c], data[i]);
                }

                break;
            case Colour.Grey or Colour.Rgb:
                int samples = header.Colour == Colour.Grey ? 1 : 3;
                if (data.Length != 2 * samples)
                    throw new TficFormatException($"PNG: tRNS has {data.Length} bytes, not {2 * samples}", at);
                header.TransparentColour = new int[samples];
                for (int c = 0; c < samples; c++)
                    header.TransparentColour[c] = BinaryPrimitives.ReadUInt16BigEndian(data[(2 * c)..]);
                break;
            default:
                throw new TficFormatException("PNG: tRNS in a picture that has an alpha channel", at);
        }
    }

    private static void GatherData(ReadOnlySpan<byte> bytes, int at, Span<byte> compressed)
    {
        while (compressed.Length > 0)
        {
            int length = (int)BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
            bytes.Slice(at + 8, length).CopyTo(compressed);
            compressed = compressed[length..];
            at += 12 + length;
        }
    }

    private static void Decode(Header header, ZLibStream inflated, Picture picture)
    {
        int step = Math.Max(1, header.BitsPerPixel / 8);
        int longest = (int)header.BytesIn(header.Width);
        // Each row has `step` zero bytes before it: the pixel to the left of the first one, for the filters.
        byte[] current = new byte[step + longest], above = new byte[step + longest];
        if (!header.Interlaced)
        {
            for (int y = 0; y < header.Height; y++)
            {
                ReadRow(header, inflated, current, above, longest, step);
                Convert(header, current.AsSpan(step, longest), picture.Row(y), header.Width);
                (current, above) = (above, current);
            }
        }
        else
        {
            int channels = picture.Channels;
            byte[] converted = new byte[header.Width * channels];
            foreach ((int x0, int y0, int dx, int dy) in Header.Passes)
            {
                if (x0 >= header.Width || y0 >= header.Height)
                    continue;
                int width = (header.Width - x0 + dx - 1) / dx;
                int length = (int)header.BytesIn(width);
                Array.Clear(above);
                for (int y = y0; y < header.Height; y += dy)
                {
                    ReadRow(header, inflated, current, above, length, step);
                    Convert(header, current.AsSpan(step, length), converted, width);
                    Span<byte> row = picture.Row(y);
                    for (int x = 0; x < width; x++)
                        converted.AsSpan(x * channels, channels).CopyTo(row[((x0 + x * dx) * channels)..]);
                    (current, above) = (above, current);
                }
            }
        }

        // The zlib checksum is compared when the end of the stream is reached. Superfluous data loses nothing.
        Span<byte> rest = stackalloc byte[1];
        Inflate(header, inflated, rest, complete: false);
    }

    private static void ReadRow(
        Header header, ZLibStream inflated, byte[] current, byte[] above, int length, int step)
    {
        // The filter's number arrives in the byte before the row, which then becomes the zero it has to be.
        Span<byte> row = current.AsSpan(step, length);
        Inflate(header, inflated, current.AsSpan(step - 1, length + 1), complete: true);
        int filter = current[step - 1];
        current[step - 1] = 0;
        switch (filter)
        {
            case 0:
                break;
            case 1:
                for (int i = step; i < step + length; i++)
                    current[i] += current[i - step];
                break;
            case 2:
                Add(row, above.AsSpan(step, length));
                break;
            case 3:
                for (int i = step; i < step + length; i++)
                    current[i] += (byte)((current[i - step] + above[i]) >> 1);
                break;
            case 4:
                for (int i = step; i < step + length; i++)
                    current[i] += Paeth(current[i - step], above[i], above[i - step]);
                break;
            default:
                throw new TficFormatException($"PNG: unknown row filter {filter}", header.FirstData);
        }
    }

    private static void Add(Span<byte> row, ReadOnlySpan<byte> up)
    {
        int i = 0;
        for (; i <= row.Length - Vector<byte>.Count; i += Vector<byte>.Count)
            (new Vector<byte>(row[i..]) + new Vector<byte>(up[i..])).CopyTo(row[i..]);
        for (; i < row.Length; i++)
            row[i] += up[i];
    }

    /// <summary>The neighbour nearest to left + up − corner; ties in this order.</summary>
    internal static byte Paeth(int left, int up, int corner)
    {
        // Distances of the estimate left + up − corner to each neighbour.
        int toLeft = Math.Abs(up - corner);
        int toUp = Math.Abs(left - corner);
        int toCorner = Math.Abs(left + up - 2 * corner);
        return (byte)(toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner);
    }

    private static void Inflate(Header header, ZLibStream inflated, Span<byte> target, bool complete)
    {
        int read;
        try
        {
            read = inflated.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            // An IOException where the data want a preset dictionary, which PNG does not allow.
            throw new TficFormatException("PNG: the compressed pixels are damaged", header.FirstData, e);
        }

        if (complete && read < target.Length)
            throw new TficFormatException("PNG: the pixels end too early; the file is truncated", header.FirstData);
    }

    /// <summary>Turns one unfiltered row into 8-bit grey or RGB.</summary>
    private static void Convert(Header header, ReadOnlySpan<byte> row, Span<byte> target, int width)
    {
        switch (header.Colour, header.Depth)
        {
            case (Colour.Grey or Colour.Rgb, 8) when header.TransparentColour is null:
                row.CopyTo(target);
                return;
            case (Colour.GreyAlpha, 8):
                for (int x = 0; x < width; x++)
                    target[x] = OverWhite(row[2 * x], row[2 * x + 1]);
                return;
            case (Colour.Rgba, 8):
                for (int x = 0; x < width; x++)
                {
                    ReadOnlySpan<byte> pixel = row.Slice(4 * x, 4);
                    byte alpha = pixel[3];
                    target[3 * x + 2] = OverWhite(pixel[2], alpha);
                    target[3 * x + 1] = OverWhite(pixel[1], alpha);
                    target[3 * x] = OverWhite(pixel[0], alpha);
                }

                return;
            case (Colour.GreyAlpha or Colour.Rgba, 16):
                int colours = header.OutputChannels;
                for (int x = 0; x < width; x++)
                {
                    ReadOnlySpan<byte> pixel = row.Slice(x * (colours + 1) * 2, (colours + 1) * 2);
                    long alpha = BinaryPrimitives.ReadUInt16BigEndian(pixel[(2 * colours)..]);
                    for (int c = 0; c < colours; c++)
                    {
                        long value = BinaryPrimitives.ReadUInt16BigEndian(pixel[(2 * c)..]);
                        long over = (value * alpha + 65535 * (65535 - alpha) + 32767) / 65535;
                        target[x * colours + c] = To8((int)over);
                    }
                }

                return;
            case (Colour.Palette, _):
                int last = header.PaletteSize - 1;
                for (int x = 0; x < width; x++)
                {
                    int index = Sample(row, x, header.Depth);
                    if (index > last)
                        throw new TficFormatException(
                            $"PNG: a pixel has colour {index} of a palette of {last + 1}", header.FirstData);
                    header.Palette.AsSpan(3 * index, 3).CopyTo(target[(3 * x)..]);
                }

                return;
            default:
                int channels = header.OutputChannels;
                int largest = (1 << header.Depth) - 1;
                int[]? transparent = header.TransparentColour;
                for (int x = 0; x < width; x++)
                {
                    bool matches = transparent is not null;
                    for (int c = 0; c < channels; c++)
                    {
                        int value = Sample(row, x * channels + c, header.Depth);
                        matches = matches && value == transparent![c];
                        target[x * channels + c] = header.Depth == 16 ? To8(value) : (byte)(value * 255 / largest);
                    }

                    if (matches)
                        target.Slice(x * channels, channels).Fill(255);
                }

                return;
        }
    }

    private static int Sample(ReadOnlySpan<byte> row, int index, int depth) => depth switch
    {
        8 => row[index],
        16 => BinaryPrimitives.ReadUInt16BigEndian(row[(2 * index)..]),
        4 => (row[index >> 1] >> (4 * (~index & 1))) & 15,
        2 => (row[index >> 2] >> (2 * (~index & 3))) & 3,
        _ => (row[index >> 3] >> (~index & 7)) & 1,
    };

    private static byte To8(int value) => (byte)((value * 255 + 32767) / 65535);

    private static byte OverWhite(int value, int alpha) => (byte)((value * alpha + 255 * (255 - alpha) + 127) / 255);

    private static string Name(uint type)
    {
        Span<char> name = stackalloc char[4];
        for (int i = 0; i < 4; i++)
        {
            char letter = (char)(byte)(type >> (24 - 8 * i));
            name[i] = char.IsAsciiLetter(letter) ? letter : '?';
        }

        return new string(name);
    }

    private sealed class Header(int width, int height, int depth, Colour colour, bool interlaced)
    {
        /// <summary>Adam7: first column and row of each pass, and the distances between its columns and rows.</summary>
        public static readonly (int X0, int Y0, int Dx, int Dy)[] Passes =
        [
            (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
        ];

        public int Width => width;

        public int Height => height;

        public int Depth => depth;

        public Colour Colour => colour;

        public bool Interlaced => interlaced;

        public byte[] Palette { get; } = colour == Colour.Palette ? new byte[768] : [];

        public int PaletteSize { get; set; }

        public int[]? TransparentColour { get; set; }

        public int Orientation { get; set; } = 1;

        /// <summary>Offset of the first IDAT chunk; 0 while there is none.</summary>
        public int FirstData { get; set; }

        public int OutputChannels => colour is Colour.Grey or Colour.GreyAlpha ? 1 : 3;

        public int BitsPerPixel => depth * colour switch
        {
            Colour.GreyAlpha => 2,
            Colour.Rgb => 3,
            Colour.Rgba => 4,
            _ => 1,
        };

        public long BytesIn(int pixels) => ((long)pixels * BitsPerPixel + 7) / 8;

        /// <summary>Length of the uncompressed data: rows and their filter bytes.</summary>
        public long ScanlineBytes()
        {
            if (!interlaced)
                return (1 + BytesIn(width)) * height;
            long sum = 0;
            foreach ((int x0, int y0, int dx, int dy) in Passes)
            {
                if (x0 < width && y0 < height)
                    sum += (1 + BytesIn((width - x0 + dx - 1) / dx)) * ((height - y0 + dy - 1) / dy);
            }

            return sum;
        }
    }
}
