using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.JpegColour;

internal static partial class JpegColour
{
    /// <summary>What differs between vectors of 16, 32 and 64 bytes, which are vectors of 128 bits side by side.</summary>
    private interface IPixels<TVector>
        where TVector : struct
    {
        /// <summary>Bytes in a vector.</summary>
        static abstract int Count { get; }

        static abstract TVector Load(ref byte source);

        static abstract void Store(TVector vector, ref byte target);

        /// <summary>Bytes behind 3 · Count that loading so many pixels touches.</summary>
        static abstract int Overread { get; }

        /// <summary>Where red and green, or green and blue, of a quarter of the pixels come from.</summary>
        static abstract TVector Indexes(bool second);

        /// <summary>A quarter of Count pixels, one in 32 bits: red and green, and green and blue, in 16 bits each.</summary>
        static abstract void LoadPairs(
            ref byte source, [ConstantExpected] int quarter, TVector first, TVector second, out TVector redGreen,
            out TVector greenBlue);

        /// <summary>
        /// Brings Count bytes that were narrowed from the four quarters, in pairs and pairs of these, into order.
        /// </summary>
        static abstract TVector Order(TVector bytes);

        static abstract TVector Create16(short value);

        static abstract TVector Create32(int value);

        static abstract TVector Add16(TVector a, TVector b);

        static abstract TVector Subtract16(TVector a, TVector b);

        static abstract TVector ShiftRight16(TVector a, [ConstantExpected] int bits);

        static abstract TVector MultiplyHigh(TVector a, TVector b);

        static abstract TVector MultiplyPairs(TVector pairs, TVector factors);

        static abstract TVector Add32(TVector a, TVector b);

        static abstract TVector Subtract32(TVector a, TVector b);

        static abstract TVector ShiftRight32(TVector a, [ConstantExpected] int bits);

        /// <summary>Within 128 bits: the 32-bit elements of a, then those of b, in 16 bits.</summary>
        static abstract TVector Narrow32(TVector a, TVector b);

        /// <summary>Within 128 bits: the 16-bit elements of a, then those of b, clamped to 0…255.</summary>
        static abstract TVector Narrow16(TVector a, TVector b);

        /// <summary>Within 128 bits: the lower bytes of a and zeros by turns; and the upper ones.</summary>
        static abstract TVector WidenLow(TVector a);

        static abstract TVector WidenHigh(TVector a);

        static abstract TVector InterleaveLow(TVector a, TVector b);

        static abstract TVector InterleaveHigh(TVector a, TVector b);

        /// <summary>3 · Count bytes: one of each by turns.</summary>
        static abstract void StorePixels(TVector red, TVector green, TVector blue, ref byte target);
    }

    private static void FromRgb<TVector, TPixels>(
        ReadOnlySpan<byte> rgb, Span<byte> luma, Span<byte> blue, Span<byte> red)
        where TVector : struct
        where TPixels : struct, IPixels<TVector>
    {
        Check(luma.Length, blue.Length, red.Length, rgb.Length);
        ref byte pixels = ref MemoryMarshal.GetReference(rgb);

        // Loads take some bytes more than they use, so the last vector must not end with the row.
        TVector first = TPixels.Indexes(second: false), second = TPixels.Indexes(second: true);
        int x = 0;
        for (; 3 * (x + TPixels.Count) + TPixels.Overread <= rgb.Length && x + TPixels.Count <= luma.Length;
            x += TPixels.Count)
        {
            ref byte at = ref Unsafe.Add(ref pixels, 3 * x);
            TPixels.LoadPairs(ref at, 0, first, second, out TVector rg, out TVector gb);
            Convert<TVector, TPixels>(rg, gb, out TVector y0, out TVector b0, out TVector r0);
            TPixels.LoadPairs(ref at, 1, first, second, out rg, out gb);
            Convert<TVector, TPixels>(rg, gb, out TVector y1, out TVector b1, out TVector r1);
            TVector y = TPixels.Narrow32(y0, y1), b = TPixels.Narrow32(b0, b1), r = TPixels.Narrow32(r0, r1);
            TPixels.LoadPairs(ref at, 2, first, second, out rg, out gb);
            Convert<TVector, TPixels>(rg, gb, out y0, out b0, out r0);
            TPixels.LoadPairs(ref at, 3, first, second, out rg, out gb);
            Convert<TVector, TPixels>(rg, gb, out y1, out b1, out r1);
            TPixels.Store(
                TPixels.Order(TPixels.Narrow16(y, TPixels.Narrow32(y0, y1))),
                ref Unsafe.Add(ref MemoryMarshal.GetReference(luma), x));
            TPixels.Store(
                TPixels.Order(TPixels.Narrow16(b, TPixels.Narrow32(b0, b1))),
                ref Unsafe.Add(ref MemoryMarshal.GetReference(blue), x));
            TPixels.Store(
                TPixels.Order(TPixels.Narrow16(r, TPixels.Narrow32(r0, r1))),
                ref Unsafe.Add(ref MemoryMarshal.GetReference(red), x));
        }

        FromRgbReference(rgb[(3 * x)..], luma[x..], blue[x..], red[x..]);
    }

