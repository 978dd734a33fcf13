using Tfic.Kernels.Convolution;

namespace Tfic.Kernels.QuantisedConvolution;

/// <summary>The definition of <see cref="QuantisedConv2d"/>, written down as plainly as it can be.</summary>
internal static class QuantisedConv2dReference
{
    public static void Run(
        QuantisedConv2d quantised, QuantisedPlane input, int firstRow, int endRow, ReadOnlySpan<float> residual,
        Span<float> output)
    {
        Conv2d layer = quantised.Layer;
        int outputs = layer.OutputChannels, columns = layer.ResultWidth(input.Columns);
        for (int y = firstRow; y < endRow; y++)
        {
            for (int x = 0; x < columns; x++)
            {
                for (int o = 0; o < outputs; o++)
                {
                    float value = Sum(quantised, input, y, x, o);
                    int at = ((y - firstRow) * columns + x) * outputs + o;
                    if (layer.Residual == Residual.BeforeActivation)
                        value += residual[at];
                    if (value < 0)
                        value *= layer.NegativeSlope;
                    if (layer.Residual == Residual.AfterActivation)
                        value += residual[at];
                    output[at] = value;
                }
            }
        }
    }

    private static float Sum(QuantisedConv2d quantised, QuantisedPlane input, int y, int x, int o)
    {
        Conv2d layer = quantised.Layer;
        int channels = layer.InputChannels, run = layer.KernelWidth * channels;
        int padded = quantised.Bias.Length;
        float value = layer.Bias[o];
        for (int ky = 0; ky < layer.KernelHeight; ky++)
        {
            int row = y * layer.Stride + ky - layer.Padding.Top;
            if (row < 0 || row >= input.Rows)
                continue;
            int first = row * input.Pitch + (input.Border - layer.Padding.Left + x * layer.Stride) * channels;
            int sum = 0;
            for (int i = 0; i < run; i++)
                sum += quantised[o, ky, i] * (input.Elements[first + i] - input.Zeros[row]);
            float scale = input.Scales[row] * quantised.Scales[ky * padded + o];
            value = MathF.FusedMultiplyAdd(sum, scale, value);
        }

        return value;
    }
}
