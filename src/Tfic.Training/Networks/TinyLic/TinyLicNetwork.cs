using System.Globalization;
using System.Text.RegularExpressions;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;
using Tfic.Networks.TinyLic;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.TinyLic;

/// <summary>Sizes of TinyLIC; the defaults are the published ones.</summary>
/// <param name="N">Channels of the first level; the next have 3/2 and 2 times as many.</param>
/// <param name="M">Channels of the latent, a multiple of its heads.</param>
public sealed record TinyLicOptions(int N = 128, int M = 320)
{
    /// <summary>Blocks of the four levels of g_a and the two of h_a; g_s and h_s have them in reverse.</summary>
    public IReadOnlyList<int> Depths { get; init; } = [2, 2, 6, 2, 2, 2];

    /// <summary>Heads of the same.</summary>
    public IReadOnlyList<int> Heads { get; init; } = [8, 12, 16, 20, 12, 12];
}

/// <summary>What a forward pass gives.</summary>
/// <param name="Reconstruction">The picture as it would be decoded, [B, 3, H, W], not clamped.</param>
/// <param name="LatentLikelihood">Of each value of y, [B, M, H/16, W/16].</param>
/// <param name="HyperLikelihood">Of each value of z, [B, 3N/2, H/64, W/64].</param>
public sealed record TinyLicPass(Tensor Reconstruction, Tensor LatentLikelihood, Tensor HyperLikelihood)
{
    /// <summary>The other values on the way, by their names in the paper: y, z, z_hat, params, y_hat.</summary>
    public required IReadOnlyDictionary<string, Tensor> Latents { get; init; }
}

/// <summary>A picture as bytes.</summary>
/// <param name="Latent">Stream of y.</param>
/// <param name="LatentMode">How it is coded.</param>
/// <param name="Hyper">Stream of z.</param>
/// <param name="HyperMode">How it is coded.</param>
/// <param name="Rows">Rows of z: the picture's over 64.</param>
/// <param name="Columns">Columns of z.</param>
public sealed record TinyLicCode(
    byte[] Latent, CodingMode LatentMode, byte[] Hyper, CodingMode HyperMode, int Rows, int Columns);

/// <summary>
/// TinyLIC (Lu and Ma 2022, "High-efficiency lossy image coding through adaptive neighborhood information aggregation"),
/// with the names of its published state dictionary.
/// </summary>
/// <remarks>
/// <code>
/// x ─ g_a ─ y ─ h_a ─ z ─ round ─ ẑ ─ h_s ─ params ─┐
///                                                    ├─ multistage context ─ μ, σ of y ─ round ─ ŷ ─ g_s ─ x̂
///                                  ŷ coded before ─┘
/// </code>
/// <para>
/// The context model codes y in four slices of channels of growing size (M less M·cos(πt/8), rounded up, for t = 1, 2,
/// 3); all slices before are context of the next. Within the first slice there are four steps, one for each parity of
/// row and column, within the next two there are two (a checkerboard and its complement), within the last one.
/// </para>
/// <para>
/// The tables are chosen by floating-point arithmetic, so a stream decodes only where it is done alike: the same library
/// on the same kind of machine. That is so of the published codec too, and why the shipped codec is another.
/// </para>
/// </remarks>
public sealed partial class TinyLicNetwork : Module<Tensor, TinyLicPass>
{
    private const int Slices = 4;
    private const int Window = 7;
    private const int HyperWindow = 3;
    private const double DropRate = 0.1;
    private const int MaxHyper = 256;

    // Parities (row, column) of the positions that are coded at each step of each slice.
    private static readonly (int Row, int Column)[][][] Steps =
    [
        [[(0, 0)], [(1, 1)], [(0, 1)], [(1, 0)]],
        [[(0, 1), (1, 0)], [(0, 0), (1, 1)]],
        [[(0, 0), (1, 1)], [(0, 1), (1, 0)]],
        [[]],
    ];

    private readonly Module<Tensor, Tensor>[] analysis;
    private readonly Module<Tensor, Tensor>[] hyperAnalysis;
    private readonly Module<Tensor, Tensor>[] hyperSynthesis;
    private readonly Module<Tensor, Tensor>[] synthesis;
    private readonly CompressAI.EntropyBottleneck bottleneck;
    private readonly CompressAI.GaussianConditional conditional;
    private readonly MaskedConvolution[][] spatial;
    private readonly Sequential[] parameterNetworks = new Sequential[Slices];
    private readonly Sequential[] channelNetworks = new Sequential[Slices];
    private readonly int[] sliceSizes;

