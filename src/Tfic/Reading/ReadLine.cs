namespace Tfic.Reading;

/// <summary>A character that was read.</summary>
/// <param name="Text">The character; more than one char where it lies outside the basic plane.</param>
/// <param name="Confidence">Its probability in the frame that emits it, 0…1.</param>
/// <param name="Column">Where in the picture that frame has its centre, in pixels from the left.</param>
public readonly record struct ReadCharacter(string Text, double Confidence, double Column);

/// <summary>A line that was read.</summary>
public sealed class ReadLine
{
    private readonly ReadCharacter[] _characters;

    /// <summary>Makes a line of its characters.</summary>
    /// <param name="characters">The characters from left to right.</param>
    /// <param name="confidence">Of the whole, where that is not the product of the characters'.</param>
    internal ReadLine(ReadCharacter[] characters, double? confidence = null)
    {
        _characters = characters;
        Text = string.Concat(characters.Select(c => c.Text));
        double product = 1;
        foreach (ReadCharacter character in characters)
            product *= character.Confidence;
        Confidence = confidence ?? product;
        MeanConfidence = characters.Length == 0 ? 1 : Math.Pow(product, 1.0 / characters.Length);
    }

    /// <summary>The text; it may hold spaces, and is empty where nothing was read.</summary>
    public string Text { get; }

    /// <summary>
    /// Product of the characters' confidences, 0…1; 1 for an empty text. Of a <see cref="Networks.TextRecogniserModel"/> as
    /// its authors define it: of CTC the product over all frames, and 0 for an empty text.
    /// </summary>
    public double Confidence { get; }

    /// <summary>Geometric mean of the characters' confidences, 0…1; 1 for an empty text.</summary>
    public double MeanConfidence { get; }

    /// <summary>The characters from left to right.</summary>
    public IReadOnlyList<ReadCharacter> Characters => _characters;

    /// <inheritdoc/>
    public override string ToString() => Text;
}
