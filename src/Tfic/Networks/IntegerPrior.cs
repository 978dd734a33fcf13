using System.Buffers.Binary;
using System.Security.Cryptography;
using Tfic.Kernels.IntegerConvolution;
using Tfic.Kernels.RangeCoding;
using Tfic.Profiling;

namespace Tfic.Networks;

/// <summary>
/// The part of a codec model that chooses probabilities: the hyper-synthesis h_s in integers, from ẑ to the mean and
/// the scale of every latent, the context model that corrects half of them, and the probability tables. Immutable;
/// shared between threads.
/// </summary>
/// <remarks>
/// <code>
///   ẑ [h, w, N]  int, −128…127                                    stride 64
///     → conv0 3×3 → requantise → 0…16383 → pixel shuffle          stride 32
///     → conv1 3×3 → requantise → 0…16383 → pixel shuffle          stride 16
///     → conv2 1×1 → requantise → [4h, 4w, 2M]: M means in 1/64, then M scale indexes t in 1/16
///   index = clamp((t + offset(quality, channel) + 8) ≫ 4, 0, 63)
/// </code>
/// <para>
/// Without a context model that is all. With one it holds for the anchors, the positions whose row and column add up to
/// an even number; once they are decoded, <see cref="EvaluateOthers"/> corrects means and t of the others.
/// </para>
/// <para>
/// Weights are int8, biases and sums int32, activations int16 (0…16383), requantisation is
/// <see cref="Requantisation"/>, borders are zeros. That sums cannot overflow is checked when a prior is made:
/// so the result is the same on every machine, whatever the order of additions.
/// </para>
/// </remarks>
public sealed class IntegerPrior
{
    /// <summary>Number of scales, and of tables for latents.</summary>
    public const int Scales = 64;

    /// <summary>Qualities at which scale offsets are given: 1…8.</summary>
    public const int QualityLevels = 8;

    /// <summary>Largest quality byte: quality = 1 + byte / 32.</summary>
    public const int MaxQualityByte = (QualityLevels - 1) * 32;

    /// <summary>Largest activation between layers.</summary>
    internal const int MaxActivation = (1 << 14) - 1;

    /// <summary>Largest magnitude of the last layer's results.</summary>
    internal const int MaxResult = 1 << 21;

    private const int MaxScaleOffset = 1 << 16;

    private readonly IntegerLayer[] _layers;
    private readonly IntegerContext? _context;
    private readonly int[] _scaleOffset;
    private readonly byte[] _hash;

    internal IntegerPrior(
        IntegerLayer.Tensors[] layers,
        IntegerLayer.Tensors[]? context,
        int[] scaleOffset,
        FrequencyTables latentTables,
        FrequencyTables hyperTables)
    {
        if (layers.Length != 3)
            throw new ArgumentException($"{layers.Length} layers, where h_s has 3.", nameof(layers));
        HyperChannels = layers[0].Inputs;
        LatentChannels = layers[2].Outputs / 2;
        if (layers[2].Outputs != 2 * LatentChannels || LatentChannels < 1)
        {
            throw new ArgumentException(
                $"h_s.conv2 has {layers[2].Outputs} outputs; means and scales need an even number.");
        }

        for (int l = 0; l < 2; l++)
        {
            if (layers[l + 1].Inputs != layers[l].Outputs / 4)
            {
                throw new ArgumentException(
                    $"h_s.conv{l}: {layers[l].Outputs} outputs, but the next layer has {layers[l + 1].Inputs} inputs.");
            }
        }

        if (latentTables.Count != Scales || latentTables.Centres.ContainsAnyExcept(0))
            throw new ArgumentException($"Latents need {Scales} tables centred at 0.", nameof(latentTables));
        if (hyperTables.Count != HyperChannels)
            throw new ArgumentException(
                $"{hyperTables.Count} tables for {HyperChannels} channels of z.", nameof(hyperTables));
        if (scaleOffset.Length != QualityLevels * LatentChannels)
            throw new ArgumentException(
                $"{scaleOffset.Length} scale offsets, {QualityLevels} × {LatentChannels} needed.");
        if (scaleOffset.AsSpan().ContainsAnyExceptInRange(-MaxScaleOffset, MaxScaleOffset))
            throw new ArgumentException($"A scale offset is beyond ±{MaxScaleOffset}.", nameof(scaleOffset));

        _layers = new IntegerLayer[3];
        for (int l = 0; l < 3; l++)
        {
            int largest = l == 0 ? -sbyte.MinValue : MaxActivation;
            _layers[l] = new IntegerLayer($"h_s.conv{l}", layers[l], largest, shuffled: l < 2);
        }

        if (context is not null)
            _context = new IntegerContext(context, LatentChannels, layers[2].Inputs);
        _scaleOffset = scaleOffset;
        LatentTables = latentTables;
        HyperTables = hyperTables;
        _hash = ComputeHash();
        Id = ModelId.FromHash(_hash);
    }

