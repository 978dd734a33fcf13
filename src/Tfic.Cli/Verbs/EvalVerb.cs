using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Tfic.Cli.Evaluation;
using Tfic.Imaging;
using Tfic.Metrics;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Synthesis;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic eval</c>: rates, distortion, accuracy of reading and times on labelled pictures.</summary>
internal static class EvalVerb
{
    private const string Examples = """
        tfic eval lines/
        tfic eval lines/ --codec compact compact-mse -q 1 2 3 4 --jpeg -o results/
        tfic eval --lines 500 --seed 7 -j 4
        tfic eval --lines 200 --size natural --codec my-codec.safetensors
        """;

    public static Verb Create(Terminal terminal)
    {
        var folder = new Argument<string?>("FOLDER")
        {
            Description = "Folder of pictures with a labels.tsv (file<TAB>text). Default: drawn lines.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var codecs = new Option<string[]>("--codec")
        {
            Description = "Codecs: shipped ones or .safetensors files.",
            HelpName = "NAME|PATH",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [ShippedModels.Compact],
        };
        Option<string> recogniser = CommonOptions.Recogniser();
        Option<double[]> qualities = CommonOptions.Qualities("1 2 3 4 5 6 7 8");
        var jpeg = new Option<bool>("--jpeg")
        {
            Description = "Measure JPEG too, plain and downscaled by 2, 4 and 8, at the rates of the first codec.",
        };
        Option<string?> output = CommonOptions.Output("Folder for the results, a JSON file a coder.")!;
        var lines = new Option<int>("--lines")
        {
            Description = "Number of pictures; of a folder, the first so many.",
            HelpName = "N",
        };
        CommonOptions.Number(lines, 1, 1_000_000);
        Option<ulong> seed = CommonOptions.Seed();
        Option<string> split = CommonOptions.Split(Split.Test);
        Option<PictureSize> size = PictureSize.Option("Size of drawn lines: WxH, or natural for each line's own.");
        size.DefaultValueFactory = _ => PictureSize.Paper;
        var source = new TextSource();
        Option<int> threads = CommonOptions.Threads();

        var verb = new Verb(
            "eval", "Measure rate, distortion, accuracy of reading and times on pictures of known text.", Examples)
        {
            folder, codecs, recogniser, qualities, jpeg, output, lines, seed, split, size, threads,
        };
        source.AddTo(verb);
        verb.Does((result, cancellation) =>
        {
            int count = result.GetValue(lines);
            string? path = result.GetValue(folder);
            if (result.GetValue(output) is { } target)
                OutputFile.CreateFolder(target);
            double[] given = result.GetValue(qualities) ?? [];
            var plan = new EvaluationPlan(
                LoadCodecs(result.GetRequiredValue(codecs)),
                given.Length > 0 ? given : [1, 2, 3, 4, 5, 6, 7, 8],
                result.GetValue(jpeg));
            RecogniserModel reader = Weights.Recogniser(result.GetRequiredValue(recogniser));

            IReadOnlyList<LabelledPicture> pictures;
            string description;
            if (path is not null)
            {
                pictures = LabelledPictures.FromFolder(path, terminal);
                if (count > 0)
                    pictures = [.. pictures.Take(count)];
                description = $"{pictures.Count} labelled pictures";
            }
            else
            {
                (FontSet fonts, WordList words) = source.Load(result);
                Split part = CommonOptions.SplitNamed(result.GetRequiredValue(split));
                PictureSize shape = result.GetRequiredValue(size);
                ulong start = result.GetValue(seed);
                pictures = LabelledPictures.FromGenerator(
                    CommonOptions.Lines(shape.Of(LineOptions.Default), fonts, words, part, start),
                    count > 0 ? count : 200);
                description = $"{pictures.Count} drawn lines, {CommonOptions.Name(part)} split, {shape}, seed {start}";
            }

            return Run(
                terminal, plan, reader, pictures, description, result.GetValue(output), result.GetValue(threads),
                cancellation);
        });
        return verb;
    }

    private static IReadOnlyList<(string Name, CodecModel Model)> LoadCodecs(string[] names)
    {
        // Results files are called after the codec; a path gives its file's name.
        (string Name, CodecModel Model)[] codecs =
            [.. names.Select(n => ($"tfic-{Path.GetFileNameWithoutExtension(n)}", Weights.Codec(n)))];
        if (codecs.GroupBy(c => c.Name).FirstOrDefault(g => g.Count() > 1) is { } twins)
            throw new CommandFailure($"Two codecs would both be called {twins.Key}. Rename one's file.");
        return codecs;
    }

    private static int Run(
        Terminal terminal,
        EvaluationPlan plan,
        RecogniserModel recogniser,
        IReadOnlyList<LabelledPicture> pictures,
        string description,
        string? output,
        int threads,
        CancellationToken cancellation)
    {
        var measured = new List<Measurement[][]>(pictures.Count);
        int exitCode = ExitCode.Success;
        terminal.Progress("Measuring", pictures.Count, advance => exitCode = Batch.Run(
            pictures,
            threads,
            terminal,
            picture => picture.Name,
            () => new Evaluator(plan, recogniser),
            (evaluator, labelled) =>
            {
                (Picture picture, string text) = labelled.Load();
                return evaluator.Measure(picture, text);
            },
            (_, measurements) =>
            {
                measured.Add(measurements);
                advance(measured.Count);
            },
            cancellation));

        // Means over a part of the pictures would pass for means over all.
        if (exitCode != ExitCode.Success)
            throw new CommandFailure("No results, because some pictures could not be measured.", exitCode);

        CodingResults[] results = [.. plan.Curves.Select((name, curve) => new CodingResults(
            name,
            description,
            RateFigures.Of(Distinct([.. Enumerable.Range(0, measured[0][curve].Length)
                .Select(rate => measured.ConvertAll(m => m[curve][rate]))]))))];
        if (output is not null)
        {
            foreach (CodingResults result in results)
                OutputFile.Write(
                    Path.Combine(output, $"{result.Name}.json"), overwrite: true, terminal,
                    stream => JsonSerializer.Serialize(stream, result, ResultsJson.Default.CodingResults));
        }

        terminal.Say(description);
        Table(results).Write(terminal);
        BdRates(terminal, results, plan);
        return ExitCode.Success;
    }

    /// <summary>
    /// Leaves out a rate at which every picture's file is one that another rate has already: JPEG's quality ends at 1,
    /// however low the target.
    /// </summary>
    private static List<List<Measurement>> Distinct(List<List<Measurement>> rates)
    {
        var distinct = new List<List<Measurement>>();
        foreach (List<Measurement> rate in rates)
        {
            if (!distinct.Exists(one => one.Zip(rate).All(pair => pair.First.Quality.Equals(pair.Second.Quality))))
                distinct.Add(rate);
        }

        return distinct;
    }

    private static TextTable Table(IEnumerable<CodingResults> results)
    {
        var table = new TextTable(
            "coder", " quality", " bpp", " PSNR dB", " MS-SSIM", " accuracy", " NED", " CER", " encode ms",
            " decode ms", " read ms", " encode/read");
        foreach (CodingResults coder in results)
        {
            RateFigures r = coder.Results;
            for (int i = 0; i < r.Bpp.Length; i++)
            {
                table.Add(
                    coder.Name,
                    r.Quality[i] is { } quality ? Number(quality, "0.##") : "–",
                    Number(r.Bpp[i], "f4"),
                    Number(r.Psnr[i], "f2"),
                    Number(r.MsSsim[i], "f4"),
                    Number(r.Accuracy[i], "f4"),
                    Number(r.Ned[i], "f4"),
                    Number(r.Cer[i], "f4"),
                    Number(1000 * r.EncodingTime[i], "f1"),
                    Number(1000 * r.DecodingTime[i], "f1"),
                    Number(1000 * r.OcrTime[i], "f1"),
                    Number(r.EncodeToOcrRatio[i], "f2"));
            }
        }

        return table;
    }

    /// <summary>Compares every other curve with the first codec's, where Bjøntegaard's measure is defined.</summary>
    private static void BdRates(Terminal terminal, CodingResults[] results, EvaluationPlan plan)
    {
        if (plan.Qualities.Count < 2 || results.Length < 3)
            return;
        RateFigures anchor = results[1].Results;
        foreach (CodingResults coder in results.Skip(2))
        {
            terminal.Say(
                $"BD-rate of {coder.Name} against {results[1].Name}: " +
                $"{BdPercent(anchor, coder.Results, r => r.Accuracy)} at equal accuracy, " +
                $"{BdPercent(anchor, coder.Results, r => r.Psnr)} at equal PSNR");
        }
    }

    private static string BdPercent(RateFigures anchor, RateFigures test, Func<RateFigures, double[]> quality)
    {
        try
        {
            double percent = BdRate.Percent(Points(anchor, quality), Points(test, quality));
            return double.IsNaN(percent) ? "no common range" : Number(percent, "+0.0;-0.0") + " %";
        }
        catch (ArgumentException)
        {
            // Accuracy falls where the rate rises, or a coder has a single point.
            return "undefined";
        }
    }

    private static RatePoint[] Points(RateFigures figures, Func<RateFigures, double[]> quality) =>
        [.. figures.Bpp.Zip(quality(figures), (rate, q) => new RatePoint(rate, q)).Distinct()];

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
