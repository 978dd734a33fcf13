namespace Tfic.Kernels.Convolution;

/// <summary>The definition of <see cref="Conv2d"/>, written down as plainly as it can be.</summary>
internal static class Conv2dReference
{
    public static void Run(
        Conv2d layer, ReadOnlySpan<float> input, int height, int width, ReadOnlySpan<float> residual,
        Span<float> output, int threads)
    {
        _ = threads;
        int shuffle = layer.Shuffle;
        int rows = layer.ResultHeight(height) / shuffle, columns = layer.ResultWidth(width) / shuffle;
        for (int y = 0; y < rows; y++)
        {
            for (int x = 0; x < columns; x++)
            {
                for (int o = 0; o < layer.OutputChannels; o++)
                {
                    float value = Sum(layer, input, height, width, y, x, o);
                    int channel = o / (shuffle * shuffle);
                    int outputY = y * shuffle + o / shuffle % shuffle;
                    int outputX = x * shuffle + o % shuffle;
                    int at = (outputY * columns * shuffle + outputX) * layer.ResultChannels + channel;
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

    private static float Sum(Conv2d layer, ReadOnlySpan<float> input, int height, int width, int y, int x, int o)
    {
        int channels = layer.InputChannels, kernelHeight = layer.KernelHeight, kernelWidth = layer.KernelWidth;
        float value = layer.Bias[o];
        for (int ky = 0; ky < kernelHeight; ky++)
        {
            int inputY = y * layer.Stride + ky - layer.Padding.Top;
            if (inputY < 0 || inputY >= height)
                continue;
            for (int kx = 0; kx < kernelWidth; kx++)
            {
                int inputX = x * layer.Stride + kx - layer.Padding.Left;
                if (inputX < 0 || inputX >= width)
                    continue;
                for (int i = 0; i < channels; i++)
                {
                    float weight = layer.Weight[((o * channels + i) * kernelHeight + ky) * kernelWidth + kx];
                    value = MathF.FusedMultiplyAdd(input[(inputY * width + inputX) * channels + i], weight, value);
                }
            }
        }

        return value;
    }
}
