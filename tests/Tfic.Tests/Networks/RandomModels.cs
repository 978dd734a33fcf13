using Tfic.Imaging;
using Tfic.Networks;

namespace Tfic.Tests.Networks;

/// <summary>Model files with random weights from a seed, scaled so that activations keep their size.</summary>
internal static class RandomModels
{
    public const string Charset =
        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

    /// <summary>Name, inputs, outputs, kernel height and width of the codec's float layers.</summary>
    public static readonly (string Name, int I, int O, int Kh, int Kw)[] CodecLayers =
    [
        ("g_a.conv0", 48, 32, 1, 1), ("g_a.conv1", 32, 64, 3, 3), ("g_a.conv2", 64, 96, 3, 3),
        ("g_a.res0.conv0", 96, 96, 3, 3), ("g_a.res0.conv1", 96, 96, 1, 1),
        ("g_a.res1.conv0", 96, 96, 3, 3), ("g_a.res1.conv1", 96, 96, 1, 1), ("g_a.conv3", 96, 96, 1, 1),
        ("h_a.conv0", 96, 64, 3, 3), ("h_a.conv1", 64, 32, 3, 3),
        ("g_s.conv0", 96, 96, 1, 1), ("g_s.res0.conv0", 96, 96, 3, 3), ("g_s.res0.conv1", 96, 96, 1, 1),
        ("g_s.res1.conv0", 96, 96, 3, 3), ("g_s.res1.conv1", 96, 96, 1, 1), ("g_s.conv1", 96, 192, 1, 1),
        ("g_s.res2.conv0", 48, 48, 3, 3), ("g_s.res2.conv1", 48, 48, 1, 1), ("g_s.conv2", 48, 96, 1, 1),
        ("g_s.conv3", 24, 48, 3, 3),
    ];

    /// <summary>The same of the recogniser.</summary>
    public static readonly (string Name, int I, int O, int Kh, int Kw)[] RecogniserLayers =
    [
        ("conv0", 1, 32, 3, 3), ("conv1", 32, 64, 3, 3), ("conv2", 64, 96, 3, 3), ("conv3", 96, 96, 3, 3),
        ("conv4", 96, 160, 3, 3), ("conv5", 160, 192, 3, 3), ("conv6", 192, 192, 2, 1), ("seq0", 192, 192, 1, 7),
        ("seq1", 192, 192, 1, 7), ("seq2", 192, 192, 1, 7), ("head", 192, 96, 1, 1),
    ];

    /// <summary>The same of the detector.</summary>
    public static readonly (string Name, int I, int O, int Kh, int Kw)[] DetectorLayers =
    [
        ("conv0", 1, 24, 3, 3), ("conv1", 24, 32, 3, 3), ("conv2", 32, 48, 3, 3), ("res0", 48, 48, 3, 3),
        ("res1", 48, 48, 3, 3), ("conv3", 48, 64, 3, 3), ("res2", 64, 64, 3, 3), ("res3", 64, 64, 3, 3),
        ("up0", 64, 192, 1, 1), ("conv4", 48, 48, 3, 3), ("up1", 48, 128, 1, 1), ("conv5", 32, 32, 3, 3),
        ("head", 32, 2, 1, 1),
    ];

    /// <summary>Adds the codec's metadata and everything that <see cref="CompactCodec"/> reads.</summary>
    public static void AddCodecTransforms(SafetensorsWriter writer, int seed)
    {
        writer.SetMetadata("tfic", "codec 1");
        writer.SetMetadata("profile", "compact");
        writer.SetMetadata("name", $"random {seed}");
        var random = new Random(seed);
        AddLayers(writer, random, CodecLayers);
        var gain = new float[8 * 96];
        for (int i = 0; i < gain.Length; i++)
            gain[i] = i / 96 * 0.5f - 1f + 0.2f * (float)random.NextDouble();
        writer.AddFloat32("gain_log2", gain, 8, 96);
    }

    /// <summary>Only the float transforms, as a file.</summary>
    public static SafetensorsFile CodecTransforms(int seed)
    {
        var writer = new SafetensorsWriter();
        AddCodecTransforms(writer, seed);
        return SafetensorsFile.Read(writer.ToArray());
    }

    /// <summary>A whole recogniser, one of whose vectors is replaced.</summary>
    public static byte[] Recogniser(int seed, string name, float[] values)
    {
        SafetensorsFile file = SafetensorsFile.Read(Recogniser(seed));
        var writer = new SafetensorsWriter();
        foreach ((string key, string value) in file.Metadata)
            writer.SetMetadata(key, value);
        foreach (StoredTensor tensor in file.Tensors.Values.Where(t => t.Name != name))
            writer.Add(tensor.Name, tensor.Type, tensor.Bytes.Span, tensor.Shape);
        writer.AddFloat32(name, values, values.Length);
        return writer.ToArray();
    }

