using System.Numerics;
using Tfic.Reading;

namespace Tfic.Tests.Reading;

public sealed class WordRegionsTests
{
    private const int Width = 120, Height = 80;

    [Fact]
    public void Two_words_apart_are_two_upright_boxes()
    {
        (float[] region, float[] affinity) = Maps();
        Rectangle(region, 10, 10, 40, 18);
        Rectangle(region, 60, 50, 100, 60);
        IReadOnlyList<WordRegion> words = WordRegions.Find(region, affinity, Width, Height);
        Assert.Equal(2, words.Count);

        // 31 × 9 pixels fill their box, so they grow by a square of 1 + ⌊2·√9⌋ = 7: three on each side.
        Assert.Equal([new(7, 7), new(43, 7), new(43, 21), new(7, 21)], Rounded(words[0].Box));
        Assert.Equal(1, words[0].Score);
        Assert.Null(words[0].Polygon);
    }

    [Fact]
    public void A_link_joins_characters_and_does_not_widen_the_box()
    {
        (float[] region, float[] affinity) = Maps();
        Rectangle(region, 10, 20, 20, 28);
        Rectangle(region, 30, 20, 40, 28);
        Assert.Equal(2, WordRegions.Find(region, affinity, Width, Height).Count);
        Rectangle(affinity, 15, 10, 35, 28);
        WordRegion word = Assert.Single(WordRegions.Find(region, affinity, Width, Height));
        Assert.True(word.Box.Min(p => p.Y) >= 14, "the link above the characters is part of the box");
        Assert.InRange(word.Box.Max(p => p.X), 40, 46);
    }

    [Fact]
    public void Small_faint_and_empty_regions_are_no_words()
    {
        (float[] region, float[] affinity) = Maps();
        Assert.Empty(WordRegions.Find(region, affinity, Width, Height));
        Rectangle(region, 5, 5, 7, 7);
        Rectangle(region, 30, 30, 60, 40, 0.6f);
        Rectangle(affinity, 80, 10, 100, 20);
        Assert.Empty(WordRegions.Find(region, affinity, Width, Height));
        Assert.Single(WordRegions.Find(
            region, affinity, Width, Height, new WordThresholds(Character: 0.5f)));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(-35)]
    public void A_slanted_word_has_a_slanted_box(int degrees)
    {
        (float[] region, float[] affinity) = Maps();
        (double sin, double cos) = Math.SinCos(degrees * Math.PI / 180);
        for (int y = 0; y < Height; y++)
        {
            for (int x = 0; x < Width; x++)
            {
                double u = (x - 60) * cos + (y - 40) * sin, v = (y - 40) * cos - (x - 60) * sin;
                if (Math.Abs(u) <= 30 && Math.Abs(v) <= 5)
                    region[y * Width + x] = 1;
            }
        }

        Vector2[] box = Assert.Single(WordRegions.Find(region, affinity, Width, Height)).Box;
        Vector2[] sides = [box[1] - box[0], box[2] - box[1]];
        Vector2 along = sides.MaxBy(s => s.LengthSquared());
        double angle = Math.Atan2(along.Y, along.X) * 180 / Math.PI;
        Assert.InRange(((angle - degrees + 270) % 180) - 90, -3, 3);
        Assert.InRange(along.Length(), 60, 72);

        // Clockwise on a screen.
        double area = 0;
        for (int i = 0; i < 4; i++)
            area += box[i].X * box[(i + 1) % 4].Y - box[(i + 1) % 4].X * box[i].Y;
        Assert.True(area > 0);
    }

    [Fact]
    public void The_box_is_the_smallest()
    {
        // Against a search over angles.
        var random = new Random(5);
        for (int round = 0; round < 20; round++)
        {
            List<Vector2> points =
            [
                .. Enumerable.Range(0, 40)
                    .Select(_ => new Vector2(random.Next(60), random.Next(12) + random.Next(6)))
                    .OrderBy(p => p.Y).ThenBy(p => p.X),
            ];
            Vector2[] box = WordRegions.SmallestBox(points);
            double area = (double)Vector2.Distance(box[0], box[1]) * Vector2.Distance(box[1], box[2]);
            double least = double.PositiveInfinity;
            for (int step = 0; step < 1800; step++)
            {
                (float sin, float cos) = MathF.SinCos(step * MathF.PI / 3600);
                float Extent(Func<Vector2, float> along) => points.Max(along) - points.Min(along);
                least = Math.Min(least, (double)Extent(p => p.X * cos + p.Y * sin) * Extent(p => p.Y * cos - p.X * sin));
            }

            Assert.InRange(area, least * 0.98, least * 1.001);
        }
    }

    [Fact]
    public void A_bent_word_has_a_polygon_that_follows_it()
    {
        (float[] region, float[] affinity) = Maps();
        for (int x = 10; x <= 110; x++)
        {
            double middle = 25 + 30 * Math.Pow((x - 60) / 50.0, 2);
            for (int y = (int)middle - 5; y <= (int)middle + 5; y++)
                region[y * Width + x] = 1;
        }

        WordRegion word = Assert.Single(WordRegions.Find(region, affinity, Width, Height, polygons: true));
        Assert.NotNull(word.Polygon);
        Assert.Equal(14, word.Polygon.Length);
        for (int i = 1; i < 6; i++)
        {
            Vector2 middle = (word.Polygon[i] + word.Polygon[13 - i]) / 2;
            double expected = 25 + 30 * Math.Pow((middle.X - 60) / 50.0, 2);
            Assert.InRange(middle.Y, expected - 4, expected + 4);
            Assert.InRange(Vector2.Distance(word.Polygon[i], word.Polygon[13 - i]), 11, 30);
        }

        // A straight one is described by its box.
        (region, affinity) = Maps();
        Rectangle(region, 10, 30, 100, 40);
        Assert.Null(Assert.Single(WordRegions.Find(region, affinity, Width, Height, polygons: true)).Polygon);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 40)]
    [InlineData(40, 1)]
    [InlineData(13, 13)]
    public void Maps_full_to_their_edges_are_one_word(int width, int height)
    {
        var full = new float[width * height];
        Array.Fill(full, 1f);
        IReadOnlyList<WordRegion> words = WordRegions.Find(full, full, width, height, polygons: true);
        Assert.Equal(width * height >= 10 ? 1 : 0, words.Count);
        foreach (Vector2 corner in words.SelectMany(w => w.Box))
        {
            Assert.InRange(corner.X, 0, width - 1);
            Assert.InRange(corner.Y, 0, height - 1);
        }
    }

    [Fact]
    public void Not_a_number_and_wrong_sizes_are_borne()
    {
        (float[] region, float[] affinity) = Maps();
        Array.Fill(region, float.NaN);
        Assert.Empty(WordRegions.Find(region, affinity, Width, Height));
        Assert.Throws<ArgumentException>(() => WordRegions.Find(region, affinity, Width, Height - 1));
    }

    private static (float[] Region, float[] Affinity) Maps() => (new float[Width * Height], new float[Width * Height]);

    private static void Rectangle(float[] map, int left, int top, int right, int bottom, float value = 1)
    {
        for (int y = top; y <= bottom; y++)
            map.AsSpan(y * Width + left, right - left + 1).Fill(value);
    }

    private static Vector2[] Rounded(Vector2[] box) => Array.ConvertAll(box, p => Vector2.Round(p));
}
