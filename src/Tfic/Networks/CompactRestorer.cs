using System.Globalization;
using System.Numerics;
using Tfic.Kernels.BFloat16Convolution;
using Tfic.Kernels.Convolution;

namespace Tfic.Networks;

/// <summary>
/// The compact restorer: sees a picture of print one JPEG block at a time, with many channels for each.
/// </summary>
/// <remarks>
/// <code>
/// 1 − x ─ blocks ─ head 3×3 ─ N × (x + 1×1(relu(3×3 x))) ─ up 1×1, relu, shuffle 2 ─┬─ 2 × (…) ─ tail 3×3, shuffle 4 ─ r
/// 1 − x ─ quarters of blocks ─ skip 3×3 ─────────────────────────────────────────────┘
/// </code>
/// <para>
/// A block of 8 × 8 pixels becomes 64 channels, so the picture has to begin where a block of the file does. Depth and
/// width follow from the file; 12 × 256 costs 135 thousand multiply-adds a pixel, a quarter of DnCNN's 17 × 64. Ink is 1
/// and paper 0: what lies around a picture is paper.
/// </para>
/// <para>
/// Large pictures are cut into tiles that overlap as far as the layers reach. Every value is the sum that the whole
/// picture at once would give, to the last bit, for any tiles and number of threads.
/// </para>
/// <para>
/// Where the processor multiplies bfloat16, activations and weights have that type within residual branches, and sums
/// float32, as in training.
/// </para>
/// </remarks>
public sealed class CompactRestorer : RestorerModel
{
    /// <summary>The profile as files name it.</summary>
    internal const string Profile = "compact";

    private const int BlockSize = 8, FineSize = 4, FineFeatures = 64, FineBlocks = 2;

    // Bounds of what a file may ask for.
    private const int MaxBlocks = 64, MaxFeatures = 1024;

    // The side of a tile without what it overlaps, in blocks: a page needs one, and three buffers of 256 channels are
    // below 100 MB.
    private const int TileSize = 128;

    private readonly Conv2d _head, _up, _skip, _tail;
    private readonly Branch[] _body, _fine;

    /// <summary>Makes the network.</summary>
    /// <exception cref="TficFormatException">Not such a restorer; or tensors are missing, of another shape or not finite.</exception>
    internal CompactRestorer(SafetensorsFile file)
        : base(file, Profile)
    {
        (Features, int blocks) = SizeOf(file);
        _head = Layers.Load(file, "head", BlockSize * BlockSize, Features, 3, 3, slope: 0f);
        _body = new Branch[blocks];
        for (int i = 0; i < blocks; i++)
            _body[i] = new Branch(file, string.Create(CultureInfo.InvariantCulture, $"body{i}"), Features);
        _up = Layers.Load(file, "up", Features, 4 * FineFeatures, 1, 1, slope: 0f, shuffle: 2);
        _skip = Layers.Load(
            file, "skip", FineSize * FineSize, FineFeatures, 3, 3, residual: Residual.AfterActivation);
        _fine = new Branch[FineBlocks];
        for (int i = 0; i < FineBlocks; i++)
            _fine[i] = new Branch(file, string.Create(CultureInfo.InvariantCulture, $"fine{i}"), FineFeatures);
        _tail = Layers.Load(file, "tail", FineFeatures, FineSize * FineSize, 3, 3, shuffle: FineSize);
    }

    /// <summary>Channels for each block.</summary>
    public int Features { get; }

    /// <summary>Residual blocks at an eighth of the picture's size.</summary>
    public int Depth => _body.Length;

    /// <inheritdoc/>
    public override int Grid => BlockSize;

    /// <inheritdoc/>
    /// <remarks>
    /// From the near edge of a block to the far one; a block for the head and for each residual block; four pixels for
    /// each of the layers at a quarter of the size.
    /// </remarks>
    public override int Reach => BlockSize - 1 + BlockSize * (1 + Depth) + FineSize * (FineBlocks + 1);

    /// <summary>Width and depth of the network in a file.</summary>
    /// <exception cref="TficFormatException">There is no first layer, or more than a restorer may have.</exception>
    public static (int Features, int Blocks) SizeOf(SafetensorsFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        int features = file.Tensors.TryGetValue("head.weight", out StoredTensor? head) && head.Shape.Length == 4
            ? head.Shape[0]
            : throw new TficFormatException("There is no tensor 'head.weight' of a convolution. Export the model again.");
        int blocks = 0;
        while (file.Tensors.ContainsKey(string.Create(CultureInfo.InvariantCulture, $"body{blocks}.conv0.weight")))
            blocks++;
        return features is >= 1 and <= MaxFeatures && blocks <= MaxBlocks
            ? (features, blocks)
            : throw new TficFormatException(
                $"A compact restorer has 1 to {MaxFeatures} channels and at most {MaxBlocks} blocks, not {features} and "
                + $"{blocks}. Export the model again.");
    }

