using System.Numerics;

namespace Tfic.Reading;

/// <summary>Thresholds by which score maps become words; the defaults are the published ones of CRAFT.</summary>
/// <param name="Character">A word has a region score of at least this somewhere.</param>
/// <param name="Link">Affinity above this joins characters.</param>
/// <param name="Extent">Region score above this belongs to a character.</param>
public sealed record WordThresholds(float Character = 0.7f, float Link = 0.4f, float Extent = 0.4f)
{
    /// <summary>Fewest pixels of the maps that a word takes.</summary>
    public int MinPixels { get; init; } = 10;

    /// <summary>
    /// How far a word grows beyond the pixels above <see cref="Extent"/>, as a multiple of the root of the share of its
    /// bounding box that they cover, times the box's shorter side; 0 for a detector whose scores reach to the edges.
    /// </summary>
    public float Growth { get; init; } = 2;
}

/// <summary>A word found in score maps, in their coordinates.</summary>
/// <param name="Box">
/// The four corners of the smallest rectangle around it, at any angle; clockwise from the one nearest the upper left.
/// </param>
/// <param name="Polygon">
/// For a bent word, points along its upper edge from left to right and back along the lower one; null where the box
/// describes it as well.
/// </param>
/// <param name="Score">The best region score in it.</param>
public sealed record WordRegion(Vector2[] Box, Vector2[]? Polygon, float Score);

/// <summary>
/// From the score maps of a character-region detector to words (Baek et al. 2019, "Character region awareness for text
/// detection", Section 3.3).
/// </summary>
/// <remarks>
/// Pixels of characters and of the links between them form connected groups (of four neighbours). Of each the pixels that
/// are link only are taken away, the rest is grown, because scores fall off towards a character's edge, and the smallest
/// rectangle around it is the word's box. A polygon follows the middles of the highest columns of its segments.
/// </remarks>
public static class WordRegions
{
    // Segments of a polygon that carry a pivot, between as many and one more that do not.
    private const int Pivots = 5;

    /// <summary>Finds the words.</summary>
    /// <param name="region">Region scores, row by row.</param>
    /// <param name="affinity">Affinity scores.</param>
    /// <param name="width">Columns of both.</param>
    /// <param name="height">Rows.</param>
    /// <param name="thresholds">The thresholds; null for the published ones.</param>
    /// <param name="polygons">Whether polygons are looked for.</param>
    /// <returns>Words in the order of their first pixel, row by row.</returns>
    /// <exception cref="ArgumentException">The maps are not width · height long.</exception>
    public static IReadOnlyList<WordRegion> Find(
        ReadOnlySpan<float> region,
        ReadOnlySpan<float> affinity,
        int width,
        int height,
        WordThresholds? thresholds = null,
        bool polygons = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (region.Length != (long)width * height || affinity.Length != region.Length)
            throw new ArgumentException($"The maps must have {width} × {height} scores.", nameof(region));
        thresholds ??= new WordThresholds();

        var labels = new int[region.Length];
        var words = new List<WordRegion>();
        var pixels = new List<int>();
        int label = 0;
        for (int start = 0; start < region.Length; start++)
        {
            if (labels[start] != 0 || !IsPart(region, affinity, start, thresholds))
                continue;
            Fill(region, affinity, labels, start, ++label, width, thresholds, pixels);
            float best = float.NegativeInfinity;
            foreach (int pixel in pixels)
                best = Math.Max(best, region[pixel]);
            if (pixels.Count < thresholds.MinPixels || best < thresholds.Character)
                continue;
            List<Vector2> grown = Grow(region, affinity, pixels, width, height, thresholds);
            if (grown.Count == 0)
                continue;
            Vector2[] box = SmallestBox(grown);
            words.Add(new WordRegion(box, polygons ? Polygon(box, labels, label, width, height) : null, best));
        }

        return words;
    }

    private static bool IsPart(
        ReadOnlySpan<float> region, ReadOnlySpan<float> affinity, int at, WordThresholds thresholds) =>
        region[at] > thresholds.Extent || affinity[at] > thresholds.Link;

