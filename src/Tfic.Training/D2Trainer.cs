using System.Globalization;
using Tfic.Imaging;
using Tfic.Kernels.Samples;
using Tfic.Metrics;
using Tfic.Synthesis;
using Tfic.Training.Data;
using Tfic.Training.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training;

/// <summary>
/// Trains D2, which makes the words of a page that D1 has restored legible to a recogniser (paper, Section 4).
/// </summary>
/// <remarks>
/// <para>
/// The loss is the recogniser's alone: CTC per character, over the words of a piece, cut out with a margin of
/// <see cref="Margin"/> pixels. D1 and the recogniser are frozen. D2 sees around a word as far as its layers reach; only
/// what it makes of the word itself counts.
/// </para>
/// <para>
/// A DnCNN sees what D1 made of the page, as in the paper. It starts as D1 with its normalisations folded and its last
/// layer zero, so that at first it changes nothing and its features are those of print. A compact D2 sees the page as
/// JPEG left it, on the grid of its blocks, and starts as D1: what the recogniser then teaches it is to prefer a letter
/// to the mean of the letters that may have stood there, which is what a squared error asks for.
/// </para>
/// </remarks>
public static class D2Trainer
{
    /// <summary>Pixels around the ink of a word that are read with it.</summary>
    public const int Margin = 2;

    private const int ValidationPieces = 16;

    // Widths at which words are read; a word is stretched by at most a third to the nearest.
    private static readonly int[] ReadWidths = [64, 96, 128, 192, 288];

    private sealed record Batch(float[] Degraded, PrintSample[] Samples);

    private readonly record struct Word(int Piece, Box Box, string Text);

    /// <summary>Trains or goes on, then returns the network in evaluation mode.</summary>
    /// <param name="options">What to do; λ is not used.</param>
    /// <param name="fonts">All fonts; the training split of them is used.</param>
    /// <param name="text">The whole text; likewise.</param>
    /// <param name="d1">D1, trained.</param>
    /// <param name="recogniser">The frozen recogniser.</param>
    /// <param name="cancellation">Stops after the current step.</param>
    public static (Module<Tensor, Tensor> Network, RunState State) Train(
        RestorerTrainingOptions options,
        FontSet fonts,
        BookText text,
        Module<Tensor, Tensor> d1,
        CompactRecogniserNetwork recogniser,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(d1);
        ArgumentNullException.ThrowIfNull(recogniser);
        set_num_threads(options.Threads);
        d1.eval();
        RestorerTrainingOptions.SetPrecision(d1, options.Precision);
        recogniser.eval();
        recogniser.SetPrecision(options.Precision);
        foreach (Parameter parameter in d1.parameters().Concat(recogniser.parameters()))
            parameter.requires_grad = false;

        Module<Tensor, Tensor> network = options.From ?? StartFrom(d1);
        RestorerTrainingOptions.SetPrecision(network, options.Precision);
        using OptimizerHelper optimizer = optim.Adam(network.parameters(), options.LearningRate);
        var run = new TrainingRun(options.Output, network, optimizer, options.Seed);
        var training = new PrintSamples(fonts.Split(Split.Train), text.Split(Split.Train), options.Seed, varied: true);
        var validation = new PrintSamples(
            fonts.Split(Split.Validation), text.Split(Split.Validation), options.Seed, varied: false);

        Prefetch<Batch>? batches = null;
        try
        {
            RunState state = run.Train(
                options.Steps, options.LearningRate, options.DecayShare, clipNorm: 1, options.CheckpointInterval,
                i =>
                {
                    batches ??= new Prefetch<Batch>(i, 8, n => Make(training, n, options.Batch));
                    // Normalisations are folded: there are no statistics to gather.
                    network.eval();
                    return Step(network, d1, recogniser, batches.Next(), new Random((int)i));
                },
                () => Validate(network, d1, recogniser, validation),
                cancellation);
            network.eval();
            return (network, state);
        }
        finally
        {
            batches?.Dispose();
        }
    }

