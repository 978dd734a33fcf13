using Tfic.Bitstream;
using Tfic.Decoding;
using Tfic.Imaging;
using Tfic.Models;
using Tfic.Networks;

namespace Tfic.Cli;

/// <summary>The codecs that .tfic files may have been made with, each loaded when first needed.</summary>
internal sealed class DecodingCodecs
{
    private readonly Lazy<CodecModel>[] _models;

    /// <summary>Names the codecs.</summary>
    /// <param name="nameOrPath">The only one; null for all that ship.</param>
    public DecodingCodecs(string? nameOrPath)
    {
        IEnumerable<string> names = nameOrPath is not null
            ? [nameOrPath]
            : new[] { ShippedModels.Compact, ShippedModels.CompactMse }.Where(ShippedModels.Names.Contains);
        _models = [.. names.Select(name => new Lazy<CodecModel>(() => Weights.Codec(name)))];

        // A codec that was asked for is loaded at once: if it cannot be, that is not the fault of any file.
        if (nameOrPath is not null)
            _ = _models[0].Value;
    }

    /// <summary>The codecs, each loaded as the enumeration reaches it.</summary>
    public IEnumerable<CodecModel> Models => _models.Select(m => m.Value);
}

/// <summary>Decodes .tfic files of several codecs; one for each thread.</summary>
internal sealed class StreamDecoder(DecodingCodecs codecs, PictureLimits limits)
{
    private readonly TficLimits _limits = new() { MaxPixels = limits.MaxPixels };
    private readonly Dictionary<CodecModel, TficDecoder> _decoders = [];

    /// <summary>Decodes a file with the codec that it names.</summary>
    /// <exception cref="TficFormatException">The file is damaged or too large.</exception>
    /// <exception cref="CommandFailure">No codec at hand is the one it names.</exception>
    public Picture Decode(byte[] file)
    {
        TficContainer container = TficContainer.Read(file, _limits);
        TficLayer? layer = container.Layers.FirstOrDefault(l => l.Kind == LayerKind.Text);
        foreach (CodecModel model in codecs.Models)
        {
            if (layer is not null && !container.IsWhole(layer, model.Prior.Id))
                continue;
            if (!_decoders.TryGetValue(model, out TficDecoder? decoder))
                _decoders[model] = decoder = new TficDecoder(model, _limits);
            return decoder.Decode(container);
        }

        return Refuse(container);
    }

    /// <summary>Lets a decoder of all codecs say what does not fit, and adds what to do about it.</summary>
    private Picture Refuse(TficContainer container)
    {
        CodecModel[] models = [.. codecs.Models];
        const string remedy = "Give the codec that it was made with: --codec FILE.safetensors.";
        if (models.Length == 0)
            throw new TficFormatException($"This build holds no codec to decode it with. {remedy}");
        try
        {
            return new TficDecoder(models, _limits).Decode(container);
        }
        catch (TficFormatException e)
        {
            throw new TficFormatException($"{e.Message} {remedy}", inner: e);
        }
    }
}
