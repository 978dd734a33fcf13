using Tfic.Imaging;
using Tfic.Kernels.RangeCoding;
using Tfic.Kernels.Samples;
using Tfic.Profiling;

namespace Tfic.Networks.TinyLic;

/// <summary>A picture that TinyLIC has coded, to be decoded by the same program on the same machine.</summary>
/// <param name="Latent">Stream of y.</param>
/// <param name="LatentMode">How it is coded.</param>
/// <param name="Hyper">Stream of z.</param>
/// <param name="HyperMode">How it is coded.</param>
/// <param name="Width">Columns of the picture.</param>
/// <param name="Height">Rows of the picture.</param>
public sealed record TinyLicStreams(
    byte[] Latent, CodingMode LatentMode, byte[] Hyper, CodingMode HyperMode, int Width, int Height);

/// <summary>
/// TinyLIC (Lu and Ma 2022, "High-efficiency lossy image coding through adaptive neighborhood information aggregation",
/// arXiv 2204.11448), the paper's own codec, without torch: g_a, h_a, h_s, the context model and g_s, from weights under
/// their published names.
/// </summary>
/// <remarks>
/// <code>
/// x ─ g_a ─ y ─ h_a ─ z ─ round ─ ẑ ─ h_s ─ params ─┐
///                                                    ├─ context ─ μ, σ of y ─ round ─ ŷ ─ g_s ─ x̂
///                                  ŷ coded before ─┘
/// </code>
/// <para>
/// h_s and the context model choose probability tables by floating-point arithmetic. Every row of every kernel in them gives
/// the same bits, but nothing promises the same of another build or of a processor that nobody tried, and one scale rounded
/// otherwise makes garbage of all that follows. So there is no file format for this codec: what <see cref="Encode"/> gives
/// is for <see cref="Decode"/> in the same process, to measure rates and times. Files are what the compact codec is for,
/// whose tables are chosen by integers.
/// </para>
/// <para>Immutable: threads may share it, each with its own <see cref="Workspace"/>.</para>
/// </remarks>
public sealed class TinyLicModel
{
    /// <summary>Pixels, in both directions, for one position of y.</summary>
    public const int LatentStride = 16;

    /// <summary>Pixels, in both directions, for one position of z; pictures are padded to a multiple of it.</summary>
    public const int HyperStride = 64;

    private const int Window = 7;
    private const int HyperWindow = 3;
    private const float LeastScale = 0.11f;
    private const float LargestScale = 256;
    private const int ScaleCount = 64;

    // Of which a table has 12 thousand symbols.
    private const float MaxScale = 1024;

    private static readonly string[] Groups = ["g_a1", "g_a3", "g_a5", "g_a7", "h_a1", "h_a3"];

    private readonly TinyLicTransform _analysis, _hyperAnalysis, _hyperSynthesis, _synthesis;
    private readonly TinyLicContext _context;
    private readonly FactorisedPrior _prior;
    private readonly float[] _scales;
    private readonly FrequencyTables _tables;

    private TinyLicModel(PublishedWeights weights, int n, int m, ReadOnlySpan<int> heads, ReadOnlySpan<int> depths)
    {
        int wide = n * 3 / 2, wider = 2 * n;
        (LatentChannels, HyperChannels) = (m, wide);
        int[] widths = [n, wide, wider, m, wide, wide];
        for (int i = 0; i < widths.Length; i++)
        {
            if (widths[i] % heads[i] != 0)
                throw new TficFormatException($"These are no weights of TinyLIC: {widths[i]} channels have {heads[i]} heads.");
        }

        ReadOnlySpan<(int, int, int)> groups =
        [
            (n, heads[0], depths[0]), (wide, heads[1], depths[1]), (wider, heads[2], depths[2]), (m, heads[3], depths[3]),
        ];
        ReadOnlySpan<(int, int, int)> hyper = [(wide, heads[4], depths[4]), (wide, heads[5], depths[5])];
        _analysis = TinyLicTransform.Load(weights, "g_a", Window, groups, [5, 3, 3, 3], 3, m, up: false);
        _hyperAnalysis = TinyLicTransform.Load(weights, "h_a", HyperWindow, hyper, [3, 3], m, wide, up: false);
        _hyperSynthesis = TinyLicTransform.Load(
            weights, "h_s", HyperWindow, [hyper[1], hyper[0]], [3, 3], wide, 2 * m, up: true);
        _synthesis = TinyLicTransform.Load(
            weights, "g_s", Window, [groups[3], groups[2], groups[1], groups[0]], [3, 3, 3, 5], m, 3, up: true);
        _context = new TinyLicContext(weights, m);
        _prior = new FactorisedPrior(weights, "entropy_bottleneck", wide);

        const string Conditional = "gaussian_conditional";
        bool hasScales = weights.Has(Conditional + ".scale_table") && weights.Any(Conditional + ".scale_table", 1).Count > 0;
        _scales = hasScales ? weights.Any(Conditional + ".scale_table", 1).ToFloat() : Scales();
        for (int i = 0; i < _scales.Length; i++)
        {
            if (!(_scales[i] > (i == 0 ? 0 : _scales[i - 1]) && _scales[i] <= MaxScale))
                throw new TficFormatException($"The scales of the conditional prior do not rise within 0 … {MaxScale}.");
        }

        _tables = PublishedTables.Read(weights, Conditional) ?? PublishedTables.Gaussian(_scales);
        if (_tables.Count != _scales.Length)
            throw new TficFormatException($"There are {_tables.Count} tables for {_scales.Length} scales.");
    }

