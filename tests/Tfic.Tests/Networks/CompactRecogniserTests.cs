using Tfic.Networks;

namespace Tfic.Tests.Networks;

public sealed class CompactRecogniserTests
{
    private static readonly CompactRecogniser s_model =
        (CompactRecogniser)RecogniserModel.Load(RandomModels.Recogniser(seed: 21));

    [Theory]
    [InlineData(4)]
    [InlineData(36)]
    [InlineData(64)]
    public void The_logits_are_those_of_the_network(int width)
    {
        var random = new Random(width);
        var input = new float[32 * width];
        for (int i = 0; i < input.Length; i++)
            input[i] = (float)(2 * random.NextDouble() - 1);
        ReadOnlySpan<float> logits = s_model.Logits(input, width, new Workspace());

        SafetensorsFile file = s_model.File;
        PlainTensor x = PlainTensor.FromInterleaved(input, 1, 32, width);
        x = x.Convolve(file, "conv0", 2).Relu().Convolve(file, "conv1").Relu().MaxPool(2, 2);
        x = x.Convolve(file, "conv2").Relu();
        x = x.Plus(x.Convolve(file, "conv3")).Relu().MaxPool(2, 1);
        x = x.Convolve(file, "conv4").Relu().MaxPool(2, 1).Convolve(file, "conv5").Relu();
        x = x.Convolve(file, "conv6", padding: (0, 0)).Relu();
        foreach (string name in new[] { "seq0", "seq1", "seq2" })
            x = x.Plus(x.Convolve(file, name).Relu());
        x = x.Convolve(file, "head");

        Assert.Equal((96, 1, width / 4), (x.Channels, x.Height, x.Width));
        PlainTensor actual = PlainTensor.FromInterleaved(logits, 96, 1, width / 4);
        double largest = x.Values.Max(Math.Abs);
        Assert.True(largest > 0.01);
        Assert.InRange(x.Values.Zip(actual.Values, (a, b) => Math.Abs(a - b)).Max(), 0, 1e-5 * largest);
    }

    [Fact]
    public void Threads_and_used_workspaces_do_not_change_the_logits()
    {
        var used = new Workspace(threads: 3);
        foreach (int width in new[] { 300, 4, 256, 128 })
        {
            float[] input = [.. Enumerable.Range(0, 32 * width).Select(i => MathF.Sin(i * 0.37f))];
            Assert.Equal(
                s_model.Logits(input, width, new Workspace()).ToArray(), s_model.Logits(input, width, used).ToArray());
        }
    }

    [Fact]
    public void Wrong_inputs_are_refused()
    {
        Assert.Throws<ArgumentException>(() => s_model.Logits(new float[32 * 6], 6, new Workspace()).Length);
        Assert.Throws<ArgumentException>(() => s_model.Logits([], 0, new Workspace()).Length);
        Assert.Throws<ArgumentException>(() => s_model.Logits(new float[127], 4, new Workspace()).Length);
    }

    [Fact]
    public void A_file_that_is_something_else_is_refused_with_the_reason()
    {
        static string MessageFor(Action<SafetensorsWriter> change) => Assert.Throws<TficFormatException>(
            () => RecogniserModel.Load(RandomModels.Recogniser(1, change))).Message;

        Assert.Contains("recogniser model is needed", MessageFor(w => w.SetMetadata("tfic", "codec 1")));
        Assert.Contains("newer program", MessageFor(w => w.SetMetadata("tfic", "recogniser 2")));
        Assert.Contains("newer program", MessageFor(w => w.SetMetadata("profile", "trba")));
        Assert.Contains("charset", MessageFor(w => w.SetMetadata("charset", "")));
        Assert.Contains("head.weight", MessageFor(w => w.SetMetadata("charset", "abc")));
        Assert.Contains(
            "codec model is needed",
            Assert.Throws<TficFormatException>(() => CodecModel.Load(RandomModels.Recogniser(1))).Message);
        Assert.Throws<TficFormatException>(() => RecogniserModel.Load(new byte[100]));
        Assert.Throws<TficFormatException>(() => RecogniserModel.Load(new MemoryStream()));
    }

    [Fact]
    public void Characters_beyond_the_basic_plane_count_once()
    {
        string charset = RandomModels.Charset[..^1] + "\U0001F600";
        RecogniserModel model = RecogniserModel.Load(
            RandomModels.Recogniser(1, w => w.SetMetadata("charset", charset)));
        Assert.Equal(96, model.ClassCount);
        Assert.Equal("\U0001F600", model.Characters[^1]);
    }
}
