using Tfic.Metrics;

namespace Tfic.Tests.Metrics;

public class TextAccuracyTests
{
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("", "abc", 3)]
    [InlineData("abc", "", 3)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("flaw", "lawn", 2)]
    [InlineData("abc", "abc", 0)]
    [InlineData("abc", "ABC", 3)]
    public void Edit_distance(string a, string b, int distance)
    {
        Assert.Equal(distance, TextAccuracy.Levenshtein(a, b));
        Assert.Equal(distance, TextAccuracy.Levenshtein(b, a));
    }

    [Theory]
    [InlineData("kitten", "sitting", 1 - 3.0 / 7)]
    [InlineData("a-b c!", "abc", 1)]
    [InlineData("Total: 12.50", "Total 1250", 1)]
    [InlineData("...", "?", 1)]
    [InlineData("abc", "", 0)]
    [InlineData("abc", "Abc", 2.0 / 3)]
    public void The_papers_accuracy_sees_alphanumerics_only(string truth, string read, double accuracy) =>
        Assert.Equal(accuracy, TextAccuracy.Accuracy(truth, read), 12);

    [Theory]
    [InlineData("kitten", "sitting", 3.0 / 6)]
    [InlineData("a-b", "ab", 1.0 / 3)]
    [InlineData("ab", "abcdef", 2)]
    [InlineData("abc", "", 1)]
    [InlineData("", "", 0)]
    [InlineData("", "ab", 2)]
    public void Character_error_rate(string truth, string read, double rate) =>
        Assert.Equal(rate, TextAccuracy.Cer(truth, read), 12);

    [Fact]
    public void Character_error_rate_of_a_set_weighs_characters_not_lines()
    {
        // One error among 1 character, none among 9: 0.1, where the mean of the lines would be 0.5.
        Assert.Equal(0.1, TextAccuracy.Cer([("a", "b"), ("character", "character")]), 12);
        Assert.Equal(0.0, TextAccuracy.Cer([]));
    }

    [Theory]
    [InlineData("kitten", "sitting", 1 - 3.0 / 7)]
    [InlineData("a-b", "ab", 1 - 1.0 / 3)]
    [InlineData("ab", "abcdef", 1 - 4.0 / 6)]
    [InlineData("", "", 1)]
    [InlineData("", "x", 0)]
    public void One_minus_normalised_edit_distance(string truth, string read, double value) =>
        Assert.Equal(value, TextAccuracy.Ned(truth, read), 12);
}
