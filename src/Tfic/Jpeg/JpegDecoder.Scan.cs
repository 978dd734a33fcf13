using System.Buffers;
using System.Runtime.CompilerServices;
using Tfic.Kernels.Dct;

namespace Tfic.Jpeg;

internal ref partial struct JpegDecoder
{
    // T.81, B.2.3: an MCU has at most ten blocks.
    private const int LargestMcu = 10;

    private void ParseScan(ReadOnlySpan<byte> segment, int at)
    {
        Frame frame = _frame ?? throw new TficFormatException("JPEG: a scan before the frame header", at);
        int count = segment.IsEmpty ? 0 : segment[0];
        if (count < 1 || count > frame.Components.Length || segment.Length != 4 + 2 * count)
            throw new TficFormatException("JPEG: the scan header has a wrong length", at);
        var scanned = new FrameComponent[count];
        int blocksPerMcu = 0;
        for (int i = 0; i < count; i++)
        {
            byte id = segment[1 + 2 * i];
            FrameComponent component = Array.Find(frame.Components, c => c.Id == id)
                ?? throw new TficFormatException($"JPEG: a scan of the unknown component {id}", at + 1 + 2 * i);
            if (Array.IndexOf(scanned, component, 0, i) >= 0)
                throw new TficFormatException($"JPEG: a scan with component {id} twice", at + 1 + 2 * i);
            int dc = segment[2 + 2 * i] >> 4, ac = segment[2 + 2 * i] & 15;
            if (dc > 3 || ac > 3)
                throw new TficFormatException("JPEG: a scan with an unknown Huffman table", at + 2 + 2 * i);
            component.DcTable = _dcTables[dc];
            component.AcTable = _acTables[ac];
            scanned[i] = component;
            blocksPerMcu += component.Horizontal * component.Vertical;
        }

        if (count > 1 && blocksPerMcu > LargestMcu)
            throw new TficFormatException($"JPEG: {blocksPerMcu} blocks in an MCU, more than {LargestMcu}", at);
        var band = new Band(
            segment[1 + 2 * count], segment[2 + 2 * count], segment[3 + 2 * count] >> 4, segment[3 + 2 * count] & 15);
        CheckBand(frame, scanned, band, at);

        // With all components in one sequential scan, each row of MCUs becomes samples at once and its coefficients
        // are forgotten.
        bool direct = _wantsPixels && !frame.Progressive && count == frame.Components.Length;
        foreach (FrameComponent component in scanned)
        {
            if (component.Coded is not null)
                continue;
            ushort[] steps = _steps[component.StepsIndex] ?? throw new TficFormatException(
                $"JPEG: quantiser table {component.StepsIndex} is missing", at);
            int rowsHeld = direct ? component.Vertical : frame.BlocksDown(component);
            int length = checked(frame.BlocksAcross(component) * rowsHeld * 64);
            component.Coded = new JpegComponent(
                component.Id, component.Horizontal, component.Vertical, frame.SamplesAcross(component),
                frame.SamplesDown(component), frame.BlocksAcross(component), frame.BlocksDown(component),
                direct ? ArrayPool<short>.Shared.Rent(length) : new short[length]);
            steps.CopyTo(component.Coded.Steps, 0);
        }

        _scanned = true;
        JpegPixels? pixels = null;
        if (direct)
        {
            // Two rows of MCUs are held, for chroma is enlarged from samples above and below.
            _bands = [.. frame.Components.Select(
                c => ArrayPool<byte>.Shared.Rent(checked(frame.BlocksAcross(c) * 8 * c.Vertical * 8 * 2)))];
            foreach (FrameComponent component in scanned)
            {
                component.Quantiser = new JpegQuantiser(component.Coded!.Steps);
                component.Coded.Blocks.AsSpan().Clear();
            }

            pixels = new JpegPixels(MakeFile(frame), _bands, 2 * frame.Components[0].Vertical, _into);
        }

        DecodeScan(frame, scanned, band, pixels);
        Picture = pixels?.Picture;
    }

    private static void CheckBand(Frame frame, FrameComponent[] scanned, Band band, int at)
    {
        if (!frame.Progressive)
        {
            if (band is not { First: 0, Last: 63, High: 0, Low: 0 })
                throw new TficFormatException("JPEG: a sequential scan of a part of the coefficients", at);
        }
        else if (band.First == 0 ? band.Last != 0 : band.Last < band.First || band.Last > 63 || scanned.Length != 1)
        {
            throw new TficFormatException(
                $"JPEG: a progressive scan of coefficients {band.First} to {band.Last} is not valid", at);
        }

        if (band.Low > 13)
            throw new TficFormatException($"JPEG: a scan without the lowest {band.Low} bits is not valid", at);
        foreach (FrameComponent component in scanned)
        {
            bool needsDc = band.First == 0 && band.High == 0, needsAc = band.Last > 0;
            if ((needsDc && component.DcTable is null) || (needsAc && component.AcTable is null))
                throw new TficFormatException("JPEG: a scan's Huffman table is missing", at);
            if (frame.Progressive && band.First > 0 && component.Progress[0] < 0)
                throw new TficFormatException("JPEG: a scan of AC coefficients before the DC scan", at);

            // Every bit of a coefficient is coded once, and from the top. That also bounds the number of scans, and
            // with it the time that a forged file can take.
            for (int k = band.First; k <= band.Last; k++)
            {
                int known = component.Progress[k];
                if (band.High == 0 ? known >= 0 : known != band.High || band.Low != band.High - 1)
                    throw new TficFormatException("JPEG: a scan repeats or skips bits of coefficients", at);
                component.Progress[k] = (sbyte)band.Low;
            }
        }
    }

    private void DecodeScan(Frame frame, FrameComponent[] scanned, Band band, JpegPixels? pixels)
    {
        // A scan of one component has no MCUs: it runs over the component's own blocks, without padding.
        bool single = scanned.Length == 1;
        int across = single ? Frame.Blocks(frame.SamplesAcross(scanned[0])) : frame.McusAcross;
        int down = single ? Frame.Blocks(frame.SamplesDown(scanned[0])) : frame.McusDown;

        var reader = new JpegBitReader(_bytes, _at);
        int untilRestart = _restartInterval, restart = 0, endOfBandRun = 0;
        foreach (FrameComponent component in scanned)
            component.Prediction = 0;
        for (int row = 0; row < down; row++)
        {
            for (int column = 0; column < across; column++)
            {
                if (_restartInterval != 0 && untilRestart-- == 0)
                {
                    untilRestart = _restartInterval - 1;
                    endOfBandRun = 0;
                    foreach (FrameComponent component in scanned)
                        component.Prediction = 0;
                    Restart(ref reader, restart++ & 7);
                }

                foreach (FrameComponent component in scanned)
                {
                    JpegComponent coded = component.Coded!;
                    int high = single ? 1 : component.Vertical, wide = single ? 1 : component.Horizontal;
                    for (int v = 0; v < high; v++)
                    {
                        int blockRow = (pixels is not null ? 0 : row * high) + v;
                        for (int h = 0; h < wide; h++)
                        {
                            Span<short> block = coded.Blocks.AsSpan(
                                (blockRow * coded.BlocksAcross + column * wide + h) * 64, 64);
                            if (!frame.Progressive)
                                reader.DecodeBlock(component.DcTable!, component.AcTable!, ref component.Prediction, ref block[0]);
                            else if (band.First == 0)
                                DecodeDc(ref reader, component, block, band);
                            else if (band.High == 0)
                                DecodeAc(ref reader, component.AcTable!, block, band, ref endOfBandRun);
                            else
                                RefineAc(ref reader, component.AcTable!, block, band, ref endOfBandRun);
                        }
                    }
                }

                if (reader.Overrun)
                    throw new TficFormatException(
                        "JPEG: the coded data end too early; the file is truncated or damaged", reader.Position);
            }

            if (pixels is not null)
                MakeSamples(frame, scanned, row, single, pixels);
        }

        _at = reader.Position;
    }

    private readonly void MakeSamples(
        Frame frame, FrameComponent[] scanned, int row, bool single, JpegPixels pixels)
    {
        // A scan of one component has rows of blocks for rows of MCUs, and the picture is as high as the component.
        int rows = 8 * (single ? 1 : frame.LargestVertical);
        foreach (FrameComponent component in scanned)
        {
            JpegComponent coded = component.Coded!;
            byte[] band = _bands[Array.IndexOf(frame.Components, component)];
            int stride = coded.BlocksAcross * 8, high = single ? 1 : component.Vertical, held = 2 * component.Vertical;
            for (int v = 0; v < high; v++)
            {
                int start = (row * high + v) % held * 8 * stride;
                JpegDct.Inverse(coded.BlockRow(v), component.Quantiser!, band.AsSpan(start, 8 * stride), stride);
            }

            coded.Blocks.AsSpan(0, coded.BlocksAcross * high * 64).Clear();
        }

        pixels.FinishRows((row + 1) * rows);
    }

    private void Restart(ref JpegBitReader reader, int expected)
    {
        _at = reader.Position;
        int marker = NextMarker(out int markerAt);
        if (marker != 0xD0 + expected)
            throw new TficFormatException(
                $"JPEG: restart marker {expected} is missing; the file is damaged", markerAt);
        reader.Restart(_at);
    }

    private static TficFormatException Damaged(in JpegBitReader reader) =>
        new("JPEG: the coded data are damaged", reader.Position);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int TakeDcDifference(ref JpegBitReader reader, HuffmanDecodingTable table)
    {
        reader.Need32();
        int size = reader.Decode(table);
        if (size > 15)
            throw Damaged(reader);
        return reader.TakeExtended(size);
    }

    private static void DecodeDc(ref JpegBitReader reader, FrameComponent component, Span<short> block, Band band)
    {
        if (band.High == 0)
        {
            component.Prediction += TakeDcDifference(ref reader, component.DcTable!);
            block[0] = (short)(component.Prediction << band.Low);
        }
        else
        {
            reader.Need32();
            block[0] |= (short)(reader.Take(1) << band.Low);
        }
    }

    private static void DecodeAc(
        ref JpegBitReader reader, HuffmanDecodingTable table, Span<short> block, Band band, ref int endOfBandRun)
    {
        if (endOfBandRun > 0)
        {
            endOfBandRun--;
            return;
        }

        for (int k = band.First; k <= band.Last; k++)
        {
            reader.Need32();
            int symbol = reader.Decode(table);
            int run = symbol >> 4, size = symbol & 15;
            if (size == 0)
            {
                if (run < 15)
                {
                    // The band ends here, in this block and in as many after it.
                    endOfBandRun = (1 << run) - 1 + (run == 0 ? 0 : reader.Take(run));
                    return;
                }

                k += 15;
                continue;
            }

            k += run;
            if (k > band.Last)
                throw Damaged(reader);
            block[ZigZag.Natural[k]] = (short)(reader.TakeExtended(size) << band.Low);
        }
    }

    private static void RefineAc(
        ref JpegBitReader reader, HuffmanDecodingTable table, Span<short> block, Band band, ref int endOfBandRun)
    {
        int bit = 1 << band.Low;
        int k = band.First;
        while (endOfBandRun == 0 && k <= band.Last)
        {
            reader.Need32();
            int symbol = reader.Decode(table);
            int run = symbol >> 4, size = symbol & 15;
            int value = 0;
            if (size == 1)
                value = reader.Take(1) == 1 ? bit : -bit;
            else if (size > 1)
                throw Damaged(reader);
            else if (run < 15)
            {
                endOfBandRun = (1 << run) + (run == 0 ? 0 : reader.Take(run));
                break;
            }

            // The run counts coefficients that are still zero; those that are not get their next bit on the way.
            for (; k <= band.Last; k++)
            {
                ref short coefficient = ref block[ZigZag.Natural[k]];
                if (coefficient != 0)
                    Refine(ref reader, ref coefficient, bit);
                else if (run-- == 0)
                    break;
            }

            if (value != 0)
            {
                if (k > band.Last)
                    throw Damaged(reader);
                block[ZigZag.Natural[k]] = (short)value;
            }

            k++;
        }

        if (endOfBandRun == 0)
            return;
        endOfBandRun--;
        for (; k <= band.Last; k++)
        {
            ref short coefficient = ref block[ZigZag.Natural[k]];
            if (coefficient != 0)
                Refine(ref reader, ref coefficient, bit);
        }
    }

    private static void Refine(ref JpegBitReader reader, ref short coefficient, int bit)
    {
        reader.Need32();
        if (reader.Take(1) == 1)
            coefficient += (short)(coefficient > 0 ? bit : -bit);
    }

    /// <summary>Which coefficients, in coding order, and which of their bits a scan holds.</summary>
    /// <param name="First">First coefficient.</param>
    /// <param name="Last">Last coefficient.</param>
    /// <param name="High">Lowest bit known before the scan; 0 where nothing is known.</param>
    /// <param name="Low">Lowest bit known after it.</param>
    private readonly record struct Band(int First, int Last, int High, int Low);
}
