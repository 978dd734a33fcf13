using Tfic.Imaging;

namespace Tfic.Benchmarks;

/// <summary>Pictures that are drawn the same every time: what a printed page and what a photograph ask of a coder.</summary>
internal static class BenchmarkPictures
{
    private const int GlyphWidth = 16, GlyphHeight = 24;

    /// <summary>The picture of a name.</summary>
    /// <param name="name">page or photo.</param>
    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    /// <param name="channels">1 or 3.</param>
    /// <exception cref="ArgumentException">There is no such picture.</exception>
    public static Picture Draw(string name, int width, int height, int channels) => name switch
    {
        "page" => Page(width, height, channels),
        "photo" => Photo(width, height, channels),
        _ => throw new ArgumentException($"There is no picture '{name}': page or photo.", nameof(name)),
    };

    /// <summary>Lines of words of glyphs with grey edges on clean white; one line in nine is a coloured heading.</summary>
    private static Picture Page(int width, int height, int channels)
    {
        var picture = new Picture(width, height, channels);
        picture.Samples.AsSpan().Fill(255);
        var random = new Random(1);
        float[][] glyphs = [.. Enumerable.Range(0, 52).Select(_ => Glyph(random))];
        int margin = width / 12, line = 0;
        for (int top = margin; top + GlyphHeight <= height - margin; top += GlyphHeight * 4 / 3, line++)
        {
            byte[] ink = line % 9 == 0 ? [20, 40, 160] : [10, 10, 10];
            for (int left = margin; left + GlyphWidth <= width - margin; left += GlyphWidth - 2)
            {
                // One in six is the space between words.
                if (random.Next(6) > 0)
                    Print(picture, glyphs[random.Next(glyphs.Length)], left, top, ink);
            }
        }

        return picture;
    }

    /// <summary>How much of each pixel a few strokes cover, sampled 4 × 4 times a pixel.</summary>
    private static float[] Glyph(Random random)
    {
        var covered = new float[GlyphWidth * GlyphHeight];
        (float X, float Y)[] knots =
            [.. Enumerable.Range(0, 5).Select(_ => (2 + 9 * random.NextSingle(), 4 + 14 * random.NextSingle()))];
        for (int i = 0; i < covered.Length * 16; i++)
        {
            float x = i % (GlyphWidth * 4) / 4f, y = i / (GlyphWidth * 4) / 4f;
            for (int k = 1; k < knots.Length; k++)
            {
                // Distance from the stroke between two knots.
                float dx = knots[k].X - knots[k - 1].X, dy = knots[k].Y - knots[k - 1].Y;
                float along = ((x - knots[k - 1].X) * dx + (y - knots[k - 1].Y) * dy) / (dx * dx + dy * dy);
                along = Math.Clamp(along, 0, 1);
                float far = MathF.Sqrt(
                    MathF.Pow(x - knots[k - 1].X - along * dx, 2) + MathF.Pow(y - knots[k - 1].Y - along * dy, 2));
                if (far < 1.1f)
                {
                    covered[(int)y * GlyphWidth + (int)x] += 1 / 16f;
                    break;
                }
            }
        }

        return covered;
    }

    private static void Print(Picture picture, float[] glyph, int left, int top, byte[] ink)
    {
        for (int y = 0; y < GlyphHeight; y++)
        {
            Span<byte> row = picture.Row(top + y);
            for (int x = 0; x < GlyphWidth; x++)
            {
                for (int c = 0; c < picture.Channels; c++)
                {
                    ref byte sample = ref row[(left + x) * picture.Channels + c];
                    sample = (byte)(sample - (sample - ink[c]) * glyph[y * GlyphWidth + x]);
                }
            }
        }
    }

    /// <summary>Octaves of noise whose amplitudes fall with the frequency, discs with sharp edges, a sensor's grain.</summary>
    private static Picture Photo(int width, int height, int channels)
    {
        var picture = new Picture(width, height, channels);
        var random = new Random(2);
        float[] sum = new float[width * height * channels];
        for (int octave = 0; octave < 9; octave++)
            AddNoise(sum, width, height, channels, 512 >> octave, 80f / MathF.Pow(1.6f, octave), random);
        for (int disc = 0; disc < 60; disc++)
        {
            int radius = random.Next(10, width / 12), cx = random.Next(width), cy = random.Next(height);
            float[] shift = [.. Enumerable.Range(0, channels).Select(_ => random.Next(-70, 71))];
            for (int y = Math.Max(0, cy - radius); y < Math.Min(height, cy + radius); y++)
            {
                for (int x = Math.Max(0, cx - radius); x < Math.Min(width, cx + radius); x++)
                {
                    for (int c = 0; c < channels && Square(x - cx) + Square(y - cy) < Square(radius); c++)
                        sum[(y * width + x) * channels + c] += shift[c];
                }
            }
        }

        for (int i = 0; i < sum.Length; i++)
        {
            // Four evenly distributed numbers make a bell of deviation 2.
            float grain = 3.5f * (random.NextSingle() + random.NextSingle() + random.NextSingle() + random.NextSingle() - 2);
            picture.Samples[i] = (byte)Math.Clamp(128 + sum[i] + grain, 0, 255);
        }

        return picture;

        static int Square(int value) => value * value;
    }

    /// <summary>Random values on a grid, in between interpolated; each colour has two thirds in common with grey.</summary>
    private static void AddNoise(
        float[] sum, int width, int height, int channels, int spacing, float amplitude, Random random)
    {
        int across = width / spacing + 2, down = height / spacing + 2;
        float[] grid = new float[across * down * channels];
        for (int i = 0; i < grid.Length; i += channels)
        {
            float grey = 2 * random.NextSingle() - 1;
            for (int c = 0; c < channels; c++)
                grid[i + c] = amplitude * (channels == 1 ? grey : 0.67f * grey + 0.33f * (2 * random.NextSingle() - 1));
        }

        for (int y = 0; y < height; y++)
        {
            float fy = (float)(y % spacing) / spacing;
            for (int x = 0; x < width; x++)
            {
                float fx = (float)(x % spacing) / spacing;
                int at = (y / spacing * across + x / spacing) * channels, below = at + across * channels;
                for (int c = 0; c < channels; c++)
                {
                    float upper = grid[at + c] + (grid[at + channels + c] - grid[at + c]) * fx;
                    float lower = grid[below + c] + (grid[below + channels + c] - grid[below + c]) * fx;
                    sum[(y * width + x) * channels + c] += upper + (lower - upper) * fy;
                }
            }
        }
    }
}
