using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.LibTorch.Tests;

public class TensorTests
{
    [SkippableFact]
    public void Failure_carries_libtorch_s_message()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        long live = Torch.LiveTensors;
        var error = Assert.Throws<ExternalException>(() => zeros(2, 3).mm(zeros(4, 5)));
        Assert.Contains("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)", error.Message);
        // Only the two operands have been made.
        Assert.Equal(live + 2, Torch.LiveTensors);
    }

    [SkippableFact]
    public void Data_goes_in_and_out_unchanged()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Check<byte>([0, 255, 7], tensor(new byte[] { 0, 255, 7 }), ScalarType.Byte);
        Check<sbyte>([-128, 127, 7], tensor(new sbyte[] { -128, 127, 7 }), ScalarType.Int8);
        Check<short>([short.MinValue, 3], tensor(new short[] { short.MinValue, 3 }), ScalarType.Int16);
        Check<int>([int.MinValue, 3], tensor(new[] { int.MinValue, 3 }), ScalarType.Int32);
        Check<long>([long.MinValue, 3], tensor(new[] { long.MinValue, 3 }), ScalarType.Int64);
        Check<float>([float.Epsilon, -0f], tensor(new[] { float.Epsilon, -0f }), ScalarType.Float32);
        Check<double>([double.MaxValue, 3], tensor(new[] { double.MaxValue, 3 }), ScalarType.Float64);
        Check<bool>([true, false], tensor(new[] { true, false }), ScalarType.Bool);

        static void Check<T>(T[] expected, Tensor tensor, ScalarType type) where T : unmanaged
        {
            Assert.Equal(type, tensor.dtype);
            Assert.Equal(expected, tensor.data<T>().ToArray());
        }
    }

    [SkippableFact]
    public void Data_of_another_type_is_refused()
    {
        Torch.Require();
        using Tensor x = ones(3);
        Assert.Throws<ArgumentException>(() => x.data<double>());
        Assert.Throws<ArgumentException>(() => x.item<float>());
        Assert.Throws<ArgumentException>(() => tensor(new[] { 1f, 2f }, [3]));
    }

    [SkippableFact]
    public void Accessor_reads_strided_views_in_row_order()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = arange(6, float32).reshape(2, 3).t();
        Assert.Equal([0, 3, 1, 4, 2, 5], x.data<float>().ToArray());
        Assert.Equal(4, x.data<float>()[1, 1]);
        Assert.Equal(2, x.data<float>()[4]);
        float[] part = new float[3];
        x.data<float>().CopyTo(part.AsSpan());
        Assert.Equal([0, 3, 1], part);
        x.data<float>().CopyFrom([9, 8, 7, 6, 5, 4]);
        Assert.Equal([9, 7, 5, 8, 6, 4], x.t().contiguous().data<float>().ToArray());
        Assert.Throws<IndexOutOfRangeException>(() => ones(3).data<float>()[3]);
    }

    [SkippableFact]
    public void Arrays_of_many_dimensions_keep_their_shape()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = from_array(new float[,] { { 1, 2, 3 }, { 4, 5, 6 } });
        Assert.Equal([2, 3], x.shape);
        Assert.Equal(6, x[1, 2].item<float>());
        Assert.Equal([1, 2, 2], tensor(new int[1, 2, 2]).shape);
        Assert.Equal(5f, ((float[,])x.data<float>().ToNDArray())[1, 1]);
    }

    [SkippableFact]
    public void Indexing_means_what_it_means_in_Python()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = arange(24).reshape(2, 3, 4);
        Check([12, 13, 14, 15], [4], x[1, 0]);
        Check([3, 7, 11], [3], x[0, TensorIndex.Ellipsis, -1]);
        Check([5, 6], [2], x[0, 1, 1..3]);
        Check([10, 11], [2], x[0, 2, ^2..]);
        Check([0, 2], [2], x[0, 0, TensorIndex.Slice(null, null, 2)]);
        Check([4, 5, 6, 7], [1, 4], x[0, TensorIndex.None, 1]);
        Check([8, 0], [2], x[0, TensorIndex.Tensor(tensor(new[] { 2L, 0L })), 0]);
        Check([1, 13], [2], x[TensorIndex.Colon, 0, 1]);
        Check([22, 23], [2], x[TensorIndex.Tensor(x > 21)]);
        // A mask over two axes and a number after it.
        Check([5, 13], [2], x[TensorIndex.Tensor(tensor(new bool[,] { { false, true, false }, { true, false, false } })), 1]);
        Check([2, 14], [2], x[.., TensorIndex.Tensor(tensor(0L)), 2]);

        x[0, 0] = tensor(-1L);
        x[1, .., TensorIndex.Slice(0, 2)] = tensor(-2L);
        x[TensorIndex.Tensor(x == 23)] = tensor(-3L);
        Check(
            [-1, -1, -1, -1, 4, 5, 6, 7, 8, 9, 10, 11, -2, -2, 14, 15, -2, -2, 18, 19, -2, -2, 22, -3], [24],
            x.reshape(-1));

        static void Check(long[] values, long[] shape, Tensor found)
        {
            Assert.Equal(shape, found.shape);
            Assert.Equal(values, found.data<long>().ToArray());
        }
    }

    [SkippableFact]
    public void Operators_take_numbers_of_every_type_on_either_side()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor(new[] { 1f, 2f, 4f });
        Assert.Equal([3, 4, 6], Values(2 + x));
        Assert.Equal([1, 0, -2], Values(2L - x));
        Assert.Equal([0.5f, 1, 2], Values(x * 0.5f));
        Assert.Equal([2, 1, 0.5f], Values(2.0 / x));
        Assert.Equal([-1, -2, -4], Values(-x));
        Assert.Equal([1, 0, 0], Values(x % 2 * 1f));
        Assert.Equal(ScalarType.Float32, (x + 1.0).dtype);
        Assert.Equal([false, true, true], (x > 1).data<bool>().ToArray());
        Assert.Equal([true, false, false], (2 > x).data<bool>().ToArray());
        Assert.Equal([false, true, false], (x == 2).data<bool>().ToArray());
        Assert.Equal([false, true, false], ((x > 1) & (x < 4)).data<bool>().ToArray());
        Assert.Equal(7, (float)x.sum());

        static float[] Values(Tensor t) => t.data<float>().ToArray();
    }

    [SkippableFact]
    public void Factories_fill_as_asked()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal([2L, 4, 6], arange(2, 8, 2).data<long>().ToArray());
        Assert.Equal(ScalarType.Float32, arange(0, 1, 0.25).dtype);
        Assert.Equal([0, 0.5, 1], linspace(0, 1, 3, float64).data<double>().ToArray());
        Assert.Equal([7f, 7], full(2, 7, float32).data<float>().ToArray());
        Assert.Equal([1f, 0, 0, 1], eye(2).data<float>().ToArray());
        Assert.Equal([0L, 1, 2, 3], randperm(4).sort().Values.data<long>().ToArray());
        Tensor drawn = randint(3, 6, [100]);
        Assert.Equal((3, 5), (drawn.min().item<long>(), drawn.max().item<long>()));
        Assert.Equal([2, 3], zeros_like(empty(2, 3)).shape);
        Assert.True(ones(2, requires_grad: true).requires_grad);
    }

    [SkippableFact]
    public void Seed_repeats_what_is_drawn()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        manual_seed(3);
        Tensor first = randn(5);
        using Tensor state = get_rng_state();
        Tensor second = randn(5);
        set_rng_state(state);
        Assert.True(second.allclose(randn(5)));
        manual_seed(3);
        Assert.True(first.allclose(randn(5)));
        Assert.False(first.allclose(second));
    }

    [SkippableFact]
    public void No_grad_ends_with_its_guard()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = ones(2, requires_grad: true);
        using (no_grad())
        {
            Assert.False(is_grad_enabled());
            Assert.False((x * 2).requires_grad);
            using (enable_grad())
                Assert.True((x * 2).requires_grad);
            Assert.False(is_grad_enabled());
        }

        Assert.True((x * 2).requires_grad);
        Assert.False(x.detach().requires_grad);
    }

    [SkippableFact]
    public void Channels_last_bfloat16_convolution_trains_float32_weights()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        manual_seed(5);
        Tensor weight = randn(8, 8, 3, 3).mul_(0.1).requires_grad_();
        Tensor x = randn(2, 8, 6, 10);
        const long C = 8, H = 6, W = 10;
        Tensor last = x.to(bfloat16).permute(0, 2, 3, 1).contiguous().as_strided([2, C, H, W], [C * H * W, 1, W * C, C]);
        Assert.Equal([C * H * W, 1, W * C, C], last.stride());
        Tensor result = nn.functional.conv2d(last, weight.to(bfloat16), padding: [1, 1]);
        Assert.Equal(ScalarType.BFloat16, result.dtype);
        Assert.Equal(1, result.stride(1));
        result.to(float32).square().mean().backward();
        Assert.Equal(ScalarType.Float32, weight.grad!.dtype);

        Tensor exact = weight.detach().requires_grad_();
        nn.functional.conv2d(x, exact, padding: [1, 1]).square().mean().backward();
        // bfloat16 has 8 bits: the relative error of the whole gradient stays within a few units of 2^-8.
        double error = (weight.grad - exact.grad!).norm().ToDouble() / exact.grad!.norm().ToDouble();
        Assert.InRange(error, 0, 0.02);
    }

    [SkippableFact]
    public void Threads_can_be_set()
    {
        Torch.Require();
        int before = get_num_threads();
        set_num_threads(1);
        Assert.Equal(1, get_num_threads());
        set_num_threads(before);
    }
}
