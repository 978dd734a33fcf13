using ILGPU.Runtime;
using Tfic.Gpu.Dct;
using Tfic.Gpu.Tests;

namespace Tfic.Gpu.Device.Tests;

public class JpegDctTests
{
    private static void Check(Accelerator accelerator)
    {
        JpegDctChecks.EqualsTheReference(accelerator);
        JpegDctChecks.WholePlanesEqualTheirRows(accelerator);
    }

    [Fact]
    public void CpuAcceleratorEqualsTheReference() => Device.OnCpu(64, Check);

    [SkippableFact]
    public void GpuEqualsTheReference() => Device.OnCuda(Check);

    [Theory]
    [InlineData(nameof(JpegDctKernels.Forward))]
    [InlineData(nameof(JpegDctKernels.Inverse))]
    public void CompilesToPtx(string name) =>
        Assert.DoesNotContain(".f32", Device.Ptx(typeof(JpegDctKernels), name));
}
