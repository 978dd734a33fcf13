using Tfic.Imaging;

namespace Tfic.Synthesis.Tests;

public class LineTests
{
    // What each option changes about a plain line, and whether the size may change with it.
    public static TheoryData<string, bool> Effects() => new()
    {
        { """{"fontSize":{"from":48,"to":48}}""", true },
        { """{"hintingProbability":1}""", true },
        { """{"emboldenProbability":1}""", true },
        { """{"spacingProbability":1,"characterSpacing":{"from":0.1,"to":0.2}}""", true },
        { """{"stretchProbability":1,"stretch":{"from":0.6,"to":0.8}}""", true },
        { """{"margin":{"from":0.2,"to":0.3}}""", true },
        { """{"slackProbability":1}""", true },
        { """{"neighbourProbability":1}""", true },
        { """{"skewProbability":1}""", true },
        { """{"sineProbability":1,"horizontalShare":0}""", true },
        { """{"sineProbability":1,"horizontalShare":1}""", true },
        { """{"cosineProbability":1,"horizontalShare":0}""", true },
        { """{"printProbability":1}""", true },
        { """{"printProbability":1,"wearProbability":1}""", true },
        { """{"printProbability":1,"wearProbability":0,"bilevelProbability":1}""", true },
        { """{"blurProbability":1}""", false },
        { """{"blackTextProbability":0}""", false },
        { """{"whiteWeight":0,"plainWeight":1}""", false },
        { """{"whiteWeight":0,"plainWeight":1,"inverseProbability":1}""", false },
        { """{"whiteWeight":0,"gradientWeight":1}""", false },
        { """{"whiteWeight":0,"noiseWeight":1}""", false },
        { """{"whiteWeight":0,"quasicrystalWeight":1}""", false },
        { """{"grainProbability":1}""", false },
        { """{"jpegProbability":1}""", false },
    };

    [SkippableTheory]
    [MemberData(nameof(Effects))]
    public void Every_effect_changes_pixels_and_keeps_the_text(string change, bool resizes)
    {
        LineOptions plain = Unhinted(LineOptions.Plain);
        LineOptions changed = LineOptions.FromJson(Merge(plain, change));
        for (int index = 0; index < 3; index++)
        {
            TextLine before = Generator(plain).Draw(index), after = Generator(changed).Draw(index);
            Assert.Equal(before.Text, after.Text);
            Assert.Equal(3, after.Picture.Channels);
            Assert.False(before.Picture.Samples.AsSpan().SequenceEqual(after.Picture.Samples));
            if (!resizes)
            {
                Assert.Equal(before.Picture.Width, after.Picture.Width);
                Assert.Equal(before.Picture.Height, after.Picture.Height);
            }

            TextLine sized = Generator(changed with { Width = 512, Height = 256 }).Draw(index);
            Assert.Equal((512, 256), (sized.Picture.Width, sized.Picture.Height));
            Assert.Equal(before.Text, sized.Text);
        }
    }

    [SkippableFact]
    public void A_line_is_a_function_of_seed_and_index_on_any_thread()
    {
        LineGenerator one = new(LineOptions.Default, Fixtures.AllFonts, Fixtures.Words, 42);
        LineGenerator other = new(LineOptions.Default, Fixtures.AllFonts, Fixtures.Words, 42);
        TextLine[] serial = [.. Enumerable.Range(0, 60).Select(i => one.Draw(i))];
        var parallel = new TextLine[60];
        var threads = new ParallelOptions { MaxDegreeOfParallelism = 4 };
        Parallel.For(0, 60, threads, i => parallel[59 - i] = other.Draw(59 - i));
        for (int i = 0; i < 60; i++)
        {
            Assert.Equal(serial[i].Text, parallel[i].Text);
            Assert.Equal(serial[i].Font, parallel[i].Font);
            Assert.Equal(serial[i].Picture.Width, parallel[i].Picture.Width);
            Assert.True(serial[i].Picture.Samples.AsSpan().SequenceEqual(parallel[i].Picture.Samples));
        }
    }

