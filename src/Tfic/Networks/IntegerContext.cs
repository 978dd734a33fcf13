using System.Runtime.Intrinsics;
using Tfic.Kernels.IntegerConvolution;

namespace Tfic.Networks;

/// <summary>
/// The context model in integers: corrects mean and scale of a latent position by its four neighbours, which have
/// been decoded before it (a chequerboard: He et al. 2021, arXiv 2103.15306). Immutable.
/// </summary>
/// <remarks>
/// <code>
///   n: ŷ' of the neighbours above, to the left, to the right, below, [4M], 1/64, clamped to ±16383
///   f: what h_s.conv2 reads at the position
///     → conv0 1×1 (n) + conv1 1×1 (f), each requantised and clamped to ±2²¹ → 0…16383
///     → conv2 1×1 → requantise, clamp to ±2²¹ → [2M]: M differences of means in 1/64, then M of scale indexes in 1/16
/// </code>
/// All layers are 1×1, so positions are gathered and no layer computes one that nobody asks for.
/// </remarks>
internal sealed class IntegerContext
{
    /// <summary>Neighbours that a position looks at.</summary>
    public const int Neighbours = 4;

    /// <summary>
    /// Positions that are computed together: 98 KB of neighbours and 98 KB of sums at 96 channels, for the second-level
    /// cache.
    /// </summary>
    private const int Band = 128;

    private readonly IntegerLayer[] _layers;
    private readonly int _channels;
    private readonly int _hidden;

    /// <summary>Checks the layers and packs them.</summary>
    /// <param name="layers">context.conv0, context.conv1 and context.conv2.</param>
    /// <param name="latentChannels">M.</param>
    /// <param name="features">Channels of f.</param>
    /// <exception cref="ArgumentException">A rule is broken; the message names the tensor.</exception>
    public IntegerContext(IntegerLayer.Tensors[] layers, int latentChannels, int features)
    {
        if (layers.Length != 3)
            throw new ArgumentException($"{layers.Length} layers, where the context model has 3.", nameof(layers));
        _channels = latentChannels;
        _hidden = layers[0].Outputs;
        ReadOnlySpan<(int Outputs, int Inputs)> shapes =
        [
            (_hidden, Neighbours * latentChannels), (_hidden, features), (2 * latentChannels, _hidden),
        ];
        _layers = new IntegerLayer[3];
        for (int l = 0; l < 3; l++)
        {
            IntegerLayer.Tensors layer = layers[l];
            if ((layer.Outputs, layer.Inputs) != shapes[l] || layer.KernelSize != 1)
            {
                throw new ArgumentException(
                    $"context.conv{l}.weight is [{layer.Outputs}, {layer.Inputs}, {layer.KernelSize}, " +
                    $"{layer.KernelSize}]; [{shapes[l].Outputs}, {shapes[l].Inputs}, 1, 1] is needed.");
            }

            _layers[l] = new IntegerLayer($"context.conv{l}", layer, IntegerPrior.MaxActivation);
        }
    }

    /// <summary>The layers, in order.</summary>
    public IReadOnlyList<IntegerLayer> Layers => _layers;

