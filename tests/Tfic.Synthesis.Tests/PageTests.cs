using System.Collections.Immutable;
using Tfic.Imaging;

namespace Tfic.Synthesis.Tests;

public class PageTests
{
    private static readonly BookText s_text = BookText.From(string.Join("\n\n", Enumerable.Range(1, 40).Select(i =>
        $"Paragraph {i} of this jolly “story”, quite long enough that it fills a few lines; every Quality of type " +
        "(fjord, Affix, glyph) is wanted here — also a-very-long-word-that-must-be-cut-since-no-line-could-hold-it.")));

    private static readonly PageOptions s_small = new()
    {
        Width = 420,
        Height = 500,
        FontSize = new(14, 22),
        LineSpacing = new(0.5, 1.5),
    };

    [SkippableFact]
    public void Boxes_hold_all_ink_of_their_words_and_none_of_others()
    {
        PageGenerator generator = new(s_small, Fixtures.AllFonts, s_text, 3);
        for (int index = 0; index < 12; index++)
        {
            Page page = generator.Draw(index);
            ImmutableArray<PageWord> words = [.. page.Lines.SelectMany(l => l.Words)];
            Assert.True(words.Length > 20);

            // Every pixel belongs to at most one word, and pixels with ink to exactly one.
            var owner = new int[page.Picture.Width * page.Picture.Height];
            for (int i = 0; i < words.Length; i++)
            {
                Box box = words[i].Box;
                bool left = false, top = false, right = false, bottom = false;
                for (int y = box.Top; y < box.Bottom; y++)
                {
                    for (int x = box.Left; x < box.Right; x++)
                    {
                        Assert.Equal(0, owner[y * page.Picture.Width + x]);
                        owner[y * page.Picture.Width + x] = i + 1;
                        bool ink = page.Picture.Row(y)[x] < 255;
                        left |= ink && x <= box.Left + 1;
                        top |= ink && y <= box.Top + 1;
                        right |= ink && x >= box.Right - 2;
                        bottom |= ink && y >= box.Bottom - 2;
                    }
                }

                Assert.True(left && top && right && bottom, $"The box of {words[i].Text} in {page.Font} is loose.");
                Assert.Equal(box, words[i].Characters.Aggregate((a, b) => a.Union(b)));
                Assert.Equal(words[i].Text.Length, words[i].Characters.Length);
            }

            for (int i = 0; i < owner.Length; i++)
                Assert.True(page.Picture.Samples[i] == 255 || owner[i] > 0, $"Ink outside all boxes in {page.Font}.");
        }
    }

    [SkippableFact]
    public void Lines_follow_the_text_and_are_justified()
    {
        BookText text = BookText.From(string.Join(' ', Enumerable.Repeat("some plain words of prose", 60)));
        PageOptions options = s_small with { Margin = new(0.1, 0.1), FontSize = new(16, 16) };
        Page page = new PageGenerator(options, Fixtures.OneFont, text, 1).Draw(0);
        string[] words = [.. page.Lines.SelectMany(l => l.Words).Select(w => w.Text)];
        Assert.Equal(["some", "plain", "words", "of", "prose", "some"], words[..6]);
        foreach (PageLine line in page.Lines)
        {
            Assert.Equal(line.Text, string.Join(' ', line.Words.Select(w => w.Text)));
            Assert.All(line.Words, w => Assert.True(line.Box.Contains(w.Box)));
        }

        // The first paragraph's lines but its last end at the right margin, to the side bearing of a letter.
        int longest = page.Lines.Max(l => l.Box.Right);
        Assert.InRange(longest, 420 - 42 - 3, 420 - 42);
        Assert.All(page.Lines.Take(5), l => Assert.InRange(l.Box.Right, longest - 4, longest));
        for (int i = 1; i < page.Lines.Length; i++)
            Assert.True(page.Lines[i].Box.Top >= page.Lines[i - 1].Box.Bottom);
    }

    [SkippableFact]
    public void A_page_is_a_function_of_seed_and_index()
    {
        Page one = new PageGenerator(s_small, Fixtures.AllFonts, s_text, 8).Draw(5);
        Page two = new PageGenerator(s_small, Fixtures.AllFonts, s_text, 8).Draw(5);
        Assert.True(one.Picture.Samples.AsSpan().SequenceEqual(two.Picture.Samples));
        Assert.Equal(one.Lines.Select(l => (l.Text, l.Box)), two.Lines.Select(l => (l.Text, l.Box)));
        Page other = new PageGenerator(s_small, Fixtures.AllFonts, s_text, 9).Draw(5);
        Assert.False(one.Picture.Samples.AsSpan().SequenceEqual(other.Picture.Samples));
    }

