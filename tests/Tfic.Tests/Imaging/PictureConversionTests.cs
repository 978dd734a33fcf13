using Tfic.Imaging;

namespace Tfic.Tests.Imaging;

public class PictureConversionTests
{
    [Fact]
    public void UnroundedGreyRoundsToTheGreyPicture()
    {
        var colour = new Picture(64, 32, 3);
        new Random(1).NextBytes(colour.Samples);
        var grey = new float[64 * 32];
        PictureConversion.ToGrey(colour, grey);
        Picture rounded = PictureConversion.ToGrey(colour);
        for (int i = 0; i < grey.Length; i++)
            Assert.InRange(grey[i] - rounded.Samples[i], -0.505f, 0.505f);

        PictureConversion.ToGrey(rounded, grey);
        Assert.Equal(rounded.Samples.ToArray().Select(sample => (float)sample), grey);
        Assert.Throws<ArgumentException>(() => PictureConversion.ToGrey(colour, new float[64 * 32 + 1]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void PartsAreCutOutAndPutBack(int channels)
    {
        var picture = new Picture(7, 5, channels);
        new Random(2).NextBytes(picture.Samples);
        byte[] before = [.. picture.Samples];
        Picture part = picture.Crop(new Box(2, 1, 7, 4));
        Assert.Equal((5, 3, channels), (part.Width, part.Height, part.Channels));
        for (int y = 0; y < 3; y++)
            Assert.Equal(picture.Row(y + 1)[(2 * channels)..].ToArray(), part.Row(y).ToArray());

        // Somewhere else, then where it came from; nothing beside it changes.
        picture.Paste(part, 0, 2);
        Assert.Equal(part.Samples, picture.Crop(new Box(0, 2, 5, 5)).Samples);
        Assert.Equal(before[..(2 * 7 * channels)], picture.Samples[..(2 * 7 * channels)]);
        var copy = new Picture(7, 5, channels, [.. before]);
        copy.Paste(part, 2, 1);
        Assert.Equal(before, copy.Samples);
    }

    [Fact]
    public void PartsOutsideAreRefused()
    {
        var picture = new Picture(4, 3, 1);
        foreach (Box box in new[] { new Box(0, 0, 5, 3), new(-1, 0, 2, 2), new(1, 1, 1, 2), new(2, 2, 1, 1), new(0, 0, 4, 4) })
            Assert.ThrowsAny<ArgumentException>(() => picture.Crop(box));
        Assert.Throws<ArgumentException>(() => picture.Paste(new Picture(2, 2, 1), 3, 0));
        Assert.Throws<ArgumentException>(() => picture.Paste(new Picture(2, 2, 1), -1, 0));
        Assert.Throws<ArgumentException>(() => picture.Paste(new Picture(2, 2, 3), 0, 0));
    }
}
