using ILGPU;
using ILGPU.Runtime;
using Tfic.Gpu.Dct;

namespace Tfic.Gpu.Tests;

public class JpegDctTests
{
    [Theory]
    [InlineData(TurnOrder.Ascending)]
    [InlineData(TurnOrder.Descending)]
    public void KernelsEqualTheReference(TurnOrder order)
    {
        using var accelerator = new Accelerator(order);
        JpegDctChecks.EqualsTheReference(accelerator);
        JpegDctChecks.WholePlanesEqualTheirRows(accelerator);
        Assert.Equal(0, accelerator.LiveBuffers);
    }

    [Fact]
    public void AnAcceleratorWithSmallGroupsIsRefused()
    {
        using var accelerator = new Accelerator(maxNumThreadsPerGroup: 16);
        NotSupportedException e = Assert.Throws<NotSupportedException>(() => new GpuJpegDct(accelerator));
        Assert.Contains("16", e.Message);
    }
}
