using System.Reflection;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Tfic.LibTorch.Tests;

/// <summary>
/// Every wrapped operation that has a gradient, against central differences in double precision: the derivative of
/// Σ w ∘ f(x) for fixed w along every element of every input.
/// </summary>
public class GradientTests
{
    private sealed record Case(Func<Tensor[], Tensor> Function, params long[][] Shapes);

    // Values without ties and away from the kinks of |x|, relu, clamp and rounding; all within (-1, 1).
    private static readonly Dictionary<string, Case> Cases = new()
    {
        ["add"] = new(x => x[0].add(x[1], alpha: 3), [2, 3], [3]),
        ["add a number"] = new(x => x[0] + 2.5, [2, 3]),
        ["subtract"] = new(x => x[0] - x[1], [2, 3], [2, 1]),
        ["subtract from a number"] = new(x => 1 - x[0], [2, 3]),
        ["multiply"] = new(x => x[0] * x[1], [2, 3], [3]),
        ["divide"] = new(x => x[0] / (x[1] + 2), [2, 3], [2, 3]),
        ["divide a number"] = new(x => 2.0 / (x[0] + 2), [2, 3]),
        ["remainder"] = new(x => x[0] % 0.77, [2, 3]),
        ["pow"] = new(x => (x[0] + 2).pow(x[1]), [2, 3], [2, 3]),
        ["pow of a number"] = new(x => (x[0] + 2).pow(1.7), [2, 3]),
        ["addcmul"] = new(x => x[0].addcmul(x[1], x[2], 0.3), [3], [3], [3]),
        ["addcdiv"] = new(x => x[0].addcdiv(x[1], x[2] + 2, 0.3), [3], [3], [3]),
        ["atan2"] = new(x => x[0].atan2(x[1] + 2), [3], [3]),
        ["copysign"] = new(x => x[0].copysign(x[1]), [3], [3]),
        ["hypot"] = new(x => x[0].hypot(x[1]), [3], [3]),
        ["logaddexp"] = new(x => x[0].logaddexp(x[1]), [3], [3]),
        ["logaddexp2"] = new(x => x[0].logaddexp2(x[1]), [3], [3]),
        ["maximum"] = new(x => x[0].maximum(x[1]), [5], [5]),
        ["minimum"] = new(x => x[0].minimum(x[1]), [5], [5]),
        ["fmax"] = new(x => x[0].fmax(x[1]), [5], [5]),
        ["fmin"] = new(x => x[0].fmin(x[1]), [5], [5]),
        ["xlogy"] = new(x => x[0].xlogy(x[1] + 2), [5], [5]),
        ["lerp"] = new(x => x[0].lerp(x[1], x[2]), [3], [3], [3]),
        ["clamp"] = new(x => x[0].clamp(-0.4, 0.4), [7]),
        ["clamp_min"] = new(x => x[0].clamp_min(0.11), [7]),
        ["clamp_max"] = new(x => x[0].clamp_max(0.11), [7]),
        ["nan_to_num"] = new(x => x[0].nan_to_num(), [3]),
        ["logit"] = new(x => (x[0] / 3 + 0.5).logit(), [5]),
        ["where"] = new(x => torch.where(x[0] > 0.05, x[0] * 2, x[1]), [5], [5]),
        ["masked_fill"] = new(x => x[0].masked_fill(x[0] > 0.05, 3), [5]),
        ["masked_select"] = new(x => x[0].masked_select(Longs([1, 0, 1, 1, 0]).to(ScalarType.Bool)), [5]),
        ["masked_scatter"] = new(x => x[0].masked_scatter(Longs([1, 0, 1, 1, 0]).to(ScalarType.Bool), x[1]), [5], [5]),

        ["threshold"] = new(x => x[0].threshold(0.11, -2), [7]),
        ["leaky_relu"] = new(x => x[0].leaky_relu(0.125), [7]),
        ["elu"] = new(x => x[0].elu(0.7), [7]),
        ["glu"] = new(x => x[0].glu(1), [2, 4]),
        ["hardtanh"] = new(x => x[0].hardtanh(-0.45, 0.45), [7]),
        ["mish"] = new(x => F.mish(x[0]), [7]),
        ["prelu"] = new(x => x[0].prelu(x[1]), [2, 3], [3]),
        ["softplus"] = new(x => x[0].softplus(2), [7]),
        ["softmax"] = new(x => x[0].softmax(1), [2, 4]),
        ["log_softmax"] = new(x => x[0].log_softmax(1), [2, 4]),
        ["dropout at rest"] = new(x => F.dropout(x[0], 0.5, training: false), [4]),

        ["sum of axes"] = new(x => x[0].sum([0, 2]), [2, 3, 2]),
        ["sum of an axis"] = new(x => x[0].sum(1, keepdim: true), [2, 3]),
        ["mean of axes"] = new(x => x[0].mean([1]), [2, 3]),
        ["nansum"] = new(x => x[0].nansum(), [3]),
        ["prod"] = new(x => x[0].prod(1), [2, 3]),
        ["max of an axis"] = new(x => x[0].max(1).values, [2, 5]),
        ["min of an axis"] = new(x => x[0].min(1).values, [2, 5]),
        ["amax"] = new(x => x[0].amax([1]), [2, 5]),
        ["amin"] = new(x => x[0].amin([1]), [2, 5]),
        ["sort"] = new(x => x[0].sort(1).Values, [2, 5]),
        ["topk"] = new(x => x[0].topk(2).values, [2, 5]),
        ["kthvalue"] = new(x => x[0].kthvalue(2, 1).Item1, [2, 5]),
        ["quantile"] = new(x => x[0].quantile(tensor(0.3)), [5]),
        ["std"] = new(x => x[0].std(), [5]),
        ["std of an axis"] = new(x => x[0].std(1, unbiased: false), [2, 5]),
        ["var"] = new(x => x[0].var(), [5]),
        ["var of an axis"] = new(x => x[0].var(1, keepdim: true), [2, 5]),
        ["std_mean"] = new(x => stack([x[0].std_mean().Item1, x[0].std_mean().Item2]), [5]),
        ["var_mean"] = new(x => stack([x[0].var_mean().Item1, x[0].var_mean().Item2]), [5]),
        ["norm"] = new(x => x[0].norm(), [5]),
        ["norm of an axis"] = new(x => x[0].norm(1, p: 3), [2, 5]),
        ["dist"] = new(x => x[0].dist(x[1]), [5], [5]),
        ["cumsum"] = new(x => x[0].cumsum(1), [2, 4]),
        ["cumprod"] = new(x => x[0].cumprod(1), [2, 4]),
        ["cummax"] = new(x => x[0].cummax(1).Item1, [2, 4]),
        ["cummin"] = new(x => x[0].cummin(1).Item1, [2, 4]),
        ["logsumexp"] = new(x => x[0].logsumexp(1), [2, 4]),
        ["logcumsumexp"] = new(x => x[0].logcumsumexp(1), [2, 4]),

        ["reshape"] = new(x => x[0].reshape(3, 2), [2, 3]),
        ["view"] = new(x => x[0].view(-1), [2, 3]),
        ["flatten"] = new(x => x[0].flatten(1), [2, 3, 2]),
        ["unflatten"] = new(x => x[0].unflatten(1, 3, 2), [2, 6]),
        ["squeeze"] = new(x => x[0].squeeze(1), [2, 1, 3]),
        ["unsqueeze"] = new(x => x[0].unsqueeze(1), [2, 3]),
        ["transpose"] = new(x => x[0].transpose(0, 2), [2, 3, 2]),
        ["permute"] = new(x => x[0].permute(2, 0, 1), [2, 3, 2]),
        ["movedim"] = new(x => x[0].movedim([0], [2]), [2, 3, 2]),
        ["expand"] = new(x => x[0].expand(4, 3), [1, 3]),
        ["repeat"] = new(x => x[0].repeat(2, 2), [2, 3]),
        ["repeat_interleave"] = new(x => x[0].repeat_interleave(2, 1), [2, 3]),
        ["tile"] = new(x => x[0].tile([2, 1]), [2, 3]),
        ["flip"] = new(x => x[0].flip(1), [2, 3]),
        ["roll"] = new(x => x[0].roll([1], [1]), [2, 3]),
        ["rot90"] = new(x => x[0].rot90(), [2, 3]),
        ["tril"] = new(x => x[0].tril(), [3, 3]),
        ["triu"] = new(x => x[0].triu(), [3, 3]),
        ["diag"] = new(x => x[0].diag(), [3]),
        ["diagonal"] = new(x => x[0].diagonal(1), [3, 3]),
        ["diag_embed"] = new(x => x[0].diag_embed(), [2, 3]),
        ["as_strided"] = new(x => x[0].as_strided([2, 2], [3, 1], 1), [2, 3]),
        ["select"] = new(x => x[0].select(1, 2), [2, 3]),
        ["narrow"] = new(x => x[0].narrow(1, 1, 2), [2, 3]),
        ["slice"] = new(x => x[0].slice(1, 0, 5, 2), [2, 5]),
        ["unfold"] = new(x => x[0].unfold(1, 3, 2), [2, 7]),
        ["unbind"] = new(x => x[0].unbind(1)[1], [2, 3]),
        ["split"] = new(x => x[0].split(2, 1)[1], [2, 5]),
        ["split by sizes"] = new(x => x[0].split([1L, 4L], 1)[1], [2, 5]),
        ["chunk"] = new(x => x[0].chunk(2, 1)[0], [2, 5]),
        ["index by ranges"] = new(x => x[0][.., TensorIndex.Slice(1, null, 2), TensorIndex.None], [2, 5]),
        ["index by numbers"] = new(x => x[0][TensorIndex.Ellipsis, 1], [2, 5]),
        ["index by tensors"] = new(x => x[0][.., TensorIndex.Tensor(Longs([2, 0, 2]))], [2, 3]),
        ["index_select"] = new(x => x[0].index_select(1, Longs([2, 0, 2])), [2, 3]),
        ["index_add"] = new(x => x[0].index_add(0, Longs([2, 0]), x[1], 0.5), [3, 2], [2, 2]),
        ["index_copy"] = new(x => x[0].index_copy(0, Longs([2, 0]), x[1]), [3, 2], [2, 2]),
        ["index_fill"] = new(x => x[0].index_fill(0, Longs([2, 0]), 4), [3, 2]),
        ["take"] = new(x => x[0].take(Longs([4, 0])), [2, 3]),
        ["take_along_dim"] = new(x => x[0].take_along_dim(Longs([2, 0]).view(2, 1), 1), [2, 3]),
        ["gather"] = new(x => x[0].gather(1, Longs([2, 0, 1, 1]).view(2, 2)), [2, 3]),
        ["scatter"] = new(x => x[0].scatter(1, Longs([2, 0, 1, 0]).view(2, 2), x[1]), [2, 3], [2, 2]),
        ["scatter_add"] = new(x => x[0].scatter_add(1, Longs([2, 2, 1, 0]).view(2, 2), x[1]), [2, 3], [2, 2]),
        ["diff"] = new(x => x[0].diff(), [5]),
        ["cat"] = new(x => cat([x[0], x[1]], 1), [2, 3], [2, 1]),
        ["stack"] = new(x => stack([x[0], x[1]], 1), [2, 3], [2, 3]),
        ["hstack"] = new(x => hstack(x[0], x[1]), [2, 3], [2, 1]),
        ["vstack"] = new(x => vstack([x[0], x[1]]), [2, 3], [1, 3]),
        ["meshgrid"] = new(x => meshgrid([x[0], x[1]]).Aggregate((a, b) => a * b), [2], [3]),

        ["matmul"] = new(x => x[0].matmul(x[1]), [2, 2, 3], [3, 2]),
        ["mm"] = new(x => x[0].mm(x[1]), [2, 3], [3, 2]),
        ["bmm"] = new(x => x[0].bmm(x[1]), [2, 2, 3], [2, 3, 2]),
        ["mv"] = new(x => x[0].mv(x[1]), [2, 3], [3]),
        ["dot"] = new(x => x[0].dot(x[1]), [3], [3]),
        ["outer"] = new(x => x[0].outer(x[1]), [2], [3]),
        ["inner"] = new(x => x[0].inner(x[1]), [2, 3], [2, 3]),
        ["kron"] = new(x => x[0].kron(x[1]), [2, 2], [1, 3]),
        ["addmm"] = new(x => x[0].addmm(x[1], x[2], 0.5f, 2), [2, 2], [2, 3], [3, 2]),
        ["addmv"] = new(x => x[0].addmv(x[1], x[2]), [2], [2, 3], [3]),
        ["tensordot"] = new(x => x[0].tensordot(x[1], [1], [0]), [2, 3], [3, 2]),
        ["matrix_power"] = new(x => x[0].matrix_power(3), [2, 2]),
        ["einsum"] = new(x => einsum("bij,bjk->bik", x[0], x[1]), [2, 2, 3], [2, 3, 2]),

        ["linear"] = new(x => F.linear(x[0], x[1], x[2]), [2, 3], [4, 3], [4]),
        ["bilinear"] = new(x => F.bilinear(x[0], x[1], x[2], x[3]), [2, 3], [2, 2], [2, 3, 2], [2]),
        ["conv1d"] = new(x => F.conv1d(x[0], x[1], x[2], 2, 1), [1, 2, 6], [3, 2, 3], [3]),
        ["conv2d"] = new(x => F.conv2d(x[0], x[1], x[2], [2, 1], [1, 0]), [2, 2, 5, 4], [3, 2, 3, 3], [3]),
        ["conv2d of groups"] = new(x => F.conv2d(x[0], x[1], null, null, [2, 2], [2, 2], 2), [1, 4, 4, 4], [4, 2, 3, 3]),
        ["conv2d of the same size"] = new(x => F.conv2d_padding(x[0], x[1], x[2], null, Padding.Same), [1, 2, 3, 4], [2, 2, 3, 2], [2]),
        ["conv_transpose1d"] = new(x => F.conv_transpose1d(x[0], x[1], null, 2), [1, 2, 3], [2, 2, 3]),
        ["conv_transpose2d"] = new(x => F.conv_transpose2d(x[0], x[1], x[2], [2, 2], [1, 1], [1, 1]), [1, 2, 3, 3], [2, 3, 3, 3], [3]),
        ["batch_norm"] = new(x => F.batch_norm(x[0], null, null, x[1], x[2], training: true), [3, 2, 2, 2], [2], [2]),
        ["batch_norm at rest"] = new(x => F.batch_norm(x[0], zeros(2, float64), ones(2, float64), x[1], x[2]), [3, 2, 2, 2], [2], [2]),
        ["group_norm"] = new(x => F.group_norm(x[0], 2, x[1], x[2]), [2, 4, 3], [4], [4]),
        ["instance_norm"] = new(x => F.instance_norm(x[0], null, null, x[1], x[2]), [2, 2, 5], [2], [2]),
        ["layer_norm"] = new(x => F.layer_norm(x[0], [4], x[1], x[2]), [2, 3, 4], [4], [4]),
        ["normalize"] = new(x => F.normalize(x[0]), [2, 3]),
        ["cosine_similarity"] = new(x => F.cosine_similarity(x[0], x[1]), [2, 3], [2, 3]),
        ["pixel_shuffle"] = new(x => F.pixel_shuffle(x[0], 2), [1, 8, 2, 1]),
        ["pixel_unshuffle"] = new(x => F.pixel_unshuffle(x[0], 2), [1, 2, 2, 4]),
        ["max_pool1d"] = new(x => F.max_pool1d(x[0], 2), [1, 2, 6]),
        ["max_pool2d"] = new(x => F.max_pool2d(x[0], (3, 2), (1, 2), (1, 0)), [1, 2, 4, 4]),
        ["avg_pool1d"] = new(x => F.avg_pool1d(x[0], 2), [1, 2, 6]),
        ["avg_pool2d"] = new(x => F.avg_pool2d(x[0], 3, 2, 1, count_include_pad: false), [1, 2, 5, 4]),
        ["adaptive_avg_pool1d"] = new(x => F.adaptive_avg_pool1d(x[0], 3), [1, 2, 7]),
        ["adaptive_avg_pool2d"] = new(x => F.adaptive_avg_pool2d(x[0], (2, 3)), [1, 2, 5, 4]),
        ["adaptive_max_pool2d"] = new(x => F.adaptive_max_pool2d(x[0], [2, 2]), [1, 2, 5, 4]),
        ["unfold patches"] = new(x => F.unfold(x[0], (2, 3), padding: (1, 0), stride: (2, 1)), [1, 2, 4, 5]),
        ["fold"] = new(x => F.fold(x[0], (4, 5), (2, 3), padding: (1, 0), stride: (2, 1)), [1, 12, 9]),
        ["pad by a constant"] = new(x => F.pad(x[0], (1, 2, 0, 1), value: 3), [1, 1, 2, 3]),
        ["pad by reflection"] = new(x => F.pad(x[0], (1, 2, 0, 1), PaddingModes.Reflect), [1, 1, 3, 4]),
        ["pad by replication"] = new(x => F.pad(x[0], (1, 2, 0, 1), PaddingModes.Replicate), [1, 1, 3, 4]),
        ["pad around"] = new(x => F.pad(x[0], (1, 2, 0, 1), PaddingModes.Circular), [1, 1, 3, 4]),
        ["grid_sample"] = new(x => F.grid_sample(x[0], x[1] * 1.3, align_corners: true), [1, 2, 4, 5], [1, 3, 2, 2]),
        ["grid_sample at the border"] = new(x => F.grid_sample(x[0], x[1] * 1.3, padding_mode: GridSamplePaddingMode.Border, align_corners: false), [1, 2, 4, 5], [1, 3, 2, 2]),
        ["grid_sample by reflection"] = new(x => F.grid_sample(x[0], x[1] * 1.3, padding_mode: GridSamplePaddingMode.Reflection, align_corners: false), [1, 2, 4, 5], [1, 3, 2, 2]),
        ["affine_grid"] = new(x => F.affine_grid(x[0], [1, 1, 3, 4], true), [1, 2, 3]),
        ["interpolate to the nearest"] = new(x => F.interpolate(x[0], scale_factor: [2, 2]), [1, 1, 2, 3]),
        ["interpolate bilinearly"] = new(x => F.interpolate(x[0], size: [5, 4], mode: InterpolationMode.Bilinear, align_corners: false), [1, 1, 2, 3]),
        ["interpolate by corners"] = new(x => F.interpolate(x[0], scale_factor: [1.5, 2.5], mode: InterpolationMode.Bilinear, align_corners: true), [1, 1, 3, 2]),
        ["interpolate bicubically"] = new(x => F.interpolate(x[0], size: [5, 4], mode: InterpolationMode.Bicubic, align_corners: false), [1, 1, 3, 3]),
        ["interpolate linearly"] = new(x => F.interpolate(x[0], size: [5], mode: InterpolationMode.Linear, align_corners: false), [1, 1, 3]),
        ["interpolate by area"] = new(x => F.interpolate(x[0], size: [2, 2], mode: InterpolationMode.Area), [1, 1, 4, 3]),
        ["interpolate without aliases"] = new(x => F.interpolate(x[0], size: [2, 2], mode: InterpolationMode.Bilinear, align_corners: false, antialias: true), [1, 1, 5, 4]),
        ["attention"] = new(x => F.scaled_dot_product_attention(x[0], x[1], x[2]), [1, 2, 3], [1, 4, 3], [1, 4, 2]),

        ["mse_loss"] = new(x => F.mse_loss(x[0], x[1]), [5], [5]),
        ["l1_loss"] = new(x => F.l1_loss(x[0], x[1], nn.Reduction.None), [5], [5]),
        ["smooth_l1_loss"] = new(x => F.smooth_l1_loss(x[0], x[1], beta: 0.33), [5], [5]),
        ["cross_entropy"] = new(x => F.cross_entropy(x[0], Longs([1, 0, 3]), label_smoothing: 0.1), [3, 4]),
        ["cross_entropy with gaps"] = new(x => F.cross_entropy(x[0], Longs([1, 0, 3]), ignore_index: 0), [3, 4]),
        ["nll_loss"] = new(x => F.nll_loss(x[0], Longs([1, 0, 3]), reduction: nn.Reduction.Sum), [3, 4]),
        ["binary_cross_entropy"] = new(x => F.binary_cross_entropy((x[0] / 3) + 0.5, tensor(new[] { 0.0, 1, 1 })), [3]),
        ["binary_cross_entropy_with_logits"] = new(x => F.binary_cross_entropy_with_logits(x[0], tensor(new[] { 0.0, 1, 1 })), [3]),
        ["kl_div"] = new(x => F.kl_div(x[0], x[1], log_target: true), [3], [3]),
        ["ctc_loss"] = new(x => F.ctc_loss(x[0].log_softmax(2), Longs([1, 2, 2, 3, 1, 0]).view(2, 3), Longs([6, 5]), Longs([3, 2])), [6, 2, 4]),

        ["LSTM"] = new(x => Recurrent(x[0]), [3, 2, 2]),
        ["LSTMCell"] = new(x => Seeded(() => nn.LSTMCell(2, 3)).to(float64).call(x[0], (x[1], x[2])).Item1, [2, 2], [2, 3], [2, 3]),
        ["Embedding"] = new(x => x[0] * Seeded(() => nn.Embedding(5, 3)).to(float64).call(Longs([4, 1])), [2, 3]),
    };

