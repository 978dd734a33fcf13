namespace Tfic.Cli;

/// <summary>What the process returns.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>Some of several inputs failed, or something went wrong that is not the input's fault.</summary>
    public const int Failure = 1;

    /// <summary>Bad usage, or input that cannot be used.</summary>
    public const int BadInput = 2;

    /// <summary>Ended by Ctrl-C, as shells report it (128 + SIGINT).</summary>
    public const int Interrupted = 130;
}
