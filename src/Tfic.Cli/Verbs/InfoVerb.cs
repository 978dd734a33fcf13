using System.CommandLine;
using System.Globalization;
using Tfic.Bitstream;
using Tfic.Imaging;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic info</c>: what files hold, without decoding them.</summary>
internal static class InfoVerb
{
    private const string Examples = """
        tfic info page.tfic
        tfic info packed/
        tfic info my-codec.safetensors
        """;

    public static Verb Create(Terminal terminal)
    {
        var inputs = new Argument<string[]>("IN")
        {
            Description = ".tfic files, pictures, .safetensors files, folders of them, or - for standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        var limits = new LimitOptions();
        var verb = new Verb("info", "Tell what files hold: size, rate, layers, models.", Examples) { inputs };
        limits.AddTo(verb, layers: true);
        verb.Does((result, cancellation) => Batch.Run(
            Inputs.Expand(result.GetRequiredValue(inputs), [Inputs.Tfic, .. Inputs.Pictures, ".safetensors"]),
            threads: 1,
            terminal,
            Inputs.Name,
            () => limits.Of(result),
            (accepted, file) => Describe(file, Inputs.Read(file, accepted, terminal), accepted),
            (_, text) => terminal.Write(text),
            cancellation));
        return verb;
    }

    private static string Describe(string file, byte[] bytes, InputLimits limits)
    {
        string name = Inputs.Name(file);
        if (TficContainer.IsTfic(bytes))
        {
            TficContainer container = TficContainer.Read(bytes, limits.Tfic);
            double pixels = (double)container.Width * container.Height;
            string layers = string.Concat(container.Layers.Select(layer => string.Create(
                CultureInfo.InvariantCulture,
                $"  {(layer.Kind == LayerKind.Text ? "text" : "base")} layer: {layer.Payload.Length:N0} bytes of " +
                $"symbols, {8 * layer.Payload.Length / pixels:f4} bpp, quality {1 + layer.Quality / 32.0:0.##}, " +
                $"model {Model(container, layer)}, mode {(int)layer.Mode} ({Mode(layer.Mode)})\n")));
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{name}: Tfic, {container.Width} × {container.Height} pixels, " +
                $"{(container.IsGrey ? "grey" : "RGB")}, {bytes.Length:N0} bytes, {container.BitsPerPixel:f4} bpp, " +
                $"{container.OverheadBytes} bytes of header and checks\n{layers}");
        }

        if (Path.GetExtension(file).Equals(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            SafetensorsFile model = SafetensorsFile.Read(bytes);
            string metadata = string.Concat(model.Metadata
                .Where(pair => pair.Value.Length <= 80)
                .OrderBy(pair => pair.Key, StringComparer.Ordinal)
                .Select(pair => $"  {pair.Key}: {pair.Value}\n"));
            long parameters = model.Tensors.Values.Sum(t => (long)t.Count);
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{name}: safetensors, {model.Tensors.Count} tensors, {parameters:N0} values, " +
                $"{bytes.Length:N0} bytes\n{metadata}");
        }

        Picture picture = PictureFile.Read(bytes, limits.Picture);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: picture, {picture.Width} × {picture.Height} pixels, " +
            $"{(picture.Channels == 1 ? "grey" : "RGB")}, {bytes.Length:N0} bytes, {8.0 * bytes.Length / picture.PixelCount:f4} bpp\n");
    }

    /// <summary>A model's id, and its name if it is one that ships. The short form tells half of the id.</summary>
    private static string Model(TficContainer container, TficLayer layer)
    {
        foreach ((ModelId id, string name) in ShippedCodecs.Ids)
        {
            if (container.IsWhole(layer, id))
                return $"{id} ({name})";
        }

        return container.IsShort ? $"{layer.Model.ToString()[..4]}…" : layer.Model.ToString();
    }

    private static string Mode(CodingMode mode) => mode switch
    {
        CodingMode.Range => "one lane",
        CodingMode.Interleaved => "32 lanes",
        CodingMode.Chunked => "chunks of 32 lanes",
        _ => "unknown",
    };
}
