using System.Buffers.Binary;
using Tfic.Bitstream;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;
using Tfic.Tests;
using Tfic.Tests.Networks;

namespace Tfic.Fuzz.Targets;

/// <summary>
/// The container and the whole decoder behind it, given a file and given a stream; changes are made to fields and
/// sections, and the checksums made right again.
/// </summary>
internal sealed class TficTarget : Target
{
    private static readonly TficLimits s_limits = new() { MaxPixels = 1 << 14, MaxBytes = 1 << 14 };

    private readonly Lazy<(CodecModel[] Models, TficDecoder Decoder)> _decoder = new(() =>
    {
        CodecModel[] models = [RandomCodec.Model, RandomCodec.OtherModel];
        return (models, new TficDecoder(models, s_limits));
    });

    public override string Name => "tfic";

    public override int MaxLength => 1 << 14;

    // 2^14 pixels in one row or column are 2^20 with what they are padded to. For each of these the transforms need
    // 12 channels at full size at the widest, and as much again for their input.
    public override long MaxAllocation(int length) => (200L << 20) + length;

    public override IEnumerable<byte[]> Seeds()
    {
        var encoder = new TficEncoder(RandomCodec.Model);
        var other = new TficEncoder(RandomCodec.OtherModel);
        (int Width, int Height, int Channels)[] sizes =
            [(1, 1, 1), (20, 20, 3), (64, 16, 1), (70, 33, 3), (130, 70, 1), (200, 24, 3), (16, 300, 1)];
        for (int i = 0; i < sizes.Length; i++)
        {
            Picture picture = RandomModels.Picture(sizes[i].Width, sizes[i].Height, sizes[i].Channels, i);
            yield return encoder.Encode(picture, 1);
            yield return encoder.Encode(picture, 8);
            yield return (i % 2 == 0 ? encoder : other).Encode(picture, 1 + i);

            // The mode, and the other layer, that a file of this size would not have.
            var mode = (CodingMode)(i % Enum.GetValues<CodingMode>().Length);
            yield return new TficEncoder(RandomCodec.Model) { Mode = mode }.Encode(
                picture, 3, i % 2 == 0 ? null : new BaseLayer(other, 2));
        }
    }