    /// <summary>N, channels of ẑ.</summary>
    public int HyperChannels { get; }

    /// <summary>M, channels of ŷ.</summary>
    public int LatentChannels { get; }

    /// <summary>Whether positions that are no anchors look at their neighbours.</summary>
    public bool HasContext => _context is not null;

    /// <summary>One table a scale.</summary>
    public FrequencyTables LatentTables { get; }

    /// <summary>One table a channel of ẑ.</summary>
    public FrequencyTables HyperTables { get; }

    /// <summary>
    /// SHA-256 of everything that chooses probabilities: the tensors that <see cref="AddTo"/> writes, in the ordinal
    /// order of their names, for each its name in UTF-8 and a zero byte, its type's name (I8, I32) and a zero byte, the
    /// number of its sizes and the sizes as 32-bit numbers, then its elements; all little-endian.
    /// </summary>
    public ReadOnlySpan<byte> Hash => _hash;

    /// <summary>What streams call this model.</summary>
    public ModelId Id { get; }

    /// <summary>Reads the prior out of a model file.</summary>
    /// <exception cref="TficFormatException">A tensor is missing or wrong, or sums could overflow.</exception>
    public static IntegerPrior Read(SafetensorsFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        try
        {
            IntegerLayer.Tensors[] layers = ReadLayers(file, "h_s");
            bool hasContext = file.Tensors.Keys.Any(name => name.StartsWith("context.", StringComparison.Ordinal));
            return new IntegerPrior(
                layers,
                hasContext ? ReadLayers(file, "context") : null,
                file.Int32("scale_offset_q4", QualityLevels, layers[2].Outputs / 2),
                ReadTables(file, "y"),
                ReadTables(file, "z"));
        }
        catch (ArgumentException e)
        {
            throw new TficFormatException($"The model's entropy part is not usable: {e.Message}", -1, e);
        }
    }

    /// <summary>
    /// The same prior without its context model: another model, with another id, that codes every position as an anchor.
    /// To learn what the context is worth.
    /// </summary>
    public IntegerPrior WithoutContext() =>
        new([.. _layers.Select(layer => layer.Stored)], null, _scaleOffset, LatentTables, HyperTables);

    /// <summary>Multiply-adds of both passes.</summary>
    /// <param name="rows">Rows of ẑ.</param>
    /// <param name="columns">Columns of ẑ.</param>
    public Work Work(int rows, int columns)
    {
        long positions = (long)rows * columns;
        long count = positions * _layers[0].Stored.Weight.Length + 4 * positions * _layers[1].Stored.Weight.Length
            + 16 * positions * _layers[2].Stored.Weight.Length;
        foreach (IntegerLayer layer in _context?.Layers ?? [])
            count += 8 * positions * layer.Stored.Weight.Length;
        return new Work(0, Int16: count);
    }

    /// <summary>Writes the prior's tensors into a model file.</summary>
    public void AddTo(SafetensorsWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        foreach (IntegerLayer.NamedTensor tensor in Tensors())
            writer.Add(tensor.Name, tensor.Type, tensor.Bytes, tensor.Shape);
    }

