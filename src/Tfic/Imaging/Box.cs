namespace Tfic.Imaging;

/// <summary>A rectangle of pixels; right and bottom are the first column and row outside.</summary>
public readonly record struct Box(int Left, int Top, int Right, int Bottom)
{
    /// <summary>Columns.</summary>
    public int Width => Right - Left;

    /// <summary>Rows.</summary>
    public int Height => Bottom - Top;

    /// <summary>Pixels; 0 where it has no columns or no rows.</summary>
    public long Area => (long)Math.Max(0, Width) * Math.Max(0, Height);

    /// <summary>Whether another box lies wholly inside this one.</summary>
    public bool Contains(Box other) =>
        other.Left >= Left && other.Top >= Top && other.Right <= Right && other.Bottom <= Bottom;

    /// <summary>Whether the two have a pixel in common.</summary>
    public bool Overlaps(Box other) =>
        other.Left < Right && Left < other.Right && other.Top < Bottom && Top < other.Bottom;

    /// <summary>The smallest box that holds both.</summary>
    public Box Union(Box other) => new(
        Math.Min(Left, other.Left), Math.Min(Top, other.Top), Math.Max(Right, other.Right),
        Math.Max(Bottom, other.Bottom));

    /// <summary>What both have in common; of area 0 where that is nothing.</summary>
    public Box Intersect(Box other) => new(
        Math.Max(Left, other.Left), Math.Max(Top, other.Top), Math.Min(Right, other.Right),
        Math.Min(Bottom, other.Bottom));

    /// <summary>Intersection over union, 0…1 (the Jaccard index): how well two boxes agree.</summary>
    public double Overlap(Box other)
    {
        long common = Intersect(other).Area;
        return common == 0 ? 0 : (double)common / (Area + other.Area - common);
    }

    /// <summary>The same box elsewhere.</summary>
    public Box Offset(int x, int y) => new(Left + x, Top + y, Right + x, Bottom + y);

    /// <summary>The box by so much larger on each side.</summary>
    public Box Enlarge(int x, int y) => new(Left - x, Top - y, Right + x, Bottom + y);

    /// <summary>Where it comes to lie when a picture is resized; rounded outwards.</summary>
    public Box Scale(double across, double down) => new(
        (int)Math.Floor(Left * across), (int)Math.Floor(Top * down),
        (int)Math.Ceiling(Right * across), (int)Math.Ceiling(Bottom * down));
}
