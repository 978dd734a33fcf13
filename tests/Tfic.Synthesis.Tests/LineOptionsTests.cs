namespace Tfic.Synthesis.Tests;

public class LineOptionsTests
{
    [Fact]
    public void Json_round_trip()
    {
        LineOptions options = LineOptions.Default with
        {
            Width = 512,
            Height = 256,
            Alignment = Alignment.Right,
            Blur = new(0.25, 0.5),
            Characters = "abc\"\\ ",
        };
        Assert.Equal(options, LineOptions.FromJson(options.ToJson()));
        Assert.Equal(LineOptions.Plain, LineOptions.FromJson(LineOptions.Plain.ToJson()));
    }

    [Fact]
    public void What_is_not_given_keeps_its_default()
    {
        Assert.Equal(LineOptions.Default, LineOptions.FromJson("{}"));
        Assert.Equal(
            LineOptions.Default with { MaxWords = 2, Grain = new(3, 4) },
            LineOptions.FromJson("""{"maxWords":2,"grain":{"from":3,"to":4}}"""));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("3")]
    [InlineData("{\"maxWords\":")]
    [InlineData("{\"maxWord\":3}")]
    [InlineData("{\"maxWords\":\"three\"}")]
    [InlineData("{\"maxWords\":0}")]
    [InlineData("{\"maxCharacters\":0}")]
    [InlineData("{\"characters\":\" \"}")]
    [InlineData("{\"characters\":\"é\"}")]
    [InlineData("{\"characters\":null}")]
    [InlineData("{\"fontSize\":{\"from\":0,\"to\":30}}")]
    [InlineData("{\"fontSize\":{\"from\":40,\"to\":30}}")]
    [InlineData("{\"fontSize\":{\"from\":40,\"to\":1e9}}")]
    [InlineData("{\"skewDegrees\":90}")]
    [InlineData("{\"blurProbability\":1.5}")]
    [InlineData("{\"wordsWeight\":-1}")]
    [InlineData("{\"width\":512}")]
    [InlineData("{\"width\":512,\"height\":100000}")]
    [InlineData("{\"pictureWeight\":1}")]
    [InlineData("{\"alignment\":\"Diagonal\"}")]
    [InlineData("{\"alignment\":17}")]
    [InlineData("{\"wordsWeight\":0,\"numbersWeight\":0,\"randomWeight\":0}")]
    public void Unusable_options_are_refused(string json)
    {
        Assert.Throws<TficFormatException>(() => LineOptions.FromJson(json));
    }
}
