using Tfic.Kernels;
using Tfic.Kernels.IntegerConvolution;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;
using Tfic.Tests.Kernels;

namespace Tfic.Tests.Networks;

[Collection(VariantChoiceCollection.Name)]
public class IntegerPriorTests
{
    /// <summary>
    /// The integer h_s tracks the float one. Weights of 8 bits are off by at most 1/254 of the largest of their output,
    /// which on activations of a few units makes some thousandths in μ and, with weights four times as large, some
    /// hundredths in t.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void IntegersTrackTheFloatNetwork(int seed)
    {
        var random = new Random(seed);
        HyperSynthesisWeights weights = RandomCodec.HyperSynthesis(random);
        const int Rows = 3;
        const int Columns = 4;
        int[] z = Enumerable.Range(0, Rows * Columns * 32)
            .Select(_ => random.Next(-3, 4) * random.Next(0, 2)).ToArray();

        var network = new FloatPrior(weights);
        double[] features = network.Features([.. z.Select(v => (double)v)], Rows, Columns);
        double[] last = network.Anchors(features, 4 * Rows, 4 * Columns);

        var offsets = new float[8, 96];
        for (int q = 0; q < 8; q++)
        {
            for (int c = 0; c < 96; c++)
                offsets[q, c] = q - 2 + (0.01f * c);
        }

        IntegerPrior prior = IntegerPriorExport.Quantise(
            weights,
            [(float)network.LargestFirst, (float)features.Max()],
            offsets,
            RandomCodec.HyperProbabilities(random, 32));
        var means = new int[16 * Rows * Columns * 96];
        var scales = new byte[means.Length];
        foreach (int quality in new[] { 0, 17, 32, 111, 224 })
        {
            prior.Evaluate(z, Rows, Columns, quality, new IntegerPriorWorkspace(), means, scales);
            double worstMean = 0;
            double meanSquare = 0;
            double worstScale = 0;
            int off = 0;
            for (int i = 0; i < means.Length; i++)
            {
                int position = i / 96;
                int c = i % 96;
                double error = Math.Abs((means[i] / 64.0) - last[(position * 192) + c]);
                worstMean = Math.Max(worstMean, error);
                meanSquare += error * error;
                double index = last[(position * 192) + 96 + c] + (quality / 32.0) - 2 + (0.01 * c);
                double scaleError = Math.Abs(scales[i] - Math.Clamp(index, 0, 63));
                worstScale = Math.Max(worstScale, scaleError);
                if (scaleError > 0.5 + (1 / 16.0))
                    off++;
            }

            // μ is rounded to 1/64, which alone is off by up to 1/128 and by 1/222 in the root of the mean square.
            Assert.InRange(Math.Sqrt(meanSquare / means.Length), 0.004, 0.02);
            Assert.InRange(worstMean, 0, 0.06);
            Assert.InRange(worstScale, 0.3, 0.8);
            Assert.InRange(off, 0, means.Length / 20);
            Assert.InRange(scales.Distinct().Count(), 8, 64);
        }
    }

    public static TheoryData<string> Rows() =>
        [.. Tfic.Kernels.IntegerConvolution.IntegerConvolution.Table.Rows.Skip(1).Select(row => row.Name)];

    /// <summary>Whole priors, with ẑ at its extremes, on every row.</summary>
    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void EveryRowGivesTheSameMeansAndScales(string row)
    {
        Skip.IfNot(
            Tfic.Kernels.IntegerConvolution.IntegerConvolution.Table.Rows.Single(r => r.Name == row).IsSupported,
            $"This machine cannot run row '{row}'.");
        var random = new Random(5);
        IntegerPrior prior = RandomCodec.Prior(random);
        foreach ((int rows, int columns) in new[] { (1, 1), (1, 3), (2, 1), (3, 5) })
        {
            int[] z = Enumerable.Range(0, rows * columns * 32)
                .Select(_ => random.Next(3) == 0 ? random.Next(2) * 255 - 128 : random.Next(-4, 5)).ToArray();
            int count = 16 * rows * columns * 96;
            var expected = new int[count];
            var expectedScales = new byte[count];
            var means = new int[count];
            var scales = new byte[count];
            VariantChoice before = VariantChoice.Current;
            try
            {
                VariantChoice.Current = VariantChoice.Parse("integer-convolution=reference");
                prior.Evaluate(z, rows, columns, 100, new IntegerPriorWorkspace(), expected, expectedScales);
                VariantChoice.Current = VariantChoice.Parse($"integer-convolution={row}");
                prior.Evaluate(z, rows, columns, 100, new IntegerPriorWorkspace(), means, scales);
            }
            finally
            {
                VariantChoice.Current = before;
            }

            Assert.Equal(expected, means);
            Assert.Equal(expectedScales, scales);
        }
    }

    [Fact]
    public void AWorkspaceCanBeUsedForPicturesOfAnySize()
    {
        var random = new Random(6);
        IntegerPrior prior = RandomCodec.Prior(random);
        var used = new IntegerPriorWorkspace();
        foreach ((int rows, int columns) in new[] { (4, 4), (1, 1), (2, 3), (4, 1), (1, 4), (4, 4) })
        {
            int[] z = Enumerable.Range(0, rows * columns * 32).Select(_ => random.Next(-9, 10)).ToArray();
            int count = 16 * rows * columns * 96;
            (int[] means, byte[] scales) = (new int[count], new byte[count]);
            (int[] fresh, byte[] freshScales) = (new int[count], new byte[count]);
            prior.Evaluate(z, rows, columns, 3, used, means, scales);
            prior.Evaluate(z, rows, columns, 3, new IntegerPriorWorkspace(), fresh, freshScales);
            Assert.Equal(fresh, means);
            Assert.Equal(freshScales, scales);
        }
    }

