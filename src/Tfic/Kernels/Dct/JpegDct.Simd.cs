using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.Dct;

// A vector holds one row of each block in its 128 bits of eight 16-bit integers, so that 512 bits are four blocks that
// never meet until they are stored. All that lies between the two multiplications by K fits 16 bits: samples less 128
// give T of at most 4096 and F of at most 8192 in magnitude, and the inverse leaves levels that are too large for that
// to the reference. Products of pairs are summed in 32 bits, where nothing is lost, so the results are the reference's.
public static partial class JpegDct
{
    // The entries of K's rows, two by two: those of frequencies 2 and 6 for positions 0 and 1, and those of odd
    // frequencies for positions 0…3.
    private const int Even2 = 10703, Even2At1 = 4433, Even6 = 4433, Even6At1 = -10704;
    private const int Odd1 = 11363, Odd1At1 = 9633, Odd1At2 = 6437, Odd1At3 = 2260;
    private const int Odd3 = 9633, Odd3At1 = -2259, Odd3At2 = -11362, Odd3At3 = -6436;
    private const int Odd5 = 6437, Odd5At1 = -11362, Odd5At2 = 2261, Odd5At3 = 9633;
    private const int Odd7 = 2260, Odd7At1 = -6436, Odd7At2 = 9633, Odd7At3 = -11363;

    // 256 bits come last, for they are not slower where it was measured (Zen 4, whose 512-bit operations are two of 256
    // bits): 1.1 ms against 1.3 with 512 bits for 2048 × 2048 samples, both ways.
    private static Variant<ForwardKernel>[] ForwardRows =>
    [
        new("reference", true, 0, ForwardReference),
        new("vector128", Rows128.IsSupported, 0, Forward128),
        new("vector512", Rows512.IsSupported, 0, Forward512),
        new("vector256", Avx2.IsSupported, 0, Forward256),
    ];

    private static Variant<InverseKernel>[] InverseRows =>
    [
        new("reference", true, 0, InverseReference),
        new("vector128", Rows128.IsSupported, 0, Inverse128),
        new("vector512", Rows512.IsSupported, 0, Inverse512),
        new("vector256", Avx2.IsSupported, 0, Inverse256),
    ];

    /// <summary>What differs between vectors of one, two and four blocks.</summary>
    /// <typeparam name="TRow">A row of eight 16-bit integers for each block.</typeparam>
    private interface IRows<TRow>
        where TRow : struct
    {
        /// <summary>Blocks side by side.</summary>
        static abstract int Blocks { get; }

        static abstract TRow Add(TRow a, TRow b);

        static abstract TRow Subtract(TRow a, TRow b);

        /// <summary>The same in all 16-bit elements.</summary>
        static abstract TRow Create(short value);

        /// <summary>The same in all 32-bit elements.</summary>
        static abstract TRow CreateWide(int value);

        static abstract TRow ShiftLeft(TRow a, [ConstantExpected] int bits);

        static abstract TRow ShiftRight(TRow a, [ConstantExpected] int bits);

        static abstract TRow AddWide(TRow a, TRow b);

        static abstract TRow SubtractWide(TRow a, TRow b);

        /// <summary>Elements of a and b by turns: from the first four of each block, and from the last four.</summary>
        static abstract TRow InterleaveLow(TRow a, TRow b);

        static abstract TRow InterleaveHigh(TRow a, TRow b);

        /// <summary>The 32-bit sum of the two products of each pair of elements.</summary>
        static abstract TRow MultiplyPairs(TRow pairs, TRow factors);

        /// <summary>32-bit sums, shifted, to 16 bits, saturating: undoes the interleaving.</summary>
        static abstract TRow Narrow(TRow low, TRow high, [ConstantExpected] int bits);

        static abstract TRow Interleave32Low(TRow a, TRow b);

        static abstract TRow Interleave32High(TRow a, TRow b);

        static abstract TRow Interleave64Low(TRow a, TRow b);

        static abstract TRow Interleave64High(TRow a, TRow b);

        /// <summary>Samples less 128.</summary>
        static abstract TRow LoadSamples(ref byte source);

        /// <summary>sign(F)·⌊(|F| + half) / (2·half)⌋, the division by reciprocal.</summary>
        static abstract TRow Quantise(TRow coefficients, JpegQuantiser quantiser, nuint at);

        /// <summary>Stores rows r…r + 3 of each block; the next block is 64 levels further.</summary>
        static abstract void StoreLevels(TRow r0, TRow r1, TRow r2, TRow r3, ref short levels);

        static abstract void LoadLevels(
            ref short levels, out TRow r0, out TRow r1, out TRow r2, out TRow r3);

        /// <summary>Eight values, the same for each block.</summary>
        static abstract TRow Repeat(ref ushort values);

        static abstract TRow Multiply(TRow a, TRow b);

        /// <summary>|level| − largest where that is positive, else 0.</summary>
        static abstract TRow Excess(TRow levels, TRow largest);

        static abstract TRow Or(TRow a, TRow b);

        /// <summary>All but the first element of each block.</summary>
        static abstract TRow WithoutFirst(TRow a);

        static abstract bool IsZero(TRow a);

        /// <summary>
        /// Rows as bytes, clamped to −128…127, plus 128: the rows come with their columns exchanged for rows, and are
        /// stored upright.
        /// </summary>
        static abstract void StoreSamples(
            TRow c0, TRow c1, TRow c2, TRow c3, TRow c4, TRow c5, TRow c6, TRow c7, ref byte target, nint stride);
    }

