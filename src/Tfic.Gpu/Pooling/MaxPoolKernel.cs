using ILGPU;

namespace Tfic.Gpu.Pooling;

/// <summary>Sizes of a pooling, as the device takes them.</summary>
/// <param name="Width">Columns of the input.</param>
/// <param name="Channels">Channels.</param>
/// <param name="WindowHeight">Rows of a window.</param>
/// <param name="WindowWidth">Columns of a window.</param>
/// <param name="Columns">Columns of the output.</param>
/// <param name="Values">Values of the output.</param>
public readonly record struct PoolShape(
    int Width, int Channels, int WindowHeight, int WindowWidth, int Columns, int Values);

/// <summary>What runs on the device: a thread for each value of the output, channels side by side.</summary>
public static class MaxPoolKernel
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = 64;

    /// <summary>The largest value of each window, compared in the order that the contract of MaxPool states.</summary>
    /// <param name="input">rows × Width × Channels.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="output">Receives the largest values.</param>
    public static void Pool(ArrayView<float> input, PoolShape shape, ArrayView<float> output)
    {
        int at = Grid.IdxX * GroupSize + Group.IdxX;
        if (at >= shape.Values)
            return;
        int channel = at % shape.Channels, position = at / shape.Channels;
        int top = position / shape.Columns * shape.WindowHeight, left = position % shape.Columns * shape.WindowWidth;
        int corner = (top * shape.Width + left) * shape.Channels + channel;
        float largest = input[corner];
        for (int i = 1; i < shape.WindowHeight * shape.WindowWidth; i++)
        {
            int y = i / shape.WindowWidth, x = i % shape.WindowWidth;
            float value = input[corner + (y * shape.Width + x) * shape.Channels];
            largest = value > largest ? value : largest;
        }

        output[at] = largest;
    }
}
