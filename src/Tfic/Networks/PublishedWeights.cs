namespace Tfic.Networks;

/// <summary>
/// Where the weights of a published network come from, under their published names: a file of any kind, or random numbers.
/// </summary>
internal sealed class PublishedWeights
{
    private readonly IReadOnlyDictionary<string, StoredTensor> _tensors;
    private readonly Random? _random;
    private readonly SafetensorsWriter? _copy;

    private PublishedWeights(
        IReadOnlyDictionary<string, StoredTensor> tensors, Random? random = null, SafetensorsWriter? copy = null) =>
        (_tensors, _random, _copy) = (tensors, random, copy);

    /// <summary>A state dictionary; the prefix of PyTorch's DataParallel is taken off where all names have it.</summary>
    public static PublishedWeights Of(IReadOnlyDictionary<string, StoredTensor> tensors) =>
        new(PyTorchFile.WithoutWrapper(tensors));

    /// <summary>
    /// Random weights that keep activations near 1: factors and variances 0.5 … 1.5, masks 1, other vectors within ±0.1,
    /// everything else within ±√(3 / fan-in).
    /// </summary>
    /// <param name="seed">The same numbers for the same seed and the same tensors in the same order.</param>
    /// <param name="copy">Receives all that is drawn, to make a file of it; null for none.</param>
    public static PublishedWeights Drawn(int seed, SafetensorsWriter? copy = null) =>
        new(new Dictionary<string, StoredTensor>(), new Random(seed), copy);

    /// <summary>Whether these are random weights.</summary>
    public bool AreDrawn => _random is not null;

    /// <summary>Whether there is a tensor of this name; of random weights there is none.</summary>
    public bool Has(string name) => _tensors.ContainsKey(name);

    /// <summary>A tensor that may have any shape.</summary>
    /// <exception cref="TficFormatException">There is none of this name, or of this number of dimensions.</exception>
    public StoredTensor Any(string name, int dimensions) =>
        _tensors.TryGetValue(name, out StoredTensor? tensor) && tensor.Shape.Length == dimensions
            ? tensor
            : throw new TficFormatException(
                $"There is no tensor '{name}' of {dimensions} dimensions. This file was made for another network.");

    /// <summary>Values of a tensor.</summary>
    /// <returns>An array, row-major, all values finite.</returns>
    /// <exception cref="TficFormatException">Missing, of another shape or type, or not finite.</exception>
    public float[] Float(string name, params ReadOnlySpan<int> shape)
    {
        if (_random is not null)
        {
            float[] drawn = Draw(name, shape);
            _copy?.AddFloat32(name, drawn, shape);
            return drawn;
        }

        StoredTensor tensor = Any(name, shape.Length);
        if (!tensor.Shape.SequenceEqual(shape))
        {
            throw new TficFormatException(
                $"Tensor '{name}' has shape [{string.Join(", ", tensor.Shape.ToArray())}], but " +
                $"[{string.Join(", ", shape.ToArray())}] is needed. This file was made for another network.",
                tensor.Offset);
        }

        return tensor.ToFloat();
    }

    private float[] Draw(string name, ReadOnlySpan<int> shape)
    {
        int count = 1;
        foreach (int size in shape)
            count = checked(count * size);
        var values = new float[count];
        bool isMask = name.EndsWith(".mask", StringComparison.Ordinal);
        bool isFactor = shape.Length == 1
            && (name.EndsWith(".weight", StringComparison.Ordinal) || name.EndsWith(".running_var", StringComparison.Ordinal));
        float bound = shape.Length == 1 ? 0.1f : MathF.Sqrt(3f * shape[0] / count);
        foreach (ref float value in values.AsSpan())
        {
            float drawn = 2 * _random!.NextSingle() - 1;
            value = isMask ? 1 : isFactor ? 1 + 0.5f * drawn : bound * drawn;
        }

        return values;
    }
}
