using Tfic.Networks;
using Tfic.Networks.TinyLic;
using Tfic.Training.Networks;
using Tfic.Training.Networks.CompressAI;
using Tfic.Training.Networks.TinyLic;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Tests;

public sealed class TinyLicTests
{
    // What constructors compute, and what has a meaning that random numbers would spoil.
    private static readonly string[] Kept =
        ["mask", "entropy_bottleneck", "gaussian_conditional"];

    private static readonly TinyLicOptions Small = new(8, 24) { Depths = [1, 1, 2, 1, 1, 1], Heads = [2, 2, 2, 2, 2, 2] };

    public TinyLicTests() => random.manual_seed(1);

    [Theory]
    [InlineData(5, 5, 3)]
    [InlineData(3, 3, 3)]
    [InlineData(7, 19, 7)]
    [InlineData(8, 8, 7)]
    [InlineData(17, 9, 7)]
    [InlineData(20, 25, 3)]
    [InlineData(2, 2, 3)]
    [InlineData(1, 12, 7)]
    [InlineData(9, 4, 7)]
    public void Attention_is_that_of_the_definition(int rows, int columns, int kernel)
    {
        using DisposeScope scope = NewDisposeScope();
        const int Channels = 6, Heads = 2;
        var attention = new NeighbourhoodAttention(Channels, kernel, Heads);
        PublishedWeights.Fill(attention);
        Tensor input = PublishedWeights.Input("x", 2, rows, columns, Channels);
        float[] expected = Slow(attention, input, kernel, Heads);
        Tensor output = attention.call(input);
        Assert.Equal(input.shape, output.shape);
        float[] actual = output.contiguous().data<float>().ToArray();
        for (int i = 0; i < expected.Length; i++)
            Assert.InRange(actual[i], expected[i] - 2e-5f, expected[i] + 2e-5f);
    }

