using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.Recognition;

/// <summary>Gives each frame context from both sides: a recurrent layer in each direction, then a linear one.</summary>
public sealed class BidirectionalLstm : PublishedModule
{
    private readonly LSTM recurrent;
    private readonly Linear linear;

    /// <summary>Makes the layer.</summary>
    /// <param name="inputSize">Channels of a frame.</param>
    /// <param name="hiddenSize">State of each direction.</param>
    /// <param name="outputSize">Channels of a frame that comes out.</param>
    public BidirectionalLstm(int inputSize, int hiddenSize, int outputSize)
        : base(nameof(BidirectionalLstm))
    {
        recurrent = Part("rnn", LSTM(inputSize, hiddenSize, batchFirst: true, bidirectional: true));
        linear = Part("linear", Linear(2 * hiddenSize, outputSize));
    }

    /// <summary>[B, T, input] → [B, T, output].</summary>
    public override Tensor forward(Tensor input) => linear.call(recurrent.call(input).Item1);
}
