using Tfic.Kernels.Convolution;
using Tfic.Kernels.GatedConvolution;
using Tfic.Kernels.Pooling;

namespace Tfic.Networks.Recognition;

/// <summary>Convolutions from a picture of 32 rows to one row of frames.</summary>
internal abstract class FeatureExtractor
{
    private protected const string Prefix = "FeatureExtraction.ConvNet.";

    /// <summary>Windows of two by two that touch.</summary>
    private protected static readonly PoolingWindow Halves = new(2, 2);

    /// <summary>The same that halve the height and let the width grow by one.</summary>
    private protected static readonly PoolingWindow HalfHeight = new(2, 2) { ColumnStride = 1, ColumnPadding = 1 };

    private protected static readonly Padding One = Padding.Symmetric(1, 1);

    /// <summary>Makes the extractor that a network has.</summary>
    public static FeatureExtractor Create(PublishedWeights weights, TextRecogniserOptions options) => options.Features switch
    {
        Features.Vgg => new VggExtractor(weights, options),
        Features.Rcnn => new RcnnExtractor(weights, options),
        _ => new ResNetExtractor(weights, options),
    };

    /// <summary>Frames that a width gives; 0 or less where it is too small.</summary>
    public abstract int Frames(int width);

    /// <summary>Passes a picture through, which leaves 1 × Frames × channels.</summary>
    public abstract void Run(ref FeaturePlane plane);
}

/// <summary>The features of CRNN (Shi et al. 2015): seven convolutions.</summary>
internal sealed class VggExtractor : FeatureExtractor
{
    private static readonly PoolingWindow s_pairs = new(2, 1);

    private readonly Conv2d[] _layers;

    public VggExtractor(PublishedWeights weights, TextRecogniserOptions options)
    {
        int d = options.FeatureChannels, a = d / 8, b = d / 4, c = d / 2;
        _layers =
        [
            weights.Convolution(Prefix + "0", options.InputChannels, a, 3, 1, slope: 0f),
            weights.Convolution(Prefix + "3", a, b, 3, 1, slope: 0f),
            weights.Convolution(Prefix + "6", b, c, 3, 1, slope: 0f),
            weights.Convolution(Prefix + "8", c, c, 3, 1, slope: 0f),
            weights.Normalised(Prefix + "11", Prefix + "12", c, d, 3, One),
            weights.Normalised(Prefix + "14", Prefix + "15", d, d, 3, One),
            weights.Convolution(Prefix + "18", d, d, 2, 0, slope: 0f),
        ];
    }

    public override int Frames(int width) => width / 4 - 1;

    public override void Run(ref FeaturePlane plane)
    {
        for (int i = 0; i < _layers.Length; i++)
        {
            plane.Convolve(_layers[i]);
            if (i < 2)
                plane.Pool(Halves);
            else if (i is 3 or 5)
                plane.Pool(s_pairs);
        }
    }
}

/// <summary>A convolution whose output is fed back with the same weights, through a gate (Wang and Hu 2017).</summary>
/// <remarks>Only normalisations differ from one iteration to the next, so they are not folded into the convolutions.</remarks>
internal sealed class GatedRecurrentConvolution
{
    public GatedRecurrentConvolution(PublishedWeights weights, string name, int inputs, int outputs)
    {
        Conv2d Layer(string part, int from, int kernel) =>
            weights.Convolution($"{name}.{part}", from, outputs, kernel, kernel / 2, hasBias: false);
        (GateOfInput, GateOfState) = (Layer("wgf_u", inputs, 1), Layer("wgr_x", outputs, 1));
        (Input, State) = (Layer("wf_u", inputs, 3), Layer("wr_x", outputs, 3));

        // There is no state yet: its part and the gate, which is then one half, vanish.
        (float[] factor, float[] shift) = weights.Normalisation(name + ".BN_x_init", outputs);
        var nothing = new float[outputs];
        Start = new GatedUpdate
        {
            GateFromInput = nothing,
            GateFromState = nothing,
            GateShift = nothing,
            FromInput = factor,
            Shift = shift,
            FromState = nothing,
            StateShift = nothing,
        };
        for (int i = 0; i < Iterations.Length; i++)
            Iterations[i] = Iteration(weights, $"{name}.GRCL.{i}", outputs);
    }

    /// <summary>1 × 1, of the input, for the gate.</summary>
    public Conv2d GateOfInput { get; }

    /// <summary>1 × 1, of the state, for the gate.</summary>
    public Conv2d GateOfState { get; }

    /// <summary>3 × 3, of the input.</summary>
    public Conv2d Input { get; }

    /// <summary>3 × 3, of the state.</summary>
    public Conv2d State { get; }

    /// <summary>What makes the first state.</summary>
    public GatedUpdate Start { get; }

    /// <summary>What makes each further one.</summary>
    public GatedUpdate[] Iterations { get; } = new GatedUpdate[5];

    /// <summary>Channels of the state.</summary>
    public int Channels => Input.OutputChannels;