    private static void Forward128(
        ReadOnlySpan<byte> source, int stride, JpegQuantiser quantiser, Span<short> blocks) =>
        Forward<Vector128<short>, Rows128>(source, stride, quantiser, blocks);

    // What is left over goes through narrower vectors.
    private static void Forward256(ReadOnlySpan<byte> source, int stride, JpegQuantiser quantiser, Span<short> blocks)
    {
        int whole = blocks.Length & ~127;
        Forward<Vector256<short>, Rows256>(source, stride, quantiser, blocks[..whole]);
        if (whole < blocks.Length)
            Forward128(source[(whole / 8)..], stride, quantiser, blocks[whole..]);
    }

    private static void Forward512(ReadOnlySpan<byte> source, int stride, JpegQuantiser quantiser, Span<short> blocks)
    {
        int whole = blocks.Length & ~255;
        Forward<Vector512<short>, Rows512>(source, stride, quantiser, blocks[..whole]);
        if (whole < blocks.Length)
            Forward256(source[(whole / 8)..], stride, quantiser, blocks[whole..]);
    }

    private static void Inverse128(
        ReadOnlySpan<short> blocks, JpegQuantiser quantiser, Span<byte> target, int stride) =>
        Inverse<Vector128<short>, Rows128>(blocks, quantiser, target, stride);

    private static void Inverse256(ReadOnlySpan<short> blocks, JpegQuantiser quantiser, Span<byte> target, int stride)
    {
        int whole = blocks.Length & ~127;
        Inverse<Vector256<short>, Rows256>(blocks[..whole], quantiser, target, stride);
        if (whole < blocks.Length)
            Inverse128(blocks[whole..], quantiser, target[(whole / 8)..], stride);
    }

