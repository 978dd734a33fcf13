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
    private readonly LatentCoding _coding = new();
    private readonly SymbolDecoder _symbols;
    private readonly Workspace _workspace;
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
    /// <exception cref="ArgumentOutOfRangeException">threads is below 1.</exception>
    public TficDecoder(IReadOnlyList<CodecModel> models, TficLimits? limits = null, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(models);
        if (models.Count == 0 || models.Contains(null!))
            throw new ArgumentException("A decoder needs a model.", nameof(models));
        _models = models;
        _limits = limits ?? TficLimits.Default;
        _symbols = new SymbolDecoder(threads);
        _workspace = new Workspace(threads);
    }

    /// <summary>
    /// Models that are known but not at hand, so that a file that needs one is refused by its name. Enumerated only
    /// then.
    /// </summary>
    public IEnumerable<(ModelId Id, string Name)> KnownModels { get; init; } = [];

    /// <summary>Decodes a layer of a file.</summary>
    /// <param name="file">A whole .tfic file.</param>
    /// <param name="kind">Which; null for the text layer, or if there is none for the base layer.</param>
    /// <returns>The picture: grey if a grey one was coded, else RGB.</returns>
    /// <exception cref="TficFormatException">
    /// The file is damaged, too large, has no such layer, or was made with another model.
    /// </exception>
    public Picture Decode(ReadOnlySpan<byte> file, LayerKind? kind = null)
    {
        if (file.Length > _limits.MaxBytes)
            throw new TficFormatException($"The file has {file.Length} bytes, {_limits.MaxBytes} are allowed.");
        return Decode(TficContainer.Read(file.ToArray(), _limits), kind);
    }

    /// <summary>Decodes a layer of a file from a stream that need not be seekable.</summary>
    /// <param name="stream">
    /// A stream; see <see cref="TficContainer.Read(Stream, TficLimits?)"/> for how far it is read.
    /// </param>
    /// <param name="kind">Which; null for the text layer, or if there is none for the base layer.</param>
    /// <returns>The picture: grey if a grey one was coded, else RGB.</returns>
    /// <exception cref="TficFormatException">
    /// The file is damaged, too large, has no such layer, or was made with another model.
    /// </exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public Picture Decode(Stream stream, LayerKind? kind = null) =>
        Decode(TficContainer.Read(stream, _limits), kind);

    /// <summary>Decodes a layer of a file that has been taken apart.</summary>
    /// <param name="container">The file.</param>
    /// <param name="kind">Which; null for the text layer, or if there is none for the base layer.</param>
    /// <returns>The picture: grey if a grey one was coded, else RGB.</returns>
    /// <exception cref="TficFormatException">
    /// There is no such layer, or it is damaged, too large, or was made with another model.
    /// </exception>
    public Picture Decode(TficContainer container, LayerKind? kind = null)
    {
        ArgumentNullException.ThrowIfNull(container);
        TficLayer layer = container.GetLayer(kind);
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
        ReadOnlySpan<int> latents = _coding.Decode(prior, grid, layer.Quality, _symbols, layer.Offset);
        _symbols.End();
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
        throw container.OtherModel(layer, _models.Select(model => (model.Prior.Id, model.Name)), KnownModels);
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
            array = new T[length];
    }
}
