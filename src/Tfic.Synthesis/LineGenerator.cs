using Tfic.Imaging;

namespace Tfic.Synthesis;

/// <summary>A drawn line.</summary>
/// <param name="Picture">RGB, at its own shape or at the size that the options ask for.</param>
/// <param name="Text">What it says: printable ASCII, no space at either end.</param>
/// <param name="Font">Family and style of its font.</param>
public sealed record TextLine(Picture Picture, string Text, string Font);

/// <summary>Draws lines of text from a seed.</summary>
/// <remarks>
/// A line is made as a plane of coverage (how much ink each pixel has) and a plane of background pattern, both in 0…1:
/// glyphs → bending and turning → blur, then colours are put on: picture = background·(1 − ink) + text·ink.
/// </remarks>
public sealed class LineGenerator
{
    private readonly LineOptions _options;
    private readonly FontSet _fonts;
    private readonly LineText _text;
    private readonly ulong _seed;
    private readonly Picture[] _pictures;

    /// <summary>Makes a generator; it can be used by any number of threads at once.</summary>
    /// <exception cref="ArgumentException">There is no font, none for the characters allowed, or an option is out of its range.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder of background pictures does not exist.</exception>
    /// <exception cref="TficFormatException">That folder has no picture, or a damaged one.</exception>
    public LineGenerator(LineOptions options, FontSet fonts, WordList words, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(fonts);
        ArgumentNullException.ThrowIfNull(words);
        options.Validate();
        if (fonts.Fonts.IsEmpty)
            throw new ArgumentException(FontSet.NoFont, nameof(fonts));

        _options = options;
        _text = new LineText(options, words);
        _fonts = fonts.Where(_text.CanDraw);
        if (_fonts.Fonts.IsEmpty)
            throw new ArgumentException($"No font has any of the characters \"{options.Characters}\".", nameof(fonts));
        _seed = seed;
        _pictures = options.PictureWeight > 0 ? Background.Load(options.PictureFolder!) : [];
    }

    /// <summary>Draws one line: always the same for the same options, fonts, words, seed and index.</summary>
    /// <param name="index">Any number.</param>
    /// <exception cref="FileNotFoundException">A font's file has gone since it was opened.</exception>
    /// <exception cref="TficFormatException">A glyph of a font is broken; the message names the file.</exception>
    public TextLine Draw(long index)
    {
        var random = new RandomStream(_seed, index);
        Font font = _fonts.Draw(ref random);
        string text = _text.Draw(ref random, font);
        return new TextLine(Draw(ref random, font, text), text, font.Name);
    }

    private Picture Draw(ref RandomStream random, Font font, string text)
    {
        double size = random.In(_options.FontSize);
        bool print = random.Chance(_options.PrintProbability);
        double drawnSize = print ? random.In(_options.PrintSize) : size;

        Plane ink = Ink(ref random, font, text, drawnSize);
        bool worn = print && random.Chance(_options.WearProbability);
        if (worn)
            Wear(ref random, ink, drawnSize);
        if (print || random.Chance(_options.BlurProbability))
        {
            // Print is blurred by half as much: it is enlarged as well.
            double sigma = random.In(_options.Blur) * drawnSize / 32 * (print ? 0.5 : 1);
            ink.Blur(sigma);
        }

        // Thin strokes drawn small and blurred would all but vanish.
        ink.RaisePeak(0.6f);
        if (print && !worn && random.Chance(_options.BilevelProbability))
            ink.MakeBilevel((float)random.In(new Interval(0.2, 0.35)));

        Picture picture = Colour(ref random, ink, print);
        if (print || random.Chance(_options.GrainProbability))
            AddGrain(ref random, picture, random.In(_options.Grain));

        if (random.Chance(_options.JpegProbability))
            picture = JpegDamage.Apply(picture, (int)Math.Round(random.In(_options.JpegQuality)));

        int width = picture.Width, height = picture.Height;
        if (print)
        {
            double scale = size / drawnSize;
            width = Math.Max(1, (int)Math.Round(width * scale));
            height = Math.Max(1, (int)Math.Round(height * scale));
        }

        if (_options is { Width: { } fixedWidth, Height: { } fixedHeight })
            (width, height) = (fixedWidth, fixedHeight);
        return width == picture.Width && height == picture.Height
            ? picture
            : Resampling.Resize(picture, width, height);
    }

