using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.Recognition;

/// <summary>
/// Writes a word character by character; before each it looks at the frames that its state asks for (Bahdanau et al.
/// 2015; Cheng et al. 2017).
/// </summary>
public sealed class AttentionPrediction : Module<Tensor, Tensor?, Tensor>
{
    private readonly Cell cell;
    private readonly Linear generator;
    private readonly int hiddenSize;
    private readonly int classes;
    private readonly int steps;

    /// <summary>Makes the decoder.</summary>
    /// <param name="inputSize">Channels of a frame.</param>
    /// <param name="hiddenSize">Its state.</param>
    /// <param name="classes">Classes, of which 0 stands for the start.</param>
    /// <param name="maxLength">Longest word; one step more writes its end.</param>
    public AttentionPrediction(int inputSize, int hiddenSize, int classes, int maxLength)
        : base(nameof(AttentionPrediction))
    {
        (this.hiddenSize, this.classes, steps) = (hiddenSize, classes, maxLength + 1);
        register_module("attention_cell", cell = new Cell(inputSize, hiddenSize, classes));
        register_module("generator", generator = Linear(hiddenSize, classes));
    }

    /// <summary>Decodes.</summary>
    /// <param name="frames">[B, T, C].</param>
    /// <param name="text">
    /// In training, what has been written before each step: int64 [B, steps or more], its first column the start. null
    /// lets each step follow the likeliest class of the one before.
    /// </param>
    /// <returns>Logits [B, maxLength + 1, classes].</returns>
    public override Tensor forward(Tensor frames, Tensor? text)
    {
        long batch = frames.shape[0];
        Tensor hidden = zeros([batch, hiddenSize], frames.dtype, frames.device);
        Tensor memory = zeros([batch, hiddenSize], frames.dtype, frames.device);
        Tensor previous = zeros([batch], ScalarType.Int64, frames.device);
        Tensor projected = cell.Project(frames);
        var logits = new Tensor[steps];
        for (int i = 0; i < steps; i++)
        {
            if (text is not null)
                previous = text.select(1, i);
            (hidden, memory) = cell.Step(
                frames, projected, hidden, memory, functional.one_hot(previous, classes).to(frames.dtype));
            logits[i] = generator.call(hidden);
            if (text is null)
                previous = logits[i].argmax(1);
        }

        return stack(logits, 1);
    }

    /// <inheritdoc/>
    protected override void RegisterComponents()
    {
    }

    private sealed class Cell : Module
    {
        private readonly Linear fromFrames;
        private readonly Linear fromState;
        private readonly Linear score;
        private readonly LSTMCell recurrent;

        public Cell(int inputSize, int hiddenSize, int classes)
            : base(nameof(Cell))
        {
            register_module("i2h", fromFrames = Linear(inputSize, hiddenSize, hasBias: false));
            register_module("h2h", fromState = Linear(hiddenSize, hiddenSize));
            register_module("score", score = Linear(hiddenSize, 1, hasBias: false));
            register_module("rnn", recurrent = LSTMCell(inputSize + classes, hiddenSize));
        }

        public Tensor Project(Tensor frames) => fromFrames.call(frames);

        public (Tensor Hidden, Tensor Memory) Step(
            Tensor frames, Tensor projected, Tensor hidden, Tensor memory, Tensor previous)
        {
            Tensor attention = functional.softmax(
                score.call((projected + fromState.call(hidden).unsqueeze(1)).tanh()), 1);
            Tensor context = matmul(attention.transpose(1, 2), frames).squeeze(1);
            return recurrent.call(cat([context, previous], 1), (hidden, memory));
        }

        protected override void RegisterComponents()
        {
        }
    }
}
