using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks;

/// <summary>
/// The compact codec: convolutional transforms with a mean-scale hyperprior (Minnen et al. 2018), a checkerboard
/// context (He et al. 2021) and one learned gain a rate (Cui et al. 2021), so that one set of weights serves all rates.
/// </summary>
/// <remarks>
/// <code>
/// x ─ g_a ─ y ─ ·gain ─ y' ─────────── round(y' − μ) + μ ─ ŷ' ─ /gain ─ g_s ─ x̂
///                       └ h_a ─ z ─ round ─ ẑ ─ h_s ─ μ, scale index
/// </code>
/// y has 96 channels at 1/16 of the picture's size, z 32 at 1/64. Positions of y whose row and column add up to an even
/// number, the anchors, take μ and the scale from h_s alone; the others also from the four anchors around them. The
/// encoder (g_a, h_a) costs 1.4 thousand multiply-accumulates a pixel, h_s, the context and g_s 2.3 thousand.
/// </remarks>
public sealed class CompactCodecNetwork : Module
{
    /// <summary>Channels of y.</summary>
    public const int LatentChannels = 96;

    /// <summary>Channels of z.</summary>
    public const int HyperChannels = 32;

    /// <summary>Number of learned rates; qualities 1 … 8 and everything between.</summary>
    public const int QualityCount = 8;

    /// <summary>A picture's sides must be multiples of this.</summary>
    public const int Stride = 64;

    /// <summary>
    /// h_s gives scale indexes as 16 + 8·(its raw output): raw outputs of order one then move across the table.
    /// </summary>
    private const double IndexOrigin = 16.0, IndexStep = 8.0;

#pragma warning disable IDE1006 // field names are the names in the state_dict
    private readonly AnalysisTransform g_a = new();
    private readonly HyperAnalysis h_a = new();
    private readonly HyperSynthesis h_s = new();
    private readonly CheckerboardContext context = new();
    private readonly SynthesisTransform g_s = new();
    private readonly EntropyBottleneck entropy_bottleneck = new(HyperChannels);
    private readonly Parameter gain_log2;
    private readonly Parameter scale_offset;
#pragma warning restore IDE1006

    /// <summary>Makes the codec with random weights.</summary>
    public CompactCodecNetwork()
        : base(nameof(CompactCodecNetwork))
    {
        // Half an octave a level to begin with, the top level at 8: about where training takes them.
        Tensor levels = arange(QualityCount, ScalarType.Float32).view(-1, 1) * 0.7 - 1.5;
        gain_log2 = Parameter(levels.expand(QualityCount, LatentChannels).clone());
        scale_offset = Parameter(zeros(QualityCount, LatentChannels));
        RegisterComponents();
    }

    /// <summary>Analysis transform, x → y.</summary>
    public AnalysisTransform GA => g_a;

    /// <summary>Hyper-analysis, y' → z.</summary>
    public HyperAnalysis HA => h_a;

    /// <summary>Hyper-synthesis, ẑ → raw prior parameters.</summary>
    public HyperSynthesis HS => h_s;

    /// <summary>Context, decoded anchors → what the other positions' parameters change by.</summary>
    public CheckerboardContext Context => context;

    /// <summary>Whether <see cref="Context"/> is used. Without it every position is coded as an anchor.</summary>
    public bool UsesContext { get; init; } = true;

    /// <summary>Synthesis transform, ŷ → x̂.</summary>
    public SynthesisTransform GS => g_s;

    /// <summary>Prior of z.</summary>
    public EntropyBottleneck Bottleneck => entropy_bottleneck;

    /// <summary>log2 of the gains, [8, 96].</summary>
    public Parameter GainLog2 => gain_log2;

    /// <summary>What each quality adds to the scale index, [8, 96], in table steps.</summary>
    public Tensor ScaleOffset => scale_offset * IndexStep;

    /// <summary>Sets <see cref="ScaleOffset"/>, in table steps.</summary>
    internal void SetScaleOffset(Tensor offsets) => scale_offset.copy_(offsets / IndexStep);

