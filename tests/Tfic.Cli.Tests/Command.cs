namespace Tfic.Cli.Tests;

/// <summary>Runs the command in this process.</summary>
internal static class Command
{
    /// <summary>What a run left behind.</summary>
    /// <param name="ExitCode">Its exit code.</param>
    /// <param name="Output">Standard output.</param>
    /// <param name="Error">Standard error.</param>
    public sealed record Result(int ExitCode, byte[] Output, string Error)
    {
        public string Text => System.Text.Encoding.UTF8.GetString(Output);

        /// <summary>Asserts the exit code, and shows the messages if it is another.</summary>
        public Result Ended(int exitCode)
        {
            Assert.True(ExitCode == exitCode, $"exit code {ExitCode}, {exitCode} expected:\n{Error}{Text}");
            return this;
        }

        /// <summary>Asserts success.</summary>
        public Result Ok() => Ended(0);

        /// <summary>Asserts that the input was refused, with a message that holds all of these.</summary>
        public Result Refused(params string[] messages)
        {
            Ended(2);
            foreach (string message in messages)
                Assert.Contains(message, Error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
            return this;
        }
    }

    public static Result Run(params string[] args) => Run([], args);

    public static Result Run(byte[] input, string[] args)
    {
        using var output = new MemoryStream();
        using var error = new StringWriter();
        var terminal = new Terminal(
            new MemoryStream(input), output, TextWriter.Synchronized(error),
            OutputIsTerminal: false, ErrorIsTerminal: false);
        int exitCode = TficCommand.RunAsync(args, terminal).GetAwaiter().GetResult();
        return new Result(exitCode, output.ToArray(), error.ToString());
    }
}
