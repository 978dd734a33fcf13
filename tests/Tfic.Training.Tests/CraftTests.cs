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
        Assert.True(Craft.Fits(state));
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
}