    [Fact]
    public void Attention_has_the_gradients_of_its_values()
    {
        using DisposeScope scope = NewDisposeScope();
        var attention = new NeighbourhoodAttention(4, 3, 2);
        PublishedWeights.Fill(attention);
        Tensor input = PublishedWeights.Input("x", 1, 9, 10, 4);
        Tensor weights = PublishedWeights.Input("w", 1, 9, 10, 4);
        Tensor Loss() => (attention.call(input) * weights).sum();
        Loss().backward();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in attention.named_parameters())
        {
            // Along one random direction of each parameter.
            Tensor direction = PublishedWeights.Input("direction of " + name, parameter.shape);
            double claimed = (parameter.grad! * direction).sum().item<float>();
            const double Step = 1e-2;
            double Moved(double by)
            {
                using IDisposable guard = no_grad();
                parameter.add_(direction * by);
                double loss = Loss().item<float>();
                parameter.sub_(direction * by);
                return loss;
            }

            double measured = (Moved(Step) - Moved(-Step)) / (2 * Step);
            Assert.InRange(claimed, measured - 0.02 * Math.Max(1, Math.Abs(measured)),
                measured + 0.02 * Math.Max(1, Math.Abs(measured)));
        }
    }

    [Fact]
    public void Slices_have_the_published_sizes() => Assert.Equal([24, 69, 104, 123], TinyLicContext.SliceSizes(320));

    [Fact]
    public void It_has_the_published_names_shapes_and_size()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new TinyLicNetwork();
        PublishedWeights.HasPublishedNames("tinylic.names.txt", network);

        // The paper's 28.34 million.
        Assert.Equal(28_338_211, network.parameters().Sum(p => p.numel()));
    }

    [Fact]
    public void It_computes_what_the_published_program_does()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new TinyLicNetwork();
        PublishedWeights.Fill(network, "mask", "gaussian_conditional", "entropy_bottleneck");
        network.eval();
        using IDisposable guard = no_grad();
        TinyLicPass pass = network.call(PublishedWeights.Input("picture", 1, 3, 64, 64) * 0.5 + 0.5);
        PublishedWeights.Equal([4.66786f, 36.3506f, -0.0613673f, 6.48041f, 38.561f, 23.931f], pass.Latents["y"]);
        PublishedWeights.Equal([0.238744f, 1e-9f, 0.999995f, 1e-9f, 1e-9f, 1e-9f], pass.LatentLikelihood);
        PublishedWeights.Equal(
            [-68.0811f, -227.794f, -220.714f, -87.3158f, -77.2358f, 7.7432f], pass.Reconstruction);
    }

    [Fact]
    public void A_pass_keeps_the_size_and_gives_likelihoods()
    {
        using DisposeScope scope = NewDisposeScope();
        TinyLicNetwork network = Fixed();
        TinyLicPass pass = network.call(PublishedWeights.Input("picture", 2, 3, 64, 128) * 0.5 + 0.5);
        Assert.Equal([2, 3, 64, 128], pass.Reconstruction.shape);
        Assert.Equal([2, 24, 4, 8], pass.LatentLikelihood.shape);
        Assert.Equal([2, 12, 1, 2], pass.HyperLikelihood.shape);
        foreach (Tensor likelihood in (Tensor[])[pass.LatentLikelihood, pass.HyperLikelihood])
        {
            Assert.True(likelihood.min().item<float>() > 0);
            Assert.True(likelihood.max().item<float>() <= 1.0001f);
        }

        Assert.Throws<ArgumentException>(() => network.call(zeros(1, 3, 64, 96)));
    }

    [Fact]
    public void Gradients_reach_every_parameter()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new TinyLicNetwork(Small);
        TinyLicPass pass = network.call(rand(2, 3, 64, 64));
        (pass.Reconstruction.square().mean() + EntropyModel.Bits(pass.LatentLikelihood)
            + EntropyModel.Bits(pass.HyperLikelihood) + network.Bottleneck.AuxiliaryLoss()).backward();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in network.named_parameters())
            Assert.True(parameter.grad is not null && parameter.grad.isfinite().all().item<bool>(), name);
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(64, 192)]
    public void What_is_decompressed_is_what_was_coded(int height, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        TinyLicNetwork network = Fixed();
        network.Update();
        Tensor picture = PublishedWeights.Input("picture", 1, 3, height, width) * 0.5 + 0.5;
        TinyLicCode code = network.Compress(picture);
        Assert.Equal((height / 64, width / 64), (code.Rows, code.Columns));
        using IDisposable guard = no_grad();
        TinyLicPass pass = network.call(picture);
        Assert.True(allclose(pass.Reconstruction.clamp(0, 1), network.Decompress(code), 1e-4, 1e-4));

        // The streams are not longer than the likelihoods say, but for the tables' coarser scales. Shorter they are where
        // values lie far out: an escape costs less than the 30 bits of the least likelihood.
        double bits = EntropyModel.Bits(pass.LatentLikelihood).item<float>()
            + EntropyModel.Bits(pass.HyperLikelihood).item<float>();
        Assert.InRange(8.0 * (code.Latent.Length + code.Hyper.Length), 0.5 * bits, 1.1 * bits + 128);
    }

    [Fact]
    public void A_damaged_stream_is_refused_or_another_picture()
    {
        using DisposeScope scope = NewDisposeScope();
        TinyLicNetwork network = Fixed();
        Assert.Throws<TficFormatException>(() => network.Compress(zeros(1, 3, 64, 64)));
        network.Update();
        TinyLicCode code = network.Compress(PublishedWeights.Input("picture", 1, 3, 64, 64));
        Assert.Throws<TficFormatException>(() => network.Decompress(code with { Rows = 0 }));
        Assert.Throws<TficFormatException>(() => network.Decompress(code with { Columns = int.MaxValue }));
        for (int i = 0; i < code.Latent.Length; i += code.Latent.Length / 8)
        {
            byte[] damaged = (byte[])code.Latent.Clone();
            damaged[i] ^= 0x55;
            try
            {
                Assert.Equal([1, 3, 64, 64], network.Decompress(code with { Latent = damaged }).shape);
            }
            catch (TficFormatException)
            {
            }
        }
    }

    [Fact]
    public void Its_weights_and_tables_survive_a_checkpoint()
    {
        using DisposeScope scope = NewDisposeScope();
        TinyLicNetwork network = Fixed();
        network.Update();
        var writer = new PyTorchWriter();
        StateDict.Add(writer, network);
        IReadOnlyDictionary<string, StoredTensor> state = StateDict.Read(writer.ToArray("state_dict"));
        TinyLicNetwork back = TinyLicNetwork.FromStateDict(state);
        Assert.Equal(Small.Depths, back.Options.Depths);
        Assert.True(back.HasTables);
        Tensor picture = PublishedWeights.Input("picture", 1, 3, 64, 64);
        TinyLicCode code = network.Compress(picture), again = back.Compress(picture);
        Assert.Equal(code.Latent, again.Latent);
        Assert.Equal(code.Hyper, again.Hyper);

        // Under the names of older versions of CompressAI.
        Dictionary<string, StoredTensor> old = state.ToDictionary(
            pair => pair.Key.Replace("._matrix", "._matrices.", StringComparison.Ordinal)
                .Replace("._bias", "._biases.", StringComparison.Ordinal)
                .Replace("._factor", "._factors.", StringComparison.Ordinal),
            pair => pair.Value);
        Assert.Contains("entropy_bottleneck._matrices.0", old.Keys);
        Assert.Equal(code.Latent, TinyLicNetwork.FromStateDict(old).Compress(picture).Latent);
    }

    [Fact]
    public void Tables_of_the_conditional_prior_are_the_published_ones()
    {
        using DisposeScope scope = NewDisposeScope();
        var conditional = new Networks.CompressAI.GaussianConditional();
        conditional.Update();
        int[] offsets = conditional.get_buffer("_offset")!.data<int>().ToArray();
        int[] lengths = conditional.get_buffer("_cdf_length")!.data<int>().ToArray();
        Assert.Equal([64, 3133], conditional.get_buffer("_quantized_cdf")!.shape);
        Assert.Equal((-1, 5), (offsets[0], lengths[0]));
        Assert.Equal((-1565, 3133), (offsets[63], lengths[63]));
        Assert.Equal(-6.109410204869, Networks.CompressAI.GaussianConditional.NormalQuantile(5e-10), 6);

        // One bin at the least scale: Φ(0.5/0.11) − Φ(−0.5/0.11) leaves 2·2.7e-6 to both sides, a slot or less.
        Assert.Equal(65536 - 4 + 1, conditional.Tables.Frequencies[0], 2.0);
        Assert.Equal(64, conditional.Tables.Count);
        Assert.Equal([0, 0, 1, 63, 63], conditional.Indexes(tensor(new[] { 0f, 0.11f, 0.12f, 256f, 1e9f })));
    }

    [Fact]
    public void Cumulated_probabilities_leave_nothing_to_no_symbol()
    {
        // The smallest ones are lent a slot by the rarest that has two.
        Assert.Equal([0, 65533, 65534, 65535, 65536], PublishedTables.Cumulate([1f, 0, 0, 0]));
        Assert.Equal([0, 32768, 65536], PublishedTables.Cumulate([0.5f, 0.5f]));
        Assert.Equal([0, 16384, 65536], PublishedTables.Cumulate([1f, 3f]));
        Assert.Throws<ArgumentException>(() => PublishedTables.Cumulate([float.NaN, 1]));
        Assert.Throws<ArgumentException>(() => PublishedTables.Cumulate([0f, 0]));
    }

    [Fact]
    public void The_auxiliary_loss_moves_the_quantiles_and_nothing_else()
    {
        using DisposeScope scope = NewDisposeScope();
        var bottleneck = new Networks.CompressAI.EntropyBottleneck(3);
        bottleneck.AuxiliaryLoss().backward();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in bottleneck.named_parameters())
            Assert.Equal(name == "quantiles", parameter.grad is not null);
    }

    [Fact]
    public void Tables_of_the_factorised_prior_cover_its_mass()
    {
        using DisposeScope scope = NewDisposeScope();
        var bottleneck = new Networks.CompressAI.EntropyBottleneck(3);
        using (no_grad())
            bottleneck.get_parameter("quantiles")!.copy_(tensor(new[] { -200f, 0.3f, 180, -150, 0, 151, -180, -2, 190 }, [3, 1, 3]));
        bottleneck.Update();
        Assert.Equal([-201, -150, -178], bottleneck.get_buffer("_offset")!.data<int>().ToArray());
        Assert.Equal([382 + 2, 302 + 2, 371 + 2], bottleneck.get_buffer("_cdf_length")!.data<int>().ToArray());
        Assert.Equal(3, bottleneck.Tables.Count);

        // An even number of values has no middle one.
        Assert.Equal([-201 + 191, -150 + 151, -178 + 185], bottleneck.Tables.Centres.ToArray());
        bottleneck.eval();
        (Tensor value, Tensor likelihood) = bottleneck.Run(tensor(new[] { 0.4f, 5f, -2f }, [1, 3, 1, 1]));
        Assert.Equal([0.3f, 5, -2], value.flatten().data<float>().ToArray());
        for (int c = 0; c < 3; c++)
        {
            float symbol = value.flatten().data<float>().ToArray()[c] - new[] { 0.3f, 0, -2 }[c];
            Assert.Equal(
                -Math.Log2(likelihood.flatten().data<float>().ToArray()[c]), bottleneck.Tables.Bits(c, (int)symbol), 0.02);
        }
    }

    private static TinyLicNetwork Fixed()
    {
        var network = new TinyLicNetwork(Small);
        PublishedWeights.Fill(network, Kept);
        using (no_grad())
        {
            foreach ((string name, TorchSharp.Modules.Parameter parameter) in network.Bottleneck.named_parameters())
            {
                if (name.StartsWith("_bias", StringComparison.Ordinal))
                    parameter.copy_(PublishedWeights.Input(name, parameter.shape) * 0.5);
            }
        }

        network.eval();
        return network;
    }

    /// <summary>Neighbourhood attention from its definition, query by query, in double precision.</summary>
    private static float[] Slow(NeighbourhoodAttention attention, Tensor input, int kernel, int heads)
    {
        Dictionary<string, Tensor> state = attention.state_dict();
        double[] Values(string name) => Array.ConvertAll(
            state[name].detach().contiguous().data<float>().ToArray(), v => (double)v);
        double[] qkv = Values("qkv.weight"), qkvBias = Values("qkv.bias"), rpb = Values("rpb");
        double[] proj = Values("proj.weight"), projBias = Values("proj.bias");
        float[] x = input.contiguous().data<float>().ToArray();
        (int batch, int rows, int columns, int channels) =
            ((int)input.shape[0], (int)input.shape[1], (int)input.shape[2], (int)input.shape[3]);
        (int height, int width) = (Math.Max(rows, kernel), Math.Max(columns, kernel));
        int depth = channels / heads, span = 2 * kernel - 1;
        var output = new float[x.Length];

        double Project(int b, int row, int column, int to)
        {
            double sum = qkvBias[to];
            if (row < rows && column < columns)
            {
                for (int c = 0; c < channels; c++)
                    sum += qkv[to * channels + c] * x[((b * rows + row) * columns + column) * channels + c];
            }

            return sum;
        }

        for (int b = 0; b < batch; b++)
        {
            for (int i = 0; i < rows; i++)
            {
                for (int j = 0; j < columns; j++)
                {
                    var gathered = new double[channels];
                    int top = Math.Clamp(i - kernel / 2, 0, height - kernel);
                    int left = Math.Clamp(j - kernel / 2, 0, width - kernel);
                    for (int h = 0; h < heads; h++)
                    {
                        var weights = new double[kernel * kernel];
                        for (int k = 0; k < weights.Length; k++)
                        {
                            (int row, int column) = (top + k / kernel, left + k % kernel);
                            for (int d = 0; d < depth; d++)
                            {
                                weights[k] += Project(b, i, j, h * depth + d) / Math.Sqrt(depth)
                                    * Project(b, row, column, channels + h * depth + d);
                            }

                            weights[k] += rpb[(h * span + row - i + kernel - 1) * span + column - j + kernel - 1];
                            weights[k] = Math.Exp(weights[k]);
                        }

                        double total = weights.Sum();
                        for (int k = 0; k < weights.Length; k++)
                        {
                            for (int d = 0; d < depth; d++)
                            {
                                gathered[h * depth + d] += weights[k] / total * Project(
                                    b, top + k / kernel, left + k % kernel, 2 * channels + h * depth + d);
                            }
                        }
                    }

                    for (int c = 0; c < channels; c++)
                    {
                        double sum = projBias[c];
                        for (int d = 0; d < channels; d++)
                            sum += proj[c * channels + d] * gathered[d];
                        output[((b * rows + i) * columns + j) * channels + c] = (float)sum;
                    }
                }
            }
        }

        return output;
    }
}
