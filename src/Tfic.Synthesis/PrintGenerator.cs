using System.Collections.Immutable;
using Tfic.Imaging;

namespace Tfic.Synthesis;

/// <summary>
/// Draws square pieces of print as a detector of words meets them: prose, receipts, tables and scattered labels, on
/// paper of any lightness, worn, blurred, enlarged and through JPEG down to quality 1.
/// </summary>
/// <remarks>
/// A piece is a window into something larger: words are cut off at its edges, and their boxes reach outside. Rules, bars
/// and dark edges stand in it that are no words.
/// </remarks>
public sealed class PrintGenerator
{
    private readonly FontSet _fonts;
    private readonly LineText _prose, _entries;
    private readonly ulong _seed;
    private readonly int _size;

    /// <summary>Makes a generator; it can be used by any number of threads at once.</summary>
    /// <param name="fonts">Fonts, at least one.</param>
    /// <param name="words">The words that are set; numbers and signs are made up.</param>
    /// <param name="seed">Seed of all pieces.</param>
    /// <param name="size">Width and height of a piece, 32…4096.</param>
    /// <exception cref="ArgumentException">There is no font.</exception>
    public PrintGenerator(FontSet fonts, WordList words, ulong seed, int size = 256)
    {
        ArgumentNullException.ThrowIfNull(fonts);
        ArgumentNullException.ThrowIfNull(words);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 32);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, 4096);
        if (fonts.Fonts.IsEmpty)
            throw new ArgumentException(FontSet.NoFont, nameof(fonts));
        (_fonts, _seed, _size) = (fonts, seed, size);
        LineOptions prose = LineOptions.Default with
        {
            NumbersWeight = 0,
            RandomWeight = 0,
            AsListedWeight = 1,
            LowerWeight = 4,
            TitleWeight = 0.5,
            UpperWeight = 0.2,
            PunctuationProbability = 0.2,
            MaxWords = 12,
            MaxCharacters = 90,
        };
        _prose = new LineText(prose, words);
        _entries = new LineText(
            LineOptions.Default with { RandomWeight = 0, MaxWords = 4, MaxCharacters = 32 }, words);
    }

    /// <summary>Draws a piece: always the same for the same fonts, words, seed, size and index.</summary>
    /// <param name="index">Any number.</param>
    /// <returns>
    /// A grey picture. Lines come in the order in which they were set; a line holds what stands together, so the columns
    /// of a receipt are several.
    /// </returns>
    public Page Draw(long index)
    {
        var random = new RandomStream(_seed, index);

        // Small print is often enlarged before anything looks at it.
        double enlarged = random.Chance(0.3) ? random.In(new Interval(1.2, 2)) : 1;
        int side = (int)Math.Ceiling(_size / enlarged);
        double wanted = random.Chance(0.85)
            ? 9 * Math.Pow(32.0 / 9, random.Unit())
            : 30 * Math.Pow(52.0 / 30, random.Unit());
        double distance = Math.Max(7.5, wanted / enlarged);

        Font font = _fonts.Draw(ref random);
        var ink = new Plane(side, side);
        ImmutableArray<PageLine> lines;
        Face face = font.Rent();
        try
        {
            var setting = new Setting(this, font, face, ink, distance, ref random);
            lines = setting.Fill(ref random);
        }
        finally
        {
            font.Return(face);
        }

        Picture picture = Print(ref random, ink, distance);
        double scale = (double)_size / side;
        if (side != _size)
        {
            picture = Resampling.Resize(picture, _size, _size);
            lines = [.. lines.Select(line => line.Scale(scale, scale))];
        }

        return new Page(picture, lines, distance * scale, font.Name);
    }

    /// <summary>Puts ink on paper, and lets scanners, cameras and coders at it.</summary>
    private static Picture Print(ref RandomStream random, Plane ink, double distance)
    {
        if (random.Chance(0.12))
            LineGenerator.Wear(ref random, ink, distance);
        if (random.Chance(0.5))
            ink.Blur(random.In(new Interval(0.2, 0.8)) * distance / 16);

        float paper = (float)(random.Chance(0.5) ? random.In(new Interval(0.9, 1)) : random.In(new Interval(0.5, 1)));
        float black = random.Chance(0.5) ? 0 : (float)random.Unit() * (paper - 0.2f);
        float angle = (float)(random.Unit() * 2 * Math.PI);
        float shadow = random.Chance(0.4) ? (float)random.In(new Interval(0, 0.3)) : 0;
        (float dy, float dx) = MathF.SinCos(angle);
        float grain = random.Chance(0.5) ? (float)random.In(new Interval(1, 14)) : 0;
        bool inverse = random.Chance(0.1);
        int width = ink.Width, height = ink.Height;
        var picture = new Picture(width, height, 1);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                float light = 1 - shadow * (0.5f + 0.5f * (dx * (2f * x / width - 1) + dy * (2f * y / height - 1)));
                float value = light * (paper + (black - paper) * ink.Samples[y * width + x]);
                value = 255 * (inverse ? 1 - value : value);
                picture.Row(y)[x] = LineGenerator.Shade(grain > 0 ? value + grain * random.Normal() : value);
            }
        }

        if (!random.Chance(0.6))
            return picture;

        // At the lowest qualities nothing is left of pale print.
        bool pale = paper - black < 0.6f;
        int quality = random.Below(4) switch
        {
            0 => pale ? random.Integer(5, 30) : 1,
            1 => pale ? random.Integer(9, 40) : random.Integer(2, 8),
            _ => random.Integer(9, 90),
        };
        picture = JpegDamage.Apply(picture, quality);

        // What restores such pictures leaves them soft and pale.
        return quality <= 4 && !inverse && random.Chance(0.5) ? Soften(ref random, picture) : picture;
    }

    private static Picture Soften(ref RandomStream random, Picture picture)
    {
        var dark = new Plane(picture.Width, picture.Height);
        for (int i = 0; i < dark.Samples.Length; i++)
            dark.Samples[i] = 255 - picture.Samples[i];
        dark.Blur(random.In(new Interval(0.6, 1.3)));
        float contrast = (float)random.In(new Interval(0.5, 1.2));
        for (int i = 0; i < dark.Samples.Length; i++)
            picture.Samples[i] = LineGenerator.Shade(255 - contrast * dark.Samples[i]);
        return picture;
    }

    /// <summary>A piece being set.</summary>
    private sealed class Setting
    {
        private readonly PrintGenerator _owner;
        private readonly Font _font;
        private readonly Face _face;
        private readonly Plane _ink;
        private readonly double _distance, _fontSize, _stretch, _characterSpacing, _slope;
        private readonly bool _hinted, _capitals;
        private readonly int _gap, _bold;
        private readonly double _ascent;
        private readonly ImmutableArray<PageLine>.Builder _lines = ImmutableArray.CreateBuilder<PageLine>();

        public Setting(
            PrintGenerator owner, Font font, Face face, Plane ink, double distance, ref RandomStream random)
        {
            (_owner, _font, _face, _ink, _distance) = (owner, font, face, ink, distance);
            _hinted = random.Chance(0.2);
            _stretch = random.Chance(0.25) ? random.In(new Interval(0.75, 1.3)) : 1;
            _slope = random.Chance(0.25) ? random.In(new Interval(-0.025, 0.025)) : 0;
            _capitals = random.Chance(0.25);

            // Ink of neighbouring lines keeps half a pixel apart.
            double size = Math.Max(4, distance / random.In(new Interval(1.05, 1.75)));
            face.SetSize(size, _stretch);
            var tall = GlyphRun.Set(face, string.Concat("bdhklAQ|(gpqy".Where(font.Has)), _hinted);
            double most = (distance - 0.5) / (tall.Bottom - tall.Top);
            _fontSize = Math.Max(4, size * Math.Min(1, most));
            _ascent = -tall.Top * _fontSize / size;
            face.SetSize(_fontSize, _stretch);
            _characterSpacing = random.Chance(0.2) ? random.In(new Interval(0, 0.15)) * _fontSize : 0;
            _bold = random.Chance(0.08) ? Math.Max(1, (int)(_fontSize / 20)) : 0;
            double gap = GlyphRun.SpaceWidth(face)
                * (random.Chance(0.3) ? random.In(new Interval(0.9, 2)) : 1) + _characterSpacing;
            _gap = Math.Max(2, (int)Math.Round(gap));
        }

        private int Side => _ink.Width;

        public ImmutableArray<PageLine> Fill(ref RandomStream random)
        {
            switch (random.Weighted([0.4, 0.35, 0.15, 0.1]))
            {
                case 0:
                    Prose(ref random);
                    break;
                case 1:
                    Receipt(ref random);
                    break;
                case 2:
                    Table(ref random);
                    break;
                default:
                    Labels(ref random);
                    break;
            }

            if (random.Chance(0.1))
            {
                // The dark behind a sheet's edge.
                int depth = random.Integer(1, 6);
                bool across = random.Chance(0.5), far = random.Chance(0.5);
                int at = far ? Side - depth : 0;
                Rectangle(across ? 0 : at, across ? at : 0, across ? Side : depth, across ? depth : Side, 1);
            }

            return _lines.ToImmutable();
        }

        private void Prose(ref RandomStream random)
        {
            int left = random.Integer(-Side / 3, Side / 6);
            int measure = random.Integer(Side / 2, Side * 3 / 2);
            bool justify = random.Chance(0.6);
            double baseline = random.Unit() * _distance;
            var words = new Queue<string>();
            while (baseline - _ascent < Side)
            {
                int indent = random.Chance(0.5) ? (int)(1.5 * _fontSize) : 0;
                for (int rows = random.Integer(1, 9); rows >= 0 && baseline - _ascent < Side; rows--)
                {
                    var row = new List<(string, GlyphRun)>();
                    int width = indent;
                    while (true)
                    {
                        if (words.Count == 0)
                        {
                            foreach (string word in _owner._prose.Draw(ref random, _font).Split(' '))
                                words.Enqueue(word);
                        }

                        GlyphRun run = Run(words.Peek());
                        if (row.Count > 0 && width + _gap + Extent(run) > measure)
                            break;
                        width += (row.Count > 0 ? _gap : 0) + Extent(run);
                        row.Add((words.Dequeue(), run));
                        if (rows == 0 && random.Chance(0.15))
                            break;
                    }

                    // Where few long words fill a row, justified ones would stand too far apart for prose.
                    int spare = measure - width;
                    Place(row, left + indent, baseline, justify && rows > 0 && spare < row.Count * _fontSize ? spare : 0);
                    baseline += _distance;
                    indent = 0;
                }

                if (random.Chance(0.3))
                    baseline += random.Unit() * 1.5 * _distance;
            }
        }

        private void Receipt(ref RandomStream random)
        {
            int left = random.Integer(-Side / 3, Side / 8);
            int measure = random.Integer(Side * 2 / 3, Side * 4 / 3);
            double baseline = random.Unit() * _distance;
            while (baseline - _ascent < Side)
            {
                double tall = random.Chance(0.06) ? 2 : 1;
                if (tall > 1)
                {
                    _face.SetSize(_fontSize * tall, random.Chance(0.5) ? _stretch / tall : _stretch);
                    baseline += _distance;
                }

                switch (random.Below(8))
                {
                    case 0:
                        Rule(ref random, left, (int)(baseline - _ascent * 0.4), measure);
                        break;
                    case 1:
                        if (random.Chance(0.3))
                        {
                            Bars(ref random, left, (int)baseline, measure);
                            baseline += 3 * _distance;
                        }

                        break;
                    case 2 or 3:
                        List<(string, GlyphRun)> centred = Text(ref random, _owner._entries);
                        Place(centred, left + (measure - Width(centred)) / 2, baseline);
                        break;
                    case 4 or 5:
                        List<(string, GlyphRun)> item = Text(ref random, _owner._entries);
                        List<(string, GlyphRun)> price = Text(ref random, _owner._entries);
                        Place(item, left, baseline);
                        if (Width(item) + Width(price) + 3 * _gap < measure)
                            Place(price, left + measure - Width(price), baseline);
                        break;
                    default:
                        Place(Text(ref random, _owner._entries), left, baseline);
                        break;
                }

                if (tall > 1)
                    _face.SetSize(_fontSize, _stretch);
                baseline += _distance * (random.Chance(0.1) ? random.In(new Interval(1.2, 2.2)) : 1);
            }
        }

        private void Table(ref RandomStream random)
        {
            int column = (int)Math.Max(4 * _fontSize, random.In(new Interval(0.2, 0.6)) * Side);
            int left = random.Integer(-column, _gap);
            bool ruled = random.Chance(0.5), right = random.Chance(0.4);
            double pitch = _distance * random.In(new Interval(1, 1.6)), first = random.Unit() * pitch;
            for (double baseline = first; baseline - _ascent < Side; baseline += pitch)
            {
                for (int x = left; x < Side; x += column)
                {
                    List<(string, GlyphRun)> cell = Text(ref random, _owner._entries);
                    while (cell.Count > 1 && Width(cell) > column - 2 * _gap)
                        cell.RemoveAt(cell.Count - 1);
                    if (Width(cell) <= column - 2 * _gap && random.Chance(0.85))
                        Place(cell, right ? x + column - _gap - Width(cell) : x + _gap, baseline);
                }

                if (ruled && pitch > 1.25 * _distance)
                    Rectangle(left, (int)(baseline + pitch - _ascent - (pitch - _distance) / 2), Side - left, 1, 0.8f);
            }

            for (int x = left; ruled && _slope == 0 && x < Side; x += column)
                Rectangle(x, 0, 1, Side, 0.8f);
        }

        private void Labels(ref RandomStream random)
        {
            var taken = new List<Box>();
            for (int i = random.Integer(0, 12); i > 0; i--)
            {
                double factor = random.In(new Interval(0.8, 2));
                _face.SetSize(_fontSize * factor, _stretch);
                List<(string, GlyphRun)> text = Text(ref random, _owner._entries);
                int x = random.Integer(-Side / 8, Side - Side / 8), y = random.Integer(0, Side);
                int reach = (int)(_distance * factor);
                var box = new Box(x - _gap, y - reach, x + Width(text) + _gap, y + reach / 2);
                if (taken.Any(box.Overlaps))
                    continue;
                taken.Add(box);
                Place(text, x, y);
            }

            _face.SetSize(_fontSize, _stretch);
            for (int i = random.Below(3); i > 0; i--)
            {
                int x = random.Below(Side), y = random.Below(Side);
                var box = new Box(x, y, x + random.Integer(1, Side / 2), y + random.Integer(1, Side / 4));
                if (taken.Any(box.Overlaps))
                    continue;
                if (random.Chance(0.5))
                    Bars(ref random, x, y, box.Width);
                else
                    Rectangle(x, y, box.Width, box.Height, (float)random.Unit());
            }
        }

        /// <summary>A line across: drawn, or of characters that stand for one. It is not a word.</summary>
        private void Rule(ref RandomStream random, int left, int y, int measure)
        {
            if (random.Chance(0.4))
            {
                Rectangle(left, y, measure, random.Integer(1, Math.Max(1, (int)(_fontSize / 8))), 1);
                return;
            }

            char sign = random.Pick("---=*_.");
            if (!_font.Has(sign))
                return;
            double advance = Math.Max(1, Run(sign.ToString()).Advance + _characterSpacing);
            Run(new string(sign, Math.Clamp((int)(measure / advance), 1, 200)))
                .Paint(_ink.Samples, _ink.Width, left, (int)(y + _ascent * 0.4));
        }

        /// <summary>A bar code.</summary>
        private void Bars(ref RandomStream random, int left, int top, int measure)
        {
            int height = (int)(_distance * random.In(new Interval(1, 2)));
            int module = random.Integer(1, 3);
            for (int x = left; x < left + measure; x += module * random.Integer(1, 3))
            {
                int width = module * random.Integer(1, 3);
                Rectangle(x, top, width, height, 1);
                x += width;
            }
        }

        private void Rectangle(int left, int top, int width, int height, float value)
        {
            for (int y = Math.Max(0, top); y < Math.Min(Side, top + height); y++)
            {
                int from = Math.Clamp(left, 0, Side), to = Math.Clamp(left + width, from, Side);
                foreach (ref float sample in _ink.Samples.AsSpan(y * Side + from, to - from))
                    sample = Math.Max(sample, value);
            }
        }

        private List<(string Word, GlyphRun Run)> Text(ref RandomStream random, LineText source)
        {
            string text = source.Draw(ref random, _font);
            if (_capitals)
                text = string.Concat(text.ToUpperInvariant().Where(c => c == ' ' || _font.Has(c)));
            return [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => (word, Run(word)))];
        }

        private GlyphRun Run(string word) => GlyphRun.Set(_face, word, _hinted, _characterSpacing);

        private static int Extent(GlyphRun run) => Math.Max(1, run.Right - run.Left);

        private int Width(List<(string Word, GlyphRun Run)> row) =>
            row.Sum(r => Extent(r.Run)) + _gap * Math.Max(0, row.Count - 1);

        /// <summary>Sets words in a row, ink to ink with gaps between; spare pixels go to the gaps.</summary>
        private void Place(List<(string Word, GlyphRun Run)> row, int x, double baseline, int spare = 0)
        {
            var words = new List<PageWord>();
            int gaps = row.Count - 1;
            var picture = new Box(0, 0, Side, Side);
            for (int i = 0; i < row.Count; i++)
            {
                GlyphRun run = row[i].Run;
                int y = (int)Math.Round(baseline + _slope * (x - Side / 2));
                run.Paint(_ink.Samples, _ink.Width, x - run.Left, y);
                if (_bold > 0)
                    run.Paint(_ink.Samples, _ink.Width, x - run.Left + _bold, y);
                PageWord word = run.Word(row[i].Word, x - run.Left, y);
                if (word.Box.Overlaps(picture))
                    words.Add(word);
                int extra = gaps > 0 && spare > 0 ? spare * (i + 1) / gaps - spare * i / gaps : 0;
                x += Extent(run) + _gap + extra;
            }

            if (words.Count > 0)
            {
                _lines.Add(new PageLine(
                    string.Join(' ', words.Select(w => w.Text)), words.Select(w => w.Box).Aggregate((a, b) => a.Union(b)),
                    [.. words]));
            }
        }
    }
}
