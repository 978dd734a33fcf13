using Tfic.Imaging;
using Tfic.Training.Data;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Tests;

public sealed class NetworkTests : TorchTests
{
    public NetworkTests() => random.manual_seed(1);

    [SkippableTheory]
    [InlineData(256, 64)]
    [InlineData(320, 80)]
    [InlineData(4, 1)]
    public void RecogniserGivesOneFrameForFourColumns(int width, int frames)
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new CompactRecogniserNetwork();
        network.eval();
        Tensor logits = network.call(randn(2, 1, 32, width));
        Assert.Equal([2, frames, Charset.ClassCount], logits.shape);
    }

    [SkippableFact]
    public void RecogniserStaysWithinItsSize()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new CompactRecogniserNetwork();

        // Weights of the ten convolutions and of the head with its bias, and two factors a normalised channel.
        const long Weights = 9 * (32 + 32 * 64 + 64 * 96 + 96 * 96 + 96 * 160 + 160 * 192)
            + 2 * 192 * 192 + 3 * 7 * 192 * 192 + 192 * 96 + 96;
        const long Normalisation = 2 * (32 + 64 + 96 + 96 + 160 + 5 * 192);
        Assert.Equal(Weights + Normalisation, network.parameters().Sum(p => p.numel()));
    }

    [SkippableFact]
    public void FoldedNormalisationDoesTheSame()
    {
        using DisposeScope scope = NewDisposeScope();
        var layer = new NormalisedConvolution(3, 5, (3, 3));
        for (int i = 0; i < 20; i++)
            layer.call(randn(4, 3, 8, 8) * 2 + 1);
        layer.eval();
        Tensor x = randn(2, 3, 8, 8);
        (Tensor weight, Tensor bias) = layer.Fold();

        Tensor folded = nn.functional.conv2d(x, weight, bias, [1, 1], [1, 1]);
        Assert.True(allclose(layer.call(x), folded, 1e-4, 1e-5));

        var copy = new NormalisedConvolution(3, 5, (3, 3));
        copy.LoadFolded(weight, bias);
        copy.eval();
        Assert.True(allclose(layer.call(x), copy.call(x), 1e-4, 1e-5));
    }

    [SkippableTheory]
    [InlineData(64, 64)]
    [InlineData(128, 192)]
    public void CodecKeepsTheSizeAndCountsBitsPerPicture(int height, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new CompactCodecNetwork();
        CompactCodecNetwork.Pass pass = network.Train(rand(3, 3, height, width), tensor(new[] { 1f, 4.5f, 8f }));
        Assert.Equal([3, 3, height, width], pass.Reconstruction.shape);
        Assert.Equal([3], pass.LatentBits.shape);
        Assert.Equal([3], pass.HyperBits.shape);
        Assert.True(pass.LatentBits.min().item<float>() > 0);
        Assert.True(pass.HyperBits.min().item<float>() > 0);
    }

    [SkippableFact]
    public void TheCodecStaysWithinItsMultipliesPerPixel()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new CompactCodecNetwork();

        // Each weight is used once for every output position: 1/s² of the pixels for outputs at 1/s of the size.
        double PerPixel(string prefix, Func<string, int> strideOf) => network.named_parameters()
            .Where(p => p.name.StartsWith(prefix, StringComparison.Ordinal)
                && p.name.EndsWith(".weight", StringComparison.Ordinal))
            .Sum(p => (double)p.parameter.numel() / Math.Pow(strideOf(p.name[prefix.Length..^".weight".Length]), 2));

        double encoder = PerPixel("g_a.", name => name switch { "conv0" => 4, "conv1" => 8, _ => 16 })
            + PerPixel("h_a.", name => name == "conv0" ? 32 : 64);
        double decoder = PerPixel("h_s.", name => name switch { "conv0" => 64, "conv1" => 32, _ => 16 })
            + PerPixel("g_s.", name => name switch
            {
                "res2.conv0" or "res2.conv1" or "conv2" => 8,
                "conv3" => 4,
                _ => 16,
            });
        Assert.InRange(encoder, 1000, 2000);
        Assert.InRange(decoder, 1000, 10_000);
    }

    [SkippableFact]
    public void EveryCodecParameterGetsAGradient()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new CompactCodecNetwork();
        CompactCodecNetwork.Pass pass = network.Train(rand(2, 3, 64, 64), tensor(new[] { 2.5f, 6.25f }));
        (pass.Reconstruction.square().mean() + pass.LatentBits.mean() + pass.HyperBits.mean()).backward();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in network.named_parameters())
        {
            Assert.True(parameter.grad is not null, name);
            Assert.True(parameter.grad!.isfinite().all().item<bool>(), name);
        }
    }

    /// <summary>Training of the rate alone leaves the latents as they are.</summary>
    [SkippableFact]
    public void TheRateAloneMovesNoTransform()
    {
        using DisposeScope scope = NewDisposeScope();
        var network = new CompactCodecNetwork();
        (Tensor latentBits, Tensor hyperBits) = network.TrainRate(rand(2, 3, 64, 64), tensor(new[] { 2.5f, 6.25f }));
        Assert.Equal([2L], latentBits.shape);
        Assert.Equal([2L], hyperBits.shape);
        (latentBits.mean() + hyperBits.mean()).backward();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in network.RateParameters())
            Assert.True(parameter.grad is not null && parameter.grad.isfinite().all().item<bool>(), name);
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in network.TransformParameters())
            Assert.True(parameter.grad is null, name);
        Assert.Equal(
            network.named_parameters().Count(),
            network.RateParameters().Count() + network.TransformParameters().Count());
    }

    [SkippableFact]
    public void TablesAreInterpolatedBetweenQualities()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor table = arange(8, ScalarType.Float32).view(8, 1) * 10;
        Tensor at = CompactCodecNetwork.AtQuality(table, tensor(new[] { 1f, 1.5f, 4.25f, 8f }));
        Assert.Equal([0f, 5f, 32.5f, 70f], at.flatten().data<float>().ToArray());
    }

    [SkippableFact]
    public void HyperPriorIsADistribution()
    {
        using DisposeScope scope = NewDisposeScope();
        var bottleneck = new EntropyBottleneck(4);
        Tensor mass = bottleneck.Probabilities(-300, 300);
        Assert.True(mass.min().item<float>() >= 0);
        foreach (float sum in mass.sum(1).data<float>().ToArray())
            Assert.InRange(sum, 0.999f, 1.001f);
    }

    [SkippableFact]
    public void HyperPriorBitsAreTheMassOfIntegers()
    {
        using DisposeScope scope = NewDisposeScope();
        var bottleneck = new EntropyBottleneck(2);
        Tensor z = tensor(new[] { -3f, 0f, 1f, 7f }).view(1, 1, 2, 2).expand(1, 2, 2, 2);
        float[] bits = bottleneck.call(z).contiguous().data<float>().ToArray();
        float[] mass = bottleneck.Probabilities(-3, 7).contiguous().data<float>().ToArray();
        Assert.Equal(-Math.Log2(mass[0]), bits[0], 3);
        Assert.Equal(-Math.Log2(mass[3]), bits[1], 3);
        Assert.Equal(-Math.Log2(mass[11 + 10]), bits[7], 3);
    }

    [SkippableTheory]
    [InlineData(0.11)]
    [InlineData(1.0)]
    [InlineData(40.0)]
    public void GaussianBitsAreTheIntegralOverTheBin(double scale)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (int symbol in (int[])[0, 1, -2, 5])
        {
            // Simpson's rule on the density over [s − ½, s + ½].
            const int Intervals = 2000;
            double sum = 0;
            for (int i = 0; i <= Intervals; i++)
            {
                double x = (symbol - 0.5 + (double)i / Intervals) / scale;
                double density = Math.Exp(-0.5 * x * x) / (scale * Math.Sqrt(2 * Math.PI));
                sum += density * (i is 0 or Intervals ? 1 : i % 2 == 1 ? 4 : 2);
            }

            double expected = -Math.Log2(Math.Max(1e-9, sum / (3 * Intervals)));
            float bits = GaussianConditional.Bits(
                tensor((float)symbol), tensor((float)scale)).item<float>();
            Assert.InRange(bits, expected - 0.01, expected + 0.01);
        }
    }

    [SkippableFact]
    public void ScaleTableHasThePublishedEnds()
    {
        using DisposeScope scope = NewDisposeScope();
        float[] scales = GaussianConditional.Scale(tensor(new[] { -5f, 0f, 63f, 99f })).data<float>().ToArray();
        Assert.Equal(0.11, scales[0], 5);
        Assert.Equal(0.11, scales[1], 5);
        Assert.Equal(256, scales[2], 1);
        Assert.Equal(256, scales[3], 1);
    }

    [SkippableFact]
    public void TheLineInputOfTheGraphIsTheLineInputOfTheReader()
    {
        using DisposeScope scope = NewDisposeScope();
        var generator = new Random(3);
        var picture = new Picture(512, 256, 3);
        generator.NextBytes(picture.Samples);
        var planes = new float[3 * 512 * 256];
        for (int i = 0; i < 512 * 256; i++)
        {
            for (int c = 0; c < 3; c++)
                planes[c * 512 * 256 + i] = picture.Samples[3 * i + c] / 255f;
        }

        var expected = new float[32 * 256];
        LineInput.Normalise(picture, 256, expected);
        float[] actual = LineInput.Normalise(tensor(planes, [1, 3, 256, 512])).contiguous().data<float>().ToArray();
        for (int i = 0; i < actual.Length; i++)
            Assert.InRange(actual[i], expected[i] - 1e-5f, expected[i] + 1e-5f);
    }

    [SkippableFact]
    public void CharactersAndClassesAgree()
    {
        Assert.Equal(95, Charset.Characters.Length);
        for (int i = 0; i < Charset.Characters.Length; i++)
            Assert.Equal(i + 1, Charset.ClassOf(Charset.Characters[i]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Charset.ClassOf('é'));
        int a = Charset.ClassOf('a'), b = Charset.ClassOf('b');
        Assert.Equal("aab", Charset.Collapse([0, a, a, 0, a, b, b, 0]));
    }
}
