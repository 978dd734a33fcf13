using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks;

/// <summary>
/// A 2-D convolution (cross-correlation) whose arithmetic may run in bfloat16 while its weights, and so the
/// optimiser's steps, stay in float32.
/// </summary>
/// <remarks>
/// Casting the weights inside the graph makes autograd bring their gradients back in float32: mixed precision
/// without an autocast, which TorchSharp does not have.
/// </remarks>
public sealed class Convolution : Module<Tensor, Tensor>
{
#pragma warning disable IDE1006 // field names are the names in the state_dict
    private readonly Parameter weight;
    private readonly Parameter? bias;
#pragma warning restore IDE1006
    private readonly long[] strides;
    private readonly long[] padding;

    /// <summary>Makes a convolution with zero padding.</summary>
    /// <param name="inChannels">Input channels.</param>
    /// <param name="outChannels">Output channels.</param>
    /// <param name="kernel">Kernel height and width.</param>
    /// <param name="stride">Stride in both directions.</param>
    /// <param name="padding">Zeros on each side, (rows, columns); half the kernel where null.</param>
    /// <param name="hasBias">Whether a bias is added.</param>
    /// <param name="gain">
    /// Factor on the weights' initial standard deviation sqrt(2 / fan-in) (He et al. 2015): 1 before a rectifier.
    /// </param>
    public Convolution(
        long inChannels,
        long outChannels,
        (long Height, long Width) kernel,
        long stride = 1,
        (long Rows, long Columns)? padding = null,
        bool hasBias = true,
        double gain = 1.0)
        : base(nameof(Convolution))
    {
        strides = [stride, stride];
        (long rows, long columns) = padding ?? (kernel.Height / 2, kernel.Width / 2);
        this.padding = [rows, columns];
        double deviation = gain * Math.Sqrt(2.0 / (inChannels * kernel.Height * kernel.Width));
        weight = Parameter(randn(outChannels, inChannels, kernel.Height, kernel.Width) * deviation);
        if (hasBias)
            bias = Parameter(zeros(outChannels));
        RegisterComponents();
    }

    /// <summary>Type in which the products are formed: float32 or bfloat16.</summary>
    public ScalarType Precision { get; set; } = ScalarType.Float32;

    /// <summary>Weight [O, I, kh, kw].</summary>
    public Parameter Weight => weight;

    /// <summary>Bias [O], or null.</summary>
    public Parameter? Bias => bias;

    /// <summary>x [B, I, H, W] → [B, O, H', W'], in <see cref="Precision"/>.</summary>
    public override Tensor forward(Tensor input) =>
        functional.conv2d(
            input.to(Precision), weight.to(Precision), bias?.to(Precision), strides, padding);
}
