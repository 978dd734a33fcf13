using Tfic.Networks;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training;

/// <summary>Moves detectors between TorchSharp and the files that the core runs.</summary>
public static class DetectorExport
{
    /// <summary>A detector with its batch normalisation folded into the convolutions, weights in float16.</summary>
    /// <param name="network">A trained network.</param>
    /// <param name="metadata">Further metadata: steps, seed and the like.</param>
    /// <returns>A safetensors file that <see cref="DetectorModel"/> loads.</returns>
    public static byte[] ToFile(CompactDetectorNetwork network, IReadOnlyDictionary<string, string> metadata) =>
        Writer(network, metadata).ToArray();

    /// <summary>Writes what <see cref="ToFile"/> gives.</summary>
    /// <param name="network">A trained network.</param>
    /// <param name="path">The safetensors file.</param>
    /// <param name="metadata">Further metadata.</param>
    public static void Write(
        CompactDetectorNetwork network, string path, IReadOnlyDictionary<string, string> metadata) =>
        ModelFile.Save(Writer(network, metadata), path);

    /// <summary>Loads an exported file back into the TorchSharp network, in evaluation mode.</summary>
    /// <param name="file">What <see cref="Write"/> wrote.</param>
    /// <exception cref="TficFormatException">Tensors are missing or of another shape.</exception>
    public static CompactDetectorNetwork Read(SafetensorsFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var network = new CompactDetectorNetwork();
        ModelFile.LoadFolded(file, network.Normalised, network.Head);
        network.eval();
        return network;
    }

    private static SafetensorsWriter Writer(
        CompactDetectorNetwork network, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(network);
        using DisposeScope scope = NewDisposeScope();
        var writer = new SafetensorsWriter();
        writer.SetMetadata("tfic", "detector 1");
        writer.SetMetadata("profile", "compact");
        foreach ((string key, string value) in metadata)
            writer.SetMetadata(key, value);
        ModelFile.AddFolded(writer, network.Normalised, network.Head);
        return writer;
    }
}
