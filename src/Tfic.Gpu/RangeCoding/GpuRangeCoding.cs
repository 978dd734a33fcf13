using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using Tfic.Kernels.RangeCoding;

namespace Tfic.Gpu.RangeCoding;

/// <summary>The coding of long streams' chunks on an ILGPU accelerator: the bytes and the values are the same.</summary>
/// <remarks>
/// Not safe for use by several threads at once, nor are the encoders and decoders made here, which must not be used after
/// this is disposed of: the device buffers are kept from call to call and grow with the largest stream seen. What is not
/// coded in chunks, and the raw bits of escapes, stays on the processor.
/// </remarks>
public sealed class GpuRangeCoding : IDisposable
{
    private readonly Accelerator _accelerator;
    private readonly Action<KernelConfig, DecodingArguments> _decode;
    private readonly Action<KernelConfig, EncodingArguments> _encode;
    private MemoryBuffer1D<byte, Stride1D.Dense>? _bytes;
    private MemoryBuffer1D<byte, Stride1D.Dense>? _tableIndexes;
    private MemoryBuffer1D<int, Stride1D.Dense>? _differences;
    private MemoryBuffer1D<uint, Stride1D.Dense>? _intervals;
    private MemoryBuffer1D<uint, Stride1D.Dense>? _states;
    private MemoryBuffer1D<int, Stride1D.Dense>? _bounds;
    private MemoryBuffer1D<int, Stride1D.Dense>? _positions;
    private MemoryBuffer1D<int, Stride1D.Dense>? _counts;
    private FrequencyTables? _tables;
    private MemoryBuffer1D<int, Stride1D.Dense>? _firsts;
    private MemoryBuffer1D<int, Stride1D.Dense>? _lengths;
    private MemoryBuffer1D<uint, Stride1D.Dense>? _starts;

    /// <summary>Compiles the kernels for an accelerator, which the caller keeps and disposes of after this.</summary>
    /// <exception cref="NotSupportedException">The accelerator cannot run groups of 32 threads.</exception>
    public GpuRangeCoding(Accelerator accelerator)
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        if (accelerator.MaxNumThreadsPerGroup < RangeCodingKernels.Lanes)
        {
            throw new NotSupportedException(
                $"{accelerator.Name} runs groups of at most {accelerator.MaxNumThreadsPerGroup} threads; " +
                $"the coder needs {RangeCodingKernels.Lanes}.");
        }

