using System.Numerics;

namespace Tfic.Fuzz;

/// <summary>
/// Random numbers by SplitMix64: the same on every machine and version, and cheap to seed anew for each input.
/// </summary>
internal sealed class FuzzRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The numbers of input <paramref name="index"/> of a run.</summary>
    public static FuzzRandom For(ulong seed, string target, long index)
    {
        ulong hash = 14695981039346656037; // FNV-1a
        foreach (char c in target)
            hash = (hash ^ c) * 1099511628211;
        var mixed = new FuzzRandom(seed ^ hash);
        return new FuzzRandom(mixed.Next64() + ((ulong)index * 0x9E3779B97F4A7C15 << 8));
    }

    public ulong Next64()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>0 … count − 1.</summary>
    public int Below(int count) => (int)(((Next64() >> 32) * (ulong)count) >> 32);

    /// <summary>True once in <paramref name="n"/> times.</summary>
    public bool OneIn(int n) => Below(n) == 0;

    public byte Byte() => (byte)Next64();

    /// <summary>One of some values.</summary>
    public T Of<T>(params ReadOnlySpan<T> values) => values[Below(values.Length)];

    /// <summary>Mostly small, sometimes large numbers: 0 … 2^bits − 1, each number of digits as likely.</summary>
    public long Spread(int bits) => (long)(Next64() & ((1UL << Below(bits + 1)) - 1));

    /// <summary>A number at which something may go wrong: around a power of two.</summary>
    public long Edge(int bits)
    {
        ulong value = (1UL << Below(bits)) + (ulong)(Below(5) - 2);
        return (long)(value & (ulong.MaxValue >> BitOperations.LeadingZeroCount((1UL << bits) - 1)));
    }

    /// <summary>Spread or Edge.</summary>
    public long Number(int bits) => OneIn(2) ? Spread(bits) : Edge(bits);
}
