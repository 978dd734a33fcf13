namespace Tfic.Synthesis.Tests;

public class FontTests
{
    [Fact]
    public void A_missing_font_is_named()
    {
        var e = Assert.Throws<FileNotFoundException>(() => FontSet.FromFiles(["no/such/font.ttf"]));
        Assert.Contains("no/such/font.ttf", e.Message);
    }

    [Fact]
    public void A_folder_is_no_font()
    {
        using TemporaryFolder folder = Fixtures.Folder();
        Assert.Throws<FileNotFoundException>(() => Font.Open(folder.Path));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(100_000)]
    public void Garbage_is_refused_with_the_name_of_the_file(int length)
    {
        using TemporaryFolder folder = Fixtures.Folder();
        string path = folder.File("garbage.ttf");
        var bytes = new byte[length];
        new Random(5).NextBytes(bytes);
        File.WriteAllBytes(path, bytes);
        var e = Assert.Throws<TficFormatException>(() => FontSet.FromFiles([path]));
        Assert.Contains(path, e.Message);
    }

    [Fact]
    public void Unusable_files_of_a_folder_are_left_out_with_a_reason()
    {
        using TemporaryFolder folder = Fixtures.Folder();
        File.WriteAllText(folder.File("text.otf"), "This is not a font.");
        File.WriteAllText(folder.File("readme.txt"), "Neither is this.");
        FontSet fonts = FontSet.FromFolders([folder.Path, folder.File("absent")]);
        Assert.Empty(fonts.Fonts);
        Assert.Contains("text.otf", Assert.Single(fonts.Rejected));
    }

    [SkippableFact]
    public void Truncated_and_altered_fonts_end_in_documented_exceptions_only()
    {
        byte[] whole = File.ReadAllBytes(Fixtures.OneFont.Fonts[0].Path);
        using TemporaryFolder folder = Fixtures.Folder();
        string path = folder.File("damaged.ttf");
        int refused = 0;
        for (int i = 0; i < 40; i++)
        {
            byte[] bytes = i < 20 ? whole[..(whole.Length * i / 20)] : (byte[])whole.Clone();
            var random = new Random(i);
            for (int k = 0; i >= 20 && k < 2000; k++)
                bytes[random.Next(k < 20 ? 300 : bytes.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(path, bytes);
            try
            {
                var generator = new LineGenerator(LineOptions.Plain, FontSet.FromFiles([path]), Fixtures.Words, 1);
                Assert.NotEmpty(generator.Draw(0).Text);
            }
            catch (TficFormatException e)
            {
                Assert.Contains(path, e.Message);
                refused++;
            }
        }

        Assert.InRange(refused, 19, 40);
    }

    [SkippableFact]
    public void Ordinary_fonts_have_every_printable_character()
    {
        Font font = Fixtures.OneFont.Fonts[0];
        Assert.All(Font.PrintableAscii, c => Assert.True(font.Has(c)));
        Assert.False(font.Has('é'));
        Assert.False(font.CapitalsOnly);
        Assert.NotEmpty(font.Family);
    }

    [SkippableFact]
    public void Splits_are_disjoint_and_cover_all_fonts()
    {
        FontSet all = Fixtures.AllFonts;
        FontSet[] parts = [all.Split(Split.Train), all.Split(Split.Validation), all.Split(Split.Test)];
        Assert.Equal(all.Fonts.Length, parts.Sum(p => p.Fonts.Length));
        Assert.Equal(all.Fonts.Select(f => f.Path).Order(), parts.SelectMany(p => p.Fonts.Select(f => f.Path)).Order());
        string[][] designs = [.. parts.Select(p => p.Fonts.Select(f => FontSet.Design(f.Family)).Distinct().ToArray())];
        Assert.Empty(designs[0].Intersect(designs[1]).Concat(designs[0].Intersect(designs[2]))
            .Concat(designs[1].Intersect(designs[2])));
    }

    [Theory]
    [InlineData("Lato", "Lato Light")]
    [InlineData("DejaVu Sans", "DejaVu Sans Condensed")]
    [InlineData("DejaVu Sans Mono", "Hack")]
    [InlineData("Nimbus Sans", "TeX Gyre Heros")]
    [InlineData("FreeSans", "Nimbus Sans Narrow")]
    [InlineData("Liberation Serif", "Tinos")]
    [InlineData("BetecknaGS", "BetecknaGSCondensed")]
    [InlineData("Oxygen-Sans", "Oxygen Mono")]
    public void Families_of_one_design_stay_together(string one, string other)
    {
        Assert.Equal(FontSet.Design(one), FontSet.Design(other));
        Assert.Equal(FontSet.SplitOf(one), FontSet.SplitOf(other));
    }

    // Pinned: if this changes, reported test figures are no longer comparable.
    [Theory]
    [InlineData("Lato", Split.Train)]
    [InlineData("Roboto", Split.Train)]
    [InlineData("Open Sans", Split.Validation)]
    [InlineData("Courier Prime", Split.Validation)]
    [InlineData("DejaVu Sans", Split.Test)]
    [InlineData("EB Garamond", Split.Test)]
    public void The_split_of_a_family_never_changes(string family, Split split)
    {
        Assert.Equal(split, FontSet.SplitOf(family));
    }

    [SkippableFact]
    public void Every_usable_font_draws_ink_for_every_character_it_claims()
    {
        // A few of the installed fonts, spread over the list.
        FontSet all = Fixtures.AllFonts;
        for (int i = 0; i < all.Fonts.Length; i += Math.Max(1, all.Fonts.Length / 12))
        {
            Font font = all.Fonts[i];
            Face face = font.Rent();
            face.SetSize(40);
            foreach (char c in Font.PrintableAscii.Where(c => c != ' ' && font.Has(c)))
            {
                Glyph glyph = face.Render(face.GlyphIndex(c), 0.25, hinted: false);
                Assert.True(glyph.Coverage.Any(v => v > 60), $"{font.Path} draws nothing for {c}");
            }

            font.Return(face);
        }
    }
}
