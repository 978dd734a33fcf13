using Tfic.Imaging;

namespace Tfic.Cli;

/// <summary>The files a verb works on.</summary>
internal static class Inputs
{
    /// <summary>The name of standard input and of standard output.</summary>
    public const string Standard = "-";

    /// <summary>Endings of picture files, by which a folder is searched. What a file is, its bytes tell.</summary>
    public static readonly string[] Pictures =
    [
        ".png", ".jpg", ".jpeg", ".ppm", ".pgm", ".pbm", ".pnm",
#if TFIC_IMAGESHARP
        ".webp", ".tif", ".tiff", ".bmp", ".gif",
#endif
    ];

    /// <summary>Ending of Tfic's own files.</summary>
    public const string Tfic = ".tfic";

    /// <summary>Larger files are refused before they are read.</summary>
    private const long MaxFileBytes = 1L << 30;

    /// <summary>Replaces every folder by the files in it (not in its subfolders), sorted by name.</summary>
    /// <param name="arguments">Files, folders, or "-" once.</param>
    /// <param name="extensions">Endings of the files taken from a folder, with their dots.</param>
    /// <exception cref="CommandFailure">A folder without such files, or "-" twice.</exception>
    public static IReadOnlyList<string> Expand(IReadOnlyList<string> arguments, IReadOnlyList<string> extensions)
    {
        if (arguments.Count(a => a == Standard) > 1)
            throw new CommandFailure("Standard input (\"-\") can be given only once.");
        var files = new List<string>();
        foreach (string argument in arguments)
        {
            if (!Directory.Exists(argument))
            {
                files.Add(argument);
                continue;
            }

            string[] found = [.. ListFolder(argument)
                .Where(f => extensions.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase))
                .Order(StringComparer.Ordinal)];
            if (found.Length == 0)
                throw new CommandFailure($"{argument}: the folder holds no {string.Join(", ", extensions)} file.");
            files.AddRange(found);
        }

        return files;
    }

    /// <summary>Reads a whole file, or standard input where <paramref name="path"/> is "-".</summary>
    /// <param name="path">The file.</param>
    /// <param name="terminal">Gives standard input.</param>
    /// <exception cref="CommandFailure">The file is missing, empty, too large or cannot be read.</exception>
    public static byte[] Read(string path, Terminal terminal)
    {
        string name = Name(path);
        try
        {
            if (Directory.Exists(path))
                throw new CommandFailure($"{path}: is a folder. Name a file.");
            byte[] bytes;
            if (path == Standard)
            {
                bytes = ReadToEnd(terminal.Input, name);
            }
            else
            {
                // A pipe or a device has no length; it is read like standard input.
                using FileStream stream = File.OpenRead(path);
                if (stream.CanSeek && stream.Length > MaxFileBytes)
                    throw TooLarge(name);
                bytes = ReadToEnd(stream, name);
            }

            return bytes.Length > 0 ? bytes : throw new CommandFailure($"{name}: is empty (0 bytes).");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandFailure.From(e, name)!;
        }
    }

    /// <summary>Reads a picture of any format; see <see cref="Read"/>.</summary>
    /// <exception cref="CommandFailure">The file cannot be read, or is no picture.</exception>
    public static Picture ReadPicture(string path, PictureLimits limits, Terminal terminal)
    {
        try
        {
            return PictureFile.Read(Read(path, terminal), limits);
        }
        catch (TficFormatException e)
        {
            throw CommandFailure.From(e, Name(path))!;
        }
    }

    /// <summary>How messages call an input.</summary>
    public static string Name(string path) => path == Standard ? "standard input" : path;

    private static string[] ListFolder(string folder)
    {
        try
        {
            return Directory.GetFiles(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailure($"{folder}: the folder cannot be listed. Check its permissions.", inner: e);
        }
    }

    private static byte[] ReadToEnd(Stream stream, string name)
    {
        using var buffer = new MemoryStream(stream.CanSeek ? (int)Math.Min(stream.Length, MaxFileBytes) : 0);
        var block = new byte[1 << 16];
        for (int read; (read = stream.Read(block)) > 0;)
        {
            if (buffer.Length + read > MaxFileBytes)
                throw TooLarge(name);
            buffer.Write(block, 0, read);
        }

        return buffer.Length == buffer.Capacity ? buffer.GetBuffer() : buffer.ToArray();
    }

    private static CommandFailure TooLarge(string name) =>
        new($"{name}: is larger than {MaxFileBytes:N0} bytes, the most that is read.");
}
