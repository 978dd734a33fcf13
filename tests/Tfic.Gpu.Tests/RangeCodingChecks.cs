using ILGPU.Runtime;
using Tfic.Gpu.RangeCoding;
using Tfic.Kernels.RangeCoding;

namespace Tfic.Gpu.Tests;

/// <summary>What the coder on a GPU must hold to, on whichever accelerator.</summary>
internal static class RangeCodingChecks
{
    /// <summary>
    /// Two runs of several chunks: the bytes are those of the processor's encoder, and are decoded to the values. One
    /// object serves tables, lengths and escapes of all kinds one after the other.
    /// </summary>
    public static void CodesAsTheProcessorDoes(Accelerator accelerator, params int[] counts)
    {
        using var coding = new GpuRangeCoding(accelerator);
        SymbolEncoder encoder = coding.CreateEncoder();
        SymbolDecoder decoder = coding.CreateDecoder();
        foreach (int count in counts)
        {
            foreach (FrequencyTables tables in s_tables)
            {
                (byte[] indexes, int[] values) = Draw(tables, count);
                int cut = count / 3;
                var expected = new SymbolEncoder();
                foreach (SymbolEncoder one in new[] { expected, encoder })
                {
                    one.Clear();
                    one.Add(tables, indexes.AsSpan(0, cut), values.AsSpan(0, cut));
                    one.Add(tables, indexes.AsSpan(cut), values.AsSpan(cut));
                }

                byte[] stream = expected.FinishChunked(10).ToArray();
                Assert.Equal(stream, encoder.FinishChunked(10).ToArray());

                var decoded = new int[count];
                decoder.Start(stream, CodingMode.Chunked);
                decoder.Decode(tables, indexes.AsSpan(0, cut), decoded.AsSpan(0, cut));
                decoder.Decode(tables, indexes.AsSpan(cut), decoded.AsSpan(cut));
                decoder.End();
                Assert.Equal(values, decoded);
            }
        }
    }

    /// <summary>Of cuts and changed bytes the same comes as on the processor, which refuses most.</summary>
    public static void FaresWithDamageAsTheProcessorDoes(Accelerator accelerator, int count, int step)
    {
        using var coding = new GpuRangeCoding(accelerator);
        SymbolDecoder decoder = coding.CreateDecoder();
        (byte[] indexes, int[] values) = Draw(s_tables[0], count);
        var encoder = new SymbolEncoder();
        encoder.Add(s_tables[0], indexes, values);
        byte[] stream = encoder.FinishChunked(10).ToArray();
        int refused = 0;
        for (int at = 1; at < stream.Length; at += step)
        {
            byte[] changed = [.. stream];
            changed[at] ^= 0x10;
            foreach (byte[] damaged in new[] { changed, stream[..at] })
            {
                int[]? expected = Decode(new SymbolDecoder(), damaged);
                Assert.Equal(expected, Decode(decoder, damaged));
                refused += expected is null ? 1 : 0;
            }
        }

        Assert.InRange(refused, stream.Length / step, 2 * stream.Length);

        int[]? Decode(SymbolDecoder with, byte[] bytes)
        {
            try
            {
                var decoded = new int[count];
                with.Start(bytes, CodingMode.Chunked);
                with.Decode(s_tables[0], indexes, decoded);
                with.End();
                return decoded;
            }
            catch (TficFormatException)
            {
                return null;
            }
        }
    }

    private static readonly FrequencyTables[] s_tables =
    [
        // Nearly certain, short, flat, and with an escape that is frequent; of zero and of other centres.
        new([0, 0, 0, 0], [2, 5, 256, 3],
        [
            65535, 1,
            40000, 10000, 10000, 5000, 536,
            .. Enumerable.Repeat(256, 256),
            20000, 20000, 25536,
        ]),
        new([-7, 1 << 30], [3, 4], [1, 1, 65534, 30000, 30000, 5535, 1]),
    ];

    private static (byte[] Indexes, int[] Values) Draw(FrequencyTables tables, int count)
    {
        var random = new Random(count);
        var indexes = new byte[count];
        var values = new int[count];
        for (int i = 0; i < count; i++)
        {
            int table = random.Next(tables.Count);
            int slot = random.Next(FrequencyTables.Total);
            int symbol = 0;
            while (tables.Starts[tables.Firsts[table] + symbol + 1] <= slot)
                symbol++;
            if (symbol == tables.Lengths[table] - 1 && random.Next(4) == 0)
                symbol += random.Next(1000);
            indexes[i] = (byte)table;
            values[i] = (int)SymbolValue.FromIndex(symbol, tables.Centres[table]);
        }

        if (count > 100)
            (values[50], values[^1]) = (int.MinValue, int.MaxValue);
        return (indexes, values);
    }
}