    /// <summary>Makes the network with random weights.</summary>
    public TinyLicNetwork(TinyLicOptions? options = null)
        : base(nameof(TinyLicNetwork))
    {
        Options = options ??= new TinyLicOptions();
        (int n, int m) = (options.N, options.M);
        (int wide, int wider) = (n * 3 / 2, n * 2);
        sliceSizes = TinyLicContext.SliceSizes(m);

        // Blocks deeper in the network are left out more often, from never to DropRate. The decoder's rates start anew.
        double[] rates = Rates(options.Depths.Sum());
        int[] reversed = [.. options.Depths.Reverse()];
        Sequence encoder = new(this, options.Depths, options.Heads, rates);
        analysis = encoder.Build("g_a", 0, Window, Conv(3, n, 5), n, Conv(n, wide, 3), wide, Conv(wide, wider, 3), wider,
            Conv(wider, m, 3), m);
        hyperAnalysis = encoder.Build("h_a", 4, HyperWindow, Conv(m, wide, 3), wide, Conv(wide, wide, 3), wide);
        Sequence decoder = new(this, reversed, [.. options.Heads.Reverse()], rates);
        hyperSynthesis = decoder.Build("h_s", 0, HyperWindow, wide, Up(wide, wide, 3), wide, Up(wide, 2 * m, 3));
        synthesis = decoder.Build("g_s", 2, Window, m, Up(m, wider, 3), wider, Up(wider, wide, 3), wide, Up(wide, n, 3), n,
            Up(n, 3, 5));

        register_module("entropy_bottleneck", bottleneck = new CompressAI.EntropyBottleneck(wide));
        register_module("gaussian_conditional", conditional = new CompressAI.GaussianConditional());
        spatial =
        [
            [
                new(sliceSizes[0], 3, MaskedConvolution.Diagonal),
                new(sliceSizes[0], 5, MaskedConvolution.Checkerboard),
                new(sliceSizes[0], 5, MaskedConvolution.AllButOwnParity),
            ],
            [new(sliceSizes[1], 5, MaskedConvolution.Checkerboard)],
            [new(sliceSizes[2], 5, MaskedConvolution.Checkerboard)],
            [],
        ];
        int number = 0;
        foreach (MaskedConvolution transform in spatial.SelectMany(s => s))
            register_module($"sc_transform_{++number}", transform);
        for (int i = 0; i < Slices; i++)
        {
            int s = sliceSizes[i];
            (int first, int second) = i < 3 ? (s * 10 / 3, s * 8 / 3) : (2 * s, 2 * s);
            parameterNetworks[i] = Sequential(
                Conv2d(2 * m + (i < 3 ? 4 : 2) * s, first, 1), GELU(), Conv2d(first, second, 1), GELU(),
                Conv2d(second, 2 * s, 1));
            register_module($"entropy_parameters_{i + 1}", parameterNetworks[i]);
            channelNetworks[i] = Sequential(
                Conv2d(2 * m + sliceSizes[..i].Sum(), s, 5, padding: 2), GELU(), Conv2d(s, s, 5, padding: 2), GELU(),
                Conv2d(s, 2 * s, 3, padding: 1));
        }

        register_module("cc_transforms", ModuleList(channelNetworks));
        foreach (Linear layer in modules().OfType<Linear>())
        {
            init.normal_(layer.weight, 0, 0.02);
            init.zeros_(layer.bias!);
        }
    }

    /// <summary>Its sizes.</summary>
    public TinyLicOptions Options { get; }

    /// <summary>The prior of z, with its auxiliary loss.</summary>
    public CompressAI.EntropyBottleneck Bottleneck => bottleneck;

