using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.RangeCoding;

/// <summary>Finds the intervals of values; what a table lacks gets the interval of the table's escape.</summary>
/// <param name="tables">The tables.</param>
/// <param name="tableIndexes">For each value the index of its table, all below <c>tables.Count</c>.</param>
/// <param name="values">The values; as many.</param>
/// <param name="intervals">Receives the intervals; as many.</param>
/// <returns>How many of them are escapes.</returns>
internal delegate int IntervalLookupKernel(
    FrequencyTables tables, ReadOnlySpan<byte> tableIndexes, ReadOnlySpan<int> values, Span<Interval> intervals);

/// <summary>The rows that find intervals.</summary>
internal static unsafe class IntervalLookup
{
    public static readonly VariantTable<IntervalLookupKernel> Table = new(
        "interval-lookup",
        new Variant<IntervalLookupKernel>("reference", true, 0, Reference),
        new Variant<IntervalLookupKernel>("vector256", Avx2.IsSupported, 0, Vector256Row),
        new Variant<IntervalLookupKernel>(
            "vector512", Avx512BW.IsSupported && Avx2.IsSupported, 0, Vector512Row));

    internal static int Reference(
        FrequencyTables tables, ReadOnlySpan<byte> tableIndexes, ReadOnlySpan<int> values, Span<Interval> intervals)
    {
        ReadOnlySpan<int> centres = tables.Centres;
        ReadOnlySpan<int> lengths = tables.Lengths;
        ReadOnlySpan<int> firsts = tables.Firsts;
        ReadOnlySpan<Interval> all = tables.Intervals;
        int escapes = 0;
        for (int i = 0; i < values.Length; i++)
        {
            int table = tableIndexes[i];
            long symbol = SymbolValue.ToIndex(values[i], centres[table]);
            int escape = lengths[table] - 1;
            if (symbol >= escape)
            {
                symbol = escape;
                escapes++;
            }

            intervals[i] = all[firsts[table] + (int)symbol];
        }

        return escapes;
    }

    /// <summary>Eight values at a time, if all tables are centred at 0.</summary>
    internal static int Vector256Row(
        FrequencyTables tables, ReadOnlySpan<byte> tableIndexes, ReadOnlySpan<int> values, Span<Interval> intervals)
    {
        if (!tables.AreCentredAtZero)
            return Reference(tables, tableIndexes, values, intervals);
        int i = 0;
        int escapes = 0;
        fixed (int* firsts = tables.Firsts)
        fixed (int* lengths = tables.Lengths)
        fixed (Interval* all = tables.Intervals)
        fixed (byte* indexes = tableIndexes)
        fixed (int* source = values)
        fixed (Interval* target = intervals[..values.Length])
        {
            for (; i <= values.Length - 8; i += 8)
            {
                Vector256<int> table = Avx2.ConvertToVector256Int32(indexes + i);
                Vector256<int> first = Avx2.GatherVector256(firsts, table, 4);
                Vector256<uint> escape =
                    (Avx2.GatherVector256(lengths, table, 4) - Vector256<int>.One).AsUInt32();
                Vector256<int> value = Vector256.Load(source + i);
                Vector256<uint> symbol = Avx2.Min(((value << 1) ^ (value >> 31)).AsUInt32(), escape);
                escapes += BitOperations.PopCount(Vector256.Equals(symbol, escape).ExtractMostSignificantBits());
                Avx2.GatherVector256((int*)all, first + symbol.AsInt32(), 4).Store((int*)(target + i));
            }
        }

        return escapes + Reference(tables, tableIndexes[i..], values[i..], intervals[i..]);
    }

    /// <summary>Sixteen values at a time, if what is needed of the tables fits into registers.</summary>
    internal static int Vector512Row(
        FrequencyTables tables, ReadOnlySpan<byte> tableIndexes, ReadOnlySpan<int> values, Span<Interval> intervals)
    {
        if (!tables.AreCentredAtZero || !tables.FitVectors)
            return Vector256Row(tables, tableIndexes, values, intervals);
        int i = 0;
        int escapes = 0;
        fixed (ushort* packed = tables.PackedForVectors)
        fixed (Interval* all = tables.Intervals)
        fixed (byte* indexes = tableIndexes)
        fixed (int* source = values)
        fixed (Interval* target = intervals[..values.Length])
        {
            Vector512<ushort> firsts0 = Vector512.Load(packed), firsts1 = Vector512.Load(packed + 32);
            Vector512<ushort> lasts0 = Vector512.Load(packed + 64), lasts1 = Vector512.Load(packed + 96);
            Vector512<uint> low16 = Vector512.Create(0xFFFFu);
            for (; i <= values.Length - 16; i += 16)
            {
                Vector512<ushort> table = Avx512F.ConvertToVector512Int32(Vector128.Load(indexes + i)).AsUInt16();
                Vector512<uint> first = Avx512BW.PermuteVar32x16x2(firsts0, table, firsts1).AsUInt32() & low16;
                Vector512<uint> escape = Avx512BW.PermuteVar32x16x2(lasts0, table, lasts1).AsUInt32() & low16;
                Vector512<int> value = Vector512.Load(source + i);
                Vector512<uint> symbol = Avx512F.Min(((value << 1) ^ (value >> 31)).AsUInt32(), escape);
                escapes += BitOperations.PopCount(Vector512.Equals(symbol, escape).ExtractMostSignificantBits());
                Vector512<int> at = (first + symbol).AsInt32();
                Avx2.GatherVector256((int*)all, at.GetLower(), 4).Store((int*)(target + i));
                Avx2.GatherVector256((int*)all, at.GetUpper(), 4).Store((int*)(target + i + 8));
            }
        }

        return escapes + Reference(tables, tableIndexes[i..], values[i..], intervals[i..]);
    }
}
