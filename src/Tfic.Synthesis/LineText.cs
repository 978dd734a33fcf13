using System.Globalization;
using System.Text;

namespace Tfic.Synthesis;

/// <summary>Makes up what a line says.</summary>
internal sealed class LineText
{
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    private const string Alphanumerics = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private static readonly string[] s_months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    private static readonly string[] s_currencies = ["$", "$", "USD ", "EUR ", "RM ", "RM", "GBP ", "Rs. ", "S$", ""];

    // Commoner signs come up more often, every sign comes up.
    private static readonly string[] s_after =
        [",", ",", ",", ".", ".", ".", ":", ":", ";", "!", "?", "...", "*", "%", "'", "\"", "#", "-", "="];
    private static readonly string[] s_before = ["#", "@", "$", "*", "-", "+", "~", "_", "&", "<", ">", "\\", "/"];
    private static readonly string[] s_around = ["()", "()", "\"\"", "''", "[]", "<>", "{}", "**", "--", "||", "``"];
    private static readonly string[] s_between = ["-", "-", "/", "/", "&", "_", ".", "@", "+", "=", "'", ":", "|", "^"];

    private readonly LineOptions _options;
    private readonly WordList _words;
    private readonly bool[] _allowed = new bool[128];

    public LineText(LineOptions options, WordList words)
    {
        _options = options;
        _words = words;
        foreach (char c in options.Characters)
            _allowed[c] = true;
    }

    /// <summary>Whether a font can draw any text of the characters allowed.</summary>
    public bool CanDraw(Font font) => _options.Characters.Any(c => CanDraw(font, c));

    /// <summary>
    /// A text of 1…MaxCharacters characters that are allowed and in the font; never beginning or ending with a space,
    /// and never with two spaces together, which no reader could count.
    /// </summary>
    public string Draw(ref RandomStream random, Font font)
    {
        Span<double> kinds = [_options.WordsWeight, _options.NumbersWeight, _options.RandomWeight];
        string text = random.Weighted(kinds) switch
        {
            0 => Words(ref random),
            1 => Entry(ref random),
            _ => RandomCharacters(ref random),
        };
        if (font.CapitalsOnly)
            text = text.ToUpperInvariant();
        text = Permitted(text, font);
        if (text.Length > 0)
            return text;

        // Nothing of it was allowed: take any allowed characters.
        string drawable = string.Concat(_options.Characters.Where(c => CanDraw(font, c)));
        var any = new StringBuilder();
        for (int left = random.Integer(1, Math.Min(10, _options.MaxCharacters)); left > 0; left--)
            any.Append(random.Pick(drawable));
        return any.ToString();
    }

    private static bool CanDraw(Font font, char c) =>
        c != ' ' && font.Has(c) && !(font.CapitalsOnly && char.IsAsciiLetterLower(c));

    private string Permitted(string text, Font font)
    {
        var kept = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            if (c > '~' || !_allowed[c] || !font.Has(c) || (c == ' ' && (kept.Length == 0 || kept[^1] == ' ')))
                continue;
            if (kept.Length == _options.MaxCharacters)
                break;
            kept.Append(c);
        }

