using ILGPU;

namespace Tfic.Gpu.IntegerConvolution;

/// <summary>Sizes of a convolution, as the device takes them.</summary>
/// <param name="Positions">Rows × columns of output.</param>
/// <param name="Columns">Columns of output.</param>
/// <param name="Inputs">Activations a position; even.</param>
/// <param name="Outputs">Sums a position.</param>
/// <param name="KernelSize">Rows and columns of the kernel.</param>
public readonly record struct ConvolutionShape(int Positions, int Columns, int Inputs, int Outputs, int KernelSize);

/// <summary>What runs on the device: one group of 64 threads for 16 outputs at 16 positions.</summary>
public static class IntegerConvolutionKernels
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = 64;

    /// <summary>Outputs of a group: as many as the weights are packed in.</summary>
    public const int Outputs = 16;

    /// <summary>Positions of a group; each thread has one output at four of them.</summary>
    public const int Positions = 16;

    /// <summary>Inputs that are brought into shared memory at once: 1 KB for 16 positions.</summary>
    private const int Chunk = 32;

    private const int PositionsPerThread = Positions * Outputs / GroupSize;

    /// <summary>How many groups a convolution takes.</summary>
    public static int Groups(ConvolutionShape shape) =>
        ((shape.Positions + Positions - 1) / Positions) * ((shape.Outputs + Outputs - 1) / Outputs);

    /// <summary>
    /// sums[position][o] = bias[o] + Σ weight · activation. A group walks over the kernel's taps and over chunks of
    /// inputs; its threads fetch a chunk of all positions together, then each multiplies it by the weights of its
    /// output. 16 threads in a row read 16 neighbouring pairs of weights.
    /// </summary>
    /// <param name="input">
    /// (rows + k − 1) × (columns + k − 1) positions of <c>Inputs</c> activations, row-major.
    /// </param>
    /// <param name="packed">[group of 16 outputs][ky][kx][pair of inputs][output of the group][input of the pair].</param>
    /// <param name="bias">One an output, padded to whole groups.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="output">Receives <c>Positions</c> × <c>Outputs</c> sums.</param>
    /// <remarks>
    /// Exact in 32 bits as the contract promises, so the order of additions is of no account. Positions beyond the last
    /// are computed as the last one and not stored; so every thread meets every barrier.
    /// </remarks>
    public static void Convolve(
        ArrayView<short> input, ArrayView<short> packed, ArrayView<int> bias, ConvolutionShape shape, ArrayView<int> output)
    {
        ArrayView<short> tile = SharedMemory.Allocate<short>(Positions * Chunk);
        int thread = Group.IdxX;
        int lane = thread % Outputs, quarter = thread / Outputs * PositionsPerThread;
        int outputGroups = (shape.Outputs + Outputs - 1) / Outputs;
        int group = Grid.IdxX % outputGroups, first = Grid.IdxX / outputGroups * Positions;
        int k = shape.KernelSize, inputs = shape.Inputs;
        int stride = shape.Columns + k - 1;

        int sum0 = bias[group * Outputs + lane];
        int sum1 = sum0, sum2 = sum0, sum3 = sum0;
        for (int tap = 0; tap < k * k; tap++)
        {
            int ky = tap / k, kx = tap % k;
            int tapWeights = (group * k * k + tap) * (inputs / 2) * Outputs * 2;
            for (int start = 0; start < inputs; start += Chunk)
            {
                for (int i = thread; i < Positions * Chunk; i += GroupSize)
                {
                    int position = first + i / Chunk, channel = start + i % Chunk;
                    if (position >= shape.Positions)
                        position = shape.Positions - 1;
                    int y = position / shape.Columns + ky, x = position % shape.Columns + kx;
                    tile[i] = channel < inputs ? input[(y * stride + x) * inputs + channel] : (short)0;
                }

                Group.Barrier();
                int count = inputs - start < Chunk ? inputs - start : Chunk;
                for (int c = 0; c < count; c += 2)
                {
                    int at = tapWeights + ((start + c) / 2 * Outputs + lane) * 2;
                    int low = packed[at], high = packed[at + 1];
                    int place = quarter * Chunk + c;
                    sum0 += low * tile[place] + high * tile[place + 1];
                    sum1 += low * tile[place + Chunk] + high * tile[place + Chunk + 1];
                    sum2 += low * tile[place + 2 * Chunk] + high * tile[place + 2 * Chunk + 1];
                    sum3 += low * tile[place + 3 * Chunk] + high * tile[place + 3 * Chunk + 1];
                }

                // Nobody may fetch the next chunk while others still multiply this one.
                Group.Barrier();
            }
        }

        int o = group * Outputs + lane, p = first + quarter;
        if (o < shape.Outputs)
        {
            if (p < shape.Positions)
                output[p * shape.Outputs + o] = sum0;
            if (p + 1 < shape.Positions)
                output[(p + 1) * shape.Outputs + o] = sum1;
            if (p + 2 < shape.Positions)
                output[(p + 2) * shape.Outputs + o] = sum2;
            if (p + 3 < shape.Positions)
                output[(p + 3) * shape.Outputs + o] = sum3;
        }
    }
}
