#if TFIC_IMAGESHARP
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;
using Tfic.Imaging;
using ImageSharpImage = SixLabors.ImageSharp.Image;

namespace Tfic.Cli;

/// <summary>Reads the formats that the core does not (WebP, TIFF, BMP, GIF, QOI, TGA) through ImageSharp.</summary>
internal static class ImageSharpReader
{
    /// <summary>Makes <see cref="PictureFile"/> hand over what it cannot read itself.</summary>
    public static void Register() => PictureFile.FallbackReader = Read;

    /// <summary>Reads the first frame, upright, over white.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="limits">Checked against the header, before pixels are decoded.</param>
    /// <returns>An RGB picture; null where ImageSharp does not know the format.</returns>
    /// <exception cref="TficFormatException">The file is damaged or over a limit.</exception>
    private static Picture? Read(ReadOnlyMemory<byte> bytes, PictureLimits limits)
    {
        try
        {
            ImageInfo info = ImageSharpImage.Identify(bytes.Span);

            // ImageSharp decodes to 4 bytes a pixel, and the picture has 3.
            long pixels = (long)info.Width * info.Height;
            if (pixels > limits.MaxPixels || pixels > limits.MaxBytes / 7)
                throw new TficFormatException(
                    $"{info.Width} × {info.Height} pixels are more than the limits allow " +
                    $"({limits.MaxPixels} pixels, {limits.MaxBytes} bytes)", 0);

            using Image<Rgba32> image = ImageSharpImage.Load<Rgba32>(new DecoderOptions { MaxFrames = 1 }, bytes.Span);
            image.Mutate(context => context.AutoOrient().BackgroundColor(Color.White));
            var picture = new Picture(image.Width, image.Height, 3);
            image.ProcessPixelRows(rows =>
            {
                for (int y = 0; y < rows.Height; y++)
                {
                    ReadOnlySpan<Rgba32> from = rows.GetRowSpan(y);
                    Span<byte> to = picture.Row(y);
                    for (int x = 0; x < from.Length; x++)
                    {
                        to[3 * x] = from[x].R;
                        to[3 * x + 1] = from[x].G;
                        to[3 * x + 2] = from[x].B;
                    }
                }
            });
            return picture;
        }
        catch (UnknownImageFormatException)
        {
            return null;
        }
        catch (Exception e) when (e is not (TficFormatException or OutOfMemoryException))
        {
            // Besides its own exceptions ImageSharp lets others out of damaged files, InvalidOperationException among
            // them. The input is all that can be at fault here.
            throw new TficFormatException($"The picture cannot be read: {e.Message}", 0, e);
        }
    }
}
#endif