    /// <summary>Factor and origin that turn h_s's raw scale outputs into table indexes.</summary>
    public static (double Origin, double Step) IndexMap => (IndexOrigin, IndexStep);

    /// <summary>What one pass gives.</summary>
    /// <param name="Reconstruction">x̂ [B, 3, H, W], not clamped.</param>
    /// <param name="LatentBits">Bits of ŷ, [B].</param>
    /// <param name="HyperBits">Bits of ẑ, [B].</param>
    public readonly record struct Pass(Tensor Reconstruction, Tensor LatentBits, Tensor HyperBits);

    /// <summary>Codes pictures as in training: noise for the rate, straight-through rounding for the picture.</summary>
    /// <param name="pictures">[B, 3, H, W], 0…1, sides multiples of 64.</param>
    /// <param name="quality">[B], 1…8.</param>
    /// <param name="codedRows">
    /// Rows of latents that are coded; the others lie outside the picture and are what the prior expects. Null: all.
    /// </param>
    /// <returns>Reconstructions and bits; differentiable.</returns>
    public Pass Train(Tensor pictures, Tensor quality, int? codedRows = null) =>
        Run(pictures, quality, codedRows, noise: true);

    /// <summary>Codes pictures as a real encoder does, with rounding only.</summary>
    /// <inheritdoc cref="Train"/>
    public Pass Quantise(Tensor pictures, Tensor quality, int? codedRows = null) =>
        Run(pictures, quality, codedRows, noise: false);

    /// <summary>
    /// What <see cref="Train"/> gives of bits, at less cost: without a reconstruction, and with g_a and the gains as
    /// they are, which no gradient reaches.
    /// </summary>
    /// <inheritdoc cref="Train"/>
    /// <returns>Bits of ŷ and of ẑ, [B] each.</returns>
    public (Tensor LatentBits, Tensor HyperBits) TrainRate(Tensor pictures, Tensor quality)
    {
        Tensor y;
        using (no_grad())
            y = Latent(pictures, quality);
        Coded coded = Code(y, quality, ones(1, 1, y.shape[2], y.shape[3]), noise: true);
        return (coded.LatentBits, coded.HyperBits);
    }

    /// <summary>What only the rate depends on, by name: h_a, h_s, the context, the bottleneck and the offsets of scales.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> RateParameters() =>
        named_parameters().Where(named => !IsTransform(named.name)).Select(named => (named.name, named.parameter));

    /// <summary>The others: g_a, g_s and the gains.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> TransformParameters() =>
        named_parameters().Where(named => IsTransform(named.name)).Select(named => (named.name, named.parameter));

    private static bool IsTransform(string name) =>
        name == nameof(gain_log2) || name.StartsWith($"{nameof(g_a)}.", StringComparison.Ordinal)
        || name.StartsWith($"{nameof(g_s)}.", StringComparison.Ordinal);

    /// <summary>z before rounding, [B, 32, H/64, W/64].</summary>
    /// <inheritdoc cref="Train"/>
    public Tensor Hyper(Tensor pictures, Tensor quality) => h_a.call(Latent(pictures, quality));

    /// <summary>y' = gain · g_a(x), [B, 96, H/16, W/16].</summary>
    /// <inheritdoc cref="Train"/>
    public Tensor Latent(Tensor pictures, Tensor quality) =>
        g_a.call(pictures).to(ScalarType.Float32) * Gain(quality);

    /// <summary>Gain of each channel, [B, 96, 1, 1].</summary>
    /// <param name="quality">[B], 1…8.</param>
    public Tensor Gain(Tensor quality) => (AtQuality(gain_log2, quality) * Math.Log(2)).exp();

    /// <summary>The largest activations of h_s and of the context, for the calibration of the integer form.</summary>
    /// <inheritdoc cref="Train"/>
    /// <returns>Maxima behind the first and the second rectifier of h_s and behind the context's.</returns>
    public float[] ActivationMaxima(Tensor pictures, Tensor quality)
    {
        using IDisposable guard = no_grad();
        Tensor y = Latent(pictures, quality);
        Tensor z = h_a.call(y).round().clamp(sbyte.MinValue, sbyte.MaxValue);
        (Tensor first, Tensor second) = h_s.Inner(z);
        Tensor features = h_s.Features((first, second));
        Tensor mean = h_s.Parameters(features).narrow(1, 0, LatentChannels);
        Tensor known = ((y - mean).round() + mean) * Anchors(y.shape[2], y.shape[3]);
        return
        [
            first.max().item<float>(), second.max().item<float>(),
            context.Inner(known, features).max().item<float>(),
        ];
    }

