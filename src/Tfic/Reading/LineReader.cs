using Tfic.Imaging;
using Tfic.Networks;
using Tfic.Profiling;

namespace Tfic.Reading;

/// <summary>Reads pictures of single lines of text. One for each thread; models may be shared.</summary>
/// <remarks>
/// <para>
/// For a <see cref="CompactRecogniser"/> the picture becomes grey (0.299 R + 0.587 G + 0.114 B), is resized to 32 rows by the antialiased triangle filter
/// of <see cref="Resampling"/>, and its samples become v / 127.5 − 1. Columns: as many as keep its shape, rounded up
/// to a multiple of 4, but at least 256 (short lines are stretched, as in training) and at most 2048.
/// </para>
/// <para>
/// A <see cref="TextRecogniserModel"/> reads single words. It gets the picture as its authors' program does, stretched to
/// 32 × 100 by the bicubic filter, whatever its shape.
/// </para>
/// </remarks>
public sealed class LineReader
{
    /// <summary>Fewest columns of the network's input.</summary>
    public const int MinimumInputWidth = 256;

    /// <summary>The same for a word that is read by itself.</summary>
    public const int MinimumWordWidth = 32;

    /// <summary>Most columns of the network's input; longer lines are squeezed.</summary>
    public const int MaximumInputWidth = 2048;

    private readonly CompactRecogniser? _lines;
    private readonly WordReader? _words;
    private readonly RecogniserModel _model;
    private readonly Workspace _workspace;
    private readonly List<GreedyCtc.Emission> _emissions = [];
    private Resampler? _resampler;
    private float[] _grey = [], _input = [];

    /// <summary>Makes a reader.</summary>
    /// <param name="model">A trained recogniser.</param>
    /// <param name="threads">How many threads it may use for one line; results do not depend on it.</param>
    /// <param name="clock">Notes when the stages of a line end; null for none.</param>
    public LineReader(RecogniserModel model, int threads = 1, StageClock? clock = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _workspace = new Workspace(threads) { Clock = clock };
        if (model is TextRecogniserModel words)
            _words = new WordReader(words, _workspace);
        else
            _lines = (CompactRecogniser)model;
    }

    /// <summary>Multiply-adds of reading a picture of a size, by stage; of what depends on the text, the most.</summary>
    /// <param name="width">Width of the picture.</param>
    /// <param name="height">Height of the picture.</param>
    public IReadOnlyDictionary<Stage, Work> Work(int width, int height) =>
        _model.Work(_model is TextRecogniserModel words ? words.Options.Width : InputWidth(width, height));

    /// <summary>Columns of the network's input for a picture.</summary>
    /// <param name="width">Width of the picture.</param>
    /// <param name="height">Height of the picture.</param>
    /// <returns>A multiple of 4.</returns>
    public static int InputWidth(int width, int height) => InputWidth(width, height, MinimumInputWidth);

    private static int InputWidth(int width, int height, int least)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);

        // Frames of 4 columns: ⌈32 · width / height / 4⌉.
        long frames = (8L * width + height - 1) / height;
        return (int)long.Clamp(4 * frames, least, MaximumInputWidth);
    }

    /// <summary>Reads a line.</summary>
    /// <param name="line">A picture of one line, grey or RGB, of any size.</param>
    public ReadLine Read(Picture line) => Read(line, MinimumInputWidth);

    /// <summary>Reads a line that is stretched only where it would have fewer columns than given.</summary>
    /// <param name="line">A picture of one line or of a word, grey or RGB, of any size.</param>
    /// <param name="leastWidth">Fewest columns of the network's input, a multiple of 4.</param>
    public ReadLine Read(Picture line, int leastWidth)
    {
        ArgumentNullException.ThrowIfNull(line);
        if (_words is not null)
            return _words.Read(line);
        CompactRecogniser model = _lines!;
        int width = InputWidth(line.Width, line.Height, leastWidth);
        float[] input = Normalise(line, width);
        _workspace.Clock?.End(Stage.Resize);
        ReadOnlySpan<float> logits = model.Logits(input, width, _workspace);
        GreedyCtc.Decode(logits, model.ClassCount, _emissions);

        double columnsPerFrame = (double)CompactRecogniser.FrameWidth * line.Width / width;
        var characters = new ReadCharacter[_emissions.Count];
        for (int i = 0; i < characters.Length; i++)
        {
            GreedyCtc.Emission emission = _emissions[i];
            characters[i] = new ReadCharacter(
                model.Characters[emission.Class - 1], emission.Probability, (emission.Frame + 0.5) * columnsPerFrame);
        }

        var read = new ReadLine(characters);
        _workspace.Clock?.End(Stage.Predict);
        return read;
    }

    /// <summary>The network's input: grey, resized, −1…1.</summary>
    private float[] Normalise(Picture line, int width)
    {
        // Lines of one size often follow one another; filters and memory then serve again.
        if (_resampler is null || (_resampler.InputWidth, _resampler.InputHeight) != (line.Width, line.Height))
        {
            _resampler = new Resampler(line.Width, line.Height, 1, width, CompactRecogniser.InputHeight);
            _grey = new float[line.Width * line.Height];
            _input = new float[width * CompactRecogniser.InputHeight];
        }

        PictureConversion.ToGrey(line, _grey);
        _resampler.Resize(_grey, _input);
        for (int i = 0; i < _input.Length; i++)
            _input[i] = _input[i] / 127.5f - 1f;
        return _input;
    }
}
