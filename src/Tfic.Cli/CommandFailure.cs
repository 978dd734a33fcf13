namespace Tfic.Cli;

/// <summary>An expected failure: the message says what is wrong with which file, and what to do about it.</summary>
internal sealed class CommandFailure(string message, int exitCode = ExitCode.BadInput, Exception? inner = null)
    : Exception(message, inner)
{
    public int ExitCode { get; } = exitCode;

    /// <summary>Turns what reading or decoding a file throws into a message with the file's name.</summary>
    /// <returns>null for exceptions that no input explains: those are faults of the program.</returns>
    public static CommandFailure? From(Exception exception, string file) => exception switch
    {
        CommandFailure failure => failure,
        TficFormatException => new($"{file}: {exception.Message}", inner: exception),
        FileNotFoundException or DirectoryNotFoundException =>
            new($"{file}: there is no such file. Check the name.", inner: exception),
        UnauthorizedAccessException =>
            new($"{file}: may not be opened. Check its permissions.", inner: exception),
        IOException => new($"{file}: {exception.Message}", Cli.ExitCode.Failure, exception),
        OutOfMemoryException or OverflowException =>
            new($"{file}: needs more memory than there is. Try a smaller picture.", Cli.ExitCode.Failure, exception),
        _ => null,
    };
}
