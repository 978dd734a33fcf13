using Tfic.Imaging;
using Tfic.Networks;
using Tfic.Reading;
using Tfic.Restoration;
using Tfic.Tests.Networks;

namespace Tfic.Tests.Restoration;

public class PageRestorerTests
{
    private static readonly RestorerModel s_first = RestorerModel.Load(RandomModels.Restorer(1, depth: 3, features: 4));
    private static readonly RestorerModel s_second = RestorerModel.Load(RandomModels.Restorer(2, depth: 4, features: 3));
    private static readonly DetectorModel s_detector = DetectorModel.Load(RandomModels.Detector(3));
    private static readonly Picture s_page = RandomModels.Picture(90, 70, 1, seed: 5);

    // In a corner, inside, side by side and one over the other.
    private static readonly Box[] s_words = [new(0, 0, 9, 6), new(30, 20, 55, 29), new(55, 20, 60, 28), new(50, 25, 90, 40)];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Words_take_their_part_of_the_second_restorers_page(int threads)
    {
        var restorer = new PageRestorer(s_first, s_second, threads: threads);
        Picture cleaned = s_first.Restore(s_page, new Workspace());
        Assert.Equal(cleaned.Samples, restorer.Clean(s_page).Samples);

        Picture enhanced = s_second.Restore(cleaned, new Workspace());
        Assert.NotEqual(enhanced.Samples, cleaned.Samples);
        byte[] before = [.. cleaned.Samples];
        Picture page = restorer.Enhance(s_page, cleaned, s_words);
        Assert.Equal(before, cleaned.Samples);

        // Each with two pixels around it.
        Box[] places = [new(0, 0, 11, 8), new(28, 18, 57, 31), new(53, 18, 62, 30), new(48, 23, 90, 42)];
        for (int y = 0; y < s_page.Height; y++)
        {
            for (int x = 0; x < s_page.Width; x++)
            {
                bool inWord = places.Any(box => box.Contains(new Box(x, y, x + 1, y + 1)));
                Assert.Equal((inWord ? enhanced : cleaned).Row(y)[x], page.Row(y)[x]);
            }
        }
    }

    [Fact]
    public void A_second_restorer_that_sees_the_page_is_given_the_page()
    {
        RestorerModel second = RestorerModel.Load(
            RandomModels.CompactRestorer(2, blocks: 1, features: 5, writer => writer.SetMetadata("input", "page")));
        Picture cleaned = s_first.Restore(s_page, new Workspace());
        Picture enhanced = second.Restore(s_page, new Workspace());
        Assert.NotEqual(enhanced.Samples, second.Restore(cleaned, new Workspace()).Samples);
        Assert.Equal(
            PageRestorer.Compose(cleaned, enhanced, s_words).Samples,
            new PageRestorer(s_first, second).Enhance(s_page, cleaned, s_words).Samples);
    }

    [Fact]
    public void Without_a_second_restorer_words_stay_as_they_are()
    {
        Picture cleaned = s_first.Restore(s_page, new Workspace());
        Picture page = new PageRestorer(s_first).Enhance(s_page, cleaned, s_words);
        Assert.Equal(cleaned.Samples, page.Samples);
        Assert.NotSame(cleaned, page);
    }

    [Fact]
    public void A_page_goes_all_the_way()
    {
        var restorer = new PageRestorer(s_first, s_second, s_detector);
        RestoredPage page = restorer.Restore(s_page);
        Picture cleaned = restorer.Clean(s_page);
        IReadOnlyList<DetectedWord> words = PageReader.Detect(new WordDetector(s_detector), cleaned);
        Assert.Equal(words, page.Words);
        Assert.Equal(restorer.Enhance(s_page, cleaned, [.. words.Select(word => word.Box)]).Samples, page.Picture.Samples);
    }

    [Fact]
    public void Colour_is_restored_as_luma()
    {
        Picture colour = RandomModels.Picture(40, 30, 3, seed: 6);
        var restorer = new PageRestorer(s_first);
        Picture restored = restorer.Clean(colour);
        Assert.Equal((40, 30, 1), (restored.Width, restored.Height, restored.Channels));
        Assert.Equal(restorer.Clean(PictureConversion.ToGrey(colour)).Samples, restored.Samples);
    }

    [Fact]
    public void Pages_without_words_and_of_one_pixel_pass()
    {
        var restorer = new PageRestorer(s_first, s_second, s_detector);
        Picture cleaned = restorer.Clean(s_page);
        Assert.Equal(cleaned.Samples, restorer.Enhance(s_page, cleaned, []).Samples);
        Assert.Equal(1, restorer.Restore(new Picture(1, 1, 1)).Picture.PixelCount);
    }

    [Fact]
    public void What_cannot_be_done_is_refused()
    {
        var restorer = new PageRestorer(s_first, s_second);
        Assert.Throws<InvalidOperationException>(() => restorer.Restore(s_page));
        Assert.Throws<ArgumentException>(() => restorer.Enhance(s_page, s_page, [new Box(0, 0, 91, 3)]));
        Assert.Throws<ArgumentException>(() => restorer.Enhance(s_page, s_page, [new Box(5, 5, 5, 9)]));
        var colour = new Picture(9, 9, 3);
        Assert.Throws<ArgumentException>(() => restorer.Enhance(colour, colour, [new Box(0, 0, 4, 3)]));
        Assert.Throws<ArgumentException>(() => restorer.Enhance(new Picture(89, 70, 1), s_page, s_words));
    }
}
