using System.Buffers.Binary;
using System.Globalization;
using Tfic.Networks;

namespace Tfic.Fuzz.Targets;

/// <summary>The safetensors reader and the conversions of its tensors; changes are made to the text of the header.</summary>
internal sealed class SafetensorsTarget : Target
{
    private static readonly string[] s_fragments =
    [
        "{", "}", "[", "]", ",", ":", "\"", "null", "true", "-1", "1e3", "0", "\\u0000", "\\ud800", "F32", "F16", "BF16",
        "I8", "I32", "U8", "F64", "\"dtype\":", "\"shape\":", "\"data_offsets\":", "__metadata__", " ", "\n", "é",
    ];

    public override string Name => "safetensors";

    public override int MaxLength => 1 << 13;

    // The header's names and shapes, and each tensor once more as floats: files are a few kilobytes.
    public override long MaxAllocation(int length) => 200L * length;

    public override bool MayLackOffset => false;

    public override IEnumerable<byte[]> Seeds()
    {
        var empty = new SafetensorsWriter();
        yield return empty.ToArray();

        var all = new SafetensorsWriter();
        all.SetMetadata("tfic", "codec 1");
        all.SetMetadata("name", "a \"quoted\" name \u00e9");
        all.AddFloat32("f32", [1, -2.5f, 0], 3);
        all.AddFloat16("f16", [1, 2, 3, 4, 5, 6], 2, 3);
        all.Add("bf16", TensorType.BF16, [0x80, 0x3F, 0x00, 0xC0], 2);
        all.AddInt32("i32", [int.MinValue, 7], 2, 1, 1);
        all.AddInt16("i16", [-1, 1], 2);
        all.AddUInt16("u16", [65535], 1);
        all.AddSByte("i8", [-128, 127, 0], 3);
        all.AddByte("u8", [255], []);
        yield return all.ToArray();

        var hollow = new SafetensorsWriter();
        hollow.AddFloat32("none", [], 0, 5);
        hollow.AddByte("one", [1], 1);
        yield return hollow.ToArray();
    }

    public override byte[] Mutate(byte[] input, byte[] other, FuzzRandom random)
    {
        if (random.OneIn(12) || input.Length < 8)
            return Mutations.Bytes(input, other, random, MaxLength);
        long claimed = BinaryPrimitives.ReadInt64LittleEndian(input);
        int headerEnd = 8 + (int)Math.Clamp(claimed, 0, input.Length - 8);
        byte[] header = input[8..headerEnd];
        byte[] data = input[headerEnd..];
        for (int i = 1 << random.Below(3); i > 0; i--)
        {
            if (random.OneIn(6))
                data = Mutations.Bytes(data, data, random, 1 << 12);
            else
                header = ChangeHeader(header, random);
        }

        long length = random.OneIn(24) ? random.Number(64) : header.Length;
        var file = new byte[8 + header.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, length);
        header.CopyTo(file, 8);
        data.CopyTo(file, 8 + header.Length);
        return file.Length <= MaxLength ? file : file[..MaxLength];
    }

    public override string Run(ReadOnlyMemory<byte> input)
    {
        SafetensorsFile file = SafetensorsFile.Read(input);
        int values = 0;
        var refused = 0;
        foreach (StoredTensor tensor in file.Tensors.Values)
        {
            foreach (Func<Array> convert in new Func<Array>[]
                     {
                         tensor.ToFloat, tensor.ToInt32, tensor.ToInt16, tensor.ToUInt16, tensor.ToSByte, tensor.ToByte,
                     })
            {
                try
                {
                    Array converted = convert();
                    if (converted.Length != tensor.Count)
                        throw new PromiseBrokenException($"{converted.Length} of {tensor.Count} values");
                    values += converted.Length;
                }
                catch (TficFormatException)
                {
                    refused++;
                }
            }
        }

        return $"{file.Tensors.Count} {file.Metadata.Count} {Magnitude(values)} {Magnitude(refused)}";
    }

    private static byte[] ChangeHeader(byte[] header, FuzzRandom random)
    {
        // A number becomes another, or a fragment comes in somewhere.
        string text = System.Text.Encoding.UTF8.GetString(header);
        int at = random.Below(text.Length + 1);
        switch (random.Below(4))
        {
            case 0:
                while (at < text.Length && !char.IsAsciiDigit(text[at]))
                    at++;
                int end = at;
                while (end < text.Length && char.IsAsciiDigit(text[end]))
                    end++;
                long number = random.OneIn(3) ? random.Number(64) : random.Below(40);
                return System.Text.Encoding.UTF8.GetBytes(
                    text[..at] + number.ToString(CultureInfo.InvariantCulture) + text[end..]);
            case 1:
                return System.Text.Encoding.UTF8.GetBytes(text.Insert(at, random.Of<string>(s_fragments)));
            case 2:
                int length = Math.Min(text.Length - at, 1 + random.Below(12));
                return System.Text.Encoding.UTF8.GetBytes(text.Remove(at, length).Insert(at, random.Of<string>(s_fragments)));
            default:
                return Mutations.Bytes(header, header, random, 1 << 12);
        }
    }
}
