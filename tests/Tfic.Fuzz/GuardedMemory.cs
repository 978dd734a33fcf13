using System.Buffers;
using System.Runtime.InteropServices;

namespace Tfic.Fuzz;

/// <summary>
/// Memory behind whose last byte nothing may be read: an input is put against a page without any access, so that a
/// read beyond its end, by pointers or in native code, ends the process and does not go unnoticed.
/// </summary>
/// <remarks>On systems other than Linux plain memory, without that.</remarks>
internal sealed unsafe partial class GuardedMemory : MemoryManager<byte>
{
    private const int ReadAndWrite = 3, NoAccess = 0, PrivateAnonymous = 0x22;

    private readonly byte* _start;
    private readonly nuint _capacity;
    private int _length;

    /// <summary>Reserves memory.</summary>
    /// <param name="capacity">Longest input.</param>
    public GuardedMemory(int capacity)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        _capacity = ((nuint)capacity + page - 1) / page * page;
        if (!OperatingSystem.IsLinux())
        {
            _start = (byte*)NativeMemory.Alloc(_capacity);
            return;
        }

        nint start = Map(0, _capacity + page, ReadAndWrite, PrivateAnonymous, -1, 0);
        if (start == -1 || Protect(start + (nint)_capacity, page, NoAccess) != 0)
            throw new OutOfMemoryException($"No {capacity} bytes of memory with a guard behind them.");
        _start = (byte*)start;
    }

    /// <summary>Holds an input from now on; whatever referred to the one before must be done with.</summary>
    public ReadOnlyMemory<byte> Hold(ReadOnlySpan<byte> input)
    {
        _length = input.Length;
        input.CopyTo(GetSpan());
        return Memory;
    }

    public override Span<byte> GetSpan() => new(_start + (_capacity - (nuint)_length), _length);

    public override MemoryHandle Pin(int elementIndex = 0) =>
        new(_start + (_capacity - (nuint)_length) + elementIndex);

    public override void Unpin()
    {
    }

    // Lives as long as the process.
    protected override void Dispose(bool disposing)
    {
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint length, int protection);
}