    private static void Fill(
        ReadOnlySpan<float> region,
        ReadOnlySpan<float> affinity,
        int[] labels,
        int start,
        int label,
        int width,
        WordThresholds thresholds,
        List<int> pixels)
    {
        pixels.Clear();
        pixels.Add(start);
        labels[start] = label;

        // The list is the queue: what is behind the counter has been looked at.
        for (int i = 0; i < pixels.Count; i++)
        {
            int at = pixels[i], column = at % width;
            Span<int> neighbours =
            [
                at - width,
                at + width,
                column > 0 ? at - 1 : -1,
                column < width - 1 ? at + 1 : -1,
            ];
            foreach (int next in neighbours)
            {
                if (next < 0 || next >= labels.Length || labels[next] != 0
                    || !IsPart(region, affinity, next, thresholds))
                {
                    continue;
                }

                labels[next] = label;
                pixels.Add(next);
            }
        }
    }

    /// <summary>The pixels that are not link only, grown by a square; each pixel once.</summary>
    private static List<Vector2> Grow(
        ReadOnlySpan<float> region,
        ReadOnlySpan<float> affinity,
        List<int> pixels,
        int width,
        int height,
        WordThresholds thresholds)
    {
        int left = width, right = -1, top = height, bottom = -1;
        foreach (int pixel in pixels)
        {
            (int y, int x) = Math.DivRem(pixel, width);
            (left, right) = (Math.Min(left, x), Math.Max(right, x));
            (top, bottom) = (Math.Min(top, y), Math.Max(bottom, y));
        }

        // What part of its bounding box the group covers, times the box's shorter side, says how far.
        (int columns, int rows) = (right - left + 1, bottom - top + 1);
        int reach = (int)(Math.Sqrt((double)pixels.Count * Math.Min(columns, rows) / ((double)columns * rows)) * thresholds.Growth);

        // A square of 1 + reach pixels; where that is even, one more to the left and above. It stays in the bounding
        // box widened by reach.
        int size = 1 + reach, before = size / 2, after = size - 1 - before;
        (int x0, int y0) = (Math.Max(0, left - reach), Math.Max(0, top - reach));
        (int x1, int y1) = (Math.Min(width, right + reach + 2), Math.Min(height, bottom + reach + 2));
        int across = x1 - x0;
        var covered = new bool[across * (y1 - y0)];
        foreach (int pixel in pixels)
        {
            if (affinity[pixel] > thresholds.Link && region[pixel] <= thresholds.Extent)
                continue;
            (int y, int x) = Math.DivRem(pixel, width);

            // A pixel is covered by every square whose offsets −before … after reach it.
            for (int v = Math.Max(y0, y - after); v <= Math.Min(y1 - 1, y + before); v++)
            {
                int row = (v - y0) * across;
                covered.AsSpan(
                    row + Math.Max(x0, x - after) - x0,
                    Math.Min(x1 - 1, x + before) - Math.Max(x0, x - after) + 1).Fill(true);
            }
        }

        var grown = new List<Vector2>();
        for (int i = 0; i < covered.Length; i++)
        {
            if (covered[i])
                grown.Add(new Vector2(x0 + i % across, y0 + i / across));
        }

        return grown;
    }

