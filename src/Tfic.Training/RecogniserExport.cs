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
        foreach ((string name, NormalisedConvolution layer) in network.Normalised)
        {
            (Tensor weight, Tensor bias) = layer.Fold();
            ModelFile.Add(writer, name, weight, bias);
        }

        ModelFile.Add(writer, "head", network.Head.Weight, network.Head.Bias!);
        ModelFile.Save(writer, path);
    }

    /// <summary>Loads an exported file back into the TorchSharp network, in evaluation mode.</summary>
    /// <param name="file">What <see cref="Write"/> wrote.</param>
    /// <exception cref="TficFormatException">Tensors are missing or of another shape.</exception>
    public static CompactRecogniserNetwork Read(SafetensorsFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var network = new CompactRecogniserNetwork();
        using IDisposable guard = no_grad();
        foreach ((string name, NormalisedConvolution layer) in network.Normalised)
        {
            layer.LoadFolded(
                ModelFile.Load(file, name + ".weight", layer.Convolution.Weight),
                ModelFile.Load(file, name + ".bias", layer.Normalisation.bias!));
        }

        ModelFile.LoadInto(file, "head", network.Head);
        network.eval();
        return network;
    }
}
