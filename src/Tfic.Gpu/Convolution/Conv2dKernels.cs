using ILGPU;

namespace Tfic.Gpu.Convolution;

/// <summary>Sizes of a convolution, as the device takes them.</summary>
/// <param name="Height">Rows of the input.</param>
/// <param name="Width">Columns of the input.</param>
/// <param name="Inputs">Channels of the input.</param>
/// <param name="KernelWidth">Columns of the kernel.</param>
/// <param name="Products">Products of a sum: kernel height × kernel width × inputs.</param>
/// <param name="Stride">Step between outputs.</param>
/// <param name="Top">Rows of zeros above the input.</param>
/// <param name="Left">Columns of zeros to its left.</param>
/// <param name="Positions">Rows × columns of output, before the shuffle.</param>
/// <param name="Columns">Columns of output, before the shuffle.</param>
/// <param name="Outputs">Channels of output, before the shuffle.</param>
/// <param name="Shuffle">Factor of the pixel shuffle; 1 for none.</param>
/// <param name="NegativeSlope">Factor for negative values.</param>
/// <param name="Residual">0 for none, 1 before the activation, 2 after it.</param>
public readonly record struct Conv2dShape(
    int Height, int Width, int Inputs, int KernelWidth, int Products, int Stride, int Top, int Left, int Positions,
    int Columns, int Outputs, int Shuffle, float NegativeSlope, int Residual);

