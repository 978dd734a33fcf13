using Tfic.Imaging;
using Tfic.Networks;
using Tfic.Profiling;

namespace Tfic.Reading;

/// <summary>Reads pages: finds the words, puts them into lines, and reads one after the other.</summary>
/// <remarks>
/// <para>
/// Words are looked for at a working scale, at which most of them are about as high as those that the detector finds
/// best; it is found by looking, and once more where the first look was at another size. They are read at the
/// picture's own.
/// </para>
/// <para>One for each thread; models may be shared.</para>
/// </remarks>
public sealed class PageReader
{
    // Words' ink at the working scale, in rows: what the detector finds best, and what it takes as it is.
    private const double WantedHeight = 16, LeastHeight = 11, MostHeight = 26;

    // The first look, and the working scale at most, in pixels.
    private const double FirstPixels = 2e6, MostPixels = 12e6;

    // Enlarging further only blurs.
    private const double MostScale = 3;

    // Pieces of a line that are closer than this, by its height, are one word.
    private const double LeastGap = 0.12;

    // What the recogniser gets around a word's ink, by its height, as in its training.
    private const double Margin = 0.12;

    private readonly WordDetector _detector;
    private readonly RecogniserModel _recogniser;
    private readonly int _threads;
    private readonly StageClock? _clock;
    private readonly Stack<LineReader> _idle = [];

