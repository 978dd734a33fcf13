using Tfic.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Benchmarks;

/// <summary>What the networks in libtorch have in common.</summary>
internal static class LibTorchPeer
{
    /// <summary>
    /// The same tensor with channels last. Neither TorchSharp nor its stand-in has an argument for that: the strides say it.
    /// </summary>
    public static Tensor ChannelsLast(Tensor x)
    {
        long[] shape = x.shape;
        long c = shape[1], h = shape[2], w = shape[3];
        return x.permute(0, 2, 3, 1).contiguous().as_strided(shape, [c * h * w, 1, w * c, c]);
    }

    /// <summary>A layer's weights and bias from a model's file.</summary>
    public static (Tensor Weight, Tensor Bias) Layer(SafetensorsFile file, string name)
    {
        int[] shape = [.. file.Tensors[name + ".weight"].Shape];
        Tensor weight = tensor(file.Float(name + ".weight", shape)).view([.. shape.Select(size => (long)size)]);
        return (weight, tensor(file.Float(name + ".bias", shape[0])));
    }
}
