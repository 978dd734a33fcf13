using Tfic.Kernels.Convolution;
using Tfic.Kernels.Pooling;
using Tfic.Kernels.Resizing;

namespace Tfic.Networks;

/// <summary>
/// CRAFT (Baek et al. 2019, "Character region awareness for text detection"), the paper's detector, without torch: VGG-16
/// and a path up that joins its levels, normalisations folded in, from weights under their published names.
/// </summary>
/// <remarks>
/// <para>
/// The network sees RGB, each channel less its mean over its deviation on ImageNet; <see cref="DetectorModel.Score(
/// ReadOnlySpan{float}, int, int, Workspace, Span{float}, Span{float})"/> gives it grey in all three.
/// </para>
/// <para>
/// As published, the levels that are joined are rectified but for the fourth, which pooling follows. The convolution that
/// stands for VGG's first fully connected layer has holes: its taps lie six positions apart. It is computed as a product of
/// matrices, from the nine inputs of each position put side by side; a tap outside the input is a zero there, which changes
/// no sum.
/// </para>
/// <para>Immutable: threads may share it, each with its own <see cref="Workspace"/>.</para>
/// </remarks>
public sealed class CraftDetector : DetectorModel
{
    /// <summary>Rows and columns of an input are a multiple of this, as the network halves them four times.</summary>
    public const int Unit = 16;

    // How far a score's inputs reach, in rows. A 3 × 3 convolution adds one row of its level, a pooling of two half a row,
    // resizing one: at 1/2 conv_cls 6 + upconv4 2, resized 4 + upconv3 4, resized 8 + upconv2 8, resized 16 + upconv1 16,
    // the dilated convolution 96, the pooling before it 16; VGG's convolutions 32 at 1/16, 24 at 1/8, 12 at 1/4, 4 at 1/2,
    // 2 at 1, and its poolings 8 + 4 + 2 + 1: 265, and a block of 16 that a row comes out of.
    private const int RowReach = 288;

    private const int Dilation = 6;

    // Floats of a band of the first level and of the dilated convolution's inputs: a few megabytes.
    private const int BandFloats = 1 << 20;

    private static readonly PoolingWindow Halving = new(2, 2);
    private static readonly PoolingWindow Smoothing =
        new(3, 3) { RowStride = 1, ColumnStride = 1, RowPadding = 1, ColumnPadding = 1 };

    // ImageNet's, of RGB.
    private static readonly float[] Means = [0.485f, 0.456f, 0.406f], Deviations = [0.229f, 0.224f, 0.225f];

    private readonly int _width;
    private readonly Conv2d _conv0, _conv3, _conv7, _conv10, _conv14, _conv17, _conv20, _conv24, _conv27, _conv30, _conv34;
    private readonly Conv2d _conv37, _dilated, _last;
    private readonly (Conv2d Join, Conv2d Smooth)[] _up = new (Conv2d, Conv2d)[4];
    private readonly Conv2d[] _head;

