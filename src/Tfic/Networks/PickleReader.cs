using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Tfic.Networks;

/// <summary>A tuple of a pickle.</summary>
internal sealed record PickleTuple(object?[] Items);

/// <summary>A list of a pickle.</summary>
internal sealed record PickleList(List<object?> Items);

/// <summary>A dict of a pickle, ordered or not; a key that comes again replaces the value of the first.</summary>
internal sealed record PickleDict(List<KeyValuePair<object?, object?>> Items);

/// <summary>A storage that tensors of a checkpoint lie in; its bytes are found after the pickle is read.</summary>
/// <param name="Key">Its name in the checkpoint.</param>
/// <param name="Type">Element type.</param>
/// <param name="Count">Elements.</param>
/// <param name="Offset">Where the pickle speaks of it.</param>
internal sealed record PickleStorage(string Key, TensorType Type, long Count, long Offset);

/// <summary>A tensor of a checkpoint: a strided view of a storage, not checked against it yet.</summary>
internal sealed record PickleTensor(PickleStorage Storage, long First, long[] Shape, long[] Strides, long Offset);

/// <summary>
/// Reads the subset of Python's pickle language that PyTorch writes state dictionaries in. Nothing is executed: the
/// few names that may be called are known by heart, and any other is refused.
/// </summary>
/// <remarks>
/// <para>
/// A pickle is a program for a machine with a stack and a memo. The opcodes and their meaning are those of Python's
/// <c>pickletools</c>, protocols 2 to 4. Each opcode does work, and makes objects, in proportion to its own bytes or to
/// the stack items it takes off, so time and memory are bounded by the number of opcodes, which is limited.
/// </para>
/// <para>
/// Values are null, bool, long, <see cref="BigInteger"/> (beyond 64 bits), double, string, byte[],
/// <see cref="PickleTuple"/>, <see cref="PickleList"/>, <see cref="PickleDict"/>, <see cref="PickleStorage"/> and
/// <see cref="PickleTensor"/>. The memo lets a value occur in several places, itself included: who walks through a
/// value has to bound the walk.
/// </para>
/// </remarks>
internal ref struct PickleReader
{
    /// <summary>Opcodes of one pickle; a network of ten thousand tensors has half a million.</summary>
    public const int MaxOpcodes = 2_000_000;

    private const int MaxDimensions = 64;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly long _base;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private int _position;
    private int _opcode;
    private int _pairs;

    /// <summary>Makes a reader.</summary>
    /// <param name="bytes">Starts with the pickle; more may follow.</param>
    /// <param name="fileOffset">Where <paramref name="bytes"/> start in the file, for messages.</param>
    public PickleReader(ReadOnlySpan<byte> bytes, long fileOffset)
    {
        _bytes = bytes;
        _base = fileOffset;
    }

    /// <summary>Bytes that the pickle takes, once it is read.</summary>
    public readonly int Length => _position;

    private enum Callable
    {
        OrderedDict,
        RebuildTensor,
        RebuildTensorV2,
        RebuildParameter,
        Size,
        Device,
    }

    /// <summary>Reads the pickle.</summary>
    /// <exception cref="TficFormatException">It is damaged, or asks for anything but data of known kinds.</exception>
    public object? Read()
    {
        for (int count = 0; count < MaxOpcodes; count++)
        {
            _opcode = _position;
            byte opcode = Take(1)[0];
            if (opcode == (byte)'.')
            {
                object? result = Pop();
                return _stack.Count == 0 ? result : throw Fault("The pickle ends with values left over.");
            }

            Execute(opcode);
        }

        throw Fault($"The pickle has more than {MaxOpcodes:N0} opcodes, which no state dictionary needs.");
    }

    private void Execute(byte opcode)
    {
        switch (opcode)
        {
            case 0x80: // PROTO
                if (Take(1)[0] is not (>= 2 and <= 5))
                    throw Fault("Only pickle protocols 2 to 5 are read.");
                break;
            case 0x95: // FRAME: groups opcodes for buffering, means nothing
                if (BinaryPrimitives.ReadUInt64LittleEndian(Take(8)) > (ulong)(_bytes.Length - _position))
                    throw Fault("A frame is longer than the file.");
                break;

            case (byte)'N':
                Push(null);
                break;
            case 0x88:
                Push(true);
                break;
            case 0x89:
                Push(false);
                break;
            case (byte)'J':
                Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                break;
            case (byte)'K':
                Push((long)Take(1)[0]);
                break;
            case (byte)'M':
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                break;
            case 0x8A: // LONG1
                Push(Integer(Take(Take(1)[0])));
                break;
            case (byte)'G':
                Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                break;

            case (byte)'X':
                Push(Text(Take(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))));
                break;
            case 0x8C:
                Push(Text(Take(Take(1)[0])));
                break;
            case 0x8D:
                Push(Text(Take(BinaryPrimitives.ReadUInt64LittleEndian(Take(8)))));
                break;
            case (byte)'U': // a str of Python 2
                Push(Text(Take(Take(1)[0])));
                break;
            case (byte)'T':
                Push(Text(Take(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))));
                break;
            case (byte)'C':
                Push(Take(Take(1)[0]).ToArray());
                break;
            case (byte)'B':
                Push(Take(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))).ToArray());
                break;

            case (byte)'(':
                _marks.Add(_stack.Count);
                break;
            case (byte)'0': // POP
                if (_marks.Count > 0 && _marks[^1] == _stack.Count)
                    _marks.RemoveAt(_marks.Count - 1);
                else
                    Pop();
                break;
            case (byte)'1': // POP_MARK
                PopToMark();
                break;
            case (byte)'2': // DUP
                Push(Top());
                break;

            case (byte)')':
                Push(new PickleTuple([]));
                break;
            case 0x85:
            case 0x86:
            case 0x87:
                Push(new PickleTuple(PopMany(opcode - 0x84)));
                break;
            case (byte)'t':
                Push(new PickleTuple(PopToMark()));
                break;
            case (byte)']':
                Push(new PickleList([]));
                break;
            case (byte)'l':
                Push(new PickleList([.. PopToMark()]));
                break;
            case (byte)'a':
                {
                    object? item = Pop();
                    TopList().Items.Add(item);
                    break;
                }

            case (byte)'e':
                {
                    object?[] items = PopToMark();
                    TopList().Items.AddRange(items);
                    break;
                }

            case (byte)'}':
                Push(new PickleDict([]));
                break;
            case (byte)'d':
                Push(Add(new PickleDict([]), PopToMark()));
                break;
            case (byte)'s':
                {
                    object?[] pair = PopMany(2);
                    Add(TopDict(), pair);
                    break;
                }

            case (byte)'u':
                {
                    object?[] pairs = PopToMark();
                    Add(TopDict(), pairs);
                    break;
                }

            case (byte)'h':
                Push(Recall(Take(1)[0]));
                break;
            case (byte)'j':
                Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                break;
            case (byte)'q':
                _memo[Take(1)[0]] = Top();
                break;
            case (byte)'r':
                _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Top();
                break;
            case 0x94: // MEMOIZE
                _memo[(uint)_memo.Count] = Top();
                break;

            case (byte)'c':
                {
                    string module = Line();
                    Push(Global(module, Line()));
                    break;
                }

            case 0x93: // STACK_GLOBAL
                {
                    object?[] names = PopMany(2);
                    if (names is not [string module, string name])
                        throw Fault("A name to look up is not text.");
                    Push(Global(module, name));
                    break;
                }

            case (byte)'R':
                {
                    object?[] call = PopMany(2);
                    Push(Call(call[0], call[1]));
                    break;
                }

            case (byte)'b': // BUILD: attributes of an object; only an OrderedDict may have some (torch's _metadata)
                if (Pop() is not PickleDict || Top() is not PickleDict)
                    throw Fault("Attributes are set on something that is no dictionary.");
                break;
            case (byte)'Q':
                Push(Storage(Pop()));
                break;

            default:
                throw Fault(
                    $"Opcode 0x{opcode:X2} is not among those that state dictionaries are written with.");
        }
    }

    /// <summary>What a name stands for: a callable or a storage type, else it is refused.</summary>
    private readonly object Global(string module, string name) => (module, name) switch
    {
        ("collections", "OrderedDict") => Callable.OrderedDict,
        ("torch._utils", "_rebuild_tensor") => Callable.RebuildTensor,
        ("torch._utils", "_rebuild_tensor_v2") => Callable.RebuildTensorV2,
        ("torch._utils", "_rebuild_parameter") => Callable.RebuildParameter,
        ("torch", "Size") => Callable.Size,
        ("torch", "device") => Callable.Device,
        ("torch" or "torch.storage", "FloatStorage") => TensorType.F32,
        ("torch" or "torch.storage", "DoubleStorage") => TensorType.F64,
        ("torch" or "torch.storage", "HalfStorage") => TensorType.F16,
        ("torch" or "torch.storage", "BFloat16Storage") => TensorType.BF16,
        ("torch" or "torch.storage", "LongStorage") => TensorType.I64,
        ("torch" or "torch.storage", "IntStorage") => TensorType.I32,
        ("torch" or "torch.storage", "ShortStorage") => TensorType.I16,
        ("torch" or "torch.storage", "CharStorage") => TensorType.I8,
        ("torch" or "torch.storage", "ByteStorage") => TensorType.U8,
        ("torch" or "torch.storage", "BoolStorage") => TensorType.BOOL,
        _ => throw Fault(
            $"The file wants '{Shorten(module)}.{Shorten(name)}' to be imported, which a state dictionary does not " +
            "need; nothing of a checkpoint is executed. In PyTorch, save only model.state_dict()."),
    };

    private object? Call(object? callee, object? arguments)
    {
        if (callee is not Callable callable || arguments is not PickleTuple { Items: var items })
            throw Fault("Something is called that is no function.");
        switch (callable)
        {
            case Callable.OrderedDict when items is []:
                return new PickleDict([]);
            case Callable.OrderedDict when items is [PickleList pairs]:
                {
                    // A list can be recalled from the memo and copied again and again; each pair of an honest one is
                    // copied once, and takes a byte at least.
                    if (pairs.Items.Count > _bytes.Length - _pairs)
                        throw Fault("OrderedDicts are made of more pairs than the file has bytes.");
                    _pairs += pairs.Items.Count;
                    var dict = new PickleDict([]);
                    foreach (object? pair in pairs.Items)
                    {
                        object?[] both = pair switch
                        {
                            PickleTuple tuple => tuple.Items,
                            PickleList { Items.Count: 2 } list => [.. list.Items],
                            _ => [],
                        };
                        if (both.Length != 2)
                            throw Fault("An OrderedDict is made of something else than pairs.");
                        Add(dict, both);
                    }

                    return dict;
                }

            case Callable.RebuildTensor when items is [PickleStorage storage, long first, var shape, var strides]:
                return Tensor(storage, first, shape, strides);
            case Callable.RebuildTensorV2
                when items is [PickleStorage storage, long first, var shape, var strides, bool, PickleDict, ..]
                && items.Length <= 7:
                return Tensor(storage, first, shape, strides);
            case Callable.RebuildParameter when items is [PickleTensor tensor, bool, PickleDict]:
                return tensor;
            case Callable.Size when items is [PickleTuple or PickleList]:
                return items[0];
            case Callable.Device when items is [string] or [string, long]:
                return string.Join(':', items);
            default:
                throw Fault($"{callable} is called with arguments of wrong kinds or number.");
        }
    }

    private readonly PickleTensor Tensor(PickleStorage storage, long first, object? shape, object? strides)
    {
        long[] sizes = Integers(shape), steps = Integers(strides);
        return sizes.Length == steps.Length
            ? new PickleTensor(storage, first, sizes, steps, _base + _opcode)
            : throw Fault($"A tensor has {sizes.Length} sizes, but {steps.Length} strides.");
    }

    private readonly long[] Integers(object? value)
    {
        object?[]? items = value switch
        {
            PickleTuple tuple => tuple.Items,
            PickleList { Items.Count: <= MaxDimensions } list => [.. list.Items],
            _ => null,
        };
        if (items is null || items.Length > MaxDimensions || !items.All(i => i is long))
            throw Fault($"A tensor's sizes or strides are not up to {MaxDimensions} whole numbers.");
        return Array.ConvertAll(items, i => (long)i!);
    }

    /// <summary>
    /// A persistent id names a storage: ('storage', type, key, device, elements), in files before PyTorch 1.6 with a
    /// sixth item, which was only ever other than None for storages that share another's memory.
    /// </summary>
    private readonly PickleStorage Storage(object? id)
    {
        if (id is PickleTuple { Items: ["storage", TensorType type, string key, string, long count, .. var rest] }
            && count >= 0 && rest is [] or [null])
        {
            return new PickleStorage(key, type, count, _base + _opcode);
        }

        throw Fault(id is PickleTuple { Items: ["module", ..] }
            ? "The file holds a whole module with its program. In PyTorch, save only model.state_dict()."
            : id is PickleTuple { Items: ["storage", ..] }
                ? "A storage is not described as ('storage', type, key, device, elements)."
                : "A persistent id is no storage.");
    }

    private readonly PickleDict Add(PickleDict dict, object?[] keysAndValues)
    {
        if (keysAndValues.Length % 2 != 0)
            throw Fault("A dictionary gets a key without a value.");
        for (int i = 0; i < keysAndValues.Length; i += 2)
            dict.Items.Add(new(keysAndValues[i], keysAndValues[i + 1]));
        return dict;
    }

    private static object Integer(ReadOnlySpan<byte> twosComplement)
    {
        var value = new BigInteger(twosComplement);
        return value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value;
    }

    private readonly string Text(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return StrictUtf8.GetString(utf8);
        }
        catch (ArgumentException)
        {
            throw Fault("A text is not UTF-8.");
        }
    }

    private string Line()
    {
        int length = _bytes[_position..].IndexOf((byte)'\n');
        if (length < 0)
            throw Fault("A name has no end.");
        string line = Text(Take(length));
        _position++;
        return line;
    }

    private ReadOnlySpan<byte> Take(long count) => Take((ulong)count);

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(_bytes.Length - _position))
        {
            throw Fault(
                $"The pickle ends in the middle: {count} bytes are needed, {_bytes.Length - _position} are left.");
        }

        ReadOnlySpan<byte> taken = _bytes.Slice(_position, (int)count);
        _position += (int)count;
        return taken;
    }

    private readonly void Push(object? value) => _stack.Add(value);

    private readonly object? Top() => _stack.Count > Floor ? _stack[^1] : throw Fault("The pickle's stack is empty.");

    private readonly PickleList TopList() =>
        Top() as PickleList ?? throw Fault("Items are appended to something that is no list.");

    private readonly PickleDict TopDict() =>
        Top() as PickleDict ?? throw Fault("Items are set in something that is no dictionary.");

    private readonly object? Pop()
    {
        object? value = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private readonly object?[] PopMany(int count)
    {
        if (_stack.Count - Floor < count)
            throw Fault("The pickle's stack is empty.");
        object?[] items = [.. _stack[^count..]];
        _stack.RemoveRange(_stack.Count - count, count);
        return items;
    }

    private readonly object?[] PopToMark()
    {
        if (_marks.Count == 0)
            throw Fault("The pickle's stack holds no mark.");
        int count = _stack.Count - _marks[^1];
        object?[] items = PopMany(count);
        _marks.RemoveAt(_marks.Count - 1);
        return items;
    }

    // What lies below the last mark is out of reach until the mark is taken.
    private readonly int Floor => _marks.Count == 0 ? 0 : _marks[^1];

    private readonly object? Recall(uint index) => _memo.TryGetValue(index, out object? value)
        ? value
        : throw Fault($"The pickle recalls value {index}, which it never kept.");

    private static string Shorten(string name) => name.Length <= 80 ? name : name[..80] + "…";

    private readonly TficFormatException Fault(string what) => new(
        $"{what} This is no PyTorch state dictionary, or it is damaged.", _base + _opcode);
}
