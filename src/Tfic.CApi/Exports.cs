using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tfic.Bitstream;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Reading;

namespace Tfic.CApi;

/// <summary>The functions of native/include/tfic.h, which documents them.</summary>
/// <remarks>
/// Every one checks what it can before the core sees it, and catches everything: an exception must not reach C.
/// Outputs are cleared first, so that after a failure nobody frees or reads what is not there.
/// </remarks>
internal static unsafe class Exports
{
    private static readonly byte[] s_version =
        CMemory.Pinned(typeof(Exports).Assembly.GetName().Version?.ToString(3) ?? "");

    [UnmanagedCallersOnly(EntryPoint = "tfic_version", CallConvs = [typeof(CallConvCdecl)])]
    public static byte* Version() => CMemory.Address(s_version);

    [UnmanagedCallersOnly(EntryPoint = "tfic_last_error", CallConvs = [typeof(CallConvCdecl)])]
    public static byte* LastError() => Failure.Message;

    [UnmanagedCallersOnly(EntryPoint = "tfic_free", CallConvs = [typeof(CallConvCdecl)])]
    public static void Free(void* memory) => NativeMemory.Free(memory);

    [UnmanagedCallersOnly(EntryPoint = "tfic_codec_open", CallConvs = [typeof(CallConvCdecl)])]
    public static Status CodecOpen(byte* name, int threads, nint* codec) =>
        Open(&OpenShippedCodec, name, 0, &MakeCodec, threads, codec, "codec");

    [UnmanagedCallersOnly(EntryPoint = "tfic_codec_open_file", CallConvs = [typeof(CallConvCdecl)])]
    public static Status CodecOpenFile(byte* path, int threads, nint* codec) =>
        Open(&OpenFile, path, 0, &MakeCodec, threads, codec, "codec");

    [UnmanagedCallersOnly(EntryPoint = "tfic_codec_open_memory", CallConvs = [typeof(CallConvCdecl)])]
    public static Status CodecOpenMemory(byte* data, nuint size, int threads, nint* codec) =>
        Open(&OpenMemory, data, size, &MakeCodec, threads, codec, "codec");

    [UnmanagedCallersOnly(EntryPoint = "tfic_codec_close", CallConvs = [typeof(CallConvCdecl)])]
    public static void CodecClose(nint codec) => Handles.Remove<Codec>(codec);

    [UnmanagedCallersOnly(EntryPoint = "tfic_recogniser_open", CallConvs = [typeof(CallConvCdecl)])]
    public static Status RecogniserOpen(byte* name, int threads, nint* recogniser) =>
        Open(&OpenShippedRecogniser, name, 0, &MakeRecogniser, threads, recogniser, "recogniser");

    [UnmanagedCallersOnly(EntryPoint = "tfic_recogniser_open_file", CallConvs = [typeof(CallConvCdecl)])]
    public static Status RecogniserOpenFile(byte* path, int threads, nint* recogniser) =>
        Open(&OpenFile, path, 0, &MakeRecogniser, threads, recogniser, "recogniser");

    [UnmanagedCallersOnly(EntryPoint = "tfic_recogniser_open_memory", CallConvs = [typeof(CallConvCdecl)])]
    public static Status RecogniserOpenMemory(byte* data, nuint size, int threads, nint* recogniser) =>
        Open(&OpenMemory, data, size, &MakeRecogniser, threads, recogniser, "recogniser");

    [UnmanagedCallersOnly(EntryPoint = "tfic_recogniser_close", CallConvs = [typeof(CallConvCdecl)])]
    public static void RecogniserClose(nint recogniser) => Handles.Remove<Recogniser>(recogniser);

    [UnmanagedCallersOnly(EntryPoint = "tfic_detector_open", CallConvs = [typeof(CallConvCdecl)])]
    public static Status DetectorOpen(byte* name, int threads, nint* detector) =>
        Open(&OpenShippedDetector, name, 0, &MakeDetector, threads, detector, "detector");

