namespace Tfic.Imaging;

/// <summary>Writes binary greymaps (P5) and pixmaps (P6) of 8 bits.</summary>
public static class PnmWriter
{
    /// <summary>Writes a picture: P5 if it is grey, P6 if it is RGB.</summary>
    /// <param name="stream">Where to; not closed, need not seek.</param>
    /// <param name="picture">What to write.</param>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public static void Write(Stream stream, Picture picture)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(picture);
        char kind = picture.Channels == 1 ? '5' : '6';
        stream.Write(System.Text.Encoding.ASCII.GetBytes($"P{kind}\n{picture.Width} {picture.Height}\n255\n"));
        stream.Write(picture.Samples);
    }
}
