using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tfic.Kernels.RangeCoding;

/// <summary>Codes integers with given probability tables. Reusable; for one thread at a time.</summary>
/// <remarks>
/// Values come in runs. A value that its table lacks is coded as the table's escape, and what the escapes of a run (in
/// <see cref="CodingMode.Chunked"/>: of a chunk) stand for follows behind the run, so that rows need not look for
/// escapes while they decode a run.
/// </remarks>
public sealed class SymbolEncoder
{
    /// <summary>
    /// From how many bytes on lanes are used: what they cost, 97 bytes and 0.05%, is then below 0.5%.
    /// </summary>
    public const int InterleavedFromBytes = 28 * 1024;

    /// <summary>Largest part of a stream that may be spent on cutting it into chunks.</summary>
    public const double ChunkOverhead = 0.003;

    /// <summary>What a chunk costs: its length, and three bytes of each lane's state with some fractions.</summary>
    private const int ChunkCost = 4 + 97;

    private readonly int _threads;
    private readonly ChunkEncodingKernel? _chunkKernel;
    private readonly List<Run> _runs = [];
    private readonly List<Escape> _escapes = [];
    private readonly List<Chunk> _chunks = [];
    private Interval[] _intervals = new Interval[1024];
    private byte[] _output = [];
    private int _count;

    /// <summary>Makes an encoder.</summary>
    /// <param name="threads">How many threads may share the work on chunks; the stream does not depend on it.</param>
    public SymbolEncoder(int threads = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _threads = threads;
    }

    /// <summary>Makes an encoder that leaves the symbols of chunks to a kernel, all at once.</summary>
    internal SymbolEncoder(ChunkEncodingKernel chunkKernel)
        : this()
    {
        _chunkKernel = chunkKernel;
    }

    /// <summary>A run's end among the intervals and among the escapes; it begins where the last one ends.</summary>
    private readonly record struct Run(int Intervals, int Escapes);

    /// <summary>A value that its table lacks: which interval is its escape, and what is coded in raw bits.</summary>
    private readonly record struct Escape(int Interval, ulong Excess);

    /// <summary>A part of a run, where its room begins in the output, and how many bytes of that it took.</summary>
    private readonly record struct Chunk(Range Intervals, Range Escapes, int At, int Bytes);

    /// <summary>
    /// Information content of all values since the last <see cref="Clear"/>: Σ −log₂ p, in bits. Computed anew each time.
    /// </summary>
    public double InformationBits
    {
        get
        {
            double bits = 0;
            foreach (Interval interval in _intervals.AsSpan(0, _count))
                bits += interval.Bits;
            foreach (Escape escape in _escapes)
                bits += EscapeCode.BitCount(escape.Excess);
            return bits;
        }
    }

    /// <summary>Forgets all values; keeps the memory.</summary>
    public void Clear()
    {
        _count = 0;
        _runs.Clear();
        _escapes.Clear();
    }

    /// <summary>Adds a run of values.</summary>
    /// <param name="tables">The probability tables.</param>
    /// <param name="tableIndexes">For each value the index of its table.</param>
    /// <param name="values">The values; as many.</param>
    /// <exception cref="ArgumentException">Lengths differ, or an index names no table.</exception>
    public void Add(FrequencyTables tables, ReadOnlySpan<byte> tableIndexes, ReadOnlySpan<int> values)
    {
        ArgumentNullException.ThrowIfNull(tables);
        RunCheck.Validate(tables, tableIndexes, values.Length);
        Reserve(values.Length);
        int escapes = IntervalLookup.Table.Picked.Kernel(
            tables, tableIndexes, values, _intervals.AsSpan(_count, values.Length));
        for (int i = 0; escapes > 0; i++)
        {
            int table = tableIndexes[i];
            long excess = SymbolValue.ToIndex(values[i], tables.Centres[table]) - (tables.Lengths[table] - 1);
            if (excess < 0)
                continue;
            _escapes.Add(new Escape(_count + i, (ulong)excess));
            escapes--;
        }

        _count += values.Length;
        _runs.Add(new Run(_count, _escapes.Count));
    }