    [Fact]
    public void APriorSurvivesItsFile()
    {
        IntegerPrior prior = RandomCodec.Prior(new Random(7));
        IntegerPrior again = Reload(prior, null);
        Assert.Equal(prior.Id, again.Id);
        Assert.Equal(prior.Hash.ToArray(), again.Hash.ToArray());
        Assert.Equal(prior.LatentTables.Frequencies.ToArray(), again.LatentTables.Frequencies.ToArray());
        Assert.NotEqual(prior.Id, RandomCodec.Prior(new Random(8)).Id);
    }

    [Theory]
    [InlineData("h_s.conv0.shift", 0)]
    [InlineData("h_s.conv1.shift", 63)]
    [InlineData("h_s.conv2.multiplier", -1)]
    [InlineData("h_s.conv1.bias", int.MaxValue)]
    [InlineData("h_s.conv1.bias", int.MinValue)]
    [InlineData("y.frequencies", 0)]
    [InlineData("y.frequencies", -1)]
    [InlineData("y.frequencies", int.MaxValue)]
    [InlineData("y.lengths", 1)]
    [InlineData("y.lengths", int.MaxValue)]
    [InlineData("z.lengths", -5)]
    [InlineData("z.centres", int.MinValue)]
    [InlineData("scale_offset_q4", int.MaxValue)]
    [InlineData("z.frequencies", 3)]
    public void AModelThatBreaksTheRulesIsRefused(string tensor, int value)
    {
        IntegerPrior prior = RandomCodec.Prior(new Random(7));
        Assert.Throws<TficFormatException>(() => Reload(prior, (tensor, value)));
    }

    [Fact]
    public void EverySingleTensorIsInTheHash()
    {
        IntegerPrior prior = RandomCodec.Prior(new Random(7));
        foreach (string tensor in new[]
        {
            "h_s.conv0.bias", "h_s.conv0.multiplier", "h_s.conv0.shift", "h_s.conv1.bias", "h_s.conv2.bias",
            "h_s.conv2.multiplier", "scale_offset_q4", "z.centres",
        })
        {
            Assert.NotEqual(prior.Id, Reload(prior, (tensor, 11)).Id);
        }
    }

    [Fact]
    public void GaussianTablesAreThoseOfTheScales()
    {
        FrequencyTables tables = IntegerPriorExport.GaussianTables();
        Assert.Equal(64, tables.Count);
        Assert.Equal(0.11, IntegerPriorExport.Scale(0), 12);
        Assert.Equal(256, IntegerPriorExport.Scale(63), 9);
        int first = 0;
        for (int t = 0; t < 64; t++)
        {
            // What a source of exactly this scale costs, against its entropy: the price of integers and of escapes. In
            // wide tables it comes from some 0.6 σ values at each end that get a slot although they deserve half of one
            // on average: at σ = 256 about 150 slots of 65,536, log₂(1 + 150 / 65536) = 0.003 bits, and as much again
            // for the escapes.
            double scale = IntegerPriorExport.Scale(t);
            double entropy = 0;
            double cost = 0;
            for (int v = 0; v < 12 * scale + 3; v++)
            {
                double p = Math.Max(IntegerPriorExport.UpperTail(v - 0.5 < 0 ? 0 : (v - 0.5) / scale)
                    - IntegerPriorExport.UpperTail((v + 0.5) / scale), 0);
                if (v == 0)
                    p *= 2;
                if (p <= 0)
                    continue;
                int sides = v == 0 ? 1 : 2;
                entropy -= sides * p * Math.Log2(p);
                cost += sides * p * 0.5 * (tables.Bits(t, v) + tables.Bits(t, -v));
            }

            Assert.InRange(cost - entropy, -1e-9, 0.001 + (0.001 * entropy));
            first += tables.Lengths[t];
        }

        Assert.Equal(first, tables.Frequencies.Length);
        Assert.InRange(tables.Lengths[0], 2, 4);
        Assert.InRange(tables.Lengths[63], 2000, 2600);
    }

    [Theory]
    [InlineData(0, 0.5)]
    [InlineData(0.5, 0.308537538725987)]
    [InlineData(1, 0.158655253931457)]
    [InlineData(2.9999, 0.0013503412829549248)]
    [InlineData(3, 0.00134989803163009)]
    [InlineData(4.5, 3.39767312473006e-06)]
    public void UpperTailIsTheNormalDistributions(double x, double expected) =>
        Assert.Equal(expected, IntegerPriorExport.UpperTail(x), 1e-14);

    private static IntegerPrior Reload(IntegerPrior prior, (string Tensor, int Value)? change)
    {
        var writer = new SafetensorsWriter();
        prior.AddTo(writer);
        SafetensorsFile file = SafetensorsFile.Read(writer.ToArray());
        if (change is not { } c)
            return IntegerPrior.Read(file);

        var changed = new SafetensorsWriter();
        foreach (StoredTensor tensor in file.Tensors.Values)
        {
            byte[] bytes = tensor.Bytes.ToArray();
            if (tensor.Name == c.Tensor)
                BitConverter.TryWriteBytes(bytes.AsSpan(4), c.Value);
            changed.Add(tensor.Name, tensor.Type, bytes, tensor.Shape);
        }

        return IntegerPrior.Read(SafetensorsFile.Read(changed.ToArray()));
    }
}
