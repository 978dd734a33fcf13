using Tfic.Kernels.BFloat16Convolution;
using Tfic.Kernels.QuantisedConvolution;
using Tfic.Profiling;

namespace Tfic.Networks;

/// <summary>
/// The memory in which a network computes. It grows to what the largest picture needs and is then used again, so a
/// network that runs on pictures of one size allocates only once. One for each thread.
/// </summary>
public sealed class Workspace
{
    private readonly float[][] _floats = [.. Enumerable.Repeat(Array.Empty<float>(), 14)];
    private readonly BFloat16Plane[] _narrow = [new(), new(), new()];
    private readonly QuantisedPlane[] _quantised = [new(), new(), new()];
    private byte[] _bytes = [];

    /// <summary>Makes an empty workspace.</summary>
    /// <param name="threads">How many threads a layer may use; results do not depend on it.</param>
    /// <exception cref="ArgumentOutOfRangeException">threads is below 1.</exception>
    public Workspace(int threads = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Threads = threads;
    }

    /// <summary>How many threads a layer may use.</summary>
    public int Threads { get; }

    /// <summary>Notes when stages end; null for none.</summary>
    public StageClock? Clock { get; init; }

    /// <summary>One of 14 independent buffers, with whatever it held before.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More elements than an array can have.</exception>
    internal Span<float> Floats(int slot, long count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Array.MaxLength);
        if (_floats[slot].Length < count)
            _floats[slot] = GC.AllocateUninitializedArray<float>((int)count);
        return _floats[slot].AsSpan(0, (int)count);
    }

    /// <summary>Takes the first part of a buffer away.</summary>
    internal static Span<float> Cut(ref Span<float> buffer, int length)
    {
        Span<float> part = buffer[..length];
        buffer = buffer[length..];
        return part;
    }

    /// <summary>One of three independent planes, of whatever shape it had before.</summary>
    internal BFloat16Plane Narrow(int slot) => _narrow[slot];

    /// <summary>One of three independent planes, of whatever shape it had before.</summary>
    internal QuantisedPlane Quantised(int slot) => _quantised[slot];

    /// <summary>A buffer of bytes, with whatever it held before.</summary>
    internal Span<byte> Bytes(int count)
    {
        if (_bytes.Length < count)
            _bytes = GC.AllocateUninitializedArray<byte>(count);
        return _bytes.AsSpan(0, count);
    }
}
