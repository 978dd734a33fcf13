using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharp.Interop;

/// <summary>Finds the shim, and says what to install where it or libtorch is missing.</summary>
internal static unsafe class LibTorch
{
    internal const string ShimName = "tfic_torch";

    private static readonly Lazy<string?> Problem = new(FindProblem);

    /// <summary>Why torch cannot be used here; null where it can.</summary>
    internal static string? Missing => Problem.Value;

    internal static string Version => Marshal.PtrToStringUTF8((nint)NativeMethods.tfic_torch_version())!;

    /// <summary>Tensors that native code holds for this process; what has been freed is not among them.</summary>
    internal static long LiveTensors => NativeMethods.tfic_torch_live_tensors();

    // CA2255: the resolver has to be in place before the first P/Invoke of this assembly, wherever that comes from.
#pragma warning disable CA2255
    [ModuleInitializer]
    internal static void InstallResolver() =>
        NativeLibrary.SetDllImportResolver(typeof(LibTorch).Assembly, (name, assembly, _) =>
            name == ShimName ? Load(assembly) : 0);
#pragma warning restore CA2255

    private static nint Load(Assembly assembly)
    {
        var tried = new List<string>();
        string? reason = null;
        foreach (string path in Candidates(assembly))
        {
            if (!File.Exists(path))
            {
                tried.Add(path);
                continue;
            }

            try
            {
                return NativeLibrary.Load(path);
            }
            catch (DllNotFoundException error)
            {
                // The shim is there, but something it links is not: libtorch itself, most likely.
                reason = $"{path} cannot be loaded: {error.Message}";
            }
        }

        throw new DllNotFoundException(
            "torch is not available. "
            + (reason ?? $"The library that joins Tfic to libtorch is in none of: {string.Join(", ", tried)}.") +
            " Install libtorch (Debian, Ubuntu: apt-get install libtorch-dev; elsewhere: pip install torch, or unpack" +
            " libtorch from pytorch.org and set LIBTORCH to its folder) with cmake and a C++ compiler, and build" +
            " again; or set TFIC_TORCH_LIBRARY to a built libtfic_torch.");
    }

    /// <summary>Where the shim may be: where the user says, else beside the assembly.</summary>
    private static IEnumerable<string> Candidates(Assembly assembly)
    {
        string file = OperatingSystem.IsWindows() ? $"{ShimName}.dll"
            : OperatingSystem.IsMacOS() ? $"lib{ShimName}.dylib"
            : $"lib{ShimName}.so";
        if (Environment.GetEnvironmentVariable("TFIC_TORCH_LIBRARY") is { Length: > 0 } path)
        {
            yield return path;
            yield break;
        }

        string[] folders = assembly.Location is { Length: > 0 } location
            ? [Path.GetDirectoryName(location)!, AppContext.BaseDirectory]
            : [AppContext.BaseDirectory];
        foreach (string folder in folders.Select(Path.TrimEndingDirectorySeparator).Distinct())
        {
            yield return Path.Combine(folder, file);
            yield return Path.Combine(folder, "runtimes", RuntimeInformation.RuntimeIdentifier, "native", file);
        }
    }

    private static string? FindProblem()
    {
        try
        {
            int abi = NativeMethods.tfic_torch_abi();
            return abi == NativeMethods.Abi
                ? null
                : $"libtfic_torch has interface {abi}; this assembly needs {NativeMethods.Abi}. Build it again.";
        }
        catch (DllNotFoundException error)
        {
            return error.Message;
        }
    }
}