    /// <summary>A whole recogniser.</summary>
    public static byte[] Recogniser(int seed, Action<SafetensorsWriter>? change = null)
    {
        var writer = new SafetensorsWriter();
        writer.SetMetadata("tfic", "recogniser 1");
        writer.SetMetadata("profile", "compact");
        writer.SetMetadata("name", $"random {seed}");
        writer.SetMetadata("charset", Charset);
        AddLayers(writer, new Random(seed), RecogniserLayers);
        change?.Invoke(writer);
        return writer.ToArray();
    }

    /// <summary>A whole detector.</summary>
    public static byte[] Detector(int seed, Action<SafetensorsWriter>? change = null)
    {
        var writer = new SafetensorsWriter();
        writer.SetMetadata("tfic", "detector 1");
        writer.SetMetadata("profile", "compact");
        writer.SetMetadata("name", $"random {seed}");
        AddLayers(writer, new Random(seed), DetectorLayers);
        change?.Invoke(writer);
        return writer.ToArray();
    }

    /// <summary>A restorer whose residuals are smaller than what the input is, so that few outputs are clamped.</summary>
    public static byte[] Restorer(int seed, int depth, int features, Action<SafetensorsWriter>? change = null)
    {
        var writer = new SafetensorsWriter();
        writer.SetMetadata("tfic", "restorer 1");
        writer.SetMetadata("profile", "dncnn");
        writer.SetMetadata("name", $"random {seed}");
        var random = new Random(seed);
        AddLayers(
            writer, random,
            [.. Enumerable.Range(0, depth - 1).Select(i => ($"conv{i}", i == 0 ? 1 : features, features, 3, 3))]);
        AddLayers(writer, random, [($"conv{depth - 1}", features, 1, 3, 3)], 0.5);
        change?.Invoke(writer);
        return writer.ToArray();
    }

    /// <summary>A whole compact restorer.</summary>
    public static byte[] CompactRestorer(int seed, int blocks, int features, Action<SafetensorsWriter>? change = null)
    {
        var writer = new SafetensorsWriter();
        writer.SetMetadata("tfic", "restorer 1");
        writer.SetMetadata("profile", "compact");
        writer.SetMetadata("name", $"random {seed}");
        var random = new Random(seed);
        AddLayers(writer, random, [("head", 64, features, 3, 3), ("up", features, 256, 1, 1), ("skip", 16, 64, 3, 3)]);
        foreach ((string name, int channels) in Enumerable.Range(0, blocks).Select(i => ($"body{i}", features))
            .Concat([("fine0", 64), ("fine1", 64)]))
        {
            AddLayers(writer, random, [($"{name}.conv0", channels, channels, 3, 3)]);
            AddLayers(writer, random, [($"{name}.conv1", channels, channels, 1, 1)], 0.3);
        }

        AddLayers(writer, random, [("tail", 64, 16, 3, 3)], 0.3);
        change?.Invoke(writer);
        return writer.ToArray();
    }

    /// <summary>A picture of soft random stripes, unlike noise in that transforms do not average it away.</summary>
    public static Picture Picture(int width, int height, int channels, int seed)
    {
        var picture = new Picture(width, height, channels);
        var random = new Random(seed);
        double fx = random.NextDouble(), fy = random.NextDouble();
        for (int i = 0; i < picture.Samples.Length; i++)
        {
            int x = i / channels % width, y = i / channels / width;
            picture.Samples[i] = (byte)(127.5 + 100 * Math.Sin(fx * x + fy * y + i % channels) + random.Next(28));
        }

        return picture;
    }

    private static void AddLayers(
        SafetensorsWriter writer, Random random, (string Name, int I, int O, int Kh, int Kw)[] layers,
        double scale = 1)
    {
        foreach ((string name, int inputs, int outputs, int kh, int kw) in layers)
        {
            double deviation = scale * Math.Sqrt(6.0 / (inputs * kh * kw));
            var weight = new float[outputs * inputs * kh * kw];
            for (int i = 0; i < weight.Length; i++)
                weight[i] = (float)(deviation * (2 * random.NextDouble() - 1));
            var bias = new float[outputs];
            for (int i = 0; i < bias.Length; i++)
                bias[i] = (float)(scale * (0.2 * random.NextDouble() - 0.1));
            writer.AddFloat16(name + ".weight", weight, outputs, inputs, kh, kw);
            writer.AddFloat16(name + ".bias", bias, outputs);
        }
    }
}
