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
    private const string ContextModel = "49f77171b5500ce31a789a0243ce7ea877f78f62a65651bf9f396d4d780c0c48";

    private static readonly Lazy<IntegerPrior> s_prior = new(() => MakePrior(hasContext: false));
    private static readonly Lazy<IntegerPrior> s_contextPrior = new(() => MakePrior(hasContext: true));

    [Theory]
    [InlineData(
        20, 20, 0, CodingMode.Range, false, false,
        "51dadfcf2826e10c8838f2aec9b0971cc43d0039ea58833f4cca8893b3b880c2",
        "976079946c14df9bfeef23182336d112af9d7442852baae353ecd67018aa7f48")]
    [InlineData(
        512, 64, 100, CodingMode.Range, true, false,
        "e3339570075ea0891afd39e870197c2048b480c95cc15e571f0b852b52905e4a",
        "57988f3b019e6627043539c9841ea74304178a4035b55f3cc6c4b3c017afb716")]
    [InlineData(
        130, 70, 224, CodingMode.Interleaved, false, false,
        "eb5f386fc94b1a63171faa46554c2b6306894b4487070107632c2fc32c627dc5",
        "819e60058dba3950d2e18e3be507896ae8f39ddf1f64360a9622f74b63604923")]
    [InlineData(
        1, 1, 0, CodingMode.Range, false, true,
        "c666f90ff73aff767c8cf1b5312be7cf4be496c5e3815990e3d32a78880caf10",
        "50a927f2bc9fe4fc94af82f6322b8a1b87e65dac0295087b8526773db1c65d9f")]
    [InlineData(
        150, 90, 32, CodingMode.Range, false, true,
        "6cbc30e54eac1e821743deb4491ac08a98e0d7d6ac0015fe765fa6ea9e3e773c",
        "99f568e5cd17c23f186855bab5f1e3dd53eb3bfca8a8f227ab971dd58da3128e")]
    [InlineData(
        300, 40, 200, CodingMode.Interleaved, true, true,
        "5fce2e604761d3efe982f3ea69845c85ed6e0aca28f79e3900a699e191141db1",
        "868f769fce7c7a119726ede08bd64545d687a58997ef382ab4868acabfe869a4")]
    [InlineData(
        300, 40, 200, CodingMode.Chunked, true, true,
        "14be3e93e3cf0a3f7398f9ca4ea8b72b45c86d479f492503776cbc2cb9a8e3a7",
        "868f769fce7c7a119726ede08bd64545d687a58997ef382ab4868acabfe869a4")]
    public void StreamsAndTheirLatentsArePinned(
        int width,
        int height,
        byte quality,
        CodingMode mode,
        bool isGrey,
        bool hasContext,
        string streamHash,
        string latentHash)
    {
        IntegerPrior prior = (hasContext ? s_contextPrior : s_prior).Value;
        byte[] file = Encode(prior, width, height, quality, mode, isGrey);
        TficContainer container = TficContainer.Read(file);
        (string, string, string) actual = (
            Convert.ToHexStringLower(prior.Hash),
            Convert.ToHexStringLower(SHA256.HashData(file)),
            Convert.ToHexStringLower(CodecTests.LatentHash(container, prior)));
        Assert.True(
            actual == (hasContext ? ContextModel : Model, streamHash, latentHash),
            $"model {actual.Item1}\nstream {actual.Item2}\nlatents {actual.Item3}");
    }

    private static byte[] Encode(IntegerPrior prior, int width, int height, byte quality, CodingMode mode, bool isGrey)
    {
        var random = new Random(width + height);
        var grid = new LatentGrid(width, height);
        var hyper = new float[grid.HyperPositions * 32];
        for (int i = 0; i < hyper.Length; i++)
            hyper[i] = random.Next(8) == 0 ? random.Next(-2, 3) : 0;
        hyper[5] = -128;

        // Multiples of 1/64, below 2²⁴: what the encoder does with them in floats is exact.
        var latents = new float[grid.Rows * grid.Columns * 96];
        for (int i = 0; i < latents.Length; i++)
            latents[i] = random.Next(-2000, 2000) / 64f * (random.Next(100) < 20 ? 8 : 1);
        latents[7] = -3_000_000;
        latents[^1] = 1000;

        var encoder = new SymbolEncoder();
        new LatentCoding().Encode(prior, grid, quality, hyper, latents, encoder);
        return TficContainer.Write(width, height, isGrey, prior.Id, quality, mode, encoder.Finish(mode));
    }

    private static IntegerPrior MakePrior(bool hasContext)
    {
        var random = new Random(42);
        IntegerLayer.Tensors Layer(int outputs, int inputs, int k, int shift) => new(
            Enumerable.Range(0, outputs * inputs * k * k).Select(_ => (sbyte)random.Next(-127, 128)).ToArray(),
            Enumerable.Range(0, outputs).Select(_ => random.Next(-5000, 5000)).ToArray(),
            Enumerable.Range(0, outputs).Select(_ => random.Next(1 << 30, int.MaxValue)).ToArray(),
            Enumerable.Repeat(shift, outputs).ToArray(),
            inputs,
            k);
        int[] offsets = Enumerable.Range(0, 8 * 96).Select(i => (i / 96 * 30) + random.Next(200)).ToArray();
        IntegerLayer.Tensors[] layers = [Layer(256, 32, 3, 31), Layer(256, 64, 3, 40), Layer(192, 64, 1, 40)];
        IntegerLayer.Tensors[]? context =
            hasContext ? [Layer(64, 384, 1, 40), Layer(64, 64, 1, 40), Layer(192, 64, 1, 41)] : null;
        return new IntegerPrior(layers, context, offsets, Tables(64), Tables(32));
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
