using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Tfic.Networks;

/// <summary>
/// A checkpoint that PyTorch's <c>torch.save</c> wrote: its tensors by name. Nothing in it is executed.
/// </summary>
/// <remarks>
/// <para>
/// Both formats are read: the zip archive of PyTorch 1.6 and later (<c>NAME/data.pkl</c> with one file a storage), and
/// the older stream of five pickles followed by the storages. In both, a pickle describes dictionaries whose leaves are
/// tensors, each a strided view of a storage. Only dictionaries, lists, tuples, numbers, texts and tensors are
/// understood, which is what state dictionaries and optimiser states consist of; a name that would have to be imported
/// is refused with that name.
/// </para>
/// <para>
/// A value is named by the keys that lead to it, joined with dots: the tensor <c>g_a0.weight</c> of
/// <c>{"epoch": 3, "state_dict": {...}}</c> is <c>state_dict.g_a0.weight</c>. <see cref="StateDict"/> gives the part
/// that is the network's, under its own names.
/// </para>
/// <para>
/// Tensors that lie contiguously in their storage are slices of the file. Others are copied; what all copies may take
/// is bounded by the file's length, so a small file cannot claim much memory.
/// </para>
/// </remarks>
public sealed class PyTorchFile
{
    private const int MaxDepth = 64;
    private const int MaxValues = 1_000_000;
    private const int MaxNameLength = 4096;
    private const long MaxNameCharacters = 64L << 20;
    private const long CopyAllowance = 16L << 20;
    private const string Remedy = "The file is damaged, or PyTorch did not write it.";

    // The first pickle of the older format is this number, of the second the version of the format.
    private static readonly BigInteger LegacyMagic = new([0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]);
    private const long LegacyVersion = 1001;

    // Where training programs usually put the network beside the optimiser's state.
    private static readonly string[] UsualSections =
        ["state_dict", "model_state_dict", "model", "net", "network", "params_ema", "params", "weights"];

    private readonly Dictionary<string, StoredTensor> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly List<string> _sections = [];
    private readonly Dictionary<string, (ReadOnlyMemory<byte> Bytes, long Offset)> _storages =
        new(StringComparer.Ordinal);
    private readonly int _fileLength;
    private Func<PickleStorage, (ReadOnlyMemory<byte>, long)>? _resolve;
    private long _copied;
    private int _visited;
    private long _characters;
    private bool _rootHasTensors;

    private PyTorchFile(int fileLength, bool isZip)
    {
        _fileLength = fileLength;
        IsZip = isZip;
    }

    /// <summary>Whether this is the zip archive of PyTorch 1.6 and later, not the older stream.</summary>
    public bool IsZip { get; }

    /// <summary>All tensors, by the keys that lead to them, in the file's order.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Tensors => _tensors;

    /// <summary>Numbers, texts and truth values, as texts, by the keys that lead to them.</summary>
    public IReadOnlyDictionary<string, string> Values => _values;

    /// <summary>Keys of the outermost dictionary under which there are tensors.</summary>
    public IReadOnlyList<string> Sections => _sections;

    /// <summary>Whether bytes start as a checkpoint of either format does.</summary>
    public static bool IsPyTorch(ReadOnlySpan<byte> bytes) => IsArchive(bytes) || IsLegacy(bytes);

    /// <summary>Reads a checkpoint from a stream, to its end.</summary>
    /// <param name="stream">A readable, seekable stream.</param>
    /// <param name="maxBytes">Longest file accepted; at most about 2 GB.</param>
    /// <exception cref="TficFormatException">Not a checkpoint of tensors, damaged, or longer than allowed.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static PyTorchFile Read(Stream stream, int maxBytes = 0x7FFFFFC7)
    {
        ArgumentNullException.ThrowIfNull(stream);
        long length = stream.Length - stream.Position;
        if (length > maxBytes)
        {
            throw new TficFormatException(
                $"The file has {length} bytes, more than the {maxBytes} allowed. Save only model.state_dict().");
        }

        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        return Read(bytes);
    }

