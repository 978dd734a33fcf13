using System.Buffers.Binary;

namespace Tfic.Kernels.RangeCoding;

/// <summary>Decodes what <see cref="SymbolEncoder"/> coded. Reusable; for one thread at a time.</summary>
/// <remarks>
/// The decoder must be asked for the same runs, with the same tables, in the same order; the tables of a run may depend
/// on the values of those before. It never reads beyond the stream, and whatever the bytes are, it returns int32 values
/// or throws <see cref="TficFormatException"/>.
/// </remarks>
public sealed class SymbolDecoder
{
    /// <summary>
    /// Values are decoded and then searched for escapes this many at a time: so few that they stay in the nearest cache.
    /// </summary>
    private const int BlockLength = 4096;

    private const string Remedy = "The file is damaged; get it again.";

    private readonly int _threads;
    private readonly Variant<SymbolDecodingKernel<RangeState>>? _rangeRow;
    private readonly Variant<SymbolDecodingKernel<RansState>>? _ransRow;
    private readonly ChunkDecodingKernel? _chunkKernel;
    private ReadOnlyMemory<byte> _stream;
    private long _offset;
    private CodingMode _mode;
    private RangeState _range;
    private RansState _rans;
    private int _chunkBits;
    private int _position;
    private readonly List<int> _escapes = [];
    private int[] _starts = [];

    /// <summary>Makes a decoder.</summary>
    /// <param name="threads">How many threads may share the work on chunks.</param>
    public SymbolDecoder(int threads = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _threads = threads;
    }

    /// <summary>
    /// Makes a decoder that uses the rows of a name, where there are such, whatever dispatch would pick.
    /// </summary>
    internal SymbolDecoder(string row, int threads = 1)
        : this(threads)
    {
        _rangeRow = RangeDecoding.Table.Rows.FirstOrDefault(r => r.Name == row);
        _ransRow = RansDecoding.Table.Rows.FirstOrDefault(r => r.Name == row);
    }

    /// <summary>Makes a decoder that leaves the symbols of chunks to a kernel, all of a run at once.</summary>
    internal SymbolDecoder(ChunkDecodingKernel chunkKernel)
        : this()
    {
        _chunkKernel = chunkKernel;
    }

    /// <summary>Starts on a stream.</summary>
    /// <param name="stream">The whole stream; not copied.</param>
    /// <param name="mode">The mode that the encoder reported.</param>
    /// <param name="offset">Where the stream begins in its file, for messages.</param>
    /// <exception cref="TficFormatException">The stream is too short, or the mode unknown.</exception>
    public void Start(ReadOnlyMemory<byte> stream, CodingMode mode, long offset = 0)
    {
        _stream = stream;
        _mode = mode;
        _offset = offset;
        switch (mode)
        {
            case CodingMode.Range:
                _range = RangeState.Start(stream.Span);
                break;
            case CodingMode.Interleaved:
                if (!RansState.TryStart(stream.Span, out _rans))
                    throw NoStates(0);
                break;
            case CodingMode.Chunked:
                _chunkBits = stream.Length > 0 ? stream.Span[0] : 0;
                _position = 1;
                if (_chunkBits is < ChunkLayout.MinBits or > ChunkLayout.MaxBits)
                    throw new TficFormatException($"The coded data do not tell the size of chunks. {Remedy}", offset);
                break;
            default:
                throw new TficFormatException(
                    $"Coding mode {(int)mode} is unknown; a newer version may read it.", offset);
        }
    }

    /// <summary>Decodes a run of values.</summary>
    /// <param name="tables">The probability tables.</param>
    /// <param name="tableIndexes">For each value the index of its table.</param>
    /// <param name="values">Receives the values; as many.</param>
    /// <exception cref="ArgumentException">Lengths differ, or an index names no table.</exception>
    /// <exception cref="TficFormatException">The stream is damaged.</exception>
    public void Decode(FrequencyTables tables, ReadOnlySpan<byte> tableIndexes, Span<int> values)
    {
        ArgumentNullException.ThrowIfNull(tables);
        RunCheck.Validate(tables, tableIndexes, values.Length);
        switch (_mode)
        {
            case CodingMode.Range:
                if (!TryDecode(
                    ref _range,
                    _stream.Span,
                    (_rangeRow ?? RangeDecoding.Table.Picked).Kernel,
                    RangeDecoding.RawBit,
                    tables,
                    tableIndexes,
                    values,
                    _escapes))
                {
                    throw Damaged(_range.Position);
                }

                break;
            case CodingMode.Interleaved:
                DecodeLanes(ref _rans, _stream.Span, 0, tables, tableIndexes, values, _escapes);
                break;
            default:
                DecodeChunks(tables, tableIndexes, values);
                break;
        }
    }

