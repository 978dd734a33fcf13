using System.Runtime.InteropServices;
using Tfic.Imaging;

namespace Tfic.Tests.Jpeg;

/// <summary>Decodes with libjpeg-turbo in its accurate mode, through the TurboJPEG interface, if the system has it.</summary>
internal static unsafe class LibjpegTurbo
{
    private const int Rgb = 0, Grey = 6; // TJPF
    private const int AccurateDct = 4096; // TJFLAG

    private static readonly nint s_library = Load();

    public static bool IsAvailable => s_library != 0;

    public static Picture Decode(byte[] file, int width, int height, int channels)
    {
        var picture = new Picture(width, height, channels);
        nint decoder = ((delegate* unmanaged<nint>)NativeLibrary.GetExport(s_library, "tjInitDecompress"))();
        var decompress = (delegate* unmanaged<nint, byte*, CULong, byte*, int, int, int, int, int, int>)
            NativeLibrary.GetExport(s_library, "tjDecompress2");
        fixed (byte* bytes = file, samples = picture.Samples)
        {
            Assert.Equal(0, decompress(
                decoder, bytes, new CULong((uint)file.Length), samples, width, width * channels, height,
                channels == 1 ? Grey : Rgb, AccurateDct));
        }

        _ = ((delegate* unmanaged<nint, int>)NativeLibrary.GetExport(s_library, "tjDestroy"))(decoder);
        return picture;
    }

    private static nint Load()
    {
        foreach (string name in new[] { "libturbojpeg.so.0", "libturbojpeg.0.dylib", "turbojpeg" })
        {
            if (NativeLibrary.TryLoad(name, out nint handle))
                return handle;
        }

        return 0;
    }
}
