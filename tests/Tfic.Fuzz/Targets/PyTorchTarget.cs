using System.Buffers.Binary;
using Tfic.Imaging;
using Tfic.Networks;

namespace Tfic.Fuzz.Targets;

/// <summary>The reader of PyTorch's checkpoints; changes are made to the pickle within the archive.</summary>
internal sealed class PyTorchTarget : Target
{
    private static readonly byte[][] s_fragments =
    [
        [.. "ccollections\nOrderedDict\n"u8], [.. "ctorch._utils\n_rebuild_tensor_v2\n"u8], [.. "ctorch\nSize\n"u8],
        [.. "cos\nsystem\n"u8], [(byte)')', (byte)'R'], [0x85, (byte)'R'], [(byte)'h', 0], [(byte)'q', 0], [(byte)'2'],
        [(byte)'0'], [(byte)'1'], [(byte)'('], [(byte)'t'], [(byte)'l'], [(byte)'d'], [(byte)'e'], [(byte)'u'],
        [(byte)'s'], [(byte)'a'], [(byte)'}'], [(byte)']'], [(byte)'N'], [0x88], [(byte)'Q'], [(byte)'b'], [(byte)'.'],
        [0x8A, 8, 255, 255, 255, 255, 255, 255, 255, 127], [(byte)'J', 0, 0, 0, 128], [(byte)'K', 255], [0x94],
        [(byte)'X', 255, 255, 255, 255], [0x85, 0x85, 0x85],
    ];

    public override string Name => "pytorch";

    public override int MaxLength => 1 << 16;

    // What the reader grants itself for copies of tensors and for names, whatever the file's length.
    public override long MaxAllocation(int length) => (16L << 20) + (2 * (64L << 20)) + (500L * length);

    // Something that is missing has no place.
    public override bool MayLackOffset => true;

