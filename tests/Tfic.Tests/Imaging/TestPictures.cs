using Tfic.Imaging;

namespace Tfic.Tests.Imaging;

/// <summary>Small pictures made from a seed.</summary>
internal static class TestPictures
{
    /// <summary>Independent random samples: neighbours differ, so that a transposed or shifted pixel shows.</summary>
    public static Picture Noise(int width, int height, int channels, int seed = 1)
    {
        var picture = new Picture(width, height, channels);
        new Random(seed).NextBytes(picture.Samples);
        return picture;
    }

    /// <summary>Slopes, an edge and a little noise: what a lossy codec should keep.</summary>
    public static Picture Scene(int width, int height, int channels, int seed = 1)
    {
        var random = new Random(seed);
        var picture = new Picture(width, height, channels);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                for (int c = 0; c < channels; c++)
                {
                    double slope = 128 + 100 * Math.Sin(x * 0.11 + c) * Math.Cos(y * 0.07 - c);
                    double value = (x + 2 * y) / 24 % 2 == 0 ? slope : 255 - slope;
                    picture.Samples[(y * width + x) * channels + c] =
                        (byte)Math.Clamp(value + random.Next(-4, 5), 0, 255);
                }
            }
        }

        return picture;
    }

    public static void AssertEqual(Picture expected, Picture actual)
    {
        Assert.Equal(
            (expected.Width, expected.Height, expected.Channels), (actual.Width, actual.Height, actual.Channels));
        Assert.Equal(expected.Samples, actual.Samples);
    }
}
