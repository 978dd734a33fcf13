using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.Dct;

public static partial class JpegDct
{
    /// <summary>One block: SSE2 and Arm's AdvSimd.</summary>
    private readonly struct Rows128 : IRows<Vector128<short>>
    {
        public static bool IsSupported => Sse2.IsSupported || AdvSimd.Arm64.IsSupported;

        public static int Blocks => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> Add(Vector128<short> a, Vector128<short> b) => a + b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> Subtract(Vector128<short> a, Vector128<short> b) => a - b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> Create(short value) => Vector128.Create(value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> CreateWide(int value) => Vector128.Create(value).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> ShiftLeft(Vector128<short> a, [ConstantExpected] int bits) => a << bits;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> ShiftRight(Vector128<short> a, [ConstantExpected] int bits) => a >> bits;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> AddWide(Vector128<short> a, Vector128<short> b) =>
            (a.AsInt32() + b.AsInt32()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> SubtractWide(Vector128<short> a, Vector128<short> b) =>
            (a.AsInt32() - b.AsInt32()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> Multiply(Vector128<short> a, Vector128<short> b) => a * b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> Or(Vector128<short> a, Vector128<short> b) => a | b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool IsZero(Vector128<short> a) => a == Vector128<short>.Zero;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> InterleaveLow(Vector128<short> a, Vector128<short> b) =>
            Sse2.IsSupported ? Sse2.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> InterleaveHigh(Vector128<short> a, Vector128<short> b) =>
            Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> Interleave32Low(Vector128<short> a, Vector128<short> b) => Sse2.IsSupported
            ? Sse2.UnpackLow(a.AsInt32(), b.AsInt32()).AsInt16()
            : AdvSimd.Arm64.ZipLow(a.AsInt32(), b.AsInt32()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> Interleave32High(Vector128<short> a, Vector128<short> b) => Sse2.IsSupported
            ? Sse2.UnpackHigh(a.AsInt32(), b.AsInt32()).AsInt16()
            : AdvSimd.Arm64.ZipHigh(a.AsInt32(), b.AsInt32()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> Interleave64Low(Vector128<short> a, Vector128<short> b) => Sse2.IsSupported
            ? Sse2.UnpackLow(a.AsInt64(), b.AsInt64()).AsInt16()
            : AdvSimd.Arm64.ZipLow(a.AsInt64(), b.AsInt64()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> Interleave64High(Vector128<short> a, Vector128<short> b) => Sse2.IsSupported
            ? Sse2.UnpackHigh(a.AsInt64(), b.AsInt64()).AsInt16()
            : AdvSimd.Arm64.ZipHigh(a.AsInt64(), b.AsInt64()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> MultiplyPairs(Vector128<short> pairs, Vector128<short> factors) => (Sse2.IsSupported
            ? Sse2.MultiplyAddAdjacent(pairs, factors)
            : AdvSimd.Arm64.AddPairwise(
                AdvSimd.MultiplyWideningLower(pairs.GetLower(), factors.GetLower()),
                AdvSimd.MultiplyWideningUpper(pairs, factors))).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> Narrow(
            Vector128<short> low, Vector128<short> high, [ConstantExpected] int bits) =>
            Vector128.NarrowWithSaturation(low.AsInt32() >> bits, high.AsInt32() >> bits);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> Excess(Vector128<short> levels, Vector128<short> largest) =>
            Vector128.SubtractSaturate(Vector128.Abs(levels).AsUInt16(), largest.AsUInt16()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> WithoutFirst(Vector128<short> a) => a.WithElement(0, (short)0);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> Repeat(ref ushort values) => Vector128.LoadUnsafe(ref values).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> LoadSamples(ref byte source)
        {
            Vector128<byte> bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref source)).AsByte();
            return Vector128.WidenLower(bytes).AsInt16() - Vector128.Create((short)128);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<short> Quantise(Vector128<short> coefficients, JpegQuantiser quantiser, nuint at)
        {
            Vector128<ushort> n = Vector128.Abs(coefficients).AsUInt16() + Load(quantiser.HalfSteps, at);
            Vector128<short> level = MultiplyHigh(
                MultiplyHigh(n, Load(quantiser.Reciprocals, at)), Load(quantiser.Scales, at)).AsInt16();
            Vector128<short> sign = coefficients >> 15;
            return (level ^ sign) - sign;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreLevels(
            Vector128<short> r0, Vector128<short> r1, Vector128<short> r2, Vector128<short> r3, ref short levels)
        {
            r0.StoreUnsafe(ref levels);
            r1.StoreUnsafe(ref levels, 8);
            r2.StoreUnsafe(ref levels, 16);
            r3.StoreUnsafe(ref levels, 24);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadLevels(
            ref short levels, out Vector128<short> r0, out Vector128<short> r1, out Vector128<short> r2,
            out Vector128<short> r3)
        {
            r0 = Vector128.LoadUnsafe(ref levels);
            r1 = Vector128.LoadUnsafe(ref levels, 8);
            r2 = Vector128.LoadUnsafe(ref levels, 16);
            r3 = Vector128.LoadUnsafe(ref levels, 24);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreSamples(
            Vector128<short> c0, Vector128<short> c1, Vector128<short> c2, Vector128<short> c3, Vector128<short> c4,
            Vector128<short> c5, Vector128<short> c6, Vector128<short> c7, ref byte target, nint stride)
        {
            Transpose<Vector128<short>, Rows128>(ref c0, ref c1, ref c2, ref c3, ref c4, ref c5, ref c6, ref c7);
            StoreTwo(c0, c1, ref target, ref Unsafe.Add(ref target, stride));
            StoreTwo(c2, c3, ref Unsafe.Add(ref target, 2 * stride), ref Unsafe.Add(ref target, 3 * stride));
            StoreTwo(c4, c5, ref Unsafe.Add(ref target, 4 * stride), ref Unsafe.Add(ref target, 5 * stride));
            StoreTwo(c6, c7, ref Unsafe.Add(ref target, 6 * stride), ref Unsafe.Add(ref target, 7 * stride));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void StoreTwo(Vector128<short> first, Vector128<short> second, ref byte to, ref byte next)
        {
            Vector128<ulong> bytes =
                (Vector128.NarrowWithSaturation(first, second).AsByte() ^ Vector128.Create((byte)128)).AsUInt64();
            Unsafe.WriteUnaligned(ref to, bytes.GetElement(0));
            Unsafe.WriteUnaligned(ref next, bytes.GetElement(1));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<ushort> Load(ushort[] values, nuint at) =>
            Vector128.LoadUnsafe(ref MemoryMarshal.GetArrayDataReference(values), at);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<ushort> MultiplyHigh(Vector128<ushort> a, Vector128<ushort> b) => Sse2.IsSupported
            ? Sse2.MultiplyHigh(a, b)
            : AdvSimd.Arm64.UnzipOdd(
                AdvSimd.MultiplyWideningLower(a.GetLower(), b.GetLower()).AsUInt16(),
                AdvSimd.MultiplyWideningUpper(a, b).AsUInt16());
    }

    /// <summary>Two blocks: AVX2.</summary>
    private readonly struct Rows256 : IRows<Vector256<short>>
    {
        public static int Blocks => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Add(Vector256<short> a, Vector256<short> b) => a + b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Subtract(Vector256<short> a, Vector256<short> b) => a - b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Create(short value) => Vector256.Create(value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> CreateWide(int value) => Vector256.Create(value).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> ShiftLeft(Vector256<short> a, [ConstantExpected] int bits) => a << bits;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> ShiftRight(Vector256<short> a, [ConstantExpected] int bits) => a >> bits;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> AddWide(Vector256<short> a, Vector256<short> b) =>
            (a.AsInt32() + b.AsInt32()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> SubtractWide(Vector256<short> a, Vector256<short> b) =>
            (a.AsInt32() - b.AsInt32()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Multiply(Vector256<short> a, Vector256<short> b) => a * b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Or(Vector256<short> a, Vector256<short> b) => a | b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool IsZero(Vector256<short> a) => a == Vector256<short>.Zero;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> InterleaveLow(Vector256<short> a, Vector256<short> b) => Avx2.UnpackLow(a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> InterleaveHigh(Vector256<short> a, Vector256<short> b) => Avx2.UnpackHigh(a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Interleave32Low(Vector256<short> a, Vector256<short> b) =>
            Avx2.UnpackLow(a.AsInt32(), b.AsInt32()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Interleave32High(Vector256<short> a, Vector256<short> b) =>
            Avx2.UnpackHigh(a.AsInt32(), b.AsInt32()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Interleave64Low(Vector256<short> a, Vector256<short> b) =>
            Avx2.UnpackLow(a.AsInt64(), b.AsInt64()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Interleave64High(Vector256<short> a, Vector256<short> b) =>
            Avx2.UnpackHigh(a.AsInt64(), b.AsInt64()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> MultiplyPairs(Vector256<short> pairs, Vector256<short> factors) =>
            Avx2.MultiplyAddAdjacent(pairs, factors).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Narrow(Vector256<short> low, Vector256<short> high, [ConstantExpected] int bits) =>
            Avx2.PackSignedSaturate(low.AsInt32() >> bits, high.AsInt32() >> bits);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Excess(Vector256<short> levels, Vector256<short> largest) =>
            Avx2.SubtractSaturate(Vector256.Abs(levels).AsUInt16(), largest.AsUInt16()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> WithoutFirst(Vector256<short> a) =>
            a & Vector256.Create(0xFFFF_FFFF_FFFF_0000, ~0ul, 0xFFFF_FFFF_FFFF_0000, ~0ul).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Repeat(ref ushort values)
        {
            Vector128<short> row = Vector128.LoadUnsafe(ref values).AsInt16();
            return Vector256.Create(row, row);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> LoadSamples(ref byte source) =>
            Avx2.ConvertToVector256Int16(Vector128.LoadUnsafe(ref source)) - Vector256.Create((short)128);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<short> Quantise(Vector256<short> coefficients, JpegQuantiser quantiser, nuint at)
        {
            Vector256<ushort> n = Vector256.Abs(coefficients).AsUInt16() + Load(quantiser.HalfSteps, at);
            n = Avx2.MultiplyHigh(n, Load(quantiser.Reciprocals, at));
            Vector256<short> level = Avx2.MultiplyHigh(n, Load(quantiser.Scales, at)).AsInt16();
            return Avx2.Sign(level, coefficients);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreLevels(
            Vector256<short> r0, Vector256<short> r1, Vector256<short> r2, Vector256<short> r3, ref short levels)
        {
            Avx2.Permute2x128(r0, r1, 0x20).StoreUnsafe(ref levels);
            Avx2.Permute2x128(r2, r3, 0x20).StoreUnsafe(ref levels, 16);
            Avx2.Permute2x128(r0, r1, 0x31).StoreUnsafe(ref levels, 64);
            Avx2.Permute2x128(r2, r3, 0x31).StoreUnsafe(ref levels, 80);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadLevels(
            ref short levels, out Vector256<short> r0, out Vector256<short> r1, out Vector256<short> r2,
            out Vector256<short> r3)
        {
            Vector256<short> a = Vector256.LoadUnsafe(ref levels), b = Vector256.LoadUnsafe(ref levels, 16);
            Vector256<short> c = Vector256.LoadUnsafe(ref levels, 64), d = Vector256.LoadUnsafe(ref levels, 80);
            r0 = Avx2.Permute2x128(a, c, 0x20);
            r1 = Avx2.Permute2x128(a, c, 0x31);
            r2 = Avx2.Permute2x128(b, d, 0x20);
            r3 = Avx2.Permute2x128(b, d, 0x31);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreSamples(
            Vector256<short> c0, Vector256<short> c1, Vector256<short> c2, Vector256<short> c3, Vector256<short> c4,
            Vector256<short> c5, Vector256<short> c6, Vector256<short> c7, ref byte target, nint stride)
        {
            // Bytes of columns c and c + 4 side by side, then pairs, quadruples and all eight of a row: each block's
            // vectors hold two rows.
            Vector256<byte> level = Vector256.Create((byte)128);
            Vector256<byte> a = Avx2.PackSignedSaturate(c0, c4).AsByte() ^ level;
            Vector256<byte> b = Avx2.PackSignedSaturate(c1, c5).AsByte() ^ level;
            Vector256<byte> c = Avx2.PackSignedSaturate(c2, c6).AsByte() ^ level;
            Vector256<byte> d = Avx2.PackSignedSaturate(c3, c7).AsByte() ^ level;
            Vector256<short> ab = Avx2.UnpackLow(a, b).AsInt16(), ef = Avx2.UnpackHigh(a, b).AsInt16();
            Vector256<short> cd = Avx2.UnpackLow(c, d).AsInt16(), gh = Avx2.UnpackHigh(c, d).AsInt16();
            Vector256<int> left = Avx2.UnpackLow(ab, cd).AsInt32(), right = Avx2.UnpackLow(ef, gh).AsInt32();
            StoreTwo(Avx2.UnpackLow(left, right), ref target, stride);
            StoreTwo(Avx2.UnpackHigh(left, right), ref Unsafe.Add(ref target, 2 * stride), stride);
            left = Avx2.UnpackHigh(ab, cd).AsInt32();
            right = Avx2.UnpackHigh(ef, gh).AsInt32();
            StoreTwo(Avx2.UnpackLow(left, right), ref Unsafe.Add(ref target, 4 * stride), stride);
            StoreTwo(Avx2.UnpackHigh(left, right), ref Unsafe.Add(ref target, 6 * stride), stride);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void StoreTwo(Vector256<int> rows, ref byte target, nint stride)
        {
            Vector256<byte> apart = Avx2.Permute4x64(rows.AsInt64(), 0b11_01_10_00).AsByte();
            apart.GetLower().StoreUnsafe(ref target);
            apart.GetUpper().StoreUnsafe(ref Unsafe.Add(ref target, stride));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<ushort> Load(ushort[] values, nuint at) =>
            Repeat(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(values), at)).AsUInt16();
    }

    /// <summary>Four blocks: AVX-512.</summary>
    private readonly struct Rows512 : IRows<Vector512<short>>
    {
        public static bool IsSupported => Vector512.IsHardwareAccelerated && Avx512BW.IsSupported;

        public static int Blocks => 4;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Add(Vector512<short> a, Vector512<short> b) => a + b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Subtract(Vector512<short> a, Vector512<short> b) => a - b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Create(short value) => Vector512.Create(value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> CreateWide(int value) => Vector512.Create(value).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> ShiftLeft(Vector512<short> a, [ConstantExpected] int bits) => a << bits;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> ShiftRight(Vector512<short> a, [ConstantExpected] int bits) => a >> bits;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> AddWide(Vector512<short> a, Vector512<short> b) =>
            (a.AsInt32() + b.AsInt32()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> SubtractWide(Vector512<short> a, Vector512<short> b) =>
            (a.AsInt32() - b.AsInt32()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Multiply(Vector512<short> a, Vector512<short> b) => a * b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Or(Vector512<short> a, Vector512<short> b) => a | b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool IsZero(Vector512<short> a) => a == Vector512<short>.Zero;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> InterleaveLow(Vector512<short> a, Vector512<short> b) =>
            Avx512BW.UnpackLow(a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> InterleaveHigh(Vector512<short> a, Vector512<short> b) =>
            Avx512BW.UnpackHigh(a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Interleave32Low(Vector512<short> a, Vector512<short> b) =>
            Avx512F.UnpackLow(a.AsInt32(), b.AsInt32()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Interleave32High(Vector512<short> a, Vector512<short> b) =>
            Avx512F.UnpackHigh(a.AsInt32(), b.AsInt32()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Interleave64Low(Vector512<short> a, Vector512<short> b) =>
            Avx512F.UnpackLow(a.AsInt64(), b.AsInt64()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Interleave64High(Vector512<short> a, Vector512<short> b) =>
            Avx512F.UnpackHigh(a.AsInt64(), b.AsInt64()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> MultiplyPairs(Vector512<short> pairs, Vector512<short> factors) =>
            Avx512BW.MultiplyAddAdjacent(pairs, factors).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Narrow(Vector512<short> low, Vector512<short> high, [ConstantExpected] int bits) =>
            Avx512BW.PackSignedSaturate(low.AsInt32() >> bits, high.AsInt32() >> bits);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Excess(Vector512<short> levels, Vector512<short> largest) =>
            Avx512BW.SubtractSaturate(Vector512.Abs(levels).AsUInt16(), largest.AsUInt16()).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> WithoutFirst(Vector512<short> a) => a & Vector512.Create(
            0xFFFF_FFFF_FFFF_0000, ~0ul, 0xFFFF_FFFF_FFFF_0000, ~0ul, 0xFFFF_FFFF_FFFF_0000, ~0ul, 0xFFFF_FFFF_FFFF_0000,
            ~0ul).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Repeat(ref ushort values)
        {
            Vector128<short> row = Vector128.LoadUnsafe(ref values).AsInt16();
            Vector256<short> two = Vector256.Create(row, row);
            return Vector512.Create(two, two);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> LoadSamples(ref byte source) =>
            Avx512BW.ConvertToVector512Int16(Vector256.LoadUnsafe(ref source)) - Vector512.Create((short)128);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Quantise(Vector512<short> coefficients, JpegQuantiser quantiser, nuint at)
        {
            Vector512<ushort> n = Vector512.Abs(coefficients).AsUInt16() + Load(quantiser.HalfSteps, at);
            n = Avx512BW.MultiplyHigh(n, Load(quantiser.Reciprocals, at));
            Vector512<short> level =
                Avx512BW.ShiftRightLogicalVariable(n, Load(quantiser.Shifts, at)).AsInt16();
            Vector512<short> sign = coefficients >> 15;
            return (level ^ sign) - sign;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreLevels(
            Vector512<short> r0, Vector512<short> r1, Vector512<short> r2, Vector512<short> r3, ref short levels)
        {
            Exchange(ref r0, ref r1, ref r2, ref r3);
            r0.StoreUnsafe(ref levels);
            r1.StoreUnsafe(ref levels, 64);
            r2.StoreUnsafe(ref levels, 128);
            r3.StoreUnsafe(ref levels, 192);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadLevels(
            ref short levels, out Vector512<short> r0, out Vector512<short> r1, out Vector512<short> r2,
            out Vector512<short> r3)
        {
            r0 = Vector512.LoadUnsafe(ref levels);
            r1 = Vector512.LoadUnsafe(ref levels, 64);
            r2 = Vector512.LoadUnsafe(ref levels, 128);
            r3 = Vector512.LoadUnsafe(ref levels, 192);
            Exchange(ref r0, ref r1, ref r2, ref r3);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreSamples(
            Vector512<short> c0, Vector512<short> c1, Vector512<short> c2, Vector512<short> c3, Vector512<short> c4,
            Vector512<short> c5, Vector512<short> c6, Vector512<short> c7, ref byte target, nint stride)
        {
            // As with 256 bits.
            Vector512<byte> level = Vector512.Create((byte)128);
            Vector512<byte> a = Avx512BW.PackSignedSaturate(c0, c4).AsByte() ^ level;
            Vector512<byte> b = Avx512BW.PackSignedSaturate(c1, c5).AsByte() ^ level;
            Vector512<byte> c = Avx512BW.PackSignedSaturate(c2, c6).AsByte() ^ level;
            Vector512<byte> d = Avx512BW.PackSignedSaturate(c3, c7).AsByte() ^ level;
            Vector512<short> ab = Avx512BW.UnpackLow(a, b).AsInt16(), ef = Avx512BW.UnpackHigh(a, b).AsInt16();
            Vector512<short> cd = Avx512BW.UnpackLow(c, d).AsInt16(), gh = Avx512BW.UnpackHigh(c, d).AsInt16();
            Vector512<int> left = Avx512BW.UnpackLow(ab, cd).AsInt32(), right = Avx512BW.UnpackLow(ef, gh).AsInt32();
            StoreTwo(Avx512F.UnpackLow(left, right), ref target, stride);
            StoreTwo(Avx512F.UnpackHigh(left, right), ref Unsafe.Add(ref target, 2 * stride), stride);
            left = Avx512BW.UnpackHigh(ab, cd).AsInt32();
            right = Avx512BW.UnpackHigh(ef, gh).AsInt32();
            StoreTwo(Avx512F.UnpackLow(left, right), ref Unsafe.Add(ref target, 4 * stride), stride);
            StoreTwo(Avx512F.UnpackHigh(left, right), ref Unsafe.Add(ref target, 6 * stride), stride);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void StoreTwo(Vector512<int> rows, ref byte target, nint stride)
        {
            Vector512<byte> apart =
                Avx512F.PermuteVar8x64(rows.AsInt64(), Vector512.Create(0L, 2, 4, 6, 1, 3, 5, 7)).AsByte();
            apart.GetLower().StoreUnsafe(ref target);
            apart.GetUpper().StoreUnsafe(ref Unsafe.Add(ref target, stride));
        }

        /// <summary>Exchanges rows and columns of the 4 × 4 quarters of 128 bits.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Exchange(
            ref Vector512<short> r0, ref Vector512<short> r1, ref Vector512<short> r2, ref Vector512<short> r3)
        {
            Vector512<long> a = Avx512F.Shuffle4x128(r0.AsInt64(), r1.AsInt64(), 0x44);
            Vector512<long> b = Avx512F.Shuffle4x128(r0.AsInt64(), r1.AsInt64(), 0xEE);
            Vector512<long> c = Avx512F.Shuffle4x128(r2.AsInt64(), r3.AsInt64(), 0x44);
            Vector512<long> d = Avx512F.Shuffle4x128(r2.AsInt64(), r3.AsInt64(), 0xEE);
            r0 = Avx512F.Shuffle4x128(a, c, 0x88).AsInt16();
            r1 = Avx512F.Shuffle4x128(a, c, 0xDD).AsInt16();
            r2 = Avx512F.Shuffle4x128(b, d, 0x88).AsInt16();
            r3 = Avx512F.Shuffle4x128(b, d, 0xDD).AsInt16();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<ushort> Load(ushort[] values, nuint at) =>
            Repeat(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(values), at)).AsUInt16();
    }
}
