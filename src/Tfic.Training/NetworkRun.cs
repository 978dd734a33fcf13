using Tfic.Imaging;
using Tfic.Networks;
using Tfic.Networks.Recognition;
using Tfic.Networks.TinyLic;
using Tfic.Training.Networks;
using Tfic.Training.Networks.Detection;
using Tfic.Training.Networks.Recognition;
using Tfic.Training.Networks.TinyLic;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training;

/// <summary>A network whose weights can be told by their names.</summary>
public enum KnownNetwork
{
    /// <summary>The compact codec.</summary>
    CompactCodec,

    /// <summary>The compact recogniser.</summary>
    CompactRecogniser,

    /// <summary>The compact detector.</summary>
    CompactDetector,

    /// <summary>A restorer as it is deployed.</summary>
    Restorer,

    /// <summary>TinyLIC.</summary>
    TinyLic,

    /// <summary>One of the text recognisers.</summary>
    TextRecogniser,

    /// <summary>CRAFT.</summary>
    Craft,

    /// <summary>DnCNN.</summary>
    DnCnn,
}

/// <summary>Runs any network on given tensors, to compare it with another implementation value by value.</summary>
public static class NetworkRun
{
    /// <summary>Quality at which the compact codec runs if none is given.</summary>
    public const float DefaultQuality = 4;

    /// <summary>The network that weights are of; null if it is none of this project's.</summary>
    /// <param name="tensors">Its tensors.</param>
    /// <param name="metadata">Of a safetensors file its metadata, which names the compact networks.</param>
    public static KnownNetwork? Find(
        IReadOnlyDictionary<string, StoredTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        string kind = metadata?.GetValueOrDefault("tfic", "") ?? "";
        return kind.StartsWith("codec", StringComparison.Ordinal) ? KnownNetwork.CompactCodec
            : kind.StartsWith("recogniser", StringComparison.Ordinal) ? KnownNetwork.CompactRecogniser
            : kind.StartsWith("detector", StringComparison.Ordinal) ? KnownNetwork.CompactDetector
            : kind.StartsWith("restorer", StringComparison.Ordinal) ? KnownNetwork.Restorer
            : TinyLicModel.Fits(tensors) ? KnownNetwork.TinyLic
            : TextRecogniserOptions.Fits(tensors) ? KnownNetwork.TextRecogniser
            : CraftDetector.Fits(tensors) ? KnownNetwork.Craft
            : DnCnn.Fits(tensors) ? KnownNetwork.DnCnn
            : null;
    }

    /// <summary>A network's name in messages.</summary>
    public static string NameOf(KnownNetwork network) => network switch
    {
        KnownNetwork.CompactCodec => "compact codec",
        KnownNetwork.CompactRecogniser => "compact recogniser",
        KnownNetwork.CompactDetector => "compact detector",
        KnownNetwork.Restorer => "restorer",
        KnownNetwork.TinyLic => "TinyLIC",
        KnownNetwork.TextRecogniser => "text recogniser",
        KnownNetwork.Craft => "CRAFT",
        KnownNetwork.DnCnn => "DnCNN",
        _ => throw new ArgumentOutOfRangeException(nameof(network), network, "There is no such network."),
    };

