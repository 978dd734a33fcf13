using System.CommandLine;
using Tfic.Bitstream;
using Tfic.Imaging;
using Tfic.Networks;
using Tfic.Reading;
using Tfic.Restoration;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic read</c>: the text of pictures and .tfic files.</summary>
internal static class ReadVerb
{
    private const string Examples = """
        tfic read page.png
        tfic read line.tfic
        tfic read scan.png --layout page --format hocr -o scan.html
        tfic read blotches.jpg --restore
        tfic read lines/ --format tsv -o lines.tsv -j 4
        tfic read line.png --format json | jq -r '.[].lines[].text'
        tfic encode line.png -o - --bpp 0.03 | tfic read -
        """;

    public static Verb Create(Terminal terminal)
    {
        var inputs = new Argument<string[]>("IN")
        {
            Description =
                "Pictures (PNG, JPEG, PNM) or .tfic files (their text layer), of pages or of single lines of text, " +
                "folders of them, or -.",
            Arity = ArgumentArity.OneOrMore,
        };
        var format = new Option<string>("--format", "-f")
        {
            Description = "txt: the text; tsv: file, line, word, text, confidence, box; json; hocr.",
            HelpName = "FORMAT",
            DefaultValueFactory = _ => "txt",
        };
        format.AcceptOnlyFromAmong(ReadoutFormat.Names);
        var layout = new Option<string>("--layout")
        {
            Description =
                "line: one line of text; page: any number of lines, which are looked for; auto: by the picture's shape, or " +
                "page with --restore.",
            HelpName = "auto|line|page",
            DefaultValueFactory = _ => "auto",
        };
        layout.AcceptOnlyFromAmong("auto", "line", "page");
        Option<string> output = CommonOptions.Output("File to write. Default: standard output.");
        output.DefaultValueFactory = _ => Inputs.Standard;
        Option<string> recogniser = CommonOptions.Recogniser(), detector = CommonOptions.Detector();
        var restore = new Option<bool>("--restore")
        {
            Description = "Restore first, as tfic restore does, what JPEG of the lowest quality has coded.",
        };
        Option<string> restorer = CommonOptions.Restorer();
        Option<string?> wordRestorer = CommonOptions.WordRestorer();
        Option<string?> codec = CommonOptions.DecodingCodec();
        Option<int> threads = CommonOptions.Threads();
        Option<bool> noOverwrite = CommonOptions.NoOverwrite();
        var limits = new LimitOptions();

        var verb = new Verb(
            "read",
            "Read the text of pictures: of pages, or of single lines.",
            Examples)
        {
            inputs, layout, format, output, recogniser, detector, restore, restorer, wordRestorer, codec, threads,
            noOverwrite,
        };
        limits.AddTo(verb, layers: true);
        verb.Does((result, cancellation) => Run(
            terminal,
            result.GetRequiredValue(inputs),
            ReadoutFormat.Named(result.GetRequiredValue(format)),
            result.GetRequiredValue(output),
            result.GetRequiredValue(layout),
            new Models(
                Weights.Recogniser(result.GetRequiredValue(recogniser)),
                new(() => Weights.Detector(result.GetRequiredValue(detector))),
                !result.GetValue(restore) ? null : (
                    Weights.Restorer(result.GetRequiredValue(restorer)),
                    result.GetValue(wordRestorer) is { } words ? Weights.Restorer(words) : null)),
            result.GetValue(codec),
            result.GetValue(threads),
            overwrite: !result.GetValue(noOverwrite),
            limits.Of(result),
            cancellation));
        return verb;
    }

    private static int Run(
        Terminal terminal,
        string[] inputs,
        ReadoutFormat format,
        string output,
        string layout,
        Models models,
        string? codec,
        int threads,
        bool overwrite,
        InputLimits limits,
        CancellationToken cancellation)
    {
        IReadOnlyList<string> files = Inputs.Expand(inputs, [.. Inputs.Pictures, Inputs.Tfic]);
        OutputFile.Check(output, overwrite, terminal);

        // A single page has all threads to itself.
        int perPage = files.Count == 1 ? threads : 1;
        var codecs = new DecodingCodecs(codec);

        int exitCode = ExitCode.Success;
        int count = 0;
        void ReadAll(Action<string> write)
        {
            exitCode = Batch.Run(
                files,
                threads,
                terminal,
                Inputs.Name,
                () => (Readers: new Readers(models, perPage), Decoder: new StreamDecoder(codecs, limits)),
                (worker, file) => Read(worker.Readers, worker.Decoder, file, layout, limits, terminal),
                (_, readout) => write((count++ == 0 ? format.Start : format.Between) + format.Format(readout)),
                cancellation);
            if (count > 0)
                write(format.End);
        }

        if (output == Inputs.Standard)
        {
            ReadAll(terminal.Write);
            return exitCode;
        }

        // What could be read is kept although other inputs failed; where nothing could be read, no file is left.
        try
        {
            OutputFile.Write(output, overwrite, terminal, stream =>
            {
                using var writer = new StreamWriter(stream, leaveOpen: true);
                ReadAll(writer.Write);
                if (count == 0)
                    throw new CommandFailure($"{output}: not written, because nothing could be read.", exitCode);
            });
        }
        catch (CommandFailure failure) when (count == 0 && exitCode != ExitCode.Success)
        {
            terminal.Complain(failure.Message);
        }

        return exitCode;
    }

    private static Readout Read(
        Readers readers, StreamDecoder decoder, string file, string layout, InputLimits limits, Terminal terminal)
    {
        byte[] bytes = Inputs.Read(file, limits, terminal);
        Picture picture = TficContainer.IsTfic(bytes)
            ? decoder.Decode(TficContainer.Read(bytes, limits.Tfic), kind: null)
            : PictureFile.Read(bytes, limits.Picture);
        PageRestorer? restorer = readers.Restorer;
        if (layout == "line" || (layout == "auto" && restorer is null && LineShape.Fits(picture)))
        {
            Picture line = restorer is null
                ? picture
                : restorer.Enhance(picture, restorer.Clean(picture), [new Box(0, 0, picture.Width, picture.Height)]);
            return Of([ReadoutLine.Of(readers.Line.Read(line), picture)]);
        }

        PageText text;
        if (restorer is null)
        {
            text = readers.Page.Read(picture);
        }
        else
        {
            RestoredPage page = restorer.Restore(picture);
            text = readers.Page.Read(page.Picture, page.Words);
        }

        return Of([.. text.Lines.Select(ReadoutLine.Of)]);

        Readout Of(ReadoutLine[] lines) => new(file, picture.Width, picture.Height, lines);
    }

    /// <summary>The models, shared by all threads. A detector is loaded only where there is a page.</summary>
    private sealed record Models(
        RecogniserModel Recogniser, Lazy<DetectorModel> Detector, (RestorerModel First, RestorerModel? Second)? Restorers);

    /// <summary>The readers of one thread, each made when it is first needed.</summary>
    private sealed class Readers(Models models, int threads)
    {
        public LineReader Line => field ??= new LineReader(models.Recogniser);

        public PageReader Page => field ??= new PageReader(models.Detector.Value, models.Recogniser, threads);

        /// <summary>Restores pictures first; null where that is not asked for.</summary>
        public PageRestorer? Restorer => models.Restorers is not { } restorers
            ? null
            : field ??= new PageRestorer(restorers.First, restorers.Second, models.Detector.Value, threads);
    }
}
