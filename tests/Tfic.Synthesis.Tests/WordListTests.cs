namespace Tfic.Synthesis.Tests;

public class WordListTests
{
    [Fact]
    public void Only_printable_ascii_without_spaces_is_kept_and_nothing_twice()
    {
        WordList words = WordList.From(["one", "", "two words", "naïve", "one", "One", "a\tb", "~!"]);
        Assert.Equal(["one", "One", "~!"], words.Words.ToArray());
    }

    [Fact]
    public void A_list_without_usable_words_is_refused()
    {
        Assert.Throws<ArgumentException>(() => WordList.From(["é", " "]));
        using TemporaryFolder folder = Fixtures.Folder();
        File.WriteAllText(folder.File("empty.txt"), "\n\n");
        var e = Assert.Throws<TficFormatException>(() => WordList.Load(folder.File("empty.txt")));
        Assert.Contains("empty.txt", e.Message);
        Assert.Throws<FileNotFoundException>(() => WordList.Load(folder.File("absent.txt")));
    }

    [Fact]
    public void Splits_are_disjoint_in_lower_case_and_cover_the_list()
    {
        WordList all = WordList.From(
            Enumerable.Range(0, 3000).SelectMany(i => new[] { $"w{i}", $"W{i}", $"w{i}'s" }));
        WordList[] parts = [all.Split(Split.Train), all.Split(Split.Validation), all.Split(Split.Test)];
        Assert.Equal(all.Words.Order(), parts.SelectMany(p => p.Words).Order());
        string[][] lower = [.. parts.Select(p => p.Words.Select(w => w.ToLowerInvariant()).Distinct().ToArray())];
        Assert.Empty(lower[0].Intersect(lower[1]));
        Assert.Empty(lower[0].Intersect(lower[2]));
        Assert.Empty(lower[1].Intersect(lower[2]));
        Assert.InRange(parts[0].Words.Length, 9000 * 0.77, 9000 * 0.83);
        Assert.InRange(parts[1].Words.Length, 9000 * 0.08, 9000 * 0.12);
    }

    [Theory]
    [InlineData("cat", "CAT")]
    [InlineData("cat", "Cat's")]
    [InlineData("McDonald", "mcdonald's")]
    public void Forms_of_a_word_stay_together(string one, string other)
    {
        Assert.Equal(WordList.SplitOf(one), WordList.SplitOf(other));
    }

    // Pinned: if this changes, reported test figures are no longer comparable.
    [Fact]
    public void The_split_of_a_word_never_changes()
    {
        string[] words = ["apple", "bread", "chair", "dance", "eagle", "flame", "grape", "house", "ivory", "jewel",
            "knife", "lemon", "mouse", "night", "ocean", "piano", "queen", "river", "sugar", "tiger"];
        Assert.Equal(["ocean"], words.Where(w => WordList.SplitOf(w) == Split.Test));
        Assert.Equal(["apple", "house", "night"], words.Where(w => WordList.SplitOf(w) == Split.Validation));
    }

    // The first number of SplitMix64 from state 0, as its authors' program prints it.
    [Fact]
    public void The_generator_is_SplitMix64()
    {
        Assert.Equal(0xe220a8397b1dcdafUL, RandomStream.Mix(0x9e3779b97f4a7c15));
    }

    [Fact]
    public void Normal_numbers_have_mean_0_and_deviation_1()
    {
        var random = new RandomStream(3, 4);
        double sum = 0, squares = 0;
        const int Count = 200_000;
        for (int i = 0; i < Count; i++)
        {
            double value = random.Normal();
            sum += value;
            squares += value * value;
        }

        // Five standard errors: 5/√n for the mean, about 5·√(2/n) for the variance.
        Assert.InRange(sum / Count, -0.0112, 0.0112);
        Assert.InRange(squares / Count, 0.984, 1.016);
    }

    [Fact]
    public void Weighted_choice_follows_its_weights_and_never_takes_a_zero()
    {
        var random = new RandomStream(1, 1);
        var counts = new int[4];
        for (int i = 0; i < 20_000; i++)
            counts[random.Weighted([0, 3, 1, 0])]++;
        Assert.Equal(0, counts[0] + counts[3]);
        Assert.InRange(counts[1], 14_500, 15_500);
    }
}
