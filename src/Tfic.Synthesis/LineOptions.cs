using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Tfic.Synthesis;

/// <summary>An interval of numbers, both ends included.</summary>
/// <param name="From">Least value.</param>
/// <param name="To">Greatest value, not below From.</param>
public readonly record struct Interval(double From, double To);

/// <summary>Where the text stands in a picture that is wider than the text.</summary>
public enum Alignment
{
    /// <summary>One of the other three, by chance.</summary>
    Any,

    /// <summary>At the left margin.</summary>
    Left,

    /// <summary>In the middle.</summary>
    Centre,

    /// <summary>At the right margin.</summary>
    Right,
}

/// <summary>
/// What lines are drawn like. Everything that varies has a probability or a relative weight, and an interval from which
/// its strength is drawn. Lengths in em are fractions of the font size.
/// </summary>
public sealed record LineOptions
{
    /// <summary>A moderate mixture: mostly well readable, some hard.</summary>
    public static LineOptions Default { get; } = new();

    /// <summary>Everything left out: black words on white, each at a size of 32.</summary>
    public static LineOptions Plain { get; } = new()
    {
        FontSize = new(32, 32),
        EmboldenProbability = 0,
        SpacingProbability = 0,
        StretchProbability = 0,
        NeighbourProbability = 0,
        SlackProbability = 0,
        Margin = new(0.1, 0.1),
        SkewProbability = 0,
        BlurProbability = 0,
        SineProbability = 0,
        CosineProbability = 0,
        WhiteWeight = 1,
        PlainWeight = 0,
        GradientWeight = 0,
        NoiseWeight = 0,
        QuasicrystalWeight = 0,
        PictureWeight = 0,
        BlackTextProbability = 1,
        InverseProbability = 0,
        PrintProbability = 0,
        GrainProbability = 0,
        JpegProbability = 0,
    };

    /// <summary>Fewest words of a line of words.</summary>
    public int MinWords { get; init; } = 1;

    /// <summary>Most words of a line of words, as far as <see cref="MaxCharacters"/> allows.</summary>
    public int MaxWords { get; init; } = 5;

    /// <summary>Most characters of a line, spaces included.</summary>
    public int MaxCharacters { get; init; } = 25;

    /// <summary>The characters that may be drawn, out of the 95 printable ASCII characters.</summary>
    public string Characters { get; init; } = Font.PrintableAscii;

    /// <summary>Relative weight of lines of words.</summary>
    public double WordsWeight { get; init; } = 0.62;

    /// <summary>Relative weight of numbers: prices, dates, times, telephone numbers, codes.</summary>
    public double NumbersWeight { get; init; } = 0.2;

    /// <summary>Relative weight of random strings.</summary>
    public double RandomWeight { get; init; } = 0.18;

    /// <summary>Relative weight of words as the list writes them.</summary>
    public double AsListedWeight { get; init; } = 0.35;

    /// <summary>Relative weight of words in lower case.</summary>
    public double LowerWeight { get; init; } = 0.15;

    /// <summary>Relative weight of Words In Title Case.</summary>
    public double TitleWeight { get; init; } = 0.25;

    /// <summary>Relative weight of WORDS IN CAPITALS.</summary>
    public double UpperWeight { get; init; } = 0.25;

    /// <summary>Probability that a word gets punctuation before, after or around it.</summary>
    public double PunctuationProbability { get; init; } = 0.22;

    /// <summary>Height of the em square in pixels; capitals have about 0.7 of it.</summary>
    public Interval FontSize { get; init; } = new(24, 64);

    /// <summary>Probability that outlines are fitted to pixel rows as on a screen.</summary>
    public double HintingProbability { get; init; } = 0.4;

    /// <summary>Probability that the text is drawn twice, a little apart, so that strokes grow thicker.</summary>
    public double EmboldenProbability { get; init; } = 0.08;

    /// <summary>Probability that characters and words are spaced otherwise than the font says.</summary>
    public double SpacingProbability { get; init; } = 0.3;

    /// <summary>Space added between characters, in em.</summary>
    public Interval CharacterSpacing { get; init; } = new(-0.03, 0.2);

    /// <summary>Width of the space between words, as a multiple of the font's.</summary>
    public Interval WordSpacing { get; init; } = new(0.7, 2.2);

    /// <summary>Probability that characters are made narrower or wider.</summary>
    public double StretchProbability { get; init; } = 0.2;

    /// <summary>By which factor.</summary>
    public Interval Stretch { get; init; } = new(0.6, 1.4);

    /// <summary>Each of the four margins, in em.</summary>
    public Interval Margin { get; init; } = new(0, 0.3);