    private static void Inverse512(ReadOnlySpan<short> blocks, JpegQuantiser quantiser, Span<byte> target, int stride)
    {
        int whole = blocks.Length & ~255;
        Inverse<Vector512<short>, Rows512>(blocks[..whole], quantiser, target, stride);
        if (whole < blocks.Length)
            Inverse256(blocks[whole..], quantiser, target[(whole / 8)..], stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward<TRow, TRows>(
        ReadOnlySpan<byte> source, int stride, JpegQuantiser quantiser, Span<short> blocks)
        where TRow : struct
        where TRows : struct, IRows<TRow>
    {
        if (blocks.IsEmpty)
            return;
        Check(source.Length, stride, blocks.Length);
        nint row = stride;
        for (int block = 0; block < blocks.Length / 64; block += TRows.Blocks)
        {
            ref byte corner = ref Unsafe.Add(ref MemoryMarshal.GetReference(source), block * 8);
            TRow r0 = TRows.LoadSamples(ref corner);
            TRow r1 = TRows.LoadSamples(ref Unsafe.Add(ref corner, row));
            TRow r2 = TRows.LoadSamples(ref Unsafe.Add(ref corner, 2 * row));
            TRow r3 = TRows.LoadSamples(ref Unsafe.Add(ref corner, 3 * row));
            TRow r4 = TRows.LoadSamples(ref Unsafe.Add(ref corner, 4 * row));
            TRow r5 = TRows.LoadSamples(ref Unsafe.Add(ref corner, 5 * row));
            TRow r6 = TRows.LoadSamples(ref Unsafe.Add(ref corner, 6 * row));
            TRow r7 = TRows.LoadSamples(ref Unsafe.Add(ref corner, 7 * row));
            Transpose<TRow, TRows>(ref r0, ref r1, ref r2, ref r3, ref r4, ref r5, ref r6, ref r7);
            Butterflies<TRow, TRows>(ref r0, ref r1, ref r2, ref r3, ref r4, ref r5, ref r6, ref r7);

            // Frequencies 0 and 4: (8192·sum + 2^10) >> 11.
            TRow sum = TRows.Add(r0, r1), difference = TRows.Subtract(r0, r1);
            TRow f0 = TRows.ShiftLeft(sum, PassBits), f4 = TRows.ShiftLeft(difference, PassBits);
            TRow rounding = TRows.CreateWide(1 << (ConstantBits - PassBits - 1));
            TRow low = TRows.InterleaveLow(r3, r2), high = TRows.InterleaveHigh(r3, r2);
            TRow f2 = FirstPass<TRow, TRows>(low, high, Even2, Even2At1, rounding);
            TRow f6 = FirstPass<TRow, TRows>(low, high, Even6, Even6At1, rounding);
            TRow low1 = TRows.InterleaveLow(r4, r5), high1 = TRows.InterleaveHigh(r4, r5);
            TRow low2 = TRows.InterleaveLow(r6, r7), high2 = TRows.InterleaveHigh(r6, r7);
            TRow f1 = FirstPass<TRow, TRows>(low1, high1, low2, high2, Odd1, Odd1At1, Odd1At2, Odd1At3, rounding);
            TRow f3 = FirstPass<TRow, TRows>(low1, high1, low2, high2, Odd3, Odd3At1, Odd3At2, Odd3At3, rounding);
            TRow f5 = FirstPass<TRow, TRows>(low1, high1, low2, high2, Odd5, Odd5At1, Odd5At2, Odd5At3, rounding);
            TRow f7 = FirstPass<TRow, TRows>(low1, high1, low2, high2, Odd7, Odd7At1, Odd7At2, Odd7At3, rounding);

            Transpose<TRow, TRows>(ref f0, ref f1, ref f2, ref f3, ref f4, ref f5, ref f6, ref f7);
            Butterflies<TRow, TRows>(ref f0, ref f1, ref f2, ref f3, ref f4, ref f5, ref f6, ref f7);

            // (8192·sum + 2^14) >> 15. The sum reaches −2^15 and at most 2^15 − 2^8.
            TRow two = TRows.Create(2);
            r0 = TRows.ShiftRight(TRows.Add(TRows.Add(f0, f1), two), PassBits);
            r4 = TRows.ShiftRight(TRows.Add(TRows.Subtract(f0, f1), two), PassBits);
            rounding = TRows.CreateWide(1 << (ConstantBits + PassBits - 1));
            low = TRows.InterleaveLow(f3, f2);
            high = TRows.InterleaveHigh(f3, f2);
            r2 = SecondPass<TRow, TRows>(low, high, Even2, Even2At1, rounding);
            r6 = SecondPass<TRow, TRows>(low, high, Even6, Even6At1, rounding);
            low1 = TRows.InterleaveLow(f4, f5);
            high1 = TRows.InterleaveHigh(f4, f5);
            low2 = TRows.InterleaveLow(f6, f7);
            high2 = TRows.InterleaveHigh(f6, f7);
            r1 = SecondPass<TRow, TRows>(low1, high1, low2, high2, Odd1, Odd1At1, Odd1At2, Odd1At3, rounding);
            r3 = SecondPass<TRow, TRows>(low1, high1, low2, high2, Odd3, Odd3At1, Odd3At2, Odd3At3, rounding);
            r5 = SecondPass<TRow, TRows>(low1, high1, low2, high2, Odd5, Odd5At1, Odd5At2, Odd5At3, rounding);
            r7 = SecondPass<TRow, TRows>(low1, high1, low2, high2, Odd7, Odd7At1, Odd7At2, Odd7At3, rounding);

            ref short levels = ref Unsafe.Add(ref MemoryMarshal.GetReference(blocks), block * 64);
            TRows.StoreLevels(
                TRows.Quantise(r0, quantiser, 0), TRows.Quantise(r1, quantiser, 8),
                TRows.Quantise(r2, quantiser, 16), TRows.Quantise(r3, quantiser, 24), ref levels);
            TRows.StoreLevels(
                TRows.Quantise(r4, quantiser, 32), TRows.Quantise(r5, quantiser, 40),
                TRows.Quantise(r6, quantiser, 48), TRows.Quantise(r7, quantiser, 56), ref Unsafe.Add(ref levels, 32));
        }
    }

    /// <summary>
    /// Sums and differences of mirrored rows. Then r0, r1, r2, r3 are those of which frequencies 0 and 4 (r0 ± r1), and 2
    /// and 6 (r3, r2) are made, and r4…r7 the differences of rows 0…3 and their mirror images.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Butterflies<TRow, TRows>(
        ref TRow r0, ref TRow r1, ref TRow r2, ref TRow r3, ref TRow r4, ref TRow r5, ref TRow r6, ref TRow r7)
        where TRow : struct
        where TRows : struct, IRows<TRow>
    {
        TRow e0 = TRows.Add(r0, r7), e1 = TRows.Add(r1, r6), e2 = TRows.Add(r2, r5), e3 = TRows.Add(r3, r4);
        TRow o0 = TRows.Subtract(r0, r7), o1 = TRows.Subtract(r1, r6);
        TRow o2 = TRows.Subtract(r2, r5), o3 = TRows.Subtract(r3, r4);
        r0 = TRows.Add(e0, e3);
        r1 = TRows.Add(e1, e2);
        r2 = TRows.Subtract(e1, e2);
        r3 = TRows.Subtract(e0, e3);
        r4 = o0;
        r5 = o1;
        r6 = o2;
        r7 = o3;
    }

    /// <summary>Two constants as the pairs that they are multiplied with.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TRow Pair<TRow, TRows>(int first, int second)
        where TRow : struct
        where TRows : struct, IRows<TRow> => TRows.CreateWide(second << 16 | (first & 0xFFFF));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TRow FirstPass<TRow, TRows>(TRow low, TRow high, int a, int b, TRow rounding)
        where TRow : struct
        where TRows : struct, IRows<TRow>
    {
        TRow factors = Pair<TRow, TRows>(a, b);
        return TRows.Narrow(
            TRows.AddWide(TRows.MultiplyPairs(low, factors), rounding),
            TRows.AddWide(TRows.MultiplyPairs(high, factors), rounding), ConstantBits - PassBits);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TRow FirstPass<TRow, TRows>(
        TRow low1, TRow high1, TRow low2, TRow high2, int a, int b, int c, int d, TRow rounding)
        where TRow : struct
        where TRows : struct, IRows<TRow>
    {
        TRow ab = Pair<TRow, TRows>(a, b), cd = Pair<TRow, TRows>(c, d);
        return TRows.Narrow(
            TRows.AddWide(TRows.AddWide(TRows.MultiplyPairs(low1, ab), rounding), TRows.MultiplyPairs(low2, cd)),
            TRows.AddWide(TRows.AddWide(TRows.MultiplyPairs(high1, ab), rounding), TRows.MultiplyPairs(high2, cd)),
            ConstantBits - PassBits);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TRow SecondPass<TRow, TRows>(TRow low, TRow high, int a, int b, TRow rounding)
        where TRow : struct
        where TRows : struct, IRows<TRow>
    {
        TRow factors = Pair<TRow, TRows>(a, b);
        return TRows.Narrow(
            TRows.AddWide(TRows.MultiplyPairs(low, factors), rounding),
            TRows.AddWide(TRows.MultiplyPairs(high, factors), rounding), ConstantBits + PassBits);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TRow SecondPass<TRow, TRows>(
        TRow low1, TRow high1, TRow low2, TRow high2, int a, int b, int c, int d, TRow rounding)
        where TRow : struct
        where TRows : struct, IRows<TRow>
    {
        TRow ab = Pair<TRow, TRows>(a, b), cd = Pair<TRow, TRows>(c, d);
        return TRows.Narrow(
            TRows.AddWide(TRows.AddWide(TRows.MultiplyPairs(low1, ab), rounding), TRows.MultiplyPairs(low2, cd)),
            TRows.AddWide(TRows.AddWide(TRows.MultiplyPairs(high1, ab), rounding), TRows.MultiplyPairs(high2, cd)),
            ConstantBits + PassBits);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Inverse<TRow, TRows>(
        ReadOnlySpan<short> blocks, JpegQuantiser quantiser, Span<byte> target, int stride)
        where TRow : struct
        where TRows : struct, IRows<TRow>
    {
        if (blocks.IsEmpty)
            return;
        Check(target.Length, stride, blocks.Length);
        ref ushort steps = ref MemoryMarshal.GetReference(quantiser.Steps);
        ref ushort largest = ref MemoryMarshal.GetArrayDataReference(quantiser.LargestLevels);
        for (int block = 0; block < blocks.Length / 64; block += TRows.Blocks)
        {
            ref short levels = ref Unsafe.Add(ref MemoryMarshal.GetReference(blocks), block * 64);
            ref byte corner = ref Unsafe.Add(ref MemoryMarshal.GetReference(target), block * 8);
            TRows.LoadLevels(ref levels, out TRow f0, out TRow f1, out TRow f2, out TRow f3);
            TRows.LoadLevels(ref Unsafe.Add(ref levels, 32), out TRow f4, out TRow f5, out TRow f6, out TRow f7);
            TRow others = TRows.Or(TRows.Or(TRows.Or(f1, f2), TRows.Or(f3, f4)), TRows.Or(TRows.Or(f5, f6), f7));
            if (TRows.IsZero(TRows.Or(others, TRows.WithoutFirst(f0))))
            {
                for (int i = 0; i < TRows.Blocks; i++)
                    FillFlat(Unsafe.Add(ref levels, 64 * i) * steps, ref Unsafe.Add(ref corner, 8 * i), stride);
                continue;
            }

            TRow excess = TRows.Or(
                TRows.Or(
                    TRows.Or(
                        TRows.Excess(f0, TRows.Repeat(ref largest)),
                        TRows.Excess(f1, TRows.Repeat(ref Unsafe.Add(ref largest, 8)))),
                    TRows.Or(
                        TRows.Excess(f2, TRows.Repeat(ref Unsafe.Add(ref largest, 16))),
                        TRows.Excess(f3, TRows.Repeat(ref Unsafe.Add(ref largest, 24))))),
                TRows.Or(
                    TRows.Or(
                        TRows.Excess(f4, TRows.Repeat(ref Unsafe.Add(ref largest, 32))),
                        TRows.Excess(f5, TRows.Repeat(ref Unsafe.Add(ref largest, 40)))),
                    TRows.Or(
                        TRows.Excess(f6, TRows.Repeat(ref Unsafe.Add(ref largest, 48))),
                        TRows.Excess(f7, TRows.Repeat(ref Unsafe.Add(ref largest, 56))))));
            if (!TRows.IsZero(excess))
            {
                InverseReference(
                    blocks.Slice(block * 64, TRows.Blocks * 64), quantiser, target[(block * 8)..], stride);
                continue;
            }

            f0 = TRows.Multiply(f0, TRows.Repeat(ref steps));
            f1 = TRows.Multiply(f1, TRows.Repeat(ref Unsafe.Add(ref steps, 8)));
            f2 = TRows.Multiply(f2, TRows.Repeat(ref Unsafe.Add(ref steps, 16)));
            f3 = TRows.Multiply(f3, TRows.Repeat(ref Unsafe.Add(ref steps, 24)));
            f4 = TRows.Multiply(f4, TRows.Repeat(ref Unsafe.Add(ref steps, 32)));
            f5 = TRows.Multiply(f5, TRows.Repeat(ref Unsafe.Add(ref steps, 40)));
            f6 = TRows.Multiply(f6, TRows.Repeat(ref Unsafe.Add(ref steps, 48)));
            f7 = TRows.Multiply(f7, TRows.Repeat(ref Unsafe.Add(ref steps, 56)));

            Half<TRow, TRows>(
                TRows.InterleaveLow(f0, f4), TRows.InterleaveLow(f2, f6), TRows.InterleaveLow(f1, f3),
                TRows.InterleaveLow(f5, f7), TRows.CreateWide(1 << (ConstantBits - PassBits - 1)),
                out TRow l0, out TRow l1, out TRow l2, out TRow l3, out TRow l4, out TRow l5, out TRow l6, out TRow l7);
            Half<TRow, TRows>(
                TRows.InterleaveHigh(f0, f4), TRows.InterleaveHigh(f2, f6), TRows.InterleaveHigh(f1, f3),
                TRows.InterleaveHigh(f5, f7), TRows.CreateWide(1 << (ConstantBits - PassBits - 1)),
                out TRow h0, out TRow h1, out TRow h2, out TRow h3, out TRow h4, out TRow h5, out TRow h6, out TRow h7);
            f0 = TRows.Narrow(l0, h0, ConstantBits - PassBits);
            f1 = TRows.Narrow(l1, h1, ConstantBits - PassBits);
            f2 = TRows.Narrow(l2, h2, ConstantBits - PassBits);
            f3 = TRows.Narrow(l3, h3, ConstantBits - PassBits);
            f4 = TRows.Narrow(l4, h4, ConstantBits - PassBits);
            f5 = TRows.Narrow(l5, h5, ConstantBits - PassBits);
            f6 = TRows.Narrow(l6, h6, ConstantBits - PassBits);
            f7 = TRows.Narrow(l7, h7, ConstantBits - PassBits);
            Transpose<TRow, TRows>(ref f0, ref f1, ref f2, ref f3, ref f4, ref f5, ref f6, ref f7);

            // K twice scales by 2^29; the first shift took 11 of these bits, 18 remain.
            Half<TRow, TRows>(
                TRows.InterleaveLow(f0, f4), TRows.InterleaveLow(f2, f6), TRows.InterleaveLow(f1, f3),
                TRows.InterleaveLow(f5, f7), TRows.CreateWide(1 << (ConstantBits + PassBits + 2)),
                out l0, out l1, out l2, out l3, out l4, out l5, out l6, out l7);
            Half<TRow, TRows>(
                TRows.InterleaveHigh(f0, f4), TRows.InterleaveHigh(f2, f6), TRows.InterleaveHigh(f1, f3),
                TRows.InterleaveHigh(f5, f7), TRows.CreateWide(1 << (ConstantBits + PassBits + 2)),
                out h0, out h1, out h2, out h3, out h4, out h5, out h6, out h7);
            TRows.StoreSamples(
                TRows.Narrow(l0, h0, ConstantBits + PassBits + 3), TRows.Narrow(l1, h1, ConstantBits + PassBits + 3),
                TRows.Narrow(l2, h2, ConstantBits + PassBits + 3), TRows.Narrow(l3, h3, ConstantBits + PassBits + 3),
                TRows.Narrow(l4, h4, ConstantBits + PassBits + 3), TRows.Narrow(l5, h5, ConstantBits + PassBits + 3),
                TRows.Narrow(l6, h6, ConstantBits + PassBits + 3), TRows.Narrow(l7, h7, ConstantBits + PassBits + 3),
                ref corner, stride);
        }
    }

    /// <summary>Kᵀ times pairs of rows (0, 4), (2, 6), (1, 3) and (5, 7): one half of the elements, in 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Half<TRow, TRows>(
        TRow r04, TRow r26, TRow r13, TRow r57, TRow rounding,
        out TRow p0, out TRow p1, out TRow p2, out TRow p3, out TRow p4, out TRow p5, out TRow p6, out TRow p7)
        where TRow : struct
        where TRows : struct, IRows<TRow>
    {
        TRow sum = TRows.AddWide(TRows.MultiplyPairs(r04, Pair<TRow, TRows>(8192, 8192)), rounding);
        TRow difference = TRows.AddWide(TRows.MultiplyPairs(r04, Pair<TRow, TRows>(8192, -8192)), rounding);
        TRow upper = TRows.MultiplyPairs(r26, Pair<TRow, TRows>(Even2, Even6));
        TRow lower = TRows.MultiplyPairs(r26, Pair<TRow, TRows>(Even2At1, Even6At1));
        TRow o0 = TRows.AddWide(
            TRows.MultiplyPairs(r13, Pair<TRow, TRows>(Odd1, Odd3)),
            TRows.MultiplyPairs(r57, Pair<TRow, TRows>(Odd5, Odd7)));
        TRow o1 = TRows.AddWide(
            TRows.MultiplyPairs(r13, Pair<TRow, TRows>(Odd1At1, Odd3At1)),
            TRows.MultiplyPairs(r57, Pair<TRow, TRows>(Odd5At1, Odd7At1)));
        TRow o2 = TRows.AddWide(
            TRows.MultiplyPairs(r13, Pair<TRow, TRows>(Odd1At2, Odd3At2)),
            TRows.MultiplyPairs(r57, Pair<TRow, TRows>(Odd5At2, Odd7At2)));
        TRow o3 = TRows.AddWide(
            TRows.MultiplyPairs(r13, Pair<TRow, TRows>(Odd1At3, Odd3At3)),
            TRows.MultiplyPairs(r57, Pair<TRow, TRows>(Odd5At3, Odd7At3)));
        TRow e0 = TRows.AddWide(sum, upper), e3 = TRows.SubtractWide(sum, upper);
        TRow e1 = TRows.AddWide(difference, lower), e2 = TRows.SubtractWide(difference, lower);
        p0 = TRows.AddWide(e0, o0);
        p1 = TRows.AddWide(e1, o1);
        p2 = TRows.AddWide(e2, o2);
        p3 = TRows.AddWide(e3, o3);
        p4 = TRows.SubtractWide(e3, o3);
        p5 = TRows.SubtractWide(e2, o2);
        p6 = TRows.SubtractWide(e1, o1);
        p7 = TRows.SubtractWide(e0, o0);
    }

    /// <summary>Exchanges rows and columns of each block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose<TRow, TRows>(
        ref TRow r0, ref TRow r1, ref TRow r2, ref TRow r3, ref TRow r4, ref TRow r5, ref TRow r6, ref TRow r7)
        where TRow : struct
        where TRows : struct, IRows<TRow>
    {
        // Pairs, quadruples, and all eight of a column.
        TRow a0 = TRows.InterleaveLow(r0, r1), a1 = TRows.InterleaveHigh(r0, r1);
        TRow a2 = TRows.InterleaveLow(r2, r3), a3 = TRows.InterleaveHigh(r2, r3);
        TRow a4 = TRows.InterleaveLow(r4, r5), a5 = TRows.InterleaveHigh(r4, r5);
        TRow a6 = TRows.InterleaveLow(r6, r7), a7 = TRows.InterleaveHigh(r6, r7);
        TRow b0 = TRows.Interleave32Low(a0, a2), b1 = TRows.Interleave32High(a0, a2);
        TRow b2 = TRows.Interleave32Low(a1, a3), b3 = TRows.Interleave32High(a1, a3);
        TRow b4 = TRows.Interleave32Low(a4, a6), b5 = TRows.Interleave32High(a4, a6);
        TRow b6 = TRows.Interleave32Low(a5, a7), b7 = TRows.Interleave32High(a5, a7);
        r0 = TRows.Interleave64Low(b0, b4);
        r1 = TRows.Interleave64High(b0, b4);
        r2 = TRows.Interleave64Low(b1, b5);
        r3 = TRows.Interleave64High(b1, b5);
        r4 = TRows.Interleave64Low(b2, b6);
        r5 = TRows.Interleave64High(b2, b6);
        r6 = TRows.Interleave64Low(b3, b7);
        r7 = TRows.Interleave64High(b3, b7);
    }

    /// <summary>Both passes of a block that is only a mean: no other coefficient, all samples alike.</summary>
    private static void FillFlat(int coefficient, ref byte corner, nint stride)
    {
        const int Bits = ConstantBits + PassBits + 3;
        int mean = Descale(Descale(coefficient * 8192, ConstantBits - PassBits) * 8192 + (128 << Bits), Bits);
        ulong eight = (byte)Math.Clamp(mean, 0, 255) * 0x0101_0101_0101_0101ul;
        for (int y = 0; y < 8; y++)
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref corner, y * stride), eight);
    }
}
