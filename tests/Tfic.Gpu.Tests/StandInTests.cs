using ILGPU;
using ILGPU.Runtime;

namespace Tfic.Gpu.Tests;

/// <summary>The stand-in itself: a double that lets errors pass would make the kernels' tests worthless.</summary>
public class StandInTests
{
    private static void RotateWithoutBarrier(ArrayView<int> target)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(Group.DimX);
        shared[Group.IdxX] = Group.IdxX;
        target[Group.IdxX] = shared[(Group.IdxX + 1) % Group.DimX];
    }

    private static void Rotate(ArrayView<int> target)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(Group.DimX);
        shared[Group.IdxX] = Group.IdxX;
        Group.Barrier();
        target[Grid.IdxX * Group.DimX + Group.IdxX] = shared[(Group.IdxX + 1) % Group.DimX];
    }

    private static void HalfReachTheBarrier(ArrayView<int> target)
    {
        if (Group.IdxX < Group.DimX / 2)
            Group.Barrier();
        target[Group.IdxX] = 0;
    }

    private static void WriteOneTooFar(ArrayView<int> target) => target[Group.IdxX + 1] = 0;

    private static void Count(ArrayView<int> target) => Atomic.Add(ref target[0], 1);

    [Theory]
    [InlineData(TurnOrder.Ascending)]
    [InlineData(TurnOrder.Descending)]
    public void BarriersSeparateWritesFromReads(TurnOrder order)
    {
        Assert.Equal([1, 2, 3, 0, 1, 2, 3, 0], Run(Rotate, (2, 4), 8, order));
    }

    [Theory]
    [InlineData(TurnOrder.Ascending)]
    [InlineData(TurnOrder.Descending)]
    public void AMissingBarrierShows(TurnOrder order)
    {
        Assert.NotEqual([1, 2, 3, 0], Run(RotateWithoutBarrier, (1, 4), 4, order));
    }

    [Fact]
    public void ABarrierThatSomePassByIsAnError()
    {
        Assert.Throws<InvalidOperationException>(() => Run(HalfReachTheBarrier, (1, 4), 4));
    }

    [Fact]
    public void WritingOutOfBoundsIsAnError()
    {
        Assert.Throws<IndexOutOfRangeException>(() => Run(WriteOneTooFar, (1, 4), 4));
    }

    [Fact]
    public void SubViewsKeepTheirBounds()
    {
        using var accelerator = new Accelerator();
        using MemoryBuffer1D<int, Stride1D.Dense> buffer = accelerator.Allocate1D<int>(8);
        ArrayView<int> part = buffer.View.SubView(2, 4).BaseView;
        Assert.Throws<IndexOutOfRangeException>(() => part[4]);
        Assert.Throws<ArgumentOutOfRangeException>(() => part.SubView(1, 4));
    }

    [Fact]
    public void EveryThreadOfEveryGroupRunsOnce()
    {
        using var accelerator = new Accelerator();
        using MemoryBuffer1D<int, Stride1D.Dense> buffer = accelerator.Allocate1D([0]);
        accelerator.LoadStreamKernel<ArrayView<int>>(Count)((5, 7), buffer.View.BaseView);
        var result = new int[1];
        buffer.View.CopyToCPU(accelerator.DefaultStream, result);
        Assert.Equal(35, result[0]);
    }

    [Fact]
    public void FreshMemoryHoldsNoZeros()
    {
        using var accelerator = new Accelerator();
        using MemoryBuffer1D<float, Stride1D.Dense> buffer = accelerator.Allocate1D<float>(1);
        Assert.True(float.IsNaN(buffer.View.BaseView[0]));
    }

    private static int[] Run(
        Action<ArrayView<int>> kernel, KernelConfig config, int length, TurnOrder order = TurnOrder.Ascending)
    {
        using var accelerator = new Accelerator(order);
        using MemoryBuffer1D<int, Stride1D.Dense> buffer = accelerator.Allocate1D<int>(length);
        accelerator.LoadStreamKernel(kernel)(config, buffer.View.BaseView);
        var result = new int[length];
        buffer.View.CopyToCPU(accelerator.DefaultStream, result);
        return result;
    }
}
