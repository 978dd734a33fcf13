using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Tfic.Kernels.IntegerConvolution;

namespace Tfic.Networks;

/// <summary>
/// A convolution of an integer network: weights in 8 bits, and for each output a bias and the multiplier and shift
/// that bring its sums to the scale of the next layer. Immutable.
/// </summary>
internal sealed class IntegerLayer
{
    private readonly int[] _multiplier;
    private readonly int[] _shift;

    /// <summary>What a layer is stored as.</summary>
    /// <param name="Weight">[outputs, inputs, k, k].</param>
    /// <param name="Bias">One an output, in units of the sums.</param>
    /// <param name="Multiplier">One an output.</param>
    /// <param name="Shift">One an output.</param>
    /// <param name="Inputs">Channels in.</param>
    /// <param name="KernelSize">k.</param>
    public sealed record Tensors(
        sbyte[] Weight, int[] Bias, int[] Multiplier, int[] Shift, int Inputs, int KernelSize)
    {
        /// <summary>Channels out.</summary>
        public int Outputs => Bias.Length;
    }

    /// <summary>A tensor of a model file.</summary>
    public readonly record struct NamedTensor(string Name, TensorType Type, int[] Shape, byte[] Bytes);

    /// <summary>Checks a layer and packs it.</summary>
    /// <param name="name">Its name in the model file.</param>
    /// <param name="stored">Its tensors; not copied.</param>
    /// <param name="largestInput">The largest magnitude of activations that enter it.</param>
    /// <param name="shuffled">
    /// Whether a pixel shuffle by 2 follows. It takes channel 4c + s to channel c of place s; the packed form has its
    /// outputs in the order s · C + c instead, so that each place's channels are neighbours.
    /// </param>
    /// <exception cref="ArgumentException">A rule is broken; the message names the tensor.</exception>
    public IntegerLayer(string name, Tensors stored, int largestInput, bool shuffled = false)
    {
        Name = name;
        Stored = stored;
        int outputs = stored.Outputs;
        if (stored.Multiplier.Length != outputs || stored.Shift.Length != outputs)
            throw new ArgumentException($"{name}: as many biases, multipliers and shifts are needed.");
        if (stored.Multiplier.AsSpan().ContainsAnyInRange(int.MinValue, -1))
            throw new ArgumentException($"{name}.multiplier has a negative number.");
        if (stored.Shift.AsSpan().ContainsAnyExceptInRange(1, Requantisation.MaxShift))
            throw new ArgumentException($"{name}.shift has a number that is not 1…{Requantisation.MaxShift}.");
        if (outputs < 1 || (shuffled && outputs % 4 != 0))
            throw new ArgumentException($"{name} has {outputs} outputs; a multiple of 4 is needed.");
        if (stored.Inputs < 2 || stored.Inputs % 2 != 0)
            throw new ArgumentException($"{name}.weight has {stored.Inputs} inputs; it must be an even number.");
        if (stored.KernelSize % 2 == 0)
            throw new ArgumentException($"{name}.weight has a kernel of {stored.KernelSize}; it must be odd.");

        sbyte[] weight = stored.Weight;
        int[] bias = stored.Bias;
        (_multiplier, _shift) = (stored.Multiplier, stored.Shift);
        if (shuffled)
        {
            int each = weight.Length / outputs;
            weight = new sbyte[weight.Length];
            (bias, _multiplier, _shift) = (new int[outputs], new int[outputs], new int[outputs]);
            for (int o = 0; o < outputs; o++)
            {
                int from = (4 * (o % (outputs / 4))) + (o / (outputs / 4));
                stored.Weight.AsSpan(from * each, each).CopyTo(weight.AsSpan(o * each));
                bias[o] = stored.Bias[from];
                _multiplier[o] = stored.Multiplier[from];
                _shift[o] = stored.Shift[from];
            }
        }

        Weights = new IntegerConvolutionWeights(weight, bias, stored.Inputs, stored.KernelSize);
        if (Weights.MaxActivation() < largestInput)
        {
            throw new ArgumentException(
                $"{name}.weight and {name}.bias: sums could overflow 32 bits at activations beyond " +
                $"{Weights.MaxActivation()}; {largestInput} must be safe.");
        }
    }

    /// <summary>Its name in the model file.</summary>
    public string Name { get; }

    /// <summary>Its tensors.</summary>
    public Tensors Stored { get; }

    /// <summary>What kernels read.</summary>
    public IntegerConvolutionWeights Weights { get; }

    /// <summary>Channels in.</summary>
    public int Inputs => Weights.Inputs;

    /// <summary>Channels out.</summary>
    public int Outputs => Weights.Outputs;

    /// <summary>Rows or columns of zeros that a plane needs on each side.</summary>
    public int Border => Weights.KernelSize / 2;

    /// <summary>Reads a layer's tensors out of a model file.</summary>
    /// <exception cref="TficFormatException">One is missing or has another type or shape.</exception>
    public static Tensors Read(SafetensorsFile file, string name)
    {
        if (!file.Tensors.TryGetValue($"{name}.weight", out StoredTensor? weight) || weight.Shape.Length != 4)
            throw new TficFormatException($"There is no tensor '{name}.weight' of four sizes.");
        (int outputs, int inputs, int k) = (weight.Shape[0], weight.Shape[1], weight.Shape[2]);
        return new Tensors(
            file.SByte($"{name}.weight", outputs, inputs, k, k),
            file.Int32($"{name}.bias", outputs),
            file.Int32($"{name}.multiplier", outputs),
            file.Int32($"{name}.shift", outputs),
            inputs,
            k);
    }

    /// <summary>The tensors as a model file holds them.</summary>
    public IEnumerable<NamedTensor> Store()
    {
        int k = Stored.KernelSize;
        yield return new NamedTensor(
            $"{Name}.weight",
            TensorType.I8,
            [Stored.Outputs, Stored.Inputs, k, k],
            MemoryMarshal.AsBytes<sbyte>(Stored.Weight).ToArray());
        yield return Integers($"{Name}.bias", Stored.Bias, Stored.Outputs);
        yield return Integers($"{Name}.multiplier", Stored.Multiplier, Stored.Outputs);
        yield return Integers($"{Name}.shift", Stored.Shift, Stored.Outputs);
    }

    /// <summary>A tensor of 32-bit integers.</summary>
    public static NamedTensor Integers(string name, ReadOnlySpan<int> values, params int[] shape)
    {
        var bytes = new byte[4 * values.Length];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * i), values[i]);
        return new NamedTensor(name, TensorType.I32, shape, bytes);
    }

    /// <summary>Brings the sums of one position to their scale.</summary>
    /// <param name="sums">One an output.</param>
    /// <param name="minimum">Least result.</param>
    /// <param name="maximum">Largest result.</param>
    /// <param name="results">Receives as many results; may be the sums themselves.</param>
    public void Requantise(ReadOnlySpan<int> sums, int minimum, int maximum, Span<int> results)
    {
        Requantisation.Apply(sums, _multiplier, _shift, minimum, maximum, results);
    }

    /// <summary>Brings the sums of outputs first, first + 1, … of one position to their scale, 0 … maximum.</summary>
    /// <param name="sums">The sums.</param>
    /// <param name="first">The first one's output, in the packed order.</param>
    /// <param name="maximum">Largest result, at most 2¹⁵ − 1.</param>
    /// <param name="results">Receives as many results.</param>
    public void Rectify(ReadOnlySpan<int> sums, int first, short maximum, Span<short> results)
    {
        Requantisation.Apply(sums, _multiplier.AsSpan(first), _shift.AsSpan(first), 0, maximum, results);
    }
}
