using System.Buffers.Binary;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Bitstream;

/// <summary>What a layer holds.</summary>
public enum LayerKind : byte
{
    /// <summary>The picture with its text legible; every file of this version has it.</summary>
    Text = 1,

    /// <summary>A second, independent coding of the picture for the eye.</summary>
    Base = 2,
}

/// <summary>A coded layer of a file.</summary>
/// <param name="Kind">What it is for.</param>
/// <param name="Model">
/// The model it was coded with. Of the short form's only the upper half is known until the checksum has been compared:
/// the lower half is 0.
/// </param>
/// <param name="Quality">Quality byte: quality = 1 + byte / 32.</param>
/// <param name="Mode">How symbols were turned into bytes.</param>
/// <param name="Payload">The coded symbols.</param>
/// <param name="Offset">Where <paramref name="Payload"/> begins in the file.</param>
public sealed record TficLayer(
    LayerKind Kind, ModelId Model, byte Quality, CodingMode Mode, ReadOnlyMemory<byte> Payload, long Offset);

/// <summary>
/// A .tfic file taken apart: everything but the coded symbols themselves. The format: FORMAT.md beside this.
/// </summary>
public sealed class TficContainer
{
    /// <summary>First byte of every file.</summary>
    public const byte Magic = 0xF4;

    /// <summary>Largest width and height.</summary>
    public const int MaxSide = 1 << 20;

    /// <summary>Largest width and height in the short form.</summary>
    public const int MaxShortSide = 1 << 12;

    /// <summary>The short form is for files of fewer bytes than this.</summary>
    public const int ShortFormBelow = 256;

    /// <summary>Most sections of a file.</summary>
    public const int MaxSections = 16;

    private const int Version = 1;
    private const int LongBit = 1;
    private const int GreyBit = 2;
    private const int SaltBits = 0x0C;
    private const int ShortHeaderBytes = 8;
    private const int ShortOverhead = ShortHeaderBytes + 2;
    private const int LayerHeaderBytes = 6;
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
        bytes.Length >= 2 && bytes[0] == Magic && bytes[1] >> 4 == Version;

    /// <summary>Takes a whole file apart.</summary>
    /// <param name="file">The file; payloads refer to it.</param>
    /// <param name="limits">What to accept; null for the defaults.</param>
    /// <exception cref="TficFormatException">Anything that FORMAT.md says a reader must reject.</exception>
    public static TficContainer Read(ReadOnlyMemory<byte> file, TficLimits? limits = null)
    {
        limits ??= TficLimits.Default;
        if (file.Length > limits.MaxBytes)
            throw TooLong(limits);
        ReadOnlySpan<byte> bytes = file.Span;
        int flags = CheckFlags(bytes);
        return (flags & LongBit) != 0 ? ReadLong(file, flags, limits) : ReadShort(file, flags, limits);
    }