    /// <summary>Says that no more is to come.</summary>
    /// <exception cref="TficFormatException">The stream has more than was asked for, or is damaged.</exception>
    public void End()
    {
        (bool isSound, long position) = _mode switch
        {
            CodingMode.Range => (_range.Position >= _stream.Length, _range.Position),
            CodingMode.Interleaved => (_rans.IsAtEnd(_stream.Span), _rans.Position),
            _ => (_position == _stream.Length, _position),
        };
        if (!isSound)
            throw NotAtEnd(position);
    }

    private void DecodeChunks(FrequencyTables tables, ReadOnlySpan<byte> tableIndexes, Span<int> values)
    {
        int count = ChunkLayout.Count(values.Length, _chunkBits);
        ReadOnlySpan<byte> stream = _stream.Span;

        // Compared before anything of that size is made.
        if (count > (stream.Length - _position) / (4 + RansLanes.StateBytes))
            throw NoStates(_position);
        if (_starts.Length <= count)
            _starts = new int[count + 1];
        long start = _position + (4L * count);
        for (int i = 0; i < count; i++)
        {
            _starts[i] = (int)start;
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(stream[(_position + (4 * i))..]);
            start += length;
            if (start > stream.Length)
                throw Damaged(_position + (4 * i));
        }

        _starts[count] = _position = (int)start;
        if (_chunkKernel is not null && count > 0)
        {
            DecodeTogether(count, tables, tableIndexes, values);
            return;
        }

        if (_threads > 1 && count > 1)
        {
            DecodeInParallel(count, tables, tableIndexes, values);
            return;
        }

        for (int i = 0; i < count; i++)
        {
            Range part = Part(i, values.Length);
            DecodeChunk(_starts.AsSpan(i), tables, tableIndexes[part], values[part], _escapes);
        }
    }

    private void DecodeTogether(
        int count, FrequencyTables tables, ReadOnlySpan<byte> tableIndexes, Span<int> values)
    {
        var states = new RansState[count];
        for (int i = 0; i < count; i++)
        {
            if (!RansState.TryStart(_stream.Span[_starts[i].._starts[i + 1]], out states[i]))
                throw NoStates(_starts[i]);
        }

        _chunkKernel!(
            _stream.Span, _starts.AsSpan(0, count + 1), _chunkBits, tables, tableIndexes, values, states);
        for (int i = 0; i < count; i++)
        {
            Range part = Part(i, values.Length);
            ReadOnlySpan<byte> chunk = _stream.Span[_starts[i].._starts[i + 1]];
            ref RansState state = ref states[i];
            _escapes.Clear();
            FindEscapes(tables, tableIndexes[part], values[part], 0, _escapes);
            if (state.Position < 0 ||
                !TryEscapes(ref state, chunk, RansDecoding.RawBit, tables, tableIndexes[part], values[part], _escapes))
            {
                throw Damaged(_starts[i + 1]);
            }

            if (!state.IsAtEnd(chunk))
                throw NotAtEnd(_starts[i] + state.Position);
        }
    }

    private unsafe void DecodeInParallel(
        int count, FrequencyTables tables, ReadOnlySpan<byte> tableIndexes, Span<int> values)
    {
        int total = values.Length;
        fixed (byte* indexesAt = tableIndexes)
        fixed (int* valuesAt = values)
        {
            nint indexes = (nint)indexesAt;
            nint target = (nint)valuesAt;
            var errors = new TficFormatException?[count];
            ParallelOptions options = new() { MaxDegreeOfParallelism = _threads };
            Parallel.For(0, count, options, i =>
            {
                Range part = Part(i, total);
                try
                {
                    DecodeChunk(
                        _starts.AsSpan(i),
                        tables,
                        new ReadOnlySpan<byte>((byte*)indexes, total)[part],
                        new Span<int>((int*)target, total)[part],
                        []);
                }
                catch (TficFormatException e)
                {
                    errors[i] = e;
                }
            });
            if (errors.FirstOrDefault(error => error is not null) is { } first)
                throw first;
        }
    }

    /// <summary>Which of a run's values are in a chunk.</summary>
    private Range Part(int chunk, int total) =>
        (int)((long)chunk << _chunkBits)..(int)Math.Min((chunk + 1L) << _chunkBits, total);

