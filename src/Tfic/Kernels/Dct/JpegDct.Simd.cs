using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.Dct;

public static partial class JpegDct
{
    /// <summary>One row of eight 32-bit integers, or the same row of two neighbouring blocks.</summary>
    /// <remarks>
    /// The transform is written once, over this; what differs between instruction sets is how a row is held, loaded,
    /// turned and stored.
    /// </remarks>
    private interface IRow<TSelf>
        where TSelf : struct, IRow<TSelf>
    {
        /// <summary>Blocks side by side: 1 or 2.</summary>
        static abstract int Blocks { get; }

        static abstract TSelf operator +(TSelf a, TSelf b);

        static abstract TSelf operator -(TSelf a, TSelf b);

        static abstract TSelf operator *(TSelf a, int b);

        static abstract TSelf operator <<(TSelf a, int bits);

        static abstract TSelf operator >>(TSelf a, int bits);

        static abstract TSelf Create(int value);

        /// <summary>Samples less 128.</summary>
        static abstract TSelf LoadSamples(ref byte source);

        /// <summary>A row of levels times steps; the second block's is 64 levels further.</summary>
        static abstract TSelf LoadLevels(ref short levels, ref ushort steps);

        /// <summary>sign(n)·⌊(|n| + 4·step) / (8·step)⌋.</summary>
        static abstract void StoreLevels(TSelf row, ref ushort steps, ref short levels);

        /// <summary>Exchanges rows and columns of each block.</summary>
        static abstract void Transpose(ref Rows<TSelf> rows);

        /// <summary>Clamps to 0…255 and stores all eight rows.</summary>
        static abstract void StoreSamples(ref Rows<TSelf> rows, ref byte target, nint stride);
    }

    private static Variant<ForwardKernel>[] ForwardRows =>
    [
        new("reference", true, 0, ForwardReference),
        new("vector128", Row128.IsSupported, 0, Forward<Row128>),
        new("vector256", Avx2.IsSupported, 0, Forward<Row256>),
        new("vector512", Row512.IsSupported, 0, ForwardWide),
    ];

    private static Variant<InverseKernel>[] InverseRows =>
    [
        new("reference", true, 0, InverseReference),
        new("vector128", Row128.IsSupported, 0, Inverse<Row128>),
        new("vector256", Avx2.IsSupported, 0, Inverse<Row256>),
        new("vector512", Row512.IsSupported, 0, InverseWide),
    ];

    // An odd last block goes by itself.
    private static void ForwardWide(
        ReadOnlySpan<byte> source, int stride, ReadOnlySpan<ushort> steps, Span<short> blocks)
    {
        int pairs = blocks.Length / 128 * 128;
        Forward<Row512>(source, stride, steps, blocks[..pairs]);
        if (pairs < blocks.Length)
            Forward<Row256>(source[(pairs / 8)..], stride, steps, blocks[pairs..]);
    }

    private static void InverseWide(
        ReadOnlySpan<short> blocks, ReadOnlySpan<ushort> steps, Span<byte> target, int stride)
    {
        int pairs = blocks.Length / 128 * 128;
        Inverse<Row512>(blocks[..pairs], steps, target, stride);
        if (pairs < blocks.Length)
            Inverse<Row256>(blocks[pairs..], steps, target[(pairs / 8)..], stride);
    }

