using ILGPU;
using ILGPU.Runtime;
using Tfic.Gpu.IntegerConvolution;

namespace Tfic.Gpu.Tests;

public class IntegerConvolutionTests
{
    [Theory]
    [InlineData(TurnOrder.Ascending)]
    [InlineData(TurnOrder.Descending)]
    public void KernelEqualsTheReference(TurnOrder order)
    {
        using var accelerator = new Accelerator(order);
        IntegerConvolutionChecks.EqualsTheReference(accelerator);
        Assert.Equal(0, accelerator.LiveBuffers);
    }

    [Fact]
    public void KernelKeepsSumsNearTwoToThe31()
    {
        using var accelerator = new Accelerator();
        IntegerConvolutionChecks.KeepsSumsNearTwoToThe31(accelerator);
    }

    [Fact]
    public void KernelEqualsTheReferenceOnShippedWeights()
    {
        using var accelerator = new Accelerator();
        IntegerConvolutionChecks.EqualsTheReferenceOnShippedWeights(accelerator);
    }

    [Fact]
    public void AnAcceleratorWithSmallGroupsIsRefused()
    {
        using var accelerator = new Accelerator(maxNumThreadsPerGroup: 32);
        NotSupportedException e = Assert.Throws<NotSupportedException>(() => new GpuIntegerConvolution(accelerator));
        Assert.Contains("32", e.Message);
    }
}