    private CraftDetector(PublishedWeights weights, int width)
        : base("craft", Unit, RowReach)
    {
        _width = width;
        _conv0 = Vgg(1, 0, 3, width);
        _conv3 = Vgg(1, 3, width, width);
        _conv7 = Vgg(1, 7, width, 2 * width);
        _conv10 = Vgg(1, 10, 2 * width, 2 * width);
        _conv14 = Vgg(2, 14, 2 * width, 4 * width);
        _conv17 = Vgg(2, 17, 4 * width, 4 * width);
        _conv20 = Vgg(3, 20, 4 * width, 4 * width);
        _conv24 = Vgg(3, 24, 4 * width, 8 * width);
        _conv27 = Vgg(3, 27, 8 * width, 8 * width);
        _conv30 = Vgg(4, 30, 8 * width, 8 * width);
        _conv34 = Vgg(4, 34, 8 * width, 8 * width);
        _conv37 = Vgg(4, 37, 8 * width, 8 * width, slope: 1);
        _dilated = SideBySide(
            weights.Float("basenet.slice5.1.weight", 16 * width, 8 * width, 3, 3),
            weights.Float("basenet.slice5.1.bias", 16 * width), 8 * width);
        _last = weights.Convolution("basenet.slice5.2", 16 * width, 16 * width, 1, 0);
        (int In, int Between, int Out)[] sizes =
        [
            (24 * width, 8 * width, 4 * width), (12 * width, 4 * width, 2 * width), (6 * width, 2 * width, width),
            (3 * width, width, width / 2),
        ];
        for (int i = 0; i < 4; i++)
        {
            string name = $"upconv{i + 1}.conv";
            _up[i] = (
                weights.Normalised(name + ".0", name + ".1", sizes[i].In, sizes[i].Between, 1, default, hasBias: true),
                weights.Normalised(
                    name + ".3", name + ".4", sizes[i].Between, sizes[i].Out, 3, Padding.Symmetric(1, 1), hasBias: true));
        }

        (int wide, int narrow) = (width / 2, width / 4);
        _head =
        [
            weights.Convolution("conv_cls.0", wide, wide, 3, 1, slope: 0), weights.Convolution("conv_cls.2", wide, wide, 3, 1, slope: 0),
            weights.Convolution("conv_cls.4", wide, narrow, 3, 1, slope: 0),
            weights.Convolution("conv_cls.6", narrow, narrow, 1, 0, slope: 0), weights.Convolution("conv_cls.8", narrow, 2, 1, 0),
        ];

        Conv2d Vgg(int slice, int number, int from, int to, float slope = 0) => weights.Normalised(
            $"basenet.slice{slice}.{number}", $"basenet.slice{slice}.{number + 1}", from, to, 3, Padding.Symmetric(1, 1), slope,
            hasBias: true);
    }

    /// <summary>Channels of the features under the scores.</summary>
    public int FeatureChannels => _width / 2;

    /// <summary>Whether names are those of CRAFT's state dictionary.</summary>
    public static bool Fits(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return PublishedWeights.Of(tensors).Has("basenet.slice1.0.weight");
    }

    /// <summary>Loads a model; its width is that of its tensors.</summary>
    /// <param name="tensors">A state dictionary with the published names.</param>
    /// <exception cref="TficFormatException">Damaged, or of another network.</exception>
    public static CraftDetector Load(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        PublishedWeights weights = PublishedWeights.Of(tensors);
        int width = weights.Any("basenet.slice1.0.weight", 4).Shape[0];
        return width is >= 4 and <= 1024 && width % 4 == 0
            ? new CraftDetector(weights, width)
            : throw new TficFormatException($"These are no weights of CRAFT: its first convolution has {width} outputs.");
    }

