namespace Tfic.Networks;

/// <summary>
/// A detector: a network from a picture to two score maps of half its size, one of characters and one of the links between
/// neighbouring characters of a word (Baek et al. 2019, "Character region awareness for text detection").
/// <see cref="Reading.WordRegions"/> makes words of them.
/// </summary>
/// <remarks>
/// Pictures are padded at the right and the bottom by repeating the edge, and computed in bands of rows, each with as many
/// rows above and below as its scores depend on: memory is bounded, and the scores are to the last bit those of the whole.
/// Immutable: threads may share it, each with its own <see cref="Workspace"/>.
/// </remarks>
public abstract class DetectorModel
{
    /// <summary>Pixels of the picture, in both directions, for one of the maps.</summary>
    public const int MapStride = 2;

    private const int DefaultBandPixels = 1 << 19;

    private readonly int _unit, _reach;

    /// <summary>Notes what all detectors have.</summary>
    /// <param name="name">The model's own name.</param>
    /// <param name="unit">What rows and columns of an input are a multiple of; even.</param>
    /// <param name="reach">How many rows above and below a score depends on, at most; a multiple of the unit.</param>
    private protected DetectorModel(string name, int unit, int reach) => (Name, _unit, _reach) = (name, unit, reach);

    /// <summary>The model's own name, from its metadata or of its kind; "" where it has none.</summary>
    public string Name { get; }

    /// <summary>Loads a model: a compact detector, or CRAFT as <see cref="CraftDetector"/>.</summary>
    /// <param name="stream">A safetensors file or a PyTorch checkpoint; read to its end.</param>
    /// <exception cref="TficFormatException">Damaged, or not a detector of this version.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static DetectorModel Load(Stream stream) => Load(SafetensorsFile.ReadBytes(stream));

    /// <summary>Loads a model that is in memory.</summary>
    /// <param name="file">A whole safetensors file or PyTorch checkpoint, which must not change afterwards.</param>
    /// <exception cref="TficFormatException">Damaged, or not a detector of this version.</exception>
    public static DetectorModel Load(ReadOnlyMemory<byte> file)
    {
        if (PyTorchFile.IsPyTorch(file.Span))
            return CraftDetector.Load(PyTorchFile.Read(file).StateDict());
        SafetensorsFile weights = SafetensorsFile.Read(file);
        return CraftDetector.Fits(weights.Tensors) ? CraftDetector.Load(weights.Tensors) : new CompactDetector(weights);
    }

    /// <summary>Columns or rows of the maps for so many of the picture: half, rounded up.</summary>
    public static int MapSize(int pixels) => (int)(((long)pixels + MapStride - 1) / MapStride);

    /// <summary>Scores a picture: about 1 where a character or a link has its centre, 0 far from any.</summary>
    /// <param name="grey">height × width, 0 (black) … 1 (white).</param>
    /// <param name="width">Columns of the picture, at least 1.</param>
    /// <param name="height">Rows of the picture, at least 1.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <param name="region">Receives MapSize(height) × MapSize(width) scores of characters.</param>
    /// <param name="affinity">Receives as many scores of links.</param>
    /// <exception cref="ArgumentException">A size below 1, or a span that is too short.</exception>
    public void Score(
        ReadOnlySpan<float> grey, int width, int height, Workspace workspace, Span<float> region, Span<float> affinity) =>
        Score(grey, width, height, workspace, region, affinity, DefaultBandPixels);

    /// <summary>Scores a picture in bands of about so many pixels.</summary>
    internal void Score(
        ReadOnlySpan<float> grey, int width, int height, Workspace workspace, Span<float> region, Span<float> affinity,
        int bandPixels)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (grey.Length < (long)width * height)
            throw new ArgumentException($"Fewer values than {width} × {height}.", nameof(grey));
        int mapWidth = MapSize(width), mapHeight = MapSize(height);
        if (region.Length < (long)mapWidth * mapHeight || affinity.Length < (long)mapWidth * mapHeight)
            throw new ArgumentException($"The maps need {mapWidth} × {mapHeight} values.", nameof(region));

        int paddedWidth = RoundUp(width), paddedHeight = RoundUp(height);
        int bandRows = Math.Max(_unit, bandPixels / paddedWidth / _unit * _unit);
        for (int top = 0; top < paddedHeight; top += bandRows)
        {
            int bottom = Math.Min(paddedHeight, top + bandRows);
            int first = Math.Max(0, top - _reach), end = Math.Min(paddedHeight, bottom + _reach);
            ReadOnlySpan<float> scores = Run(grey, width, height, first, end - first, paddedWidth, workspace);

            int firstRow = top / MapStride, endRow = Math.Min(mapHeight, bottom / MapStride);
            for (int y = firstRow; y < endRow; y++)
            {
                ReadOnlySpan<float> row = scores.Slice((y - first / MapStride) * paddedWidth, paddedWidth);
                for (int x = 0; x < mapWidth; x++)
                {
                    region[y * mapWidth + x] = row[2 * x];
                    affinity[y * mapWidth + x] = row[2 * x + 1];
                }
            }
        }
    }

    /// <summary>The network on some rows of the padded picture.</summary>
    /// <param name="grey">height × width, 0 (black) … 1 (white).</param>
    /// <param name="width">Columns of the picture.</param>
    /// <param name="height">Rows of the picture.</param>
    /// <param name="first">First row.</param>
    /// <param name="rows">Rows, a multiple of the unit.</param>
    /// <param name="columns">Columns of the padded picture.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <returns>rows/2 × columns/2 × 2 scores.</returns>
    private protected abstract ReadOnlySpan<float> Run(
        ReadOnlySpan<float> grey, int width, int height, int first, int rows, int columns, Workspace workspace);

    private int RoundUp(int size) => checked((size + _unit - 1) / _unit * _unit);
}
