using Tfic.Kernels.Convolution;
using Tfic.Networks.Recognition;
using Tfic.Profiling;

namespace Tfic.Networks;

/// <summary>
/// The recogniser of words in four stages — transformation, features, sequence, prediction — of Baek et al. 2019, "What is
/// wrong with scene text recognition model comparisons?", from the authors' own weights; the paper's TRBA is all of them
/// with ResNet and attention.
/// </summary>
/// <remarks>
/// <para>
/// All 24 combinations run; a state dictionary's names tell which it is. Batch normalisations are folded into the
/// convolutions when it is loaded. TRBA costs some 5 billion multiply-adds a word.
/// </para>
/// <para>Immutable: threads may share it, each with its own <see cref="Workspace"/>.</para>
/// </remarks>
public sealed class TextRecogniserModel : RecogniserModel
{
    // Slots of the workspace; 0 to 6 are the features', 11 and 12 the recurrent layers', and 12 then attention's.
    private const int RectifiedSlot = 7, PointsSlot = 8, FramesSlot = 9, ContextSlot = 10, AttentionSlot = 12, LogitsSlot = 13;

    private readonly SpatialTransformer? _transformer;
    private readonly FeatureExtractor _features;
    private readonly BidirectionalLstm[] _sequence;
    private readonly AttentionDecoder? _attention;
    private readonly Conv2d? _ctc;

    internal TextRecogniserModel(PublishedWeights weights, TextRecogniserOptions options, string characters)
        : base(NameOf(options), characters)
    {
        if (Characters.Count != options.ClassCount - options.OwnClasses)
        {
            throw new TficFormatException(
                $"The network has {options.ClassCount - options.OwnClasses} characters, but {Characters.Count} are given.");
        }

        Options = options;
        _transformer = options.Transformation ? new SpatialTransformer(weights, options) : null;
        _features = FeatureExtractor.Create(weights, options);
        int channels = options.FeatureChannels, hidden = options.HiddenSize;
        _sequence = !options.Sequence ? [] :
        [
            new(weights, "SequenceModeling.0", channels, hidden, hidden),
            new(weights, "SequenceModeling.1", hidden, hidden, hidden),
        ];
        if (options.Sequence)
            channels = hidden;
        if (options.Prediction == Prediction.Ctc)
            _ctc = weights.Linear("Prediction", channels, options.ClassCount);
        else
            _attention = new AttentionDecoder(weights, options, channels);
    }

    /// <summary>Which network it is, and its sizes.</summary>
    public TextRecogniserOptions Options { get; }

    /// <inheritdoc/>
    public override int ClassCount => Options.ClassCount;

    /// <summary>
    /// Whether a reader lets attention stop where a word ends, and not after the most steps as the authors' program does:
    /// the text is the same.
    /// </summary>
    internal bool StopsAtEnd { get; init; } = true;

    /// <summary>Loads the network that a state dictionary is of.</summary>
    /// <param name="tensors">The published names, possibly all with DataParallel's prefix <c>module.</c>.</param>
    /// <param name="characters">
    /// The characters of its classes; null for the published set of so many, <see cref="TextRecogniserOptions.LowerCase"/>
    /// or <see cref="TextRecogniserOptions.CaseSensitive"/>.
    /// </param>
    /// <exception cref="TficFormatException">It is of another network, or damaged, or its characters are not known.</exception>
    public static TextRecogniserModel FromStateDict(
        IReadOnlyDictionary<string, StoredTensor> tensors, string? characters = null)
    {
        tensors = PyTorchFile.WithoutWrapper(tensors);
        TextRecogniserOptions options = TextRecogniserOptions.Of(tensors);
        characters ??= TextRecogniserOptions.PublishedCharacters(options.Prediction, options.ClassCount)
            ?? throw new TficFormatException(
                $"The network tells {options.ClassCount - options.OwnClasses} characters apart, which is neither published "
                + "set. Say which they are in the safetensors file's metadata, as 'charset'.");
        return new TextRecogniserModel(PublishedWeights.Of(tensors), options, characters);
    }

