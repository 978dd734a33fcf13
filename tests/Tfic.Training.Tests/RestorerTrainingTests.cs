using Tfic.Imaging;
using Tfic.Kernels.Dct;
using Tfic.Networks;
using Tfic.Synthesis;
using Tfic.Training.Data;
using Tfic.Training.Networks;
using TorchSharp;
using TorchSharp.Modules;
using Convolution = Tfic.Training.Networks.Convolution;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Tests;

/// <summary>The data and the trainers of D1 and D2, on a network of a few channels.</summary>
public sealed class RestorerTrainingTests : TorchTests, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("tfic-restorer-").FullName;
    private readonly FontSet fonts;

    public RestorerTrainingTests()
    {
        fonts = FontSet.Installed();
        Skip.If(fonts.Fonts.IsEmpty, "No font is installed.");
    }

    private static BookText Text { get; } = BookText.From(string.Join(
        "\n\n", Enumerable.Range(0, 40).Select(n => $"Paragraph {n} says that it was a bright cold day in month {n % 12}, "
            + "and that the clocks, which nobody had wound, were striking thirteen times all the same.")));

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [SkippableFact]
    public void Samples_follow_from_their_index()
    {
        var samples = new PrintSamples(fonts, Text, 3, varied: true);
        var again = new PrintSamples(fonts, Text, 3, varied: true);
        for (int i = 0; i < 6; i++)
        {
            PrintSample sample = samples.Draw(i);
            Assert.Equal(sample.Degraded.Samples, again.Draw(i).Degraded.Samples);
            Assert.Equal((PrintSamples.Width, PrintSamples.Height), (sample.Original.Width, sample.Original.Height));
            Assert.NotEqual(sample.Original.Samples, sample.Degraded.Samples);
            var whole = new Box(0, 0, PrintSamples.Width, PrintSamples.Height);
            Assert.All(sample.Words, word => Assert.True(whole.Contains(word.Box)));
        }

        Assert.NotEqual(samples.Draw(0).Original.Samples, samples.Draw(1).Original.Samples);
    }

    [SkippableFact]
    public void Pieces_keep_the_blocks_of_the_file()
    {
        // Degraded again with the same tables, blocks that were cut along their edges hardly change: what is left is the
        // rounding of samples. Cut elsewhere, nearly every coefficient would be quantised anew.
        PrintSample sample = new PrintSamples(fonts, Text, 3, varied: false).Draw(0);
        Picture again = JpegDamage.Apply(sample.Degraded, PrintSamples.Quality);
        double change = again.Samples.Zip(sample.Degraded.Samples, (a, b) => Math.Abs(a - b)).Average();
        double loss = sample.Original.Samples.Zip(sample.Degraded.Samples, (a, b) => Math.Abs(a - b)).Average();
        Assert.True(change < 0.1 * loss, $"{change} of {loss}");
    }

    [SkippableTheory]
    [InlineData(0f)]
    [InlineData(0.05f)]
    [InlineData(0.5f)]
    [InlineData(-0.5f)]
    public void The_DCT_loss_spares_what_stays_within_the_threshold(float difference)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor basis = tensor(BlockDct.Basis.ToArray(), [8, 8]);
        // The orthonormal DCT of a constant block has one coefficient, eight times the constant.
        double expected = Math.Max(0, 8 * Math.Abs(difference) - D1Trainer.Threshold) / 64;
        Assert.Equal(expected, D1Trainer.DctLoss(full([2, 1, 16, 24], difference), basis).item<float>(), 5);
    }

    [SkippableTheory]
    [InlineData(RestorerProfile.DnCnn)]
    [InlineData(RestorerProfile.Compact)]
    public void D1_learns(RestorerProfile profile)
    {
        (Module<Tensor, Tensor> network, RunState state) = TrainD1(profile, steps: 100);
        Assert.Equal(100, state.Step);
        Assert.False(network.training);
        string[] log = File.ReadAllLines(Path.Combine(folder, "d1", "log.tsv"));
        Assert.Equal("step\tseconds\tloss\tpsnr\tdct\tletters", log[0]);
        double Loss(int row) => double.Parse(log[row].Split('\t')[2], System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(Loss(2) < 0.7 * Loss(1), $"{Loss(1)}, then {Loss(2)}");
    }

    [SkippableFact]
    public void D2_begins_by_changing_nothing_and_alone_learns()
    {
        using DisposeScope scope = NewDisposeScope();
        (Module<Tensor, Tensor> d1, _) = TrainD1(RestorerProfile.DnCnn, steps: 1);
        var recogniser = new CompactRecogniserNetwork();
        Tensor x = PublishedWeights.Input("x", 1, 1, 24, 40).sigmoid();
        var options = new RestorerTrainingOptions { Output = Path.Combine(folder, "d2"), Steps = 0, Threads = 1 };
        (Module<Tensor, Tensor> start, _) =
            D2Trainer.Train(options, fonts, Text, d1, recogniser, CancellationToken.None);
        ((DnCnn)start).Precision = ScalarType.Float32;
        Assert.True(start.call(x).equal(x).all().item<bool>());

        Tensor[] frozen = [.. d1.parameters().Concat(recogniser.parameters()).Select(p => p.clone())];
        (Module<Tensor, Tensor> trained, _) = D2Trainer.Train(
            options with { Steps = 2 }, fonts, Text, d1, recogniser, CancellationToken.None);
        ((DnCnn)trained).Precision = ScalarType.Float32;
        Assert.False(trained.call(x).equal(x).all().item<bool>());
        Assert.All(
            frozen.Zip(d1.parameters().Concat(recogniser.parameters())),
            pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));
    }

    [SkippableFact]
    public void A_compact_D2_begins_as_D1_and_alone_learns()
    {
        using DisposeScope scope = NewDisposeScope();
        (Module<Tensor, Tensor> d1, _) = TrainD1(RestorerProfile.Compact, steps: 3);
        var recogniser = new CompactRecogniserNetwork();
        Tensor x = PublishedWeights.Input("x", 1, 1, 24, 40).sigmoid();
        var options = new RestorerTrainingOptions
        {
            Output = Path.Combine(folder, "d2"),
            Steps = 0,
            Batch = 1,
            Threads = 1,
            BFloat16 = false,
        };
        Tensor before = d1.call(x);
        (Module<Tensor, Tensor> start, _) =
            D2Trainer.Train(options, fonts, Text, d1, recogniser, CancellationToken.None);
        Assert.True(allclose(before, start.call(x), 0, 1e-5));
        Assert.True(D2Trainer.SeesPage(start));

        Tensor[] frozen = [.. d1.parameters().Concat(recogniser.parameters()).Select(p => p.clone())];
        (Module<Tensor, Tensor> trained, _) = D2Trainer.Train(
            options with { Steps = 2 }, fonts, Text, d1, recogniser, CancellationToken.None);
        Assert.False(allclose(before, trained.call(x), 0, 1e-5));
        Assert.All(
            frozen.Zip(d1.parameters().Concat(recogniser.parameters())),
            pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));
    }

    [SkippableTheory]
    [InlineData(RestorerProfile.DnCnn)]
    [InlineData(RestorerProfile.Compact)]
    public void D1_goes_on_from_what_was_exported(RestorerProfile profile)
    {
        using DisposeScope scope = NewDisposeScope();
        (Module<Tensor, Tensor> trained, _) = TrainD1(profile, steps: 20);
        string file = Path.Combine(folder, "d1.safetensors");
        RestorerExport.Write(trained, file, new Dictionary<string, string>());
        Module<Tensor, Tensor> exported = RestorerExport.Read(SafetensorsFile.Read(File.ReadAllBytes(file)));
        Tensor x = PublishedWeights.Input("x", 1, 1, 24, 40).sigmoid();
        Tensor before = exported.call(x).detach();

        // At so small a rate nothing is learnt: what comes out is what went in, for normalisations stay folded.
        var options = new RestorerTrainingOptions
        {
            Output = Path.Combine(folder, "more"),
            Steps = 2,
            Batch = 1,
            Threads = 1,
            BFloat16 = false,
            LearningRate = 1e-8,
            From = exported,
        };
        (Module<Tensor, Tensor> more, RunState state) = D1Trainer.Train(options, fonts, Text, CancellationToken.None);
        Assert.Equal(2, state.Step);
        Assert.True(allclose(before, more.call(x), 0, 1e-5));
        Assert.False(before.equal(more.call(x)).all().item<bool>());
    }

    [SkippableFact]
    public void Cells_name_the_characters_that_stand_there()
    {
        // Two words: the gap between a and b lies at column 14, a half of its cell; c's ink is narrower than a cell.
        PageWord[] words =
        [
            new("ab", new Box(8, 4, 20, 12)) { Characters = [new Box(8, 6, 13, 12), new Box(15, 4, 20, 12)] },
            new("c", new Box(31, 9, 32, 13)) { Characters = [new Box(31, 9, 32, 13)] },
            new("de", new Box(100, 40, 110, 50)) { Characters = [new Box(100, 40, 104, 50)] },
        ];
        var classes = new long[LetterTargets.Rows * LetterTargets.Columns];
        LetterTargets.Draw([.. words], classes);

        // Middles of cells are at 1, 3, 5 … across and at 2, 6, 10 … down.
        var expected = new Dictionary<(int Row, int Column), char>();
        foreach (int row in new[] { 1, 2 })
        {
            foreach (int column in new[] { 4, 5, 6 })
                expected[(row, column)] = 'a';
            foreach (int column in new[] { 7, 8, 9 })
                expected[(row, column)] = 'b';
        }

        expected[(2, 15)] = 'c';
        for (int i = 0; i < classes.Length; i++)
        {
            Assert.Equal(
                expected.TryGetValue((i / LetterTargets.Columns, i % LetterTargets.Columns), out char character)
                    ? Charset.ClassOf(character)
                    : LetterTargets.None,
                classes[i]);
        }
    }

    [SkippableFact]
    public void Logits_lie_as_cells_do()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        var network = new CompactRestorerNetwork(4, 1);
        var reader = new LetterReader(network);
        network.eval();
        Tensor x = PublishedWeights.Input("x", 2, 1, 16, 24).sigmoid();
        (Tensor restored, Tensor logits) = reader.Run(x);
        Assert.True(allclose(network.call(x), restored, 0, 1e-5));
        Assert.Equal([2 * 4 * 12, Charset.ClassCount], logits.shape);

        // A bias for one class in one cell of each block shows in every block's row 1, column 2 of 2 × 4 cells, alone.
        Convolution head = reader.modules().OfType<Convolution>().Single(c => c.Weight.shape[0] == 8 * Charset.ClassCount);
        head.Bias![(1 * 4 + 2) * Charset.ClassCount + 7] = tensor(1000f);
        Tensor changed = reader.Run(x).Logits.narrow(1, 7, 1).view(2, 4, 12);
        for (int row = 0; row < 4; row++)
        {
            for (int column = 0; column < 12; column++)
                Assert.Equal(row % 2 == 1 && column % 4 == 2, changed[1, row, column].item<float>() > 500);
        }
    }

    [SkippableFact]
    public void Bfloat16_differs_from_float32_by_its_rounding()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new DnCnn(1, 8, 5);
        PublishedWeights.Fill(network);
        network.eval();
        Tensor x = PublishedWeights.Input("x", 2, 1, 16, 24);
        Tensor exact = network.Residual(x);
        network.Precision = ScalarType.BFloat16;
        // Five layers whose terms are each off by at most 2^-8 of themselves, before and behind the product.
        double bound = 5 * 2 * Math.Pow(2, -8) * exact.abs().max().item<float>();
        double off = (network.Residual(x) - exact).abs().max().item<float>();
        Assert.InRange(off, double.Epsilon, bound);
    }

    [SkippableTheory]
    [InlineData(64)]
    [InlineData(288)]
    public void Runs_of_words_have_about_the_shape_they_are_read_in(int width)
    {
        var runs = new PrintRuns(fonts, Text, WordList.From(["alpha", "beta", "gamma", "delta"]), 5);
        (Picture Picture, string Text)[] drawn = runs.Draw(7, 12, width);
        Assert.Equal(12, drawn.Length);
        Assert.All(drawn, run =>
        {
            Assert.NotEqual("", run.Text);
            double own = 32.0 * run.Picture.Width / run.Picture.Height;
            Assert.InRange(width / own, 0.6, 1.6);
        });
        Assert.Equal(
            drawn.Select(run => run.Text), runs.Draw(7, 12, width).Select(run => run.Text));
    }

    private (Module<Tensor, Tensor> Network, RunState State) TrainD1(RestorerProfile profile, long steps) => D1Trainer.Train(
        new RestorerTrainingOptions
        {
            Output = Path.Combine(folder, "d1"),
            Profile = profile,
            Steps = steps,
            Batch = 1,
            Depth = 3,
            Features = 6,
            Threads = 1,
            BFloat16 = false,
        },
        fonts, Text, CancellationToken.None);
}
