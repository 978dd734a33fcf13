using System.Runtime.InteropServices;

namespace Tfic.CApi;

/// <summary>A call that is refused before it reaches the core.</summary>
internal sealed class RefusedException(Status status, string message) : Exception(message)
{
    public Status Status { get; } = status;
}

/// <summary>Turns exceptions into what crosses the boundary: a status, and a message to ask for.</summary>
internal static unsafe class Failure
{
    private static readonly byte[] s_none = CMemory.Pinned("");
    private static readonly byte[] s_outOfMemory = CMemory.Pinned("Out of memory.");

    // C has its address, so it is pinned; it lives until this thread's next failure or end.
    [ThreadStatic]
    private static byte[]? t_message;

    /// <summary>The message of this thread's last failure; never null.</summary>
    public static byte* Message => CMemory.Address(t_message ?? s_none);

    /// <summary>Keeps an exception's message for this thread.</summary>
    /// <returns>The status that stands for it.</returns>
    public static Status Report(Exception exception)
    {
        // The tables of kernels are static: what a bad TFIC_VARIANT makes them throw comes wrapped.
        if (exception is TypeInitializationException { InnerException: { } inner })
            exception = inner;
        Status status = exception switch
        {
            RefusedException refused => refused.Status,
            TficFormatException => Status.BadFormat,
            IOException or UnauthorizedAccessException => Status.IoError,
            OutOfMemoryException => Status.OutOfMemory,
            ArgumentException => Status.InvalidArgument,
            _ => Status.InternalError,
        };
        try
        {
            t_message = CMemory.Pinned(exception.Message);
        }
        catch (OutOfMemoryException)
        {
            t_message = s_outOfMemory;
        }

        return status;
    }
}