    /// <summary>Whether a D2 is trained on pages as JPEG left them, not on what D1 makes of them.</summary>
    public static bool SeesPage(Module<Tensor, Tensor> network) => network is CompactRestorerNetwork;

    /// <summary>A compact D1 itself; a DnCNN without its residual: the same features, and a last layer of zeros.</summary>
    private static Module<Tensor, Tensor> StartFrom(Module<Tensor, Tensor> d1)
    {
        using IDisposable guard = no_grad();
        Module<Tensor, Tensor> network;
        if (d1 is CompactRestorerNetwork compact)
        {
            network = compact.Fold();
        }
        else
        {
            DnCnn chain = ((DnCnn)d1).Fold();
            Conv2d last = chain.Convolutions.Last();
            last.weight.zero_();
            last.bias!.zero_();
            network = chain;
        }

        foreach (Parameter parameter in network.parameters())
            parameter.requires_grad = true;
        return network;
    }

    /// <summary>What D2 sees: the pieces as they are, or what D1 makes of them.</summary>
    private static Tensor Seen(Module<Tensor, Tensor> network, Module<Tensor, Tensor> d1, Tensor pieces)
    {
        if (SeesPage(network))
            return pieces;
        using IDisposable guard = no_grad();
        return d1.call(pieces).clamp(0, 1);
    }

    private static StepReport Step(
        Module<Tensor, Tensor> network, Module<Tensor, Tensor> d1, CompactRecogniserNetwork recogniser, Batch batch,
        Random random)
    {
        Tensor enhanced = network.call(Seen(network, d1, Pieces(batch)));
        // A picture's samples end at 0 and 1; the gradient passes as if they did not, or saturated ones would never learn.
        Tensor seen = enhanced + (enhanced.clamp(0, 1) - enhanced).detach();

        // A piece may hold no whole word: then nothing is learnt, but the graph is whole.
        Tensor sum = seen.sum() * 0;
        int characters = 0;
        foreach ((int width, Word[] words) in ByWidth(WordsOf(batch.Samples, random)))
        {
            Tensor logits = recogniser.call(Cut(seen, words, width));
            long[] targets = [.. words.SelectMany(w => w.Text.Select(c => (long)Charset.ClassOf(c)))];
            long[] lengths = [.. words.Select(w => (long)w.Text.Length)];
            sum += functional.ctc_loss(
                functional.log_softmax(logits.transpose(0, 1), 2), tensor(targets),
                full([words.Length], logits.shape[1], ScalarType.Int64), tensor(lengths), zero_infinity: true,
                reduction: Reduction.Sum);
            characters += targets.Length;
        }

        Tensor loss = sum / Math.Max(1, characters);
        loss.backward();
        return new StepReport(loss.item<float>(), ("words", batch.Samples.Sum(s => s.Words.Length)));
    }

    private static string Validate(
        Module<Tensor, Tensor> network, Module<Tensor, Tensor> d1, CompactRecogniserNetwork recogniser,
        PrintSamples samples)
    {
        using IDisposable guard = no_grad();
        network.eval();
        double none = 0, first = 0, both = 0, original = 0;
        int words = 0;
        for (int i = 0; i < ValidationPieces; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            Batch batch = Make(samples, i, 1);
            Tensor degraded = Pieces(batch);
            Tensor restored = d1.call(degraded).clamp(0, 1);
            Tensor enhanced = network.call(Seen(network, d1, degraded)).clamp(0, 1);
            Word[] found = WordsOf(batch.Samples, random: null);
            var originals = new float[PrintSamples.Height * PrintSamples.Width];
            SampleConversion.ToFloat(batch.Samples[0].Original.Samples, originals);
            original += Accuracy(recogniser, tensor(originals, degraded.shape), found);
            none += Accuracy(recogniser, degraded, found);
            first += Accuracy(recogniser, restored, found);
            both += Accuracy(recogniser, enhanced, found);
            words += found.Length;
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"validation words, original {original / words:f4}, degraded {none / words:f4}, D1 {first / words:f4}, D2 {both / words:f4}");
    }

