using Tfic.Kernels.JpegColour;

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
    private readonly int _rowsHeld;
    private readonly int _stride;
    private readonly int _width;
    private readonly int _largestHorizontal;
    private readonly int _largestVertical;
    private readonly bool _halvedAcross;
    private readonly bool _halvedDown;
    private readonly byte[] _row;

    /// <summary>Prepares for one component.</summary>
    /// <param name="file">The file.</param>
    /// <param name="component">One of its components.</param>
    /// <param name="plane">Its samples, whole blocks a row.</param>
    /// <param name="rowsHeld">Rows that the plane has room for: each row replaces the one so many above it.</param>
    public ChromaUpsampling(JpegCoefficients file, JpegComponent component, byte[] plane, int rowsHeld)
    {
        _component = component;
        _plane = plane;
        _rowsHeld = rowsHeld;
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
    }

    /// <summary>Whether a row of the picture needs samples from below those that lie at its own height.</summary>
    public bool NeedsRowBelow => _halvedDown;

    /// <summary>A row of the picture's width; valid until the next call.</summary>
    /// <param name="y">Row of the picture.</param>
    public ReadOnlySpan<byte> Row(int y)
    {
        if (_row.Length == 0)
            return _plane.AsSpan(y % _rowsHeld * _stride, _width);
        if (_halvedDown)
        {
            int near = y >> 1;
            int far = Math.Clamp((y & 1) == 0 ? near - 1 : near + 1, 0, _component.Height - 1);
            if (_halvedAcross)
                ChromaFilter.Double(Samples(near), Samples(far), _row);
            else
                Blend(Samples(near), Samples(far), bias: (y & 1) == 0 ? 1 : 2);
        }
        else if (_halvedAcross)
            Widen(Samples(y));
        else
            Repeat(Samples((int)((long)y * _component.VerticalFactor / _largestVertical)));
        return _row.AsSpan(0, _width);
    }

    private ReadOnlySpan<byte> Samples(int row) => _plane.AsSpan(row % _rowsHeld * _stride, _component.Width);

    private void Blend(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, int bias)
    {
        Span<byte> row = _row.AsSpan(0, near.Length);
        far = far[..near.Length];
        for (int x = 0; x < near.Length; x++)
            row[x] = (byte)((3 * near[x] + far[x] + bias) >> 2);
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
