using Tfic.Bitstream;
using Tfic.Imaging;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Decoding;

/// <summary>
/// Decodes .tfic files. Reuses its memory; one object a thread, models may be shared. The same file gives the same
/// latents ŷ on every machine.
/// </summary>
public sealed class TficDecoder
{
    private readonly IReadOnlyList<CodecModel> _models;
    private readonly TficLimits _limits;
    private readonly IntegerPriorWorkspace _priorWorkspace = new();
    private readonly SymbolDecoder _symbols = new();
    private readonly Workspace _workspace;
    private int[] _hyper = [];
    private byte[] _hyperTables = [];
    private int[] _latents = [];
    private byte[] _scales = [];
    private int[] _values = [];
    private byte[] _tables = [];
    private float[] _scaled = [];
    private float[] _gain = [];

    /// <summary>Makes a decoder of files of one model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="limits">What to accept; null for the defaults.</param>
    /// <param name="threads">How many threads may share the work of a picture.</param>
    public TficDecoder(CodecModel model, TficLimits? limits = null, int threads = 1)
        : this([model], limits, threads)
    {
    }

    /// <summary>Makes a decoder of files of several models.</summary>
    /// <param name="models">The models, at least one; a file's id picks its own.</param>
    /// <param name="limits">What to accept; null for the defaults.</param>
    /// <param name="threads">How many threads may share the work of a picture.</param>
    /// <exception cref="ArgumentException">No model.</exception>
    public TficDecoder(IReadOnlyList<CodecModel> models, TficLimits? limits = null, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(models);
        if (models.Count == 0 || models.Contains(null!))
            throw new ArgumentException("A decoder needs a model.", nameof(models));
        _models = models;
        _limits = limits ?? TficLimits.Default;
        _workspace = new Workspace(threads);
    }

    /// <summary>Decodes a file's layer for text.</summary>
    /// <param name="file">A whole .tfic file.</param>
    /// <returns>The picture: grey if a grey one was coded, else RGB.</returns>
    /// <exception cref="TficFormatException">
    /// The file is damaged, too large, or was made with another model.
    /// </exception>
    public Picture Decode(ReadOnlySpan<byte> file)
    {
        if (file.Length > _limits.MaxBytes)
            throw new TficFormatException($"The file has {file.Length} bytes, {_limits.MaxBytes} are allowed.");
        return Decode(TficContainer.Read(file.ToArray(), _limits));
    }

    /// <summary>Decodes a file's layer for text from a stream that need not be seekable.</summary>
    /// <param name="stream">
    /// A stream; see <see cref="TficContainer.Read(Stream, TficLimits?)"/> for how far it is read.
    /// </param>
    /// <returns>The picture: grey if a grey one was coded, else RGB.</returns>
    /// <exception cref="TficFormatException">
    /// The file is damaged, too large, or was made with another model.
    /// </exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public Picture Decode(Stream stream) => Decode(TficContainer.Read(stream, _limits));

    /// <summary>Decodes a layer of a file that has been taken apart.</summary>
    /// <param name="container">The file.</param>
    /// <param name="kind">Which layer.</param>
    /// <returns>The picture: grey if a grey one was coded, else RGB.</returns>
    /// <exception cref="TficFormatException">
    /// There is no such layer, or it is damaged, too large, or was made with another model.
    /// </exception>
    public Picture Decode(TficContainer container, LayerKind kind = LayerKind.Text)
    {
        ArgumentNullException.ThrowIfNull(container);
        TficLayer layer = container.Layers.FirstOrDefault(l => l.Kind == kind) ?? throw new TficFormatException(
            $"The file has no layer '{kind}'. It has: {string.Join(", ", container.Layers.Select(l => l.Kind))}.", 0);
        CodecModel model = FindModel(container, layer);
        ReadOnlySpan<int> latents = DecodeLatents(container, layer, model.Prior);

        Grow(ref _scaled, latents.Length);
        Grow(ref _gain, model.Prior.LatentChannels);
        Span<float> scaled = _scaled.AsSpan(0, latents.Length);
        for (int i = 0; i < scaled.Length; i++)
            scaled[i] = latents[i] * (1 / 64f);
        Span<float> inverse = _gain.AsSpan(0, model.Prior.LatentChannels);
        model.Transforms.Gain(1 + (layer.Quality / 32.0), inverse);
        for (int c = 0; c < inverse.Length; c++)
            inverse[c] = 1 / inverse[c];
        CompactCodec.Scale(scaled, inverse);
        Picture picture = model.Transforms.Synthesis(scaled, container.Width, container.Height, _workspace);
        return container.IsGrey ? PictureConversion.ToGrey(picture) : picture;
    }

