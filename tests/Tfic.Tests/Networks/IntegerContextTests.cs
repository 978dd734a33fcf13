using Tfic.Kernels;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;
using Tfic.Tests.Kernels;

namespace Tfic.Tests.Networks;

[Collection(VariantChoiceCollection.Name)]
public class IntegerContextTests
{
    /// <summary>Coded rows and columns: one of each, odd ones, edges of both colours, and more than one band.</summary>
    private static readonly (int Rows, int Columns)[] s_sizes =
        [(1, 1), (1, 2), (2, 1), (1, 8), (7, 1), (2, 2), (3, 3), (4, 5), (8, 7), (19, 18)];

    public static TheoryData<string> Rows() =>
        [.. Tfic.Kernels.IntegerConvolution.IntegerConvolution.Table.Rows.Select(row => row.Name)];

    /// <summary>
    /// Both passes against the specification's words, on every row of the kernel, for random weights and for the
    /// largest that the rules allow, with ẑ and ŷ' at their extremes.
    /// </summary>
    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void BothPassesAreTheSpecifications(string row)
    {
        Skip.IfNot(
            Tfic.Kernels.IntegerConvolution.IntegerConvolution.Table.Rows.Single(r => r.Name == row).IsSupported,
            $"This machine cannot run row '{row}'.");
        VariantChoice before = VariantChoice.Current;
        try
        {
            VariantChoice.Current = VariantChoice.Parse($"integer-convolution={row}");
            var workspace = new IntegerPriorWorkspace();
            for (int seed = 0; seed < s_sizes.Length; seed++)
            {
                var random = new Random(seed);
                (int rows, int columns) = s_sizes[seed];
                foreach (bool worst in new[] { false, true })
                {
                    IntegerPrior prior = SmallPriors.Make(random, hasContext: true, worst);
                    Check(prior, random, rows, columns, random.Next(225), workspace);
                }
            }
        }
        finally
        {
            VariantChoice.Current = before;
        }
    }

    private static void Check(
        IntegerPrior prior, Random random, int codedRows, int codedColumns, int quality, IntegerPriorWorkspace workspace)
    {
        (int hyperRows, int hyperColumns) = ((codedRows + 3) / 4, (codedColumns + 3) / 4);
        (int rows, int columns, int channels) = (4 * hyperRows, 4 * hyperColumns, prior.LatentChannels);
        int[] hyper = SmallPriors.Hyper(random, hyperRows * hyperColumns * prior.HyperChannels);
        var latents = new int[rows * columns * channels];
        var scales = new byte[latents.Length];
        prior.Evaluate(hyper, hyperRows, hyperColumns, quality, workspace, latents, scales);

        var writer = new SafetensorsWriter();
        prior.AddTo(writer);
        var plain = new PlainPrior(SafetensorsFile.Read(writer.ToArray()));
        var z = new int[hyperRows, hyperColumns, prior.HyperChannels];
        Buffer.BlockCopy(hyper, 0, z, 0, 4 * hyper.Length);
        int[,,] first = plain.FirstPass(z);
        var decoded = new int[rows, columns, channels];
        for (int i = 0; i < latents.Length; i++)
        {
            (int y, int x, int c) = (i / channels / columns, i / channels % columns, i % channels);
            Assert.Equal(first[y, x, c], latents[i]);
            Assert.Equal(plain.Table(first[y, x, channels + c], quality, c), scales[i]);
            if (y < codedRows && x < codedColumns && (y + x) % 2 == 0)
                latents[i] += 64 * random.Next(4) switch { 0 => random.Next(-(1 << 20), 1 << 20), _ => random.Next(-9, 9) };
            decoded[y, x, c] = latents[i];
        }

        int[] untouched = [.. latents];
        byte[] scalesBefore = [.. scales];
        prior.EvaluateOthers(codedRows, codedColumns, workspace, latents, scales);
        int[,,] features = plain.Features(z);
        int corrected = 0;
        for (int position = 0; position < rows * columns; position++)
        {
            (int y, int x) = (position / columns, position % columns);
            if ((y + x) % 2 == 0)
            {
                for (int i = position * channels; i < (position + 1) * channels; i++)
                    Assert.Equal((untouched[i], scalesBefore[i]), (latents[i], scales[i]));
                continue;
            }

            int[] expected = plain.SecondPass(decoded, first, features, codedRows, codedColumns, y, x);
            for (int c = 0; c < channels; c++)
            {
                int i = (position * channels) + c;
                Assert.Equal(expected[c], latents[i]);
                Assert.Equal(plain.Table(expected[channels + c], quality, c), scales[i]);
                corrected += latents[i] != untouched[i] ? 1 : 0;
            }
        }

        Assert.True(corrected > 0, "no mean was corrected");
    }

