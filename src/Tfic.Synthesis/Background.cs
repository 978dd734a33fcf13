using System.Numerics;
using Tfic.Imaging;

namespace Tfic.Synthesis;

/// <summary>The colours of a line: its text's, and its background's as a mixture of two by a pattern in 0…1.</summary>
internal sealed class Background
{
    // Rec. 601, as everywhere in this library where grey is made of colours.
    private static readonly Vector3 s_luma = new(0.299f, 0.587f, 0.114f);

    private readonly Vector3 _text, _first, _second;
    private readonly Plane? _pattern;
    private readonly Picture? _picture;

    private Background(Vector3 text, Vector3 first, Vector3 second, Plane? pattern, Picture? picture = null)
    {
        _text = text;
        _first = first;
        _second = second;
        _pattern = pattern;
        _picture = picture;
    }

    private enum Kind
    {
        White,
        Plain,
        Gradient,
        Noise,
        Quasicrystal,
        Picture,
    }

    /// <summary>Reads the pictures of a folder, none larger than it needs to be behind a line.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="TficFormatException">There is no picture in it, or a damaged one.</exception>
    public static Picture[] Load(string folder)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no folder of background pictures {folder}.");
        string[] extensions = [".png", ".jpg", ".jpeg", ".ppm", ".pgm", ".pnm"];
        string[] paths = [.. Directory.EnumerateFiles(folder)
            .Where(p => extensions.Contains(Path.GetExtension(p).ToLowerInvariant()))
            .Order(StringComparer.Ordinal).Take(500)];
        if (paths.Length == 0)
            throw new TficFormatException($"There is no picture (PNG, JPEG or PNM) in the folder {folder}.");
        return Array.ConvertAll(paths, path =>
        {
            Picture picture = PictureConversion.ToRgb(PictureFile.Read(path));
            double scale = Math.Min(1, 1024.0 / Math.Max(picture.Width, picture.Height));
            return scale == 1 ? picture : Resampling.Resize(
                picture, Math.Max(1, (int)(picture.Width * scale)), Math.Max(1, (int)(picture.Height * scale)));
        });
    }

    /// <summary>Draws colours that differ enough, and a pattern.</summary>
    public static Background Draw(
        ref RandomStream random, LineOptions options, Picture[] pictures, int width, int height, bool print)
    {
        Span<double> weights =
        [
            options.WhiteWeight, options.PlainWeight, options.GradientWeight, options.NoiseWeight,
            options.QuasicrystalWeight, options.PictureWeight,
        ];
        var kind = (Kind)random.Weighted(weights);
        bool inverse = random.Chance(options.InverseProbability);
        bool black = random.Chance(options.BlackTextProbability);
        float contrast = (float)options.Contrast;

        if (print)
        {
            // Ink of a worn ribbon to full black, paper not always quite white.
            float ink = (float)random.In(new Interval(0, 0.45)), paper = (float)random.In(new Interval(0.85, 1));
            ink = Math.Min(ink, paper - contrast);
            return new Background(
                new Vector3(Math.Max(0, ink)), new Vector3(paper), new Vector3(paper), null);
        }

        if (kind == Kind.White)
        {
            Vector3 dark = black
                ? new Vector3((float)random.In(new Interval(0, 0.2)))
                : WithLuma(ref random, 0, 1 - contrast);
            return new Background(dark, Vector3.One, Vector3.One, null);
        }

        // The luma of the text is drawn first, then both colours of the background beyond the contrast from it.
        // Both polarities are one case: inverse lines are drawn as dark on light and turned into their negative.
        float textLuma = (float)random.In(new Interval(0, black ? 0.1 : 1 - contrast));
        textLuma = Math.Min(textLuma, 1 - contrast);
        float least = textLuma + contrast;
        Vector3 text = black ? new Vector3(textLuma) : WithLuma(ref random, textLuma, textLuma);
        Vector3 first = WithLuma(ref random, least, 1);
        Vector3 second = kind == Kind.Plain ? first : WithLuma(ref random, least, 1);
        if (kind == Kind.Picture)
            (first, second) = (new Vector3(least), Vector3.One);
        if (inverse)
        {
            text = Vector3.One - text;
            first = Vector3.One - first;
            second = Vector3.One - second;
        }

        Plane? pattern = kind switch
        {
            Kind.Gradient => Gradient(ref random, width, height),
            Kind.Noise => Noise(ref random, width, height),
            Kind.Quasicrystal => Quasicrystal(ref random, width, height),
            _ => null,
        };
        Picture? picture = kind == Kind.Picture ? Part(ref random, pictures, width, height) : null;
        return new Background(text, first, second, pattern, picture);
    }

    /// <summary>Fills an RGB picture: background where there is no ink, text where there is.</summary>
    public void Compose(Plane ink, Picture picture)
    {
        Span<byte> target = picture.Samples;
        ReadOnlySpan<float> coverage = ink.Samples;
        ReadOnlySpan<float> pattern = _pattern is null ? default : _pattern.Samples;
        ReadOnlySpan<byte> behind = _picture is null ? default : _picture.Samples;
        Vector3 text = _text * 255, first = _first * 255, step = (_second - _first) * 255;
        for (int i = 0; i < coverage.Length; i++)
        {
            Vector3 colour = first;
            if (!pattern.IsEmpty)
                colour += step * pattern[i];
            else if (!behind.IsEmpty)
                colour += step * new Vector3(behind[3 * i], behind[3 * i + 1], behind[3 * i + 2]) * (1 / 255f);
            colour += (text - colour) * coverage[i];
            target[3 * i] = LineGenerator.Shade(colour.X);
            target[3 * i + 1] = LineGenerator.Shade(colour.Y);
            target[3 * i + 2] = LineGenerator.Shade(colour.Z);
        }
    }

    /// <summary>A colour whose luma is drawn from an interval; its hue is random, its strength what fits.</summary>
    private static Vector3 WithLuma(ref RandomStream random, float from, float to)
    {
        float luma = from + (to - from) * (float)random.Unit();
        var hue = new Vector3((float)random.Unit(), (float)random.Unit(), (float)random.Unit());
        Vector3 chroma = (hue - new Vector3(Vector3.Dot(hue, s_luma))) * (float)random.Unit() * 1.5f;
        // Luma is linear and chroma has none, so any multiple of chroma keeps it; the largest within 0…1 is the limit.
        float reach = 1;
        for (int c = 0; c < 3; c++)
        {
            if (chroma[c] > 0)
                reach = Math.Min(reach, (1 - luma) / chroma[c]);
            else if (chroma[c] < 0)
                reach = Math.Min(reach, -luma / chroma[c]);
        }

        return Vector3.Clamp(new Vector3(luma) + chroma * Math.Max(0, reach), Vector3.Zero, Vector3.One);
    }

    /// <summary>A part of one of the pictures, enlarged if the picture is too small.</summary>
    private static Picture Part(ref RandomStream random, Picture[] pictures, int width, int height)
    {
        Picture picture = random.Pick<Picture>(pictures);
        double scale = Math.Max((double)width / picture.Width, (double)height / picture.Height);
        if (scale > 1)
        {
            picture = Resampling.Resize(
                picture, (int)Math.Ceiling(picture.Width * scale), (int)Math.Ceiling(picture.Height * scale));
        }

        int left = random.Integer(0, picture.Width - width), top = random.Integer(0, picture.Height - height);
        var part = new Picture(width, height, 3);
        for (int y = 0; y < height; y++)
            picture.Row(top + y).Slice(3 * left, 3 * width).CopyTo(part.Row(y));
        return part;
    }

    private static Plane Gradient(ref RandomStream random, int width, int height)
    {
        double angle = random.Unit() * 2 * Math.PI;
        float dx = (float)Math.Cos(angle), dy = (float)Math.Sin(angle);
        float reach = Math.Max(1, Math.Abs(dx) * width + Math.Abs(dy) * height);
        dx /= reach;
        dy /= reach;
        float offset = 0.5f - dx * width / 2 - dy * height / 2;
        var plane = new Plane(width, height);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
                plane.Samples[y * width + x] = offset + dx * (x + 0.5f) + dy * (y + 0.5f);
        }

        return plane;
    }

    private static Plane Noise(ref RandomStream random, int width, int height)
    {
        float deviation = (float)random.In(new Interval(0.05, 0.3));
        var plane = new Plane(width, height);
        foreach (ref float sample in plane.Samples.AsSpan())
            sample = Math.Clamp(0.5f + deviation * random.Normal(), 0f, 1f);
        return plane;
    }

    /// <summary>The mean of plane waves whose directions are spread evenly over the half circle.</summary>
    private static Plane Quasicrystal(ref RandomStream random, int width, int height)
    {
        int waves = random.Integer(5, 9);
        double frequency = random.In(new Interval(0.12, 0.9));
        double turn = random.Unit() * Math.PI;
        var plane = new Plane(width, height);
        var cosX = new float[width];
        var sinX = new float[width];
        for (int k = 0; k < waves; k++)
        {
            double direction = turn + Math.PI * k / waves;
            double ax = frequency * Math.Cos(direction), ay = frequency * Math.Sin(direction);
            double phase = random.Unit() * 2 * Math.PI;
            for (int x = 0; x < width; x++)
            {
                (double sin, double cos) = Math.SinCos(ax * x);
                (sinX[x], cosX[x]) = ((float)sin, (float)cos);
            }

            // cos(ax·x + t) = cos(ax·x)·cos t − sin(ax·x)·sin t: no trigonometry per pixel. The factor makes the sum
            // over waves of ½ + cos/2, divided by their number, a value in 0…1.
            for (int y = 0; y < height; y++)
            {
                (double sin, double cos) = Math.SinCos(ay * y + phase);
                float c = (float)(cos * 0.5 / waves), s = (float)(sin * 0.5 / waves), mean = 0.5f / waves;
                Span<float> row = plane.Samples.AsSpan(y * width, width);
                for (int x = 0; x < width; x++)
                    row[x] += mean + cosX[x] * c - sinX[x] * s;
            }
        }

        return plane;
    }
}