        while (kept.Length > 0 && kept[^1] == ' ')
            kept.Length--;
        return kept.ToString();
    }

    private string Words(ref RandomStream random)
    {
        int count = random.Integer(_options.MinWords, _options.MaxWords);
        Span<double> cases =
            [_options.AsListedWeight, _options.LowerWeight, _options.TitleWeight, _options.UpperWeight];
        int letterCase = random.Weighted(cases);
        var text = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            string word = _words.Words[random.Below(_words.Words.Length)];
            // A quarter of the usual lists are possessives: more than text has.
            if (word.EndsWith("'s", StringComparison.Ordinal) && random.Chance(0.8))
                word = word[..^2];
            word = letterCase switch
            {
                0 => word,
                1 => word.ToLowerInvariant(),
                2 => word[..1].ToUpperInvariant() + word[1..].ToLowerInvariant(),
                _ => word.ToUpperInvariant(),
            };
            if (random.Chance(_options.PunctuationProbability))
                word = Punctuate(ref random, word);
            if (random.Chance(0.05))
                word = Quantity(ref random);
            bool joined = i > 0 && random.Chance(_options.PunctuationProbability * 0.3);
            string gap = i == 0 ? "" : joined ? random.Pick<string>(s_between) : " ";
            if (text.Length + gap.Length + word.Length > _options.MaxCharacters)
            {
                // A first word that is too long is cut off, a later one is left out.
                if (i == 0)
                    text.Append(word.AsSpan(0, Math.Min(word.Length, _options.MaxCharacters)));
                break;
            }

            text.Append(gap).Append(word);
        }

        return text.ToString();
    }

    private static string Punctuate(ref RandomStream random, string word)
    {
        double kind = random.Unit();
        string apart = random.Chance(0.12) ? " " : "";
        if (kind < 0.6)
            return word + apart + random.Pick<string>(s_after);
        if (kind < 0.75)
            return random.Pick<string>(s_before) + apart + word;
        string pair = random.Pick<string>(s_around);
        return pair[0] + word + pair[1];
    }

    /// <summary>A number, or a number after what it is the number of.</summary>
    private string Entry(ref RandomStream random)
    {
        string number = Number(ref random);
        if (!random.Chance(0.3))
            return number;
        string label = _words.Words[random.Below(_words.Words.Length)];
        int room = _options.MaxCharacters - number.Length - 3;
        if (room < label.Length)
            return number;
        label = random.Chance(0.6) ? label.ToUpperInvariant() : label[..1].ToUpperInvariant() + label[1..];
        return label + random.Pick<string>([": ", " : ", ":", " ", " = ", "=", " - ", ". ", " #", " ("]) + number;
    }

    private string RandomCharacters(ref RandomStream random)
    {
        int length = random.Integer(1, Math.Min(_options.MaxCharacters, 14));
        string all = _options.Characters;
        bool everything = random.Chance(0.5);
        var text = new StringBuilder(length);
        for (int i = 0; i < length; i++)
            text.Append(everything ? random.Pick(all) : random.Pick(Alphanumerics));
        return text.ToString();
    }

    private static string Quantity(ref RandomStream random) =>
        random.Below((int)Math.Pow(10, random.Integer(1, 4))).ToString(CultureInfo.InvariantCulture);

    private static string Digits(ref RandomStream random, int count)
    {
        Span<char> digits = stackalloc char[count];
        for (int i = 0; i < count; i++)
            digits[i] = (char)('0' + random.Below(10));
        return new string(digits);
    }

    private static string Price(ref RandomStream random)
    {
        int whole = random.Below((int)Math.Pow(10, random.Integer(1, 5)));
        string number = whole.ToString(random.Chance(0.5) ? "N0" : "D", CultureInfo.InvariantCulture);
        return random.Below(5) == 0 ? number : number + "." + Digits(ref random, 2);
    }

    private static string Number(ref RandomStream random)
    {
        int day = random.Integer(1, 28), month = random.Integer(1, 12), year = random.Integer(1950, 2049);
        string monthName = s_months[month - 1];
        switch (random.Below(14))
        {
            case 0:
                return Digits(ref random, random.Integer(1, 12));
            case 1:
                return Price(ref random);
            case 2:
                return random.Pick<string>(s_currencies) + Price(ref random);
            case 3:
                return random.Chance(0.5)
                    ? $"{Quantity(ref random)} x {Price(ref random)}"
                    : $"{Quantity(ref random)} @ {Price(ref random)}";
            case 4:
                char between = random.Pick("//-.");
                return random.Chance(0.5)
                    ? $"{day:D2}{between}{month:D2}{between}{year}"
                    : $"{day}{between}{month}{between}{year % 100:D2}";
            case 5:
                return $"{year}-{month:D2}-{day:D2}";
            case 6:
                return random.Chance(0.5) ? $"{day} {monthName} {year}" : $"{monthName} {day}, {year}";
            case 7:
                string clock = $"{random.Below(24):D2}:{random.Below(60):D2}";
                return random.Below(3) switch
                {
                    0 => clock,
                    1 => $"{clock}:{random.Below(60):D2}",
                    _ => $"{clock} {random.Pick<string>(["AM", "PM", "am", "pm"])}",
                };
            case 8:
                return $"{day:D2}/{month:D2}/{year} {random.Below(24):D2}:{random.Below(60):D2}";
            case 9:
                return random.Below(3) switch
                {
                    0 => $"+{random.Integer(1, 99)} {Digits(ref random, 2)} {Digits(ref random, 3)} "
                        + Digits(ref random, 4),
                    1 => $"({Digits(ref random, 3)}) {Digits(ref random, 3)}-{Digits(ref random, 4)}",
                    _ => $"{Digits(ref random, 2)}-{Digits(ref random, 8)}",
                };
            case 10:
                string letters = "";
                for (int i = random.Integer(1, 4); i > 0; i--)
                    letters += random.Pick(Letters);
                letters += random.Pick<string>(["-", "", "#", " ", "/"]);
                return letters + Digits(ref random, random.Integer(2, 8));
            case 11:
                return random.Chance(0.5) ? Price(ref random) + "%" : $"{random.Below(101)}%";
            case 12:
                return random.Chance(0.5) ? "-" + Price(ref random) : $"({Price(ref random)})";
            default:
                return $"{Price(ref random)} {random.Pick<string>(["SR", "S", "*", "kg", "ml", "pcs", "cm", "T"])}";
        }
    }
}
