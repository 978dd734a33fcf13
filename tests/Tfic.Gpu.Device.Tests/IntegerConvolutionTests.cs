using ILGPU.Runtime;
using Tfic.Gpu.IntegerConvolution;
using Tfic.Gpu.Tests;

namespace Tfic.Gpu.Device.Tests;

public class IntegerConvolutionTests
{
    private static void OnCpu(Action<Accelerator> check) => Device.OnCpu(64, check);

    [Fact]
    public void CpuAcceleratorEqualsTheReference() => OnCpu(IntegerConvolutionChecks.EqualsTheReference);

    [Fact]
    public void CpuAcceleratorKeepsSumsNearTwoToThe31() => OnCpu(IntegerConvolutionChecks.KeepsSumsNearTwoToThe31);

    [Fact]
    public void CpuAcceleratorEqualsTheReferenceOnShippedWeights() =>
        OnCpu(IntegerConvolutionChecks.EqualsTheReferenceOnShippedWeights);

    [SkippableFact]
    public void GpuEqualsTheReference() => Device.OnCuda(accelerator =>
    {
        IntegerConvolutionChecks.EqualsTheReference(accelerator);
        IntegerConvolutionChecks.KeepsSumsNearTwoToThe31(accelerator);
        IntegerConvolutionChecks.EqualsTheReferenceOnShippedWeights(accelerator);
    });

    /// <summary>No floating point, and no instruction that saturates.</summary>
    [Fact]
    public void CompilesToPtx()
    {
        string assembly = Device.Ptx(typeof(IntegerConvolutionKernels), nameof(IntegerConvolutionKernels.Convolve));
        Assert.DoesNotContain(".f32", assembly);
        Assert.DoesNotContain(".sat", assembly);
    }
}
