using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.TinyLic;

/// <summary>A convolution from C to 2C channels of which only the taps of certain parities are used.</summary>
internal sealed class MaskedConvolution : PublishedModule
{
    private readonly int kernel;
    private readonly Parameter weight;
    private readonly Parameter bias;

    /// <summary>Makes the convolution.</summary>
    /// <param name="channels">Channels in; twice as many come out.</param>
    /// <param name="kernel">Rows and columns of the kernel, odd.</param>
    /// <param name="uses">Whether the tap at a row and column of the kernel is used.</param>
    public MaskedConvolution(int channels, int kernel, Func<int, int, bool> uses)
        : base(nameof(MaskedConvolution))
    {
        this.kernel = kernel;
        var taps = new float[kernel * kernel];
        for (int i = 0; i < taps.Length; i++)
            taps[i] = uses(i / kernel, i % kernel) ? 1 : 0;

        // torch's own initial weights of a convolution.
        using Conv2d plain = Conv2d(channels, 2 * channels, kernel);
        weight = Part("weight", Parameter(plain.weight.detach().clone()));
        bias = Part("bias", Parameter(plain.bias!.detach().clone()));
        Part("mask", tensor(taps, [kernel, kernel]).expand(2 * channels, channels, kernel, kernel).contiguous());
    }

    /// <summary>Of a 3 × 3 kernel the corners: from one position, those that differ in both parities.</summary>
    public static bool Diagonal(int row, int column) => row % 2 == 0 && column % 2 == 0;

    /// <summary>The taps whose row and column differ in parity: the other colour of a checkerboard.</summary>
    public static bool Checkerboard(int row, int column) => row % 2 != column % 2;

    /// <summary>All taps but those of both parities even: of 5 × 5, all positions that are not of the middle's kind.</summary>
    public static bool AllButOwnParity(int row, int column) => row % 2 != 0 || column % 2 != 0;

    /// <summary>[B, C, H, W] → [B, 2C, H, W].</summary>
    public override Tensor forward(Tensor input) => functional.conv2d(
        input, weight * get_buffer("mask")!, bias, [1, 1], [kernel / 2, kernel / 2]);
}
