using System.CommandLine;
using Tfic.Bitstream;
using Tfic.Imaging;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic decode</c>: .tfic files to pictures.</summary>
internal static class DecodeVerb
{
    private const string Examples = """
        tfic decode page.tfic -o page.png
        tfic decode page.tfic -o page.jpg
        tfic decode page.tfic -o page.png --layer base
        tfic decode packed/ -o pictures/ -j 4
        tfic decode - -o - < page.tfic > page.png
        tfic decode page.tfic -o page.png --codec my-codec.safetensors
        """;

    public static Verb Create(Terminal terminal)
    {
        var inputs = new Argument<string[]>("IN")
        {
            Description = ".tfic files, folders of them, or - for standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string> output = CommonOptions.Output(
            "Picture to write (.png, .jpg, .ppm, .pgm), a folder of .png for several inputs, or - for PNG on " +
            "standard output.");
        output.Required = true;
        Option<string?> codec = CommonOptions.DecodingCodec();
        Option<int> threads = CommonOptions.Threads();
        Option<bool> noOverwrite = CommonOptions.NoOverwrite();
        Option<LayerKind?> layer = CommonOptions.Layer(
            "Which coding of the picture: text, with its text legible, or base, for the eye. Default: text if there " +
            "is one.");
        var limits = new LimitOptions();

        var verb = new Verb("decode", "Turn .tfic files back into pictures.", Examples)
        {
            inputs, output, codec, layer, threads, noOverwrite,
        };
        limits.AddTo(verb, layers: true);
        verb.Does((result, cancellation) => Run(
            terminal,
            result.GetRequiredValue(inputs),
            result.GetRequiredValue(output),
            result.GetValue(codec),
            result.GetValue(layer),
            result.GetValue(threads),
            overwrite: !result.GetValue(noOverwrite),
            limits.Of(result),
            cancellation));
        return verb;
    }

    private static int Run(
        Terminal terminal,
        string[] inputs,
        string output,
        string? codec,
        LayerKind? layer,
        int threads,
        bool overwrite,
        InputLimits limits,
        CancellationToken cancellation)
    {
        IReadOnlyList<string> files = Inputs.Expand(inputs, [Inputs.Tfic]);
        IReadOnlyList<(string Input, string Output)> pairs =
            OutputNames.Pair(files, inputs.Any(Directory.Exists), output, ".png");
        OutputFile.Check(pairs[0].Output, overwrite || pairs.Count > 1, terminal, binary: true);
        PictureFormat format = OutputFile.PictureFormatOf(pairs[0].Output);
        var codecs = new DecodingCodecs(codec);
        return Batch.Run(
            pairs,
            threads,
            terminal,
            pair => Inputs.Name(pair.Input),
            () => new StreamDecoder(codecs, limits),
            (decoder, pair) =>
            {
                OutputFile.Check(pair.Output, overwrite, terminal);
                Picture picture = decoder.Decode(Inputs.ReadTfic(pair.Input, limits, terminal), layer);
                OutputFile.Write(
                    pair.Output, overwrite, terminal, stream => PictureFile.Write(stream, picture, format));
                return picture;
            },
            (pair, picture) => terminal.Say(
                $"{Inputs.Name(pair.Input)}: {picture.Width} × {picture.Height} pixels → {Inputs.Name(pair.Output)}"),
            cancellation);
    }
}
