using Tfic.Bitstream;
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
    /// <param name="limits">Longer files are refused, before they are read if their length is known.</param>
    /// <param name="terminal">Gives standard input.</param>
    /// <exception cref="CommandFailure">The file is missing, empty, too large or cannot be read.</exception>
    public static byte[] Read(string path, InputLimits limits, Terminal terminal) =>
        Read(path, limits.FileBytes, terminal, stream =>
        {
            byte[] bytes = ReadToEnd(stream, path, limits.FileBytes);
            return bytes.Length > 0 ? bytes : throw new CommandFailure($"{Name(path)}: is empty (0 bytes).");
        });

    /// <summary>Reads a .tfic file as it comes, as far as its first fault if it has one.</summary>
    /// <param name="path">The file, or "-" for standard input.</param>
    /// <param name="limits">What to accept.</param>
    /// <param name="terminal">Gives standard input.</param>
    /// <exception cref="CommandFailure">The file is missing, too large, damaged or cannot be read.</exception>
    public static TficContainer ReadTfic(string path, InputLimits limits, Terminal terminal) =>
        Read(path, limits.Tfic.MaxBytes, terminal, stream =>
        {
            TficContainer container = TficContainer.Read(stream, limits.Tfic);
            return stream.ReadByte() < 0
                ? container
                : throw new TficFormatException("More bytes follow the file's end.", container.Bytes);
        });

    /// <summary>Reads a picture of any format; see <see cref="Read"/>.</summary>
    /// <exception cref="CommandFailure">The file cannot be read, or is no picture.</exception>
    public static Picture ReadPicture(string path, InputLimits limits, Terminal terminal)
    {
        try
        {
            return PictureFile.Read(Read(path, limits, terminal), limits.Picture);
        }
        catch (TficFormatException e)
        {
            throw CommandFailure.From(e, Name(path))!;
        }
    }

    /// <summary>How messages call an input.</summary>
    public static string Name(string path) => path == Standard ? "standard input" : path;

    private static T Read<T>(string path, long maxBytes, Terminal terminal, Func<Stream, T> read)
    {
        string name = Name(path);
        try
        {
            if (Directory.Exists(path))
                throw new CommandFailure($"{path}: is a folder. Name a file.");
            if (path == Standard)
                return read(terminal.Input);

            // A pipe or a device has no length; it is read like standard input.
            using FileStream stream = File.OpenRead(path);
            return stream.CanSeek && stream.Length > maxBytes ? throw TooLarge(path, maxBytes) : read(stream);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or TficFormatException)
        {
            throw CommandFailure.From(e, name)!;
        }
    }

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

    private static byte[] ReadToEnd(Stream stream, string path, int maxBytes)
    {
        using var buffer = new MemoryStream(stream.CanSeek ? (int)Math.Min(stream.Length, maxBytes) : 0);
        var block = new byte[1 << 16];
        for (int read; (read = stream.Read(block)) > 0;)
        {
            if (buffer.Length + read > maxBytes)
                throw TooLarge(path, maxBytes);
            buffer.Write(block, 0, read);
        }

        return buffer.Length == buffer.Capacity ? buffer.GetBuffer() : buffer.ToArray();
    }

    private static CommandFailure TooLarge(string path, long maxBytes) => new(
        $"{Name(path)}: is larger than {maxBytes} bytes, the most that is read. If it can be trusted, raise " +
        "--max-bytes.");
}
