using System.Runtime.InteropServices;
using Tfic.Kernels;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Tests.Kernels.RangeCoding;

public class CodingTests
{
    private static readonly FrequencyTables s_gaussians = IntegerPriorExport.GaussianTables();

    /// <summary>
    /// Tables that break what the fast rows like: centres that are not 0, more tables and more symbols than registers
    /// hold, probabilities that rise, an escape that owns nearly all slots, and the longest table there is.
    /// </summary>
    private static readonly FrequencyTables s_strange = MakeStrangeTables(0, 100);

    /// <summary>Those of them that registers do hold.</summary>
    private static readonly FrequencyTables s_strangeFew = MakeStrangeTables(1, 30);

    /// <summary>Uneven counts: around the lanes, around vectors, and two that are longer than a chunk.</summary>
    private static readonly int[] s_counts = [0, 1, 2, 7, 8, 31, 32, 33, 63, 64, 65, 100, 1000, 1024, 1025, 20011];

    public static TheoryData<CodingMode, string> DecodingRows()
    {
        var rows = new TheoryData<CodingMode, string>();
        foreach (var row in RangeDecoding.Table.Rows)
            rows.Add(CodingMode.Range, row.Name);
        foreach (var row in RansDecoding.Table.Rows)
        {
            rows.Add(CodingMode.Interleaved, row.Name);
            rows.Add(CodingMode.Chunked, row.Name);
        }

        return rows;
    }

    public static TheoryData<string> EncodingRows() => new(RansEncoding.Table.Rows.Select(row => row.Name));

    public static TheoryData<string> LookupRows() => new(IntervalLookup.Table.Rows.Select(row => row.Name));

    /// <summary>Values drawn from tables that are drawn themselves.</summary>
    internal static (byte[] Indexes, int[] Values) Draw(FrequencyTables tables, int count, int seed, int tableLimit)
    {
        var random = new Random(seed);
        var indexes = new byte[count];
        var values = new int[count];
        for (int i = 0; i < count; i++)
        {
            int table = random.Next(tableLimit);
            int slot = random.Next(FrequencyTables.Total);
            ReadOnlySpan<uint> starts = tables.Starts.Slice(tables.Firsts[table], tables.Lengths[table]);
            int found = starts.BinarySearch((uint)slot);
            int symbol = found < 0 ? ~found - 1 : found;
            indexes[i] = (byte)table;
            int escape = tables.Lengths[table] - 1;
            values[i] = (int)SymbolValue.FromIndex(symbol, tables.Centres[table]);
            if (symbol == escape)
                values[i] = (int)SymbolValue.FromIndex(symbol + random.Next(1000), tables.Centres[table]);
        }

        return (indexes, values);
    }

    /// <summary>Every decoding row on Gaussian tables and on strange ones, in two runs, with the largest escapes.</summary>
    [SkippableTheory]
    [MemberData(nameof(DecodingRows))]
    public void EveryRowDecodesWhatWasCoded(CodingMode mode, string row)
    {
        SkipUnlessSupported(mode == CodingMode.Range ? RangeDecoding.Table : RansDecoding.Table, row);
        var encoder = new SymbolEncoder();
        foreach (int count in s_counts)
        {
            foreach ((FrequencyTables tables, int limit) in new[] { (s_gaussians, 1), (s_gaussians, 12),
                (s_gaussians, 64), (s_strange, 100), (s_strangeFew, 30) })
            {
                (byte[] indexes, int[] values) = Draw(tables, count, (count * 64) + limit, limit);
                if (count > 40)
                {
                    values[3] = int.MaxValue;
                    values[17] = int.MinValue;
                    values[^1] = -100_000;
                }

                // Two runs, so that the second starts in the middle of the lanes.
                int cut = count / 3;
                encoder.Clear();
                encoder.Add(tables, indexes.AsSpan(0, cut), values.AsSpan(0, cut));
                encoder.Add(tables, indexes.AsSpan(cut), values.AsSpan(cut));
                byte[] stream = (mode == CodingMode.Chunked ? encoder.FinishChunked(10) : encoder.Finish(mode)).ToArray();

                foreach (int threads in mode == CodingMode.Chunked ? new[] { 1, 3 } : [1])
                {
                    var decoder = new SymbolDecoder(row, threads);
                    var decoded = new int[count];
                    decoder.Start(stream, mode);
                    decoder.Decode(tables, indexes.AsSpan(0, cut), decoded.AsSpan(0, cut));
                    decoder.Decode(tables, indexes.AsSpan(cut), decoded.AsSpan(cut));
                    decoder.End();
                    Assert.Equal(values, decoded);
                }
            }
        }
    }

