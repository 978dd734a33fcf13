using Tfic.Kernels.RangeCoding;
using Tfic.Networks.TinyLic;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.CompressAI;

/// <summary>
/// What CompressAI's entropy models share: the integer tables they code with, kept in the state dictionary.
/// </summary>
/// <remarks>
/// A row of <c>_quantized_cdf</c> has the cumulative frequencies, out of 2¹⁶, of the values <c>_offset</c>, + 1, + 2 …,
/// then of all values beyond, and is <c>_cdf_length</c> long; what is behind means nothing. The names are CompressAI's, so
/// that its checkpoints load. Its rANS streams are not written: the core's coder takes the same frequencies.
/// </remarks>
public abstract class EntropyModel : Module
{
    /// <summary>Least likelihood, which bounds the bits of a value to about 30.</summary>
    public const double LikelihoodBound = 1e-9;

    /// <summary>Probability that a table leaves to the values beyond it.</summary>
    protected const double TailMass = 1e-9;

    private FrequencyTables? tables;

    /// <summary>Makes a model without tables.</summary>
    protected EntropyModel(string name)
        : base(name)
    {
        register_buffer("_offset", zeros([0], ScalarType.Int32));
        register_buffer("_quantized_cdf", zeros([0], ScalarType.Int32));
        register_buffer("_cdf_length", zeros([0], ScalarType.Int32));
        register_module("likelihood_lower_bound", new Bound(LikelihoodBound));
    }

    /// <summary>The tables as the core's coder takes them.</summary>
    /// <exception cref="TficFormatException">There are none yet, or the loaded ones are no distributions.</exception>
    public FrequencyTables Tables => tables ??= Convert();

    /// <summary>Makes the tables' buffers as large as those of a state dictionary, so that they can be loaded.</summary>
    public void MakeRoom(string prefix, IReadOnlyDictionary<string, Tfic.Networks.StoredTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        foreach (string name in (ReadOnlySpan<string>)["_offset", "_quantized_cdf", "_cdf_length", "scale_table"])
        {
            if (!tensors.TryGetValue($"{prefix}.{name}", out Tfic.Networks.StoredTensor? stored) || !has_buffer(name))
                continue;
            Tensor old = get_buffer(name)!;
            SetBuffer(name, zeros(Array.ConvertAll(stored.Shape.ToArray(), size => (long)size), old.dtype));
        }

        tables = null;
    }

    /// <summary>−Σ log₂ of likelihoods.</summary>
    public static Tensor Bits(Tensor likelihoods) => likelihoods.log2().sum().neg();

    /// <summary>
    /// max(x, bound), whose gradient is 1 on both sides: a rate always asks for more likelihood, and is heard where that
    /// is below the bound.
    /// </summary>
    protected static Tensor BoundLikelihood(Tensor likelihood) =>
        likelihood + (likelihood.clamp_min(LikelihoodBound) - likelihood).detach();

    /// <summary>x moved to the nearest integer above or below a mean, or by noise of one integer's width.</summary>
    protected static Tensor Quantise(Tensor x, Tensor? mean, bool noise) =>
        noise ? x + rand_like(x) - 0.5 : mean is null ? x.round() : (x - mean).round() + mean;

    /// <summary>Sets the tables from probabilities.</summary>
    /// <param name="offsets">First value of each row.</param>
    /// <param name="lengths">Values of each row.</param>
    /// <param name="mass">Probabilities [rows, longest], what is beyond a row's length is ignored.</param>
    /// <param name="tail">Probability of all values beyond, of each row.</param>
    protected void SetTables(int[] offsets, int[] lengths, float[,] mass, float[] tail)
    {
        ArgumentNullException.ThrowIfNull(offsets);
        ArgumentNullException.ThrowIfNull(lengths);
        ArgumentNullException.ThrowIfNull(mass);
        ArgumentNullException.ThrowIfNull(tail);
        int rows = lengths.Length, columns = lengths.Max() + 2;
        var cumulative = new int[rows * columns];
        for (int row = 0; row < rows; row++)
        {
            var probabilities = new float[lengths[row] + 1];
            for (int i = 0; i < lengths[row]; i++)
                probabilities[i] = mass[row, i];
            probabilities[^1] = tail[row];
            PublishedTables.Cumulate(probabilities).CopyTo(cumulative.AsSpan(row * columns));
        }

        SetBuffer("_offset", tensor(offsets));
        SetBuffer("_quantized_cdf", tensor(cumulative, [rows, columns]));
        SetBuffer("_cdf_length", tensor(Array.ConvertAll(lengths, length => length + 2)));
        tables = null;
    }

    /// <summary>Replaces a buffer, whose size may change.</summary>
    protected void SetBuffer(string name, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        value.DetachFromDisposeScope();
        ConditionallyRegisterBuffer(name, value);
    }

    /// <inheritdoc/>
    protected override void RegisterComponents()
    {
    }

    private FrequencyTables Convert()
    {
        int[] Values(string name) => get_buffer(name)!.cpu().contiguous().data<int>().ToArray();
        int[] lengths = Values("_cdf_length");
        return lengths.Length > 0
            ? PublishedTables.Convert(Values("_offset"), lengths, Values("_quantized_cdf"))
            : throw new TficFormatException("The entropy model has no tables yet; update it first.");
    }

    /// <summary>Holds a bound where CompressAI's state dictionaries have it.</summary>
    internal sealed class Bound : Module
    {
        public Bound(double bound)
            : base(nameof(Bound)) => register_buffer("bound", tensor(new[] { (float)bound }));
    }
}
