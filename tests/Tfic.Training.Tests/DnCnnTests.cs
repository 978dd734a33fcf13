using Tfic.Networks;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Tests;

public sealed class DnCnnTests
{
    [Theory]
    [InlineData(DnCnnLayout.DnCnn, 556_096)]
    [InlineData(DnCnnLayout.Kair, 557_057)]
    [InlineData(DnCnnLayout.KairFolded, 555_137)]
    public void It_has_the_published_size(DnCnnLayout layout, long parameters)
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal(parameters, new DnCnn(layout: layout).parameters().Sum(p => p.numel()));
    }

    [Fact]
    public void It_has_the_published_names()
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> state = new DnCnn(depth: 3).state_dict();
        Assert.Equal(
            [
                "dncnn.0.bias", "dncnn.0.weight", "dncnn.2.weight", "dncnn.3.bias", "dncnn.3.num_batches_tracked",
                "dncnn.3.running_mean", "dncnn.3.running_var", "dncnn.3.weight", "dncnn.5.weight",
            ],
            state.Keys.Order(StringComparer.Ordinal));
        string[] folded = [.. new DnCnn(depth: 17, layout: DnCnnLayout.KairFolded).state_dict().Keys];
        Assert.Equal([.. Enumerable.Range(0, 17).SelectMany(i => new[] { $"model.{2 * i}.weight", $"model.{2 * i}.bias" })], folded);
    }

    // Pinned values of this and the other networks: the published program gives the same for these weights and input.
    [Fact]
    public void It_computes_what_the_published_program_does()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new DnCnn(layout: DnCnnLayout.Kair);
        PublishedWeights.Fill(network);
        network.eval();
        Tensor output = network.call(PublishedWeights.Input("x", 1, 1, 40, 56) * 0.5 + 0.5);
        PublishedWeights.Equal([0.0841598f, -0.0850258f, 0.705861f, 0.684045f, 0.18449f, 0.748441f], output);
    }

    [Theory]
    [InlineData(DnCnnLayout.DnCnn)]
    [InlineData(DnCnnLayout.Kair)]
    public void Folding_changes_nothing(DnCnnLayout layout)
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new DnCnn(2, 5, 4, layout);
        PublishedWeights.Fill(network);
        network.eval();
        DnCnn folded = network.Fold();
        Assert.Equal(DnCnnLayout.KairFolded, folded.Layout);
        Tensor x = PublishedWeights.Input("x", 2, 2, 7, 9);
        Assert.True(allclose(network.call(x), folded.call(x), 1e-4, 1e-5));
    }

    [Theory]
    [InlineData(DnCnnLayout.DnCnn)]
    [InlineData(DnCnnLayout.Kair)]
    [InlineData(DnCnnLayout.KairFolded)]
    public void Its_weights_survive_a_checkpoint(DnCnnLayout layout)
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new DnCnn(1, 4, 5, layout);
        PublishedWeights.Fill(network);
        network.eval();
        var writer = new PyTorchWriter();
        StateDict.Add(writer, network);
        DnCnn back = DnCnn.FromStateDict(StateDict.Read(writer.ToArray()));
        Assert.Equal(layout, back.Layout);
        Tensor x = PublishedWeights.Input("x", 1, 1, 8, 8);
        Assert.True(network.call(x).equal(back.call(x)).all().item<bool>());
    }

    [Fact]
    public void Gradients_reach_every_parameter()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new DnCnn(1, 4, 5);
        network.call(rand(2, 1, 8, 8)).square().mean().backward();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in network.named_parameters())
            Assert.True(parameter.grad is not null && parameter.grad.abs().sum().item<float>() > 0, name);
    }

    [Fact]
    public void Weights_of_another_network_are_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        var writer = new PyTorchWriter();
        StateDict.Add(writer, new DnCnn(1, 4, 5));
        IReadOnlyDictionary<string, StoredTensor> tensors = StateDict.Read(writer.ToArray());
        Assert.Throws<TficFormatException>(() => StateDict.Load(new DnCnn(1, 4, 6), tensors));
        Assert.Throws<TficFormatException>(() => StateDict.Load(new DnCnn(1, 5, 5), tensors));
        Assert.Throws<TficFormatException>(() => DnCnn.FromStateDict(new Dictionary<string, StoredTensor>()));
    }
}
