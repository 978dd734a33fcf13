using Tfic.Bitstream;
using Tfic.Imaging;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Encoding;

/// <summary>What came of a search for a size.</summary>
/// <param name="File">The .tfic file.</param>
/// <param name="Quality">Its quality, 1…8.</param>
/// <param name="Shortfall">Null if the size is within 3% of the target; else why it is not.</param>
public sealed record RateSearchResult(byte[] File, double Quality, string? Shortfall);

/// <summary>Codes pictures to .tfic files. Reuses its memory; one object a thread, the model may be shared.</summary>
public sealed class TficEncoder
{
    /// <summary>How far from its target a search may end, as a fraction of the target.</summary>
    public const double RateTolerance = 0.03;

    private readonly CodecModel _model;
    private readonly LatentCoding _coding = new();
    private readonly SymbolEncoder _symbols = new();
    private readonly Workspace _workspace;
    private readonly float[] _gain;
    private float[] _latents = [];
    private float[] _scaled = [];
    private float[] _hyper = [];

    /// <summary>Makes an encoder.</summary>
    /// <param name="model">The model; a decoder needs the same.</param>
    /// <param name="threads">How many threads may share the work of a picture; the file does not depend on it.</param>
    public TficEncoder(CodecModel model, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _workspace = new Workspace(threads);
        _gain = new float[model.Prior.LatentChannels];
    }

    /// <summary>Codes a picture.</summary>
    /// <param name="picture">Any picture whose sides are at most 2²⁰ pixels.</param>
    /// <param name="quality">1 (fewest bytes) to 8, fractions too; rounded to 1/32.</param>
    /// <returns>A .tfic file.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The quality is not 1…8, or the picture too large.</exception>
    public byte[] Encode(Picture picture, double quality)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (!(quality >= 1 && quality <= IntegerPrior.QualityLevels))
        {
            throw new ArgumentOutOfRangeException(
                nameof(quality), quality, $"Quality is 1…{IntegerPrior.QualityLevels}.");
        }

        Analyse(picture);
        return EncodeAt(picture, (byte)Math.Round((quality - 1) * 32));
    }

    /// <summary>Codes a picture to a given number of bits for each pixel, the whole file counted.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="bitsPerPixel">The target, above 0.</param>
    /// <returns>As <see cref="EncodeToBytes"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The target is not above 0, or the picture too large.</exception>
    public RateSearchResult EncodeToBitsPerPixel(Picture picture, double bitsPerPixel)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (!(bitsPerPixel > 0) || !double.IsFinite(bitsPerPixel))
            throw new ArgumentOutOfRangeException(
                nameof(bitsPerPixel), bitsPerPixel, "Bits per pixel must be above 0.");
        return Search(picture, bitsPerPixel * picture.PixelCount / 8);
    }

    /// <summary>Codes a picture to a given size, by bisection over the quality.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="bytes">The target, at least 1.</param>
    /// <returns>The file whose size is nearest to the target, and whether it is near enough.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The target is below 1, or the picture too large.</exception>
    public RateSearchResult EncodeToBytes(Picture picture, long bytes)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        return Search(picture, bytes);
    }

    private RateSearchResult Search(Picture picture, double target)
    {
        Analyse(picture);
        byte[]? best = null;
        int bestQuality = 0;
        double bestDistance = double.PositiveInfinity;

        byte[] Try(int quality)
        {
            byte[] file = EncodeAt(picture, (byte)quality);
            double distance = Math.Abs(file.Length - target);
            if (distance < bestDistance)
                (best, bestQuality, bestDistance) = (file, quality, distance);
            return file;
        }

        // Size grows with quality but for small steps back, so the nearest of all that bisection meets is taken. Its
        // invariant: low is below the target, high is not.
        int low = 0;
        int high = IntegerPrior.MaxQualityByte;
        byte[] smallest = Try(low);
        byte[] largest = smallest.Length < target ? Try(high) : smallest;
        if (smallest.Length < target && largest.Length > target)
        {
            while (high - low > 1 && bestDistance >= 0.5)
            {
                int middle = (low + high) / 2;
                if (Try(middle).Length < target)
                    low = middle;
                else
                    high = middle;
            }
        }

        string? shortfall = null;
        if (bestDistance > RateTolerance * target)
        {
            shortfall = smallest.Length >= target
                ? $"at the lowest quality this picture takes {smallest.Length} bytes"
                : largest.Length <= target
                    ? $"at the highest quality this picture takes {largest.Length} bytes"
                    : $"of the sizes around {target:0.#} bytes, {best!.Length} is the nearest that a quality gives";
        }

        return new RateSearchResult(best!, 1 + (bestQuality / 32.0), shortfall);
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

    private byte[] EncodeAt(Picture picture, byte quality)
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
        ReadOnlySpan<byte> payload = _symbols.Finish(out CodingMode mode);
        return TficContainer.Write(
            picture.Width, picture.Height, picture.Channels == 1, _model.Prior.Id, quality, mode, payload);
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
            array = new T[length];
    }
}