    /// <summary>
    /// Probability that the top and bottom are those of the ink and not those of the face's ascenders and descenders.
    /// </summary>
    public double TightProbability { get; init; } = 0.6;

    /// <summary>Probability that the picture is wider than the text and its margins.</summary>
    public double SlackProbability { get; init; } = 0.15;

    /// <summary>By how much it is wider, as a fraction of the text's width.</summary>
    public Interval Slack { get; init; } = new(0.05, 0.6);

    /// <summary>Where the text stands in a wider picture.</summary>
    public Alignment Alignment { get; init; } = Alignment.Any;

    /// <summary>Probability that the line above or below reaches a little into the picture.</summary>
    public double NeighbourProbability { get; init; } = 0.06;

    /// <summary>Probability that the line is turned.</summary>
    public double SkewProbability { get; init; } = 0.3;

    /// <summary>Greatest angle to either side, in degrees, 0…45.</summary>
    public double SkewDegrees { get; init; } = 3;

    /// <summary>Probability that the text is blurred.</summary>
    public double BlurProbability { get; init; } = 0.4;

    /// <summary>Standard deviation of the Gaussian blur, in pixels at an em of 32 pixels; at most 8.</summary>
    public Interval Blur { get; init; } = new(0.2, 1.5);

    /// <summary>Probability that the line is bent along a sine.</summary>
    public double SineProbability { get; init; } = 0.08;

    /// <summary>Probability that the line is bent along a cosine.</summary>
    public double CosineProbability { get; init; } = 0.08;

    /// <summary>The part of the bent lines that is bent sideways (baselines stay straight), not up and down.</summary>
    public double HorizontalShare { get; init; } = 0.25;

    /// <summary>Amplitude of bending in em.</summary>
    public Interval BendAmplitude { get; init; } = new(0.03, 0.15);

    /// <summary>Wavelength of bending in em.</summary>
    public Interval BendWavelength { get; init; } = new(3, 12);

    /// <summary>Relative weight of a white background.</summary>
    public double WhiteWeight { get; init; } = 0.4;

    /// <summary>Relative weight of a background of one colour.</summary>
    public double PlainWeight { get; init; } = 0.25;

    /// <summary>Relative weight of a background that runs from one colour to another.</summary>
    public double GradientWeight { get; init; } = 0.1;

    /// <summary>Relative weight of a background of Gaussian noise.</summary>
    public double NoiseWeight { get; init; } = 0.15;

    /// <summary>Relative weight of a background of interfering waves.</summary>
    public double QuasicrystalWeight { get; init; } = 0.1;

    /// <summary>Relative weight of parts of pictures; needs <see cref="PictureFolder"/>.</summary>
    public double PictureWeight { get; init; }

    /// <summary>
    /// Folder of the pictures for <see cref="PictureWeight"/>: its files of known formats (not those of folders below),
    /// in the order of their names, at most 500.
    /// </summary>
    public string? PictureFolder { get; init; }

    /// <summary>Probability that a dark text is black or nearly so.</summary>
    public double BlackTextProbability { get; init; } = 0.6;

    /// <summary>Probability of a light text on a dark background, unless it is white or print.</summary>
    public double InverseProbability { get; init; } = 0.12;

    /// <summary>Least difference in luma between the text and every part of its background, 0…1.</summary>
    public double Contrast { get; init; } = 0.35;

    /// <summary>
    /// Probability that the line looks like a scanned receipt or document: dark on white, drawn small
    /// (<see cref="PrintSize"/>) with a little blur and grain, then enlarged to <see cref="FontSize"/>.
    /// </summary>
    public double PrintProbability { get; init; } = 0.3;

    /// <summary>Height of the em square at which such a line is drawn, in pixels.</summary>
    public Interval PrintSize { get; init; } = new(12, 24);

    /// <summary>Probability that such a line has lost ink, in specks or in stripes, or consists of dots.</summary>
    public double WearProbability { get; init; } = 0.25;

    /// <summary>Probability that such a line was scanned in black and white without greys.</summary>
    public double BilevelProbability { get; init; } = 0.15;

    /// <summary>Probability that every pixel of the finished picture is a little off.</summary>
    public double GrainProbability { get; init; } = 0.25;

    /// <summary>Standard deviation of that grain, in 1/255.</summary>
    public Interval Grain { get; init; } = new(1, 10);

    /// <summary>Probability that the picture goes through a JPEG file, at the size at which it was drawn.</summary>
    public double JpegProbability { get; init; } = 0.1;

    /// <summary>Quality of that file, 1…100.</summary>
    public Interval JpegQuality { get; init; } = new(30, 90);

    /// <summary>Width to which pictures are resized; null, together with Height, keeps each at its own shape.</summary>
    public int? Width { get; init; }

