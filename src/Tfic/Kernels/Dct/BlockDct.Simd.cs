using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.Dct;

// Lanes are the columns of the result. In the column product, M·B, entry M[r,k] is the same for all lanes and row k of
// B is a vector; in the row product, T·Mᵀ, entry T[r,k] is the same for all lanes and row k of Mᵀ is a vector. So each
// output has its own lane and sums in the reference's order, and nothing is ever transposed.
public static partial class BlockDct
{
    // A fused multiply-add that the hardware lacks would be emulated: right, but slower than the reference.
    private static bool HasFused128 => Fma.IsSupported || AdvSimd.IsSupported;

    private static bool HasFused256 => Fma.IsSupported && Avx.IsSupported;

    private static bool HasFused512 => Vector512.IsHardwareAccelerated && Avx512F.IsSupported;

    private static void Forward128(ReadOnlySpan<float> source, int width, Span<float> target) =>
        Transform128(source, width, target, BasisTable, TransposedTable);

    private static void Inverse128(ReadOnlySpan<float> source, int width, Span<float> target) =>
        Transform128(source, width, target, TransposedTable, BasisTable);

    private static void Forward256(ReadOnlySpan<float> source, int width, Span<float> target) =>
        Transform256(source, width, target, BasisTable, TransposedTable, 0);

    private static void Inverse256(ReadOnlySpan<float> source, int width, Span<float> target) =>
        Transform256(source, width, target, TransposedTable, BasisTable, 0);

    private static void Forward512(ReadOnlySpan<float> source, int width, Span<float> target) =>
        Transform512(source, width, target, BasisTable, TransposedTable);

    private static void Inverse512(ReadOnlySpan<float> source, int width, Span<float> target) =>
        Transform512(source, width, target, TransposedTable, BasisTable);

    private static void Transform128(
        ReadOnlySpan<float> source, int width, Span<float> target, float[] matrix, float[] transposed)
    {
        Check(source.Length, width, target.Length);
        if (source.IsEmpty)
            return;
        Span<float> between = stackalloc float[Size * Size];
        ref float m = ref MemoryMarshal.GetArrayDataReference(matrix);
        ref float mt = ref MemoryMarshal.GetArrayDataReference(transposed);
        ref float t = ref MemoryMarshal.GetReference(between);
        for (int block = 0; block < source.Length / (Size * Size); block++)
        {
            nint corner = Corner(block, width);
            ref float b = ref Unsafe.Add(ref MemoryMarshal.GetReference(source), corner);
            ref float f = ref Unsafe.Add(ref MemoryMarshal.GetReference(target), corner);
            for (int half = 0; half < Size; half += 4)
            {
                for (int r = 0; r < Size; r++)
                {
                    Vector128<float> sum = Vector128.Create(Unsafe.Add(ref m, r * Size))
                        * Vector128.LoadUnsafe(ref b, (nuint)half);
                    for (int k = 1; k < Size; k++)
                        sum = Vector128.FusedMultiplyAdd(
                            Vector128.Create(Unsafe.Add(ref m, r * Size + k)),
                            Vector128.LoadUnsafe(ref b, (nuint)(k * (nint)width + half)), sum);
                    sum.StoreUnsafe(ref t, (nuint)(r * Size + half));
                }
            }

            for (int r = 0; r < Size; r++)
            {
                for (int half = 0; half < Size; half += 4)
                {
                    Vector128<float> sum = Vector128.Create(Unsafe.Add(ref t, r * Size))
                        * Vector128.LoadUnsafe(ref mt, (nuint)half);
                    for (int k = 1; k < Size; k++)
                        sum = Vector128.FusedMultiplyAdd(
                            Vector128.Create(Unsafe.Add(ref t, r * Size + k)),
                            Vector128.LoadUnsafe(ref mt, (nuint)(k * Size + half)), sum);
                    sum.StoreUnsafe(ref f, (nuint)(r * (nint)width + half));
                }
            }
        }
    }

