using System.Collections.Immutable;
using Tfic.Imaging;

namespace Tfic.Synthesis;

/// <summary>A word on a page, with the box of its ink.</summary>
public sealed record PageWord(string Text, Box Box)
{
    /// <summary>The boxes of its characters' ink, from left to right; a blank character has none.</summary>
    public ImmutableArray<Box> Characters { get; init; } = [];

    /// <summary>The same word elsewhere.</summary>
    public PageWord Offset(int x, int y) =>
        this with { Box = Box.Offset(x, y), Characters = [.. Characters.Select(c => c.Offset(x, y))] };

    internal PageWord Scale(double across, double down) => this with
    {
        Box = Box.Scale(across, down),
        Characters = [.. Characters.Select(c => c.Scale(across, down))],
    };
}

/// <summary>A line on a page: its words from left to right, their text with single spaces, its ink's box.</summary>
public sealed record PageLine(string Text, Box Box, ImmutableArray<PageWord> Words)
{
    internal PageLine Scale(double across, double down) =>
        new(Text, Box.Scale(across, down), [.. Words.Select(word => word.Scale(across, down))]);
}

/// <summary>A part of a page.</summary>
/// <param name="Picture">Its pixels, grey.</param>
/// <param name="Place">Where it stands on the page.</param>
/// <param name="Words">The words wholly inside, in reading order, with boxes relative to the patch.</param>
public sealed record PagePatch(Picture Picture, Box Place, ImmutableArray<PageWord> Words);

/// <summary>A page of text.</summary>
/// <param name="Picture">Grey, one channel, black on white.</param>
/// <param name="Lines">From top to bottom.</param>
/// <param name="LineDistance">Pixels from one baseline to the next.</param>
/// <param name="Font">Family and style of the font.</param>
public sealed record Page(Picture Picture, ImmutableArray<PageLine> Lines, double LineDistance, string Font)
{
    /// <summary>The page made smaller, so that its baselines are a given distance apart.</summary>
    /// <param name="lineDistance">Pixels, above 0; 12 is about the least at which print can still be read.</param>
    /// <returns>A new page; its boxes are rounded outwards, so those of neighbours can touch.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The distance is not above 0, or larger than it is now.</exception>
    public Page Downscale(double lineDistance = 12)
    {
        if (!(lineDistance > 0 && lineDistance <= LineDistance))
        {
            throw new ArgumentOutOfRangeException(
                nameof(lineDistance), lineDistance, $"Lines are {LineDistance} pixels apart: give less, above 0.");
        }

        double scale = lineDistance / LineDistance;
        int width = Math.Max(1, (int)Math.Round(Picture.Width * scale));
        int height = Math.Max(1, (int)Math.Round(Picture.Height * scale));
        // Both factors differ a little from scale, as sizes are whole: boxes follow the pixels.
        double across = (double)width / Picture.Width, down = (double)height / Picture.Height;
        return new Page(
            Resampling.Resize(Picture, width, height),
            [.. Lines.Select(line => line.Scale(across, down))],
            LineDistance * down,
            Font);
    }

    /// <summary>Cuts the page into patches side by side, which do not overlap; what is left over is dropped.</summary>
    /// <param name="height">Rows of a patch, at least 1.</param>
    /// <param name="width">Columns of a patch, at least 1.</param>
    /// <returns>Patches from left to right and top to bottom; none if the page is smaller than one.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1.</exception>
    public ImmutableArray<PagePatch> Cut(int height = 64, int width = 256)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        PageWord[] words = [.. Lines.SelectMany(line => line.Words)];
        var patches = ImmutableArray.CreateBuilder<PagePatch>();
        for (int top = 0; top + height <= Picture.Height; top += height)
        {
            for (int left = 0; left + width <= Picture.Width; left += width)
            {
                var place = new Box(left, top, left + width, top + height);
                IEnumerable<PageWord> inside = words.Where(w => place.Contains(w.Box));
                patches.Add(new PagePatch(
                    Picture.Crop(place), place, [.. inside.Select(w => w.Offset(-left, -top))]));
            }
        }

        return patches.ToImmutable();
    }
}
