namespace Tfic.Cli.Paper;

/// <summary>Measures numbered things on several threads; an experiment is whole or fails.</summary>
internal static class Measurement
{
    /// <summary>Measures them; results come in their order, on the calling thread.</summary>
    /// <param name="thing">What one is called in messages: line, page.</param>
    /// <param name="numbers">Their numbers.</param>
    /// <param name="threads">Most threads to use, at least 1.</param>
    /// <param name="terminal">Where failures are reported.</param>
    /// <param name="worker">Makes what a thread needs for itself.</param>
    /// <param name="measure">Measures one.</param>
    /// <param name="done">Receives the results.</param>
    /// <param name="cancellation">Stops after those under way.</param>
    /// <exception cref="CommandFailure">One could not be measured.</exception>
    public static void Run<TWorker, TResult>(
        string thing,
        IEnumerable<int> numbers,
        int threads,
        Terminal terminal,
        Func<TWorker> worker,
        Func<TWorker, int, TResult> measure,
        Action<TResult> done,
        CancellationToken cancellation)
    {
        int exitCode = Batch.Run(
            [.. numbers], threads, terminal, number => $"{thing} {number}", worker, measure, (_, result) => done(result),
            cancellation);
        if (exitCode != ExitCode.Success)
            throw new CommandFailure($"No report, because a {thing} could not be measured.", exitCode);
    }
}
