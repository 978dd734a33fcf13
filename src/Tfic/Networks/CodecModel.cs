namespace Tfic.Networks;

/// <summary>A trained codec, loaded and checked. Immutable: any number of encoders and decoders may share it.</summary>
public sealed class CodecModel
{
    private CodecModel(SafetensorsFile file)
    {
        Layers.CheckKind(file, "codec", "compact");
        File = file;
        Transforms = new CompactCodec(file);
        Prior = IntegerPrior.Read(file);
        if (Prior.LatentChannels != CompactCodec.LatentChannels || Prior.HyperChannels != CompactCodec.HyperChannels)
            throw new TficFormatException("The model's integer part has other channels than its transforms.");
    }

    /// <summary>The model's own name, from its metadata; "" where it has none.</summary>
    public string Name => File.Metadata.GetValueOrDefault("name", "");

    /// <summary>The file it came from.</summary>
    public SafetensorsFile File { get; }

    /// <summary>The float transforms: g_a, h_a, g_s and the gains.</summary>
    public CompactCodec Transforms { get; }

    /// <summary>The integer part: probability tables, and the means and scales that choose among them.</summary>
    public IntegerPrior Prior { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="stream">A safetensors file; read to its end.</param>
    /// <exception cref="TficFormatException">Damaged, or not a codec of this version.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static CodecModel Load(Stream stream) => new(SafetensorsFile.Read(stream));

    /// <summary>Loads a model that is in memory.</summary>
    /// <param name="file">A whole safetensors file, which must not change afterwards.</param>
    /// <exception cref="TficFormatException">Damaged, or not a codec of this version.</exception>
    public static CodecModel Load(ReadOnlyMemory<byte> file) => new(SafetensorsFile.Read(file));
}