    /// <summary>The tables of the tests above are those for which rows are made, and those for which they are not.</summary>
    [Fact]
    public void StrangeTablesAreAndAreNotHeldInRegisters()
    {
        Assert.True(s_gaussians.FitVectors);
        Assert.True(s_strangeFew.FitVectors);
        Assert.False(s_strange.FitVectors);
    }

    [SkippableTheory]
    [MemberData(nameof(EncodingRows))]
    public void EveryRowWritesTheReferencesBytes(string row)
    {
        SkipUnlessSupported(RansEncoding.Table, row);
        RansEncodingKernel kernel = RansEncoding.Table.Rows.Single(r => r.Name == row).Kernel;
        var random = new Random(5);
        foreach (int count in s_counts)
        {
            // Frequencies of every magnitude, in any order; the states then pass through their whole range.
            var intervals = new Interval[count];
            foreach (ref Interval interval in intervals.AsSpan())
            {
                int frequency = Math.Max(1, random.Next(1 << 16) >> random.Next(17));
                interval = new Interval((ushort)random.Next((1 << 16) - frequency + 1), (ushort)frequency);
            }

            byte[] Encode(RansEncodingKernel rows)
            {
                var output = new byte[(2 * count) + RansEncoding.Padding];
                RansEncoderState state = RansEncoderState.Start(count);
                int cut = count / 3;
                rows(ref state, intervals.AsSpan(cut), output);
                rows(ref state, intervals.AsSpan(0, cut), output);
                return state.Finish(output).ToArray();
            }

            Assert.Equal(Encode(RansEncoding.Reference), Encode(kernel));
        }
    }

    /// <summary>
    /// Quotients that are whole numbers, and just below, for every frequency: where a division that is a little off
    /// would show.
    /// </summary>
    [SkippableTheory]
    [MemberData(nameof(EncodingRows))]
    public void EveryRowDividesExactly(string row)
    {
        SkipUnlessSupported(RansEncoding.Table, row);
        RansEncodingKernel kernel = RansEncoding.Table.Rows.Single(r => r.Name == row).Kernel;
        var intervals = new Interval[RansLanes.Count];
        var output = new byte[1000];
        for (uint frequency = 1; frequency < 65536; frequency += frequency < 4000 ? 1u : 37u)
        {
            intervals.AsSpan().Fill(new Interval(0, (ushort)frequency));
            RansEncoderState expected = RansEncoderState.Start(RansLanes.Count);
            uint highest = (frequency << 16) - 1;
            uint lowest = Math.Min(RansLanes.Least, highest);
            for (int lane = 0; lane < RansLanes.Count; lane++)
            {
                uint near = lowest + (uint)((highest - lowest) * (ulong)(uint)(lane / 2) / 15);
                uint whole = near / frequency * frequency;
                expected.States[lane] = Math.Max(whole - (uint)(lane % 2), RansLanes.Least);
            }

            RansEncoderState actual = expected;
            RansEncoding.Reference(ref expected, intervals, output);
            kernel(ref actual, intervals, output);
            for (int lane = 0; lane < RansLanes.Count; lane++)
                Assert.Equal(expected.States[lane], actual.States[lane]);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(LookupRows))]
    public void EveryRowFindsTheReferencesIntervals(string row)
    {
        SkipUnlessSupported(IntervalLookup.Table, row);
        IntervalLookupKernel kernel = IntervalLookup.Table.Rows.Single(r => r.Name == row).Kernel;
        foreach (int count in s_counts)
        {
            foreach ((FrequencyTables tables, int limit) in new[]
            {
                (s_gaussians, 64), (s_strange, 100), (s_strangeFew, 30),
            })
            {
                (byte[] indexes, int[] values) = Draw(tables, count, count, limit);
                int[] extremes = [int.MinValue, int.MaxValue, int.MinValue + 1, 1 << 30, -(1 << 30) - 1];
                for (int i = 5; i < count; i += 3)
                    values[i] = extremes[i % extremes.Length];
                var expected = new Interval[count];
                var actual = new Interval[count];
                Assert.Equal(
                    IntervalLookup.Reference(tables, indexes, values, expected),
                    kernel(tables, indexes, values, actual));
                Assert.Equal(expected, actual);
            }
        }
    }

