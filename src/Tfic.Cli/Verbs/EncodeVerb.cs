using System.CommandLine;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Metrics;
using Tfic.Models;
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
        tfic encode page.png -o page.tfic -q 3 --base-quality 4
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
        var baseQuality = new Option<double?>("--base-quality")
        {
            Description = "Add a base layer of this quality, 1 to 8: a second coding of the picture, for the eye.",
            HelpName = "Q",
        };
        var baseCodec = new Option<string>("--base-codec")
        {
            Description = $"Codec of the base layer: {CommonOptions.Codecs}.",
            HelpName = "NAME|PATH",
            DefaultValueFactory = _ => ShippedModels.CompactMse,
        };
        CommonOptions.Number(quality, 1, 8);
        CommonOptions.Number(baseQuality, 1, 8);
        CommonOptions.Number(bpp, 1e-6, 1000);
        CommonOptions.Number(bytes, 1, int.MaxValue);
        Option<string> codec = CommonOptions.Codec();
        Option<int> threads = CommonOptions.Threads();
        Option<bool> noOverwrite = CommonOptions.NoOverwrite();
        var limits = new LimitOptions();

        var verb = new Verb("encode", "Compress pictures to .tfic files.", Examples)
        {
            inputs, output, quality, bpp, bytes, codec, baseQuality, baseCodec, threads, noOverwrite,
        };
        limits.AddTo(verb, layers: false);
        verb.Validators.Add(result =>
        {
            if (new Option[] { quality, bpp, bytes }.Count(o => result.GetResult(o) is not null) > 1)
                result.AddError("Give only one of --quality, --bpp and --bytes.");
            if (result.GetResult(baseCodec) is { Implicit: false } && result.GetResult(baseQuality) is null)
                result.AddError("--base-codec needs --base-quality, which adds the layer.");
        });
        verb.Does((result, cancellation) => Run(
            terminal,
            result.GetRequiredValue(inputs),
            result.GetRequiredValue(output),
            new Target(result.GetValue(quality) ?? DefaultQuality, result.GetValue(bpp), result.GetValue(bytes)),
            result.GetRequiredValue(codec),
            result.GetValue(baseQuality) is { } q ? (q, result.GetRequiredValue(baseCodec)) : null,
            result.GetValue(threads),
            overwrite: !result.GetValue(noOverwrite),
            limits.Of(result),
            cancellation));
        return verb;
    }

    /// <summary>What decides on the text layer's rate: the quality, unless one of the others is set.</summary>
    private sealed record Target(double Quality, double? BitsPerPixel, int? Bytes);

    private static int Run(
        Terminal terminal,
        string[] inputs,
        string output,
        Target target,
        string codec,
        (double Quality, string Codec)? baseLayer,
        int threads,
        bool overwrite,
        InputLimits limits,
        CancellationToken cancellation)
    {
        IReadOnlyList<string> files = Inputs.Expand(inputs, Inputs.Pictures);
        IReadOnlyList<(string Input, string Output)> pairs =
            OutputNames.Pair(files, inputs.Any(Directory.Exists), output, Inputs.Tfic);
        OutputFile.Check(pairs[0].Output, overwrite || pairs.Count > 1, terminal, binary: true);
        CodecModel model = Weights.Codec(codec);
        CodecModel? baseModel = baseLayer is null ? null : Weights.Codec(baseLayer.Value.Codec);
        return Batch.Run(
            pairs,
            threads,
            terminal,
            pair => Inputs.Name(pair.Input),
            () => (
                Text: new TficEncoder(model),
                Base: baseModel is null ? null : new BaseLayer(new TficEncoder(baseModel), baseLayer!.Value.Quality)),
            (encoders, pair) =>
            {
                OutputFile.Check(pair.Output, overwrite, terminal);
                Picture picture = Inputs.ReadPicture(pair.Input, limits, terminal);
                RateSearchResult result = Encode(encoders.Text, encoders.Base, picture, target);
                OutputFile.Write(pair.Output, overwrite, terminal, result.File);
                return (Picture: picture, Bytes: result.File.Length, result.Quality, result.Shortfall);
            },
            (pair, done) => terminal.Say(
                $"{Inputs.Name(pair.Input)}: {done.Picture.Width} × {done.Picture.Height} pixels → " +
                $"{done.Bytes:N0} bytes, {BitRate.BitsPerPixel(done.Bytes, done.Picture):f4} bpp, " +
                $"quality {done.Quality:0.##}" +
                (baseLayer is null ? "" : $", base layer's {baseLayer.Value.Quality:0.##}") +
                (done.Shortfall is null ? "" : $" (the target is missed by more than 3%: {done.Shortfall})")),
            cancellation);
    }

    private static RateSearchResult Encode(
        TficEncoder encoder, BaseLayer? baseLayer, Picture picture, Target target) => target switch
        {
            { Bytes: { } bytes } => encoder.EncodeToBytes(picture, bytes, baseLayer),
            { BitsPerPixel: { } bits } => encoder.EncodeToBitsPerPixel(picture, bits, baseLayer),
            _ => new RateSearchResult(
                encoder.Encode(picture, target.Quality, baseLayer), target.Quality, Shortfall: null, Trials: 1),
        };
}