    /// <summary>
    /// A network with random weights, which reads nothing but takes the time that a trained one takes; its words always
    /// have the most steps.
    /// </summary>
    /// <param name="options">Which network; with the class count of a published character set.</param>
    /// <param name="seed">The same weights for the same seed.</param>
    /// <exception cref="TficFormatException">The class count is of no published set.</exception>
    public static TextRecogniserModel Random(TextRecogniserOptions options, int seed)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new TextRecogniserModel(
            PublishedWeights.Drawn(seed), options,
            TextRecogniserOptions.PublishedCharacters(options.Prediction, options.ClassCount)
                ?? throw new TficFormatException($"{options.ClassCount} classes are of no published set."))
        {
            StopsAtEnd = false,
        };
    }

    /// <summary>Steps of the logits: frames for CTC, the longest word and its end for attention.</summary>
    /// <param name="width">Columns of the input.</param>
    public int Steps(int width) => _attention?.Steps ?? _features.Frames(width);

    /// <summary>Scores the classes at every step.</summary>
    /// <param name="input">lines × Height × width × InputChannels, −1…1.</param>
    /// <param name="width">Columns; where words are rectified, the network's own.</param>
    /// <param name="lines">Pictures.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <returns>lines × Steps × ClassCount; they lie in the workspace and are valid until it is used again.</returns>
    /// <exception cref="ArgumentException">A width that the network does not take, or too few values.</exception>
    public ReadOnlySpan<float> Logits(ReadOnlySpan<float> input, int width, int lines, Workspace workspace) =>
        Run(input, width, lines, workspace, stopsAtEnd: false).Logits;

    /// <summary>Runs the network.</summary>
    /// <param name="input">As of <see cref="Logits"/>.</param>
    /// <param name="width">Columns.</param>
    /// <param name="lines">Pictures.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <param name="stopsAtEnd">Whether attention stops when all words have ended; logits behind that are 0.</param>
    internal TextRecogniserPass Run(
        ReadOnlySpan<float> input, int width, int lines, Workspace workspace, bool stopsAtEnd)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        ArgumentOutOfRangeException.ThrowIfLessThan(lines, 1);
        int count = _features.Frames(width);
        if (count < 1 || (_transformer is not null && width != Options.Width))
            throw new ArgumentException($"This network does not take a width of {width}.", nameof(width));
        int pixels = Options.Height * width * Options.InputChannels;
        if (input.Length < (long)lines * pixels)
            throw new ArgumentException($"Fewer values than {lines} × {pixels}.", nameof(input));

        int channels = Options.FeatureChannels;
        Span<float> frames = workspace.Floats(FramesSlot, (long)lines * count * channels);
        Span<float> rectified = default, points = default;
        int pointValues = 0;
        if (_transformer is not null)
        {
            pointValues = 2 * _transformer.Fiducials;
            rectified = workspace.Floats(RectifiedSlot, (long)lines * pixels);
            points = workspace.Floats(PointsSlot, (long)lines * pointValues);
        }

        for (int line = 0; line < lines; line++)
        {
            ReadOnlySpan<float> picture = input.Slice(line * pixels, pixels);
            if (_transformer is not null)
            {
                Span<float> target = rectified.Slice(line * pixels, pixels);
                _transformer.Run(picture, workspace, points.Slice(line * pointValues, pointValues), target);
                picture = target;
                workspace.Clock?.End(Stage.Rectify);
            }

            var plane = new FeaturePlane(workspace, picture, Options.Height, width, Options.InputChannels);
            _features.Run(ref plane);
            plane.Values.CopyTo(frames.Slice(line * count * channels, count * channels));
            workspace.Clock?.End(Stage.Features);
        }

        Span<float> context = frames;
        if (_sequence.Length > 0)
        {
            context = workspace.Floats(ContextSlot, (long)lines * count * Options.HiddenSize);
            _sequence[0].Run(frames, lines, count, workspace, context);
            _sequence[1].Run(context, lines, count, workspace, context);
            workspace.Clock?.End(Stage.Sequence);
        }

        int steps = Steps(width);
        Span<float> logits = workspace.Floats(LogitsSlot, (long)lines * steps * ClassCount);
        Span<float> attention = default;
        if (_attention is null)
        {
            _ctc!.Run(context, 1, lines * count, logits, threads: workspace.Threads);
        }
        else
        {
            attention = workspace.Floats(AttentionSlot, (long)lines * steps * count);
            _attention.Run(context, lines, count, workspace, attention, logits, stopsAtEnd);
        }

        return new TextRecogniserPass(points, rectified, frames, context, attention, logits, count, steps);
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<Stage, Work> Work(int width)
    {
        var work = new Dictionary<Stage, Work>();
        if (_transformer is not null)
            work.Add(Stage.Rectify, _transformer.Work());
        var plane = new FeaturePlane(Options.Height, width, Options.InputChannels);
        _features.Run(ref plane);
        work.Add(Stage.Features, plane.Work);
        int count = _features.Frames(width);
        if (_sequence.Length > 0)
            work.Add(Stage.Sequence, _sequence[0].Work(count) + _sequence[1].Work(count));
        work.Add(Stage.Predict, _attention?.Work(count) ?? Profiling.Work.Of(_ctc!, 1, count));
        return work;
    }

    private static string NameOf(TextRecogniserOptions options) => string.Join(
        '-',
        options.Transformation ? "TPS" : "None",
        options.Features switch { Features.Vgg => "VGG", Features.Rcnn => "RCNN", _ => "ResNet" },
        options.Sequence ? "BiLSTM" : "None",
        options.Prediction == Prediction.Ctc ? "CTC" : "Attn");
}

/// <summary>The values after every stage. They lie in the workspace and are valid until it is used again.</summary>
internal readonly ref struct TextRecogniserPass(
    ReadOnlySpan<float> points, ReadOnlySpan<float> rectified, ReadOnlySpan<float> frames, ReadOnlySpan<float> context,
    ReadOnlySpan<float> attention, ReadOnlySpan<float> logits, int count, int steps)
{
    /// <summary>Of each line where the base points come from: all columns, then all rows; empty without a spline.</summary>
    public ReadOnlySpan<float> Points { get; } = points;

    /// <summary>lines × Height × Width × InputChannels; empty without a spline.</summary>
    public ReadOnlySpan<float> Rectified { get; } = rectified;

    /// <summary>lines × Count × FeatureChannels.</summary>
    public ReadOnlySpan<float> Frames { get; } = frames;

    /// <summary>lines × Count × HiddenSize, or the frames.</summary>
    public ReadOnlySpan<float> Context { get; } = context;

    /// <summary>lines × Steps × Count: how much each frame mattered to each step; empty for CTC.</summary>
    public ReadOnlySpan<float> Attention { get; } = attention;

    /// <summary>lines × Steps × ClassCount.</summary>
    public ReadOnlySpan<float> Logits { get; } = logits;

    /// <summary>Frames of a line.</summary>
    public int Count { get; } = count;

    /// <summary>Steps of a line.</summary>
    public int Steps { get; } = steps;
}
