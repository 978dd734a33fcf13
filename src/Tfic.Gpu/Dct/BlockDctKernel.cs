using ILGPU;

namespace Tfic.Gpu.Dct;

/// <summary>What runs on the device: one group of 64 threads a block, one thread an entry of it.</summary>
public static class BlockDctKernel
{
    /// <summary>Width and height of a block.</summary>
    public const int Size = 8;

    /// <summary>Threads of a group, and samples of a block.</summary>
    public const int GroupSize = Size * Size;

    /// <summary>
    /// M·B·Mᵀ for every block B of a plane: with M = C the forward DCT, with M = Cᵀ the inverse. The grid has as many
    /// groups as the plane has blocks, in reading order.
    /// </summary>
    /// <param name="source">height × width samples, row-major; both multiples of 8.</param>
    /// <param name="width">Width in samples.</param>
    /// <param name="matrix">M, 64 entries, row-major.</param>
    /// <param name="target">As long as <paramref name="source"/>; may be the same memory.</param>
    public static void Transform(ArrayView<float> source, int width, ArrayView<float> matrix, ArrayView<float> target)
    {
        ArrayView<float> m = SharedMemory.Allocate<float>(GroupSize);
        ArrayView<float> block = SharedMemory.Allocate<float>(GroupSize);
        ArrayView<float> between = SharedMemory.Allocate<float>(GroupSize);

        int thread = Group.IdxX;
        int row = thread / Size, column = thread % Size;
        int blocksAcross = width / Size;
        int top = Grid.IdxX / blocksAcross * Size, left = Grid.IdxX % blocksAcross * Size;
        int place = (top + row) * width + left + column;

        m[thread] = matrix[thread];
        block[thread] = source[place];
        Group.Barrier();

        // Products and sums are written apart: ILGPU compiles MathF.FusedMultiplyAdd for a GPU to a call that nothing
        // provides. The device's assembler fuses where it likes, which the tolerance allows for.
        float sum = m[row * Size] * block[column];
        for (int k = 1; k < Size; k++)
            sum += m[row * Size + k] * block[k * Size + column];
        between[thread] = sum;
        Group.Barrier();

        sum = between[row * Size] * m[column * Size];
        for (int k = 1; k < Size; k++)
            sum += between[row * Size + k] * m[column * Size + k];
        target[place] = sum;
    }
}
