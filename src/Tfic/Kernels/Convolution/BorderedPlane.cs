namespace Tfic.Kernels.Convolution;

/// <summary>
/// Activations of few bits with interleaved channels and a border of columns beside each row, so that convolutions read
/// past a row's ends. Reuses its memory; one for each thread.
/// </summary>
/// <typeparam name="TElement">What stands for an activation.</typeparam>
public abstract class BorderedPlane<TElement>
    where TElement : unmanaged
{
    private readonly int _slack;
    private TElement[] _elements = [];

    /// <summary>Makes an empty plane.</summary>
    /// <param name="slack">Elements behind the last row that may be read: runs are read several at a time.</param>
    private protected BorderedPlane(int slack)
    {
        _slack = slack;
    }

    /// <summary>Rows.</summary>
    public int Rows { get; private set; }

    /// <summary>Columns, without the border.</summary>
    public int Columns { get; private set; }

    /// <summary>Channels.</summary>
    public int Channels { get; private set; }

    /// <summary>Columns to the left of each row that stand for zeros, and as many to its right.</summary>
    public int Border { get; private set; }

    /// <summary>Elements from a row to the next.</summary>
    public int Pitch => (Columns + 2 * Border) * Channels;

    /// <summary>All rows with their borders, and the slack behind the last.</summary>
    internal Span<TElement> Elements => _elements.AsSpan(0, Rows * Pitch + _slack);

    /// <summary>Takes a shape; rows hold anything until they are written.</summary>
    /// <exception cref="OverflowException">More elements than an array can have.</exception>
    public virtual void Reshape(int rows, int columns, int channels, int border)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(border);
        int length = checked((int)(((long)columns + 2 * border) * channels * rows + _slack));
        (Rows, Columns, Channels, Border) = (rows, columns, channels, border);
        if (_elements.Length < length)
            _elements = GC.AllocateUninitializedArray<TElement>(length);
    }

    /// <summary>A row, without its border.</summary>
    internal Span<TElement> Row(int row) => _elements.AsSpan(row * Pitch + Border * Channels, Columns * Channels);

    /// <summary>Makes a row zeros.</summary>
    internal virtual void ClearRow(int row) => _elements.AsSpan(row * Pitch, Pitch).Clear();

    /// <summary>Takes a row, with its border, from a plane of rows of the same shape.</summary>
    internal virtual void CopyRow(int row, BorderedPlane<TElement> from, int fromRow) =>
        from._elements.AsSpan(fromRow * Pitch, Pitch).CopyTo(_elements.AsSpan(row * Pitch, Pitch));

    /// <summary>The rows and columns that a layer makes of this, before any shuffle.</summary>
    /// <exception cref="ArgumentException">It is too small for the layer, has other channels or too narrow a border.</exception>
    internal (int Rows, int Columns) ResultOf(Conv2d layer)
    {
        (int rows, int columns) = (layer.ResultHeight(Rows), layer.ResultWidth(Columns));
        if (rows < 1 || columns < 1)
            throw new ArgumentException($"{Rows} × {Columns} is smaller than the kernel.", "input");
        if (Channels != layer.InputChannels || Border < int.Max(layer.Padding.Left, layer.Padding.Right))
            throw new ArgumentException("The activations have other channels, or too narrow a border.", "input");
        return (rows, columns);
    }
}
