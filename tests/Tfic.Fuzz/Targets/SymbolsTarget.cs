using Tfic.Kernels;
using Tfic.Kernels.RangeCoding;

namespace Tfic.Fuzz.Targets;

/// <summary>
/// The symbol decoder in every mode and with every row that runs here, which must all fare alike. The first bytes of
/// an input say what is asked of the decoder, the rest is the coded stream.
/// </summary>
internal sealed class SymbolsTarget : Target
{
    /// <summary>Byte 0: mode; 1: set of tables; 2 and 3: number of values; 4: how table indexes are drawn.</summary>
    private const int HeadLength = 5;

    private const int MaxValues = 1024;

    // The reference searches a table from its front.
    private const int MaxValuesOfLargeTable = 32;

    private static readonly CodingMode[] s_modes = Enum.GetValues<CodingMode>();
    private static readonly Lazy<FrequencyTables[]> s_tables = new(MakeTables);
    private static readonly Lazy<(VariantChoice Choice, SymbolDecoder Decoder)[]> s_rows = new(MakeRows);

    public override string Name => "symbols";

    public override int MaxLength => 1 << 13;

    // Nothing but buffers for the symbols of a run, in each row's decoder.
    public override long MaxAllocation(int length) => s_rows.Value.Length * 64L * MaxValues;

    public override IEnumerable<byte[]> Seeds()
    {
        var random = new FuzzRandom(5);
        var encoder = new SymbolEncoder();
        foreach (CodingMode mode in s_modes)
        {
            for (int set = 0; set < s_tables.Value.Length; set++)
            {
                foreach (int wanted in new[] { 0, 1, 3, 32, 200, 1000 })
                {
                    FrequencyTables tables = s_tables.Value[set];
                    byte[] head = [(byte)mode, (byte)set, (byte)wanted, (byte)(wanted >> 8), random.Byte()];
                    byte[] indexes = Indexes(head, tables);
                    encoder.Clear();
                    foreach (Range run in Runs(indexes.Length))
                    {
                        byte[] of = indexes[run];
                        encoder.Add(tables, of, [.. of.Select(table => Draw(tables, table, random))]);
                    }

                    yield return [.. head, .. encoder.Finish(mode)];
                }
            }
        }
    }

    public override byte[] Mutate(byte[] input, byte[] other, FuzzRandom random)
    {
        if (input.Length < HeadLength)
            return Mutations.Bytes(input, other, random, MaxLength);
        byte[] head = input[..HeadLength];
        ReadOnlySpan<byte> rest = input.AsSpan(HeadLength);
        if (random.OneIn(6))
            Mutations.InPlace(head, random);
        if (random.OneIn(6))
            return [.. head, .. rest];
        byte[] changed = Mutations.Bytes(
            rest, other.AsSpan(Math.Min(HeadLength, other.Length)), random, MaxLength - HeadLength);
        return [.. head, .. changed];
    }

    public override string Run(ReadOnlyMemory<byte> input)
    {
        if (input.Length < HeadLength)
            return "no head";
        ReadOnlySpan<byte> head = input.Span[..HeadLength];
        CodingMode mode = s_modes[head[0] % s_modes.Length];
        FrequencyTables tables = s_tables.Value[head[1] % s_tables.Value.Length];
        byte[] indexes = Indexes(head, tables);
        ReadOnlyMemory<byte> stream = input[HeadLength..];

        int[]? expected = null;
        TficFormatException? refusal = null;
        VariantChoice before = VariantChoice.Current;
        try
        {
            for (int i = 0; i < s_rows.Value.Length; i++)
            {
                (VariantChoice choice, SymbolDecoder decoder) = s_rows.Value[i];
                VariantChoice.Current = choice;
                var values = new int[indexes.Length];
                TficFormatException? refused = null;
                try
                {
                    decoder.Start(stream, mode, HeadLength);
                    foreach (Range run in Runs(values.Length))
                        decoder.Decode(tables, indexes.AsSpan(run), values.AsSpan(run));
                    decoder.End();
                }
                catch (TficFormatException e)
                {
                    refused = e;
                }

                if (i == 0)
                    (expected, refusal) = (values, refused);
                else if ((refused is null) != (refusal is null))
                    throw new PromiseBrokenException($"{Row(choice)} and the reference differ: {refused ?? refusal}");
                else if (refused is null && !values.AsSpan().SequenceEqual(expected))
                    throw new PromiseBrokenException($"{Row(choice)} decodes other values than the reference.");
            }
        }
        finally
        {
            VariantChoice.Current = before;
        }

        if (refusal is not null)
            throw new TficFormatException("refused", refusal.Offset, refusal);
        return $"{mode} {head[1] % s_tables.Value.Length} {Magnitude(indexes.Length)} {Magnitude(stream.Length)}";
    }

