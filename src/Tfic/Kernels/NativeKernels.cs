using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tfic.Kernels.BFloat16Convolution;
using Tfic.Kernels.QuantisedConvolution;

namespace Tfic.Kernels;

/// <summary>
/// Functions of the optional library tfic_native (native/kernels). Without it their rows are not supported.
/// </summary>
internal static partial class NativeKernels
{
    private const string Library = "tfic_native";

    /// <summary>Raised with every change of a signature, on both sides.</summary>
    private const int ExpectedVersion = 3;

    private static readonly nint s_handle = Find();

    /// <summary>Whether a library of the right version lies next to the assembly.</summary>
    public static bool IsAvailable => s_handle != 0;

    /// <summary>1 if this processor can run <see cref="IntegerConvolution"/>, else 0.</summary>
    [LibraryImport(Library, EntryPoint = "tfic_integer_convolution_supported")]
    public static partial int IntegerConvolutionSupported();

    /// <summary>See tfic/integer_convolution.h.</summary>
    [LibraryImport(Library, EntryPoint = "tfic_integer_convolution")]
    public static unsafe partial int IntegerConvolution(
        short* input,
        long inputLength,
        short* packed,
        long packedLength,
        int* bias,
        long biasLength,
        int height,
        int width,
        int inputs,
        int outputs,
        int kernelSize,
        int* output,
        long outputLength);

    /// <summary>1 if this processor can run <see cref="QuantisedConvolution"/>, else 0.</summary>
    [LibraryImport(Library, EntryPoint = "tfic_quantised_convolution_supported")]
    public static partial int QuantisedConvolutionSupported();

    /// <summary>See tfic/quantised_convolution.h.</summary>
    [LibraryImport(Library, EntryPoint = "tfic_quantised_convolution")]
    public static unsafe partial int QuantisedConvolution(QuantisedConv2dNative.Call* call);

    /// <summary>1 if this processor can, and this process may, run <see cref="QuantisedConvolutionAmx"/>, else 0.</summary>
    [LibraryImport(Library, EntryPoint = "tfic_quantised_convolution_amx_supported")]
    public static partial int QuantisedConvolutionAmxSupported();

    /// <summary>See tfic/quantised_convolution.h.</summary>
    [LibraryImport(Library, EntryPoint = "tfic_quantised_convolution_amx")]
    public static unsafe partial int QuantisedConvolutionAmx(QuantisedConv2dNative.Call* call);

    /// <summary>1 if this processor can run <see cref="BFloat16Convolution"/>, else 0.</summary>
    [LibraryImport(Library, EntryPoint = "tfic_bfloat16_convolution_supported")]
    public static partial int BFloat16ConvolutionSupported();

    /// <summary>See tfic/bfloat16_convolution.h.</summary>
    [LibraryImport(Library, EntryPoint = "tfic_bfloat16_convolution")]
    public static unsafe partial int BFloat16Convolution(BFloat16Conv2dNative.Call* call);

    /// <summary>1 if this processor can, and this process may, run <see cref="BFloat16ConvolutionAmx"/>, else 0.</summary>
    [LibraryImport(Library, EntryPoint = "tfic_bfloat16_convolution_amx_supported")]
    public static partial int BFloat16ConvolutionAmxSupported();

    /// <summary>See tfic/bfloat16_convolution.h.</summary>
    [LibraryImport(Library, EntryPoint = "tfic_bfloat16_convolution_amx")]
    public static unsafe partial int BFloat16ConvolutionAmx(BFloat16Conv2dNative.Call* call);

    /// <summary>See tfic/peak.h.</summary>
    [LibraryImport(Library, EntryPoint = "tfic_peak")]
    public static partial int Peak(int instruction, long rounds);

    [LibraryImport(Library, EntryPoint = "tfic_native_version")]
    private static partial int Version();

    private static nint Find()
    {
        // Only next to the program: a library of that name elsewhere on the search path is none of ours.
        string name = OperatingSystem.IsWindows() ? "tfic_native.dll"
            : OperatingSystem.IsMacOS() ? "libtfic_native.dylib"
            : "libtfic_native.so";
        if (!NativeLibrary.TryLoad(Path.Combine(AppContext.BaseDirectory, name), out nint handle))
            return 0;
        NativeLibrary.SetDllImportResolver(
            Assembly.GetExecutingAssembly(), (wanted, _, _) => wanted == Library ? handle : 0);
        bool matches = NativeLibrary.TryGetExport(handle, "tfic_native_version", out _) && Version() == ExpectedVersion;
        return matches ? handle : 0;
    }
}
