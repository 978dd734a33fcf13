using Tfic.Networks;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Tests;

/// <summary>DnCNN in TorchSharp and on the core's kernels.</summary>
public sealed class RestorerExportTests : TorchTests
{
    [SkippableTheory]
    [InlineData(DnCnnLayout.DnCnn, 64, 17, 40, 24)]
    [InlineData(DnCnnLayout.Kair, 7, 4, 33, 70)]
    [InlineData(DnCnnLayout.KairFolded, 16, 2, 9, 1)]
    public void TheCoreComputesWhatTorchDoes(DnCnnLayout layout, int features, int depth, int width, int height)
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new DnCnn(1, features, depth, layout);
        PublishedWeights.Fill(network);
        network.eval();
        string path = Path.GetTempFileName();
        try
        {
            RestorerExport.Write(network, path, new Dictionary<string, string> { ["name"] = "d1", ["seed"] = "3" });
            DnCnnRestorer model = Assert.IsType<DnCnnRestorer>(RestorerModel.Load(File.ReadAllBytes(path)));
            Assert.Equal((depth, features, "d1", "3"), (model.Depth, model.Features, model.Name, model.File.Metadata["seed"]));

            Tensor input = PublishedWeights.Input("x", 1, 1, height, width) * 0.5 + 0.5;
            var output = new float[width * height];
            model.Restore(input.data<float>().ToArray(), width, height, new Workspace(), output, exact: true);

            // Rounded to float16 as the file's, the same network; as it was, its output within what that rounding costs.
            Module<Tensor, Tensor> back = RestorerExport.Read(model.File);
            Assert.False(back.training);
            Tensor expected = back.call(input).clamp(0, 1);
            Assert.True(expected.std().item<float>() > 0.01);
            Tensor actual = tensor(output, expected.shape);
            Assert.True(allclose(expected, actual, 0, 1e-4), $"{(expected - actual).abs().max().item<float>()}");
            Assert.True(allclose(network.call(input).clamp(0, 1), actual, 0, 1e-2));
        }
        finally
        {
            File.Delete(path);
        }
    }

    // Sides of whole blocks, and others, which paper fills up.
    [SkippableTheory]
    [InlineData(256, 12, 40, 24)]
    [InlineData(7, 1, 33, 70)]
    [InlineData(16, 3, 9, 1)]
    public void TheCoreComputesWhatTorchDoesForTheCompactOne(int features, int blocks, int width, int height)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        random.manual_seed(4);
        var network = new CompactRestorerNetwork(features, blocks);

        // Statistics that are not the identity.
        network.train();
        network.call(rand(2, 1, 48, 64));
        network.eval();
        string path = Path.GetTempFileName();
        try
        {
            RestorerExport.Write(network, path, new Dictionary<string, string> { ["name"] = "d2", ["input"] = "page" });
            CompactRestorer model = Assert.IsType<CompactRestorer>(RestorerModel.Load(File.ReadAllBytes(path)));
            Assert.Equal((blocks, features, "d2", true), (model.Depth, model.Features, model.Name, model.SeesPage));

            Tensor input = PublishedWeights.Input("x", 1, 1, height, width) * 0.5 + 0.5;
            var output = new float[width * height];
            model.Restore(input.data<float>().ToArray(), width, height, new Workspace(), output, exact: true);

            Module<Tensor, Tensor> back = RestorerExport.Read(model.File);
            Assert.False(back.training);
            Tensor expected = back.call(input).clamp(0, 1);
            Assert.True((expected - input).abs().max().item<float>() > 0.01);
            Tensor actual = tensor(output, expected.shape);
            Assert.True(allclose(expected, actual, 0, 1e-4), $"{(expected - actual).abs().max().item<float>()}");
            Assert.True(allclose(network.call(input).clamp(0, 1), actual, 0, 1e-2));
            Assert.True(allclose(network.Fold().call(input), network.call(input), 0, 1e-4));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [SkippableFact]
    public void NetworksForColourAreRefused()
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => RestorerExport.Write(
            new DnCnn(3, 4, 3), Path.Combine(Path.GetTempPath(), "never.safetensors"), new Dictionary<string, string>()));
    }
}
