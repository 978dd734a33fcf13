using System.Globalization;
using Tfic.Imaging;
using Tfic.Metrics;
using Tfic.Networks;
using Tfic.Synthesis;
using Tfic.Training.Data;
using Tfic.Training.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training;

/// <summary>The pictures that a codec is trained on.</summary>
public enum CodecMix
{
    /// <summary>The paper's alone: lines stretched to 512 × 256 (Section 3.3).</summary>
    Paper,

    /// <summary>
    /// The paper's, lines at about their own shape, and pieces of pages and receipts, so that whole pictures of any
    /// size can be coded.
    /// </summary>
    Pages,
}

/// <summary>What a codec is trained on and for how long.</summary>
public sealed record CodecTrainingOptions : TrainingOptions
{
    /// <summary>The defaults.</summary>
    public CodecTrainingOptions() =>
        (Steps, Batch, LearningRate, BFloat16, CheckpointInterval) = (10_000, 8, 4e-4, false, 1000);

    /// <summary>1: distortion and rate. 2: rate and OCR loss through the frozen recogniser (paper, Section 3.2).</summary>
    public int Stage { get; init; } = 1;

    /// <summary>
    /// Stage 1 on the rate alone: g_a, g_s and the gains stay as they are, and so does y. Compares priors for the same
    /// latents.
    /// </summary>
    public bool EntropyOnly { get; init; }

    /// <summary>Which pictures.</summary>
    public CodecMix Mix { get; init; } = CodecMix.Pages;

    /// <summary>λ of stage 1 at qualities 1 and 8, geometric between: loss = λ·255²·MSE + bits per pixel.</summary>
    public (double Lowest, double Highest) Lambda { get; init; } = (1.5e-6, 2e-2);

    /// <summary>Factor on λ in stage 2; the paper has 0. A little keeps pictures worth looking at.</summary>
    public double LambdaFactor { get; init; } = 0.1;

    /// <summary>
    /// γ of stage 2 at qualities 1 and 8, geometric between: loss = bits per pixel + γ · CTC loss per character.
    /// </summary>
    public (double Lowest, double Highest) Gamma { get; init; } = (1.5e-3, 0.4);

    /// <summary>How the lines look.</summary>
    public LineOptions Lines { get; init; } = LineOptions.Default;
}

/// <summary>Trains the compact codec for all its rates at once.</summary>
/// <remarks>
/// Each picture of a batch is coded at its own quality, drawn uniformly from 1 … 8. The losses of the qualities
/// differ by orders of magnitude; each is weighted by λ^−0.6, in stage 2 by γ^−0.8, which makes them about equal, so
/// that the low rates, the ones that matter here, are not drowned by the high ones.
/// </remarks>
public static class CodecTrainer
{
    private const double LambdaBalance = -0.6, GammaBalance = -0.8;
    private const int CropSize = 256;
    private const int ValidationLines = 128;
    private const int LargestMultiple = 4;

    /// <summary>Pixels of the paper's pictures, to which γ refers.</summary>
    private const double ReferencePixels = CodecSamples.Width * CodecSamples.Height;

    /// <summary>Size of a batch's pictures; widths are multiples of 64.</summary>
    private readonly record struct Shape(int Width, int Height)
    {
        private LatentGrid Grid => new(Width, Height);

        /// <summary>Height with the rows below the picture that repeat its last one.</summary>
        public int PaddedHeight => Grid.HyperRows * CompactCodecNetwork.Stride;

        /// <summary>Rows of latents that are coded.</summary>
        public int CodedRows => Grid.CodedRows;
    }

    private static readonly Shape PaperShape = new(CodecSamples.Width, CodecSamples.Height);

    private sealed record Batch(float[] Pictures, Shape Shape, long[] Targets, long[] Lengths);

