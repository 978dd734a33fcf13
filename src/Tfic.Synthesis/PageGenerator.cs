using System.Collections.Immutable;
using Tfic.Imaging;

namespace Tfic.Synthesis;

/// <summary>What pages are set like.</summary>
public sealed record PageOptions
{
    /// <summary>Width of the page in pixels; an A4 page at 150 dots an inch has 1240.</summary>
    public int Width { get; init; } = 1240;

    /// <summary>Height of the page in pixels.</summary>
    public int Height { get; init; } = 1754;

    /// <summary>Each of the four margins, as a fraction of the page's width.</summary>
    public Interval Margin { get; init; } = new(0.08, 0.14);

    /// <summary>Height of the em square in pixels.</summary>
    public Interval FontSize { get; init; } = new(22, 34);

    /// <summary>Distance of the baselines in em; never less than keeps the ink of lines apart.</summary>
    public Interval LineSpacing { get; init; } = new(1.2, 1.6);

    /// <summary>Indentation of a paragraph's first line, in em.</summary>
    public double Indent { get; init; } = 1.5;

    /// <summary>Whether lines but a paragraph's last are stretched to the full measure.</summary>
    public bool Justify { get; init; } = true;

    /// <summary>Checks every value's range.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    public void Validate()
    {
        static void Demand(bool condition, string what)
        {
            if (!condition)
                throw new ArgumentException($"A page option is out of its range: {what}.");
        }

        Demand(Width is >= 32 and <= 20000 && Height is >= 32 and <= 20000, "Width and Height are 32…20000");
        Demand(Margin.From >= 0 && Margin.To <= 0.4 && Margin.From <= Margin.To, "Margin lies within 0…0.4");
        Demand(FontSize.From >= 4 && FontSize.To <= 500 && FontSize.From <= FontSize.To, "FontSize lies within 4…500");
        Demand(
            LineSpacing.From >= 0.5 && LineSpacing.To <= 10 && LineSpacing.From <= LineSpacing.To,
            "LineSpacing lies within 0.5…10");
        Demand(Indent is >= 0 and <= 20, "Indent is 0…20");
        Demand(
            Width * (1 - 2 * Margin.To) >= 4 * FontSize.To && Height - 2 * Margin.To * Width >= 4 * FontSize.To,
            "the page within its margins has room for at least four em in both directions");
    }
}

/// <summary>Sets pages of prose from a seed, with the box and the text of every word and line.</summary>
public sealed class PageGenerator
{
    private readonly PageOptions _options;
    private readonly FontSet _fonts;
    private readonly BookText _text;
    private readonly ulong _seed;

    /// <summary>Makes a generator; it can be used by any number of threads at once.</summary>
    /// <exception cref="ArgumentException">There is no font, or an option is out of its range.</exception>
    public PageGenerator(PageOptions options, FontSet fonts, BookText text, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(fonts);
        ArgumentNullException.ThrowIfNull(text);
        options.Validate();
        if (fonts.Fonts.IsEmpty)
            throw new ArgumentException(FontSet.NoFont, nameof(fonts));
        (_options, _fonts, _text, _seed) = (options, fonts, text, seed);
    }

    /// <summary>Sets one page: always the same for the same options, fonts, text, seed and index.</summary>
    /// <param name="index">Any number; it decides on font, size, margins and the paragraph to begin with.</param>
    public Page Draw(long index)
    {
        var random = new RandomStream(_seed, index);
        Font font = _fonts.Draw(ref random);
        double size = random.In(_options.FontSize);
        double spacing = random.In(_options.LineSpacing) * size;
        int margin = (int)Math.Round(random.In(_options.Margin) * _options.Width);
        int paragraph = random.Below(_text.Paragraphs.Length);

        Face face = font.Rent();
        try
        {
            face.SetSize(size);
            return new Setting(_options, font, face, margin, spacing).Fill(_text.Paragraphs, paragraph);
        }
        finally
        {
            font.Return(face);
        }
    }

    /// <summary>One page being set.</summary>
    private sealed class Setting
    {
        private readonly PageOptions _options;
        private readonly Font _font;
        private readonly Face _face;
        private readonly int _margin, _measure, _space;
        private readonly int _distance;
        private readonly Plane _ink;
        private readonly Dictionary<string, GlyphRun> _runs = new(StringComparer.Ordinal);
        private readonly ImmutableArray<PageLine>.Builder _lines = ImmutableArray.CreateBuilder<PageLine>();
        private int _baseline;

