using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;

namespace Tfic.Gpu.Device.Tests;

/// <summary>The devices that ILGPU offers to the tests.</summary>
internal static class Device
{
    /// <summary>
    /// ILGPU's CPU accelerator with groups of so many threads, 4 a warp. It takes about 10 µs a thread for a barrier, so
    /// checks on it are small.
    /// </summary>
    public static void OnCpu(int threads, Action<Accelerator> check)
    {
        using Context context = Context.Create(builder => builder.CPU(new CPUDevice(4, threads / 4, 1)));
        using Accelerator accelerator = context.CreateCPUAccelerator(0);
        check(accelerator);
    }

    /// <summary>The first CUDA device; where there is none, the test is skipped.</summary>
    public static void OnCuda(Action<Accelerator> check)
    {
        using Context context = Context.Create(builder => builder.Cuda());
        Skip.If(context.GetCudaDevices().Count == 0, "There is no CUDA device here.");
        using Accelerator accelerator = context.CreateCudaAccelerator(0);
        check(accelerator);
    }

    /// <summary>
    /// A kernel's assembly for a GPU, without one being here. An external function in it would mean that the kernel calls
    /// something for which ILGPU has no code: it would compile and then not load.
    /// </summary>
    public static string Ptx(Type kernels, string name, bool hasBarrier = true)
    {
        // ILGPU clamps what it writes as the target to sm_80; what it generates may differ all the same.
        Compile(kernels, name, hasBarrier, CudaArchitecture.SM_90);
        return Compile(kernels, name, hasBarrier, CudaArchitecture.SM_80);
    }

    private static string Compile(Type kernels, string name, bool hasBarrier, CudaArchitecture architecture)
    {
        MethodInfo method = kernels.GetMethod(name)!;
        using Context context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2));
        using var backend = new PTXBackend(
            context, new CudaCapabilityContext(architecture), architecture, CudaInstructionSet.ISA_80, null);
        var kernel = (PTXCompiledKernel)backend.Compile(
            EntryPointDescription.FromExplicitlyGroupedKernel(method), default);

        Assert.Contains(".target sm_80", kernel.PTXAssembly);
        Assert.Equal(hasBarrier, kernel.PTXAssembly.Contains("bar.sync", StringComparison.Ordinal));
        Assert.DoesNotContain(".extern .func", kernel.PTXAssembly);
        return kernel.PTXAssembly;
    }
}
