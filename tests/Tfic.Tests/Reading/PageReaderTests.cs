using Tfic.Imaging;
using Tfic.Networks;
using Tfic.Reading;
using Tfic.Tests.Networks;

namespace Tfic.Tests.Reading;

public class PageReaderTests
{
    private static readonly DetectorModel s_detector = DetectorModel.Load(RandomModels.Detector(seed: 4));
    private static readonly RecogniserModel s_recogniser = RecogniserModel.Load(RandomModels.Recogniser(seed: 5));

    [Fact]
    public void Words_make_lines_from_left_to_right_and_top_to_bottom()
    {
        // Two lines that rise by half their height, a quotation mark, and a second column.
        Box[] first = [new(10, 20, 40, 32), new(46, 19, 80, 30), new(81, 18, 84, 21), new(92, 16, 120, 28), new(200, 14, 230, 26)];
        Box[] second = [new(11, 40, 50, 52), new(56, 38, 90, 48)];
        foreach (int seed in Enumerable.Range(0, 5))
        {
            Box[] mixed = [.. first, .. second];
            new Random(seed).Shuffle(mixed);
            List<List<Box>> lines = PageReader.Lines([.. mixed.Select(box => new DetectedWord(box, 1))]);
            Assert.Equal(2, lines.Count);

            // The mark stands at the word before it, with no gap worth one: they are one word.
            Assert.Equal([first[0], first[1].Union(first[2]), first[3], first[4]], lines[0]);
            Assert.Equal(second, lines[1]);
        }

        Assert.Empty(PageReader.Lines([]));
    }

    [Fact]
    public void A_box_is_parted_where_spaces_are_read()
    {
        ReadLine line = Line(("n", 10), ("o", 20), (" ", 30), ("w", 40), (" ", 50), (" ", 52), ("!", 60));
        List<PageTextWord> words = PageReader.Words(line, 100, new Box(105, 7, 165, 20));
        Assert.Equal(["no", "w", "!"], words.Select(word => word.Text));
        Assert.Equal(
            [new Box(105, 7, 130, 20), new Box(130, 7, 150, 20), new Box(152, 7, 165, 20)],
            words.Select(word => word.Box));
        Assert.Equal([2, 1, 1], words.Select(word => word.Characters.Count));
        Assert.Equal(0.25, words[0].Confidence, 12);
        Assert.Empty(PageReader.Words(Line((" ", 3)), 0, new Box(0, 0, 5, 5)));
        Assert.All(
            PageReader.Words(Line(("a", 1), (" ", 9), ("b", 9), (" ", 9), ("c", 9)), 0, new Box(3, 0, 5, 5)),
            word => Assert.True(word.Box.Area > 0));
    }

    [Fact]
    public void A_line_is_its_words()
    {
        var line = new PageTextLine(
        [
            new PageTextWord("Hello,", new Box(5, 5, 20, 12), [0.5, 1, 1, 1, 1, 1]),
            new PageTextWord("page", new Box(25, 4, 40, 11), [1, 1, 0.5, 1]),
        ]);
        Assert.Equal("Hello, page", line.Text);
        Assert.Equal(new Box(5, 4, 40, 12), line.Box);
        Assert.Equal(0.25, line.Confidence, 12);
        Assert.Equal("Hello, page\nHello, page", new PageText([line, line]).Text);
        Assert.Equal("", new PageText([]).Text);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(150, 90)]
    [InlineData(7, 300)]
    public void Whatever_is_found_lies_in_the_picture_for_any_threads(int width, int height)
    {
        Picture picture = RandomModels.Picture(width, height, 3, 9);
        PageText one = new PageReader(s_detector, s_recogniser).Read(picture);
        var used = new PageReader(s_detector, s_recogniser, threads: 3);
        used.Read(RandomModels.Picture(64, 64, 1, 3));
        PageText three = used.Read(picture);

        static IEnumerable<(string, Box, double)> Words(PageText page) =>
            page.Lines.SelectMany(line => line.Words).Select(word => (word.Text, word.Box, word.Confidence));
        Assert.Equal(Words(one), Words(three));
        var whole = new Box(0, 0, width, height);
        Assert.All(one.Lines.SelectMany(line => line.Words), word =>
        {
            Assert.True(whole.Contains(word.Box) && word.Box.Area > 0);
            Assert.NotEqual("", word.Text);
            Assert.InRange(word.Confidence, 0, 1);
        });
    }

    private static ReadLine Line(params (string Text, double Column)[] characters) =>
        new([.. characters.Select(c => new ReadCharacter(c.Text, 0.5, c.Column))]);
}