    /// <summary>Runs the network as torch runs it.</summary>
    /// <param name="weights">A file of weights, PyTorch's or safetensors.</param>
    /// <param name="inputs">
    /// <c>input</c>, [B, C, H, W] as the network takes it; for the compact codec perhaps <c>quality</c>, 1 … 8.
    /// </param>
    /// <param name="section">Of a PyTorch checkpoint, as of <see cref="PyTorchFile.StateDict"/>.</param>
    /// <returns>Every output and value on the way that has a name.</returns>
    /// <exception cref="TficFormatException">The weights or inputs are not those of a known network.</exception>
    public static IReadOnlyDictionary<string, Tensor> Reference(
        ReadOnlyMemory<byte> weights, IReadOnlyDictionary<string, StoredTensor> inputs, string? section = null)
    {
        using IDisposable guard = no_grad();
        Tensor input = Input(inputs);
        if (!PyTorchFile.IsPyTorch(weights.Span))
        {
            SafetensorsFile file = SafetensorsFile.Read(weights);
            switch (Find(file.Tensors, file.Metadata))
            {
                case KnownNetwork.CompactCodec:
                    return Codec(CodecExport.ReadTransforms(file), input, Quality(inputs));
                case KnownNetwork.CompactRecogniser:
                    return new Dictionary<string, Tensor> { ["logits"] = RecogniserExport.Read(file).call(input) };
                case KnownNetwork.Restorer:
                    Tensor restored = RestorerExport.Read(file).call(input);
                    return new Dictionary<string, Tensor>
                    {
                        ["output"] = restored.clamp(0, 1),
                        ["residual"] = input - restored,
                    };
            }
        }

        IReadOnlyDictionary<string, StoredTensor> tensors = StateDict.Read(weights, section);
        return Find(tensors) switch
        {
            KnownNetwork.TinyLic => Run(TinyLicNetwork.FromStateDict(tensors), input),
            KnownNetwork.TextRecogniser => TextRecogniser.FromStateDict(tensors).Stages(input),
            KnownNetwork.Craft => Run(Craft.FromStateDict(tensors), input),
            KnownNetwork.DnCnn => Run(DnCnn.FromStateDict(tensors), input),
            _ => throw new TficFormatException("These are the weights of no network that is known here."),
        };
    }

