using System.Buffers;
using System.Buffers.Binary;
using Tfic.Imaging;
using Tfic.Kernels.Dct;

namespace Tfic.Jpeg;

/// <summary>Walks through the marker segments of one file. Entropy-coded data are in the other part.</summary>
internal ref partial struct JpegDecoder
{
    // A block takes at least one bit in some scan, for its DC coefficient. A header that promises more is forged, or
    // the file is cut off; either way nothing is allocated for it.
    private const int LargestBlocksPerByte = 8;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly PictureLimits _limits;
    private readonly bool _wantsPixels;
    private readonly Picture? _into;
    private readonly ushort[]?[] _steps = new ushort[4][];
    private readonly HuffmanDecodingTable?[] _dcTables = new HuffmanDecodingTable[4];
    private readonly HuffmanDecodingTable?[] _acTables = new HuffmanDecodingTable[4];
    private int _at;
    private Frame? _frame;
    private int _restartInterval;
    private bool _jfif;
    private int _adobeTransform = -1;

    // What the components mean is settled when the first scan begins, for its pixels may be made at once.
    private bool _scanned;
    private int _orientation = 1;
    private byte[][] _bands = [];

    public JpegDecoder(ReadOnlySpan<byte> bytes, PictureLimits limits, bool wantsPixels, Picture? into)
    {
        _into = into;
        _bytes = bytes;
        _limits = limits;
        _wantsPixels = wantsPixels;
    }

    /// <summary>After <see cref="Decode"/>: the picture as stored, if pixels were wanted and no coefficients are kept.</summary>
    public Picture? Picture { get; private set; }

    /// <summary>Gives memory back that the next file can use.</summary>
    public void Release()
    {
        if (_bands.Length == 0)
            return;
        foreach (byte[] band in _bands)
            ArrayPool<byte>.Shared.Return(band);
        foreach (FrameComponent component in _frame!.Components)
            ArrayPool<short>.Shared.Return(component.Coded!.Blocks);
        _bands = [];
    }

    /// <summary>Decodes the file.</summary>
    /// <returns>The file; without coefficients where there is a <see cref="Picture"/>.</returns>
    public JpegCoefficients Decode()
    {
        if (_bytes.Length < 2 || _bytes[0] != 0xFF || _bytes[1] != 0xD8)
            throw new TficFormatException("JPEG: the start marker is missing", 0);
        _at = 2;
        while (true)
        {
            int marker = NextMarker(out int markerAt);
            switch (marker)
            {
                case 0xD9: // EOI
                    return Finish(markerAt);
                case >= 0xD0 and <= 0xD7:
                    throw new TficFormatException("JPEG: a restart marker outside of coded data", markerAt);
                case 0xD8:
                    throw new TficFormatException("JPEG: a second start marker", markerAt);
                case 0x01: // TEM, which has no content
                    continue;
            }

            ReadOnlySpan<byte> segment = Segment(markerAt);
            int contentAt = _at - segment.Length;
            switch (marker)
            {
                case 0xC0 or 0xC1 or 0xC2:
                    ParseFrame(segment, contentAt, progressive: marker == 0xC2);
                    break;
                case 0xC4:
                    ParseHuffmanTables(segment, contentAt);
                    break;
                case 0xDB:
                    ParseQuantisers(segment, contentAt);
                    break;
                case 0xDD:
                    if (segment.Length != 2)
                        throw new TficFormatException("JPEG: the restart interval has a wrong length", contentAt);
                    _restartInterval = BinaryPrimitives.ReadUInt16BigEndian(segment);
                    break;
                case 0xDA:
                    ParseScan(segment, contentAt);
                    break;
                case 0xE0 when !_scanned && segment.StartsWith("JFIF\0"u8):
                    _jfif = true;
                    break;
                case 0xE1 when segment.StartsWith("Exif\0\0"u8):
                    _orientation = Orientation.Parse(segment[6..]);
                    break;
                case 0xEE when !_scanned && segment.Length >= 12 && segment.StartsWith("Adobe"u8):
                    _adobeTransform = segment[11];
                    break;
                case >= 0xE0 and <= 0xEF or 0xFE: // application data, comment
                    break;
                case 0xC3 or 0xC7 or 0xCB or 0xCF:
                    throw Unsupported("lossless coding", markerAt);
                case 0xC5 or 0xC6 or 0xCD or 0xCE or 0xDE or 0xDF:
                    throw Unsupported("hierarchical coding", markerAt);
                case 0xC9 or 0xCA or 0xCC:
                    throw Unsupported("arithmetic coding", markerAt);
                case 0xDC:
                    throw Unsupported("a height given after the pixels (DNL)", markerAt);
                default:
                    throw new TficFormatException($"JPEG: unknown marker FF{marker:X2}", markerAt);
            }
        }
    }

    private static TficFormatException Unsupported(string what, long offset) =>
        new($"JPEG: the file uses {what}, which is not supported; convert it to baseline JPEG or PNG", offset);

    private int NextMarker(out int markerAt)
    {
        // Bytes before a marker that belong to nothing lose nothing, and other decoders skip them.
        while (true)
        {
            int found = _at >= _bytes.Length ? -1 : _bytes[_at..].IndexOf((byte)0xFF);
            if (found < 0)
                throw Truncated(_bytes.Length);
            _at += found;
            markerAt = _at;
            while (_at < _bytes.Length && _bytes[_at] == 0xFF)
                _at++;
            if (_at == _bytes.Length)
                throw Truncated(_at);
            int marker = _bytes[_at++];
            if (marker != 0)
                return marker;
        }
    }

    private static TficFormatException Truncated(long offset) =>
        new("JPEG: the file is truncated: it ends before its end marker", offset);

    private ReadOnlySpan<byte> Segment(int markerAt)
    {
        if (_bytes.Length - _at < 2)
            throw Truncated(_bytes.Length);
        int length = BinaryPrimitives.ReadUInt16BigEndian(_bytes[_at..]);
        if (length < 2)
            throw new TficFormatException($"JPEG: a segment of length {length}", markerAt);
        if (_bytes.Length - _at < length)
            throw Truncated(_bytes.Length);
        ReadOnlySpan<byte> content = _bytes.Slice(_at + 2, length - 2);
        _at += length;
        return content;
    }

    private readonly void ParseQuantisers(ReadOnlySpan<byte> segment, int at)
    {
        while (segment.Length > 0)
        {
            int precision = segment[0] >> 4, index = segment[0] & 15;
            if (precision > 1 || index > 3)
                throw new TficFormatException("JPEG: a quantiser table of unknown kind", at);
            int length = 1 + 64 * (precision + 1);
            if (segment.Length < length)
                throw new TficFormatException("JPEG: a quantiser table is incomplete", at);
            var steps = new ushort[64];
            for (int k = 0; k < 64; k++)
            {
                ushort step = precision == 0
                    ? segment[1 + k]
                    : BinaryPrimitives.ReadUInt16BigEndian(segment[(1 + 2 * k)..]);
                if (step == 0)
                    throw new TficFormatException("JPEG: a quantiser step is 0", at + 1 + k * (precision + 1));
                steps[ZigZag.Natural[k]] = step;
            }

            _steps[index] = steps;
            segment = segment[length..];
            at += length;
        }
    }

    private readonly void ParseHuffmanTables(ReadOnlySpan<byte> segment, int at)
    {
        while (segment.Length > 0)
        {
            if (segment.Length < 17)
                throw new TficFormatException("JPEG: a Huffman table is incomplete", at);
            int kind = segment[0] >> 4, index = segment[0] & 15;
            if (kind > 1 || index > 3)
                throw new TficFormatException("JPEG: a Huffman table of unknown kind", at);
            ReadOnlySpan<byte> counts = segment.Slice(1, 16);
            int symbols = 0;
            foreach (byte count in counts)
                symbols += count;
            if (symbols > 256 || segment.Length < 17 + symbols)
                throw new TficFormatException("JPEG: a Huffman table is incomplete or too long", at);
            (kind == 0 ? _dcTables : _acTables)[index] =
                HuffmanDecodingTable.Make(counts, segment.Slice(17, symbols), kind == 1, at);
            segment = segment[(17 + symbols)..];
            at += 17 + symbols;
        }
    }

    private void ParseFrame(ReadOnlySpan<byte> segment, int at, bool progressive)
    {
        if (_frame is not null)
            throw new TficFormatException("JPEG: a second frame", at);
        if (segment.Length < 6)
            throw new TficFormatException("JPEG: the frame header is incomplete", at);
        if (segment[0] != 8)
            throw Unsupported($"{segment[0]} bits a sample", at);
        int height = BinaryPrimitives.ReadUInt16BigEndian(segment[1..]);
        int width = BinaryPrimitives.ReadUInt16BigEndian(segment[3..]);
        int count = segment[5];
        if (height == 0)
            throw Unsupported("a height given after the pixels (DNL), or none at all", at + 1);
        if (width == 0)
            throw new TficFormatException("JPEG: the width is 0", at + 3);
        if (count is not (1 or 3 or 4))
            throw Unsupported($"{count} components", at + 5);
        if (segment.Length != 6 + 3 * count)
            throw new TficFormatException("JPEG: the frame header has a wrong length", at);

        var components = new FrameComponent[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = segment.Slice(6 + 3 * i, 3);
            int h = entry[1] >> 4, v = entry[1] & 15;
            if (h is < 1 or > 4 || v is < 1 or > 4)
                throw new TficFormatException($"JPEG: sampling factors {h}×{v}, not 1…4", at + 7 + 3 * i);
            if (entry[2] > 3)
                throw new TficFormatException($"JPEG: quantiser table {entry[2]}, not 0…3", at + 8 + 3 * i);
            for (int j = 0; j < i; j++)
            {
                if (components[j].Id == entry[0])
                    throw new TficFormatException($"JPEG: two components are numbered {entry[0]}", at + 6 + 3 * i);
            }

            components[i] = new FrameComponent(entry[0], h, v, entry[2]);
        }

        var frame = new Frame(width, height, progressive, components);
        _limits.Check("JPEG", width, height, Memory(frame), at + 1);
        long blocks = components.Sum(
            c => (long)Frame.Blocks(frame.SamplesAcross(c)) * Frame.Blocks(frame.SamplesDown(c)));
        if (blocks / LargestBlocksPerByte > _bytes.Length - at)
            throw new TficFormatException(
                $"JPEG: the file is truncated or forged: {_bytes.Length - at} bytes cannot hold {width} × {height} " +
                "pixels", at + 1);
        _frame = frame;
    }

    /// <summary>Most bytes that decoding may allocate: picture, turned picture, planes and coefficients.</summary>
    private readonly Int128 Memory(Frame frame)
    {
        Int128 samples = 0;
        foreach (FrameComponent component in frame.Components)
            samples += (Int128)frame.BlocksAcross(component) * frame.BlocksDown(component) * 64;
        Int128 picture = (Int128)frame.Width * frame.Height * (frame.Components.Length == 1 ? 1 : 3);
        return 2 * samples + (_wantsPixels ? samples + 2 * picture : 0);
    }

    private JpegCoefficients Finish(int markerAt)
    {
        if (_frame is null)
            throw new TficFormatException("JPEG: the file ends before a picture", markerAt);
        foreach (FrameComponent component in _frame.Components)
        {
            if (component.Coded is null || component.Progress[0] < 0)
                throw new TficFormatException($"JPEG: component {component.Id} has no data", markerAt);
        }

        return MakeFile(_frame);
    }

    private readonly JpegCoefficients MakeFile(Frame frame) => new(
        frame.Width, frame.Height, ColourSpace(frame), [.. frame.Components.Select(c => c.Coded!)])
    {
        Orientation = _orientation,
        InkInverted = _adobeTransform >= 0,
    };

    private readonly JpegColourSpace ColourSpace(Frame frame)
    {
        switch (frame.Components.Length)
        {
            case 1:
                return JpegColourSpace.Grey;
            case 4:
                return _adobeTransform == 2 ? JpegColourSpace.Ycck : JpegColourSpace.Cmyk;
        }

        // JFIF knows no RGB. Without JFIF, Adobe's marker tells; without either, identifiers that spell it.
        if (_jfif)
            return JpegColourSpace.YCbCr;
        bool rgb = _adobeTransform >= 0
            ? _adobeTransform == 0
            : frame.Components[0].Id == 'R' && frame.Components[1].Id == 'G' && frame.Components[2].Id == 'B';
        return rgb ? JpegColourSpace.Rgb : JpegColourSpace.YCbCr;
    }

    /// <summary>What the frame header says, and how far decoding has come.</summary>
    private sealed class Frame
    {
        public Frame(int width, int height, bool progressive, FrameComponent[] components)
        {
            Width = width;
            Height = height;
            Progressive = progressive;
            Components = components;
            LargestHorizontal = components.Max(c => c.Horizontal);
            LargestVertical = components.Max(c => c.Vertical);
            McusAcross = DivideUp(width, 8 * LargestHorizontal);
            McusDown = DivideUp(height, 8 * LargestVertical);
        }

        public int Width { get; }

        public int Height { get; }

        public bool Progressive { get; }

        public FrameComponent[] Components { get; }

        public int LargestHorizontal { get; }

        public int LargestVertical { get; }

        public int McusAcross { get; }

        public int McusDown { get; }

        public static int DivideUp(int value, int by) => (value + by - 1) / by;

        public static int Blocks(int samples) => DivideUp(samples, 8);

        public int SamplesAcross(FrameComponent c) => DivideUp(Width * c.Horizontal, LargestHorizontal);

        public int SamplesDown(FrameComponent c) => DivideUp(Height * c.Vertical, LargestVertical);

        public int BlocksAcross(FrameComponent c) => McusAcross * c.Horizontal;

        public int BlocksDown(FrameComponent c) => McusDown * c.Vertical;
    }

    private sealed class FrameComponent(byte id, int horizontal, int vertical, int stepsIndex)
    {
        /// <summary>The DC coefficient that the next one is the difference from.</summary>
        public int Prediction;

        public byte Id => id;

        public int Horizontal => horizontal;

        public int Vertical => vertical;

        public int StepsIndex => stepsIndex;

        /// <summary>Where the coefficients go; null before the component's first scan.</summary>
        public JpegComponent? Coded { get; set; }

        /// <summary>For each coded coefficient the lowest bit known so far; −1 before its first scan.</summary>
        public sbyte[] Progress { get; } = Enumerable.Repeat((sbyte)-1, 64).ToArray();

        public JpegQuantiser? Quantiser { get; set; }

        public HuffmanDecodingTable? DcTable { get; set; }

        public HuffmanDecodingTable? AcTable { get; set; }
    }
}
