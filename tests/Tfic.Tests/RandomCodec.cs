using Tfic.Networks;
using Tfic.Tests.Networks;

namespace Tfic.Tests;

/// <summary>Whole codec models with seeded random weights: float transforms and an integer prior.</summary>
/// <remarks>
/// Weights keep activations near their size from layer to layer, so that every stage has something to do: latents
/// spread over several integers and scales over many tables.
/// </remarks>
internal static class RandomCodec
{
    private static readonly Lazy<CodecModel> s_codec = new(() => CodecModel.Load(File(1)));
    private static readonly Lazy<CodecModel> s_other = new(() => CodecModel.Load(File(2)));
    private static readonly Lazy<CodecModel> s_context = new(() => CodecModel.Load(File(3, hasContext: true)));

    /// <summary>A model for all tests; shared.</summary>
    public static CodecModel Model => s_codec.Value;

    /// <summary>Another model of the same shape.</summary>
    public static CodecModel OtherModel => s_other.Value;

    /// <summary>A model with a context model; shared.</summary>
    public static CodecModel ContextModel => s_context.Value;

    /// <summary>A model file, the same for the same seed.</summary>
    public static byte[] File(int seed, bool hasContext = false)
    {
        var writer = new SafetensorsWriter();
        RandomModels.AddCodecTransforms(writer, seed);
        Prior(new Random(seed), hasContext).AddTo(writer);
        return writer.ToArray();
    }

    /// <summary>A random float h_s of the compact codec.</summary>
    public static HyperSynthesisWeights HyperSynthesis(Random random) => new(
        Layer(random, 256, 32, 3, 0.7f), Layer(random, 256, 64, 3, 1.4f), LastLayer(random));

    /// <summary>A random prior: ẑ spread over some integers, scales over the lower half of the tables.</summary>
    public static IntegerPrior Prior(Random random, bool hasContext = false)
    {
        var offsets = new float[8, 96];
        for (int q = 0; q < 8; q++)
        {
            for (int c = 0; c < 96; c++)
                offsets[q, c] = (2 * q) + random.NextSingle();
        }

        HyperSynthesisWeights weights = HyperSynthesis(random);
        return hasContext
            ? IntegerPriorExport.Quantise(
                weights with { Context = Context(random) }, [12f, 12f, 12f], offsets, HyperProbabilities(random, 32))
            : IntegerPriorExport.Quantise(weights, [12f, 12f], offsets, HyperProbabilities(random, 32));
    }

    /// <summary>A random float context model that moves means by about one and scale indexes by about four.</summary>
    public static ContextWeights Context(Random random)
    {
        ConvolutionWeights last = Layer(random, 192, 64, 1, 1f);
        for (int i = 96 * 64; i < last.Weight.Length; i++)
            last.Weight[i] *= 4;
        return new ContextWeights(Layer(random, 64, 4 * 96, 1, 1f), Layer(random, 64, 64, 1, 1f), last);
    }

    /// <summary>Laplacian-like masses of random width and place.</summary>
    public static ChannelProbabilities[] HyperProbabilities(Random random, int channels) =>
        Enumerable.Range(0, channels).Select(_ =>
        {
            double decay = 0.2 + (0.7 * random.NextDouble());
            int centre = random.Next(-2, 3);
            var mass = Enumerable.Range(-40, 81).Select(v => Math.Pow(decay, Math.Abs(v - centre))).ToArray();
            double sum = mass.Sum();
            return new ChannelProbabilities(-40, mass.Select(m => m / sum).ToArray());
        }).ToArray();

    /// <summary>A layer whose outputs deviate gain times as much as its inputs.</summary>
    public static ConvolutionWeights Layer(Random random, int outputs, int inputs, int k, float gain)
    {
        float range = gain * MathF.Sqrt(3f / (inputs * k * k));
        var weight = new float[outputs * inputs * k * k];
        for (int i = 0; i < weight.Length; i++)
            weight[i] = range * ((2 * random.NextSingle()) - 1);
        var bias = new float[outputs];
        for (int i = 0; i < bias.Length; i++)
            bias[i] = 0.1f * ((2 * random.NextSingle()) - 1);
        return new ConvolutionWeights(outputs, inputs, k, weight, bias);
    }

    private static ConvolutionWeights LastLayer(Random random)
    {
        ConvolutionWeights layer = Layer(random, 192, 64, 1, 1f);

        // Scale indexes around 15, some of them far from it.
        for (int o = 96; o < 192; o++)
        {
            layer.Bias[o] += 15;
            for (int i = 0; i < 64; i++)
                layer.Weight[(o * 64) + i] *= 4;
        }

        return layer;
    }
}
