using Tfic.Networks;
using Tfic.Networks.Recognition;
using Tfic.Training.Networks;
using Tfic.Training.Networks.Recognition;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Tests;

public sealed class TextRecogniserTests
{
    private static readonly string[] SplineTables = ["GridGenerator"];

    /// <summary>Small enough for a test, with every kind of layer.</summary>
    private static TextRecogniserOptions Small(
        bool transformation, Features features, bool sequence, Prediction prediction) =>
        new(transformation, features, sequence, prediction, prediction == Prediction.Ctc ? 7 : 8)
        {
            FeatureChannels = 16,
            HiddenSize = 6,
            Fiducials = 6,
            MaxLength = 4,
        };

    public static TheoryData<bool, Features, bool, Prediction> All()
    {
        var data = new TheoryData<bool, Features, bool, Prediction>();
        foreach (bool transformation in (bool[])[false, true])
        {
            foreach (Features features in Enum.GetValues<Features>())
            {
                foreach (bool sequence in (bool[])[false, true])
                {
                    foreach (Prediction prediction in Enum.GetValues<Prediction>())
                        data.Add(transformation, features, sequence, prediction);
                }
            }
        }

        return data;
    }

    // The published program's counts; the paper's table has 49.6 million for the first. (Where it has less for others, it
    // merges the last recurrent layer's linear part with the prediction, which the published weights do not.)
    [Theory]
    [InlineData(true, Features.ResNet, true, Prediction.Attention, 49_555_182)]
    [InlineData(true, Features.ResNet, true, Prediction.Ctc, 48_858_093)]
    [InlineData(false, Features.Vgg, true, Prediction.Ctc, 8_451_621)]
    [InlineData(false, Features.Rcnn, false, Prediction.Attention, 2_894_246)]
    [InlineData(true, Features.Rcnn, true, Prediction.Ctc, 6_454_157)]
    [InlineData(false, Features.ResNet, false, Prediction.Ctc, 44_282_885)]
    public void It_has_the_published_size(
        bool transformation, Features features, bool sequence, Prediction prediction, long parameters)
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new TextRecogniser(new TextRecogniserOptions(
            transformation, features, sequence, prediction, prediction == Prediction.Ctc ? 37 : 38));
        Assert.Equal(parameters, network.parameters().Sum(p => p.numel()));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Every_combination_reads_and_survives_a_checkpoint(
        bool transformation, Features features, bool sequence, Prediction prediction)
    {
        using DisposeScope scope = NewDisposeScope();
        TextRecogniserOptions options = Small(transformation, features, sequence, prediction);
        var network = new TextRecogniser(options);
        PublishedWeights.Fill(network, SplineTables);
        network.eval();
        Tensor input = PublishedWeights.Input("picture", 2, 1, 32, 100);
        Tensor logits = network.Read(input);
        long steps = prediction == Prediction.Attention ? 5 : features == Features.Vgg ? 24 : 26;
        Assert.Equal([2, steps, options.ClassCount], logits.shape);

        // With DataParallel's prefix.
        var writer = new PyTorchWriter();
        foreach ((string name, Tensor value) in network.state_dict())
        {
            (TensorType type, byte[] bytes, int[] shape) = StateDict.ToBytes(value);
            writer.Add("module." + name, type, bytes, shape);
        }

        TextRecogniser back = TextRecogniser.FromStateDict(StateDict.Read(writer.ToArray()));
        Assert.Equal(options with { MaxLength = 25, Fiducials = transformation ? 6 : 20, HiddenSize = back.Options.HiddenSize }, back.Options);
        Tensor again = back.Read(input);
        Assert.True(allclose(logits, again.slice(1, 0, steps, 1), 1e-5, 1e-6));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Gradients_reach_every_parameter(
        bool transformation, Features features, bool sequence, Prediction prediction)
    {
        using DisposeScope scope = NewDisposeScope();
        TextRecogniserOptions options = Small(transformation, features, sequence, prediction);
        var network = new TextRecogniser(options);
        PublishedWeights.Fill(network, SplineTables);
        var converter = new LabelConverter(prediction, "abcdef");
        (Tensor text, _) = converter.Encode(["abc", "f"], 4);
        network.call(PublishedWeights.Input("picture", 2, 1, 32, 100), prediction == Prediction.Attention ? text : null)
            .log_softmax(2).square().mean().backward();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in network.named_parameters())
            Assert.True(parameter.grad is not null && parameter.grad.isfinite().all().item<bool>(), name);
    }

    public static TheoryData<TextRecogniserOptions, string, float[]> Pinned => new()
    {
        {
            new(false, Features.Vgg, true, Prediction.Ctc, 37), "logits",
            [0.0149336f, 0.0259198f, 0.04786f, -0.107314f, 0.151987f, -0.0900582f]
        },
        {
            new(false, Features.Rcnn, false, Prediction.Attention, 38), "logits",
            [0.0117533f, -0.290741f, -0.00681309f, 0.209659f, -0.204275f, 0.168769f]
        },
        {
            new(true, Features.ResNet, true, Prediction.Attention, 38), "logits",
            [-0.0202952f, -0.0911945f, 0.0471407f, 0.239077f, -0.158422f, 0.152163f]
        },
        {
            new(true, Features.ResNet, true, Prediction.Ctc, 37), "rectified",
            [0.557797f, -0.246278f, -0.0268269f, 0.0176875f, 0.223236f, -0.239096f]
        },
    };

