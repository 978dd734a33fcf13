
namespace Tfic.Synthesis;

/// <summary>A hash that is the same in every process and release: splits and seeds depend on it.</summary>
internal static class StableHash
{
    /// <summary>FNV-1a (Fowler, Noll, Vo) with 64 bits, then mixed so that every bit depends on every byte.</summary>
    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in bytes)
            hash = (hash ^ b) * 1099511628211;
        return RandomStream.Mix(hash);
    }

    /// <inheritdoc cref="Of(ReadOnlySpan{byte})"/>
    public static ulong Of(string text) => Of(System.Text.Encoding.UTF8.GetBytes(text));
}