    /// <summary>
    /// The first pass: means and scales of the latents as ẑ gives them, which are those of the anchors, and, without a
    /// context model, of all others too.
    /// </summary>
    /// <param name="hyper">ẑ: rows × columns positions of <see cref="HyperChannels"/> values, −128…127.</param>
    /// <param name="rows">Rows of ẑ.</param>
    /// <param name="columns">Columns of ẑ.</param>
    /// <param name="quality">Quality byte, 0…<see cref="MaxQualityByte"/>.</param>
    /// <param name="workspace">Memory to work in.</param>
    /// <param name="means">
    /// Receives 4·rows × 4·columns positions of <see cref="LatentChannels"/> means in 1/64.
    /// </param>
    /// <param name="scales">Receives as many indexes of scales, 0…63.</param>
    /// <exception cref="ArgumentException">A span of another length, a value or a quality out of range.</exception>
    public void Evaluate(
        ReadOnlySpan<int> hyper,
        int rows,
        int columns,
        int quality,
        IntegerPriorWorkspace workspace,
        Span<int> means,
        Span<byte> scales)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(quality);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, MaxQualityByte);
        long positions = (long)rows * columns;
        if (hyper.Length != positions * HyperChannels)
            throw new ArgumentException($"{hyper.Length} values, {rows} × {columns} × {HyperChannels} needed.");
        if (means.Length != 16 * positions * LatentChannels || scales.Length != means.Length)
            throw new ArgumentException("Means or scales have another length than 16 · positions · channels.");
        if (hyper.ContainsAnyExceptInRange(sbyte.MinValue, sbyte.MaxValue))
            throw new ArgumentException("A value of ẑ is outside −128…127.", nameof(hyper));

        Span<short> plane = workspace.Plane(0, rows, columns, HyperChannels, _layers[0].Border);
        PutInside(hyper, plane, rows, columns, HyperChannels, _layers[0].Border);
        for (int l = 0; l < 2; l++)
        {
            int channels = _layers[l].Outputs / 4;
            int border = _layers[l + 1].Border;
            Span<short> next = workspace.Plane(l + 1, 2 * rows, 2 * columns, channels, border);
            RunAndShuffle(_layers[l], plane, rows, columns, next, border, workspace);
            plane = next;
            rows *= 2;
            columns *= 2;
        }

        RunLast(plane, rows, columns, quality, workspace, means, scales);
        workspace.Complete(this, rows, columns);
    }

    /// <summary>
    /// The second pass: corrects means and scales of the positions that are no anchors (row + column is odd), now that
    /// the anchors are decoded. Without a context model there is nothing to correct.
    /// </summary>
    /// <param name="codedRows">Rows of latents that are coded, 1…4·rows.</param>
    /// <param name="codedColumns">Columns of latents that are coded, 1…4·columns.</param>
    /// <param name="workspace">That of the first pass, not used since.</param>
    /// <param name="latents">
    /// The means of the first pass, at coded anchors replaced by the decoded ŷ' in 1/64; corrected at all positions that
    /// are no anchors, coded or not.
    /// </param>
    /// <param name="scales">The scales of the first pass; corrected likewise.</param>
    /// <exception cref="ArgumentException">A span of another length, or sizes beyond the first pass's.</exception>
    /// <exception cref="InvalidOperationException">The workspace has not been through this prior's first pass.</exception>
    public void EvaluateOthers(
        int codedRows, int codedColumns, IntegerPriorWorkspace workspace, Span<int> latents, Span<byte> scales)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        (int rows, int columns) = workspace.Current(this);
        ArgumentOutOfRangeException.ThrowIfLessThan(codedRows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(codedColumns, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(codedRows, rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(codedColumns, columns);
        int count = rows * columns * LatentChannels;
        if (latents.Length != count || scales.Length != count)
            throw new ArgumentException($"Latents or scales have another length than the first pass's {count}.");
        _context?.Correct(
            latents,
            workspace.RawScales(count),
            workspace.Offsets(LatentChannels),
            scales,
            rows,
            columns,
            workspace.Features,
            _layers[2].Border,
            codedRows,
            codedColumns,
            workspace);
    }

    /// <summary>The table of a scale index t in 1/16 with a quality's offset.</summary>
    internal static byte ScaleIndex(int t, int offset) => (byte)Math.Clamp((t + offset + 8) >> 4, 0, Scales - 1);

    private static void PutInside(
        ReadOnlySpan<int> values, Span<short> plane, int rows, int columns, int channels, int border)
    {
        int run = columns * channels;
        for (int y = 0; y < rows; y++)
        {
            Span<short> to = plane.Slice(
                (((y + border) * (columns + (2 * border))) + border) * channels, run);
            ReadOnlySpan<int> from = values.Slice(y * run, run);
            for (int i = 0; i < to.Length; i++)
                to[i] = (short)from[i];
        }
    }

    private static void RunAndShuffle(
        IntegerLayer layer,
        ReadOnlySpan<short> plane,
        int rows,
        int columns,
        Span<short> next,
        int border,
        IntegerPriorWorkspace workspace)
    {
        int outputs = layer.Outputs;
        int channels = outputs / 4;
        int nextColumns = (2 * columns) + (2 * border);
        int band = BandRows(columns * outputs);
        for (int y0 = 0; y0 < rows; y0 += band)
        {
            int count = Math.Min(band, rows - y0);
            Span<int> sums = workspace.Sums(count * columns * outputs);
            IntegerConvolution.Run(Rows(plane, layer, columns, y0), layer.Weights, count, columns, sums);
            for (int position = 0; position < count * columns; position++)
            {
                int y = (2 * (y0 + (position / columns))) + border;
                int x = (2 * (position % columns)) + border;
                for (int s = 0; s < 4; s++)
                {
                    layer.Rectify(
                        sums.Slice((position * outputs) + (s * channels), channels),
                        s * channels,
                        MaxActivation,
                        next.Slice((((y + (s >> 1)) * nextColumns) + x + (s & 1)) * channels, channels));
                }
            }
        }
    }

    private void RunLast(
        ReadOnlySpan<short> plane,
        int rows,
        int columns,
        int quality,
        IntegerPriorWorkspace workspace,
        Span<int> means,
        Span<byte> scales)
    {
        IntegerLayer layer = _layers[2];
        int channels = LatentChannels;
        Span<int> offsets = workspace.Offsets(channels);
        InterpolateOffsets(quality, offsets);
        Span<int> rawScales = _context is null ? [] : workspace.RawScales(means.Length);
        int band = BandRows(columns * 2 * channels);
        for (int y0 = 0; y0 < rows; y0 += band)
        {
            int count = Math.Min(band, rows - y0);
            Span<int> sums = workspace.Sums(count * columns * 2 * channels);
            IntegerConvolution.Run(Rows(plane, layer, columns, y0), layer.Weights, count, columns, sums);
            for (int position = 0; position < count * columns; position++)
            {
                int at = ((y0 * columns) + position) * channels;
                Span<int> result = sums.Slice(position * 2 * channels, 2 * channels);
                layer.Requantise(result, -MaxResult, MaxResult, result);
                result[..channels].CopyTo(means[at..]);
                ReadOnlySpan<int> t = result[channels..];
                if (_context is not null)
                    t.CopyTo(rawScales[at..]);
                Span<byte> indexes = scales.Slice(at, channels);
                for (int c = 0; c < indexes.Length; c++)
                    indexes[c] = ScaleIndex(t[c], offsets[c]);
            }
        }
    }

    /// <summary>
    /// With i = ⌊byte / 32⌋ and f = byte mod 32: (offset[i] · (32 − f) + offset[i + 1] · f + 16) ≫ 5.
    /// </summary>
    private void InterpolateOffsets(int quality, Span<int> offsets)
    {
        int level = quality >> 5;
        int fraction = quality & 31;
        ReadOnlySpan<int> low = _scaleOffset.AsSpan(level * LatentChannels, LatentChannels);
        ReadOnlySpan<int> high = _scaleOffset.AsSpan(
            Math.Min(level + 1, QualityLevels - 1) * LatentChannels, LatentChannels);
        for (int c = 0; c < offsets.Length; c++)
            offsets[c] = ((low[c] * (32 - fraction)) + (high[c] * fraction) + 16) >> 5;
    }

    private static ReadOnlySpan<short> Rows(ReadOnlySpan<short> plane, IntegerLayer layer, int columns, int first) =>
        plane[(first * (columns + (2 * layer.Border)) * layer.Inputs)..];

    /// <summary>How many rows' sums are near 256 KB: memory then does not grow with the picture's height.</summary>
    private static int BandRows(int sumsPerRow) => Math.Max(1, 65536 / sumsPerRow);

    private static IntegerLayer.Tensors[] ReadLayers(SafetensorsFile file, string name) =>
        [.. Enumerable.Range(0, 3).Select(l => IntegerLayer.Read(file, $"{name}.conv{l}"))];

    private static FrequencyTables ReadTables(SafetensorsFile file, string name)
    {
        int[] lengths = Vector(file, $"{name}.lengths");
        int[] centres = name == "y" ? new int[lengths.Length] : Vector(file, $"{name}.centres");
        return new FrequencyTables(centres, lengths, Vector(file, $"{name}.frequencies"));
    }

    private static int[] Vector(SafetensorsFile file, string name) =>
        file.Tensors.TryGetValue(name, out StoredTensor? tensor) && tensor.Shape.Length == 1
            ? tensor.ToInt32()
            : throw new TficFormatException($"There is no tensor '{name}' of one size.");

    private IEnumerable<IntegerLayer.NamedTensor> Tensors()
    {
        foreach (IntegerLayer layer in _layers.Concat(_context?.Layers ?? []))
        {
            foreach (IntegerLayer.NamedTensor tensor in layer.Store())
                yield return tensor;
        }

        yield return IntegerLayer.Integers("scale_offset_q4", _scaleOffset, QualityLevels, LatentChannels);
        foreach ((string name, FrequencyTables tables) in new[] { ("y", LatentTables), ("z", HyperTables) })
        {
            if (name == "z")
                yield return IntegerLayer.Integers("z.centres", tables.Centres, tables.Count);
            yield return IntegerLayer.Integers($"{name}.lengths", tables.Lengths, tables.Count);
            yield return IntegerLayer.Integers(
                $"{name}.frequencies", tables.Frequencies, tables.Frequencies.Length);
        }
    }

    private byte[] ComputeHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> number = stackalloc byte[4];
        foreach ((string name, TensorType type, int[] shape, byte[] bytes) in
                 Tensors().OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes($"{name}\0{type}\0"));
            BinaryPrimitives.WriteInt32LittleEndian(number, shape.Length);
            hash.AppendData(number);
            foreach (int size in shape)
            {
                BinaryPrimitives.WriteInt32LittleEndian(number, size);
                hash.AppendData(number);
            }

            hash.AppendData(bytes);
        }

        return hash.GetHashAndReset();
    }
}

