using System.Collections.Immutable;
using Tfic.Imaging;
using Tfic.Synthesis;

namespace Tfic.Training.Data;

/// <summary>
/// What a detector should answer to a page: score maps of half its size, with a Gaussian on each character and on each
/// link between neighbouring characters of a word (Baek et al. 2019, Section 3.2.1).
/// </summary>
/// <remarks>
/// A character's Gaussian fills the cell between the middles of the gaps to its neighbours, as high as its word's ink, so
/// that the words' boxes follow from the scores; at the cell's edge it has fallen to exp(−1.5²/2) = 0.32. A link's
/// reaches from one cell's middle to the next and has half the height.
/// </remarks>
internal static class DetectorTargets
{
    private const int Stride = 2;

    // Standard deviations from a Gaussian's middle to its cell's edge.
    private const float Edge = 1.5f;

    // Fewest pixels of a map that a standard deviation has: a narrower Gaussian could fall between them.
    private const float LeastDeviation = 0.6f;

    /// <summary>Draws the maps of a page whose sides are even.</summary>
    /// <param name="page">The page; its words may reach outside.</param>
    /// <param name="region">Receives height/2 × width/2 scores of characters.</param>
    /// <param name="affinity">As many of links.</param>
    public static void Draw(Page page, Span<float> region, Span<float> affinity)
    {
        int width = page.Picture.Width / Stride, height = page.Picture.Height / Stride;
        region.Clear();
        affinity.Clear();
        foreach (PageWord word in page.Lines.SelectMany(line => line.Words))
        {
            ImmutableArray<Box> characters = word.Characters;
            float middle = (word.Box.Top + word.Box.Bottom) * 0.5f, half = word.Box.Height * 0.5f;
            float before = 0;
            for (int i = 0; i < characters.Length; i++)
            {
                float left = i == 0 ? characters[i].Left : (characters[i - 1].Right + characters[i].Left) * 0.5f;
                float right = i == characters.Length - 1
                    ? characters[i].Right
                    : (characters[i].Right + characters[i + 1].Left) * 0.5f;
                float centre = (left + right) * 0.5f;
                Gaussian(region, width, height, centre, middle, Math.Abs(right - left) * 0.5f, half);
                if (i > 0)
                {
                    Gaussian(
                        affinity, width, height, (before + centre) * 0.5f, middle, Math.Abs(centre - before) * 0.5f,
                        half * 0.5f);
                }

                before = centre;
            }
        }
    }

    /// <summary>Raises a map to a Gaussian given by its middle and the distances to its edges, in pixels of the page.</summary>
    private static void Gaussian(
        Span<float> map, int width, int height, float x, float y, float halfWidth, float halfHeight)
    {
        // Pixel i of the map stands for pixels 2i and 2i + 1 of the page: its middle lies at 2i + 1 there.
        float cx = x / Stride - 0.5f, cy = y / Stride - 0.5f;
        float sx = Math.Max(LeastDeviation, halfWidth / Stride / Edge);
        float sy = Math.Max(LeastDeviation, halfHeight / Stride / Edge);
        int left = Math.Max(0, (int)(cx - 3 * sx)), right = Math.Min(width - 1, (int)(cx + 3 * sx) + 1);
        int top = Math.Max(0, (int)(cy - 3 * sy)), bottom = Math.Min(height - 1, (int)(cy + 3 * sy) + 1);
        for (int row = top; row <= bottom; row++)
        {
            float dy = (row - cy) / sy;
            for (int column = left; column <= right; column++)
            {
                float dx = (column - cx) / sx;
                ref float value = ref map[row * width + column];
                value = Math.Max(value, MathF.Exp(-0.5f * (dx * dx + dy * dy)));
            }
        }
    }
}