    /// <summary>Makes the network that a state dictionary is of, with its weights.</summary>
    /// <exception cref="TficFormatException">It is of another network.</exception>
    public static TinyLicNetwork FromStateDict(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        // Before CompressAI 1.2 these were lists of parameters.
        tensors = StateDict.WithoutWrapper(tensors).ToDictionary(
            pair => OldName().Replace(pair.Key, match => "._" + match.Groups[1].Value switch
            {
                "matrices" => "matrix",
                "biases" => "bias",
                _ => "factor",
            } + match.Groups[2].Value),
            pair => pair.Value,
            StringComparer.Ordinal);
        int Size(string name, int rank) =>
            tensors.TryGetValue(name, out StoredTensor? tensor) && tensor.Shape.Length == rank && tensor.Shape[0] > 0
                ? tensor.Shape[0]
                : throw new TficFormatException($"These are no weights of TinyLIC: '{name}' is missing.");
        string[] groups = ["g_a1", "g_a3", "g_a5", "g_a7", "h_a1", "h_a3"];
        (int n, int m) = (Size("g_a0.weight", 4), Size("g_a6.weight", 4));
        var options = new TinyLicOptions(n, m)
        {
            Heads = [.. groups.Select(group => Size($"{group}.residual_group.blocks.0.attn.rpb", 3))],
            Depths = [.. groups.Select(group => Enumerable.Range(0, 64).TakeWhile(i =>
                tensors.ContainsKey($"{group}.residual_group.blocks.{i}.attn.rpb")).Count())],
        };
        int[] widths = [n, n * 3 / 2, n * 2, m, n * 3 / 2, n * 3 / 2];
        if (n % 2 != 0 || m < 8 || widths.Zip(options.Heads).Any(pair => pair.First % pair.Second != 0))
            throw new TficFormatException($"These are no weights of TinyLIC: it cannot have {n} and {m} channels.");
        var network = new TinyLicNetwork(options);
        network.bottleneck.MakeRoom("entropy_bottleneck", tensors);
        network.conditional.MakeRoom("gaussian_conditional", tensors);
        StateDict.Load(network, tensors);
        network.eval();
        return network;
    }

    /// <summary>Sets the tables that <see cref="Compress"/> codes with; needed after training or without loaded ones.</summary>
    public void Update()
    {
        bottleneck.Update();
        conditional.Update();
    }

    /// <summary>Whether there are tables.</summary>
    public bool HasTables => conditional.get_buffer("_offset")!.numel() > 0;

    /// <summary>Codes and decodes without making a stream; in training quantised by noise or straight through.</summary>
    /// <param name="input">[B, 3, H, W], 0 … 1, H and W multiples of 64.</param>
    public override TinyLicPass forward(Tensor input)
    {
        (Tensor y, Tensor z) = Latents(input);
        (_, Tensor hyperLikelihood) = bottleneck.Run(z);
        Tensor hyper = StraightThrough(z, bottleneck.Medians);
        Tensor parameters = Run(hyperSynthesis, hyper);
        Tensor[] slices = y.split(Array.ConvertAll(sliceSizes, s => (long)s), 1);
        var likelihoods = new List<Tensor>();
        Tensor latent = CodeSlices(
            parameters,
            (slice, _, _, mean) => StraightThrough(slices[slice], mean),
            (slice, scale, mean) => likelihoods.Add(conditional.Likelihood(slices[slice], scale, mean)));
        return new TinyLicPass(Run(synthesis, latent), cat(likelihoods, 1), hyperLikelihood)
        {
            Latents = new Dictionary<string, Tensor>
            {
                ["y"] = y,
                ["z"] = z,
                ["z_hat"] = hyper,
                ["params"] = parameters,
                ["y_hat"] = latent,
            },
        };
    }

    /// <summary>What g_a and h_a alone make of a picture.</summary>
    /// <param name="input">[B, 3, H, W], 0 … 1, H and W multiples of 64.</param>
    /// <returns>y and z.</returns>
    public (Tensor Latent, Tensor Hyper) Latents(Tensor input)
    {
        Require64(input);
        Tensor y = Run(analysis, input);
        return (y, Run(hyperAnalysis, y));
    }

    /// <summary>Codes a picture.</summary>
    /// <param name="input">[1, 3, H, W], 0 … 1, H and W multiples of 64.</param>
    public TinyLicCode Compress(Tensor input)
    {
        Require64(input);
        ArgumentOutOfRangeException.ThrowIfNotEqual(input.shape[0], 1, nameof(input));
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (Tensor y, Tensor z) = Latents(input);

        int[] hyperSymbols = Symbols(Floats(z - bottleneck.Medians));
        var hyperCoder = new SymbolEncoder();
        hyperCoder.Add(bottleneck.Tables, Channels(z.shape), hyperSymbols);
        Tensor parameters = Run(hyperSynthesis, Hyper(hyperSymbols, z.shape, z.device));

        Tensor[] slices = y.split(Array.ConvertAll(sliceSizes, s => (long)s), 1);
        var coder = new SymbolEncoder();
        _ = CodeSlices(parameters, (slice, step, scale, mean) =>
        {
            int[] symbols = Symbols(Floats(slices[slice] - mean));
            int[] order = Order(slice, step, mean.shape);
            byte[] indexes = conditional.Indexes(scale);
            coder.Add(
                conditional.Tables,
                Array.ConvertAll(order, i => indexes[i]),
                Array.ConvertAll(order, i => symbols[i]));
            return tensor(Array.ConvertAll(symbols, s => (float)s), mean.shape).to(mean.device) + mean;
        });
        byte[] latentStream = coder.Finish(out CodingMode latentMode).ToArray();
        byte[] hyperStream = hyperCoder.Finish(out CodingMode hyperMode).ToArray();
        return new TinyLicCode(latentStream, latentMode, hyperStream, hyperMode, (int)z.shape[2], (int)z.shape[3]);
    }