    /// <summary>Reads a checkpoint that is in memory.</summary>
    /// <param name="file">The whole file. Tensors refer to it: it must not change afterwards.</param>
    /// <exception cref="TficFormatException">Not a checkpoint of tensors, or damaged.</exception>
    public static PyTorchFile Read(ReadOnlyMemory<byte> file)
    {
        PyTorchFile result;
        object? root;
        if (IsArchive(file.Span))
        {
            result = new PyTorchFile(file.Length, isZip: true);
            root = result.ReadArchive(file);
        }
        else if (IsLegacy(file.Span))
        {
            result = new PyTorchFile(file.Length, isZip: false);
            root = result.ReadLegacy(file);
        }
        else
        {
            throw new TficFormatException(
                file.Length > 262 && file.Span[257..262].SequenceEqual("ustar"u8)
                    ? "This is a tar archive, which PyTorch wrote until 2017. Load and save it with a later PyTorch."
                    : "The file does not start as PyTorch's checkpoints do. Is it the right file?",
                0);
        }

        result.Walk(root, "", 0);
        return result;
    }

    /// <summary>
    /// Takes off the prefix <c>module.</c> that PyTorch's DataParallel puts before every name, where all have it.
    /// </summary>
    public static IReadOnlyDictionary<string, StoredTensor> WithoutWrapper(
        IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        const string Prefix = "module.";
        ArgumentNullException.ThrowIfNull(tensors);
        return tensors.Count > 0 && tensors.Keys.All(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            ? tensors.ToDictionary(pair => pair.Key[Prefix.Length..], pair => pair.Value, StringComparer.Ordinal)
            : tensors;
    }

    /// <summary>The network's tensors, under their own names.</summary>
    /// <param name="section">
    /// Key of the outermost dictionary that they lie under, "" for that dictionary itself, null to find them: under a
    /// usual name such as <c>state_dict</c>, else in the outermost dictionary, else in the only section with tensors.
    /// </param>
    /// <exception cref="TficFormatException">There is no such section, or several could be meant.</exception>
    public IReadOnlyDictionary<string, StoredTensor> StateDict(string? section = null)
    {
        section ??= UsualSections.FirstOrDefault(_sections.Contains)
            ?? (_rootHasTensors ? ""
                : _sections.Count == 1 ? _sections[0]
                : _sections.Count == 0 ? throw new TficFormatException("The checkpoint holds no tensors.")
                : throw new TficFormatException(
                    $"The checkpoint holds tensors under {List()}. Say which are meant."));
        if (section.Length == 0)
            return _tensors;
        string prefix = section + ".";
        var part = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach ((string name, StoredTensor tensor) in _tensors)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                part.Add(name[prefix.Length..], tensor.Renamed(name[prefix.Length..]));
        }

        return part.Count > 0
            ? part
            : throw new TficFormatException(
                $"The checkpoint has no tensors under '{section}', but under {List()}.");

        string List() => string.Join(", ", _sections.Take(20).Select(Shorten));
    }

    private static bool IsArchive(ReadOnlySpan<byte> bytes) => bytes.StartsWith("PK\x03\x04"u8);

