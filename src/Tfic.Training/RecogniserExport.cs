using Tfic.Networks;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training;

/// <summary>Moves recognisers between TorchSharp and the files that the core runs.</summary>
public static class RecogniserExport
{
    /// <summary>
    /// Writes a recogniser with its batch normalisation folded into the convolutions, weights in float16.
    /// </summary>
    /// <param name="network">A trained network.</param>
    /// <param name="path">The safetensors file.</param>
    /// <param name="metadata">Further metadata: steps, seed and the like.</param>
    public static void Write(
        CompactRecogniserNetwork network, string path, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(network);
        var writer = new SafetensorsWriter();
        writer.SetMetadata("tfic", "recogniser 1");
        writer.SetMetadata("profile", "compact");
        writer.SetMetadata("charset", Charset.Characters);
        foreach ((string key, string value) in metadata)
            writer.SetMetadata(key, value);
        ModelFile.AddFolded(writer, network.Normalised, network.Head);
        ModelFile.Save(writer, path);
    }

    /// <summary>Loads an exported file back into the TorchSharp network, in evaluation mode.</summary>
    /// <param name="file">What <see cref="Write"/> wrote.</param>
    /// <exception cref="TficFormatException">Tensors are missing or of another shape.</exception>
    public static CompactRecogniserNetwork Read(SafetensorsFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var network = new CompactRecogniserNetwork();
        ModelFile.LoadFolded(file, network.Normalised, network.Head);
        network.eval();
        return network;
    }
}
