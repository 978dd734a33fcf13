namespace Tfic.Kernels.Convolution;

/// <summary>
/// A transposed convolution of stride 2 that doubles rows and columns: torch's with padding ⌊k/2⌋ and output_padding 1, k
/// odd.
/// </summary>
/// <remarks>
/// <para>
/// Output (2y + p, 2x + q) depends only on the taps of one parity in each direction, so the four (p, q) are four
/// convolutions of the input with kernels of half the size, whose results are interleaved. Tap κ of the kernel reads
/// input y + δ where p + ⌊k/2⌋ = κ + 2δ. Each is a <see cref="Conv2d"/>: sums, rounding and rows are as there.
/// </para>
/// <para>Immutable apart from weights packed at first use; threads may share it.</para>
/// </remarks>
public sealed class TransposedConv2d
{
    private readonly Conv2d[] _phases = new Conv2d[4];

    /// <summary>Makes a layer.</summary>
    /// <param name="weight">inputs × outputs × kernel × kernel, torch's order.</param>
    /// <param name="bias">One for each output channel.</param>
    /// <param name="inputChannels">Channels of the input.</param>
    /// <param name="kernel">Rows and columns of the kernel, odd, at least 3.</param>
    /// <exception cref="ArgumentException">Sizes that do not agree.</exception>
    public TransposedConv2d(float[] weight, float[] bias, int inputChannels, int kernel)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(bias);
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(kernel, 3);
        ArgumentOutOfRangeException.ThrowIfEqual(kernel % 2, 0, nameof(kernel));
        int outputs = bias.Length;
        if (outputs == 0 || weight.Length != (long)inputChannels * outputs * kernel * kernel)
        {
            throw new ArgumentException(
                $"{weight.Length} weights do not make {inputChannels} × {outputs} × {kernel} × {kernel}.", nameof(weight));
        }

        InputChannels = inputChannels;
        OutputChannels = outputs;
        for (int phase = 0; phase < 4; phase++)
            _phases[phase] = Phase(weight, bias, inputChannels, kernel, phase / 2, phase % 2);
    }

    /// <summary>Channels of the input.</summary>
    public int InputChannels { get; }

    /// <summary>Channels of the output.</summary>
    public int OutputChannels { get; }

    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public long ScratchLength(int height, int width) => (long)height * width * OutputChannels;

    /// <summary>Multiply-adds for an input of this size, taps beyond its edges included.</summary>
    public long MultiplyAdds(int height, int width) => _phases.Sum(phase => phase.MultiplyAdds(height, width));

    /// <summary>Convolves, by the row of <see cref="Conv2d.Variants"/> that is picked.</summary>
    /// <param name="input">height × width × InputChannels.</param>
    /// <param name="height">Rows of the input.</param>
    /// <param name="width">Columns of the input.</param>
    /// <param name="output">At least 2 · height × 2 · width × OutputChannels; overlaps neither other span.</param>
    /// <param name="scratch">At least <see cref="ScratchLength"/>; overwritten.</param>
    /// <param name="threads">How many threads may share the work; the result does not depend on it.</param>
    /// <exception cref="ArgumentException">A span is too short.</exception>
    public void Run(
        ReadOnlySpan<float> input, int height, int width, Span<float> output, Span<float> scratch, int threads = 1)
    {
        long part = ScratchLength(height, width);
        if (output.Length < 4 * part)
            throw new ArgumentException($"{4 * part} floats are needed, {output.Length} given.", nameof(output));
        if (output.Overlaps(input) || output.Overlaps(scratch))
            throw new ArgumentException("The output overlaps another span.", nameof(output));
        for (int phase = 0; phase < 4; phase++)
        {
            _phases[phase].Run(input, height, width, scratch, threads: threads);
            int from = 0;
            for (int y = 0; y < height; y++)
            {
                int to = ((2 * y + phase / 2) * 2 * width + phase % 2) * OutputChannels;
                for (int x = 0; x < width; x++, from += OutputChannels, to += 2 * OutputChannels)
                    scratch.Slice(from, OutputChannels).CopyTo(output[to..]);
            }
        }
    }

    private static Conv2d Phase(float[] weight, float[] bias, int inputs, int kernel, int row, int column)
    {
        (int firstRow, int rows, int above, int below) = Taps(kernel, row);
        (int firstColumn, int columns, int left, int right) = Taps(kernel, column);
        var part = new float[bias.Length * inputs * rows * columns];
        int at = 0;
        for (int o = 0; o < bias.Length; o++)
        {
            for (int i = 0; i < inputs; i++)
            {
                for (int y = 0; y < rows; y++)
                {
                    // The next input is two taps before.
                    int from = ((i * bias.Length + o) * kernel + firstRow - 2 * y) * kernel + firstColumn;
                    for (int x = 0; x < columns; x++)
                        part[at++] = weight[from - 2 * x];
                }
            }
        }

        return new Conv2d(part, bias, inputs, rows, columns) { Padding = new Padding(above, left, below, right) };
    }

    /// <summary>The taps of outputs of a parity: the first, for the least δ, how many, and inputs before and behind.</summary>
    private static (int First, int Count, int Before, int After) Taps(int kernel, int parity)
    {
        int sum = parity + kernel / 2, after = sum / 2, before = (kernel - 1 - sum) / 2;
        return (sum + 2 * before, before + after + 1, before, after);
    }
}
