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
}
