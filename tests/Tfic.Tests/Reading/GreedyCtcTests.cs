using Tfic.Reading;

namespace Tfic.Tests.Reading;

public sealed class GreedyCtcTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("0000", "")]
    [InlineData("1", "1")]
    [InlineData("1111", "1")]
    [InlineData("1101", "11")]
    [InlineData("0110220", "12")]
    [InlineData("12021", "1221")]
    [InlineData("1212", "1212")]
    [InlineData("2200", "2")]
    public void Repeats_merge_and_blanks_drop(string frames, string expected)
    {
        var logits = new float[frames.Length * 3];
        for (int i = 0; i < frames.Length; i++)
            logits[i * 3 + (frames[i] - '0')] = 1f;
        var emissions = new List<GreedyCtc.Emission> { new(9, 9, 9) };
        GreedyCtc.Decode(logits, 3, emissions);
        Assert.Equal(expected, string.Concat(emissions.Select(e => e.Class)));
    }

    [Fact]
    public void Frames_and_probabilities_are_those_of_the_first_frame_of_each_run()
    {
        float[] logits =
        [
            2, 0, 0,
            0, 1000, 1000 - MathF.Log(3),
            0, 9, 0,
            -1e30f, -1e30f, 3,
        ];
        var emissions = new List<GreedyCtc.Emission>();
        GreedyCtc.Decode(logits, 3, emissions);
        Assert.Equal([(1, 1), (2, 3)], emissions.Select(e => (e.Class, e.Frame)));
        Assert.Equal(0.75, emissions[0].Probability, 1e-4);
        Assert.Equal(1.0, emissions[1].Probability, 1e-12);
    }

    [Fact]
    public void Equal_scores_go_to_the_lower_class()
    {
        var emissions = new List<GreedyCtc.Emission>();
        GreedyCtc.Decode([1, 1, 1, 0, 5, 5], 3, emissions);
        Assert.Equal([1], emissions.Select(e => e.Class));
    }
}