    private static string Row(VariantChoice choice) =>
        string.Join(';', choice.Entries.Select(entry => $"{entry.Kernel}={entry.Row}"));

    /// <summary>The references first, then every other supported row of every decoding kernel by itself.</summary>
    private static (VariantChoice, SymbolDecoder)[] MakeRows()
    {
        VariantTable[] decoding =
            [.. KernelTables.All.Where(table => table.Kernel.EndsWith("-decoding", StringComparison.Ordinal))];
        if (decoding.Length == 0)
            throw new InvalidOperationException("There is no kernel whose name ends in '-decoding'.");
        string references = string.Join(';', decoding.Select(table => $"{table.Kernel}={table.Variants[0].Name}"));
        IEnumerable<string> others = decoding.SelectMany(table => table.Variants.Skip(1)
            .Where(row => row.IsSupported).Select(row => $"{references};{table.Kernel}={row.Name}"));
        return [.. others.Prepend(references).Select(text => (VariantChoice.Parse(text), new SymbolDecoder()))];
    }

    /// <summary>Values come in two runs, as they do in a file.</summary>
    private static Range[] Runs(int count) => [new(0, count / 4), new(count / 4, count)];

    private static byte[] Indexes(ReadOnlySpan<byte> head, FrequencyTables tables)
    {
        int most = tables.Frequencies.Length >= FrequencyTables.Total ? MaxValuesOfLargeTable : MaxValues;
        int count = (head[2] | (head[3] << 8)) % (most + 1);
        var random = new FuzzRandom(head[4]);
        var indexes = new byte[count];
        for (int i = 0; i < count; i++)
            indexes[i] = (byte)(head[4] % 3 == 0 ? head[4] % tables.Count : random.Below(tables.Count));
        return indexes;
    }

    private static int Draw(FrequencyTables tables, int table, FuzzRandom random)
    {
        int spread = Math.Max(1, tables.Lengths[table] / 2);
        long value = tables.Centres[table] + (long)random.Below(spread) - (spread / 2);
        return random.OneIn(50) ? (int)(uint)random.Number(32) : (int)value;
    }

    private static FrequencyTables[] MakeTables()
    {
        var random = new FuzzRandom(9);
        var falling = new List<int>();
        var lengths = new int[64];
        for (int t = 0; t < lengths.Length; t++)
        {
            int rest = FrequencyTables.Total - 1;
            for (; rest > 2 * (t + 3) && lengths[t] < 400; lengths[t]++)
            {
                falling.Add(Math.Max(1, rest * 2 / (t + 3)));
                rest -= falling[^1];
            }

            falling.Add(rest + 1);
            lengths[t]++;
        }

        int[] flat = new int[FrequencyTables.Total];
        Array.Fill(flat, 1);
        return
        [
            new FrequencyTables(new int[64], lengths, falling.ToArray()),
            new FrequencyTables(
                [.. Enumerable.Range(0, 64).Select(_ => random.Below(9) - 4)], lengths, falling.ToArray()),
            // As certain as can be, one way and the other; as flat as can be; centres at the ends.
            new FrequencyTables([0, 0], [2, 2], [FrequencyTables.Total - 1, 1, 1, FrequencyTables.Total - 1]),
            new FrequencyTables([0], [FrequencyTables.Total], flat),
            new FrequencyTables(
                [FrequencyTables.MaxCentre, -FrequencyTables.MaxCentre], [3, 3], [1, 65534, 1, 65534, 1, 1]),
        ];
    }
}
