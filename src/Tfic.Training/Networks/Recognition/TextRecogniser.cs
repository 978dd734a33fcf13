using Tfic.Networks;
using Tfic.Networks.Recognition;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.Recognition;

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

    /// <summary>Makes the network that a state dictionary is of, with its weights; the names tell the stages.</summary>
    /// <exception cref="TficFormatException">It is of another network.</exception>
    public static TextRecogniser FromStateDict(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        tensors = StateDict.WithoutWrapper(tensors);
        var network = new TextRecogniser(TextRecogniserOptions.Of(tensors));
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
