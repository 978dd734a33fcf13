using Tfic.Imaging;

namespace Tfic.Tests.Imaging;

public class PictureFileTests
{
    [Theory]
    [InlineData(".png", 1)]
    [InlineData(".png", 3)]
    [InlineData(".ppm", 3)]
    [InlineData(".pgm", 1)]
    [InlineData(".pnm", 1)]
    [InlineData(".PNG", 3)]
    public void LosslessFormatsRoundTrip(string extension, int channels)
    {
        string path = Path.Combine(Path.GetTempPath(), $"tfic-{Guid.NewGuid():N}{extension}");
        try
        {
            foreach ((int width, int height) in new[] { (1, 1), (7, 5), (33, 2), (300, 120) })
            {
                Picture picture = TestPictures.Scene(width, height, channels);
                PictureFile.Write(path, picture);
                TestPictures.AssertEqual(picture, PictureFile.Read(path));
            }
        }
        finally
        {
            File.Delete(path);
        }
    }
}
