using System.Globalization;
using Tfic.Kernels.Dct;
using Tfic.Kernels.Samples;
using Tfic.Synthesis;
using Tfic.Training.Data;
using Tfic.Training.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training;

/// <summary>The networks that restorers can be.</summary>
public enum RestorerProfile
{
    /// <summary>Ours, which looks at blocks: <see cref="CompactRestorerNetwork"/>.</summary>
    Compact,

    /// <summary>The paper's: <see cref="Networks.DnCnn"/>.</summary>
    DnCnn,
}

/// <summary>What a restorer is trained on and for how long.</summary>
public sealed record RestorerTrainingOptions : TrainingOptions
{
    /// <summary>The defaults.</summary>
    public RestorerTrainingOptions() => (Steps, Batch, LearningRate, DecayShare) = (10_000, 2, 1e-3, 0.5);

    /// <summary>λ of D1's loss, 0…1; the paper found 0.8 best.</summary>
    public double Lambda { get; init; } = 0.8;

    /// <summary>
    /// Weight of a further loss of a compact D1, 0 for none: the cross-entropy of a head that says for each cell of 2 × 4
    /// pixels which character stands there. What a squared error has to say of one letter in place of another is little,
    /// and is lost among all that it has to say of strokes; this says nothing else.
    /// </summary>
    public double LetterWeight { get; init; } = 0.1;

    /// <summary>D1's network; D2's is as D1's.</summary>
    public RestorerProfile Profile { get; init; } = RestorerProfile.Compact;

    /// <summary>
    /// Convolutions of DnCNN, at least 2, or residual blocks of the compact network; null for the profile's own: 17, 12.
    /// </summary>
    public int? Depth { get; init; }

    /// <summary>Channels between them; null for the profile's own: 64, 256.</summary>
    public int? Features { get; init; }

    /// <summary>
    /// An exported network to go on from, whose normalisations are folded and stay so; null to begin with random weights,
    /// and D2 with D1. It is trained itself, not a copy of it.
    /// </summary>
    public Module<Tensor, Tensor>? From { get; init; }

    /// <summary>Type in which convolutions form their products.</summary>
    internal ScalarType Precision => BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>Sets the arithmetic of a restorer's convolutions.</summary>
    internal static void SetPrecision(Module<Tensor, Tensor> network, ScalarType precision)
    {
        if (network is CompactRestorerNetwork compact)
            compact.SetPrecision(precision);
        else
            ((DnCnn)network).Precision = precision;
    }

    /// <summary>The network to begin with, in the arithmetic that is asked for.</summary>
    internal Module<Tensor, Tensor> CreateNetwork()
    {
        Module<Tensor, Tensor> network = From ?? (Profile == RestorerProfile.DnCnn
            ? new DnCnn(1, Features ?? 64, Depth ?? 17, momentum: D1Trainer.Momentum)
            : new CompactRestorerNetwork(Features ?? 256, Depth ?? 12));
        SetPrecision(network, Precision);
        return network;
    }
}

/// <summary>
/// Trains D1, which makes pages out of what JPEG of the lowest quality has left of them (paper, Section 4).
/// </summary>
/// <remarks>
/// Loss: λ · mean (x − x̂)² + (1 − λ) · mean max(|DCT x_b − DCT x̂_b| − τ, 0), with samples in 0…1 and the orthonormal
/// DCT of the file's 8 × 8 blocks. τ = 0.5 is half a step of quality 1, whose steps are all 255: a coefficient costs
/// something only where it would be quantised to another value. A compact D1 is also asked for the characters
/// (<see cref="RestorerTrainingOptions.LetterWeight"/>), which is not in the paper.
/// </remarks>
public static class D1Trainer
{
    /// <summary>τ, in samples of 0…1.</summary>
    public const double Threshold = 0.5;

    private const int ValidationPieces = 24;

    /// <summary>Weight of a batch in the running statistics of the normalisations.</summary>
    internal const double Momentum = 0.02;

    private sealed record Batch(float[] Original, float[] Degraded, long[] Letters);