    /// <summary>Reads a file from a stream that need not be seekable.</summary>
    /// <param name="stream">The stream. A file of the long form is read to its own end and no further, one of the
    /// short form to the stream's end.</param>
    /// <param name="limits">What to accept; null for the defaults.</param>
    /// <exception cref="TficFormatException">Anything that FORMAT.md says a reader must reject.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static TficContainer Read(Stream stream, TficLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return Read(ReadBytes(stream, limits ?? TficLimits.Default), limits);
    }

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
    internal TficFormatException OtherModel(TficLayer layer, IEnumerable<(ModelId Id, string Name)> models)
    {
        string wanted = IsShort ? $"{layer.Model.ToString()[..4]}…" : layer.Model.ToString();
        return new TficFormatException(
            $"The file was made with model {wanted}, which is not loaded. Loaded: " +
            $"{string.Join(", ", models.Select(model => $"{model.Name} ({model.Id})"))}.",
            IsShort ? ShortHeaderBytes - 2 : layer.Offset - LayerHeaderBytes);
    }

    /// <summary>Makes a file with one layer for text, in the short form where that is possible.</summary>
    /// <param name="width">Width of the picture, 1…<see cref="MaxSide"/>.</param>
    /// <param name="height">Height of the picture.</param>
    /// <param name="isGrey">Whether the picture is grey.</param>
    /// <param name="model">The model it was coded with.</param>
    /// <param name="quality">Quality byte.</param>
    /// <param name="mode">How symbols were coded.</param>
    /// <param name="payload">The coded symbols.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size or quality out of range.</exception>
    public static byte[] Write(
        int width, int height, bool isGrey, ModelId model, byte quality, CodingMode mode, ReadOnlySpan<byte> payload)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, MaxSide);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(height, MaxSide);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, (byte)IntegerPrior.MaxQualityByte);
        if (width <= MaxShortSide && height <= MaxShortSide && mode == CodingMode.Range)
        {
            // A truncated file passes a checksum of 16 bits by chance, one prefix in 65,536. Two bits of the header
            // mean nothing and change the checksums of all prefixes: with the first value that serves, none passes.
            for (int salt = 0; salt < 4 && payload.Length + ShortOverhead < ShortFormBelow; salt++)
            {
                byte[] file = WriteShort(width, height, isGrey, model, quality, payload, salt);
                if (!HasValidPrefix(file, model))
                    return file;
            }
        }

        return WriteLong(width, height, isGrey, model, quality, mode, payload);
    }

    private static byte[] WriteShort(
        int width, int height, bool isGrey, ModelId model, byte quality, ReadOnlySpan<byte> payload, int salt)
    {
        var file = new byte[ShortOverhead + payload.Length];
        int sizes = (width - 1) | ((height - 1) << 12);
        file[0] = Magic;
        file[1] = (byte)((Version << 4) | (salt << 2) | (isGrey ? GreyBit : 0));
        file[2] = quality;
        file[3] = (byte)sizes;
        file[4] = (byte)(sizes >> 8);
        file[5] = (byte)(sizes >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(6), (ushort)(model.Value >> 16));
        payload.CopyTo(file.AsSpan(ShortHeaderBytes));
        BinaryPrimitives.WriteUInt16BigEndian(
            file.AsSpan(file.Length - 2), (ushort)(Checksum.Crc16(file.AsSpan(..^2)) ^ model.Value));
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

    private static byte[] WriteLong(
        int width, int height, bool isGrey, ModelId model, byte quality, CodingMode mode, ReadOnlySpan<byte> payload)
    {
        Span<byte> head = stackalloc byte[32];
        head[0] = Magic;
        head[1] = (byte)((Version << 4) | LongBit | (isGrey ? GreyBit : 0));
        int length = 2;
        length += WriteVarint(head[length..], width - 1);
        length += WriteVarint(head[length..], height - 1);
        head[length++] = (byte)LayerKind.Text;
        length += WriteVarint(head[length..], checked(LayerHeaderBytes + payload.Length));
        BinaryPrimitives.WriteUInt32BigEndian(head[length..], model.Value);
        head[length + 4] = quality;
        head[length + 5] = (byte)mode;
        length += LayerHeaderBytes;

        var file = new byte[checked(length + payload.Length + 4)];
        head[..length].CopyTo(file);
        payload.CopyTo(file.AsSpan(length));
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(file.Length - 4), Checksum.Crc32(file.AsSpan(..^4)));
        return file;
    }

    private static int CheckFlags(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 2)
            throw new TficFormatException($"Only {bytes.Length} bytes. {Remedy}", bytes.Length);
        if (bytes[0] != Magic)
            throw new TficFormatException($"The first byte is not that of a .tfic file. {Remedy}", 0);
        if (bytes[1] >> 4 != Version)
        {
            throw new TficFormatException(
                $"The file has version {bytes[1] >> 4} of the format; this program knows version {Version}.", 1);
        }

        int flags = bytes[1] & 0x0F;
        return (flags & LongBit) == 0 || (flags & SaltBits) == 0
            ? flags
            : throw new TficFormatException($"Reserved flags are set. {Remedy}", 1);
    }

    private static TficContainer ReadShort(ReadOnlyMemory<byte> file, int flags, TficLimits limits)
    {
        ReadOnlySpan<byte> bytes = file.Span;
        if (bytes.Length is < ShortOverhead or >= ShortFormBelow)
        {
            throw new TficFormatException(
                $"{bytes.Length} bytes, where the short form has {ShortOverhead} to {ShortFormBelow - 1}. {Remedy}",
                bytes.Length);
        }

        int sizes = bytes[3] | (bytes[4] << 8) | (bytes[5] << 16);
        (int width, int height) = ((sizes & 0xFFF) + 1, (sizes >> 12) + 1);
        CheckSizes(width, height, limits, 3);
        CheckQuality(bytes[2], 2);
        var model = new ModelId((uint)BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) << 16);

        // The stored check is the checksum with the lower half of the model's id laid over it.
        int check = BinaryPrimitives.ReadUInt16BigEndian(bytes[^2..]) ^ Checksum.Crc16(bytes[..^2]);
        var layer = new TficLayer(
            LayerKind.Text, model, bytes[2], CodingMode.Range, file[ShortHeaderBytes..^2], ShortHeaderBytes);
        return new TficContainer(width, height, (flags & GreyBit) != 0, [layer], bytes.Length, (ushort)check);
    }

    private static TficContainer ReadLong(ReadOnlyMemory<byte> file, int flags, TficLimits limits)
    {
        ReadOnlySpan<byte> bytes = file.Span;
        int position = 2;
        int width = ReadSide(bytes, ref position);
        int height = ReadSide(bytes, ref position);
        CheckSizes(width, height, limits, 2);
        uint headerCrc = Checksum.Crc32(bytes[..position]);

        var layers = new List<TficLayer>();
        int sections = 0;
        bool more;
        do
        {
            int start = position;
            if (++sections > MaxSections)
                throw new TficFormatException($"More than {MaxSections} sections. {Remedy}", start);
            int kind = ReadTag(bytes, ref position, out more);
            int length = ReadVarint(bytes, ref position);
            if (length > bytes.Length - position - 4)
                throw new TficFormatException($"A section of {length} bytes is cut off. {Remedy}", bytes.Length);
            int body = position;
            position += length;
            uint crc = Checksum.Crc32(bytes[start..position], headerCrc);
            if (crc != BinaryPrimitives.ReadUInt32BigEndian(bytes[position..]))
                throw new TficFormatException("The checksum is wrong: the file is damaged. Get it again.", position);
            position += 4;
            if (kind >= 8)
                continue;

            if (length < LayerHeaderBytes)
                throw new TficFormatException($"A layer of {length} bytes lacks its header. {Remedy}", body);
            CheckQuality(bytes[body + 4], body + 4);
            var mode = (CodingMode)bytes[body + 5];
            if (mode is not (CodingMode.Range or CodingMode.Interleaved or CodingMode.Chunked))
            {
                throw new TficFormatException(
                    $"Coding mode {(int)mode} is unknown; a newer program may read it.", body + 5);
            }

            if (layers.Exists(layer => layer.Kind == (LayerKind)kind))
                throw new TficFormatException($"Two layers of kind {kind}. {Remedy}", start);
            layers.Add(new TficLayer(
                (LayerKind)kind,
                new ModelId(BinaryPrimitives.ReadUInt32BigEndian(bytes[body..])),
                bytes[body + 4],
                mode,
                file.Slice(body + LayerHeaderBytes, length - LayerHeaderBytes),
                body + LayerHeaderBytes));
        }
        while (more);

        if (layers.Count == 0)
            throw new TficFormatException($"The file has no layer. {Remedy}", position);
        if (position != bytes.Length)
            throw new TficFormatException($"{bytes.Length - position} bytes follow the end. {Remedy}", position);
        return new TficContainer(width, height, (flags & GreyBit) != 0, layers, bytes.Length, null);
    }

    /// <summary>Collects a file's bytes: no more than its own numbers and the limits allow, part by part.</summary>
    private static byte[] ReadBytes(Stream stream, TficLimits limits)
    {
        var bytes = new MemoryStream();
        var part = new byte[4096];

        // False at the end of the stream. A section's claimed length never makes a buffer larger than what came.
        bool Pull(long count)
        {
            if (bytes.Length + count > limits.MaxBytes)
                throw TooLong(limits);
            while (count > 0)
            {
                int read = stream.Read(part, 0, (int)Math.Min(count, part.Length));
                if (read == 0)
                    return false;
                bytes.Write(part, 0, read);
                count -= read;
            }

            return true;
        }

        // Parsing stops at the first fault, and what was read then fails in Read with its message.
        bool PullVarint(out int value)
        {
            value = 0;
            for (int shift = 0; shift < 35; shift += 7)
            {
                if (!Pull(1))
                    return false;
                byte b = bytes.GetBuffer()[bytes.Length - 1];
                value |= (b & 0x7F) << shift;
                if (b < 0x80)
                    return value >= 0;
            }

            return false;
        }

        if (!Pull(2) || !IsTfic(bytes.GetBuffer().AsSpan(0, 2)))
            return bytes.ToArray();
        if ((bytes.GetBuffer()[1] & LongBit) == 0)
        {
            for (int i = 2; i < ShortFormBelow && Pull(1); i++)
            {
            }

            return bytes.ToArray();
        }

        if (!PullVarint(out _) || !PullVarint(out _))
            return bytes.ToArray();
        for (int section = 0; section < MaxSections; section++)
        {
            if (!Pull(1))
                break;
            bool more = (bytes.GetBuffer()[bytes.Length - 1] & MoreBit) != 0;
            if (!PullVarint(out int length) || !Pull(length + 4L) || !more)
                break;
        }

        return bytes.ToArray();
    }

    private static int ReadTag(ReadOnlySpan<byte> bytes, ref int position, out bool more)
    {
        if (position >= bytes.Length)
            throw new TficFormatException($"The file ends where a section should begin. {Remedy}", position);
        int tag = bytes[position];
        int kind = tag & 0x0F;
        if (tag >= 2 * MoreBit || kind is 0 or (> (int)LayerKind.Base and < 8))
        {
            throw new TficFormatException(
                $"A section of the unknown kind 0x{tag:x2}, which may not be skipped; a newer program may read it.",
                position);
        }

        more = (tag & MoreBit) != 0;
        position++;
        return kind;
    }

    private static int ReadSide(ReadOnlySpan<byte> bytes, ref int position)
    {
        int start = position;
        int side = ReadVarint(bytes, ref position);
        return side < MaxSide
            ? side + 1
            : throw new TficFormatException($"A width or height beyond {MaxSide}. {Remedy}", start);
    }

    private static int ReadVarint(ReadOnlySpan<byte> bytes, ref int position)
    {
        int start = position;
        long value = 0;
        for (int shift = 0; shift < 35; shift += 7)
        {
            if (position >= bytes.Length)
                throw new TficFormatException($"The file ends within a number. {Remedy}", position);
            byte b = bytes[position++];
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
            throw new TficFormatException(
                $"Quality byte {quality} is beyond {IntegerPrior.MaxQualityByte}. {Remedy}", offset);
    }

    private static TficFormatException TooLong(TficLimits limits) => new(
        $"The file is longer than the {limits.MaxBytes} bytes allowed. If it can be trusted, raise the limit.");
}
