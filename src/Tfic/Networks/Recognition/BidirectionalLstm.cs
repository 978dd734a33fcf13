using Tfic.Kernels.Convolution;
using Tfic.Kernels.Lstm;
using Tfic.Profiling;

namespace Tfic.Networks.Recognition;

/// <summary>Gives each frame context from both sides: a recurrent layer in each direction, then a linear one.</summary>
/// <remarks>
/// What the gates take from the frames does not wait for anything and is one matrix product for all of them; a step then
/// adds what they take from the state, and <see cref="LstmCell"/> does the rest. Lines that are read together share the
/// weights that each step fetches.
/// </remarks>
internal sealed class BidirectionalLstm
{
    private const int Directions = 2, Gates = 4;

    private readonly Conv2d[] _fromFrames = new Conv2d[Directions], _fromState = new Conv2d[Directions];
    private readonly Conv2d _linear;
    private readonly int _units;

    public BidirectionalLstm(PublishedWeights weights, string name, int inputs, int units, int outputs)
    {
        _units = units;
        for (int d = 0; d < Directions; d++)
        {
            string end = d == 0 ? "_l0" : "_l0_reverse";
            _fromFrames[d] = PublishedLayers.Linear(
                weights.Float($"{name}.rnn.weight_ih{end}", Gates * units, inputs),
                weights.Float($"{name}.rnn.bias_ih{end}", Gates * units), inputs);
            _fromState[d] = PublishedLayers.Linear(
                weights.Float($"{name}.rnn.weight_hh{end}", Gates * units, units),
                weights.Float($"{name}.rnn.bias_hh{end}", Gates * units), units, residual: Residual.BeforeActivation);
        }

        _linear = weights.Linear(name + ".linear", Directions * units, outputs);
    }

    /// <summary>Passes frames through.</summary>
    /// <param name="frames">lines × count × inputs.</param>
    /// <param name="lines">Lines.</param>
    /// <param name="count">Frames of each.</param>
    /// <param name="workspace">The calling thread's; slots 11 and 12 are overwritten.</param>
    /// <param name="output">Receives lines × count × outputs; it may be where the frames are.</param>
    public void Run(ReadOnlySpan<float> frames, int lines, int count, Workspace workspace, Span<float> output)
    {
        int width = Gates * _units, state = lines * _units;
        Span<float> scratch = workspace.Floats(11, (long)lines * count * width + 2L * lines * width + 2L * state);
        Span<float> projected = Workspace.Cut(ref scratch, lines * count * width);
        Span<float> start = Workspace.Cut(ref scratch, lines * width), gates = Workspace.Cut(ref scratch, lines * width);
        Span<float> memory = Workspace.Cut(ref scratch, state), hidden = Workspace.Cut(ref scratch, state);
        Span<float> both = workspace.Floats(12, (long)lines * count * Directions * _units);
        for (int d = 0; d < Directions; d++)
        {
            _fromFrames[d].Run(frames, 1, lines * count, projected, threads: workspace.Threads);
            memory.Clear();
            hidden.Clear();
            for (int step = 0; step < count; step++)
            {
                int t = d == 0 ? step : count - 1 - step;
                for (int line = 0; line < lines; line++)
                    projected.Slice((line * count + t) * width, width).CopyTo(start[(line * width)..]);
                _fromState[d].Run(hidden, 1, lines, gates, start);
                LstmCell.Run(gates, lines, memory, hidden);
                for (int line = 0; line < lines; line++)
                {
                    hidden.Slice(line * _units, _units).CopyTo(
                        both[(((line * count + t) * Directions + d) * _units)..]);
                }
            }
        }

        _linear.Run(both, 1, lines * count, output, threads: workspace.Threads);
    }

    /// <summary>Multiply-adds of so many frames.</summary>
    public Work Work(int count)
    {
        Work work = Profiling.Work.Of(_linear, 1, count);
        for (int d = 0; d < Directions; d++)
            work += Profiling.Work.Of(_fromFrames[d], 1, count) + Profiling.Work.Of(_fromState[d], 1, count);
        return work;
    }
}