    // Rounding has no gradient but zero, comparisons none at all; the rest copies, empties, draws, is for sparse,
    // complex or quantised tensors, or, as sgn, has a zero without memory as its gradient.
    private static readonly HashSet<string> NoGradient =
    [
        "bernoulli", "cpu", "cuda", "detach", "nonzero", "argwhere", "argmax", "argmin", "all", "any", "logical_not",
        "isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit", "bitwise_not", "isreal", "pin_memory",
        "bool", "byte", "char", "short", "int", "long", "half", "bfloat16", "float", "ones_like", "zeros_like",
        "unique", "median", "mode", "dequantize", "int_repr", "to_dense",
        "to_sparse", "view_as_real", "view_as_complex", "cfloat", "cdouble", "q_per_channel_scales",
        "q_per_channel_zero_points", "sgn",
    ];

    public static TheoryData<string> Names() => [.. Cases.Keys];

    /// <summary>All methods of the tensor without arguments that give a tensor: a new one is tested without being named.</summary>
    public static TheoryData<string> MethodNames() => [.. typeof(Tensor)
        .GetMethods(BindingFlags.Instance | BindingFlags.Public)
        .Where(method => method.ReturnType == typeof(Tensor) && method.GetParameters().Length == 0
            && !method.IsSpecialName && !method.Name.EndsWith('_') && !method.Name.EndsWith("DisposeScope")
            && !NoGradient.Contains(method.Name))
        .Select(method => method.Name)];

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void Gradient_is_the_central_difference(string name)
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Check(Cases[name].Function, Cases[name].Shapes);
    }

    [SkippableTheory]
    [MemberData(nameof(MethodNames))]
    public void Gradient_of_a_method_is_the_central_difference(string name)
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        MethodInfo method = typeof(Tensor).GetMethod(name, BindingFlags.Instance | BindingFlags.Public, [])!;
        // Where the domain is not (-1, 1): roots and logarithms of positive numbers, arcosh above 1, and matrices that
        // can be inverted.
        Func<Tensor, Tensor> domain = name switch
        {
            "acosh" or "arccosh" => x => x + 3,
            "log" or "log2" or "log10" or "sqrt" or "rsqrt" or "lgamma" or "digamma" or "logit" or "reciprocal" => x => (x / 3) + 0.5,
            "inverse" or "det" or "logdet" => x => x + (3 * eye(3, 3, float64)),
            _ => x => x,
        };
        Check(x => (Tensor)method.Invoke(domain(x[0]), [])!, [3, 3]);
    }

    [SkippableFact]
    public void Straight_through_rounding_has_the_identity_s_gradient()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor(new[] { 0.3, 1.7, -2.4 }, requires_grad: true);
        Tensor rounded = (x.round() - x).detach() + x;
        (rounded * tensor(new[] { 1.0, 2, 3 })).sum().backward();
        Assert.Equal([0, 2, -2], rounded.detach().data<double>().ToArray());
        Assert.Equal([1, 2, 3], x.grad!.data<double>().ToArray());
    }

    [SkippableFact]
    public void Second_derivatives_come_from_a_graph_of_the_first()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor(new[] { 1.0, 2, 3 }, requires_grad: true);
        Tensor first = autograd.grad([x.pow(3).sum()], [x], create_graph: true)[0];
        Tensor second = autograd.grad([first.sum()], [x])[0];
        Assert.Equal([3, 12, 27], first.detach().data<double>().ToArray());
        Assert.Equal([6, 12, 18], second.data<double>().ToArray());
        Assert.Null(x.grad);
    }

    private static void Check(Func<Tensor[], Tensor> function, params long[][] shapes)
    {
        const double Step = 1e-6;
        const double Tolerance = 1e-6;
        Tensor[] inputs = [.. shapes.Select((shape, i) => Distinct(shape, i))];
        foreach (Tensor input in inputs)
            input.requires_grad = true;
        Tensor result = function(inputs);
        Tensor weights = Distinct(result.shape, 17).detach();
        (result * weights).sum().backward();

        double largest = 0;
        for (int i = 0; i < inputs.Length; i++)
        {
            Tensor? grad = inputs[i].grad;
            Assert.True(grad is not null, $"input {i} has no gradient");
            double[] found = grad.contiguous().data<double>().ToArray();
            for (int j = 0; j < found.Length; j++)
            {
                double expected = (Shifted(i, j, Step) - Shifted(i, j, -Step)) / (2 * Step);
                largest = Math.Max(largest, Math.Abs(expected));
                Assert.True(
                    Math.Abs(found[j] - expected) <= Tolerance * (1 + Math.Abs(expected)),
                    $"input {i}, element {j}: gradient {found[j]}, central difference {expected}");
            }
        }

        // Rounding and signs are flat everywhere; for the rest, gradients that are all zero would prove nothing.
        using IDisposable without = no_grad();
        bool flat = (function(inputs) - function([.. inputs.Select(x => x + 1e-3)])).abs().max().ToDouble() == 0;
        Assert.True(flat || largest > 0);

        double Shifted(int input, int element, double by)
        {
            using DisposeScope inner = NewDisposeScope();
            using IDisposable noGrad = no_grad();
            Tensor[] shifted = [.. inputs.Select(x => x.detach().clone())];
            shifted[input].view(-1).data<double>()[element] += by;
            return (function(shifted) * weights).sum().ToDouble();
        }
    }

    /// <summary>Values that are all different, in no order, and none within 0.02 of a multiple of 0.1.</summary>
    private static Tensor Distinct(long[] shape, int variant)
    {
        int count = (int)shape.Aggregate(1L, (a, b) => a * b);
        var random = new Random(100 + variant);
        double[] values = [.. Enumerable.Range(0, count).Select(i =>
            (Math.Floor(20.0 * i / Math.Max(count, 2)) - 10) / 10 + 0.02 + (0.0017 * variant % 0.01) + (0.05 * (i + 1) / (count + 2)))];
        random.Shuffle(values);
        return tensor(values, shape);
    }

    private static Tensor Longs(long[] values) => tensor(values);

    private static T Seeded<T>(Func<T> make)
    {
        manual_seed(7);
        return make();
    }

    private static Tensor Recurrent(Tensor x)
    {
        var lstm = Seeded(() => nn.LSTM(2, 3, 2, bidirectional: true)).to(float64);
        (Tensor output, Tensor h, Tensor c) = lstm.call(x);
        return output.sum() + (2 * h.sum()) + (3 * c.sum());
    }
}
