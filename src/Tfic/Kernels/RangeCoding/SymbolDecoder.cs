namespace Tfic.Kernels.RangeCoding;

/// <summary>Decodes what <see cref="SymbolEncoder"/> coded. Reusable; for one thread at a time.</summary>
/// <remarks>
/// The decoder must be asked for the same runs, with the same tables, in the same order. It never reads beyond the
/// stream, and whatever the bytes are, it returns int32 values or throws <see cref="TficFormatException"/>.
/// </remarks>
public sealed class SymbolDecoder
{
    private const string Remedy = "The file is damaged; get it again.";

    private readonly Variant<RangeDecodingKernel>? _rangeRow;
    private readonly Variant<RansDecodingKernel>? _ransRow;
    private ReadOnlyMemory<byte> _stream;
    private long _offset;
    private CodingMode _mode;
    private RangeState _range;
    private RansState _rans;
    private ushort[] _symbols = [];

    /// <summary>Makes a decoder.</summary>
    public SymbolDecoder()
    {
    }

    /// <summary>
    /// Makes a decoder that uses the rows of a name, where there are such, whatever dispatch would pick.
    /// </summary>
    internal SymbolDecoder(string row)
    {
        _rangeRow = RangeDecoding.Table.Rows.FirstOrDefault(r => r.Name == row);
        _ransRow = RansDecoding.Table.Rows.FirstOrDefault(r => r.Name == row);
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
                    throw new TficFormatException($"The coded data do not begin with 32 states. {Remedy}", offset);
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
        if (_symbols.Length < values.Length)
            _symbols = new ushort[values.Length];
        Span<ushort> symbols = _symbols.AsSpan(0, values.Length);
        ReadOnlySpan<byte> stream = _stream.Span;
        int decoded = _mode == CodingMode.Range
            ? (_rangeRow ?? RangeDecoding.Table.Picked).Kernel(ref _range, stream, tables, tableIndexes, symbols)
            : (_ransRow ?? RansDecoding.Table.Picked).Kernel(ref _rans, stream, tables, tableIndexes, symbols);
        if (decoded < values.Length)
            throw Damaged();

        ReadOnlySpan<int> centres = tables.Centres;
        ReadOnlySpan<int> lengths = tables.Lengths;
        for (int i = 0; i < values.Length; i++)
        {
            int symbol = symbols[i];
            int table = tableIndexes[i];
            if (symbol == lengths[table] - 1)
                values[i] = DecodeEscape(symbol, centres[table]);
            else
                values[i] = (int)SymbolValue.FromIndex(symbol, centres[table]);
        }
    }

    /// <summary>Says that no more is to come.</summary>
    /// <exception cref="TficFormatException">The stream has more than was asked for, or is damaged.</exception>
    public void End()
    {
        bool sound = _mode == CodingMode.Range
            ? _range.Position >= _stream.Length
            : _rans.IsAtEnd(_stream.Span);
        if (!sound)
            throw new TficFormatException($"The coded data do not end where their symbols end. {Remedy}", Position);
    }

    private long Position =>
        _offset + (_mode == CodingMode.Range ? Math.Min(_range.Position, _stream.Length) : _rans.Position);

    private int DecodeEscape(int escape, int centre)
    {
        int zeros = 0;
        while (!RawBit())
        {
            if (++zeros > EscapeCode.MaxZeros)
                throw Damaged();
        }

        ulong excessPlusOne = 1;
        for (int i = 0; i < zeros; i++)
            excessPlusOne = (excessPlusOne << 1) | (RawBit() ? 1u : 0);
        long value = SymbolValue.FromIndex((long)(excessPlusOne - 1) + escape, centre);
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw Damaged();
    }

    private bool RawBit() =>
        (_mode == CodingMode.Range
            ? RangeDecoding.RawBit(ref _range, _stream.Span)
            : RansDecoding.RawBit(ref _rans, _stream.Span)) ?? throw Damaged();

    private TficFormatException Damaged() => new($"The coded data make no sense. {Remedy}", Position);
}
