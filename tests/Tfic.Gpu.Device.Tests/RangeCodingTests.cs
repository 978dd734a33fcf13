using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using Tfic.Gpu.RangeCoding;
using Tfic.Gpu.Tests;

namespace Tfic.Gpu.Device.Tests;

public class RangeCodingTests
{
    /// <summary>ILGPU's CPU accelerator with groups of 32 threads; a barrier takes it 10 µs a thread.</summary>
    private static void OnCpu(Action<Accelerator> check)
    {
        using Context context = Context.Create(builder => builder.CPU(new CPUDevice(4, 8, 1)));
        using Accelerator accelerator = context.CreateCPUAccelerator(0);
        check(accelerator);
    }

    [Fact]
    public void CodesAsTheProcessorDoes() =>
        OnCpu(accelerator => RangeCodingChecks.CodesAsTheProcessorDoes(accelerator, 1700, 0, 1, 33));

    [Fact]
    public void FaresWithDamageAsTheProcessorDoes() =>
        OnCpu(accelerator => RangeCodingChecks.FaresWithDamageAsTheProcessorDoes(accelerator, 200, 101));

    [SkippableFact]
    public void GpuCodesAsTheProcessorDoes()
    {
        using Context context = Context.Create(builder => builder.Cuda());
        Skip.If(context.GetCudaDevices().Count == 0, "There is no CUDA device here.");
        using Accelerator accelerator = context.CreateCudaAccelerator(0);
        RangeCodingChecks.CodesAsTheProcessorDoes(accelerator, 0, 1, 31, 33, 1025, 100_000, 1_000_003, 64);
        RangeCodingChecks.FaresWithDamageAsTheProcessorDoes(accelerator, 1100, 41);
    }

    /// <summary>The kernels compile for a GPU without one being here, and call nothing that ILGPU has no code for.</summary>
    [Theory]
    [InlineData(nameof(RangeCodingKernels.Decode))]
    [InlineData(nameof(RangeCodingKernels.Encode))]
    public void CompilesToPtx(string name)
    {
        MethodInfo method = typeof(RangeCodingKernels).GetMethod(name)!;
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
