using Tfic.Imaging;
using Tfic.Kernels;
using Tfic.Networks;
using Tfic.Networks.Recognition;
using Tfic.Profiling;
using Tfic.Reading;
using Tfic.Tests.Kernels;

namespace Tfic.Tests.Networks;

[Collection(VariantChoiceCollection.Name)]
public sealed class TextRecogniserModelTests
{
    private const int Width = 100, Pixels = 32 * Width;

    public static TheoryData<bool, Features, bool, Prediction> Kinds => new()
    {
        { true, Features.ResNet, true, Prediction.Attention },
        { false, Features.Rcnn, true, Prediction.Ctc },
        { true, Features.Vgg, false, Prediction.Ctc },
        { false, Features.Vgg, false, Prediction.Attention },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Rows_threads_neighbours_and_used_workspaces_do_not_change_the_logits(
        bool transformation, Features features, bool sequence, Prediction prediction)
    {
        TextRecogniserModel model = Load(transformation, features, sequence, prediction);
        const int Lines = 3;
        float[] input = Input(Lines);
        int each = model.Steps(Width) * model.ClassCount;
        Assert.Equal(prediction == Prediction.Attention ? 26 : features == Features.Vgg ? 24 : 26, model.Steps(Width));
        float[] expected = Forced("reference", () => model.Logits(input, Width, Lines, new Workspace()).ToArray());
        Assert.Equal(Lines * each, expected.Length);
        Assert.NotEqual(expected[..each], expected[each..(2 * each)]);

        foreach (string row in new[] { "vector128", "vector256", "vector512" })
        {
            if (CanForce(row))
                Assert.Equal(expected, Forced(row, () => model.Logits(input, Width, Lines, new Workspace()).ToArray()));
        }

        var workspace = new Workspace(threads: 3);
        Assert.Equal(expected, model.Logits(input, Width, Lines, workspace).ToArray());
        for (int line = Lines - 1; line >= 0; line--)
        {
            Assert.Equal(
                expected[(line * each)..((line + 1) * each)],
                model.Logits(input.AsSpan(line * Pixels, Pixels), Width, 1, workspace).ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Nothing_of_size_is_allocated_once_a_word_has_been_read(
        bool transformation, Features features, bool sequence, Prediction prediction)
    {
        TextRecogniserModel model = Load(transformation, features, sequence, prediction);
        var workspace = new Workspace();
        float[] input = Input(1);
        model.Logits(input, Width, 1, workspace);
        long before = GC.GetAllocatedBytesForCurrentThread();
        model.Logits(input, Width, 1, workspace);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Widths_are_free_only_where_nothing_is_rectified()
    {
        TextRecogniserModel free = Load(false, Features.ResNet, false, Prediction.Ctc);
        Assert.Equal(11 * 37, free.Logits(new float[32 * 40], 40, 1, new Workspace()).Length);
        Assert.Throws<ArgumentException>(() => free.Logits(new float[32 * 39], 40, 1, new Workspace()).Length);
        TextRecogniserModel vgg = Load(false, Features.Vgg, false, Prediction.Ctc);
        Assert.Throws<ArgumentException>(() => vgg.Logits(new float[32 * 7], 7, 1, new Workspace()).Length);
        TextRecogniserModel rectified = Load(true, Features.Vgg, false, Prediction.Ctc);
        Assert.Throws<ArgumentException>(() => rectified.Logits(new float[32 * 96], 96, 1, new Workspace()).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => rectified.Logits([], Width, 0, new Workspace()).Length);
    }

    [Theory]
    [InlineData(Prediction.Ctc)]
    [InlineData(Prediction.Attention)]
    public void A_word_is_read_as_the_network_and_the_published_rules_say(Prediction prediction)
    {
        TextRecogniserModel model = Load(true, Features.Vgg, true, prediction);
        Picture picture = RandomModels.Picture(141, 37, 3, seed: 4);
        ReadLine read = new LineReader(model).Read(picture);

        // The same by hand, on a picture that is resized and rounded in one direction, then in the other.
        Picture grey = PictureConversion.ToGrey(picture);
        float[] across = Resize(Array.ConvertAll(grey.Samples, s => (float)s), 141, 37, Width, alongRows: true);
        float[] input = Array.ConvertAll(Resize(across, Width, 37, 32, alongRows: false), v => v / 127.5f - 1f);
        float[][] steps = [.. model.Logits(input, Width, 1, new Workspace()).ToArray().Chunk(model.ClassCount)];
        string expected = "";
        double confidence = 1;
        int previous = -1;
        foreach (float[] scores in steps)
        {
            int best = Array.IndexOf(scores, scores.Max());
            if (prediction == Prediction.Attention && best == 1)
                break;
            confidence *= 1 / scores.Sum(score => Math.Exp((double)score - scores[best]));
            int first = prediction == Prediction.Ctc ? 1 : 2;
            if (best >= first && !(prediction == Prediction.Ctc && best == previous))
                expected += TextRecogniserOptions.LowerCase[best - first];
            previous = best;
        }

        Assert.NotEmpty(expected);
        Assert.Equal(expected, read.Text);
        Assert.Equal(confidence, read.Confidence, 1e-12);
        Assert.All(read.Characters, character => Assert.InRange(character.Column, 0, 141));
    }

    [Fact]
    public void Stages_are_told_apart_and_their_work_is_counted()
    {
        var clock = new StageClock();
        TextRecogniserModel model = Load(true, Features.ResNet, true, Prediction.Attention);
        var reader = new LineReader(model, clock: clock);
        clock.Start();
        reader.Read(RandomModels.Picture(90, 30, 1, seed: 1));
        Stage[] stages = [Stage.Resize, Stage.Rectify, Stage.Features, Stage.Sequence, Stage.Predict];
        Assert.Equal(stages, clock.Spans.Select(span => span.Stage));
        Assert.Equal(stages[1..], reader.Work(90, 30).Keys);
        Assert.All(reader.Work(90, 30).Values, work => Assert.True(work.Float32 > 0));
    }

    [Fact]
    public void The_published_size_has_the_published_work()
    {
        // Table of the paper (Baek et al. 2019): 10.9 GFLOPs, two for a multiply-add, of TPS-ResNet-BiLSTM-Attn.
        long total = TextRecogniserModel.Random(new TextRecogniserOptions(), 1).Work(Width).Values.Sum(work => work.Total);
        Assert.InRange(total, 5.2e9, 5.7e9);
    }

    [Fact]
    public void Weights_that_do_not_fit_are_refused_with_the_reason()
    {
        byte[] file = File(true, Features.Vgg, true, Prediction.Attention);
        string Message(Func<StoredTensor, float[]?> change, string? charset = null) =>
            Assert.Throws<TficFormatException>(() => RecogniserModel.Load(Changed(file, change, charset))).Message;

        Assert.IsType<TextRecogniserModel>(RecogniserModel.Load(new MemoryStream(file)));
        Assert.Contains("Prediction.generator.weight", Message(t => t.Name == "Prediction.generator.weight" ? [] : null));
        Assert.Contains("not finite", Message(
            t => t.Name == "FeatureExtraction.ConvNet.12.running_var" ? Enumerable.Repeat(-1f, t.Count).ToArray() : null));
        Assert.Contains("characters", Message(_ => null, "abc"));
        Assert.Contains("no words", Message(t => t.Name == "Transformation.GridGenerator.P_hat" ? [1, 2, 3] : null));
        Assert.Equal("B", ((TextRecogniserModel)RecogniserModel.Load(Changed(
            file, _ => null, "AB" + TextRecogniserOptions.LowerCase[2..]))).Characters[1]);
    }

    /// <summary>Whether every kernel that has the row can run it here.</summary>
    private static bool CanForce(string row) => KernelTables.All.SelectMany(table => table.Variants)
        .Where(variant => variant.Name == row).All(variant => variant.IsSupported);

    private static T Forced<T>(string row, Func<T> run)
    {
        VariantChoice before = VariantChoice.Current;
        VariantChoice.Current = VariantChoice.Parse(row);
        try
        {
            return run();
        }
        finally
        {
            VariantChoice.Current = before;
        }
    }

    private static TextRecogniserModel Load(
        bool transformation, Features features, bool sequence, Prediction prediction) =>
        (TextRecogniserModel)RecogniserModel.Load(File(transformation, features, sequence, prediction));

    private static byte[] File(bool transformation, Features features, bool sequence, Prediction prediction) =>
        RandomTextRecogniser.File(
            new TextRecogniserOptions(transformation, features, sequence, prediction, prediction == Prediction.Ctc ? 37 : 38)
            {
                FeatureChannels = 32,
                HiddenSize = 18,
            },
            seed: 7);

    /// <summary>The file with tensors' values changed; those without values are left out.</summary>
    private static byte[] Changed(byte[] file, Func<StoredTensor, float[]?> change, string? charset)
    {
        var writer = new SafetensorsWriter();
        if (charset is not null)
            writer.SetMetadata("charset", charset);
        foreach (StoredTensor tensor in SafetensorsFile.Read(file).Tensors.Values)
        {
            float[] values = change(tensor) ?? tensor.ToFloat();
            if (values.Length > 0)
                writer.AddFloat32(tensor.Name, values, values.Length == tensor.Count ? tensor.Shape : [1, values.Length]);
        }

        return writer.ToArray();
    }

    private static float[] Input(int lines) =>
        [.. Enumerable.Range(0, lines * Pixels).Select(i => MathF.Sin(i * (0.11f + 0.07f * (i / Pixels)) + i % Width))];

    /// <summary>Keys' cubic, antialiased, rounded, from its definition.</summary>
    private static float[] Resize(float[] samples, int width, int height, int size, bool alongRows)
    {
        int from = alongRows ? width : height, across = alongRows ? height : width;
        double scale = (double)from / size, unit = Math.Max(1, scale);
        var result = new float[size * across];
        for (int o = 0; o < size; o++)
        {
            double[] weights =
            [
                .. Enumerable.Range(0, from).Select(i => Math.Abs(i + 0.5 - (o + 0.5) * scale) / unit).Select(x =>
                    x < 1 ? 1.5 * x * x * x - 2.5 * x * x + 1 : x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0),
            ];
            for (int other = 0; other < across; other++)
            {
                double sum = 0;
                for (int i = 0; i < from; i++)
                    sum += weights[i] * samples[alongRows ? other * width + i : i * width + other];
                double value = Math.Clamp(Math.Floor(sum / weights.Sum() + 0.5), 0, 255);
                result[alongRows ? other * size + o : o * width + other] = (float)value;
            }
        }

        return result;
    }
}
