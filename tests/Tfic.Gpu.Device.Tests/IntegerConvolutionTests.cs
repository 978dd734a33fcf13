using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using Tfic.Gpu.IntegerConvolution;
using Tfic.Gpu.Tests;

namespace Tfic.Gpu.Device.Tests;

public class IntegerConvolutionTests
{
    /// <summary>ILGPU's CPU accelerator with groups of 64 threads: 4 a warp, 16 warps.</summary>
    private static void OnCpu(Action<Accelerator> check)
    {
        using Context context = Context.Create(builder => builder.CPU(new CPUDevice(4, 16, 1)));
        using Accelerator accelerator = context.CreateCPUAccelerator(0);
        check(accelerator);
    }

    [Fact]
    public void CpuAcceleratorEqualsTheReference() => OnCpu(IntegerConvolutionChecks.EqualsTheReference);

    [Fact]
    public void CpuAcceleratorKeepsSumsNearTwoToThe31() => OnCpu(IntegerConvolutionChecks.KeepsSumsNearTwoToThe31);

    [Fact]
    public void CpuAcceleratorEqualsTheReferenceOnShippedWeights() =>
        OnCpu(IntegerConvolutionChecks.EqualsTheReferenceOnShippedWeights);

    [SkippableFact]
    public void GpuEqualsTheReference()
    {
        using Context context = Context.Create(builder => builder.Cuda());
        Skip.If(context.GetCudaDevices().Count == 0, "There is no CUDA device here.");
        using Accelerator accelerator = context.CreateCudaAccelerator(0);
        IntegerConvolutionChecks.EqualsTheReference(accelerator);
        IntegerConvolutionChecks.KeepsSumsNearTwoToThe31(accelerator);
        IntegerConvolutionChecks.EqualsTheReferenceOnShippedWeights(accelerator);
    }

    /// <summary>See <see cref="BlockDctTests.CompilesToPtx"/>. No floating point, and no instruction that saturates.</summary>
    [Fact]
    public void CompilesToPtx()
    {
        MethodInfo method = typeof(IntegerConvolutionKernels).GetMethod(nameof(IntegerConvolutionKernels.Convolve))!;
        CudaArchitecture architecture = CudaArchitecture.SM_80;
        using Context context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2));
        using var backend = new PTXBackend(
            context, new CudaCapabilityContext(architecture), architecture, CudaInstructionSet.ISA_80, null);
        var kernel = (PTXCompiledKernel)backend.Compile(
            EntryPointDescription.FromExplicitlyGroupedKernel(method), default);

        Assert.Contains(".target sm_80", kernel.PTXAssembly);
        Assert.Contains("bar.sync", kernel.PTXAssembly);
        Assert.DoesNotContain(".extern .func", kernel.PTXAssembly);
        Assert.DoesNotContain(".f32", kernel.PTXAssembly);
        Assert.DoesNotContain(".sat", kernel.PTXAssembly);
    }
}