    /// <summary>Pixels as 32-bit integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Convert<TVector, TPixels>(
        TVector rg, TVector gb, out TVector y, out TVector cb, out TVector cr)
        where TVector : struct
        where TPixels : struct, IPixels<TVector>
    {
        // Factors have 16 bits, and −32768 is one of them where 32768 is not: green's share of luma is added in two
        // parts, and what takes 32768 is subtracted.
        y = TPixels.ShiftRight32(
            TPixels.Add32(
                TPixels.Add32(
                    TPixels.MultiplyPairs(rg, Pair<TVector, TPixels>(19595, 38470 - 16384)), TPixels.Create32(Half)),
                TPixels.MultiplyPairs(gb, Pair<TVector, TPixels>(16384, 7471))), 16);
        cb = TPixels.ShiftRight32(
            TPixels.Subtract32(
                TPixels.Add32(
                    TPixels.MultiplyPairs(rg, Pair<TVector, TPixels>(-11059, -21709)),
                    TPixels.Create32(ChromaOffset)),
                TPixels.MultiplyPairs(gb, Pair<TVector, TPixels>(0, -32768))), 16);
        cr = TPixels.ShiftRight32(
            TPixels.Subtract32(
                TPixels.Add32(
                    TPixels.MultiplyPairs(gb, Pair<TVector, TPixels>(0, -5329)), TPixels.Create32(ChromaOffset)),
                TPixels.MultiplyPairs(rg, Pair<TVector, TPixels>(-32768, 27439))), 16);
    }

    private static void ToRgb<TVector, TPixels>(
        ReadOnlySpan<byte> luma, ReadOnlySpan<byte> blue, ReadOnlySpan<byte> red, Span<byte> rgb)
        where TVector : struct
        where TPixels : struct, IPixels<TVector>
    {
        Check(luma.Length, blue.Length, red.Length, rgb.Length);
        int x = 0;
        for (; x + TPixels.Count <= luma.Length; x += TPixels.Count)
        {
            TVector y = TPixels.Load(ref Unsafe.Add(ref MemoryMarshal.GetReference(luma), x));
            TVector cb = TPixels.Load(ref Unsafe.Add(ref MemoryMarshal.GetReference(blue), x));
            TVector cr = TPixels.Load(ref Unsafe.Add(ref MemoryMarshal.GetReference(red), x));
            EightOfEach<TVector, TPixels>(
                TPixels.WidenLow(y), TPixels.WidenLow(cb), TPixels.WidenLow(cr),
                out TVector r0, out TVector g0, out TVector b0);
            EightOfEach<TVector, TPixels>(
                TPixels.WidenHigh(y), TPixels.WidenHigh(cb), TPixels.WidenHigh(cr),
                out TVector r1, out TVector g1, out TVector b1);
            TPixels.StorePixels(
                TPixels.Narrow16(r0, r1), TPixels.Narrow16(g0, g1), TPixels.Narrow16(b0, b1),
                ref Unsafe.Add(ref MemoryMarshal.GetReference(rgb), 3 * x));
        }

        ToRgbReference(luma[x..], blue[x..], red[x..], rgb[(3 * x)..]);
    }

    /// <summary>Eight pixels in each 128 bits, as 16-bit integers, not clamped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EightOfEach<TVector, TPixels>(
        TVector y, TVector cb, TVector cr, out TVector r, out TVector g, out TVector b)
        where TVector : struct
        where TPixels : struct, IPixels<TVector>
    {
        cb = TPixels.Subtract16(cb, TPixels.Create16(128));
        cr = TPixels.Subtract16(cr, TPixels.Create16(128));
        TVector one = TPixels.Create16(1), twiceBlue = TPixels.Add16(cb, cb), twiceRed = TPixels.Add16(cr, cr);

        // 91881 = 65536 + 26345 and 116130 = 131072 − 14942; and ⌊(n + H) / P⌋ = ⌊(⌊2n / P⌋ + 1) / 2⌋.
        r = TPixels.ShiftRight16(
            TPixels.Add16(TPixels.MultiplyHigh(twiceRed, TPixels.Create16(26345)), one), 1);
        r = TPixels.Add16(TPixels.Add16(y, cr), r);
        b = TPixels.ShiftRight16(
            TPixels.Add16(TPixels.MultiplyHigh(twiceBlue, TPixels.Create16(-14942)), one), 1);
        b = TPixels.Add16(TPixels.Add16(y, twiceBlue), b);

        // −46802 = −65536 + 18734.
        TVector factors = Pair<TVector, TPixels>(-22554, 18734), half = TPixels.Create32(Half);
        TVector low = TPixels.Add32(TPixels.MultiplyPairs(TPixels.InterleaveLow(cb, cr), factors), half);
        TVector high = TPixels.Add32(TPixels.MultiplyPairs(TPixels.InterleaveHigh(cb, cr), factors), half);
        g = TPixels.Narrow32(TPixels.ShiftRight32(low, 16), TPixels.ShiftRight32(high, 16));
        g = TPixels.Add16(TPixels.Subtract16(y, cr), g);
    }

    /// <summary>Two constants as the pairs that they are multiplied with.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Pair<TVector, TPixels>(int first, int second)
        where TVector : struct
        where TPixels : struct, IPixels<TVector> => TPixels.Create32(second << 16 | (first & 0xFFFF));

    /// <summary>Vectors of 16 bytes: SSSE3.</summary>
    private readonly struct Pixels128 : IPixels<Vector128<byte>>
    {
        public static int Count => 16;

        public static int Overread => 4;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Load(ref byte source) => Vector128.LoadUnsafe(ref source);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(Vector128<byte> vector, ref byte target) => vector.StoreUnsafe(ref target);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Indexes(bool second)
        {
            const byte Zero = 0x80;
            return second
                ? Vector128.Create(1, Zero, 2, Zero, 4, Zero, 5, Zero, 7, Zero, 8, Zero, 10, Zero, 11, Zero)
                : Vector128.Create(0, Zero, 1, Zero, 3, Zero, 4, Zero, 6, Zero, 7, Zero, 9, Zero, 10, Zero);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadPairs(
            ref byte source, [ConstantExpected] int quarter, Vector128<byte> first, Vector128<byte> second,
            out Vector128<byte> redGreen, out Vector128<byte> greenBlue)
        {
            Vector128<byte> pixels = Vector128.LoadUnsafe(ref source, (nuint)(12 * quarter));
            redGreen = Ssse3.Shuffle(pixels, first);
            greenBlue = Ssse3.Shuffle(pixels, second);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Order(Vector128<byte> bytes) => bytes;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Create16(short value) => Vector128.Create(value).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Create32(int value) => Vector128.Create(value).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Add16(Vector128<byte> a, Vector128<byte> b) =>
            (a.AsInt16() + b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Add32(Vector128<byte> a, Vector128<byte> b) =>
            (a.AsInt32() + b.AsInt32()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Subtract16(Vector128<byte> a, Vector128<byte> b) =>
            (a.AsInt16() - b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Subtract32(Vector128<byte> a, Vector128<byte> b) =>
            (a.AsInt32() - b.AsInt32()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> ShiftRight16(Vector128<byte> a, [ConstantExpected] int bits) =>
            (a.AsInt16() >> bits).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> ShiftRight32(Vector128<byte> a, [ConstantExpected] int bits) =>
            (a.AsInt32() >> bits).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> MultiplyHigh(Vector128<byte> a, Vector128<byte> b) =>
            Sse2.MultiplyHigh(a.AsInt16(), b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> MultiplyPairs(Vector128<byte> pairs, Vector128<byte> factors) =>
            Sse2.MultiplyAddAdjacent(pairs.AsInt16(), factors.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Narrow32(Vector128<byte> a, Vector128<byte> b) =>
            Sse2.PackSignedSaturate(a.AsInt32(), b.AsInt32()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Narrow16(Vector128<byte> a, Vector128<byte> b) =>
            Sse2.PackUnsignedSaturate(a.AsInt16(), b.AsInt16());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> WidenLow(Vector128<byte> a) => Sse2.UnpackLow(a, Vector128<byte>.Zero);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> WidenHigh(Vector128<byte> a) => Sse2.UnpackHigh(a, Vector128<byte>.Zero);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> InterleaveLow(Vector128<byte> a, Vector128<byte> b) =>
            Sse2.UnpackLow(a.AsInt16(), b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> InterleaveHigh(Vector128<byte> a, Vector128<byte> b) =>
            Sse2.UnpackHigh(a.AsInt16(), b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StorePixels(
            Vector128<byte> red, Vector128<byte> green, Vector128<byte> blue, ref byte target)
        {
            const byte Zero = 0x80;

            // Byte i of all is colour i mod 3 of pixel i / 3.
            Vector128<byte> first =
                Ssse3.Shuffle(red, Vector128.Create(
                    0, Zero, Zero, 1, Zero, Zero, 2, Zero, Zero, 3, Zero, Zero, 4, Zero, Zero, 5))
                | Ssse3.Shuffle(green, Vector128.Create(
                    Zero, 0, Zero, Zero, 1, Zero, Zero, 2, Zero, Zero, 3, Zero, Zero, 4, Zero, Zero))
                | Ssse3.Shuffle(blue, Vector128.Create(
                    Zero, Zero, 0, Zero, Zero, 1, Zero, Zero, 2, Zero, Zero, 3, Zero, Zero, 4, Zero));
            Vector128<byte> second =
                Ssse3.Shuffle(red, Vector128.Create(
                    Zero, Zero, 6, Zero, Zero, 7, Zero, Zero, 8, Zero, Zero, 9, Zero, Zero, 10, Zero))
                | Ssse3.Shuffle(green, Vector128.Create(
                    5, Zero, Zero, 6, Zero, Zero, 7, Zero, Zero, 8, Zero, Zero, 9, Zero, Zero, 10))
                | Ssse3.Shuffle(blue, Vector128.Create(
                    Zero, 5, Zero, Zero, 6, Zero, Zero, 7, Zero, Zero, 8, Zero, Zero, 9, Zero, Zero));
            Vector128<byte> third =
                Ssse3.Shuffle(red, Vector128.Create(
                    Zero, 11, Zero, Zero, 12, Zero, Zero, 13, Zero, Zero, 14, Zero, Zero, 15, Zero, Zero))
                | Ssse3.Shuffle(green, Vector128.Create(
                    Zero, Zero, 11, Zero, Zero, 12, Zero, Zero, 13, Zero, Zero, 14, Zero, Zero, 15, Zero))
                | Ssse3.Shuffle(blue, Vector128.Create(
                    10, Zero, Zero, 11, Zero, Zero, 12, Zero, Zero, 13, Zero, Zero, 14, Zero, Zero, 15));
            first.StoreUnsafe(ref target);
            second.StoreUnsafe(ref target, 16);
            third.StoreUnsafe(ref target, 32);
        }
    }

    /// <summary>Vectors of 32 bytes: AVX2.</summary>
    private readonly struct Pixels256 : IPixels<Vector256<byte>>
    {
        public static int Count => 32;

        public static int Overread => 4;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Load(ref byte source) => Vector256.LoadUnsafe(ref source);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(Vector256<byte> vector, ref byte target) => vector.StoreUnsafe(ref target);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Indexes(bool second) =>
            Vector256.Create(Pixels128.Indexes(second), Pixels128.Indexes(second));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadPairs(
            ref byte source, [ConstantExpected] int quarter, Vector256<byte> first, Vector256<byte> second,
            out Vector256<byte> redGreen, out Vector256<byte> greenBlue)
        {
            // The halves are sixteen pixels apart, so that narrowing, which works within them, keeps the order.
            Vector256<byte> pixels = Vector256.Create(
                Vector128.LoadUnsafe(ref source, (nuint)(12 * quarter)),
                Vector128.LoadUnsafe(ref source, (nuint)(12 * quarter + 48)));
            redGreen = Avx2.Shuffle(pixels, first);
            greenBlue = Avx2.Shuffle(pixels, second);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Order(Vector256<byte> bytes) => bytes;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Create16(short value) => Vector256.Create(value).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Create32(int value) => Vector256.Create(value).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Add16(Vector256<byte> a, Vector256<byte> b) =>
            (a.AsInt16() + b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Add32(Vector256<byte> a, Vector256<byte> b) =>
            (a.AsInt32() + b.AsInt32()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Subtract16(Vector256<byte> a, Vector256<byte> b) =>
            (a.AsInt16() - b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Subtract32(Vector256<byte> a, Vector256<byte> b) =>
            (a.AsInt32() - b.AsInt32()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> ShiftRight16(Vector256<byte> a, [ConstantExpected] int bits) =>
            (a.AsInt16() >> bits).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> ShiftRight32(Vector256<byte> a, [ConstantExpected] int bits) =>
            (a.AsInt32() >> bits).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> MultiplyHigh(Vector256<byte> a, Vector256<byte> b) =>
            Avx2.MultiplyHigh(a.AsInt16(), b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> MultiplyPairs(Vector256<byte> pairs, Vector256<byte> factors) =>
            Avx2.MultiplyAddAdjacent(pairs.AsInt16(), factors.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Narrow32(Vector256<byte> a, Vector256<byte> b) =>
            Avx2.PackSignedSaturate(a.AsInt32(), b.AsInt32()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Narrow16(Vector256<byte> a, Vector256<byte> b) =>
            Avx2.PackUnsignedSaturate(a.AsInt16(), b.AsInt16());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> WidenLow(Vector256<byte> a) => Avx2.UnpackLow(a, Vector256<byte>.Zero);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> WidenHigh(Vector256<byte> a) => Avx2.UnpackHigh(a, Vector256<byte>.Zero);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> InterleaveLow(Vector256<byte> a, Vector256<byte> b) =>
            Avx2.UnpackLow(a.AsInt16(), b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> InterleaveHigh(Vector256<byte> a, Vector256<byte> b) =>
            Avx2.UnpackHigh(a.AsInt16(), b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StorePixels(
            Vector256<byte> red, Vector256<byte> green, Vector256<byte> blue, ref byte target)
        {
            Pixels128.StorePixels(red.GetLower(), green.GetLower(), blue.GetLower(), ref target);
            Pixels128.StorePixels(red.GetUpper(), green.GetUpper(), blue.GetUpper(), ref Unsafe.Add(ref target, 48));
        }
    }

    /// <summary>Vectors of 64 bytes: AVX-512 with VBMI.</summary>
    private readonly struct Pixels512 : IPixels<Vector512<byte>>
    {
        public static int Count => 64;

        public static int Overread => 16;

        // For each 64 of 192 bytes: where red and green come from, then where these and blue do. Indexes from 64 on
        // are those of the second vector.
        private static readonly byte[] s_interleaving = MakeInterleaving();

        // For each 32-bit pixel of a quarter: where red and green, then where green and blue come from, every other
        // byte to be cleared.
        private static readonly byte[] s_pairs =
            [.. Enumerable.Range(0, 128).Select(i => (byte)(i % 64 / 4 * 3 + i % 4 / 2 + i / 64))];

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> Load(ref byte source) => Vector512.LoadUnsafe(ref source);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(Vector512<byte> vector, ref byte target) => vector.StoreUnsafe(ref target);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> Indexes(bool second) =>
            Vector512.LoadUnsafe(ref s_pairs[second ? 64 : 0]);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadPairs(
            ref byte source, [ConstantExpected] int quarter, Vector512<byte> first, Vector512<byte> second,
            out Vector512<byte> redGreen, out Vector512<byte> greenBlue)
        {
            Vector512<byte> pixels = Vector512.LoadUnsafe(ref source, (nuint)(48 * quarter));
            Vector512<byte> lower = Vector512.Create((short)0xFF).AsByte();
            redGreen = Avx512Vbmi.PermuteVar64x8(pixels, first) & lower;
            greenBlue = Avx512Vbmi.PermuteVar64x8(pixels, second) & lower;
        }

        // Narrowing works within 128 bits: each has four pixels of every quarter.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> Order(Vector512<byte> bytes) => Avx512F.PermuteVar16x32(
            bytes.AsInt32(), Vector512.Create(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> Create16(short value) => Vector512.Create(value).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> Create32(int value) => Vector512.Create(value).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> Add16(Vector512<byte> a, Vector512<byte> b) =>
            (a.AsInt16() + b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> Add32(Vector512<byte> a, Vector512<byte> b) =>
            (a.AsInt32() + b.AsInt32()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> Subtract16(Vector512<byte> a, Vector512<byte> b) =>
            (a.AsInt16() - b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> Subtract32(Vector512<byte> a, Vector512<byte> b) =>
            (a.AsInt32() - b.AsInt32()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> ShiftRight16(Vector512<byte> a, [ConstantExpected] int bits) =>
            (a.AsInt16() >> bits).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> ShiftRight32(Vector512<byte> a, [ConstantExpected] int bits) =>
            (a.AsInt32() >> bits).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> MultiplyHigh(Vector512<byte> a, Vector512<byte> b) =>
            Avx512BW.MultiplyHigh(a.AsInt16(), b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> MultiplyPairs(Vector512<byte> pairs, Vector512<byte> factors) =>
            Avx512BW.MultiplyAddAdjacent(pairs.AsInt16(), factors.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> Narrow32(Vector512<byte> a, Vector512<byte> b) =>
            Avx512BW.PackSignedSaturate(a.AsInt32(), b.AsInt32()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> Narrow16(Vector512<byte> a, Vector512<byte> b) =>
            Avx512BW.PackUnsignedSaturate(a.AsInt16(), b.AsInt16());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> WidenLow(Vector512<byte> a) => Avx512BW.UnpackLow(a, Vector512<byte>.Zero);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> WidenHigh(Vector512<byte> a) => Avx512BW.UnpackHigh(a, Vector512<byte>.Zero);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> InterleaveLow(Vector512<byte> a, Vector512<byte> b) =>
            Avx512BW.UnpackLow(a.AsInt16(), b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> InterleaveHigh(Vector512<byte> a, Vector512<byte> b) =>
            Avx512BW.UnpackHigh(a.AsInt16(), b.AsInt16()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StorePixels(
            Vector512<byte> red, Vector512<byte> green, Vector512<byte> blue, ref byte target)
        {
            for (int part = 0; part < 3; part++)
            {
                // First red and green to their places, then blue between them.
                ref byte indexes = ref MemoryMarshal.GetReference(s_interleaving.AsSpan(128 * part));
                Vector512<byte> two = Avx512Vbmi.PermuteVar64x8x2(red, Vector512.LoadUnsafe(ref indexes), green);
                Avx512Vbmi.PermuteVar64x8x2(two, Vector512.LoadUnsafe(ref indexes, 64), blue)
                    .StoreUnsafe(ref target, (nuint)(64 * part));
            }
        }

        private static byte[] MakeInterleaving()
        {
            var indexes = new byte[3 * 128];
            for (int i = 0; i < 192; i++)
            {
                int at = i / 64 * 128 + i % 64, pixel = i / 3;
                indexes[at] = (byte)(i % 3 == 0 ? pixel : i % 3 == 1 ? 64 + pixel : 0);
                indexes[at + 64] = (byte)(i % 3 < 2 ? i % 64 : 64 + pixel);
            }

            return indexes;
        }
    }
}