/// <summary>
/// Memory that <see cref="IntegerPrior.Evaluate"/> works in; grows as needed. Between the two passes it holds what the
/// second one needs of the first. For one thread at a time.
/// </summary>
public sealed class IntegerPriorWorkspace
{
    private readonly short[][] _planes = [[], [], []];
    private int[] _sums = [];
    private int[] _offsets = [];
    private int[] _rawScales = [];
    private short[] _neighbours = [];
    private short[] _gathered = [];
    private short[] _hidden = [];
    private IntegerPrior? _prior;
    private int _rows;
    private int _columns;

    /// <summary>What h_s.conv2 read in the first pass, with its border.</summary>
    internal ReadOnlySpan<short> Features => _planes[2];

    /// <summary>Notes whose first pass this is, and on how many rows and columns of latents.</summary>
    internal void Complete(IntegerPrior prior, int rows, int columns) =>
        (_prior, _rows, _columns) = (prior, rows, columns);

    /// <summary>Rows and columns of the first pass.</summary>
    /// <exception cref="InvalidOperationException">It was another prior's, or there was none.</exception>
    internal (int Rows, int Columns) Current(IntegerPrior prior) => ReferenceEquals(prior, _prior)
        ? (_rows, _columns)
        : throw new InvalidOperationException("This prior's first pass has to come before its second.");