    /// <summary>Every size around the switches from one lane to 32 and from there to chunks, and from nothing on.</summary>
    [Theory]
    [InlineData(0, 64)]
    [InlineData(1, 64)]
    [InlineData(2, 64)]
    [InlineData(49152, 1)]
    [InlineData(49152, 4)]
    [InlineData(10, 64)]
    [InlineData(100, 10)]
    [InlineData(1000, 20)]
    [InlineData(47_500, 64)]
    [InlineData(48_500, 64)]
    [InlineData(50_000, 64)]
    [InlineData(110_000, 64)]
    [InlineData(120_000, 64)]
    [InlineData(300_000, 2)]
    [InlineData(300_000, 64)]
    public void SizeIsTheInformationContent(int count, int limit)
    {
        var encoder = new SymbolEncoder();
        for (int seed = 0; seed < (count > 1000 ? 2 : 200); seed++)
        {
            (byte[] indexes, int[] values) = Draw(s_gaussians, count, seed, limit);
            encoder.Clear();
            encoder.Add(s_gaussians, indexes, values);
            double sum = 0;
            for (int i = 0; i < count; i++)
                sum += s_gaussians.Bits(indexes[i], values[i]);
            Assert.Equal(sum, encoder.InformationBits, 1e-6 * (1 + sum));
            int bytes = encoder.Finish(out CodingMode mode).Length;
            Assert.InRange(bytes, Math.Floor(sum / 8 * 0.999) - 2, (sum / 8 * 1.005) + 4);

            // What decides the mode knows the information to a few percent.
            if (sum / 8 < 0.8 * SymbolEncoder.InterleavedFromBytes)
                Assert.Equal(CodingMode.Range, mode);
            if (sum / 8 > SymbolEncoder.InterleavedFromBytes)
                Assert.NotEqual(CodingMode.Range, mode);

            // The range coder's own promise is stronger.
            if (mode == CodingMode.Range)
                Assert.InRange(bytes, 0, (sum * 1.0001 / 8) + 1.125);
        }
    }

    /// <summary>
    /// Values that the tables did not foresee: each table's rarest, its commonest, an escape each time, and any symbol
    /// as often as any other. The mode is the encoder's choice, so every mode is met.
    /// </summary>
    [Fact]
    public void SizeIsTheInformationContentWhateverIsCoded()
    {
        var random = new Random(1);
        var encoder = new SymbolEncoder();
        var modes = new HashSet<CodingMode>();
        foreach (int count in new[] { 300, 10_000, 14_500, 30_000, 200_000 })
        {
            for (int kind = 0; kind < 5; kind++)
            {
                var indexes = new byte[count];
                var values = new int[count];
                for (int i = 0; i < count; i++)
                {
                    int table = kind == 4 ? 0 : random.Next(64);
                    int symbols = s_gaussians.Lengths[table];
                    indexes[i] = (byte)table;
                    values[i] = (int)SymbolValue.FromIndex(
                        kind switch { 0 => symbols - 2, 1 => 0, 2 => symbols - 1, 3 => random.Next(symbols), _ => 7 },
                        0);
                }

                encoder.Clear();
                foreach (Range run in new[] { 0..(count / 48), (count / 48)..(count / 2), (count / 2)..count })
                    encoder.Add(s_gaussians, indexes.AsSpan(run), values.AsSpan(run));
                int bytes = encoder.Finish(out CodingMode mode).Length;
                Assert.InRange(bytes, 0, (encoder.InformationBits / 8 * 1.005) + 4);
                modes.Add(mode);
            }
        }

        Assert.Equal(3, modes.Count);
    }

