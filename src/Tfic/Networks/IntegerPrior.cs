using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Tfic.Kernels.IntegerConvolution;
using Tfic.Kernels.RangeCoding;

namespace Tfic.Networks;

/// <summary>
/// The part of a codec model that chooses probabilities: the hyper-synthesis h_s in integers, from ẑ to the mean and
/// the scale of every latent, and the probability tables. Immutable; shared between threads.
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
/// Weights are int8, biases and sums int32, activations int16 (0…16383), requantisation is
/// <see cref="Requantisation.Apply"/>, borders are zeros. That sums cannot overflow is checked when a prior is made:
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

    private readonly LayerTensors[] _tensors;
    private readonly Layer[] _layers;
    private readonly int[] _scaleOffset;
    private readonly byte[] _hash;

    /// <summary>What a layer is stored as.</summary>
    /// <param name="Weight">[outputs, inputs, k, k].</param>
    /// <param name="Bias">One an output, in units of the sums.</param>
    /// <param name="Multiplier">One an output.</param>
    /// <param name="Shift">One an output.</param>
    /// <param name="Inputs">Channels in.</param>
    /// <param name="KernelSize">k.</param>
    internal sealed record LayerTensors(
        sbyte[] Weight, int[] Bias, int[] Multiplier, int[] Shift, int Inputs, int KernelSize);

    private sealed record Layer(IntegerConvolutionWeights Weights, int[] Multiplier, int[] Shift)
    {
        public int Border => Weights.KernelSize / 2;
    }

    internal IntegerPrior(
        LayerTensors[] layers, int[] scaleOffset, FrequencyTables latentTables, FrequencyTables hyperTables)
    {
        if (layers.Length != 3)
            throw new ArgumentException($"{layers.Length} layers, where h_s has 3.", nameof(layers));
        HyperChannels = layers[0].Inputs;
        LatentChannels = layers[2].Bias.Length / 2;
        if (layers[2].Bias.Length != 2 * LatentChannels || LatentChannels < 1)
            throw new ArgumentException(
                $"conv2 has {layers[2].Bias.Length} outputs; means and scales need an even number.");
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

        _tensors = layers;
        _layers = new Layer[3];
        for (int l = 0; l < 3; l++)
            _layers[l] = MakeLayer(layers, l);
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
            var layers = new LayerTensors[3];
            for (int l = 0; l < 3; l++)
            {
                string name = $"h_s.conv{l}";
                if (!file.Tensors.TryGetValue($"{name}.weight", out StoredTensor? weight) || weight.Shape.Length != 4)
                    throw new TficFormatException($"There is no tensor '{name}.weight' of four sizes.");
                (int outputs, int inputs, int k) = (weight.Shape[0], weight.Shape[1], weight.Shape[2]);
                layers[l] = new LayerTensors(
                    file.SByte($"{name}.weight", outputs, inputs, k, k),
                    file.Int32($"{name}.bias", outputs),
                    file.Int32($"{name}.multiplier", outputs),
                    file.Int32($"{name}.shift", outputs),
                    inputs,
                    k);
            }

            int[] offsets = file.Int32("scale_offset_q4", QualityLevels, layers[2].Bias.Length / 2);
            return new IntegerPrior(layers, offsets, ReadTables(file, "y"), ReadTables(file, "z"));
        }
        catch (ArgumentException e)
        {
            throw new TficFormatException($"The model's entropy part is not usable: {e.Message}", -1, e);
        }
    }

    /// <summary>Writes the prior's tensors into a model file.</summary>
    public void AddTo(SafetensorsWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        foreach ((string name, TensorType type, int[] shape, byte[] bytes) in Tensors())
            writer.Add(name, type, bytes, shape);
    }

    /// <summary>Means and scales of the latents.</summary>
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
            int channels = _layers[l].Weights.Outputs / 4;
            int border = _layers[l + 1].Border;
            Span<short> next = workspace.Plane(l + 1, 2 * rows, 2 * columns, channels, border);
            RunAndShuffle(_layers[l], plane, rows, columns, next, border, workspace);
            plane = next;
            rows *= 2;
            columns *= 2;
        }

        RunLast(_layers[2], plane, rows, columns, quality, workspace, means, scales);
    }

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
        Layer layer,
        ReadOnlySpan<short> plane,
        int rows,
        int columns,
        Span<short> next,
        int border,
        IntegerPriorWorkspace workspace)
    {
        int outputs = layer.Weights.Outputs;
        int channels = outputs / 4;
        int nextColumns = (2 * columns) + (2 * border);
        foreach ((int y0, int count) in new Bands(rows, columns * outputs))
        {
            Span<int> sums = workspace.Sums(count * columns * outputs);
            IntegerConvolution.Run(Rows(plane, layer, columns, y0), layer.Weights, count, columns, sums);
            for (int position = 0; position < count * columns; position++)
            {
                int y = (2 * (y0 + (position / columns))) + border;
                int x = (2 * (position % columns)) + border;
                for (int s = 0; s < 4; s++)
                {
                    // Outputs are ordered by their place in the 2 × 2 square (see MakeLayer), so a run is contiguous.
                    Span<short> to = next.Slice(
                        (((y + (s >> 1)) * nextColumns) + x + (s & 1)) * channels, channels);
                    ReadOnlySpan<int> from = sums.Slice((position * outputs) + (s * channels), channels);
                    ReadOnlySpan<int> multiplier = layer.Multiplier.AsSpan(s * channels, channels);
                    ReadOnlySpan<int> shift = layer.Shift.AsSpan(s * channels, channels);
                    for (int c = 0; c < to.Length; c++)
                        to[c] = (short)Requantisation.Apply(from[c], multiplier[c], shift[c], 0, MaxActivation);
                }
            }
        }
    }

    private void RunLast(
        Layer layer,
        ReadOnlySpan<short> plane,
        int rows,
        int columns,
        int quality,
        IntegerPriorWorkspace workspace,
        Span<int> means,
        Span<byte> scales)
    {
        int channels = LatentChannels;
        Span<int> offsets = workspace.Offsets(channels);
        InterpolateOffsets(quality, offsets);
        foreach ((int y0, int count) in new Bands(rows, columns * 2 * channels))
        {
            Span<int> sums = workspace.Sums(count * columns * 2 * channels);
            IntegerConvolution.Run(Rows(plane, layer, columns, y0), layer.Weights, count, columns, sums);
            for (int position = 0; position < count * columns; position++)
            {
                int at = ((y0 * columns) + position) * channels;
                ReadOnlySpan<int> from = sums.Slice(position * 2 * channels, 2 * channels);
                for (int c = 0; c < channels; c++)
                {
                    means[at + c] = Requantisation.Apply(
                        from[c], layer.Multiplier[c], layer.Shift[c], -MaxResult, MaxResult);
                    int t = Requantisation.Apply(
                        from[channels + c],
                        layer.Multiplier[channels + c],
                        layer.Shift[channels + c],
                        -MaxResult,
                        MaxResult);
                    scales[at + c] = (byte)Math.Min(Math.Max((t + offsets[c] + 8) >> 4, 0), Scales - 1);
                }
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

    private static ReadOnlySpan<short> Rows(ReadOnlySpan<short> plane, Layer layer, int columns, int first) =>
        plane[(first * (columns + (2 * layer.Border)) * layer.Weights.Inputs)..];

    private static Layer MakeLayer(LayerTensors[] layers, int l)
    {
        LayerTensors tensors = layers[l];
        int outputs = tensors.Bias.Length;
        if (tensors.Multiplier.Length != outputs || tensors.Shift.Length != outputs)
            throw new ArgumentException($"h_s.conv{l}: as many biases, multipliers and shifts are needed.");
        if (tensors.Multiplier.AsSpan().ContainsAnyInRange(int.MinValue, -1))
            throw new ArgumentException($"h_s.conv{l}: a multiplier is negative.");
        if (tensors.Shift.AsSpan().ContainsAnyExceptInRange(1, Requantisation.MaxShift))
            throw new ArgumentException($"h_s.conv{l}: a shift is not 1…{Requantisation.MaxShift}.");
        if (l < 2 && (outputs % 4 != 0 || layers[l + 1].Inputs != outputs / 4))
            throw new ArgumentException(
                $"h_s.conv{l}: {outputs} outputs, but the next layer has {layers[l + 1].Inputs} inputs.");

        // Pixel shuffle takes channel 4c + s to channel c of place s; with the outputs reordered to s · C + c each
        // place's channels are neighbours.
        int each = tensors.Weight.Length / outputs;
        var weight = new sbyte[tensors.Weight.Length];
        var bias = new int[outputs];
        var multiplier = new int[outputs];
        var shift = new int[outputs];
        for (int o = 0; o < outputs; o++)
        {
            int from = l < 2 ? (4 * (o % (outputs / 4))) + (o / (outputs / 4)) : o;
            tensors.Weight.AsSpan(from * each, each).CopyTo(weight.AsSpan(o * each));
            bias[o] = tensors.Bias[from];
            multiplier[o] = tensors.Multiplier[from];
            shift[o] = tensors.Shift[from];
        }

        var weights = new IntegerConvolutionWeights(weight, bias, tensors.Inputs, tensors.KernelSize);
        int largest = l == 0 ? -sbyte.MinValue : MaxActivation;
        if (weights.MaxActivation() < largest)
        {
            throw new ArgumentException(
                $"h_s.conv{l}: sums could overflow 32 bits at activations beyond {weights.MaxActivation()}; " +
                $"{largest} must be safe.");
        }

        return new Layer(weights, multiplier, shift);
    }

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

    private IEnumerable<(string Name, TensorType Type, int[] Shape, byte[] Bytes)> Tensors()
    {
        for (int l = 0; l < 3; l++)
        {
            LayerTensors layer = _tensors[l];
            int outputs = layer.Bias.Length;
            yield return (
                $"h_s.conv{l}.weight",
                TensorType.I8,
                [outputs, layer.Inputs, layer.KernelSize, layer.KernelSize],
                MemoryMarshal.AsBytes<sbyte>(layer.Weight).ToArray());
            yield return Integers($"h_s.conv{l}.bias", layer.Bias, outputs);
            yield return Integers($"h_s.conv{l}.multiplier", layer.Multiplier, outputs);
            yield return Integers($"h_s.conv{l}.shift", layer.Shift, outputs);
        }

        yield return Integers("scale_offset_q4", _scaleOffset, QualityLevels, LatentChannels);
        yield return Integers("y.lengths", LatentTables.Lengths.ToArray(), Scales);
        yield return Integers("y.frequencies", LatentTables.Frequencies.ToArray(), LatentTables.Frequencies.Length);
        yield return Integers("z.centres", HyperTables.Centres.ToArray(), HyperChannels);
        yield return Integers("z.lengths", HyperTables.Lengths.ToArray(), HyperChannels);
        yield return Integers("z.frequencies", HyperTables.Frequencies.ToArray(), HyperTables.Frequencies.Length);
    }

    private static (string Name, TensorType Type, int[] Shape, byte[] Bytes) Integers(
        string name, int[] values, params int[] shape)
    {
        var bytes = new byte[4 * values.Length];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * i), values[i]);
        return (name, TensorType.I32, shape, bytes);
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

    /// <summary>
    /// Cuts rows into bands whose sums stay near 256 KB, so that memory does not grow with the picture.
    /// </summary>
    private readonly struct Bands(int rows, int sumsPerRow)
    {
        public IEnumerator<(int First, int Count)> GetEnumerator()
        {
            int each = Math.Max(1, 65536 / sumsPerRow);
            for (int y = 0; y < rows; y += each)
                yield return (y, Math.Min(each, rows - y));
        }
    }
}

/// <summary>
/// Memory that <see cref="IntegerPrior.Evaluate"/> works in; grows as needed. For one thread at a time.
/// </summary>
public sealed class IntegerPriorWorkspace
{
    private readonly short[][] _planes = [[], [], []];
    private int[] _sums = [];
    private int[] _offsets = [];

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

    private static Span<int> Grow(ref int[] array, int length)
    {
        if (array.Length < length)
            array = new int[length];
        return array.AsSpan(0, length);
    }
}
