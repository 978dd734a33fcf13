using Tfic.Networks;
using Tfic.Training.Networks;
using TorchSharp;
using TorchSharp.Modules;
using Convolution = Tfic.Training.Networks.Convolution;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training;

/// <summary>Moves restorers between TorchSharp and the files that the core runs.</summary>
public static class RestorerExport
{
    /// <summary>Writes a restorer with its normalisations folded into the convolutions, weights in float16.</summary>
    /// <param name="network">
    /// A trained <see cref="CompactRestorerNetwork"/>, or a <see cref="DnCnn"/> of one channel, in any layout.
    /// </param>
    /// <param name="path">The safetensors file.</param>
    /// <param name="metadata">Further metadata: name, steps, seed and the like.</param>
    /// <exception cref="ArgumentException">The network is not for grey pictures.</exception>
    public static void Write(
        Module<Tensor, Tensor> network, string path, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(metadata);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        var writer = new SafetensorsWriter();
        writer.SetMetadata("tfic", "restorer 1");
        foreach ((string key, string value) in metadata)
            writer.SetMetadata(key, value);
        if (network is CompactRestorerNetwork compact)
        {
            writer.SetMetadata("profile", "compact");
            foreach ((string name, NormalisedConvolution layer) in compact.Normalised)
            {
                (Tensor weight, Tensor bias) = layer.Fold();
                ModelFile.Add(writer, name, weight, bias);
            }

            foreach ((string name, Convolution layer) in compact.Plain)
                ModelFile.Add(writer, name, layer.Weight, layer.Bias!);
        }
        else if (network is DnCnn chain)
        {
            writer.SetMetadata("profile", "dncnn");
            AddLayers(writer, chain.Fold());
        }
        else
        {
            throw new ArgumentException($"{network.GetName()} is no restorer.", nameof(network));
        }

        ModelFile.Save(writer, path);
    }

    /// <summary>Loads an exported file back into the TorchSharp network, folded, in evaluation mode.</summary>
    /// <param name="file">What <see cref="Write"/> wrote.</param>
    /// <exception cref="TficFormatException">Tensors are missing or of another shape.</exception>
    public static Module<Tensor, Tensor> Read(SafetensorsFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return file.Metadata.GetValueOrDefault("profile") == "compact" ? ReadCompact(file) : ReadChain(file);
    }

    private static CompactRestorerNetwork ReadCompact(SafetensorsFile file)
    {
        (int features, int blocks) = CompactRestorer.SizeOf(file);
        var network = new CompactRestorerNetwork(features, blocks);
        foreach ((string name, NormalisedConvolution layer) in network.Normalised)
        {
            layer.LoadFolded(
                ModelFile.Load(file, name + ".weight", layer.Convolution.Weight),
                ModelFile.Load(file, name + ".bias", layer.Normalisation.bias!));
        }

        foreach ((string name, Convolution layer) in network.Plain)
            ModelFile.LoadInto(file, name, layer);
        network.eval();
        return network;
    }

    private static void AddLayers(SafetensorsWriter writer, DnCnn folded)
    {
        int next = 0;
        foreach (Conv2d layer in folded.modules().OfType<Conv2d>())
        {
            if (next == 0 && layer.weight.shape[1] != 1)
                throw new ArgumentException("Restorers are for grey pictures, of one channel.", nameof(folded));
            ModelFile.Add(writer, $"conv{next++}", layer.weight, layer.bias!);
        }
    }

    private static DnCnn ReadChain(SafetensorsFile file)
    {
        var tensors = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        for (int i = 0; file.Tensors.TryGetValue($"conv{i}.weight", out StoredTensor? weight); i++)
        {
            tensors[$"model.{2 * i}.weight"] = weight;
            tensors[$"model.{2 * i}.bias"] = file.Tensors.TryGetValue($"conv{i}.bias", out StoredTensor? bias)
                ? bias
                : throw new TficFormatException($"There is no tensor 'conv{i}.bias'. Export the model again.");
        }

        return DnCnn.FromStateDict(tensors);
    }
}
