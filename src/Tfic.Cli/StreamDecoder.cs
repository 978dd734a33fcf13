using Tfic.Bitstream;
using Tfic.Decoding;
using Tfic.Imaging;
using Tfic.Networks;

namespace Tfic.Cli;

/// <summary>The codecs that .tfic files may have been made with.</summary>
internal sealed class DecodingCodecs
{
    /// <summary>Names the codecs.</summary>
    /// <param name="nameOrPath">The only one; null for all that ship.</param>
    /// <exception cref="CommandFailure">The one named cannot be loaded, which is not the fault of any file.</exception>
    public DecodingCodecs(string? nameOrPath) =>
        Models = nameOrPath is null ? ShippedCodecs.Models : [Weights.Codec(nameOrPath)];

    /// <summary>The codecs, each loaded as the enumeration reaches it.</summary>
    public IEnumerable<CodecModel> Models { get; }
}

/// <summary>Decodes .tfic files of several codecs; one for each thread.</summary>
internal sealed class StreamDecoder(DecodingCodecs codecs, InputLimits limits)
{
    private readonly Dictionary<CodecModel, TficDecoder> _decoders = [];

    /// <summary>Decodes a layer of a file with the codec that it names.</summary>
    /// <param name="container">The file.</param>
    /// <param name="kind">Which layer; null for the text layer, or if there is none for the base layer.</param>
    /// <exception cref="TficFormatException">
    /// The layer is damaged, absent, too large, or no codec at hand is the one it names.
    /// </exception>
    public Picture Decode(TficContainer container, LayerKind? kind)
    {
        TficLayer layer = container.GetLayer(kind);
        foreach (CodecModel model in codecs.Models)
        {
            if (!container.IsWhole(layer, model.Prior.Id))
                continue;
            if (!_decoders.TryGetValue(model, out TficDecoder? decoder))
                _decoders[model] = decoder = new TficDecoder(model, limits.Tfic);
            return decoder.Decode(container, kind);
        }

        return Refuse(container, kind);
    }

    /// <summary>Lets a decoder of all codecs say what does not fit, and adds what to do about it.</summary>
    private Picture Refuse(TficContainer container, LayerKind? kind)
    {
        CodecModel[] models = [.. codecs.Models];
        const string remedy = "Give the codec that it was made with: --codec NAME or --codec FILE.safetensors.";
        if (models.Length == 0)
            throw new TficFormatException($"This build holds no codec to decode it with. {remedy}");
        try
        {
            return new TficDecoder(models, limits.Tfic) { KnownModels = ShippedCodecs.Ids }.Decode(container, kind);
        }
        catch (TficFormatException e)
        {
            throw new TficFormatException($"{e.Message} {remedy}", inner: e);
        }
    }
}
