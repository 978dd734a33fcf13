using System.Diagnostics;
using System.Globalization;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Metrics;
using Tfic.Networks;
using Tfic.Reading;

namespace Tfic.Cli.Demo;

/// <summary>A picture to show, and its text where it is known.</summary>
/// <param name="Name">What the report calls it.</param>
/// <param name="Picture">The picture.</param>
/// <param name="Truth">Its text; null if unknown.</param>
internal sealed record DemoPicture(string Name, Picture Picture, string? Truth);

/// <summary>A picture after one coder.</summary>
/// <param name="Coder">Tfic, JPEG or downscaled JPEG.</param>
/// <param name="Setting">The coder's setting in words.</param>
/// <param name="Remark">What a reader should know of it; empty for nothing.</param>
/// <param name="Bytes">Length of the file.</param>
/// <param name="Decoded">What comes back.</param>
/// <param name="Text">The text read from it; null where nothing was read.</param>
/// <param name="Accuracy">Accuracy of that text, 0…1.</param>
/// <param name="EncodeMs">Median time to encode, in milliseconds.</param>
/// <param name="DecodeMs">Median time to decode.</param>
/// <param name="ReadMs">Median time to read; NaN where nothing was read.</param>
internal sealed record CodedPicture(
    string Coder,
    string Setting,
    string Remark,
    int Bytes,
    Picture Decoded,
    string? Text,
    double? Accuracy,
    double EncodeMs,
    double DecodeMs,
    double ReadMs);

/// <summary>Everything the report says of one picture.</summary>
/// <param name="Source">The picture.</param>
/// <param name="IsLine">Whether it was read: only pictures shaped like one line are.</param>
/// <param name="Text">The text read from the picture itself.</param>
/// <param name="Accuracy">Its accuracy, where the truth is known.</param>
/// <param name="ReadMs">Median time to read it.</param>
/// <param name="Rates">For each quality: Tfic, JPEG, downscaled JPEG.</param>
internal sealed record PictureReport(
    DemoPicture Source,
    bool IsLine,
    string? Text,
    double? Accuracy,
    double ReadMs,
    IReadOnlyList<IReadOnlyList<CodedPicture>> Rates)
{
    public double Bpp(int bytes) => BitRate.BitsPerPixel(bytes, Source.Picture);
}

/// <summary>Codes and reads pictures for the report.</summary>
internal sealed class DemoReport(CodecModel codec, RecogniserModel recogniser, IReadOnlyList<double> qualities)
{
    /// <summary>JPEG files within this share of the wanted size count as of that size.</summary>
    private const double SizeTolerance = 0.05;

    private readonly TficEncoder _encoder = new(codec);
    private readonly TficDecoder _decoder = new(codec);
    private readonly LineReader _reader = new(recogniser);

    /// <summary>Makes the report of one picture.</summary>
    /// <param name="source">The picture.</param>
    /// <param name="advance">Called after each of <see cref="Steps"/> steps.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public PictureReport Make(DemoPicture source, Action advance, CancellationToken cancellation)
    {
        Picture picture = source.Picture;
        bool isLine = LineShape.Fits(picture);
        string? text = null;
        double readMs = double.NaN;
        if (isLine)
            (text, readMs) = Median(() => _reader.Read(picture).Text);
        string? truth = source.Truth ?? text;

        CodedPicture Coded(
            string coder,
            string setting,
            string remark,
            int bytes,
            double encodeMs,
            (Picture Picture, double Ms) decoded)
        {
            string? read = null;
            double ms = double.NaN;
            if (isLine)
                (read, ms) = Median(() => _reader.Read(decoded.Picture).Text);
            double? accuracy = read is null ? null : TextAccuracy.Accuracy(truth!, read);
            advance();
            cancellation.ThrowIfCancellationRequested();
            return new CodedPicture(
                coder, setting, remark, bytes, decoded.Picture, read, accuracy, encodeMs, decoded.Ms, ms);
        }

        CodedPicture Jpeg(string coder, JpegBaseline.File file, int target)
        {
            (_, double encodeMs) = Median(() => JpegBaseline.Encode(picture, file.Factor, file.Quality));
            string setting = file.Factor == 1
                ? $"quality {file.Quality}"
                : $"1/{file.Factor} of the size, quality {file.Quality}";
            string remark = file.Bytes.Length > target * (1 + SizeTolerance) ? "as small as it gets" : "";
            return Coded(
                coder, setting, remark, file.Bytes.Length, encodeMs,
                Median(() => JpegBaseline.Decode(file, picture.Width, picture.Height)));
        }

        var rates = new List<IReadOnlyList<CodedPicture>>();
        foreach (double quality in qualities)
        {
            (byte[] bytes, double encodeMs) = Median(() => _encoder.Encode(picture, quality));
            CodedPicture tfic = Coded(
                "Tfic", string.Create(CultureInfo.InvariantCulture, $"quality {quality:0.##}"), "", bytes.Length,
                encodeMs, Median(() => _decoder.Decode(bytes)));
            rates.Add(
            [
                tfic,
                Jpeg("JPEG", JpegBaseline.Nearest(picture, 1, bytes.Length), bytes.Length),
                Jpeg("Downscaled JPEG", BestDownscaled(picture, bytes.Length), bytes.Length),
            ]);
        }

        return new PictureReport(
            source, isLine, text,
            text is null || source.Truth is null ? null : TextAccuracy.Accuracy(source.Truth, text),
            readMs, rates);
    }

    /// <summary>Number of steps for one picture.</summary>
    public int Steps => 3 * qualities.Count;

    /// <summary>
    /// The downscaled JPEG nearest in size. Where several factors come within the tolerance, the one most like the
    /// picture: else chance would pick among very unequal pictures.
    /// </summary>
    private static JpegBaseline.File BestDownscaled(Picture picture, int bytes)
    {
        JpegBaseline.File[] files =
            [.. JpegBaseline.Factors.Where(f => f > 1).Select(f => JpegBaseline.Nearest(picture, f, bytes))];
        double Distance(JpegBaseline.File file) => Math.Abs(file.Bytes.Length - bytes) / (double)bytes;
        JpegBaseline.File[] near = [.. files.Where(f => Distance(f) <= SizeTolerance)];
        return near.Length > 0
            ? near.MaxBy(f => Psnr.Rgb(picture, JpegBaseline.Decode(f, picture.Width, picture.Height)))!
            : files.MinBy(Distance)!;
    }

    /// <summary>Runs something until it is warm, then takes the median of several runs.</summary>
    private static (T Result, double Milliseconds) Median<T>(Func<T> work)
    {
        const int warmUps = 2, runs = 7;
        const double enoughSeconds = 2;
        T result = work();
        var times = new List<double>();
        long begin = Stopwatch.GetTimestamp();
        for (int i = 1; i < warmUps + runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            result = work();
            if (i >= warmUps)
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            if (times.Count >= 3 && Stopwatch.GetElapsedTime(begin).TotalSeconds > enoughSeconds)
                break;
        }

        times.Sort();
        return (result, times[times.Count / 2]);
    }
}
