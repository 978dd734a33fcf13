namespace Tfic.Synthesis;

/// <summary>Bending along sine and cosine, and turning.</summary>
internal readonly struct Bend
{
    private readonly double _angle;
    private readonly Wave _sine, _cosine;

    private Bend(double angle, Wave sine, Wave cosine)
    {
        _angle = angle;
        _sine = sine;
        _cosine = cosine;
    }

    /// <summary>A shift by Amplitude · sin(2π·t / Length + Phase), along one axis as a function of the other.</summary>
    private readonly record struct Wave(double Amplitude, double Length, double Phase, bool Horizontal)
    {
        public double At(double t) =>
            Amplitude == 0 ? 0 : Amplitude * Math.Sin(2 * Math.PI * t / Length + Phase);
    }

    public bool IsNone => _angle == 0 && _sine.Amplitude == 0 && _cosine.Amplitude == 0;

    public static Bend Draw(ref RandomStream random, LineOptions options, double size)
    {
        double angle = random.Chance(options.SkewProbability)
            ? random.In(new Interval(-options.SkewDegrees, options.SkewDegrees)) * Math.PI / 180
            : 0;
        Wave sine = random.Chance(options.SineProbability) ? DrawWave(ref random, options, size, 0) : default;
        Wave cosine = random.Chance(options.CosineProbability)
            ? DrawWave(ref random, options, size, Math.PI / 2)
            : default;
        return new Bend(angle, sine, cosine);
    }

    /// <summary>Bends, then turns about the middle, and adds margins around what comes of it.</summary>
    public Plane Apply(Plane flat, int left, int above, int right, int below)
    {
        // Wanted is where each pixel of the result comes from: turn back, then bend back. Bending moves columns up and
        // down by v(x) and rows to the sides by h(y), where x and y are those of the flat text, so for the small
        // amplitudes used here the flat position of a bent point (x', y') is taken as y = y' − v(x'), x = x' − h(y).
        double extraX = Reach(horizontal: true), extraY = Reach(horizontal: false);
        double w = flat.Width + 2 * extraX, h = flat.Height + 2 * extraY;
        double cos = Math.Cos(_angle), sin = Math.Sin(_angle);
        int width = (int)Math.Ceiling(w * cos + h * Math.Abs(sin)) + left + right;
        int height = (int)Math.Ceiling(w * Math.Abs(sin) + h * cos) + above + below;
        double cx = left + (width - left - right) / 2.0, cy = above + (height - above - below) / 2.0;

        var result = new Plane(width, height);
        for (int y = 0; y < height; y++)
        {
            double dy = y + 0.5 - cy;
            for (int x = 0; x < width; x++)
            {
                double dx = x + 0.5 - cx;
                double bentX = dx * cos + dy * sin + flat.Width / 2.0;
                double bentY = dy * cos - dx * sin + flat.Height / 2.0;
                if (bentY < -extraY || bentY > flat.Height + extraY)
                    continue;
                double flatY = bentY - Shift(bentX, horizontal: false);
                double flatX = bentX - Shift(flatY, horizontal: true);
                result.Samples[y * width + x] = Sample(flat, flatX - 0.5, flatY - 0.5);
            }
        }

        return result;
    }

    private static Wave DrawWave(ref RandomStream random, LineOptions options, double size, double phase)
    {
        double amplitude = random.In(options.BendAmplitude) * size;
        double length = random.In(options.BendWavelength) * size;
        return new Wave(amplitude, length, phase, random.Chance(options.HorizontalShare));
    }

    private double Reach(bool horizontal) =>
        (_sine.Horizontal == horizontal ? _sine.Amplitude : 0) +
        (_cosine.Horizontal == horizontal ? _cosine.Amplitude : 0);

    private double Shift(double t, bool horizontal) =>
        (_sine.Horizontal == horizontal ? _sine.At(t) : 0) +
        (_cosine.Horizontal == horizontal ? _cosine.At(t) : 0);

    private static float Sample(Plane plane, double x, double y)
    {
        int x0 = (int)Math.Floor(x), y0 = (int)Math.Floor(y);
        if (x0 < 0 || y0 < 0 || x0 + 1 >= plane.Width || y0 + 1 >= plane.Height)
            return 0;
        float fx = (float)(x - x0), fy = (float)(y - y0);
        int at = y0 * plane.Width + x0;
        float[] s = plane.Samples;
        float above = s[at] + (s[at + 1] - s[at]) * fx;
        float below = s[at + plane.Width] + (s[at + plane.Width + 1] - s[at + plane.Width]) * fx;
        return above + (below - above) * fy;
    }
}