    /// <summary>A plane with a border of zeros; what is inside is not cleared.</summary>
    internal Span<short> Plane(int index, int rows, int columns, int channels, int border)
    {
        int stride = checked((columns + (2 * border)) * channels);
        int length = checked((rows + (2 * border)) * stride);
        if (_planes[index].Length < length)
            _planes[index] = new short[length];
        Span<short> plane = _planes[index].AsSpan(0, length);
        if (border > 0)
        {
            int side = border * channels;
            plane[..(border * stride)].Clear();
            plane[^(border * stride)..].Clear();
            for (int y = border; y < rows + border; y++)
            {
                plane.Slice(y * stride, side).Clear();
                plane.Slice(((y + 1) * stride) - side, side).Clear();
            }
        }

        return plane;
    }

    internal Span<int> Sums(int length) => Grow(ref _sums, length);

    internal Span<int> Offsets(int length) => Grow(ref _offsets, length);

    internal Span<int> RawScales(int length) => Grow(ref _rawScales, length);

    internal Span<short> Neighbours(int length) => Grow(ref _neighbours, length);

    internal Span<short> Gathered(int length) => Grow(ref _gathered, length);

    internal Span<short> Hidden(int length) => Grow(ref _hidden, length);

    private static Span<T> Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
            array = new T[length];
        return array.AsSpan(0, length);
    }
}
