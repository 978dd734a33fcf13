using Tfic.Networks;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training;

/// <summary>Moves codecs between TorchSharp and the files that the core runs.</summary>
public static class CodecExport
{
    /// <summary>ẑ beyond ± this lies in the escape: so far out no trained prior has mass worth a table slot.</summary>
    private const int HyperRange = 127;

    /// <summary>Writes a codec: transforms in float16, everything that chooses a probability in integers.</summary>
    /// <param name="network">A trained network.</param>
    /// <param name="activationMaxima">
    /// Largest activations that enter h_s's second and third layer and the context's last, from
    /// <see cref="Calibrate"/>.
    /// </param>
    /// <param name="name">The model's name, as errors show it.</param>
    /// <param name="path">The safetensors file.</param>
    /// <param name="metadata">Further metadata: steps, seed and the like.</param>
    public static void Write(
        CompactCodecNetwork network,
        ReadOnlySpan<float> activationMaxima,
        string name,
        string path,
        IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(network);
        var writer = new SafetensorsWriter();
        writer.SetMetadata("tfic", "codec 1");
        writer.SetMetadata("profile", "compact");
        writer.SetMetadata("name", name);
        foreach ((string key, string value) in metadata)
            writer.SetMetadata(key, value);
        foreach ((string layerName, Convolution layer) in Transforms(network))
            ModelFile.Add(writer, layerName, layer.Weight, layer.Bias!);
        writer.AddFloat32("gain_log2", ModelFile.Values(network.GainLog2), ModelFile.Shape(network.GainLog2));
        Prior(network, activationMaxima).AddTo(writer);
        ModelFile.Save(writer, path);
    }

    /// <summary>The integer prior of a network.</summary>
    /// <param name="network">A trained network.</param>
    /// <param name="activationMaxima">As of <see cref="Write"/>.</param>
    public static IntegerPrior Prior(CompactCodecNetwork network, ReadOnlySpan<float> activationMaxima)
    {
        IReadOnlyList<Convolution> layers = network.HS.Layers;
        (double origin, double step) = CompactCodecNetwork.IndexMap;
        var weights = new HyperSynthesisWeights(
            Weights(layers[0]),
            Weights(layers[1]),
            WithIndexMap(Weights(layers[2]), origin, step),
            network.UsesContext ? ContextOf(network.Context, step) : null);

        const int Latents = CompactCodecNetwork.LatentChannels;
        float[] flat = ModelFile.Values(network.ScaleOffset);
        var offsets = new float[CompactCodecNetwork.QualityCount, Latents];
        Buffer.BlockCopy(flat, 0, offsets, 0, flat.Length * sizeof(float));

        using Tensor probabilities = network.Bottleneck.Probabilities(-HyperRange, HyperRange);
        float[] mass = ModelFile.Values(probabilities);
        int range = 2 * HyperRange + 1;
        var channels = new ChannelProbabilities[CompactCodecNetwork.HyperChannels];
        for (int c = 0; c < channels.Length; c++)
        {
            channels[c] = new ChannelProbabilities(
                -HyperRange, Array.ConvertAll(mass[(c * range)..((c + 1) * range)], m => (double)m));
        }

        return IntegerPriorExport.Quantise(
            weights, network.UsesContext ? activationMaxima : activationMaxima[..2], offsets, channels);
    }

    /// <summary>Measures the activations of h_s over pictures at all qualities.</summary>
    /// <param name="network">A trained network.</param>
    /// <param name="pictures">Batches [B, 3, H, W], 0…1.</param>
    /// <returns>The maxima behind h_s's two rectifiers and the context's.</returns>
    public static float[] Calibrate(CompactCodecNetwork network, IEnumerable<Tensor> pictures)
    {
        ArgumentNullException.ThrowIfNull(network);
        using IDisposable guard = no_grad();
        float[] maxima = [];
        foreach (Tensor batch in pictures)
        {
            for (int quality = 1; quality <= CompactCodecNetwork.QualityCount; quality++)
            {
                using DisposeScope scope = NewDisposeScope();
                float[] seen = network.ActivationMaxima(batch, full([batch.shape[0]], (double)quality));
                maxima = maxima.Length == 0 ? seen : [.. maxima.Zip(seen, Math.Max)];
            }
        }

        return maxima;
    }

    /// <summary>
    /// Loads an exported file's float transforms (g_a, h_a, g_s, gains) back into the TorchSharp network. The prior
    /// is integer in the file and stays as it is in the network.
    /// </summary>
    /// <param name="file">What <see cref="Write"/> wrote.</param>
    /// <exception cref="TficFormatException">Tensors are missing or of another shape.</exception>
    public static CompactCodecNetwork ReadTransforms(SafetensorsFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var network = new CompactCodecNetwork();
        using IDisposable guard = no_grad();
        foreach ((string layerName, Convolution layer) in Transforms(network))
            ModelFile.LoadInto(file, layerName, layer);
        network.GainLog2.copy_(ModelFile.Load(file, "gain_log2", network.GainLog2));
        network.eval();
        return network;
    }

