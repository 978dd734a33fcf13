namespace Tfic.Metrics;

/// <summary>How <see cref="BdRate"/> draws a curve through the measured points.</summary>
public enum BdInterpolation
{
    /// <summary>Piecewise cubic Hermite polynomials that keep monotone data monotone (Fritsch and Butland 1984), what
    /// the common test conditions of HEVC and VVC use. Any number of points from two on.</summary>
    PiecewiseCubic,

    /// <summary>One polynomial of degree 3 fitted by least squares (VCEG-M33). At least four points.</summary>
    CubicPolynomial,
}

/// <summary>One measured point of a rate–quality curve.</summary>
/// <param name="Rate">Rate in any unit, above 0; bits per pixel here.</param>
/// <param name="Quality">Quality, higher being better: dB, MS-SSIM, accuracy.</param>
public readonly record struct RatePoint(double Rate, double Quality);

/// <summary>
/// Bjøntegaard's delta rate (G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves",
/// VCEG-M33, 2001): how many per cent more bits one codec needs than another for equal quality.
/// </summary>
/// <remarks>
/// Each curve gives log10(rate) as a function of quality. Over the qualities that both curves cover, D0…D1:
/// <code>BD-rate = 100 · (10^((∫ log r_test − ∫ log r_anchor) / (D1 − D0)) − 1)</code>
/// </remarks>
public static class BdRate
{
    /// <summary>Average difference of rate at equal quality.</summary>
    /// <param name="anchor">Points of the codec compared with, in any order.</param>
    /// <param name="test">Points of the codec under test, in any order.</param>
    /// <param name="interpolation">How the curves are drawn.</param>
    /// <returns>Per cent, above −100; negative: the codec under test needs fewer bits. NaN where the two curves have
    /// no range of quality in common.</returns>
    /// <exception cref="ArgumentException">Too few points; a rate that is not positive and finite; a quality that is
    /// not finite; or, along a curve, quality that does not rise with rate, for which log-rate is no function of
    /// quality.</exception>
    public static double Percent(
        IReadOnlyList<RatePoint> anchor,
        IReadOnlyList<RatePoint> test,
        BdInterpolation interpolation = BdInterpolation.PiecewiseCubic)
    {
        (double[] anchorQuality, double[] anchorLog) = Check(anchor, interpolation, nameof(anchor));
        (double[] testQuality, double[] testLog) = Check(test, interpolation, nameof(test));
        double low = Math.Max(anchorQuality[0], testQuality[0]);
        double high = Math.Min(anchorQuality[^1], testQuality[^1]);
        if (!(high > low))
            return double.NaN;

        double difference = interpolation == BdInterpolation.PiecewiseCubic
            ? PiecewiseIntegral(testQuality, testLog, low, high)
                - PiecewiseIntegral(anchorQuality, anchorLog, low, high)
            : PolynomialIntegral(testQuality, testLog, low, high)
                - PolynomialIntegral(anchorQuality, anchorLog, low, high);
        return 100.0 * (Math.Pow(10.0, difference / (high - low)) - 1.0);
    }

    private static (double[] Quality, double[] LogRate) Check(
        IReadOnlyList<RatePoint> points, BdInterpolation interpolation, string name)
    {
        ArgumentNullException.ThrowIfNull(points, name);
        int least = interpolation == BdInterpolation.PiecewiseCubic ? 2 : 4;
        if (points.Count < least)
            throw new ArgumentException($"{points.Count} points given, at least {least} needed.", name);
        if (points.Any(p => !(p.Rate > 0) || !double.IsFinite(p.Rate) || !double.IsFinite(p.Quality)))
            throw new ArgumentException("Rates must be positive and all values finite.", name);

        RatePoint[] sorted = [.. points.OrderBy(p => p.Rate)];
        for (int i = 1; i < sorted.Length; i++)
        {
            if (!(sorted[i].Quality > sorted[i - 1].Quality))
                throw new ArgumentException(
                    $"Quality falls or stays ({sorted[i - 1].Quality} → {sorted[i].Quality}) where rate rises.", name);
        }

        return (Array.ConvertAll(sorted, p => p.Quality), Array.ConvertAll(sorted, p => Math.Log10(p.Rate)));
    }

