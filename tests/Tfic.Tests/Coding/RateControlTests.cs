using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Tests.Networks;

namespace Tfic.Tests.Coding;

/// <summary>Targets are hit within 3%, or the reason is given.</summary>
public class RateControlTests
{
    [Theory]
    [InlineData(1, 1, 3)]
    [InlineData(16, 16, 1)]
    [InlineData(33, 20, 3)]
    [InlineData(64, 64, 3)]
    [InlineData(250, 40, 1)]
    [InlineData(130, 130, 3)]
    public void PicturesOfAllSizes(int width, int height, int channels)
    {
        var encoder = new TficEncoder(RandomCodec.Model);
        Picture picture = RandomModels.Picture(width, height, channels, 12);
        int least = encoder.Encode(picture, 1).Length;
        int most = encoder.Encode(picture, 8).Length;
        Assert.True(least < most);
        int hit = 0;
        for (double target = least * 0.7; target < most * 1.5; target *= 1.13)
        {
            RateSearchResult result = encoder.EncodeToBitsPerPixel(picture, 8 * target / picture.PixelCount);
            bool isNear = Math.Abs(result.File.Length - target) <= 0.03 * target * (1 + 1e-9);
            Assert.Equal(isNear, result.Shortfall is null);
            Assert.InRange(result.Trials, 1, RateSearch.MaxTrials);
            Assert.Equal(result.File, encoder.Encode(picture, result.Quality));
            if (isNear)
                hit++;
            else if (target < least)
                Assert.Contains($"lowest quality this picture takes {least} bytes", result.Shortfall);
            else if (target > most)
                Assert.Contains($"highest quality this picture takes {most} bytes", result.Shortfall);
            else
                Assert.Contains("a step of quality takes this picture from ", result.Shortfall);
        }

        Assert.True(hit > 0);
        if (width * height >= 4096)
            Assert.True(hit >= Math.Log((double)most / least) / Math.Log(1.13) - 1, $"only {hit} targets were hit");
    }

    /// <summary>
    /// Of any sizes that rise but for small steps back, the search misses a target only where no quality hits it.
    /// </summary>
    [Theory]
    [InlineData(20, 1.002, 0)]
    [InlineData(20, 1.04, 0)]
    [InlineData(300, 1.012, 2)]
    [InlineData(5000, 1.012, 40)]
    [InlineData(500, 1.03, 10)]
    [InlineData(10_000, 1.012, 60)]
    [InlineData(40, 1.0, 0)]
    public void SizesWithStepsBack(int least, double growth, int noise)
    {
        var random = new Random(5);
        int[] sizes = [.. Enumerable.Range(0, 225).Select(q =>
            (int)Math.Max(1, (least * Math.Pow(growth, q)) + random.Next(-noise, noise + 1)))];
        for (double target = least * 0.8; target < sizes.Max() * 1.2; target *= 1.017)
        {
            int made = 0;
            RateSearchResult result = RateSearch.Run(target, 224, quality =>
            {
                made++;
                return new byte[sizes[quality]];
            });
            Assert.Equal(made, result.Trials);
            Assert.InRange(made, 1, RateSearch.MaxTrials);
            Assert.Equal(sizes[(int)((result.Quality - 1) * 32)], result.File.Length);
            bool isNear = Math.Abs(result.File.Length - target) <= RateSearch.Tolerance * target;
            Assert.Equal(isNear, result.Shortfall is null);
            bool someIsNear = sizes.Any(size => Math.Abs(size - target) <= RateSearch.Tolerance * target);
            Assert.Equal(someIsNear, isNear);
        }
    }

    [Fact]
    public void TheReasonNamesTheSizesOnBothSides()
    {
        RateSearchResult result = RateSearch.Run(60, 224, quality => new byte[quality < 100 ? 50 : 80]);
        Assert.Equal("a step of quality takes this picture from 50 to 80 bytes, past 60", result.Shortfall);
        Assert.Equal(50, result.File.Length);
    }
}
