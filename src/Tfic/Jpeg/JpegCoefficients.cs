namespace Tfic.Jpeg;

/// <summary>What a JPEG file's components mean.</summary>
public enum JpegColourSpace
{
    /// <summary>One component, luma.</summary>
    Grey,

    /// <summary>Luma and two colour differences, full range, as JFIF defines them.</summary>
    YCbCr,

    /// <summary>Red, green, blue.</summary>
    Rgb,

    /// <summary>Cyan, magenta, yellow, black.</summary>
    Cmyk,

    /// <summary>Cyan, magenta, yellow coded as YCbCr, and black.</summary>
    Ycck,
}

/// <summary>One component of a JPEG file: its quantised coefficients and how they are sampled and quantised.</summary>
public sealed class JpegComponent
{
    /// <summary>Makes a component whose coefficients are zero.</summary>
    /// <param name="id">Identifier in the file, 0…255.</param>
    /// <param name="horizontalFactor">Horizontal sampling factor, 1…4.</param>
    /// <param name="verticalFactor">Vertical sampling factor, 1…4.</param>
    /// <param name="width">Width in samples.</param>
    /// <param name="height">Height in samples.</param>
    /// <param name="blocksAcross">Blocks in a row, whole MCUs.</param>
    /// <param name="blocksDown">Rows of blocks, whole MCUs.</param>
    /// <param name="blocks">Room for coefficients, all zero: of all blocks or, while decoding row by row, of fewer.</param>
    internal JpegComponent(
        byte id, int horizontalFactor, int verticalFactor, int width, int height, int blocksAcross, int blocksDown,
        short[] blocks)
    {
        Id = id;
        HorizontalFactor = horizontalFactor;
        VerticalFactor = verticalFactor;
        Width = width;
        Height = height;
        BlocksAcross = blocksAcross;
        BlocksDown = blocksDown;
        Blocks = blocks;
    }

    /// <summary>Identifier in the file.</summary>
    public byte Id { get; }

    /// <summary>Horizontal sampling factor, 1…4: samples a MCU, in blocks.</summary>
    public int HorizontalFactor { get; }

    /// <summary>Vertical sampling factor, 1…4.</summary>
    public int VerticalFactor { get; }

    /// <summary>Width in samples: ⌈picture width · factor / largest factor⌉.</summary>
    public int Width { get; }

    /// <summary>Height in samples: ⌈picture height · factor / largest factor⌉.</summary>
    public int Height { get; }

    /// <summary>Blocks in a row, padded to whole MCUs.</summary>
    public int BlocksAcross { get; }

    /// <summary>Rows of blocks, padded to whole MCUs.</summary>
    public int BlocksDown { get; }

    /// <summary>The 64 quantiser steps in natural (row-major) order.</summary>
    public ushort[] Steps { get; } = new ushort[64];

    /// <summary>Quantised coefficients: BlocksDown × BlocksAcross blocks of 64 in natural order.</summary>
    public short[] Blocks { get; }

    /// <summary>One row of blocks.</summary>
    /// <param name="row">Row, 0 at the top.</param>
    public Span<short> BlockRow(int row) => Blocks.AsSpan(row * BlocksAcross * 64, BlocksAcross * 64);
}

/// <summary>
/// A JPEG file between entropy coding and pixels: quantised coefficients with all that is needed to turn them into
/// either. Reading a file into this and writing it again loses nothing.
/// </summary>
public sealed class JpegCoefficients
{
    internal JpegCoefficients(int width, int height, JpegColourSpace colourSpace, JpegComponent[] components)
    {
        Width = width;
        Height = height;
        ColourSpace = colourSpace;
        Components = components;
        LargestHorizontalFactor = components.Max(c => c.HorizontalFactor);
        LargestVerticalFactor = components.Max(c => c.VerticalFactor);
    }

    /// <summary>Width in pixels, as stored (before orientation).</summary>
    public int Width { get; }

    /// <summary>Height in pixels, as stored (before orientation).</summary>
    public int Height { get; }

    /// <summary>What the components mean.</summary>
    public JpegColourSpace ColourSpace { get; }

    /// <summary>One, three or four components.</summary>
    public IReadOnlyList<JpegComponent> Components { get; }

    /// <summary>Orientation from EXIF, 1…8; 1 is upright.</summary>
    public int Orientation { get; init; } = 1;

    /// <summary>Whether four-component samples are stored inverted (0 = full ink), as Adobe's programs do.</summary>
    public bool InkInverted { get; init; }

    internal int LargestHorizontalFactor { get; }

    internal int LargestVerticalFactor { get; }
}
