using System.Runtime.InteropServices;

namespace Tfic.CApi;

/// <summary>What C can hold on to. Text is UTF-8 with a zero byte at its end.</summary>
internal static unsafe class CMemory
{
    /// <summary>Text in an array that does not move, for as long as someone holds the array.</summary>
    public static byte[] Pinned(string text)
    {
        byte[] bytes = GC.AllocateArray<byte>(System.Text.Encoding.UTF8.GetByteCount(text) + 1, pinned: true);
        System.Text.Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }

    /// <summary>Where a pinned array lies.</summary>
    public static byte* Address(byte[] pinned) => (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0);

    /// <summary>Text in memory that tfic_free releases.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory.</exception>
    public static byte* Allocate(string text)
    {
        int length = System.Text.Encoding.UTF8.GetByteCount(text);
        byte* bytes = (byte*)NativeMemory.Alloc((nuint)length + 1);
        System.Text.Encoding.UTF8.GetBytes(text, new Span<byte>(bytes, length));
        bytes[length] = 0;
        return bytes;
    }

    /// <summary>Bytes in memory that tfic_free releases.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory.</exception>
    public static byte* Allocate(ReadOnlySpan<byte> content)
    {
        byte* bytes = (byte*)NativeMemory.Alloc((nuint)content.Length);
        content.CopyTo(new Span<byte>(bytes, content.Length));
        return bytes;
    }
}
