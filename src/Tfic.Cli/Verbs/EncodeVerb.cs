using System.CommandLine;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Metrics;
using Tfic.Networks;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic encode</c>: pictures to .tfic files.</summary>
internal static class EncodeVerb
{
    private const double DefaultQuality = 3;

    private const string Examples = """
        tfic encode page.png -o page.tfic
        tfic encode page.png -o page.tfic -q 5.5
        tfic encode line.jpg -o line.tfic --bpp 0.03
        tfic encode scans/ -o packed/ -q 2 -j 4
        convert scan.tif png:- | tfic encode - -o - > scan.tfic
        """;

    public static Verb Create(Terminal terminal)
    {
        var inputs = new Argument<string[]>("IN")
        {
            Description = "Pictures (PNG, JPEG, PNM), folders of them, or - for standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string> output = CommonOptions.Output(
            "File to write, a folder for several inputs, or - for standard output.");
        output.Required = true;
        var quality = new Option<double?>("--quality", "-q")
        {
            Description = $"1 (fewest bytes) to 8, fractions allowed. Default: {DefaultQuality}.",
            HelpName = "Q",
        };
        var bpp = new Option<double?>("--bpp")
        {
            Description = "Choose the quality that comes nearest to so many bits a pixel.",
            HelpName = "BITS",
        };
        var bytes = new Option<int?>("--bytes")
        {
            Description = "Choose the quality that comes nearest to so many bytes.",
            HelpName = "N",
        };
        CommonOptions.Number(quality, 1, 8);
        CommonOptions.Number(bpp, 1e-6, 1000);
        CommonOptions.Number(bytes, 1, int.MaxValue);
        Option<string> codec = CommonOptions.Codec();
        Option<int> threads = CommonOptions.Threads();
        Option<bool> noOverwrite = CommonOptions.NoOverwrite();
        Option<long> maxPixels = CommonOptions.MaxPixels();

        var verb = new Verb("encode", "Compress pictures to .tfic files.", Examples)
        {
            inputs, output, quality, bpp, bytes, codec, threads, noOverwrite, maxPixels,
        };
        verb.Validators.Add(result =>
        {
            if (new Option[] { quality, bpp, bytes }.Count(o => result.GetResult(o) is not null) > 1)
                result.AddError("Give only one of --quality, --bpp and --bytes.");
        });
        verb.Does((result, cancellation) => Run(
            terminal,
            result.GetRequiredValue(inputs),
            result.GetRequiredValue(output),
            new Target(result.GetValue(quality) ?? DefaultQuality, result.GetValue(bpp), result.GetValue(bytes)),
            result.GetRequiredValue(codec),
            result.GetValue(threads),
            overwrite: !result.GetValue(noOverwrite),
            new PictureLimits(MaxPixels: result.GetValue(maxPixels)),
            cancellation));
        return verb;
    }

    /// <summary>What decides on the rate: the quality, unless one of the others is set.</summary>
    private sealed record Target(double Quality, double? BitsPerPixel, int? Bytes);

    private static int Run(
        Terminal terminal,
        string[] inputs,
        string output,
        Target target,
        string codec,
        int threads,
        bool overwrite,
        PictureLimits limits,
        CancellationToken cancellation)
    {
        IReadOnlyList<string> files = Inputs.Expand(inputs, Inputs.Pictures);
        IReadOnlyList<(string Input, string Output)> pairs =
            OutputNames.Pair(files, inputs.Any(Directory.Exists), output, Inputs.Tfic);
        OutputFile.Check(pairs[0].Output, overwrite || pairs.Count > 1, terminal, binary: true);
        CodecModel model = Weights.Codec(codec);
        return Batch.Run(
            pairs,
            threads,
            terminal,
            pair => Inputs.Name(pair.Input),
            () => new TficEncoder(model),
            (encoder, pair) =>
            {
                OutputFile.Check(pair.Output, overwrite, terminal);
                Picture picture = Inputs.ReadPicture(pair.Input, limits, terminal);
                RateSearchResult result = Encode(encoder, picture, target);
                OutputFile.Write(pair.Output, overwrite, terminal, result.File);
                return (Picture: picture, Bytes: result.File.Length, result.Quality, result.Shortfall);
            },
            (pair, done) => terminal.Say(
                $"{Inputs.Name(pair.Input)}: {done.Picture.Width} × {done.Picture.Height} pixels → " +
                $"{done.Bytes:N0} bytes, {BitRate.BitsPerPixel(done.Bytes, done.Picture):f4} bpp, " +
                $"quality {done.Quality:0.##}" +
                (done.Shortfall is null ? "" : $" (the target is out of reach: {done.Shortfall})")),
            cancellation);
    }

    private static RateSearchResult Encode(TficEncoder encoder, Picture picture, Target target) => target switch
    {
        { Bytes: { } bytes } => encoder.EncodeToBytes(picture, bytes),
        { BitsPerPixel: { } bits } => encoder.EncodeToBitsPerPixel(picture, bits),
        _ => new RateSearchResult(encoder.Encode(picture, target.Quality), target.Quality, Shortfall: null),
    };
}