    // PROTO 2, LONG1 of 10 bytes, the magic number, STOP.
    private static bool IsLegacy(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 15 && bytes[0] == 0x80 && bytes[2] == 0x8A && bytes[3] == 10
        && new BigInteger(bytes[4..14]) == LegacyMagic && bytes[14] == (byte)'.';

    private object? ReadArchive(ReadOnlyMemory<byte> file)
    {
        var zip = new StoredZip(file);
        string? pickle = null, folder = null;
        foreach (string name in zip.Names)
        {
            int slash = name.IndexOf('/');
            if (slash < 0 || name.AsSpan(slash + 1) is not "data.pkl")
                continue;
            if (pickle is not null)
                throw new TficFormatException($"The archive holds two pickles, '{pickle}' and '{name}'. {Remedy}");
            (pickle, folder) = (name, name[..slash]);
        }

        if (pickle is null)
        {
            throw new TficFormatException(
                "The archive is no checkpoint: it has no file 'NAME/data.pkl'. Is it the right file?");
        }

        if (zip.Names.Contains($"{folder}/constants.pkl"))
        {
            throw new TficFormatException(
                "This is a TorchScript program, not a checkpoint. In PyTorch, load it and save its state_dict().");
        }

        if (zip.Names.Contains($"{folder}/byteorder")
            && !zip.File($"{folder}/byteorder", out long orderOffset).Span.SequenceEqual("little"u8))
        {
            throw new TficFormatException("The checkpoint is big-endian. Save it on another machine.", orderOffset);
        }

        ReadOnlyMemory<byte> bytes = zip.File(pickle, out long offset);
        var reader = new PickleReader(bytes.Span, offset);
        object? root = reader.Read();
        if (reader.Length != bytes.Length)
            throw new TficFormatException($"Bytes follow the pickle's end. {Remedy}", offset + reader.Length);
        _resolve = storage =>
        {
            ReadOnlyMemory<byte> content = zip.File($"{folder}/data/{storage.Key}", out long start);
            return content.Length == (Int128)storage.Count * StoredTensor.SizeOf(storage.Type)
                ? (content, start)
                : throw new TficFormatException(
                    $"Storage '{storage.Key}' has {content.Length} bytes where {storage.Count} elements of " +
                    $"{storage.Type} are announced. {Remedy}",
                    storage.Offset);
        };
        return root;
    }

    private object? ReadLegacy(ReadOnlyMemory<byte> file)
    {
        long position = 0;
        object? Next()
        {
            var reader = new PickleReader(file.Span[(int)position..], position);
            object? value = reader.Read();
            position += reader.Length;
            return value;
        }

        _ = Next();
        if (Next() is not LegacyVersion)
            throw new TficFormatException($"The checkpoint is of an unknown version. {Remedy}", 0);
        long at = position;
        if (Next() is not PickleDict machine
            || machine.Items.Any(pair => pair.Key is "little_endian" && pair.Value is not true))
        {
            throw new TficFormatException("The checkpoint is big-endian. Save it on another machine.", at);
        }

        object? root = Next();
        at = position;
        if (Next() is not PickleList { Items: var keys })
            throw new TficFormatException($"The list of storages is missing. {Remedy}", at);

        // The storages follow in the order of that list, each its number of elements and these. Their types are told
        // where the pickle refers to them.
        Dictionary<string, PickleStorage> known = Storages(root);
        foreach (object? key in keys)
        {
            if (key is not string name || !known.TryGetValue(name, out PickleStorage? storage))
                throw new TficFormatException($"A storage is listed that no tensor lies in. {Remedy}", at);
            if (file.Length - position < 8)
                throw new TficFormatException($"Storage '{name}' is missing: the file is truncated.", position);
            long count = BinaryPrimitives.ReadInt64LittleEndian(file.Span[(int)position..]);
            position += 8;
            int size = StoredTensor.SizeOf(storage.Type);
            if (count != storage.Count || count > (file.Length - position) / size)
            {
                throw new TficFormatException(
                    $"Storage '{name}' has {count} elements where {storage.Count} are announced and " +
                    $"{(file.Length - position) / size} fit. {Remedy}",
                    position - 8);
            }

            if (!_storages.TryAdd(name, (file.Slice((int)position, (int)count * size), position)))
                throw new TficFormatException($"Storage '{name}' is listed twice. {Remedy}", at);
            position += count * size;
        }

        if (position != file.Length)
            throw new TficFormatException($"Bytes follow the last storage. {Remedy}", position);
        _resolve = storage =>
            throw new TficFormatException($"Storage '{storage.Key}' is missing. {Remedy}", storage.Offset);
        return root;
    }

    /// <summary>Every storage that a value refers to. Each object is visited once, however often it occurs.</summary>
    private static Dictionary<string, PickleStorage> Storages(object? root)
    {
        var found = new Dictionary<string, PickleStorage>(StringComparer.Ordinal);
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var open = new Stack<object?>([root]);
        while (open.TryPop(out object? value))
        {
            if (value is null || !seen.Add(value))
                continue;
            switch (value)
            {
                case PickleTensor tensor:
                    open.Push(tensor.Storage);
                    break;
                case PickleStorage storage:
                    if (found.TryGetValue(storage.Key, out PickleStorage? other)
                        && (other.Type != storage.Type || other.Count != storage.Count))
                    {
                        throw new TficFormatException(
                            $"Storage '{storage.Key}' is described in two ways. {Remedy}", storage.Offset);
                    }

                    found[storage.Key] = storage;
                    break;
                case PickleTuple tuple:
                    foreach (object? item in tuple.Items)
                        open.Push(item);
                    break;
                case PickleList list:
                    foreach (object? item in list.Items)
                        open.Push(item);
                    break;
                case PickleDict dict:
                    foreach ((_, object? item) in dict.Items)
                        open.Push(item);
                    break;
            }
        }

        return found;
    }

    // The memo can make a small pickle a large tree, or one that contains itself: depth, number of values and length of
    // names are bounded.
    private void Walk(object? value, string name, int depth)
    {
        if (depth > MaxDepth)
            throw new TficFormatException($"'{Shorten(name)}' lies deeper than {MaxDepth} levels. {Remedy}");
        if (++_visited > MaxValues)
            throw new TficFormatException($"The checkpoint holds more than {MaxValues:N0} values. {Remedy}");
        switch (value)
        {
            case PickleDict dict:
                foreach ((object? key, object? item) in dict.Items)
                {
                    string text = key switch
                    {
                        string s => s,
                        long or bool or double => Python(key),
                        PickleTuple { Items.Length: <= 8 } tuple when tuple.Items.All(i => i is string or long) =>
                            string.Join('/', tuple.Items),
                        _ => throw new TficFormatException(
                            $"A key in '{Shorten(name)}' is neither text nor number. {Remedy}"),
                    };
                    WalkChild(item, name, text, depth);
                }

                break;
            case PickleList list:
                for (int i = 0; i < list.Items.Count; i++)
                    WalkChild(list.Items[i], name, i.ToString(CultureInfo.InvariantCulture), depth);
                break;
            case PickleTuple tuple:
                for (int i = 0; i < tuple.Items.Length; i++)
                    WalkChild(tuple.Items[i], name, i.ToString(CultureInfo.InvariantCulture), depth);
                break;
            case PickleTensor tensor:
                string own = name.Length == 0 ? "tensor" : name;
                _tensors[own] = Materialise(tensor, own);
                _rootHasTensors |= depth <= 1;
                break;
            case PickleStorage:
                throw new TficFormatException($"'{Shorten(name)}' is a bare storage. Save a tensor in its place.");
            default:
                // A long text is cut, which copies it, as often as the memo recalls it.
                string shown = Python(value);
                CountCharacters(shown.Length, name);
                _values[name] = shown;
                break;
        }
    }

    private void CountCharacters(int count, string name)
    {
        _characters += count;
        if (_characters > MaxNameCharacters)
        {
            throw new TficFormatException(
                $"Names and texts up to '{Shorten(name)}' have more than {MaxNameCharacters:N0} characters. {Remedy}");
        }
    }

    private void WalkChild(object? item, string name, string key, int depth)
    {
        string child = depth == 0 ? key : $"{name}.{key}";
        if (child.Length > MaxNameLength)
            throw new TficFormatException($"The name '{Shorten(child)}' is too long. {Remedy}");
        CountCharacters(child.Length, child);
        int tensors = _tensors.Count;
        Walk(item, child, depth + 1);
        if (depth == 0 && item is not PickleTensor && _tensors.Count > tensors)
            _sections.Add(key);
    }

    private StoredTensor Materialise(PickleTensor tensor, string name)
    {
        PickleStorage storage = tensor.Storage;
        if (!_storages.TryGetValue(storage.Key, out (ReadOnlyMemory<byte> Bytes, long Offset) content))
            _storages[storage.Key] = content = _resolve!(storage);

        // The same storage may be referred to again, under another type if the file is hostile.
        int size = StoredTensor.SizeOf(storage.Type);
        if (content.Bytes.Length != (Int128)storage.Count * size)
            throw Fault("refers to a storage of another type");
        var shape = new int[tensor.Shape.Length];
        Int128 count = 1;
        Int128 last = tensor.First;
        bool contiguous = true;
        if (tensor.First < 0)
            throw Fault("starts before its storage");
        for (int d = shape.Length - 1; d >= 0; d--)
        {
            (long length, long stride) = (tensor.Shape[d], tensor.Strides[d]);
            if (length is < 0 or > int.MaxValue || stride < 0)
                throw Fault($"has size {length} and stride {stride}");
            shape[d] = (int)length;
            contiguous &= length == 1 || stride == count;

            // Beyond the limit it only needs to stay there: a size of 0 further out still makes the tensor empty.
            count = count > int.MaxValue && length > 0 ? count : count * length;
            last += (Int128)Math.Max(0, length - 1) * stride;
        }

        if (count == 0)
            return new StoredTensor(name, storage.Type, shape, ReadOnlyMemory<byte>.Empty, content.Offset);
        if (last >= storage.Count || count * size > int.MaxValue)
            throw Fault($"reaches to element {last} of a storage of {storage.Count}");
        if (contiguous)
        {
            ReadOnlyMemory<byte> slice = content.Bytes.Slice((int)tensor.First * size, (int)count * size);
            return new StoredTensor(name, storage.Type, shape, slice, content.Offset + tensor.First * size);
        }

        _copied += (long)count * size;
        if (_copied > CopyAllowance + 4L * _fileLength)
            throw Fault("makes the checkpoint's tensors several times as large as the file");
        var copy = new byte[(int)count * size];
        ReadOnlySpan<byte> source = content.Bytes.Span;
        switch (size)
        {
            case 1:
                Gather<byte>(source, copy, tensor, shape);
                break;
            case 2:
                Gather(MemoryMarshal.Cast<byte, short>(source), Target<short>(copy), tensor, shape);
                break;
            case 4:
                Gather(MemoryMarshal.Cast<byte, int>(source), Target<int>(copy), tensor, shape);
                break;
            default:
                Gather(MemoryMarshal.Cast<byte, long>(source), Target<long>(copy), tensor, shape);
                break;
        }

        return new StoredTensor(name, storage.Type, shape, copy, content.Offset);

        TficFormatException Fault(string what) => new($"Tensor '{Shorten(name)}' {what}. {Remedy}", tensor.Offset);

        static Span<T> Target<T>(byte[] copy) where T : unmanaged => MemoryMarshal.Cast<byte, T>(copy.AsSpan());
    }

    // Row-major over the tensor, by a counter with one digit a dimension.
    private static void Gather<T>(ReadOnlySpan<T> storage, Span<T> target, PickleTensor tensor, int[] shape)
    {
        var digits = new int[shape.Length];
        long source = tensor.First;
        for (int i = 0; i < target.Length; i++)
        {
            target[i] = storage[(int)source];
            for (int d = shape.Length - 1; d >= 0; d--)
            {
                source += tensor.Strides[d];
                if (++digits[d] < shape[d])
                    break;
                source -= tensor.Strides[d] * shape[d];
                digits[d] = 0;
            }
        }
    }

    private static string Python(object? value) => value switch
    {
        null => "None",
        true => "True",
        false => "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        BigInteger number => number.ToString(CultureInfo.InvariantCulture),
        string text => text.Length <= MaxNameLength ? text : string.Concat(text.AsSpan(0, MaxNameLength), "…"),
        byte[] bytes => $"{bytes.Length} bytes",
        _ => value.GetType().IsEnum ? "a type" : value.ToString()!,
    };

    private static string Shorten(string name) => name.Length <= 120 ? name : name[..120] + "…";
}