    [SkippableFact]
    public void Seeds_and_indexes_give_different_lines()
    {
        FontSet fonts = Fixtures.OneFont;
        LineGenerator one = new(LineOptions.Default, fonts, Fixtures.Words, 1);
        LineGenerator two = new(LineOptions.Default, fonts, Fixtures.Words, 2);
        string[] texts = [.. Enumerable.Range(-20, 40).Select(i => one.Draw(i).Text)];
        Assert.InRange(texts.Distinct().Count(), 36, 40);
        Assert.True(Enumerable.Range(-20, 40).Count(i => two.Draw(i).Text != texts[i + 20]) > 36);
    }

    [SkippableFact]
    public void Texts_keep_to_characters_and_length()
    {
        LineOptions options = LineOptions.Default with { FontSize = new(8, 8), PrintSize = new(8, 8) };
        LineGenerator generator = new(options, Fixtures.AllFonts, Fixtures.Words, 9);
        var seen = new HashSet<char>();
        for (int i = 0; i < 600; i++)
        {
            string text = generator.Draw(i).Text;
            Assert.InRange(text.Length, 1, 25);
            Assert.All(text, c => Assert.InRange(c, ' ', '~'));
            Assert.Equal(text.Trim(), text);
            Assert.DoesNotContain("  ", text);
            seen.UnionWith(text);
        }

        Assert.True(seen.Count > 85, $"Only {seen.Count} of 95 characters came up in 600 lines.");
    }

    [SkippableFact]
    public void Texts_of_few_characters_and_of_one()
    {
        LineOptions digits = LineOptions.Plain with { Characters = "0123456789", MaxCharacters = 3 };
        LineOptions spaced = LineOptions.Plain with { Characters = "a " };
        LineOptions one = LineOptions.Plain with { MaxCharacters = 1 };
        for (int i = 0; i < 40; i++)
        {
            string text = Generator(digits).Draw(i).Text;
            Assert.InRange(text.Length, 1, 3);
            Assert.All(text, c => Assert.InRange(c, '0', '9'));
            Assert.Matches("^a( ?a)*$", Generator(spaced).Draw(i).Text);
            TextLine single = Generator(one).Draw(i);
            Assert.Equal(1, single.Text.Length);
            Assert.Contains(single.Picture.Samples, s => s < 128);
        }
    }

    [SkippableFact]
    public void Twenty_five_wide_characters_are_drawn_whole()
    {
        var words = WordList.From([new string('W', 40)]);
        LineOptions options = LineOptions.Plain with
        {
            NumbersWeight = 0,
            RandomWeight = 0,
            PunctuationProbability = 0,
            FontSize = new(64, 64),
        };
        TextLine line = new LineGenerator(options, Fixtures.OneFont, words, 4).Draw(1);
        Assert.Matches("^(W{25}|Ww{24}|w{25}|[0-9]+)$", line.Text);
        Assert.True(line.Picture.Width > 64 * 0.6 * line.Text.Length);
        AssertWhiteBorder(line);
    }

    [SkippableFact]
    public void Bending_and_turning_cut_nothing_off()
    {
        LineOptions options = LineOptions.Plain with
        {
            SkewProbability = 1,
            SkewDegrees = 8,
            SineProbability = 1,
            CosineProbability = 1,
            HorizontalShare = 0.5,
            FontSize = new(20, 40),
            Margin = new(0.1, 0.1),
        };
        LineGenerator generator = new(options, Fixtures.AllFonts, Fixtures.Words, 77);
        for (int i = 0; i < 40; i++)
            AssertWhiteBorder(generator.Draw(i));
    }

    [SkippableFact]
    public void Text_stands_out_from_its_background()
    {
        LineOptions options = LineOptions.Default with
        {
            PrintProbability = 0,
            BlurProbability = 0,
            JpegProbability = 0,
            FontSize = new(40, 50),
        };
        foreach (double inverse in new[] { 0.0, 1.0 })
        {
            LineGenerator generator = Generator(options with { InverseProbability = inverse });
            for (int i = 0; i < 40; i++)
            {
                Picture picture = generator.Draw(i).Picture;
                double least = 255, most = 0;
                for (int y = 0; y < picture.Height; y++)
                {
                    for (int x = 0; x < picture.Width; x++)
                    {
                        double luma = Fixtures.Luma(picture, x, y);
                        (least, most) = (Math.Min(least, luma), Math.Max(most, luma));
                    }
                }

                // Thin signs such as ' may cover no pixel wholly.
                Assert.True(most - least > 0.75 * options.Contrast * 255, $"Line {i} spans {most - least}.");
            }
        }
    }

