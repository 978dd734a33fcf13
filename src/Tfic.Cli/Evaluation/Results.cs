using System.Text.Json.Serialization;
using Tfic.Metrics;

namespace Tfic.Cli.Evaluation;

/// <summary>What one picture gave at one rate.</summary>
/// <param name="Quality">Quality that the coder was given; NaN where it has none.</param>
/// <param name="Bpp">Bits per pixel of the real file.</param>
/// <param name="Psnr">dB, at most <see cref="Psnr.Cap"/>.</param>
/// <param name="MsSsim">0…1.</param>
/// <param name="EncodeSeconds">Time to encode.</param>
/// <param name="DecodeSeconds">Time to decode.</param>
/// <param name="ReadSeconds">Time to read the decoded picture.</param>
/// <param name="Truth">The true text.</param>
/// <param name="Text">The text read.</param>
internal readonly record struct Measurement(
    double Quality,
    double Bpp,
    double Psnr,
    double MsSsim,
    double EncodeSeconds,
    double DecodeSeconds,
    double ReadSeconds,
    string Truth,
    string Text);

/// <summary>Means over the pictures, an entry a rate.</summary>
/// <remarks>
/// The layout and the first five names are those of CompressAI's evaluation results, so that its plotting tools read
/// the files. Times are seconds a picture on one thread; encode_to_ocr_ratio is encoding_time ÷ ocr_time.
/// </remarks>
internal sealed record RateFigures
{
    [JsonPropertyName("psnr-rgb")]
    public required double[] Psnr { get; init; }

    [JsonPropertyName("ms-ssim-rgb")]
    public required double[] MsSsim { get; init; }

    [JsonPropertyName("bpp")]
    public required double[] Bpp { get; init; }

    [JsonPropertyName("encoding_time")]
    public required double[] EncodingTime { get; init; }

    [JsonPropertyName("decoding_time")]
    public required double[] DecodingTime { get; init; }

    [JsonPropertyName("ocr-accuracy")]
    public required double[] Accuracy { get; init; }

    [JsonPropertyName("ned")]
    public required double[] Ned { get; init; }

    [JsonPropertyName("cer")]
    public required double[] Cer { get; init; }

    [JsonPropertyName("ocr_time")]
    public required double[] OcrTime { get; init; }

    [JsonPropertyName("encode_to_ocr_ratio")]
    public required double[] EncodeToOcrRatio { get; init; }

    /// <summary>Mean quality setting; null for a coder without one.</summary>
    [JsonPropertyName("quality")]
    public required double?[] Quality { get; init; }

    /// <summary>Takes the means of every rate's measurements.</summary>
    public static RateFigures Of(IReadOnlyList<IReadOnlyList<Measurement>> rates)
    {
        double[] Mean(Func<Measurement, double> figure) => [.. rates.Select(rate => rate.Average(figure))];
        double[] encoding = Mean(m => m.EncodeSeconds), reading = Mean(m => m.ReadSeconds);
        return new RateFigures
        {
            Psnr = Mean(m => m.Psnr),
            MsSsim = Mean(m => m.MsSsim),
            Bpp = Mean(m => m.Bpp),
            EncodingTime = encoding,
            DecodingTime = Mean(m => m.DecodeSeconds),
            Accuracy = Mean(m => TextAccuracy.Accuracy(m.Truth, m.Text)),
            Ned = Mean(m => TextAccuracy.Ned(m.Truth, m.Text)),
            Cer = [.. rates.Select(rate => TextAccuracy.Cer(rate.Select(m => (m.Truth, m.Text))))],
            OcrTime = reading,
            EncodeToOcrRatio = [.. encoding.Zip(reading, (e, r) => r > 0 ? e / r : 0)],
            Quality = [.. Mean(m => m.Quality).Select(q => double.IsNaN(q) ? (double?)null : q)],
        };
    }
}

/// <summary>A rate–quality curve of one coder: the contents of one results file.</summary>
/// <param name="Name">The coder.</param>
/// <param name="Description">What was measured on what.</param>
/// <param name="Results">The figures.</param>
internal sealed record CodingResults(string Name, string Description, RateFigures Results);

[JsonSerializable(typeof(CodingResults))]
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class ResultsJson : JsonSerializerContext;
