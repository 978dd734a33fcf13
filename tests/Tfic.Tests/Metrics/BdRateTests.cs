using Tfic.Metrics;

namespace Tfic.Tests.Metrics;

public class BdRateTests
{
    public static TheoryData<BdInterpolation> Both => [BdInterpolation.PiecewiseCubic, BdInterpolation.CubicPolynomial];

    private static readonly RatePoint[] s_anchor =
        [new(0.05, 27.1), new(0.11, 29.9), new(0.23, 32.4), new(0.52, 36.0), new(0.9, 38.2)];

    [Theory, MemberData(nameof(Both))]
    public void Half_the_bits_at_the_same_quality_are_minus_fifty_per_cent(BdInterpolation how)
    {
        RatePoint[] half = Array.ConvertAll(s_anchor, p => p with { Rate = p.Rate / 2 });
        Assert.Equal(-50.0, BdRate.Percent(s_anchor, half, how), 9);
        Assert.Equal(100.0, BdRate.Percent(half, s_anchor, how), 9);
        Assert.Equal(0.0, BdRate.Percent(s_anchor, s_anchor, how), 9);
    }

    [Theory, MemberData(nameof(Both))]
    public void Order_of_points_does_not_matter(BdInterpolation how)
    {
        RatePoint[] test = [new(0.04, 27.5), new(0.1, 30.2), new(0.2, 33.0), new(0.5, 36.5)];
        Assert.Equal(
            BdRate.Percent(s_anchor, test, how),
            BdRate.Percent([.. s_anchor.Reverse()], [test[2], test[0], test[3], test[1]], how), 9);
    }

    /// <summary>
    /// Two straight lines over different qualities: log10 r = D/10 on 30…40 and D/10 − 0.3 + (D − 36)/20 on 33…45
    /// (both in the exponent). Over the common 33…40 the mean difference is −0.3 + (36.5 − 36)/20 = −0.275.
    /// </summary>
    [Theory, MemberData(nameof(Both))]
    public void Straight_lines_over_the_common_range(BdInterpolation how)
    {
        RatePoint[] anchor = Line([30, 32, 35, 39, 40], d => d / 10);
        RatePoint[] test = Line([33, 36, 37, 45], d => d / 10 - 0.3 + (d - 36) / 20);
        Assert.Equal(100 * (Math.Pow(10, -0.275) - 1), BdRate.Percent(anchor, test, how), 8);
    }

    /// <summary>
    /// Qualities 0, 1, 3 with log10 rates 0, 1, 2. Secants 1 and ½. Slopes by hand: inside (5 + 4) / (5/1 + 4/½) =
    /// 9/13; left ((2 + 2)·1 − 1·½)/3 = 7/6; right ((4 + 1)·½ − 2·1)/3 = 1/6. A Hermite piece integrates to
    /// h·(y0 + y1)/2 + h²·(d0 − d1)/12: ½ + (7/6 − 9/13)/12 and 3 + 4·(9/13 − 1/6)/12. The other curve is the straight
    /// line D/2, whose integral over 0…3 is 9/4.
    /// </summary>
    [Fact]
    public void Piecewise_cubic_by_hand()
    {
        RatePoint[] anchor = [new(1, 0), new(10, 1), new(100, 3)];
        RatePoint[] test = Line([0, 3], d => d / 2);
        double integral = 0.5 + (7.0 / 6 - 9.0 / 13) / 12 + 3 + (9.0 / 13 - 1.0 / 6) / 3;
        double expected = 100 * (Math.Pow(10, (2.25 - integral) / 3) - 1);
        Assert.Equal(expected, BdRate.Percent(anchor, test), 9);
    }

    /// <summary>Half of the last piece above: D from 0 to 2, so that a piece is cut.</summary>
    [Fact]
    public void Piecewise_cubic_over_a_part_of_a_piece()
    {
        // On 1…3 with s = D − 1: 1 + (9/13)·s + c·s² + b·s³, c = (3·½ − 2·9/13 − 1/6)/2, b = (9/13 + 1/6 − 2·½)/4.
        const double d = 9.0 / 13, c = (1.5 - 2 * d - 1.0 / 6) / 2, b = (d + 1.0 / 6 - 1) / 4;
        double integral = 0.5 + (7.0 / 6 - d) / 12 + (1 + d / 2 + c / 3 + b / 4);
        double expected = 100 * (Math.Pow(10, (1 - integral) / 2) - 1);
        Assert.Equal(expected, BdRate.Percent([new(1, 0), new(10, 1), new(100, 3)], Line([0, 2], x => x / 2)), 9);
    }

    /// <summary>
    /// The points lie on log10 r = −1 + 0.1·t + 0.02·t² + 0.003·t³ with t = D − 30, so the fit is exact; against
    /// log10 r = −1 over t = 0…4 the mean difference is 0.05·4 + 0.02·16/3 + 0.003·64/4 (integral ÷ 4).
    /// </summary>
    [Fact]
    public void Cubic_polynomial_by_hand()
    {
        RatePoint[] test = Line(
            [30, 31, 32, 33, 34], d => -1 + 0.1 * (d - 30) + 0.02 * Math.Pow(d - 30, 2) + 0.003 * Math.Pow(d - 30, 3));
        RatePoint[] anchor = Line([30, 31, 33, 34], d => -1 + 0.1 * (d - 30));
        double mean = 0.02 * 16 / 3 + 0.003 * 64 / 4;
        Assert.Equal(100 * (Math.Pow(10, mean) - 1), BdRate.Percent(anchor, test, BdInterpolation.CubicPolynomial), 8);
    }

    [Fact]
    public void Curves_that_do_not_overlap_give_NaN() =>
        Assert.Equal(double.NaN, BdRate.Percent(Line([30, 31], d => d / 10), Line([31, 32], d => d / 10)));

    [Theory, MemberData(nameof(Both))]
    public void Curves_that_are_no_function_are_refused(BdInterpolation how)
    {
        RatePoint[] falls = [new(0.1, 30), new(0.2, 29), new(0.3, 33), new(0.4, 34)];
        RatePoint[] stays = [new(0.1, 30), new(0.2, 30), new(0.3, 33), new(0.4, 34)];
        RatePoint[] free = [new(0, 30), new(0.2, 31), new(0.3, 33), new(0.4, 34)];
        RatePoint[] infinite = [new(0.1, 30), new(0.2, 31), new(0.3, 33), new(0.4, double.PositiveInfinity)];
        foreach (RatePoint[] bad in new[] { falls, stays, free, infinite, [new(0.1, 30)] })
        {
            Assert.Throws<ArgumentException>(() => BdRate.Percent(s_anchor, bad, how));
            Assert.Throws<ArgumentException>(() => BdRate.Percent(bad, s_anchor, how));
        }
    }

    private static RatePoint[] Line(double[] qualities, Func<double, double> logRate) =>
        Array.ConvertAll(qualities, d => new RatePoint(Math.Pow(10, logRate(d)), d));
}
