using Tfic.Imaging;
using Tfic.Metrics;

namespace Tfic.Tests.Metrics;

public class DetectionCountsTests
{
    private static readonly Box[] s_truth = [new(0, 0, 10, 10), new(20, 0, 30, 10), new(40, 0, 50, 10)];

    [Fact]
    public void Each_box_counts_once()
    {
        // Twice the first word, half of the second, nothing of the third, and something that is no word.
        Box[] found = [new(0, 0, 9, 10), new(1, 0, 10, 10), new(20, 0, 25, 10), new(70, 70, 80, 80)];
        DetectionCounts counts = DetectionCounts.Of(s_truth, found);
        Assert.Equal(new DetectionCounts(3, 4, 2), counts);
        Assert.Equal((0.5, 2.0 / 3, 4.0 / 7), (counts.Precision, counts.Recall, counts.F));
        Assert.Equal(new DetectionCounts(3, 4, 1), DetectionCounts.Of(s_truth, found, overlap: 0.6));
    }

    [Fact]
    public void The_best_pairs_go_first()
    {
        Box[] found = [new(0, 2, 10, 12), new(0, 0, 10, 10)];
        Assert.Equal(1, DetectionCounts.Of([new(0, 0, 10, 10)], found).Matched);
        Assert.Equal(2, DetectionCounts.Of([new(0, 0, 10, 10), new(0, 4, 10, 14)], found).Matched);
    }

    [Fact]
    public void Words_that_are_ignored_count_neither_way()
    {
        Box[] found = [new(0, 0, 10, 10), new(61, 0, 70, 10)];
        Assert.Equal(
            new DetectionCounts(3, 1, 1), DetectionCounts.Of(s_truth, found, ignored: [new(60, 0, 70, 10)]));
    }

    [Fact]
    public void Nothing_found_where_nothing_is_is_right()
    {
        DetectionCounts none = DetectionCounts.Of([], []);
        Assert.Equal((1.0, 1.0, 1.0), (none.Precision, none.Recall, none.F));
        Assert.Equal(0, DetectionCounts.Of(s_truth, []).F);
        Assert.Equal(new DetectionCounts(6, 3, 2), new DetectionCounts(3, 1, 1) + new DetectionCounts(3, 2, 1));
    }
}
