using Tfic.Kernels.Convolution;
using Tfic.Kernels.GatedConvolution;
using Tfic.Kernels.Pooling;
using Tfic.Profiling;

namespace Tfic.Networks.Recognition;

/// <summary>
/// Activations on their way through a chain of layers, from one of the workspace's slots 0 to 2 to the next; or, without a
/// workspace, only their shape, for counting multiply-adds.
/// </summary>
internal ref struct FeaturePlane
{
    private const int Slots = 3;

    private readonly Workspace? _workspace;
    private ReadOnlySpan<float> _values;
    private int _slot;

    /// <summary>The input of a chain; it lies in none of the slots.</summary>
    public FeaturePlane(Workspace workspace, ReadOnlySpan<float> input, int height, int width, int channels)
        : this(height, width, channels)
    {
        _workspace = workspace;
        _values = input[..(height * width * channels)];
    }

    /// <summary>Only a shape.</summary>
    public FeaturePlane(int height, int width, int channels) =>
        (Height, Width, Channels, _slot) = (height, width, channels, Slots - 1);

    /// <summary>Rows.</summary>
    public int Height { get; private set; }

    /// <summary>Columns.</summary>
    public int Width { get; private set; }

    /// <summary>Channels.</summary>
    public int Channels { get; private set; }

    /// <summary>Multiply-adds so far.</summary>
    public Work Work { get; private set; }

    /// <summary>Height × width × channels; valid until two more layers have run.</summary>
    public readonly ReadOnlySpan<float> Values => _values;

    /// <summary>Passes a convolution without a residual.</summary>
    public void Convolve(Conv2d layer) => Convolve(layer, default);

    /// <summary>Passes a convolution.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="residual">Its residual, at most two layers old; empty where it has none.</param>
    public void Convolve(Conv2d layer, ReadOnlySpan<float> residual)
    {
        Work += Profiling.Work.Of(layer, Height, Width);
        int height = layer.ResultHeight(Height), width = layer.ResultWidth(Width);
        Span<float> output = Next(height, width, layer.ResultChannels);
        if (_workspace is not null)
            layer.Run(_values, Height, Width, output, residual, _workspace.Threads);
        Take(output, height, width, layer.ResultChannels);
    }

    /// <summary>Passes a convolution of two rows whose outputs are two rows apart: stride 2 down and 1 across.</summary>
    /// <param name="layer">Of stride 1, without padding above and below.</param>
    public void ConvolvePairs(Conv2d layer)
    {
        int pairs = Height / 2, width = layer.ResultWidth(Width), channels = layer.ResultChannels;
        Span<float> output = Next(pairs, width, channels);
        for (int y = 0; y < pairs; y++)
        {
            Work += Profiling.Work.Of(layer, 2, Width);
            if (_workspace is null)
                continue;
            int length = 2 * Width * Channels;
            layer.Run(
                _values.Slice(y * length, length), 2, Width, output.Slice(y * width * channels, width * channels),
                threads: _workspace.Threads);
        }

        Take(output, pairs, width, channels);
    }

    /// <summary>Passes a residual block: two convolutions, to whose sum the input is added, possibly through a third.</summary>
    public void PassBlock(Conv2d first, Conv2d second, Conv2d? shortcut)
    {
        FeaturePlane side = this;
        Convolve(first);
        if (shortcut is not null)
        {
            // Into the slot after the first convolution's; the second's is then the input's own, which has done its duty.
            (side._slot, side.Work) = (_slot, default);
            side.Convolve(shortcut);
            (_slot, Work) = (side._slot, Work + side.Work);
        }

        Convolve(second, side._values);
    }

    /// <summary>Passes a gated recurrent convolution; slots 3 to 6 are overwritten.</summary>
    public void Iterate(GatedRecurrentConvolution layer)
    {
        Work once = Profiling.Work.Of(layer.GateOfInput, Height, Width) + Profiling.Work.Of(layer.Input, Height, Width);
        Work each = Profiling.Work.Of(layer.GateOfState, Height, Width) + Profiling.Work.Of(layer.State, Height, Width);
        Work += once;
        Span<float> state = Next(Height, Width, layer.Channels);
        if (_workspace is null)
        {
            foreach (GatedUpdate _ in layer.Iterations)
                Work += each;
        }
        else
        {
            int threads = _workspace.Threads, length = state.Length;
            Span<float> gateOfInput = _workspace.Floats(3, length), fromInput = _workspace.Floats(4, length);
            Span<float> gateOfState = _workspace.Floats(5, length), fromState = _workspace.Floats(6, length);
            layer.GateOfInput.Run(_values, Height, Width, gateOfInput, threads: threads);
            layer.Input.Run(_values, Height, Width, fromInput, threads: threads);
            layer.Start.Run(gateOfInput, gateOfInput, fromInput, fromInput, state);
            foreach (GatedUpdate iteration in layer.Iterations)
            {
                layer.GateOfState.Run(state, Height, Width, gateOfState, threads: threads);
                layer.State.Run(state, Height, Width, fromState, threads: threads);
                iteration.Run(gateOfInput, gateOfState, fromInput, fromState, state);
            }
        }

        Take(state, Height, Width, layer.Channels);
    }

    /// <summary>Passes a pooling layer.</summary>
    public void Pool(PoolingWindow window)
    {
        int height = window.ResultHeight(Height), width = window.ResultWidth(Width);
        Span<float> output = Next(height, width, Channels);
        if (_workspace is not null)
            MaxPool.Run(_values, Height, Width, Channels, window, output);
        Take(output, height, width, Channels);
    }

    /// <summary>The slot that has not been used for longest.</summary>
    private Span<float> Next(int height, int width, int channels)
    {
        _slot = (_slot + 1) % Slots;
        return _workspace is null ? default : _workspace.Floats(_slot, (long)height * width * channels);
    }

    private void Take(ReadOnlySpan<float> values, int height, int width, int channels)
    {
        (Height, Width, Channels) = (height, width, channels);
        _values = values;
    }
}