    /// <summary>Trains or goes on, then returns the network in evaluation mode.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="fonts">All fonts; the training split of them is drawn.</param>
    /// <param name="words">All words; likewise.</param>
    /// <param name="network">Starts here: random weights for stage 1, stage 1's result for stage 2.</param>
    /// <param name="recogniser">The frozen recogniser; needed in stage 2, gives figures in stage 1.</param>
    /// <param name="cancellation">Stops after the current step.</param>
    /// <exception cref="ArgumentException">
    /// Stage 2 without a recogniser or of the rate alone, or an unknown stage.
    /// </exception>
    public static RunState Train(
        CodecTrainingOptions options,
        FontSet fonts,
        WordList words,
        CompactCodecNetwork network,
        CompactRecogniserNetwork? recogniser,
        CancellationToken cancellation)
    {
        if (options.Stage is not (1 or 2))
            throw new ArgumentException($"There is no stage {options.Stage}: give 1 or 2.", nameof(options));
        if (options.Stage == 2 && recogniser is null)
            throw new ArgumentException("Stage 2 trains through a recogniser: give one.", nameof(recogniser));

        if (options.Stage == 2 && options.EntropyOnly)
            throw new ArgumentException("The rate alone is trained in stage 1.", nameof(options));

        set_num_threads(options.Threads);
        ScalarType precision = options.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        network.SetPrecision(precision);
        if (recogniser is not null)
        {
            recogniser.eval();
            recogniser.SetPrecision(precision);
            foreach (Parameter parameter in recogniser.parameters())
                parameter.requires_grad = false;
        }

        using OptimizerHelper optimizer = optim.Adam(
            options.EntropyOnly ? network.RateParameters().Select(named => named.Parameter) : network.parameters(),
            options.LearningRate);
        var run = new TrainingRun(options.Output, network, optimizer, options.Seed);
        var training = new CodecSamples(
            options.Lines, fonts.Split(Split.Train), words.Split(Split.Train), options.Seed);
        var validation = new CodecSamples(
            options.Lines, fonts.Split(Split.Validation), words.Split(Split.Validation), options.Seed);

        Prefetch<Batch>? batches = null;
        try
        {
            return run.Train(
                options.Steps, options.LearningRate, options.DecayShare, clipNorm: 1, options.CheckpointInterval,
                i =>
                {
                    batches ??= new Prefetch<Batch>(i, 4, n => IsDistortion(options, n)
                        ? Crops(training, n, options.Mix, options.Batch)
                        : Lines(training, n, ShapeOf(options, n), options.Batch));
                    Batch batch = batches.Next();
                    network.train();
                    return options.EntropyOnly ? RateStep(options, network, batch)
                        : IsDistortion(options, i) ? DistortionStep(options, network, batch)
                        : OcrStep(options, network, recogniser!, batch);
                },
                () => Validate(network, recogniser, validation, options.Batch),
                cancellation);
        }
        finally
        {
            batches?.Dispose();
            network.eval();
        }
    }

    /// <summary>Value of a geometric scale from quality 1 to 8.</summary>
    /// <param name="quality">[B], 1…8.</param>
    /// <param name="ends">Values at 1 and at 8.</param>
    public static Tensor Geometric(Tensor quality, (double Lowest, double Highest) ends) =>
        ((quality - 1) * (Math.Log(ends.Highest / ends.Lowest) / (CompactCodecNetwork.QualityCount - 1))).exp()
        * ends.Lowest;

    /// <summary>With pages, stage 2 keeps every eighth batch for them, so that they stay codable.</summary>
    private static bool IsDistortion(CodecTrainingOptions options, long batch) =>
        options.Stage == 1 || (options.Mix == CodecMix.Pages && batch % 8 == 7);

    /// <summary>
    /// With pages, half of stage 2's batches are the paper's stretched lines; the others are as small and flat as
    /// lines are on a page, so that lines cut from one can be coded as they are.
    /// </summary>
    private static Shape ShapeOf(CodecTrainingOptions options, long batch) =>
        options.Mix == CodecMix.Paper ? PaperShape : (batch % 8) switch
        {
            1 => new Shape(512, 64),
            3 => new Shape(320, 48),
            5 => new Shape(256, 32),
            _ => PaperShape,
        };

    private static StepReport DistortionStep(CodecTrainingOptions options, CompactCodecNetwork network, Batch batch)
    {
        Tensor x = tensor(batch.Pictures, [batch.Lengths.Length, 3, CropSize, CropSize]);
        Tensor quality = rand(x.shape[0]) * (CompactCodecNetwork.QualityCount - 1) + 1;
        Tensor lambda = Geometric(quality, options.Lambda);
        CompactCodecNetwork.Pass pass = network.Train(x, quality);
        (Tensor bpp, Tensor mse) = RateAndDistortion(pass, x);
        Tensor loss = ((lambda * mse + bpp) * (lambda / options.Lambda.Lowest).pow(LambdaBalance)).mean();
        loss.backward();
        return new StepReport(
            loss.item<float>(), ("bpp", bpp.mean().item<float>()), ("psnr", Psnr(mse)), ("ctc", double.NaN));
    }

