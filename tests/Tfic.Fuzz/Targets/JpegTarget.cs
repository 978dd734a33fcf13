using System.Buffers.Binary;
using Tfic.Imaging;
using Tfic.Jpeg;

namespace Tfic.Fuzz.Targets;

/// <summary>
/// The JPEG reader, to pixels and to coefficients; changes are made segment by segment: frames, tables, scans.
/// </summary>
internal sealed class JpegTarget : Target
{
    private static readonly PictureLimits s_limits = new(MaxPixels: 1 << 16, MaxBytes: 4 << 20);

    public override string Name => "jpeg";

    public override int MaxLength => 1 << 14;

    // Pixels, then coefficients, then pixels of the coefficients; a Huffman table of 9 bits' lookup for every 17 bytes.
    public override long MaxAllocation(int length) => (3 * s_limits.MaxBytes) + (400L * length);

    public override IEnumerable<byte[]> Seeds()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "Seeds", "jpeg");
        foreach (string file in Directory.EnumerateFiles(folder, "*.jpg").Order(StringComparer.Ordinal))
        {
            // Arithmetic coding is not supported.
            if (Path.GetFileName(file) != "arithmetic.jpg")
                yield return File.ReadAllBytes(file);
        }
    }

    public override byte[] Mutate(byte[] input, byte[] other, FuzzRandom random)
    {
        List<Segment>? segments = random.OneIn(12) ? null : Split(input);
        if (segments is null || segments.Count == 0)
            return Mutations.Bytes(input, other, random, MaxLength);
        for (int i = 1 << random.Below(3); i > 0 && segments.Count > 0; i--)
            Change(segments, Split(other), random);
        byte[] file = Join(segments, random.OneIn(20) ? random : null);
        return file.Length <= MaxLength ? file : file[..MaxLength];
    }

    public override string Run(ReadOnlyMemory<byte> input)
    {
        JpegCoefficients? coefficients = null;
        TficFormatException? refusal = null;
        try
        {
            coefficients = JpegReader.ReadCoefficients(input.Span, s_limits);
        }
        catch (TficFormatException e)
        {
            refusal = e;
        }

        // Pixels take more memory, so the limit may refuse them alone.
        Picture picture;
        try
        {
            picture = JpegReader.Read(input.Span, s_limits);
        }
        catch (TficFormatException e) when (coefficients is not null)
        {
            return e.Message.Contains("limit", StringComparison.Ordinal)
                ? "coefficients alone"
                : throw new PromiseBrokenException($"Coefficients can be read, pixels cannot: {e}");
        }

        if (coefficients is null)
            throw new PromiseBrokenException($"Pixels can be read, coefficients cannot: {refusal}");
        Picture again = JpegReader.ToPicture(coefficients);
        if (picture.PixelCount > s_limits.MaxPixels || !picture.Samples.AsSpan().SequenceEqual(again.Samples))
            throw new PromiseBrokenException("The pixels differ from those of the coefficients.");
        return $"jpeg {Magnitude(picture.Width)} {Magnitude(picture.Height)} {coefficients.Components.Count}";
    }

    private static void Change(List<Segment> segments, List<Segment>? others, FuzzRandom random)
    {
        int at = random.Below(segments.Count);
        Segment segment = segments[at];
        switch (random.Below(12))
        {
            case 0:
                segments.RemoveAt(at);
                break;
            case 1:
                segments.Insert(random.Below(segments.Count + 1), segment);
                break;
            case 2 when others is { Count: > 0 }:
                segments.Insert(random.Below(segments.Count + 1), others[random.Below(others.Count)]);
                break;
            case 3:
                int swapped = random.Below(segments.Count);
                (segments[at], segments[swapped]) = (segments[swapped], segments[at]);
                break;
            case 4:
                byte marker = random.OneIn(3)
                    ? random.Byte()
                    : random.Of<byte>(0xC0, 0xC1, 0xC2, 0xC4, 0xD0, 0xD7, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD, 0xE1, 0xEE, 0xFE);
                segments[at] = segment with { Marker = marker };
                break;
            case 5 or 6 when segments.FindIndex(s => s.Marker is >= 0xC0 and <= 0xC2) is int i and >= 0:
                segments[i] = segments[i] with { Content = ChangeFrame(segments[i].Content, random) };
                if (random.OneIn(6))
                    segments[i] = segments[i] with { Marker = random.Of<byte>(0xC0, 0xC1, 0xC2) };
                break;
            case 7 or 8 when segments.FindIndex(s => s.Marker == 0xDA) is int i and >= 0:
                i = random.OneIn(2) ? i : segments.FindLastIndex(s => s.Marker == 0xDA);
                byte[] scan = [.. segments[i].Content];
                Mutations.InPlace(scan, random);
                segments[i] = segments[i] with { Content = scan };
                break;
            case 9 when segment.Coded.Length > 0:
                segments[at] = segment with
                {
                    Coded = Mutations.Bytes(segment.Coded, segment.Coded, random, 1 << 13),
                };
                break;
            case 10: // a restart interval, and restart markers among the data
                segments.Insert(at, new Segment(0xDD, [0, (byte)random.Spread(4)], []));
                break;
            default:
                segments[at] = segment with
                {
                    Content = Mutations.Bytes(segment.Content, segment.Content, random, 1 << 12),
                };
                break;
        }
    }

    private static byte[] ChangeFrame(byte[] content, FuzzRandom random)
    {
        byte[] frame = [.. content];
        if (frame.Length < 9)
            return frame;
        switch (random.Below(4))
        {
            case 0:
                BinaryPrimitives.WriteUInt16BigEndian(
                    frame.AsSpan(1 + (2 * random.Below(2))),
                    (ushort)(random.OneIn(3) ? random.Number(16) : 1 + random.Below(80)));
                break;
            case 1:
                int component = random.Below((frame.Length - 6) / 3);
                frame[7 + (3 * component)] = random.OneIn(4)
                    ? random.Byte()
                    : (byte)(((1 + random.Below(4)) << 4) | (1 + random.Below(4)));
                break;
            case 2: // another number of components
                int count = random.Of(1, 3, 4);
                frame[5] = (byte)count;
                Array.Resize(ref frame, 6 + (3 * count));
                for (int i = 0; i < count && random.OneIn(2); i++)
                    frame[6 + (3 * i)] = (byte)(i + 1);
                break;
            default:
                Mutations.InPlace(frame, random);
                break;
        }

        return frame;
    }

    /// <summary>Markers with their content and the coded data behind them; null where there is no marker.</summary>
    private static List<Segment>? Split(ReadOnlySpan<byte> file)
    {
        if (file.Length < 4 || file[0] != 0xFF)
            return null;
        var segments = new List<Segment>();
        int at = 0;
        while (at + 1 < file.Length)
        {
            byte marker = file[at + 1];
            at += 2;
            byte[] content = [];
            if (HasContent(marker) && at + 2 <= file.Length)
            {
                int length = Math.Clamp(BinaryPrimitives.ReadUInt16BigEndian(file[at..]), 2, file.Length - at);
                content = file[(at + 2)..(at + length)].ToArray();
                at += length;
            }

            int start = at;
            while (at < file.Length && !(file[at] == 0xFF && at + 1 < file.Length && IsMarker(file[at + 1])))
                at++;
            segments.Add(new Segment(marker, content, file[start..at].ToArray()));
        }

        return segments;
    }

    private static bool HasContent(byte marker) => marker is not (0x01 or (>= 0xD0 and <= 0xD9));

    // Restart markers stay within the coded data.
    private static bool IsMarker(byte value) => value is not (0 or 0xFF or (>= 0xD0 and <= 0xD7));

    private static byte[] Join(List<Segment> segments, FuzzRandom? random)
    {
        int broken = random?.Below(segments.Count) ?? -1;
        var file = new MemoryStream();
        for (int i = 0; i < segments.Count; i++)
        {
            Segment segment = segments[i];
            file.WriteByte(0xFF);
            file.WriteByte(segment.Marker);
            if (HasContent(segment.Marker))
            {
                long length = i == broken ? random!.Number(16) : segment.Content.Length + 2;
                file.WriteByte((byte)(length >> 8));
                file.WriteByte((byte)length);
                file.Write(segment.Content);
            }

            file.Write(segment.Coded);
        }

        return file.ToArray();
    }

    private sealed record Segment(byte Marker, byte[] Content, byte[] Coded);
}
