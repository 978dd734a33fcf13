using Tfic.Imaging;
using Tfic.Kernels.Dct;
using Tfic.Kernels.JpegColour;

namespace Tfic.Jpeg;

/// <summary>From planes of samples to a picture, row by row.</summary>
internal sealed class JpegPixels
{
    private readonly JpegCoefficients _file;
    private readonly byte[][] _planes;
    private readonly ChromaUpsampling[] _enlargers;
    private int _done;

    /// <summary>Prepares a picture.</summary>
    /// <param name="file">The file; its coefficients are not looked at.</param>
    /// <param name="planes">Each component's samples, whole blocks a row.</param>
    /// <param name="blockRowsHeld">Rows of blocks that the first component's plane has room for; the others' as many
    /// as lie beside them. Each row replaces the one so many above it.</param>
    /// <param name="into">A picture that may be overwritten, if it has the right size; null for a new one.</param>
    public JpegPixels(JpegCoefficients file, byte[][] planes, int blockRowsHeld, Picture? into)
    {
        _file = file;
        _planes = planes;
        int channels = planes.Length == 1 ? 1 : 3;
        Picture = into is not null && (into.Width, into.Height, into.Channels) == (file.Width, file.Height, channels)
            ? into
            : new Picture(
                file.Width, file.Height, channels,
                GC.AllocateUninitializedArray<byte>(checked(file.Width * file.Height * channels)));
        _enlargers = new ChromaUpsampling[planes.Length];
        for (int i = 0; i < planes.Length; i++)
        {
            JpegComponent component = file.Components[i];
            int held = blockRowsHeld / file.Components[0].VerticalFactor * component.VerticalFactor;
            _enlargers[i] = new ChromaUpsampling(file, component, planes[i], 8 * held);
        }
    }

    /// <summary>The picture: finished when <see cref="FinishRows"/> has been asked for all rows.</summary>
    public Picture Picture { get; }

    /// <summary>Brings the components to full size and converts them to grey or RGB, as far as samples are there.</summary>
    /// <param name="known">Rows of the picture at whose height all samples are there.</param>
    public void FinishRows(int known)
    {
        // One component is as large as the picture, whatever its factors say.
        if (_planes.Length == 1)
        {
            for (; _done < Math.Min(known, _file.Height); _done++)
                _enlargers[0].Row(_done).CopyTo(Picture.Row(_done));
            return;
        }

        int end = known >= _file.Height ? _file.Height
            : Array.Exists(_enlargers, enlarger => enlarger.NeedsRowBelow) ? known - 1 : known;
        for (; _done < end; _done++)
        {
            ReadOnlySpan<byte> first = _enlargers[0].Row(_done), second = _enlargers[1].Row(_done);
            ReadOnlySpan<byte> third = _enlargers[2].Row(_done);
            Span<byte> row = Picture.Row(_done);
            if (_file.ColourSpace is JpegColourSpace.YCbCr or JpegColourSpace.Ycck)
                JpegColour.ToRgb(first, second, third, row);
            else
                Interleave(first, second, third, row);
            if (_planes.Length == 4)
                ApplyInk(
                    row, _enlargers[3].Row(_done), _file.ColourSpace == JpegColourSpace.Ycck, _file.InkInverted);
        }
    }

    /// <summary>Turns the coefficients of a whole file into a picture.</summary>
    public static Picture Decode(JpegCoefficients file)
    {
        var planes = new byte[file.Components.Count][];
        for (int i = 0; i < planes.Length; i++)
        {
            JpegComponent component = file.Components[i];
            var quantiser = new JpegQuantiser(component.Steps);
            int stride = component.BlocksAcross * 8;
            planes[i] = new byte[checked(stride * 8 * component.BlocksDown)];
            for (int row = 0; row < component.BlocksDown; row++)
                JpegDct.Inverse(
                    component.BlockRow(row), quantiser, planes[i].AsSpan(row * 8 * stride, 8 * stride), stride);
        }

        var pixels = new JpegPixels(file, planes, file.Components[0].BlocksDown, into: null);
        pixels.FinishRows(file.Height);
        return pixels.Picture;
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
