using Tfic.Imaging;
using Tfic.Kernels.Dct;
using Tfic.Kernels.JpegColour;

namespace Tfic.Jpeg;

/// <summary>From a picture to quantised coefficients, one row of MCUs at a time; keeps its buffers.</summary>
internal sealed class JpegSamples
{
    // Full-size colour differences of two rows, and the samples of a row of MCUs.
    private readonly byte[][] _full = [[], [], [], []];
    private readonly byte[][] _bands = [[], [], []];

    /// <summary>Fills all coefficients of a file whose components are laid out already.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="file">Grey, or YCbCr with factors 1 or 2 for luma and 1 for chroma.</param>
    /// <param name="quantisers">For each component.</param>
    public static void Transform(Picture picture, JpegCoefficients file, ReadOnlySpan<JpegQuantiser> quantisers)
    {
        var samples = new JpegSamples();
        int mcuRows = file.Components[0].BlocksDown / file.Components[0].VerticalFactor;
        for (int mcuRow = 0; mcuRow < mcuRows; mcuRow++)
            samples.Transform(picture, file, quantisers, mcuRow, mcuRow);
    }

    /// <summary>Fills the coefficients of one row of MCUs.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="file">Grey, or YCbCr with factors 1 or 2 for luma and 1 for chroma.</param>
    /// <param name="quantisers">For each component.</param>
    /// <param name="mcuRow">The row in the picture.</param>
    /// <param name="heldRow">The row in the file's blocks, which need not hold all of them.</param>
    /// <remarks>
    /// Edges are repeated up to whole blocks. Blocks beyond those, which only complete an MCU, are not seen: they hold
    /// the DC coefficient of the block before them, which costs the fewest bits.
    /// </remarks>
    public void Transform(
        Picture picture, JpegCoefficients file, ReadOnlySpan<JpegQuantiser> quantisers, int mcuRow, int heldRow)
    {
        bool colour = picture.Channels == 3;
        int factor = file.LargestVerticalFactor;
        int width = file.Components[0].BlocksAcross * 8, rows = 8 * factor, top = mcuRow * rows;

        // Grey samples are taken from where they are, if the picture holds whole blocks there.
        ReadOnlySpan<byte> luma;
        if (!colour && width == picture.Width && top + rows <= picture.Height)
            luma = picture.Samples.AsSpan(top * width, rows * width);
        else
        {
            Reserve(ref _bands[0], rows * width);
            luma = _bands[0].AsSpan(0, rows * width);
            if (colour)
                ConvertColours(picture, file, top, width, factor);
            else
            {
                for (int y = 0; y < rows; y++)
                {
                    Span<byte> row = _bands[0].AsSpan(y * width, width);
                    picture.Row(Math.Min(top + y, picture.Height - 1)).CopyTo(row);
                    Extend(row, picture.Width);
                }
            }
        }

        for (int i = 0; i < file.Components.Count; i++)
            TransformRows(
                file.Components[i], quantisers[i], mcuRow, heldRow, i == 0 ? luma : _bands[i],
                i == 0 ? width : width / factor);
    }

    private static void Reserve(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = new byte[length];
    }

    /// <summary>Repeats the last sample of a row to its end.</summary>
    private static void Extend(Span<byte> row, int width) => row[width..].Fill(row[width - 1]);

    private void ConvertColours(Picture picture, JpegCoefficients file, int top, int width, int factor)
    {
        Reserve(ref _bands[1], 8 * width / factor);
        Reserve(ref _bands[2], 8 * width / factor);
        foreach (ref byte[] row in _full.AsSpan())
            Reserve(ref row, width);
        for (int y = 0; y < 8; y++)
        {
            for (int v = 0; v < factor; v++)
            {
                Span<byte> luma = _bands[0].AsSpan((y * factor + v) * width, width);
                Span<byte> blue = factor == 1 ? _bands[1].AsSpan(y * width, width) : _full[v].AsSpan(0, width);
                Span<byte> red = factor == 1 ? _bands[2].AsSpan(y * width, width) : _full[2 + v].AsSpan(0, width);
                JpegColour.FromRgb(
                    picture.Row(Math.Min(top + y * factor + v, picture.Height - 1)), luma[..picture.Width], blue, red);
                Extend(luma, picture.Width);
                Extend(blue, picture.Width);
                Extend(red, picture.Width);
            }

            if (factor == 1)
                continue;

            // Below the component's last row, that one is repeated.
            int half = width / 2;
            bool beyond = y > 0 && top / 2 + y >= file.Components[1].Height;
            for (int i = 1; i <= 2; i++)
            {
                Span<byte> row = _bands[i].AsSpan(y * half, half);
                if (beyond)
                    _bands[i].AsSpan((y - 1) * half, half).CopyTo(row);
                else
                    ChromaFilter.Halve(_full[2 * i - 2].AsSpan(0, width), _full[2 * i - 1].AsSpan(0, width), row);
            }
        }
    }

    private static void TransformRows(
        JpegComponent component, JpegQuantiser quantiser, int mcuRow, int heldRow, ReadOnlySpan<byte> band, int stride)
    {
        int real = (component.Width + 7) / 8, realRows = (component.Height + 7) / 8;
        for (int v = 0; v < component.VerticalFactor; v++)
        {
            int row = mcuRow * component.VerticalFactor + v, held = heldRow * component.VerticalFactor + v;
            Span<short> blocks = component.BlockRow(held);
            if (row < realRows)
            {
                JpegDct.Forward(band[(v * 8 * stride)..], stride, quantiser, blocks[..(real * 64)]);
                blocks[(real * 64)..].Clear();
                for (int b = real; b < component.BlocksAcross; b++)
                    blocks[b * 64] = blocks[(real - 1) * 64];
            }
            else
            {
                // The scan reaches these blocks after those above them in the same MCU.
                ReadOnlySpan<short> above = component.BlockRow(held - 1);
                int wide = component.HorizontalFactor;
                blocks.Clear();
                for (int b = 0; b < component.BlocksAcross; b++)
                    blocks[b * 64] = above[(b / wide * wide + wide - 1) * 64];
            }
        }
    }
}
