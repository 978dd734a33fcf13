using Tfic.Imaging;

namespace Tfic.Synthesis;

/// <summary>A text set in one line: its glyphs, where they stand, and what they cover.</summary>
internal sealed class GlyphRun
{
    private readonly List<(Glyph Glyph, int X)> _placed = [];

    private GlyphRun()
    {
    }

    /// <summary>Where the pen comes to stand after the last glyph, in pixels.</summary>
    public double Advance { get; private set; }

    /// <summary>
    /// First column with ink, relative to the starting point of the pen. A run without ink counts as a rectangle.
    /// </summary>
    public int Left { get; private set; } = int.MaxValue;

    /// <summary>First row with ink, relative to the baseline.</summary>
    public int Top { get; private set; } = int.MaxValue;

    /// <summary>First column after the ink.</summary>
    public int Right { get; private set; } = int.MinValue;

    /// <summary>First row after the ink.</summary>
    public int Bottom { get; private set; } = int.MinValue;

    private bool IsBlank => Left >= Right;

    /// <summary>Sets a text in a face at the size it has.</summary>
    /// <param name="face">The face.</param>
    /// <param name="text">Characters that the face has.</param>
    /// <param name="hinted">See <see cref="Face.Render"/>.</param>
    /// <param name="characterSpacing">Added after every character, in pixels.</param>
    /// <param name="wordSpacing">Factor of the space's width.</param>
    public static GlyphRun Set(
        Face face, string text, bool hinted, double characterSpacing = 0, double wordSpacing = 1)
    {
        var run = new GlyphRun();
        double pen = 0;
        uint previous = 0;
        foreach (char c in text)
        {
            uint index = face.GlyphIndex(c);
            if (c == ' ')
            {
                pen += SpaceWidth(face) * wordSpacing + characterSpacing;
                previous = 0;
                continue;
            }

            if (previous != 0)
                pen += face.Kerning(previous, index);
            double whole = Math.Floor(pen);
            Glyph glyph = hinted ? face.Render(index, 0, true) : face.Render(index, pen - whole, false);
            run.Place(glyph, hinted ? (int)Math.Round(pen) : (int)whole);
            pen += glyph.Advance + characterSpacing;
            previous = index;
        }

        run.Advance = pen - (text.Length > 0 ? characterSpacing : 0);
        if (run.IsBlank)
            (run.Left, run.Top, run.Right, run.Bottom) = (0, -1, Math.Max(1, (int)run.Advance), 0);
        return run;
    }

    /// <summary>Width of the space in pixels; a quarter of an em where a font has none or one of no width.</summary>
    public static double SpaceWidth(Face face)
    {
        uint index = face.GlyphIndex(' ');
        double width = index == 0 ? 0 : face.Render(index, 0, hinted: false).Advance;
        return width > 0 ? width : face.Size / 4;
    }

    /// <summary>Adds the glyphs' coverage to a plane, at most 1 a pixel; what falls outside is left out.</summary>
    /// <param name="plane">Rows of width samples.</param>
    /// <param name="width">Samples a row.</param>
    /// <param name="x">Column of the starting point of the pen.</param>
    /// <param name="y">Row of the baseline.</param>
    public void Paint(Span<float> plane, int width, int x, int y)
    {
        int height = plane.Length / width;
        foreach ((Glyph glyph, int gx) in _placed)
        {
            int left = x + gx + glyph.Left, top = y + glyph.Top;
            int from = Math.Max(0, -left), to = Math.Min(glyph.Width, width - left);
            if (to <= from)
                continue;
            for (int row = Math.Max(0, -top); row < glyph.Height && top + row < height; row++)
            {
                ReadOnlySpan<byte> source = glyph.Coverage.AsSpan(row * glyph.Width + from, to - from);
                Span<float> target = plane.Slice((top + row) * width + left + from, to - from);
                for (int i = 0; i < source.Length; i++)
                    target[i] = Math.Min(1f, target[i] + source[i] * (1f / 255f));
            }
        }
    }

    /// <summary>The run as a word where it is painted: the box of its ink and those of its characters.</summary>
    /// <param name="text">What was set.</param>
    /// <param name="x">Column of the starting point of the pen.</param>
    /// <param name="y">Row of the baseline.</param>
    public PageWord Word(string text, int x, int y) => new(text, new Box(Left, Top, Right, Bottom).Offset(x, y))
    {
        Characters =
        [
            .. _placed.Select(p => new Box(
                p.X + p.Glyph.Left, p.Glyph.Top, p.X + p.Glyph.Left + p.Glyph.Width, p.Glyph.Top + p.Glyph.Height)
                .Offset(x, y)),
        ],
    };

    private void Place(Glyph glyph, int x)
    {
        if (glyph.Width == 0)
            return;
        _placed.Add((glyph, x));
        Left = Math.Min(Left, x + glyph.Left);
        Right = Math.Max(Right, x + glyph.Left + glyph.Width);
        Top = Math.Min(Top, glyph.Top);
        Bottom = Math.Max(Bottom, glyph.Top + glyph.Height);
    }
}
