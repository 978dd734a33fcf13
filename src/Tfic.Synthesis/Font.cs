using System.Collections.Concurrent;

namespace Tfic.Synthesis;

/// <summary>A font file that can write text: what it is called and which characters it has.</summary>
public sealed class Font
{
    /// <summary>The 95 printable ASCII characters, from space to tilde.</summary>
    public static readonly string PrintableAscii = string.Concat(Enumerable.Range(' ', 95).Select(i => (char)i));

    // Without these a font cannot write ordinary text.
    private const string Required =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,-";

    // Words of names whose fonts draw pictures, keys or white on black where letters are expected; D050000L is
    // URW's Zapf Dingbats, which pretends to have letters.
    private static readonly string[] s_ornaments =
    [
        "Symbol", "Symbols", "Math", "Keyboard", "Initials", "Dingbats", "D050000L", "Emoji", "Icon", "Icons",
        "Inverted",
    ];

    private readonly ConcurrentBag<Face> _idle = [];
    private readonly bool[] _has = new bool[95];

    private Font(string path, Face face)
    {
        Path = path;
        Family = face.Family;
        Style = face.Style;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The family's name in the file.</summary>
    public string Family { get; }

    /// <summary>The style's name in the file, such as "Bold Italic".</summary>
    public string Style { get; }

    /// <summary>Family and style.</summary>
    public string Name => Style.Length == 0 ? Family : $"{Family} {Style}";

    /// <summary>
    /// Lower-case letters look exactly like capitals. Such a font is useful, but only for text in capitals: read
    /// back, nothing would tell the cases apart.
    /// </summary>
    public bool CapitalsOnly { get; private set; }

    /// <summary>Opens a font file and looks at its glyphs.</summary>
    /// <param name="path">TrueType, OpenType or Type 1.</param>
    /// <exception cref="FileNotFoundException">No such file.</exception>
    /// <exception cref="TficFormatException">
    /// FreeType cannot read the file, or it lacks letters, digits or the commonest punctuation, as symbol, icon and
    /// mathematical fonts do.
    /// </exception>
    /// <exception cref="DllNotFoundException">FreeType is not installed.</exception>
    public static Font Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var face = new Face(path);
        try
        {
            var font = new Font(path, face);
            font.Examine(face);
            return font;
        }
        finally
        {
            // Hundreds of fonts are examined and some never drawn: none is kept open by that.
            face.Dispose();
        }
    }

    /// <summary>Whether the font has a character; spaces it always has.</summary>
    public bool Has(char character) => character is >= ' ' and <= '~' && _has[character - ' '];

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>A face that nobody else uses until it is returned.</summary>
    internal Face Rent() => _idle.TryTake(out Face? face) ? face : new Face(Path);

    /// <summary>Gives a face back for the next to rent.</summary>
    internal void Return(Face face) => _idle.Add(face);

    private void Examine(Face face)
    {
        if (!face.HasUnicode)
            throw new TficFormatException($"The font {Path} is a symbol font: it has no Unicode characters.");
        string? ornament = Name.Split(' ', '-').FirstOrDefault(
            word => s_ornaments.Contains(word, StringComparer.OrdinalIgnoreCase));
        if (ornament is not null)
            throw new TficFormatException($"The font {Path} ({Name}) is not for text: \"{ornament}\".");

        // Some fonts map characters that they lack to the box of glyph 0.
        ulong missing = face.OutlineHash(0);
        var outlines = new ulong[95];
        foreach (char c in PrintableAscii)
        {
            uint glyph = face.GlyphIndex(c);
            ulong outline = glyph == 0 ? 0 : face.OutlineHash(glyph);
            outlines[c - ' '] = outline;
            _has[c - ' '] = c == ' ' || (outline != 0 && outline != missing);
        }

        string lacking = string.Concat(Required.Where(c => !Has(c)));
        if (lacking.Length > 0)
            throw new TficFormatException($"The font {Path} ({Name}) lacks the characters {lacking}");

        int alike = 0;
        for (char c = 'a'; c <= 'z'; c++)
        {
            if (outlines[c - ' '] == outlines[char.ToUpperInvariant(c) - ' '])
                alike++;
        }

        // Humor Sans has two drawings of every capital, one in place of the small letter.
        CapitalsOnly = alike >= 13 || Family == "Humor Sans";
    }
}
