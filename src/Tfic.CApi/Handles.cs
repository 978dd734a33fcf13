using System.Collections.Concurrent;

namespace Tfic.CApi;

/// <summary>The objects that C holds.</summary>
/// <remarks>
/// A handle is a number that looks like a pointer and is never given out twice, so that one that was closed, or is of
/// the other kind, is found out instead of being followed. A call that is under way keeps its object alive.
/// </remarks>
internal static class Handles
{
    private static readonly ConcurrentDictionary<nint, object> s_open = new();
    private static long s_last;

    /// <summary>Gives an object a handle, not 0.</summary>
    public static nint Add(object value)
    {
        nint handle = (nint)Interlocked.Increment(ref s_last);
        s_open[handle] = value;
        return handle;
    }

    /// <summary>The object of a handle.</summary>
    /// <param name="handle">What <see cref="Add"/> returned.</param>
    /// <param name="kind">What it must be, for the message.</param>
    /// <exception cref="RefusedException">No such object is open.</exception>
    public static T Get<T>(nint handle, string kind)
        where T : class
    {
        if (handle == 0)
            throw new RefusedException(Status.InvalidArgument, $"The {kind} is NULL.");
        return s_open.GetValueOrDefault(handle) as T
            ?? throw new RefusedException(
                Status.InvalidArgument, $"This is no open {kind}: it was closed, or is something else.");
    }

    /// <summary>Forgets an object; nothing happens if no such one is open.</summary>
    public static void Remove<T>(nint handle)
        where T : class
    {
        if (s_open.TryGetValue(handle, out object? value) && value is T)
            s_open.TryRemove(handle, out _);
    }
}
