using Tfic.Kernels.Convolution;

namespace Tfic.Networks;

/// <summary>
/// The compact detector: a small convolutional U-net from a picture to two score maps of half its size, one of
/// characters and one of the links between neighbouring characters of a word (Baek et al. 2019, "Character region
/// awareness for text detection"). <see cref="Reading.WordRegions"/> makes words of them.
/// </summary>
/// <remarks>
/// <para>
/// All convolutions but those that shuffle are 3×3 with rectifiers: 1→24 of stride 2, 24→32 (A, 1/2), 32→48 of stride
/// 2, two residual ones (B, 1/4), 48→64 of stride 2, two residual ones (1/8); then up again by 1×1 convolutions and
/// pixel shuffles, to which B and A are added, each followed by one convolution; a linear 1×1 head. 10.9 thousand
/// multiply-adds a pixel.
/// </para>
/// <para>
/// The network sees ink, 1 − grey, so that the zeros around a picture are paper. Its input is padded at the right and
/// the bottom to a multiple of 8 by repeating the edge. Pictures are computed in bands of rows, each with as many rows
/// above and below as its scores depend on: memory is bounded, and the scores are to the last bit those of the whole.
/// </para>
/// <para>Immutable: threads may share it, each with its own <see cref="Workspace"/>.</para>
/// </remarks>
public sealed class CompactDetector : DetectorModel
{
    // How far a score's inputs reach, in rows: convolutions of 1/2, 1/4 and 1/8 of the size add 2, 4 and 8 pixels, and
    // a row comes out of a block of 8. 2 (conv5) + 4 (conv4) + 7 (the block) + 8 + 8 (res3, res2) + 4 (conv3)
    // + 4 + 4 (res1, res0) + 2 (conv2) + 2 (conv1) + 1 (conv0) = 46, rounded up to whole blocks.
    private const int RowReach = 48;

    // Input sizes are a multiple of this, as the network halves them three times.
    private const int InputUnit = 8;

    private readonly Conv2d _conv0, _conv1, _conv2, _res0, _res1, _conv3, _res2, _res3, _up0, _conv4, _up1, _conv5, _head;

    /// <summary>Loads the network.</summary>
    /// <param name="file">A model file.</param>
    /// <exception cref="TficFormatException">Damaged, or not a detector of this version.</exception>
    internal CompactDetector(SafetensorsFile file)
        : base(file.Metadata.GetValueOrDefault("name", ""), InputUnit, RowReach)
    {
        Layers.CheckKind(file, "detector", "compact");
        _conv0 = Layers.Load(file, "conv0", 1, 24, 3, 3, stride: 2, slope: 0f);
        _conv1 = Layers.Load(file, "conv1", 24, 32, 3, 3, slope: 0f);
        _conv2 = Layers.Load(file, "conv2", 32, 48, 3, 3, stride: 2, slope: 0f);
        _res0 = Layers.Load(file, "res0", 48, 48, 3, 3, slope: 0f, residual: Residual.AfterActivation);
        _res1 = Layers.Load(file, "res1", 48, 48, 3, 3, slope: 0f, residual: Residual.AfterActivation);
        _conv3 = Layers.Load(file, "conv3", 48, 64, 3, 3, stride: 2, slope: 0f);
        _res2 = Layers.Load(file, "res2", 64, 64, 3, 3, slope: 0f, residual: Residual.AfterActivation);
        _res3 = Layers.Load(file, "res3", 64, 64, 3, 3, slope: 0f, residual: Residual.AfterActivation);
        _up0 = Layers.Load(file, "up0", 64, 192, 1, 1, slope: 0f, residual: Residual.BeforeActivation, shuffle: 2);
        _conv4 = Layers.Load(file, "conv4", 48, 48, 3, 3, slope: 0f);
        _up1 = Layers.Load(file, "up1", 48, 128, 1, 1, slope: 0f, residual: Residual.BeforeActivation, shuffle: 2);
        _conv5 = Layers.Load(file, "conv5", 32, 32, 3, 3, slope: 0f);
        _head = Layers.Load(file, "head", 32, 2, 1, 1);
    }

    /// <inheritdoc/>
    private protected override ReadOnlySpan<float> Run(
        ReadOnlySpan<float> grey, int width, int height, int first, int rows, int columns, Workspace workspace)
    {
        int threads = workspace.Threads;
        int rows2 = rows / 2, columns2 = columns / 2, rows4 = rows / 4, columns4 = columns / 4;
        int rows8 = rows / 8, columns8 = columns / 8;
        long half = (long)rows2 * columns2;
        Span<float> a = workspace.Floats(0, 32 * half), b = workspace.Floats(1, 32 * half);
        Span<float> skip2 = workspace.Floats(2, 32 * half), skip4 = workspace.Floats(3, 12 * half);

        for (int y = 0; y < rows; y++)
        {
            ReadOnlySpan<float> source = grey.Slice(Math.Min(first + y, height - 1) * width, width);
            Span<float> target = a.Slice(y * columns, columns);
            for (int x = 0; x < width; x++)
                target[x] = 1f - source[x];
            target[width..].Fill(target[width - 1]);
        }

        _conv0.Run(a, rows, columns, b, threads: threads);
        _conv1.Run(b, rows2, columns2, skip2, threads: threads);
        _conv2.Run(skip2, rows2, columns2, a, threads: threads);
        _res0.Run(a, rows4, columns4, b, a, threads);
        _res1.Run(b, rows4, columns4, skip4, b, threads);
        _conv3.Run(skip4, rows4, columns4, a, threads: threads);
        _res2.Run(a, rows8, columns8, b, a, threads);
        _res3.Run(b, rows8, columns8, a, b, threads);
        _up0.Run(a, rows8, columns8, b, skip4, threads);
        _conv4.Run(b, rows4, columns4, a, threads: threads);
        _up1.Run(a, rows4, columns4, b, skip2, threads);
        _conv5.Run(b, rows2, columns2, a, threads: threads);
        _head.Run(a, rows2, columns2, b, threads: threads);
        return b[..(int)(2 * half)];
    }
}