    /// <summary>M, channels of y.</summary>
    public int LatentChannels { get; }

    /// <summary>3N/2, channels of z.</summary>
    public int HyperChannels { get; }

    /// <summary>Whether names are those of TinyLIC's state dictionary.</summary>
    public static bool Fits(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        PublishedWeights weights = PublishedWeights.Of(tensors);
        return weights.Has("g_a0.weight") && weights.Has("cc_transforms.0.0.weight");
    }

    /// <summary>Loads a model; its sizes are those of its tensors.</summary>
    /// <param name="tensors">A state dictionary with the published names.</param>
    /// <exception cref="TficFormatException">Damaged, or of another network.</exception>
    public static TinyLicModel Load(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        PublishedWeights weights = PublishedWeights.Of(tensors);
        int Size(string name, int rank) => weights.Any(name, rank).Shape[0] is > 0 and <= 4096 and int size
            ? size
            : throw new TficFormatException($"These are no weights of TinyLIC: '{name}' is too large or empty.");
        (int n, int m) = (Size("g_a0.weight", 4), Size("g_a6.weight", 4));
        if (n % 2 != 0 || m < 8)
            throw new TficFormatException($"These are no weights of TinyLIC: it cannot have {n} and {m} channels.");
        int[] heads = [.. Groups.Select(group => Size($"{group}.residual_group.blocks.0.attn.rpb", 3))];
        int[] depths = [.. Groups.Select(group => Enumerable.Range(0, 64)
            .TakeWhile(i => weights.Has($"{group}.residual_group.blocks.{i}.attn.rpb")).Count())];
        return new TinyLicModel(weights, n, m, heads, depths);
    }

