namespace Tfic.Networks.Recognition;

/// <summary>The feature extractor.</summary>
public enum Features
{
    /// <summary>CRNN's seven convolutions.</summary>
    Vgg,

    /// <summary>Gated recurrent convolutions.</summary>
    Rcnn,

    /// <summary>29 convolutions with residuals.</summary>
    ResNet,
}

/// <summary>How classes become text.</summary>
public enum Prediction
{
    /// <summary>Connectionist temporal classification: a class or the blank for every frame.</summary>
    Ctc,

    /// <summary>Character after character, with attention to the frames.</summary>
    Attention,
}

/// <summary>Which of the benchmark's networks, and its sizes.</summary>
/// <param name="Transformation">Whether words are rectified by a thin-plate spline.</param>
/// <param name="Features">The feature extractor.</param>
/// <param name="Sequence">Whether two bidirectional recurrent layers follow.</param>
/// <param name="Prediction">How classes become text.</param>
/// <param name="ClassCount">Classes, the prediction's own included: 37 or 38 for digits and lower case.</param>
public sealed record TextRecogniserOptions(
    bool Transformation = true,
    Features Features = Features.ResNet,
    bool Sequence = true,
    Prediction Prediction = Prediction.Attention,
    int ClassCount = 38)
{
    /// <summary>The characters of the published models that do not tell case apart.</summary>
    public const string LowerCase = "0123456789abcdefghijklmnopqrstuvwxyz";

    /// <summary>The 94 characters of the published models that tell case apart: digits, letters, punctuation.</summary>
    public const string CaseSensitive =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /// <summary>Fewest columns that leave each extractor a frame.</summary>
    internal const int MinWidth = 8;

    /// <summary>Rows of the input.</summary>
    public int Height { get; init; } = 32;

    /// <summary>Columns of the input; fixed only where words are rectified.</summary>
    public int Width { get; init; } = 100;

    /// <summary>Channels of the input.</summary>
    public int InputChannels { get; init; } = 1;

    /// <summary>Channels of a frame.</summary>
    public int FeatureChannels { get; init; } = 512;

    /// <summary>State of the recurrent layers.</summary>
    public int HiddenSize { get; init; } = 256;

    /// <summary>Control points of the spline.</summary>
    public int Fiducials { get; init; } = 20;

    /// <summary>Longest word that attention writes.</summary>
    public int MaxLength { get; init; } = 25;

    /// <summary>Classes before the characters: of CTC the blank, of attention the start (0) and the end (1).</summary>
    public int OwnClasses => OwnClassesOf(Prediction);

    /// <summary>The published character set for so many classes; null if neither fits.</summary>
    public static string? PublishedCharacters(Prediction prediction, int classCount) =>
        (classCount - OwnClassesOf(prediction)) switch
        {
            36 => LowerCase,
            94 => CaseSensitive,
            _ => null,
        };

    /// <summary>Whether a state dictionary's names, possibly behind a wrapper's prefix, are of one of these networks.</summary>
    public static bool Fits(IReadOnlyDictionary<string, StoredTensor> tensors) => PyTorchFile.WithoutWrapper(tensors).Keys
        .Any(name => name.StartsWith("FeatureExtraction.", StringComparison.Ordinal));

    /// <summary>What a state dictionary tells of its network: its names tell the stages.</summary>
    /// <param name="tensors">The state dictionary, without a wrapper's prefix.</param>
    /// <exception cref="TficFormatException">It is of another network.</exception>
    public static TextRecogniserOptions Of(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        int Size(string name, int dimension) =>
            tensors.TryGetValue(name, out StoredTensor? tensor) && tensor.Shape.Length > dimension
                && tensor.Shape[dimension] > 0
                ? tensor.Shape[dimension]
                : throw new TficFormatException($"These are no weights of a text recogniser: '{name}' is missing.");

        // The second layer of each extractor tells it, the first has its channels.
        (Features features, string first) = tensors.ContainsKey("FeatureExtraction.ConvNet.conv0_1.weight")
            ? (Features.ResNet, "FeatureExtraction.ConvNet.conv0_1.weight")
            : (tensors.ContainsKey("FeatureExtraction.ConvNet.3.wgf_u.weight") ? Features.Rcnn : Features.Vgg,
                "FeatureExtraction.ConvNet.0.weight");
        bool spline = tensors.ContainsKey("Transformation.GridGenerator.P_hat");
        bool ctc = tensors.ContainsKey("Prediction.weight");
        bool sequence = tensors.ContainsKey("SequenceModeling.0.linear.weight");
        var options = new TextRecogniserOptions(
            spline,
            features,
            sequence,
            ctc ? Prediction.Ctc : Prediction.Attention,
            Size(ctc ? "Prediction.weight" : "Prediction.generator.weight", 0))
        {
            InputChannels = Size(first, 1),
            FeatureChannels = Size(first, 0) * (features == Features.ResNet ? 16 : 8),
            HiddenSize = sequence ? Size("SequenceModeling.0.linear.weight", 0)
                : ctc ? 256 : Size("Prediction.generator.weight", 1),
        };
        if (spline)
        {
            options = options with
            {
                Width = Size("Transformation.GridGenerator.P_hat", 0) / options.Height,
                Fiducials = Size("Transformation.GridGenerator.P_hat", 1) - 3,
            };
        }

        return options is { Width: >= MinWidth, Fiducials: > 0 } && options.ClassCount > options.OwnClasses
            ? options
            : throw new TficFormatException("These are no weights of a text recogniser: it would have no words to read.");
    }

    private static int OwnClassesOf(Prediction prediction) => prediction == Prediction.Ctc ? 1 : 2;
}