    [UnmanagedCallersOnly(EntryPoint = "tfic_detector_open_file", CallConvs = [typeof(CallConvCdecl)])]
    public static Status DetectorOpenFile(byte* path, int threads, nint* detector) =>
        Open(&OpenFile, path, 0, &MakeDetector, threads, detector, "detector");

    [UnmanagedCallersOnly(EntryPoint = "tfic_detector_open_memory", CallConvs = [typeof(CallConvCdecl)])]
    public static Status DetectorOpenMemory(byte* data, nuint size, int threads, nint* detector) =>
        Open(&OpenMemory, data, size, &MakeDetector, threads, detector, "detector");

    [UnmanagedCallersOnly(EntryPoint = "tfic_detector_close", CallConvs = [typeof(CallConvCdecl)])]
    public static void DetectorClose(nint detector) => Handles.Remove<Detector>(detector);

    [UnmanagedCallersOnly(EntryPoint = "tfic_restorer_open", CallConvs = [typeof(CallConvCdecl)])]
    public static Status RestorerOpen(byte* name, int threads, nint* restorer) =>
        Open(&OpenShippedRestorer, name, 0, &MakeRestorer, threads, restorer, "restorer");

    [UnmanagedCallersOnly(EntryPoint = "tfic_restorer_open_file", CallConvs = [typeof(CallConvCdecl)])]
    public static Status RestorerOpenFile(byte* path, int threads, nint* restorer) =>
        Open(&OpenFile, path, 0, &MakeRestorer, threads, restorer, "restorer");

    [UnmanagedCallersOnly(EntryPoint = "tfic_restorer_open_memory", CallConvs = [typeof(CallConvCdecl)])]
    public static Status RestorerOpenMemory(byte* data, nuint size, int threads, nint* restorer) =>
        Open(&OpenMemory, data, size, &MakeRestorer, threads, restorer, "restorer");

    [UnmanagedCallersOnly(EntryPoint = "tfic_restorer_close", CallConvs = [typeof(CallConvCdecl)])]
    public static void RestorerClose(nint restorer) => Handles.Remove<Restorer>(restorer);

