using Tfic.Imaging;

namespace Tfic.Reading;

/// <summary>A word that was read on a page.</summary>
/// <param name="Text">Its characters; no space among them.</param>
/// <param name="Box">The box of its ink, in pixels of the picture.</param>
/// <param name="Characters">Confidence of each character, 0…1.</param>
public sealed record PageTextWord(string Text, Box Box, IReadOnlyList<double> Characters)
{
    /// <summary>Product of the characters' confidences, 0…1.</summary>
    public double Confidence { get; } = Characters.Aggregate(1.0, (product, confidence) => product * confidence);
}

/// <summary>A line of a page.</summary>
/// <param name="Words">Its words from left to right, at least one.</param>
public sealed record PageTextLine(IReadOnlyList<PageTextWord> Words)
{
    /// <summary>The words, with a space between each two.</summary>
    public string Text { get; } = string.Join(' ', Words.Select(word => word.Text));

    /// <summary>The smallest box that holds the words.</summary>
    public Box Box { get; } = Words.Select(word => word.Box).Aggregate((a, b) => a.Union(b));

    /// <summary>Product of the words' confidences, 0…1.</summary>
    public double Confidence { get; } = Words.Aggregate(1.0, (product, word) => product * word.Confidence);

    /// <inheritdoc/>
    public override string ToString() => Text;
}

/// <summary>What was read on a page.</summary>
/// <param name="Lines">Its lines from top to bottom; none where no text was found.</param>
public sealed record PageText(IReadOnlyList<PageTextLine> Lines)
{
    /// <summary>The lines' text, a line each, with '\n' between.</summary>
    public string Text { get; } = string.Join('\n', Lines.Select(line => line.Text));

    /// <inheritdoc/>
    public override string ToString() => Text;
}
