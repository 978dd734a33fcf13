using System.Collections.Immutable;
using Tfic.Imaging;
using Tfic.Synthesis;

namespace Tfic.Training.Data;

/// <summary>A piece of a page of prose, before and after JPEG.</summary>
/// <param name="Original">Grey.</param>
/// <param name="Degraded">The same piece of the decoded file; its edges lie on those of the file's blocks.</param>
/// <param name="Words">The words wholly inside, with boxes relative to the piece.</param>
public sealed record PrintSample(Picture Original, Picture Degraded, ImmutableArray<PageWord> Words);

/// <summary>
/// Small print as restorers are trained on it: pages made so small that baselines are 12 pixels apart, and coded as
/// grey JPEG of quality 1 (paper, Section 4). Every fifth piece is a little larger and coded a little better, so that
/// such pages are restored, too.
/// </summary>
public sealed class PrintSamples
{
    /// <summary>Distance of the baselines, in pixels.</summary>
    public const double LineDistance = 12;

    /// <summary>Quality of the file.</summary>
    public const int Quality = 1;

    /// <summary>Rows of a piece.</summary>
    public const int Height = 64;

    /// <summary>Columns of a piece.</summary>
    public const int Width = 256;

    private const int VariedEvery = 5;
    private const int BlockSize = 8;

    // Strips of pages, a few lines high: hardly more is set than is cut out.
    internal static PageOptions Strip { get; } = new() { Width = 1240, Height = 480, Margin = new(0.01, 0.06) };

    private readonly PageGenerator pages;
    private readonly ulong seed;
    private readonly bool varied;

    /// <summary>Makes a source of samples; it may be used by many threads.</summary>
    /// <param name="fonts">Fonts to set with.</param>
    /// <param name="text">Prose.</param>
    /// <param name="seed">Decides on everything.</param>
    /// <param name="varied">Whether every fifth piece is larger and better.</param>
    public PrintSamples(FontSet fonts, BookText text, ulong seed, bool varied)
    {
        pages = new PageGenerator(Strip, fonts, text, seed);
        (this.seed, this.varied) = (seed, varied);
    }

    /// <summary>A piece of 64 × 256 pixels; a pure function of the index.</summary>
    public PrintSample Draw(long index)
    {
        var random = new Random(unchecked((int)(((ulong)index * 0x9E3779B97F4A7C15UL + seed) >> 33)));
        bool other = varied && index % VariedEvery == VariedEvery - 1;
        double distance = other ? 11 + 9 * random.NextDouble() : LineDistance;
        int quality = other ? random.Next(1, 6) : Quality;

        Page page = pages.Draw(index);
        page = page.Downscale(Math.Min(distance, page.LineDistance));
        Picture degraded = JpegDamage.Apply(page.Picture, quality);
        int left = Offset(random, page.Picture.Width - Width), top = Offset(random, page.Picture.Height - Height);
        var place = new Box(left, top, left + Width, top + Height);
        return new PrintSample(
            Cut(page.Picture, left, top),
            Cut(degraded, left, top),
            [
                .. page.Lines.SelectMany(line => line.Words).Where(word => place.Contains(word.Box))
                    .Select(word => word.Offset(-left, -top)),
            ]);
    }

    private static int Offset(Random random, int spare) => random.Next(Math.Max(0, spare) / BlockSize + 1) * BlockSize;

    /// <summary>A window; white where the page is smaller.</summary>
    private static Picture Cut(Picture page, int left, int top)
    {
        var piece = new Picture(Width, Height, 1);
        piece.Samples.AsSpan().Fill(255);
        var place = new Box(left, top, left + Width, top + Height);
        piece.Paste(page.Crop(place.Intersect(new Box(0, 0, page.Width, page.Height))), 0, 0);
        return piece;
    }
}