    [Theory]
    [MemberData(nameof(Pinned))]
    public void It_computes_what_the_published_program_does(
        TextRecogniserOptions options, string stage, float[] expected)
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new TextRecogniser(options with { FeatureChannels = 64, HiddenSize = 32 });
        PublishedWeights.Fill(network, SplineTables);
        network.eval();
        using IDisposable guard = no_grad();

        // The rectifier's coordinates are float32 sums of 23 terms of size one to ten: two orders of summation differ by
        // about 1e-5 of half the width, 5e-4 of a pixel, and in noise of -1 ... 1 neighbours differ by up to 2 a pixel.
        PublishedWeights.Equal(
            expected,
            network.Stages(PublishedWeights.Input("picture", 2, 1, 32, 100))[stage],
            tolerance: stage == "rectified" ? 1e-3 : 2e-4);
    }

    [Fact]
    public void Teacher_forcing_with_what_was_written_repeats_it()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new TextRecogniser(Small(false, Features.Vgg, true, Prediction.Attention));
        PublishedWeights.Fill(network);
        network.eval();
        Tensor input = PublishedWeights.Input("picture", 3, 1, 32, 100);
        Tensor greedy = network.Read(input);
        Tensor written = cat([zeros([3, 1], ScalarType.Int64), greedy.argmax(2)], 1);
        Assert.True(allclose(greedy, network.call(input, written), 1e-5, 1e-6));
    }

    [Fact]
    public void The_spline_leaves_a_picture_alone_where_points_stay()
    {
        using DisposeScope scope = NewDisposeScope();
        var spline = new TpsTransformation(6, 8, 20, 1);
        Dictionary<string, Tensor> state = spline.state_dict();
        using (no_grad())
        {
            state["LocalizationNetwork.localization_fc2.bias"].copy_(
                tensor(new[] { -1f, -1, 0, -1, 1, -1, -1, 1, 0, 1, 1, 1 }));
        }

        spline.eval();

        // Corners are aligned but the pixels' middles asked for lie 1/W inside, as published: a slight magnification.
        Tensor ramp = linspace(-1, 1, 20, ScalarType.Float32).expand(1, 1, 8, 20).contiguous();
        Tensor expected = ((arange(20, ScalarType.Float32) * 2 + 1 - 20) / 20).expand(1, 1, 8, 20);
        Assert.True(allclose(expected, spline.call(ramp), 1e-4, 1e-4));
        Assert.Equal([1, 6, 2], spline.BasePoints(ramp).shape);
    }

    [Fact]
    public void Ctc_words_are_encoded_and_read_back()
    {
        using DisposeScope scope = NewDisposeScope();
        var converter = new LabelConverter(Prediction.Ctc, "abc");
        Assert.Equal(4, converter.ClassCount);
        (Tensor text, Tensor length) = converter.Encode(["ab", "c"], 3);
        Assert.Equal([1L, 2, 0, 3, 0, 0], text.flatten().data<long>().ToArray());
        Assert.Equal([2L, 1], length.data<long>().ToArray());

        // a a _ a b b _ : "aab"; two classes share each frame's probability, 0.8 to 0.2.
        RecognisedWord word = converter.Decode(Frames([1, 1, 0, 1, 2, 2, 0], 4))[0];
        Assert.Equal("aab", word.Text);
        Assert.Equal(Math.Pow(0.8, 7), word.Confidence, 4);
        Assert.Equal(new RecognisedWord("", 0), converter.Decode(Frames([0, 0], 4))[0]);
    }

    [Fact]
    public void Attention_words_are_encoded_and_read_to_their_end()
    {
        using DisposeScope scope = NewDisposeScope();
        var converter = new LabelConverter(Prediction.Attention, "abc");
        Assert.Equal(5, converter.ClassCount);
        (Tensor text, Tensor length) = converter.Encode(["ab", ""], 3);
        Assert.Equal([0L, 2, 3, 1, 0, 0, 1, 0, 0, 0], text.flatten().data<long>().ToArray());
        Assert.Equal([3L, 1], length.data<long>().ToArray());

        RecognisedWord word = converter.Decode(Frames([2, 2, 4, 1, 3], 5))[0];
        Assert.Equal("aac", word.Text);
        Assert.Equal(Math.Pow(0.8, 3), word.Confidence, 4);
        Assert.Equal("abc", converter.Decode(Frames([2, 3, 4], 5))[0].Text);
    }

    [Fact]
    public void Unknown_and_too_many_characters_are_refused()
    {
        var converter = new LabelConverter(Prediction.Ctc, TextRecogniserOptions.LowerCase);
        Assert.Equal(37, converter.ClassCount);
        Assert.Equal(96, new LabelConverter(Prediction.Attention, TextRecogniserOptions.CaseSensitive).ClassCount);
        Assert.Throws<ArgumentException>(() => converter.Encode(["A"]));
        Assert.Throws<ArgumentException>(() => converter.Encode([new string('a', 26)]));
        Assert.Throws<ArgumentException>(() => new LabelConverter(Prediction.Ctc, "aa"));
        Assert.Equal(TextRecogniserOptions.LowerCase, TextRecogniserOptions.PublishedCharacters(Prediction.Attention, 38));
        Assert.Null(TextRecogniserOptions.PublishedCharacters(Prediction.Attention, 39));
    }

    // Logits of a picture whose every frame gives one class 0.8 and shares 0.2 among the rest.
    private static Tensor Frames(int[] classes, int count)
    {
        var probabilities = new float[classes.Length * count];
        Array.Fill(probabilities, 0.2f / (count - 1));
        for (int t = 0; t < classes.Length; t++)
            probabilities[t * count + classes[t]] = 0.8f;
        return tensor(probabilities, [1, classes.Length, count]).log();
    }
}
