using Tfic.Imaging;

namespace Tfic.Tests.Imaging;

public class ResamplingTests
{
    private static readonly (int From, int To)[] Ratios =
        [(1, 1), (1, 7), (7, 1), (8, 8), (10, 20), (20, 10), (5, 13), (13, 5), (1000, 3), (3, 1000), (100_000, 1)];

    [Fact]
    public void WeightsSumToOneAndStayInside()
    {
        foreach ((int from, int to) in Ratios)
        {
            Resampling.Taps[] filter = Resampling.Filter(from, to);
            Assert.Equal(to, filter.Length);
            foreach (Resampling.Taps taps in filter)
            {
                Assert.Equal(1.0, taps.Weights.Sum(w => (double)w), 1e-5);
                Assert.All(taps.Weights, w => Assert.InRange(w, 0f, 1f));
                Assert.InRange(taps.First, 0, from - taps.Weights.Length);
            }
        }
    }

    [Fact]
    public void TheSameSizeChangesNothing()
    {
        foreach (int channels in new[] { 1, 3 })
        {
            Picture picture = TestPictures.Noise(37, 11, channels);
            TestPictures.AssertEqual(picture, Resampling.Resize(picture, 37, 11));
        }
    }

    [Fact]
    public void AFlatPictureStaysFlat()
    {
        foreach ((int from, int to) in Ratios[..^1])
        {
            var picture = new Picture(from, 3, 3);
            for (int i = 0; i < picture.Samples.Length; i++)
                picture.Samples[i] = (byte)(i % 3 * 100 + 7);
            Picture resized = Resampling.Resize(picture, to, 5);
            Assert.Equal((to, 5, 3), (resized.Width, resized.Height, resized.Channels));
            for (int i = 0; i < resized.Samples.Length; i++)
                Assert.Equal(i % 3 * 100 + 7, resized.Samples[i]);
        }
    }

    [Fact]
    public void HalvingIsTheTriangle()
    {
        // Output centre at 2o + 1, radius 2: inputs at distances 0.5 and 1.5 have weights ⅜ and ⅛.
        Resampling.Taps taps = Resampling.Filter(16, 8)[3];
        Assert.Equal(5, taps.First);
        Assert.Equal([0.125f, 0.375f, 0.375f, 0.125f], taps.Weights);
    }

    [Fact]
    public void DoublingInterpolates()
    {
        var picture = new Picture(2, 1, 1, [0, 200]);
        Assert.Equal([0, 50, 150, 200], Resampling.Resize(picture, 4, 1).Samples);
    }

    [Fact]
    public void MirroringCommutes()
    {
        // A filter that were half a pixel off would shift one of the two the other way.
        Picture picture = TestPictures.Noise(29, 1, 1);
        Picture mirrored = new(29, 1, 1, [.. picture.Samples.Reverse()]);
        foreach (int width in new[] { 3, 10, 29, 64 })
        {
            byte[] expected = [.. Resampling.Resize(picture, width, 1).Samples.Reverse()];
            byte[] actual = Resampling.Resize(mirrored, width, 1).Samples;
            for (int i = 0; i < width; i++)
                Assert.InRange(actual[i] - expected[i], -1, 1); // sums run the other way
        }
    }

    [Theory]
    [InlineData(17, 9, 1, 8, 23)]
    [InlineData(40, 25, 3, 33, 7)]
    [InlineData(5, 70, 3, 31, 32)]
    [InlineData(300, 4, 1, 3, 4)]
    [InlineData(9, 6, 5, 20, 11)]
    public void EveryResultIsTheWeightedSum(int width, int height, int channels, int newWidth, int newHeight)
    {
        var random = new Random(1);
        float[] samples = [.. Enumerable.Range(0, width * height * channels).Select(_ => random.NextSingle())];
        float[] resized = Resampling.Resize(samples, width, height, channels, newWidth, newHeight);
        Resampling.Taps[] across = Resampling.Filter(width, newWidth), down = Resampling.Filter(height, newHeight);
        for (int y = 0; y < newHeight; y++)
        {
            for (int x = 0; x < newWidth * channels; x++)
            {
                // In float and in this order, a product and a sum at a time: equal whatever the vector width.
                float column = 0;
                for (int j = 0; j < down[y].Weights.Length; j++)
                {
                    float row = 0;
                    Resampling.Taps taps = across[x / channels];
                    for (int i = 0; i < taps.Weights.Length; i++)
                        row += taps.Weights[i]
                            * samples[((down[y].First + j) * width + taps.First + i) * channels + x % channels];
                    column += down[y].Weights[j] * row;
                }

                Assert.Equal(column, resized[y * newWidth * channels + x]);
            }
        }
    }

    [Fact]
    public void WrongSizesAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Resampling.Filter(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Resampling.Filter(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Resampling.Resize(new Picture(1, 1, 1), 0, 1));
        Assert.Throws<ArgumentException>(() => Resampling.Resize(new float[5], 2, 3, 1, 1, 1));
    }
}
