using Tfic.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.Recognition;

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
}

/// <summary>
/// The recogniser of words in four stages — transformation, features, sequence, prediction — of Baek et al. 2019, "What
/// is wrong with scene text recognition model comparisons?"; the paper's TRBA is all of them with ResNet and attention.
/// </summary>
public sealed class TextRecogniser : Module<Tensor, Tensor?, Tensor>
{
    private readonly TpsTransformation? transformation;
    private readonly Module<Tensor, Tensor> features;
    private readonly Sequential? sequence;
    private readonly AttentionPrediction? attention;
    private readonly Linear? ctc;

    /// <summary>Makes the network with random weights.</summary>
    public TextRecogniser(TextRecogniserOptions options)
        : base(nameof(TextRecogniser))
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options;
        (int inChannels, int channels, int hidden) = (options.InputChannels, options.FeatureChannels, options.HiddenSize);
        if (options.Transformation)
        {
            transformation = new TpsTransformation(options.Fiducials, options.Height, options.Width, inChannels);
            register_module("Transformation", transformation);
        }

        features = options.Features switch
        {
            Features.Vgg => new VggFeatures(inChannels, channels),
            Features.Rcnn => new RcnnFeatures(inChannels, channels),
            _ => new ResNetFeatures(inChannels, channels),
        };
        register_module("FeatureExtraction", features);
        if (options.Sequence)
        {
            sequence = Sequential(
                new BidirectionalLstm(channels, hidden, hidden), new BidirectionalLstm(hidden, hidden, hidden));
            register_module("SequenceModeling", sequence);
            channels = hidden;
        }

        if (options.Prediction == Prediction.Ctc)
            register_module("Prediction", ctc = Linear(channels, options.ClassCount));
        else
            register_module("Prediction", attention = new(channels, hidden, options.ClassCount, options.MaxLength));
    }

    /// <summary>Which network this is.</summary>
    public TextRecogniserOptions Options { get; }

    /// <summary>Whether a state dictionary's names are of one of these networks.</summary>
    public static bool Fits(IReadOnlyDictionary<string, StoredTensor> tensors) =>
        StateDict.WithoutWrapper(tensors).Keys.Any(name => name.StartsWith("FeatureExtraction.", StringComparison.Ordinal));

    /// <summary>Makes the network that a state dictionary is of, with its weights; the names tell the stages.</summary>
    /// <exception cref="TficFormatException">It is of another network.</exception>
    public static TextRecogniser FromStateDict(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        tensors = StateDict.WithoutWrapper(tensors);
        int Size(string name, int dimension) =>
            tensors.TryGetValue(name, out StoredTensor? tensor) && tensor.Shape.Length > dimension
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

        var network = new TextRecogniser(options);
        StateDict.Load(network, tensors);
        network.eval();
        return network;
    }

    /// <summary>Reads words.</summary>
    /// <param name="input">[B, C, 32, W], values −1 … 1.</param>
    /// <param name="text">For training with attention: as of <see cref="LabelConverter.Encode"/>; else null.</param>
    /// <returns>Logits [B, T, classes], T frames or steps.</returns>
    public override Tensor forward(Tensor input, Tensor? text)
    {
        (_, Tensor context) = Frames(input);
        return Predict(context, text);
    }

    /// <summary>Reads words greedily; see the other overload.</summary>
    public Tensor Read(Tensor input) => call(input, null);

    /// <summary>The values after every stage, by the stage's name.</summary>
    public IReadOnlyDictionary<string, Tensor> Stages(Tensor input)
    {
        var stages = new Dictionary<string, Tensor>();
        if (transformation is not null)
        {
            stages["base_points"] = transformation.BasePoints(input);
            stages["rectified"] = transformation.call(input);
        }

        (stages["features"], stages["context"]) = Frames(input);
        stages["logits"] = Predict(stages["context"], null);
        return stages;
    }

    /// <inheritdoc/>
    protected override void RegisterComponents()
    {
    }

    private (Tensor Visual, Tensor Context) Frames(Tensor input)
    {
        Tensor x = features.call(transformation is null ? input : transformation.call(input));

        // One frame a column: rows are averaged, of which 32 in the picture leave one.
        x = x.mean([2]).transpose(1, 2);
        return (x, sequence is null ? x : sequence.call(x));
    }

    private Tensor Predict(Tensor context, Tensor? text) =>
        ctc is not null ? ctc.call(context) : attention!.call(context, text);
}
