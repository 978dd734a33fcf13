using ILGPU.Runtime;
using Tfic.Gpu.RangeCoding;
using Tfic.Gpu.Tests;

namespace Tfic.Gpu.Device.Tests;

public class RangeCodingTests
{
    private static void OnCpu(Action<Accelerator> check) => Device.OnCpu(32, check);

    [Fact]
    public void CodesAsTheProcessorDoes() =>
        OnCpu(accelerator => RangeCodingChecks.CodesAsTheProcessorDoes(accelerator, 1700, 0, 1, 33));

    [Fact]
    public void FaresWithDamageAsTheProcessorDoes() =>
        OnCpu(accelerator => RangeCodingChecks.FaresWithDamageAsTheProcessorDoes(accelerator, 200, 101));

    [SkippableFact]
    public void GpuCodesAsTheProcessorDoes() => Device.OnCuda(accelerator =>
    {
        RangeCodingChecks.CodesAsTheProcessorDoes(accelerator, 0, 1, 31, 33, 1025, 100_000, 1_000_003, 64);
        RangeCodingChecks.FaresWithDamageAsTheProcessorDoes(accelerator, 1100, 41);
    });

    [Theory]
    [InlineData(nameof(RangeCodingKernels.Decode))]
    [InlineData(nameof(RangeCodingKernels.Encode))]
    public void CompilesToPtx(string name)
    {
        Device.Ptx(typeof(RangeCodingKernels), name);
    }
}
