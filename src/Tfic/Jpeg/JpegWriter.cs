using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
    internal const int LargestDcSize = 11;
    internal const int LargestAcSize = 10;

    // What a thread's last call left for its next one.
    [ThreadStatic]
    private static Direct? s_idle;

    private static readonly HuffmanEncodingTable[] s_dc = [HuffmanEncodingTable.LumaDc, HuffmanEncodingTable.ChromaDc];
    private static readonly HuffmanEncodingTable[] s_ac = [HuffmanEncodingTable.LumaAc, HuffmanEncodingTable.ChromaAc];

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
        bool optimise = false)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (optimise)
        {
            Write(stream, ToCoefficients(picture, quality, sampling), optimise);
            return;
        }

        Check(picture);
        Direct direct = s_idle ?? new Direct();
        s_idle = null; // The stream might write a picture itself.
        direct.Write(stream, picture, quality, sampling);
        s_idle = direct;
    }

    /// <summary>Transforms and quantises a picture: everything but the entropy coding.</summary>
    /// <param name="picture">Each side at most 65535.</param>
    /// <param name="quality">1…100, as the IJG's library counts.</param>
    /// <param name="sampling">Of chroma; has no meaning for grey.</param>
    /// <exception cref="ArgumentOutOfRangeException">Quality outside 1…100, or a picture too large.</exception>
    public static JpegCoefficients ToCoefficients(
        Picture picture, int quality = 90, ChromaSampling sampling = ChromaSampling.Yuv420)
    {
        Check(picture);
        ReadOnlySpan<JpegQuantiser> quantisers = Quantisers(quality);
        JpegCoefficients file = LayOut(picture, sampling, quantisers, wholeFile: true);
        JpegSamples.Transform(picture, file, quantisers);
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
        HuffmanEncodingTable[] dc = s_dc, ac = s_ac;
        if (optimise)
        {
            var counter = new SymbolCounter();
            Scan(file, ref counter);
            dc = [.. counter.Dc.Select(count => HuffmanEncodingTable.Optimal(count))];
            ac = [.. counter.Ac.Select(count => HuffmanEncodingTable.Optimal(count))];
        }

        WriteHeader(stream, file, dc, ac);
        var writer = new JpegScanWriter();
        writer.Start(stream, dc, ac);
        var visitor = new BlockWriter(writer);
        Scan(file, ref visitor);
        writer.Finish();
        stream.Write(EndMarker);
    }

    private static ReadOnlySpan<byte> EndMarker => [0xFF, 0xD9];

    /// <summary>Bits of a value's magnitude.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Size(int value) => 32 - BitOperations.LeadingZeroCount((uint)Math.Abs(value));

    internal static ArgumentException TooLarge() =>
        new("A coefficient is too large for baseline coding: at most 1023, differences of DC at most 2047.");

    private static void Check(Picture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (picture.Width > LargestSize || picture.Height > LargestSize)
            throw new ArgumentOutOfRangeException(
                nameof(picture), $"{picture.Width} × {picture.Height}: a JPEG file's sides are at most {LargestSize}.");
    }

    private static JpegQuantiser[] Quantisers(int quality)
    {
        JpegQuantiser chroma = JpegQuantisation.ChromaQuantiser(quality);
        return [JpegQuantisation.LumaQuantiser(quality), chroma, chroma];
    }

    /// <summary>A file without coefficients yet.</summary>
    /// <param name="picture">What it will show.</param>
    /// <param name="sampling">Of chroma; has no meaning for grey.</param>
    /// <param name="quantisers">For each component.</param>
    /// <param name="wholeFile">Whether to make room for all coefficients; otherwise for one row of MCUs.</param>
    private static JpegCoefficients LayOut(
        Picture picture, ChromaSampling sampling, ReadOnlySpan<JpegQuantiser> quantisers, bool wholeFile)
    {
        int factor = picture.Channels == 3 && sampling == ChromaSampling.Yuv420 ? 2 : 1;
        int mcusAcross = DivideUp(picture.Width, 8 * factor), mcusDown = DivideUp(picture.Height, 8 * factor);
        var components = new JpegComponent[picture.Channels];
        for (int i = 0; i < components.Length; i++)
        {
            int own = i == 0 ? factor : 1;
            components[i] = new JpegComponent(
                (byte)(i + 1), own, own, DivideUp(picture.Width * own, factor),
                DivideUp(picture.Height * own, factor), mcusAcross * own, mcusDown * own,
                new short[checked(mcusAcross * own * (wholeFile ? mcusDown * own : own) * 64)]);
            quantisers[i].Steps.CopyTo(components[i].Steps);
        }

        return new JpegCoefficients(
            picture.Width, picture.Height,
            picture.Channels == 1 ? JpegColourSpace.Grey : JpegColourSpace.YCbCr, components);
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

    /// <summary>Visits all blocks of the one scan, in order.</summary>
    private static void Scan<TVisitor>(JpegCoefficients file, ref TVisitor visitor)
        where TVisitor : struct, IBlockVisitor
    {
        bool single = file.Components.Count == 1;
        JpegComponent first = file.Components[0];
        int down = single ? DivideUp(first.Height, 8) : first.BlocksDown / first.VerticalFactor;
        Span<int> predictions = stackalloc int[file.Components.Count];
        predictions.Clear();
        for (int row = 0; row < down; row++)
            ScanRow(file, row, predictions, ref visitor);
    }

    /// <summary>Visits the blocks of one row of MCUs.</summary>
    private static void ScanRow<TVisitor>(
        JpegCoefficients file, int row, Span<int> predictions, ref TVisitor visitor)
        where TVisitor : struct, IBlockVisitor
    {
        // A scan of one component has no MCUs: it runs over the component's own blocks, without padding.
        bool single = predictions.Length == 1;
        JpegComponent first = file.Components[0];
        if (single)
        {
            Span<short> blocks = first.BlockRow(row)[..(DivideUp(first.Width, 8) * 64)];
            for (int start = 0; start < blocks.Length; start += 64)
                visitor.Visit(ref blocks[start], 0, ref predictions[0]);
            return;
        }

        int across = first.BlocksAcross / first.HorizontalFactor;
        for (int column = 0; column < across; column++)
        {
            for (int i = 0; i < predictions.Length; i++)
            {
                JpegComponent component = file.Components[i];
                int wide = component.HorizontalFactor, high = component.VerticalFactor;
                for (int v = 0; v < high; v++)
                {
                    int start = ((row * high + v) * component.BlocksAcross + column * wide) * 64;
                    Span<short> blocks = component.Blocks.AsSpan(start, wide * 64);
                    for (int at = 0; at < blocks.Length; at += 64)
                        visitor.Visit(ref blocks[at], i == 0 ? 0 : 1, ref predictions[i]);
                }
            }
        }
    }

    /// <summary>Takes the blocks of a scan: to count their symbols or to write them.</summary>
    private interface IBlockVisitor
    {
        /// <summary>Takes the next block.</summary>
        /// <param name="block">64 levels in natural order.</param>
        /// <param name="table">0 for the first component, 1 for others.</param>
        /// <param name="prediction">The first level of the component's block before; becomes that of this one.</param>
        void Visit(ref short block, int table, ref int prediction);
    }

    private readonly struct BlockWriter(JpegScanWriter writer) : IBlockVisitor
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Visit(ref short block, int table, ref int prediction) =>
            writer.Put(ref block, table, ref prediction);
    }

    private readonly struct SymbolCounter : IBlockVisitor
    {
        public readonly long[][] Dc = [new long[256], new long[256]];
        public readonly long[][] Ac = [new long[256], new long[256]];
        private readonly short[] _coded = new short[64];

        public SymbolCounter()
        {
        }

        void IBlockVisitor.Visit(ref short block, int table, ref int prediction)
        {
            // Levels that are too large are found out when they are written.
            Dc[table][Size(block - prediction)]++;
            prediction = block;
            ref short coded = ref MemoryMarshal.GetArrayDataReference(_coded);
            int before = 0;
            for (ulong mask = ZigZag.Scan(ref block, ref coded) & ~1ul; mask != 0; mask &= mask - 1)
            {
                int k = BitOperations.TrailingZeroCount(mask), run = k - before - 1;
                before = k;
                Ac[table][0xF0] += run >> 4;
                Ac[table][(run & 15) << 4 | Math.Min(Size(_coded[k]), 15)]++;
            }

            if (before < 63)
                Ac[table][0]++;
        }
    }

    /// <summary>Writes pictures without keeping their coefficients; what it needs for one, it keeps for the next.</summary>
    private sealed class Direct
    {
        private readonly JpegSamples _samples = new();
        private readonly JpegScanWriter _scan = new();
        private readonly MemoryStream _header = new();
        private (int Width, int Height, int Channels, int Quality, ChromaSampling Sampling) _laidOut;
        private JpegCoefficients? _file;
        private JpegQuantiser[] _quantisers = [];

        public void Write(Stream stream, Picture picture, int quality, ChromaSampling sampling)
        {
            var wanted = (picture.Width, picture.Height, picture.Channels, quality, sampling);
            if (_file is null || _laidOut != wanted)
            {
                _quantisers = Quantisers(quality);
                _file = LayOut(picture, sampling, _quantisers, wholeFile: false);
                _header.SetLength(0);
                WriteHeader(_header, _file, s_dc, s_ac);
                _laidOut = wanted;
            }

            stream.Write(_header.GetBuffer(), 0, (int)_header.Length);
            _scan.Start(stream, s_dc, s_ac);
            var visitor = new BlockWriter(_scan);
            Span<int> predictions = stackalloc int[_file.Components.Count];
            predictions.Clear();
            int down = _file.Components[0].BlocksDown / _file.Components[0].VerticalFactor;
            for (int row = 0; row < down; row++)
            {
                _samples.Transform(picture, _file, _quantisers, row, 0);
                ScanRow(_file, 0, predictions, ref visitor);
            }

            _scan.Finish();
            stream.Write(EndMarker);
        }
    }
}
