using System.CommandLine;
using Tfic.Bitstream;
using Tfic.Imaging;
using Tfic.Networks;
using Tfic.Reading;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic read</c>: the text of pictures and .tfic files.</summary>
internal static class ReadVerb
{
    private const string Examples = """
        tfic read line.png
        tfic read line.tfic
        tfic read lines/ --format tsv -o lines.tsv -j 4
        tfic read line.png --format json | jq -r '.[].lines[].text'
        tfic encode line.png -o - --bpp 0.03 | tfic read -
        """;

    public static Verb Create(Terminal terminal)
    {
        var inputs = new Argument<string[]>("IN")
        {
            Description =
                "Pictures (PNG, JPEG, PNM) or .tfic files (their text layer) of one line of text each, folders of " +
                "them, or -.",
            Arity = ArgumentArity.OneOrMore,
        };
        var format = new Option<string>("--format", "-f")
        {
            Description = "txt: the text; tsv: file, text, confidence, box; json; hocr.",
            HelpName = "FORMAT",
            DefaultValueFactory = _ => "txt",
        };
        format.AcceptOnlyFromAmong(ReadoutFormat.Names);
        Option<string> output = CommonOptions.Output("File to write. Default: standard output.");
        output.DefaultValueFactory = _ => Inputs.Standard;
        Option<string> recogniser = CommonOptions.Recogniser();
        Option<string?> codec = CommonOptions.DecodingCodec();
        Option<int> threads = CommonOptions.Threads();
        Option<bool> noOverwrite = CommonOptions.NoOverwrite();
        var limits = new LimitOptions();

        var verb = new Verb(
            "read",
            "Read the text of pictures. Each picture is read as one line: there is no detector of lines yet.",
            Examples)
        {
            inputs, format, output, recogniser, codec, threads, noOverwrite,
        };
        limits.AddTo(verb, layers: true);
        verb.Does((result, cancellation) => Run(
            terminal,
            result.GetRequiredValue(inputs),
            ReadoutFormat.Named(result.GetRequiredValue(format)),
            result.GetRequiredValue(output),
            result.GetRequiredValue(recogniser),
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
        string recogniser,
        string? codec,
        int threads,
        bool overwrite,
        InputLimits limits,
        CancellationToken cancellation)
    {
        IReadOnlyList<string> files = Inputs.Expand(inputs, [.. Inputs.Pictures, Inputs.Tfic]);
        OutputFile.Check(output, overwrite, terminal);
        RecogniserModel model = Weights.Recogniser(recogniser);
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
                () => (Reader: new LineReader(model), Decoder: new StreamDecoder(codecs, limits)),
                (worker, file) => Read(worker.Reader, worker.Decoder, file, limits, terminal),
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
        LineReader reader, StreamDecoder decoder, string file, InputLimits limits, Terminal terminal)
    {
        byte[] bytes = Inputs.Read(file, limits, terminal);
        Picture picture = TficContainer.IsTfic(bytes)
            ? decoder.Decode(TficContainer.Read(bytes, limits.Tfic), kind: null)
            : PictureFile.Read(bytes, limits.Picture);
        if (!LineShape.Fits(picture))
            terminal.Say(
                $"{Inputs.Name(file)}: {picture.Width} × {picture.Height} pixels do not look like one line of text; " +
                "read as one line all the same. Cut the lines out first: there is no detector of lines yet.");
        ReadLine line = reader.Read(picture);
        return new Readout(
            file,
            picture.Width,
            picture.Height,
            [
                new ReadoutLine(
                    line.Text,
                    line.Confidence,
                    [0, 0, picture.Width, picture.Height],
                    [.. line.Characters.Select(c => c.Confidence)]),
            ]);
    }
}
