namespace Tfic;

/// <summary>
/// Input bytes are not what their format says: damaged, truncated, hostile, of another kind, or made for
/// another model. Every reader and decoder of this library throws this and nothing else for bad input.
/// </summary>
public sealed class TficFormatException : FormatException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">What is wrong and what to do about it.</param>
    /// <param name="offset">Byte offset in the input at which it was noticed, or −1 where there is none.</param>
    /// <param name="inner">The cause, if another exception revealed it.</param>
    public TficFormatException(string message, long offset = -1, Exception? inner = null)
        : base(offset < 0 ? message : $"{message} (at byte {offset})", inner)
    {
        Offset = offset;
    }

    /// <summary>Byte offset at which the fault was noticed; −1 where none applies.</summary>
    public long Offset { get; }
}
