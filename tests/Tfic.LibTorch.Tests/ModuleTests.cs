using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Tfic.LibTorch.Tests;

public class ModuleTests
{
    [SkippableFact]
    public void Conversion_reaches_parameters_buffers_and_the_optimizer_s_view()
    {
        Torch.Require();
        using var network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2));
        network.to(float64);
        Assert.All(network.parameters(), parameter => Assert.Equal(ScalarType.Float64, parameter.dtype));
        Dictionary<string, Tensor> state = network.state_dict();
        Assert.Equal(ScalarType.Float64, state["1.running_mean"].dtype);
        Assert.Equal(ScalarType.Int64, state["1.num_batches_tracked"].dtype);
        Assert.All(network.parameters(), parameter => Assert.True(parameter.requires_grad && parameter.is_leaf));
    }

    [SkippableFact]
    public void Training_and_evaluation_reach_all_modules()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        var norm = nn.BatchNorm2d(2);
        var network = nn.Sequential(nn.Sequential(norm), nn.Dropout(0.9));
        Tensor x = (randn(8, 2, 4, 4) * 3) + 5;
        network.train();
        network.call(x);
        Assert.Equal(1, norm.num_batches_tracked!.item<long>());
        Assert.True(norm.running_mean!.allclose(x.mean([0, 2, 3]) * 0.1));
        network.eval();
        Assert.False(norm.training);
        Tensor expected = (x - norm.running_mean.view(1, 2, 1, 1)) / (norm.running_var!.view(1, 2, 1, 1) + 1e-5).sqrt();
        Assert.True(network.call(x).allclose(expected, 1e-4, 1e-5));
    }

    [SkippableFact]
    public void Lstm_is_its_cell_applied_step_by_step()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        var lstm = nn.LSTM(3, 4, bidirectional: true, batchFirst: true);
        Tensor x = randn(2, 5, 3);
        Dictionary<string, Tensor> weights = lstm.state_dict();
        Assert.Equal(
            ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l0_reverse",
             "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse"], weights.Keys);
        (Tensor output, _, _) = lstm.call(x);
        Assert.Equal([2, 5, 8], output.shape);
        foreach (string suffix in new[] { "", "_reverse" })
        {
            var cell = nn.LSTMCell(3, 4);
            cell.load_state_dict(new[] { "weight_ih", "weight_hh", "bias_ih", "bias_hh" }
                .ToDictionary(name => name, name => weights[$"{name}_l0{suffix}"]));
            // TorchSharp takes no missing state: it hands libtorch undefined tensors, which are refused.
            (Tensor, Tensor) state = (zeros(2, 4), zeros(2, 4));
            for (int step = 0; step < 5; step++)
            {
                int t = suffix.Length == 0 ? step : 4 - step;
                state = cell.call(x.select(1, t), state);
                Tensor half = output.select(1, t).narrow(1, suffix.Length == 0 ? 0 : 4, 4);
                Assert.True(half.allclose(state.Item1, 1e-4, 1e-5));
            }
        }
    }

    [SkippableFact]
    public void Ctc_loss_is_the_sum_over_all_alignments()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        const int Steps = 4, Classes = 3;
        Tensor logits = randn(Steps, 1, Classes, float64).log_softmax(2);
        double[] p = logits.data<double>().ToArray();
        double total = 0;
        for (int code = 0; code < 81; code++)
        {
            int[] path = [code % 3, code / 3 % 3, code / 9 % 3, code / 27];
            var read = new List<int>();
            for (int t = 0; t < Steps; t++)
            {
                if (path[t] != 0 && (t == 0 || path[t] != path[t - 1]))
                    read.Add(path[t]);
            }

            if (read.SequenceEqual([1, 2]))
                total += Math.Exp(path.Select((c, t) => p[(t * Classes) + c]).Sum());
        }

        Tensor loss = nn.CTCLoss(reduction: nn.Reduction.Sum).call(
            logits, tensor(new long[,] { { 1, 2 } }), tensor(new[] { 4L }), tensor(new[] { 2L }));
        Assert.Equal(-Math.Log(total), loss.item<double>(), 10);
    }

    [SkippableFact]
    public void Grid_sample_of_the_identity_is_the_picture()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Tensor picture = randn(1, 2, 5, 7);
        Tensor grid = F.affine_grid(tensor(new float[,,] { { { 1, 0, 0 }, { 0, 1, 0 } } }), [1, 2, 5, 7], align_corners: true);
        Assert.True(F.grid_sample(picture, grid, align_corners: true).allclose(picture, 1e-4, 1e-5));
        // Two columns to the right of the last there are zeros, or the border, or the mirrored picture.
        Tensor beyond = grid + (tensor(new[] { 2f / 6, 0f }) * 2);
        Assert.Equal(0, F.grid_sample(picture, beyond, align_corners: true)[0, 0, 2, 6].ToSingle());
        Assert.Equal(
            picture[0, 0, 2, 6].ToSingle(),
            F.grid_sample(picture, beyond, padding_mode: GridSamplePaddingMode.Border, align_corners: true)[0, 0, 2, 6].ToSingle(), 4);
        Assert.Equal(
            picture[0, 0, 2, 4].ToSingle(),
            F.grid_sample(picture, beyond, padding_mode: GridSamplePaddingMode.Reflection, align_corners: true)[0, 0, 2, 6].ToSingle(), 4);
    }

    [SkippableTheory]
    [InlineData(PaddingModes.Reflect)]
    [InlineData(PaddingModes.Replicate)]
    [InlineData(PaddingModes.Circular)]
    public void Convolution_pads_as_it_is_told(PaddingModes mode)
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        var convolution = nn.Conv2d(1, 2, (3, 5), padding: (1, 2), padding_mode: mode);
        Tensor x = randn(1, 1, 6, 7);
        Tensor expected = F.conv2d(F.pad(x, (2, 2, 1, 1), mode), convolution.weight, convolution.bias);
        Assert.True(convolution.call(x).allclose(expected, 1e-4, 1e-6));
        Assert.Equal([1, 2, 6, 7], nn.Conv2d(1, 2, (3, 4), Padding.Same).call(x).shape);
    }

    [SkippableFact]
    public void Transposed_convolution_reaches_the_wanted_size()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        var up = nn.ConvTranspose2d(2, 3, 3, 2, 1);
        Tensor x = randn(1, 2, 4, 5);
        Assert.Equal([1, 3, 7, 9], up.call(x).shape);
        Assert.Equal([1, 3, 8, 10], up.forward(x, [8, 10]).shape);
        Assert.ThrowsAny<ArgumentException>(() => up.forward(x, [9, 10]));
    }

    [SkippableFact]
    public void Initial_values_have_the_promised_spread()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        manual_seed(2);
        Tensor weight = empty(64, 32, 3, 3);
        Assert.Equal((288L, 576L), nn.init.CalculateFanInAndFanOut(weight));
        nn.init.kaiming_normal_(weight, nonlinearity: nn.init.NonlinearityType.ReLU);
        Assert.Equal(Math.Sqrt(2.0 / 288), weight.std().ToDouble(), 2e-3);
        nn.init.xavier_uniform_(weight);
        Assert.InRange(weight.abs().max().ToDouble(), 0, Math.Sqrt(6.0 / (288 + 576)));
    }

    [SkippableFact]
    public void Hooks_see_the_call_until_they_are_removed()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        var relu = nn.ReLU();
        int seen = 0;
        var hook = relu.register_forward_hook((_, _, result) =>
        {
            seen++;
            return result + 1;
        });
        Assert.Equal(1, relu.call(tensor(-1f)).item<float>());
        hook.remove();
        Assert.Equal(0, relu.call(tensor(-1f)).item<float>());
        Assert.Equal(1, seen);
    }
}
