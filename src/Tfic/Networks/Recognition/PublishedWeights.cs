using Tfic.Kernels.Convolution;

namespace Tfic.Networks.Recognition;

/// <summary>
/// The weights of a published network by their names in its state dictionary, and layers made of them, normalisations
/// folded in.
/// </summary>
internal abstract class PublishedWeights
{
    // Of torch's BatchNorm2d.
    private const double Epsilon = 1e-5;

    /// <summary>A tensor's values, row-major and finite, in a new array.</summary>
    /// <exception cref="TficFormatException">Missing, of another shape or type, or not finite.</exception>
    public abstract float[] Float(string name, params ReadOnlySpan<int> shape);

    /// <summary>A convolution from NAME.weight and NAME.bias.</summary>
    public Conv2d Convolution(
        string name, int inputs, int outputs, int kernel, int padding, float slope = 1f, bool hasBias = true) =>
        new(
            Float(name + ".weight", outputs, inputs, kernel, kernel),
            hasBias ? Float(name + ".bias", outputs) : new float[outputs], inputs, kernel, kernel)
        {
            Padding = Padding.Symmetric(padding, padding),
            NegativeSlope = slope,
        };

    /// <summary>A convolution without a bias and the normalisation behind it, as one.</summary>
    public Conv2d Normalised(
        string name, string normalisation, int inputs, int outputs, int kernel, Padding padding, float slope = 0f,
        Residual residual = Residual.None)
    {
        float[] weight = Float(name + ".weight", outputs, inputs, kernel, kernel);
        (float[] factor, float[] shift) = Normalisation(normalisation, outputs);
        int each = weight.Length / outputs;
        for (int i = 0; i < weight.Length; i++)
            weight[i] = Finite(name, weight[i] * factor[i / each]);
        return new Conv2d(weight, shift, inputs, kernel, kernel)
        {
            Padding = padding,
            NegativeSlope = slope,
            Residual = residual,
        };
    }

    /// <summary>A linear layer, as a convolution by one pixel.</summary>
    public Conv2d Linear(string name, int inputs, int outputs, float slope = 1f, bool hasBias = true) =>
        Linear(
            Float(name + ".weight", outputs, inputs), hasBias ? Float(name + ".bias", outputs) : new float[outputs],
            inputs, slope);

    /// <summary>The same of weights that are given.</summary>
    public static Conv2d Linear(
        float[] weight, float[] bias, int inputs, float slope = 1f, Residual residual = Residual.None) =>
        new(weight, bias, inputs, 1, 1) { NegativeSlope = slope, Residual = residual };

    /// <summary>What a batch normalisation multiplies each channel by, and then adds.</summary>
    public (float[] Factor, float[] Shift) Normalisation(string name, int channels)
    {
        float[] factor = Float(name + ".weight", channels), shift = Float(name + ".bias", channels);
        float[] mean = Float(name + ".running_mean", channels), variance = Float(name + ".running_var", channels);
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

/// <summary>Weights of a state dictionary.</summary>
/// <param name="tensors">Its tensors, without a wrapper's prefix.</param>
internal sealed class StoredWeights(IReadOnlyDictionary<string, StoredTensor> tensors) : PublishedWeights
{
    /// <inheritdoc/>
    public override float[] Float(string name, params ReadOnlySpan<int> shape) =>
        SafetensorsFile.Tensor(tensors, name, shape).ToFloat();
}

/// <summary>
/// Random weights of the right shapes, for measuring times: within ±√(3 / fan-in), of which activations keep about their
/// size, and normalisations that do nothing. The spline's points lie near the edges, as trained ones do.
/// </summary>
internal sealed class RandomWeights(int seed) : PublishedWeights
{
    private readonly Random _random = new(seed);

    /// <summary>What has been drawn, by name; null for nobody who wants it.</summary>
    public Action<string, int[], float[]>? Drawn { get; init; }

    /// <inheritdoc/>
    public override float[] Float(string name, params ReadOnlySpan<int> shape)
    {
        int count = 1;
        foreach (int size in shape)
            count = checked(count * size);
        var values = new float[count];
        if (name.EndsWith("P_hat", StringComparison.Ordinal))
            SpatialTransformer.FillWithEdges(values, shape[1] - 3);
        else if (name.EndsWith("inv_delta_C", StringComparison.Ordinal))
            FillWithIdentity(values, shape[0]);
        else if (name.EndsWith("localization_fc2.bias", StringComparison.Ordinal))
            SpatialTransformer.FillWithBasePoints(values);
        else if (name.EndsWith("localization_fc2.weight", StringComparison.Ordinal))
            Fill(values, 0.01 / shape[1]);
        else if (name.EndsWith("running_var", StringComparison.Ordinal)
            || (shape.Length == 1 && name.EndsWith(".weight", StringComparison.Ordinal)))
            Array.Fill(values, 1f);
        else if (!name.EndsWith("running_mean", StringComparison.Ordinal))
            Fill(values, shape.Length == 1 ? 0.1 : Math.Sqrt(3.0 * shape[0] / count));
        Drawn?.Invoke(name, shape.ToArray(), values);
        return values;
    }

    private void Fill(float[] values, double bound)
    {
        foreach (ref float value in values.AsSpan())
            value = (float)(bound * (2 * _random.NextDouble() - 1));
    }

    private static void FillWithIdentity(float[] values, int size)
    {
        for (int i = 0; i < size; i++)
            values[i * size + i] = 1;
    }
}
