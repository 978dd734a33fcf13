using System.Numerics;
using Tfic.Imaging;
using Tfic.Networks;

namespace Tfic.Reading;

/// <summary>A word that was found.</summary>
/// <param name="Box">The box of its ink, within the picture.</param>
/// <param name="Score">The best score of its characters, about 1 where the detector is sure.</param>
public readonly record struct DetectedWord(Box Box, float Score);

/// <summary>
/// Finds the words of a picture, at the size it has: print with lines some 9 to 50 pixels apart. One for each thread;
/// models may be shared.
/// </summary>
/// <remarks>
/// Where lines stand close or are not level, low thresholds join words of several. So words are looked for at rising
/// ones: a word in which a higher level finds two, one above the other, is taken apart.
/// </remarks>
public sealed class WordDetector
{
    // The scores of a character fall off as a Gaussian that has so many standard deviations to the edge of its box.
    private const double EdgeDeviations = 1.5;

    // Chosen on validation pages.
    private static readonly WordThresholds[] s_levels =
    [
        new(Character: 0.5f, Link: 0.6f, Extent: 0.45f) { MinPixels = 3, Growth = 0 },
        new(Character: 0.55f, Link: 0.7f, Extent: 0.55f) { MinPixels = 3, Growth = 0 },
        new(Character: 0.65f, Link: 0.75f, Extent: 0.65f) { MinPixels = 3, Growth = 0 },
        new(Character: 0.75f, Link: 0.8f, Extent: 0.75f) { MinPixels = 3, Growth = 0 },
    ];

    // CRAFT's, whose maps the published program grows.
    private static readonly WordThresholds[] s_craftLevels = [new()];

    private readonly DetectorModel _model;
    private readonly WordThresholds[] _levels;
    private readonly Workspace _workspace;
    private float[] _grey = [], _region = [], _affinity = [];

    /// <summary>Makes a detector.</summary>
    /// <param name="model">A trained detector.</param>
    /// <param name="threads">How many threads it may use for one picture; results do not depend on it.</param>
    public WordDetector(DetectorModel model, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _levels = model is CraftDetector ? s_craftLevels : s_levels;
        _workspace = new Workspace(threads);
    }

    /// <summary>Finds words.</summary>
    /// <param name="picture">Grey or RGB, of any size.</param>
    /// <returns>Words, from top to bottom; those that were taken apart where the whole would be.</returns>
    public IReadOnlyList<DetectedWord> Find(Picture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        int pixels = checked((int)picture.PixelCount);
        int width = DetectorModel.MapSize(picture.Width), height = DetectorModel.MapSize(picture.Height);
        if (_grey.Length < pixels)
            _grey = new float[pixels];
        if (_region.Length < width * height)
            (_region, _affinity) = (new float[width * height], new float[width * height]);

        Span<float> grey = _grey.AsSpan(0, pixels);
        PictureConversion.ToGrey(picture, grey);
        foreach (ref float value in grey)
            value /= 255f;
        _model.Score(grey, picture.Width, picture.Height, _workspace, _region, _affinity);

        var levels = new List<DetectedWord>[_levels.Length];
        List<DetectedWord> Level(int level) => levels[level] ??= Words(picture, width, height, _levels[level]);
        var found = new List<DetectedWord>();
        foreach (DetectedWord word in Level(0))
            Add(word, 1);
        return found;

        void Add(DetectedWord word, int level)
        {
            for (; level < _levels.Length; level++)
            {
                DetectedWord[] parts = Parts(Level(level), word.Box);
                if (!parts.Any(a => parts.Any(b => IsAbove(a.Box, b.Box))))
                    continue;
                foreach (DetectedWord part in parts)
                    Add(part, level + 1);
                return;
            }

            found.Add(word);
        }
    }

    /// <summary>Those of the words, which are in the order of their middles, that have theirs in a box.</summary>
    private static DetectedWord[] Parts(List<DetectedWord> words, Box box)
    {
        int first = 0;
        for (int end = words.Count; first < end;)
        {
            int middle = (first + end) / 2;
            (first, end) = Middle(words[middle]) < 2 * box.Top ? (middle + 1, end) : (first, middle);
        }

        return
        [
            .. words.Skip(first).TakeWhile(part => Middle(part) < 2 * box.Bottom).Where(
                part => part.Box.Left + part.Box.Right is var x && x >= 2 * box.Left && x < 2 * box.Right),
        ];
    }

    /// <summary>Twice the row in the middle.</summary>
    private static int Middle(DetectedWord word) => word.Box.Top + word.Box.Bottom;

    /// <summary>Whether a word stands above another and not only beside: below its middle.</summary>
    private static bool IsAbove(Box upper, Box lower) =>
        upper.Bottom <= (lower.Top + lower.Bottom) / 2 && upper.Top + upper.Bottom < 2 * lower.Top
        && upper.Left < lower.Right && lower.Left < upper.Right;

    private List<DetectedWord> Words(Picture picture, int width, int height, WordThresholds thresholds)
    {
        IReadOnlyList<WordRegion> regions = WordRegions.Find(
            _region.AsSpan(0, width * height), _affinity.AsSpan(0, width * height), width, height, thresholds);
        var whole = new Box(0, 0, picture.Width, picture.Height);
        double missing =
            thresholds.Growth > 0 ? 0 : EdgeDeviations / Math.Sqrt(-2 * Math.Log(thresholds.Extent)) - 1;
        var words = new List<DetectedWord>(regions.Count);
        foreach (WordRegion region in regions)
        {
            Vector2 low = region.Box[0], high = region.Box[0];
            foreach (Vector2 corner in region.Box)
                (low, high) = (Vector2.Min(low, corner), Vector2.Max(high, corner));

            // Corners are the middles of the maps' outermost pixels, each of which stands for two of the picture. What
            // is missing to the edges goes by the half height, and across by half of that, as characters are narrower.
            double rows = high.Y - low.Y + 1, above = 0.5 * missing * rows, beside = 0.5 * above;
            Box box = new Box(
                (int)Math.Round((low.X - beside) * DetectorModel.MapStride),
                (int)Math.Round((low.Y - above) * DetectorModel.MapStride),
                (int)Math.Round((high.X + 1 + beside) * DetectorModel.MapStride),
                (int)Math.Round((high.Y + 1 + above) * DetectorModel.MapStride)).Intersect(whole);
            if (box.Area > 0)
                words.Add(new DetectedWord(box, region.Score));
        }

        words.Sort((a, b) => Middle(a).CompareTo(Middle(b)));
        return words;
    }
}