    /// <summary>∫ from low to high of the Hermite interpolant of (x, y).</summary>
    private static double PiecewiseIntegral(double[] x, double[] y, double low, double high)
    {
        double[] slope = MonotoneSlopes(x, y);
        double integral = 0;
        for (int i = 0; i + 1 < x.Length; i++)
        {
            double from = Math.Max(low, x[i]), to = Math.Min(high, x[i + 1]);
            if (to <= from)
                continue;

            // On [x_i, x_i + h] with s = x − x_i: y_i + d_i·s + c·s² + b·s³.
            double h = x[i + 1] - x[i], secant = (y[i + 1] - y[i]) / h;
            double c = (3 * secant - 2 * slope[i] - slope[i + 1]) / h;
            double b = (slope[i] + slope[i + 1] - 2 * secant) / (h * h);
            double Antiderivative(double s) => s * (y[i] + s * (slope[i] / 2 + s * (c / 3 + s * b / 4)));
            integral += Antiderivative(to - x[i]) - Antiderivative(from - x[i]);
        }

        return integral;
    }

    /// <summary>
    /// Slopes at the points: inside, the weighted harmonic mean of the two secants (0 where they differ in sign); at
    /// the ends, the slope of the parabola through three points, limited so that the curve does not overshoot.
    /// </summary>
    private static double[] MonotoneSlopes(double[] x, double[] y)
    {
        int n = x.Length;
        var h = new double[n - 1];
        var secant = new double[n - 1];
        for (int i = 0; i < n - 1; i++)
        {
            h[i] = x[i + 1] - x[i];
            secant[i] = (y[i + 1] - y[i]) / h[i];
        }

        if (n == 2)
            return [secant[0], secant[0]];

        var slope = new double[n];
        for (int i = 1; i < n - 1; i++)
        {
            if (secant[i - 1] * secant[i] <= 0)
                continue;
            double left = 2 * h[i] + h[i - 1], right = h[i] + 2 * h[i - 1];
            slope[i] = (left + right) / (left / secant[i - 1] + right / secant[i]);
        }

        slope[0] = EndSlope(h[0], h[1], secant[0], secant[1]);
        slope[^1] = EndSlope(h[^1], h[^2], secant[^1], secant[^2]);
        return slope;
    }

    private static double EndSlope(double h0, double h1, double secant0, double secant1)
    {
        double slope = ((2 * h0 + h1) * secant0 - h0 * secant1) / (h0 + h1);
        if (Math.Sign(slope) != Math.Sign(secant0))
            return 0;
        return Math.Sign(secant0) != Math.Sign(secant1) && Math.Abs(slope) > 3 * Math.Abs(secant0)
            ? 3 * secant0
            : slope;
    }

    /// <summary>∫ from low to high of the least-squares cubic through (x, y).</summary>
    private static double PolynomialIntegral(double[] x, double[] y, double low, double high)
    {
        // In t = (x − centre) / half, which lies in −1…1, the normal equations are well conditioned even for
        // qualities such as 30…31 dB, whose sixth powers differ by little.
        double centre = (x[0] + x[^1]) / 2, half = (x[^1] - x[0]) / 2;
        const int terms = 4;
        var equations = new double[terms, terms + 1];
        for (int i = 0; i < x.Length; i++)
        {
            double t = (x[i] - centre) / half;
            for (int row = 0; row < terms; row++)
            {
                for (int column = 0; column < terms; column++)
                    equations[row, column] += Math.Pow(t, row + column);
                equations[row, terms] += Math.Pow(t, row) * y[i];
            }
        }

        double[] coefficients = Solve(equations);
        double Antiderivative(double value)
        {
            double t = (value - centre) / half, sum = 0;
            for (int k = 0; k < terms; k++)
                sum += coefficients[k] * Math.Pow(t, k + 1) / (k + 1);
            return sum * half;
        }

        return Antiderivative(high) - Antiderivative(low);
    }

    /// <summary>Gaussian elimination with partial pivoting on an augmented matrix.</summary>
    private static double[] Solve(double[,] m)
    {
        int n = m.GetLength(0);
        for (int column = 0; column < n; column++)
        {
            int pivot = column;
            for (int row = column + 1; row < n; row++)
            {
                if (Math.Abs(m[row, column]) > Math.Abs(m[pivot, column]))
                    pivot = row;
            }

            for (int k = 0; k <= n; k++)
                (m[column, k], m[pivot, k]) = (m[pivot, k], m[column, k]);
            for (int row = column + 1; row < n; row++)
            {
                double factor = m[row, column] / m[column, column];
                for (int k = column; k <= n; k++)
                    m[row, k] -= factor * m[column, k];
            }
        }

        var solution = new double[n];
        for (int row = n - 1; row >= 0; row--)
        {
            double sum = m[row, n];
            for (int k = row + 1; k < n; k++)
                sum -= m[row, k] * solution[k];
            solution[row] = sum / m[row, row];
        }

        return solution;
    }
}
