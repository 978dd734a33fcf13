using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.Recognition;

/// <summary>The features of the gated recurrent convolution network (Wang and Hu 2017).</summary>
public sealed class RcnnFeatures : PublishedModule
{
    private readonly Sequential layers;

    /// <summary>Makes the extractor.</summary>
    /// <param name="inChannels">Channels of the picture.</param>
    /// <param name="outChannels">Channels of a frame, a multiple of 8.</param>
    public RcnnFeatures(int inChannels, int outChannels)
        : base(nameof(RcnnFeatures))
    {
        (int a, int b, int c, int d) = (outChannels / 8, outChannels / 4, outChannels / 2, outChannels);
        layers = Part("ConvNet", Sequential(
            Conv2d(inChannels, a, 3, padding: 1),
            ReLU(),
            MaxPool2d(2, 2),
            new GatedRecurrentConvolution(a, a),
            MaxPool2d(2, 2),
            new GatedRecurrentConvolution(a, b),
            MaxPool2d((2, 2), (2, 1), (0, 1)),
            new GatedRecurrentConvolution(b, c),
            MaxPool2d((2, 2), (2, 1), (0, 1)),
            Conv2d(c, d, 2, bias: false),
            BatchNorm2d(d),
            ReLU()));
    }

    /// <summary>[B, C, 32, W] → [B, D, 1, W/4 + 1].</summary>
    public override Tensor forward(Tensor input) => layers.call(input);

    /// <summary>
    /// A convolution whose output is fed back five times with the same weights, through a gate that decides how far
    /// each position looks; only the normalisations are each iteration's own.
    /// </summary>
    private sealed class GatedRecurrentConvolution : PublishedModule
    {
        private const int Iterations = 5;

        private readonly Conv2d gateOfInput;
        private readonly Conv2d gateOfState;
        private readonly Conv2d input;
        private readonly Conv2d state;
        private readonly BatchNorm2d first;
        private readonly Iteration[] iterations = new Iteration[Iterations];

        public GatedRecurrentConvolution(int inChannels, int outChannels)
            : base(nameof(GatedRecurrentConvolution))
        {
            gateOfInput = Part("wgf_u", Conv2d(inChannels, outChannels, 1, bias: false));
            gateOfState = Part("wgr_x", Conv2d(outChannels, outChannels, 1, bias: false));
            input = Part("wf_u", Conv2d(inChannels, outChannels, 3, padding: 1, bias: false));
            state = Part("wr_x", Conv2d(outChannels, outChannels, 3, padding: 1, bias: false));
            first = Part("BN_x_init", BatchNorm2d(outChannels));
            for (int i = 0; i < Iterations; i++)
                iterations[i] = new Iteration(outChannels);
            Part("GRCL", ModuleList(iterations));
        }

        public override Tensor forward(Tensor u)
        {
            Tensor gate = gateOfInput.call(u), feed = input.call(u);
            Tensor x = functional.relu(first.call(feed));
            foreach (Iteration iteration in iterations)
                x = iteration.Step(gate, gateOfState.call(x), feed, state.call(x));
            return x;
        }
    }

    private sealed class Iteration : Module
    {
        private readonly BatchNorm2d gateOfInput;
        private readonly BatchNorm2d gateOfState;
        private readonly BatchNorm2d input;
        private readonly BatchNorm2d state;
        private readonly BatchNorm2d gated;

        public Iteration(int channels)
            : base(nameof(Iteration))
        {
            register_module("BN_gfu", gateOfInput = BatchNorm2d(channels));
            register_module("BN_grx", gateOfState = BatchNorm2d(channels));
            register_module("BN_fu", input = BatchNorm2d(channels));
            register_module("BN_rx", state = BatchNorm2d(channels));
            register_module("BN_Gx", gated = BatchNorm2d(channels));
        }

        public Tensor Step(Tensor gateFromInput, Tensor gateFromState, Tensor fromInput, Tensor fromState)
        {
            Tensor gate = functional.sigmoid(gateOfInput.call(gateFromInput) + gateOfState.call(gateFromState));
            return functional.relu(input.call(fromInput) + gated.call(state.call(fromState) * gate));
        }

        protected override void RegisterComponents()
        {
        }
    }
}
