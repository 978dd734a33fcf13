using System.CommandLine;
using System.Globalization;
using Tfic.Cli.Demo;
using Tfic.Imaging;
using static Tfic.Cli.TextTable;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic demo</c>: one picture through everything, on the terminal and as a page.</summary>
internal static class DemoVerb
{
    private const string Examples = """
        tfic demo
        tfic demo line.png -o report.html
        tfic demo line.png -q 1 2 4
        """;

    private static readonly double[] s_qualities = [1, 3, 5];

    public static Verb Create(Terminal terminal)
    {
        var picture = new Argument<string?>("PICTURE")
        {
            Description = "Picture to show (PNG, JPEG, PNM). Default: two that ship.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string> output = CommonOptions.Output("Page to write. Default: demo.html.");
        output.DefaultValueFactory = _ => "demo.html";
        Option<double[]> qualities = CommonOptions.Qualities("1 3 5");
        Option<string> codec = CommonOptions.Codec();
        Option<string> recogniser = CommonOptions.Recogniser();
        Option<bool> noOverwrite = CommonOptions.NoOverwrite();
        var limits = new LimitOptions();

        var verb = new Verb(
            "demo", "Show a picture after Tfic and after JPEG of the same size, and the text read from each.", Examples)
        {
            picture, output, qualities, codec, recogniser, noOverwrite,
        };
        limits.AddTo(verb, layers: false);
        verb.Does((result, cancellation) =>
        {
            string target = result.GetRequiredValue(output);
            bool overwrite = !result.GetValue(noOverwrite);
            OutputFile.Check(target, overwrite, terminal);
            IReadOnlyList<DemoPicture> pictures = result.GetValue(picture) is { } path
                ? [new DemoPicture(
                    Path.GetFileName(path),
                    Inputs.ReadPicture(path, limits.Of(result), terminal),
                    Truth: null)]
                : ShippedPictures.All;
            double[] given = result.GetValue(qualities) ?? [];
            var report = new DemoReport(
                Weights.Codec(result.GetRequiredValue(codec)),
                Weights.Recogniser(result.GetRequiredValue(recogniser)),
                given.Length > 0 ? given : s_qualities);
            return Run(terminal, report, pictures, target, overwrite, cancellation);
        });
        return verb;
    }

    private static int Run(
        Terminal terminal,
        DemoReport report,
        IReadOnlyList<DemoPicture> pictures,
        string output,
        bool overwrite,
        CancellationToken cancellation)
    {
        var reports = new List<PictureReport>();
        int steps = 0;
        terminal.Progress("Coding and reading", report.Steps * pictures.Count, advance =>
        {
            foreach (DemoPicture picture in pictures)
                reports.Add(report.Make(picture, () => advance(++steps), cancellation));
        });

        string page = DemoPage.Write(reports);
        OutputFile.Write(output, overwrite, terminal, System.Text.Encoding.UTF8.GetBytes(page));
        foreach (PictureReport one in reports)
        {
            Picture picture = one.Source.Picture;
            terminal.Say($"\n{one.Source.Name}: {picture.Width} × {picture.Height} pixels");
            if (!one.IsLine)
                terminal.Say(
                    "This is not the shape of one line of text; nothing is read. \"tfic read\" reads pages.");
        }

        if (output != Inputs.Standard)
        {
            Table(reports).Write(terminal);
            terminal.Say($"The pictures side by side: {output}");
        }

        return ExitCode.Success;
    }

    private static TextTable Table(IEnumerable<PictureReport> reports)
    {
        var table = new TextTable(
            "picture", "coder", " bytes", " bpp", "text read", " accuracy", " encode ms", " decode ms", " read ms");
        foreach (PictureReport report in reports)
        {
            int raw = report.Source.Picture.Samples.Length;
            table.Add(
                report.Source.Name, "original", Number(raw, "N0"), Number(report.Bpp(raw), "f3"), report.Text ?? "–",
                Number(report.Accuracy, "f2"), "–", "–", Number(report.ReadMs, "f1"));
            foreach (CodedPicture coded in report.Rates.SelectMany(rate => rate))
            {
                table.Add(
                    report.Source.Name, $"{coded.Coder}, {coded.Setting}", Number(coded.Bytes, "N0"),
                    Number(report.Bpp(coded.Bytes), "f3"), coded.Text ?? "–", Number(coded.Accuracy, "f2"),
                    Number(coded.EncodeMs, "f1"), Number(coded.DecodeMs, "f1"), Number(coded.ReadMs, "f1"));
            }
        }

        return table;
    }
}
