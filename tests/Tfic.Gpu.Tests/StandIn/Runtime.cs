namespace ILGPU.Runtime;

/// <summary>How many groups of how many threads.</summary>
public readonly record struct KernelConfig(int GridDim, int GroupDim)
{
    public static implicit operator KernelConfig((int GridDim, int GroupDim) value) => new(value.GridDim, value.GroupDim);
}

/// <summary>Commands in order. Everything here is done when the call returns.</summary>
public sealed class AcceleratorStream
{
    public void Synchronize()
    {
    }
}

/// <summary>The device: this process.</summary>
public sealed class Accelerator(TurnOrder order = TurnOrder.Ascending, int maxNumThreadsPerGroup = 1024) : IDisposable
{
    private int _buffers;

    public string Name => "Stand-in";

    public int MaxNumThreadsPerGroup { get; } = maxNumThreadsPerGroup;

    public AcceleratorStream DefaultStream { get; } = new();

    /// <summary>Buffers that were allocated and not disposed of.</summary>
    public int LiveBuffers => _buffers;

    public MemoryBuffer1D<T, Stride1D.Dense> Allocate1D<T>(long length)
        where T : unmanaged
    {
        _buffers++;
        return new(ArrayView<T>.Uninitialised(checked((int)length)), () => _buffers--);
    }

    public MemoryBuffer1D<T, Stride1D.Dense> Allocate1D<T>(T[] data)
        where T : unmanaged
    {
        MemoryBuffer1D<T, Stride1D.Dense> buffer = Allocate1D<T>(data.Length);
        buffer.View.CopyFromCPU(DefaultStream, data);
        return buffer;
    }

    public Action<KernelConfig> LoadStreamKernel(Action kernel) => config => Launch.Run(config, order, kernel);

    public Action<KernelConfig, T1> LoadStreamKernel<T1>(Action<T1> kernel) =>
        (config, a) => Launch.Run(config, order, () => kernel(a));

    public Action<KernelConfig, T1, T2, T3, T4> LoadStreamKernel<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel) =>
        (config, a, b, c, d) => Launch.Run(config, order, () => kernel(a, b, c, d));

    public Action<KernelConfig, T1, T2, T3, T4, T5> LoadStreamKernel<T1, T2, T3, T4, T5>(
        Action<T1, T2, T3, T4, T5> kernel) =>
        (config, a, b, c, d, e) => Launch.Run(config, order, () => kernel(a, b, c, d, e));

    public Action<KernelConfig, T1, T2, T3> LoadStreamKernel<T1, T2, T3>(Action<T1, T2, T3> kernel) =>
        (config, a, b, c) => Launch.Run(config, order, () => kernel(a, b, c));

    public Action<KernelConfig, T1, T2, T3, T4, T5, T6> LoadStreamKernel<T1, T2, T3, T4, T5, T6>(
        Action<T1, T2, T3, T4, T5, T6> kernel) =>
        (config, a, b, c, d, e, f) => Launch.Run(config, order, () => kernel(a, b, c, d, e, f));

    public void Dispose()
    {
    }
}

/// <summary>Device memory with an owner.</summary>
public sealed class MemoryBuffer1D<T, TStride>(ArrayView<T> memory, Action released) : IDisposable
    where T : unmanaged
{
    private bool _disposed;

    public long Length => memory.Length;

    public ArrayView1D<T, TStride> View
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return new(memory);
        }
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        released();
    }
}

/// <summary>A view with a shape; in one dimension, with the dense stride, it adds nothing but its type.</summary>
public readonly struct ArrayView1D<T, TStride>
    where T : unmanaged
{
    internal ArrayView1D(ArrayView<T> view) => BaseView = view;

    public ArrayView<T> BaseView { get; }

    public long Length => BaseView.Length;

    public ArrayView1D<T, TStride> SubView(long offset, long length) => new(BaseView.SubView(offset, length));

    public void CopyFromCPU(AcceleratorStream stream, ReadOnlySpan<T> source)
    {
        ArgumentNullException.ThrowIfNull(stream);
        source.CopyTo(BaseView.Span);
    }

    public void CopyToCPU(AcceleratorStream stream, Span<T> target)
    {
        ArgumentNullException.ThrowIfNull(stream);
        BaseView.Span.CopyTo(target);
    }
}
