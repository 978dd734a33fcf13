using BenchmarkDotNet.Attributes;
using Tfic.Kernels;
using Tfic.Kernels.IntegerConvolution;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Benchmarks;

/// <summary>
/// The integer prior of one picture of 512×256 pixels, on every row of the integer convolution: h_s for all positions,
/// the context model for half of them, and a layer's whole way to symbols and back, with the context and without.
/// The time does not depend on what the weights are, so they are random.
/// </summary>
public class PriorBenchmark
{
    private const int Width = 512, Height = 256, Channels = 96, HyperChannels = 32;
    private const int Quality = 100;

    private readonly LatentGrid _grid = new(Width, Height);
    private readonly IntegerPriorWorkspace _workspace = new();
    private readonly LatentCoding _coding = new();
    private readonly SymbolEncoder _encoder = new();
    private readonly SymbolDecoder _decoder = new();
    private readonly float[] _hyper = new float[Height / 64 * (Width / 64) * HyperChannels];
    private readonly int[] _hyperSymbols = new int[Height / 64 * (Width / 64) * HyperChannels];
    private readonly float[] _latents = new float[Height / 16 * (Width / 16) * Channels];
    private readonly int[] _means = new int[Height / 16 * (Width / 16) * Channels];
    private readonly byte[] _scales = new byte[Height / 16 * (Width / 16) * Channels];
    private IntegerPrior _prior = null!;
    private IntegerPrior _withoutContext = null!;
    private byte[] _stream = [];
    private byte[] _streamWithoutContext = [];

    /// <summary>The row under test.</summary>
    [ParamsSource(nameof(Rows))]
    public string Row { get; set; } = null!;

    /// <summary>What this machine can run.</summary>
    public static IEnumerable<string> Rows => IntegerConvolution.Table.Supported.Select(row => row.Name);

    [GlobalSetup]
    public void Setup()
    {
        VariantChoice.Current = VariantChoice.Parse($"{IntegerConvolution.Table.Kernel}={Row}");
        var random = new Random(1);
        _prior = MakePrior(random);
        _withoutContext = _prior.WithoutContext();
        for (int i = 0; i < _hyper.Length; i++)
            _hyper[i] = _hyperSymbols[i] = random.Next(-3, 4);
        foreach (ref float value in _latents.AsSpan())
            value = (random.NextSingle() + random.NextSingle() - 1) * 2;
        _prior.Evaluate(
            _hyperSymbols, _grid.HyperRows, _grid.HyperColumns, Quality, _workspace, _means, _scales);
        Encode();
        _stream = _encoder.Finish(CodingMode.Interleaved).ToArray();
        EncodeWithoutContext();
        _streamWithoutContext = _encoder.Finish(CodingMode.Interleaved).ToArray();
    }

    [Benchmark]
    public void FirstPass() => _prior.Evaluate(
        _hyperSymbols, _grid.HyperRows, _grid.HyperColumns, Quality, _workspace, _means, _scales);

    /// <summary>Again and again on the same means, which drift; the time is the same.</summary>
    [Benchmark]
    public void SecondPass() =>
        _prior.EvaluateOthers(_grid.CodedRows, _grid.CodedColumns, _workspace, _means, _scales);

    [Benchmark]
    public void Encode()
    {
        _encoder.Clear();
        _coding.Encode(_prior, _grid, Quality, _hyper, _latents, _encoder);
    }

    [Benchmark]
    public void EncodeWithoutContext()
    {
        _encoder.Clear();
        _coding.Encode(_withoutContext, _grid, Quality, _hyper, _latents, _encoder);
    }

    [Benchmark]
    public void Decode()
    {
        _decoder.Start(_stream, CodingMode.Interleaved);
        _coding.Decode(_prior, _grid, Quality, _decoder, 0);
    }

    [Benchmark]
    public void DecodeWithoutContext()
    {
        _decoder.Start(_streamWithoutContext, CodingMode.Interleaved);
        _coding.Decode(_withoutContext, _grid, Quality, _decoder, 0);
    }

    private static IntegerPrior MakePrior(Random random)
    {
        ConvolutionWeights Layer(int outputs, int inputs, int k)
        {
            float range = MathF.Sqrt(3f / (inputs * k * k));
            return new ConvolutionWeights(
                outputs,
                inputs,
                k,
                [.. Enumerable.Range(0, outputs * inputs * k * k).Select(_ => range * ((2 * random.NextSingle()) - 1))],
                new float[outputs]);
        }

        var weights = new HyperSynthesisWeights(
            Layer(256, HyperChannels, 3),
            Layer(256, 64, 3),
            Layer(2 * Channels, 64, 1),
            new ContextWeights(Layer(64, 4 * Channels, 1), Layer(64, 64, 1), Layer(2 * Channels, 64, 1)));

        // Scale indexes around 16: standard deviations around 0.8.
        Array.Fill(weights.Conv2.Bias, 16f, Channels, Channels);
        var hyper = new ChannelProbabilities(-4, [.. Enumerable.Repeat(1 / 9.0, 9)]);
        return IntegerPriorExport.Quantise(
            weights, [10, 10, 10], new float[8, Channels], [.. Enumerable.Repeat(hyper, HyperChannels)]);
    }
}