    /// <summary>
    /// The integers track the float network. An 8-bit weight is off by at most 1/254 of its output's largest; on the
    /// 384 neighbours, of a few units each, and on the hidden layer that makes some hundredths in means and, with
    /// weights four times as large, some tenths of a table in scales.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void IntegersTrackTheFloatNetwork(int seed)
    {
        var random = new Random(seed);
        HyperSynthesisWeights weights =
            RandomCodec.HyperSynthesis(random) with { Context = RandomCodec.Context(random) };
        const int Rows = 2;
        const int Columns = 3;
        int[] z = Enumerable.Range(0, Rows * Columns * 32)
            .Select(_ => random.Next(-3, 4) * random.Next(0, 2)).ToArray();
        var network = new FloatPrior(weights);
        double[] f = network.Features([.. z.Select(v => (double)v)], Rows, Columns);
        double[] latents = new double[16 * Rows * Columns * 96];
        for (int i = 0; i < latents.Length; i++)
            latents[i] = random.Next(-200, 200) / 64.0;
        double largest = network.LargestHidden(f, latents, 4 * Rows, 4 * Columns);
        IntegerPrior prior = IntegerPriorExport.Quantise(
            weights,
            [(float)network.LargestFirst, (float)f.Max(), (float)largest],
            new float[8, 96],
            RandomCodec.HyperProbabilities(random, 32));

        var workspace = new IntegerPriorWorkspace();
        var decoded = new int[latents.Length];
        var scales = new byte[latents.Length];
        prior.Evaluate(z, Rows, Columns, 0, workspace, decoded, scales);
        for (int i = 0; i < decoded.Length; i++)
        {
            if (IsAnchor(i / 96))
                decoded[i] = (int)(latents[i] * 64);
        }

        prior.EvaluateOthers(4 * Rows, 4 * Columns, workspace, decoded, scales);
        double[] expected = network.Others(f, latents, 4 * Rows, 4 * Columns);
        (double meanSquare, double worstMean, double worstScale, double moved) = (0, 0, 0, 0);
        int count = 0;
        double[] first = network.Anchors(f, 4 * Rows, 4 * Columns);
        for (int i = 0; i < decoded.Length; i++)
        {
            (int position, int c) = (i / 96, i % 96);
            if (IsAnchor(position))
                continue;
            double error = Math.Abs((decoded[i] / 64.0) - expected[(position * 192) + c]);
            meanSquare += error * error;
            worstMean = Math.Max(worstMean, error);
            worstScale = Math.Max(
                worstScale, Math.Abs(scales[i] - Math.Clamp(expected[(position * 192) + 96 + c], 0, 63)));
            moved += Math.Abs(first[(position * 192) + c] - expected[(position * 192) + c]);
            count++;
        }

        Assert.True(moved / count > 0.3, "the context hardly corrects anything");
        Assert.InRange(Math.Sqrt(meanSquare / count), 0.004, 0.03);
        Assert.InRange(worstMean, 0, 0.12);
        Assert.InRange(worstScale, 0.3, 1.1);

        static bool IsAnchor(int position) => ((position / (4 * Columns)) + (position % (4 * Columns))) % 2 == 0;
    }