    /// <summary>The rectangle of smallest area around points; upright where a rotated one would be nearly square.</summary>
    internal static Vector2[] SmallestBox(List<Vector2> points)
    {
        List<Vector2> hull = ConvexHull(points);
        Vector2[] best = UprightBox(points);
        double bestArea = double.PositiveInfinity;
        for (int i = 0; i < hull.Count; i++)
        {
            // A smallest rectangle has a side along an edge of the hull (Freeman and Shapira 1975).
            Vector2 edge = hull[(i + 1) % hull.Count] - hull[i];
            float length = edge.Length();
            if (length == 0)
                continue;
            Vector2 u = edge / length, v = new(-u.Y, u.X);
            float minU = float.MaxValue, maxU = float.MinValue, minV = float.MaxValue, maxV = float.MinValue;
            foreach (Vector2 point in hull)
            {
                (float pu, float pv) = (Vector2.Dot(point, u), Vector2.Dot(point, v));
                (minU, maxU) = (Math.Min(minU, pu), Math.Max(maxU, pu));
                (minV, maxV) = (Math.Min(minV, pv), Math.Max(maxV, pv));
            }

            double area = (double)(maxU - minU) * (maxV - minV);
            if (area >= bestArea)
                continue;
            bestArea = area;
            best = [u * minU + v * minV, u * maxU + v * minV, u * maxU + v * maxV, u * minU + v * maxV];
        }

        float w = Vector2.Distance(best[0], best[1]), h = Vector2.Distance(best[1], best[2]);
        if (Math.Abs(1 - Math.Max(w, h) / (Math.Min(w, h) + 1e-5f)) <= 0.1f)
            best = UprightBox(points);

        // Both ways of making corners go clockwise, as rows run downwards; start at the upper left.
        int first = 0;
        for (int i = 1; i < 4; i++)
        {
            if (best[i].X + best[i].Y < best[first].X + best[first].Y)
                first = i;
        }

        return [best[first], best[(first + 1) % 4], best[(first + 2) % 4], best[(first + 3) % 4]];
    }

    private static Vector2[] UprightBox(List<Vector2> points)
    {
        Vector2 low = points[0], high = points[0];
        foreach (Vector2 point in points)
        {
            low = Vector2.Min(low, point);
            high = Vector2.Max(high, point);
        }

        return [low, new(high.X, low.Y), high, new(low.X, high.Y)];
    }

    // Andrew's monotone chain, on points that come row by row: sorted by y, then x.
    private static List<Vector2> ConvexHull(List<Vector2> points)
    {
        var hull = new List<Vector2>();
        for (int pass = 0; pass < 2; pass++)
        {
            int floor = hull.Count;
            for (int i = 0; i < points.Count; i++)
            {
                Vector2 point = points[pass == 0 ? i : points.Count - 1 - i];
                while (hull.Count >= floor + 2 && Cross(hull[^2], hull[^1], point) <= 0)
                    hull.RemoveAt(hull.Count - 1);
                hull.Add(point);
            }

            hull.RemoveAt(hull.Count - 1);
        }

        return hull.Count > 0 ? hull : [points[0]];

        static double Cross(Vector2 a, Vector2 b, Vector2 c) =>
            ((double)b.X - a.X) * ((double)c.Y - a.Y) - ((double)b.Y - a.Y) * ((double)c.X - a.X);
    }

