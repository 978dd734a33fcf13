namespace Tfic;

/// <summary>Writes a file entirely or not at all.</summary>
public static class AtomicFile
{
    /// <summary>
    /// Writes under a temporary name in the same folder and renames on success, so that a reader never sees, and a
    /// failure never leaves, half a file. What the path named before is replaced; a symbolic link stays and its
    /// target is replaced.
    /// </summary>
    /// <param name="path">The file to make.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing there is not allowed.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        var file = new FileInfo(path);
        string target = file.LinkTarget is null
            ? file.FullName
            : file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? file.FullName;
        if (target.StartsWith("/dev/", StringComparison.Ordinal))
        {
            // A device such as /dev/null or /dev/stdout is written to, not replaced.
            using var device = new FileStream(target, FileMode.Open, FileAccess.Write);
            write(device);
            return;
        }

        string temporary = $"{target}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
                write(stream);
            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            // The first error is the one to report; what was begun is removed if it can be.
            try
            {
                File.Delete(temporary);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
            }

            throw;
        }
    }
}
