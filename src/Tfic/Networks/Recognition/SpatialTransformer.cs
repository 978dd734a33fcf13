using Tfic.Kernels.Convolution;
using Tfic.Kernels.GridSampling;
using Tfic.Kernels.Pooling;
using Tfic.Profiling;

namespace Tfic.Networks.Recognition;

/// <summary>
/// Rectifies a word by a thin-plate spline whose control points a small network finds (Shi et al. 2016, RARE).
/// </summary>
/// <remarks>
/// In the published state dictionary a pixel comes from P̂·Δ⁻¹·[C'; 0], a product of two tables that never change and the
/// points C' that the network finds. The tables are multiplied once, in double precision: a pixel comes from a weighted
/// mean of the points.
/// </remarks>
internal sealed class SpatialTransformer
{
    private const string Prefix = "Transformation.";

    private static readonly PoolingWindow s_halves = new(2, 2);

    private readonly Conv2d[] _convolutions = new Conv2d[4];
    private readonly Conv2d _hidden, _points, _spline;
    private readonly int _height, _width, _channels;

    public SpatialTransformer(PublishedWeights weights, TextRecogniserOptions options)
    {
        (_height, _width, _channels) = (options.Height, options.Width, options.InputChannels);
        Fiducials = options.Fiducials;
        int from = _channels;
        ReadOnlySpan<int> widths = [64, 128, 256, 512];
        for (int i = 0; i < 4; i++)
        {
            const string Name = Prefix + "LocalizationNetwork.conv.";
            _convolutions[i] = weights.Normalised(
                $"{Name}{4 * i}", $"{Name}{4 * i + 1}", from, widths[i], 3, Padding.Symmetric(1, 1));
            from = widths[i];
        }

        _hidden = weights.Linear(Prefix + "LocalizationNetwork.localization_fc1.0", 512, 256, slope: 0f);
        _points = Points(weights, Prefix + "LocalizationNetwork.localization_fc2", Fiducials);
        _spline = Spline(weights, _height * _width, Fiducials);
    }

    /// <summary>Control points F.</summary>
    public int Fiducials { get; }

    /// <summary>Rectifies a picture.</summary>
    /// <param name="input">Height × width × channels.</param>
    /// <param name="workspace">The calling thread's; slots 0 to 2 are overwritten.</param>
    /// <param name="points">Receives where the base points come from: all F columns, then all F rows.</param>
    /// <param name="rectified">Receives a picture of the same shape.</param>
    public void Run(ReadOnlySpan<float> input, Workspace workspace, Span<float> points, Span<float> rectified)
    {
        var plane = new FeaturePlane(workspace, input, _height, _width, _channels);
        for (int i = 0; i < _convolutions.Length; i++)
        {
            plane.Convolve(_convolutions[i]);
            if (i < _convolutions.Length - 1)
                plane.Pool(s_halves);
        }

        Span<float> mean = workspace.Floats(2, _hidden.InputChannels);
        Mean(plane.Values, mean);
        Span<float> hidden = workspace.Floats(0, _hidden.OutputChannels);
        _hidden.Run(mean, 1, 1, hidden);
        _points.Run(hidden, 1, 1, points);
        int pixels = _height * _width;
        Span<float> from = workspace.Floats(1, 2L * pixels);
        _spline.Run(points, 1, 2, from);
        GridSample.Run(input, _height, _width, _channels, from[..pixels], from[pixels..], rectified);
    }

    /// <summary>Multiply-adds of a picture.</summary>
    public Work Work()
    {
        var plane = new FeaturePlane(_height, _width, _channels);
        for (int i = 0; i < _convolutions.Length; i++)
        {
            plane.Convolve(_convolutions[i]);
            if (i < _convolutions.Length - 1)
                plane.Pool(s_halves);
        }

        return plane.Work + Profiling.Work.Of(_hidden, 1, 1) + Profiling.Work.Of(_points, 1, 1)
            + Profiling.Work.Of(_spline, 1, 2);
    }

    private static void Mean(ReadOnlySpan<float> values, Span<float> mean)
    {
        mean.Clear();
        int positions = values.Length / mean.Length;
        for (int i = 0; i < positions; i++)
        {
            ReadOnlySpan<float> position = values.Slice(i * mean.Length, mean.Length);
            for (int c = 0; c < mean.Length; c++)
                mean[c] += position[c];
        }

        foreach (ref float value in mean)
            value /= positions;
    }

    // The published layer gives column and row of a point one after the other; here all columns come first.
    private static Conv2d Points(PublishedWeights weights, string name, int fiducials)
    {
        const int Inputs = 256;
        float[] weight = weights.Float(name + ".weight", 2 * fiducials, Inputs);
        float[] bias = weights.Float(name + ".bias", 2 * fiducials);
        float[] sortedWeight = new float[weight.Length], sortedBias = new float[bias.Length];
        for (int i = 0; i < bias.Length; i++)
        {
            int to = i % 2 * fiducials + i / 2;
            sortedBias[to] = bias[i];
            weight.AsSpan(i * Inputs, Inputs).CopyTo(sortedWeight.AsSpan(to * Inputs));
        }

        return PublishedLayers.Linear(sortedWeight, sortedBias, Inputs);
    }

    private static Conv2d Spline(PublishedWeights weights, int pixels, int fiducials)
    {
        int terms = fiducials + 3;
        float[] inverse = weights.Float(Prefix + "GridGenerator.inv_delta_C", terms, terms);
        float[] table = weights.Float(Prefix + "GridGenerator.P_hat", pixels, terms);
        var product = new float[pixels * fiducials];
        for (int i = 0; i < product.Length; i++)
        {
            double sum = 0;
            for (int t = 0; t < terms; t++)
                sum += (double)table[i / fiducials * terms + t] * inverse[t * terms + i % fiducials];
            product[i] = (float)sum;
        }

        return PublishedLayers.Linear(product, new float[pixels], fiducials);
    }
}
