using ILGPU.Runtime;
using Tfic.Gpu.Pooling;
using Tfic.Kernels.Pooling;

namespace Tfic.Gpu.Tests;

/// <summary>What the GPU's pooling must hold to, on whichever accelerator.</summary>
internal static class MaxPoolChecks
{
    /// <summary>The same as the reference, bit for bit: windows that leave a rest, NaN in first and in other places.</summary>
    public static void EqualsTheReference(Accelerator accelerator)
    {
        var kernel = accelerator.LoadStreamKernel<ILGPU.ArrayView<float>, PoolShape, ILGPU.ArrayView<float>>(
            MaxPoolKernel.Pool);
        var random = new Random(1);
        foreach ((int height, int width, int channels, int windowHeight, int windowWidth) in new[]
        {
            (1, 1, 1, 1, 1), (5, 7, 13, 2, 2), (4, 3, 17, 2, 1), (3, 5, 2, 3, 2),
        })
        {
            var input = new float[height * width * channels];
            for (int i = 0; i < input.Length; i++)
                input[i] = i % 7 == 6 ? float.NaN : random.NextSingle() * 2 - 1;
            int rows = height / windowHeight, columns = width / windowWidth;
            var expected = new float[rows * columns * channels];
            var actual = new float[expected.Length];
            MaxPool.Variants.Reference.Kernel(
                input, height, width, channels, new PoolingWindow(windowHeight, windowWidth), expected);
            using var source = accelerator.Allocate1D(input);
            using var target = accelerator.Allocate1D<float>(actual.Length);
            kernel(
                ((actual.Length + MaxPoolKernel.GroupSize - 1) / MaxPoolKernel.GroupSize, MaxPoolKernel.GroupSize),
                source.View.BaseView,
                new PoolShape(width, channels, windowHeight, windowWidth, columns, actual.Length),
                target.View.BaseView);
            target.View.CopyToCPU(accelerator.DefaultStream, actual.AsSpan());
            accelerator.DefaultStream.Synchronize();
            Assert.Equal(expected, actual);
        }
    }
}
