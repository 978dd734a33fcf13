using System.Globalization;
using Tfic.Imaging;
using Tfic.Kernels.Samples;
using Tfic.Metrics;
using Tfic.Networks;
using Tfic.Reading;
using Tfic.Synthesis;
using Tfic.Training.Data;
using Tfic.Training.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training;

/// <summary>What a detector is trained on and for how long.</summary>
public sealed record DetectorTrainingOptions : TrainingOptions
{
    /// <summary>The defaults.</summary>
    public DetectorTrainingOptions() => (Steps, Batch, LearningRate, DecayShare) = (4_000, 8, 2e-3, 0.6);
}

/// <summary>
/// Trains the compact detector on drawn print: squared error of both maps, on all pixels that show a character or a link
/// and the worst three times as many of those that do not (Baek et al. 2019; its published program does the same).
/// </summary>
public static class DetectorTrainer
{
    /// <summary>Width and height of the pieces.</summary>
    public const int PieceSize = 256;

    private const int MapPixels = PieceSize / 2 * (PieceSize / 2);
    private const int ValidationPieces = 64;

    // Scores above this count as positive.
    private const float PositiveScore = 0.1f;
    private const int NegativesPerPositive = 3;

    private sealed record Batch(float[] Pieces, float[] Maps);

    /// <summary>Trains or goes on, then returns the network in evaluation mode.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="fonts">All fonts; the training split of them is drawn.</param>
    /// <param name="words">All words; likewise.</param>
    /// <param name="cancellation">Stops after the current step.</param>
    public static (CompactDetectorNetwork Network, RunState State) Train(
        DetectorTrainingOptions options, FontSet fonts, WordList words, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(fonts);
        ArgumentNullException.ThrowIfNull(words);
        set_num_threads(options.Threads);
        random.manual_seed(unchecked((long)options.Seed));
        var network = new CompactDetectorNetwork();
        network.SetPrecision(options.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32);
        using OptimizerHelper optimizer = optim.AdamW(network.parameters(), options.LearningRate, weight_decay: 0.01);
        var run = new TrainingRun(options.Output, network, optimizer, options.Seed);

        var training = new PrintGenerator(
            fonts.Split(Split.Train), words.Split(Split.Train), options.Seed, PieceSize);
        var validation = new PrintGenerator(
            fonts.Split(Split.Validation), words.Split(Split.Validation), options.Seed, PieceSize);
        Prefetch<Batch>? batches = null;
        try
        {
            RunState state = run.Train(
                options.Steps, options.LearningRate, options.DecayShare, clipNorm: 1, options.CheckpointInterval,
                i =>
                {
                    batches ??= new Prefetch<Batch>(i, 4, n => Make(training, n, options.Batch));
                    network.train();
                    return Step(network, batches.Next(), options.Batch);
                },
                () =>
                {
                    DetectionCounts counts = Validate(network, validation);
                    return string.Create(
                        CultureInfo.InvariantCulture,
                        $"validation precision {counts.Precision:f4} recall {counts.Recall:f4} F {counts.F:f4}");
                },
                cancellation);
            network.eval();
            return (network, state);
        }
        finally
        {
            batches?.Dispose();
        }
    }

    /// <summary>The loss of one batch.</summary>
    /// <param name="scores">[B, 2, h, w].</param>
    /// <param name="targets">[B, 2, h, w].</param>
    /// <returns>A scalar: mean squared error of the pixels that count.</returns>
    public static Tensor Loss(Tensor scores, Tensor targets)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(targets);
        Tensor error = (scores - targets).square();
        Tensor positive = (targets > PositiveScore).to(ScalarType.Float32);
        long positives = (long)positive.sum().item<float>();
        Tensor negative = (error * (1 - positive)).flatten();

        // A batch without any character still has pixels to learn from.
        int worst = (int)Math.Min(negative.shape[0], Math.Max(NegativesPerPositive * positives, negative.shape[0] / 64));
        Tensor sum = (error * positive).sum() + negative.topk(worst, 0, true, false).values.sum();
        return sum / (positives + worst);
    }

    /// <summary>
    /// How well words are found on pieces 0 … 63 of a generator. Words that a piece's edge cuts off count neither way.
    /// </summary>
    /// <remarks>The words are found by the exported weights on the core's kernels, as they will be in use.</remarks>
    public static DetectionCounts Validate(CompactDetectorNetwork network, PrintGenerator pieces)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(pieces);
        var detector = new WordDetector(DetectorModel.Load(DetectorExport.ToFile(network, new Dictionary<string, string>())));
        var inside = new Box(0, 0, PieceSize, PieceSize);
        DetectionCounts counts = default;
        for (int i = 0; i < ValidationPieces; i++)
        {
            Page page = pieces.Draw(i);
            ILookup<bool, Box> words = page.Lines.SelectMany(line => line.Words)
                .ToLookup(word => inside.Contains(word.Box), word => word.Box);
            Box[] found = [.. detector.Find(page.Picture).Select(word => word.Box)];
            counts += DetectionCounts.Of([.. words[true]], found, ignored: [.. words[false]]);
        }

        return counts;
    }

    private static StepReport Step(CompactDetectorNetwork network, Batch batch, int size)
    {
        Tensor pieces = tensor(batch.Pieces, [size, 1, PieceSize, PieceSize]);
        Tensor maps = tensor(batch.Maps, [size, 2, PieceSize / 2, PieceSize / 2]);
        Tensor loss = Loss(network.call(pieces), maps);
        loss.backward();
        return new StepReport(loss.item<float>());
    }

    private static Batch Make(PrintGenerator generator, long number, int size)
    {
        var pieces = new float[size * PieceSize * PieceSize];
        var maps = new float[size * 2 * MapPixels];
        for (int b = 0; b < size; b++)
        {
            Page page = generator.Draw(number * size + b);
            SampleConversion.ToFloat(page.Picture.Samples, pieces.AsSpan(b * PieceSize * PieceSize));
            DetectorTargets.Draw(
                page, maps.AsSpan(2 * b * MapPixels, MapPixels), maps.AsSpan((2 * b + 1) * MapPixels, MapPixels));
        }

        return new Batch(pieces, maps);
    }
}
