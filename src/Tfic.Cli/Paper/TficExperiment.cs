using System.Diagnostics;
using System.Text.Json.Serialization;
using Tfic.Cli.Evaluation;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Metrics;
using Tfic.Networks;
using Tfic.Reading;
using Tfic.Synthesis;

namespace Tfic.Cli.Paper;

/// <summary>What the experiment of the paper's Section 3 compares.</summary>
/// <param name="Lines">Draws the test lines at their own shape.</param>
/// <param name="Count">How many.</param>
/// <param name="Tfic">The codec trained through the recogniser.</param>
/// <param name="Mse">The codec before that.</param>
/// <param name="Qualities">Qualities of both, rising.</param>
/// <param name="Recogniser">The reader that the codec was trained through.</param>
/// <param name="Conventional">The codecs to compare with.</param>
/// <param name="SecondReaderCount">On how many of the lines the second reader is tried; 0 for none.</param>
internal sealed record TficPlan(
    LineGenerator Lines,
    int Count,
    CodecModel Tfic,
    CodecModel Mse,
    IReadOnlyList<double> Qualities,
    RecogniserModel Recogniser,
    IReadOnlyList<ConventionalCodec> Conventional,
    int SecondReaderCount);

/// <summary>A mean over the pictures at one setting of a coder.</summary>
/// <param name="Setting">The setting, as a person writes it.</param>
/// <param name="Bpp">Bits per pixel of real files.</param>
/// <param name="Accuracy">1 − edit distance ÷ longer length, over letters and digits (paper, Section 3.3).</param>
/// <param name="Psnr">dB.</param>
/// <param name="SecondAccuracy">The second reader's accuracy on its part of the pictures; null without one.</param>
/// <param name="SecondBpp">Bits per pixel of that part.</param>
internal sealed record PaperPoint(
    string Setting, double Bpp, double Accuracy, double Psnr, double? SecondAccuracy, double? SecondBpp);

/// <summary>A coder's points, in the order of its settings.</summary>
internal sealed record PaperCurve(string Name, IReadOnlyList<PaperPoint> Points);

/// <summary>Times of one stage over pictures, in milliseconds.</summary>
internal sealed record Timing(double Mean, double Deviation, double Median);

/// <summary>The paper's Table 1, on one thread of this machine.</summary>
/// <param name="Encode">Picture to bytes.</param>
/// <param name="Ocr">Decoded picture to text.</param>
/// <param name="Pictures">How many were timed.</param>
/// <param name="Quality">The quality at which.</param>
internal sealed record TimeTable(Timing Encode, Timing Ocr, int Pictures, double Quality)
{
    /// <summary>Encoding time divided by reading time.</summary>
    public double Ratio => Encode.Mean / Ocr.Mean;
}

/// <summary>All that the report shows.</summary>
internal sealed record TficFigures(
    string Description,
    double UncompressedAccuracy,
    double? UncompressedSecondAccuracy,
    IReadOnlyList<PaperCurve> Curves,
    TimeTable Times);

[JsonSerializable(typeof(TficFigures))]
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class TficFiguresJson : JsonSerializerContext;

/// <summary>
/// The paper's experiment on lines stretched to 512 × 256 (Section 3.3): every picture through every coder to real
/// files and back, then read.
/// </summary>
internal static class TficExperiment
{
    private const int TimedPictures = 100;
    private const double TimedBpp = 0.02;

    /// <summary>The size of the paper's pictures.</summary>
    private static readonly PictureSize s_size = PictureSize.Paper;

    /// <summary>A picture at one setting of one coder.</summary>
    private readonly record struct Trial(double Bpp, double Accuracy, double Psnr, double? SecondAccuracy);

    /// <summary>Runs it.</summary>
    /// <exception cref="CommandFailure">A picture could not be measured.</exception>
    public static TficFigures Run(
        TficPlan plan, string description, int threads, Terminal terminal, CancellationToken cancellation)
    {
        var trials = new List<Trial[]>(plan.Count);
        terminal.Progress("Measuring", plan.Count, advance => Measurement.Run(
            "line",
            Enumerable.Range(0, plan.Count),
            threads,
            terminal,
            () => new Worker(plan),
            (worker, index) => worker.Measure(index),
            measured =>
            {
                trials.Add(measured);
                advance(trials.Count);
            },
            cancellation));

        (string Curve, string Setting)[] columns = [.. Columns(plan)];
        PaperPoint Point(int column)
        {
            Trial[] all = [.. trials.Select(t => t[column])];
            Trial[] second = [.. all.Where(t => t.SecondAccuracy is not null)];
            return new PaperPoint(
                columns[column].Setting,
                all.Average(t => t.Bpp),
                all.Average(t => t.Accuracy),
                all.Average(t => t.Psnr),
                second.Length > 0 ? second.Average(t => t.SecondAccuracy) : null,
                second.Length > 0 ? second.Average(t => t.Bpp) : null);
        }

        PaperCurve[] curves =
        [
            .. Enumerable.Range(0, columns.Length).GroupBy(c => columns[c].Curve)
                .Select(group => new PaperCurve(group.Key, [.. group.Select(Point)])),
        ];
        PaperPoint uncompressed = curves[0].Points[0];
        PaperPoint[] tfic = [.. curves.Single(c => c.Name == TficName).Points];
        int timed = Array.IndexOf(tfic, tfic.MinBy(p => Math.Abs(Math.Log(p.Bpp / TimedBpp))));
        return new TficFigures(
            description, uncompressed.Accuracy, uncompressed.SecondAccuracy, curves[1..],
            Time(plan, plan.Qualities[timed], cancellation));
    }

