using ILGPU;
using ILGPU.Runtime;
using Tfic.Gpu.Convolution;
using Tfic.Gpu.Pooling;
using Tfic.Kernels.Convolution;

namespace Tfic.Gpu.Networks;

/// <summary>
/// A network of convolutions and poolings that runs on a device from the first layer to the last: its weights lie there
/// from the start, planes between layers never leave it.
/// </summary>
/// <remarks>
/// Planes are numbered in the order in which they are made, after those that come from outside; the last one is the output.
/// Those that are not needed at the same time share memory, which grows to what the largest input takes and is then used
/// again.
/// </remarks>
internal sealed class DeviceNetwork : IDisposable
{
    /// <summary>The plane that comes from outside.</summary>
    public const int Input = 0;

    /// <summary>A second plane from outside, shaped like the output; few networks have it.</summary>
    public const int SecondInput = 1;

    /// <summary>No plane.</summary>
    public const int None = -1;

    private const int FirstResult = 2;

    private readonly Accelerator _accelerator;
    private readonly Action<
        KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, Conv2dShape,
        ArrayView<float>> _convolve;
    private readonly Action<KernelConfig, ArrayView<float>, PoolShape, ArrayView<float>> _pool;
    private readonly List<Step> _steps = [];
    private readonly List<DeviceBuffer<float>> _slots = [];
    private int[] _slotOf = [];

    /// <summary>Compiles the kernels for an accelerator, which the caller keeps and disposes of after this.</summary>
    /// <exception cref="NotSupportedException">The accelerator cannot run groups of 64 threads.</exception>
    public DeviceNetwork(Accelerator accelerator)
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        if (accelerator.MaxNumThreadsPerGroup < Conv2dKernels.GroupSize)
        {
            throw new NotSupportedException(
                $"{accelerator.Name} runs groups of at most {accelerator.MaxNumThreadsPerGroup} threads; " +
                $"convolutions need {Conv2dKernels.GroupSize}.");
        }