    /// <summary>A step of stage 1 without its distortion, which would not change.</summary>
    private static StepReport RateStep(CodecTrainingOptions options, CompactCodecNetwork network, Batch batch)
    {
        Tensor x = tensor(batch.Pictures, [batch.Lengths.Length, 3, CropSize, CropSize]);
        Tensor quality = rand(x.shape[0]) * (CompactCodecNetwork.QualityCount - 1) + 1;
        Tensor lambda = Geometric(quality, options.Lambda);
        (Tensor latentBits, Tensor hyperBits) = network.TrainRate(x, quality);
        Tensor bpp = (latentBits + hyperBits) / (CropSize * CropSize);
        Tensor loss = (bpp * (lambda / options.Lambda.Lowest).pow(LambdaBalance)).mean();
        loss.backward();
        return new StepReport(
            loss.item<float>(), ("bpp", bpp.mean().item<float>()), ("psnr", double.NaN), ("ctc", double.NaN));
    }

    private static StepReport OcrStep(
        CodecTrainingOptions options,
        CompactCodecNetwork network,
        CompactRecogniserNetwork recogniser,
        Batch batch)
    {
        int size = batch.Lengths.Length;
        (int width, int height) = (batch.Shape.Width, batch.Shape.Height);
        Tensor padded = tensor(batch.Pictures, [size, 3, batch.Shape.PaddedHeight, width]);
        Tensor x = padded.narrow(2, 0, height);
        Tensor quality = rand(size) * (CompactCodecNetwork.QualityCount - 1) + 1;

        // γ weighs the text against the picture's bits, and the loss has bits per pixel: of a small picture they
        // weigh more. `share` brings its losses back to one scale with those of the paper's size.
        double share = width * height / ReferencePixels;
        Tensor lambda = Geometric(quality, options.Lambda);
        Tensor gamma = Geometric(quality, options.Gamma);
        Tensor balance = (gamma / options.Gamma.Lowest).pow(GammaBalance);
        CompactCodecNetwork.Pass pass = network.Train(padded, quality, batch.Shape.CodedRows);
        pass = pass with { Reconstruction = pass.Reconstruction.narrow(2, 0, height) };
        (Tensor bpp, Tensor mse) = RateAndDistortion(pass, x);

        // A decoder clamps; the gradient passes as if it did not, or saturated pixels would never learn.
        Tensor seen = pass.Reconstruction + (pass.Reconstruction.clamp(0, 1) - pass.Reconstruction).detach();
        Tensor logits = recogniser.call(LineInput.Normalise(seen));
        Tensor ctc = CtcPerLine(logits, batch.Targets, batch.Lengths);
        Tensor loss = ((bpp + gamma / share * ctc + lambda * options.LambdaFactor * mse) * balance).mean() * share;
        loss.backward();
        return new StepReport(
            loss.item<float>(), ("bpp", bpp.mean().item<float>()), ("psnr", Psnr(mse)), ("ctc", ctc.mean().item<float>()));
    }

    private static (Tensor BitsPerPixel, Tensor SquaredError) RateAndDistortion(CompactCodecNetwork.Pass pass, Tensor x)
    {
        Tensor bpp = (pass.LatentBits + pass.HyperBits) / (x.shape[2] * x.shape[3]);
        Tensor mse = (pass.Reconstruction - x).square().mean([1, 2, 3]) * (255.0 * 255.0);
        return (bpp, mse);
    }

    private static double Psnr(Tensor mse) => 10 * Math.Log10(255.0 * 255.0 / mse.detach().mean().item<float>());

    /// <summary>CTC loss of each line, divided by its length.</summary>
    private static Tensor CtcPerLine(Tensor logits, long[] targets, long[] lengths)
    {
        long batch = logits.shape[0], frames = logits.shape[1];
        Tensor perLine = functional.ctc_loss(
            functional.log_softmax(logits.transpose(0, 1), 2), tensor(targets),
            full([batch], frames, ScalarType.Int64), tensor(lengths), zero_infinity: true, reduction: Reduction.None);
        return perLine / tensor(lengths).clamp_min(1);
    }