    /// <summary>
    /// Follows a word within its box: looks at its pixels column by column in the box's own axes.
    /// </summary>
    private static Vector2[]? Polygon(Vector2[] box, int[] labels, int label, int width, int height)
    {
        const double ExpandHeight = 1.45, Straight = 0.7;
        int w = (int)(Vector2.Distance(box[0], box[1]) + 1), h = (int)(Vector2.Distance(box[1], box[2]) + 1);
        if (w < 10 || h < 10)
            return null;
        Vector2 across = (box[1] - box[0]) / w, down = (box[3] - box[0]) / h;
        bool Inside(int x, int y)
        {
            if ((uint)x >= (uint)w || (uint)y >= (uint)h)
                return false;
            Vector2 at = box[0] + across * x + down * y;
            (int column, int row) = ((int)MathF.Round(at.X), (int)MathF.Round(at.Y));
            return (uint)column < (uint)width && (uint)row < (uint)height && labels[row * width + column] == label;
        }

        var columns = new List<(int X, double Middle, int Height)>();
        for (int x = 0; x < w; x++)
        {
            int top = 0, bottom = h - 1;
            while (top < h && !Inside(x, top))
                top++;
            while (bottom > top && !Inside(x, bottom))
                bottom--;
            if (bottom > top)
                columns.Add((x, (top + bottom) * 0.5, bottom - top + 1));
        }

        // A word that fills its box's height is straight: the box will do.
        if (columns.Count == 0 || columns.Max(c => c.Height) > h * Straight)
            return null;

        // Eleven segments; in every second one the highest column is a pivot.
        const int Segments = 2 * Pivots + 1;
        double segmentWidth = (double)w / Segments;
        var centres = new (double X, double Y, int Count)[Segments];
        var pivots = new (int X, double Middle, int Height)?[Pivots];
        foreach ((int X, double Middle, int Height) column in columns)
        {
            int segment = Math.Min(Segments - 1, (int)(column.X / segmentWidth));
            (double sumX, double sumY, int count) = centres[segment];
            centres[segment] = (sumX + column.X, sumY + column.Middle, count + 1);
            if (segment % 2 == 1 && column.Height > (pivots[segment / 2]?.Height ?? -1))
                pivots[segment / 2] = column;
        }

        if (pivots.Any(p => p is null) || centres.Any(c => c.Count == 0)
            || segmentWidth < pivots.Max(p => p!.Value.Height) * 0.25)
        {
            return null;
        }

        // Half the height of a character: of the median pivot, with a margin.
        double half = pivots.Select(p => p!.Value.Height).Order().ElementAt(Pivots / 2) * ExpandHeight / 2;
        var edges = new (Vector2 Upper, Vector2 Lower)[Pivots];
        for (int i = 0; i < Pivots; i++)
        {
            (double fromX, double fromY, int fromCount) = centres[2 * i];
            (double toX, double toY, int toCount) = centres[2 * i + 2];
            double angle = -Math.Atan2(toY / toCount - fromY / fromCount, toX / toCount - fromX / fromCount);
            var offset = new Vector2((float)(half * Math.Sin(angle)), (float)(half * Math.Cos(angle)));
            var middle = new Vector2(pivots[i]!.Value.X, (float)pivots[i]!.Value.Middle);
            edges[i] = (middle - offset, middle + offset);
        }

        // Outward from the first and last pivot, along the slopes there, until the word's pixels end.
        var points = pivots.Select(p => new Vector2(p!.Value.X, (float)p.Value.Middle)).ToArray();
        (Vector2 Upper, Vector2 Lower) start = End(edges[0], -Slopes(points[0], points[1], points[2]), -1);
        (Vector2 Upper, Vector2 Lower) end = End(edges[^1], Slopes(points[^1], points[^2], points[^3]), 1);
        (Vector2 Upper, Vector2 Lower)[] all = [start, .. edges, end];
        Vector2 Map(Vector2 p) => box[0] + across * p.X + down * p.Y;
        return [.. all.Select(e => Map(e.Upper)), .. all.Reverse().Select(e => Map(e.Lower))];

        static float Slopes(Vector2 a, Vector2 b, Vector2 c) => (b.Y - a.Y) / (b.X - a.X) + (c.Y - b.Y) / (c.X - b.X);

        (Vector2 Upper, Vector2 Lower) End((Vector2 Upper, Vector2 Lower) edge, float slope, int direction)
        {
            const double First = 0.5, Last = 2.0, Step = 0.2;
            for (double reach = First; ; reach += Step)
            {
                float dx = (float)(2 * half * reach);
                var move = new Vector2(direction * dx, slope * dx);
                (Vector2 upper, Vector2 lower) = (edge.Upper + move, edge.Lower + move);
                if (reach + 2 * Step >= Last || !Crosses(upper, lower))
                    return (upper, lower);
            }
        }

        bool Crosses(Vector2 from, Vector2 to)
        {
            int steps = (int)Math.Max(Math.Abs(to.X - from.X), Math.Abs(to.Y - from.Y)) + 1;
            for (int i = 0; i <= steps; i++)
            {
                Vector2 at = Vector2.Lerp(from, to, (float)i / steps);
                if (Inside((int)at.X, (int)at.Y))
                    return true;
            }

            return false;
        }
    }
}
