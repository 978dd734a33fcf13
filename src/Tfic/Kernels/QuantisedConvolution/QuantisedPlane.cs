using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Tfic.Kernels.Convolution;

namespace Tfic.Kernels.QuantisedConvolution;

/// <summary>
/// Activations in 8 bits. Each row has a scale and a zero point of its own: an element q
/// stands for scale · (q − zero). Reuses its memory; one for each thread.
/// </summary>
/// <remarks>
/// A row's scale follows from its own values, so that nothing has to be calibrated beforehand, faint rows keep their
/// precision beside strong ones, and a row can be used as soon as it is computed. Zero is representable without error,
/// which is what the border holds that convolutions read beside a row.
/// </remarks>
public sealed class QuantisedPlane : BorderedPlane<byte>
{
    /// <summary>Bytes behind the last row that may be read: runs are read in steps of four.</summary>
    internal const int Slack = 4;

    // 2⁻¹⁰⁰: the inverse of a much smaller range is infinite.
    private const float SmallestRange = 7.888609e-31f;

    private float[] _scales = [];
    private int[] _zeros = [];

    /// <summary>Makes an empty plane.</summary>
    public QuantisedPlane()
        : base(Slack)
    {
    }

    /// <summary>What a step of each row is worth.</summary>
    internal ReadOnlySpan<float> Scales => _scales.AsSpan(0, Rows);

    /// <summary>Which element of each row stands for 0.</summary>
    internal ReadOnlySpan<int> Zeros => _zeros.AsSpan(0, Rows);

    /// <summary>Takes a shape; rows hold anything until they are set.</summary>
    /// <exception cref="OverflowException">More elements than an array can have.</exception>
    public override void Reshape(int rows, int columns, int channels, int border)
    {
        base.Reshape(rows, columns, channels, border);
        if (_scales.Length < rows)
            (_scales, _zeros) = (new float[rows], new int[rows]);
    }

    /// <summary>Quantises a row.</summary>
    /// <param name="row">Which.</param>
    /// <param name="values">Columns × Channels finite values.</param>
    /// <remarks>
    /// With low = min(0, values) and high = max(0, values): scale = (high − low) / 255, inverse = 255 / (high − low),
    /// zero = round(−low · inverse), element = round(clamp(fma(value, inverse, zero), 0, 255)); all roundings to
    /// nearest, ties to even. A row whose range is at most 2⁻¹⁰⁰ counts as zeros,
    /// of scale 0. An element is off by at most half a step and two roundings.
    /// </remarks>
    public void SetRow(int row, ReadOnlySpan<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, Columns * Channels, nameof(values));
        Span<byte> all = Elements.Slice(row * Pitch, Pitch), target = Row(row);
        (_scales[row], _zeros[row]) = Vector512.IsHardwareAccelerated
            ? Quantise<Vector512<float>, Lanes512>(values, target)
            : Vector256.IsHardwareAccelerated ? Quantise<Vector256<float>, Lanes256>(values, target)
            : Quantise<Vector128<float>, Lanes128>(values, target);
        byte zero = (byte)_zeros[row];
        all[..(Border * Channels)].Fill(zero);
        all[(Border * Channels + values.Length)..].Fill(zero);
    }

    /// <summary>Makes a row elements that stand for multiples of a scale, with a border of zeros.</summary>
    /// <param name="row">Which.</param>
    /// <param name="scale">What a step is worth.</param>
    /// <returns>The row's elements, to be written.</returns>
    internal Span<byte> SetRow(int row, float scale)
    {
        ClearRow(row);
        _scales[row] = scale;
        return Row(row);
    }

    /// <inheritdoc/>
    internal override void ClearRow(int row)
    {
        base.ClearRow(row);
        (_scales[row], _zeros[row]) = (0, 0);
    }

    /// <inheritdoc/>
    internal override void CopyRow(int row, BorderedPlane<byte> from, int fromRow)
    {
        base.CopyRow(row, from, fromRow);
        var plane = (QuantisedPlane)from;
        (_scales[row], _zeros[row]) = (plane._scales[fromRow], plane._zeros[fromRow]);
    }

    /// <summary>One row; all lanes give the same.</summary>
    internal static unsafe (float Scale, int Zero) Quantise<TVector, TLanes>(
        ReadOnlySpan<float> values, Span<byte> target)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        (float low, float high) = (0f, 0f);
        fixed (float* source = values)
        fixed (byte* elements = target)
        {
            int i = 0, whole = values.Length / TLanes.Count * TLanes.Count;
            TVector lows = TLanes.Broadcast(0f), highs = lows;
            for (; i < whole; i += TLanes.Count)
            {
                TVector value = TLanes.Load(source + i);
                lows = TLanes.Lesser(value, lows);
                highs = TLanes.Greater(value, highs);
            }

            float* lanes = stackalloc float[TLanes.Count];
            TLanes.Store(lows, lanes);
            for (int lane = 0; lane < TLanes.Count; lane++)
                low = lanes[lane] < low ? lanes[lane] : low;
            TLanes.Store(highs, lanes);
            for (int lane = 0; lane < TLanes.Count; lane++)
                high = lanes[lane] > high ? lanes[lane] : high;
            for (; i < values.Length; i++)
            {
                low = source[i] < low ? source[i] : low;
                high = source[i] > high ? source[i] : high;
            }

            float range = high - low, inverse = range > SmallestRange ? 255 / range : 0;
            float zero = MathF.Round(-low * inverse);
            TVector inverses = TLanes.Broadcast(inverse), zeros = TLanes.Broadcast(zero);
            TVector least = TLanes.Broadcast(0f), most = TLanes.Broadcast(255f);
            for (i = 0; i < whole; i += TLanes.Count)
            {
                TVector value = TLanes.FusedMultiplyAdd(TLanes.Load(source + i), inverses, zeros);
                TLanes.StoreBytes(TLanes.Lesser(TLanes.Greater(value, least), most), elements + i);
            }

            for (; i < values.Length; i++)
            {
                float value = MathF.FusedMultiplyAdd(source[i], inverse, zero);
                value = value > 0f ? value : 0f;
                elements[i] = (byte)MathF.Round(value < 255f ? value : 255f);
            }

            return (range > SmallestRange ? range / 255 : 0, (int)zero);
        }
    }
}
