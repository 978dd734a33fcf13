using Spectre.Console;

namespace Tfic.Cli;

/// <summary>Where a run of the command reads and writes: the process's streams, or a test's.</summary>
/// <param name="Input">Standard input, for the file name "-".</param>
/// <param name="Output">Standard output: results only, bytes or UTF-8 text.</param>
/// <param name="Error">Standard error: every message. Synchronised, because threads share it.</param>
/// <param name="OutputIsTerminal">Whether a person sees Output.</param>
/// <param name="ErrorIsTerminal">Whether a person sees Error; progress bars are drawn only then.</param>
internal sealed record Terminal(
    Stream Input, Stream Output, TextWriter Error, bool OutputIsTerminal, bool ErrorIsTerminal)
{
    /// <summary>Suppresses messages that report success.</summary>
    public bool Quiet { get; set; }

    public static Terminal System() => new(
        global::System.Console.OpenStandardInput(),
        global::System.Console.OpenStandardOutput(),
        TextWriter.Synchronized(global::System.Console.Error),
        !global::System.Console.IsOutputRedirected,
        !global::System.Console.IsErrorRedirected);

    /// <summary>Reports success on standard error, unless --quiet.</summary>
    public void Say(string message)
    {
        if (!Quiet)
            Error.WriteLine(message);
    }

    /// <summary>Reports a failure on standard error.</summary>
    public void Complain(string message) => Error.WriteLine($"tfic: {message}");

    /// <summary>Writes a result as UTF-8 text.</summary>
    public void Write(string text)
    {
        Output.Write(global::System.Text.Encoding.UTF8.GetBytes(text));
        Output.Flush();
    }

    /// <summary>
    /// Does work that has a length, under a progress bar where a person watches and silently elsewhere.
    /// </summary>
    /// <param name="title">What is being done.</param>
    /// <param name="total">Number of steps.</param>
    /// <param name="work">Receives what to call after a step, from any thread, with the number of steps done.</param>
    public void Progress(string title, int total, Action<Action<int>> work)
    {
        if (ErrorIsTerminal && !Quiet)
            ProgressBar(title, total, work);
        else
            work(_ => { });
    }

    // In methods of their own, so that Spectre.Console is loaded only where it draws.
    private void ProgressBar(string title, int total, Action<Action<int>> work) =>
        Console(Error).Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(),
                new RemainingTimeColumn(), new SpinnerColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(title), maxValue: total);
                work(done => task.Value = done);
            });

    private static IAnsiConsole Console(TextWriter writer) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
}
