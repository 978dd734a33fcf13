using ILGPU.Runtime;
using Tfic.Gpu.Dct;
using Tfic.Kernels.Dct;

namespace Tfic.Gpu.Tests;

/// <summary>What the GPU rows of JPEG's DCT must hold to, on whichever accelerator.</summary>
internal static class JpegDctChecks
{
    /// <summary>
    /// Rows of blocks, both directions, equal the reference: flat and noisy blocks, samples at the ends of their range, the
    /// least and the largest steps, forged levels. What lies between rows is left alone.
    /// </summary>
    public static void EqualsTheReference(Accelerator accelerator)
    {
        using var gpu = new GpuJpegDct(accelerator);
        Assert.Equal(("gpu", 0d), (gpu.ForwardRow.Name, gpu.ForwardRow.Tolerance));
        Assert.Equal(("gpu", 0d), (gpu.InverseRow.Name, gpu.InverseRow.Tolerance));
        var random = new Random(1);
        foreach ((int count, int gap, int largest) in new[] { (1, 0, 1), (3, 5, 255), (2, 1, 65535), (5, 0, 30) })
        {
            int stride = 8 * count + gap;
            byte[] samples = new byte[7 * stride + 8 * count];
            random.NextBytes(samples);
            for (int i = 0; i < samples.Length; i++)
                samples[i] = (i % stride / 8) switch { 0 => samples[i], 1 => (byte)(samples[i] % 2 * 255), _ => 200 };
            JpegQuantiser steps = Steps(random, largest);
            short[] expected = new short[64 * count], levels = new short[64 * count];
            JpegDct.ForwardReference(samples, stride, steps, expected);
            gpu.ForwardRow.Kernel(samples, stride, steps, levels);
            Assert.Equal(expected, levels);

            // Steps this large leave nothing: levels for the way back are drawn, such as only forged files have.
            if (largest <= 255)
            {
                Assert.Contains(levels, level => level != 0);
            }
            else
            {
                for (int i = 0; i < levels.Length; i++)
                    levels[i] = (short)random.Next(short.MinValue, short.MaxValue + 1);
            }

            byte[] restored = new byte[samples.Length], expectedSamples = new byte[samples.Length];
            restored.AsSpan().Fill(77);
            expectedSamples.AsSpan().Fill(77);
            JpegDct.InverseReference(levels, steps, expectedSamples, stride);
            gpu.InverseRow.Kernel(levels, steps, restored, stride);
            Assert.Equal(expectedSamples, restored);
        }

        gpu.ForwardRow.Kernel([], 8, Steps(random, 1), []);
        gpu.InverseRow.Kernel([], Steps(random, 1), [], 8);
    }

    /// <summary>A plane of several rows of blocks in one launch equals its rows, one by one.</summary>
    public static void WholePlanesEqualTheirRows(Accelerator accelerator)
    {
        const int Across = 3, Down = 2, Stride = 8 * Across + 2;
        using var gpu = new GpuJpegDct(accelerator);
        var random = new Random(2);
        byte[] samples = new byte[8 * Down * Stride];
        random.NextBytes(samples);
        JpegQuantiser steps = Steps(random, 20);
        short[] levels = new short[64 * Across * Down], row = new short[64 * Across];
        gpu.Forward(samples, Stride, Across, steps, levels);
        byte[] restored = new byte[samples.Length], expected = new byte[samples.Length];
        gpu.Inverse(levels, steps, restored, Stride, Across);
        for (int y = 0; y < Down; y++)
        {
            JpegDct.ForwardReference(samples.AsSpan(8 * y * Stride), Stride, steps, row);
            Assert.Equal(row, levels[(64 * Across * y)..(64 * Across * (y + 1))]);
            JpegDct.InverseReference(row, steps, expected.AsSpan(8 * y * Stride), Stride);
        }

        Assert.Equal(expected, restored);
        Assert.Throws<ArgumentException>(() => gpu.Forward(samples, Stride, Across + 1, steps, levels));
        Assert.Throws<ArgumentException>(() => gpu.Forward(samples.AsSpan(0, 100), Stride, Across, steps, levels));
        Assert.Throws<ArgumentException>(() => gpu.Inverse(levels, steps, restored.AsSpan(0, 100), Stride, Across));
    }

    private static JpegQuantiser Steps(Random random, int largest) =>
        new(Enumerable.Range(0, 64).Select(_ => (ushort)random.Next(1, largest + 1)).ToArray());
}