    /// <summary>
    /// A hundred million values, in a hundred runs: chunks of 0.9 bits a value, and, in one lane, the most certain values
    /// that a table can have, all the same but for the last one, which takes the longest way round what is lost on each.
    /// </summary>
    [Theory]
    [InlineData(24, CodingMode.Chunked)]
    [InlineData(0, CodingMode.Range)]
    public void SizeIsTheInformationContentOfAHundredMillionValues(int tables, CodingMode expected)
    {
        const int Runs = 100, Length = 1_000_000;
        (byte[] indexes, int[] values) = tables > 0
            ? Draw(s_gaussians, Length, 7, tables)
            : (new byte[Length], new int[Length]);
        int[] last = [.. values];
        last[^1] = 1;
        double bits = 0;
        for (int i = 0; i < Length; i++)
            bits += s_gaussians.Bits(indexes[i], values[i]);
        bits = (Runs * bits) - s_gaussians.Bits(indexes[^1], values[^1]) + s_gaussians.Bits(indexes[^1], 1);

        var encoder = new SymbolEncoder(2);
        for (int run = 0; run < Runs; run++)
            encoder.Add(s_gaussians, indexes, run < Runs - 1 ? values : last);
        byte[] stream = encoder.Finish(out CodingMode mode).ToArray();
        Assert.Equal(expected, mode);
        Assert.InRange(stream.Length, Math.Floor(bits / 8 * 0.9999) - 2, (bits / 8 * 1.005) + 4);

        var decoder = new SymbolDecoder(2);
        var decoded = new int[Length];
        decoder.Start(stream, mode);
        for (int run = 0; run < Runs; run++)
        {
            decoder.Decode(s_gaussians, indexes, decoded);
            Assert.True((run < Runs - 1 ? values : last).AsSpan().SequenceEqual(decoded));
        }

        decoder.End();
    }

    /// <summary>Eight million values: the size, that the mode is chunks, and that threads change nothing.</summary>
    [Fact]
    public void LongStreamsAreChunks()
    {
        const int Repeats = 8, Length = 1 << 20;
        (byte[] part, int[] partValues) = Draw(s_gaussians, Length, 3, 24);
        var indexes = new byte[Repeats * Length];
        var values = new int[indexes.Length];
        for (int i = 0; i < Repeats; i++)
        {
            part.CopyTo(indexes, i * Length);
            partValues.CopyTo(values, i * Length);
        }

        var encoder = new SymbolEncoder();
        encoder.Add(s_gaussians, indexes, values);
        byte[] stream = encoder.Finish(out CodingMode mode).ToArray();
        Assert.Equal(CodingMode.Chunked, mode);
        Assert.InRange(stream.Length, encoder.InformationBits / 8, encoder.InformationBits / 8 * 1.005);

        var threaded = new SymbolEncoder(3);
        threaded.Add(s_gaussians, indexes, values);
        Assert.True(stream.AsSpan().SequenceEqual(threaded.Finish(out _)));

        var decoded = new int[values.Length];
        var decoder = new SymbolDecoder(3);
        decoder.Start(stream, mode);
        decoder.Decode(s_gaussians, indexes, decoded);
        decoder.End();
        Assert.True(values.AsSpan().SequenceEqual(decoded));
    }

    [Fact]
    public void NothingAndCertaintyCostNothing()
    {
        var encoder = new SymbolEncoder();
        Assert.Equal(0, encoder.Finish(out CodingMode mode).Length);
        Assert.Equal(CodingMode.Range, mode);

        // Every latent of a 512 × 256 picture zero at the least scale.
        encoder.Add(s_gaussians, new byte[49152], new int[49152]);
        Assert.InRange(encoder.InformationBits, 0, 2);
        Assert.Equal(0, encoder.Finish(out _).Length);
    }

