using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Tfic.Kernels;

namespace Tfic.Tests.Kernels;

/// <summary>
/// The whole suite runs several times, with instruction sets switched off by .NET's own switches (./build.sh test).
/// This shows that a run is the one it is meant to be: that a switch was understood, and that dispatch follows.
/// </summary>
[Collection(VariantChoiceCollection.Name)]
public class InstructionSetTests
{
    /// <summary>Name of the switch that a run is about; not set where nothing is switched off.</summary>
    private const string MeantVariable = "TFIC_TEST_WITHOUT";

    private static readonly string[] s_switches = ["EnableAVX512", "EnableAVX2", "EnableHWIntrinsic"];

    private static string[] SwitchedOff =>
        [.. s_switches.Where(name => Environment.GetEnvironmentVariable("DOTNET_" + name) == "0")];

    private static bool IsX86 => RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86;

    [Fact]
    public void ARunIsWithoutWhatItIsMeantToBeWithout()
    {
        if (Environment.GetEnvironmentVariable(MeantVariable) is { Length: > 0 } meant)
            Assert.Equal([meant], SwitchedOff);
    }

    [SkippableFact]
    public void WhatIsSwitchedOffIsGone()
    {
        Skip.If(SwitchedOff.Length == 0, "nothing is switched off in this run");
        foreach (string name in SwitchedOff)
        {
            switch (name)
            {
                case "EnableHWIntrinsic":
                    Assert.False(Vector128.IsHardwareAccelerated);
                    Assert.False(Vector256.IsHardwareAccelerated);
                    Assert.False(Vector512.IsHardwareAccelerated);
                    Assert.False(Sse2.IsSupported && Sse42.IsSupported);
                    break;
                case "EnableAVX2":
                    Assert.False(Avx2.IsSupported);
                    Assert.False(Fma.IsSupported);
                    Assert.False(Vector256.IsHardwareAccelerated);
                    goto case "EnableAVX512";
                case "EnableAVX512":
                    Assert.False(Avx512F.IsSupported);
                    Assert.False(Vector512.IsHardwareAccelerated);
                    break;
            }
        }
    }

    /// <summary>Otherwise a run without AVX-512 on a machine without it would prove nothing about the switch.</summary>
    [SkippableFact]
    public void WhatIsNotSwitchedOffIsThere()
    {
        Skip.IfNot(IsX86 && OperatingSystem.IsLinux(), "the processor's flags are read as Linux shows them on x86");
        string[] flags = File.ReadLines("/proc/cpuinfo").First(line => line.StartsWith("flags", StringComparison.Ordinal))
            .Split(' ');
        string[] off = SwitchedOff;
        bool all = off.Contains("EnableHWIntrinsic");
        bool avx2 = flags.Contains("avx2") && flags.Contains("fma") && !off.Contains("EnableAVX2") && !all;
        bool avx512 = new[] { "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl" }.All(flags.Contains)
            && avx2 && !off.Contains("EnableAVX512");
        Assert.Equal(avx2, Avx2.IsSupported);
        Assert.Equal(avx512, Avx512BW.VL.IsSupported);
        Assert.Equal(!all, Vector128.IsHardwareAccelerated);
    }

    /// <summary>No row runs, or is picked, that needs what is switched off.</summary>
    [Fact]
    public void DispatchFollows()
    {
        VariantChoice before = VariantChoice.Current;
        try
        {
            VariantChoice.Current = VariantChoice.Automatic;
            foreach (VariantTable table in KernelTables.All)
            {
                foreach (Variant row in table.Variants.Where(row => row.IsSupported))
                {
                    bool runs = row.Name switch
                    {
                        "vector512" => Vector512.IsHardwareAccelerated,
                        "vector256" => Vector256.IsHardwareAccelerated,
                        "vector128" => Vector128.IsHardwareAccelerated,
                        "native" or "amx" => !IsX86 || Avx512F.IsSupported,
                        _ => true,
                    };
                    Assert.True(runs, $"{table.Kernel}: {row.Name} is said to run");
                }

                Assert.Equal(table.Variants.Last(row => row.IsSupported).Name, table.PickedName);
            }

            // With everything switched off, what is left is what needs nothing; with nothing, more than that.
            string[] picked = [.. KernelTables.All.Select(table => table.PickedName).Distinct()];
            bool plain = picked.All(name => name is "reference" or "lookup");
            if (Vector128.IsHardwareAccelerated)
                Assert.False(plain, string.Join(", ", picked));
            else
                Assert.True(plain, string.Join(", ", picked));
        }
        finally
        {
            VariantChoice.Current = before;
        }
    }
}
