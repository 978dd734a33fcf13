namespace Tfic.Jpeg;

/// <summary>Brings one component to the size of the picture, row by row.</summary>
/// <remarks>
/// Where a component is halved, its samples lie between pairs of pixels, and a pixel takes ¾ of the nearer sample
/// and ¼ of the farther one (a triangle filter) in each halved direction. The rounding alternates between the two
/// pixels of a pair, as decoders have agreed to do, so that no direction is favoured. All other ratios repeat.
/// </remarks>
internal sealed class ChromaUpsampling
{
    private readonly JpegComponent _component;
    private readonly byte[] _plane;
    private readonly int _stride;
    private readonly int _width;
    private readonly int _largestHorizontal;
    private readonly int _largestVertical;
    private readonly bool _halvedAcross;
    private readonly bool _halvedDown;
    private readonly byte[] _row;
    private readonly ushort[] _sums;

    public ChromaUpsampling(JpegCoefficients file, JpegComponent component, byte[] plane)
    {
        _component = component;
        _plane = plane;
        _stride = component.BlocksAcross * 8;
        _width = file.Width;
        _largestHorizontal = file.LargestHorizontalFactor;
        _largestVertical = file.LargestVerticalFactor;
        bool sameAcross = component.HorizontalFactor == _largestHorizontal;
        bool sameDown = component.VerticalFactor == _largestVertical;

        // A row of two samples or fewer is repeated: other decoders do so, and there is little to interpolate.
        _halvedAcross = component.HorizontalFactor * 2 == _largestHorizontal && component.Width > 2;
        _halvedDown = component.VerticalFactor * 2 == _largestVertical;
        bool filtered = (_halvedAcross && (_halvedDown || sameDown)) || (_halvedDown && sameAcross);
        _halvedAcross &= filtered;
        _halvedDown &= filtered;
        _row = sameAcross && sameDown ? [] : new byte[2 * component.Width + file.Width];
        _sums = _halvedDown ? new ushort[component.Width] : [];
    }

    /// <summary>A row of the picture's width; valid until the next call.</summary>
    /// <param name="y">Row of the picture.</param>
    public ReadOnlySpan<byte> Row(int y)
    {
        if (_row.Length == 0)
            return _plane.AsSpan(y * _stride, _width);
        if (_halvedDown)
        {
            int near = y >> 1;
            int far = Math.Clamp((y & 1) == 0 ? near - 1 : near + 1, 0, _component.Height - 1);
            Blend(Samples(near), Samples(far));
            if (_halvedAcross)
                WidenSums();
            else
                NarrowSums(bias: (y & 1) == 0 ? 1 : 2);
        }
        else if (_halvedAcross)
            Widen(Samples(y));
        else
            Repeat(Samples((int)((long)y * _component.VerticalFactor / _largestVertical)));
        return _row.AsSpan(0, _width);
    }

    private ReadOnlySpan<byte> Samples(int row) => _plane.AsSpan(row * _stride, _component.Width);

    private void Blend(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far)
    {
        Span<ushort> sums = _sums;
        near = near[..sums.Length];
        far = far[..sums.Length];
        for (int x = 0; x < sums.Length; x++)
            sums[x] = (ushort)(3 * near[x] + far[x]);
    }

    private void NarrowSums(int bias)
    {
        for (int x = 0; x < _sums.Length; x++)
            _row[x] = (byte)((_sums[x] + bias) >> 2);
    }

    private void WidenSums()
    {
        ReadOnlySpan<ushort> sums = _sums;
        Span<byte> row = _row.AsSpan(0, 2 * sums.Length);
        int last = sums.Length - 1;
        row[0] = (byte)((4 * sums[0] + 8) >> 4);
        for (int x = 0; x < last; x++)
        {
            // Between samples x and x + 1 lie two pixels.
            int a = sums[x], b = sums[x + 1];
            row[2 * x + 1] = (byte)((3 * a + b + 7) >> 4);
            row[2 * x + 2] = (byte)((3 * b + a + 8) >> 4);
        }

        row[2 * last + 1] = (byte)((4 * sums[last] + 7) >> 4);
    }

    private void Widen(ReadOnlySpan<byte> samples)
    {
        Span<byte> row = _row.AsSpan(0, 2 * samples.Length);
        int last = samples.Length - 1;
        row[0] = samples[0];
        for (int x = 0; x < last; x++)
        {
            int a = samples[x], b = samples[x + 1];
            row[2 * x + 1] = (byte)((3 * a + b + 2) >> 2);
            row[2 * x + 2] = (byte)((3 * b + a + 1) >> 2);
        }

        row[2 * last + 1] = samples[last];
    }

    private void Repeat(ReadOnlySpan<byte> samples)
    {
        int factor = _component.HorizontalFactor;
        for (int x = 0; x < _width; x++)
            _row[x] = samples[x * factor / _largestHorizontal];
    }
}
