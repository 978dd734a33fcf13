using System.Numerics;
using System.Runtime.InteropServices;

namespace Tfic.Kernels.JpegColour;

/// <summary>Chroma to half its size and back.</summary>
/// <remarks>
/// Halved, a sample is the mean of four. Doubled, a sample takes ¾ of the nearer one and ¼ of the farther one in each
/// direction (a triangle filter). Rounding alternates, halves downwards and upwards by turns, so that no brightness is
/// added: as the Independent JPEG Group's library does, so that pixels agree.
/// </remarks>
internal static class ChromaFilter
{
    /// <summary>Means of 2 × 2 samples, (sum + 1) / 4 and (sum + 2) / 4 by turns.</summary>
    /// <param name="upper">A row; at least twice as long as target.</param>
    /// <param name="lower">The row below; as long.</param>
    /// <param name="target">The row of half the width.</param>
    public delegate void HalveKernel(ReadOnlySpan<byte> upper, ReadOnlySpan<byte> lower, Span<byte> target);

    /// <summary>A row of twice the width, of what lies ¾ in one row of samples and ¼ in another.</summary>
    /// <param name="near">n samples, at least 1.</param>
    /// <param name="far">n samples.</param>
    /// <param name="target">2n samples.</param>
    public delegate void DoubleKernel(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, Span<byte> target);

    /// <summary>Variants of halving; every row equals the reference.</summary>
    public static VariantTable<HalveKernel> HalveTable { get; } = new(
        "jpeg-chroma-halve",
        new Variant<HalveKernel>("reference", true, 0, HalveReference),
        new Variant<HalveKernel>(VectorName, Vector.IsHardwareAccelerated, 0, HalveVector));

    /// <summary>Variants of doubling; every row equals the reference.</summary>
    public static VariantTable<DoubleKernel> DoubleTable { get; } = new(
        "jpeg-chroma-double",
        new Variant<DoubleKernel>("reference", true, 0, DoubleReference),
        new Variant<DoubleKernel>(VectorName, Vector.IsHardwareAccelerated, 0, DoubleVector));

    // Nothing here depends on the width of the vectors: they are as wide as .NET takes them to be on this machine.
    private static string VectorName => $"vector{8 * Vector<byte>.Count}";

    /// <summary>Means of 2 × 2 samples, by the picked variant; see <see cref="HalveKernel"/>.</summary>
    /// <exception cref="ArgumentException">A row too short.</exception>
    public static void Halve(ReadOnlySpan<byte> upper, ReadOnlySpan<byte> lower, Span<byte> target)
    {
        if (upper.Length < 2L * target.Length || lower.Length < 2L * target.Length)
            throw new ArgumentException($"{target.Length} means of {upper.Length} and {lower.Length} samples.");
        HalveTable.Picked.Kernel(upper, lower, target);
    }

    /// <summary>A row of twice the width, by the picked variant; see <see cref="DoubleKernel"/>.</summary>
    /// <exception cref="ArgumentException">No samples, or rows that do not fit.</exception>
    public static void Double(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, Span<byte> target)
    {
        if (near.IsEmpty || far.Length < near.Length || target.Length < 2L * near.Length)
            throw new ArgumentException($"{target.Length} samples of {near.Length} and {far.Length}.");
        DoubleTable.Picked.Kernel(near, far, target);
    }

    internal static void HalveReference(ReadOnlySpan<byte> upper, ReadOnlySpan<byte> lower, Span<byte> target)
    {
        for (int x = 0; x < target.Length; x++)
        {
            int sum = upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1];
            target[x] = (byte)((sum + 1 + (x & 1)) >> 2);
        }
    }

    internal static void DoubleReference(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, Span<byte> target)
    {
        int last = near.Length - 1;
        target[0] = (byte)((4 * Sum(near, far, 0) + 8) >> 4);
        DoubleFrom(0, near, far, target);
        target[2 * last + 1] = (byte)((4 * Sum(near, far, last) + 7) >> 4);
    }

    private static int Sum(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, int x) => 3 * near[x] + far[x];

    /// <summary>The two pixels between each sample, from x on, and the next.</summary>
    private static void DoubleFrom(int x, ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, Span<byte> target)
    {
        for (; x + 1 < near.Length; x++)
        {
            int a = Sum(near, far, x), b = Sum(near, far, x + 1);
            target[2 * x + 1] = (byte)((3 * a + b + 7) >> 4);
            target[2 * x + 2] = (byte)((3 * b + a + 8) >> 4);
        }
    }

    private static void HalveVector(ReadOnlySpan<byte> upper, ReadOnlySpan<byte> lower, Span<byte> target)
    {
        int count = Vector<byte>.Count, x = 0;
        Vector<ushort> rounding = new Vector<uint>(2 << 16 | 1).As<uint, ushort>();
        for (; x + count <= target.Length; x += count)
        {
            Vector<ushort> first = Pairs(upper[(2 * x)..]) + Pairs(lower[(2 * x)..]);
            Vector<ushort> second = Pairs(upper[(2 * x + count)..]) + Pairs(lower[(2 * x + count)..]);
            Vector.Narrow((first + rounding) >> 2, (second + rounding) >> 2).CopyTo(target[x..]);
        }

        // Vectors have an even number of elements, so rounding goes on by the same turns.
        HalveReference(upper[(2 * x)..], lower[(2 * x)..], target[x..]);
    }

    /// <summary>Sums of neighbours.</summary>
    private static Vector<ushort> Pairs(ReadOnlySpan<byte> samples)
    {
        Vector<ushort> pairs = new Vector<byte>(samples).As<byte, ushort>();
        return (pairs & new Vector<ushort>(0xFF)) + (pairs >> 8);
    }

    private static void DoubleVector(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, Span<byte> target)
    {
        int count = Vector<byte>.Count, x = 0;
        if (!BitConverter.IsLittleEndian)
        {
            DoubleReference(near, far, target);
            return;
        }

        int last = near.Length - 1;
        target[0] = (byte)((4 * Sum(near, far, 0) + 8) >> 4);
        for (; x + 1 + count <= near.Length; x += count)
        {
            Vector.Widen(new Vector<byte>(near[x..]), out Vector<ushort> nearLow, out Vector<ushort> nearHigh);
            Vector.Widen(new Vector<byte>(far[x..]), out Vector<ushort> farLow, out Vector<ushort> farHigh);
            Vector.Widen(new Vector<byte>(near[(x + 1)..]), out Vector<ushort> nextLow, out Vector<ushort> nextHigh);
            Vector.Widen(new Vector<byte>(far[(x + 1)..]), out Vector<ushort> beyondLow, out Vector<ushort> beyondHigh);
            Span<byte> pixels = target[(2 * x + 1)..];
            Between(nearLow * 3 + farLow, nextLow * 3 + beyondLow).CopyTo(pixels);
            Between(nearHigh * 3 + farHigh, nextHigh * 3 + beyondHigh).CopyTo(pixels[count..]);
        }

        DoubleFrom(x, near, far, target);
        target[2 * last + 1] = (byte)((4 * Sum(near, far, last) + 7) >> 4);
    }

    /// <summary>The two pixels between sums, side by side: the first in the lower byte.</summary>
    private static Vector<byte> Between(Vector<ushort> a, Vector<ushort> b)
    {
        Vector<ushort> first = (a * 3 + b + new Vector<ushort>(7)) >> 4;
        Vector<ushort> second = (b * 3 + a + new Vector<ushort>(8)) >> 4;
        return (first | (second << 8)).As<ushort, byte>();
    }
}
