using Tfic.Kernels.Convolution;

namespace Tfic.Kernels.BFloat16Convolution;

/// <summary>The definition of <see cref="BFloat16Conv2d"/>, written down as plainly as it can be.</summary>
internal static class BFloat16Conv2dReference
{
    public static void Run(
        BFloat16Conv2d rounded, BFloat16Plane input, int firstRow, int endRow, Span<float> output,
        BFloat16Plane? narrow, int narrowRow)
    {
        Conv2d layer = rounded.Layer;
        int outputs = layer.OutputChannels, columns = layer.ResultWidth(input.Columns);
        for (int y = firstRow; y < endRow; y++)
        {
            for (int x = 0; x < columns; x++)
            {
                for (int o = 0; o < outputs; o++)
                {
                    float value = Sum(rounded, input, y, x, o);
                    if (value < 0)
                        value *= layer.NegativeSlope;
                    if (!output.IsEmpty)
                        output[((y - firstRow) * columns + x) * outputs + o] = value;
                    if (narrow is not null)
                        narrow.Row(narrowRow + y - firstRow)[x * outputs + o] = BFloat16Plane.Round(value);
                }
            }
        }
    }

    private static float Sum(BFloat16Conv2d rounded, BFloat16Plane input, int y, int x, int o)
    {
        Conv2d layer = rounded.Layer;
        int channels = layer.InputChannels;
        float value = layer.Bias[o];
        for (int ky = 0; ky < layer.KernelHeight; ky++)
        {
            int row = y * layer.Stride + ky - layer.Padding.Top;
            if (row < 0 || row >= input.Rows)
                continue;
            int first = row * input.Pitch + (input.Border - layer.Padding.Left + x * layer.Stride) * channels;
            for (int i = 0; i < layer.KernelWidth * channels; i++)
            {
                float activation = BFloat16Plane.ToSingle(input.Elements[first + i]);
                value = MathF.FusedMultiplyAdd(activation, rounded[o, ky, i], value);
            }
        }

        return value;
    }
}