    private void DecodeChunk(
        ReadOnlySpan<int> starts,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<int> values,
        List<int> escapes)
    {
        ReadOnlySpan<byte> chunk = _stream.Span[starts[0]..starts[1]];
        if (!RansState.TryStart(chunk, out RansState state))
            throw NoStates(starts[0]);
        DecodeLanes(ref state, chunk, starts[0], tables, tableIndexes, values, escapes);
        if (!state.IsAtEnd(chunk))
            throw NotAtEnd(starts[0] + state.Position);
    }

    private void DecodeLanes(
        ref RansState state,
        ReadOnlySpan<byte> stream,
        int streamStart,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<int> values,
        List<int> escapes)
    {
        SymbolDecodingKernel<RansState> kernel = (_ransRow ?? RansDecoding.Table.Picked).Kernel;
        if (!TryDecode(ref state, stream, kernel, RansDecoding.RawBit, tables, tableIndexes, values, escapes))
            throw Damaged(streamStart + state.Position);
    }

    /// <summary>One bit at probability one half; null if the stream is damaged.</summary>
    private delegate bool? RawBitReader<TState>(ref TState state, ReadOnlySpan<byte> stream);

    /// <summary>Decodes values, and the raw bits behind them; false if the stream is damaged.</summary>
    private static bool TryDecode<TState>(
        ref TState state,
        ReadOnlySpan<byte> stream,
        SymbolDecodingKernel<TState> kernel,
        RawBitReader<TState> read,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<int> values,
        List<int> escapes)
        where TState : struct
    {
        escapes.Clear();
        for (int from = 0; from < values.Length; from += BlockLength)
        {
            Span<int> block = values.Slice(from, Math.Min(BlockLength, values.Length - from));
            ReadOnlySpan<byte> indexes = tableIndexes.Slice(from, block.Length);
            if (kernel(ref state, stream, tables, indexes, block) < block.Length)
                return false;
            FindEscapes(tables, indexes, block, from, escapes);
        }

        return TryEscapes(ref state, stream, read, tables, tableIndexes, values, escapes);
    }

    /// <summary>
    /// Notes which of the decoded differences are escapes, counted from <paramref name="first"/>, and adds centres.
    /// </summary>
    private static void FindEscapes(
        FrequencyTables tables, ReadOnlySpan<byte> tableIndexes, Span<int> values, int first, List<int> escapes)
    {
        int next = values.IndexOf(SymbolValue.Escape);
        for (int at = 0; next >= 0; next = values[at..].IndexOf(SymbolValue.Escape))
        {
            escapes.Add(first + at + next);
            at += next + 1;
        }

        if (tables.AreCentredAtZero)
            return;
        ReadOnlySpan<int> centres = tables.Centres;
        for (int i = 0; i < values.Length; i++)
            values[i] += centres[tableIndexes[i]];
    }

    /// <summary>Decodes what escapes stand for; false if the stream is damaged.</summary>
    private static bool TryEscapes<TState>(
        ref TState state,
        ReadOnlySpan<byte> stream,
        RawBitReader<TState> read,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<int> values,
        List<int> escapes)
    {
        foreach (int escape in escapes)
        {
            int table = tableIndexes[escape];
            if (DecodeExcess(ref state, stream, read) is not { } excess)
                return false;
            long value = SymbolValue.FromIndex(excess + tables.Lengths[table] - 1, tables.Centres[table]);
            if (value is < int.MinValue or > int.MaxValue)
                return false;
            values[escape] = (int)value;
        }

        return true;
    }

    /// <summary>By how much an escaped value's index exceeds the escape's; null if the stream is damaged.</summary>
    private static long? DecodeExcess<TState>(
        ref TState state, ReadOnlySpan<byte> stream, RawBitReader<TState> read)
    {
        int zeros = 0;
        for (; ; zeros++)
        {
            if (zeros > EscapeCode.MaxZeros || read(ref state, stream) is not { } one)
                return null;
            if (one)
                break;
        }

        long excessPlusOne = 1;
        for (int i = 0; i < zeros; i++)
        {
            if (read(ref state, stream) is not { } one)
                return null;
            excessPlusOne = (excessPlusOne << 1) | (one ? 1L : 0);
        }

        return excessPlusOne - 1;
    }

    private TficFormatException NoStates(long position) => new(
        $"Coded data do not begin with {RansLanes.Count} states. {Remedy}", _offset + position);

    private TficFormatException NotAtEnd(long position) => new(
        $"The coded data do not end where their symbols end. {Remedy}", _offset + Math.Min(position, _stream.Length));

    private TficFormatException Damaged(long position) => new(
        $"The coded data make no sense. {Remedy}", _offset + Math.Min(position, _stream.Length));
}
