using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tfic.Kernels.RangeCoding;

/// <summary>Where an encoder of interleaved lanes stands.</summary>
internal struct RansEncoderState
{
    /// <summary>The lanes' states.</summary>
    public RansLanes States;

    /// <summary>The lane of the interval that was coded last, and so the first one that a decoder meets.</summary>
    public int Lane;

    /// <summary>Bytes written; the stream's last byte comes first.</summary>
    public int Length;

    /// <summary>Starts a stream.</summary>
    /// <param name="intervals">How many intervals the stream will have.</param>
    public static RansEncoderState Start(long intervals)
    {
        RansEncoderState state = default;
        ((Span<uint>)state.States).Fill(RansLanes.Least);
        state.Lane = (int)(intervals % RansLanes.Count);
        return state;
    }

    /// <summary>Codes one interval more.</summary>
    public void Add(Interval interval, Span<byte> output)
    {
        Lane = (Lane + RansLanes.Count - 1) % RansLanes.Count;
        uint x = States[Lane];
        uint limit = (uint)interval.Frequency << 16;
        int moved = x < limit ? 0 : x >> 8 < limit ? 1 : 2;
        if (moved == 2)
            output[Length++] = (byte)(x >> 8);
        if (moved > 0)
            output[Length++] = (byte)x;
        x >>= 8 * moved;
        (uint quotient, uint remainder) = Math.DivRem(x, interval.Frequency);
        States[Lane] = (quotient << 16) + interval.Start + remainder;
    }

    /// <summary>Ends the stream: appends the states and turns the bytes round.</summary>
    /// <returns>The stream: the front of <paramref name="output"/>.</returns>
    public Span<byte> Finish(Span<byte> output)
    {
        Debug.Assert(Lane == 0, "All intervals that were announced have been coded.");
        for (int lane = RansLanes.Count - 1; lane >= 0; lane--, Length += 4)
            BinaryPrimitives.WriteUInt32BigEndian(output[Length..], States[lane]);
        Span<byte> stream = output[..Length];
        stream.Reverse();
        return stream;
    }
}

/// <summary>Codes a sequence of intervals with 32 lanes (see <see cref="RansLanes"/>), from the last to the first.</summary>
/// <param name="state">Where the encoder stands; moved on.</param>
/// <param name="intervals">The sequence; no frequency is 0.</param>
/// <param name="output">
/// Receives the bytes, from <c>state.Length</c> on. It needs room for what the sequence takes, at most two bytes an
/// interval, and for <see cref="RansEncoding.Padding"/> more.
/// </param>
internal delegate void RansEncodingKernel(
    ref RansEncoderState state, ReadOnlySpan<Interval> intervals, Span<byte> output);

/// <summary>Codes the symbols of all chunks, before which the raw bits behind them have been coded.</summary>
/// <param name="intervals">The chunks' intervals, one chunk behind the other.</param>
/// <param name="bounds">Where each chunk begins in the intervals, and where the last one ends.</param>
/// <param name="places">
/// Where each chunk's next byte goes in the output, with room for the chunk as <see cref="RansEncodingKernel"/> needs it.
/// </param>
/// <param name="states">Where each chunk's encoder stands; moved on.</param>
/// <param name="output">Receives the bytes.</param>
internal delegate void ChunkEncodingKernel(
    ReadOnlySpan<Interval> intervals,
    ReadOnlySpan<int> bounds,
    ReadOnlySpan<int> places,
    Span<RansEncoderState> states,
    Span<byte> output);

/// <summary>The rows that encode with 32 lanes.</summary>
internal static partial class RansEncoding
{
    /// <summary>Bytes of output that a row may write beyond what it keeps, and the states.</summary>
    public const int Padding = RansLanes.StateBytes + 64;

    public static readonly VariantTable<RansEncodingKernel> Table = new(
        "rans-encoding",
        new Variant<RansEncodingKernel>("reference", true, 0, Reference),
        new Variant<RansEncodingKernel>("vector128", Vector128.IsHardwareAccelerated, 0, Vector128Row),
        new Variant<RansEncodingKernel>("vector256", Avx2.IsSupported, 0, Vector256Row),
        new Variant<RansEncodingKernel>("vector512", IsVector512Supported, 0, Vector512Row));

    /// <summary>One lane after the other, by the definition.</summary>
    internal static void Reference(ref RansEncoderState state, ReadOnlySpan<Interval> intervals, Span<byte> output)
    {
        for (int i = intervals.Length - 1; i >= 0; i--)
            state.Add(intervals[i], output);
    }
}
