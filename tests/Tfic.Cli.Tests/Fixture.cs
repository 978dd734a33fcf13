using Tfic.Imaging;
using Tfic.Networks.Recognition;
using Tfic.Tests;
using Tfic.Tests.Networks;

namespace Tfic.Cli.Tests;

/// <summary>Weights and pictures that every test of the command needs, made once.</summary>
/// <remarks>The weights are random: what is tested is the command, not what it reads.</remarks>
public sealed class Fixture : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public Fixture()
    {
        Codec = _folder.Write("codec.safetensors", RandomCodec.File(1));
        OtherCodec = _folder.Write("other-codec.safetensors", RandomCodec.File(2));
        Recogniser = _folder.Write("recogniser.safetensors", RandomModels.Recogniser(3));
        WordRecogniser = _folder.Write("words.safetensors", RandomTextRecogniser.File(
            new TextRecogniserOptions { FeatureChannels = 32, HiddenSize = 16 }, seed: 7));
        Detector = _folder.Write("detector.safetensors", RandomModels.Detector(4));
        Restorer = _folder.Write("restorer.safetensors", RandomModels.Restorer(5, depth: 3, features: 4));
        WordRestorer = _folder.Write("word-restorer.safetensors", RandomModels.Restorer(6, depth: 4, features: 3));
        Line = _folder["line.png"];
        PictureFile.Write(Line, Stripes(100, 40, 3));
        Packed = _folder["line.tfic"];
        Command.Run("encode", Line, "-o", Packed, "--codec", Codec).Ok();
    }

    /// <summary>A codec's weights.</summary>
    public string Codec { get; }

    /// <summary>The weights of another codec.</summary>
    public string OtherCodec { get; }

    /// <summary>A recogniser's weights.</summary>
    public string Recogniser { get; }

    /// <summary>The weights of a small published recogniser: TPS, ResNet, BiLSTM, attention.</summary>
    public string WordRecogniser { get; }

    /// <summary>A detector's weights.</summary>
    public string Detector { get; }

    /// <summary>The weights of a small D1.</summary>
    public string Restorer { get; }

    /// <summary>The weights of a small D2.</summary>
    public string WordRestorer { get; }

    /// <summary>A picture of 100 × 40 pixels.</summary>
    public string Line { get; }

    /// <summary>The same, encoded by <see cref="Codec"/>.</summary>
    public string Packed { get; }

    public static Picture Stripes(int width, int height, int channels)
    {
        var picture = new Picture(width, height, channels);
        for (int i = 0; i < picture.Samples.Length; i++)
            picture.Samples[i] = (byte)(i / channels % width / 5 % 2 * 200 + i / channels / width % 50);
        return picture;
    }

    public static byte[] Png(Picture picture)
    {
        using var stream = new MemoryStream();
        PngWriter.Write(stream, picture);
        return stream.ToArray();
    }

    public void Dispose() => _folder.Dispose();
}

[CollectionDefinition(nameof(Fixture))]
public sealed class FixtureCollection : ICollectionFixture<Fixture>;