    [UnmanagedCallersOnly(EntryPoint = "tfic_encode", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Encode(
        nint codec,
        byte* pixels,
        int width,
        int height,
        int channels,
        nuint stride,
        double quality,
        byte** file,
        nuint* size)
    {
        try
        {
            Clear(file, "file");
            Clear(size, "size");
            Codec open = Handles.Get<Codec>(codec, "codec");
            CheckQuality(quality);
            Picture picture = ToPicture(pixels, width, height, channels, stride);
            byte[] coded = open.Encoders.Lend(
                (picture, quality), static (encoder, work) => encoder.Encode(work.picture, work.quality));
            Give(coded, file, size);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "tfic_encode_layers", CallConvs = [typeof(CallConvCdecl)])]
    public static Status EncodeLayers(
        nint codec,
        nint base_codec,
        byte* pixels,
        int width,
        int height,
        int channels,
        nuint stride,
        double quality,
        double base_quality,
        byte** file,
        nuint* size)
    {
        try
        {
            Clear(file, "file");
            Clear(size, "size");
            Codec open = Handles.Get<Codec>(codec, "codec");
            Codec other = Handles.Get<Codec>(base_codec, "codec");
            CheckQuality(quality);
            CheckQuality(base_quality);
            Picture picture = ToPicture(pixels, width, height, channels, stride);
            byte[] coded = open.Encoders.Lend(
                (picture, quality, other, base_quality),
                static (encoder, work) => work.other.Encoders.Lend(
                    (encoder, work),
                    static (second, both) => both.encoder.Encode(
                        both.work.picture, both.work.quality, new BaseLayer(second, both.work.base_quality))));
            Give(coded, file, size);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "tfic_encode_to_size", CallConvs = [typeof(CallConvCdecl)])]
    public static Status EncodeToSize(
        nint codec,
        byte* pixels,
        int width,
        int height,
        int channels,
        nuint stride,
        nuint bytes,
        byte** file,
        nuint* size,
        double* quality)
    {
        try
        {
            Clear(file, "file");
            Clear(size, "size");
            if (quality is not null)
                *quality = 0;
            Codec open = Handles.Get<Codec>(codec, "codec");
            if (bytes < 1)
                throw Refused("A size of 0 bytes; it is 1 at least.");
            Picture picture = ToPicture(pixels, width, height, channels, stride);
            RateSearchResult result = open.Encoders.Lend(
                (picture, bytes: (long)Math.Min(bytes, int.MaxValue)),
                static (encoder, work) => encoder.EncodeToBytes(work.picture, work.bytes));
            Give(result.File, file, size);
            if (quality is not null)
                *quality = result.Quality;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "tfic_codec_limits", CallConvs = [typeof(CallConvCdecl)])]
    public static Status CodecLimits(nint codec, long max_pixels, int max_bytes)
    {
        try
        {
            Codec open = Handles.Get<Codec>(codec, "codec");
            if (max_pixels < 1 || max_bytes < 1)
                throw Refused($"Limits of {max_pixels} pixels and {max_bytes} bytes; both are 1 at least.");
            open.SetLimits(new TficLimits { MaxPixels = max_pixels, MaxBytes = max_bytes });
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "tfic_info", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Info(byte* file, nuint size, int* width, int* height, int* channels)
    {
        try
        {
            Clear(width, "width");
            Clear(height, "height");
            Clear(channels, "channels");
            TficContainer container = TficContainer.Read(Bytes(file, size, "file").ToArray());
            *width = container.Width;
            *height = container.Height;
            *channels = container.IsGrey ? 1 : 3;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "tfic_decode", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Decode(
        nint codec, byte* file, nuint size, byte** pixels, int* width, int* height, int* channels) =>
        DecodeAny(codec, file, size, 0, pixels, width, height, channels);

    [UnmanagedCallersOnly(EntryPoint = "tfic_decode_layer", CallConvs = [typeof(CallConvCdecl)])]
    public static Status DecodeLayer(
        nint codec, byte* file, nuint size, int layer, byte** pixels, int* width, int* height, int* channels) =>
        DecodeAny(codec, file, size, layer, pixels, width, height, channels);

    private static Status DecodeAny(
        nint codec, byte* file, nuint size, int layer, byte** pixels, int* width, int* height, int* channels)
    {
        try
        {
            Clear(pixels, "pixels");
            Clear(width, "width");
            Clear(height, "height");
            Clear(channels, "channels");
            Codec open = Handles.Get<Codec>(codec, "codec");
            LayerKind? kind = layer switch
            {
                0 => null,
                1 => LayerKind.Text,
                2 => LayerKind.Base,
                _ => throw Refused($"A layer {layer}; it is 0 (any), 1 (text) or 2 (base)."),
            };
            Picture picture = open.Decoders.Lend(
                new Request(Bytes(file, size, "file"), kind),
                static (decoder, request) => decoder.Decode(request.File, request.Kind));
            *pixels = CMemory.Allocate(picture.Samples);
            *width = picture.Width;
            *height = picture.Height;
            *channels = picture.Channels;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "tfic_read_line", CallConvs = [typeof(CallConvCdecl)])]
    public static Status ReadLine(
        nint recogniser,
        byte* pixels,
        int width,
        int height,
        int channels,
        nuint stride,
        byte** text,
        double* confidence)
    {
        try
        {
            Clear(text, "text");
            if (confidence is not null)
                *confidence = 0;
            Recogniser open = Handles.Get<Recogniser>(recogniser, "recogniser");
            Picture picture = ToPicture(pixels, width, height, channels, stride);
            ReadLine line = open.Readers.Lend(picture, static (reader, picture) => reader.Read(picture));
            *text = CMemory.Allocate(line.Text);
            if (confidence is not null)
                *confidence = line.Confidence;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "tfic_read_page", CallConvs = [typeof(CallConvCdecl)])]
    public static Status ReadPage(
        nint detector,
        nint recogniser,
        byte* pixels,
        int width,
        int height,
        int channels,
        nuint stride,
        byte** text,
        Word** words,
        nuint* count)
    {
        try
        {
            Clear(text, "text");
            if (words is not null)
                *words = null;
            if (count is not null)
                *count = 0;
            if ((words is null) != (count is null))
                throw Refused("'words' and 'count' go together: give both, or NULL for both.");
            Detector finder = Handles.Get<Detector>(detector, "detector");
            Recogniser reader = Handles.Get<Recogniser>(recogniser, "recogniser");
            Picture picture = ToPicture(pixels, width, height, channels, stride);
            PageText page = finder.Readers(reader).Lend(picture, static (reader, picture) => reader.Read(picture));
            Word* found = words is null ? null : Word.Allocate(page, out *count);
            try
            {
                *text = CMemory.Allocate(page.Text);
            }
            catch
            {
                NativeMemory.Free(found);
                if (count is not null)
                    *count = 0;
                throw;
            }

            if (words is not null)
                *words = found;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "tfic_restore", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Restore(
        nint restorer,
        nint word_restorer,
        nint detector,
        byte* pixels,
        int width,
        int height,
        int channels,
        nuint stride,
        byte** restored)
    {
        try
        {
            Clear(restored, "restored");
            Restorer first = Handles.Get<Restorer>(restorer, "restorer");
            Picture picture = ToPicture(pixels, width, height, channels, stride);
            Picture page;
            if (word_restorer == 0)
            {
                page = first.Pages().Lend(picture, static (restorer, picture) => restorer.Clean(picture));
            }
            else
            {
                Restorer second = Handles.Get<Restorer>(word_restorer, "restorer");
                page = first.Pages(second, Handles.Get<Detector>(detector, "detector")).Lend(
                    picture, static (restorer, picture) => restorer.Restore(picture).Picture);
            }

            *restored = CMemory.Allocate(page.Samples);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    /// <summary>Opens a model and gives what is made of it a handle.</summary>
    /// <remarks>Function pointers, for a delegate is memory, and asking for some may fail out here.</remarks>
    private static Status Open(
        delegate*<byte*, nuint, Stream> open,
        byte* source,
        nuint size,
        delegate*<Stream, int, object> make,
        int threads,
        nint* handle,
        string name)
    {
        try
        {
            Clear(handle, name);
            int count = Threads(threads);
            using Stream model = open(source, size);
            *handle = Handles.Add(make(model, count));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    private static object MakeCodec(Stream model, int threads) => new Codec(CodecModel.Load(model), threads);

    private static object MakeRecogniser(Stream model, int threads) =>
        new Recogniser(RecogniserModel.Load(model), threads);

    private static object MakeDetector(Stream model, int threads) => new Detector(DetectorModel.Load(model), threads);

    private static object MakeRestorer(Stream model, int threads) => new Restorer(RestorerModel.Load(model), threads);

    private static void Give(byte[] coded, byte** file, nuint* size)
    {
        *file = CMemory.Allocate(coded);
        *size = (nuint)coded.Length;
    }

    private static void CheckQuality(double quality)
    {
        if (!(quality >= 1 && quality <= IntegerPrior.QualityLevels))
            throw Refused($"A quality of {quality}; it is 1 to {IntegerPrior.QualityLevels}.");
    }

    private static RefusedException Refused(string message) => new(Status.InvalidArgument, message);

    private static void Clear<T>(T* output, string name)
        where T : unmanaged
    {
        if (output is null)
            throw Refused($"'{name}' is NULL.");
        *output = default;
    }

    private static void Clear(byte** output, string name) => Clear((nint*)output, name);

    /// <summary>0 means one for each processor; more than that help nobody.</summary>
    private static int Threads(int threads) => threads switch
    {
        < 0 => throw Refused($"{threads} threads; give 1 or more, or 0 for one on each processor."),
        0 => Environment.ProcessorCount,
        _ => Math.Min(threads, Environment.ProcessorCount),
    };

    /// <summary>A file, and which layer of it is wanted; null for any.</summary>
    private readonly ref struct Request(ReadOnlySpan<byte> file, LayerKind? kind)
    {
        public readonly ReadOnlySpan<byte> File = file;
        public readonly LayerKind? Kind = kind;
    }

    private static Stream OpenShippedCodec(byte* name, nuint _) => OpenShipped(name, ShippedModels.Compact);

    private static Stream OpenShippedRecogniser(byte* name, nuint _) =>
        OpenShipped(name, ShippedModels.RecogniserCompact);

    private static Stream OpenShippedDetector(byte* name, nuint _) => OpenShipped(name, ShippedModels.DetectorCompact);

    private static Stream OpenShippedRestorer(byte* name, nuint _) => OpenShipped(name, ShippedModels.RestorerD1);

    private static Stream OpenMemory(byte* data, nuint size)
    {
        _ = Bytes(data, size, "data");
        return new UnmanagedMemoryStream(data, (long)size);
    }

    private static Stream OpenShipped(byte* name, string byDefault)
    {
        string wanted = name is null ? byDefault : Marshal.PtrToStringUTF8((nint)name) ?? "";
        if (!ShippedModels.Names.Contains(wanted))
        {
            string names = string.Join(", ", ShippedModels.Names);
            throw new RefusedException(
                Status.UnknownModel, $"No model called '{wanted}' ships with this library. It has: {names}.");
        }

        return ShippedModels.Open(wanted);
    }

    private static Stream OpenFile(byte* path, nuint _)
    {
        if (path is null)
            throw Refused("'path' is NULL.");
        string text = Marshal.PtrToStringUTF8((nint)path) ?? "";
        if (text.Length == 0)
            throw Refused("'path' is empty.");
        return new FileStream(text, FileMode.Open, FileAccess.Read);
    }

    private static ReadOnlySpan<byte> Bytes(byte* bytes, nuint size, string name)
    {
        if (bytes is null)
            throw Refused($"'{name}' is NULL.");
        if (size > (nuint)Array.MaxLength)
            throw Refused($"'{name}' has {size} bytes, {Array.MaxLength} are the most.");
        return new ReadOnlySpan<byte>(bytes, (int)size);
    }

    /// <summary>Copies the caller's rows together.</summary>
    private static Picture ToPicture(byte* pixels, int width, int height, int channels, nuint stride)
    {
        if (pixels is null)
            throw Refused("'pixels' is NULL.");
        if (width < 1 || height < 1)
            throw Refused($"A picture of {width} × {height} pixels; both are at least 1.");
        if (channels is not (1 or 3))
            throw Refused($"{channels} channels; there are 1 (grey) or 3 (red, green, blue).");
        if (width > TficContainer.MaxSide || height > TficContainer.MaxSide)
            throw Refused($"A picture of {width} × {height} pixels; a side has {TficContainer.MaxSide} at most.");
        if ((long)width * height > PictureLimits.Default.MaxPixels)
            throw Refused($"A picture of {width} × {height} pixels; {PictureLimits.Default.MaxPixels} are the most.");

        int row = width * channels;
        if (stride < (nuint)row)
            throw Refused($"A stride of {stride} bytes; a row of {width} pixels has {row}.");
        if (stride > (nuint)nint.MaxValue / (nuint)height)
            throw Refused($"{height} rows of {stride} bytes do not fit in memory.");

        byte[] samples = GC.AllocateUninitializedArray<byte>(row * height);
        for (int y = 0; y < height; y++)
            new ReadOnlySpan<byte>(pixels + ((nuint)y * stride), row).CopyTo(samples.AsSpan(y * row, row));
        return new Picture(width, height, channels, samples);
    }
}
