using System.Globalization;
using Tfic.Imaging;
using Tfic.Metrics;
using Tfic.Synthesis;
using Tfic.Training.Data;
using Tfic.Training.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training;

/// <summary>What a recogniser is trained on and for how long.</summary>
public sealed record RecogniserTrainingOptions : TrainingOptions
{
    /// <summary>The defaults.</summary>
    public RecogniserTrainingOptions() => (Steps, Batch, LearningRate) = (12_000, 32, 1.5e-3);

    /// <summary>How the lines look.</summary>
    public LineOptions Lines { get; init; } = LineOptions.Default;

    /// <summary>
    /// Prose of which every other batch shows runs of words in small print, at about their own shape, so that pages are
    /// read, too; null for lines alone.
    /// </summary>
    public BookText? Text { get; init; }

    /// <summary>File of a run's weights to start from; null for random weights.</summary>
    public string? From { get; init; }
}

/// <summary>Trains the compact recogniser on drawn lines with the CTC loss (Graves et al. 2006).</summary>
public static class RecogniserTrainer
{
    private const int ValidationLines = 512;
    private const int ValidationPrint = 24;

    private sealed record Batch(float[] Lines, int Width, long[] Targets, long[] Lengths);

    /// <summary>Trains or goes on, then returns the network in evaluation mode.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="fonts">All fonts; the training split of them is drawn.</param>
    /// <param name="words">All words; likewise.</param>
    /// <param name="cancellation">Stops after the current step.</param>
    public static (CompactRecogniserNetwork Network, RunState State) Train(
        RecogniserTrainingOptions options, FontSet fonts, WordList words, CancellationToken cancellation)
    {
        set_num_threads(options.Threads);
        random.manual_seed(unchecked((long)options.Seed));
        var network = new CompactRecogniserNetwork();
        if (options.From is not null)
            network.load(options.From);
        network.SetPrecision(options.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32);
        using OptimizerHelper optimizer = optim.AdamW(network.parameters(), options.LearningRate, weight_decay: 0.01);
        var run = new TrainingRun(options.Output, network, optimizer, options.Seed);

        var training = new LineGenerator(
            options.Lines, fonts.Split(Split.Train), words.Split(Split.Train), options.Seed);
        var validation = new LineGenerator(
            options.Lines, fonts.Split(Split.Validation), words.Split(Split.Validation), options.Seed);
        PrintRuns? print = Print(Split.Train), smallPrint = Print(Split.Validation);
        PrintRuns? Print(Split split) => options.Text is null
            ? null
            : new PrintRuns(fonts.Split(split), options.Text.Split(split), words.Split(split), options.Seed);

        Prefetch<Batch>? batches = null;
        try
        {
            RunState state = run.Train(
                options.Steps, options.LearningRate, options.DecayShare, clipNorm: 5, options.CheckpointInterval,
                i =>
                {
                    batches ??= new Prefetch<Batch>(i, 4, n => print is not null && n % 2 == 1
                        ? Make(print, n, options.Batch)
                        : Make(training, n, options.Batch, WidthOf(print is null ? n : n / 2)));
                    network.train();
                    return Step(network, batches.Next());
                },
                () => string.Create(
                    CultureInfo.InvariantCulture,
                    $"validation accuracy {Accuracy(network, validation, ValidationLines, options.Batch):f4}")
                    + (smallPrint is null ? "" : string.Create(
                        CultureInfo.InvariantCulture, $", small print {Accuracy(network, smallPrint):f4}")),
                cancellation);
            network.eval();
            return (network, state);
        }
        finally
        {
            batches?.Dispose();
        }
    }

    /// <summary>Mean accuracy (<see cref="TextAccuracy.Accuracy"/>) over lines 0 … count − 1 of a generator.</summary>
    public static double Accuracy(CompactRecogniserNetwork network, LineGenerator lines, int count, int batch)
    {
        network.eval();
        double sum = 0;
        for (int first = 0; first < count; first += batch)
        {
            int size = Math.Min(batch, count - first);
            var input = new float[size * LineInput.Height * LineInput.Width];
            var texts = new string[size];
            Parallel.For(0, size, b =>
            {
                TextLine line = lines.Draw(first + b);
                texts[b] = line.Text;
                LineInput.Normalise(line.Picture, LineInput.Width, Plane(input, b, LineInput.Width));
            });
            string[] read = Read(network, input, size, LineInput.Width);
            for (int b = 0; b < size; b++)
                sum += TextAccuracy.Accuracy(texts[b], read[b]);
        }

        return sum / count;
    }

