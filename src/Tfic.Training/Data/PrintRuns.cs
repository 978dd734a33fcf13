using Tfic.Imaging;
using Tfic.Synthesis;

namespace Tfic.Training.Data;

/// <summary>
/// Runs of words in small print at about their own shape, as page readers cut them out: from pages of prose, and lines
/// as on receipts. Lines are 9 to 32 pixels apart; some are coded by JPEG, blurred, noisy or faint.
/// </summary>
public sealed class PrintRuns
{
    private const double LeastDistance = 9, LargestDistance = 32;

    // How far a run may be stretched from its own shape.
    private const double LeastStretch = 0.75, LargestStretch = 1.35;
    private const int Tries = 12;

    private readonly PageGenerator pages;
    private readonly LineGenerator lines;
    private readonly ulong seed;

    /// <summary>Makes a source; it may be used by many threads.</summary>
    /// <param name="fonts">Fonts to set with.</param>
    /// <param name="text">Prose.</param>
    /// <param name="words">Words of the lines.</param>
    /// <param name="seed">Decides on everything.</param>
    public PrintRuns(FontSet fonts, BookText text, WordList words, ulong seed)
    {
        pages = new PageGenerator(PrintSamples.Strip, fonts, text, seed);
        lines = new LineGenerator(CodecSamples.Printed(LineOptions.Default), fonts, words, seed);
        this.seed = seed;
    }

    /// <summary>Runs for one batch, all read at the same width.</summary>
    /// <param name="batch">Number of the batch; what is drawn is a pure function of it.</param>
    /// <param name="count">Runs.</param>
    /// <param name="width">Columns at which they are read, 32 rows high.</param>
    public (Picture Picture, string Text)[] Draw(long batch, int count, int width)
    {
        var random = new Random(unchecked((int)(((ulong)batch * 0x9E3779B97F4A7C15UL + seed) >> 33)));
        var runs = new List<(Picture, string)>(count);
        for (long n = batch * (count + Tries); runs.Count < count; n++)
        {
            double distance = LeastDistance * Math.Pow(LargestDistance / LeastDistance, random.NextDouble());
            if (random.Next(3) == 0)
                AddLine(runs, random, n, distance, width);
            else
                AddWords(runs, random, n, distance, width, Math.Min(count - runs.Count, 1 + count / 8));
        }

        return [.. runs.Take(count)];
    }

    private void AddLine(List<(Picture, string)> runs, Random random, long index, double height, int width)
    {
        TextLine line = lines.Draw(index);
        int rows = Math.Min((int)Math.Ceiling(height), line.Picture.Height);
        int columns = Math.Max(4, line.Picture.Width * rows / line.Picture.Height);
        if (Fits(columns, rows, width))
            runs.Add((Wear(PictureConversion.ToGrey(Resampling.Resize(line.Picture, columns, rows)), random), line.Text));
    }

    private void AddWords(
        List<(Picture, string)> runs, Random random, long index, double distance, int width, int count)
    {
        Page page = pages.Draw(index);
        page = page.Downscale(Math.Min(distance, page.LineDistance));
        Picture picture = Wear(page.Picture, random);
        for (int tries = 0; tries < Tries * count && count > 0; tries++)
        {
            PageLine line = page.Lines[random.Next(page.Lines.Length)];
            int first = random.Next(line.Words.Length), end = first + 1;
            Box box = line.Words[first].Box;
            int margin = random.Next(0, 2 + (int)(distance / 6));
            while (true)
            {
                int columns = box.Width + 2 * margin, rows = box.Height + 2 * margin;
                if (Fits(columns, rows, width))
                {
                    string text = string.Join(' ', line.Words.Skip(first).Take(end - first).Select(w => w.Text));
                    runs.Add((Cut(picture, box, margin, random), text));
                    count--;
                    break;
                }

                if (end == line.Words.Length || 32.0 * columns / rows > width)
                    break;
                Box next = line.Words[end++].Box;
                box = new Box(
                    box.Left, Math.Min(box.Top, next.Top), Math.Max(box.Right, next.Right),
                    Math.Max(box.Bottom, next.Bottom));
            }
        }
    }

    private static bool Fits(int columns, int rows, int width)
    {
        double stretch = (double)width * rows / (32.0 * columns);
        return stretch is >= LeastStretch and <= LargestStretch;
    }

    /// <summary>The box with a margin that differs by up to a pixel a side, as a detector's boxes do.</summary>
    private static Picture Cut(Picture page, Box box, int margin, Random random)
    {
        var around = new Box(
            box.Left - margin - random.Next(2), box.Top - margin - random.Next(2),
            box.Right + margin + random.Next(2), box.Bottom + margin + random.Next(2));
        return page.Crop(around.Intersect(new Box(0, 0, page.Width, page.Height)));
    }

    private static Picture Wear(Picture picture, Random random)
    {
        switch (random.Next(6))
        {
            case 0 or 1:
                return JpegDamage.Apply(picture, (int)Math.Round(4 * Math.Pow(15, random.NextDouble())));
            case 2:
                double scale = 0.6 + 0.3 * random.NextDouble();
                Picture small = Resampling.Resize(
                    picture, Math.Max(4, (int)(picture.Width * scale)), Math.Max(4, (int)(picture.Height * scale)));
                return Resampling.Resize(small, picture.Width, picture.Height);
            case 3:
                float light = 0.4f + 0.6f * random.NextSingle(), offset = (1 - light) * random.NextSingle() * 255;
                float noise = 40 * random.NextSingle();
                var worn = new Picture(picture.Width, picture.Height, 1);
                for (int i = 0; i < worn.Samples.Length; i++)
                {
                    float value = picture.Samples[i] * light + offset + noise * (random.NextSingle() - 0.5f);
                    worn.Samples[i] = (byte)Math.Clamp(value + 0.5f, 0, 255);
                }

                return worn;
            default:
                return picture;
        }
    }
}
