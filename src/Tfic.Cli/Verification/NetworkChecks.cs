using Tfic.Cli.Demo;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Kernels;
using Tfic.Networks;
using Tfic.Networks.Recognition;
using Tfic.Networks.TinyLic;
using Tfic.Reading;

namespace Tfic.Cli.Verification;

/// <summary>
/// Whole models through one row after the other, each forced in every kernel that has it, against the reference rows:
/// the stream and the picture that comes back to the last bit, the text that is read, where words are found, and what is
/// restored. The published networks, of which no weights ship, take part with random ones in a small form.
/// </summary>
/// <param name="codec">The codec, and what to call it.</param>
/// <param name="recogniser">The recogniser, and what to call it.</param>
/// <param name="detector">The detector, and what to call it.</param>
/// <param name="restorers">Restorers, none or more.</param>
internal sealed class NetworkChecks(
    (string Name, CodecModel Model) codec,
    (string Name, RecogniserModel Model) recogniser,
    (string Name, DetectorModel Model) detector,
    IReadOnlyList<(string Name, RestorerModel Model)> restorers)
{
    private const double Quality = 3.3;

    /// <summary>Keeps g_a from running in fewer bits.</summary>
    private const string Float32 = "bfloat16-conv2d=reference;quantised-conv2d=reference";

    private static readonly TinyLicModel s_tinyLic = TinyLicModel.Drawn(seed: 1, headDepth: 2);
    private static readonly CraftDetector s_craft = CraftDetector.Drawn(seed: 2, width: 8);

    /// <summary>Small ones that have every kind of layer among them.</summary>
    private static readonly TextRecogniserModel[] s_published =
    [
        .. new TextRecogniserOptions[]
        {
            new(true, Features.ResNet, true, Prediction.Attention, 38),
            new(false, Features.Rcnn, true, Prediction.Ctc, 37),
            new(true, Features.Vgg, false, Prediction.Attention, 38),
        }.Select((options, i) => TextRecogniserModel.Random(options with { FeatureChannels = 32, HiddenSize = 20 }, i)),
    ];

    // A real line, and noise of a size that is no multiple of anything.
    private readonly Picture[] _pictures = [ShippedPictures.All[^1].Picture, Noise(37, 23)];

    /// <summary>Names of the rows that this machine can run in at least one kernel, without the reference.</summary>
    public static IReadOnlyList<string> RowNames { get; } =
    [
        .. KernelTables.All.SelectMany(table => table.Variants.Skip(1)).Where(row => row.IsSupported)
            .Select(row => row.Name).Distinct(),
    ];

    /// <summary>How many results there are.</summary>
    public int Count =>
        (7 + restorers.Count) * RowNames.Count + (CompactCodec.Narrow ? _pictures.Length : 0);

    /// <summary>Compares; results come as they are found. Rows are forced in the whole process meanwhile.</summary>
    public IEnumerable<RowCheck> Check()
    {
        Results expected = Forced("reference");
        foreach (string row in RowNames)
        {
            Results found = Forced(row);

            // These rows of a kernel have tolerance 0, and so has what is built of them.
            yield return Result($"encode {codec.Name}", row, expected.Streams, found.Streams);
            yield return Result($"decode {codec.Name}", row, expected.Samples, found.Samples);
            yield return Result($"read {recogniser.Name}", row, expected.Readings, found.Readings);
            yield return Result($"detect {detector.Name}", row, expected.Scores, found.Scores);
            yield return Result("code tinylic", row, expected.TinyLic, found.TinyLic);
            yield return Result("detect craft", row, expected.Craft, found.Craft);
            yield return Result("read published", row, expected.Published, found.Published);
            for (int i = 0; i < restorers.Count; i++)
                yield return Result($"restore {restorers[i].Name}", row, expected.Restored[i], found.Restored[i]);
        }

        if (RestorerModel.Narrow)
        {
            foreach ((string name, RestorerModel model) in restorers)
            {
                yield return new RowCheck(
                    $"restore {name}", "narrow", IsSupported: true, IsPicked: true, RelativeError(model), Tolerance: 0.05);
            }
        }

        // g_a in fewer bits is not the same: how far y may move is what its quality was measured with.
        if (CompactCodec.Narrow)
        {
            foreach (Picture picture in _pictures)
            {
                yield return new RowCheck(
                    $"g_a {codec.Name}", "narrow", IsSupported: true, IsPicked: true, RelativeError(picture), Tolerance: 0.02);
            }
        }
    }

    /// <summary>The same of what a restorer takes away.</summary>
    private double RelativeError(RestorerModel model)
    {
        double[] input = OfCorners((plane, _, _) => plane), exact = Restored(true), narrow = Restored(false);
        double[] Restored(bool inFloat32) => OfCorners((plane, width, height) =>
        {
            var output = new float[plane.Length];
            model.Restore(plane, width, height, new Workspace(), output, inFloat32);
            return output;
        });
        double noise = exact.Zip(narrow, (e, n) => (e - n) * (e - n)).Sum();
        return Math.Sqrt(noise / exact.Zip(input, (e, x) => (e - x) * (e - x)).Sum());
    }

    /// <summary>Root of the noise's power over the signal's.</summary>
    private double RelativeError(Picture picture)
    {
        float[] Latents()
        {
            (int columns, int rows) = CompactCodec.LatentSize(picture.Width, picture.Height);
            var y = new float[rows * columns * CompactCodec.LatentChannels];
            codec.Model.Transforms.Analysis(picture, new Workspace(), y);
            return y;
        }

        float[] narrow = Latents(), exact = With(Float32, Latents);
        double noise = exact.Zip(narrow, (e, n) => ((double)e - n) * (e - n)).Sum();
        return Math.Sqrt(noise / exact.Sum(e => (double)e * e));
    }

    private static RowCheck Result(string what, string row, double[] expected, double[] found) =>
        new(what, row, IsSupported: true, IsPicked: false, Equivalence.Difference(expected, found), Tolerance: 0);

    private Results Forced(string row) => With(
        string.Join(';', KernelTables.All
            .Where(table => table.Variants.Any(variant => variant.Name == row && variant.IsSupported))
            .Select(table => $"{table.Kernel}={row}")
            .Append(Float32)),
        Run);

    /// <summary>Something under a choice of rows.</summary>
    private static T With<T>(string choice, Func<T> run)
    {
        VariantChoice before = VariantChoice.Current;
        VariantChoice.Current = VariantChoice.Parse(choice);
        try
        {
            return run();
        }
        finally
        {
            VariantChoice.Current = before;
        }
    }

    private Results Run()
    {
        var encoder = new TficEncoder(codec.Model);
        var decoder = new TficDecoder(codec.Model);
        var reader = new LineReader(recogniser.Model);
        List<double> streams = [], samples = [], readings = [], scores = [];
        foreach (Picture picture in _pictures)
        {
            byte[] stream = encoder.Encode(picture, Quality);
            streams.AddRange(stream.Select(value => (double)value));
            foreach (byte sample in decoder.Decode(stream).Samples)
                samples.Add(sample);
            foreach (ReadCharacter character in reader.Read(picture).Characters)
                readings.AddRange([.. character.Text.Select(c => (double)c), character.Confidence]);
            scores.AddRange(Score(detector.Model, picture));
        }

        // The reference rows are slow: only the small picture.
        Picture small = _pictures[^1];
        var workspace = new Workspace();
        TinyLicStreams coded = s_tinyLic.Encode(small, workspace);
        IEnumerable<byte> bytes = coded.Latent.Concat(coded.Hyper).Concat(s_tinyLic.Decode(coded, workspace).Samples);

        return new Results(
            [.. streams], [.. samples], [.. readings], [.. scores], [.. bytes.Select(value => (double)value)],
            [.. Score(s_craft, small)], [.. s_published.SelectMany(Logits)],
            [.. restorers.Select(restorer => OfCorners((plane, width, height) =>
            {
                var output = new float[plane.Length];
                restorer.Model.Restore(plane, width, height, new Workspace(), output);
                return output;
            }))]);
    }

    private static IEnumerable<double> Score(DetectorModel detector, Picture picture)
    {
        var grey = new float[picture.PixelCount];
        PictureConversion.ToGrey(picture, grey);
        float[] unit = Array.ConvertAll(grey, value => value / 255f);
        int size = DetectorModel.MapSize(picture.Width) * DetectorModel.MapSize(picture.Height);
        float[] region = new float[size], affinity = new float[size];
        detector.Score(unit, picture.Width, picture.Height, new Workspace(), region, affinity);
        return region.Concat(affinity).Select(score => (double)score);
    }

    private static IEnumerable<double> Logits(TextRecogniserModel model)
    {
        TextRecogniserOptions options = model.Options;
        float[] input = [.. Enumerable.Range(0, options.Height * options.Width).Select(i => MathF.Sin(0.37f * i))];
        return model.Logits(input, options.Width, 1, new Workspace()).ToArray().Select(logit => (double)logit);
    }

    /// <summary>What becomes of the pictures' corners, grey, 0 … 1: DnCNN on the reference rows is slow.</summary>
    private double[] OfCorners(Func<float[], int, int, float[]> network)
    {
        var values = new List<double>();
        foreach (Picture picture in _pictures)
        {
            int width = Math.Min(32, picture.Width), height = Math.Min(24, picture.Height);
            var plane = new float[width * height];
            PictureConversion.ToGrey(picture.Crop(new Box(0, 0, width, height)), plane);
            values.AddRange(network(Array.ConvertAll(plane, value => value / 255), width, height).Select(v => (double)v));
        }

        return [.. values];
    }

    private static Picture Noise(int width, int height)
    {
        var random = new Random(1);
        byte[] samples = new byte[3 * width * height];
        random.NextBytes(samples);
        return new Picture(width, height, 3, samples);
    }

    private sealed record Results(
        double[] Streams, double[] Samples, double[] Readings, double[] Scores, double[] TinyLic, double[] Craft,
        double[] Published, double[][] Restored);
}