    [SkippableFact]
    public void Patches_do_not_overlap_and_hold_whole_words()
    {
        Page page = new PageGenerator(s_small with { Width = 900 }, Fixtures.OneFont, s_text, 8).Draw(1);
        ImmutableArray<PagePatch> patches = page.Cut();
        Assert.Equal(900 / 256 * (500 / 64), patches.Length);
        int words = 0;
        for (int i = 0; i < patches.Length; i++)
        {
            PagePatch patch = patches[i];
            Assert.Equal((256, 64), (patch.Picture.Width, patch.Picture.Height));
            for (int k = 0; k < i; k++)
                Assert.False(patch.Place.Overlaps(patches[k].Place));
            for (int y = 0; y < 64; y++)
            {
                Assert.True(patch.Picture.Row(y).SequenceEqual(
                    page.Picture.Row(patch.Place.Top + y).Slice(patch.Place.Left, 256)));
            }

            foreach (PageWord word in patch.Words)
            {
                Assert.True(new Box(0, 0, 256, 64).Contains(word.Box));
                Assert.All(word.Characters, c => Assert.True(word.Box.Contains(c)));
                words++;
            }
        }

        int inside = page.Lines.SelectMany(l => l.Words).Count(w => patches.Any(p => p.Place.Contains(w.Box)));
        Assert.Equal(inside, words);
        Assert.True(words > 20);
        Assert.Empty(page.Cut(501, 256));
        Assert.Throws<ArgumentOutOfRangeException>(() => page.Cut(0, 256));
    }

    [SkippableFact]
    public void Downscaling_brings_lines_to_the_distance_asked_for()
    {
        PageOptions options = s_small with
        {
            Width = 1000,
            Height = 1200,
            FontSize = new(30, 30),
            LineSpacing = new(1.3, 1.3),
        };
        Page page = new PageGenerator(options, Fixtures.OneFont, s_text, 8).Draw(1);
        Page small = page.Downscale();
        Assert.InRange(small.LineDistance, 11.95, 12.05);
        Assert.Equal(page.Lines.Select(l => l.Text), small.Lines.Select(l => l.Text));
        var whole = new Box(0, 0, small.Picture.Width, small.Picture.Height);
        Assert.All(small.Lines, l => Assert.True(whole.Contains(l.Box)));
        Assert.All(small.Lines.SelectMany(l => l.Words), w => Assert.True(
            w.Characters.Length == w.Text.Length && w.Characters.All(c => c.Width > 0 && w.Box.Contains(c))));
        double first = small.Lines[0].Box.Bottom, last = small.Lines[^1].Box.Bottom;
        Assert.InRange((last - first) / (small.Lines.Length - 1), 11.5, 12.5);
        Assert.Throws<ArgumentOutOfRangeException>(() => page.Downscale(page.LineDistance + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => page.Downscale(double.NaN));
    }

    [SkippableFact]
    public void Pages_without_room_are_refused()
    {
        Assert.Throws<ArgumentException>(
            () => new PageGenerator(s_small with { Width = 60 }, Fixtures.OneFont, s_text, 1));
        Assert.Throws<ArgumentException>(
            () => new PageGenerator(s_small with { FontSize = new(22, 14) }, Fixtures.OneFont, s_text, 1));
        Assert.Throws<ArgumentException>(
            () => new PageGenerator(s_small, FontSet.FromFiles([]), s_text, 1));
    }
}

public class BookTextTests
{
    [Fact]
    public void Text_becomes_ascii_paragraphs()
    {
        BookText text = BookText.From("“It’s a café,”\r\nhe said…\r\n\r\n \r\nNext — 日本\r\n");
        Assert.Equal(["\"It's a cafe,\" he said...", "Next --"], text.Paragraphs.ToArray());
    }

    [Fact]
    public void Chapters_go_to_splits_whole()
    {
        BookText text = BookText.From(string.Join(
            "\n\n", Enumerable.Range(1, 23).Select(i => $"Chapter {i}\n\nFirst of {i}.\n\nSecond of {i}.")));
        Assert.Equal(23, text.Chapters.Length);
        BookText[] parts = [text.Split(Split.Train), text.Split(Split.Validation), text.Split(Split.Test)];
        Assert.Equal([19, 2, 2], parts.Select(p => p.Chapters.Length));
        Assert.Equal(text.Paragraphs.Order(), parts.SelectMany(p => p.Paragraphs).Order());
    }

    [Fact]
    public void Numbered_titles_begin_chapters_and_sentences_do_not()
    {
        BookText text = BookText.From(string.Join(
            "\n\n", Enumerable.Range(0, 12).Select(i => $"{"XIV"[i % 3]}. A TITLE\n\nI am no heading.")));
        Assert.Equal(12, text.Chapters.Length);
    }

    [Fact]
    public void A_text_without_chapters_is_cut_into_ten()
    {
        BookText text = BookText.From(string.Join("\n\n", Enumerable.Range(0, 100).Select(i => $"paragraph {i}")));
        Assert.Equal(10, text.Chapters.Length);
        Assert.All(text.Chapters, c => Assert.Equal(10, c.Length));
    }

    [Fact]
    public void Texts_without_words_and_too_short_ones_are_refused()
    {
        Assert.Throws<ArgumentException>(() => BookText.From(" \n\n日本\n"));
        Assert.Throws<ArgumentException>(() => BookText.From("only one").Split(Split.Test));
        using TemporaryFolder folder = Fixtures.Folder();
        Assert.Throws<FileNotFoundException>(() => BookText.Load(folder.File("absent.txt")));
        File.WriteAllBytes(folder.File("binary.txt"), [0xff, 0xfe, 0xff, 0x80]);
        Assert.Throws<TficFormatException>(() => BookText.Load(folder.File("binary.txt")));
    }
}
