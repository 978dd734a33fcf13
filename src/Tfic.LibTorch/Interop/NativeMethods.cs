using System.Runtime.InteropServices;

namespace TorchSharp.Interop;

/// <summary>The C interface of native/libtorch/tfic_torch.h.</summary>
internal static unsafe partial class NativeMethods
{
    internal const int Abi = 1;

    private const string Library = LibTorch.ShimName;

    [LibraryImport(Library)]
    internal static partial int tfic_torch_abi();

    [LibraryImport(Library)]
    internal static partial byte* tfic_torch_version();

    [LibraryImport(Library)]
    internal static partial byte* tfic_torch_error();

    [LibraryImport(Library)]
    internal static partial long tfic_torch_live_tensors();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int tfic_torch_find(string name, string overload, out nint op);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_call(
        nint op, NativeValue* arguments, int argumentCount, NativeValue** results, int* count);

    [LibraryImport(Library)]
    internal static partial void tfic_torch_free(nint tensor);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_share(nint tensor, out nint result);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_describe(nint tensor, out TensorInfo info);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_shape(nint tensor, long* sizes, long* strides);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_data(nint tensor, out nint data);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_set_requires_grad(nint tensor, int requiresGrad);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_retain_grad(nint tensor);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_grad(nint tensor, out nint grad);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_set_grad(nint tensor, nint grad);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_backward(
        nint* outputs, int outputCount, nint* gradTensors, int retainGraph, int createGraph, nint* inputs,
        int inputCount);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_gradients(
        nint* outputs, int outputCount, nint* inputs, int inputCount, nint* gradOutputs, int retainGraph,
        int createGraph, int allowUnused, nint* gradients);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_grad_enabled();

    [LibraryImport(Library)]
    internal static partial void tfic_torch_set_grad_enabled(int enabled);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_manual_seed(long seed);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_initial_seed(out long seed);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_rng_state(out nint state);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_set_rng_state(nint state);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_threads();

    [LibraryImport(Library)]
    internal static partial int tfic_torch_set_threads(int count);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_interop_threads();

    [LibraryImport(Library)]
    internal static partial int tfic_torch_set_interop_threads(int count);

    [LibraryImport(Library)]
    internal static partial int tfic_torch_cuda_devices();

    [LibraryImport(Library)]
    internal static partial int tfic_torch_cuda_synchronize(int index);

    /// <summary>Throws libtorch's message where a call reported failure, as TorchSharp does.</summary>
    /// <exception cref="ExternalException">The call failed.</exception>
    internal static void Check(int status)
    {
        if (status != 0)
            throw new ExternalException(Marshal.PtrToStringUTF8((nint)tfic_torch_error()) ?? "libtorch failed");
    }
}

/// <summary>tfic_torch_value: one argument or result of an operator.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeValue
{
    internal ValueKind Kind;
    internal int Length;
    internal long Bits;
}

internal enum ValueKind
{
    Default,
    None,
    Tensor,
    Int,
    Double,
    Bool,
    IntList,
    DoubleList,
    TensorList,
    String,
    Device,
    Generator,
}

/// <summary>tfic_torch_info: what libtorch knows of a tensor without computing.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TensorInfo
{
    internal long Elements;
    internal long StorageOffset;
    internal int Dimensions;
    internal int ScalarType;
    internal int DeviceType;
    internal int DeviceIndex;
    internal int ElementSize;
    internal byte RequiresGrad;
    internal byte IsLeaf;
    internal byte IsContiguous;
    internal byte Reserved;
}
