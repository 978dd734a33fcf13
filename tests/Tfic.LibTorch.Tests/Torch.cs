namespace Tfic.LibTorch.Tests;

/// <summary>What differs between the stand-in and TorchSharp itself, on which these tests run as well.</summary>
internal static class Torch
{
    internal const bool IsTorchSharp =
#if TFIC_TORCHSHARP
        true;
#else
        false;
#endif

    /// <summary>Skips a test, with the reason, where there is no libtorch.</summary>
    internal static void Require()
    {
#if TFIC_TORCHSHARP
        Skip.IfNot(TorchSharp.torch.TryInitializeDeviceType(TorchSharp.DeviceType.CPU), "TorchSharp's library cannot be loaded");
#else
        string? missing = TorchSharp.Interop.LibTorch.Missing;
        Skip.IfNot(missing is null, missing);
#endif
    }

    /// <summary>Tensors that native code holds for this process.</summary>
    internal static long LiveTensors =>
#if TFIC_TORCHSHARP
        TorchSharp.torch.Tensor.TotalCount;
#else
        TorchSharp.Interop.LibTorch.LiveTensors;
#endif
}
