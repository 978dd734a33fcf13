using System.CommandLine;
using System.Globalization;
using Tfic.Synthesis;

namespace Tfic.Cli;

/// <summary>The size of drawn lines.</summary>
/// <param name="Width">Width in pixels; 0, with height, for each line's own shape.</param>
/// <param name="Height">Height in pixels.</param>
internal sealed record PictureSize(int Width, int Height)
{
    /// <summary>Each line at its own shape.</summary>
    public static readonly PictureSize Natural = new(0, 0);

    /// <summary>512 × 256, as the paper resizes its lines.</summary>
    public static readonly PictureSize Paper = new(512, 256);

    /// <summary>Options that draw lines of this size.</summary>
    public LineOptions Of(LineOptions options) =>
        this == Natural ? options : options with { Width = Width, Height = Height };

    public static Option<PictureSize> Option(string description) => new("--size")
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (text == "natural")
                return Natural;
            string[] sides = text.Split('x');
            if (sides.Length == 2
                && int.TryParse(sides[0], NumberStyles.None, CultureInfo.InvariantCulture, out int width)
                && int.TryParse(sides[1], NumberStyles.None, CultureInfo.InvariantCulture, out int height)
                && width is >= 1 and <= 16384 && height is >= 1 and <= 16384)
                return new PictureSize(width, height);
            result.AddError($"--size is {text}; write it as 512x256 (each side at most 16384) or as natural.");
            return Natural;
        },
    };

    public override string ToString() => this == Natural ? "natural size" : $"{Width} × {Height}";
}
