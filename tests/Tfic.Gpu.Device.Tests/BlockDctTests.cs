using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using Tfic.Gpu.Dct;
using Tfic.Gpu.Tests;

namespace Tfic.Gpu.Device.Tests;

public class BlockDctTests
{
    /// <summary>
    /// ILGPU's CPU accelerator with groups of 64 threads: 4 a warp, 16 warps. It takes about 10 µs a thread for a
    /// barrier, so the planes are small.
    /// </summary>
    private static void OnCpu(Action<Accelerator> check)
    {
        using Context context = Context.Create(builder => builder.CPU(new CPUDevice(4, 16, 1)));
        using Accelerator accelerator = context.CreateCPUAccelerator(0);
        check(accelerator);
    }

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
    public void GpuAgreesWithTheReference()
    {
        using Context context = Context.Create(builder => builder.Cuda());
        Skip.If(context.GetCudaDevices().Count == 0, "There is no CUDA device here.");
        using Accelerator accelerator = context.CreateCudaAccelerator(0);
        foreach ((int width, int height) in new[] { (8, 8), (24, 40), (1024, 768) })
            BlockDctChecks.AgreesWithReference(accelerator, width, height);
    }

    /// <summary>
    /// The kernel compiles for a GPU without one being here. An external function in the text would mean that the
    /// kernel calls something for which ILGPU has no code: it would compile and then not load.
    /// </summary>
    [Fact]
    public void CompilesToPtx()
    {
        MethodInfo method = typeof(BlockDctKernel).GetMethod(nameof(BlockDctKernel.Transform))!;
        CudaArchitecture architecture = CudaArchitecture.SM_80;
        using Context context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2));
        using var backend = new PTXBackend(
            context, new CudaCapabilityContext(architecture), architecture, CudaInstructionSet.ISA_80, null);
        var kernel = (PTXCompiledKernel)backend.Compile(
            EntryPointDescription.FromExplicitlyGroupedKernel(method), default);

        Assert.Contains(".target sm_80", kernel.PTXAssembly);
        Assert.Contains("bar.sync", kernel.PTXAssembly);
        Assert.DoesNotContain(".extern .func", kernel.PTXAssembly);
    }
}
