using System.Runtime.InteropServices;
using Tfic.Reading;

namespace Tfic.CApi;

/// <summary>tfic_word: a word that was read on a page, as C sees it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Word
{
    /// <summary>UTF-8 with a zero byte at its end, in the memory of the array that the word is in.</summary>
    public byte* Text;

    /// <summary>The box of its ink, in pixels; right and bottom are the first outside.</summary>
    public int Left, Top, Right, Bottom;

    /// <summary>Number of its line, from 0.</summary>
    public int Line;

    /// <summary>0 … 1.</summary>
    public double Confidence;

    /// <summary>The words of a page and, behind them, their text: one block that tfic_free releases.</summary>
    /// <param name="page">What was read.</param>
    /// <param name="count">How many words.</param>
    /// <returns>The first word; not null, even if there is none.</returns>
    /// <exception cref="OutOfMemoryException">There is no memory.</exception>
    public static Word* Allocate(PageText page, out nuint count)
    {
        count = 0;
        nuint size = 0;
        foreach (PageTextWord word in page.Lines.SelectMany(line => line.Words))
        {
            count++;
            size += (nuint)(sizeof(Word) + System.Text.Encoding.UTF8.GetByteCount(word.Text) + 1);
        }

        Word* words = (Word*)NativeMemory.Alloc(Math.Max(1, size));
        byte* text = (byte*)(words + count);
        Word* next = words;
        for (int line = 0; line < page.Lines.Count; line++)
        {
            foreach (PageTextWord word in page.Lines[line].Words)
            {
                int length = System.Text.Encoding.UTF8.GetByteCount(word.Text);
                System.Text.Encoding.UTF8.GetBytes(word.Text, new Span<byte>(text, length));
                text[length] = 0;
                *next++ = new Word
                {
                    Text = text,
                    Left = word.Box.Left,
                    Top = word.Box.Top,
                    Right = word.Box.Right,
                    Bottom = word.Box.Bottom,
                    Line = line,
                    Confidence = word.Confidence,
                };
                text += length + 1;
            }
        }

        return words;
    }
}
