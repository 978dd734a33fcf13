using System.Runtime.InteropServices;
using Tfic.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Networks;

/// <summary>Between a module's state and files of named tensors, PyTorch's or safetensors.</summary>
public static class StateDict
{
    /// <summary>Reads the network's tensors from a file of either kind, told apart by its first bytes.</summary>
    /// <param name="file">The file's bytes; the tensors refer to them.</param>
    /// <param name="section">Of a PyTorch checkpoint: as of <see cref="PyTorchFile.StateDict"/>.</param>
    /// <exception cref="TficFormatException">The file is neither, or is damaged.</exception>
    public static IReadOnlyDictionary<string, StoredTensor> Read(ReadOnlyMemory<byte> file, string? section = null) =>
        PyTorchFile.IsPyTorch(file.Span)
            ? PyTorchFile.Read(file).StateDict(section)
            : SafetensorsFile.Read(file).Tensors;

    /// <inheritdoc cref="PyTorchFile.WithoutWrapper"/>
    public static IReadOnlyDictionary<string, StoredTensor> WithoutWrapper(
        IReadOnlyDictionary<string, StoredTensor> tensors) => PyTorchFile.WithoutWrapper(tensors);

    /// <summary>Copies tensors into a module: exactly its names, each of its shape.</summary>
    /// <param name="module">The module; changed only if all fits.</param>
    /// <param name="tensors">
    /// Its parameters and buffers by name, all possibly with DataParallel's prefix. The counters
    /// <c>num_batches_tracked</c>, which PyTorch has had since 0.4.1, may be missing.
    /// </param>
    /// <exception cref="TficFormatException">Names are missing or unknown, or a shape differs.</exception>
    public static void Load(nn.Module module, IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(module);
        tensors = WithoutWrapper(tensors);
        Dictionary<string, Tensor> own = module.state_dict();
        string[] missing =
        [
            .. own.Keys.Where(name => !tensors.ContainsKey(name)
                && !name.EndsWith("num_batches_tracked", StringComparison.Ordinal)),
        ];
        string[] unknown = [.. tensors.Keys.Where(name => !own.ContainsKey(name))];
        if (missing.Length > 0 || unknown.Length > 0)
        {
            throw new TficFormatException(
                $"These are the weights of another network than {module.GetName()}: {List(missing)} missing, " +
                $"{List(unknown)} unknown.");
        }

        foreach ((string name, StoredTensor stored) in tensors)
        {
            if (!own[name].shape.SequenceEqual(stored.Shape.ToArray().Select(size => (long)size)))
            {
                throw new TficFormatException(
                    $"Tensor '{name}' has shape [{string.Join(", ", stored.Shape.ToArray())}], but this " +
                    $"{module.GetName()} needs [{string.Join(", ", own[name].shape)}].",
                    stored.Offset);
            }
        }

        using IDisposable guard = no_grad();
        foreach ((string name, StoredTensor stored) in tensors)
        {
            using Tensor values = ToTensor(stored);
            own[name].copy_(values);
        }

        static string List(string[] names) => names.Length switch
        {
            0 => "none",
            <= 4 => string.Join(", ", names),
            _ => $"{string.Join(", ", names[..4])} and {names.Length - 4} more",
        };
    }

    /// <summary>A tensor with a file's values: float32 for all floating types up to it, else the type that is stored.</summary>
    /// <exception cref="TficFormatException">A value is not finite, or torch has no such type.</exception>
    public static Tensor ToTensor(StoredTensor stored)
    {
        ArgumentNullException.ThrowIfNull(stored);
        long[] shape = Array.ConvertAll(stored.Shape.ToArray(), size => (long)size);
        return stored.Type switch
        {
            TensorType.F32 or TensorType.F16 or TensorType.BF16 => tensor(stored.ToFloat(), shape),
            TensorType.F64 => tensor(Words<double>(stored), shape),
            TensorType.I64 => tensor(Words<long>(stored), shape),
            TensorType.I32 => tensor(Words<int>(stored), shape),
            TensorType.I16 => tensor(Words<short>(stored), shape),
            TensorType.I8 => tensor(Words<sbyte>(stored), shape),
            TensorType.U8 => tensor(Words<byte>(stored), shape),
            TensorType.BOOL => tensor(Array.ConvertAll(Words<byte>(stored), b => b != 0), shape),
            _ => throw new TficFormatException(
                $"Tensor '{stored.Name}' is {stored.Type}, which torch does not have.", stored.Offset),
        };
    }

    /// <summary>A tensor's element type and its bytes, row-major and little-endian, as files hold them.</summary>
    /// <param name="source">Any tensor; types that files of weights do not hold become float32.</param>
    public static (TensorType Type, byte[] Bytes, int[] Shape) ToBytes(Tensor source)
    {
        ArgumentNullException.ThrowIfNull(source);
        using DisposeScope scope = NewDisposeScope();
        Tensor flat = source.detach().cpu().contiguous();
        (TensorType type, byte[] bytes) = flat.dtype switch
        {
            ScalarType.Float64 => (TensorType.F64, Bytes(flat.data<double>().ToArray())),
            ScalarType.Int64 => (TensorType.I64, Bytes(flat.data<long>().ToArray())),
            ScalarType.Int32 => (TensorType.I32, Bytes(flat.data<int>().ToArray())),
            ScalarType.Int16 => (TensorType.I16, Bytes(flat.data<short>().ToArray())),
            ScalarType.Int8 => (TensorType.I8, Bytes(flat.data<sbyte>().ToArray())),
            ScalarType.Byte => (TensorType.U8, Bytes(flat.data<byte>().ToArray())),
            ScalarType.Bool => (TensorType.BOOL, Array.ConvertAll(flat.data<bool>().ToArray(), b => b ? (byte)1 : (byte)0)),
            _ => (TensorType.F32, Bytes(flat.to(ScalarType.Float32).data<float>().ToArray())),
        };
        return (type, bytes, Array.ConvertAll(source.shape, checked(size => (int)size)));
    }

    /// <summary>Adds a module's parameters and buffers to a checkpoint, under their names.</summary>
    public static void Add(PyTorchWriter writer, nn.Module module)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(module);
        foreach ((string name, Tensor value) in module.state_dict())
        {
            (TensorType type, byte[] bytes, int[] shape) = ToBytes(value);
            writer.Add(name, type, bytes, shape);
        }
    }

    private static T[] Words<T>(StoredTensor stored) where T : unmanaged
    {
        T[] words = MemoryMarshal.Cast<byte, T>(stored.Bytes.Span).ToArray();
        return BitConverter.IsLittleEndian ? words : throw new PlatformNotSupportedException("Weights are little-endian.");
    }

    private static byte[] Bytes<T>(T[] values) where T : unmanaged =>
        BitConverter.IsLittleEndian
            ? MemoryMarshal.AsBytes(values.AsSpan()).ToArray()
            : throw new PlatformNotSupportedException("Weights are little-endian.");
}