    public override IEnumerable<byte[]> Seeds()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "Seeds", "pytorch");
        foreach (string file in Directory.EnumerateFiles(folder, "*.pth").Order(StringComparer.Ordinal))
            yield return File.ReadAllBytes(file);
    }

    public override byte[] Mutate(byte[] input, byte[] other, FuzzRandom random)
    {
        if (random.OneIn(12))
            return Mutations.Bytes(input, other, random, MaxLength);
        List<(byte[] Name, byte[] Bytes)>? files = Unzip(input);
        if (files is null || files.Count == 0)
        {
            // The stream of pickles, whose storages are at the end.
            int pickles = Math.Min(input.Length, input.Length * 3 / 4);
            return Limit([.. ChangePickle(input[..pickles], random), .. input.AsSpan(pickles)]);
        }

        int at = files.FindIndex(file => file.Name.AsSpan().EndsWith("data.pkl"u8));
        switch (random.Below(12))
        {
            case 0:
                files.RemoveAt(random.Below(files.Count));
                break;
            case 1:
                files.Add(files[random.Below(files.Count)]);
                break;
            case 2:
                int changed = random.Below(files.Count);
                files[changed] = (Mutations.Bytes(files[changed].Name, files[0].Name, random, 100), files[changed].Bytes);
                break;
            case 3:
                changed = random.Below(files.Count);
                files[changed] = (files[changed].Name, Mutations.Bytes(files[changed].Bytes, [], random, 1 << 12));
                break;
            default:
                if (at >= 0)
                    files[at] = (files[at].Name, ChangePickle(files[at].Bytes, random));
                break;
        }

        return Limit(Zip(files, random));
    }

    public override string Run(ReadOnlyMemory<byte> input)
    {
        PyTorchFile file = PyTorchFile.Read(input);
        long values = file.Tensors.Values.Sum(tensor => (long)tensor.Count);
        IReadOnlyDictionary<string, StoredTensor> state = file.StateDict();
        foreach (StoredTensor tensor in state.Values.Where(tensor => tensor.Type == TensorType.F32).Take(10))
        {
            try
            {
                tensor.ToFloat();
            }
            catch (TficFormatException)
            {
                // Not finite.
            }
        }

        return $"pytorch {file.IsZip} {file.Tensors.Count} {file.Values.Count} {Magnitude(values)} {state.Count}";
    }

    private byte[] Limit(byte[] file) => file.Length <= MaxLength ? file : file[..MaxLength];

    private static byte[] ChangePickle(byte[] pickle, FuzzRandom random)
    {
        byte[] result = pickle;
        for (int i = 1 << random.Below(3); i > 0; i--)
        {
            int at = random.Below(result.Length + 1);
            switch (random.Below(5))
            {
                case 0:
                    result = Mutations.Bytes(result, pickle, random, 1 << 14);
                    break;
                case 1: // an operation, many times over: what each costs adds up
                    byte[] fragment = random.Of<byte[]>(s_fragments);
                    int times = random.OneIn(8) ? (int)random.Spread(12) : 1;
                    result =
                    [
                        .. result.AsSpan(0, at), .. Enumerable.Repeat(fragment, times).SelectMany(f => f),
                        .. result.AsSpan(at),
                    ];
                    break;
                default:
                    result = [.. result];
                    Mutations.InPlace(result.AsSpan(at, Math.Min(9, result.Length - at)), random);
                    break;
            }
        }

        return result;
    }

    private static List<(byte[] Name, byte[] Bytes)>? Unzip(ReadOnlySpan<byte> archive)
    {
        if (!archive.StartsWith("PK\x03\x04"u8))
            return null;
        var files = new List<(byte[], byte[])>();
        for (int at = archive.IndexOf("PK\x01\x02"u8); at >= 0 && at + 46 <= archive.Length;)
        {
            if (!archive[at..].StartsWith("PK\x01\x02"u8))
                break;
            int length = BinaryPrimitives.ReadInt32LittleEndian(archive[(at + 24)..]);
            int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(archive[(at + 28)..]);
            int local = BinaryPrimitives.ReadInt32LittleEndian(archive[(at + 42)..]);
            if (local < 0 || local + 30 > archive.Length || at + 46 + nameLength > archive.Length)
                break;
            int start = local + 30 + BinaryPrimitives.ReadUInt16LittleEndian(archive[(local + 26)..])
                + BinaryPrimitives.ReadUInt16LittleEndian(archive[(local + 28)..]);
            if (length < 0 || start + (long)length > archive.Length)
                break;
            files.Add((archive.Slice(at + 46, nameLength).ToArray(), archive.Slice(start, length).ToArray()));
            at += 46 + nameLength + BinaryPrimitives.ReadUInt16LittleEndian(archive[(at + 30)..])
                + BinaryPrimitives.ReadUInt16LittleEndian(archive[(at + 32)..]);
        }

        return files;
    }

    /// <summary>An archive with right lengths and checksums, mostly.</summary>
    private static byte[] Zip(List<(byte[] Name, byte[] Bytes)> files, FuzzRandom random)
    {
        var archive = new MemoryStream();
        var directory = new MemoryStream();
        var head = new byte[46];
        foreach ((byte[] name, byte[] bytes) in files)
        {
            int local = (int)archive.Length;
            Array.Clear(head);
            uint crc = Crc32.Append(0, bytes) ^ (random.OneIn(100) ? 1u : 0);
            BinaryPrimitives.WriteUInt32LittleEndian(head, 0x04034B50);
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(14), crc);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(18), bytes.Length);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(22), bytes.Length);
            BinaryPrimitives.WriteInt16LittleEndian(head.AsSpan(26), (short)name.Length);
            archive.Write(head, 0, 30);
            archive.Write(name);
            archive.Write(bytes);

            Array.Clear(head);
            BinaryPrimitives.WriteUInt32LittleEndian(head, 0x02014B50);
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(16), crc);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(20), bytes.Length);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(24), bytes.Length);
            BinaryPrimitives.WriteInt16LittleEndian(head.AsSpan(28), (short)name.Length);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(42), local);
            if (random.OneIn(100))
                Mutations.InPlace(head, random);
            directory.Write(head);
            directory.Write(name);
        }

        int start = (int)archive.Length;
        archive.Write(directory.ToArray());
        var end = new byte[22];
        BinaryPrimitives.WriteUInt32LittleEndian(end, 0x06054B50);
        BinaryPrimitives.WriteInt16LittleEndian(end.AsSpan(8), (short)files.Count);
        BinaryPrimitives.WriteInt16LittleEndian(end.AsSpan(10), (short)files.Count);
        BinaryPrimitives.WriteInt32LittleEndian(end.AsSpan(12), (int)directory.Length);
        BinaryPrimitives.WriteInt32LittleEndian(end.AsSpan(16), start);
        if (random.OneIn(50))
            Mutations.InPlace(end, random);
        archive.Write(end);
        return archive.ToArray();
    }
}