    /// <summary>Loads a model from a file.</summary>
    /// <param name="stream">A safetensors file or a PyTorch checkpoint; read to its end.</param>
    /// <exception cref="TficFormatException">Damaged, or of another network.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static TinyLicModel Load(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        ReadOnlyMemory<byte> file = copy.GetBuffer().AsMemory(0, (int)copy.Length);
        return Load(PyTorchFile.IsPyTorch(file.Span) ? PyTorchFile.Read(file).StateDict() : SafetensorsFile.Read(file).Tensors);
    }

    /// <summary>
    /// A model with random weights: as fast as a trained one, and good for nothing but measuring and comparing.
    /// </summary>
    /// <param name="seed">The same weights for the same seed.</param>
    /// <param name="headDepth">Channels of a head: 16 as published, which makes N = 128 and M = 320.</param>
    public static TinyLicModel Drawn(int seed, int headDepth = 16)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(headDepth, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(headDepth, 16);
        return new TinyLicModel(
            PublishedWeights.Drawn(seed), 8 * headDepth, 20 * headDepth, [8, 12, 16, 20, 12, 12], [2, 2, 6, 2, 2, 2]);
    }

    /// <summary>A size as it is padded.</summary>
    public static int Padded(int pixels) => checked((pixels + HyperStride - 1) / HyperStride * HyperStride);

    /// <summary>g_a's work on a picture.</summary>
    public Work AnalysisWork(int width, int height) => new(_analysis.MultiplyAdds(Padded(height), Padded(width)));

    /// <summary>h_a's work on a picture.</summary>
    public Work HyperAnalysisWork(int width, int height) =>
        new(_hyperAnalysis.MultiplyAdds(Padded(height) / LatentStride, Padded(width) / LatentStride));

    /// <summary>The work of h_s and the context model on a picture.</summary>
    public Work PriorWork(int width, int height)
    {
        (int rows, int columns) = (Padded(height), Padded(width));
        return new Work(_hyperSynthesis.MultiplyAdds(rows / HyperStride, columns / HyperStride)
            + _context.MultiplyAdds(rows / LatentStride, columns / LatentStride));
    }

    /// <summary>g_s's work on a picture.</summary>
    public Work SynthesisWork(int width, int height) =>
        new(_synthesis.MultiplyAdds(Padded(height) / LatentStride, Padded(width) / LatentStride));

    /// <summary>g_a.</summary>
    /// <param name="picture">height × width × 3, RGB, 0 … 1.</param>
    /// <param name="height">Rows, a multiple of 64.</param>
    /// <param name="width">Columns, a multiple of 64.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <param name="y">Receives height/16 × width/16 × M.</param>
    /// <exception cref="ArgumentException">Another size, or a span that is too short.</exception>
    public void Analysis(ReadOnlySpan<float> picture, int height, int width, Workspace workspace, Span<float> y) =>
        Transform(_analysis, picture, height, width, HyperStride, 3, workspace, y);

    /// <summary>h_a.</summary>
    /// <param name="y">height × width × M.</param>
    /// <param name="height">Rows of y, a multiple of 4.</param>
    /// <param name="width">Columns of y, a multiple of 4.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <param name="z">Receives height/4 × width/4 × 3N/2.</param>
    /// <exception cref="ArgumentException">Another size, or a span that is too short.</exception>
    public void HyperAnalysis(ReadOnlySpan<float> y, int height, int width, Workspace workspace, Span<float> z) =>
        Transform(_hyperAnalysis, y, height, width, HyperStride / LatentStride, LatentChannels, workspace, z);

    /// <summary>h_s.</summary>
    /// <param name="z">ẑ, height × width × 3N/2.</param>
    /// <param name="height">Rows of z.</param>
    /// <param name="width">Columns of z.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <param name="parameters">Receives 4·height × 4·width × 2M, for <see cref="Quantise"/>.</param>
    /// <exception cref="ArgumentException">A size below 1, or a span that is too short.</exception>
    public void HyperSynthesis(ReadOnlySpan<float> z, int height, int width, Workspace workspace, Span<float> parameters) =>
        Transform(_hyperSynthesis, z, height, width, 1, HyperChannels, workspace, parameters);

    /// <summary>g_s.</summary>
    /// <param name="y">ŷ, height × width × M.</param>
    /// <param name="height">Rows of y.</param>
    /// <param name="width">Columns of y.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <param name="picture">Receives 16·height × 16·width × 3, about 0 … 1.</param>
    /// <exception cref="ArgumentException">A size below 1, or a span that is too short.</exception>
    public void Synthesis(ReadOnlySpan<float> y, int height, int width, Workspace workspace, Span<float> picture) =>
        Transform(_synthesis, y, height, width, 1, LatentChannels, workspace, picture);

    /// <summary>z rounded to whole steps from the medians.</summary>
    /// <param name="z">Positions × 3N/2; replaced by ẑ.</param>
    public void QuantiseHyper(Span<float> z)
    {
        for (int i = 0; i < z.Length; i++)
        {
            float median = _prior.Medians[i % HyperChannels];
            z[i] = MathF.Round(z[i] - median) + median;
        }
    }

    /// <summary>y rounded to whole steps from the means that the context model gives.</summary>
    /// <param name="parameters">What h_s gives, height × width × 2M.</param>
    /// <param name="y">height × width × M.</param>
    /// <param name="height">Rows of y.</param>
    /// <param name="width">Columns of y.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <param name="quantised">Receives ŷ, height × width × M.</param>
    /// <exception cref="ArgumentException">A size below 1, or a span that is too short.</exception>
    public void Quantise(
        ReadOnlySpan<float> parameters, float[] y, int height, int width, Workspace workspace, Span<float> quantised)
    {
        ArgumentNullException.ThrowIfNull(y);
        CheckLatent(parameters, height, width, quantised);
        CheckLatent(parameters, height, width, y);
        _context.Run(parameters, height, width, workspace, (first, positions, values) =>
        {
            int s = values.Length / positions.Length / 2;
            for (int i = 0; i < positions.Length; i++)
            {
                int at = positions[i] * LatentChannels + first;
                Span<float> mean = values.Slice((2 * i + 1) * s, s);
                for (int c = 0; c < s; c++)
                    mean[c] = MathF.Round(y[at + c] - mean[c]) + mean[c];
            }
        }, quantised);
    }

    /// <summary>Codes a picture, for <see cref="Decode"/> in this process.</summary>
    /// <param name="picture">Grey or RGB; padded below and to the right by repeating its edge.</param>
    /// <param name="workspace">The calling thread's; its clock is told of the stages.</param>
    public TinyLicStreams Encode(Picture picture, Workspace workspace)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentNullException.ThrowIfNull(workspace);
        int width = Padded(picture.Width), height = Padded(picture.Height);
        int columns = width / LatentStride, rows = height / LatentStride;
        int hyperColumns = width / HyperStride, hyperRows = height / HyperStride;
        var input = new float[checked(3 * width * height)];
        Convert(picture, input, width, height);
        workspace.Clock?.End(Stage.Convert);

        var y = new float[rows * columns * LatentChannels];
        Analysis(input, height, width, workspace, y);
        workspace.Clock?.End(Stage.Analysis);
        var z = new float[hyperRows * hyperColumns * HyperChannels];
        HyperAnalysis(y, rows, columns, workspace, z);
        workspace.Clock?.End(Stage.HyperAnalysis);

        var hyperSymbols = new int[z.Length];
        for (int i = 0; i < z.Length; i++)
            hyperSymbols[i] = (int)MathF.Round(z[i] - _prior.Medians[i % HyperChannels]);
        QuantiseHyper(z);
        workspace.Clock?.End(Stage.Quantise);
        var hyperCoder = new SymbolEncoder();
        hyperCoder.Add(_prior.Tables, HyperIndexes(z.Length), hyperSymbols);
        byte[] hyper = hyperCoder.Finish(out CodingMode hyperMode).ToArray();
        workspace.Clock?.End(Stage.Code);

        var parameters = new float[2 * y.Length];
        HyperSynthesis(z, hyperRows, hyperColumns, workspace, parameters);
        var coder = new SymbolEncoder();
        byte[] indexes = new byte[y.Length];
        int[] symbols = new int[y.Length];
        _context.Run(parameters, rows, columns, workspace, (first, positions, values) =>
        {
            workspace.Clock?.End(Stage.Prior);
            int s = values.Length / positions.Length / 2, n = 0;
            for (int i = 0; i < positions.Length; i++)
            {
                int at = positions[i] * LatentChannels + first;
                Span<float> scale = values.Slice(2 * i * s, s), mean = values.Slice((2 * i + 1) * s, s);
                for (int c = 0; c < s; c++, n++)
                {
                    float rounded = MathF.Round(y[at + c] - mean[c]);
                    symbols[n] = (int)rounded;
                    indexes[n] = Index(scale[c]);
                    mean[c] += rounded;
                }
            }

            workspace.Clock?.End(Stage.Quantise);
            coder.Add(_tables, indexes.AsSpan(0, n), symbols.AsSpan(0, n));
            workspace.Clock?.End(Stage.Code);
        }, new float[y.Length]);
        workspace.Clock?.End(Stage.Prior);
        byte[] latent = coder.Finish(out CodingMode latentMode).ToArray();
        workspace.Clock?.End(Stage.Code);
        return new TinyLicStreams(latent, latentMode, hyper, hyperMode, picture.Width, picture.Height);
    }

    /// <summary>Decodes what <see cref="Encode"/> of the same model gave in this process.</summary>
    /// <param name="code">The streams.</param>
    /// <param name="workspace">The calling thread's; its clock is told of the stages.</param>
    /// <exception cref="TficFormatException">The streams are damaged.</exception>
    public Picture Decode(TinyLicStreams code, Workspace workspace)
    {
        ArgumentNullException.ThrowIfNull(code);
        ArgumentNullException.ThrowIfNull(workspace);
        int width = Padded(code.Width), height = Padded(code.Height);
        int columns = width / LatentStride, rows = height / LatentStride;
        int hyperColumns = width / HyperStride, hyperRows = height / HyperStride;
        var hyperSymbols = new int[hyperRows * hyperColumns * HyperChannels];
        var decoder = new SymbolDecoder();
        decoder.Start(code.Hyper, code.HyperMode);
        decoder.Decode(_prior.Tables, HyperIndexes(hyperSymbols.Length), hyperSymbols);
        decoder.End();
        workspace.Clock?.End(Stage.Code);
        var z = new float[hyperSymbols.Length];
        for (int i = 0; i < z.Length; i++)
            z[i] = hyperSymbols[i] + _prior.Medians[i % HyperChannels];

        var y = new float[rows * columns * LatentChannels];
        var parameters = new float[2 * y.Length];
        HyperSynthesis(z, hyperRows, hyperColumns, workspace, parameters);
        byte[] indexes = new byte[y.Length];
        int[] symbols = new int[y.Length];
        decoder.Start(code.Latent, code.LatentMode);
        _context.Run(parameters, rows, columns, workspace, (first, positions, values) =>
        {
            workspace.Clock?.End(Stage.Prior);
            int s = values.Length / positions.Length / 2, n = positions.Length * s;
            for (int i = 0; i < n; i++)
                indexes[i] = Index(values[i / s * 2 * s + i % s]);
            decoder.Decode(_tables, indexes.AsSpan(0, n), symbols.AsSpan(0, n));
            for (int i = 0; i < n; i++)
                values[(2 * (i / s) + 1) * s + i % s] += symbols[i];
            workspace.Clock?.End(Stage.Code);
        }, y);
        decoder.End();
        workspace.Clock?.End(Stage.Prior);
        var output = new float[checked(3 * width * height)];
        Synthesis(y, rows, columns, workspace, output);
        var picture = new Picture(code.Width, code.Height, 3);
        for (int row = 0; row < code.Height; row++)
            SampleConversion.ToSamples(output.AsSpan(3 * row * width, 3 * code.Width), picture.Row(row));
        workspace.Clock?.End(Stage.Synthesis);
        return picture;
    }

    private static float[] Scales()
    {
        double low = Math.Log(LeastScale), step = (Math.Log(LargestScale) - low) / (ScaleCount - 1);
        return [.. Enumerable.Range(0, ScaleCount).Select(i => (float)Math.Exp(low + step * i))];
    }

    /// <summary>A picture's samples as 0 … 1, its right and lower edge repeated.</summary>
    private static void Convert(Picture picture, Span<float> input, int width, int height)
    {
        for (int y = 0; y < height; y++)
        {
            Span<float> row = input.Slice(3 * y * width, 3 * width);
            if (y >= picture.Height)
            {
                input.Slice(3 * (y - 1) * width, 3 * width).CopyTo(row);
                continue;
            }

            ReadOnlySpan<byte> samples = picture.Row(y);
            if (picture.Channels == 3)
            {
                SampleConversion.ToFloat(samples, row);
            }
            else
            {
                for (int x = 0; x < samples.Length; x++)
                    row.Slice(3 * x, 3).Fill(samples[x] / 255f);
            }

            for (int x = 3 * picture.Width; x < row.Length; x++)
                row[x] = row[x - 3];
        }
    }

    private static void Transform(
        TinyLicTransform transform, ReadOnlySpan<float> input, int height, int width, int unit, int channels,
        Workspace workspace, Span<float> output)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        if (height < 1 || width < 1 || height % unit != 0 || width % unit != 0)
            throw new ArgumentException($"{height} × {width} is no multiple of {unit} in both directions.", nameof(input));
        if (input.Length < (long)height * width * channels)
            throw new ArgumentException($"Shorter than {height} × {width} × {channels}.", nameof(input));
        Span<float> result = transform.Run(input[..(height * width * channels)], height, width, workspace);
        if (output.Length < result.Length)
            throw new ArgumentException($"{result.Length} floats are needed, {output.Length} given.", nameof(output));
        result.CopyTo(output);
    }

    private void CheckLatent(ReadOnlySpan<float> parameters, int height, int width, ReadOnlySpan<float> latent)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        long length = (long)height * width * LatentChannels;
        if (parameters.Length < 2 * length || latent.Length < length)
            throw new ArgumentException($"Shorter than {height} × {width} positions.", nameof(parameters));
    }

    private byte[] HyperIndexes(int count)
    {
        var indexes = new byte[count];
        for (int i = 0; i < count; i++)
            indexes[i] = (byte)(i % HyperChannels);
        return indexes;
    }

    /// <summary>The table of a scale: the first whose scale is not smaller, or the last.</summary>
    private byte Index(float scale)
    {
        int index = Array.BinarySearch(_scales, Math.Max(scale, LeastScale));
        return (byte)Math.Min(index < 0 ? ~index : index, _scales.Length - 1);
    }
}
