using TorchSharp.Interop;
using TorchSharp.Modules;

namespace TorchSharp;

public enum PaddingModes
{
    Zeros = 0,
    Reflect = 1,
    Replicate = 2,
    Circular = 3,
    Constant = 4,
}

public enum Padding
{
    Valid = 0,
    Same = 1,
}

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) =>
                Aten.Call("linear", input, weights, bias);

            public static Tensor bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias = null) =>
                Aten.Call("bilinear", input1, input2, weight, bias);

            public static Tensor conv1d(
                Tensor input, Tensor weight, Tensor? bias = null, long? stride = null, long? padding = null,
                long? dilation = null, long groups = 1) => Aten.Call(
                    "conv1d", input, weight, bias, new[] { stride ?? 1 }, new[] { padding ?? 0 },
                    new[] { dilation ?? 1 }, groups);

            public static Tensor conv2d(
                Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null,
                long[]? dilation = null, long groups = 1) => Aten.Call(
                    "conv2d", input, weight, bias, Pair(strides, 1), Pair(padding, 0), Pair(dilation, 1), groups);

            public static Tensor conv2d_padding(
                Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null,
                Padding padding = Padding.Valid, long[]? dilation = null, long groups = 1) => Aten.Call(
                    "conv2d.padding", input, weight, bias, Pair(strides, 1), padding == Padding.Same ? "same" : "valid",
                    Pair(dilation, 1), groups);

            public static Tensor conv_transpose1d(
                Tensor input, Tensor weight, Tensor? bias = null, long? stride = null, long? padding = null,
                long? output_padding = null, long? dilation = null, long groups = 1) => Aten.Call(
                    "conv_transpose1d", input, weight, bias, new[] { stride ?? 1 }, new[] { padding ?? 0 },
                    new[] { output_padding ?? 0 }, groups, new[] { dilation ?? 1 });

            public static Tensor conv_transpose2d(
                Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null,
                long[]? output_padding = null, long[]? dilation = null, long groups = 1) => Aten.Call(
                    "conv_transpose2d.input", input, weight, bias, Pair(strides, 1), Pair(padding, 0),
                    Pair(output_padding, 0), groups, Pair(dilation, 1));

            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? x.relu_() : x.relu();

            public static Tensor relu6(Tensor x, bool inplace = false) => inplace ? x.relu6_() : x.relu6();

            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01, bool inplace = false) =>
                inplace ? input.leaky_relu_(negative_slope) : input.leaky_relu(negative_slope);

            public static Tensor elu(Tensor x, double alpha, bool inplace = false) =>
                Aten.Call(inplace ? "elu_" : "elu", x, alpha);

            public static Tensor selu(Tensor x, bool inplace = false) => inplace ? x.selu_() : x.selu();

            public static Tensor gelu(Tensor x) => x.gelu();

            public static Tensor gelu(Tensor x, bool inplace) => Aten.Call(inplace ? "gelu_" : "gelu", x);

            public static Tensor glu(Tensor input, long dim = -1) => input.glu(dim);

            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? x.silu_() : x.silu();

            public static Tensor mish(Tensor x, bool inplace = false) => Aten.Call(inplace ? "mish_" : "mish", x);

            public static Tensor sigmoid(Tensor x) => x.sigmoid();

            public static Tensor sigmoid(Tensor x, bool inplace) => inplace ? x.sigmoid_() : x.sigmoid();

            public static Tensor tanh(Tensor x, bool inplace = false) => inplace ? x.tanh_() : x.tanh();

            public static Tensor hardsigmoid(Tensor input, bool inplace = false) =>
                inplace ? input.hardsigmoid_() : input.hardsigmoid();

            public static Tensor hardswish(Tensor input, bool inplace = false) =>
                inplace ? input.hardswish_() : input.hardswish();

            public static Tensor hardtanh(
                Tensor x, double min_val = -1.0, double max_val = 1.0, bool inplace = false) =>
                Aten.Call(inplace ? "hardtanh_" : "hardtanh", x, min_val, max_val);

            public static Tensor prelu(Tensor input, Tensor weight) => input.prelu(weight);

            public static Tensor softplus(Tensor x, double beta = 1.0, double threshold = 20.0) =>
                x.softplus(beta, threshold);

            public static Tensor logsigmoid(Tensor x) => x.log_sigmoid();

            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);

            public static Tensor log_softmax(Tensor x, long dim) => x.log_softmax(dim);

            public static Tensor threshold(Tensor x, double threshold, double value, bool inplace = false) =>
                Aten.Call(inplace ? "threshold_" : "threshold", x, threshold, value);

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                Aten.Call(inplace ? "dropout_" : "dropout", input, p, training);

            public static Tensor dropout2d(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                Aten.Call(inplace ? "feature_dropout_" : "feature_dropout", input, p, training);

            public static Tensor batch_norm(
                Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight = null, Tensor? bias = null,
                bool training = false, double momentum = 0.1, double eps = 1e-05) => Aten.Call(
                    "batch_norm", input, weight, bias, running_mean, running_var, training, momentum, eps, true);

            public static Tensor group_norm(
                Tensor input, long num_groups, Tensor? weight = null, Tensor? bias = null, double eps = 1e-05) =>
                Aten.Call("group_norm", input, num_groups, weight, bias, eps);

            public static Tensor instance_norm(
                Tensor input, Tensor? running_mean = null, Tensor? running_var = null, Tensor? weight = null,
                Tensor? bias = null, bool use_input_stats = true, double momentum = 0.1, double eps = 1e-05) =>
                Aten.Call(
                    "instance_norm", input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps,
                    true);

            public static Tensor layer_norm(
                Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null,
                double eps = 1e-05) => Aten.Call("layer_norm", input, normalized_shape, weight, bias, eps);

            public static Tensor normalize(Tensor input, double p = 2.0, long dim = 1L, double eps = 1e-12)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor length = Aten.Call("norm.ScalarOpt_dim", input, p, new[] { dim }, true).clamp_min(eps);
                return (input / length).MoveToOuterDisposeScope();
            }

            public static Tensor one_hot(Tensor x, long num_classes = -1) => Aten.Call("one_hot", x, num_classes);

            public static Tensor cosine_similarity(Tensor x1, Tensor x2, long dim = 1L, double eps = 1e-08) =>
                Aten.Call("cosine_similarity", x1, x2, dim, eps);

            public static Tensor pixel_shuffle(Tensor input, long upscale_factor) =>
                Aten.Call("pixel_shuffle", input, upscale_factor);

            public static Tensor pixel_unshuffle(Tensor input, long downscale_factor) =>
                Aten.Call("pixel_unshuffle", input, downscale_factor);

            public static Tensor unfold(
                Tensor input, long kernel_size, long dilation = 1, long padding = 0, long stride = 1) => unfold(
                    input, (kernel_size, kernel_size), (dilation, dilation), (padding, padding), (stride, stride));

            public static Tensor unfold(
                Tensor input, (long, long) kernel_size, (long, long)? dilation = null, (long, long)? padding = null,
                (long, long)? stride = null) => Aten.Call(
                    "im2col", input, List(kernel_size), List(dilation ?? (1, 1)), List(padding ?? (0, 0)),
                    List(stride ?? (1, 1)));

            public static Tensor fold(
                Tensor input, long output_size, long kernel_size, long dilation = 1, long padding = 0,
                long stride = 1) => fold(
                    input, (output_size, output_size), (kernel_size, kernel_size), (dilation, dilation),
                    (padding, padding), (stride, stride));

            public static Tensor fold(
                Tensor input, (long, long) output_size, (long, long) kernel_size, (long, long)? dilation = null,
                (long, long)? padding = null, (long, long)? stride = null) => Aten.Call(
                    "col2im", input, List(output_size), List(kernel_size), List(dilation ?? (1, 1)),
                    List(padding ?? (0, 0)), List(stride ?? (1, 1)));

            /// <param name="input">What to pad.</param>
            /// <param name="pad">Before and after each dimension, the last dimension first.</param>
            /// <param name="mode">How to find the new elements.</param>
            /// <param name="value">The new elements' value where the mode is constant.</param>
            public static Tensor pad(
                Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => mode switch
                {
                    PaddingModes.Constant or PaddingModes.Zeros =>
                        Aten.Call("constant_pad_nd", input, pad, mode == PaddingModes.Zeros ? 0 : value),
                    PaddingModes.Reflect => Aten.Call("pad", input, pad, "reflect"),
                    PaddingModes.Replicate => Aten.Call("pad", input, pad, "replicate"),
                    _ => Aten.Call("pad", input, pad, "circular"),
                };

            public static Tensor pad(
                Tensor input, ReadOnlySpan<long> pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, pad.ToArray(), mode, value);

            public static Tensor pad(
                Tensor input, (long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, List(pad), mode, value);

            public static Tensor pad(
                Tensor input, (long, long, long, long) pad, PaddingModes mode = PaddingModes.Constant,
                double value = 0) => functional.pad(
                    input, new[] { pad.Item1, pad.Item2, pad.Item3, pad.Item4 }, mode, value);

            public static Tensor pad(
                Tensor input, long pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, [.. Enumerable.Repeat(pad, 2 * (int)input.ndim)], mode, value);

            public static Tensor grid_sample(
                Tensor input, Tensor grid, GridSampleMode mode = GridSampleMode.Bilinear,
                GridSamplePaddingMode padding_mode = GridSamplePaddingMode.Zeros, bool? align_corners = null)
            {
                // ATen counts bilinear 0, nearest 1; zeros 0, border 1, reflection 2.
                int interpolation = mode == GridSampleMode.Bilinear ? 0 : 1;
                int padding = padding_mode switch
                {
                    GridSamplePaddingMode.Border => 1,
                    GridSamplePaddingMode.Reflection => 2,
                    _ => 0,
                };
                return Aten.Call("grid_sampler", input, grid, interpolation, padding, align_corners ?? false);
            }

            public static Tensor affine_grid(Tensor theta, long[]? size = null, bool align_corners = false) =>
                Aten.Call("affine_grid_generator", theta, size, align_corners);

            public static Tensor interpolate(
                Tensor x, long[]? size = null, double[]? scale_factor = null,
                InterpolationMode mode = InterpolationMode.Nearest, bool? align_corners = null,
                bool recompute_scale_factor = false, bool antialias = false)
            {
                if (size is null == scale_factor is null)
                    throw new ArgumentException("interpolate takes either a size or a scale factor");
                int axes = (int)x.ndim - 2;
                if (scale_factor is { Length: 1 } && axes > 1)
                    scale_factor = [.. Enumerable.Repeat(scale_factor[0], axes)];
                if (size is { Length: 1 } && axes > 1)
                    size = [.. Enumerable.Repeat(size[0], axes)];
                if (scale_factor is not null && (recompute_scale_factor || mode == InterpolationMode.Area))
                {
                    long[] shape = x.shape;
                    size = [.. scale_factor.Select((scale, axis) => (long)Math.Floor(shape[axis + 2] * scale))];
                    scale_factor = null;
                }

                bool corners = align_corners ?? false;
                string aa = antialias ? "_aa" : "";
                string hidden = antialias ? "_" : "";
                return (mode, axes) switch
                {
                    (InterpolationMode.Nearest, >= 1 and <= 3) =>
                        Aten.Call($"upsample_nearest{axes}d.vec", x, size, scale_factor),
                    (InterpolationMode.NearestExact, >= 1 and <= 3) =>
                        Aten.Call($"_upsample_nearest_exact{axes}d.vec", x, size, scale_factor),
                    (InterpolationMode.Linear, 1) =>
                        Aten.Call("upsample_linear1d.vec", x, size, corners, scale_factor),
                    (InterpolationMode.Bilinear, 2) =>
                        Aten.Call($"{hidden}upsample_bilinear2d{aa}.vec", x, size, corners, scale_factor),
                    (InterpolationMode.Bicubic, 2) =>
                        Aten.Call($"{hidden}upsample_bicubic2d{aa}.vec", x, size, corners, scale_factor),
                    (InterpolationMode.Trilinear, 3) =>
                        Aten.Call("upsample_trilinear3d.vec", x, size, corners, scale_factor),
                    (InterpolationMode.Area, 1) => Aten.Call("adaptive_avg_pool1d", x, size),
                    (InterpolationMode.Area, 2) => Aten.Call("adaptive_avg_pool2d", x, size),
                    _ => throw new ArgumentException($"{mode} cannot interpolate {x.ndim} dimensions"),
                };
            }

            public static Tensor scaled_dot_product_attention(
                Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, double p = 0.0,
                bool is_casual = false)
            {
                // Written out, because the operator of this name came only with libtorch 2.0.
                using DisposeScope scope = NewDisposeScope();
                Tensor scores = query.matmul(key.transpose(-2, -1)) / Math.Sqrt(query.size(-1));
                if (is_casual)
                    attn_mask = ones([query.size(-2), key.size(-2)], ScalarType.Bool, query.device).tril();
                if (attn_mask is not null)
                {
                    scores = attn_mask.dtype == ScalarType.Bool
                        ? scores.masked_fill(attn_mask.logical_not(), double.NegativeInfinity)
                        : scores + attn_mask;
                }

                Tensor weights = scores.softmax(-1);
                if (p > 0)
                    weights = dropout(weights, p);
                return weights.matmul(value).MoveToOuterDisposeScope();
            }

            internal static long[] Pair(long[]? list, long value) => list ?? [value, value];

            internal static long[] List((long, long) pair) => [pair.Item1, pair.Item2];
        }
    }
}