    /// <param name="source">The plane.</param>
    /// <param name="width">Its width.</param>
    /// <param name="target">The result.</param>
    /// <param name="matrix">M.</param>
    /// <param name="transposed">Mᵀ.</param>
    /// <param name="firstColumn">Column of blocks to begin with, in every row of blocks.</param>
    private static void Transform256(
        ReadOnlySpan<float> source, int width, Span<float> target, float[] matrix, float[] transposed, int firstColumn)
    {
        Check(source.Length, width, target.Length);
        if (source.IsEmpty)
            return;
        Span<float> between = stackalloc float[Size * Size];
        ref float m = ref MemoryMarshal.GetArrayDataReference(matrix);
        ref float mt = ref MemoryMarshal.GetArrayDataReference(transposed);
        ref float t = ref MemoryMarshal.GetReference(between);
        Vector256<float> m0 = Vector256.LoadUnsafe(ref mt), m1 = Vector256.LoadUnsafe(ref mt, 8);
        Vector256<float> m2 = Vector256.LoadUnsafe(ref mt, 16), m3 = Vector256.LoadUnsafe(ref mt, 24);
        Vector256<float> m4 = Vector256.LoadUnsafe(ref mt, 32), m5 = Vector256.LoadUnsafe(ref mt, 40);
        Vector256<float> m6 = Vector256.LoadUnsafe(ref mt, 48), m7 = Vector256.LoadUnsafe(ref mt, 56);
        int across = width / Size;
        for (int block = firstColumn; block < source.Length / (Size * Size); block++)
        {
            if (block % across < firstColumn)
                continue;
            nint corner = Corner(block, width);
            nuint stride = (nuint)width;
            ref float b = ref Unsafe.Add(ref MemoryMarshal.GetReference(source), corner);
            Vector256<float> b0 = Vector256.LoadUnsafe(ref b), b1 = Vector256.LoadUnsafe(ref b, stride);
            Vector256<float> b2 = Vector256.LoadUnsafe(ref b, 2 * stride), b3 = Vector256.LoadUnsafe(ref b, 3 * stride);
            Vector256<float> b4 = Vector256.LoadUnsafe(ref b, 4 * stride), b5 = Vector256.LoadUnsafe(ref b, 5 * stride);
            Vector256<float> b6 = Vector256.LoadUnsafe(ref b, 6 * stride), b7 = Vector256.LoadUnsafe(ref b, 7 * stride);
            for (int r = 0; r < Size; r++)
                Combine(ref Unsafe.Add(ref m, r * Size), b0, b1, b2, b3, b4, b5, b6, b7)
                    .StoreUnsafe(ref t, (nuint)(r * Size));
            ref float f = ref Unsafe.Add(ref MemoryMarshal.GetReference(target), corner);
            for (int r = 0; r < Size; r++)
                Combine(ref Unsafe.Add(ref t, r * Size), m0, m1, m2, m3, m4, m5, m6, m7)
                    .StoreUnsafe(ref f, (nuint)r * stride);
        }
    }