        public Setting(PageOptions options, Font font, Face face, int margin, double spacing)
        {
            (_options, _font, _face, _margin) = (options, font, face, margin);
            _measure = options.Width - 2 * margin;
            _space = Math.Max(2, (int)Math.Round(GlyphRun.SpaceWidth(face)));
            _ink = new Plane(options.Width, options.Height);

            // The ink of the tallest and the deepest character keeps clear of the lines above and below.
            var all = GlyphRun.Set(face, string.Concat(Font.PrintableAscii.Where(font.Has)), hinted: false);
            _distance = Math.Max((int)Math.Round(spacing), all.Bottom - all.Top + 1);
            _baseline = margin - all.Top;
            LastBaseline = options.Height - margin - all.Bottom;
        }

        private int LastBaseline { get; }

        public Page Fill(ImmutableArray<string> paragraphs, int first)
        {
            // From the last paragraph on, the text begins again.
            for (int i = 0; i < 100000 && _baseline <= LastBaseline; i++)
                SetParagraph(paragraphs[(first + i) % paragraphs.Length]);

            var picture = new Picture(_options.Width, _options.Height, 1);
            for (int i = 0; i < picture.Samples.Length; i++)
                picture.Samples[i] = LineGenerator.Shade(255 * (1 - _ink.Samples[i]));
            return new Page(picture, _lines.ToImmutable(), _distance, _font.Name);
        }

        private void SetParagraph(string paragraph)
        {
            var line = new List<string>();
            int indent = Math.Min((int)(_options.Indent * _face.Size), _measure / 2);
            int width = indent;
            foreach (string word in paragraph.Split(' ').SelectMany(Fitting))
            {
                int wordWidth = Extent(Run(word)).Width;
                int wanted = line.Count == 0 ? width + wordWidth : width + _space + wordWidth;
                if (wanted > _measure && line.Count > 0)
                {
                    SetLine(line, indent, _measure - width, _options.Justify);
                    if (_baseline > LastBaseline)
                        return;
                    line.Clear();
                    indent = 0;
                    wanted = wordWidth;
                }

                line.Add(word);
                width = wanted;
            }

            if (line.Count > 0)
                SetLine(line, indent, 0, justify: false);
        }

        /// <summary>A word's characters that the font has, in pieces if it is wider than half the measure.</summary>
        private IEnumerable<string> Fitting(string word)
        {
            string rest = string.Concat((_font.CapitalsOnly ? word.ToUpperInvariant() : word).Where(_font.Has));
            while (rest.Length > 0)
            {
                int length = rest.Length;
                while (length > 1 && Extent(Run(rest[..length])).Width > _measure / 2)
                    length--;
                yield return rest[..length];
                rest = rest[length..];
            }
        }

        private void SetLine(List<string> words, int indent, int spare, bool justify)
        {
            int gaps = words.Count - 1, x = _margin + indent;
            var set = ImmutableArray.CreateBuilder<PageWord>(words.Count);
            for (int i = 0; i < words.Count; i++)
            {
                GlyphRun run = Run(words[i]);
                (int left, int width) = Extent(run);
                run.Paint(_ink.Samples, _ink.Width, x - left, _baseline);
                set.Add(run.Word(words[i], x - left, _baseline));
                // Spare pixels go to the gaps such that the sum of the first n gaps is right to the pixel.
                int extra = justify && gaps > 0 ? spare * (i + 1) / gaps - spare * i / gaps : 0;
                x += width + _space + extra;
            }

            ImmutableArray<PageWord> line = set.MoveToImmutable();
            Box all = line.Select(w => w.Box).Aggregate((a, b) => a.Union(b));
            _lines.Add(new PageLine(string.Join(' ', words), all, line));
            _baseline += _distance;
        }

        /// <summary>
        /// The columns that a word takes: its advance, and its ink where that reaches beyond, so that words with a
        /// space between them never touch.
        /// </summary>
        private static (int Left, int Width) Extent(GlyphRun run)
        {
            int left = Math.Min(0, run.Left);
            return (left, Math.Max((int)Math.Ceiling(run.Advance), run.Right) - left);
        }

        private GlyphRun Run(string word)
        {
            if (!_runs.TryGetValue(word, out GlyphRun? run))
                _runs[word] = run = GlyphRun.Set(_face, word, hinted: false);
            return run;
        }
    }
}
