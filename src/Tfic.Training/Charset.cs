namespace Tfic.Training;

/// <summary>
/// The compact recogniser's classes: the CTC blank, then the 95 printable ASCII characters in code order.
/// </summary>
public static class Charset
{
    /// <summary>The characters of classes 1, 2, ….</summary>
    public static readonly string Characters = string.Concat(Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c));

    /// <summary>Number of classes with the blank.</summary>
    public static int ClassCount => Characters.Length + 1;

    /// <summary>Class of a character.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The character is not printable ASCII.</exception>
    public static int ClassOf(char character)
    {
        if (character is < ' ' or > '~')
            throw new ArgumentOutOfRangeException(
                nameof(character), $"Character U+{(int)character:X4} is not printable ASCII.");
        return character - ' ' + 1;
    }

    /// <summary>Greedy CTC decoding: merges repeats, drops blanks.</summary>
    /// <param name="classes">Best class of each frame.</param>
    public static string Collapse(ReadOnlySpan<long> classes)
    {
        var text = new System.Text.StringBuilder();
        long previous = 0;
        foreach (long c in classes)
        {
            if (c != 0 && c != previous)
                text.Append(Characters[(int)c - 1]);
            previous = c;
        }

        return text.ToString();
    }
}