    /// <summary>Height to which pictures are resized.</summary>
    public int? Height { get; init; }

    /// <summary>Reads options from JSON; what is not given keeps its default.</summary>
    /// <exception cref="TficFormatException">Not JSON, an unknown name, or a value out of its range.</exception>
    public static LineOptions FromJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            // Generated readers set init-only properties that are not given to zero instead of leaving their
            // defaults, so what is given is laid over all the defaults before it is read.
            JsonObject merged = JsonSerializer.SerializeToNode(Default, SynthesisJson.Default.LineOptions)!.AsObject();
            JsonNode given = JsonNode.Parse(json) ?? throw new JsonException("null is no object");
            foreach ((string name, JsonNode? value) in given.AsObject())
                merged[name] = value?.DeepClone();
            LineOptions options = merged.Deserialize(SynthesisJson.Default.LineOptions)!;
            options.Validate();
            return options;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            throw new TficFormatException($"The line options cannot be used: {e.Message}", -1, e);
        }
    }

    /// <summary>Writes all options as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, SynthesisJson.Default.LineOptions);

    /// <summary>Checks every value's range.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    public void Validate()
    {
        Demand(MinWords >= 1 && MaxWords >= MinWords, "MinWords is at least 1 and MaxWords not below it");
        Demand(MaxCharacters is >= 1 and <= 1000, "MaxCharacters is 1…1000");
        Demand(Characters.Any(c => c != ' ') && Characters.All(c => c is >= ' ' and <= '~'),
            "Characters are printable ASCII, and not spaces only");
        Demand(Sum(WordsWeight, NumbersWeight, RandomWeight), "the weights of words, numbers and random strings");
        Demand(Sum(AsListedWeight, LowerWeight, TitleWeight, UpperWeight), "the weights of cases");
        Demand(
            Sum(WhiteWeight, PlainWeight, GradientWeight, NoiseWeight, QuasicrystalWeight, PictureWeight),
            "the weights of backgrounds");
        Demand(PictureWeight == 0 || PictureFolder is not null, "PictureWeight needs a PictureFolder");
        Demand(Width is null == Height is null, "Width and Height are given together or not at all");
        Demand(Width is null or (>= 1 and <= 16384) && Height is null or (>= 1 and <= 16384),
            "Width and Height are 1…16384");
        Span<double> probabilities =
        [
            PunctuationProbability, HintingProbability, EmboldenProbability, SpacingProbability, TightProbability,
            SlackProbability, SkewProbability, BlurProbability, SineProbability, CosineProbability, HorizontalShare,
            BlackTextProbability, InverseProbability, PrintProbability, GrainProbability, JpegProbability,
            StretchProbability, NeighbourProbability, WearProbability, BilevelProbability,
        ];
        foreach (double probability in probabilities)
            Demand(probability is >= 0 and <= 1, "every probability and share is 0…1");
        Within(FontSize, 4, 500, nameof(FontSize));
        Within(PrintSize, 4, 500, nameof(PrintSize));
        Within(CharacterSpacing, -0.2, 4, nameof(CharacterSpacing));
        Within(WordSpacing, 0.3, 10, nameof(WordSpacing));
        Within(Stretch, 0.2, 5, nameof(Stretch));
        Within(Margin, 0, 4, nameof(Margin));
        Within(Slack, 0, 10, nameof(Slack));
        Within(Blur, 0, 8, nameof(Blur));
        Within(BendAmplitude, 0, 1, nameof(BendAmplitude));
        Within(BendWavelength, 0.5, 1000, nameof(BendWavelength));
        Within(Grain, 0, 100, nameof(Grain));
        Within(JpegQuality, 1, 100, nameof(JpegQuality));
        Demand(SkewDegrees is >= 0 and <= 45, "SkewDegrees is 0…45");
        Demand(Contrast is >= 0 and <= 0.9, "Contrast is 0…0.9");
        Demand(Enum.IsDefined(Alignment), "Alignment is Any, Left, Centre or Right");
    }

    private static bool Sum(params ReadOnlySpan<double> weights)
    {
        double sum = 0;
        foreach (double weight in weights)
        {
            if (!(weight >= 0))
                return false;
            sum += weight;
        }

        return sum > 0 && double.IsFinite(sum);
    }

    private static void Within(Interval interval, double from, double to, string name) =>
        Demand(
            interval.From >= from && interval.To <= to && interval.From <= interval.To,
            FormattableString.Invariant($"{name} lies within {from}…{to}, its From not above its To"));

    private static void Demand(bool condition, string what)
    {
        if (!condition)
            throw new ArgumentException($"A line option is out of its range: {what}.");
    }
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(LineOptions))]
internal sealed partial class SynthesisJson : JsonSerializerContext;