    private static void Forward<TRow>(
        ReadOnlySpan<byte> source, int stride, ReadOnlySpan<ushort> steps, Span<short> blocks)
        where TRow : struct, IRow<TRow>
    {
        if (blocks.IsEmpty)
            return;
        Check(source.Length, stride, steps.Length, blocks.Length);
        ref byte from = ref MemoryMarshal.GetReference(source);
        ref ushort step = ref MemoryMarshal.GetReference(steps);
        ref short to = ref MemoryMarshal.GetReference(blocks);
        Rows<TRow> r = default;
        for (int block = 0; block < blocks.Length / 64; block += TRow.Blocks)
        {
            ref byte corner = ref Unsafe.Add(ref from, block * 8);
            r.R0 = TRow.LoadSamples(ref corner);
            r.R1 = TRow.LoadSamples(ref Unsafe.Add(ref corner, stride));
            r.R2 = TRow.LoadSamples(ref Unsafe.Add(ref corner, 2 * (nint)stride));
            r.R3 = TRow.LoadSamples(ref Unsafe.Add(ref corner, 3 * (nint)stride));
            r.R4 = TRow.LoadSamples(ref Unsafe.Add(ref corner, 4 * (nint)stride));
            r.R5 = TRow.LoadSamples(ref Unsafe.Add(ref corner, 5 * (nint)stride));
            r.R6 = TRow.LoadSamples(ref Unsafe.Add(ref corner, 6 * (nint)stride));
            r.R7 = TRow.LoadSamples(ref Unsafe.Add(ref corner, 7 * (nint)stride));
            TRow.Transpose(ref r);
            ForwardPass(ref r, ConstantBits - PassBits);
            TRow.Transpose(ref r);
            ForwardPass(ref r, ConstantBits + PassBits);
            ref short levels = ref Unsafe.Add(ref to, block * 64);
            TRow.StoreLevels(r.R0, ref step, ref levels);
            TRow.StoreLevels(r.R1, ref Unsafe.Add(ref step, 8), ref Unsafe.Add(ref levels, 8));
            TRow.StoreLevels(r.R2, ref Unsafe.Add(ref step, 16), ref Unsafe.Add(ref levels, 16));
            TRow.StoreLevels(r.R3, ref Unsafe.Add(ref step, 24), ref Unsafe.Add(ref levels, 24));
            TRow.StoreLevels(r.R4, ref Unsafe.Add(ref step, 32), ref Unsafe.Add(ref levels, 32));
            TRow.StoreLevels(r.R5, ref Unsafe.Add(ref step, 40), ref Unsafe.Add(ref levels, 40));
            TRow.StoreLevels(r.R6, ref Unsafe.Add(ref step, 48), ref Unsafe.Add(ref levels, 48));
            TRow.StoreLevels(r.R7, ref Unsafe.Add(ref step, 56), ref Unsafe.Add(ref levels, 56));
        }
    }

    private static void Inverse<TRow>(
        ReadOnlySpan<short> blocks, ReadOnlySpan<ushort> steps, Span<byte> target, int stride)
        where TRow : struct, IRow<TRow>
    {
        if (blocks.IsEmpty)
            return;
        Check(target.Length, stride, steps.Length, blocks.Length);
        ref short from = ref MemoryMarshal.GetReference(blocks);
        ref ushort step = ref MemoryMarshal.GetReference(steps);
        ref byte to = ref MemoryMarshal.GetReference(target);
        Rows<TRow> r = default;
        for (int block = 0; block < blocks.Length / 64; block += TRow.Blocks)
        {
            ref short levels = ref Unsafe.Add(ref from, block * 64);
            ref byte corner = ref Unsafe.Add(ref to, block * 8);
            if (IsFlat(ref levels) && (TRow.Blocks == 1 || IsFlat(ref Unsafe.Add(ref levels, 64))))
            {
                FillFlat(levels * step, ref corner, stride);
                if (TRow.Blocks == 2)
                    FillFlat(Unsafe.Add(ref levels, 64) * step, ref Unsafe.Add(ref corner, 8), stride);
                continue;
            }

            r.R0 = TRow.LoadLevels(ref levels, ref step);
            r.R1 = TRow.LoadLevels(ref Unsafe.Add(ref levels, 8), ref Unsafe.Add(ref step, 8));
            r.R2 = TRow.LoadLevels(ref Unsafe.Add(ref levels, 16), ref Unsafe.Add(ref step, 16));
            r.R3 = TRow.LoadLevels(ref Unsafe.Add(ref levels, 24), ref Unsafe.Add(ref step, 24));
            r.R4 = TRow.LoadLevels(ref Unsafe.Add(ref levels, 32), ref Unsafe.Add(ref step, 32));
            r.R5 = TRow.LoadLevels(ref Unsafe.Add(ref levels, 40), ref Unsafe.Add(ref step, 40));
            r.R6 = TRow.LoadLevels(ref Unsafe.Add(ref levels, 48), ref Unsafe.Add(ref step, 48));
            r.R7 = TRow.LoadLevels(ref Unsafe.Add(ref levels, 56), ref Unsafe.Add(ref step, 56));
            InversePass(ref r, ConstantBits - PassBits, 0);
            TRow.Transpose(ref r);
            InversePass(ref r, ConstantBits + PassBits + 3, 128);
            TRow.Transpose(ref r);
            TRow.StoreSamples(ref r, ref corner, stride);
        }
    }

