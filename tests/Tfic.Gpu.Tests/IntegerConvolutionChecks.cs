using ILGPU.Runtime;
using Tfic.Gpu.IntegerConvolution;
using Tfic.Kernels;
using Tfic.Kernels.IntegerConvolution;
using Tfic.Models;
using Tfic.Networks;
using Kernel = Tfic.Kernels.IntegerConvolution.IntegerConvolution;

namespace Tfic.Gpu.Tests;

/// <summary>What the GPU row of the integer convolution must hold to, on whichever accelerator.</summary>
internal static class IntegerConvolutionChecks
{
    /// <summary>
    /// The sums of the reference, exactly: odd sizes, outputs and positions around 16, inputs around 32, activations and
    /// weights of every size.
    /// </summary>
    public static void EqualsTheReference(Accelerator accelerator)
    {
        using var gpu = new GpuIntegerConvolution(accelerator);
        Assert.Equal("gpu", gpu.Row.Name);
        Assert.Equal(0, gpu.Row.Tolerance);
        foreach ((int height, int width, int inputs, int outputs, int k) in new[]
        {
            (1, 1, 2, 1, 1), (3, 3, 2, 4, 3), (1, 15, 30, 16, 1), (1, 17, 34, 17, 1), (1, 9, 6, 18, 3), (1, 1, 2, 1, 1),
        })
        {
            var random = new Random((height * 7919) + (width * 31) + inputs + outputs);
            var weights = new IntegerConvolutionWeights(
                [.. Enumerable.Range(0, outputs * inputs * k * k).Select(_ => (sbyte)random.Next(-128, 128))],
                [.. Enumerable.Range(0, outputs).Select(_ => random.Next(-1_000_000, 1_000_001))],
                inputs,
                k);
            Compare(gpu, weights, Draw(random, height, width, weights, short.MaxValue), height, width);
        }
    }

    /// <summary>Sums at the ends of int32, of both signs.</summary>
    public static void KeepsSumsNearTwoToThe31(Accelerator accelerator)
    {
        using var gpu = new GpuIntegerConvolution(accelerator);
        foreach (int sign in new[] { 1, -1 })
        {
            const int Inputs = 384;
            const int Outputs = 3;
            var weights = new IntegerConvolutionWeights(
                [.. Enumerable.Repeat((sbyte)(127 * sign), Outputs * Inputs)],
                [.. Enumerable.Repeat(sign * (int.MaxValue - (127 * Inputs * 16383)), Outputs)],
                Inputs,
                1);
            short[] input = [.. Enumerable.Repeat((short)16383, Inputs)];
            Compare(gpu, weights, input, 1, 1);
            var sums = new int[Outputs];
            gpu.Row.Kernel(input, weights, 1, 1, sums);
            Assert.All(sums, sum => Assert.Equal(sign * int.MaxValue, sum));
        }
    }

    /// <summary>
    /// The integer layers of the shipped codecs, with the largest activations and with smaller ones: of each layer a few
    /// outputs, because hosts without a GPU take long for a barrier.
    /// </summary>
    public static void EqualsTheReferenceOnShippedWeights(Accelerator accelerator)
    {
        using var gpu = new GpuIntegerConvolution(accelerator);
        foreach (string model in new[] { ShippedModels.Compact, ShippedModels.CompactMse })
        {
            using Stream stream = ShippedModels.Open(model);
            SafetensorsFile file = SafetensorsFile.Read(stream);
            int layers = 0;
            foreach (StoredTensor weight in file.Tensors.Values.Where(t => t.Type == TensorType.I8))
            {
                string name = weight.Name[..weight.Name.LastIndexOf('.')];
                (int outputs, int inputs, int k) = (weight.Shape[0], weight.Shape[1], weight.Shape[2]);
                const int Some = 12;
                var random = new Random(++layers);
                int first = random.Next(outputs - Some);
                var weights = new IntegerConvolutionWeights(
                    weight.ToSByte().AsSpan(first * inputs * k * k, Some * inputs * k * k),
                    file.Int32($"{name}.bias", outputs).AsSpan(first, Some),
                    inputs,
                    k);
                int magnitude = Math.Min(weights.MaxActivation(), 16383);
                Compare(gpu, weights, Draw(random, 1, 5, weights, magnitude), 1, 5);
            }

            Assert.True(layers >= 3, $"{model} has {layers} integer layers.");
        }
    }

    private static short[] Draw(Random random, int height, int width, IntegerConvolutionWeights weights, int magnitude)
    {
        int border = weights.KernelSize - 1;
        var input = new short[(height + border) * (width + border) * weights.Inputs];
        foreach (ref short value in input.AsSpan())
        {
            value = (short)(random.Next(3) == 0
                ? magnitude * ((random.Next(2) * 2) - 1)
                : random.Next(-magnitude, magnitude + 1));
        }

        return input;
    }

    private static void Compare(
        GpuIntegerConvolution gpu, IntegerConvolutionWeights weights, short[] input, int height, int width)
    {
        var expected = new int[height * width * weights.Outputs];
        var actual = new int[expected.Length];
        Kernel.Table.Reference.Kernel(input, weights, height, width, expected);
        gpu.Row.Kernel(input, weights, height, width, actual);
        Assert.Equal(expected, actual);
        Assert.Contains(actual, sum => sum != 0);
    }
}
