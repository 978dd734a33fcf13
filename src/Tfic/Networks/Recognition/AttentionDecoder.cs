using System.Runtime.InteropServices;
using Tfic.Kernels.Attention;
using Tfic.Kernels.Convolution;
using Tfic.Kernels.Lstm;
using Tfic.Profiling;

namespace Tfic.Networks.Recognition;

/// <summary>
/// Writes words character by character; before each it looks at the frames that its state asks for (Bahdanau et al. 2015;
/// Cheng et al. 2017).
/// </summary>
/// <remarks>
/// A step's gates take the context and the state through one matrix product; of the character before, which is a vector
/// with a single one, a column of the weights is left to add.
/// </remarks>
internal sealed class AttentionDecoder
{
    /// <summary>The class that ends a word; 0 stands before its start.</summary>
    public const int End = 1;

    private const int Gates = 4;

    private readonly Conv2d _keys, _query, _gates, _generator;
    private readonly float[] _score, _characters;
    private readonly int _channels, _units;

    public AttentionDecoder(PublishedWeights weights, TextRecogniserOptions options, int channels)
    {
        const string Cell = "Prediction.attention_cell.";
        int units = options.HiddenSize, classes = options.ClassCount, inputs = channels + classes;
        (_channels, _units) = (channels, units);
        _keys = weights.Linear(Cell + "i2h", channels, units, hasBias: false);
        _query = weights.Linear(Cell + "h2h", units, units);
        _score = weights.Float(Cell + "score.weight", 1, units);
        _generator = weights.Linear("Prediction.generator", units, classes);

        float[] fromInput = weights.Float(Cell + "rnn.weight_ih", Gates * units, inputs);
        float[] fromState = weights.Float(Cell + "rnn.weight_hh", Gates * units, units);
        float[] bias = weights.Float(Cell + "rnn.bias_ih", Gates * units);
        float[] stateBias = weights.Float(Cell + "rnn.bias_hh", Gates * units);
        var gates = new float[Gates * units * (channels + units)];
        _characters = new float[classes * Gates * units];
        for (int g = 0; g < Gates * units; g++)
        {
            Span<float> row = gates.AsSpan(g * (channels + units), channels + units);
            fromInput.AsSpan(g * inputs, channels).CopyTo(row);
            fromState.AsSpan(g * units, units).CopyTo(row[channels..]);
            for (int c = 0; c < classes; c++)
                _characters[c * Gates * units + g] = fromInput[g * inputs + channels + c] + bias[g];
        }

        _gates = PublishedLayers.Linear(gates, stateBias, channels + units, residual: Residual.BeforeActivation);
        Steps = options.MaxLength + 1;
    }

    /// <summary>Most characters, and one step for the end.</summary>
    public int Steps { get; }

    /// <summary>Writes, each step after the likeliest class of the one before.</summary>
    /// <param name="frames">lines × count × channels.</param>
    /// <param name="lines">Lines.</param>
    /// <param name="count">Frames of each.</param>
    /// <param name="workspace">The calling thread's; slot 11 is overwritten.</param>
    /// <param name="attention">Receives lines × steps × count weights of the frames.</param>
    /// <param name="logits">Receives lines × steps × classes.</param>
    /// <param name="stopsAtEnd">Whether to stop when all words have ended; what would follow is then 0.</param>
    public void Run(
        ReadOnlySpan<float> frames, int lines, int count, Workspace workspace, Span<float> attention, Span<float> logits,
        bool stopsAtEnd)
    {
        int classes = _generator.OutputChannels, width = Gates * _units, inputs = _channels + _units;
        int pitch = AdditiveAttention.Pitch(count), keySize = _units * pitch, each = lines * _units;
        Span<float> scratch = workspace.Floats(
            11, (long)count * _units + (long)lines * (keySize + inputs + 2 * width + 3 * _units + classes + 2));
        Span<float> projected = Workspace.Cut(ref scratch, count * _units);
        Span<float> keys = Workspace.Cut(ref scratch, lines * keySize);
        Span<float> input = Workspace.Cut(ref scratch, lines * inputs);
        Span<float> start = Workspace.Cut(ref scratch, lines * width);
        Span<float> gates = Workspace.Cut(ref scratch, lines * width);
        Span<float> query = Workspace.Cut(ref scratch, each);
        Span<float> memory = Workspace.Cut(ref scratch, each), hidden = Workspace.Cut(ref scratch, each);
        Span<float> scores = Workspace.Cut(ref scratch, lines * classes);
        Span<int> previous = MemoryMarshal.Cast<float, int>(Workspace.Cut(ref scratch, lines));
        Span<int> hasEnded = MemoryMarshal.Cast<float, int>(Workspace.Cut(ref scratch, lines));

        for (int line = 0; line < lines; line++)
        {
            _keys.Run(frames.Slice(line * count * _channels, count * _channels), 1, count, projected);
            Span<float> own = keys.Slice(line * keySize, keySize);
            for (int k = 0; k < _units; k++)
            {
                for (int t = 0; t < count; t++)
                    own[k * pitch + t] = projected[t * _units + k];
                own.Slice(k * pitch + count, pitch - count).Clear();
            }
        }

        memory.Clear();
        hidden.Clear();
        previous.Clear();
        hasEnded.Clear();
        logits.Clear();
        attention.Clear();
        for (int step = 0; step < Steps && !(stopsAtEnd && !hasEnded.Contains(0)); step++)
        {
            _query.Run(hidden, 1, lines, query);
            for (int line = 0; line < lines; line++)
            {
                Span<float> own = input.Slice(line * inputs, inputs);
                AdditiveAttention.Run(
                    keys.Slice(line * keySize, keySize), pitch, query.Slice(line * _units, _units), _score,
                    frames.Slice(line * count * _channels, count * _channels),
                    attention.Slice((line * Steps + step) * count, count), own[.._channels]);
                hidden.Slice(line * _units, _units).CopyTo(own[_channels..]);
                _characters.AsSpan(previous[line] * width, width).CopyTo(start[(line * width)..]);
            }

            _gates.Run(input, 1, lines, gates, start);
            LstmCell.Run(gates, lines, memory, hidden);
            _generator.Run(hidden, 1, lines, scores);
            for (int line = 0; line < lines; line++)
            {
                ReadOnlySpan<float> own = scores.Slice(line * classes, classes);
                own.CopyTo(logits[((line * Steps + step) * classes)..]);
                previous[line] = Largest(own);
                if (previous[line] == End)
                    hasEnded[line] = 1;
            }
        }
    }

    /// <summary>Multiply-adds of so many frames, with all steps.</summary>
    public Work Work(int count)
    {
        // Attention: a score for each unit of each frame, and a weight for each channel.
        var step = new Work((long)count * (_units + _channels));
        step += Profiling.Work.Of(_query, 1, 1) + Profiling.Work.Of(_gates, 1, 1) + Profiling.Work.Of(_generator, 1, 1);
        return Profiling.Work.Of(_keys, 1, count) + new Work(step.Float32 * Steps);
    }

    /// <summary>The first of the largest.</summary>
    internal static int Largest(ReadOnlySpan<float> scores)
    {
        int best = 0;
        for (int c = 1; c < scores.Length; c++)
        {
            if (scores[c] > scores[best])
                best = c;
        }

        return best;
    }
}
