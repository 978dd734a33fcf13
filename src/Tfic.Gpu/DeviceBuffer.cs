using ILGPU;
using ILGPU.Runtime;

namespace Tfic.Gpu;

/// <summary>Memory of a device that grows to the largest length asked for and is then used again.</summary>
internal sealed class DeviceBuffer<T>(Accelerator accelerator) : IDisposable
    where T : unmanaged
{
    private MemoryBuffer1D<T, Stride1D.Dense>? _memory;

    /// <summary>The first so many elements, holding anything.</summary>
    public ArrayView1D<T, Stride1D.Dense> Take(long length)
    {
        if (_memory is null || _memory.Length < length)
        {
            _memory?.Dispose();
            _memory = null;
            _memory = accelerator.Allocate1D<T>(length);
        }

        return _memory.View.SubView(0, length);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _memory?.Dispose();
}
