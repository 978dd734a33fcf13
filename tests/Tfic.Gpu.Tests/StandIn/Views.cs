using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ILGPU;

/// <summary>ILGPU's strides, of which the kernels use the dense one in one dimension.</summary>
public static class Stride1D
{
    public struct Dense;
}

/// <summary>A range of device memory. Every access is checked, as ILGPU's own CPU accelerator does.</summary>
public readonly struct ArrayView<T>
    where T : unmanaged
{
    private readonly T[] _memory;
    private readonly int _start;

    internal ArrayView(T[] memory, int start, int length)
    {
        if (start < 0 || length < 0 || (long)start + length > memory.Length)
            throw new ArgumentOutOfRangeException(nameof(length), $"{start} + {length} of {memory.Length} elements.");
        _memory = memory;
        _start = start;
        Length = length;
    }

    public long Length { get; }

    public int IntLength => (int)Length;

    public ref T this[long index] => ref this[checked((int)index)];

    public ref T this[int index]
    {
        get
        {
            if ((uint)index >= (uint)Length)
                throw new IndexOutOfRangeException($"Index {index} of a view of {Length} elements.");
            return ref _memory[_start + index];
        }
    }

    public ArrayView<T> SubView(long offset, long length)
    {
        if (offset < 0 || length < 0 || offset + length > Length)
            throw new ArgumentOutOfRangeException(nameof(length), $"{offset} + {length} of {Length} elements.");
        return new(_memory, _start + (int)offset, (int)length);
    }

    internal Span<T> Span => _memory.AsSpan(_start, (int)Length);

    /// <summary>Memory as a device hands it out: holding anything. All bits set is NaN for floats.</summary>
    internal static ArrayView<T> Uninitialised(int length)
    {
        var memory = new T[length];
        MemoryMarshal.AsBytes(memory.AsSpan()).Fill(0xFF);
        return new(memory, 0, length);
    }
}

/// <summary>Memory that the threads of a group share.</summary>
public static class SharedMemory
{
    /// <summary>
    /// As in a kernel, where the call is a declaration: its n-th execution by any thread of a group names the same
    /// memory, which holds anything.
    /// </summary>
    public static ArrayView<T> Allocate<T>(int extent)
        where T : unmanaged => GroupThread.Current.Share<T>(extent);
}

/// <summary>Which group this is of how many. X is the only dimension.</summary>
public static class Grid
{
    public static int IdxX => GroupThread.Current.Launch.Group;

    public static int DimX => GroupThread.Current.Launch.Config.GridDim;
}

/// <summary>Which thread of the group this is, and the barrier between them.</summary>
public static class Group
{
    public static int IdxX => GroupThread.Current.Index;

    public static int DimX => GroupThread.Current.Launch.Config.GroupDim;

    public static void Barrier() => GroupThread.Current.WaitAtBarrier();
}

/// <summary>Read-modify-write operations. One thread runs at a time here, so they need no more than that.</summary>
public static class Atomic
{
    public static int Add(ref int target, int value) => (target += value) - value;

    public static float Add(ref float target, float value)
    {
        float before = target;
        target += value;
        return before;
    }
}