    /// <summary>Interpolates a table of the 8 qualities at fractional ones.</summary>
    /// <param name="table">[8, C].</param>
    /// <param name="quality">[B].</param>
    /// <returns>[B, C, 1, 1].</returns>
    public static Tensor AtQuality(Tensor table, Tensor quality)
    {
        Tensor position = (quality - 1).clamp(0, QualityCount - 1);
        Tensor below = position.floor().clamp_max(QualityCount - 2);
        Tensor fraction = (position - below).unsqueeze(1);
        Tensor index = below.to(ScalarType.Int64);
        Tensor low = table.index_select(0, index), high = table.index_select(0, index + 1);
        return (low + (high - low) * fraction).unsqueeze(-1).unsqueeze(-1);
    }

    /// <summary>Sets the arithmetic of g_a and g_s to float32 or bfloat16; what chooses probabilities stays float32.</summary>
    public void SetPrecision(ScalarType precision)
    {
        foreach (Convolution layer in g_a.modules().Concat(g_s.modules()).OfType<Convolution>())
            layer.Precision = precision;
    }

    private Pass Run(Tensor pictures, Tensor quality, int? codedRows, bool noise)
    {
        Tensor gain = Gain(quality);
        Tensor y = g_a.call(pictures).to(ScalarType.Float32) * gain;
        Tensor isCoded = ones(1, 1, y.shape[2], y.shape[3]);
        if (codedRows is { } rows)
            isCoded.narrow(2, rows, y.shape[2] - rows).zero_();
        Coded coded = Code(y, quality, isCoded, noise);
        Tensor decoded = (RoundStraightThrough(coded.Residual) + coded.Mean) / gain;
        Tensor reconstruction = g_s.call(decoded).to(ScalarType.Float32);
        return new Pass(reconstruction, coded.LatentBits, coded.HyperBits);
    }

    private readonly record struct Coded(Tensor Residual, Tensor Mean, Tensor LatentBits, Tensor HyperBits);

    /// <summary>The way from y' to its bits.</summary>
    private Coded Code(Tensor y, Tensor quality, Tensor isCoded, bool noise)
    {
        Tensor z = h_a.call(y);
        Tensor hyperBits = entropy_bottleneck.call(noise ? z + rand_like(z) - 0.5 : z.round());
        Tensor features = h_s.Features(RoundStraightThrough(z));
        Tensor parameters = h_s.Parameters(features);
        if (UsesContext)
        {
            Tensor anchors = Anchors(y.shape[2], y.shape[3]);
            Tensor anchorMean = parameters.narrow(1, 0, LatentChannels);
            Tensor known = (RoundStraightThrough(y - anchorMean) + anchorMean) * anchors * isCoded;
            parameters += context.call(known, features) * (1 - anchors);
        }

        Tensor mean = parameters.narrow(1, 0, LatentChannels);
        Tensor index = parameters.narrow(1, LatentChannels, LatentChannels) * IndexStep + IndexOrigin
            + AtQuality(ScaleOffset, quality);
        Tensor residual = (y - mean) * isCoded;
        Tensor latentBits = GaussianConditional.Bits(
            noise ? residual + rand_like(residual) - 0.5 : residual.round(), GaussianConditional.Scale(index)) * isCoded;
        return new Coded(residual, mean, latentBits.sum([1, 2, 3]), hyperBits.sum([1, 2, 3]));
    }

    /// <summary>1 where row and column add up to an even number, else 0: [1, 1, rows, columns].</summary>
    internal static Tensor Anchors(long rows, long columns) =>
        ((arange(rows).view(-1, 1) + arange(columns)).remainder(2) == 0).to(ScalarType.Float32).view(1, 1, rows, columns);

