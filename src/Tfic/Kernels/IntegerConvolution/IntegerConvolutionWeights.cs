namespace Tfic.Kernels.IntegerConvolution;

/// <summary>Weights and biases of an integer convolution, as stored and as the fast rows read them.</summary>
public sealed class IntegerConvolutionWeights
{
    /// <summary>Outputs are packed in groups of as many as the widest row computes at once.</summary>
    public const int Group = 16;

    private readonly sbyte[] _weights;

    /// <summary>Takes weights and lays them out.</summary>
    /// <param name="weights">[outputs, inputs, k, k], row-major.</param>
    /// <param name="bias">One an output.</param>
    /// <param name="inputs">Activations a position: even, so that pairs of them can be multiplied at once.</param>
    /// <param name="kernelSize">k, odd.</param>
    /// <exception cref="ArgumentException">Sizes that do not agree, or an odd number of inputs.</exception>
    public IntegerConvolutionWeights(
        ReadOnlySpan<sbyte> weights, ReadOnlySpan<int> bias, int inputs, int kernelSize)
    {
        if (inputs < 2 || inputs % 2 != 0)
            throw new ArgumentException($"{inputs} inputs: an even number is needed.", nameof(inputs));
        if (kernelSize < 1 || kernelSize % 2 == 0)
            throw new ArgumentException($"Kernel size {kernelSize}: an odd number is needed.", nameof(kernelSize));
        if (bias.Length < 1 || weights.Length != (long)bias.Length * inputs * kernelSize * kernelSize)
            throw new ArgumentException($"{weights.Length} weights do not fit [{bias.Length}, {inputs}, k, k].");

        Inputs = inputs;
        Outputs = bias.Length;
        KernelSize = kernelSize;
        _weights = weights.ToArray();

        int padded = (Outputs + Group - 1) / Group * Group;
        PackedBias = new int[padded];
        bias.CopyTo(PackedBias);
        Packed = new short[padded * inputs * kernelSize * kernelSize];
        int at = 0;
        for (int group = 0; group < padded; group += Group)
        {
            for (int ky = 0; ky < kernelSize; ky++)
            {
                for (int kx = 0; kx < kernelSize; kx++)
                {
                    for (int pair = 0; pair < inputs; pair += 2)
                    {
                        for (int o = group; o < group + Group; o++)
                        {
                            Packed[at++] = o < Outputs ? this[o, pair, ky, kx] : (short)0;
                            Packed[at++] = o < Outputs ? this[o, pair + 1, ky, kx] : (short)0;
                        }
                    }
                }
            }
        }
    }

    /// <summary>Activations a position.</summary>
    public int Inputs { get; }

    /// <summary>Sums a position.</summary>
    public int Outputs { get; }

    /// <summary>Rows and columns of the kernel.</summary>
    public int KernelSize { get; }

    /// <summary>One bias an output.</summary>
    public ReadOnlySpan<int> Bias => PackedBias.AsSpan(0, Outputs);

    /// <summary>Biases, padded with zeros to a whole group.</summary>
    public int[] PackedBias { get; }

    /// <summary>
    /// [group of 16 outputs][ky][kx][pair of inputs][output of the group][input of the pair], widened to 16 bits:
    /// what an instruction that multiplies pairs and adds them (pmaddwd, vpdpwssd) reads in one go.
    /// </summary>
    public short[] Packed { get; }

    /// <summary>One weight.</summary>
    public sbyte this[int output, int input, int ky, int kx] =>
        _weights[(((((output * Inputs) + input) * KernelSize) + ky) * KernelSize) + kx];

    /// <summary>
    /// The largest magnitude of activations at which no sum can leave int32: for every output,
    /// Σ|w| · magnitude + |bias| ≤ 2³¹ − 1. That bounds every partial sum too, in any order.
    /// </summary>
    public int MaxActivation()
    {
        long least = short.MaxValue + 1;
        int each = Inputs * KernelSize * KernelSize;
        for (int o = 0; o < Outputs; o++)
        {
            long norm = 0;
            foreach (sbyte weight in _weights.AsSpan(o * each, each))
                norm += Math.Abs((int)weight);
            long room = int.MaxValue - Math.Abs((long)PackedBias[o]);
            if (room < 0)
                return 0;
            if (norm > 0)
                least = Math.Min(least, room / norm);
        }

        return (int)least;
    }
}
