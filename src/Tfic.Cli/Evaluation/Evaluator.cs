using System.Diagnostics;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Metrics;
using Tfic.Networks;
using Tfic.Reading;

namespace Tfic.Cli.Evaluation;

/// <summary>Codecs and rates to measure.</summary>
/// <param name="Codecs">Codecs with their names, at least one.</param>
/// <param name="Qualities">Qualities of each, 1…8.</param>
/// <param name="Jpeg">Whether JPEG, plain and of smaller pictures, is measured at the rates of the first codec.</param>
internal sealed record EvaluationPlan(
    IReadOnlyList<(string Name, CodecModel Model)> Codecs, IReadOnlyList<double> Qualities, bool Jpeg)
{
    /// <summary>Names of the curves, in the order in which <see cref="Evaluator"/> measures them.</summary>
    public IReadOnlyList<string> Curves { get; } =
    [
        "uncompressed",
        .. Codecs.Select(c => c.Name),
        .. Jpeg ? JpegBaseline.Factors.Select(f => f == 1 ? "jpeg" : $"jpeg-downscaled-{f}") : [],
    ];
}

/// <summary>Measures pictures; one for each thread.</summary>
internal sealed class Evaluator
{
    private readonly EvaluationPlan _plan;
    private readonly LineReader _reader;
    private readonly (TficEncoder Encoder, TficDecoder Decoder)[] _coders;

    /// <summary>Makes the thread's coders and runs each once, so that no measured time includes a first run.</summary>
    public Evaluator(EvaluationPlan plan, RecogniserModel recogniser)
    {
        _plan = plan;
        _reader = new LineReader(recogniser);
        _coders = [.. plan.Codecs.Select(c => (new TficEncoder(c.Model), new TficDecoder(c.Model)))];
        Measure(new Picture(256, 64, 3), "");
    }

    /// <summary>Measures one picture.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="truth">Its text.</param>
    /// <returns>For each of the plan's curves, a measurement for each rate.</returns>
    public Measurement[][] Measure(Picture picture, string truth)
    {
        Measurement Compare(
            double quality, double bpp, double encodeSeconds, double decodeSeconds, Picture decoded)
        {
            long start = Stopwatch.GetTimestamp();
            string text = _reader.Read(decoded).Text;
            double readSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            return new Measurement(
                quality,
                bpp,
                Math.Min(Psnr.Rgb(picture, decoded), Psnr.Cap),
                MsSsim.Rgb(picture, decoded),
                encodeSeconds,
                decodeSeconds,
                readSeconds,
                truth,
                text);
        }

        var curves = new List<Measurement[]>
        {
            new[] { Compare(double.NaN, 8.0 * picture.Channels, 0, 0, picture) },
        };
        var bytes = new List<int>();
        foreach ((TficEncoder encoder, TficDecoder decoder) in _coders)
        {
            var curve = new Measurement[_plan.Qualities.Count];
            for (int i = 0; i < curve.Length; i++)
            {
                double quality = _plan.Qualities[i];
                (byte[] file, double encodeSeconds) = Timed(() => encoder.Encode(picture, quality));
                (Picture decoded, double decodeSeconds) = Timed(() => decoder.Decode(file));
                curve[i] = Compare(
                    quality, BitRate.BitsPerPixel(file.Length, picture), encodeSeconds, decodeSeconds, decoded);
                if (curves.Count == 1)
                    bytes.Add(file.Length);
            }

            curves.Add(curve);
        }

        foreach (int factor in _plan.Jpeg ? JpegBaseline.Factors : [])
        {
            // Several targets may have the same file nearest to them.
            var measured = new Dictionary<int, Measurement>();
            curves.Add([.. bytes.Select(target =>
            {
                int quality = JpegBaseline.Nearest(picture, factor, target).Quality;
                if (measured.TryGetValue(quality, out Measurement same))
                    return same;
                (JpegBaseline.File file, double encodeSeconds) =
                    Timed(() => JpegBaseline.Encode(picture, factor, quality));
                (Picture decoded, double decodeSeconds) =
                    Timed(() => JpegBaseline.Decode(file, picture.Width, picture.Height));
                return measured[quality] = Compare(
                    quality,
                    BitRate.BitsPerPixel(file.Bytes.Length, picture),
                    encodeSeconds,
                    decodeSeconds,
                    decoded);
            })]);
        }

        return [.. curves];
    }

    private static (T Result, double Seconds) Timed<T>(Func<T> work)
    {
        long start = Stopwatch.GetTimestamp();
        T result = work();
        return (result, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }
}