    /// <summary>Trains or goes on, then returns the network in evaluation mode.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="fonts">All fonts; the training split of them is used.</param>
    /// <param name="text">The whole text; likewise.</param>
    /// <param name="cancellation">Stops after the current step.</param>
    public static (Module<Tensor, Tensor> Network, RunState State) Train(
        RestorerTrainingOptions options, FontSet fonts, BookText text, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        set_num_threads(options.Threads);
        random.manual_seed(unchecked((long)options.Seed));
        Module<Tensor, Tensor> network = options.CreateNetwork();
        LetterReader? reader = options.LetterWeight > 0 && network is CompactRestorerNetwork compact
            ? new LetterReader(compact)
            : null;
        Module trained = reader is null ? network : reader;
        using OptimizerHelper optimizer = optim.Adam(trained.parameters(), options.LearningRate);
        var run = new TrainingRun(options.Output, trained, optimizer, options.Seed);
        var training = new PrintSamples(fonts.Split(Split.Train), text.Split(Split.Train), options.Seed, varied: true);
        var validation = new PrintSamples(
            fonts.Split(Split.Validation), text.Split(Split.Validation), options.Seed, varied: false);
        using Tensor basis = tensor(BlockDct.Basis.ToArray(), [BlockDct.Size, BlockDct.Size]);

        Prefetch<Batch>? batches = null;
        try
        {
            RunState state = run.Train(
                options.Steps, options.LearningRate, options.DecayShare, clipNorm: 1, options.CheckpointInterval,
                i =>
                {
                    batches ??= new Prefetch<Batch>(i, 8, n => Make(training, n, options.Batch));
                    // Folded normalisations have no statistics to gather.
                    network.train(options.From is null);
                    return Step(options, network, reader, batches.Next(), basis);
                },
                () => string.Create(
                    CultureInfo.InvariantCulture, $"validation PSNR {Psnr(network, validation):f3} dB"),
                cancellation);
            network.eval();
            return (network, state);
        }
        finally
        {
            batches?.Dispose();
        }
    }

    /// <summary>The thresholded DCT loss of a difference.</summary>
    /// <param name="difference">x − x̂, [B, 1, H, W] with sides of whole blocks.</param>
    /// <param name="basis">The orthonormal DCT's matrix, 8 × 8.</param>
    public static Tensor DctLoss(Tensor difference, Tensor basis)
    {
        ArgumentNullException.ThrowIfNull(difference);
        ArgumentNullException.ThrowIfNull(basis);
        long batch = difference.shape[0], rows = difference.shape[2], columns = difference.shape[3];
        Tensor blocks = difference
            .reshape(batch, rows / BlockDct.Size, BlockDct.Size, columns / BlockDct.Size, BlockDct.Size)
            .transpose(2, 3);
        Tensor coefficients = matmul(matmul(basis, blocks), basis.t());
        return (coefficients.abs() - Threshold).clamp_min(0).mean();
    }

    private static StepReport Step(
        RestorerTrainingOptions options, Module<Tensor, Tensor> network, LetterReader? reader, Batch batch, Tensor basis)
    {
        long pieces = batch.Original.Length / (PrintSamples.Height * PrintSamples.Width);
        long[] shape = [pieces, 1, PrintSamples.Height, PrintSamples.Width];
        Tensor x = tensor(batch.Original, shape), degraded = tensor(batch.Degraded, shape);
        Tensor restored;
        Tensor? letters = null;
        if (reader is null)
        {
            restored = network.call(degraded);
        }
        else
        {
            (restored, Tensor logits) = reader.Run(degraded);

            // The mean over cells with a character, which are taken out first: the loss of the others costs as much. A
            // batch may have none.
            long[] cells = [.. Enumerable.Range(0, batch.Letters.Length).Where(i => batch.Letters[i] != LetterTargets.None)
                .Select(i => (long)i)];
            letters = functional.cross_entropy(
                logits.index_select(0, tensor(cells)), tensor([.. cells.Select(i => batch.Letters[i])]),
                reduction: Reduction.Sum) / Math.Max(1, cells.Length);
        }

        Tensor difference = x - restored;
        Tensor mse = difference.square().mean();
        Tensor dct = DctLoss(difference, basis);
        Tensor loss = options.Lambda * mse + (1 - options.Lambda) * dct;
        (letters is null ? loss : loss + options.LetterWeight * letters).backward();
        return new StepReport(
            loss.item<float>(), ("psnr", -10 * Math.Log10(mse.item<float>())), ("dct", dct.item<float>()),
            ("letters", letters?.item<float>() ?? double.NaN));
    }

    private static double Psnr(Module<Tensor, Tensor> network, PrintSamples samples)
    {
        using IDisposable guard = no_grad();
        network.eval();
        double error = 0;
        for (int i = 0; i < ValidationPieces; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            Batch batch = Make(samples, i, 1);
            long[] shape = [1, 1, PrintSamples.Height, PrintSamples.Width];
            Tensor restored = network.call(tensor(batch.Degraded, shape)).clamp(0, 1);
            error += (restored - tensor(batch.Original, shape)).square().mean().item<float>();
        }

        return -10 * Math.Log10(error / ValidationPieces);
    }

    private static Batch Make(PrintSamples samples, long number, int size)
    {
        const int Piece = PrintSamples.Height * PrintSamples.Width;
        const int Cells = LetterTargets.Rows * LetterTargets.Columns;
        var batch = new Batch(new float[size * Piece], new float[size * Piece], new long[size * Cells]);
        for (int b = 0; b < size; b++)
        {
            PrintSample sample = samples.Draw(number * size + b);
            SampleConversion.ToFloat(sample.Original.Samples, batch.Original.AsSpan(b * Piece, Piece));
            SampleConversion.ToFloat(sample.Degraded.Samples, batch.Degraded.AsSpan(b * Piece, Piece));
            LetterTargets.Draw(sample.Words, batch.Letters.AsSpan(b * Cells, Cells));
        }

        return batch;
    }
}
