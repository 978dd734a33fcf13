using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using Tfic.Imaging;
using Tfic.Kernels.Dct;

namespace Tfic.Jpeg;

/// <summary>How a colour picture's chroma is sampled.</summary>
public enum ChromaSampling
{
    /// <summary>Chroma as large as luma.</summary>
    Yuv444,

    /// <summary>Chroma halved in both directions.</summary>
    Yuv420,
}

/// <summary>Writes baseline JPEG files (ITU-T T.81, JFIF).</summary>
public static class JpegWriter
{
    /// <summary>Most pixels along one side: the header has 16 bits.</summary>
    public const int LargestSize = 65535;

    // Baseline 8-bit coding has room for differences of 11 bits and coefficients of 10.
    private const int LargestDcSize = 11;
    private const int LargestAcSize = 10;

    /// <summary>Writes a picture.</summary>
    /// <param name="stream">Where to; not closed, need not seek.</param>
    /// <param name="picture">What to write; each side at most 65535.</param>
    /// <param name="quality">1…100, as the IJG's library counts.</param>
    /// <param name="sampling">Of chroma; has no meaning for grey.</param>
    /// <param name="optimise">Whether to fit the Huffman codes to the picture: a second pass for some percent.</param>
    /// <exception cref="ArgumentOutOfRangeException">Quality outside 1…100, or a picture too large.</exception>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public static void Write(
        Stream stream, Picture picture, int quality = 90, ChromaSampling sampling = ChromaSampling.Yuv420,
        bool optimise = false) =>
        Write(stream, ToCoefficients(picture, quality, sampling), optimise);

    /// <summary>Transforms and quantises a picture: everything but the entropy coding.</summary>
    /// <param name="picture">Each side at most 65535.</param>
    /// <param name="quality">1…100, as the IJG's library counts.</param>
    /// <param name="sampling">Of chroma; has no meaning for grey.</param>
    /// <exception cref="ArgumentOutOfRangeException">Quality outside 1…100, or a picture too large.</exception>
    public static JpegCoefficients ToCoefficients(
        Picture picture, int quality = 90, ChromaSampling sampling = ChromaSampling.Yuv420)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (picture.Width > LargestSize || picture.Height > LargestSize)
            throw new ArgumentOutOfRangeException(
                nameof(picture), $"{picture.Width} × {picture.Height}: a JPEG file's sides are at most {LargestSize}.");
        int factor = picture.Channels == 3 && sampling == ChromaSampling.Yuv420 ? 2 : 1;
        int mcusAcross = DivideUp(picture.Width, 8 * factor), mcusDown = DivideUp(picture.Height, 8 * factor);
        var components = new JpegComponent[picture.Channels];
        for (int i = 0; i < components.Length; i++)
        {
            int own = i == 0 ? factor : 1;
            components[i] = new JpegComponent(
                (byte)(i + 1), own, own, DivideUp(picture.Width * own, factor),
                DivideUp(picture.Height * own, factor), mcusAcross * own, mcusDown * own, mcusDown * own);
            ushort[] steps = i == 0 ? JpegQuantisation.Luma(quality) : JpegQuantisation.Chroma(quality);
            steps.CopyTo(components[i].Steps, 0);
        }

        var file = new JpegCoefficients(
            picture.Width, picture.Height,
            picture.Channels == 1 ? JpegColourSpace.Grey : JpegColourSpace.YCbCr, components);
        JpegSamples.Transform(picture, file);
        return file;
    }

    /// <summary>Writes coefficients as they are.</summary>
    /// <param name="stream">Where to; not closed, need not seek.</param>
    /// <param name="file">Grey, YCbCr or RGB. Its orientation is not written.</param>
    /// <param name="optimise">Whether to fit the Huffman codes to the coefficients.</param>
    /// <exception cref="ArgumentException">Four components, quantiser steps above 255, more than ten blocks in an
    /// MCU, or coefficients that baseline coding has no codes for.</exception>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public static void Write(Stream stream, JpegCoefficients file, bool optimise = false)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(file);
        Check(file);

        // One pair of tables for the first component and one for the others; the same for quantisers where they agree.
        bool colour = file.Components.Count > 1;
        HuffmanEncodingTable[] dc = [HuffmanEncodingTable.LumaDc, HuffmanEncodingTable.ChromaDc];
        HuffmanEncodingTable[] ac = [HuffmanEncodingTable.LumaAc, HuffmanEncodingTable.ChromaAc];
        if (optimise)
        {
            var counter = new SymbolCounter();
            Encode(file, ref counter);
            for (int i = 0; i < (colour ? 2 : 1); i++)
            {
                dc[i] = HuffmanEncodingTable.Optimal(counter.Dc[i]);
                ac[i] = HuffmanEncodingTable.Optimal(counter.Ac[i]);
            }
        }

        WriteHeader(stream, file, dc, ac);
        var writer = new BitWriter(stream, dc, ac);
        Encode(file, ref writer);
        writer.Finish();
        stream.Write([0xFF, 0xD9]);
    }

    private static int DivideUp(int value, int by) => (value + by - 1) / by;

    private static void Check(JpegCoefficients file)
    {
        if (file.Components.Count == 4)
            throw new ArgumentException("Files of four components are not written.", nameof(file));
        if (file.Components.Count > 1 && file.Components.Sum(c => c.HorizontalFactor * c.VerticalFactor) > 10)
            throw new ArgumentException("An MCU has at most ten blocks.", nameof(file));
        foreach (JpegComponent component in file.Components)
        {
            if (component.Steps.Any(step => step is 0 or > 255))
                throw new ArgumentException("Baseline files have quantiser steps of 1…255.", nameof(file));
        }
    }

    private static void WriteHeader(
        Stream stream, JpegCoefficients file, HuffmanEncodingTable[] dc, HuffmanEncodingTable[] ac)
    {
        stream.Write([0xFF, 0xD8]);
        if (file.ColourSpace == JpegColourSpace.Rgb)
            WriteSegment(stream, 0xEE, [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, 0]);
        else
            // JFIF 1.1, density 1:1 without unit, no thumbnail.
            WriteSegment(stream, 0xE0, [.. "JFIF\0"u8, 1, 1, 0, 0, 1, 0, 1, 0, 0]);

        var tables = new List<ushort[]>();
        var indices = new int[file.Components.Count];
        for (int i = 0; i < indices.Length; i++)
        {
            ushort[] steps = file.Components[i].Steps;
            indices[i] = tables.FindIndex(t => t.AsSpan().SequenceEqual(steps));
            if (indices[i] >= 0)
                continue;
            indices[i] = tables.Count;
            var content = new byte[65];
            content[0] = (byte)tables.Count;
            for (int k = 0; k < 64; k++)
                content[1 + k] = (byte)steps[ZigZag.Natural[k]];
            WriteSegment(stream, 0xDB, content);
            tables.Add(steps);
        }

        var frame = new byte[6 + 3 * indices.Length];
        frame[0] = 8;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), (ushort)file.Height);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(3), (ushort)file.Width);
        frame[5] = (byte)indices.Length;
        for (int i = 0; i < indices.Length; i++)
        {
            JpegComponent component = file.Components[i];
            frame[6 + 3 * i] = component.Id;
            frame[7 + 3 * i] = (byte)(component.HorizontalFactor << 4 | component.VerticalFactor);
            frame[8 + 3 * i] = (byte)indices[i];
        }

        WriteSegment(stream, 0xC0, frame);
        for (int i = 0; i < (indices.Length > 1 ? 2 : 1); i++)
        {
            WriteSegment(stream, 0xC4, [(byte)i, .. dc[i].Counts, .. dc[i].Symbols]);
            WriteSegment(stream, 0xC4, [(byte)(0x10 | i), .. ac[i].Counts, .. ac[i].Symbols]);
        }

        var scan = new byte[4 + 2 * indices.Length];
        scan[0] = (byte)indices.Length;
        for (int i = 0; i < indices.Length; i++)
        {
            scan[1 + 2 * i] = file.Components[i].Id;
            scan[2 + 2 * i] = (byte)(i == 0 ? 0x00 : 0x11);
        }

        scan[^2] = 63;
        WriteSegment(stream, 0xDA, scan);
    }

    private static void WriteSegment(Stream stream, byte marker, ReadOnlySpan<byte> content)
    {
        Span<byte> head = [0xFF, marker, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(head[2..], (ushort)(content.Length + 2));
        stream.Write(head);
        stream.Write(content);
    }

    /// <summary>Visits all symbols of the one scan, in order.</summary>
    private static void Encode<TSink>(JpegCoefficients file, ref TSink sink)
        where TSink : struct, ISymbolSink
    {
        bool single = file.Components.Count == 1;
        JpegComponent first = file.Components[0];
        int across = single ? DivideUp(first.Width, 8) : first.BlocksAcross / first.HorizontalFactor;
        int down = single ? DivideUp(first.Height, 8) : first.BlocksDown / first.VerticalFactor;
        Span<int> predictions = stackalloc int[file.Components.Count];
        for (int row = 0; row < down; row++)
        {
            for (int column = 0; column < across; column++)
            {
                for (int i = 0; i < predictions.Length; i++)
                {
                    JpegComponent component = file.Components[i];
                    int wide = single ? 1 : component.HorizontalFactor, high = single ? 1 : component.VerticalFactor;
                    for (int v = 0; v < high; v++)
                    {
                        int start = ((row * high + v) * component.BlocksAcross + column * wide) * 64;
                        for (int h = 0; h < wide; h++)
                            EncodeBlock(
                                component.Blocks.AsSpan(start + h * 64, 64), i == 0 ? 0 : 1, ref predictions[i],
                                ref sink);
                    }
                }
            }
        }
    }

    private static void EncodeBlock<TSink>(ReadOnlySpan<short> block, int table, ref int prediction, ref TSink sink)
        where TSink : struct, ISymbolSink
    {
        int difference = block[0] - prediction;
        prediction = block[0];
        int size = Size(difference);
        if (size > LargestDcSize)
            throw TooLarge();
        sink.Dc(table, size, Bits(difference), size);

        ReadOnlySpan<byte> natural = ZigZag.Natural;
        int run = 0;
        for (int k = 1; k < 64; k++)
        {
            int value = block[natural[k]];
            if (value == 0)
            {
                run++;
                continue;
            }

            for (; run > 15; run -= 16)
                sink.Ac(table, 0xF0, 0, 0);
            size = Size(value);
            if (size > LargestAcSize)
                throw TooLarge();
            sink.Ac(table, run << 4 | size, Bits(value), size);
            run = 0;
        }

        if (run > 0)
            sink.Ac(table, 0, 0, 0);
    }

    private static ArgumentException TooLarge() =>
        new("A coefficient is too large for baseline coding: at most 1023, differences of DC at most 2047.");

    /// <summary>Bits of a value's magnitude.</summary>
    private static int Size(int value) => 32 - BitOperations.LeadingZeroCount((uint)Math.Abs(value));

    /// <summary>What is written for a value: itself, or one less if negative, of which the low bits count.</summary>
    private static int Bits(int value) => value + (value >> 31);

    /// <summary>Takes the symbols of a scan: to count or to write them.</summary>
    private interface ISymbolSink
    {
        void Dc(int table, int symbol, int bits, int count);

        void Ac(int table, int symbol, int bits, int count);
    }

    private readonly struct SymbolCounter : ISymbolSink
    {
        public readonly long[][] Dc = [new long[256], new long[256]];
        public readonly long[][] Ac = [new long[256], new long[256]];

        public SymbolCounter()
        {
        }

        void ISymbolSink.Dc(int table, int symbol, int bits, int count) => Dc[table][symbol]++;

        void ISymbolSink.Ac(int table, int symbol, int bits, int count) => Ac[table][symbol]++;
    }

    private struct BitWriter(Stream stream, HuffmanEncodingTable[] dc, HuffmanEncodingTable[] ac) : ISymbolSink
    {
        private readonly byte[] _buffer = new byte[1 << 14];
        private int _length;
        private ulong _window;
        private int _count;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dc(int table, int symbol, int bits, int count) => Put(dc[table], symbol, bits, count);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Ac(int table, int symbol, int bits, int count) => Put(ac[table], symbol, bits, count);

        /// <summary>Fills the last byte with ones and hands everything to the stream.</summary>
        public void Finish()
        {
            int padding = -_count & 7;
            _window = (_window << padding) | ((1u << padding) - 1);
            _count += padding;
            while (_count > 0)
                PutByte();
            stream.Write(_buffer, 0, _length);
            _length = 0;
        }

        // The window holds fewer than 32 bits before and at most 32 + 16 + 11 after.
        private void Put(HuffmanEncodingTable table, int symbol, int bits, int count)
        {
            int length = table.Lengths[symbol];
            ulong code = ((ulong)table.Codes[symbol] << count) | ((uint)bits & ((1u << count) - 1));
            _window = (_window << (length + count)) | code;
            _count += length + count;
            if (_count >= 32)
                PutWord();
        }

        private void PutWord()
        {
            if (_length > _buffer.Length - 16)
            {
                stream.Write(_buffer, 0, _length);
                _length = 0;
            }

            uint word = (uint)(_window >> (_count - 32));
            if (((~word - 0x0101_0101) & word & 0x8080_8080) == 0)
            {
                BinaryPrimitives.WriteUInt32BigEndian(_buffer.AsSpan(_length), word);
                _length += 4;
                _count -= 32;
                return;
            }

            for (int i = 0; i < 4; i++)
                PutByte();
        }

        private void PutByte()
        {
            _count -= 8;
            byte value = (byte)(_window >> _count);
            _buffer[_length++] = value;
            if (value == 0xFF)
                _buffer[_length++] = 0; // So that it is not taken for a marker.
        }
    }
}