    /// <summary>
    /// Every cut, every flipped bit and bytes behind the end, in every mode and row: values that may be wrong, or the
    /// library's own exception, and nothing else. Lanes notice every one; the range coder, which wastes no bits on
    /// that, some.
    /// </summary>
    [SkippableTheory]
    [MemberData(nameof(DecodingRows))]
    public void DamageIsRefusedOrDecoded(CodingMode mode, string row)
    {
        SkipUnlessSupported(mode == CodingMode.Range ? RangeDecoding.Table : RansDecoding.Table, row);
        (byte[] indexes, int[] values) = Draw(s_gaussians, 1100, 9, 40);
        values[50] = int.MinValue;
        var encoder = new SymbolEncoder();
        encoder.Add(s_gaussians, indexes, values);
        byte[] stream = (mode == CodingMode.Chunked ? encoder.FinishChunked(10) : encoder.Finish(mode)).ToArray();
        var decoder = new SymbolDecoder(row);
        var decoded = new int[values.Length];

        bool IsRefused(ReadOnlyMemory<byte> bytes)
        {
            try
            {
                decoder.Start(bytes, mode);
                decoder.Decode(s_gaussians, indexes, decoded);
                decoder.End();
                return false;
            }
            catch (TficFormatException)
            {
                return true;
            }
        }

        Assert.False(IsRefused(stream));
        Assert.True(IsRefused((byte[])[.. stream, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
        int refused = 0;
        for (int length = 0; length < stream.Length; length++)
            refused += IsRefused(stream.AsMemory(0, length)) ? 1 : 0;
        if (mode != CodingMode.Range)
            Assert.Equal(stream.Length, refused);

        for (int bit = 0; bit < 8 * stream.Length; bit++)
        {
            byte[] damaged = [.. stream];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            refused += IsRefused(damaged) ? 1 : 0;
        }

        Assert.InRange(refused, mode == CodingMode.Range ? 1 : 8 * stream.Length, 9 * stream.Length);
        Assert.False(IsRefused(stream));
    }

    /// <summary>Headers that promise more chunks or bytes than there are cost no memory.</summary>
    [Fact]
    public void HostileChunkHeadersAreRefusedBeforeMemoryIsTaken()
    {
        var decoder = new SymbolDecoder();
        foreach (int bits in new[] { 0, 9, 31, 255 })
            Assert.Throws<TficFormatException>(() => decoder.Start(new byte[] { (byte)bits }, CodingMode.Chunked));
        Assert.Throws<TficFormatException>(() => decoder.Start(Array.Empty<byte>(), CodingMode.Chunked));

        // A million values in chunks of a thousand, of which the stream has room for three.
        var indexes = new byte[1 << 20];
        var values = new int[indexes.Length];
        byte[] stream = new byte[500];
        stream[0] = 10;
        stream.AsSpan(1, 12).Fill(0xFF);
        decoder.Start(stream, CodingMode.Chunked);
        Assert.Throws<TficFormatException>(() => decoder.Decode(s_gaussians, indexes, values));
        decoder.Start(stream, CodingMode.Chunked);
        Assert.Throws<TficFormatException>(
            () => decoder.Decode(s_gaussians, indexes.AsSpan(0, 3072), values.AsSpan(0, 3072)));
    }

    private static void SkipUnlessSupported(VariantTable table, string row) =>
        Skip.IfNot(table.Variants.Single(r => r.Name == row).IsSupported, $"This machine cannot run row '{row}'.");

    private static FrequencyTables MakeStrangeTables(int from, int count)
    {
        var random = new Random(8);
        var centres = new int[100];
        var lengths = new int[100];
        var frequencies = new List<int>();
        for (int t = 0; t < 100; t++)
        {
            centres[t] = random.Next(-1000, 1000);
            int[] table = t switch
            {
                0 => [.. Enumerable.Repeat(1, FrequencyTables.Total)],
                1 => [1, 65535],
                2 => [65535, 1],
                3 => [1, 1, 65534],
                4 => [.. Enumerable.Repeat(1, 500), 65036],
                _ => Random(random.Next(2, 600)),
            };
            lengths[t] = table.Length;
            frequencies.AddRange(table);
        }

        centres[5] = FrequencyTables.MaxCentre;
        centres[6] = -FrequencyTables.MaxCentre;
        int[] skipped = lengths[..from], taken = lengths[from..(from + count)];
        return new FrequencyTables(
            centres.AsSpan(from, count), taken, frequencies[skipped.Sum()..(skipped.Sum() + taken.Sum())].ToArray());

        int[] Random(int length)
        {
            int[] cuts = [.. Enumerable.Range(0, length - 1).Select(_ => random.Next(FrequencyTables.Total - length))];
            Array.Sort(cuts);
            int[] table = new int[length];
            for (int k = 0; k < length; k++)
                table[k] = 1 + (k < length - 1 ? cuts[k] : FrequencyTables.Total - length) - (k > 0 ? cuts[k - 1] : 0);
            return table;
        }
    }
}
