using Tfic.Imaging;

namespace Tfic.Tests.Imaging;

public class BoxTests
{
    [Fact]
    public void Overlap_is_intersection_over_union()
    {
        var box = new Box(2, 3, 6, 7);
        Assert.Equal(1, box.Overlap(box));
        Assert.Equal(8.0 / 24, box.Overlap(new Box(4, 3, 8, 7)), 12);
        Assert.Equal(4.0 / 16, box.Overlap(new Box(3, 4, 5, 6)), 12);
        Assert.Equal(0, box.Overlap(new Box(6, 3, 9, 7)));
        Assert.Equal(0, box.Overlap(new Box(8, 9, 10, 11)));
        Assert.Equal(0, new Box(8, 9, 2, 3).Area);
    }

    [Fact]
    public void Scaling_rounds_outwards() =>
        Assert.Equal(new Box(0, 1, 3, 4), new Box(1, 3, 5, 7).Scale(0.5, 0.5));

    [Fact]
    public void A_crop_has_the_pixels_of_its_place()
    {
        Picture picture = TestPictures.Noise(11, 7, 3);
        Picture crop = picture.Crop(new Box(4, 2, 9, 6));
        Assert.Equal((5, 4, 3), (crop.Width, crop.Height, crop.Channels));
        for (int y = 0; y < 4; y++)
            Assert.Equal(picture.Row(2 + y)[12..27].ToArray(), crop.Row(y).ToArray());
        foreach (Box bad in new Box[] { new(4, 2, 4, 6), new(-1, 0, 3, 3), new(0, 0, 12, 3), new(5, 5, 2, 2) })
            Assert.Throws<ArgumentOutOfRangeException>(() => picture.Crop(bad));
    }
}