    [SkippableFact]
    public void Pictures_stand_behind_lines()
    {
        using TemporaryFolder folder = Fixtures.Folder();
        var stripes = new Picture(90, 30, 3);
        for (int i = 0; i < stripes.Samples.Length; i++)
            stripes.Samples[i] = (byte)(i / 3 % 9 * 28);
        PictureFile.Write(folder.File("stripes.png"), stripes);
        LineOptions options = LineOptions.Plain with
        {
            WhiteWeight = 0,
            PictureWeight = 1,
            PictureFolder = folder.Path,
        };
        Picture picture = Generator(options).Draw(0).Picture;
        // In the margin, the columns of one row differ as the stripes do, at the light end that the text leaves.
        double[] top = [.. Enumerable.Range(0, picture.Width).Select(x => Fixtures.Luma(picture, x, 0))];
        Assert.True(top.Max() - top.Min() > 60);
        Assert.True(top.Min() >= options.Contrast * 255 - 1);

        Assert.Throws<DirectoryNotFoundException>(
            () => Generator(options with { PictureFolder = folder.File("absent") }));
        File.WriteAllText(folder.File("stripes.png"), "no picture");
        Assert.Throws<TficFormatException>(() => Generator(options));
        File.Delete(folder.File("stripes.png"));
        Assert.Throws<TficFormatException>(() => Generator(options));
    }

    [Fact]
    public void Without_fonts_there_is_no_generator()
    {
        var e = Assert.Throws<ArgumentException>(
            () => new LineGenerator(LineOptions.Default, FontSet.FromFiles([]), Fixtures.Words, 1));
        Assert.Contains("fonts-dejavu-core", e.Message);
    }

    [SkippableFact]
    public void Fonts_without_small_letters_write_capitals_only()
    {
        FontSet capitals = Fixtures.AllFonts.Where(f => f.CapitalsOnly);
        Skip.If(capitals.Fonts.IsEmpty, "No font without small letters is installed (apt install fonts-bebas-neue).");
        LineGenerator generator = new(LineOptions.Plain, capitals, Fixtures.Words, 1);
        for (int i = 0; i < 60; i++)
            Assert.DoesNotContain(generator.Draw(i).Text, char.IsAsciiLetterLower);
        LineOptions small = LineOptions.Plain with { Characters = "abc" };
        Assert.Throws<ArgumentException>(() => new LineGenerator(small, capitals, Fixtures.Words, 1));
    }

    private static LineOptions Unhinted(LineOptions options) => options with { HintingProbability = 0 };

    private static LineGenerator Generator(LineOptions options) => new(options, Fixtures.OneFont, Fixtures.Words, 5);

    private static string Merge(LineOptions options, string change)
    {
        var merged = System.Text.Json.Nodes.JsonNode.Parse(options.ToJson())!.AsObject();
        foreach ((string name, System.Text.Json.Nodes.JsonNode? value) in
            System.Text.Json.Nodes.JsonNode.Parse(change)!.AsObject())
        {
            merged[name] = value!.DeepClone();
        }

        return merged.ToJsonString();
    }

    private static void AssertWhiteBorder(TextLine line)
    {
        Picture p = line.Picture;
        bool ink = false;
        for (int y = 0; y < p.Height; y++)
        {
            for (int x = 0; x < p.Width; x++)
            {
                bool border = y == 0 || x == 0 || y == p.Height - 1 || x == p.Width - 1;
                double luma = Fixtures.Luma(p, x, y);
                Assert.False(border && luma < 250, $"{line.Text} in {line.Font} reaches the border at {x}, {y}.");
                ink |= luma < 128;
            }
        }

        Assert.True(ink);
    }
}
