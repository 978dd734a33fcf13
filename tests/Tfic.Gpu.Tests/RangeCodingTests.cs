using ILGPU;
using ILGPU.Runtime;
using Tfic.Gpu.RangeCoding;

namespace Tfic.Gpu.Tests;

public class RangeCodingTests
{
    [Theory]
    [InlineData(TurnOrder.Ascending, 1540)]
    [InlineData(TurnOrder.Descending, 100)]
    public void CodesAsTheProcessorDoes(TurnOrder order, int most)
    {
        using var accelerator = new Accelerator(order);
        RangeCodingChecks.CodesAsTheProcessorDoes(accelerator, most, 0, 1, 33);
        Assert.Equal(0, accelerator.LiveBuffers);
    }

    [Fact]
    public void FaresWithDamageAsTheProcessorDoes()
    {
        using var accelerator = new Accelerator();
        RangeCodingChecks.FaresWithDamageAsTheProcessorDoes(accelerator, 200, 29);
    }

    [Fact]
    public void AnAcceleratorWithSmallGroupsIsRefused()
    {
        using var accelerator = new Accelerator(maxNumThreadsPerGroup: 16);
        NotSupportedException e = Assert.Throws<NotSupportedException>(() => new GpuRangeCoding(accelerator));
        Assert.Contains("16", e.Message);
    }
}
