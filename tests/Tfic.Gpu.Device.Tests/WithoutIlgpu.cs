namespace Tfic.Gpu.Device.Tests;

public class WithoutIlgpu
{
    [Fact(Skip = "ILGPU is not offered by the package sources, so Tfic.Gpu is left out.")]
    public void KernelsOnIlgpu()
    {
    }
}
