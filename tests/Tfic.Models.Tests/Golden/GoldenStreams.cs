using System.Buffers.Binary;
using System.Security.Cryptography;
using Tfic.Bitstream;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Models.Tests.Golden;

/// <summary>
/// Streams of every shipped codec, kept as files. golden.tsv has the SHA-256 of each and of the latents ŷ that each of
/// its layers decodes to, which are the same on every machine.
/// </summary>
internal static class GoldenStreams
{
    public const string ManifestName = "golden.tsv";

    /// <summary>The shipped codecs, as <see cref="ShippedModels.Codecs"/>.</summary>
    public static IReadOnlyList<CodecModel> Models { get; } =
        [.. ShippedModels.Codecs.Select(name => CodecModel.Load(ShippedModels.Open(name)))];

    /// <summary>A line of the manifest.</summary>
    /// <param name="Name">The file's.</param>
    /// <param name="FileHash">SHA-256 of the file.</param>
    /// <param name="LatentHashes">SHA-256 of each layer's ŷ' in 1/64, as 32-bit numbers, lowest byte first.</param>
    public sealed record Entry(string Name, string FileHash, IReadOnlyList<string> LatentHashes);

    public static IReadOnlyList<Entry> ReadManifest(string folder) =>
    [
        .. File.ReadLines(Path.Combine(folder, ManifestName))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split('\t'))
            .Select(fields => new Entry(fields[0], fields[1], fields[2..])),
    ];

    public static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Hash of each layer's latents.</summary>
    public static IReadOnlyList<string> LatentHashes(byte[] file)
    {
        TficContainer container = TficContainer.Read(file);
        return [.. container.Layers.Select(layer => LatentHash(container, layer))];
    }

    /// <summary>Writes all streams and the manifest.</summary>
    public static void Write(string folder)
    {
        foreach (string old in Directory.GetFiles(folder, "*.tfic"))
            File.Delete(old);
        var lines = new List<string> { "# file, SHA-256 of the file, SHA-256 of the latents of each layer" };
        foreach ((string name, byte[] file) in Make().OrderBy(stream => stream.Name, StringComparer.Ordinal))
        {
            File.WriteAllBytes(Path.Combine(folder, name), file);
            lines.Add(string.Join('\t', [name, Hash(file), .. LatentHashes(file)]));
        }

        File.WriteAllText(Path.Combine(folder, ManifestName), string.Join('\n', lines) + "\n");
    }

    private static string LatentHash(TficContainer container, TficLayer layer)
    {
        CodecModel model = Models.Single(model => container.IsWhole(layer, model.Prior.Id));
        ReadOnlySpan<int> latents = new TficDecoder(model).DecodeLatents(container, layer, model.Prior);
        var bytes = new byte[4 * latents.Length];
        for (int i = 0; i < latents.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * i), latents[i]);
        return Hash(bytes);
    }

    private static IEnumerable<(string Name, byte[] File)> Make()
    {
        Picture line = Digits(192, 32, 1, 3), page = Digits(160, 96, 3, 1);
        for (int m = 0; m < Models.Count; m++)
        {
            (string name, CodecModel model) = (ShippedModels.Codecs[m], Models[m]);
            var encoder = new TficEncoder(model);
            for (int quality = 1; quality <= IntegerPrior.QualityLevels; quality++)
            {
                yield return ($"{name}-line-q{quality}.tfic", encoder.Encode(line, quality));
                yield return ($"{name}-page-q{quality}.tfic", encoder.Encode(page, quality));
            }

            // A quality between two stored ones.
            yield return ($"{name}-line-q3.28.tfic", encoder.Encode(line, 3.28));

            // Modes that only long streams would be coded with.
            foreach (CodingMode mode in Enum.GetValues<CodingMode>())
            {
                byte[] file = new TficEncoder(model) { Mode = mode }.Encode(page, 4);
                yield return ($"{name}-page-q4-{mode.ToString().ToLowerInvariant()}.tfic", file);
            }

            // Two layers, the base layer by another model where there is one.
            var eye = new TficEncoder(Models[(m + 1) % Models.Count]);
            yield return ($"{name}-page-q2-layers.tfic", encoder.Encode(page, 2, new BaseLayer(eye, 3)));
        }
    }

    /// <summary>
    /// Digits in seven segments, drawn with integers: the same picture everywhere, and text, if no beautiful one. RGB is
    /// drawn on a gradient.
    /// </summary>
    private static Picture Digits(int width, int height, int channels, int stroke)
    {
        ReadOnlySpan<byte> segments = [0x77, 0x24, 0x5D, 0x6D, 0x2E, 0x6B, 0x7B, 0x25, 0x7F, 0x6F];
        var picture = new Picture(width, height, channels);
        for (int i = 0; i < picture.Samples.Length; i++)
        {
            (int x, int y) = (i / channels % width, i / channels / width);
            picture.Samples[i] = (byte)(channels == 1 ? 255 : 255 - (y / 4) - ((i % channels) * x / 4));
        }

        int w = 4 * stroke, h = 7 * stroke, digit = 0;
        for (int top = stroke + 1; top + h < height; top += h + (3 * stroke))
        {
            for (int left = stroke + 2; left + w < width; left += w + (2 * stroke), digit++)
            {
                // Bars: top, upper left, upper right, middle, lower left, lower right, bottom.
                byte lit = segments[digit * digit % 10];
                for (int y = 0; y < h; y++)
                {
                    for (int x = 0; x < w; x++)
                    {
                        bool upper = y <= h / 2, lower = y >= h / 2, left3 = x < stroke, right3 = x >= w - stroke;
                        bool middle = Math.Abs((2 * y) + 1 - h) <= stroke;
                        bool inked = ((lit & 0x01) != 0 && y < stroke) || ((lit & 0x02) != 0 && upper && left3)
                            || ((lit & 0x04) != 0 && upper && right3) || ((lit & 0x08) != 0 && middle)
                            || ((lit & 0x10) != 0 && lower && left3) || ((lit & 0x20) != 0 && lower && right3)
                            || ((lit & 0x40) != 0 && y >= h - stroke);
                        for (int c = 0; c < channels && inked; c++)
                            picture.Row(top + y)[((left + x) * channels) + c] = (byte)(20 + (40 * c));
                    }
                }
            }
        }

        return picture;
    }
}
