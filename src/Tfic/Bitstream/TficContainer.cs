using System.Buffers.Binary;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Bitstream;

/// <summary>What a layer is for.</summary>
public enum LayerKind : byte
{
    /// <summary>The picture with its text legible.</summary>
    Text = 1,

    /// <summary>Another, independent coding of the same picture, for the eye.</summary>
    Base = 2,
}

/// <summary>A coded layer of a file.</summary>
/// <param name="Kind">What it is for.</param>
/// <param name="Model">
/// The model it was coded with. Of the short form's only the upper half is known until the checksum has been compared:
/// the lower half is 0.
/// </param>
/// <param name="Quality">Quality byte, 0…224: quality = 1 + byte / 32.</param>
/// <param name="Mode">How symbols were turned into bytes; perhaps in a way that this version does not know.</param>
/// <param name="Payload">The coded symbols.</param>
/// <param name="Offset">Where <paramref name="Payload"/> begins in the file that it was read from, else 0.</param>
public sealed record TficLayer(
    LayerKind Kind, ModelId Model, byte Quality, CodingMode Mode, ReadOnlyMemory<byte> Payload, long Offset = 0);

/// <summary>
/// A .tfic file taken apart: everything but the coded symbols themselves. The format: FORMAT.md beside this.
/// </summary>
public sealed class TficContainer
{
    /// <summary>First byte of every file.</summary>
    public const byte Magic = 0xF4;

    /// <summary>Largest width and height.</summary>
    public const int MaxSide = 1 << 20;

    /// <summary>Largest width and height in the short form, but for strips (see FORMAT.md, 1.1).</summary>
    public const int MaxShortSide = 1 << 12;

    /// <summary>The short form is for files of fewer bytes than this.</summary>
    public const int ShortFormBelow = 256;

    /// <summary>Most sections of a file.</summary>
    public const int MaxSections = 16;

    private const int Version = 1;
    private const int LongBit = 1;
    private const int GreyBit = 2;
    private const int SaltBits = 0x0C;
    private const int WideBit = 0x80;
    private const int WideShortSide = 1 << 9;
    private const int WideLongSide = MaxShortSide + (1 << 14);
    private const int WideTallBit = 1 << 23;
    private const int ShortHeaderBytes = 8;
    private const int ShortOverhead = ShortHeaderBytes + 2;
    private const int LayerHeaderBytes = 6;
    private const int MaxSectionOverhead = 1 + 5 + LayerHeaderBytes + 4;
    private const int FirstSkippedKind = 8;
    private const int MoreBit = 0x10;
    private const string Remedy = "The file is damaged or is no .tfic file; get it again.";

    private readonly ushort? _shortCheck;

    private TficContainer(
        int width, int height, bool isGrey, IReadOnlyList<TficLayer> layers, long bytes, ushort? shortCheck)
    {
        Width = width;
        Height = height;
        IsGrey = isGrey;
        Layers = layers;
        Bytes = bytes;
        _shortCheck = shortCheck;
    }

    /// <summary>Width of the picture in pixels.</summary>
    public int Width { get; }

    /// <summary>Height of the picture in pixels.</summary>
    public int Height { get; }

    /// <summary>Whether the picture was grey, and is to be so again.</summary>
    public bool IsGrey { get; }

    /// <summary>The layers, in the order of the file; at least one.</summary>
    public IReadOnlyList<TficLayer> Layers { get; }

    /// <summary>Length of the file.</summary>
    public long Bytes { get; }

    /// <summary>Whether the file has the short form.</summary>
    public bool IsShort => _shortCheck is not null;

    /// <summary>
    /// Bytes that are not coded symbols: header, sizes, model ids, checksums, sections that were skipped.
    /// </summary>
    public long OverheadBytes => Bytes - Layers.Sum(layer => (long)layer.Payload.Length);

    /// <summary>Bits of the file for each pixel of the picture.</summary>
    public double BitsPerPixel => Bytes * 8.0 / ((double)Width * Height);

