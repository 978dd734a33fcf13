using System.Buffers.Binary;
using Tfic.Tests.Specification;

namespace Tfic.Models.Tests.Golden;

/// <summary>The golden streams, decoded by the decoder that was written from FORMAT.md alone.</summary>
public class SpecificationTests
{
    [Fact]
    public void AnotherDecoderFindsThePinnedLatents()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "Golden");
        IReadOnlyList<GoldenStreams.Entry> entries = GoldenStreams.ReadManifest(folder);
        Assert.NotEmpty(entries);
        SpecifiedModel[] models = [.. ShippedModels.Codecs.Select(name =>
        {
            using Stream stream = ShippedModels.Open(name);
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            return new SpecifiedModel(bytes.ToArray());
        })];
        Assert.Equal(GoldenStreams.Models.Select(m => m.Prior.Id.Value), models.Select(m => m.Id));
        foreach (GoldenStreams.Entry entry in entries)
        {
            byte[] file = File.ReadAllBytes(Path.Combine(folder, entry.Name));
            SpecifiedFile parsed = SpecificationDecoder.Parse(file);
            Assert.Equal(entry.LatentHashes, parsed.Layers.Select(layer =>
            {
                int[] latents = SpecificationDecoder.Decode(file, models, layer.Kind).Latents;
                var numbers = new byte[4 * latents.Length];
                for (int i = 0; i < latents.Length; i++)
                    BinaryPrimitives.WriteInt32LittleEndian(numbers.AsSpan(4 * i), latents[i]);
                return GoldenStreams.Hash(numbers);
            }));
        }
    }
}
