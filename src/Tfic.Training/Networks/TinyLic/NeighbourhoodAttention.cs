using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.TinyLic;

/// <summary>
/// Attention of each position to the k × k positions around it (Hassani et al. 2022, "Neighborhood attention
/// transformer"), with a learned bias for each relative position.
/// </summary>
/// <remarks>
/// <para>
/// Near an edge the window is moved inward, so that it always has k × k positions and the position itself: along an axis
/// of length n it starts at clamp(i − ⌊k/2⌋, 0, n − k). The bias is <c>rpb[head, Δrow + k − 1, Δcolumn + k − 1]</c>, Δ the
/// key's position less the query's. An input shorter than k is padded with zeros below or to the right <em>before</em> the
/// projections, as published: the padding takes part as keys.
/// </para>
/// <para>
/// Queries are taken in tiles, each with the keys that any of them sees: matrix products in place of gathering k × k keys
/// for each query, which needs several times less memory. Pairs outside the window get −∞.
/// </para>
/// </remarks>
public sealed class NeighbourhoodAttention : PublishedModule
{
    private const int Tile = 8;

    private readonly int kernel;
    private readonly int heads;
    private readonly double scale;
    private readonly Linear project;
    private readonly Linear combine;
    private readonly Parameter bias;

    /// <summary>Makes the layer.</summary>
    /// <param name="channels">Channels, a multiple of <paramref name="heads"/>.</param>
    /// <param name="kernel">Side of the window, odd, at least 3.</param>
    /// <param name="heads">Heads, each of channels / heads.</param>
    public NeighbourhoodAttention(int channels, int kernel, int heads)
        : base(nameof(NeighbourhoodAttention))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(kernel, 3);
        ArgumentOutOfRangeException.ThrowIfEqual(kernel % 2, 0, nameof(kernel));
        ArgumentOutOfRangeException.ThrowIfNotEqual(channels % heads, 0, nameof(channels));
        (this.kernel, this.heads) = (kernel, heads);
        scale = 1 / Math.Sqrt(channels / heads);
        project = Part("qkv", Linear(channels, 3 * channels));
        bias = Part("rpb", Parameter(randn(heads, 2 * kernel - 1, 2 * kernel - 1) * 0.02));
        combine = Part("proj", Linear(channels, channels));
    }

    /// <summary>[B, H, W, C] → [B, H, W, C].</summary>
    public override Tensor forward(Tensor input)
    {
        (long rows, long columns) = (input.shape[1], input.shape[2]);
        (long below, long right) = (Math.Max(0, kernel - rows), Math.Max(0, kernel - columns));
        Tensor x = below + right > 0 ? functional.pad(input, [0, 0, 0, right, 0, below]) : input;
        (long batch, long height, long width, long channels) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3]);
        long depth = channels / heads;

        // [3, B, heads, H, W, depth]
        Tensor all = project.call(x).view(batch, height, width, 3, heads, depth).permute(3, 0, 4, 1, 2, 5);
        var vertical = new Axis((int)height, kernel);
        var horizontal = new Axis((int)width, kernel);
        Tensor queries = Tiles(all.select(0, 0) * scale, vertical.Queries, horizontal.Queries, vertical, horizontal);
        Tensor keys = Tiles(all.select(0, 1), vertical.Keys, horizontal.Keys, vertical, horizontal);
        Tensor values = Tiles(all.select(0, 2), vertical.Keys, horizontal.Keys, vertical, horizontal);

        Tensor attention = functional.softmax(matmul(queries, keys.transpose(-2, -1)) + Bias(vertical, horizontal), -1);

        // Back from [B, heads, tiles down, tiles across, t·t, depth] to rows and columns.
        Tensor result = matmul(attention, values)
            .view(batch, heads, vertical.Tiles, horizontal.Tiles, vertical.Side, horizontal.Side, depth)
            .permute(0, 2, 4, 3, 5, 1, 6)
            .reshape(batch, vertical.Tiles * vertical.Side, horizontal.Tiles * horizontal.Side, channels)
            .slice(1, 0, rows, 1).slice(2, 0, columns, 1);
        return combine.call(result);
    }

    /// <summary>Takes rows and columns in the given orders, as tiles: [B, heads, tiles, tiles, n·m, depth].</summary>
    private static Tensor Tiles(Tensor x, int[] rows, int[] columns, Axis vertical, Axis horizontal)
    {
        (long batch, long heads, long depth) = (x.shape[0], x.shape[1], x.shape[4]);
        (int n, int m) = (rows.Length / vertical.Tiles, columns.Length / horizontal.Tiles);
        return x.index_select(2, Index(rows, x)).index_select(3, Index(columns, x))
            .view(batch, heads, vertical.Tiles, n, horizontal.Tiles, m, depth)
            .permute(0, 1, 2, 4, 3, 5, 6)
            .reshape(batch, heads, vertical.Tiles, horizontal.Tiles, n * m, depth);
    }

    /// <summary>The biases of all pairs of each tile, [heads, tiles, tiles, t·t, keys]; −∞ outside the window.</summary>
    private Tensor Bias(Axis vertical, Axis horizontal)
    {
        // A pair's bias is a choice of row, then of column: [heads, pairs down, pairs across].
        Tensor chosen = bias.index_select(1, Index(vertical.Biases, bias)).index_select(2, Index(horizontal.Biases, bias));
        (int t, int s) = (vertical.Side, horizontal.Side);
        (int n, int m) = (vertical.Span, horizontal.Span);
        Tensor inside = Inside(vertical, bias).view(vertical.Tiles, 1, t, 1, n, 1)
            .logical_and(Inside(horizontal, bias).view(1, horizontal.Tiles, 1, s, 1, m));
        return chosen.view(heads, vertical.Tiles, t, n, horizontal.Tiles, s, m)
            .permute(0, 1, 4, 2, 5, 3, 6)
            .masked_fill(inside.logical_not(), double.NegativeInfinity)
            .reshape(heads, vertical.Tiles, horizontal.Tiles, t * s, n * m);
    }

    private static Tensor Index(int[] values, Tensor like) =>
        tensor(Array.ConvertAll(values, value => (long)value)).to(like.device);

    private static Tensor Inside(Axis axis, Tensor like) => tensor(axis.Inside).to(like.device);

    /// <summary>Which queries, keys and biases the tiles of an axis take.</summary>
    private sealed class Axis
    {
        public Axis(int length, int kernel)
        {
            Side = Math.Min(Tile, length);
            Tiles = (length + Side - 1) / Side;

            // The windows of Side queries in a row cover at most this many positions.
            Span = Math.Min(length, Side + kernel - 1);
            Queries = new int[Tiles * Side];
            Keys = new int[Tiles * Span];
            Biases = new int[Tiles * Side * Span];
            Inside = new bool[Biases.Length];
            for (int tile = 0; tile < Tiles; tile++)
            {
                int firstKey = Math.Clamp(tile * Side - kernel / 2, 0, length - Span);
                for (int k = 0; k < Span; k++)
                    Keys[tile * Span + k] = firstKey + k;
                for (int q = 0; q < Side; q++)
                {
                    // The last tile may reach beyond the end; what is found there is cut off again.
                    int query = Math.Min(tile * Side + q, length - 1);
                    Queries[tile * Side + q] = query;
                    int start = Math.Clamp(query - kernel / 2, 0, length - kernel);
                    for (int k = 0; k < Span; k++)
                    {
                        int key = firstKey + k, at = (tile * Side + q) * Span + k;
                        Inside[at] = key >= start && key < start + kernel;
                        Biases[at] = Inside[at] ? key - query + kernel - 1 : 0;
                    }
                }
            }
        }

        public int Side { get; }

        public int Tiles { get; }

        public int Span { get; }

        public int[] Queries { get; }

        public int[] Keys { get; }

        public int[] Biases { get; }

        public bool[] Inside { get; }
    }
}