    /// <summary>Makes a reader.</summary>
    /// <param name="detector">A trained detector.</param>
    /// <param name="recogniser">A trained recogniser.</param>
    /// <param name="threads">How many threads it may use for one page; results do not depend on it.</param>
    /// <param name="clock">Notes when the stages of a page end, on one thread only; null for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">threads is below 1, or above it with a clock.</exception>
    public PageReader(DetectorModel detector, RecogniserModel recogniser, int threads = 1, StageClock? clock = null)
    {
        ArgumentNullException.ThrowIfNull(recogniser);
        if (clock is not null)
            ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, 1);
        _clock = clock;
        _detector = new WordDetector(detector, threads);
        _recogniser = recogniser;
        _threads = threads;
    }

    /// <summary>Reads a page.</summary>
    /// <param name="page">Grey or RGB, of any size and resolution; upright, its lines about level.</param>
    public PageText Read(Picture page) => Read(page, Detect(page));

    /// <summary>Reads words of which the places are known.</summary>
    /// <param name="page">Grey or RGB.</param>
    /// <param name="found">The words, within the page, in any order.</param>
    public PageText Read(Picture page, IReadOnlyList<DetectedWord> found)
    {
        ArgumentNullException.ThrowIfNull(page);
        ArgumentNullException.ThrowIfNull(found);
        List<List<Box>> lines = Lines(found);
        (int Line, Box Box)[] words = [.. lines.SelectMany((line, number) => line.Select(box => (number, box)))];
        _clock?.End(Stage.Detect);
        var read = new List<PageTextWord>[words.Length];
        Parallel.For(
            0, words.Length, new ParallelOptions { MaxDegreeOfParallelism = _threads },
            i => read[i] = Read(page, words[i].Box));

        IEnumerable<PageTextWord[]> byLine = words.Zip(read).GroupBy(word => word.First.Line, word => word.Second)
            .Select(line => line.SelectMany(parts => parts).ToArray());
        return new PageText([.. byLine.Where(line => line.Length > 0).Select(line => new PageTextLine(line))]);
    }

    /// <summary>Finds the words of a page whatever its resolution.</summary>
    /// <param name="page">Grey or RGB.</param>
    /// <returns>Words with boxes of their ink, in pixels of the page; in no particular order.</returns>
    public IReadOnlyList<DetectedWord> Detect(Picture page) => Detect(_detector, page);

    /// <inheritdoc cref="Detect(Picture)"/>
    internal static IReadOnlyList<DetectedWord> Detect(WordDetector detector, Picture page)
    {
        ArgumentNullException.ThrowIfNull(page);
        Picture grey = PictureConversion.ToGrey(page);
        double scale = Math.Min(1, Math.Sqrt(FirstPixels / grey.PixelCount));
        double mostScale = Math.Min(MostScale, Math.Sqrt(MostPixels / grey.PixelCount));
        IReadOnlyList<DetectedWord> words = Detect(detector, grey, scale);

        // Where nothing is found in a picture made smaller, its print may have become too small.
        if (words.Count == 0)
            return scale < 1 ? Detect(detector, grey, Math.Min(1, mostScale)) : words;

        double height = scale * TypicalHeight(words);
        return height is >= LeastHeight and <= MostHeight
            ? words
            : Detect(detector, grey, Math.Min(mostScale, scale * WantedHeight / height));
    }

    private static IReadOnlyList<DetectedWord> Detect(WordDetector detector, Picture grey, double scale)
    {
        int width = Math.Max(1, (int)Math.Round(grey.Width * scale));
        int height = Math.Max(1, (int)Math.Round(grey.Height * scale));
        if (width == grey.Width && height == grey.Height)
            return detector.Find(grey);
        double across = (double)grey.Width / width, down = (double)grey.Height / height;
        return
        [
            .. detector.Find(Resampling.Resize(grey, width, height)).Select(word => word with
            {
                Box = new Box(
                    (int)Math.Round(word.Box.Left * across), (int)Math.Round(word.Box.Top * down),
                    (int)Math.Round(word.Box.Right * across), (int)Math.Round(word.Box.Bottom * down)),
            }).Where(word => word.Box.Area > 0),
        ];
    }

    /// <summary>The height that half of the text is below: the median over words, each counted by its width.</summary>
    private static double TypicalHeight(IReadOnlyList<DetectedWord> words)
    {
        long half = words.Sum(word => (long)word.Box.Width) / 2, sum = 0;
        return words.OrderBy(word => word.Box.Height).First(word => (sum += word.Box.Width) > half).Box.Height;
    }

    /// <summary>Puts words into lines, from top to bottom, each from left to right.</summary>
    internal static List<List<Box>> Lines(IReadOnlyList<DetectedWord> words)
    {
        // From left to right a word joins the line whose last words stand most at its height. Three of them make a
        // band that also holds a comma or a quotation mark, and follow lines that are not quite level.
        const int Last = 3;
        var lines = new List<(List<Box> Words, Box Band)>();
        foreach (Box word in words.Select(word => word.Box).OrderBy(box => box.Left).ThenBy(box => box.Top))
        {
            int best = -1;
            double bestShare = 0.5;
            for (int i = 0; i < lines.Count; i++)
            {
                Box band = lines[i].Band;
                double common = Math.Min(band.Bottom, word.Bottom) - Math.Max(band.Top, word.Top);
                double share = common / Math.Min(band.Height, word.Height);
                if (share > bestShare && word.Right > band.Right)
                    (best, bestShare) = (i, share);
            }

            if (best < 0)
            {
                lines.Add(([word], word));
                continue;
            }

            List<Box> line = lines[best].Words;
            if (word.Left - line[^1].Right < LeastGap * lines[best].Band.Height)
                line[^1] = line[^1].Union(word);
            else
                line.Add(word);
            lines[best] = (line, line[Math.Max(0, line.Count - Last)..].Aggregate((a, b) => a.Union(b)));
        }

        return [.. lines.Select(line => line.Words).OrderBy(line => line.Average(box => 0.5 * (box.Top + box.Bottom)))];
    }

    /// <summary>Reads what is in a box: a word, or several where spaces are read.</summary>
    private List<PageTextWord> Read(Picture page, Box box)
    {
        int margin = (int)Math.Ceiling(Margin * box.Height);
        Box around = box.Enlarge(margin, margin).Intersect(new Box(0, 0, page.Width, page.Height));
        LineReader reader = Rent();
        ReadLine line = reader.Read(page.Crop(around), LineReader.MinimumWordWidth);
        lock (_idle)
            _idle.Push(reader);
        return Words(line, around.Left, box);
    }

    /// <summary>Parts what was read at its spaces, and the box where the spaces stand.</summary>
    /// <param name="line">What was read.</param>
    /// <param name="left">Column of the page at which the picture that was read begins.</param>
    /// <param name="box">The box that was found.</param>
    internal static List<PageTextWord> Words(ReadLine line, int left, Box box)
    {
        var words = new List<PageTextWord>();
        var characters = new List<ReadCharacter>();
        int from = box.Left;
        foreach (ReadCharacter character in line.Characters)
        {
            if (character.Text != " ")
            {
                characters.Add(character);
                continue;
            }

            // A word keeps at least a column.
            int to = Math.Clamp((int)Math.Round(left + character.Column), from + 1, Math.Max(from + 1, box.Right - 1));
            End(to);
            from = to;
        }

        End(box.Right);
        return words;

        void End(int to)
        {
            if (characters.Count == 0)
                return;
            words.Add(new PageTextWord(
                string.Concat(characters.Select(c => c.Text)), box with { Left = from, Right = Math.Max(to, from + 1) },
                [.. characters.Select(c => c.Confidence)]));
            characters.Clear();
        }
    }

    private LineReader Rent()
    {
        lock (_idle)
        {
            if (_idle.TryPop(out LineReader? reader))
                return reader;
        }

        return new LineReader(_recogniser, clock: _clock);
    }
}
