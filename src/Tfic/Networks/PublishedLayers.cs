using Tfic.Kernels.Convolution;

namespace Tfic.Networks;

/// <summary>Layers from published weights, normalisations folded in.</summary>
internal static class PublishedLayers
{
    // Of torch's BatchNorm2d.
    private const double Epsilon = 1e-5;

    /// <summary>A convolution from NAME.weight and NAME.bias.</summary>
    public static Conv2d Convolution(
        this PublishedWeights weights, string name, int inputs, int outputs, int kernel, int padding, float slope = 1f,
        bool hasBias = true) =>
        new(
            weights.Float(name + ".weight", outputs, inputs, kernel, kernel),
            hasBias ? weights.Float(name + ".bias", outputs) : new float[outputs], inputs, kernel, kernel)
        {
            Padding = Padding.Symmetric(padding, padding),
            NegativeSlope = slope,
        };

    /// <summary>A convolution, by default without a bias, and the normalisation behind it, as one.</summary>
    public static Conv2d Normalised(
        this PublishedWeights weights, string name, string normalisation, int inputs, int outputs, int kernel,
        Padding padding, float slope = 0f, Residual residual = Residual.None, bool hasBias = false)
    {
        float[] weight = weights.Float(name + ".weight", outputs, inputs, kernel, kernel);
        (float[] factor, float[] shift) = weights.Normalisation(normalisation, outputs);
        int each = weight.Length / outputs;
        for (int i = 0; i < weight.Length; i++)
            weight[i] = Finite(name, weight[i] * factor[i / each]);
        if (hasBias)
        {
            float[] bias = weights.Float(name + ".bias", outputs);
            for (int o = 0; o < outputs; o++)
                shift[o] = Finite(name, shift[o] + bias[o] * factor[o]);
        }

        return new Conv2d(weight, shift, inputs, kernel, kernel)
        {
            Padding = padding,
            NegativeSlope = slope,
            Residual = residual,
        };
    }

    /// <summary>A linear layer, as a convolution by one pixel.</summary>
    public static Conv2d Linear(
        this PublishedWeights weights, string name, int inputs, int outputs, float slope = 1f, bool hasBias = true) =>
        Linear(
            weights.Float(name + ".weight", outputs, inputs),
            hasBias ? weights.Float(name + ".bias", outputs) : new float[outputs], inputs, slope);

    /// <summary>The same of weights that are given.</summary>
    public static Conv2d Linear(
        float[] weight, float[] bias, int inputs, float slope = 1f, Residual residual = Residual.None) =>
        new(weight, bias, inputs, 1, 1) { NegativeSlope = slope, Residual = residual };

    /// <summary>What a batch normalisation multiplies each channel by, and then adds.</summary>
    public static (float[] Factor, float[] Shift) Normalisation(
        this PublishedWeights weights, string name, int channels)
    {
        float[] factor = weights.Float(name + ".weight", channels), shift = weights.Float(name + ".bias", channels);
        float[] mean = weights.Float(name + ".running_mean", channels);
        float[] variance = weights.Float(name + ".running_var", channels);
        for (int c = 0; c < channels; c++)
        {
            // A negative variance makes this not a number.
            double scale = factor[c] / Math.Sqrt(variance[c] + Epsilon);
            factor[c] = Finite(name, (float)scale);
            shift[c] = Finite(name, (float)(shift[c] - mean[c] * scale));
        }

        return (factor, shift);
    }

    private static float Finite(string name, float value) => float.IsFinite(value)
        ? value
        : throw new TficFormatException($"The normalisation of '{name}' leaves values that are not finite.");
}
