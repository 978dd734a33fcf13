using Tfic.Networks;
using Tfic.Training.Networks;
using Tfic.Training.Networks.Detection;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Tests;

public sealed class CraftTests
{
    [Fact]
    public void It_has_the_published_names_shapes_and_size()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new Craft();
        PublishedWeights.HasPublishedNames("craft.names.txt", network);
        Assert.Equal(20_770_466, network.parameters().Sum(p => p.numel()));
    }

    [Fact]
    public void It_computes_what_the_published_program_does()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new Craft();
        PublishedWeights.Fill(network);
        network.eval();
        using IDisposable guard = no_grad();
        Tensor scores = network.call(PublishedWeights.Input("picture", 1, 3, 64, 96));
        PublishedWeights.Equal([-0.041714f, -0.0654847f, -0.0327301f, -0.0398617f, -0.0559054f, 0.0421131f], scores);
    }

    [Fact]
    public void It_scores_at_half_the_size_and_survives_a_checkpoint()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new Craft(8);
        PublishedWeights.Fill(network);
        network.eval();
        Tensor input = PublishedWeights.Input("picture", 1, 3, 64, 96);
        (Tensor scores, Tensor features) = network.Run(input);
        Assert.Equal([1, 32, 48, 2], scores.shape);
        Assert.Equal([1, 4, 32, 48], features.shape);

        var writer = new PyTorchWriter();
        StateDict.Add(writer, network);
        IReadOnlyDictionary<string, StoredTensor> state = StateDict.Read(writer.ToArray());
        Assert.Contains("basenet.slice4.37.weight", state.Keys);
        Assert.Contains("upconv4.conv.3.weight", state.Keys);
        Assert.True(CraftDetector.Fits(state));
        Assert.True(scores.equal(Craft.FromStateDict(state).call(input)).all().item<bool>());
    }

    [Fact]
    public void Gradients_reach_every_parameter()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new Craft(4);
        network.call(rand(2, 3, 32, 32)).square().mean().backward();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in network.named_parameters())
            Assert.True(parameter.grad is not null && parameter.grad.isfinite().all().item<bool>(), name);
    }

    [Theory]
    [InlineData(8, 64, 96)]
    [InlineData(4, 16, 16)]
    [InlineData(12, 208, 48)]
    [InlineData(64, 64, 64)]
    public void The_core_computes_what_torch_does(int width, int height, int columns)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        Craft network = Filled(width);
        Tensor input = PublishedWeights.Input("picture", 1, 3, height, columns) * 2;
        (Tensor scores, Tensor features) = network.Run(input);
        CraftDetector own = CraftDetector.Load(State(network));
        foreach (int threads in new[] { 1, 2 })
        {
            ReadOnlySpan<float> found = own.Run(
                Values(input.permute(0, 2, 3, 1)), height, columns, new Workspace(threads),
                out ReadOnlySpan<float> foundFeatures);
            Close(Values(scores), found);
            Close(Values(features.permute(0, 2, 3, 1)), foundFeatures);
        }
    }

    [Fact]
    public void It_runs_on_tensors_as_torch_does()
    {
        using DisposeScope scope = NewDisposeScope();
        var writer = new PyTorchWriter();
        StateDict.Add(writer, Filled(8));
        byte[] weights = writer.ToArray();
        var input = new SafetensorsWriter();
        input.AddFloat32("input", Values(PublishedWeights.Input("picture", 1, 3, 32, 64)), 1, 3, 32, 64);
        IReadOnlyDictionary<string, StoredTensor> inputs = SafetensorsFile.Read(input.ToArray()).Tensors;
        IReadOnlyDictionary<string, (float[] Values, int[] Shape)> deployed = NetworkRun.Deployed(weights, inputs)!;
        IReadOnlyDictionary<string, Tensor> reference = NetworkRun.Reference(weights, inputs);
        Assert.Equal(["features", "scores"], deployed.Keys.Order(StringComparer.Ordinal));
        foreach ((string name, (float[] values, int[] shape)) in deployed)
        {
            Assert.Equal(reference[name].shape, Array.ConvertAll(shape, size => (long)size));
            Close(Values(reference[name]), values);
        }
    }

    [Fact]
    public void Bands_give_the_scores_of_the_whole()
    {
        using DisposeScope scope = NewDisposeScope();
        DetectorModel own = CraftDetector.Load(State(Filled(16)));
        const int Width = 30, Height = 900;
        var noise = new Random(1);
        float[] grey = [.. Enumerable.Range(0, Width * Height).Select(_ => noise.NextSingle())];
        int size = DetectorModel.MapSize(Width) * DetectorModel.MapSize(Height);
        float[] region = new float[size], affinity = new float[size], region2 = new float[size], affinity2 = new float[size];
        own.Score(grey, Width, Height, new Workspace(), region, affinity, bandPixels: 32 * Height * 2);
        own.Score(grey, Width, Height, new Workspace(), region2, affinity2, bandPixels: 32 * 96);
        Assert.Equal(region, region2);
        Assert.Equal(affinity, affinity2);
        Assert.True(region.Distinct().Count() > 1000);

        // The same as torch's of the picture padded by its edge.
        using IDisposable guard = no_grad();
        var padded = new float[3 * 32 * 912];
        for (int i = 0; i < padded.Length; i++)
            padded[i] = grey[Math.Min(i / 32 % 912, Height - 1) * Width + Math.Min(i % 32, Width - 1)];
        float[] scores = Values(Filled(16).call(Craft.Normalise(tensor(padded, [1, 3, 912, 32]))));
        var expected = new float[2 * size];
        for (int i = 0; i < expected.Length; i++)
            expected[i] = scores[(i / 2 / 15 * 16 + i / 2 % 15) * 2 + i % 2];
        Close(expected, [.. region.Zip(affinity).SelectMany(pair => (float[])[pair.First, pair.Second])]);
    }

    [Fact]
    public void Weights_of_another_network_are_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        var state = new Dictionary<string, StoredTensor>(State(Filled(4)), StringComparer.Ordinal);
        foreach (string name in (string[])["basenet.slice5.1.bias", "upconv2.conv.4.running_var", "conv_cls.8.weight"])
        {
            StoredTensor before = state[name];
            state.Remove(name);
            Assert.Throws<TficFormatException>(() => CraftDetector.Load(state));
            state[name] = before;
        }

        Assert.Throws<TficFormatException>(() => CraftDetector.Load(new Dictionary<string, StoredTensor>()));
    }

    private static Craft Filled(int width)
    {
        var network = new Craft(width);
        PublishedWeights.Fill(network);
        network.eval();
        return network;
    }

    private static IReadOnlyDictionary<string, StoredTensor> State(Craft network)
    {
        var writer = new PyTorchWriter();
        StateDict.Add(writer, network);
        return StateDict.Read(writer.ToArray());
    }

    private static float[] Values(Tensor x) => x.contiguous().data<float>().ToArray();

    /// <summary>Within 1e-4 of the range of what is expected.</summary>
    private static void Close(float[] expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        float range = expected.Max() - expected.Min();
        Assert.True(range > 0, "Nothing was computed.");
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= 1e-4f * range, $"{expected[i]} and {actual[i]} at {i}.");
    }
}