    /// <summary>Sum of the words' accuracies.</summary>
    private static double Accuracy(CompactRecogniserNetwork recogniser, Tensor pieces, Word[] words)
    {
        double sum = 0;
        foreach ((int width, Word[] group) in ByWidth(words))
        {
            float[] input = Cut(pieces, group, width).contiguous().data<float>().ToArray();
            string[] read = RecogniserTrainer.Read(recogniser, input, group.Length, width);
            sum += group.Zip(read, (word, text) => TextAccuracy.Accuracy(word.Text, text)).Sum();
        }

        return sum;
    }

    /// <summary>Words with their margins; while training, each side of the box is off by up to a pixel.</summary>
    private static Word[] WordsOf(PrintSample[] samples, Random? random)
    {
        var words = new List<Word>();
        for (int piece = 0; piece < samples.Length; piece++)
        {
            foreach (PageWord word in samples[piece].Words)
            {
                // A detector is no more exact than this.
                int Off() => random is null ? 0 : random.Next(3) - 1;
                var box = new Box(
                    Math.Max(0, word.Box.Left - Margin + Off()),
                    Math.Max(0, word.Box.Top - Margin + Off()),
                    Math.Min(PrintSamples.Width, word.Box.Right + Margin + Off()),
                    Math.Min(PrintSamples.Height, word.Box.Bottom + Margin + Off()));
                words.Add(new Word(piece, box, word.Text));
            }
        }

        return [.. words];
    }

    private static IEnumerable<(int Width, Word[] Words)> ByWidth(Word[] words) =>
        words.GroupBy(word => ReadWidths.MinBy(
                width => Math.Abs(Math.Log(width * word.Box.Height / (32.0 * word.Box.Width)))))
            .OrderBy(group => group.Key).Select(group => (group.Key, group.ToArray()));

    /// <summary>
    /// The recogniser's input for boxes of one shape: the same resampling as at inference, as two products with matrices
    /// that differ from word to word.
    /// </summary>
    private static Tensor Cut(Tensor pieces, Word[] words, int width)
    {
        const int Rows = PrintSamples.Height, Columns = PrintSamples.Width;
        var down = new float[words.Length * LineInput.Height * Rows];
        var across = new float[words.Length * Columns * width];
        for (int n = 0; n < words.Length; n++)
        {
            Box box = words[n].Box;
            Resampling.Taps[] rows = Resampling.Filter(box.Height, LineInput.Height);
            for (int o = 0; o < LineInput.Height; o++)
            {
                rows[o].Weights.CopyTo(
                    down, (n * LineInput.Height + o) * Rows + box.Top + rows[o].First);
            }

            Resampling.Taps[] columns = Resampling.Filter(box.Width, width);
            for (int o = 0; o < width; o++)
            {
                for (int i = 0; i < columns[o].Weights.Length; i++)
                    across[(n * Columns + box.Left + columns[o].First + i) * width + o] = columns[o].Weights[i];
            }
        }

        Tensor planes = pieces.squeeze(1).index_select(0, tensor(words.Select(w => (long)w.Piece).ToArray()));
        Tensor resized = matmul(
            matmul(tensor(down, [words.Length, LineInput.Height, Rows]), planes),
            tensor(across, [words.Length, Columns, width]));
        return (resized * 2 - 1).unsqueeze(1);
    }

    private static Tensor Pieces(Batch batch) =>
        tensor(batch.Degraded, [batch.Samples.Length, 1, PrintSamples.Height, PrintSamples.Width]);

    private static Batch Make(PrintSamples samples, long number, int size)
    {
        const int Piece = PrintSamples.Height * PrintSamples.Width;
        var batch = new Batch(new float[size * Piece], new PrintSample[size]);
        for (int b = 0; b < size; b++)
        {
            batch.Samples[b] = samples.Draw(number * size + b);
            SampleConversion.ToFloat(batch.Samples[b].Degraded.Samples, batch.Degraded.AsSpan(b * Piece, Piece));
        }

        return batch;
    }
}
