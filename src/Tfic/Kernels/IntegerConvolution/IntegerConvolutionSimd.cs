using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.IntegerConvolution;

/// <summary>Vector of 32-bit sums, each of which takes products of pairs of 16-bit numbers.</summary>
internal interface ISumLanes<TSelf>
    where TSelf : struct, ISumLanes<TSelf>
{
    static abstract int Count { get; }

    static abstract TSelf Load(ref int source);

    static abstract TSelf LoadPairs(ref short source);

    static abstract TSelf BroadcastPair(ref short source);

    /// <summary>sums + a.low · b.low + a.high · b.high in each lane.</summary>
    static abstract TSelf MultiplyAdd(TSelf sums, TSelf a, TSelf b);

    void Store(ref int target);
}

/// <summary>Four sums; SSE2 multiplies pairs in one instruction, elsewhere each half is multiplied by itself.</summary>
internal readonly struct Lanes128(Vector128<int> value) : ISumLanes<Lanes128>
{
    private readonly Vector128<int> _value = value;

    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Load(ref int source) => new(Vector128.LoadUnsafe(ref source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadPairs(ref short source) => new(Vector128.LoadUnsafe(ref source).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 BroadcastPair(ref short source) =>
        new(Vector128.Create(Unsafe.ReadUnaligned<int>(ref Unsafe.As<short, byte>(ref source))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyAdd(Lanes128 sums, Lanes128 a, Lanes128 b)
    {
        if (Sse2.IsSupported)
            return new(sums._value + Sse2.MultiplyAddAdjacent(a._value.AsInt16(), b._value.AsInt16()));

        // A pair lies in a lane as low + 2¹⁶ · high on a little-endian machine; shifts take it apart.
        Vector128<int> low = ((a._value << 16) >> 16) * ((b._value << 16) >> 16);
        Vector128<int> high = (a._value >> 16) * (b._value >> 16);
        return new(sums._value + low + high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(ref int target) => _value.StoreUnsafe(ref target);
}

/// <summary>Eight sums.</summary>
internal readonly struct Lanes256(Vector256<int> value) : ISumLanes<Lanes256>
{
    private readonly Vector256<int> _value = value;

    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Load(ref int source) => new(Vector256.LoadUnsafe(ref source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadPairs(ref short source) => new(Vector256.LoadUnsafe(ref source).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 BroadcastPair(ref short source) =>
        new(Vector256.Create(Unsafe.ReadUnaligned<int>(ref Unsafe.As<short, byte>(ref source))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyAdd(Lanes256 sums, Lanes256 a, Lanes256 b) =>
        new(sums._value + Avx2.MultiplyAddAdjacent(a._value.AsInt16(), b._value.AsInt16()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(ref int target) => _value.StoreUnsafe(ref target);
}

/// <summary>Sixteen sums.</summary>
internal readonly struct Lanes512(Vector512<int> value) : ISumLanes<Lanes512>
{
    private readonly Vector512<int> _value = value;

    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Load(ref int source) => new(Vector512.LoadUnsafe(ref source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadPairs(ref short source) => new(Vector512.LoadUnsafe(ref source).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 BroadcastPair(ref short source) =>
        new(Vector512.Create(Unsafe.ReadUnaligned<int>(ref Unsafe.As<short, byte>(ref source))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyAdd(Lanes512 sums, Lanes512 a, Lanes512 b) =>
        new(sums._value + Avx512BW.MultiplyAddAdjacent(a._value.AsInt16(), b._value.AsInt16()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(ref int target) => _value.StoreUnsafe(ref target);
}

/// <summary>
/// The vector rows: lanes hold different outputs, so a broadcast pair of activations serves them all.
/// </summary>
internal static class IntegerConvolutionSimd
{
    /// <summary>
    /// For each group of 16 outputs, keeps the weights of the group in the first-level cache (18 to 37 KB at 3 × 3)
    /// while it walks over all positions, four at a time: a load of weights then serves four multiplications.
    /// </summary>
    public static void Run<TLanes>(
        ReadOnlySpan<short> input, IntegerConvolutionWeights weights, int height, int width, Span<int> output)
        where TLanes : struct, ISumLanes<TLanes>
    {
        int k = weights.KernelSize;
        int outputs = weights.Outputs;
        int inputs = weights.Inputs;
        int stride = (width + k - 1) * inputs;
        int pairs = k * inputs / 2;
        const int Group = IntegerConvolutionWeights.Group;
        int perGroup = Group * inputs * k * k;
        Span<int> spill = stackalloc int[4 * Group];
        ref int spilled = ref MemoryMarshal.GetReference(spill);

        for (int group = 0; group < outputs; group += Group)
        {
            ref short packed = ref weights.Packed[group / Group * perGroup];
            ref int bias = ref weights.PackedBias[group];
            int wanted = Math.Min(Group, outputs - group);
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x += 4)
                {
                    // Beyond the row's end the last positions are computed again instead of reading past them.
                    int count = Math.Min(4, width - x);
                    ref short at = ref Unsafe.Add(ref MemoryMarshal.GetReference(input), (y * stride) + (x * inputs));
                    int step1 = count > 1 ? inputs : 0;
                    int step2 = count > 2 ? 2 * inputs : step1;
                    int step3 = count > 3 ? 3 * inputs : step2;
                    for (int lane = 0; lane < Group; lane += TLanes.Count)
                    {
                        TLanes sums0 = TLanes.Load(ref Unsafe.Add(ref bias, lane));
                        TLanes sums1 = sums0;
                        TLanes sums2 = sums0;
                        TLanes sums3 = sums0;
                        ref short weight = ref Unsafe.Add(ref packed, 2 * lane);
                        for (int ky = 0; ky < k; ky++)
                        {
                            ref short row = ref Unsafe.Add(ref at, ky * stride);
                            for (int pair = 0; pair < pairs; pair++)
                            {
                                TLanes w = TLanes.LoadPairs(ref weight);
                                weight = ref Unsafe.Add(ref weight, 2 * Group);
                                sums0 = TLanes.MultiplyAdd(sums0, w, TLanes.BroadcastPair(ref row));
                                sums1 = TLanes.MultiplyAdd(
                                    sums1, w, TLanes.BroadcastPair(ref Unsafe.Add(ref row, step1)));
                                sums2 = TLanes.MultiplyAdd(
                                    sums2, w, TLanes.BroadcastPair(ref Unsafe.Add(ref row, step2)));
                                sums3 = TLanes.MultiplyAdd(
                                    sums3, w, TLanes.BroadcastPair(ref Unsafe.Add(ref row, step3)));
                                row = ref Unsafe.Add(ref row, 2);
                            }
                        }

                        sums0.Store(ref Unsafe.Add(ref spilled, lane));
                        sums1.Store(ref Unsafe.Add(ref spilled, Group + lane));
                        sums2.Store(ref Unsafe.Add(ref spilled, (2 * Group) + lane));
                        sums3.Store(ref Unsafe.Add(ref spilled, (3 * Group) + lane));
                    }

                    for (int p = 0; p < count; p++)
                    {
                        spill.Slice(p * Group, wanted)
                            .CopyTo(output.Slice((((y * width) + x + p) * outputs) + group, wanted));
                    }
                }
            }
        }
    }
}
