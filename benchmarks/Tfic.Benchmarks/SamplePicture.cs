using Tfic.Imaging;

namespace Tfic.Benchmarks;

/// <summary>Pictures that stand for lines of text.</summary>
internal static class SamplePicture
{
    /// <summary>Width of the paper's lines.</summary>
    public const int Width = 512;

    /// <summary>Height of the paper's lines.</summary>
    public const int Height = 256;

    /// <summary>Lines of strokes on white: what matters to a coder is how much there is to code.</summary>
    public static Picture Strokes()
    {
        var picture = new Picture(Width, Height, 3);
        picture.Samples.AsSpan().Fill(240);
        var random = new Random(1);
        for (int stroke = 0; stroke < 150; stroke++)
        {
            int left = random.Next(Width - 8), top = 64 * random.Next(1, 3) + random.Next(40), high = random.Next(4, 30);
            for (int y = top; y < top + high; y++)
                picture.Row(y).Slice(3 * left, 18).Fill(20);
        }

        return picture;
    }
}
