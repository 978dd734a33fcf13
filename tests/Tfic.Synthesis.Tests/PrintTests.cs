using Tfic.Imaging;

namespace Tfic.Synthesis.Tests;

public class PrintTests
{
    [SkippableFact]
    public void A_piece_is_a_function_of_seed_and_index()
    {
        Page one = new PrintGenerator(Fixtures.AllFonts, Fixtures.Words, 2, 128).Draw(7);
        Page two = new PrintGenerator(Fixtures.AllFonts, Fixtures.Words, 2, 128).Draw(7);
        Assert.Equal(one.Picture.Samples, two.Picture.Samples);
        Assert.Equal(one.Lines.Select(l => (l.Text, l.Box)), two.Lines.Select(l => (l.Text, l.Box)));
        Page other = new PrintGenerator(Fixtures.AllFonts, Fixtures.Words, 3, 128).Draw(7);
        Assert.NotEqual(one.Picture.Samples, other.Picture.Samples);
    }

    [SkippableFact]
    public void Words_have_boxes_of_their_characters_and_touch_the_piece()
    {
        var generator = new PrintGenerator(Fixtures.AllFonts, Fixtures.Words, 1, 160);
        var whole = new Box(0, 0, 160, 160);
        int words = 0, contrasts = 0;
        for (int index = 0; index < 40; index++)
        {
            Page page = generator.Draw(index);
            Assert.Equal((160, 160, 1), (page.Picture.Width, page.Picture.Height, page.Picture.Channels));
            Assert.InRange(page.LineDistance, 7, 53);
            foreach (PageLine line in page.Lines)
            {
                Assert.Equal(line.Text, string.Join(' ', line.Words.Select(w => w.Text)));
                foreach (PageWord word in line.Words)
                {
                    words++;
                    Assert.True(line.Box.Contains(word.Box) && word.Box.Overlaps(whole));
                    Assert.All(word.Characters, c => Assert.True(word.Box.Contains(c)));

                    // Ink: what is in the box is not all alike.
                    Box seen = word.Box.Intersect(whole);
                    byte[] samples = page.Picture.Crop(seen).Samples;
                    contrasts += samples.Max() - samples.Min() > 20 ? 1 : 0;
                }
            }
        }

        Assert.True(words > 400, $"{words} words");
        Assert.True(contrasts > 0.85 * words, $"{contrasts} of {words} words can be seen.");
    }

    [SkippableFact]
    public void Bad_sizes_and_no_fonts_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new PrintGenerator(Fixtures.OneFont, Fixtures.Words, 1, 31));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PrintGenerator(Fixtures.OneFont, Fixtures.Words, 1, 4097));
        Assert.Throws<ArgumentException>(() => new PrintGenerator(FontSet.FromFiles([]), Fixtures.Words, 1));
    }
}
