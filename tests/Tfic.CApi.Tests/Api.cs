using System.Runtime.InteropServices;

namespace Tfic.CApi.Tests;

/// <summary>What a handle is of.</summary>
public enum ModelKind
{
    Codec,
    Recogniser,
    Detector,
    Restorer,
}

/// <summary>
/// The library as C sees it: every call goes through an unmanaged function pointer, with C's types, and so over the
/// boundary. Nothing here knows of the managed classes behind it.
/// </summary>
internal static unsafe class Api
{
    public static string Version() => Text(((delegate* unmanaged[Cdecl]<byte*>)&Exports.Version)());

    public static byte* LastErrorAddress() => ((delegate* unmanaged[Cdecl]<byte*>)&Exports.LastError)();

    public static string LastError() => Text(LastErrorAddress());

    public static void Free(void* memory) => ((delegate* unmanaged[Cdecl]<void*, void>)&Exports.Free)(memory);

    public static void DetectorClose(nint detector) =>
        ((delegate* unmanaged[Cdecl]<nint, void>)&Exports.DetectorClose)(detector);

    public static void RestorerClose(nint restorer) =>
        ((delegate* unmanaged[Cdecl]<nint, void>)&Exports.RestorerClose)(restorer);

    public static void CodecClose(nint codec) => ((delegate* unmanaged[Cdecl]<nint, void>)&Exports.CodecClose)(codec);

    public static void RecogniserClose(nint recogniser) =>
        ((delegate* unmanaged[Cdecl]<nint, void>)&Exports.RecogniserClose)(recogniser);

    /// <summary>tfic_codec_open, or that of another kind.</summary>
    public static Status Open(ModelKind kind, string? name, int threads, nint* handle)
    {
        delegate* unmanaged[Cdecl]<byte*, int, nint*, Status> function =
            kind switch
            {
                ModelKind.Codec => &Exports.CodecOpen,
                ModelKind.Recogniser => &Exports.RecogniserOpen,
                ModelKind.Detector => &Exports.DetectorOpen,
                _ => &Exports.RestorerOpen,
            };
        fixed (byte* text = Utf8(name))
            return function(text, threads, handle);
    }

    /// <summary>tfic_codec_open_file, or that of another kind.</summary>
    public static Status OpenFile(ModelKind kind, string? path, int threads, nint* handle)
    {
        delegate* unmanaged[Cdecl]<byte*, int, nint*, Status> function =
            kind switch
            {
                ModelKind.Codec => &Exports.CodecOpenFile,
                ModelKind.Recogniser => &Exports.RecogniserOpenFile,
                ModelKind.Detector => &Exports.DetectorOpenFile,
                _ => &Exports.RestorerOpenFile,
            };
        fixed (byte* text = Utf8(path))
            return function(text, threads, handle);
    }

    /// <summary>tfic_codec_open_memory, or that of another kind.</summary>
    public static Status OpenMemory(ModelKind kind, byte* data, nuint size, int threads, nint* handle)
    {
        delegate* unmanaged[Cdecl]<byte*, nuint, int, nint*, Status> function =
            kind switch
            {
                ModelKind.Codec => &Exports.CodecOpenMemory,
                ModelKind.Recogniser => &Exports.RecogniserOpenMemory,
                ModelKind.Detector => &Exports.DetectorOpenMemory,
                _ => &Exports.RestorerOpenMemory,
            };
        return function(data, size, threads, handle);
    }

    public static Status Encode(
        nint codec, byte* pixels, int width, int height, int channels, nuint stride, double quality, byte** file,
        nuint* size)
    {
        delegate* unmanaged[Cdecl]<nint, byte*, int, int, int, nuint, double, byte**, nuint*, Status> function =
            &Exports.Encode;
        return function(codec, pixels, width, height, channels, stride, quality, file, size);
    }

    public static Status EncodeLayers(
        nint codec, nint baseCodec, byte* pixels, int width, int height, int channels, nuint stride, double quality,
        double baseQuality, byte** file, nuint* size)
    {
        delegate* unmanaged[Cdecl]<
            nint, nint, byte*, int, int, int, nuint, double, double, byte**, nuint*, Status> function =
            &Exports.EncodeLayers;
        return function(
            codec, baseCodec, pixels, width, height, channels, stride, quality, baseQuality, file, size);
    }

    public static Status EncodeToSize(
        nint codec, byte* pixels, int width, int height, int channels, nuint stride, nuint bytes, byte** file,
        nuint* size, double* quality)
    {
        delegate* unmanaged[Cdecl]<
            nint, byte*, int, int, int, nuint, nuint, byte**, nuint*, double*, Status> function =
            &Exports.EncodeToSize;
        return function(codec, pixels, width, height, channels, stride, bytes, file, size, quality);
    }

    public static Status CodecLimits(nint codec, long maxPixels, int maxBytes) =>
        ((delegate* unmanaged[Cdecl]<nint, long, int, Status>)&Exports.CodecLimits)(codec, maxPixels, maxBytes);

