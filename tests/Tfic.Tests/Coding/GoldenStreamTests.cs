using System.Security.Cryptography;
using Tfic.Bitstream;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Tests.Coding;

/// <summary>
/// Streams and their latents pinned by hash. Model, symbols and streams are made with integers only, from a seed, so
/// the hashes are the same on every machine; if one changes, so has the format.
/// </summary>
public class GoldenStreamTests
{
    private const string Model = "02a096256aaa27b7c683f951cd1c865851cb6d0bb354d6b20eeb2a46ffaaa21e";

    private static readonly Lazy<IntegerPrior> s_prior = new(MakePrior);

    [Theory]
    [InlineData(
        20, 20, 0, CodingMode.Range, false,
        "053aed8fe16801f84633263eb506cfa879f7cd40442130246967e8ef619b1f2e",
        "95b57c2802f9b482d3a594da09246b623aafd75b9970f8fe53dcc9be0dd529dd")]
    [InlineData(
        512, 64, 100, CodingMode.Range, true,
        "c0785dbe902610e25ce88bd37ba3b930273776a62086ba4eb874abbf61d2cb14",
        "b694ed21e1923da71e681a759bdb22fa37c16b827484c777a3aaaef3fc1e8431")]
    [InlineData(
        130, 70, 224, CodingMode.Interleaved, false,
        "9791c3005896e0d2b57af926ddc6e4a78d038a02b9257b322791a39ac9417647",
        "a6bca1017ddbb762ab261fea40177fda32feaa190433cfe740ca35fb6edf7dcb")]
    public void StreamsAndTheirLatentsArePinned(
        int width, int height, byte quality, CodingMode mode, bool isGrey, string streamHash, string latentHash)
    {
        IntegerPrior prior = s_prior.Value;
        Assert.Equal(Model, Convert.ToHexStringLower(prior.Hash));

        byte[] file = Encode(prior, width, height, quality, mode, isGrey);
        Assert.Equal(streamHash, Convert.ToHexStringLower(SHA256.HashData(file)));
        TficContainer container = TficContainer.Read(file);
        Assert.Equal(latentHash, Convert.ToHexStringLower(CodecTests.LatentHash(container, prior)));
    }

    private static byte[] Encode(IntegerPrior prior, int width, int height, byte quality, CodingMode mode, bool isGrey)
    {
        var random = new Random(width + height);
        var grid = new LatentGrid(width, height);
        var hyper = new int[grid.HyperPositions * 32];
        var hyperTables = new byte[hyper.Length];
        for (int i = 0; i < hyper.Length; i++)
        {
            hyperTables[i] = (byte)(i % 32);
            hyper[i] = random.Next(8) == 0 ? random.Next(-2, 3) : 0;
        }

        hyper[5] = -128;
        int count = grid.Rows * grid.Columns * 96;
        var means = new int[count];
        var scales = new byte[count];
        prior.Evaluate(hyper, grid.HyperRows, grid.HyperColumns, quality, new IntegerPriorWorkspace(), means, scales);
        Assert.InRange(scales.Distinct().Count(), 10, 64);
        Assert.InRange(means.Distinct().Count(), 100, count);

        var tables = new byte[grid.CodedRows * grid.CodedColumns * 96];
        grid.Gather<byte>(scales, 96, tables);
        var values = new int[tables.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = random.Next(100) < tables[i] ? random.Next(-tables[i], tables[i] + 1) / 8 : 0;
        values[7] = LatentGrid.MaxSymbol;
        values[^1] = -1000;

        var encoder = new SymbolEncoder();
        encoder.Add(prior.HyperTables, hyperTables, hyper);
        encoder.Add(prior.LatentTables, tables, values);
        return TficContainer.Write(width, height, isGrey, prior.Id, quality, mode, encoder.Finish(mode));
    }

    private static IntegerPrior MakePrior()
    {
        var random = new Random(42);
        IntegerPrior.LayerTensors Layer(int outputs, int inputs, int k, int shift) => new(
            Enumerable.Range(0, outputs * inputs * k * k).Select(_ => (sbyte)random.Next(-127, 128)).ToArray(),
            Enumerable.Range(0, outputs).Select(_ => random.Next(-5000, 5000)).ToArray(),
            Enumerable.Range(0, outputs).Select(_ => random.Next(1 << 30, int.MaxValue)).ToArray(),
            Enumerable.Repeat(shift, outputs).ToArray(),
            inputs,
            k);
        int[] offsets = Enumerable.Range(0, 8 * 96).Select(i => (i / 96 * 30) + random.Next(200)).ToArray();
        return new IntegerPrior(
            [Layer(256, 32, 3, 31), Layer(256, 64, 3, 40), Layer(192, 64, 1, 40)], offsets, Tables(64), Tables(32));
    }

    /// <summary>Table t: frequencies that fall by t + 1 parts in t + 3 from symbol to symbol, at least 1.</summary>
    private static FrequencyTables Tables(int count)
    {
        var lengths = new int[count];
        var frequencies = new List<int>();
        for (int t = 0; t < count; t++)
        {
            int rest = FrequencyTables.Total - 1;
            for (; rest > 2 * (t + 3) && lengths[t] < 400; lengths[t]++)
            {
                int frequency = Math.Max(1, rest * 2 / (t + 3));
                frequencies.Add(frequency);
                rest -= frequency;
            }

            frequencies.Add(rest + 1);
            lengths[t]++;
        }

        return new FrequencyTables(new int[count], lengths, frequencies.ToArray());
    }
}