        _accelerator = accelerator;
        _convolve = accelerator.LoadStreamKernel<
            ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, Conv2dShape, ArrayView<float>>(
            Conv2dKernels.Convolve);
        _pool = accelerator.LoadStreamKernel<ArrayView<float>, PoolShape, ArrayView<float>>(MaxPoolKernel.Pool);
    }

    private int LastPlane => FirstResult + _steps.Count - 1;

    /// <summary>Adds a convolution.</summary>
    /// <param name="layer">The layer; its weights are copied to the device now.</param>
    /// <param name="input">The plane it reads.</param>
    /// <param name="residual">The plane that is its second input, where it has one.</param>
    /// <returns>The number of its result.</returns>
    public int Convolve(Conv2d layer, int input, int residual = None)
    {
        if (layer.Residual == Residual.None != (residual == None))
            throw new ArgumentException("The residual is missing or not wanted.", nameof(residual));
        (float[] weights, float[] bias) = Pack(layer);
        _steps.Add(new Step(
            input, residual, layer, _accelerator.Allocate1D(weights), _accelerator.Allocate1D(bias), default));
        return LastPlane;
    }

    /// <summary>Adds a pooling.</summary>
    /// <returns>The number of its result.</returns>
    public int Pool(int input, int windowHeight, int windowWidth)
    {
        _steps.Add(new Step(input, None, null, null, null, (windowHeight, windowWidth)));
        return LastPlane;
    }

    /// <summary>Runs the network.</summary>
    /// <param name="input">height × width × channels of the first layer.</param>
    /// <param name="height">Rows of the input.</param>
    /// <param name="width">Columns of the input.</param>
    /// <param name="output">At least as long as the last plane; written.</param>
    /// <param name="secondInput">As long as the last plane, where a layer has that for its residual.</param>
    /// <exception cref="ArgumentException">
    /// A span that is too short; or a plane of 2³¹ values or more, which the kernels cannot index.
    /// </exception>
    public void Run(
        ReadOnlySpan<float> input, int height, int width, Span<float> output, ReadOnlySpan<float> secondInput = default)
    {
        if (_slotOf.Length == 0)
            ShareSlots();
        var sizes = new PlaneSize[LastPlane + 1];
        sizes[Input] = new PlaneSize(height, width, _steps[0].Layer!.InputChannels);
        for (int i = 0; i < _steps.Count; i++)
            sizes[FirstResult + i] = _steps[i].Result(sizes[_steps[i].Input]);
        if (!secondInput.IsEmpty)
            sizes[SecondInput] = sizes[LastPlane];

        // Before a plane is written: a buffer that grows loses what it held.
        var lengths = new int[_slots.Count];
        for (int plane = 0; plane < sizes.Length; plane++)
            lengths[_slotOf[plane]] = int.Max(lengths[_slotOf[plane]], sizes[plane].Length);
        for (int slot = 0; slot < lengths.Length; slot++)
        {
            if (lengths[slot] > 0)
                _slots[slot].Take(lengths[slot]);
        }

        ArrayView1D<float, Stride1D.Dense> Plane(int plane) => _slots[_slotOf[plane]].Take(sizes[plane].Length);

        AcceleratorStream stream = _accelerator.DefaultStream;
        Plane(Input).CopyFromCPU(stream, input[..sizes[Input].Length]);
        if (!secondInput.IsEmpty)
            Plane(SecondInput).CopyFromCPU(stream, secondInput[..sizes[SecondInput].Length]);
        for (int i = 0; i < _steps.Count; i++)
        {
            Step step = _steps[i];
            ArrayView<float> from = Plane(step.Input).BaseView, to = Plane(FirstResult + i).BaseView;
            if (step.Layer is { } layer)
            {
                Conv2dShape shape = Shape(layer, sizes[step.Input]);
                _convolve(
                    (Conv2dKernels.Groups(shape), Conv2dKernels.GroupSize), from, step.Weights!.View.BaseView,
                    step.Bias!.View.BaseView, step.Residual == None ? from : Plane(step.Residual).BaseView, shape, to);
            }
            else
            {
                PlaneSize size = sizes[step.Input], result = sizes[FirstResult + i];
                _pool(
                    ((result.Length + MaxPoolKernel.GroupSize - 1) / MaxPoolKernel.GroupSize, MaxPoolKernel.GroupSize),
                    from,
                    new PoolShape(
                        size.Width, size.Channels, step.Window.Height, step.Window.Width, result.Width, result.Length),
                    to);
            }
        }

        Plane(LastPlane).CopyToCPU(stream, output[..sizes[LastPlane].Length]);
        stream.Synchronize();
    }

    /// <summary>Gives back the device's memory.</summary>
    public void Dispose()
    {
        foreach (Step step in _steps)
        {
            step.Weights?.Dispose();
            step.Bias?.Dispose();
        }

        _steps.Clear();
        foreach (DeviceBuffer<float> slot in _slots)
            slot.Dispose();
        _slots.Clear();
    }

    /// <summary>Weights and bias in the order that the kernel wants.</summary>
    private static (float[] Weights, float[] Bias) Pack(Conv2d layer)
    {
        int tiles = Conv2dKernels.OutputTiles(layer.OutputChannels), inputs = layer.InputChannels;
        int products = layer.KernelHeight * layer.KernelWidth * inputs, shuffled = layer.Shuffle * layer.Shuffle;
        var weights = new float[checked(tiles * products * Conv2dKernels.Outputs)];
        var bias = new float[tiles * Conv2dKernels.Outputs];
        for (int o = 0; o < layer.OutputChannels; o++)
        {
            // Channel c of place s within the shuffled pixel comes from c · r² + s.
            int from = o % layer.ResultChannels * shuffled + o / layer.ResultChannels;
            int tile = o / Conv2dKernels.Outputs, lane = o % Conv2dKernels.Outputs;
            bias[o] = layer.Bias[from];
            for (int product = 0; product < products; product++)
            {
                int tap = product / inputs, i = product % inputs;
                weights[(tile * products + product) * Conv2dKernels.Outputs + lane] =
                    layer.Weight[(from * inputs + i) * layer.KernelHeight * layer.KernelWidth + tap];
            }
        }

        return (weights, bias);
    }

    private static Conv2dShape Shape(Conv2d layer, PlaneSize input)
    {
        int rows = layer.ResultHeight(input.Height) / layer.Shuffle, columns = layer.ResultWidth(input.Width) / layer.Shuffle;
        return new Conv2dShape(
            input.Height, input.Width, layer.InputChannels, layer.KernelWidth,
            layer.KernelHeight * layer.KernelWidth * layer.InputChannels, layer.Stride, layer.Padding.Top,
            layer.Padding.Left, rows * columns, columns, layer.OutputChannels, layer.Shuffle, layer.NegativeSlope,
            (int)layer.Residual);
    }

    /// <summary>Gives each plane memory that no plane has which is read at the same time or later.</summary>
    private void ShareSlots()
    {
        // A plane is in use from the step that writes it, those from outside from the first, to the last that reads it.
        var lastUse = new int[LastPlane + 1];
        for (int i = 0; i < _steps.Count; i++)
        {
            lastUse[_steps[i].Input] = i;
            if (_steps[i].Residual != None)
                lastUse[_steps[i].Residual] = i;
        }

        lastUse[LastPlane] = _steps.Count;
        _slotOf = new int[LastPlane + 1];
        var inUseUntil = new List<int>();
        for (int plane = 0; plane <= LastPlane; plane++)
        {
            int slot = inUseUntil.FindIndex(last => last < plane - FirstResult);
            if (slot < 0)
            {
                slot = inUseUntil.Count;
                inUseUntil.Add(0);
                _slots.Add(new DeviceBuffer<float>(_accelerator));
            }

            inUseUntil[slot] = lastUse[plane];
            _slotOf[plane] = slot;
        }
    }

    private readonly record struct PlaneSize
    {
        public PlaneSize(int height, int width, int channels)
        {
            if (height < 1 || width < 1)
                throw new ArgumentException("The input is smaller than a kernel.");
            long length = (long)height * width * channels;
            if (length > int.MaxValue)
            {
                throw new ArgumentException(
                    $"A plane of {height} × {width} × {channels} is too large for the device; give a smaller picture.");
            }

            (Height, Width, Channels, Length) = (height, width, channels, (int)length);
        }

        public int Height { get; }

        public int Width { get; }

        public int Channels { get; }

        public int Length { get; }
    }

    private sealed record Step(
        int Input, int Residual, Conv2d? Layer, MemoryBuffer1D<float, Stride1D.Dense>? Weights,
        MemoryBuffer1D<float, Stride1D.Dense>? Bias, (int Height, int Width) Window)
    {
        public PlaneSize Result(PlaneSize input) => Layer is { } layer
            ? new PlaneSize(layer.ResultHeight(input.Height), layer.ResultWidth(input.Width), layer.ResultChannels)
            : new PlaneSize(input.Height / Window.Height, input.Width / Window.Width, input.Channels);
    }
}