    /// <summary>Runs a network as it is deployed, without torch.</summary>
    /// <param name="weights">A file of weights, PyTorch's or safetensors.</param>
    /// <param name="inputs">As of <see cref="Reference"/>; the codec rounds them to 8 bits, one picture at a time.</param>
    /// <param name="section">Of a PyTorch checkpoint, as of <see cref="PyTorchFile.StateDict"/>.</param>
    /// <returns>Values by name, with the names and shapes that <see cref="Reference"/> gives; null for a network that has
    /// no deployed form.</returns>
    /// <exception cref="TficFormatException">The weights or inputs are damaged or of another shape.</exception>
    public static IReadOnlyDictionary<string, (float[] Values, int[] Shape)>? Deployed(
        ReadOnlyMemory<byte> weights, IReadOnlyDictionary<string, StoredTensor> inputs, string? section = null)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        StoredTensor input = inputs.TryGetValue("input", out StoredTensor? given)
            ? given
            : throw new TficFormatException("There is no tensor 'input' to run on.");
        if (PyTorchFile.IsPyTorch(weights.Span))
            return Published(StateDict.Read(weights, section), input);
        SafetensorsFile file = SafetensorsFile.Read(weights);
        switch (Find(file.Tensors, file.Metadata))
        {
            case KnownNetwork.CompactRecogniser when input.Shape is [1, 1, CompactRecogniser.InputHeight, var width]
                && width > 0 && width % CompactRecogniser.FrameWidth == 0:
                {
                    var model = (CompactRecogniser)RecogniserModel.Load(weights);
                    float[] logits = model.Logits(input.ToFloat(), width, new Workspace()).ToArray();
                    return new Dictionary<string, (float[], int[])>
                    {
                        ["logits"] = (logits[..(width / CompactRecogniser.FrameWidth * model.ClassCount)],
                            [1, width / CompactRecogniser.FrameWidth, model.ClassCount]),
                    };
                }

            case KnownNetwork.CompactCodec when input.Shape is [1, 3, var height, var width]
                && height > 0 && width > 0 && height % CompactCodec.HyperStride == 0 && width % CompactCodec.HyperStride == 0:
                return Codec(new CompactCodec(file), input.ToFloat(), width, height, Quality(inputs));
            case KnownNetwork.CompactDetector when input.Shape is [1, 1, > 0 and var height, > 0 and var width]:
                {
                    int rows = DetectorModel.MapSize(height), columns = DetectorModel.MapSize(width);
                    float[] region = new float[rows * columns], affinity = new float[rows * columns];
                    DetectorModel.Load(weights).Score(input.ToFloat(), width, height, new Workspace(), region, affinity);
                    return new Dictionary<string, (float[], int[])> { ["scores"] = ([.. region, .. affinity], [1, 2, rows, columns]) };
                }

            case KnownNetwork.Restorer when input.Shape is [1, 1, > 0 and var height, > 0 and var width]:
                {
                    var output = new float[height * width];
                    RestorerModel.Load(weights).Restore(input.ToFloat(), width, height, new Workspace(), output, exact: true);
                    return new Dictionary<string, (float[], int[])> { ["output"] = (output, [1, 1, height, width]) };
                }

            case KnownNetwork.CompactRecogniser:
                throw new TficFormatException("The input must be [1, 1, 32, W], W a multiple of 4.");
            case KnownNetwork.CompactDetector or KnownNetwork.Restorer:
                throw new TficFormatException("The input must be [1, 1, H, W].");
            case KnownNetwork.CompactCodec:
                throw new TficFormatException("The input must be [1, 3, H, W], H and W multiples of 64.");
            default:
                return Published(file.Tensors, input);
        }
    }

    /// <summary>A network that has kept its published names; null for one that has no deployed form.</summary>
    private static Dictionary<string, (float[], int[])>? Published(
        IReadOnlyDictionary<string, StoredTensor> tensors, StoredTensor input) => Find(tensors) switch
        {
            KnownNetwork.TextRecogniser => Words(tensors, input),
            KnownNetwork.TinyLic => Codec(TinyLicModel.Load(tensors), input),
            KnownNetwork.Craft => Scores(CraftDetector.Load(tensors), input),
            _ => null,
        };

    private static Dictionary<string, (float[], int[])> Words(
        IReadOnlyDictionary<string, StoredTensor> tensors, StoredTensor input)
    {
        // Which characters the classes stand for makes no difference here.
        TextRecogniserOptions options = TextRecogniserOptions.Of(StateDict.WithoutWrapper(tensors));
        TextRecogniserModel model = TextRecogniserModel.FromStateDict(
            tensors, new string('?', options.ClassCount - options.OwnClasses));
        if (input.Shape is not [> 0 and var lines, var channels, var height, var width] || channels != options.InputChannels
            || height != options.Height || (options.Transformation ? width != options.Width : width < TextRecogniserOptions.MinWidth))
        {
            throw new TficFormatException(
                $"The input must be [B, {options.InputChannels}, {options.Height}, " +
                $"{(options.Transformation ? options.Width : "W")}].",
                input.Offset);
        }

        int area = height * width;
        TextRecogniserPass pass = model.Run(Interleaved(input), width, lines, new Workspace(), stopsAtEnd: false);
        var stages = new Dictionary<string, (float[], int[])>
        {
            ["features"] = (pass.Frames.ToArray(), [lines, pass.Count, pass.Frames.Length / lines / pass.Count]),
            ["context"] = (pass.Context.ToArray(), [lines, pass.Count, pass.Context.Length / lines / pass.Count]),
            ["logits"] = (pass.Logits.ToArray(), [lines, pass.Steps, model.ClassCount]),
        };
        if (!options.Transformation)
            return stages;
        float[] points = new float[pass.Points.Length], rectified = new float[input.Count];
        int fiducials = options.Fiducials;
        for (int i = 0; i < points.Length; i++)
            points[i] = pass.Points[i / (2 * fiducials) * 2 * fiducials + i % 2 * fiducials + i / 2 % fiducials];
        for (int i = 0; i < rectified.Length; i++)
            rectified[i] = pass.Rectified[(i / (area * channels) * area + i % area) * channels + i / area % channels];
        stages["base_points"] = (points, [lines, fiducials, 2]);
        stages["rectified"] = (rectified, [lines, channels, height, width]);
        return stages;
    }

    private static Dictionary<string, Tensor> Run(DnCnn network, Tensor input)
    {
        Tensor residual = network.Residual(input);
        return new() { ["output"] = input - residual, ["residual"] = residual };
    }

    private static Dictionary<string, Tensor> Run(Craft network, Tensor input)
    {
        (Tensor scores, Tensor features) = network.Run(input);
        return new() { ["scores"] = scores, ["features"] = features };
    }

    private static Dictionary<string, Tensor> Run(TinyLicNetwork network, Tensor input)
    {
        if (input.shape[1] != 3 || input.shape[2] % 64 != 0 || input.shape[3] % 64 != 0)
            throw new TficFormatException("The input must be [B, 3, H, W], H and W multiples of 64.");
        TinyLicPass pass = network.call(input);
        return new(pass.Latents)
        {
            ["x_hat"] = pass.Reconstruction,
            ["y_likelihoods"] = pass.LatentLikelihood,
            ["z_likelihoods"] = pass.HyperLikelihood,
        };
    }

    // x_hat is what g_s makes of y as it is: the transforms alone, in which the two forms can be compared.
    private static Dictionary<string, Tensor> Codec(CompactCodecNetwork network, Tensor input, float quality)
    {
        Tensor at = full([input.shape[0]], quality);
        Tensor y = network.GA.call(input);
        Tensor scaled = y * network.Gain(at);
        return new()
        {
            ["y"] = y,
            ["y_scaled"] = scaled,
            ["z"] = network.HA.call(scaled),
            ["x_hat"] = network.GS.call(y).clamp(0, 1),
        };
    }

    private static Dictionary<string, (float[], int[])> Codec(
        CompactCodec codec, float[] input, int width, int height, float quality)
    {
        var picture = new Picture(width, height, 3);
        int pixels = width * height;
        for (int i = 0; i < picture.Samples.Length; i++)
            picture.Samples[i] = (byte)Math.Clamp(MathF.Round(input[i % 3 * pixels + i / 3] * 255), 0, 255);
        var workspace = new Workspace();
        (int columns, int rows) = CompactCodec.LatentSize(width, height);
        var y = new float[rows * columns * CompactCodec.LatentChannels];
        codec.Analysis(picture, workspace, y, narrow: false);
        var gain = new float[CompactCodec.LatentChannels];
        codec.Gain(quality, gain);
        float[] scaled = [.. y];
        CompactCodec.Scale(scaled, gain);
        var z = new float[rows / 4 * (columns / 4) * CompactCodec.HyperChannels];
        codec.HyperAnalysis(scaled, columns, rows, workspace, z);
        byte[] samples = codec.Synthesis(y, width, height, workspace).Samples;
        return new()
        {
            ["y"] = Planes(y, rows, columns, CompactCodec.LatentChannels),
            ["y_scaled"] = Planes(scaled, rows, columns, CompactCodec.LatentChannels),
            ["z"] = Planes(z, rows / 4, columns / 4, CompactCodec.HyperChannels),
            ["x_hat"] = Planes(Array.ConvertAll(samples, s => s / 255f), height, width, 3),
        };
    }

    private static Dictionary<string, (float[], int[])> Scores(CraftDetector model, StoredTensor input)
    {
        if (input.Shape is not [1, 3, > 0 and var height, > 0 and var width] || height % CraftDetector.Unit != 0
            || width % CraftDetector.Unit != 0)
        {
            throw new TficFormatException($"The input must be [1, 3, H, W], H and W multiples of {CraftDetector.Unit}.");
        }

        var workspace = new Workspace(Environment.ProcessorCount);
        ReadOnlySpan<float> scores = model.Run(Interleaved(input), height, width, workspace, out ReadOnlySpan<float> features);
        return new()
        {
            ["scores"] = (scores.ToArray(), [1, height / 2, width / 2, 2]),
            ["features"] = Planes(features.ToArray(), height / 2, width / 2, model.FeatureChannels),
        };
    }

    private static Dictionary<string, (float[], int[])> Codec(TinyLicModel model, StoredTensor input)
    {
        if (input.Shape is not [1, 3, > 0 and var height, > 0 and var width] || height % TinyLicModel.HyperStride != 0
            || width % TinyLicModel.HyperStride != 0)
        {
            throw new TficFormatException("The input must be [1, 3, H, W], H and W multiples of 64.");
        }

        var workspace = new Workspace(Environment.ProcessorCount);
        (int rows, int columns) = (height / TinyLicModel.LatentStride, width / TinyLicModel.LatentStride);
        (int hyperRows, int hyperColumns) = (height / TinyLicModel.HyperStride, width / TinyLicModel.HyperStride);
        int channels = model.LatentChannels;
        var y = new float[rows * columns * channels];
        model.Analysis(Interleaved(input), height, width, workspace, y);
        var z = new float[hyperRows * hyperColumns * model.HyperChannels];
        model.HyperAnalysis(y, rows, columns, workspace, z);
        float[] hyper = [.. z];
        model.QuantiseHyper(hyper);
        float[] parameters = new float[2 * y.Length], quantised = new float[y.Length];
        model.HyperSynthesis(hyper, hyperRows, hyperColumns, workspace, parameters);
        model.Quantise(parameters, y, rows, columns, workspace, quantised);
        var picture = new float[3 * height * width];
        model.Synthesis(quantised, rows, columns, workspace, picture);
        return new()
        {
            ["y"] = Planes(y, rows, columns, channels),
            ["z"] = Planes(z, hyperRows, hyperColumns, model.HyperChannels),
            ["z_hat"] = Planes(hyper, hyperRows, hyperColumns, model.HyperChannels),
            ["params"] = Planes(parameters, rows, columns, 2 * channels),
            ["y_hat"] = Planes(quantised, rows, columns, channels),
            ["x_hat"] = Planes(picture, height, width, 3),
        };
    }

    /// <summary>[B, C, H, W] with a position's channels together.</summary>
    private static float[] Interleaved(StoredTensor input)
    {
        float[] planes = input.ToFloat(), values = new float[planes.Length];
        int channels = input.Shape[1], area = input.Shape[2] * input.Shape[3];
        for (int i = 0; i < planes.Length; i++)
            values[(i / (area * channels) * area + i % area) * channels + i / area % channels] = planes[i];
        return values;
    }

    // The core keeps a position's channels together, torch a channel's positions.
    private static (float[], int[]) Planes(float[] values, int rows, int columns, int channels)
    {
        var planes = new float[values.Length];
        int area = rows * columns;
        for (int i = 0; i < values.Length; i++)
            planes[i % channels * area + i / channels] = values[i];
        return (planes, [1, channels, rows, columns]);
    }

    private static Tensor Input(IReadOnlyDictionary<string, StoredTensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        if (!inputs.TryGetValue("input", out StoredTensor? stored))
            throw new TficFormatException("There is no tensor 'input' to run on.");
        return stored.Shape.Length == 4
            ? StateDict.ToTensor(stored).to(ScalarType.Float32)
            : throw new TficFormatException("The input must have four dimensions, [B, C, H, W].", stored.Offset);
    }

    private static float Quality(IReadOnlyDictionary<string, StoredTensor> inputs)
    {
        if (!inputs.TryGetValue("quality", out StoredTensor? stored))
            return DefaultQuality;
        float[] values = stored.ToFloat();
        return values.Length == 1
            ? values[0]
            : throw new TficFormatException("'quality' must be one number.", stored.Offset);
    }
}
