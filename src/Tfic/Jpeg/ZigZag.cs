using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Jpeg;

/// <summary>The order in which a block's coefficients are coded.</summary>
internal static class ZigZag
{
    private static readonly Vector512<short> s_first = Vector512.Create([.. Indexes(0)]);
    private static readonly Vector512<short> s_second = Vector512.Create([.. Indexes(32)]);

    /// <summary>Natural (row-major) index of the k-th coded coefficient.</summary>
    public static ReadOnlySpan<byte> Natural =>
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
        12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
        58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];

    /// <summary>The inverse: when the coefficient of a natural index is coded.</summary>
    private static ReadOnlySpan<byte> Coded =>
    [
        0, 1, 5, 6, 14, 15, 27, 28, 2, 4, 7, 13, 16, 26, 29, 42,
        3, 8, 12, 17, 25, 30, 41, 43, 9, 11, 18, 24, 31, 40, 44, 53,
        10, 19, 23, 32, 39, 45, 52, 54, 20, 22, 33, 38, 46, 51, 55, 60,
        21, 34, 37, 47, 50, 56, 59, 61, 35, 36, 48, 49, 57, 58, 62, 63,
    ];

    /// <summary>Brings a block into the order of coding.</summary>
    /// <param name="block">64 levels in natural order.</param>
    /// <param name="coded">Receives those that are not zero at their places in the order of coding. What it holds at
    /// the places of zeros has no meaning.</param>
    /// <returns>Bit k is set where the k-th coded level is not zero.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Scan(ref short block, ref short coded)
    {
        if (Vector512.IsHardwareAccelerated && Avx512BW.IsSupported)
        {
            Vector512<short> lower = Vector512.LoadUnsafe(ref block), upper = Vector512.LoadUnsafe(ref block, 32);
            Vector512<short> first = Avx512BW.PermuteVar32x16x2(lower, s_first, upper);
            Vector512<short> second = Avx512BW.PermuteVar32x16x2(lower, s_second, upper);
            first.StoreUnsafe(ref coded);
            second.StoreUnsafe(ref coded, 32);
            return ~(Vector512.Equals(first, Vector512<short>.Zero).ExtractMostSignificantBits()
                | (Vector512.Equals(second, Vector512<short>.Zero).ExtractMostSignificantBits() << 32));
        }

        return ScanOneByOne(ref block, ref coded);
    }

    private static ulong ScanOneByOne(ref short block, ref short coded)
    {
        // Few levels are not zero: these are found by vectors, and moved one by one.
        ulong found = 0, mask = 0;
        for (int i = 0; i < 64; i += 16)
        {
            Vector128<short> zero = Vector128<short>.Zero;
            Vector128<short> left = Vector128.Equals(Vector128.LoadUnsafe(ref block, (nuint)i), zero);
            Vector128<short> right = Vector128.Equals(Vector128.LoadUnsafe(ref block, (nuint)i + 8), zero);
            found |= (ulong)(~Vector128.Narrow(left, right).ExtractMostSignificantBits() & 0xFFFF) << i;
        }

        ref byte order = ref MemoryMarshal.GetReference(Coded);
        for (; found != 0; found &= found - 1)
        {
            int natural = BitOperations.TrailingZeroCount(found), k = Unsafe.Add(ref order, natural);
            Unsafe.Add(ref coded, k) = Unsafe.Add(ref block, natural);
            mask |= 1ul << k;
        }

        return mask;
    }

    private static IEnumerable<short> Indexes(int from)
    {
        for (int k = from; k < from + 32; k++)
            yield return Natural[k];
    }
}
