using ILGPU.Runtime;
using Tfic.Gpu.Convolution;
using Tfic.Kernels.Convolution;

namespace Tfic.Gpu.Tests;

/// <summary>What the GPU row of the float convolution must hold to, on whichever accelerator.</summary>
internal static class Conv2dChecks
{
    /// <summary>
    /// Every value is within its own derived bound of the reference: odd sizes, one position and more than a tile of 64,
    /// outputs around 32, products around 32, more products than positions, strides, shuffles, both residuals.
    /// </summary>
    public static void KeepsItsBound(Accelerator accelerator)
    {
        Check(accelerator, 1, 1, 1, 1, 1, 1, default);
        Check(accelerator, 5, 13, 3, 31, 3, 3, Padding.Symmetric(1, 1), slope: 0.125f);
        Check(accelerator, 8, 8, 8, 32, 2, 2, new Padding(0, 0, 1, 1), slope: 0f);
        Check(accelerator, 9, 7, 33, 33, 3, 3, Padding.Symmetric(1, 1), stride: 2, slope: 0f);
        Check(accelerator, 1, 9, 12, 20, 1, 7, Padding.Symmetric(0, 3), residual: Residual.AfterActivation, slope: 0f);
        Check(accelerator, 2, 3, 70, 64, 2, 1, default, residual: Residual.BeforeActivation, slope: 0.5f);
        Check(accelerator, 3, 5, 4, 36, 1, 1, default, shuffle: 3, slope: 0.125f);
        Check(accelerator, 3, 2, 31, 40, 3, 3, Padding.Symmetric(1, 1), shuffle: 2, residual: Residual.AfterActivation);
        Check(accelerator, 16, 8, 3, 5, 4, 4, default, stride: 4);
        Check(accelerator, 2, 2, 5, 7, 5, 3, new Padding(3, 2, 1, 4), slope: -0.5f);
    }

    private static void Check(
        Accelerator accelerator, int height, int width, int inputs, int outputs, int kernelHeight, int kernelWidth,
        Padding padding, int stride = 1, float slope = 1f, Residual residual = Residual.None, int shuffle = 1)
    {
        var random = new Random(height * 7919 + width * 31 + inputs + outputs);
        Conv2d Layer(float[] weight, float[] bias, float negativeSlope) => new(
            weight, bias, inputs, kernelHeight, kernelWidth)
        {
            Padding = padding,
            Stride = stride,
            NegativeSlope = negativeSlope,
            Residual = residual,
            Shuffle = shuffle,
        };
        Conv2d layer = Layer(
            Floats(random, outputs * inputs * kernelHeight * kernelWidth), Floats(random, outputs), slope);
        float[] input = Floats(random, height * width * inputs);
        int length = layer.ResultHeight(height) * layer.ResultWidth(width) * layer.ResultChannels;
        float[] second = residual == Residual.None ? [] : Floats(random, length);

        // |bias| + Σ|weight||input| + |residual| is the same layer of magnitudes.
        var expected = new float[length];
        var actual = new float[length];
        var magnitudes = new float[length];
        Conv2dReference.Run(layer, input, height, width, second, expected, 1);
        Conv2dReference.Run(
            Layer(Magnitudes(layer.Weight), Magnitudes(layer.Bias), 1f), Magnitudes(input), height, width,
            Magnitudes(second), magnitudes, 1);
        using var gpu = new GpuConv2d(accelerator);
        Assert.Equal("gpu", gpu.Row.Name);
        double bound = GpuConv2d.ErrorBound(layer);
        Assert.InRange(gpu.Row.Tolerance, bound, 5e-4);
        for (int run = 0; run < 2; run++)
        {
            gpu.Row.Kernel(layer, input, height, width, second, actual, 1);
            for (int i = 0; i < length; i++)
            {
                // Written so that NaN fails.
                if (!(Math.Abs((double)expected[i] - actual[i]) <= bound * magnitudes[i]))
                {
                    Assert.Fail(
                        $"Value {i} of {layer.OutputChannels} outputs of {height} × {width} × {inputs}: {actual[i]}, " +
                        $"the reference has {expected[i]}; the tolerance is {bound * magnitudes[i]}.");
                }
            }
        }

        Assert.Contains(actual, value => value != 0);
    }

    private static float[] Magnitudes(float[] values) => Array.ConvertAll(values, Math.Abs);

    private static float[] Floats(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() * 2 - 1)];
}
