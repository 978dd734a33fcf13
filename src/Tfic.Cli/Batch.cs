namespace Tfic.Cli;

/// <summary>The same work on many inputs, on several threads.</summary>
internal static class Batch
{
    /// <summary>
    /// Works through the items; a failure of one is reported and does not stop the others. Results are handed over
    /// in the order of the items, each as soon as those before it are done.
    /// </summary>
    /// <typeparam name="TItem">An input.</typeparam>
    /// <typeparam name="TWorker">What a thread needs for itself: an encoder, a reader.</typeparam>
    /// <typeparam name="TResult">What comes of an item.</typeparam>
    /// <param name="items">The inputs.</param>
    /// <param name="threads">Most threads to use, at least 1.</param>
    /// <param name="terminal">Where failures are reported.</param>
    /// <param name="name">An item's name in messages.</param>
    /// <param name="worker">Makes a thread's worker.</param>
    /// <param name="work">Does one item.</param>
    /// <param name="done">Receives results, on the calling thread.</param>
    /// <param name="cancellation">Stops after the items under way.</param>
    /// <returns>0; for a single item, or where all failed for the same reason, that exit code; otherwise 1.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static int Run<TItem, TWorker, TResult>(
        IReadOnlyList<TItem> items,
        int threads,
        Terminal terminal,
        Func<TItem, string> name,
        Func<TWorker> worker,
        Func<TWorker, TItem, TResult> work,
        Action<TItem, TResult> done,
        CancellationToken cancellation)
    {
        var outcomes = new TaskCompletionSource<TResult>[items.Count];
        for (int i = 0; i < outcomes.Length; i++)
            outcomes[i] = new TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously);

        int next = -1;
        void WorkThrough()
        {
            Lazy<TWorker> mine = new(worker);
            for (int i; (i = Interlocked.Increment(ref next)) < items.Count;)
            {
                try
                {
                    cancellation.ThrowIfCancellationRequested();
                    outcomes[i].SetResult(work(mine.Value, items[i]));
                }
                catch (Exception e)
                {
                    outcomes[i].SetException(e);
                }
            }
        }

        // Threads of their own: encoding one large picture may take seconds and would starve the pool.
        Thread[] workers = new Thread[Math.Min(threads, items.Count)];
        for (int i = 0; i < workers.Length; i++)
        {
            workers[i] = new Thread(WorkThrough) { IsBackground = true, Name = $"tfic worker {i}" };
            workers[i].Start();
        }

        var failures = new List<int>();
        try
        {
            for (int i = 0; i < outcomes.Length; i++)
            {
                try
                {
                    done(items[i], outcomes[i].Task.GetAwaiter().GetResult());
                }
                catch (Exception e) when (CommandFailure.From(e, name(items[i])) is { } failure)
                {
                    terminal.Complain(failure.Message);
                    failures.Add(failure.ExitCode);
                }
            }
        }
        finally
        {
            // Nothing may still write when this returns. What a fault leaves undone is not started.
            Interlocked.Exchange(ref next, items.Count);
            foreach (Thread thread in workers)
                thread.Join();
        }

        if (failures.Count == 0)
            return ExitCode.Success;
        bool alike = failures.Count == items.Count && failures.TrueForAll(code => code == failures[0]);
        return alike ? failures[0] : ExitCode.Failure;
    }
}
