using System.ComponentModel;
using System.Diagnostics;

namespace Tfic.Cli.Paper;

/// <summary>A program of another project, looked for on the PATH and run on files.</summary>
internal static class ExternalTool
{
    /// <summary>Whether a program of this name can be found.</summary>
    public static bool IsInstalled(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => folder.Length > 0
                && (File.Exists(Path.Combine(folder, name)) || File.Exists(Path.Combine(folder, name + ".exe"))));

    /// <summary>Runs a program on one thread to its end.</summary>
    /// <returns>What it wrote to standard output.</returns>
    /// <exception cref="CommandFailure">It cannot be started, or failed.</exception>
    public static string Run(string name, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(name, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OMP_THREAD_LIMIT"] = "1";
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? output
                : throw new CommandFailure(
                    $"{name} failed: {errors.Result.Trim()}. Leave it out of the comparison with --no-tools.",
                    ExitCode.Failure);
        }
        catch (Win32Exception e)
        {
            throw new CommandFailure($"{name} cannot be run: {e.Message}.", ExitCode.Failure, e);
        }
    }
}

/// <summary>A folder for what passes between programs; gone with the object.</summary>
internal sealed class ExchangeFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tfic-");

    /// <summary>A file's path in the folder.</summary>
    public string File(string name) => Path.Combine(_folder.FullName, name);

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);
}
