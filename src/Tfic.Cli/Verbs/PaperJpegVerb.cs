using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Tfic.Cli.Paper;
using Tfic.Imaging;
using Tfic.Networks;
using Tfic.Synthesis;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic paper jpeg</c>: the paper's experiment on text in JPEG files of the lowest quality.</summary>
internal static class PaperJpegVerb
{
    private const string Examples = """
        tfic paper jpeg --text book.txt -o report/
        tfic paper jpeg --text book.txt -o report/ --patches 300 --no-tools
        tfic paper jpeg --text book.txt -o report/ --sweep sweep.json
        """;

    public static Verb Create(Terminal terminal)
    {
        Option<string> output = CommonOptions.Output("Folder of the report.");
        output.Required = true;
        var patches = new Option<int>("--patches")
        {
            Description = "Number of test patches, at most ten a page.",
            HelpName = "N",
            DefaultValueFactory = _ => 4570,
        };
        CommonOptions.Number(patches, 1, 1_000_000);
        var second = new Option<int>("--second-reader-patches")
        {
            Description = "On how many of them Tesseract reads too, where it is installed: it is slow.",
            HelpName = "N",
            DefaultValueFactory = _ => 40,
        };
        CommonOptions.Number(second, 0, 100_000);
        var noTools = new Option<bool>("--no-tools") { Description = "Leave out Tesseract even where it is installed." };
        var pagesOnly = new Option<bool>("--d1-only") { Description = "Leave out the second step, D2." };
        var truePlaces = new Option<bool>("--true-places")
        {
            Description = "Read words where they truly are and leave out the detector.",
        };
        var sweep = new Option<string?>("--sweep")
        {
            Description =
                "JSON file of D1 trained with several λ, to show: {\"description\": \"…\", \"points\": " +
                "[{\"lambda\": 0.5, \"accuracy\": 0.7, \"psnr\": 20}]}; psnr may be null.",
            HelpName = "FILE",
        };
        Option<string> restorer = CommonOptions.Restorer();
        Option<string?> wordRestorer = CommonOptions.WordRestorer();
        Option<bool> int8 = CommonOptions.Int8();
        Option<string> detector = CommonOptions.Detector(), recogniser = CommonOptions.Recogniser();
        Option<ulong> seed = CommonOptions.Seed();
        Option<int> threads = CommonOptions.Threads();
        var source = new TextSource();
        var verb = new Verb(
            "jpeg", "Restore and read small print in JPEG files of quality 1 (the paper's Section 4).", Examples)
        {
            output, patches, second, noTools, pagesOnly, truePlaces, sweep, restorer, wordRestorer, int8, detector,
            recogniser,
            seed, threads,
        };
        source.AddProseTo(verb);
        verb.Does((result, cancellation) =>
        {
            string folder = result.GetRequiredValue(output);
            OutputFile.CreateFolder(folder);
            Sweep? given = ReadSweep(result.GetValue(sweep), terminal);
            ulong start = result.GetValue(seed);
            string first = result.GetRequiredValue(restorer), reader = result.GetRequiredValue(recogniser);
            string? words = result.GetValue(pagesOnly) ? null : result.GetValue(wordRestorer);
            string? finder = result.GetValue(truePlaces) ? null : result.GetRequiredValue(detector);
            var plan = new JpegPlan(
                Pages(source.LoadFonts(result), source.LoadProse(result)!, start),
                result.GetValue(patches),
                Weights.Restorer(first, result.GetValue(int8)),
                words is null ? null : Weights.Restorer(words, result.GetValue(int8)),
                finder is null ? null : Weights.Detector(finder),
                Weights.Recogniser(reader),
                result.GetValue(noTools) || !Tesseract.IsInstalled ? 0 : result.GetValue(second));
            string description =
                $"Pages of prose, fonts and chapters of the test split, seed {start}, made so small that lines are " +
                $"{JpegExperiment.LineDistance} pixels apart; grey JPEG files of quality {JpegExperiment.Quality}; " +
                $"D1 is {first}" + (words is null ? "" : $", D2 {words}") +
                (finder is null ? "" : $", the detector {finder}") + $", the reader {reader}";
            (JpegFigures figures, IReadOnlyList<ShownPage> shown) =
                JpegExperiment.Run(plan, description, given, result.GetValue(threads), terminal, cancellation);
            Write(terminal, folder, figures, shown);
            return ExitCode.Success;
        });
        return verb;
    }

    private static PageGenerator Pages(FontSet fonts, BookText text, ulong seed)
    {
        try
        {
            return new PageGenerator(JpegExperiment.Pages, fonts.Split(Split.Test), text.Split(Split.Test), seed);
        }
        catch (ArgumentException e)
        {
            throw new CommandFailure($"No test pages can be set. {e.Message}", inner: e);
        }
    }

    private static Sweep? ReadSweep(string? path, Terminal terminal)
    {
        if (path is null)
            return null;
        try
        {
            Sweep? sweep = JsonSerializer.Deserialize(
                Inputs.Read(path, new InputLimits(), terminal), JpegFiguresJson.Default.Sweep);
            return sweep is null || sweep.Points.Contains(null)
                ? throw new JsonException("It holds a null where a sweep or a point belongs.")
                : sweep;
        }
        catch (JsonException e)
        {
            throw new CommandFailure($"{path}: is no sweep. {e.Message}", inner: e);
        }
    }

    private static void Write(Terminal terminal, string folder, JpegFigures figures, IReadOnlyList<ShownPage> shown)
    {
        void Save(string name, ReadOnlyMemory<byte> bytes) =>
            OutputFile.Write(Path.Combine(folder, name), overwrite: true, terminal, bytes);
        void SavePicture(string name, Picture picture)
        {
            using var png = new MemoryStream();
            PngWriter.Write(png, picture);
            Save(name, png.ToArray());
        }

        Save("report.html", System.Text.Encoding.UTF8.GetBytes(JpegPage.Write(figures, shown)));
        Save("figures.json", JsonSerializer.SerializeToUtf8Bytes(figures, JpegFiguresJson.Default.JpegFigures));
        if (JpegPage.SweepChart(figures) is { } chart)
            Save("sweep.svg", System.Text.Encoding.UTF8.GetBytes(chart.Svg()));

        // The first page as a file that any program opens, restored, and as it was.
        Save("page.jpg", shown[0].File);
        SavePicture("page-restored.png", shown[0].Pictures[^2]);
        SavePicture("page-original.png", shown[0].Pictures[^1]);

        terminal.Say(figures.Description);
        terminal.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"{figures.Patches:N0} patches with {figures.Words:N0} words on {figures.Pages:N0} pages; " +
            $"{figures.BytesPerPage:f0} bytes a page, {figures.Bpp:f3} bpp"));
        var table = new TextTable(JpegPage.Headings);
        foreach (RestorationRow row in figures.Rows)
            table.Add(JpegPage.Cells(row));
        table.Write(terminal);
        terminal.Say($"The report: {Path.Combine(folder, "report.html")}");
    }
}
