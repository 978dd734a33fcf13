using Tfic.Imaging;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Synthesis;
using Tfic.Training.Data;
using Tfic.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Tests;

/// <summary>
/// The shipped weights in the TorchSharp networks and on the core's kernels: float rows stay within 1e-4 of the
/// output's range, which is what two orders of float32 summation may differ by.
/// </summary>
public sealed class ShippedModelTests : TorchTests
{
    private const float Tolerance = 1e-4f;

    public static TheoryData<string> Codecs => [ShippedModels.Compact, ShippedModels.CompactMse];

    [SkippableTheory]
    [InlineData(256)]
    [InlineData(388)]
    public void TheRecogniserGivesTheSameLogits(int width)
    {
        using DisposeScope scope = NewDisposeScope();
        CompactRecogniserNetwork network = RecogniserExport.Read(Open(ShippedModels.RecogniserCompact));
        var input = new float[32 * width];
        LineInput.Normalise(Gradient(width, 48), width, input);

        float[] expected = network.call(tensor(input, [1, 1, 32, width])).contiguous().data<float>().ToArray();
        var model = (CompactRecogniser)RecogniserModel.Load(ShippedModels.Open(ShippedModels.RecogniserCompact));
        ReadOnlySpan<float> actual = model.Logits(input, width, new Workspace());
        AssertClose(expected, actual);
    }

    [SkippableFact]
    public void TheDetectorGivesTheSameScores()
    {
        using Stream stream = ShippedModels.Open(ShippedModels.DetectorCompact);
        using var file = new MemoryStream();
        stream.CopyTo(file);
        AssertSameScores(file.ToArray(), 136, 96);
    }

    [SkippableTheory]
    [MemberData(nameof(Codecs))]
    public void TheAnalysisTransformsGiveTheSameLatents(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        const int Width = 192, Height = 128;
        SafetensorsFile file = Open(name);
        CompactCodecNetwork network = CodecExport.ReadTransforms(file);
        Picture picture = Gradient(Width, Height);
        Tensor x = tensor(Planes(picture), [1, 3, Height, Width]);
        Tensor quality = tensor(new[] { 3.5f });

        var codec = new CompactCodec(file);
        var workspace = new Workspace();
        var y = new float[CompactCodecNetwork.LatentChannels * Width * Height / 256];
        codec.Analysis(picture, workspace, y, narrow: false);
        AssertClose(NHWC(network.GA.call(x)), y);

        var gain = new float[CompactCodecNetwork.LatentChannels];
        codec.Gain(3.5, gain);
        AssertClose(network.Gain(quality).flatten().contiguous().data<float>().ToArray(), gain);
        CompactCodec.Scale(y, gain);
        var z = new float[CompactCodecNetwork.HyperChannels * Width * Height / 4096];
        codec.HyperAnalysis(y, Width / 16, Height / 16, workspace, z);
        AssertClose(NHWC(network.Hyper(x, quality)), z);
    }

    [SkippableTheory]
    [MemberData(nameof(Codecs))]
    public void TheSynthesisTransformGivesTheSamePicture(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        const int Width = 128, Height = 64;
        SafetensorsFile file = Open(name);
        CompactCodecNetwork network = CodecExport.ReadTransforms(file);
        random.manual_seed(2);
        Tensor y = randn(1, CompactCodecNetwork.LatentChannels, Height / 16, Width / 16) * 0.5;
        float[] expected = NHWC(network.GS.call(y).clamp(0, 1) * 255);

        Picture actual = new CompactCodec(file).Synthesis(NHWC(y), Width, Height, new Workspace());
        for (int i = 0; i < expected.Length; i++)
            Assert.InRange(actual.Samples[i], expected[i] - 0.5 - 255 * Tolerance, expected[i] + 0.5 + 255 * Tolerance);
    }

    /// <summary>
    /// Training can go on from what ships: the floats made of its integers cost about what the integers cost. Only
    /// rounding lies between them, of the kind that an export adds.
    /// </summary>
    [SkippableTheory]
    [MemberData(nameof(Codecs))]
    public void AnExportedPriorComesBackAsFloats(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        FontSet fonts = FontSet.Installed();
        Skip.If(fonts.Fonts.IsEmpty, "No font is installed.");
        SafetensorsFile file = Open(name);
        CompactCodecNetwork network = CodecExport.Read(file);
        Assert.False(network.training);
        var samples = new CodecSamples(LineOptions.Default, fonts, WordList.From(["alpha", "beta", "Gamma", "delta"]), 1);
        IReadOnlyList<PriorCost> costs = PriorCost.Measure(
            network, IntegerPrior.Read(file),
            Enumerable.Range(0, 3).Select(n => tensor(
                Planes(samples.Line(n).Picture), [1, 3, CodecSamples.Height, CodecSamples.Width])));
        foreach (PriorCost cost in costs)
        {
            // At quality 1 three pictures have a hundred and forty bytes: one symbol's index off by a table shows.
            double tolerance = cost.Quality < 3 ? 0.03 : 0.01;
            Assert.InRange(cost.FloatWithTables / cost.Integer, 1 - tolerance, 1 + tolerance);
            Assert.InRange(cost.Float / cost.Integer, 1 - tolerance, 1 + tolerance);

            // The context counts for more than that, so the test would see it missing.
            Assert.True(cost.ContextSaving > 0.3);
        }
    }

    /// <summary>A detector's scores in both worlds; the sizes are multiples of 8.</summary>
    internal static void AssertSameScores(byte[] file, int width, int height)
    {
        using DisposeScope scope = NewDisposeScope();
        Picture picture = Gradient(width, height);
        var grey = new float[width * height];
        PictureConversion.ToGrey(picture, grey);
        for (int i = 0; i < grey.Length; i++)
            grey[i] /= 255f;
        float[] expected = DetectorExport.Read(SafetensorsFile.Read(file)).call(tensor(grey, [1, 1, height, width]))
            .contiguous().data<float>().ToArray();

        var actual = new float[expected.Length];
        DetectorModel.Load(file).Score(
            grey, width, height, new Workspace(), actual.AsSpan(0, actual.Length / 2), actual.AsSpan(actual.Length / 2));
        AssertClose(expected, actual);
    }

    private static SafetensorsFile Open(string name)
    {
        using Stream stream = ShippedModels.Open(name);
        return SafetensorsFile.Read(stream);
    }

    /// <summary>A picture with edges at every distance and in every channel.</summary>
    private static Picture Gradient(int width, int height)
    {
        var picture = new Picture(width, height, 3);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                for (int c = 0; c < 3; c++)
                    picture.Samples[(y * width + x) * 3 + c] = (byte)((x * (c + 1) ^ y * 3) * 7 >> 1);
            }
        }

        return picture;
    }

    private static float[] Planes(Picture picture)
    {
        var planes = new float[picture.Samples.Length];
        int pixels = (int)picture.PixelCount;
        for (int i = 0; i < planes.Length; i++)
            planes[i % 3 * pixels + i / 3] = picture.Samples[i] / 255f;
        return planes;
    }

    private static float[] NHWC(Tensor nchw) => nchw.permute(0, 2, 3, 1).contiguous().data<float>().ToArray();

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        float largest = 0, error = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected[i]));
            error = Math.Max(error, Math.Abs(expected[i] - actual[i]));
        }

        Assert.True(largest > 0);
        Assert.True(error <= Tolerance * largest, $"Off by {error}, range {largest}.");
    }
}
