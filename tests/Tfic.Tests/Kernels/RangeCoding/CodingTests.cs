using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Tests.Kernels.RangeCoding;

public class CodingTests
{
    private static readonly FrequencyTables s_gaussians = IntegerPriorExport.GaussianTables();

    public static TheoryData<CodingMode, string> DecodingRows()
    {
        var rows = new TheoryData<CodingMode, string>();
        foreach (var row in RangeDecoding.Table.Rows)
            rows.Add(CodingMode.Range, row.Name);
        foreach (var row in RansDecoding.Table.Rows)
            rows.Add(CodingMode.Interleaved, row.Name);
        return rows;
    }

    /// <summary>Latent-like data: scale indexes in runs, values drawn from the tables themselves.</summary>
    internal static (byte[] Indexes, int[] Values) Draw(FrequencyTables tables, int count, int seed, int tableLimit)
    {
        var random = new Random(seed);
        var indexes = new byte[count];
        var values = new int[count];
        for (int i = 0; i < count; i++)
        {
            int table = random.Next(tableLimit);
            int slot = random.Next(FrequencyTables.Total);
            int symbol = 0;
            while (tables.Starts[tables.Firsts[table] + symbol + 1] <= slot)
                symbol++;
            indexes[i] = (byte)table;
            int escape = tables.Lengths[table] - 1;
            values[i] = (int)SymbolValue.FromIndex(symbol, tables.Centres[table]);
            if (symbol == escape)
                values[i] *= 1 + random.Next(3);
        }

        return (indexes, values);
    }

    [SkippableTheory]
    [MemberData(nameof(DecodingRows))]
    public void EveryRowDecodesWhatWasCoded(CodingMode mode, string row)
    {
        var encoder = new SymbolEncoder();
        foreach (int count in new[] { 0, 1, 2, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100, 1000, 20011 })
        {
            foreach (int limit in new[] { 1, 12, 64 })
            {
                (byte[] indexes, int[] values) = Draw(s_gaussians, count, (count * 64) + limit, limit);
                if (count > 40)
                {
                    values[3] = int.MaxValue;
                    values[17] = int.MinValue;
                    values[^1] = -100_000;
                }

                // Two runs, so that the second starts in the middle of the lanes.
                int cut = count / 3;
                encoder.Clear();
                encoder.Add(s_gaussians, indexes.AsSpan(0, cut), values.AsSpan(0, cut));
                encoder.Add(s_gaussians, indexes.AsSpan(cut), values.AsSpan(cut));
                byte[] stream = encoder.Finish(mode).ToArray();

                int[] first = Decode(mode, row, stream, indexes.AsSpan(0, cut), indexes.AsSpan(cut));
                Assert.Equal(values, first);
            }
        }
    }

    private static int[] Decode(
        CodingMode mode, string row, byte[] stream, ReadOnlySpan<byte> indexes0, ReadOnlySpan<byte> indexes1)
    {
        bool supported = mode == CodingMode.Range
            ? RangeDecoding.Table.Rows.Single(r => r.Name == row).IsSupported
            : RansDecoding.Table.Rows.Single(r => r.Name == row).IsSupported;
        Skip.IfNot(supported, $"This machine cannot run row '{row}'.");
        var decoder = new SymbolDecoder(row);
        var values = new int[indexes0.Length + indexes1.Length];
        decoder.Start(stream, mode);
        decoder.Decode(s_gaussians, indexes0, values.AsSpan(0, indexes0.Length));
        decoder.Decode(s_gaussians, indexes1, values.AsSpan(indexes0.Length));
        decoder.End();
        return values;
    }

    [Theory]
    [InlineData(0, 64)]
    [InlineData(1, 64)]
    [InlineData(2, 64)]
    [InlineData(49152, 1)]
    [InlineData(49152, 4)]
    [InlineData(10, 64)]
    [InlineData(100, 10)]
    [InlineData(1000, 20)]
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
            Assert.Equal(sum >= SymbolEncoder.InterleavedFromBits, mode == CodingMode.Interleaved);
            Assert.InRange(bytes, Math.Floor(sum / 8 * 0.999) - 2, (sum / 8 * 1.005) + 4);

            // The range coder's own promise is stronger.
            if (mode == CodingMode.Range)
                Assert.InRange(bytes, 0, (sum * 1.0001 / 8) + 1.125);
        }
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
}