    /// <summary>Whether some bytes look like the beginning of a .tfic file.</summary>
    public static bool IsTfic(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 2 && bytes[0] == Magic && VersionOf(bytes[1]) == Version;

    /// <summary>Takes a whole file apart.</summary>
    /// <param name="file">The file; payloads refer to it.</param>
    /// <param name="limits">What to accept; null for the defaults.</param>
    /// <exception cref="TficFormatException">Anything that FORMAT.md says a reader must reject.</exception>
    public static TficContainer Read(ReadOnlyMemory<byte> file, TficLimits? limits = null)
    {
        limits ??= TficLimits.Default;
        return Read(new ContainerSource(file, limits.MaxBytes), limits);
    }

    /// <summary>Takes a file apart that comes from a stream, which need not be seekable.</summary>
    /// <param name="stream">
    /// The stream. A file of the long form is read to its own end and no further, one of the short form, which has no
    /// end of its own, to the stream's end; a bad one as far as its first fault.
    /// </param>
    /// <param name="limits">What to accept; null for the defaults.</param>
    /// <exception cref="TficFormatException">Anything that FORMAT.md says a reader must reject.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static TficContainer Read(Stream stream, TficLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        limits ??= TficLimits.Default;
        return Read(new ContainerSource(stream, limits.MaxBytes), limits);
    }

    /// <summary>A layer of this file.</summary>
    /// <param name="kind">Which; null for the text layer, or if there is none for the base layer.</param>
    /// <exception cref="TficFormatException">The file has no such layer.</exception>
    public TficLayer GetLayer(LayerKind? kind = null) =>
        Layers.Where(layer => kind is null || layer.Kind == kind).MinBy(layer => layer.Kind)
        ?? throw new TficFormatException(
            $"The file has no {NameOf(kind!.Value)} layer, only a {NameOf(Layers[0].Kind)} layer.", 0);

