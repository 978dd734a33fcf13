using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Tfic.Cli.Demo;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Networks.Recognition;
using Tfic.Networks.TinyLic;
using Tfic.Profiling;
using Tfic.Reading;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic profile</c>: what encoding and reading cost on this machine, stage by stage.</summary>
internal static class ProfileVerb
{
    private const string Examples = """
        tfic profile
        tfic profile -n 1000 --json profile.json --trace trace.json
        tfic profile --profile tinylic
        tfic profile -n 20 --recogniser trba
        tfic profile -n 20 page.png
        """;

    private const string CompactName = "compact", TrbaName = "trba", TinyLicName = "tinylic";

    public static Verb Create(Terminal terminal)
    {
        Option<string> codec = CommonOptions.Codec(), recogniser = CommonOptions.Recogniser();
        var kind = new Option<string>("--profile")
        {
            Description =
                "Codec to measure: compact, or tinylic, the paper's own (Lu and Ma 2022), which writes no file. Without " +
                "--codec tinylic has random weights: its times are right, its pictures are not.",
            HelpName = $"{CompactName}|{TinyLicName}",
            DefaultValueFactory = _ => CompactName,
        };
        kind.AcceptOnlyFromAmong(CompactName, TinyLicName);
        recogniser.Description =
            $"Recogniser: {CompactName}, which ships, a .safetensors file or PyTorch checkpoint, or {TrbaName} with random "
            + "weights, whose times are those of trained ones for the longest words.";
        Option<string> detector = CommonOptions.Detector();
        var picture = new Argument<string?>("PICTURE")
        {
            Description = "A picture of a line or a page. Default: a line of 512 × 256 pixels that ships.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var quality = new Option<double>("--quality", "-q")
        {
            Description = "Quality, 1 to 8.",
            DefaultValueFactory = _ => 4,
        };
        CommonOptions.Number(quality, 1, 8);
        var count = new Option<int?>("--count", "-n")
        {
            Description = "How often each is done. Default: 200; 10 with tinylic.",
            HelpName = "N",
        };
        CommonOptions.Number(count, 1, 1_000_000);
        var threads = new Option<int>("--threads")
        {
            Description = "Threads that share the work of a picture.",
            HelpName = "N",
            DefaultValueFactory = _ => 1,
        };
        CommonOptions.Number(threads, 1, 1024);
        var json = new Option<string?>("--json") { Description = "File for the figures.", HelpName = "FILE" };
        var trace = new Option<string?>("--trace")
        {
            Description = "File for the stages of the last 20 pictures, for Perfetto or chrome://tracing.",
            HelpName = "FILE",
        };

        var verb = new Verb(
            "profile", "Measure times, memory and parts of the machine's peak of encoding and reading, stage by stage.",
            Examples)
        {
            picture, kind, codec, recogniser, detector, quality, count, threads, json, trace,
        };
        verb.Does((result, cancellation) =>
        {
            RecogniserModel reader = Recogniser(result.GetRequiredValue(recogniser), terminal);
            Picture line = result.GetValue(picture) is { } file
                ? Inputs.ReadPicture(file, new InputLimits(), terminal)
                : ShippedPictures.All[0].Picture;
            DetectorModel? words = LineShape.Fits(line) ? null : Weights.Detector(result.GetRequiredValue(detector));
            var clock = new StageClock();
            bool isTinyLic = result.GetValue(kind) == TinyLicName;
            Coder coder = isTinyLic
                ? TinyLic(
                    result.GetResult(codec) is { Implicit: false } ? result.GetValue(codec) : null, line,
                    result.GetValue(threads), clock, terminal)
                : Compact(
                    Weights.Codec(result.GetRequiredValue(codec)), line, result.GetValue(quality),
                    result.GetValue(threads), clock);
            Profile profile = Measure(
                coder, reader, words, line, isTinyLic ? null : result.GetValue(quality),
                result.GetValue(count) ?? (isTinyLic ? 10 : 200), result.GetValue(threads), clock, cancellation,
                out List<Event> events);
            Tell(terminal, profile);
            if (result.GetValue(json) is { } figures)
            {
                OutputFile.Write(
                    figures, overwrite: true, terminal,
                    stream => JsonSerializer.Serialize(stream, profile, ProfileJson.Default.Profile));
            }

            if (result.GetValue(trace) is { } timeline)
            {
                OutputFile.Write(
                    timeline, overwrite: true, terminal,
                    stream => JsonSerializer.Serialize(stream, new Trace(events), ProfileJson.Default.Trace));
            }

            return ExitCode.Success;
        });
        return verb;
    }

    /// <summary>Times of one thing over all pictures, in milliseconds.</summary>
    internal sealed record Times(double MeanMs, double DeviationMs, double MedianMs, double P99Ms)
    {
        public static Times Of(IEnumerable<double> seconds)
        {
            double[] sorted = [.. seconds.Select(s => 1000 * s).Order()];
            double mean = sorted.Average();
            return new Times(
                mean, Math.Sqrt(sorted.Average(t => (t - mean) * (t - mean))), At(sorted, 0.5), At(sorted, 0.99));
        }

        private static double At(double[] sorted, double part) => sorted[(int)Math.Min(part * sorted.Length, sorted.Length - 1)];
    }

    /// <summary>One stage, or the whole.</summary>
    /// <param name="Name">Of the stage.</param>
    /// <param name="Times">Times.</param>
    /// <param name="MultiplyAdds">Multiply-adds a picture.</param>
    /// <param name="PercentOfPeak">
    /// The least time that the measured peaks allow these multiply-adds on one core, in percent of the median; null without.
    /// </param>
    internal sealed record Row(string Name, Times Times, long MultiplyAdds, double? PercentOfPeak);

    /// <summary>What encoding, or reading, costs.</summary>
    /// <param name="Whole">All stages together.</param>
    /// <param name="Stages">The stages.</param>
    /// <param name="AllocatedBytes">Managed memory allocated a picture, the result included.</param>
    internal sealed record Part(Row Whole, IReadOnlyList<Row> Stages, long AllocatedBytes);

    /// <summary>Everything.</summary>
    /// <param name="Codec">The codec's name.</param>
    /// <param name="Recogniser">The recogniser's name.</param>
    /// <param name="Width">Columns of the picture.</param>
    /// <param name="Height">Rows of the picture.</param>
    /// <param name="Quality">Quality; null for a codec that has none.</param>
    /// <param name="Pictures">How often each was done.</param>
    /// <param name="Threads">Threads.</param>
    /// <param name="Peaks">What a core can do.</param>
    /// <param name="Encode">Encoding.</param>
    /// <param name="Decode">Decoding, where the codec has no other way to be seen; else null.</param>
    /// <param name="Read">Reading.</param>
    /// <param name="EncodeToOcrRatio">Medians of encoding and reading.</param>
    /// <param name="PeakMemoryBytes">Of the process.</param>
    internal sealed record Profile(
        string Codec, string Recogniser, int Width, int Height, double? Quality, int Pictures, int Threads,
        MachinePeaks Peaks, Part Encode, Part? Decode, Part Read, double EncodeToOcrRatio, long PeakMemoryBytes);

    /// <summary>What is measured of a codec, on one picture.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="WarmUps">How often it runs before it is measured.</param>
    /// <param name="Encode">Encodes.</param>
    /// <param name="Decode">Decodes what was encoded last; null where that is not measured.</param>
    /// <param name="Work">Multiply-adds of its stages.</param>
    private sealed record Coder(
        string Name, int WarmUps, Action Encode, Action? Decode, IReadOnlyDictionary<Stage, Work> Work);

    /// <summary>Chrome's trace format: a duration ("X") in microseconds.</summary>
    internal sealed record Event(string Name, string Cat, string Ph, double Ts, double Dur, int Pid, int Tid);

    /// <summary>Chrome's trace format.</summary>
    internal sealed record Trace([property: JsonPropertyName("traceEvents")] IReadOnlyList<Event> Events);

    private static RecogniserModel Recogniser(string name, Terminal terminal)
    {
        if (name != TrbaName)
            return Weights.Recogniser(name == CompactName ? ShippedModels.RecogniserCompact : name);
        terminal.Say(
            $"{TrbaName}: random weights of the published shape, and the most steps for every word. What is read is noise.");
        return TextRecogniserModel.Random(new TextRecogniserOptions(), seed: 1);
    }

    private static Coder Compact(CodecModel model, Picture picture, double quality, int threads, StageClock clock)
    {
        var encoder = new TficEncoder(model, threads, clock);
        (int hyperColumns, int hyperRows) = CompactCodec.HyperSize(picture.Width, picture.Height);
        return new Coder(
            model.Name, 20, () => encoder.Encode(picture, quality), null, new Dictionary<Stage, Work>
            {
                [Stage.Analysis] = model.Transforms.AnalysisWork(picture.Width, picture.Height),
                [Stage.HyperAnalysis] = model.Transforms.HyperAnalysisWork(picture.Width, picture.Height),
                [Stage.Prior] = model.Prior.Work(hyperRows, hyperColumns),
            });
    }

    private static Coder TinyLic(string? weights, Picture picture, int threads, StageClock clock, Terminal terminal)
    {
        TinyLicModel model = weights is null
            ? TinyLicModel.Drawn(seed: 1)
            : Weights.Load(weights, "TinyLIC codec", TinyLicModel.Load);
        if (weights is null)
            terminal.Say($"{TinyLicName}: random weights of the published shape. Times are right; what is coded is noise.");
        var workspace = new Workspace(threads) { Clock = clock };
        TinyLicStreams? streams = null;
        return new Coder(
            weights is null ? TinyLicName : Path.GetFileNameWithoutExtension(weights), 2,
            () => streams = model.Encode(picture, workspace), () => model.Decode(streams!, workspace),
            new Dictionary<Stage, Work>
            {
                [Stage.Analysis] = model.AnalysisWork(picture.Width, picture.Height),
                [Stage.HyperAnalysis] = model.HyperAnalysisWork(picture.Width, picture.Height),
                [Stage.Prior] = model.PriorWork(picture.Width, picture.Height),
                [Stage.Synthesis] = model.SynthesisWork(picture.Width, picture.Height),
            });
    }

    private static Profile Measure(
        Coder codec, RecogniserModel recogniser, DetectorModel? detector, Picture picture, double? quality, int count,
        int threads, StageClock clock, CancellationToken cancellation, out List<Event> events)
    {
        MachinePeaks peaks = MachinePeaks.Measure();
        var reader = new LineReader(recogniser, threads, clock);
        PageReader? pages = detector is null
            ? null
            : new PageReader(detector, recogniser, threads, threads == 1 ? clock : null);
        var encodings = new Recorder("encode");
        var decodings = new Recorder("decode");
        var readings = new Recorder("read");
        for (int i = -codec.WarmUps; i < count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            encodings.Run(clock, isKept: i >= 0, codec.Encode);
            if (codec.Decode is { } decode)
                decodings.Run(clock, isKept: i >= 0, decode);
            readings.Run(clock, isKept: i >= 0, pages is null ? () => reader.Read(picture) : () => pages.Read(picture));
        }

        var work = new Dictionary<Stage, Work>(codec.Work);

        // What a page takes depends on its words.
        if (pages is null)
        {
            foreach ((Stage stage, Work own) in reader.Work(picture.Width, picture.Height))
                work.Add(stage, own);
        }

        Part encode = encodings.ToPart(work, peaks), read = readings.ToPart(work, peaks);
        Part? decoded = codec.Decode is null ? null : decodings.ToPart(work, peaks);
        events = [.. encodings.Events.Concat(decodings.Events).Concat(readings.Events).OrderBy(e => e.Ts)];
        if (events.Count > 0)
        {
            double first = events[0].Ts;
            events = events.ConvertAll(e => e with { Ts = e.Ts - first });
        }

        using Process process = Process.GetCurrentProcess();
        return new Profile(
            codec.Name, recogniser.Name, picture.Width, picture.Height, quality, count, threads, peaks, encode, decoded, read,
            encode.Whole.Times.MedianMs / read.Whole.Times.MedianMs, process.PeakWorkingSet64);
    }

    private static void Tell(Terminal terminal, Profile profile)
    {
        MachinePeaks peaks = profile.Peaks;
        static string Giga(double? value) => TextTable.Number(value / 1e9, "0.0");
        terminal.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"{profile.Codec}, {profile.Width} × {profile.Height} pixels, " +
            $"{(profile.Quality is { } quality ? $"quality {quality:0.##}, " : "")}{profile.Pictures} times, " +
            $"{profile.Threads} threads."));
        terminal.Say(
            $"Peaks of one core, billions of multiply-adds a second: float32 {Giga(peaks.Float32)}, bfloat16 " +
            $"{Giga(peaks.BFloat16)}, 16 bits {Giga(peaks.Int16)}, 8 bits {Giga(peaks.Int8)}; copies " +
            $"{Giga(peaks.CopiedBytes)} GB/s.");
        var table = new TextTable(
            "stage", " mean ms", " ± ms", " median ms", " p99 ms", " multiply-adds", " % of peak", " allocated");
        foreach (Part? part in new[] { profile.Encode, profile.Decode, profile.Read })
        {
            if (part is null)
                continue;
            foreach (Row row in part.Stages.Prepend(part.Whole))
            {
                bool whole = ReferenceEquals(row, part.Whole);
                table.Add(
                    whole ? row.Name : $"  {row.Name}",
                    TextTable.Number(row.Times.MeanMs, "0.000"),
                    TextTable.Number(row.Times.DeviationMs, "0.000"),
                    TextTable.Number(row.Times.MedianMs, "0.000"),
                    TextTable.Number(row.Times.P99Ms, "0.000"),
                    row.MultiplyAdds > 0 ? row.MultiplyAdds.ToString("N0", CultureInfo.InvariantCulture) : "–",
                    TextTable.Number(row.PercentOfPeak, "0"),
                    whole ? part.AllocatedBytes.ToString("N0", CultureInfo.InvariantCulture) + " B" : "");
            }
        }

        table.Write(terminal);
        terminal.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"Encode to OCR: {profile.EncodeToOcrRatio:0.00}. Peak memory {profile.PeakMemoryBytes / 1e6:0} MB."));
    }

    /// <summary>Collects what a clock notes, picture after picture.</summary>
    private sealed class Recorder(string name)
    {
        private const int TracedPictures = 20;

        private readonly List<double> _totals = [];
        private readonly SortedDictionary<Stage, List<double>> _stages = [];
        private readonly Queue<Event[]> _events = new();
        private long _allocated;

        public IEnumerable<Event> Events => _events.SelectMany(events => events);

        public void Run(StageClock clock, bool isKept, Action action)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            clock.Start();
            long start = Stopwatch.GetTimestamp();
            action();
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
            if (!isKept)
                return;
            _totals.Add(seconds);
            _allocated += allocated;
            foreach (IGrouping<Stage, StageSpan> stage in clock.Spans.GroupBy(span => span.Stage))
            {
                if (!_stages.TryGetValue(stage.Key, out List<double>? times))
                    _stages.Add(stage.Key, times = []);
                times.Add(stage.Sum(span => Stopwatch.GetElapsedTime(span.Start, span.End).TotalSeconds));
            }

            static double Microseconds(long ticks) => 1e6 * ticks / Stopwatch.Frequency;
            _events.Enqueue([.. clock.Spans.Select(span => new Event(
                Name(span.Stage), name, "X", Microseconds(span.Start), Microseconds(span.End - span.Start), 1, 1))]);
            if (_events.Count > TracedPictures)
                _events.Dequeue();
        }

        public Part ToPart(IReadOnlyDictionary<Stage, Work> work, MachinePeaks peaks)
        {
            Work all = default;
            var rows = new List<Row>();
            foreach ((Stage stage, List<double> times) in _stages)
            {
                Work own = work.GetValueOrDefault(stage);
                all += own;
                rows.Add(ToRow(Name(stage), times, own, peaks));
            }

            return new Part(ToRow(name, _totals, all, peaks), rows, _allocated / _totals.Count);
        }

        private static Row ToRow(string name, List<double> seconds, Work work, MachinePeaks peaks)
        {
            Times times = Times.Of(seconds);
            double? percent = work.Total > 0 ? 1e5 * work.LeastSeconds(peaks) / times.MedianMs : null;
            return new Row(name, times, work.Total, percent);
        }

        private static string Name(Stage stage) => stage switch
        {
            Stage.Convert => "convert",
            Stage.Analysis => "g_a",
            Stage.HyperAnalysis => "h_a",
            Stage.Prior => "prior",
            Stage.Quantise => "quantise",
            Stage.Code => "code",
            Stage.Synthesis => "g_s",
            Stage.Detect => "detect",
            Stage.Resize => "resize",
            Stage.Rectify => "rectify",
            Stage.Features => "features",
            Stage.Sequence => "sequence",
            _ => "predict",
        };
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ProfileVerb.Profile))]
[JsonSerializable(typeof(ProfileVerb.Trace))]
internal sealed partial class ProfileJson : JsonSerializerContext;
