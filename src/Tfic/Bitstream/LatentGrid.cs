namespace Tfic.Bitstream;

/// <summary>Which integers of a layer are coded for a picture, and in which order.</summary>
/// <remarks>
/// The codec sees the picture padded to multiples of 64, so ẑ (stride 64) and ŷ (stride 16) cover the padding too.
/// All of ẑ is coded, but only those positions of ŷ that touch the picture; the others take their mean, at no cost.
/// Order: first ẑ, then ŷ, each row after row, position after position, and the channels of a position in turn.
/// </remarks>
internal readonly record struct LatentGrid
{
    /// <summary>Largest magnitude of a symbol of ŷ: with it s · 64 + μ stays below 2²⁷.</summary>
    public const int MaxSymbol = 1 << 20;

    private const int LatentStride = 16;
    private const int HyperStride = 64;

    /// <summary>The grid of a picture.</summary>
    public LatentGrid(int width, int height)
    {
        HyperColumns = (width + HyperStride - 1) / HyperStride;
        HyperRows = (height + HyperStride - 1) / HyperStride;
        CodedColumns = (width + LatentStride - 1) / LatentStride;
        CodedRows = (height + LatentStride - 1) / LatentStride;
    }

    /// <summary>Columns of ẑ.</summary>
    public int HyperColumns { get; }

    /// <summary>Rows of ẑ.</summary>
    public int HyperRows { get; }

    /// <summary>Positions of ẑ.</summary>
    public int HyperPositions => checked(HyperRows * HyperColumns);

    /// <summary>Columns of ŷ, padding included.</summary>
    public int Columns => HyperColumns * (HyperStride / LatentStride);

    /// <summary>Rows of ŷ, padding included.</summary>
    public int Rows => HyperRows * (HyperStride / LatentStride);

    /// <summary>Columns of ŷ that are coded: the first ones.</summary>
    public int CodedColumns { get; }

    /// <summary>Rows of ŷ that are coded: the first ones.</summary>
    public int CodedRows { get; }

    /// <summary>Copies the coded positions of a plane of ŷ's shape, without gaps.</summary>
    /// <param name="plane">Rows × Columns × channels.</param>
    /// <param name="channels">Channels of a position.</param>
    /// <param name="coded">CodedRows × CodedColumns × channels; written.</param>
    public void Gather<T>(ReadOnlySpan<T> plane, int channels, Span<T> coded)
    {
        int run = CodedColumns * channels;
        for (int y = 0; y < CodedRows; y++)
            plane.Slice(y * Columns * channels, run).CopyTo(coded[(y * run)..]);
    }
}