    /// <summary>Two neighbouring blocks at a time; an odd last column of blocks goes through 256 bits.</summary>
    private static void Transform512(
        ReadOnlySpan<float> source, int width, Span<float> target, float[] matrix, float[] transposed)
    {
        Check(source.Length, width, target.Length);
        if (source.IsEmpty)
            return;
        int across = width / Size, pairs = across / 2, rows = source.Length / width / Size;
        ref float m = ref MemoryMarshal.GetArrayDataReference(matrix);
        // All that both products need stays in registers: Mᵀ twice side by side, and, for each k, where entry k of
        // each half's row lies.
        Vector512<float> m0 = Twice(transposed, 0), m1 = Twice(transposed, 1), m2 = Twice(transposed, 2);
        Vector512<float> m3 = Twice(transposed, 3), m4 = Twice(transposed, 4), m5 = Twice(transposed, 5);
        Vector512<float> m6 = Twice(transposed, 6), m7 = Twice(transposed, 7);
        Vector512<int> k0 = Vector512.Create(Vector256.Create(0), Vector256.Create(8)), one = Vector512<int>.One;
        Vector512<int> k1 = k0 + one, k2 = k1 + one, k3 = k2 + one, k4 = k3 + one, k5 = k4 + one, k6 = k5 + one;
        Vector512<int> k7 = k6 + one;
        for (int pair = 0; pair < rows * pairs; pair++)
        {
            nint corner = (nint)(pair / pairs) * Size * width + pair % pairs * 2 * Size;
            nuint stride = (nuint)width;
            ref float b = ref Unsafe.Add(ref MemoryMarshal.GetReference(source), corner);
            Vector512<float> b0 = Vector512.LoadUnsafe(ref b), b1 = Vector512.LoadUnsafe(ref b, stride);
            Vector512<float> b2 = Vector512.LoadUnsafe(ref b, 2 * stride), b3 = Vector512.LoadUnsafe(ref b, 3 * stride);
            Vector512<float> b4 = Vector512.LoadUnsafe(ref b, 4 * stride), b5 = Vector512.LoadUnsafe(ref b, 5 * stride);
            Vector512<float> b6 = Vector512.LoadUnsafe(ref b, 6 * stride), b7 = Vector512.LoadUnsafe(ref b, 7 * stride);
            ref float f = ref Unsafe.Add(ref MemoryMarshal.GetReference(target), corner);
            for (int r = 0; r < Size; r++)
            {
                ref float entry = ref Unsafe.Add(ref m, r * Size);
                Vector512<float> row = Vector512.Create(entry) * b0;
                row = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref entry, 1)), b1, row);
                row = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref entry, 2)), b2, row);
                row = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref entry, 3)), b3, row);
                row = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref entry, 4)), b4, row);
                row = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref entry, 5)), b5, row);
                row = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref entry, 6)), b6, row);
                row = Vector512.FusedMultiplyAdd(Vector512.Create(Unsafe.Add(ref entry, 7)), b7, row);

                Vector512<float> sum = Avx512F.PermuteVar16x32(row, k0) * m0;
                sum = Vector512.FusedMultiplyAdd(Avx512F.PermuteVar16x32(row, k1), m1, sum);
                sum = Vector512.FusedMultiplyAdd(Avx512F.PermuteVar16x32(row, k2), m2, sum);
                sum = Vector512.FusedMultiplyAdd(Avx512F.PermuteVar16x32(row, k3), m3, sum);
                sum = Vector512.FusedMultiplyAdd(Avx512F.PermuteVar16x32(row, k4), m4, sum);
                sum = Vector512.FusedMultiplyAdd(Avx512F.PermuteVar16x32(row, k5), m5, sum);
                sum = Vector512.FusedMultiplyAdd(Avx512F.PermuteVar16x32(row, k6), m6, sum);
                sum = Vector512.FusedMultiplyAdd(Avx512F.PermuteVar16x32(row, k7), m7, sum);
                sum.StoreUnsafe(ref f, (nuint)r * stride);
            }
        }

        if (across % 2 == 1)
            Transform256(source, width, target, matrix, transposed, across - 1);
    }

    /// <summary>A row of a matrix, in both halves.</summary>
    private static Vector512<float> Twice(float[] matrix, int row)
    {
        Vector256<float> half = Vector256.Create(matrix, row * Size);
        return Vector512.Create(half, half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Combine(
        ref float entry, Vector256<float> v0, Vector256<float> v1, Vector256<float> v2, Vector256<float> v3,
        Vector256<float> v4, Vector256<float> v5, Vector256<float> v6, Vector256<float> v7)
    {
        Vector256<float> sum = Vector256.Create(entry) * v0;
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref entry, 1)), v1, sum);
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref entry, 2)), v2, sum);
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref entry, 3)), v3, sum);
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref entry, 4)), v4, sum);
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref entry, 5)), v5, sum);
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref entry, 6)), v6, sum);
        return Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref entry, 7)), v7, sum);
    }

    /// <summary>Offset of a block's first sample.</summary>
    private static nint Corner(int block, int width)
    {
        int across = width / Size;
        return (nint)(block / across) * Size * width + block % across * Size;
    }

    private static void Quantise128(
        ReadOnlySpan<float> coefficients, int width, ReadOnlySpan<float> steps, Span<short> levels)
    {
        for (int start = 0; start < coefficients.Length; start += Size)
        {
            ReadOnlySpan<float> own = steps.Slice(start / width % Size * Size, Size);
            ReadOnlySpan<float> row = coefficients.Slice(start, Size);
            Vector128<float> left = Vector128.Create(row) / Vector128.Create(own);
            Vector128<float> right = Vector128.Create(row[4..]) / Vector128.Create(own[4..]);
            Vector128.Narrow(Level(left), Level(right)).CopyTo(levels[start..]);
        }
    }

    private static void Quantise256(
        ReadOnlySpan<float> coefficients, int width, ReadOnlySpan<float> steps, Span<short> levels)
    {
        for (int start = 0; start < coefficients.Length; start += Size)
        {
            Vector256<int> level = Level(
                Vector256.Create(coefficients[start..])
                / Vector256.Create(steps[(start / width % Size * Size)..]));
            Vector128.Narrow(level.GetLower(), level.GetUpper()).CopyTo(levels[start..]);
        }
    }

    private static void Quantise512(
        ReadOnlySpan<float> coefficients, int width, ReadOnlySpan<float> steps, Span<short> levels)
    {
        // A plane has whole blocks, so the number of groups of eight is a multiple of eight; two of them may lie in
        // different rows.
        for (int start = 0; start < coefficients.Length; start += 2 * Size)
        {
            Vector512<float> step = Vector512.Create(
                Vector256.Create(steps[(start / width % Size * Size)..]),
                Vector256.Create(steps[((start + Size) / width % Size * Size)..]));
            Vector512<float> quotient = Vector512.Create(coefficients[start..]) / step;
            Vector512<float> rounded = Vector512.Round(quotient);
            rounded = Vector512.Min(
                Vector512.Max(rounded, Vector512.Create((float)short.MinValue)),
                Vector512.Create((float)short.MaxValue));
            Vector512<int> level = Vector512.ConvertToInt32(
                Vector512.ConditionalSelect(Vector512.Equals(quotient, quotient), rounded, Vector512<float>.Zero));
            Vector256.Narrow(level.GetLower(), level.GetUpper()).CopyTo(levels[start..]);
        }
    }

    private static Vector128<int> Level(Vector128<float> quotient)
    {
        Vector128<float> level = Vector128.Min(
            Vector128.Max(Vector128.Round(quotient), Vector128.Create((float)short.MinValue)),
            Vector128.Create((float)short.MaxValue));
        return Vector128.ConvertToInt32(
            Vector128.ConditionalSelect(Vector128.Equals(quotient, quotient), level, Vector128<float>.Zero));
    }

    private static Vector256<int> Level(Vector256<float> quotient)
    {
        Vector256<float> level = Vector256.Min(
            Vector256.Max(Vector256.Round(quotient), Vector256.Create((float)short.MinValue)),
            Vector256.Create((float)short.MaxValue));
        return Vector256.ConvertToInt32(
            Vector256.ConditionalSelect(Vector256.Equals(quotient, quotient), level, Vector256<float>.Zero));
    }
}