    /// <summary>Whether all but the first of 64 levels are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsFlat(ref short levels)
    {
        Vector128<short> any = Vector128.LoadUnsafe(ref levels).WithElement(0, (short)0);
        for (nuint i = 8; i < 64; i += 8)
            any |= Vector128.LoadUnsafe(ref levels, i);
        return any == Vector128<short>.Zero;
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

    /// <summary>Kᵀ times eight rows, then the rounding shift, then an offset.</summary>
    /// <remarks>
    /// Loeffler, Ligtenberg and Moschytz: the even half is a 4-point transform with one rotation, the odd half shares
    /// one product between its four rotations. Each constant is a sum or difference of cosines in 1/8192.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void InversePass<TRow>(ref Rows<TRow> r, int shift, int offset)
        where TRow : struct, IRow<TRow>
    {
        TRow rounding = TRow.Create((1 << (shift - 1)) + (offset << shift));
        TRow rotation = (r.R2 + r.R6) * 4433;
        TRow upper = rotation + r.R2 * 6270, lower = rotation - r.R6 * 15137;
        TRow sum = ((r.R0 + r.R4) << ConstantBits) + rounding, difference = ((r.R0 - r.R4) << ConstantBits) + rounding;
        TRow e0 = sum + upper, e3 = sum - upper, e1 = difference + lower, e2 = difference - lower;

        TRow s17 = (r.R1 + r.R7) * -7373, s35 = (r.R3 + r.R5) * -20995;
        TRow s37 = r.R3 + r.R7, s15 = r.R1 + r.R5;
        TRow shared = (s37 + s15) * 9633;
        s37 = shared - s37 * 16069;
        s15 = shared - s15 * 3196;
        TRow o0 = r.R1 * 12299 + s17 + s15, o1 = r.R3 * 25172 + s35 + s37;
        TRow o2 = r.R5 * 16819 + s35 + s15, o3 = r.R7 * 2446 + s17 + s37;

        r.R0 = (e0 + o0) >> shift;
        r.R7 = (e0 - o0) >> shift;
        r.R1 = (e1 + o1) >> shift;
        r.R6 = (e1 - o1) >> shift;
        r.R2 = (e2 + o2) >> shift;
        r.R5 = (e2 - o2) >> shift;
        r.R3 = (e3 + o3) >> shift;
        r.R4 = (e3 - o3) >> shift;
    }

    /// <summary>K times eight rows, then the rounding shift: the inverse pass, run backwards.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ForwardPass<TRow>(ref Rows<TRow> r, int shift)
        where TRow : struct, IRow<TRow>
    {
        TRow rounding = TRow.Create(1 << (shift - 1));
        TRow e0 = r.R0 + r.R7, e1 = r.R1 + r.R6, e2 = r.R2 + r.R5, e3 = r.R3 + r.R4;
        TRow o0 = r.R0 - r.R7, o1 = r.R1 - r.R6, o2 = r.R2 - r.R5, o3 = r.R3 - r.R4;

        TRow sum03 = e0 + e3, sum12 = e1 + e2, upper = e0 - e3, lower = e1 - e2;
        TRow rotation = (upper + lower) * 4433 + rounding;
        r.R0 = (((sum03 + sum12) << ConstantBits) + rounding) >> shift;
        r.R4 = (((sum03 - sum12) << ConstantBits) + rounding) >> shift;
        r.R2 = (rotation + upper * 6270) >> shift;
        r.R6 = (rotation - lower * 15137) >> shift;

        TRow s03 = (o0 + o3) * -7373, s12 = (o1 + o2) * -20995;
        TRow s13 = o1 + o3, s02 = o0 + o2;
        TRow shared = (s13 + s02) * 9633 + rounding;
        s13 = shared - s13 * 16069;
        s02 = shared - s02 * 3196;
        r.R1 = (o0 * 12299 + s03 + s02) >> shift;
        r.R3 = (o1 * 25172 + s12 + s13) >> shift;
        r.R5 = (o2 * 16819 + s12 + s02) >> shift;
        r.R7 = (o3 * 2446 + s03 + s13) >> shift;
    }

    private struct Rows<TRow>
        where TRow : struct
    {
        public TRow R0, R1, R2, R3, R4, R5, R6, R7;
    }

    /// <summary>Two vectors of four: SSE2 and Arm's AdvSimd.</summary>
    private readonly struct Row128(Vector128<int> left, Vector128<int> right) : IRow<Row128>
    {
        private readonly Vector128<int> _left = left;
        private readonly Vector128<int> _right = right;

        public static bool IsSupported => Sse2.IsSupported || AdvSimd.Arm64.IsSupported;

        public static int Blocks => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row128 operator +(Row128 a, Row128 b) => new(a._left + b._left, a._right + b._right);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row128 operator -(Row128 a, Row128 b) => new(a._left - b._left, a._right - b._right);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row128 operator *(Row128 a, int b) => new(a._left * b, a._right * b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row128 operator <<(Row128 a, int bits) => new(a._left << bits, a._right << bits);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row128 operator >>(Row128 a, int bits) => new(a._left >> bits, a._right >> bits);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row128 Create(int value) => new(Vector128.Create(value), Vector128.Create(value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row128 LoadSamples(ref byte source)
        {
            Vector128<byte> bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref source)).AsByte();
            (Vector128<int> left, Vector128<int> right) = Vector128.Widen(Vector128.WidenLower(bytes).AsInt16());
            return new Row128(left - Vector128.Create(128), right - Vector128.Create(128));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row128 LoadLevels(ref short levels, ref ushort steps)
        {
            (Vector128<int> left, Vector128<int> right) = Vector128.Widen(Vector128.LoadUnsafe(ref levels));
            (Vector128<uint> leftStep, Vector128<uint> rightStep) = Vector128.Widen(Vector128.LoadUnsafe(ref steps));
            return new Row128(left * leftStep.AsInt32(), right * rightStep.AsInt32());
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreLevels(Row128 row, ref ushort steps, ref short levels)
        {
            (Vector128<uint> left, Vector128<uint> right) = Vector128.Widen(Vector128.LoadUnsafe(ref steps));
            Vector128.Narrow(Divide(row._left, left.AsInt32()), Divide(row._right, right.AsInt32()))
                .StoreUnsafe(ref levels);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Transpose(ref Rows<Row128> r)
        {
            // Four 4 × 4 quarters, of which the two off the diagonal also change places.
            (Vector128<int> a0, Vector128<int> a1, Vector128<int> a2, Vector128<int> a3) =
                Transpose(r.R0._left, r.R1._left, r.R2._left, r.R3._left);
            (Vector128<int> b0, Vector128<int> b1, Vector128<int> b2, Vector128<int> b3) =
                Transpose(r.R0._right, r.R1._right, r.R2._right, r.R3._right);
            (Vector128<int> c0, Vector128<int> c1, Vector128<int> c2, Vector128<int> c3) =
                Transpose(r.R4._left, r.R5._left, r.R6._left, r.R7._left);
            (Vector128<int> d0, Vector128<int> d1, Vector128<int> d2, Vector128<int> d3) =
                Transpose(r.R4._right, r.R5._right, r.R6._right, r.R7._right);
            r.R0 = new Row128(a0, c0);
            r.R1 = new Row128(a1, c1);
            r.R2 = new Row128(a2, c2);
            r.R3 = new Row128(a3, c3);
            r.R4 = new Row128(b0, d0);
            r.R5 = new Row128(b1, d1);
            r.R6 = new Row128(b2, d2);
            r.R7 = new Row128(b3, d3);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreSamples(ref Rows<Row128> r, ref byte target, nint stride)
        {
            StoreTwo(r.R0, r.R1, ref target, ref Unsafe.Add(ref target, stride));
            StoreTwo(r.R2, r.R3, ref Unsafe.Add(ref target, 2 * stride), ref Unsafe.Add(ref target, 3 * stride));
            StoreTwo(r.R4, r.R5, ref Unsafe.Add(ref target, 4 * stride), ref Unsafe.Add(ref target, 5 * stride));
            StoreTwo(r.R6, r.R7, ref Unsafe.Add(ref target, 6 * stride), ref Unsafe.Add(ref target, 7 * stride));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void StoreTwo(Row128 first, Row128 second, ref byte to, ref byte next)
        {
            Vector128<byte> bytes = Vector128.Narrow(Narrow(first), Narrow(second));
            Unsafe.WriteUnaligned(ref to, bytes.AsUInt64().GetElement(0));
            Unsafe.WriteUnaligned(ref next, bytes.AsUInt64().GetElement(1));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<ushort> Narrow(Row128 row)
        {
            Vector128<int> zero = Vector128<int>.Zero, most = Vector128.Create(255);
            return Vector128.Narrow(
                Vector128.Min(Vector128.Max(row._left, zero), most),
                Vector128.Min(Vector128.Max(row._right, zero), most)).AsUInt16();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<int> Divide(Vector128<int> value, Vector128<int> step)
        {
            Vector128<int> magnitude = Vector128.Abs(value) + (step << 2);
            Vector128<float> quotient = Vector128.ConvertToSingle(magnitude) / Vector128.ConvertToSingle(step << 3);
            Vector128<int> level = Vector128.ConvertToInt32(quotient), sign = value >> 31;
            return (level ^ sign) - sign;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static (Vector128<int> R0, Vector128<int> R1, Vector128<int> R2, Vector128<int> R3) Transpose(
            Vector128<int> r0, Vector128<int> r1, Vector128<int> r2, Vector128<int> r3)
        {
            Vector128<long> low01 = ZipLow(r0, r1).AsInt64(), high01 = ZipHigh(r0, r1).AsInt64();
            Vector128<long> low23 = ZipLow(r2, r3).AsInt64(), high23 = ZipHigh(r2, r3).AsInt64();
            return (
                ZipLow(low01, low23).AsInt32(), ZipHigh(low01, low23).AsInt32(),
                ZipLow(high01, high23).AsInt32(), ZipHigh(high01, high23).AsInt32());
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<int> ZipLow(Vector128<int> a, Vector128<int> b) =>
            Sse2.IsSupported ? Sse2.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<int> ZipHigh(Vector128<int> a, Vector128<int> b) =>
            Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<long> ZipLow(Vector128<long> a, Vector128<long> b) =>
            Sse2.IsSupported ? Sse2.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<long> ZipHigh(Vector128<long> a, Vector128<long> b) =>
            Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);
    }

    /// <summary>One vector of eight: AVX2.</summary>
    private readonly struct Row256(Vector256<int> row) : IRow<Row256>
    {
        private readonly Vector256<int> _row = row;

        public static int Blocks => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row256 operator +(Row256 a, Row256 b) => new(a._row + b._row);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row256 operator -(Row256 a, Row256 b) => new(a._row - b._row);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row256 operator *(Row256 a, int b) => new(a._row * b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row256 operator <<(Row256 a, int bits) => new(a._row << bits);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row256 operator >>(Row256 a, int bits) => new(a._row >> bits);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row256 Create(int value) => new(Vector256.Create(value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row256 LoadSamples(ref byte source)
        {
            Vector128<byte> bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref source)).AsByte();
            return new Row256(Avx2.ConvertToVector256Int32(bytes) - Vector256.Create(128));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row256 LoadLevels(ref short levels, ref ushort steps) => new(
            Avx2.ConvertToVector256Int32(Vector128.LoadUnsafe(ref levels))
            * Avx2.ConvertToVector256Int32(Vector128.LoadUnsafe(ref steps)));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreLevels(Row256 row, ref ushort steps, ref short levels)
        {
            Vector256<int> step = Avx2.ConvertToVector256Int32(Vector128.LoadUnsafe(ref steps));
            Vector256<int> magnitude = Vector256.Abs(row._row) + (step << 2);

            // Both are whole numbers below 2^21 and the quotient below 2^14, so the float quotient cannot reach a whole
            // number that the true one does not: the gap, at least 1 / (8·step), is wider than its rounding.
            Vector256<float> quotient = Vector256.ConvertToSingle(magnitude) / Vector256.ConvertToSingle(step << 3);
            Vector256<int> level = Avx.ConvertToVector256Int32WithTruncation(quotient), sign = row._row >> 31;
            level = (level ^ sign) - sign;
            Vector128.Narrow(level.GetLower(), level.GetUpper()).StoreUnsafe(ref levels);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Transpose(ref Rows<Row256> r)
        {
            // Pairs, then quadruples within each 128-bit half, then the halves themselves.
            Vector256<int> a0 = Avx2.UnpackLow(r.R0._row, r.R1._row), a1 = Avx2.UnpackHigh(r.R0._row, r.R1._row);
            Vector256<int> a2 = Avx2.UnpackLow(r.R2._row, r.R3._row), a3 = Avx2.UnpackHigh(r.R2._row, r.R3._row);
            Vector256<int> a4 = Avx2.UnpackLow(r.R4._row, r.R5._row), a5 = Avx2.UnpackHigh(r.R4._row, r.R5._row);
            Vector256<int> a6 = Avx2.UnpackLow(r.R6._row, r.R7._row), a7 = Avx2.UnpackHigh(r.R6._row, r.R7._row);
            Vector256<long> b0 = Avx2.UnpackLow(a0.AsInt64(), a2.AsInt64());
            Vector256<long> b4 = Avx2.UnpackLow(a4.AsInt64(), a6.AsInt64());
            Vector256<long> b1 = Avx2.UnpackHigh(a0.AsInt64(), a2.AsInt64());
            Vector256<long> b5 = Avx2.UnpackHigh(a4.AsInt64(), a6.AsInt64());
            Vector256<long> b2 = Avx2.UnpackLow(a1.AsInt64(), a3.AsInt64());
            Vector256<long> b6 = Avx2.UnpackLow(a5.AsInt64(), a7.AsInt64());
            Vector256<long> b3 = Avx2.UnpackHigh(a1.AsInt64(), a3.AsInt64());
            Vector256<long> b7 = Avx2.UnpackHigh(a5.AsInt64(), a7.AsInt64());
            r.R0 = new Row256(Avx2.Permute2x128(b0, b4, 0x20).AsInt32());
            r.R1 = new Row256(Avx2.Permute2x128(b1, b5, 0x20).AsInt32());
            r.R2 = new Row256(Avx2.Permute2x128(b2, b6, 0x20).AsInt32());
            r.R3 = new Row256(Avx2.Permute2x128(b3, b7, 0x20).AsInt32());
            r.R4 = new Row256(Avx2.Permute2x128(b0, b4, 0x31).AsInt32());
            r.R5 = new Row256(Avx2.Permute2x128(b1, b5, 0x31).AsInt32());
            r.R6 = new Row256(Avx2.Permute2x128(b2, b6, 0x31).AsInt32());
            r.R7 = new Row256(Avx2.Permute2x128(b3, b7, 0x31).AsInt32());
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreSamples(ref Rows<Row256> r, ref byte target, nint stride)
        {
            StoreFour(r.R0, r.R1, r.R2, r.R3, ref target, stride);
            StoreFour(r.R4, r.R5, r.R6, r.R7, ref Unsafe.Add(ref target, 4 * stride), stride);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void StoreFour(Row256 a, Row256 b, Row256 c, Row256 d, ref byte target, nint stride)
        {
            // Packing saturates twice, to 16 bits and to 0…255, which together is the clamp. It works in 128-bit
            // halves, so that the rows' halves come out as abcd|abcd.
            Vector256<int> packed = Avx2.PackUnsignedSaturate(
                Avx2.PackSignedSaturate(a._row, b._row), Avx2.PackSignedSaturate(c._row, d._row)).AsInt32();
            Vector256<ulong> rows =
                Avx2.PermuteVar8x32(packed, Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).AsUInt64();
            Unsafe.WriteUnaligned(ref target, rows.GetElement(0));
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, stride), rows.GetElement(1));
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, 2 * stride), rows.GetElement(2));
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, 3 * stride), rows.GetElement(3));
        }
    }

    /// <summary>One vector of sixteen, for two blocks: AVX-512.</summary>
    private readonly struct Row512(Vector512<int> row) : IRow<Row512>
    {
        private readonly Vector512<int> _row = row;

        public static bool IsSupported => Vector512.IsHardwareAccelerated && Avx512BW.IsSupported;

        public static int Blocks => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row512 operator +(Row512 a, Row512 b) => new(a._row + b._row);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row512 operator -(Row512 a, Row512 b) => new(a._row - b._row);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row512 operator *(Row512 a, int b) => new(a._row * b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row512 operator <<(Row512 a, int bits) => new(a._row << bits);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row512 operator >>(Row512 a, int bits) => new(a._row >> bits);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row512 Create(int value) => new(Vector512.Create(value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row512 LoadSamples(ref byte source) =>
            new(Avx512F.ConvertToVector512Int32(Vector128.LoadUnsafe(ref source)) - Vector512.Create(128));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row512 LoadLevels(ref short levels, ref ushort steps) => new(
            Avx512F.ConvertToVector512Int32(
                Vector256.Create(Vector128.LoadUnsafe(ref levels), Vector128.LoadUnsafe(ref levels, 64)))
            * Twice(ref steps));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreLevels(Row512 row, ref ushort steps, ref short levels)
        {
            Vector512<int> step = Twice(ref steps);
            Vector512<int> magnitude = Vector512.Abs(row._row) + (step << 2);
            Vector512<float> quotient = Vector512.ConvertToSingle(magnitude) / Vector512.ConvertToSingle(step << 3);
            Vector512<int> level = Avx512F.ConvertToVector512Int32WithTruncation(quotient), sign = row._row >> 31;
            Vector256<short> narrow = Avx512F.ConvertToVector256Int16((level ^ sign) - sign);
            narrow.GetLower().StoreUnsafe(ref levels);
            narrow.GetUpper().StoreUnsafe(ref levels, 64);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Transpose(ref Rows<Row512> r)
        {
            Vector512<int> a0 = Avx512F.UnpackLow(r.R0._row, r.R1._row), a1 = Avx512F.UnpackHigh(r.R0._row, r.R1._row);
            Vector512<int> a2 = Avx512F.UnpackLow(r.R2._row, r.R3._row), a3 = Avx512F.UnpackHigh(r.R2._row, r.R3._row);
            Vector512<int> a4 = Avx512F.UnpackLow(r.R4._row, r.R5._row), a5 = Avx512F.UnpackHigh(r.R4._row, r.R5._row);
            Vector512<int> a6 = Avx512F.UnpackLow(r.R6._row, r.R7._row), a7 = Avx512F.UnpackHigh(r.R6._row, r.R7._row);
            Exchange(a0, a2, a4, a6, out r.R0, out r.R1, out r.R4, out r.R5);
            Exchange(a1, a3, a5, a7, out r.R2, out r.R3, out r.R6, out r.R7);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreSamples(ref Rows<Row512> r, ref byte target, nint stride)
        {
            Store(r.R0, ref target);
            Store(r.R1, ref Unsafe.Add(ref target, stride));
            Store(r.R2, ref Unsafe.Add(ref target, 2 * stride));
            Store(r.R3, ref Unsafe.Add(ref target, 3 * stride));
            Store(r.R4, ref Unsafe.Add(ref target, 4 * stride));
            Store(r.R5, ref Unsafe.Add(ref target, 5 * stride));
            Store(r.R6, ref Unsafe.Add(ref target, 6 * stride));
            Store(r.R7, ref Unsafe.Add(ref target, 7 * stride));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Store(Row512 row, ref byte target) =>
            Avx512F.ConvertToVector128ByteWithSaturation(Vector512.Max(row._row, Vector512<int>.Zero).AsUInt32())
                .StoreUnsafe(ref target);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Exchange(
            Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d,
            out Row512 first, out Row512 second, out Row512 fifth, out Row512 sixth)
        {
            // As with 256 bits, in each block's half: lower quarters together, upper quarters together.
            Vector512<long> lower = Vector512.Create(0L, 1, 8, 9, 4, 5, 12, 13);
            Vector512<long> upper = Vector512.Create(2L, 3, 10, 11, 6, 7, 14, 15);
            Vector512<long> low0 = Avx512F.UnpackLow(a.AsInt64(), b.AsInt64());
            Vector512<long> low1 = Avx512F.UnpackLow(c.AsInt64(), d.AsInt64());
            Vector512<long> high0 = Avx512F.UnpackHigh(a.AsInt64(), b.AsInt64());
            Vector512<long> high1 = Avx512F.UnpackHigh(c.AsInt64(), d.AsInt64());
            first = new Row512(Avx512F.PermuteVar8x64x2(low0, lower, low1).AsInt32());
            second = new Row512(Avx512F.PermuteVar8x64x2(high0, lower, high1).AsInt32());
            fifth = new Row512(Avx512F.PermuteVar8x64x2(low0, upper, low1).AsInt32());
            sixth = new Row512(Avx512F.PermuteVar8x64x2(high0, upper, high1).AsInt32());
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<int> Twice(ref ushort steps)
        {
            Vector128<ushort> row = Vector128.LoadUnsafe(ref steps);
            return Avx512F.ConvertToVector512Int32(Vector256.Create(row, row));
        }
    }
}