    /// <summary>Names of the two learned coders' curves.</summary>
    public const string TficName = "TFIC", MseName = "MSE codec";

    /// <summary>Picture number <paramref name="index"/> as the paper has it, with its own shape and its text.</summary>
    public static (Picture Picture, int Width, int Height, string Text) Draw(LineGenerator lines, int index)
    {
        TextLine line = lines.Draw(index);
        return (
            Resampling.Resize(line.Picture, s_size.Width, s_size.Height),
            line.Picture.Width, line.Picture.Height, line.Text);
    }

    private static IEnumerable<(string Curve, string Setting)> Columns(TficPlan plan) =>
    [
        ("uncompressed", ""),
        .. plan.Qualities.Select(q => (TficName, FormattableString.Invariant($"quality {q}"))),
        .. plan.Qualities.Select(q => (MseName, FormattableString.Invariant($"quality {q}"))),
        .. plan.Conventional.SelectMany(c => c.Settings.Select(s => (
            c.Name, s.Factor == 1 ? $"setting {s.Setting}" : $"1/{s.Factor} size, setting {s.Setting}"))),
    ];

    private static TimeTable Time(TficPlan plan, double quality, CancellationToken cancellation)
    {
        var encoder = new TficEncoder(plan.Tfic);
        var decoder = new TficDecoder(plan.Tfic);
        var reader = new LineReader(plan.Recogniser);
        int count = Math.Min(TimedPictures, plan.Count);
        var encode = new double[count];
        var ocr = new double[count];
        for (int i = -1; i < count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            Picture picture = Draw(plan.Lines, Math.Max(i, 0)).Picture;
            long start = Stopwatch.GetTimestamp();
            byte[] file = encoder.Encode(picture, quality);
            double encoded = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            Picture decoded = decoder.Decode(file);
            start = Stopwatch.GetTimestamp();
            reader.Read(decoded);
            double read = Stopwatch.GetElapsedTime(start).TotalMilliseconds;

            // The first picture is coded twice: its first time compiles and fills caches.
            if (i >= 0)
                (encode[i], ocr[i]) = (encoded, read);
        }

        return new TimeTable(Summary(encode), Summary(ocr), count, quality);
    }

    private static Timing Summary(double[] milliseconds)
    {
        double mean = milliseconds.Average();
        double deviation = Math.Sqrt(milliseconds.Average(m => (m - mean) * (m - mean)));
        return new Timing(mean, deviation, milliseconds.Order().ElementAt(milliseconds.Length / 2));
    }

    /// <summary>Measures pictures; one for each thread.</summary>
    private sealed class Worker(TficPlan plan)
    {
        private readonly LineReader _reader = new(plan.Recogniser);
        private readonly (TficEncoder Encoder, TficDecoder Decoder)[] _coders =
        [
            (new TficEncoder(plan.Tfic), new TficDecoder(plan.Tfic)),
            (new TficEncoder(plan.Mse), new TficDecoder(plan.Mse)),
        ];

        /// <summary>A trial for each of the columns.</summary>
        public Trial[] Measure(int index)
        {
            (Picture picture, int width, int height, string truth) = Draw(plan.Lines, index);

            Trial Try(double bpp, Picture decoded) => new(
                bpp,
                TextAccuracy.Accuracy(truth, _reader.Read(decoded).Text),
                Math.Min(Psnr.Rgb(picture, decoded), Psnr.Cap),
                index < plan.SecondReaderCount
                    ? TextAccuracy.Accuracy(truth, Tesseract.Read(decoded, width, height))
                    : null);

            var trials = new List<Trial> { Try(8.0 * picture.Channels, picture) };
            foreach ((TficEncoder encoder, TficDecoder decoder) in _coders)
            {
                foreach (double quality in plan.Qualities)
                {
                    byte[] file = encoder.Encode(picture, quality);
                    trials.Add(Try(BitRate.BitsPerPixel(file.Length, picture), decoder.Decode(file)));
                }
            }

            foreach (ConventionalCodec codec in plan.Conventional)
            {
                foreach (ConventionalSetting setting in codec.Settings)
                {
                    (int bytes, Picture decoded) = codec.CodeAt(picture, setting);
                    trials.Add(Try(BitRate.BitsPerPixel(bytes, picture), decoded));
                }
            }

            return [.. trials];
        }
    }
}