    private static Tensor RoundStraightThrough(Tensor x) => x + (x.round() - x).detach();
}

/// <summary>x + conv1(lrelu(conv0(x))).</summary>
public sealed class ResidualBlock : Module<Tensor, Tensor>
{
#pragma warning disable IDE1006
    private readonly Convolution conv0;
    private readonly Convolution conv1;
#pragma warning restore IDE1006

    /// <summary>Makes the block.</summary>
    /// <param name="channels">Channels in and out.</param>
    public ResidualBlock(long channels)
        : base(nameof(ResidualBlock))
    {
        conv0 = new Convolution(channels, channels, (3, 3));
        conv1 = new Convolution(channels, channels, (1, 1), gain: 0.3);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => x + conv1.call(Activation.LeakyRelu(conv0.call(x)));
}

/// <summary>The codec's activation.</summary>
internal static class Activation
{
    /// <summary>LeakyReLU of slope 1/8: exact in binary.</summary>
    public static Tensor LeakyRelu(Tensor x) => functional.leaky_relu(x, 0.125);
}

/// <summary>g_a: picture → y, 1/16 of the size.</summary>
public sealed class AnalysisTransform : Module<Tensor, Tensor>
{
#pragma warning disable IDE1006
    private readonly Convolution conv0 = new(48, 32, (1, 1));
    private readonly Convolution conv1 = new(32, 64, (3, 3), stride: 2);
    private readonly Convolution conv2 = new(64, CompactCodecNetwork.LatentChannels, (3, 3), stride: 2);
    private readonly ResidualBlock res0 = new(CompactCodecNetwork.LatentChannels);
    private readonly ResidualBlock res1 = new(CompactCodecNetwork.LatentChannels);
    private readonly Convolution conv3 =
        new(CompactCodecNetwork.LatentChannels, CompactCodecNetwork.LatentChannels, (1, 1));
#pragma warning restore IDE1006

    /// <summary>Makes the transform with random weights.</summary>
    public AnalysisTransform()
        : base(nameof(AnalysisTransform)) => RegisterComponents();

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        x = functional.pixel_unshuffle(x, 4);
        x = Activation.LeakyRelu(conv0.call(x));
        x = Activation.LeakyRelu(conv1.call(x));
        x = Activation.LeakyRelu(conv2.call(x));
        x = res1.call(res0.call(x));
        return conv3.call(x);
    }
}

/// <summary>h_a: y' → z, 1/4 of the size.</summary>
public sealed class HyperAnalysis : Module<Tensor, Tensor>
{
#pragma warning disable IDE1006
    private readonly Convolution conv0 = new(CompactCodecNetwork.LatentChannels, 64, (3, 3), stride: 2);
    private readonly Convolution conv1 = new(64, CompactCodecNetwork.HyperChannels, (3, 3), stride: 2);
#pragma warning restore IDE1006

    /// <summary>Makes the transform with random weights.</summary>
    public HyperAnalysis()
        : base(nameof(HyperAnalysis)) => RegisterComponents();

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => conv1.call(functional.relu(conv0.call(x)));
}

/// <summary>h_s: ẑ → mean and raw scale of y', 4 times the size. Runs on integers when deployed.</summary>
public sealed class HyperSynthesis : Module<Tensor, Tensor>
{
#pragma warning disable IDE1006
    private readonly Convolution conv0 = new(CompactCodecNetwork.HyperChannels, 256, (3, 3));
    private readonly Convolution conv1 = new(64, 256, (3, 3));
    private readonly Convolution conv2 = new(64, 2 * CompactCodecNetwork.LatentChannels, (1, 1), gain: 0.3);
#pragma warning restore IDE1006

    /// <summary>Makes the transform with random weights.</summary>
    public HyperSynthesis()
        : base(nameof(HyperSynthesis)) => RegisterComponents();

    /// <summary>The three layers in order.</summary>
    public IReadOnlyList<Convolution> Layers => [conv0, conv1, conv2];

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Parameters(Features(x));

    /// <summary>ẑ → what the parameters are read from, [B, 64, 4·H, 4·W].</summary>
    public Tensor Features(Tensor x) => Features(Inner(x));