    /// <summary>ŷ' in 1/64: rows × columns × channels of the padded picture; valid until the next call.</summary>
    internal ReadOnlySpan<int> DecodeLatents(TficContainer container, TficLayer layer, IntegerPrior prior)
    {
        if ((long)container.Width * container.Height > _limits.MaxPixels)
        {
            throw new TficFormatException(
                $"{container.Width} × {container.Height} pixels are more than the {_limits.MaxPixels} allowed.");
        }

        try
        {
            CompactCodec.LatentSize(container.Width, container.Height);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new TficFormatException(
                $"{container.Width} × {container.Height} pixels are more than this program can decode.", -1, e);
        }

        var grid = new LatentGrid(container.Width, container.Height);
        _symbols.Start(layer.Payload, layer.Mode, layer.Offset);
        int hyperCount = grid.HyperPositions * prior.HyperChannels;
        Grow(ref _hyper, hyperCount);
        Grow(ref _hyperTables, hyperCount);
        Span<int> hyper = _hyper.AsSpan(0, hyperCount);
        for (int i = 0; i < hyperCount; i++)
            _hyperTables[i] = (byte)(i % prior.HyperChannels);
        _symbols.Decode(prior.HyperTables, _hyperTables.AsSpan(0, hyperCount), hyper);
        if (hyper.ContainsAnyExceptInRange(sbyte.MinValue, sbyte.MaxValue))
            throw OutOfRange("ẑ", layer);

        int channels = prior.LatentChannels;
        int count = grid.Rows * grid.Columns * channels;
        Grow(ref _latents, count);
        Grow(ref _scales, count);
        Span<int> latents = _latents.AsSpan(0, count);
        Span<byte> scales = _scales.AsSpan(0, count);
        prior.Evaluate(
            hyper, grid.HyperRows, grid.HyperColumns, layer.Quality, _priorWorkspace, latents, scales);

        int coded = grid.CodedRows * grid.CodedColumns * channels;
        Grow(ref _values, coded);
        Grow(ref _tables, coded);
        Span<byte> tables = _tables.AsSpan(0, coded);
        Span<int> values = _values.AsSpan(0, coded);
        grid.Gather<byte>(scales, channels, tables);
        _symbols.Decode(prior.LatentTables, tables, values);
        _symbols.End();
        if (values.ContainsAnyExceptInRange(-LatentGrid.MaxSymbol, LatentGrid.MaxSymbol))
            throw OutOfRange("ŷ", layer);

        // The buffer holds the means already; positions that are not coded keep them.
        int run = grid.CodedColumns * channels;
        for (int y = 0; y < grid.CodedRows; y++)
        {
            Span<int> to = latents.Slice(y * grid.Columns * channels, run);
            ReadOnlySpan<int> from = values.Slice(y * run, run);
            for (int i = 0; i < to.Length; i++)
                to[i] += 64 * from[i];
        }

        return latents;
    }

    private CodecModel FindModel(TficContainer container, TficLayer layer)
    {
        CodecModel? found = null;
        foreach (CodecModel model in _models)
        {
            if (!container.MayBe(layer, model.Prior.Id))
                continue;

            // The short form tells only half of the id; should two models share that, the checksum decides.
            found = model;
            if (container.IsWhole(layer, model.Prior.Id))
                return model;
        }

        if (found is not null)
            throw container.Damaged(found.Prior.Id, found.Name);
        throw container.OtherModel(layer, _models.Select(model => (model.Prior.Id, model.Name)));
    }

    private static TficFormatException OutOfRange(string what, TficLayer layer) => new(
        $"A value of {what} is out of range. The file is damaged; get it again.", layer.Offset);

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
            array = new T[length];
    }
}