    /// <summary>A model with random weights, good for nothing but measuring and comparing.</summary>
    /// <param name="seed">The same weights for the same seed.</param>
    /// <param name="width">Channels of VGG's first level, a multiple of 4; 64 as published.</param>
    public static CraftDetector Drawn(int seed, int width = 64)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 4);
        ArgumentOutOfRangeException.ThrowIfNotEqual(width % 4, 0, nameof(width));
        return new CraftDetector(PublishedWeights.Drawn(seed), width);
    }

    /// <summary>Finds characters.</summary>
    /// <param name="picture">height × width × 3, RGB, normalised as the class says.</param>
    /// <param name="height">Rows, a multiple of <see cref="Unit"/>.</param>
    /// <param name="width">Columns, a multiple of <see cref="Unit"/>.</param>
    /// <param name="workspace">The calling thread's, in which the results lie.</param>
    /// <param name="features">height/2 × width/2 × <see cref="FeatureChannels"/>, which the published link refiner takes.</param>
    /// <returns>height/2 × width/2 × 2: region score, affinity score, about 0 … 1.</returns>
    /// <exception cref="ArgumentException">Another size, or a span that is too short.</exception>
    public ReadOnlySpan<float> Run(
        ReadOnlySpan<float> picture, int height, int width, Workspace workspace, out ReadOnlySpan<float> features)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        if (height < 1 || width < 1 || height % Unit != 0 || width % Unit != 0)
            throw new ArgumentException($"{height} × {width} is no multiple of {Unit} in both directions.", nameof(picture));
        if (picture.Length < (long)height * width * 3)
            throw new ArgumentException($"Shorter than {height} × {width} × 3.", nameof(picture));
        (int h2, int w2, int h4, int w4) = (height / 2, width / 2, height / 4, width / 4);
        (int h8, int w8, int h16, int w16) = (height / 8, width / 8, height / 16, width / 16);

        // Slots 0 and 1 take turns; 2 to 5 keep the levels that are joined, 6 has what they are joined to.
        FirstLevel(picture, height, width, workspace);
        Convolve(_conv7, 6, 0, h2, w2, workspace);
        Convolve(_conv10, 0, 2, h2, w2, workspace);
        Pool(Halving, 2 * _width, 2, 0, h2, w2, workspace);
        Convolve(_conv14, 0, 1, h4, w4, workspace);
        Convolve(_conv17, 1, 3, h4, w4, workspace);
        Convolve(_conv20, 3, 0, h4, w4, workspace);
        Pool(Halving, 4 * _width, 0, 1, h4, w4, workspace);
        Convolve(_conv24, 1, 0, h8, w8, workspace);
        Convolve(_conv27, 0, 4, h8, w8, workspace);
        Convolve(_conv30, 4, 0, h8, w8, workspace);
        Pool(Halving, 8 * _width, 0, 1, h8, w8, workspace);
        Convolve(_conv34, 1, 0, h16, w16, workspace);
        Convolve(_conv37, 0, 5, h16, w16, workspace);
        Pool(Smoothing, 8 * _width, 5, 0, h16, w16, workspace);
        Dilated(h16, w16, workspace);
        Convolve(_last, 1, 0, h16, w16, workspace);

        int channels = 16 * _width;
        for (int i = 0; i < _up.Length; i++)
        {
            int rows = height / (Unit >> i), columns = width / (Unit >> i);
            if (i > 0)
            {
                BilinearResize.Run(
                    workspace.Floats(1, (long)rows / 2 * (columns / 2) * channels), rows / 2, columns / 2, channels,
                    workspace.Floats(0, (long)rows * columns * channels), rows, columns);
            }

            Join(5 - i, _up[i].Join.InputChannels - channels, channels, rows * columns, workspace);
            Convolve(_up[i].Join, 6, 0, rows, columns, workspace);
            Convolve(_up[i].Smooth, 0, 1, rows, columns, workspace);
            channels = _up[i].Smooth.OutputChannels;
        }

        features = workspace.Floats(1, (long)h2 * w2 * channels);
        int from = 1;
        for (int i = 0; i < _head.Length; i++)
        {
            int to = i % 2 == 0 ? 0 : 6;
            Convolve(_head[i], from, to, h2, w2, workspace);
            from = to;
        }

        return workspace.Floats(0, 2L * h2 * w2);
    }

    /// <inheritdoc/>
    private protected override ReadOnlySpan<float> Run(
        ReadOnlySpan<float> grey, int width, int height, int first, int rows, int columns, Workspace workspace)
    {
        Span<float> picture = workspace.Floats(7, (long)rows * columns * 3);
        for (int y = 0; y < rows; y++)
        {
            ReadOnlySpan<float> source = grey.Slice(Math.Min(first + y, height - 1) * width, width);
            Span<float> target = picture.Slice(3 * y * columns, 3 * columns);
            for (int i = 0; i < target.Length; i++)
                target[i] = (source[Math.Min(i / 3, width - 1)] - Means[i % 3]) / Deviations[i % 3];
        }

        return Run(picture, rows, columns, workspace, out _);
    }

    private static void Convolve(Conv2d layer, int from, int to, int height, int width, Workspace workspace) => layer.Run(
        workspace.Floats(from, (long)height * width * layer.InputChannels), height, width,
        workspace.Floats(to, (long)height * width * layer.OutputChannels), threads: workspace.Threads);

    private static void Pool(
        PoolingWindow window, int channels, int from, int to, int height, int width, Workspace workspace) => MaxPool.Run(
        workspace.Floats(from, (long)height * width * channels), height, width, channels, window,
        workspace.Floats(to, (long)window.ResultHeight(height) * window.ResultWidth(width) * channels));

    /// <summary>What has come up, in slot 0, and a level side by side, in slot 6.</summary>
    private static void Join(int level, int levelChannels, int channels, int positions, Workspace workspace)
    {
        int both = channels + levelChannels;
        ReadOnlySpan<float> a = workspace.Floats(0, (long)positions * channels);
        ReadOnlySpan<float> b = workspace.Floats(level, (long)positions * levelChannels);
        Span<float> joined = workspace.Floats(6, (long)positions * both);
        for (int i = 0; i < positions; i++)
        {
            a.Slice(i * channels, channels).CopyTo(joined[(i * both)..]);
            b.Slice(i * levelChannels, levelChannels).CopyTo(joined[(i * both + channels)..]);
        }
    }

    /// <summary>The dilated convolution's weights for inputs that are put side by side, row by row of the kernel.</summary>
    private static Conv2d SideBySide(float[] weight, float[] bias, int inputs)
    {
        var moved = new float[weight.Length];
        for (int i = 0; i < weight.Length; i++)
        {
            int output = i / (9 * inputs), input = i / 9 % inputs, tap = i % 9;
            moved[(output * 9 + tap) * inputs + input] = weight[i];
        }

        return new Conv2d(moved, bias, 9 * inputs, 1, 1);
    }

    /// <summary>
    /// The two convolutions at the picture's own size and the pooling behind them, into slot 6, in bands with two more rows
    /// above and below: their activations are the largest by far.
    /// </summary>
    private void FirstLevel(ReadOnlySpan<float> picture, int height, int width, Workspace workspace)
    {
        Span<float> pooled = workspace.Floats(6, (long)height / 2 * (width / 2) * _width);
        int bandRows = Math.Max(2, BandFloats / (width * _width) / 2 * 2);
        for (int top = 0; top < height; top += bandRows)
        {
            int bottom = Math.Min(height, top + bandRows), first = Math.Max(0, top - 2), end = Math.Min(height, bottom + 2);
            int rows = end - first;
            Span<float> a = workspace.Floats(0, (long)rows * width * _width), b = workspace.Floats(1, (long)rows * width * _width);
            _conv0.Run(picture[(3 * first * width)..], rows, width, a, threads: workspace.Threads);
            _conv3.Run(a, rows, width, b, threads: workspace.Threads);
            MaxPool.Run(
                b[((top - first) * width * _width)..], bottom - top, width, _width, Halving,
                pooled[(top / 2 * (width / 2) * _width)..]);
        }
    }

    /// <summary>The dilated convolution, from slot 0 to slot 1.</summary>
    private void Dilated(int height, int width, Workspace workspace)
    {
        int channels = 8 * _width, pitch = 9 * channels;
        ReadOnlySpan<float> input = workspace.Floats(0, (long)height * width * channels);
        Span<float> output = workspace.Floats(1, (long)height * width * _dilated.OutputChannels);
        int bandRows = Math.Clamp(BandFloats / (width * pitch), 1, height);
        Span<float> inputs = workspace.Floats(6, (long)bandRows * width * pitch);
        for (int top = 0; top < height; top += bandRows)
        {
            int rows = Math.Min(bandRows, height - top);
            for (int i = 0; i < rows * width * 9; i++)
            {
                int y = top + i / 9 / width + (i % 9 / 3 - 1) * Dilation, x = i / 9 % width + (i % 3 - 1) * Dilation;
                Span<float> to = inputs.Slice(i * channels, channels);
                if (y < 0 || x < 0 || y >= height || x >= width)
                    to.Clear();
                else
                    input.Slice((y * width + x) * channels, channels).CopyTo(to);
            }

            _dilated.Run(
                inputs, rows, width, output[(top * width * _dilated.OutputChannels)..], threads: workspace.Threads);
        }
    }
}