    /// <summary>Sets the text and bends and turns it.</summary>
    private Plane Ink(ref RandomStream random, Font font, string text, double size)
    {
        bool hinted = random.Chance(_options.HintingProbability);
        double characterSpacing = 0, wordSpacing = 1;
        if (random.Chance(_options.SpacingProbability))
        {
            characterSpacing = random.In(_options.CharacterSpacing) * size;
            wordSpacing = random.In(_options.WordSpacing);
        }

        double stretch = random.Chance(_options.StretchProbability) ? random.In(_options.Stretch) : 1;
        string? neighbour = random.Chance(_options.NeighbourProbability) ? _text.Draw(ref random, font) : null;

        GlyphRun run;
        GlyphRun? other = null;
        double ascent, descent;
        Face face = font.Rent();
        try
        {
            face.SetSize(size, stretch);
            run = GlyphRun.Set(face, text, hinted, characterSpacing, wordSpacing);
            if (neighbour is not null)
                other = GlyphRun.Set(face, neighbour, hinted, characterSpacing, wordSpacing);
            (ascent, descent) = (face.Ascent, face.Descent);
        }
        finally
        {
            font.Return(face);
        }

        int boldShift = random.Chance(_options.EmboldenProbability) ? Math.Max(1, (int)(size / 32)) : 0;
        bool tight = random.Chance(_options.TightProbability);
        int top = tight ? run.Top : Math.Min(run.Top, -(int)Math.Ceiling(ascent));
        int bottom = tight ? run.Bottom : Math.Max(run.Bottom, (int)Math.Ceiling(descent));
        int textWidth = run.Right - run.Left + boldShift, textHeight = bottom - top;

        Span<double> margins = stackalloc double[4];
        foreach (ref double margin in margins)
            margin = random.In(_options.Margin) * size;
        if (random.Chance(_options.SlackProbability))
        {
            double slack = random.In(_options.Slack) * textWidth;
            Alignment alignment = _options.Alignment == Alignment.Any
                ? (Alignment)random.Integer(1, 3)
                : _options.Alignment;
            double before = alignment switch
            {
                Alignment.Left => 0,
                Alignment.Centre => 0.5,
                _ => 1,
            };
            margins[0] += slack * before;
            margins[2] += slack * (1 - before);
        }

        // The neighbour's lowest or highest rows stand at the picture's edge, in room that is made for them.
        bool isAbove = random.Chance(0.5);
        int part = other is null ? 0 : Math.Max(1, (int)(random.In(new Interval(0.04, 0.16)) * size));
        double gap = part + Math.Max(1, 0.06 * size);
        if (other is not null)
            margins[isAbove ? 1 : 3] = Math.Max(margins[isAbove ? 1 : 3], gap);

        Bend bend = Bend.Draw(ref random, _options, size);
        (int left, int above, int right, int below) = (
            (int)Math.Round(margins[0]), (int)Math.Round(margins[1]),
            (int)Math.Round(margins[2]), (int)Math.Round(margins[3]));
        if (bend.IsNone)
        {
            var plane = new Plane(left + textWidth + right, above + textHeight + below);
            Paint(run, plane, left - run.Left, above - top, boldShift);
            other?.Paint(
                plane.Samples, plane.Width, left - other.Left,
                isAbove ? part - other.Bottom : plane.Height - part - other.Top);
            return plane;
        }

        // One pixel of nothing around the text lets the interpolation fade its edge.
        var flat = new Plane(textWidth + 2, textHeight + 2);
        Paint(run, flat, 1 - run.Left, 1 - top, boldShift);
        return bend.Apply(flat, left, above, right, below);
    }

    /// <summary>Takes ink away: in specks, in stripes along the line, or all but a raster of dots.</summary>
    internal static void Wear(ref RandomStream random, Plane ink, double size)
    {
        int kind = random.Below(3);
        float loss = (float)random.In(new Interval(0.2, kind == 2 ? 0.6 : 0.9));
        double share = random.In(new Interval(0.04, 0.22));
        // A raster needs some eight dots to a capital to be readable, stripes may be finer.
        double period = size * random.In(kind == 1 ? new Interval(0.16, 0.6) : new Interval(0.075, 0.09));
        double phase = random.Unit() * period;
        for (int y = 0; y < ink.Height; y++)
        {
            double stripe = 0.5 + 0.5 * Math.Cos(2 * Math.PI * (y + phase) / period);
            for (int x = 0; x < ink.Width; x++)
            {
                float lost = kind switch
                {
                    0 => random.Chance(share) ? loss : 0,
                    1 => stripe > 0.85 ? loss : 0,
                    _ => loss * (float)(1 - (1 - stripe) * (0.5 - 0.5 * Math.Cos(2 * Math.PI * (x + phase) / period))),
                };
                ink.Samples[y * ink.Width + x] *= 1 - lost;
            }
        }
    }

    private static void Paint(GlyphRun run, Plane plane, int x, int y, int boldShift)
    {
        run.Paint(plane.Samples, plane.Width, x, y);
        if (boldShift > 0)
            run.Paint(plane.Samples, plane.Width, x + boldShift, y);
    }

    private Picture Colour(ref RandomStream random, Plane ink, bool print)
    {
        Background background = Background.Draw(
            ref random, _options, _pictures, ink.Width, ink.Height, print);
        var picture = new Picture(ink.Width, ink.Height, 3);
        background.Compose(ink, picture);
        return picture;
    }

    private static void AddGrain(ref RandomStream random, Picture picture, double sigma)
    {
        // Grain of scanners and cameras is mostly in brightness: one number a pixel, not one a channel.
        Span<byte> samples = picture.Samples;
        float deviation = (float)sigma;
        for (int i = 0; i < samples.Length; i += 3)
        {
            float grain = random.Normal() * deviation;
            samples[i] = Shade(samples[i] + grain);
            samples[i + 1] = Shade(samples[i + 1] + grain);
            samples[i + 2] = Shade(samples[i + 2] + grain);
        }
    }

    internal static byte Shade(float value) => (byte)Math.Clamp(value + 0.5f, 0f, 255f);
}
