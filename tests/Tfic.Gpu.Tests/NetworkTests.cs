using ILGPU;
using ILGPU.Runtime;
using Tfic.Gpu.Networks;
using Tfic.Models;
using Tfic.Networks;

namespace Tfic.Gpu.Tests;

public class NetworkTests
{
    [Theory]
    [InlineData(TurnOrder.Ascending)]
    [InlineData(TurnOrder.Descending)]
    public void ConvolutionKeepsItsBound(TurnOrder order)
    {
        using var accelerator = new Accelerator(order);
        Conv2dChecks.KeepsItsBound(accelerator);
        Assert.Equal(0, accelerator.LiveBuffers);
    }

    [Fact]
    public void PoolingEqualsTheReference()
    {
        using var accelerator = new Accelerator();
        MaxPoolChecks.EqualsTheReference(accelerator);
    }

    [Fact]
    public void RestorerIsNearTheProcessors()
    {
        using var accelerator = new Accelerator();
        NetworkChecks.Restores(accelerator, 3, 20, inBands: true);
        Assert.Equal(0, accelerator.LiveBuffers);
    }

    [Fact]
    public void CodecIsNearTheProcessors()
    {
        using var accelerator = new Accelerator(TurnOrder.Descending);
        NetworkChecks.Transforms(accelerator, 37, 23);
        Assert.Equal(0, accelerator.LiveBuffers);
    }

    [Fact]
    public void RecogniserIsNearTheProcessors()
    {
        using var accelerator = new Accelerator();
        NetworkChecks.Recognises(accelerator, 8);
        Assert.Equal(0, accelerator.LiveBuffers);
    }

    [Fact]
    public void AnAcceleratorWithSmallGroupsIsRefused()
    {
        using Stream stream = ShippedModels.Open(ShippedModels.RecogniserCompact);
        var model = (CompactRecogniser)RecogniserModel.Load(stream);
        using var accelerator = new Accelerator(maxNumThreadsPerGroup: 32);
        NotSupportedException e = Assert.Throws<NotSupportedException>(() => new GpuRecogniser(accelerator, model));
        Assert.Contains("32", e.Message);
    }
}
