using Tfic.Imaging;
using Tfic.Kernels.Dct;

namespace Tfic.Jpeg;

/// <summary>From a picture to quantised coefficients.</summary>
internal static class JpegSamples
{
    /// <summary>Fills the coefficients of a file whose components are laid out already.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="file">Grey, or YCbCr with factors 1 or 2 for luma and 1 for chroma.</param>
    /// <remarks>
    /// Edges are repeated up to whole blocks. Blocks beyond those, which only complete an MCU, are not seen: they hold
    /// the DC coefficient of the block before them, which costs the fewest bits.
    /// </remarks>
    public static void Transform(Picture picture, JpegCoefficients file)
    {
        bool colour = picture.Channels == 3;
        int factor = file.LargestVerticalFactor;
        int width = file.Components[0].BlocksAcross * 8;
        var bands = new byte[file.Components.Count][];
        for (int i = 0; i < bands.Length; i++)
            bands[i] = new byte[width * 8 * factor];
        byte[] halved = factor == 2 ? new byte[width / 2 * 8] : [];

        int mcuRows = file.Components[0].BlocksDown / file.Components[0].VerticalFactor;
        for (int mcuRow = 0; mcuRow < mcuRows; mcuRow++)
        {
            for (int y = 0; y < 8 * factor; y++)
            {
                ReadOnlySpan<byte> source = picture.Row(Math.Min(mcuRow * 8 * factor + y, picture.Height - 1));
                Span<byte> luma = bands[0].AsSpan(y * width, width);
                if (colour)
                {
                    Span<byte> blue = bands[1].AsSpan(y * width, width), red = bands[2].AsSpan(y * width, width);
                    JpegColour.FromRgb(source, luma[..picture.Width], blue, red);
                    blue[picture.Width..].Fill(blue[picture.Width - 1]);
                    red[picture.Width..].Fill(red[picture.Width - 1]);
                }
                else
                    source.CopyTo(luma);
                luma[picture.Width..].Fill(luma[picture.Width - 1]);
            }

            for (int i = 0; i < bands.Length; i++)
            {
                JpegComponent component = file.Components[i];
                byte[] band = bands[i];
                int stride = width;
                if (i > 0 && factor == 2)
                {
                    int rows = Math.Min(8, component.Height - mcuRow * 8);
                    Halve(band, width, halved, rows);
                    band = halved;
                    stride = width / 2;
                }

                TransformRows(component, mcuRow, band, stride);
            }
        }
    }

    private static void TransformRows(JpegComponent component, int mcuRow, byte[] band, int stride)
    {
        int real = (component.Width + 7) / 8, realRows = (component.Height + 7) / 8;
        for (int v = 0; v < component.VerticalFactor; v++)
        {
            int row = mcuRow * component.VerticalFactor + v;
            Span<short> blocks = component.BlockRow(row);
            if (row < realRows)
            {
                JpegDct.Forward(band.AsSpan(v * 8 * stride), stride, new JpegQuantiser(component.Steps), blocks[..(real * 64)]);
                for (int b = real; b < component.BlocksAcross; b++)
                    blocks[b * 64] = blocks[(real - 1) * 64];
            }
            else
            {
                // The scan reaches these blocks after those above them in the same MCU.
                ReadOnlySpan<short> above = component.BlockRow(row - 1);
                int wide = component.HorizontalFactor;
                for (int b = 0; b < component.BlocksAcross; b++)
                    blocks[b * 64] = above[(b / wide * wide + wide - 1) * 64];
            }
        }
    }

    /// <summary>Means of 2 × 2 samples; halves go down and up by turns, so that no brightness is added.</summary>
    /// <param name="band">16 rows.</param>
    /// <param name="width">Their width.</param>
    /// <param name="halved">Eight rows of half the width.</param>
    /// <param name="rows">How many rows belong to the component; the last is repeated below.</param>
    private static void Halve(byte[] band, int width, byte[] halved, int rows)
    {
        int half = width / 2;
        for (int y = 0; y < rows; y++)
        {
            ReadOnlySpan<byte> upper = band.AsSpan(2 * y * width, width);
            ReadOnlySpan<byte> lower = band.AsSpan((2 * y + 1) * width, width);
            Span<byte> target = halved.AsSpan(y * half, half);
            for (int x = 0; x < target.Length; x++)
            {
                int sum = upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1];
                target[x] = (byte)((sum + 1 + (x & 1)) >> 2);
            }
        }

        for (int y = rows; y < 8; y++)
            halved.AsSpan((rows - 1) * half, half).CopyTo(halved.AsSpan(y * half));
    }
}
