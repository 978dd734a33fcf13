using Tfic.Imaging;

namespace Tfic.Cli;

/// <summary>Writes whole files or none, with messages for targets that cannot be written.</summary>
internal static class OutputFile
{
    /// <summary>Writes a file, or standard output where <paramref name="path"/> is "-".</summary>
    /// <param name="path">The target.</param>
    /// <param name="overwrite">Whether a file of that name is replaced.</param>
    /// <param name="terminal">Gives standard output.</param>
    /// <param name="write">Writes the contents.</param>
    /// <exception cref="CommandFailure">The target exists and may not be replaced, or cannot be written.</exception>
    public static void Write(string path, bool overwrite, Terminal terminal, Action<Stream> write)
    {
        Check(path, overwrite, terminal);
        if (path == Inputs.Standard)
        {
            write(terminal.Output);
            terminal.Output.Flush();
            return;
        }

        try
        {
            AtomicFile.Write(path, write);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailure(
                $"{path}: cannot be written ({e.Message}). Check the folder's permissions and its space.",
                inner: e);
        }
    }

    /// <summary>Writes bytes; see the other overload.</summary>
    public static void Write(string path, bool overwrite, Terminal terminal, ReadOnlyMemory<byte> bytes) =>
        Write(path, overwrite, terminal, stream => stream.Write(bytes.Span));

    /// <summary>Refuses a target that cannot be written, so that no work is done for it.</summary>
    /// <param name="path">The target.</param>
    /// <param name="overwrite">Whether a file of that name is replaced.</param>
    /// <param name="terminal">Gives standard output.</param>
    /// <param name="binary">Whether a person had better not see the contents.</param>
    /// <exception cref="CommandFailure">It cannot be written.</exception>
    public static void Check(string path, bool overwrite, Terminal terminal, bool binary = false)
    {
        if (path == Inputs.Standard)
        {
            if (binary && terminal.OutputIsTerminal)
                throw new CommandFailure("Standard output is a terminal. Send it to a file or a program, or use -o.");
            return;
        }

        if (Directory.Exists(path))
            throw new CommandFailure($"{path}: is a folder. Name a file in it.");
        if (!overwrite && File.Exists(path))
            throw new CommandFailure($"{path}: exists already. Name another file or leave out --no-overwrite.");
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new CommandFailure($"{path}: there is no folder {folder}. Create it first.");
    }

    /// <summary>Creates a folder for several outputs.</summary>
    /// <param name="path">The folder; one that exists is used.</param>
    /// <exception cref="CommandFailure">It cannot be created.</exception>
    public static void CreateFolder(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailure($"{path}: the folder cannot be created ({e.Message}). Choose another.", inner: e);
        }
    }

    /// <summary>The format of a picture to write: by the ending, PNG on standard output.</summary>
    /// <exception cref="CommandFailure">No format has this ending.</exception>
    public static PictureFormat PictureFormatOf(string path)
    {
        try
        {
            return path == Inputs.Standard ? PictureFormat.Png : PictureFile.FormatOf(path);
        }
        catch (ArgumentException)
        {
            throw new CommandFailure(
                $"{path}: pictures are written as .png, .jpg, .ppm or .pgm. Use one of these endings.");
        }
    }
}