    /// <summary>Corrects means and scales at all positions that are no anchors.</summary>
    /// <param name="latents">
    /// rows × columns positions of M values in 1/64: at coded anchors ŷ', at positions that are no anchors means, which
    /// are corrected in place.
    /// </param>
    /// <param name="rawScales">As many scale indexes in 1/16, as h_s gives them.</param>
    /// <param name="offsets">What the quality adds to them, one a channel.</param>
    /// <param name="scales">Receives indexes of scales at the corrected positions.</param>
    /// <param name="rows">Rows of these planes.</param>
    /// <param name="columns">Columns of these planes.</param>
    /// <param name="features">f: the same positions, in a plane with a border.</param>
    /// <param name="border">Its border.</param>
    /// <param name="codedRows">The first rows, whose anchors are coded; others count as 0.</param>
    /// <param name="codedColumns">The first columns, likewise.</param>
    /// <param name="workspace">Memory to work in.</param>
    public void Correct(
        Span<int> latents,
        ReadOnlySpan<int> rawScales,
        ReadOnlySpan<int> offsets,
        Span<byte> scales,
        int rows,
        int columns,
        ReadOnlySpan<short> features,
        int border,
        int codedRows,
        int codedColumns,
        IntegerPriorWorkspace workspace)
    {
        (int channels, int results) = (_layers[1].Inputs, 2 * _channels);
        Span<short> neighbours = workspace.Neighbours(Band * _layers[0].Inputs);
        Span<short> gathered = workspace.Gathered(Band * channels);
        Span<int> positions = stackalloc int[Band];
        int count = 0;
        int left = rows * columns / 2;
        for (int y = 0; y < rows; y++)
        {
            for (int x = (y + 1) & 1; x < columns; x += 2)
            {
                int at = (y * columns) + x;
                Span<short> to = neighbours.Slice(count * Neighbours * _channels, Neighbours * _channels);
                (bool inRow, bool inColumn) = (y < codedRows, x < codedColumns);
                Gather(latents, at - columns, inColumn && y > 0 && y <= codedRows, to[.._channels]);
                Gather(latents, at - 1, inRow && x > 0 && x <= codedColumns, to.Slice(_channels, _channels));
                Gather(latents, at + 1, inRow && x + 1 < codedColumns, to.Slice(2 * _channels, _channels));
                Gather(latents, at + columns, inColumn && y + 1 < codedRows, to.Slice(3 * _channels, _channels));
                features.Slice((((y + border) * (columns + (2 * border))) + x + border) * channels, channels)
                    .CopyTo(gathered[(count * channels)..]);
                positions[count++] = at;
                if (--left > 0 && count < Band)
                    continue;

                ReadOnlySpan<int> corrections = Run(neighbours, gathered, count, workspace);
                for (int p = 0; p < count; p++)
                {
                    int first = positions[p] * _channels;
                    ReadOnlySpan<int> correction = corrections.Slice(p * results, results);
                    Span<int> means = latents.Slice(first, _channels);
                    ReadOnlySpan<int> raw = rawScales.Slice(first, _channels);
                    Span<byte> indexes = scales.Slice(first, _channels);
                    for (int c = 0; c < means.Length; c++)
                    {
                        means[c] = Clamp(means[c] + correction[c]);
                        indexes[c] = IntegerPrior.ScaleIndex(Clamp(raw[c] + correction[_channels + c]), offsets[c]);
                    }
                }

                count = 0;
            }
        }
    }

    /// <summary>The network on gathered positions.</summary>
    private ReadOnlySpan<int> Run(
        ReadOnlySpan<short> neighbours, ReadOnlySpan<short> features, int count, IntegerPriorWorkspace workspace)
    {
        (int results, int values) = (2 * _channels, count * _hidden);
        Span<int> sums = workspace.Sums(Math.Max(count * results, 2 * values));
        Span<int> fromNeighbours = sums[..values];
        Span<int> fromFeatures = sums.Slice(values, values);
        IntegerConvolution.Run(neighbours, _layers[0].Weights, 1, count, fromNeighbours);
        IntegerConvolution.Run(features, _layers[1].Weights, 1, count, fromFeatures);
        Span<short> hidden = workspace.Hidden(values);
        for (int at = 0; at < values; at += _hidden)
        {
            Span<int> a = fromNeighbours.Slice(at, _hidden);
            Span<int> b = fromFeatures.Slice(at, _hidden);
            _layers[0].Requantise(a, -IntegerPrior.MaxResult, IntegerPrior.MaxResult, a);
            _layers[1].Requantise(b, -IntegerPrior.MaxResult, IntegerPrior.MaxResult, b);
            Span<short> to = hidden.Slice(at, _hidden);
            for (int i = 0; i < to.Length; i++)
                to[i] = (short)Math.Clamp(a[i] + b[i], 0, IntegerPrior.MaxActivation);
        }

        sums = sums[..(count * results)];
        IntegerConvolution.Run(hidden, _layers[2].Weights, 1, count, sums);
        for (int at = 0; at < sums.Length; at += results)
        {
            Span<int> result = sums.Slice(at, results);
            _layers[2].Requantise(result, -IntegerPrior.MaxResult, IntegerPrior.MaxResult, result);
        }

        return sums;
    }

    private static int Clamp(int result) => Math.Clamp(result, -IntegerPrior.MaxResult, IntegerPrior.MaxResult);

    private static void Gather(ReadOnlySpan<int> latents, int position, bool isThere, Span<short> to)
    {
        if (!isThere)
        {
            to.Clear();
            return;
        }

        ReadOnlySpan<int> from = latents.Slice(position * to.Length, to.Length);
        int i = 0;
        for (; i <= to.Length - 8; i += 8)
        {
            Vector256<int> eight = Vector256.Clamp(
                Vector256.LoadUnsafe(in from[i]), Vector256.Create(-IntegerPrior.MaxActivation),
                Vector256.Create(IntegerPrior.MaxActivation));
            Vector128.Narrow(eight.GetLower(), eight.GetUpper()).StoreUnsafe(ref to[i]);
        }

        for (; i < to.Length; i++)
            to[i] = (short)Math.Clamp(from[i], -IntegerPrior.MaxActivation, IntegerPrior.MaxActivation);
    }
}