    /// <summary>Decodes a picture.</summary>
    /// <param name="code">What <see cref="Compress"/> gave, with the same weights and tables.</param>
    /// <returns>[1, 3, H, W], 0 … 1.</returns>
    /// <exception cref="TficFormatException">The streams are damaged.</exception>
    public Tensor Decompress(TinyLicCode code)
    {
        ArgumentNullException.ThrowIfNull(code);
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (code.Rows is < 1 or > MaxHyper || code.Columns is < 1 or > MaxHyper)
            throw new TficFormatException($"A picture of {code.Rows} × {code.Columns} times 64 pixels is not decoded.");
        Device device = bottleneck.Medians.device;
        long[] hyperShape = [1, bottleneck.Channels, code.Rows, code.Columns];
        var hyperSymbols = new int[checked((int)(bottleneck.Channels * code.Rows * code.Columns))];
        var decoder = new SymbolDecoder();
        decoder.Start(code.Hyper, code.HyperMode);
        decoder.Decode(bottleneck.Tables, Channels(hyperShape), hyperSymbols);
        decoder.End();
        Tensor parameters = Run(hyperSynthesis, Hyper(hyperSymbols, hyperShape, device));

        decoder.Start(code.Latent, code.LatentMode);
        Tensor latent = CodeSlices(parameters, (slice, step, scale, mean) =>
        {
            int[] order = Order(slice, step, mean.shape);
            byte[] indexes = conditional.Indexes(scale);
            var decoded = new int[order.Length];
            decoder.Decode(conditional.Tables, Array.ConvertAll(order, i => indexes[i]), decoded);
            var symbols = new float[mean.numel()];
            for (int i = 0; i < order.Length; i++)
                symbols[order[i]] = decoded[i];
            return tensor(symbols, mean.shape).to(device) + mean;
        });
        decoder.End();
        return Run(synthesis, latent).clamp(0, 1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void RegisterComponents()
    {
    }

    /// <summary>Walks through slices and steps, the same for coding and decoding.</summary>
    /// <param name="parameters">What h_s gives, [B, 2M, H, W].</param>
    /// <param name="code">
    /// (slice, step, scale, mean) → the slice's ŷ; only the positions of the step are looked at.
    /// </param>
    /// <param name="done">Is told of each slice the scale and mean of all positions.</param>
    /// <returns>ŷ [B, M, H, W].</returns>
    private Tensor CodeSlices(
        Tensor parameters, Func<int, int, Tensor, Tensor, Tensor> code, Action<int, Tensor, Tensor>? done = null)
    {
        (long batch, long height, long width) = (parameters.shape[0], parameters.shape[2], parameters.shape[3]);
        var coded = new List<Tensor>();
        for (int slice = 0; slice < Slices; slice++)
        {
            int size = sliceSizes[slice];
            Tensor channelContext = channelNetworks[slice].call(cat([parameters, .. coded], 1));
            Tensor known = zeros([batch, size, height, width], parameters.dtype, parameters.device);
            Tensor spatialContext = zeros([batch, 2 * size, height, width], parameters.dtype, parameters.device);
            for (int step = 0; step < Steps[slice].Length; step++)
            {
                Tensor positions = Positions(slice, step, height, width, parameters.device);
                if (step > 0)
                    spatialContext = spatialContext + spatial[slice][step - 1].call(known) * positions;
                Tensor[] both = parameterNetworks[slice].call(slice < 3
                    ? cat([parameters, spatialContext, channelContext], 1)
                    : cat([parameters, channelContext], 1)).chunk(2, 1);
                known = known + code(slice, step, both[0], both[1]) * positions;
                if (step == Steps[slice].Length - 1)
                    done?.Invoke(slice, both[0], both[1]);
            }

            coded.Add(known);
        }

        return cat(coded, 1);
    }

    // 1 at the positions of a step, [1, 1, H, W].
    private static Tensor Positions(int slice, int step, long height, long width, Device device)
    {
        var mask = new float[height * width];
        (int Row, int Column)[] parities = Steps[slice][step];
        for (int i = 0; i < mask.Length; i++)
        {
            var parity = ((int)(i / width) % 2, (int)(i % width) % 2);
            mask[i] = parities.Length == 0 || parities.Contains(parity) ? 1 : 0;
        }

        return tensor(mask, [1, 1, height, width]).to(device);
    }

    /// <summary>
    /// Where the values of a step lie in a slice, in the order of coding: parity by parity, and within one channel by
    /// channel, row by row. The order is the published one.
    /// </summary>
    private static int[] Order(int slice, int step, long[] shape)
    {
        (int channels, int height, int width) = ((int)shape[1], (int)shape[2], (int)shape[3]);
        (int Row, int Column)[] parities = Steps[slice][step];
        if (parities.Length == 0)
            return [.. Enumerable.Range(0, channels * height * width)];
        var order = new List<int>();
        foreach ((int row, int column) in parities)
        {
            for (int c = 0; c < channels; c++)
            {
                for (int y = row; y < height; y += 2)
                {
                    for (int x = column; x < width; x += 2)
                        order.Add((c * height + y) * width + x);
                }
            }
        }

        return [.. order];
    }

    private Tensor Hyper(int[] symbols, long[] shape, Device device) =>
        tensor(Array.ConvertAll(symbols, s => (float)s), shape).to(device) + bottleneck.Medians;

    private static byte[] Channels(long[] shape)
    {
        var indexes = new byte[shape[1] * shape[2] * shape[3]];
        for (int i = 0; i < indexes.Length; i++)
            indexes[i] = (byte)(i / (shape[2] * shape[3]));
        return indexes;
    }

    private static float[] Floats(Tensor x) => x.detach().cpu().contiguous().data<float>().ToArray();

    private static int[] Symbols(float[] values) => Array.ConvertAll(values, value => (int)MathF.Round(value));

    // Rounded relative to the mean; the gradient is that of the value itself.
    private static Tensor StraightThrough(Tensor x, Tensor mean)
    {
        Tensor difference = x - mean;
        return (difference.round() - difference).detach() + difference + mean;
    }

    private static Tensor Run(Module<Tensor, Tensor>[] layers, Tensor input)
    {
        Tensor x = input;
        foreach (Module<Tensor, Tensor> layer in layers)
            x = layer.call(x);
        return x;
    }

    private static void Require64(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.ndim != 4 || input.shape[2] % 64 != 0 || input.shape[3] % 64 != 0)
        {
            throw new ArgumentException(
                $"[{string.Join(", ", input.shape)}] is no picture of a multiple of 64 rows and columns.", nameof(input));
        }
    }

    private static double[] Rates(int blocks) => [.. Enumerable.Range(0, blocks).Select(i => DropRate * i / (blocks - 1))];

    private static Conv2d Conv(int from, int to, int kernel) => Conv2d(from, to, kernel, 2, kernel / 2);

    private static ConvTranspose2d Up(int from, int to, int kernel) => ConvTranspose2d(from, to, kernel, 2, kernel / 2, 1);

    [GeneratedRegex(@"\._(matrices|biases|factors)\.(\d+)$")]
    private static partial Regex OldName();

    /// <summary>Registers a transform's layers: PREFIX0, PREFIX1 … are convolutions and groups of attention in turn.</summary>
    private sealed class Sequence(TinyLicNetwork owner, IReadOnlyList<int> depths, IReadOnlyList<int> heads, double[] rates)
    {
        /// <param name="prefix">Name of the transform.</param>
        /// <param name="level">The first group's place in the depths.</param>
        /// <param name="window">Side of the groups' windows.</param>
        /// <param name="layers">Convolutions, and for each group its channels.</param>
        public Module<Tensor, Tensor>[] Build(string prefix, int level, int window, params Layer[] layers)
        {
            var built = new Module<Tensor, Tensor>[layers.Length];
            for (int i = 0; i < layers.Length; i++)
            {
                if (layers[i].Convolution is { } convolution)
                {
                    built[i] = convolution;
                }
                else
                {
                    int first = depths.Take(level).Sum();
                    built[i] = new ResidualAttention(
                        layers[i].Channels, heads[level], window, rates.AsSpan(first, depths[level]));
                    level++;
                }

                owner.register_module(prefix + i.ToString(CultureInfo.InvariantCulture), built[i]);
            }

            return built;
        }
    }

    private readonly record struct Layer(Module<Tensor, Tensor>? Convolution, int Channels)
    {
        public static implicit operator Layer(Conv2d convolution) => new(convolution, 0);

        public static implicit operator Layer(ConvTranspose2d convolution) => new(convolution, 0);

        public static implicit operator Layer(int channels) => new(null, channels);
    }
}
