using ILGPU;
using ILGPU.Runtime;
using Tfic.Gpu.Dct;

namespace Tfic.Gpu.Tests;

public class BlockDctTests
{
    [Theory]
    [InlineData(8, 8, TurnOrder.Ascending)]
    [InlineData(8, 8, TurnOrder.Descending)]
    [InlineData(24, 16, TurnOrder.Ascending)]
    [InlineData(24, 16, TurnOrder.Descending)]
    [InlineData(16, 24, TurnOrder.Ascending)]
    [InlineData(40, 8, TurnOrder.Ascending)]
    [InlineData(8, 40, TurnOrder.Ascending)]
    public void KernelAgreesWithTheReference(int width, int height, TurnOrder order)
    {
        using var accelerator = new Accelerator(order);
        BlockDctChecks.AgreesWithReference(accelerator, width, height);
        Assert.Equal(0, accelerator.LiveBuffers);
    }

    [Fact]
    public void FlatPlaneHasOneCoefficient()
    {
        using var accelerator = new Accelerator();
        BlockDctChecks.FlatPlaneHasOneCoefficient(accelerator);
    }

    [Fact]
    public void OneObjectServesManyShapes()
    {
        using var accelerator = new Accelerator();
        BlockDctChecks.OneObjectServesManyShapes(accelerator);
    }

    [Fact]
    public void AnAcceleratorWithSmallGroupsIsRefused()
    {
        using var accelerator = new Accelerator(maxNumThreadsPerGroup: 16);
        NotSupportedException e = Assert.Throws<NotSupportedException>(() => new GpuBlockDct(accelerator));
        Assert.Contains("16", e.Message);
    }
}