    /// <summary>Whether the id in a layer is that of a model, as far as the layer tells.</summary>
    /// <param name="layer">A layer of this file.</param>
    /// <param name="model">A model.</param>
    public bool MayBe(TficLayer layer, ModelId model)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return IsShort ? layer.Model.Value >> 16 == model.Value >> 16 : layer.Model == model;
    }

    /// <summary>
    /// Whether a layer is whole, given its model. (Layers of the long form have been compared with their checksum when
    /// the file was taken apart; the short form's checksum contains the model's id.)
    /// </summary>
    /// <param name="layer">A layer of this file.</param>
    /// <param name="model">The model it was coded with, as far as <see cref="MayBe"/> can tell.</param>
    public bool IsWhole(TficLayer layer, ModelId model) =>
        MayBe(layer, model) && (_shortCheck is not { } check || check == (ushort)model.Value);

    /// <summary>What to throw where <see cref="IsWhole"/> is false.</summary>
    internal TficFormatException Damaged(ModelId model, string name) => new(
        $"The checksum is wrong: the file is damaged, or was made with a model other than {name} ({model}). " +
        "Get it again.",
        Bytes - 2);

    /// <summary>What to throw where <see cref="MayBe"/> is false for every model.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="loaded">The models at hand.</param>
    /// <param name="known">Other models whose names are known.</param>
    internal TficFormatException OtherModel(
        TficLayer layer, IEnumerable<(ModelId Id, string Name)> loaded, IEnumerable<(ModelId Id, string Name)> known)
    {
        string wanted = IsShort ? $"{layer.Model.ToString()[..4]}…" : layer.Model.ToString();
        foreach ((ModelId id, string name) in known)
        {
            if (!IsWhole(layer, id))
                continue;
            wanted = $"{name} ({id})";
            break;
        }

        return new TficFormatException(
            $"The file's {NameOf(layer.Kind)} layer was made with model {wanted}, which is not loaded. Loaded: " +
            $"{string.Join(", ", loaded.Select(model => $"{model.Name} ({model.Id})"))}.",
            IsShort ? ShortHeaderBytes - 2 : layer.Offset - LayerHeaderBytes);
    }

    /// <summary>What messages call a kind of layer.</summary>
    internal static string NameOf(LayerKind kind) => kind == LayerKind.Text ? "text" : "base";

    /// <summary>Makes a file: in the short form where that is possible, else in the long one.</summary>
    /// <param name="width">Width of the picture, 1…<see cref="MaxSide"/>.</param>
    /// <param name="height">Height of the picture.</param>
    /// <param name="isGrey">Whether the picture is grey.</param>
    /// <param name="layers">Its codings, one of a kind; those of another file too.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size or quality out of range.</exception>
    /// <exception cref="ArgumentException">No layer, or two of a kind.</exception>
    public static byte[] Write(int width, int height, bool isGrey, params ReadOnlySpan<TficLayer> layers)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, MaxSide);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(height, MaxSide);
        if (layers.Length is < 1 or > 2 || (layers.Length == 2 && layers[0].Kind == layers[1].Kind))
            throw new ArgumentException("A file has a text layer, a base layer or both.", nameof(layers));
        foreach (TficLayer layer in layers)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(layer.Quality, (byte)IntegerPrior.MaxQualityByte);
            if (layer.Kind is not (LayerKind.Text or LayerKind.Base))
                throw new ArgumentOutOfRangeException(nameof(layers), layer.Kind, "No such kind of layer.");
        }

        if (layers is [{ Kind: LayerKind.Text, Mode: CodingMode.Range } only] &&
            TryPackSizes(width, height, out int sizes, out bool isWide))
        {
            // A truncated file passes a checksum of 16 bits by chance, one prefix in 65,536. Two bits of the header
            // mean nothing and change the checksums of all prefixes: with the first value that serves, none passes.
            for (int salt = 0; salt < 4 && only.Payload.Length + ShortOverhead < ShortFormBelow; salt++)
            {
                int flags = (salt << 2) | (isGrey ? GreyBit : 0) | (isWide ? WideBit : 0);
                byte[] file = WriteShort(flags, sizes, only);
                if (!HasValidPrefix(file, only.Model))
                    return file;
            }
        }

        return WriteLong(width, height, isGrey, layers);
    }

    /// <summary>Makes a file with one layer for text.</summary>
    /// <param name="width">Width of the picture, 1…<see cref="MaxSide"/>.</param>
    /// <param name="height">Height of the picture.</param>
    /// <param name="isGrey">Whether the picture is grey.</param>
    /// <param name="model">The model it was coded with.</param>
    /// <param name="quality">Quality byte.</param>
    /// <param name="mode">How symbols were coded.</param>
    /// <param name="payload">The coded symbols.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size or quality out of range.</exception>
    public static byte[] Write(
        int width, int height, bool isGrey, ModelId model, byte quality, CodingMode mode, ReadOnlySpan<byte> payload) =>
        Write(width, height, isGrey, new TficLayer(LayerKind.Text, model, quality, mode, payload.ToArray()));

    /// <summary>
    /// The sizes in 24 bits: both up to 4096, or wide: the longer side, 4097…20480, and the other, up to 512.
    /// </summary>
    private static bool TryPackSizes(int width, int height, out int sizes, out bool isWide)
    {
        (int longer, int shorter) = (Math.Max(width, height), Math.Min(width, height));
        isWide = longer > MaxShortSide;
        sizes = isWide
            ? (shorter - 1) | ((longer - MaxShortSide - 1) << 9) | (height > width ? WideTallBit : 0)
            : (width - 1) | ((height - 1) << 12);
        return !isWide || (longer <= WideLongSide && shorter <= WideShortSide);
    }

    private static (int Width, int Height) UnpackSizes(int sizes, bool isWide)
    {
        if (!isWide)
            return ((sizes & 0xFFF) + 1, (sizes >> 12) + 1);
        int shorter = (sizes & 0x1FF) + 1;
        int longer = ((sizes >> 9) & 0x3FFF) + MaxShortSide + 1;
        return (sizes & WideTallBit) == 0 ? (longer, shorter) : (shorter, longer);
    }

    private static byte[] WriteShort(int flags, int sizes, TficLayer layer)
    {
        var file = new byte[ShortOverhead + layer.Payload.Length];
        file[0] = Magic;
        file[1] = (byte)((Version << 4) | flags);
        file[2] = layer.Quality;
        file[3] = (byte)sizes;
        file[4] = (byte)(sizes >> 8);
        file[5] = (byte)(sizes >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(6), (ushort)(layer.Model.Value >> 16));
        layer.Payload.Span.CopyTo(file.AsSpan(ShortHeaderBytes));
        BinaryPrimitives.WriteUInt16BigEndian(
            file.AsSpan(file.Length - 2), (ushort)(Checksum.Crc16(file.AsSpan(..^2)) ^ layer.Model.Value));
        return file;
    }

    private static bool HasValidPrefix(ReadOnlySpan<byte> file, ModelId model)
    {
        ushort crc = Checksum.Crc16(file[..ShortHeaderBytes]);
        for (int end = ShortHeaderBytes; end < file.Length - 2; end++)
        {
            if (BinaryPrimitives.ReadUInt16BigEndian(file[end..]) == (ushort)(crc ^ model.Value))
                return true;
            crc = Checksum.Crc16(crc, file[end]);
        }

        return false;
    }

    private static byte[] WriteLong(int width, int height, bool isGrey, ReadOnlySpan<TficLayer> layers)
    {
        Span<byte> head = stackalloc byte[16];
        head[0] = Magic;
        head[1] = (byte)((Version << 4) | LongBit | (isGrey ? GreyBit : 0));
        int length = 2;
        length += WriteVarint(head[length..], width - 1);
        length += WriteVarint(head[length..], height - 1);
        head = head[..length];
        uint headerCrc = Checksum.Crc32(head);

        long total = length;
        foreach (TficLayer layer in layers)
            total += MaxSectionOverhead + layer.Payload.Length;
        byte[] file = new byte[checked((int)total)];
        head.CopyTo(file);
        for (int i = 0; i < layers.Length; i++)
        {
            TficLayer layer = layers[i];
            int start = length;
            file[length++] = (byte)((int)layer.Kind | (i < layers.Length - 1 ? MoreBit : 0));
            length += WriteVarint(file.AsSpan(length), LayerHeaderBytes + layer.Payload.Length);
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(length), layer.Model.Value);
            file[length + 4] = layer.Quality;
            file[length + 5] = (byte)layer.Mode;
            length += LayerHeaderBytes;
            layer.Payload.Span.CopyTo(file.AsSpan(length));
            length += layer.Payload.Length;
            BinaryPrimitives.WriteUInt32BigEndian(
                file.AsSpan(length), Checksum.Crc32(file.AsSpan(start..length), headerCrc));
            length += 4;
        }

        return file[..length];
    }

    private static TficContainer Read(ContainerSource source, TficLimits limits)
    {
        if (!source.Has(2))
        {
            int count = source.Bytes.Length;
            throw new TficFormatException(
                count == 0 ? $"The file is empty (0 bytes). {Remedy}" : $"Only {count} bytes. {Remedy}", count);
        }

        ReadOnlySpan<byte> bytes = source.Bytes.Span;
        if (bytes[0] != Magic)
            throw new TficFormatException($"The first byte is not that of a .tfic file. {Remedy}", 0);
        int flags = bytes[1];
        if (VersionOf(bytes[1]) != Version)
        {
            throw new TficFormatException(
                $"The file has version {VersionOf(bytes[1])} of the format; this program knows version {Version}.", 1);
        }

        if ((flags & LongBit) == 0)
            return ReadShort(source, flags, limits);
        return (flags & (SaltBits | WideBit)) == 0
            ? ReadLong(source, flags, limits)
            : throw new TficFormatException($"Reserved flags are set. {Remedy}", 1);
    }

    private static int VersionOf(byte flags) => (flags >> 4) & 7;

    private static TficContainer ReadShort(ContainerSource source, int flags, TficLimits limits)
    {
        int width = 0;
        int height = 0;
        if (source.Has(ShortHeaderBytes))
        {
            ReadOnlySpan<byte> header = source.Bytes.Span;
            int sizes = header[3] | (header[4] << 8) | (header[5] << 16);
            (width, height) = UnpackSizes(sizes, (flags & WideBit) != 0);
            CheckSizes(width, height, limits, 3);
            CheckQuality(header[2], 2);
        }

        bool ends = source.EndsWithin(Math.Min(ShortFormBelow - 1, limits.MaxBytes));
        if (!ends && limits.MaxBytes < ShortFormBelow - 1)
            throw source.TooLong();
        ReadOnlyMemory<byte> file = source.Bytes;
        ReadOnlySpan<byte> bytes = file.Span;
        if (!ends || bytes.Length < ShortOverhead)
        {
            throw new TficFormatException(
                $"{(ends ? $"{bytes.Length}" : $"More than {ShortFormBelow - 1}")} bytes, where the short form has " +
                $"{ShortOverhead} to {ShortFormBelow - 1}. {Remedy}",
                Math.Min(bytes.Length, ShortFormBelow - 1));
        }

        // The stored check is the checksum with the lower half of the model's id laid over it.
        int check = BinaryPrimitives.ReadUInt16BigEndian(bytes[^2..]) ^ Checksum.Crc16(bytes[..^2]);
        var model = new ModelId((uint)BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) << 16);
        var layer = new TficLayer(
            LayerKind.Text, model, bytes[2], CodingMode.Range, file[ShortHeaderBytes..^2], ShortHeaderBytes);
        return new TficContainer(width, height, (flags & GreyBit) != 0, [layer], bytes.Length, (ushort)check);
    }

    private static TficContainer ReadLong(ContainerSource source, int flags, TficLimits limits)
    {
        int position = 2;
        int width = ReadSide(source, ref position);
        int height = ReadSide(source, ref position);
        CheckSizes(width, height, limits, 2);
        uint headerCrc = Checksum.Crc32(source.Bytes.Span[..position]);

        var layers = new List<TficLayer>();
        int sections = 0;
        bool more;
        do
        {
            int start = position;
            if (++sections > MaxSections)
                throw new TficFormatException($"More than {MaxSections} sections. {Remedy}", start);
            if (sections > limits.MaxLayers)
            {
                throw new TficFormatException(
                    $"The file has more than the {limits.MaxLayers} layers allowed. " +
                    "If it can be trusted, raise the limit.",
                    start);
            }

            int kind = ReadTag(source, ref position, out more);
            if (layers.Exists(layer => layer.Kind == (LayerKind)kind))
                throw new TficFormatException($"Two layers of kind {kind}. {Remedy}", start);
            int length = ReadVarint(source, ref position);
            bool isLayer = kind < FirstSkippedKind;
            if (isLayer && length < LayerHeaderBytes)
                throw new TficFormatException($"A layer of {length} bytes lacks its header. {Remedy}", position);
            int body = position;
            if (isLayer && source.Has((long)body + LayerHeaderBytes))
                CheckQuality(source.Bytes.Span[body + 4], body + 4);
            if (!source.Has((long)body + length + 4))
            {
                throw new TficFormatException(
                    $"A section of {length} bytes is cut off. {Remedy}", source.Bytes.Length);
            }

            position = body + length;
            ReadOnlySpan<byte> bytes = source.Bytes.Span;
            uint crc = Checksum.Crc32(bytes[start..position], headerCrc);
            if (crc != BinaryPrimitives.ReadUInt32BigEndian(bytes[position..]))
                throw new TficFormatException("The checksum is wrong: the file is damaged. Get it again.", position);
            position += 4;
            if (!isLayer)
                continue;

            // An unknown coding mode matters only to who decodes this layer: another may well be decoded.
            layers.Add(new TficLayer(
                (LayerKind)kind,
                new ModelId(BinaryPrimitives.ReadUInt32BigEndian(bytes[body..])),
                bytes[body + 4],
                (CodingMode)bytes[body + 5],
                source.Bytes.Slice(body + LayerHeaderBytes, length - LayerHeaderBytes),
                body + LayerHeaderBytes));
        }
        while (more);

        if (layers.Count == 0)
            throw new TficFormatException($"The file has no layer. {Remedy}", position);
        if (source.IsWhole && position != source.Bytes.Length)
        {
            throw new TficFormatException(
                $"{source.Bytes.Length - position} bytes follow the end. {Remedy}", position);
        }

        return new TficContainer(width, height, (flags & GreyBit) != 0, layers, position, null);
    }

    private static int ReadTag(ContainerSource source, ref int position, out bool more)
    {
        if (!source.Has(position + 1L))
            throw new TficFormatException($"The file ends where a section should begin. {Remedy}", position);
        int tag = source.Bytes.Span[position];
        int kind = tag & 0x0F;
        if (tag >= 2 * MoreBit || kind is 0 or (> (int)LayerKind.Base and < FirstSkippedKind))
        {
            throw new TficFormatException(
                $"A section of the unknown kind 0x{tag:x2}, which may not be skipped; a newer program may read it.",
                position);
        }

        more = (tag & MoreBit) != 0;
        position++;
        return kind;
    }

    private static int ReadSide(ContainerSource source, ref int position)
    {
        int start = position;
        int side = ReadVarint(source, ref position);
        return side < MaxSide
            ? side + 1
            : throw new TficFormatException($"A width or height beyond {MaxSide}. {Remedy}", start);
    }

    private static int ReadVarint(ContainerSource source, ref int position)
    {
        int start = position;
        long value = 0;
        for (int shift = 0; shift < 35; shift += 7)
        {
            if (!source.Has(position + 1L))
                throw new TficFormatException($"The file ends within a number. {Remedy}", position);
            byte b = source.Bytes.Span[position++];
            value |= (long)(b & 0x7F) << shift;
            if (b >= 0x80)
                continue;
            if (value > int.MaxValue || (b == 0 && shift > 0))
                break;
            return (int)value;
        }

        throw new TficFormatException($"A number is too large or not in its shortest form. {Remedy}", start);
    }

    private static int WriteVarint(Span<byte> to, int value)
    {
        int length = 0;
        for (; value >= 0x80; value >>= 7)
            to[length++] = (byte)(value | 0x80);
        to[length++] = (byte)value;
        return length;
    }

    private static void CheckSizes(int width, int height, TficLimits limits, int offset)
    {
        if ((long)width * height > limits.MaxPixels)
        {
            throw new TficFormatException(
                $"{width} × {height} pixels are more than the {limits.MaxPixels} allowed. " +
                "If the file can be trusted, raise the limit.",
                offset);
        }
    }

    private static void CheckQuality(byte quality, int offset)
    {
        if (quality > IntegerPrior.MaxQualityByte)
        {
            throw new TficFormatException(
                $"Quality byte {quality} is beyond {IntegerPrior.MaxQualityByte}. {Remedy}", offset);
        }
    }
}
