using BenchmarkDotNet.Attributes;
using Tfic.Jpeg;
using Tfic.Kernels.Dct;

namespace Tfic.Benchmarks;

/// <summary>
/// Every row of JPEG's transform with quantisation, and back, on a plane of 2048 × 2048 samples of a photograph.
/// </summary>
/// <remarks>
/// A sample is one byte and a level two, of which a transform reads one and writes the other: as much as copying one and
/// a half bytes a sample.
/// </remarks>
public class JpegDctBenchmark
{
    private const int Size = 2048;
    private const long Copied = (long)Size * Size * 3 / 2;

    private readonly byte[] _samples = BenchmarkPictures.Draw("photo", Size, Size, 1).Samples;
    private readonly short[] _levels = new short[Size * Size];
    private readonly byte[] _decoded = new byte[Size * Size];
    private readonly JpegQuantiser _quantiser = new(JpegQuantisation.Luma(75));
    private JpegDct.ForwardKernel _forward = null!;
    private JpegDct.InverseKernel _inverse = null!;

    /// <summary>The row under test.</summary>
    [ParamsSource(nameof(Rows))]
    public string Row { get; set; } = null!;

    /// <summary>What this machine can run.</summary>
    public static IEnumerable<string> Rows => JpegDct.ForwardTable.Supported.Select(row => row.Name);

    [GlobalSetup]
    public void Setup()
    {
        _forward = JpegDct.ForwardTable.Row(Row).Kernel;
        _inverse = JpegDct.InverseTable.Row(Row).Kernel;
        Forward();
    }

    [Benchmark]
    [Work(0, CopiedBytes = Copied)]
    public void Forward()
    {
        for (int start = 0; start < _levels.Length; start += 8 * Size)
            _forward(_samples.AsSpan(start, 8 * Size), Size, _quantiser, _levels.AsSpan(start, 8 * Size));
    }

    [Benchmark]
    [Work(0, CopiedBytes = Copied)]
    public void Inverse()
    {
        for (int start = 0; start < _levels.Length; start += 8 * Size)
            _inverse(_levels.AsSpan(start, 8 * Size), _quantiser, _decoded.AsSpan(start, 8 * Size), Size);
    }
}