    /// <summary>The same from <see cref="Inner"/>.</summary>
    public Tensor Features((Tensor First, Tensor Second) inner) => functional.pixel_shuffle(inner.Second, 2);

    /// <summary>The activations behind the two rectifiers, before they are shuffled.</summary>
    public (Tensor First, Tensor Second) Inner(Tensor x)
    {
        Tensor first = functional.relu(conv0.call(x));
        return (first, functional.relu(conv1.call(functional.pixel_shuffle(first, 2))));
    }

    /// <summary>Features → means and raw scales, [B, 192, 4·H, 4·W].</summary>
    public Tensor Parameters(Tensor features) => conv2.call(features);
}

/// <summary>
/// What the four decoded anchors around a position, and h_s's features at it, add to its mean and raw scale
/// (checkerboard context: He et al. 2021, arXiv 2103.15306). Runs on integers when deployed.
/// </summary>
public sealed class CheckerboardContext : Module<Tensor, Tensor, Tensor>
{
    private const int Hidden = 64;

#pragma warning disable IDE1006
    private readonly Convolution conv0 = new(CompactCodecNetwork.LatentChannels, Hidden, (3, 3), gain: 0.5);
    private readonly Convolution conv1 = new(64, Hidden, (1, 1), gain: 0.5);
    private readonly Convolution conv2 = new(Hidden, 2 * CompactCodecNetwork.LatentChannels, (1, 1), gain: 0.1);
#pragma warning restore IDE1006

    /// <summary>Makes the context with random weights.</summary>
    public CheckerboardContext()
        : base(nameof(CheckerboardContext)) => RegisterComponents();

    /// <summary>
    /// The three layers in order. Of the first one's 3×3 taps only those above, left, right and below the middle
    /// meet anchors at the positions where the result counts; the others are never used.
    /// </summary>
    public IReadOnlyList<Convolution> Layers => [conv0, conv1, conv2];

    /// <summary>Anchors and features → change of means and raw scales; it counts where there is no anchor.</summary>
    /// <param name="anchors">ŷ' at anchors, 0 elsewhere: [B, 96, H, W].</param>
    /// <param name="features">[B, 64, H, W].</param>
    /// <returns>[B, 192, H, W].</returns>
    public override Tensor forward(Tensor anchors, Tensor features) => conv2.call(Inner(anchors, features));

    /// <summary>The hidden activation, behind its rectifier; arguments as of <see cref="forward"/>.</summary>
    public Tensor Inner(Tensor anchors, Tensor features) =>
        functional.relu(conv0.call(anchors) + conv1.call(features));
}

/// <summary>g_s: ŷ → picture, 16 times the size.</summary>
public sealed class SynthesisTransform : Module<Tensor, Tensor>
{
#pragma warning disable IDE1006
    private readonly Convolution conv0 =
        new(CompactCodecNetwork.LatentChannels, CompactCodecNetwork.LatentChannels, (1, 1));
    private readonly ResidualBlock res0 = new(CompactCodecNetwork.LatentChannels);
    private readonly ResidualBlock res1 = new(CompactCodecNetwork.LatentChannels);
    private readonly Convolution conv1 = new(CompactCodecNetwork.LatentChannels, 192, (1, 1));
    private readonly ResidualBlock res2 = new(48);
    private readonly Convolution conv2 = new(48, 96, (1, 1));
    private readonly Convolution conv3 = new(24, 48, (3, 3), gain: 0.5);
#pragma warning restore IDE1006

    /// <summary>Makes the transform with random weights.</summary>
    public SynthesisTransform()
        : base(nameof(SynthesisTransform)) => RegisterComponents();

    /// <inheritdoc/>
    public override Tensor forward(Tensor y)
    {
        Tensor x = res1.call(res0.call(conv0.call(y)));
        x = functional.pixel_shuffle(Activation.LeakyRelu(conv1.call(x)), 2);
        x = res2.call(x);
        x = functional.pixel_shuffle(Activation.LeakyRelu(conv2.call(x)), 2);
        return functional.pixel_shuffle(conv3.call(x), 4);
    }
}
