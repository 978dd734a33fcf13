using ILGPU;

namespace Tfic.Gpu.Dct;

/// <summary>
/// What runs on the device for JPEG: transform and quantiser in one pass, one group of 64 threads a block, one thread an
/// entry of it.
/// </summary>
/// <remarks>
/// Integers throughout, wrapping in 32 bits as the reference does; sums are exact in any order. The constants of both
/// kernels are the matrix K (64 entries, row = frequency) and, behind it, the 64 quantiser steps.
/// </remarks>
public static class JpegDctKernels
{
    /// <summary>Width and height of a block.</summary>
    public const int Size = 8;

    /// <summary>Threads of a group, and samples of a block.</summary>
    public const int GroupSize = Size * Size;

    // Both passes of the forward transform and of the inverse one shift by what K scales, less or more the two fractional
    // bits that stay between them.
    private const int FirstShift = 11, ForwardShift = 15, InverseShift = 18;

    /// <summary>Levels of every block of a plane; as many groups as blocks, in reading order.</summary>
    /// <param name="source">Rows of samples, <paramref name="layout"/> saying how they lie.</param>
    /// <param name="layout">Distance between rows, and blocks across.</param>
    /// <param name="constants">K and the steps.</param>
    /// <param name="blocks">Receives 64 levels a block in natural order.</param>
    public static void Forward(
        ArrayView<byte> source, JpegLayout layout, ArrayView<int> constants, ArrayView<short> blocks)
    {
        ArrayView<int> matrix = SharedMemory.Allocate<int>(GroupSize);
        ArrayView<int> block = SharedMemory.Allocate<int>(GroupSize);
        ArrayView<int> between = SharedMemory.Allocate<int>(GroupSize);
        int thread = Group.IdxX, row = thread / Size, column = thread % Size;

        matrix[thread] = constants[thread];
        block[thread] = source[Place(layout, row, column)] - 128;
        Group.Barrier();

        int sum = 0;
        for (int x = 0; x < Size; x++)
            sum += block[row * Size + x] * matrix[column * Size + x];
        between[thread] = Descale(sum, FirstShift);
        Group.Barrier();

        sum = 0;
        for (int y = 0; y < Size; y++)
            sum += matrix[row * Size + y] * between[y * Size + column];
        int coefficient = Descale(sum, ForwardShift), step = constants[GroupSize + thread];
        int magnitude = coefficient < 0 ? -coefficient : coefficient;
        int level = (magnitude + 4 * step) / (8 * step);
        blocks[Grid.IdxX * GroupSize + thread] = (short)(coefficient < 0 ? -level : level);
    }

    /// <summary>Samples of every block; as many groups as blocks, in reading order.</summary>
    /// <param name="blocks">64 levels a block in natural order.</param>
    /// <param name="layout">Distance between rows of samples, and blocks across.</param>
    /// <param name="constants">K and the steps.</param>
    /// <param name="target">Receives the samples.</param>
    public static void Inverse(
        ArrayView<short> blocks, JpegLayout layout, ArrayView<int> constants, ArrayView<byte> target)
    {
        ArrayView<int> matrix = SharedMemory.Allocate<int>(GroupSize);
        ArrayView<int> block = SharedMemory.Allocate<int>(GroupSize);
        ArrayView<int> between = SharedMemory.Allocate<int>(GroupSize);
        int thread = Group.IdxX, row = thread / Size, column = thread % Size;

        matrix[thread] = constants[thread];
        block[thread] = blocks[Grid.IdxX * GroupSize + thread] * constants[GroupSize + thread];
        Group.Barrier();

        int sum = 0;
        for (int u = 0; u < Size; u++)
            sum += matrix[u * Size + row] * block[u * Size + column];
        between[thread] = Descale(sum, FirstShift);
        Group.Barrier();

        sum = 128 << InverseShift;
        for (int v = 0; v < Size; v++)
            sum += between[row * Size + v] * matrix[v * Size + column];
        int sample = Descale(sum, InverseShift);
        sample = sample < 0 ? 0 : sample;
        target[Place(layout, row, column)] = (byte)(sample > 255 ? 255 : sample);
    }

    private static int Place(JpegLayout layout, int row, int column) =>
        (Grid.IdxX / layout.BlocksAcross * Size + row) * layout.Stride
        + Grid.IdxX % layout.BlocksAcross * Size + column;

    private static int Descale(int value, int bits) => (value + (1 << (bits - 1))) >> bits;
}

/// <summary>How a plane of samples lies in memory.</summary>
/// <param name="Stride">Distance between rows.</param>
/// <param name="BlocksAcross">Blocks side by side.</param>
public readonly record struct JpegLayout(int Stride, int BlocksAcross);
