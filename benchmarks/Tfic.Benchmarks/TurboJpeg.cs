using System.Runtime.InteropServices;
using Tfic.Imaging;

namespace Tfic.Benchmarks;

/// <summary>libjpeg-turbo through its TurboJPEG interface, if the system has it (Debian: libturbojpeg0).</summary>
/// <remarks>Both directions use the accurate integer transform and, decoding, the triangle filter for chroma.</remarks>
internal sealed unsafe class TurboJpeg : IDisposable
{
    private const int Rgb = 0, Grey = 6; // TJPF
    private const int SamplingGrey = 3; // TJSAMP
    private const int NoReallocation = 1024, AccurateDct = 4096; // TJFLAG

    private static readonly nint s_library = Load();

    private readonly nint _compressor;
    private readonly nint _decompressor;
    private readonly byte* _file;
    private readonly nuint _capacity;

    /// <summary>Makes room for files of pictures up to a size.</summary>
    /// <exception cref="InvalidOperationException">The library is missing or out of memory.</exception>
    public TurboJpeg(int width, int height)
    {
        if (!IsAvailable)
            throw new InvalidOperationException("libturbojpeg is not installed.");
        _compressor = ((delegate* unmanaged<nint>)Export("tjInitCompress"))();
        _decompressor = ((delegate* unmanaged<nint>)Export("tjInitDecompress"))();
        _capacity = ((delegate* unmanaged<int, int, int, CULong>)Export("tjBufSize"))(width, height, 0).Value;
        _file = (byte*)NativeMemory.Alloc(_capacity);
        if (_compressor == 0 || _decompressor == 0)
            throw new InvalidOperationException("libturbojpeg does not start.");
    }

    public static bool IsAvailable => s_library != 0;

    /// <summary>Writes a file.</summary>
    /// <param name="picture">Grey or RGB.</param>
    /// <param name="quality">1…100.</param>
    /// <param name="halved">Whether chroma is halved in both directions.</param>
    /// <returns>The file; valid until the next call.</returns>
    /// <exception cref="InvalidOperationException">The library reports an error.</exception>
    public ReadOnlySpan<byte> Encode(Picture picture, int quality, bool halved = true)
    {
        var compress = (delegate* unmanaged<nint, byte*, int, int, int, int, byte**, CULong*, int, int, int, int>)
            Export("tjCompress2");
        byte* file = _file;
        var length = new CULong(_capacity);
        fixed (byte* samples = picture.Samples)
        {
            int sampling = picture.Channels == 1 ? SamplingGrey : halved ? 2 : 0;
            Check(compress(
                _compressor, samples, picture.Width, picture.Width * picture.Channels, picture.Height,
                picture.Channels == 1 ? Grey : Rgb, &file, &length, sampling, quality, NoReallocation | AccurateDct));
        }

        return new ReadOnlySpan<byte>(file, (int)length.Value);
    }

    /// <summary>Reads a file into a picture of its size and channels.</summary>
    /// <exception cref="InvalidOperationException">The library reports an error.</exception>
    public void Decode(ReadOnlySpan<byte> file, Picture picture)
    {
        var decompress = (delegate* unmanaged<nint, byte*, CULong, byte*, int, int, int, int, int, int>)
            Export("tjDecompress2");
        fixed (byte* bytes = file, samples = picture.Samples)
        {
            Check(decompress(
                _decompressor, bytes, new CULong((uint)file.Length), samples, picture.Width,
                picture.Width * picture.Channels, picture.Height, picture.Channels == 1 ? Grey : Rgb, AccurateDct));
        }
    }

    public void Dispose()
    {
        var destroy = (delegate* unmanaged<nint, int>)Export("tjDestroy");
        destroy(_compressor);
        destroy(_decompressor);
        NativeMemory.Free(_file);
    }

    private static void Check(int status)
    {
        if (status != 0)
            throw new InvalidOperationException(
                Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)Export("tjGetErrorStr"))()));
    }

    private static void* Export(string name) => (void*)NativeLibrary.GetExport(s_library, name);

    private static nint Load()
    {
        foreach (string name in new[] { "libturbojpeg.so.0", "libturbojpeg.0.dylib", "turbojpeg", "libturbojpeg" })
        {
            if (NativeLibrary.TryLoad(name, out nint handle))
                return handle;
        }

        Console.Error.WriteLine("libjpeg-turbo is left out: libturbojpeg is not installed (Debian: libturbojpeg0).");
        return 0;
    }
}