    /// <summary>Mean accuracy over runs of words in small print.</summary>
    private static double Accuracy(CompactRecogniserNetwork network, PrintRuns print)
    {
        network.eval();
        double sum = 0;
        int count = 0;
        for (int n = 0; n < ValidationPrint; n++)
        {
            int width = PrintWidth(n);
            (Picture Picture, string Text)[] runs = print.Draw(n, PrintCount(LineInput.Width / 16, width), width);
            var input = new float[runs.Length * LineInput.Height * width];
            for (int b = 0; b < runs.Length; b++)
                LineInput.Normalise(runs[b].Picture, width, Plane(input, b, width));
            string[] read = Read(network, input, runs.Length, width);
            sum += runs.Zip(read, (run, text) => TextAccuracy.Accuracy(run.Text, text)).Sum();
            count += runs.Length;
        }

        return sum / count;
    }

    /// <summary>Reads normalised lines greedily.</summary>
    /// <param name="network">In evaluation mode.</param>
    /// <param name="lines">count × 32 × width values.</param>
    /// <param name="count">Number of lines.</param>
    /// <param name="width">Their width.</param>
    public static string[] Read(CompactRecogniserNetwork network, float[] lines, int count, int width)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor best = network.call(tensor(lines, [count, 1, LineInput.Height, width])).argmax(2);
        long[] classes = best.contiguous().data<long>().ToArray();
        int frames = classes.Length / count;
        return [.. Enumerable.Range(0, count).Select(b => Charset.Collapse(classes.AsSpan(b * frames, frames)))];
    }

    /// <summary>CTC loss per character, the mean over a batch's lines.</summary>
    /// <param name="logits">[B, T, classes].</param>
    /// <param name="targets">All targets, one after another.</param>
    /// <param name="lengths">Length of each.</param>
    public static Tensor Loss(Tensor logits, long[] targets, long[] lengths)
    {
        long batch = logits.shape[0], frames = logits.shape[1];
        Tensor logProbabilities = functional.log_softmax(logits.transpose(0, 1), 2);
        return functional.ctc_loss(
            logProbabilities, tensor(targets), full([batch], frames, ScalarType.Int64), tensor(lengths),
            blank: 0, zero_infinity: true, reduction: Reduction.Mean);
    }

    private static StepReport Step(CompactRecogniserNetwork network, Batch batch)
    {
        Tensor input = tensor(batch.Lines, [batch.Lengths.Length, 1, LineInput.Height, batch.Width]);
        Tensor loss = Loss(network.call(input), batch.Targets, batch.Lengths);
        loss.backward();
        return new StepReport(loss.item<float>());
    }

    /// <summary>
    /// Most batches have the width at which lines are read; the others stand for longer lines, which are read
    /// wider, so that letters of every width are seen.
    /// </summary>
    private static int WidthOf(long batch) => (batch % 8) switch { 3 => 320, 5 => 384, 7 => 448, _ => LineInput.Width };

    /// <summary>Width at which the runs of a batch are read.</summary>
    private static int PrintWidth(long batch) => (batch / 2 % 6) switch { 0 => 64, 1 => 96, 2 or 3 => 160, 4 => 256, _ => 448 };

    /// <summary>As many runs as have the pixels of a batch of lines.</summary>
    private static int PrintCount(int batch, int width) => Math.Max(1, batch * LineInput.Width / width);

    private static Batch Make(PrintRuns print, long number, int size)
    {
        int width = PrintWidth(number);
        (Picture Picture, string Text)[] runs = print.Draw(number, PrintCount(size, width), width);
        var input = new float[runs.Length * LineInput.Height * width];
        for (int b = 0; b < runs.Length; b++)
            LineInput.Normalise(runs[b].Picture, width, Plane(input, b, width));
        return new Batch(
            input, width,
            [.. runs.SelectMany(run => run.Text.Select(c => (long)Charset.ClassOf(c)))],
            [.. runs.Select(run => (long)run.Text.Length)]);
    }

    private static Batch Make(LineGenerator lines, long number, int size, int width)
    {
        var input = new float[size * LineInput.Height * width];
        var targets = new List<long>();
        var lengths = new long[size];
        for (int b = 0; b < size; b++)
        {
            TextLine line = lines.Draw(number * size + b);
            LineInput.Normalise(line.Picture, width, Plane(input, b, width));
            targets.AddRange(line.Text.Select(c => (long)Charset.ClassOf(c)));
            lengths[b] = line.Text.Length;
        }

        return new Batch(input, width, [.. targets], lengths);
    }

    private static Span<float> Plane(float[] input, int index, int width) =>
        input.AsSpan(index * LineInput.Height * width, LineInput.Height * width);
}
