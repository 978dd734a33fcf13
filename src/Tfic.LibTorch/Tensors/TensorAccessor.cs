using System.Collections;

namespace TorchSharp.Utils;

/// <summary>The elements of a tensor in main memory, in row-major order whatever its strides are.</summary>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T> where T : unmanaged
{
    private readonly torch.Tensor tensor;
    private readonly T* first;
    private readonly long[] shape;
    private readonly long[] strides;
    private readonly bool plain;

    internal TensorAccessor(torch.Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU)
            throw new InvalidOperationException(
                "Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before "
                + "reading.");
        this.tensor = tensor;
        first = (T*)tensor.Data();
        shape = tensor.shape;
        strides = tensor.stride();
        plain = tensor.is_contiguous();
        Count = tensor.numel();
    }

    public long Count { get; }

    public bool IsReadOnly => false;

    /// <summary>One index counts elements in row-major order; otherwise there is one for each dimension.</summary>
    /// <exception cref="IndexOutOfRangeException">An index lies outside its dimension.</exception>
    public T this[params long[] indices]
    {
        get => *At(indices);
        set => *At(indices) = value;
    }

    public T[] ToArray()
    {
        var all = new T[Count];
        CopyTo(all);
        return all;
    }

    public Array ToNDArray()
    {
        if (shape.Length <= 1)
            return ToArray();
        Array all = Array.CreateInstance(typeof(T), shape);
        ref byte start = ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(all);
        Copy(System.Runtime.InteropServices.MemoryMarshal.CreateSpan(
            ref System.Runtime.CompilerServices.Unsafe.As<byte, T>(ref start), checked((int)Count)), 0);
        return all;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) =>
        CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    /// <summary>Copies as many elements as there are and as there is room for.</summary>
    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0) =>
        Copy(array[arrayIndex..], tensorIndex);

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) =>
        CopyFrom(array.AsSpan(), arrayIndex, tensorIndex);

    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        ReadOnlySpan<T> from = array[arrayIndex..];
        int count = (int)Math.Min(from.Length, Count - tensorIndex);
        if (plain)
        {
            from[..count].CopyTo(new Span<T>(first + tensorIndex, count));
        }
        else
        {
            for (int i = 0; i < count; i++)
                first[Offset(tensorIndex + i)] = from[i];
        }

        GC.KeepAlive(tensor);
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (long i = 0; i < Count; i++)
            yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The tensor belongs to whoever asked for its elements; nothing is freed here.</summary>
    public void Dispose()
    {
    }

    private void Copy(Span<T> to, long from)
    {
        int count = (int)Math.Min(to.Length, Count - from);
        if (plain)
        {
            new ReadOnlySpan<T>(first + from, count).CopyTo(to);
        }
        else
        {
            for (int i = 0; i < count; i++)
                to[i] = first[Offset(from + i)];
        }

        GC.KeepAlive(tensor);
    }

    private T* At(long[] indices)
    {
        ObjectDisposedException.ThrowIf(tensor.IsInvalid, tensor);
        if (indices.Length == 1)
            return first + Offset(Within(indices[0], Count));
        if (indices.Length != shape.Length)
            throw new ArgumentException($"{indices.Length} indices for {shape.Length} dimensions", nameof(indices));
        long offset = 0;
        for (int i = 0; i < indices.Length; i++)
            offset += Within(indices[i], shape[i]) * strides[i];
        return first + offset;
    }

    private static long Within(long index, long count) =>
        (ulong)index < (ulong)count ? index : throw new IndexOutOfRangeException($"index {index} of {count} elements");

    private long Offset(long index)
    {
        if (plain)
            return index;
        long offset = 0;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            offset += index % shape[i] * strides[i];
            index /= shape[i];
        }

        return offset;
    }
}
