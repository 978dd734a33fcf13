using ILGPU.Runtime;
using Tfic.Gpu.Dct;
using Tfic.Kernels;
using Tfic.Kernels.Dct;

namespace Tfic.Gpu.Tests;

/// <summary>What the GPU rows of the block DCT must hold to, on whichever accelerator.</summary>
internal static class BlockDctChecks
{
    /// <summary>Forward and inverse differ from the reference by no more than their stated tolerance.</summary>
    public static void AgreesWithReference(Accelerator accelerator, int width, int height)
    {
        using var dct = new GpuBlockDct(accelerator);
        float[] samples = Samples(width * height, magnitude: 1, seed: width * 1000 + height);
        Compare(dct.Forward, BlockDct.ForwardTable.Reference, samples, width);
        float[] coefficients = Samples(width * height, magnitude: 8, seed: width * 1000 + height + 1);
        Compare(dct.Inverse, BlockDct.InverseTable.Reference, coefficients, width);
    }

    /// <summary>A plane of one value has one coefficient a block; checked against the definition, not the reference.</summary>
    public static void FlatPlaneHasOneCoefficient(Accelerator accelerator)
    {
        using var dct = new GpuBlockDct(accelerator);
        var plane = new float[16 * 8];
        Array.Fill(plane, -0.75f);
        dct.Forward.Kernel(plane, 16, plane);
        for (int i = 0; i < plane.Length; i++)
            Assert.Equal(i is 0 or 8 ? -6f : 0f, plane[i], 1e-6f);
    }

    /// <summary>Large planes after small ones, small after large, and the transform in place.</summary>
    public static void OneObjectServesManyShapes(Accelerator accelerator)
    {
        using var dct = new GpuBlockDct(accelerator);
        foreach ((int width, int height) in new[] { (8, 8), (24, 16), (16, 8), (8, 40) })
        {
            float[] samples = Samples(width * height, magnitude: 1, seed: width + height);
            var expected = new float[samples.Length];
            BlockDct.ForwardTable.Reference.Kernel(samples, width, expected);
            dct.Forward.Kernel(samples, width, samples);
            AssertNear(expected, samples, dct.Forward.Tolerance);
        }

        dct.Forward.Kernel([], 8, []);
    }

    private static void Compare(
        Variant<BlockDct.TransformKernel> row, Variant<BlockDct.TransformKernel> reference, float[] source, int width)
    {
        Assert.Equal("gpu", row.Name);
        Assert.InRange(row.Tolerance, double.Epsilon, 1.3e-4);
        var expected = new float[source.Length];
        var actual = new float[source.Length];
        reference.Kernel(source, width, expected);
        row.Kernel(source, width, actual);
        AssertNear(expected, actual, row.Tolerance);
    }

    private static void AssertNear(float[] expected, float[] actual, double tolerance)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            // Written so that NaN fails.
            if (!(Math.Abs((double)expected[i] - actual[i]) <= tolerance))
                Assert.Fail($"Entry {i}: {actual[i]}, the reference has {expected[i]}; the tolerance is {tolerance}.");
        }
    }

    private static float[] Samples(int count, float magnitude, int seed)
    {
        var random = new Random(seed);
        var samples = new float[count];
        foreach (ref float sample in samples.AsSpan())
        {
            // A third at the limits, where the bound is tightest.
            sample = magnitude * (random.Next(3) == 0 ? random.Next(2) * 2 - 1 : random.NextSingle() * 2 - 1);
        }

        return samples;
    }
}
