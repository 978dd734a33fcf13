namespace Tfic.Networks;

/// <summary>Which integers of a layer are coded for a picture.</summary>
/// <remarks>
/// The codec sees the picture padded to multiples of 64, so ẑ (stride 64) and ŷ (stride 16) cover the padding too.
/// All of ẑ is coded, but only those positions of ŷ that touch the picture; the others take their mean, at no cost.
/// The coded positions are those of a chequerboard: the anchors, whose row and column add up to an even number, are
/// coded first, the others, which may look at them, after them.
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

    /// <summary>How many of the coded positions are anchors: the larger half, as (0, 0) is one.</summary>
    public int Anchors => (int)((((long)CodedRows * CodedColumns) + 1) / 2);

    /// <summary>How many of the coded positions are not.</summary>
    public int Others => (int)((long)CodedRows * CodedColumns / 2);

    /// <summary>Copies the coded positions of one colour of the chequerboard, row after row, without gaps.</summary>
    /// <param name="plane">Rows × Columns × channels.</param>
    /// <param name="channels">Channels of a position.</param>
    /// <param name="colour">0 for the anchors, 1 for the others.</param>
    /// <param name="coded">As many positions as there are, × channels; written.</param>
    public void Gather<T>(ReadOnlySpan<T> plane, int channels, int colour, Span<T> coded)
    {
        for (int y = 0; y < CodedRows; y++)
        {
            for (int x = (y + colour) & 1; x < CodedColumns; x += 2)
            {
                plane.Slice(((y * Columns) + x) * channels, channels).CopyTo(coded);
                coded = coded[channels..];
            }
        }
    }
}