    /// <summary>
    /// What an encoder believes of ŷ' and what a decoder gets are one and the same, for any model, size, quality and
    /// coding mode, and lie within half a step of y'.
    /// </summary>
    [Fact]
    public void EncoderAndDecoderAgreeOnRandomModelsAndSizes()
    {
        var encoding = new LatentCoding();
        var decoding = new LatentCoding();
        var symbols = new SymbolEncoder();
        var decoder = new SymbolDecoder();
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            IntegerPrior prior = SmallPriors.Make(random, hasContext: seed % 3 > 0, worst: seed % 4 == 0);
            (int width, int height) = seed switch
            {
                0 => (1, 1),
                1 => (1, 400),
                2 => (400, 1),
                3 => (16, 17),
                4 => (17, 16),
                _ => (random.Next(1, 400), random.Next(1, 200)),
            };
            var grid = new LatentGrid(width, height);
            int quality = random.Next(225);
            var hyper = new float[grid.HyperPositions * prior.HyperChannels];
            foreach (ref float value in hyper.AsSpan())
                value = (random.NextSingle() - 0.5f) * (random.Next(20) == 0 ? 400 : 8);
            var latents = new float[grid.Rows * grid.Columns * prior.LatentChannels];
            foreach (ref float value in latents.AsSpan())
                value = (random.NextSingle() - 0.5f) * (random.Next(20) == 0 ? 3000 : 8);

            symbols.Clear();
            int[] meant = encoding.Encode(prior, grid, quality, hyper, latents, symbols).ToArray();
            var mode = (CodingMode)random.Next(2);
            byte[] payload = symbols.Finish(mode).ToArray();
            decoder.Start(payload, mode);
            ReadOnlySpan<int> got = decoding.Decode(prior, grid, quality, decoder, 0);
            decoder.End();
            Assert.Equal(meant, got.ToArray());
            for (int i = 0; i < latents.Length; i++)
            {
                (int y, int x) = (i / prior.LatentChannels / grid.Columns, i / prior.LatentChannels % grid.Columns);
                if (y < grid.CodedRows && x < grid.CodedColumns)
                    Assert.InRange((got[i] / 64.0) - latents[i], -0.51, 0.51);
            }
        }
    }

    /// <summary>After a picture as large, a layer costs no memory, neither to encode nor to decode.</summary>
    [Fact]
    public void NothingIsAllocatedAfterTheFirstPicture()
    {
        IntegerPrior prior = RandomCodec.ContextModel.Prior;
        var grid = new LatentGrid(150, 70);
        var hyper = new float[grid.HyperPositions * 32];
        var latents = new float[grid.Rows * grid.Columns * 96];
        var random = new Random(3);
        foreach (ref float value in latents.AsSpan())
            value = random.NextSingle() * 8;
        var coding = new LatentCoding();
        var symbols = new SymbolEncoder();
        var decoder = new SymbolDecoder();
        byte[] payload = [];
        long Work(bool keep)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            symbols.Clear();
            coding.Encode(prior, grid, 100, hyper, latents, symbols);
            ReadOnlySpan<byte> stream = symbols.Finish(CodingMode.Range);
            if (keep)
                payload = stream.ToArray();
            decoder.Start(payload, CodingMode.Range);
            coding.Decode(prior, grid, 100, decoder, 0);
            decoder.End();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.True(Work(keep: true) > 0);
        Assert.Equal(0, Work(keep: false));
    }

    [Fact]
    public void TheSecondPassNeedsTheFirst()
    {
        var random = new Random(4);
        IntegerPrior prior = SmallPriors.Make(random, hasContext: true, worst: false);
        IntegerPrior other = SmallPriors.Make(random, hasContext: true, worst: false);
        var workspace = new IntegerPriorWorkspace();
        var latents = new int[16 * prior.LatentChannels];
        var scales = new byte[latents.Length];
        Assert.Throws<InvalidOperationException>(() => prior.EvaluateOthers(4, 4, workspace, latents, scales));
        prior.Evaluate(new int[prior.HyperChannels], 1, 1, 0, workspace, latents, scales);
        Assert.Throws<InvalidOperationException>(() => other.EvaluateOthers(4, 4, workspace, latents, scales));
        Assert.Throws<ArgumentException>(() => prior.EvaluateOthers(4, 4, workspace, latents, new byte[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => prior.EvaluateOthers(4, 5, workspace, latents, scales));
        Assert.Throws<ArgumentOutOfRangeException>(() => prior.EvaluateOthers(0, 4, workspace, latents, scales));
        prior.EvaluateOthers(4, 4, workspace, latents, scales);
    }

    [Fact]
    public void AContextSurvivesItsFileAndIsInTheHash()
    {
        IntegerPrior prior = SmallPriors.Make(new Random(5), hasContext: true, worst: false);
        IntegerPrior again = IntegerPrior.Read(SafetensorsFile.Read(Store(prior)));
        Assert.True(again.HasContext);
        Assert.Equal(prior.Hash.ToArray(), again.Hash.ToArray());
        IntegerPrior without = IntegerPrior.Read(
            SafetensorsFile.Read(Store(prior, t => t.Name.StartsWith("context.", StringComparison.Ordinal) ? null : t)));
        Assert.False(without.HasContext);
        Assert.NotEqual(prior.Id, without.Id);

        // Every one of its tensors counts: a model that differs in nothing but one number has another name.
        foreach (string name in ContextTensors())
        {
            IntegerPrior changed = IntegerPrior.Read(SafetensorsFile.Read(Store(prior, t => t.Name != name
                ? t
                : t with { Bytes = [(byte)(t.Bytes[0] ^ 1), .. t.Bytes[1..]] })));
            Assert.NotEqual(prior.Id, changed.Id);
        }
    }

    /// <summary>Each tensor missing, of another type, of another shape, or with numbers that break the rules.</summary>
    [Fact]
    public void DamagedContextTensorsAreRefusedByName()
    {
        IntegerPrior prior = SmallPriors.Make(new Random(6), hasContext: true, worst: false);
        foreach (string name in ContextTensors())
        {
            Refused(name, t => null);
            Refused(name, t => t with
            {
                Type = TensorType.F32,
                Bytes = new byte[4 * t.Bytes.Length / (t.Type == TensorType.I8 ? 1 : 4)],
            });
            Refused(name, t => t with { Shape = [1, .. t.Shape] });
            Refused(name, t => t with { Shape = [t.Shape[0] + 2, .. t.Shape[1..]], Bytes = Longer(t) });
        }

        for (int l = 0; l < 3; l++)
        {
            string layer = $"context.conv{l}";
            Refused($"{layer}.shift", t => First(t, 0));
            Refused($"{layer}.shift", t => First(t, 63));
            Refused($"{layer}.multiplier", t => First(t, -1));
            Refused($"{layer}.bias", t => First(t, int.MaxValue));
            Refused($"{layer}.bias", t => First(t, int.MinValue));

            // As many numbers, as another kernel or with the two sizes the wrong way round.
            Refused($"{layer}.weight", t => t with { Shape = [t.Shape[0], t.Shape[1] / 2, 1, 2] });
            Refused(layer, t => t with { Shape = [t.Shape[0], t.Shape[1] / 2, 1, 1], Bytes = t.Bytes[..(t.Bytes.Length / 2)] });
        }

        void Refused(string name, Func<IntegerLayer.NamedTensor, IntegerLayer.NamedTensor?> change)
        {
            byte[] file = Store(prior, t => t.Name == name || t.Name == $"{name}.weight" ? change(t) : t);
            var e = Assert.Throws<TficFormatException>(() => IntegerPrior.Read(SafetensorsFile.Read(file)));
            Assert.Contains(name.Split('.')[0] + "." + name.Split('.')[1], e.Message);
        }

        static IntegerLayer.NamedTensor First(IntegerLayer.NamedTensor tensor, int value) =>
            tensor with { Bytes = [.. BitConverter.GetBytes(value), .. tensor.Bytes[4..]] };

        static byte[] Longer(IntegerLayer.NamedTensor tensor) =>
            [.. tensor.Bytes, .. new byte[2 * tensor.Bytes.Length / tensor.Shape[0]]];
    }

    [Fact]
    public void QuantisingRefusesWhatDoesNotFit()
    {
        var random = new Random(7);
        HyperSynthesisWeights weights = RandomCodec.HyperSynthesis(random);
        ContextWeights context = RandomCodec.Context(random);
        ChannelProbabilities[] hyper = RandomCodec.HyperProbabilities(random, 32);
        IntegerPrior Quantise(ContextWeights? c, params float[] maxima) =>
            IntegerPriorExport.Quantise(weights with { Context = c }, maxima, new float[8, 96], hyper);

        Assert.True(Quantise(context, 9, 9, 9).HasContext);
        Assert.Throws<ArgumentException>(() => Quantise(context, 9, 9));
        Assert.Throws<ArgumentException>(() => Quantise(null, 9, 9, 9));
        Assert.Throws<ArgumentException>(() => Quantise(context, 9, 9, float.NaN));
        var e = Assert.Throws<ArgumentException>(() => Quantise(context with { Conv0 = context.Conv1 }, 9, 9, 9));
        Assert.Contains("context.conv0", e.Message);
        float[] bad = [.. context.Conv2.Weight];
        bad[5] = float.PositiveInfinity;
        e = Assert.Throws<ArgumentException>(
            () => Quantise(context with { Conv2 = context.Conv2 with { Weight = bad } }, 9, 9, 9));
        Assert.Contains("context.conv2", e.Message);
    }

    private static IEnumerable<string> ContextTensors() =>
        from l in Enumerable.Range(0, 3)
        from part in new[] { "weight", "bias", "multiplier", "shift" }
        select $"context.conv{l}.{part}";

    private static byte[] Store(
        IntegerPrior prior, Func<IntegerLayer.NamedTensor, IntegerLayer.NamedTensor?>? change = null)
    {
        var writer = new SafetensorsWriter();
        prior.AddTo(writer);
        var changed = new SafetensorsWriter();
        foreach (StoredTensor tensor in SafetensorsFile.Read(writer.ToArray()).Tensors.Values)
        {
            var named = new IntegerLayer.NamedTensor(
                tensor.Name, tensor.Type, [.. tensor.Shape], tensor.Bytes.ToArray());
            if ((change is null ? named : change(named)) is { } t)
                changed.Add(t.Name, t.Type, t.Bytes, t.Shape);
        }

        return changed.ToArray();
    }
}
