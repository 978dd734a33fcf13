using Tfic.Bitstream;
using Tfic.Imaging;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;
using Tfic.Profiling;

namespace Tfic.Encoding;

/// <summary>A base layer to code beside the text layer, into the same file.</summary>
/// <param name="Encoder">Codes it; may be the text layer's encoder.</param>
/// <param name="Quality">Its quality, 1…8.</param>
public sealed record BaseLayer(TficEncoder Encoder, double Quality);

/// <summary>Codes pictures to .tfic files. Reuses its memory; one object a thread, the model may be shared.</summary>
public sealed class TficEncoder
{
    /// <summary>How far from its target a search may end, as a fraction of the target.</summary>
    public const double RateTolerance = RateSearch.Tolerance;

    private readonly CodecModel _model;
    private readonly LatentCoding _coding;
    private readonly SymbolEncoder _symbols;
    private readonly Workspace _workspace;
    private readonly float[] _gain;
    private float[] _latents = [];
    private float[] _scaled = [];
    private float[] _hyper = [];

    /// <summary>Makes an encoder.</summary>
    /// <param name="model">The model; a decoder needs the same.</param>
    /// <param name="threads">How many threads may share the work of a picture; the file does not depend on it.</param>
    /// <param name="clock">Notes when the stages of a picture end; null for none.</param>
    public TficEncoder(CodecModel model, int threads = 1, StageClock? clock = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _workspace = new Workspace(threads) { Clock = clock };
        _coding = new LatentCoding(clock);
        _symbols = new SymbolEncoder(threads);
        _gain = new float[model.Prior.LatentChannels];
    }

    /// <summary>How to turn symbols into bytes, whatever suits them; null for what does.</summary>
    internal CodingMode? Mode { get; init; }

    /// <summary>Codes a picture.</summary>
    /// <param name="picture">Any picture whose sides are at most 2²⁰ pixels.</param>
    /// <param name="quality">Of the text layer: 1 (fewest bytes) to 8, fractions too; rounded to 1/32.</param>
    /// <param name="baseLayer">Another layer, for the eye, to go into the same file; null for none.</param>
    /// <returns>A .tfic file.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A quality is not 1…8, or the picture too large.</exception>
    public byte[] Encode(Picture picture, double quality, BaseLayer? baseLayer = null)
    {
        ArgumentNullException.ThrowIfNull(picture);
        byte step = QualityByte(quality);
        TficLayer? other = EncodeLayer(picture, baseLayer);
        Analyse(picture);
        byte[] file = Join(picture, EncodeAt(picture, LayerKind.Text, step), other);
        _workspace.Clock?.End(Stage.Code);
        return file;
    }

    /// <summary>Codes a picture to a stream, which need not be seekable.</summary>
    /// <param name="picture">Any picture whose sides are at most 2²⁰ pixels.</param>
    /// <param name="quality">Of the text layer: 1 (fewest bytes) to 8, fractions too; rounded to 1/32.</param>
    /// <param name="stream">Receives a .tfic file, and nothing if coding fails.</param>
    /// <param name="baseLayer">Another layer, for the eye, to go into the same file; null for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">A quality is not 1…8, or the picture too large.</exception>
    /// <exception cref="IOException">The stream cannot be written to.</exception>
    public void Encode(Picture picture, double quality, Stream stream, BaseLayer? baseLayer = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Write(Encode(picture, quality, baseLayer));
    }

    /// <summary>Codes a picture to a given number of bits for each pixel, the whole file counted.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="bitsPerPixel">The target, above 0.</param>
    /// <param name="baseLayer">As in <see cref="EncodeToBytes"/>.</param>
    /// <returns>As <see cref="EncodeToBytes"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The target is not above 0, or the picture too large.</exception>
    public RateSearchResult EncodeToBitsPerPixel(Picture picture, double bitsPerPixel, BaseLayer? baseLayer = null)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (!(bitsPerPixel > 0) || !double.IsFinite(bitsPerPixel))
        {
            throw new ArgumentOutOfRangeException(
                nameof(bitsPerPixel), bitsPerPixel, "Bits per pixel must be above 0.");
        }

