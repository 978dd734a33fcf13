using System.CommandLine;
using Tfic.Synthesis;

namespace Tfic.Cli;

/// <summary>The options that say with which fonts and words text is drawn.</summary>
internal sealed class TextSource
{
    private readonly Option<string[]> _fonts = new("--fonts")
    {
        Description = "Font files or folders of them (.ttf, .otf). Default: the installed ones.",
        HelpName = "PATH",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _words = new("--words")
    {
        Description = $"Text file with a word a line. Default: {WordList.InstalledPath}.",
        HelpName = "FILE",
    };

    private readonly Option<string[]> _text = new("--text")
    {
        Description = "Text files of prose, paragraphs separated by empty lines.",
        HelpName = "FILE",
        AllowMultipleArgumentsPerToken = true,
    };

    /// <summary>Adds the options for fonts and words.</summary>
    public void AddTo(Command command)
    {
        command.Add(_fonts);
        command.Add(_words);
    }

    /// <summary>Adds the options for fonts and prose.</summary>
    public void AddProseTo(Command command)
    {
        command.Add(_fonts);
        command.Add(Text(required: true));
    }

    /// <summary>The option for prose.</summary>
    public Option<string[]> Text(bool required)
    {
        _text.Required = required;
        return _text;
    }

    /// <summary>Loads the prose of all files as one text; null where none is named.</summary>
    /// <exception cref="CommandFailure">A file cannot be read, or has no words.</exception>
    public BookText? LoadProse(ParseResult result)
    {
        string[] files = result.GetValue(_text) ?? [];
        return files.Length == 0 ? null : Explain(() => BookText.Load(files));
    }

    /// <summary>Loads fonts and words.</summary>
    /// <exception cref="CommandFailure">Some cannot be read, or there are none.</exception>
    public (FontSet Fonts, WordList Words) Load(ParseResult result) =>
        (LoadFonts(result), Explain(() => LoadWords(result.GetValue(_words))));

    /// <summary>Loads fonts.</summary>
    /// <exception cref="CommandFailure">Some cannot be read, or there are none.</exception>
    public FontSet LoadFonts(ParseResult result)
    {
        string[] paths = result.GetValue(_fonts) ?? [];
        FontSet fonts = Explain(
            () => paths.Length == 0 ? FontSet.Installed() : FontSet.FromFiles(paths.SelectMany(FontFiles)));
        return fonts.Fonts.Length > 0
            ? fonts
            : throw new CommandFailure(
                "No usable font is installed. Install some (on Debian: apt install fonts-dejavu fonts-lato) or give " +
                "files with --fonts.");
    }

    private static T Explain<T>(Func<T> load)
    {
        try
        {
            return load();
        }
        catch (Exception e) when (e is TficFormatException or IOException or UnauthorizedAccessException)
        {
            // These messages name the file themselves.
            throw new CommandFailure(e.Message, inner: e);
        }
        catch (DllNotFoundException e)
        {
            throw new CommandFailure(
                "FreeType, which draws the text, is not installed (on Debian: apt install libfreetype6).", inner: e);
        }
    }

    private static IEnumerable<string> FontFiles(string path)
    {
        if (!Directory.Exists(path))
            return [path];
        FontSet found = FontSet.FromFolders([path]);
        return found.Fonts.Length > 0
            ? found.Fonts.Select(f => f.Path)
            : throw new CommandFailure(
                $"{path}: the folder holds no usable .ttf or .otf file" +
                (found.Rejected.Length > 0 ? $" ({found.Rejected[0]})." : "."));
    }

    private static WordList LoadWords(string? path)
    {
        if (path is not null)
            return WordList.Load(path);
        if (!File.Exists(WordList.InstalledPath))
            throw new CommandFailure(
                "No word list is installed. Install one (on Debian: apt install wamerican) or give one with --words.");
        return WordList.Installed();
    }
}