    /// <summary>Turns the values into bytes, with the mode that suits their information content.</summary>
    /// <param name="mode">Receives the mode, which the decoder must be told.</param>
    /// <returns>The stream; valid until the next call.</returns>
    public ReadOnlySpan<byte> Finish(out CodingMode mode)
    {
        long bytes = InformationBytes();
        mode = bytes < InterleavedFromBytes ? CodingMode.Range
            : ChunkBits(bytes) is null ? CodingMode.Interleaved
            : CodingMode.Chunked;
        return Finish(mode);
    }

    /// <summary>Turns the values into bytes.</summary>
    /// <param name="mode">How.</param>
    /// <returns>The stream; valid until the next call.</returns>
    public ReadOnlySpan<byte> Finish(CodingMode mode) => mode switch
    {
        CodingMode.Range => FinishRange(),
        CodingMode.Interleaved => FinishInterleaved(),
        CodingMode.Chunked => FinishChunked(ChunkBits(InformationBytes()) ?? ChunkLayout.MaxBits),
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "No such coding mode."),
    };

    /// <summary>Turns the values into chunks of 2^<paramref name="chunkBits"/> values.</summary>
    internal ReadOnlySpan<byte> FinishChunked(int chunkBits)
    {
        // Each chunk is first written where it fits whatever its length.
        _chunks.Clear();
        int room = 1;
        for (int run = 0; run < _runs.Count; run++)
        {
            (Range intervals, Range escapes) = RunAt(run);
            room += 4 * ChunkLayout.Count(Length(intervals), chunkBits);
            int escape = escapes.Start.Value;
            for (long from = intervals.Start.Value; from < intervals.End.Value; from += 1L << chunkBits)
            {
                int end = (int)Math.Min(from + (1L << chunkBits), intervals.End.Value);
                int firstEscape = escape;
                while (escape < escapes.End.Value && _escapes[escape].Interval < end)
                    escape++;
                var chunk = new Chunk((int)from..end, firstEscape..escape, room, 0);
                room = checked(room + MaxBytes(chunk.Intervals, chunk.Escapes) + RansEncoding.Padding);
                _chunks.Add(chunk);
            }
        }

        Grow(room);
        if (_chunkKernel is not null)
        {
            EncodeTogether(_chunkKernel);
        }
        else if (_threads > 1 && _chunks.Count > 1)
        {
            Parallel.For(0, _chunks.Count, new ParallelOptions { MaxDegreeOfParallelism = _threads }, EncodeChunk);
        }
        else
        {
            for (int i = 0; i < _chunks.Count; i++)
                EncodeChunk(i);
        }

        // Then they move up behind the lengths of their run's chunks.
        _output[0] = (byte)chunkBits;
        int position = 1;
        int next = 0;
        for (int run = 0; run < _runs.Count; run++)
        {
            int count = ChunkLayout.Count(Length(RunAt(run).Intervals), chunkBits);
            int header = position;
            position += 4 * count;
            for (int i = 0; i < count; i++)
            {
                Chunk chunk = _chunks[next++];
                _output.AsSpan(chunk.At, chunk.Bytes).CopyTo(_output.AsSpan(position));
                BinaryPrimitives.WriteInt32LittleEndian(_output.AsSpan(header + (4 * i)), chunk.Bytes);
                position += chunk.Bytes;
            }
        }

        return _output.AsSpan(0, position);
    }

    private void EncodeChunk(int index)
    {
        ref Chunk chunk = ref CollectionsMarshal.AsSpan(_chunks)[index];
        Span<byte> output = _output.AsSpan(
            chunk.At, MaxBytes(chunk.Intervals, chunk.Escapes) + RansEncoding.Padding);
        RansEncoderState state = RansEncoderState.Start(Symbols(chunk.Intervals, chunk.Escapes));
        AddBackwards(ref state, chunk.Intervals, chunk.Escapes, output);
        chunk = chunk with { Bytes = state.Finish(output).Length };
    }

    private void EncodeTogether(ChunkEncodingKernel kernel)
    {
        var states = new RansEncoderState[_chunks.Count];
        var bounds = new int[states.Length + 1];
        var places = new int[states.Length];
        for (int i = 0; i < states.Length; i++)
        {
            Chunk chunk = _chunks[i];
            states[i] = RansEncoderState.Start(Symbols(chunk.Intervals, chunk.Escapes));
            AddBackwards(
                ref states[i], chunk.Intervals.Start..chunk.Intervals.Start, chunk.Escapes, _output.AsSpan(chunk.At));
            bounds[i] = chunk.Intervals.Start.Value;
            places[i] = chunk.At + states[i].Length;
        }

        bounds[^1] = _count;
        kernel(_intervals, bounds, places, states, _output);
        for (int i = 0; i < states.Length; i++)
            _chunks[i] = _chunks[i] with { Bytes = states[i].Finish(_output.AsSpan(_chunks[i].At)).Length };
    }

    private ReadOnlySpan<byte> FinishRange()
    {
        Grow(checked(MaxBytes(0.._count, 0.._escapes.Count) + 16));
        RangeEncoder encoder = RangeEncoder.Start();
        Span<Interval> raw = stackalloc Interval[EscapeCode.MaxBits];
        for (int run = 0; run < _runs.Count; run++)
        {
            (Range intervals, Range escapes) = RunAt(run);
            encoder.Add(_intervals.AsSpan(intervals), _output);
            foreach (Escape escape in CollectionsMarshal.AsSpan(_escapes)[escapes])
                encoder.Add(EscapeCode.Write(escape.Excess, raw), _output);
        }

        return encoder.Finish(_output);
    }

    private ReadOnlySpan<byte> FinishInterleaved()
    {
        Grow(checked(MaxBytes(0.._count, 0.._escapes.Count) + RansEncoding.Padding));
        RansEncoderState state = RansEncoderState.Start(Symbols(0.._count, 0.._escapes.Count));
        for (int run = _runs.Count - 1; run >= 0; run--)
        {
            (Range intervals, Range escapes) = RunAt(run);
            AddBackwards(ref state, intervals, escapes, _output);
        }

        return state.Finish(_output);
    }

    private void AddBackwards(ref RansEncoderState state, Range intervals, Range escapes, Span<byte> output)
    {
        RansEncodingKernel kernel = RansEncoding.Table.Picked.Kernel;
        Span<Interval> raw = stackalloc Interval[EscapeCode.MaxBits];
        ReadOnlySpan<Escape> excesses = CollectionsMarshal.AsSpan(_escapes)[escapes];
        for (int i = excesses.Length - 1; i >= 0; i--)
            kernel(ref state, EscapeCode.Write(excesses[i].Excess, raw), output);
        kernel(ref state, _intervals.AsSpan(intervals), output);
    }

    /// <summary>A run's intervals and escapes.</summary>
    private (Range Intervals, Range Escapes) RunAt(int index)
    {
        Run before = index > 0 ? _runs[index - 1] : default;
        return (before.Intervals.._runs[index].Intervals, before.Escapes.._runs[index].Escapes);
    }

    private static int Length(Range range) => range.End.Value - range.Start.Value;

    /// <summary>The least chunks, as log₂ of their values, whose cost is acceptable; null if nothing is cut.</summary>
    private int? ChunkBits(long bytes)
    {
        for (int bits = ChunkLayout.MinBits; bits <= ChunkLayout.MaxBits; bits++)
        {
            int chunks = 0;
            int uncut = 0;
            for (int run = 0; run < _runs.Count; run++)
            {
                int count = ChunkLayout.Count(Length(RunAt(run).Intervals), bits);
                chunks += count;
                uncut += Math.Min(count, 1);
            }

            if (chunks == uncut)
                return null;
            if (chunks * (double)ChunkCost <= bytes * ChunkOverhead)
                return bits;
        }

        return null;
    }

    /// <summary>How many symbols and raw bits there are.</summary>
    private long Symbols(Range intervals, Range escapes)
    {
        long count = Length(intervals);
        foreach (Escape escape in CollectionsMarshal.AsSpan(_escapes)[escapes])
            count += EscapeCode.BitCount(escape.Excess);
        return count;
    }

    /// <summary>Bytes that no coder exceeds, but for what it writes at its end.</summary>
    private int MaxBytes(Range intervals, Range escapes)
    {
        long most = 0;
        foreach (Escape escape in CollectionsMarshal.AsSpan(_escapes)[escapes])
            most += EscapeCode.BitCount(escape.Excess);

        // Both coders lose less than a hundredth of a bit a symbol.
        most += (InformationUnits(_intervals.AsSpan(intervals)) >> UnitBits) + 1;
        most += Symbols(intervals, escapes) / 100;
        return checked((int)(most / 8) + 1);
    }

    private long InformationBytes()
    {
        long bits = InformationUnits(_intervals.AsSpan(0, _count)) >> UnitBits;
        foreach (Escape escape in _escapes)
            bits += EscapeCode.BitCount(escape.Excess);
        return bits / 8;
    }

    /// <summary>Binary logarithm of the units of <see cref="InformationUnits"/> that make a bit.</summary>
    private const int UnitBits = 23;

    /// <summary>Σ −log₂ p, never too low and at most 0.087 a symbol too high: the same on every machine.</summary>
    /// <remarks>
    /// A float32 whose bits are read as an integer is 2²³ · (127 + log₂ f), where the logarithm is linear between powers
    /// of two. Frequencies are below 2²⁴ and so exact.
    /// </remarks>
    private static long InformationUnits(ReadOnlySpan<Interval> intervals)
    {
        const int One = (127 + FrequencyTables.Precision) << UnitBits;
        ReadOnlySpan<uint> packed = MemoryMarshal.Cast<Interval, uint>(intervals);
        long sum = 0;
        int i = 0;
        if (BitConverter.IsLittleEndian && Vector256.IsHardwareAccelerated)
        {
            Vector256<long> sums = Vector256<long>.Zero;
            for (; i <= packed.Length - 8; i += 8)
            {
                Vector256<int> frequency = (Vector256.LoadUnsafe(in packed[i]) >>> 16).AsInt32();
                Vector256<int> units = Vector256.Create(One) - Vector256.ConvertToSingle(frequency).AsInt32();
                (Vector256<long> low, Vector256<long> high) = Vector256.Widen(units);
                sums += low + high;
            }

            sum = Vector256.Sum(sums);
        }

        for (; i < intervals.Length; i++)
            sum += One - BitConverter.SingleToInt32Bits(intervals[i].Frequency);
        return sum;
    }

    private void Reserve(int more)
    {
        if (_intervals.Length - _count >= more)
            return;
        long doubled = Math.Min(2L * _intervals.Length, Array.MaxLength);
        Array.Resize(ref _intervals, (int)Math.Max(doubled, checked(_count + more)));
    }

    private void Grow(int length)
    {
        if (_output.Length < length)
            _output = new byte[length];
    }
}

/// <summary>What encoder and decoder require of a run.</summary>
internal static class RunCheck
{
    public static void Validate(FrequencyTables tables, ReadOnlySpan<byte> tableIndexes, int values)
    {
        if (tableIndexes.Length != values)
            throw new ArgumentException(
                $"{values} values and {tableIndexes.Length} table indexes: there must be as many.");
        if (tables.Count < 256 && tableIndexes.ContainsAnyInRange((byte)tables.Count, byte.MaxValue))
            throw new ArgumentException(
                $"A table index names none of the {tables.Count} tables.", nameof(tableIndexes));
    }
}

/// <summary>How the values of a run are cut into chunks.</summary>
internal static class ChunkLayout
{
    /// <summary>Binary logarithm of the fewest values that a full chunk can have.</summary>
    public const int MinBits = 10;

    /// <summary>Binary logarithm of the most.</summary>
    public const int MaxBits = 30;

    /// <summary>Chunks of a run.</summary>
    public static int Count(int values, int bits) => (int)((values + (1L << bits) - 1) >> bits);
}