    private static string Validate(
        CompactCodecNetwork network,
        CompactRecogniserNetwork? recogniser,
        CodecSamples samples,
        int batchSize)
    {
        using IDisposable guard = no_grad();
        network.eval();
        var report = new List<string>();
        foreach (int quality in (int[])[1, 2, 3, 4, 5, 6, 8])
        {
            double bits = 0, error = 0, accuracy = 0;
            for (int first = 0; first < ValidationLines; first += batchSize)
            {
                using DisposeScope scope = NewDisposeScope();
                Batch batch = Lines(samples, first / batchSize, PaperShape, batchSize, out string[] texts);
                Tensor x = tensor(batch.Pictures, [batchSize, 3, CodecSamples.Height, CodecSamples.Width]);
                CompactCodecNetwork.Pass pass = network.Quantise(x, full([batchSize], (double)quality));
                Tensor seen = pass.Reconstruction.clamp(0, 1);
                (Tensor bpp, Tensor mse) = RateAndDistortion(pass with { Reconstruction = seen }, x);
                bits += bpp.sum().item<float>();
                error += mse.sum().item<float>();
                if (recogniser is null)
                    continue;
                long[] best = recogniser.call(LineInput.Normalise(seen)).argmax(2)
                    .contiguous().data<long>().ToArray();
                int frames = best.Length / batchSize;
                for (int b = 0; b < batchSize; b++)
                {
                    accuracy += TextAccuracy.Accuracy(
                        texts[b], Charset.Collapse(best.AsSpan(b * frames, frames)));
                }
            }

            double psnr = 10 * Math.Log10(255.0 * 255.0 / (error / ValidationLines));
            report.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"q{quality} {bits / ValidationLines:f4} bpp {psnr:f2} dB {accuracy / ValidationLines:f4}"));
        }

        return string.Join(", ", report);
    }

    private static Batch Lines(CodecSamples samples, long number, Shape shape, int size) =>
        Lines(samples, number, shape, size, out _);

    /// <summary>Lines of one shape; as many more of them as they are smaller than the paper's.</summary>
    private static Batch Lines(CodecSamples samples, long number, Shape shape, int size, out string[] texts)
    {
        int count = size * Math.Min(CodecSamples.Height / shape.Height, LargestMultiple);
        int samplesEach = 3 * shape.Width * shape.PaddedHeight;
        var pictures = new float[count * samplesEach];
        var targets = new List<long>();
        texts = new string[count];
        for (int b = 0; b < count; b++)
        {
            (Picture picture, texts[b]) =
                samples.Line(number * size * LargestMultiple + b, shape.Width, shape.Height);
            CodecSamples.ToPlanes(
                CodecSamples.ExtendDown(picture, shape.PaddedHeight), pictures.AsSpan(b * samplesEach, samplesEach));
            targets.AddRange(texts[b].Select(c => (long)Charset.ClassOf(c)));
        }

        return new Batch(pictures, shape, [.. targets], [.. texts.Select(t => (long)t.Length)]);
    }

    /// <summary>
    /// Squares cut from stretched lines; with pages, every other square is a piece of one, of either kind in turn.
    /// </summary>
    private static Batch Crops(CodecSamples samples, long number, CodecMix mix, int size)
    {
        var pictures = new float[size * 3 * CropSize * CropSize];
        for (int b = 0; b < size; b++)
        {
            long index = number * size + b;
            Picture crop = (mix, index % 4) switch
            {
                (CodecMix.Pages, 0) => samples.Piece(index, CropSize),
                (CodecMix.Pages, 2) => samples.Print(index, CropSize),
                _ => LinePiece(samples, index),
            };
            CodecSamples.ToPlanes(crop, pictures.AsSpan(b * crop.Samples.Length, crop.Samples.Length));
        }

        return new Batch(pictures, new Shape(CropSize, CropSize), [], new long[size]);
    }

    private static Picture LinePiece(CodecSamples samples, long index)
    {
        Picture line = samples.Line(index, CodecSamples.Width, CodecSamples.Height).Picture;
        int left = (int)(unchecked((ulong)index * 0x9E3779B97F4A7C15UL) >> 40) % (CodecSamples.Width - CropSize + 1);
        return line.Crop(new Box(left, 0, left + CropSize, CropSize));
    }
}
