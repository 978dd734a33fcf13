using BenchmarkDotNet.Attributes;
using Tfic.Kernels;
using Tfic.Kernels.Dct;

namespace Tfic.Benchmarks;

/// <summary>Every row of the 8×8 DCT on one plane of 512×256 samples.</summary>
public class BlockDctBenchmark
{
    private const int Width = 512, Height = 256;

    private readonly float[] _source = new float[Width * Height];
    private readonly float[] _target = new float[Width * Height];
    private BlockDct.TransformKernel _forward = null!;
    private BlockDct.TransformKernel _inverse = null!;

    /// <summary>The row under test.</summary>
    [ParamsSource(nameof(Rows))]
    public string Row { get; set; } = null!;

    /// <summary>What this machine can run.</summary>
    public static IEnumerable<string> Rows => BlockDct.ForwardTable.Supported.Select(row => row.Name);

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        foreach (ref float sample in _source.AsSpan())
            sample = random.NextSingle();
        _forward = BlockDct.ForwardTable.Row(Row).Kernel;
        _inverse = BlockDct.InverseTable.Row(Row).Kernel;
    }

    [Benchmark]
    public void Forward() => _forward(_source, Width, _target);

    [Benchmark]
    public void Inverse() => _inverse(_source, Width, _target);
}
