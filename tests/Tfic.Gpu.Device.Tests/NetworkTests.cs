using ILGPU.Runtime;
using Tfic.Gpu.Convolution;
using Tfic.Gpu.Pooling;
using Tfic.Gpu.Tests;

namespace Tfic.Gpu.Device.Tests;

public class NetworkTests
{
    private static void OnCpu(Action<Accelerator> check) => Device.OnCpu(64, check);

    [Fact]
    public void CpuAcceleratorKeepsTheConvolutionsBound() => OnCpu(Conv2dChecks.KeepsItsBound);

    [Fact]
    public void CpuAcceleratorPoolsAsTheReference() => OnCpu(MaxPoolChecks.EqualsTheReference);

    [Fact]
    public void CpuAcceleratorRestoresAsTheProcessor() =>
        OnCpu(accelerator => NetworkChecks.Restores(accelerator, 5, 3, inBands: false));

    [Fact]
    public void CpuAcceleratorTransformsAsTheProcessor() =>
        OnCpu(accelerator => NetworkChecks.Transforms(accelerator, 5, 3));

    [Fact]
    public void CpuAcceleratorRecognisesAsTheProcessor() =>
        OnCpu(accelerator => NetworkChecks.Recognises(accelerator, 4));

    [SkippableFact]
    public void GpuRunsNetworksAsTheProcessor() => Device.OnCuda(accelerator =>
    {
        Conv2dChecks.KeepsItsBound(accelerator);
        MaxPoolChecks.EqualsTheReference(accelerator);
        NetworkChecks.Restores(accelerator, 64, 64, inBands: true);
        NetworkChecks.Transforms(accelerator, 515, 259);
        NetworkChecks.Recognises(accelerator, 256);
    });

    [Theory]
    [InlineData(typeof(Conv2dKernels), nameof(Conv2dKernels.Convolve), true)]
    [InlineData(typeof(MaxPoolKernel), nameof(MaxPoolKernel.Pool), false)]
    public void CompilesToPtx(Type kernels, string name, bool hasBarrier)
    {
        string assembly = Device.Ptx(kernels, name, hasBarrier);

        // All sums are in registers.
        Assert.DoesNotContain(".local", assembly);
    }
}