        return Search(picture, bitsPerPixel * picture.PixelCount / 8, baseLayer);
    }

    /// <summary>
    /// Codes a picture to a given size, by bisection over the text layer's quality: g_a runs once, what follows it
    /// at most 14 times.
    /// </summary>
    /// <param name="picture">The picture.</param>
    /// <param name="bytes">The target, at least 1, for the whole file.</param>
    /// <param name="baseLayer">
    /// Another layer, for the eye, to go into the same file; it keeps its quality. Null for none.
    /// </param>
    /// <returns>The file whose size is nearest to the target, and why if it is not within 3% of it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The target is below 1, or the picture too large.</exception>
    public RateSearchResult EncodeToBytes(Picture picture, long bytes, BaseLayer? baseLayer = null)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        return Search(picture, bytes, baseLayer);
    }

    private static byte QualityByte(double quality) =>
        quality is >= 1 and <= IntegerPrior.QualityLevels
            ? (byte)Math.Round((quality - 1) * 32)
            : throw new ArgumentOutOfRangeException(
                nameof(quality), quality, $"Quality is 1…{IntegerPrior.QualityLevels}.");

    private static TficLayer? EncodeLayer(Picture picture, BaseLayer? layer)
    {
        if (layer is null)
            return null;
        byte step = QualityByte(layer.Quality);
        layer.Encoder.Analyse(picture);
        return layer.Encoder.EncodeAt(picture, LayerKind.Base, step);
    }

    private static byte[] Join(Picture picture, TficLayer text, TficLayer? other)
    {
        bool isGrey = picture.Channels == 1;
        return other is null
            ? TficContainer.Write(picture.Width, picture.Height, isGrey, text)
            : TficContainer.Write(picture.Width, picture.Height, isGrey, text, other);
    }

    private RateSearchResult Search(Picture picture, double target, BaseLayer? baseLayer)
    {
        TficLayer? other = EncodeLayer(picture, baseLayer);
        Analyse(picture);
        RateSearchResult result = RateSearch.Run(
            target,
            IntegerPrior.MaxQualityByte,
            step => Join(picture, EncodeAt(picture, LayerKind.Text, step), other));
        return result.Shortfall is null || other is null
            ? result
            : result with { Shortfall = $"{result.Shortfall}, {other.Payload.Length} of them for the base layer" };
    }

    /// <summary>g_a, which does not depend on the quality.</summary>
    private void Analyse(Picture picture)
    {
        if (picture.Width > TficContainer.MaxSide || picture.Height > TficContainer.MaxSide)
        {
            throw new ArgumentOutOfRangeException(
                nameof(picture),
                $"{picture.Width} × {picture.Height} pixels: a side may have {TficContainer.MaxSide} at most.");
        }

        (int columns, int rows) = CompactCodec.LatentSize(picture.Width, picture.Height);
        int count = rows * columns * _model.Prior.LatentChannels;
        Grow(ref _latents, count);
        _model.Transforms.Analysis(picture, _workspace, _latents.AsSpan(0, count));
    }

    private TficLayer EncodeAt(Picture picture, LayerKind kind, byte quality)
    {
        var grid = new LatentGrid(picture.Width, picture.Height);
        int channels = _model.Prior.LatentChannels;
        int count = grid.Rows * grid.Columns * channels;
        Grow(ref _scaled, count);
        Span<float> scaled = _scaled.AsSpan(0, count);
        _latents.AsSpan(0, count).CopyTo(scaled);
        _model.Transforms.Gain(1 + (quality / 32.0), _gain);
        CompactCodec.Scale(scaled, _gain);

        int hyperCount = grid.HyperPositions * _model.Prior.HyperChannels;
        Grow(ref _hyper, hyperCount);
        Span<float> hyper = _hyper.AsSpan(0, hyperCount);
        _model.Transforms.HyperAnalysis(scaled, grid.Columns, grid.Rows, _workspace, hyper);

        _symbols.Clear();
        _coding.Encode(_model.Prior, grid, quality, hyper, scaled, _symbols);
        ReadOnlySpan<byte> payload = Mode is { } mode ? _symbols.Finish(mode) : _symbols.Finish(out mode);
        return new TficLayer(kind, _model.Prior.Id, quality, mode, payload.ToArray());
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
            array = new T[length];
    }
}
