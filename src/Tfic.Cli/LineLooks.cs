using System.CommandLine;
using Tfic.Synthesis;

namespace Tfic.Cli;

/// <summary>The option that says how drawn lines look.</summary>
internal static class LineLooks
{
    public static Option<string?> Option() => new("--options")
    {
        Description = "JSON file that says how lines look; \"tfic synth lines --print-options\" prints one.",
        HelpName = "FILE",
    };

    /// <summary>Reads the options; the defaults where none are given.</summary>
    /// <exception cref="CommandFailure">The file cannot be read or used.</exception>
    public static LineOptions Read(string? path, Terminal terminal)
    {
        if (path is null)
            return LineOptions.Default;
        try
        {
            byte[] json = Inputs.Read(path, new InputLimits(), terminal);
            return LineOptions.FromJson(System.Text.Encoding.UTF8.GetString(json));
        }
        catch (TficFormatException e)
        {
            throw CommandFailure.From(e, path)!;
        }
    }
}
