using ILGPU.Runtime;
using Tfic.Gpu.Dct;
using Tfic.Gpu.Tests;

namespace Tfic.Gpu.Device.Tests;

public class BlockDctTests
{
    private static void OnCpu(Action<Accelerator> check) => Device.OnCpu(64, check);

    [Theory]
    [InlineData(8, 8)]
    [InlineData(24, 16)]
    [InlineData(8, 40)]
    public void CpuAcceleratorAgreesWithTheReference(int width, int height) =>
        OnCpu(accelerator => BlockDctChecks.AgreesWithReference(accelerator, width, height));

    [Fact]
    public void FlatPlaneHasOneCoefficient() => OnCpu(BlockDctChecks.FlatPlaneHasOneCoefficient);

    [Fact]
    public void OneObjectServesManyShapes() => OnCpu(BlockDctChecks.OneObjectServesManyShapes);

    [SkippableFact]
    public void GpuAgreesWithTheReference() => Device.OnCuda(accelerator =>
    {
        foreach ((int width, int height) in new[] { (8, 8), (24, 40), (1024, 768) })
            BlockDctChecks.AgreesWithReference(accelerator, width, height);
    });

    [Fact]
    public void CompilesToPtx()
    {
        Device.Ptx(typeof(BlockDctKernel), nameof(BlockDctKernel.Transform));
    }
}
