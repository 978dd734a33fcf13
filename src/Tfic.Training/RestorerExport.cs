using Tfic.Networks;
using Tfic.Training.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tfic.Training;

/// <summary>Moves restorers between TorchSharp and the files that the core runs.</summary>
public static class RestorerExport
{
    /// <summary>Writes a grey DnCNN with its normalisations folded into the convolutions, weights in float16.</summary>
    /// <param name="network">A trained network of one channel, in any layout.</param>
    /// <param name="path">The safetensors file.</param>
    /// <param name="metadata">Further metadata: name, steps, seed and the like.</param>
    /// <exception cref="ArgumentException">The network is not for grey pictures.</exception>
    public static void Write(DnCnn network, string path, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(metadata);
        using DisposeScope scope = NewDisposeScope();
        DnCnn folded = network.Fold();
        var writer = new SafetensorsWriter();
        writer.SetMetadata("tfic", "restorer 1");
        writer.SetMetadata("profile", "dncnn");
        foreach ((string key, string value) in metadata)
            writer.SetMetadata(key, value);
        int next = 0;
        foreach (Conv2d layer in folded.modules().OfType<Conv2d>())
        {
            if (next == 0 && layer.weight.shape[1] != 1)
                throw new ArgumentException("Restorers are for grey pictures, of one channel.", nameof(network));
            ModelFile.Add(writer, $"conv{next++}", layer.weight, layer.bias!);
        }

        ModelFile.Save(writer, path);
    }

    /// <summary>Loads an exported file back into the TorchSharp network, folded, in evaluation mode.</summary>
    /// <param name="file">What <see cref="Write"/> wrote.</param>
    /// <exception cref="TficFormatException">Tensors are missing or of another shape.</exception>
    public static DnCnn Read(SafetensorsFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
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