    /// <summary>
    /// Loads an exported file back into the TorchSharp network, with floats for the integers of its prior: something to go
    /// on training from. It codes about as well; its tables and so its streams are others.
    /// </summary>
    /// <param name="file">What <see cref="Write"/> wrote.</param>
    /// <exception cref="TficFormatException">Tensors are missing or of another shape.</exception>
    public static CompactCodecNetwork Read(SafetensorsFile file)
    {
        (HyperSynthesisWeights weights, float[,] offsets, IReadOnlyList<ChannelProbabilities> hyper) =
            IntegerPriorExport.Dequantise(file);
        CompactCodecNetwork transforms = ReadTransforms(file);
        var network = new CompactCodecNetwork { UsesContext = weights.Context is not null };
        using (no_grad())
        {
            foreach (((_, Convolution from), (_, Convolution to)) in Transforms(transforms).Zip(Transforms(network)))
            {
                to.Weight.copy_(from.Weight);
                to.Bias!.copy_(from.Bias!);
            }

            network.GainLog2.copy_(transforms.GainLog2);
            (double origin, double step) = CompactCodecNetwork.IndexMap;
            Set(network.HS.Layers[0], weights.Conv0);
            Set(network.HS.Layers[1], weights.Conv1);
            Set(network.HS.Layers[2], WithIndexMap(weights.Conv2, -origin / step, 1 / step));
            network.SetScaleOffset(tensor(offsets.Cast<float>().ToArray(), [offsets.GetLength(0), offsets.GetLength(1)]));
            if (weights.Context is { } context)
            {
                Set(network.Context.Layers[0], Spread(context.Conv0));
                Set(network.Context.Layers[1], context.Conv1);
                Set(network.Context.Layers[2], WithIndexMap(context.Conv2, 0, 1 / step));
            }
        }

        var masses = new float[hyper.Count * (2 * HyperRange + 1)];
        for (int c = 0; c < hyper.Count; c++)
        {
            (int minimum, double[] mass) = hyper[c];
            for (int i = 0; i < mass.Length; i++)
            {
                int column = minimum + i + HyperRange;
                if (column >= 0 && column <= 2 * HyperRange)
                    masses[c * (2 * HyperRange + 1) + column] = (float)mass[i];
            }
        }

        network.Bottleneck.Fit(tensor(masses, [hyper.Count, 2 * HyperRange + 1]), -HyperRange);
        network.eval();
        return network;
    }

    private static void Set(Convolution layer, ConvolutionWeights weights)
    {
        layer.Weight.copy_(tensor(weights.Weight, layer.Weight.shape));
        layer.Bias!.copy_(tensor(weights.Bias));
    }

    private static IEnumerable<(string Name, Convolution Layer)> Transforms(CompactCodecNetwork network) =>
        network.named_modules()
            .Where(m => m.module is Convolution && m.name.Split('.')[0] is "g_a" or "h_a" or "g_s")
            .Select(m => (m.name, (Convolution)m.module));

    private static ConvolutionWeights Weights(Convolution layer)
    {
        int[] shape = ModelFile.Shape(layer.Weight);
        return new ConvolutionWeights(
            shape[0], shape[1], shape[2], ModelFile.Values(layer.Weight), ModelFile.Values(layer.Bias!));
    }

    /// <summary>
    /// The context's layers as 1×1 convolutions: of the first one's 3×3 taps those above, left, right and below, in
    /// this order. What it adds to raw scales is added to table indexes: multiplied by step, without the origin.
    /// </summary>
    private static ContextWeights ContextOf(CheckerboardContext context, double step)
    {
        IReadOnlyList<Convolution> layers = context.Layers;
        ConvolutionWeights full = Weights(layers[0]);
        var cross = new float[full.Outputs * 4 * full.Inputs];
        ReadOnlySpan<int> taps = [1, 3, 5, 7];
        for (int o = 0; o < full.Outputs; o++)
        {
            for (int n = 0; n < taps.Length; n++)
            {
                for (int i = 0; i < full.Inputs; i++)
                    cross[(((o * 4) + n) * full.Inputs) + i] = full.Weight[(((o * full.Inputs) + i) * 9) + taps[n]];
            }
        }

        return new ContextWeights(
            new ConvolutionWeights(full.Outputs, 4 * full.Inputs, 1, cross, full.Bias),
            Weights(layers[1]),
            WithIndexMap(Weights(layers[2]), 0, step));
    }

    /// <summary>The reverse of what <see cref="ContextOf"/> does with the first layer: zeros where there is no neighbour.</summary>
    private static ConvolutionWeights Spread(ConvolutionWeights cross)
    {
        int inputs = cross.Inputs / 4;
        var full = new float[cross.Outputs * inputs * 9];
        ReadOnlySpan<int> taps = [1, 3, 5, 7];
        for (int o = 0; o < cross.Outputs; o++)
        {
            for (int n = 0; n < taps.Length; n++)
            {
                for (int i = 0; i < inputs; i++)
                    full[((o * inputs + i) * 9) + taps[n]] = cross.Weight[((o * 4 + n) * inputs) + i];
            }
        }

        return new ConvolutionWeights(cross.Outputs, inputs, 3, full, cross.Bias);
    }

    /// <summary>Folds raw output → table index (× step + origin) into the rows of the last layer that give scales.</summary>
    private static ConvolutionWeights WithIndexMap(ConvolutionWeights layer, double origin, double step)
    {
        int perOutput = layer.Weight.Length / layer.Outputs;
        for (int o = layer.Outputs / 2; o < layer.Outputs; o++)
        {
            for (int i = 0; i < perOutput; i++)
                layer.Weight[o * perOutput + i] *= (float)step;
            layer.Bias[o] = (float)(layer.Bias[o] * step + origin);
        }

        return layer;
    }
}