/// <summary>
/// What runs on the device: a matrix product of positions × products by products × outputs, of which the first factor is
/// never written down. One group of 64 threads for 32 outputs at 64 positions.
/// </summary>
/// <remarks>
/// A thread has four outputs at eight positions: 32 sums in registers, for which it reads 12 numbers from shared memory a
/// step. Its outputs are 8 apart, so that eight threads in a row read neighbouring weights and store neighbouring
/// outputs; the four positions groups of a warp of 32 read addresses 8 apart, which are in different banks. Threads fetch
/// 32 neighbouring products of a position together; columns of the tile are 65 apart, so that what they store side by
/// side goes to different banks, too.
/// </remarks>
public static class Conv2dKernels
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = 64;

    /// <summary>Outputs of a group: as many as the weights are packed in.</summary>
    public const int Outputs = 32;

    /// <summary>Positions of a group.</summary>
    public const int Positions = 64;

    /// <summary>Products that are brought into shared memory at once: 12 KB with their weights.</summary>
    private const int Chunk = 32;

    private const int Pitch = Positions + 1, Lanes = Outputs / 4, PositionsPerThread = Positions * Lanes / GroupSize;

    /// <summary>Groups of 32 outputs.</summary>
    public static int OutputTiles(int outputs) => (outputs + Outputs - 1) / Outputs;

    /// <summary>How many groups a convolution takes.</summary>
    public static int Groups(Conv2dShape shape) =>
        (shape.Positions + Positions - 1) / Positions * OutputTiles(shape.Outputs);

    /// <summary>
    /// sum[position][o] = bias[o] + Σ activation · weight, products ascending by kernel row, column and channel; then
    /// residual and activation.
    /// </summary>
    /// <param name="input">Height × Width × Inputs.</param>
    /// <param name="weights">
    /// [group of 32 outputs][ky][kx][input][output of the group], zeros where there is no output. Outputs of a shuffling
    /// layer are in the order (dy, dx, channel).
    /// </param>
    /// <param name="bias">One an output, padded to whole groups.</param>
    /// <param name="residual">Shaped like the output; not read where there is none.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="output">Receives the result, shuffled.</param>
    /// <remarks>
    /// Taps outside the input add a product of zero. Positions beyond the last are computed as the last one and not
    /// stored; so every thread meets every barrier.
    /// </remarks>
    public static void Convolve(
        ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual,
        Conv2dShape shape, ArrayView<float> output)
    {
        ArrayView<float> tile = SharedMemory.Allocate<float>(Chunk * Pitch);
        ArrayView<float> tileWeights = SharedMemory.Allocate<float>(Chunk * Outputs);
        ArrayView<int> tops = SharedMemory.Allocate<int>(Positions);
        ArrayView<int> lefts = SharedMemory.Allocate<int>(Positions);

        int thread = Group.IdxX;
        int lane = thread % Lanes, place = thread / Lanes * PositionsPerThread;
        int outputTiles = OutputTiles(shape.Outputs);
        int outputTile = Grid.IdxX % outputTiles, first = Grid.IdxX / outputTiles * Positions;

        // Where the input under each position begins: one thread each.
        int own = first + thread < shape.Positions ? first + thread : shape.Positions - 1;
        tops[thread] = own / shape.Columns * shape.Stride - shape.Top;
        lefts[thread] = own % shape.Columns * shape.Stride - shape.Left;

        int o = outputTile * Outputs + lane;
        var start = new Four(bias[o], bias[o + Lanes], bias[o + 2 * Lanes], bias[o + 3 * Lanes]);
        Four sum0 = start, sum1 = start, sum2 = start, sum3 = start;
        Four sum4 = start, sum5 = start, sum6 = start, sum7 = start;
        int tapWidth = shape.KernelWidth * shape.Inputs;
        int firstWeight = outputTile * shape.Products * Outputs;
        for (int chunk = 0; chunk < shape.Products; chunk += Chunk)
        {
            // The first time, positions must be there; afterwards, nobody may still multiply the last chunk.
            Group.Barrier();
            int count = shape.Products - chunk < Chunk ? shape.Products - chunk : Chunk;
            int product = thread % Chunk;
            if (product < count)
            {
                int ky = (chunk + product) / tapWidth, inTap = (chunk + product) % tapWidth;
                int kx = inTap / shape.Inputs, channel = inTap % shape.Inputs;
                for (int p = thread / Chunk; p < Positions; p += GroupSize / Chunk)
                {
                    int y = tops[p] + ky, x = lefts[p] + kx;
                    bool isInside = y >= 0 && y < shape.Height && x >= 0 && x < shape.Width;
                    tile[product * Pitch + p] = isInside ? input[(y * shape.Width + x) * shape.Inputs + channel] : 0f;
                }
            }

            for (int i = thread; i < count * Outputs; i += GroupSize)
                tileWeights[i] = weights[firstWeight + chunk * Outputs + i];
            Group.Barrier();

            for (int k = 0; k < count; k++)
            {
                int w = k * Outputs + lane, a = k * Pitch + place;
                var weight = new Four(
                    tileWeights[w], tileWeights[w + Lanes], tileWeights[w + 2 * Lanes], tileWeights[w + 3 * Lanes]);
                sum0 = sum0.Add(tile[a], weight);
                sum1 = sum1.Add(tile[a + 1], weight);
                sum2 = sum2.Add(tile[a + 2], weight);
                sum3 = sum3.Add(tile[a + 3], weight);
                sum4 = sum4.Add(tile[a + 4], weight);
                sum5 = sum5.Add(tile[a + 5], weight);
                sum6 = sum6.Add(tile[a + 6], weight);
                sum7 = sum7.Add(tile[a + 7], weight);
            }
        }

        int position = first + place;
        Store(sum0, position, o, shape, residual, output);
        Store(sum1, position + 1, o, shape, residual, output);
        Store(sum2, position + 2, o, shape, residual, output);
        Store(sum3, position + 3, o, shape, residual, output);
        Store(sum4, position + 4, o, shape, residual, output);
        Store(sum5, position + 5, o, shape, residual, output);
        Store(sum6, position + 6, o, shape, residual, output);
        Store(sum7, position + 7, o, shape, residual, output);
    }

    private static void Store(
        Four sums, int position, int o, Conv2dShape shape, ArrayView<float> residual, ArrayView<float> output)
    {
        if (position >= shape.Positions)
            return;
        Store(sums.X, position, o, shape, residual, output);
        Store(sums.Y, position, o + Lanes, shape, residual, output);
        Store(sums.Z, position, o + 2 * Lanes, shape, residual, output);
        Store(sums.W, position, o + 3 * Lanes, shape, residual, output);
    }

    private static void Store(
        float value, int position, int o, Conv2dShape shape, ArrayView<float> residual, ArrayView<float> output)
    {
        if (o >= shape.Outputs)
            return;
        int channels = shape.Outputs / (shape.Shuffle * shape.Shuffle);
        int dy = o / channels / shape.Shuffle, dx = o / channels % shape.Shuffle;
        int y = position / shape.Columns * shape.Shuffle + dy, x = position % shape.Columns * shape.Shuffle + dx;
        int at = (y * shape.Columns * shape.Shuffle + x) * channels + o % channels;
        if (shape.Residual == 1)
            value += residual[at];
        if (value < 0)
            value *= shape.NegativeSlope;
        if (shape.Residual == 2)
            value += residual[at];
        output[at] = value;
    }

    /// <summary>One position's four sums, or the weights of one product.</summary>
    private readonly struct Four(float x, float y, float z, float w)
    {
        public readonly float X = x, Y = y, Z = z, W = w;

        // Products and sums are written apart, see BlockDctKernel.
        public Four Add(float activation, Four weight) => new(
            X + activation * weight.X, Y + activation * weight.Y, Z + activation * weight.Z, W + activation * weight.W);
    }
}
