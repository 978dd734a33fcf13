using System.CommandLine;
using Tfic.Imaging;
using Tfic.Networks;
using Tfic.Restoration;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic restore</c>: pages of text out of JPEG files that show only blotches.</summary>
internal static class RestoreVerb
{
    private const string Examples = """
        tfic restore page.jpg -o page.png
        tfic restore scans/ -o restored/ -j 4
        tfic restore page.jpg -o page.png --d1-only
        tfic restore - -o - < page.jpg > page.png
        """;

    public static Verb Create(Terminal terminal)
    {
        var inputs = new Argument<string[]>("IN")
        {
            Description = "Pictures of pages (JPEG, or others that once were), folders of them, or - for standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string> output = CommonOptions.Output(
            "Picture to write (.png, .jpg, .pgm), a folder of .png for several inputs, or - for PNG on standard output.");
        output.Required = true;
        var pagesOnly = new Option<bool>("--d1-only")
        {
            Description = "Restore the page as a whole and leave out the second step, which sharpens its words.",
        };
        Option<string> restorer = CommonOptions.Restorer();
        Option<string?> wordRestorer = CommonOptions.WordRestorer();
        Option<bool> int8 = CommonOptions.Int8();
        Option<string> detector = CommonOptions.Detector();
        Option<int> jobs = CommonOptions.Threads();
        Option<int?> threads = CommonOptions.FileThreads();
        Option<bool> noOverwrite = CommonOptions.NoOverwrite();
        var limits = new LimitOptions();

        var verb = new Verb(
            "restore",
            "Restore pages of small print that JPEG of the lowest quality has coded. What comes out is grey.",
            Examples)
        {
            inputs, output, pagesOnly, restorer, wordRestorer, int8, detector, jobs, threads, noOverwrite,
        };
        limits.AddTo(verb, layers: false);
        verb.Does((result, cancellation) =>
        {
            string[] given = result.GetRequiredValue(inputs);
            IReadOnlyList<string> files = Inputs.Expand(given, Inputs.Pictures);
            IReadOnlyList<(string Input, string Output)> pairs =
                OutputNames.Pair(files, given.Any(Directory.Exists), result.GetRequiredValue(output), ".png");
            bool overwrite = !result.GetValue(noOverwrite);
            OutputFile.Check(pairs[0].Output, overwrite || pairs.Count > 1, terminal, binary: true);
            PictureFormat format = OutputFile.PictureFormatOf(pairs[0].Output);

            RestorerModel first = Weights.Restorer(result.GetRequiredValue(restorer), result.GetValue(int8));
            string? wordWeights = result.GetValue(pagesOnly) ? null : result.GetValue(wordRestorer);
            bool words = wordWeights is not null;
            RestorerModel? second = words ? Weights.Restorer(wordWeights!, result.GetValue(int8)) : null;
            DetectorModel? finder = words ? Weights.Detector(result.GetRequiredValue(detector)) : null;
            int atOnce = result.GetValue(jobs);
            int each = CommonOptions.ThreadsOfFile(result.GetValue(threads), atOnce, pairs.Count);
            InputLimits accepted = limits.Of(result);

            return Batch.Run(
                pairs,
                atOnce,
                terminal,
                pair => Inputs.Name(pair.Input),
                () => new PageRestorer(first, second, finder, each),
                (worker, pair) =>
                {
                    OutputFile.Check(pair.Output, overwrite, terminal);
                    Picture page = Inputs.ReadPicture(pair.Input, accepted, terminal);
                    RestoredPage restored = words ? worker.Restore(page) : new RestoredPage(worker.Clean(page), []);
                    OutputFile.Write(
                        pair.Output, overwrite, terminal,
                        stream => PictureFile.Write(stream, restored.Picture, format));
                    return restored;
                },
                (pair, restored) =>
                {
                    string found = words ? $", {restored.Words.Count} words" : "";
                    terminal.Say(
                        $"{Inputs.Name(pair.Input)}: {restored.Picture.Width} × {restored.Picture.Height} pixels{found} " +
                        $"→ {Inputs.Name(pair.Output)}");
                },
                cancellation);
        });
        return verb;
    }
}
