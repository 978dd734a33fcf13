using Tfic.Imaging;
using Tfic.Metrics;

namespace Tfic.Tests.Metrics;

public class BitRateAndPsnrTests
{
    [Fact]
    public void Bits_per_pixel_counts_pixels_not_samples()
    {
        Assert.Equal(2.0, BitRate.BitsPerPixel(2, new Picture(4, 2, 3)));
        Assert.Equal(2.0, BitRate.BitsPerPixel(2, new Picture(4, 2, 1)));
        Assert.Equal(0.03, BitRate.BitsPerPixel(491, new Picture(512, 256, 3)), 4);
        Assert.Throws<ArgumentOutOfRangeException>(() => BitRate.BitsPerPixel(-1, new Picture(1, 1, 1)));
    }

    [Fact]
    public void Psnr_of_a_known_error()
    {
        // Two samples of six are off, by 3 and by 4: MSE = 25 / 6.
        var a = new Picture(2, 1, 3, [10, 20, 30, 40, 50, 60]);
        var b = new Picture(2, 1, 3, [13, 20, 30, 40, 46, 60]);
        Assert.Equal(25.0 / 6, Psnr.MeanSquaredError(a, b), 12);
        Assert.Equal(10 * Math.Log10(65025 * 6 / 25.0), Psnr.Rgb(a, b), 12);
        Assert.Equal(Psnr.Rgb(a, b), Psnr.Rgb(b, a));
    }

    [Fact]
    public void The_worst_error_gives_zero_and_no_error_infinity()
    {
        var black = new Picture(3, 2, 1);
        var white = new Picture(3, 2, 1, [255, 255, 255, 255, 255, 255]);
        Assert.Equal(0.0, Psnr.Rgb(black, white), 12);
        Assert.Equal(double.PositiveInfinity, Psnr.Rgb(black, black));
        Assert.Equal(Psnr.Cap, Math.Min(Psnr.Rgb(black, black), Psnr.Cap));
    }

    [Fact]
    public void Grey_compares_with_colour_as_equal_channels()
    {
        var grey = new Picture(2, 1, 1, [10, 200]);
        var same = new Picture(2, 1, 3, [10, 10, 10, 200, 200, 200]);
        var other = new Picture(2, 1, 3, [10, 10, 16, 200, 200, 200]);
        Assert.Equal(0, Psnr.MeanSquaredError(grey, same));
        Assert.Equal(6.0, Psnr.MeanSquaredError(grey, other));
        Assert.Equal(6.0, Psnr.MeanSquaredError(other, grey));
    }

    [Fact]
    public void Sizes_must_agree()
    {
        Assert.Throws<ArgumentException>(() => Psnr.Rgb(new Picture(2, 1, 1), new Picture(1, 2, 1)));
        Assert.Throws<ArgumentException>(() => MsSsim.Rgb(new Picture(2, 1, 1), new Picture(1, 2, 1)));
    }
}
