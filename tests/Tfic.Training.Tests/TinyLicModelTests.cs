using Tfic.Kernels.Activation;
using Tfic.Kernels.Convolution;
using Tfic.Kernels.Normalisation;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;
using Tfic.Networks.TinyLic;
using Tfic.Training.Networks;
using Tfic.Training.Networks.TinyLic;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Tests;

/// <summary>TinyLIC on the core against the network that torch runs, layer by layer and as a whole.</summary>
public sealed class TinyLicModelTests
{
    // What constructors compute, and what has a meaning that random numbers would spoil.
    private static readonly string[] Kept = ["mask", "entropy_bottleneck", "gaussian_conditional"];

    private static readonly TinyLicOptions Small = new(16, 24) { Depths = [1, 1, 2, 1, 1, 1], Heads = [2, 3, 4, 6, 2, 2] };

    public TinyLicModelTests() => random.manual_seed(1);

    [Theory]
    [InlineData(9, 20, 7)]
    [InlineData(7, 7, 7)]
    [InlineData(3, 12, 7)]
    [InlineData(8, 1, 7)]
    [InlineData(2, 2, 3)]
    [InlineData(1, 1, 7)]
    [InlineData(5, 3, 3)]
    public void A_group_of_attention_is_torchs(int height, int width, int window)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        const int Channels = 20, Heads = 5;
        var group = new ResidualAttention(Channels, Heads, window, [0, 0.1]);
        PublishedWeights.Fill(group);
        group.eval();
        Tensor input = PublishedWeights.Input("x", 1, Channels, height, width);
        float[] expected = Interleaved(group.call(input));
        Dictionary<string, StoredTensor> state =
            State(group).ToDictionary(pair => "g." + pair.Key, pair => pair.Value, StringComparer.Ordinal);
        var own = new AttentionGroup(
            Tfic.Networks.PublishedWeights.Of(state), "g", Channels, Heads, window, depth: 2);
        foreach (int threads in new[] { 1, 3 })
        {
            float[] plane = Interleaved(input);
            own.Run(plane, height, width, new float[plane.Length], new Workspace(threads));
            Close(expected, plane);
        }
    }

    [Fact]
    public void Elementary_layers_are_torchs()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        Tensor x = PublishedWeights.Input("x", 50, 320) * 8;
        float[] own = Values(x);
        Gelu.Run(own);
        Close(Values(nn.functional.gelu(x)), own);

        Tensor factor = PublishedWeights.Input("factor", 320), bias = PublishedWeights.Input("bias", 320);
        own = new float[x.numel()];
        LayerNorm.Run(Values(x), Values(factor), Values(bias), own);
        Close(Values(nn.functional.layer_norm(x, [320], factor, bias, 1e-5)), own);

        foreach (int kernel in new[] { 3, 5 })
        {
            using TorchSharp.Modules.ConvTranspose2d layer = nn.ConvTranspose2d(6, 17, kernel, 2, kernel / 2, 1);
            Tensor input = PublishedWeights.Input("y", 1, 6, 5, 9);
            var transposed = new TransposedConv2d(Values(layer.weight), Values(layer.bias!), 6, kernel);
            own = new float[4 * 45 * 17];
            transposed.Run(Interleaved(input), 5, 9, own, new float[45 * 17]);
            Close(Interleaved(layer.call(input)), own);
        }
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(64, 192)]
    [InlineData(128, 128)]
    public void Every_part_is_torchs(int height, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        TinyLicNetwork network = Fixed(new TinyLicNetwork(Small));
        Check(network, height, width);
    }

    [Fact]
    public void It_is_torchs_at_the_published_size()
    {
        using DisposeScope scope = NewDisposeScope();
        Check(Fixed(new TinyLicNetwork()), 64, 64);
    }

    [Fact]
    public void Pictures_come_back_as_torch_decodes_them()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        TinyLicNetwork network = Fixed(new TinyLicNetwork(Small));
        network.Update();
        TinyLicModel model = TinyLicModel.Load(State(network));
        var picture = new Imaging.Picture(100, 60, 3);
        for (int i = 0; i < picture.Samples.Length; i++)
            picture.Samples[i] = (byte)(i * 37 / 11 % 256);
        var workspace = new Workspace();
        TinyLicStreams code = model.Encode(picture, workspace);
        Imaging.Picture decoded = model.Decode(code, workspace);

        // The edge repeated to 64 × 128.
        var padded = new float[3 * 64 * 128];
        for (int i = 0; i < padded.Length; i++)
        {
            (int y, int x) = (Math.Min(i / 3 / 128, 59), Math.Min(i / 3 % 128, 99));
            padded[i] = picture.Samples[3 * (y * 100 + x) + i % 3] / 255f;
        }

        Tensor input = tensor(padded, [1, 64, 128, 3]).permute(0, 3, 1, 2).contiguous();
        TinyLicCode expected = network.Compress(input);
        float[] samples = Interleaved(network.Decompress(expected));
        for (int y = 0; y < 60; y++)
        {
            for (int x = 0; x < 300; x++)
                Assert.Equal(255 * samples[y * 384 + x], decoded.Row(y)[x], 0.6);
        }

        // The same tables and the same symbols but for their order in z: as many bits, to a few.
        Assert.Equal(expected.Latent.Length, code.Latent.Length, 4.0);
        Assert.Equal(expected.Hyper.Length, code.Hyper.Length, 4.0);
        byte[] damaged = [.. code.Latent];
        damaged[damaged.Length / 2] ^= 0x55;
        try
        {
            Assert.Equal(100, model.Decode(code with { Latent = damaged }, workspace).Width);
        }
        catch (TficFormatException)
        {
        }
    }

    [Fact]
    public void Tables_are_made_where_none_are_stored()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        var weights = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        var bottleneck = new Networks.CompressAI.EntropyBottleneck(3);
        bottleneck.get_parameter("quantiles")!.copy_(
            tensor(new[] { -20f, 0.3f, 18, -15, 0, 15.1f, -18, -2, 19 }, [3, 1, 3]));
        foreach ((string name, StoredTensor tensor) in State(bottleneck))
            weights["prior." + name] = tensor;
        bottleneck.Update();
        FrequencyTables own =
            new FactorisedPrior(Tfic.Networks.PublishedWeights.Of(weights), "prior", 3).Tables;
        SameTables(bottleneck.Tables, own);

        var conditional = new Networks.CompressAI.GaussianConditional();
        conditional.Update();
        SameTables(conditional.Tables, PublishedTables.Gaussian(Values(conditional.get_buffer("scale_table")!)));
    }

    [Fact]
    public void It_runs_on_tensors_as_torch_does()
    {
        using DisposeScope scope = NewDisposeScope();
        var writer = new PyTorchWriter();
        StateDict.Add(writer, Fixed(new TinyLicNetwork(Small)));
        byte[] weights = writer.ToArray("state_dict");
        var input = new SafetensorsWriter();
        input.AddFloat32("input", Values(PublishedWeights.Input("picture", 1, 3, 64, 128) * 0.5 + 0.5), 1, 3, 64, 128);
        IReadOnlyDictionary<string, StoredTensor> inputs = SafetensorsFile.Read(input.ToArray()).Tensors;
        IReadOnlyDictionary<string, (float[] Values, int[] Shape)> deployed = NetworkRun.Deployed(weights, inputs)!;
        IReadOnlyDictionary<string, Tensor> reference = NetworkRun.Reference(weights, inputs);
        Assert.Equal(["params", "x_hat", "y", "y_hat", "z", "z_hat"], deployed.Keys.Order(StringComparer.Ordinal));
        foreach ((string name, (float[] values, int[] shape)) in deployed)
        {
            Assert.Equal(reference[name].shape, Array.ConvertAll(shape, size => (long)size));
            Close(Values(reference[name]), values);
        }

        var wrong = new SafetensorsWriter();
        wrong.AddFloat32("input", new float[3 * 64 * 63], 1, 3, 64, 63);
        Assert.Throws<TficFormatException>(
            () => NetworkRun.Deployed(weights, SafetensorsFile.Read(wrong.ToArray()).Tensors));
    }

    [Fact]
    public void Weights_of_another_network_are_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, StoredTensor> state = new(State(new TinyLicNetwork(Small)), StringComparer.Ordinal);
        Assert.True(TinyLicModel.Fits(state));
        Assert.NotNull(TinyLicModel.Load(state));
        StoredTensor small = state["g_a0.bias"];
        foreach (string name in new[] { "g_a0.weight", "g_s7.bias", "h_s2.residual_group.blocks.0.norm1.weight", "sc_transform_5.mask" })
        {
            StoredTensor before = state[name];
            state.Remove(name);
            Assert.Throws<TficFormatException>(() => TinyLicModel.Load(state));
            state[name] = small;
            Assert.Throws<TficFormatException>(() => TinyLicModel.Load(state));
            state[name] = before;
        }

        // Scales that do not rise, and no distribution for z.
        var scales = new SafetensorsWriter();
        scales.AddFloat32("gaussian_conditional.scale_table", [0.11f, 0.5f, 0.5f], 3);
        state["gaussian_conditional.scale_table"] =
            SafetensorsFile.Read(scales.ToArray()).Tensors["gaussian_conditional.scale_table"];
        Assert.Throws<TficFormatException>(() => TinyLicModel.Load(state));
        state.Remove("gaussian_conditional.scale_table");
        Assert.NotNull(TinyLicModel.Load(state));
        state.Remove("entropy_bottleneck.quantiles");
        Assert.Throws<TficFormatException>(() => TinyLicModel.Load(state));

        Assert.False(TinyLicModel.Fits(new Dictionary<string, StoredTensor>()));
        Assert.Throws<TficFormatException>(() => TinyLicModel.Load(new Dictionary<string, StoredTensor>()));
    }

    /// <summary>
    /// The same but for what single and double precision round to and, scaled, round down to; the escape has the sum.
    /// </summary>
    private static void SameTables(FrequencyTables expected, FrequencyTables actual)
    {
        Assert.Equal(expected.Centres.ToArray(), actual.Centres.ToArray());
        Assert.Equal(expected.Lengths.ToArray(), actual.Lengths.ToArray());
        int at = 0;
        foreach (int length in expected.Lengths)
        {
            for (int symbol = 0; symbol < length; symbol++, at++)
            {
                int off = Math.Abs(expected.Frequencies[at] - actual.Frequencies[at]);
                Assert.InRange(off, 0, symbol == length - 1 ? length : 2);
            }
        }
    }

    private static void Check(TinyLicNetwork network, int height, int width)
    {
        using IDisposable guard = no_grad();
        TinyLicModel model = TinyLicModel.Load(State(network));
        Tensor picture = PublishedWeights.Input("picture", 1, 3, height, width) * 0.5 + 0.5;
        TinyLicPass pass = network.call(picture);
        (int rows, int columns) = (height / 16, width / 16);
        foreach (int threads in new[] { 1, 2 })
        {
            var workspace = new Workspace(threads);
            float[] expected = Interleaved(pass.Latents["y"]);
            var y = new float[expected.Length];
            model.Analysis(Interleaved(picture), height, width, workspace, y);
            Close(expected, y);

            // From here on each part gets what torch's part got, since a value that is rounded otherwise spoils all else.
            y = expected;
            expected = Interleaved(pass.Latents["z"]);
            var z = new float[expected.Length];
            model.HyperAnalysis(y, rows, columns, workspace, z);
            Close(expected, z);
            z = expected;
            model.QuantiseHyper(z);
            expected = Interleaved(pass.Latents["z_hat"]);
            Close(expected, z);
            z = expected;
            expected = Interleaved(pass.Latents["params"]);
            var parameters = new float[expected.Length];
            model.HyperSynthesis(z, rows / 4, columns / 4, workspace, parameters);
            Close(expected, parameters);
            parameters = expected;
            var quantised = new float[y.Length];
            model.Quantise(parameters, y, rows, columns, workspace, quantised);
            expected = Interleaved(pass.Latents["y_hat"]);
            Close(expected, quantised);
            quantised = expected;
            expected = Interleaved(pass.Reconstruction);
            var output = new float[expected.Length];
            model.Synthesis(quantised, rows, columns, workspace, output);
            Close(expected, output);
        }
    }

    private static TinyLicNetwork Fixed(TinyLicNetwork network)
    {
        PublishedWeights.Fill(network, Kept);
        using (no_grad())
        {
            // Otherwise all channels would have the same distribution.
            foreach ((string name, TorchSharp.Modules.Parameter parameter) in network.Bottleneck.named_parameters())
            {
                if (name.StartsWith("_bias", StringComparison.Ordinal))
                    parameter.copy_(PublishedWeights.Input(name, parameter.shape) * 0.5);
            }
        }

        network.eval();
        return network;
    }

    private static IReadOnlyDictionary<string, StoredTensor> State(nn.Module module)
    {
        var writer = new PyTorchWriter();
        StateDict.Add(writer, module);
        return StateDict.Read(writer.ToArray("state_dict"));
    }

    private static float[] Values(Tensor x) => x.detach().contiguous().data<float>().ToArray();

    private static float[] Interleaved(Tensor x) => Values(x.permute(0, 2, 3, 1));

    /// <summary>Within 1e-4 of the range of what is expected.</summary>
    private static void Close(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        float range = expected.Max() - expected.Min();
        Assert.True(range > 0, "Nothing was computed.");
        float worst = expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max();
        Assert.True(worst <= 1e-4f * range, $"Off by {worst / range} of the range {range}.");
    }
}
