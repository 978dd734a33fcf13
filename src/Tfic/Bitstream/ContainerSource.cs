namespace Tfic.Bitstream;

/// <summary>The bytes of a file: all at hand, or taken from a stream as far as the parser asks for them.</summary>
/// <remarks>
/// What is asked of a stream was checked before, and memory grows with what has come, not with what was asked for: a
/// header's claim alone allocates nothing.
/// </remarks>
internal sealed class ContainerSource
{
    private const int FirstBytes = 256;

    private readonly Stream? _stream;
    private readonly int _maxBytes;
    private byte[] _buffer = [];
    private ReadOnlyMemory<byte> _bytes;

    /// <summary>A file in memory.</summary>
    /// <exception cref="TficFormatException">It is longer than allowed.</exception>
    public ContainerSource(ReadOnlyMemory<byte> file, int maxBytes)
    {
        _bytes = file;
        _maxBytes = maxBytes;
        CheckLength(file.Length);
    }

    /// <summary>A stream at a file's beginning.</summary>
    public ContainerSource(Stream stream, int maxBytes)
    {
        _stream = stream;
        _maxBytes = maxBytes;
    }

    /// <summary>Whether the bytes are a file's and no more, which a stream's need not be.</summary>
    public bool IsWhole => _stream is null;

    /// <summary>What is at hand.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>Makes a file's first bytes available.</summary>
    /// <param name="end">How many.</param>
    /// <returns>Whether the file has so many; if not, <see cref="Bytes"/> is all there is.</returns>
    /// <exception cref="TficFormatException">More than are allowed.</exception>
    public bool Has(long end)
    {
        if (end <= _bytes.Length)
            return true;
        if (_stream is null)
            return false;
        CheckLength(end);
        int count = _bytes.Length;
        while (count < end)
        {
            if (count == _buffer.Length)
            {
                long doubled = Math.Max(2L * count, FirstBytes);
                Array.Resize(ref _buffer, (int)Math.Min(doubled, Math.Min(_maxBytes, Array.MaxLength)));
            }

            int read = _stream.Read(_buffer, count, (int)Math.Min(end, _buffer.Length) - count);
            if (read == 0)
                break;
            count += read;
        }

        _bytes = _buffer.AsMemory(0, count);
        return count >= end;
    }

    /// <summary>Makes a file's bytes available up to its end.</summary>
    /// <param name="most">How many it may have.</param>
    /// <returns>Whether it ends there; of a stream, one byte more is taken to find out.</returns>
    public bool EndsWithin(int most) =>
        _stream is null ? _bytes.Length <= most : !Has(most) || _stream.ReadByte() < 0;

    /// <summary>What to throw where a file is longer than allowed.</summary>
    public TficFormatException TooLong() => new(
        $"The file is longer than the {_maxBytes} bytes allowed. If it can be trusted, raise the limit.",
        Math.Min(_bytes.Length, _maxBytes));

    private void CheckLength(long length)
    {
        if (length > _maxBytes)
            throw TooLong();
    }
}
