using System.Threading.Channels;

namespace Tfic.Training.Data;

/// <summary>Makes batches ahead of their use on a background thread, in order.</summary>
/// <typeparam name="T">A batch: plain arrays, so that no tensor crosses threads.</typeparam>
public sealed class Prefetch<T> : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Channel<T> ready;
    private readonly Task producer;

    /// <summary>Starts making batches.</summary>
    /// <param name="first">Number of the first batch.</param>
    /// <param name="ahead">How many may wait.</param>
    /// <param name="make">Makes batch i; a pure function of i.</param>
    public Prefetch(long first, int ahead, Func<long, T> make)
    {
        ready = Channel.CreateBounded<T>(ahead);
        producer = Task.Run(async () =>
        {
            try
            {
                for (long i = first; !stop.IsCancellationRequested; i++)
                    await ready.Writer.WriteAsync(make(i), stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // Disposed while waiting for room: the end of the run.
            }
            catch (Exception failure)
            {
                ready.Writer.TryComplete(failure);
            }
        });
    }

    /// <summary>The next batch; waits for it.</summary>
    public T Next() => ready.Reader.ReadAsync(stop.Token).AsTask().GetAwaiter().GetResult();

    /// <inheritdoc/>
    public void Dispose()
    {
        stop.Cancel();
        producer.Wait();
        stop.Dispose();
    }
}
