using System.CommandLine;
using System.Text.Json;
using Tfic.Bitstream;
using Tfic.Cli.Paper;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Reading;
using Tfic.Synthesis;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic paper</c>: the paper's experiments, from the shipped weights, as reports.</summary>
internal static class PaperVerb
{
    private const string Examples = """
        tfic paper tfic -o report/
        tfic paper jpeg --text book.txt -o report/
        """;

    private const string TficExamples = """
        tfic paper tfic -o report/
        tfic paper tfic -o report/ --lines 100 --no-tools
        """;

    private static readonly double[] s_qualities = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8];

    public static Verb Create(Terminal terminal) =>
        new("paper", "Repeat the paper's experiments and write reports of them.", Examples)
        {
            CreateTfic(terminal),
            PaperJpegVerb.Create(terminal),
        };

    private static Verb CreateTfic(Terminal terminal)
    {
        Option<string> output = CommonOptions.Output("Folder of the report.");
        output.Required = true;
        var count = new Option<int>("--lines")
        {
            Description = "Number of test pictures.",
            HelpName = "N",
            DefaultValueFactory = _ => 600,
        };
        CommonOptions.Number(count, 1, 100_000);
        var second = new Option<int>("--second-reader-lines")
        {
            Description = "On how many of them Tesseract reads too, where it is installed: it is slow.",
            HelpName = "N",
            DefaultValueFactory = _ => 40,
        };
        CommonOptions.Number(second, 0, 100_000);
        var noTools = new Option<bool>("--no-tools")
        {
            Description = "Leave out WebP, AVIF, JPEG XL and Tesseract even where their programs are installed.",
        };
        Option<double[]> qualities = CommonOptions.Qualities("1 1.5 2 2.5 3 4 5 6 7 8");
        Option<ulong> seed = CommonOptions.Seed();
        Option<int> threads = CommonOptions.Threads();
        var source = new TextSource();
        var verb = new Verb(
            "tfic", "Rate, accuracy, PSNR and times on lines of 512 × 256 (the paper's Section 3).", TficExamples)
        {
            output, count, second, noTools, qualities, seed, threads,
        };
        source.AddTo(verb);
        verb.Does((result, cancellation) =>
        {
            string folder = result.GetRequiredValue(output);
            OutputFile.CreateFolder(folder);
            bool tools = !result.GetValue(noTools);
            double[] given = result.GetValue(qualities) ?? [];
            (FontSet fonts, WordList words) = source.Load(result);
            ulong start = result.GetValue(seed);
            var plan = new TficPlan(
                CommonOptions.Lines(LineOptions.Default, fonts, words, Split.Test, start),
                result.GetValue(count),
                Weights.Codec(ShippedModels.Compact),
                Weights.Codec(ShippedModels.CompactMse),
                given.Length > 0 ? [.. given.Order()] : s_qualities,
                Weights.Recogniser(ShippedModels.RecogniserCompact),
                ConventionalCodec.Installed(tools),
                tools && Tesseract.IsInstalled ? result.GetValue(second) : 0);
            string description =
                $"{plan.Count} lines of the test split stretched to 512 × 256, seed {start}; " +
                $"TFIC is {ShippedModels.Compact}, the MSE codec {ShippedModels.CompactMse}, " +
                $"the reader {ShippedModels.RecogniserCompact}" +
                (plan.SecondReaderCount > 0 ? $"; Tesseract on the first {plan.SecondReaderCount}" : "");
            TficFigures figures =
                TficExperiment.Run(plan, description, result.GetValue(threads), terminal, cancellation);
            Write(terminal, folder, plan, figures);
            return ExitCode.Success;
        });
        return verb;
    }

    private static void Write(Terminal terminal, string folder, TficPlan plan, TficFigures figures)
    {
        void Save(string name, string text) => OutputFile.Write(
            Path.Combine(folder, name), overwrite: true, terminal, System.Text.Encoding.UTF8.GetBytes(text));

        Save("report.html", TficPage.Write(figures, Specimens(plan, figures)));
        Save("figure3.svg", TficPage.Accuracy(figures).Svg());
        Save("figure5.svg", TficPage.Distortion(figures).Svg());
        if (TficPage.SecondAccuracy(figures) is { } second)
            Save("figure3-tesseract.svg", second.Svg());
        Save("figures.json", JsonSerializer.Serialize(figures, TficFiguresJson.Default.TficFigures));

        terminal.Say(figures.Description);
        var table = new TextTable("coder", "setting", " bpp", " accuracy", " PSNR dB", " Tesseract");
        table.Add(
            "uncompressed", "", "24", TextTable.Number(figures.UncompressedAccuracy, "f4"), "–",
            TextTable.Number(figures.UncompressedSecondAccuracy, "f4"));
        foreach (PaperCurve curve in figures.Curves)
        {
            foreach (PaperPoint p in curve.Points)
                table.Add(
                    curve.Name, p.Setting, TextTable.Number(p.Bpp, "f4"), TextTable.Number(p.Accuracy, "f4"),
                    TextTable.Number(p.Psnr, "f2"), TextTable.Number(p.SecondAccuracy, "f4"));
        }

        table.Write(terminal);
        TimeTable times = figures.Times;
        terminal.Say(
            $"encode {TextTable.Number(times.Encode.Mean, "f1")} ± {TextTable.Number(times.Encode.Deviation, "f1")} ms, " +
            $"OCR {TextTable.Number(times.Ocr.Mean, "f1")} ± {TextTable.Number(times.Ocr.Deviation, "f1")} ms, " +
            $"ratio {TextTable.Number(times.Ratio, "f2")}, one thread");
        terminal.Say($"The report: {Path.Combine(folder, "report.html")}");
    }

    /// <summary>
    /// Pictures for the eye: the originals, the MSE codec and TFIC near 0.015 bits a pixel, TFIC at its lowest rate, and
    /// the paper's two layers in one file: the text is read from one, the other is for looking at.
    /// </summary>
    private static Specimens[] Specimens(TficPlan plan, TficFigures figures)
    {
        const double shownBpp = 0.015;
        const int pictures = 4;
        var reader = new LineReader(plan.Recogniser);
        Picture[] originals =
        [
            .. Enumerable.Range(0, Math.Min(pictures, plan.Count)).Select(i => TficExperiment.Draw(plan.Lines, i).Picture),
        ];

        (double Quality, string Setting) Near(string curve, double bpp)
        {
            IReadOnlyList<PaperPoint> points = figures.Curves.Single(c => c.Name == curve).Points;
            PaperPoint nearest = points.MinBy(p => Math.Abs(Math.Log(p.Bpp / bpp)))!;
            return (plan.Qualities[points.ToList().IndexOf(nearest)], $"{curve}, {nearest.Setting}");
        }

        Specimens Coded(string curve, CodecModel model, double bpp)
        {
            (double quality, string name) = Near(curve, bpp);
            var encoder = new TficEncoder(model);
            var decoder = new TficDecoder(model);
            return new Specimens(name, [.. originals.Select(picture =>
            {
                byte[] file = encoder.Encode(picture, quality);
                Picture decoded = decoder.Decode(file);
                return (decoded, file.Length, reader.Read(decoded).Text);
            })]);
        }

        Specimens TwoLayers()
        {
            (double textQuality, string textName) = Near(TficExperiment.TficName, shownBpp);
            (double baseQuality, string baseName) = Near(TficExperiment.MseName, shownBpp);
            var encoder = new TficEncoder(plan.Tfic);
            var baseLayer = new BaseLayer(new TficEncoder(plan.Mse), baseQuality);
            var decoder = new TficDecoder([plan.Tfic, plan.Mse]);
            return new Specimens(
                $"two layers in one file, text: {textName}, base: {baseName}; the base is shown, the text layer read",
                [.. originals.Select(picture =>
                {
                    byte[] file = encoder.Encode(picture, textQuality, baseLayer);
                    return (
                        decoder.Decode(file, LayerKind.Base),
                        file.Length,
                        reader.Read(decoder.Decode(file, LayerKind.Text)).Text);
                })]);
        }

        double lowestBpp = figures.Curves.Single(c => c.Name == TficExperiment.TficName).Points[0].Bpp;
        return
        [
            new("original", [.. originals.Select(p => (p, p.Samples.Length, reader.Read(p).Text))]),
            Coded(TficExperiment.MseName, plan.Mse, shownBpp),
            Coded(TficExperiment.TficName, plan.Tfic, shownBpp),
            TwoLayers(),
            Coded(TficExperiment.TficName, plan.Tfic, lowestBpp),
        ];
    }
}
