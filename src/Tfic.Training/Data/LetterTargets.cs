using System.Collections.Immutable;
using Tfic.Imaging;
using Tfic.Synthesis;

namespace Tfic.Training.Data;

/// <summary>Which character stands where in a piece of print: a class for each cell of 2 × 4 pixels.</summary>
/// <remarks>
/// A character's cells reach from the middle of the gap before it to the middle of the gap behind it, and are as high as
/// its word's ink. Only words that lie wholly inside the piece count.
/// </remarks>
internal static class LetterTargets
{
    /// <summary>Pixels of a cell.</summary>
    public const int CellWidth = 2, CellHeight = 4;

    /// <summary>The class of cells without a character, which losses leave out.</summary>
    public const long None = -100;

    /// <summary>Columns and rows of a piece's cells.</summary>
    public const int Columns = PrintSamples.Width / CellWidth, Rows = PrintSamples.Height / CellHeight;

    /// <summary>Draws the classes of a piece.</summary>
    /// <param name="words">Words wholly inside.</param>
    /// <param name="classes">Receives Rows × Columns classes of <see cref="Charset"/>, or <see cref="None"/>.</param>
    public static void Draw(ImmutableArray<PageWord> words, Span<long> classes)
    {
        classes.Fill(None);
        foreach (PageWord word in words)
        {
            ImmutableArray<Box> characters = word.Characters;

            // A blank character has no box: which box is whose cannot be told then.
            if (characters.Length != word.Text.Length)
                continue;
            for (int i = 0; i < characters.Length; i++)
            {
                double left = i == 0 ? characters[i].Left : 0.5 * (characters[i - 1].Right + characters[i].Left);
                double right = i == characters.Length - 1
                    ? characters[i].Right
                    : 0.5 * (characters[i].Right + characters[i + 1].Left);
                for (int row = FirstCell(word.Box.Top, CellHeight); row < FirstCell(word.Box.Bottom, CellHeight); row++)
                {
                    for (int column = FirstCell(left, CellWidth); column < FirstCell(right, CellWidth); column++)
                        classes[row * Columns + column] = Charset.ClassOf(word.Text[i]);
                }
            }
        }
    }

    /// <summary>The first cell whose middle does not come before a place.</summary>
    private static int FirstCell(double place, int size) => (int)Math.Ceiling(place / size - 0.5);
}