    public static Status Info(byte* file, nuint size, int* width, int* height, int* channels)
    {
        delegate* unmanaged[Cdecl]<byte*, nuint, int*, int*, int*, Status> function = &Exports.Info;
        return function(file, size, width, height, channels);
    }

    public static Status Decode(
        nint codec, byte* file, nuint size, byte** pixels, int* width, int* height, int* channels)
    {
        delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte**, int*, int*, int*, Status> function = &Exports.Decode;
        return function(codec, file, size, pixels, width, height, channels);
    }

    public static Status ReadLine(
        nint recogniser, byte* pixels, int width, int height, int channels, nuint stride, byte** text,
        double* confidence)
    {
        delegate* unmanaged[Cdecl]<nint, byte*, int, int, int, nuint, byte**, double*, Status> function =
            &Exports.ReadLine;
        return function(recogniser, pixels, width, height, channels, stride, text, confidence);
    }

    /// <summary>Opens a model in memory; the caller's copy is overwritten at once.</summary>
    public static nint Open(ModelKind kind, byte[] model, int threads = 1)
    {
        byte[] copy = [.. model];
        nint handle;
        fixed (byte* data = copy)
            Ok(OpenMemory(kind, data, (nuint)copy.Length, threads, &handle));
        Array.Clear(copy);
        return handle;
    }

    public static byte[] Encode(
        nint codec, byte[] pixels, int width, int height, int channels, double quality, int? stride = null)
    {
        byte* file;
        nuint size;
        fixed (byte* samples = pixels)
        {
            Ok(Encode(
                codec, samples, width, height, channels, (nuint)(stride ?? width * channels), quality, &file, &size));
        }

        byte[] result = new ReadOnlySpan<byte>(file, (int)size).ToArray();
        Free(file);
        return result;
    }

    /// <summary>Decodes; where that fails, asserts that the outputs were cleared.</summary>
    /// <param name="layer">For tfic_decode_layer; null for tfic_decode.</param>
    public static Status TryDecode(
        nint codec,
        byte[] file,
        out (byte[] Pixels, int Width, int Height, int Channels) picture,
        int? layer = null)
    {
        delegate* unmanaged[Cdecl]<nint, byte*, nuint, int, byte**, int*, int*, int*, Status> decodeLayer =
            &Exports.DecodeLayer;
        byte* pixels = (byte*)1;
        int width = -1, height = -1, channels = -1;
        Status status;

        // An empty array has no address, and this is not the place to test NULL.
        byte[] some = file.Length > 0 ? file : new byte[1];
        fixed (byte* bytes = some)
        {
            status = layer is { } number
                ? decodeLayer(codec, bytes, (nuint)file.Length, number, &pixels, &width, &height, &channels)
                : Decode(codec, bytes, (nuint)file.Length, &pixels, &width, &height, &channels);
        }

        if (status != Status.Ok)
        {
            Assert.True(pixels is null);
            Assert.Equal((0, 0, 0), (width, height, channels));
            picture = ([], 0, 0, 0);
            return status;
        }

        picture = (new ReadOnlySpan<byte>(pixels, width * height * channels).ToArray(), width, height, channels);
        Free(pixels);
        return status;
    }

    public static (string Text, double Confidence) Read(
        nint recogniser, byte[] pixels, int width, int height, int channels, int? stride = null)
    {
        byte* text;
        double confidence;
        fixed (byte* samples = pixels)
        {
            Ok(ReadLine(
                recogniser, samples, width, height, channels, (nuint)(stride ?? width * channels), &text,
                &confidence));
        }

        string result = Text(text);
        Free(text);
        return (result, confidence);
    }

    public static Status ReadPage(
        nint detector, nint recogniser, byte* pixels, int width, int height, int channels, nuint stride, byte** text,
        Word** words, nuint* count)
    {
        delegate* unmanaged[Cdecl]<
            nint, nint, byte*, int, int, int, nuint, byte**, Word**, nuint*, Status> function = &Exports.ReadPage;
        return function(detector, recogniser, pixels, width, height, channels, stride, text, words, count);
    }

    public static Status Restore(
        nint restorer, nint wordRestorer, nint detector, byte* pixels, int width, int height, int channels,
        nuint stride, byte** restored)
    {
        delegate* unmanaged[Cdecl]<nint, nint, nint, byte*, int, int, int, nuint, byte**, Status> function =
            &Exports.Restore;
        return function(restorer, wordRestorer, detector, pixels, width, height, channels, stride, restored);
    }

    public static string TextAt(byte* text) => Text(text);

    /// <summary>Asserts that a call went well, else shows its message.</summary>
    public static void Ok(Status status) => Assert.True(status == Status.Ok, $"{status}: {LastError()}");

    /// <summary>Asserts that a call failed in the way and with the words expected.</summary>
    public static void Fails(Status expected, string words, Status status)
    {
        Assert.Equal(expected, status);
        Assert.Contains(words, LastError(), StringComparison.Ordinal);
    }

    private static byte[]? Utf8(string? text) => text is null ? null : System.Text.Encoding.UTF8.GetBytes(text + "\0");

    private static string Text(byte* text)
    {
        Assert.True(text is not null);
        return Marshal.PtrToStringUTF8((nint)text)!;
    }
}