        _accelerator = accelerator;
        _decode = accelerator.LoadStreamKernel<DecodingArguments>(RangeCodingKernels.Decode);
        _encode = accelerator.LoadStreamKernel<EncodingArguments>(RangeCodingKernels.Encode);
    }

    /// <summary>Makes an encoder that codes chunks on the accelerator.</summary>
    public SymbolEncoder CreateEncoder() => new(Encode);

    /// <summary>Makes a decoder that decodes chunks on the accelerator.</summary>
    public SymbolDecoder CreateDecoder() => new(Decode);

    /// <summary>Gives back the device's memory.</summary>
    public void Dispose()
    {
        foreach (IDisposable? buffer in new IDisposable?[]
        {
            _bytes, _tableIndexes, _differences, _intervals, _states, _bounds, _positions, _counts, _firsts, _lengths, _starts,
        })
        {
            buffer?.Dispose();
        }
    }

    private void Decode(
        ReadOnlySpan<byte> stream,
        ReadOnlySpan<int> bounds,
        int chunkBits,
        FrequencyTables tables,
        ReadOnlySpan<byte> tableIndexes,
        Span<int> differences,
        Span<RansState> states)
    {
        UseTables(tables);
        int chunks = states.Length;
        ArrayView1D<uint, Stride1D.Dense> deviceStates = Reserve(ref _states, chunks * RangeCodingKernels.Lanes);
        ArrayView1D<int, Stride1D.Dense> positions = Reserve(ref _positions, chunks);
        ArrayView1D<int, Stride1D.Dense> deviceDifferences = Reserve(ref _differences, differences.Length);
        _decode(
            (chunks, RangeCodingKernels.Lanes),
            new DecodingArguments
            {
                Stream = Copy(ref _bytes, stream),
                Bounds = Copy(ref _bounds, bounds),
                Firsts = _firsts!.View.BaseView,
                Lengths = _lengths!.View.BaseView,
                Starts = _starts!.View.BaseView,
                TableIndexes = Copy(ref _tableIndexes, tableIndexes),
                Differences = deviceDifferences.BaseView,
                States = deviceStates.BaseView,
                Positions = positions.BaseView,
                ChunkBits = chunkBits,
            });

        var ends = new int[chunks];
        var lanes = new uint[chunks * RangeCodingKernels.Lanes];
        positions.CopyToCPU(_accelerator.DefaultStream, ends);
        deviceStates.CopyToCPU(_accelerator.DefaultStream, lanes);
        deviceDifferences.CopyToCPU(_accelerator.DefaultStream, differences);
        _accelerator.DefaultStream.Synchronize();
        for (int i = 0; i < chunks; i++)
        {
            lanes.AsSpan(i * RangeCodingKernels.Lanes, RangeCodingKernels.Lanes).CopyTo(states[i].States);
            int count = Math.Min(tableIndexes.Length - (i << chunkBits), 1 << chunkBits);
            states[i].Lane = count % RangeCodingKernels.Lanes;
            states[i].Position = ends[i] < 0 ? -1 : ends[i] - bounds[i];
        }
    }

    private void Encode(
        ReadOnlySpan<Interval> intervals,
        ReadOnlySpan<int> bounds,
        ReadOnlySpan<int> places,
        Span<RansEncoderState> states,
        Span<byte> output)
    {
        int chunks = states.Length;
        if (chunks == 0)
            return;
        var lanes = new uint[chunks * RangeCodingKernels.Lanes];
        for (int i = 0; i < chunks; i++)
            ((ReadOnlySpan<uint>)states[i].States).CopyTo(lanes.AsSpan(i * RangeCodingKernels.Lanes));
        ReadOnlySpan<uint> packed = MemoryMarshal.Cast<Interval, uint>(intervals[..bounds[^1]]);

        // What is there already are the raw bits of escapes; it goes along and comes back.
        ArrayView<uint> deviceStates = Copy(ref _states, lanes);
        ArrayView<byte> deviceOutput = Copy(ref _bytes, output);
        ArrayView1D<int, Stride1D.Dense> counts = Reserve(ref _counts, chunks);
        _encode(
            (chunks, RangeCodingKernels.Lanes),
            new EncodingArguments
            {
                Intervals = Copy(ref _intervals, packed),
                Bounds = Copy(ref _bounds, bounds),
                States = deviceStates,
                Places = Copy(ref _positions, places),
                Output = deviceOutput,
                Counts = counts.BaseView,
            });

        var written = new int[chunks];
        counts.CopyToCPU(_accelerator.DefaultStream, written);
        _states!.View.SubView(0, lanes.Length).CopyToCPU(_accelerator.DefaultStream, lanes);
        _bytes!.View.SubView(0, output.Length).CopyToCPU(_accelerator.DefaultStream, output);
        _accelerator.DefaultStream.Synchronize();
        for (int i = 0; i < chunks; i++)
        {
            lanes.AsSpan(i * RangeCodingKernels.Lanes, RangeCodingKernels.Lanes).CopyTo(states[i].States);
            states[i].Lane = 0;
            states[i].Length += written[i];
        }
    }

    private void UseTables(FrequencyTables tables)
    {
        if (ReferenceEquals(tables, _tables))
            return;
        _firsts?.Dispose();
        _lengths?.Dispose();
        _starts?.Dispose();
        _firsts = _accelerator.Allocate1D(tables.Firsts.ToArray());
        _lengths = _accelerator.Allocate1D(tables.Lengths.ToArray());
        _starts = _accelerator.Allocate1D(tables.Starts.ToArray());
        _tables = tables;
    }

    private ArrayView<T> Copy<T>(ref MemoryBuffer1D<T, Stride1D.Dense>? buffer, ReadOnlySpan<T> source)
        where T : unmanaged
    {
        ArrayView1D<T, Stride1D.Dense> view = Reserve(ref buffer, source.Length);
        view.CopyFromCPU(_accelerator.DefaultStream, source);
        return view.BaseView;
    }

    private ArrayView1D<T, Stride1D.Dense> Reserve<T>(ref MemoryBuffer1D<T, Stride1D.Dense>? buffer, int length)
        where T : unmanaged
    {
        if (buffer is null || buffer.Length < length)
        {
            buffer?.Dispose();
            buffer = _accelerator.Allocate1D<T>(length);
        }

        return buffer.View.SubView(0, length);
    }
}
