using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Filters;
using Tfic.Imaging;
using Tfic.Jpeg;

namespace Tfic.Benchmarks;

/// <summary>JPEG files of a page and of a photograph of 4 megapixels on one thread, beside libjpeg-turbo.</summary>
/// <remarks>
/// Both use the exact integer transform, the same quantiser tables and the same Huffman codes, and write into and read
/// into memory that is there. Colour is 4:2:0, enlarged by the triangle filter. Where libjpeg-turbo is not installed,
/// Tfic runs alone.
/// </remarks>
[OnlyInstalledPeers]
public abstract class JpegBenchmark
{
    /// <summary>Width and height.</summary>
    private protected const int Size = 2048;

    /// <summary>What is drawn, see <see cref="BenchmarkPictures"/>.</summary>
    [Params("page", "photo")]
    public string Picture { get; set; } = null!;

    [Params("grey", "4:2:0")]
    public string Colours { get; set; } = null!;

    [Params(1, 20, 75)]
    public int Quality { get; set; }

    private protected Picture Source { get; private set; } = null!;

    private protected TurboJpeg? Turbo { get; private set; }

    [GlobalSetup]
    public virtual void Setup()
    {
        Source = BenchmarkPictures.Draw(Picture, Size, Size, Colours == "grey" ? 1 : 3);
        if (TurboJpeg.IsAvailable)
            Turbo = new TurboJpeg(Size, Size);
    }

    [GlobalCleanup]
    public void Cleanup() => Turbo?.Dispose();

    /// <summary>The file that Tfic writes, over whatever the stream held.</summary>
    private protected void Write(MemoryStream stream)
    {
        stream.SetLength(0);
        JpegWriter.Write(stream, Source, Quality);
    }

    private sealed class OnlyInstalledPeersAttribute : Attribute, IConfigSource
    {
        public IConfig Config => ManualConfig.CreateEmpty().AddFilter(new SimpleFilter(benchmark =>
            benchmark.Descriptor.WorkloadMethod.Name != nameof(JpegEncodeBenchmark.LibjpegTurbo)
            || TurboJpeg.IsAvailable));
    }
}

/// <summary>From a picture to the bytes of a file, see <see cref="JpegBenchmark"/>.</summary>
public class JpegEncodeBenchmark : JpegBenchmark
{
    private readonly MemoryStream _stream = new(16 << 20);

    [Benchmark(Baseline = true)]
    public int LibjpegTurbo() => Turbo!.Encode(Source, Quality).Length;

    [Benchmark]
    public void Tfic() => Write(_stream);
}

/// <summary>From the bytes of a file to a picture, see <see cref="JpegBenchmark"/>.</summary>
public class JpegDecodeBenchmark : JpegBenchmark
{
    private byte[] _file = [];
    private Picture _target = null!;

    public override void Setup()
    {
        base.Setup();
        using var stream = new MemoryStream();
        Write(stream);
        _file = stream.ToArray();
        _target = new Picture(Size, Size, Source.Channels);
    }

    [Benchmark(Baseline = true)]
    public void LibjpegTurbo() => Turbo!.Decode(_file, _target);

    [Benchmark]
    public Picture Tfic() => JpegReader.Read(_file, limits: null, _target);
}