    private static GatedUpdate Iteration(PublishedWeights weights, string name, int channels)
    {
        (float[] Factor, float[] Shift) Of(string part) => weights.Normalisation($"{name}.{part}", channels);
        (float[] gateOfInput, float[] gateShift) = Of("BN_gfu");
        (float[] gateOfState, float[] gateOfStateShift) = Of("BN_grx");
        (float[] input, float[] shift) = Of("BN_fu");
        (float[] state, float[] stateShift) = Of("BN_rx");
        (float[] gated, float[] gatedShift) = Of("BN_Gx");
        for (int c = 0; c < channels; c++)
        {
            // (r·state + stateShift)·gate·gated + gatedShift
            gateShift[c] += gateOfStateShift[c];
            shift[c] += gatedShift[c];
            state[c] *= gated[c];
            stateShift[c] *= gated[c];
        }

        return new GatedUpdate
        {
            GateFromInput = gateOfInput,
            GateFromState = gateOfState,
            GateShift = gateShift,
            FromInput = input,
            Shift = shift,
            FromState = state,
            StateShift = stateShift,
        };
    }
}

/// <summary>The features of the gated recurrent convolution network (Wang and Hu 2017).</summary>
internal sealed class RcnnExtractor : FeatureExtractor
{
    private readonly Conv2d _first, _last;
    private readonly GatedRecurrentConvolution[] _gated;

    public RcnnExtractor(PublishedWeights weights, TextRecogniserOptions options)
    {
        int d = options.FeatureChannels, a = d / 8, b = d / 4, c = d / 2;
        _first = weights.Convolution(Prefix + "0", options.InputChannels, a, 3, 1, slope: 0f);
        _gated =
        [
            new(weights, Prefix + "3", a, a), new(weights, Prefix + "5", a, b), new(weights, Prefix + "7", b, c),
        ];
        _last = weights.Normalised(Prefix + "9", Prefix + "10", c, d, 2, default);
    }

    public override int Frames(int width) => width / 4 + 1;

    public override void Run(ref FeaturePlane plane)
    {
        plane.Convolve(_first);
        plane.Pool(Halves);
        for (int i = 0; i < _gated.Length; i++)
        {
            plane.Iterate(_gated[i]);
            plane.Pool(i == 0 ? Halves : HalfHeight);
        }

        plane.Convolve(_last);
    }
}

/// <summary>The residual features of the focusing attention network (Cheng et al. 2017), 29 convolutions deep.</summary>
internal sealed class ResNetExtractor : FeatureExtractor
{
    private readonly Conv2d[] _start, _afterStage = new Conv2d[3];
    private readonly (Conv2d First, Conv2d Second, Conv2d? Shortcut)[][] _stages = new (Conv2d, Conv2d, Conv2d?)[4][];
    private readonly Conv2d _pairs, _last;

    public ResNetExtractor(PublishedWeights weights, TextRecogniserOptions options)
    {
        int e = options.FeatureChannels;
        int[] channels = [e / 16, e / 8, e / 4, e / 2, e, e];
        _start =
        [
            weights.Normalised(Prefix + "conv0_1", Prefix + "bn0_1", options.InputChannels, channels[0], 3, One),
            weights.Normalised(Prefix + "conv0_2", Prefix + "bn0_2", channels[0], channels[1], 3, One),
        ];
        ReadOnlySpan<int> blocks = [1, 2, 5, 3];
        for (int stage = 0; stage < 4; stage++)
        {
            int from = channels[stage + 1], to = channels[stage + 2];
            var own = new (Conv2d, Conv2d, Conv2d?)[blocks[stage]];
            for (int i = 0; i < own.Length; i++)
                own[i] = Block(weights, $"{Prefix}layer{stage + 1}.{i}", i == 0 ? from : to, to);
            _stages[stage] = own;
            if (stage < 3)
            {
                _afterStage[stage] = weights.Normalised(
                    $"{Prefix}conv{stage + 1}", $"{Prefix}bn{stage + 1}", to, to, 3, One);
            }
        }

        _pairs = weights.Normalised(Prefix + "conv4_1", Prefix + "bn4_1", e, e, 2, Padding.Symmetric(0, 1));
        _last = weights.Normalised(Prefix + "conv4_2", Prefix + "bn4_2", e, e, 2, default);
    }

    public override int Frames(int width) => width / 4 + 1;

    public override void Run(ref FeaturePlane plane)
    {
        foreach (Conv2d layer in _start)
            plane.Convolve(layer);
        for (int stage = 0; stage < _stages.Length; stage++)
        {
            if (stage < 3)
                plane.Pool(stage < 2 ? Halves : HalfHeight);
            foreach ((Conv2d first, Conv2d second, Conv2d? shortcut) in _stages[stage])
                plane.PassBlock(first, second, shortcut);
            if (stage < 3)
                plane.Convolve(_afterStage[stage]);
        }

        plane.ConvolvePairs(_pairs);
        plane.Convolve(_last);
    }

    private static (Conv2d First, Conv2d Second, Conv2d? Shortcut) Block(
        PublishedWeights weights, string name, int from, int to) => (
        weights.Normalised(name + ".conv1", name + ".bn1", from, to, 3, One),
        weights.Normalised(name + ".conv2", name + ".bn2", to, to, 3, One, residual: Residual.BeforeActivation),
        from == to
            ? null
            : weights.Normalised(name + ".downsample.0", name + ".downsample.1", from, to, 1, default, slope: 1f));
}