    public override byte[] Mutate(byte[] input, byte[] other, FuzzRandom random)
    {
        if (random.OneIn(12) || input.Length < 12)
            return Mutations.Bytes(input, other, random, MaxLength);
        ModelId model = (random.OneIn(3) ? RandomCodec.OtherModel : RandomCodec.Model).Prior.Id;
        byte[] file = (input[1] & 1) == 0 ? MutateShort(input, random) : MutateLong(input, other, random);
        if (file.Length > MaxLength)
            return file[..MaxLength];
        if (file.Length >= 10 && (file[1] & 1) == 0 && !random.OneIn(16))
        {
            // A stream of whatever model keeps its checksum's lower half of the id, mostly that of the upper half.
            uint upper = BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(6));
            if (!random.OneIn(8))
                model = upper == RandomCodec.OtherModel.Prior.Id.Value >> 16 ? RandomCodec.OtherModel.Prior.Id : model;
            BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(6), (ushort)(model.Value >> 16));
            int check = Checksum.Crc16(file.AsSpan(..^2)) ^ (ushort)model.Value;
            BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(file.Length - 2), (ushort)check);
        }

        return file;
    }

    public override string Run(ReadOnlyMemory<byte> input)
    {
        // Fed piece by piece, a file must fare as it does at once.
        bool streamed = true;
        try
        {
            _decoder.Value.Decoder.Decode(new Trickle(input));
        }
        catch (TficFormatException)
        {
            streamed = false;
        }

        Picture picture;
        try
        {
            picture = _decoder.Value.Decoder.Decode(input.Span);
        }
        catch (TficFormatException e) when (streamed && !e.Message.Contains("follow", StringComparison.Ordinal))
        {
            throw new PromiseBrokenException($"Decoded from a stream, refused as a file: {e}");
        }

        if (!streamed)
            throw new PromiseBrokenException("Refused from a stream, decoded as a file.");
        if (picture.PixelCount > s_limits.MaxPixels)
            throw new PromiseBrokenException($"{picture.PixelCount} pixels");
        return $"tfic {input.Span[1] & 1} {Magnitude(picture.Width)} {Magnitude(picture.Height)} {picture.Channels}";
    }

    private static byte[] MutateShort(byte[] input, FuzzRandom random)
    {
        byte[] payload = input[8..^2];
        byte[] head = input[..8];
        switch (random.Below(6))
        {
            case 0:
                int sizes = random.Below(300) + (4096 * random.Below(40));
                if (random.OneIn(4))
                    sizes = (int)random.Number(24);
                (head[3], head[4], head[5]) = ((byte)sizes, (byte)(sizes >> 8), (byte)(sizes >> 16));
                break;
            case 1:
                head[2] = random.Byte();
                break;
            case 2:
                Mutations.InPlace(head.AsSpan(1), random);
                head[1] &= 0xFE;
                break;
            default:
                payload = Mutations.Bytes(payload, payload, random, 255);
                break;
        }

        return [.. head, .. payload, .. input.AsSpan(input.Length - 2)];
    }

    private static byte[] MutateLong(byte[] input, byte[] other, FuzzRandom random)
    {
        if (!TrySplit(input, out long width, out long height, out List<Section> sections) || sections.Count == 0)
            return Mutations.Bytes(input, other, random, 1 << 14);
        byte flags = input[1];
        List<Section>? others = TrySplit(other, out _, out _, out List<Section> split) ? split : null;
        int broken = -1;
        for (int i = 1 << random.Below(3); i > 0 && sections.Count > 0; i--)
        {
            int at = random.Below(sections.Count);
            Section section = sections[at];
            switch (random.Below(12))
            {
                case 0:
                    (width, height) = (random.Below(300), random.Below(60));
                    break;
                case 1:
                    (width, height) = random.OneIn(2) ? (width, random.Number(36)) : (random.Number(36), height);
                    break;
                case 2:
                    flags ^= (byte)(random.OneIn(3) ? 1 << random.Below(8) : 2);
                    break;
                case 3:
                    sections.RemoveAt(at);
                    break;
                case 4:
                    sections.Insert(random.Below(sections.Count + 1), section);
                    break;
                case 5:
                    sections[at] = section with { Kind = (byte)random.Below(random.OneIn(4) ? 256 : 16) };
                    break;
                case 6 when others is { Count: > 0 }:
                    sections.Insert(random.Below(sections.Count + 1), others[random.Below(others.Count)]);
                    break;
                case 7: // a section that may be skipped
                    sections.Insert(random.Below(sections.Count + 1), new Section(
                        (byte)(8 + random.Below(8)), new byte[random.Spread(8)]));
                    break;
                case 8:
                    broken = at;
                    break;
                case 9 when section.Body.Length >= 6:
                    byte[] body = [.. section.Body];
                    switch (random.Below(3))
                    {
                        case 0:
                            BinaryPrimitives.WriteUInt32BigEndian(body, RandomCodec.OtherModel.Prior.Id.Value);
                            break;
                        case 1:
                            body[4] = random.Byte();
                            break;
                        default:
                            body[5] = (byte)random.Below(random.OneIn(4) ? 256 : 4);
                            break;
                    }

                    sections[at] = section with { Body = body };
                    break;
                default:
                    int kept = random.OneIn(4) ? 0 : Math.Min(6, section.Body.Length);
                    byte[] rest = Mutations.Bytes(section.Body.AsSpan(kept), section.Body, random, 1 << 13);
                    sections[at] = section with { Body = [.. section.Body.AsSpan(0, kept), .. rest] };
                    break;
            }
        }

        return Join(flags, width, height, sections, broken, random);
    }

    private static bool TrySplit(ReadOnlySpan<byte> file, out long width, out long height, out List<Section> sections)
    {
        int at = 2;
        sections = [];
        height = 0;
        if (file.Length < 4 || (file[1] & 1) == 0)
        {
            width = 0;
            return false;
        }

        width = ReadVarint(file, ref at);
        height = ReadVarint(file, ref at);
        while (at < file.Length)
        {
            byte tag = file[at++];
            long length = ReadVarint(file, ref at);
            if (length > file.Length - at)
                return sections.Count > 0;
            sections.Add(new Section((byte)(tag & 0xEF), file.Slice(at, (int)length).ToArray()));
            at += (int)length + 4;
            if ((tag & 0x10) == 0)
                break;
        }

        return true;
    }

    private static byte[] Join(
        byte flags, long width, long height, List<Section> sections, int broken, FuzzRandom random)
    {
        var file = new List<byte> { TficContainer.Magic, flags };
        WriteVarint(file, width, random);
        WriteVarint(file, height, random);
        uint head = Checksum.Crc32(file.ToArray());
        for (int i = 0; i < sections.Count; i++)
        {
            int start = file.Count;
            bool more = i < sections.Count - 1;
            file.Add((byte)(sections[i].Kind ^ (more != random.OneIn(64) ? 0x10 : 0)));
            WriteVarint(file, random.OneIn(64) ? random.Number(36) : sections[i].Body.Length, random);
            file.AddRange(sections[i].Body);
            uint crc = Checksum.Crc32(file.ToArray().AsSpan(start), head) ^ (i == broken ? 1u : 0);
            var word = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(word, crc);
            file.AddRange(word);
        }

        return [.. file];
    }

    private static long ReadVarint(ReadOnlySpan<byte> bytes, ref int at)
    {
        long value = 0;
        for (int shift = 0; at < bytes.Length && shift < 63; shift += 7)
        {
            byte b = bytes[at++];
            value |= (long)(b & 0x7F) << shift;
            if (b < 0x80)
                break;
        }

        return value;
    }

    private static void WriteVarint(List<byte> to, long value, FuzzRandom random)
    {
        for (; value >= 0x80; value >>= 7)
            to.Add((byte)(value | 0x80));
        if (random.OneIn(64))
        {
            // Not the shortest form.
            to.Add((byte)(value | 0x80));
            value = 0;
        }

        to.Add((byte)value);
    }

    private sealed record Section(byte Kind, byte[] Body);

    /// <summary>A stream that cannot seek and gives what it likes of what it is asked for.</summary>
    private sealed class Trickle(ReadOnlyMemory<byte> bytes) : Stream
    {
        private int _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            int count = Math.Min(Math.Min(buffer.Length, bytes.Length - _at), 1 + (_at * 7 % 100));
            bytes.Span.Slice(_at, count).CopyTo(buffer);
            _at += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
