using Tfic.Imaging;
using Tfic.Kernels.Dct;
using Tfic.Kernels.JpegColour;

namespace Tfic.Jpeg;

/// <summary>From coefficients to planes of samples, and from planes to a picture.</summary>
internal static class JpegPixels
{
    /// <summary>Room for a component's samples: whole blocks, BlocksDown·8 × BlocksAcross·8.</summary>
    public static byte[] MakePlane(JpegComponent component) =>
        new byte[checked(component.BlocksAcross * 8 * component.BlocksDown * 8)];

    /// <summary>Transforms all coefficients of a file.</summary>
    public static byte[][] MakePlanes(JpegCoefficients file)
    {
        var planes = new byte[file.Components.Count][];
        for (int i = 0; i < planes.Length; i++)
        {
            JpegComponent component = file.Components[i];
            int stride = component.BlocksAcross * 8;
            planes[i] = MakePlane(component);
            for (int row = 0; row < component.BlocksDown; row++)
                JpegDct.Inverse(
                    component.BlockRow(row), new JpegQuantiser(component.Steps), planes[i].AsSpan(row * 8 * stride, 8 * stride), stride);
        }

        return planes;
    }

    /// <summary>Brings the components to full size and converts them to grey or RGB.</summary>
    public static Picture Assemble(JpegCoefficients file, byte[][] planes)
    {
        int count = planes.Length;
        var picture = new Picture(file.Width, file.Height, count == 1 ? 1 : 3);
        if (count == 1)
        {
            // One component is as large as the picture, whatever its factors say.
            int stride = file.Components[0].BlocksAcross * 8;
            for (int y = 0; y < file.Height; y++)
                planes[0].AsSpan(y * stride, file.Width).CopyTo(picture.Row(y));
            return picture;
        }

        var enlargers = new ChromaUpsampling[count];
        for (int i = 0; i < count; i++)
            enlargers[i] = new ChromaUpsampling(file, file.Components[i], planes[i]);
        for (int y = 0; y < file.Height; y++)
        {
            ReadOnlySpan<byte> first = enlargers[0].Row(y), second = enlargers[1].Row(y), third = enlargers[2].Row(y);
            Span<byte> row = picture.Row(y);
            if (file.ColourSpace is JpegColourSpace.YCbCr or JpegColourSpace.Ycck)
                JpegColour.ToRgb(first, second, third, row);
            else
                Interleave(first, second, third, row);
            if (count == 4)
                ApplyInk(row, enlargers[3].Row(y), file.ColourSpace == JpegColourSpace.Ycck, file.InkInverted);
        }

        return picture;
    }

    private static void Interleave(
        ReadOnlySpan<byte> red, ReadOnlySpan<byte> green, ReadOnlySpan<byte> blue, Span<byte> row)
    {
        for (int x = 0; x < red.Length; x++)
        {
            row[3 * x] = red[x];
            row[3 * x + 1] = green[x];
            row[3 * x + 2] = blue[x];
        }
    }

    /// <summary>RGB from CMY in the row and black beside it: each ink leaves its share of the light.</summary>
    /// <remarks>In YCCK the stored C is 255 − R of the decoded YCbCr, and so on (T.872). Adobe's programs store light
    /// instead of ink, in all four components.</remarks>
    private static void ApplyInk(Span<byte> row, ReadOnlySpan<byte> black, bool ycck, bool inverted)
    {
        for (int x = 0; x < black.Length; x++)
        {
            int key = inverted ? black[x] : 255 - black[x];
            for (int c = 0; c < 3; c++)
            {
                int stored = ycck ? 255 - row[3 * x + c] : row[3 * x + c];
                int light = inverted ? stored : 255 - stored;
                row[3 * x + c] = (byte)((light * key + 127) / 255);
            }
        }
    }
}
