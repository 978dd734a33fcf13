namespace Tfic.Models;

/// <summary>The trained weights that ship with the product. Each has a card beside it in Weights/.</summary>
public static class ShippedModels
{
    /// <summary>The text-focused codec: stage 2, trained through the recogniser. The default.</summary>
    public const string Compact = "compact";

    /// <summary>The same codec after stage 1, trained for mean squared error.</summary>
    public const string CompactMse = "compact-mse";

    /// <summary>The compact recogniser.</summary>
    public const string RecogniserCompact = "recogniser-compact";

    /// <summary>The compact detector of words.</summary>
    public const string DetectorCompact = "detector-compact";

    /// <summary>D1: restores pages that JPEG of the lowest quality has coded.</summary>
    public const string RestorerD1 = "restorer-d1";

    /// <summary>D2: makes the words of what D1 gives legible to the recogniser.</summary>
    public const string RestorerD2 = "restorer-d2";

    /// <summary>Names of the models that this build holds.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. typeof(ShippedModels).Assembly.GetManifestResourceNames()
            .Where(name => name.EndsWith(Suffix, StringComparison.Ordinal))
            .Select(name => name[..^Suffix.Length])
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Those of <see cref="Names"/> that are codecs, the default first.</summary>
    public static IReadOnlyList<string> Codecs { get; } =
        [.. new[] { Compact, CompactMse }.Where(name => Names.Contains(name))];

    private const string Suffix = ".safetensors";

    /// <summary>Opens a model's safetensors file.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">No such model ships.</exception>
    public static Stream Open(string name) =>
        typeof(ShippedModels).Assembly.GetManifestResourceStream(name + Suffix)
        ?? throw new ArgumentException(
            $"No model called '{name}' ships with this build; it holds: {string.Join(", ", Names)}.", nameof(name));
}
