using System.Buffers.Binary;
using Tfic.Decoding;
using Tfic.Encoding;
using Tfic.Imaging;
using Tfic.Networks;
using Tfic.Reading;
using Tfic.Tests;
using Tfic.Tests.Networks;

namespace Tfic.Fuzz.Targets;

/// <summary>
/// Codec, recogniser, detector and restorer models: whatever a file holds, it is refused, or the model that it makes
/// decodes what it has coded, reads, scores, or restores.
/// </summary>
internal sealed class ModelTarget : Target
{
    private static readonly Lazy<byte[][]> s_seeds = new(
        () => [RandomCodec.File(1), RandomModels.Recogniser(1), RandomModels.Detector(1), RandomModels.Restorer(1, 4, 5),
            RandomModels.CompactRestorer(1, 1, 3)]);
    private static readonly Picture s_picture = RandomModels.Picture(20, 18, 3, 1);

    public override string Name => "model";

    public override int MaxLength => 4 << 20;

    // Weights as floats, and packed for the kernels.
    public override long MaxAllocation(int length) => (96L << 20) + (16L * length);

    // What a network misses in a file has no place in it.
    public override bool MayLackOffset => true;

    public override IEnumerable<byte[]> Seeds() => s_seeds.Value;

    public override byte[] Mutate(byte[] input, byte[] other, FuzzRandom random)
    {
        byte[] file = [.. input];
        if (file.Length <= 8)
            return Mutations.Bytes(file, other, random, MaxLength);
        int header = (int)Math.Clamp(BinaryPrimitives.ReadInt64LittleEndian(file), 1, file.Length - 8);
        if (random.OneIn(3))
        {
            // Digits and letters of the header, whose length must not change: the data behind it is aligned.
            Mutations.InPlace(file.AsSpan(8 + random.Below(header), 1), random);
            return file;
        }

        // Tensors: the small ones, where each value counts, as often as the large ones.
        SafetensorsFile read;
        try
        {
            read = SafetensorsFile.Read(file);
        }
        catch (TficFormatException)
        {
            return Mutations.Bytes(file, [], random, MaxLength);
        }

        StoredTensor[] tensors = [.. read.Tensors.Values.OrderBy(tensor => tensor.Offset)];
        for (int i = 1 << random.Below(3); i > 0; i--)
        {
            StoredTensor tensor = tensors[random.Below(tensors.Length)];
            if (tensor.Bytes.Length == 0)
                continue;
            int at = (int)tensor.Offset + random.Below(tensor.Bytes.Length);
            Span<byte> to = file.AsSpan(at, Math.Min(4, (int)tensor.Offset + tensor.Bytes.Length - at));
            if (tensor.Type == TensorType.I32 && to.Length == 4 && random.OneIn(2))
                BinaryPrimitives.WriteInt32LittleEndian(to, (int)random.Number(32));
            else
                Mutations.InPlace(to, random);
        }

        return file;
    }

    public override string Run(ReadOnlyMemory<byte> input)
    {
        if (Says(input.Span, "detector"u8))
        {
            DetectorModel detector = DetectorModel.Load(input);
            var grey = new float[s_picture.PixelCount];
            PictureConversion.ToGrey(s_picture, grey);
            int columns = DetectorModel.MapSize(s_picture.Width), rows = DetectorModel.MapSize(s_picture.Height);
            float[] region = new float[columns * rows], affinity = new float[columns * rows];
            detector.Score(grey, s_picture.Width, s_picture.Height, new Workspace(), region, affinity);
            return $"detector {Magnitude(WordRegions.Find(region, affinity, columns, rows).Count)}";
        }

        if (Says(input.Span, "restorer"u8))
        {
            Picture restored = RestorerModel.Load(input).Restore(PictureConversion.ToGrey(s_picture), new Workspace());
            return $"restorer {Magnitude(restored.Samples.Distinct().Count())}";
        }

        if (!Says(input.Span, "recogniser"u8))
        {
            CodecModel codec = CodecModel.Load(input);
            byte[] file = new TficEncoder(codec).Encode(s_picture, 4.5);
            try
            {
                Picture decoded = new TficDecoder(codec).Decode(file);
                return $"codec {Magnitude(decoded.PixelCount)}";
            }
            catch (TficFormatException e)
            {
                throw new PromiseBrokenException($"A model does not decode what it has coded: {e}");
            }
        }

        RecogniserModel recogniser = RecogniserModel.Load(input);
        ReadLine line = new LineReader(recogniser).Read(s_picture);
        if (!(line.Confidence >= 0 && line.Confidence <= 1))
            throw new PromiseBrokenException($"A confidence of {line.Confidence}");
        return $"recogniser {Magnitude(line.Text.Length)}";
    }

    private static bool Says(ReadOnlySpan<byte> file, ReadOnlySpan<byte> kind) =>
        file[..Math.Min(file.Length, 1 << 15)].IndexOf(kind) >= 0;
}
