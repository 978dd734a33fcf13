namespace Tfic.Kernels.Pooling;

/// <summary>Which inputs an output of a pooling layer sees.</summary>
/// <param name="Height">Rows of a window.</param>
/// <param name="Width">Columns of a window.</param>
public readonly record struct PoolingWindow(int Height, int Width)
{
    /// <summary>Rows from a window to the next below; by default windows touch.</summary>
    public int RowStride { get; init; } = Height;

    /// <summary>Columns from a window to the next at its right; by default windows touch.</summary>
    public int ColumnStride { get; init; } = Width;

    /// <summary>How many rows windows reach over the upper and lower edge; at most half of their height.</summary>
    public int RowPadding { get; init; }

    /// <summary>How many columns windows reach over the left and right edge; at most half of their width.</summary>
    public int ColumnPadding { get; init; }

    /// <summary>Rows of the output; 0 or less where no window fits.</summary>
    public int ResultHeight(int height) => Positions(height + 2 * RowPadding, Height, RowStride);

    /// <summary>Columns of the output; 0 or less where no window fits.</summary>
    public int ResultWidth(int width) => Positions(width + 2 * ColumnPadding, Width, ColumnStride);

    private static int Positions(int padded, int window, int stride) => padded < window ? 0 : (padded - window) / stride + 1;
}
