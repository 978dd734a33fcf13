using Tfic.Bitstream;
using Tfic.Decoding;
using Tfic.Imaging;
using Tfic.Kernels;
using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Models.Tests.Golden;

/// <summary>
/// What was written once decodes to the same latents for ever, on every machine and with every row of every kernel;
/// what is damaged is refused.
/// </summary>
public class GoldenStreamTests
{
    private const string Remedy = "If the weights or the format were changed on purpose, run ./build.sh golden.";

    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "Golden");
    private static readonly IReadOnlyList<GoldenStreams.Entry> s_entries = GoldenStreams.ReadManifest(s_folder);

    public static TheoryData<string> Names => [.. s_entries.Select(entry => entry.Name)];

    [Fact]
    public void EveryShippedCodecHasAStreamOfEveryQualityAndForm()
    {
        TficContainer[] containers = [.. s_entries.Select(entry => TficContainer.Read(Read(entry.Name)))];
        Assert.NotEmpty(GoldenStreams.Models);
        foreach (CodecModel model in GoldenStreams.Models)
        {
            TficContainer[] own = [.. containers.Where(c => c.IsWhole(c.Layers[0], model.Prior.Id))];
            foreach (int quality in Enumerable.Range(0, IntegerPrior.QualityLevels))
                Assert.True(own.Any(c => c.Layers[0].Quality == 32 * quality), $"{model.Name} {quality}. {Remedy}");
            Assert.Contains(own, c => c.Layers[0].Quality % 32 != 0);
            foreach (CodingMode mode in Enum.GetValues<CodingMode>())
                Assert.Contains(own, c => c.Layers[0].Mode == mode);
            Assert.Contains(own, c => c.Layers.Count == 2);
            Assert.Contains(own, c => c.IsShort);
            Assert.Contains(own, c => !c.IsShort);
            Assert.Contains(own, c => c.IsGrey);
            Assert.Contains(own, c => !c.IsGrey);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void AStreamAndItsLatentsArePinned(string name)
    {
        GoldenStreams.Entry entry = s_entries.Single(entry => entry.Name == name);
        byte[] file = Read(name);
        Assert.Equal(entry.FileHash, GoldenStreams.Hash(file));

        VariantChoice before = VariantChoice.Current;
        try
        {
            // The kernels between a stream and its latents, each with every row that runs here, the others as picked.
            VariantTable[] tables =
            [
                .. KernelTables.All.Where(table => table.Kernel.StartsWith("integer-", StringComparison.Ordinal)
                    || table.Kernel.EndsWith("-decoding", StringComparison.Ordinal)),
            ];
            Assert.InRange(tables.Length, 3, KernelTables.All.Count);
            foreach (VariantTable table in tables)
            {
                foreach (Variant row in table.Variants.Where(row => row.IsSupported))
                {
                    VariantChoice.Current = VariantChoice.Parse($"{table.Kernel}={row.Name}");
                    Assert.True(
                        entry.LatentHashes.SequenceEqual(GoldenStreams.LatentHashes(file)),
                        $"{name} decodes to other latents with {table.Kernel}={row.Name}. {Remedy}");
                }
            }
        }
        finally
        {
            VariantChoice.Current = before;
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void AStreamBecomesAPicture(string name)
    {
        byte[] file = Read(name);
        TficContainer container = TficContainer.Read(file);
        var decoder = new TficDecoder(GoldenStreams.Models);
        foreach (TficLayer layer in container.Layers)
        {
            Picture picture = decoder.Decode(file, layer.Kind);
            Assert.Equal((container.Width, container.Height), (picture.Width, picture.Height));
            Assert.Equal(container.IsGrey ? 1 : 3, picture.Channels);

            // Ink and paper, unless the quality is too low for either.
            if (layer.Quality >= 3 * 32)
                Assert.InRange(picture.Samples.Max() - picture.Samples.Min(), 80, 255);
        }
    }

    [Fact]
    public void EveryTruncationIsRefused() =>
        Refuse(file => file.Length, (file, i) => file[..i]);

    [Fact]
    public void EveryFlippedBitIsRefused() => Refuse(
        file => 8 * file.Length,
        (file, i) =>
        {
            byte[] flipped = [.. file];
            flipped[i / 8] ^= (byte)(1 << (i % 8));
            return flipped;
        });

    /// <summary>All changes of all streams, on all processors.</summary>
    private static void Refuse(Func<byte[], int> count, Func<byte[], int, byte[]> change)
    {
        using var decoders = new ThreadLocal<TficDecoder>(() => new TficDecoder(GoldenStreams.Models));
        long tried = 0;
        foreach (GoldenStreams.Entry entry in s_entries)
        {
            byte[] file = Read(entry.Name);
            Parallel.For(0, count(file), i =>
            {
                byte[] changed = change(file, i);
                TficFormatException e = Assert.Throws<TficFormatException>(() => decoders.Value!.Decode(changed));
                if (e.Offset < 0 || e.Offset > changed.Length)
                    Assert.Fail($"{entry.Name}, change {i}: offset {e.Offset}: {e.Message}");
                Interlocked.Increment(ref tried);
            });
        }

        Assert.Equal(s_entries.Sum(entry => (long)count(Read(entry.Name))), tried);
        Assert.InRange(tried, 1000, long.MaxValue);
    }

    private static byte[] Read(string name) => File.ReadAllBytes(Path.Combine(s_folder, name));
}