    /// <summary>Restores a plane by tiles of a given size, which changes nothing but time and memory.</summary>
    internal void Restore(
        ReadOnlySpan<float> input, int width, int height, Workspace workspace, Span<float> output, int tileSize,
        bool narrow)
    {
        // Tiles begin and end with blocks; what a tile overlaps its neighbours by is whole blocks, too.
        int columns = Blocks(width), rows = Blocks(height), overlap = Blocks(Reach - (BlockSize - 1));
        for (int top = 0; top < rows; top += tileSize)
        {
            for (int left = 0; left < columns; left += tileSize)
            {
                int bottom = int.Min(top + tileSize, rows), right = int.Min(left + tileSize, columns);
                int firstRow = int.Max(0, top - overlap), endRow = int.Min(rows, bottom + overlap);
                int firstColumn = int.Max(0, left - overlap), endColumn = int.Min(columns, right + overlap);
                ReadOnlySpan<float> residual = Residuals(
                    input, width, height, firstRow, endRow - firstRow, firstColumn, endColumn - firstColumn, workspace,
                    narrow);
                int pitch = (endColumn - firstColumn) * BlockSize;
                int from = left * BlockSize, to = int.Min(right * BlockSize, width);
                for (int y = top * BlockSize; y < int.Min(bottom * BlockSize, height); y++)
                {
                    ReadOnlySpan<float> row =
                        residual[((y - firstRow * BlockSize) * pitch + from - firstColumn * BlockSize)..];
                    for (int x = from; x < to; x++)
                        output[y * width + x] = Math.Clamp(input[y * width + x] - row[x - from], 0f, 1f);
                }
            }
        }
    }

    private protected override void Run(
        ReadOnlySpan<float> input, int width, int height, Workspace workspace, Span<float> output, bool narrow) =>
        Restore(input, width, height, workspace, output, TileSize, narrow);

    private static int Blocks(int pixels) => (pixels + BlockSize - 1) / BlockSize;

    /// <summary>What the network takes away from some blocks: rows · 8 × columns · 8 values.</summary>
    private ReadOnlySpan<float> Residuals(
        ReadOnlySpan<float> input, int width, int height, int firstRow, int rows, int firstColumn, int columns,
        Workspace workspace, bool narrow)
    {
        int threads = workspace.Threads;
        int coarse = rows * columns, fine = 4 * coarse;
        int length = int.Max(coarse * Features, fine * FineFeatures);
        Span<float> a = workspace.Floats(0, length), b = workspace.Floats(1, length), c = workspace.Floats(2, length);

        // The first convolution sees samples, of which bfloat16 would keep all; yet it is a small part of the work.
        TakeIn(input, width, height, firstRow * BlockSize, rows * BlockSize, firstColumn * BlockSize, BlockSize, columns, b);
        _head.Run(b, rows, columns, a, threads: threads);
        foreach (Branch branch in _body)
            branch.Add(ref a, ref b, c, rows, columns, workspace, narrow);
        _up.Run(a, rows, columns, b, threads: threads);
        TakeIn(
            input, width, height, firstRow * BlockSize, rows * BlockSize, firstColumn * BlockSize, FineSize, 2 * columns, a);
        _skip.Run(a, 2 * rows, 2 * columns, c, b, threads);
        foreach (Branch branch in _fine)
            branch.Add(ref c, ref a, b, 2 * rows, 2 * columns, workspace, narrow);
        _tail.Run(c, 2 * rows, 2 * columns, a, threads: threads);
        return a;
    }

    /// <summary>Ink by squares of size × size pixels, one position each; outside the picture there is none.</summary>
    private static void TakeIn(
        ReadOnlySpan<float> input, int width, int height, int top, int rows, int left, int size, int columns,
        Span<float> squares)
    {
        for (int y = 0; y < rows; y++)
        {
            Span<float> line = squares[(y / size * columns * size * size)..];
            for (int column = 0; column < columns; column++)
            {
                Span<float> square = line.Slice((column * size + y % size) * size, size);
                int x = left + column * size;
                for (int i = 0; i < size; i++)
                    square[i] = top + y < height && x + i < width ? 1 - input[(top + y) * width + x + i] : 0f;
            }
        }
    }

    /// <summary>x + conv1(relu(conv0(x))), 3 × 3 and 1 × 1.</summary>
    private sealed class Branch
    {
        private readonly Conv2d _conv0, _conv1;

        // Made when a picture first needs them.
        private readonly Lazy<(BFloat16Conv2d, BFloat16Conv2d)> _narrow;

        public Branch(SafetensorsFile file, string name, int channels)
        {
            _conv0 = Layers.Load(file, name + ".conv0", channels, channels, 3, 3, slope: 0f);
            _conv1 = Layers.Load(
                file, name + ".conv1", channels, channels, 1, 1, residual: Residual.AfterActivation);
            _narrow = new(() => (
                new BFloat16Conv2d(_conv0),
                new BFloat16Conv2d(new Conv2d(_conv1.Weight, _conv1.Bias, channels, 1, 1))));
        }

        /// <summary>Adds the branch to x, which may move to the other buffer.</summary>
        public void Add(
            ref Span<float> x, ref Span<float> other, Span<float> between, int rows, int columns, Workspace workspace,
            bool narrow)
        {
            int threads = workspace.Threads, pitch = columns * _conv0.InputChannels;
            if (!narrow)
            {
                _conv0.Run(x, rows, columns, between, threads: threads);
                _conv1.Run(between, rows, columns, other, x, threads);
                Span<float> swap = x;
                x = other;
                other = swap;
                return;
            }

            (BFloat16Conv2d conv0, BFloat16Conv2d conv1) = _narrow.Value;
            (BFloat16Plane p, BFloat16Plane q) = (workspace.Narrow(0), workspace.Narrow(1));
            p.Reshape(rows, columns, _conv0.InputChannels, 1);
            q.Reshape(rows, columns, _conv0.InputChannels, 0);
            for (int y = 0; y < rows; y++)
                p.SetRow(y, x.Slice(y * pitch, pitch));
            conv0.Run(p, default, q, threads: threads);
            conv1.Run(q, between, threads: threads);
            AddTo(x[..(rows * pitch)], between);
        }

        private static void AddTo(Span<float> x, ReadOnlySpan<float> y)
        {
            int i = 0;
            for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
                (new Vector<float>(x[i..]) + new Vector<float>(y[i..])).CopyTo(x[i..]);
            for (; i < x.Length; i++)
                x[i] += y[i];
        }
    }
}
