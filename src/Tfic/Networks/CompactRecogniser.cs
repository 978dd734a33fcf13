using Tfic.Kernels.Convolution;
using Tfic.Kernels.Pooling;
using Tfic.Profiling;

namespace Tfic.Networks;

/// <summary>The compact recogniser: a convolutional network from a line of text to class scores for CTC.</summary>
/// <remarks>
/// <para>
/// Input is a grey line of 32 rows, −1 (black) … 1 (white), its width a multiple of 4. Convolutions 3×3 with
/// rectifiers (1→32 of stride 2, 32→64, 64→96, 96→96 with residual, 96→160, 160→192) alternate with maxima that
/// halve the height each time and the width once more; a 2×1 convolution makes one row of frames, a frame for every
/// 4 columns; three 1×7 residual convolutions look along the line; a 1×1 one scores the classes. Class 0 is CTC's
/// blank. 217 million multiply-adds for 256 columns, 143 million of them in layers that
/// <see cref="WinogradConv2d"/> runs with a quarter of the multiplications.
/// </para>
/// <para>Immutable: threads may share it, each with its own <see cref="Workspace"/>.</para>
/// </remarks>
public sealed class CompactRecogniser : RecogniserModel
{
    /// <summary>Rows of the input.</summary>
    public const int InputHeight = 32;

    /// <summary>Columns of the input for one frame of the output.</summary>
    public const int FrameWidth = 4;

    private readonly Conv2d _conv0, _conv5, _conv6, _seq0, _seq1, _seq2, _head;

    // The layers of four rows and more, whose tiles are full: a third of the time.
    private readonly WinogradConv2d _conv1, _conv2, _conv3, _conv4;

    /// <summary>Makes the network.</summary>
    /// <exception cref="TficFormatException">Not such a recogniser; or tensors are missing, of another shape or not finite.</exception>
    internal CompactRecogniser(SafetensorsFile file)
        : base(Checked(file).GetValueOrDefault("name", ""), file.Metadata.GetValueOrDefault("charset", ""))
    {
        File = file;
        _conv0 = Layers.Load(file, "conv0", 1, 32, 3, 3, stride: 2, slope: 0f);
        _conv1 = new(Layers.Load(file, "conv1", 32, 64, 3, 3, slope: 0f));
        _conv2 = new(Layers.Load(file, "conv2", 64, 96, 3, 3, slope: 0f));
        _conv3 = new(Layers.Load(file, "conv3", 96, 96, 3, 3, slope: 0f, residual: Residual.BeforeActivation));
        _conv4 = new(Layers.Load(file, "conv4", 96, 160, 3, 3, slope: 0f));
        _conv5 = Layers.Load(file, "conv5", 160, 192, 3, 3, slope: 0f);
        _conv6 = Layers.Load(file, "conv6", 192, 192, 2, 1, default(Padding), slope: 0f);
        _seq0 = Layers.Load(file, "seq0", 192, 192, 1, 7, slope: 0f, residual: Residual.AfterActivation);
        _seq1 = Layers.Load(file, "seq1", 192, 192, 1, 7, slope: 0f, residual: Residual.AfterActivation);
        _seq2 = Layers.Load(file, "seq2", 192, 192, 1, 7, slope: 0f, residual: Residual.AfterActivation);
        _head = Layers.Load(file, "head", 192, ClassCount, 1, 1);
    }

    /// <summary>The file it came from.</summary>
    public SafetensorsFile File { get; }

    /// <summary>Number of classes, the blank included.</summary>
    public override int ClassCount => Characters.Count + 1;

    /// <summary>Scores the classes in every frame of a line.</summary>
    /// <param name="input">32 × width, −1…1.</param>
    /// <param name="width">A multiple of 4, at least 4.</param>
    /// <param name="workspace">The calling thread's.</param>
    /// <returns>width/4 × ClassCount logits; they lie in the workspace and are valid until it is used again.</returns>
    /// <exception cref="ArgumentException">A width that is no multiple of 4, or too few values.</exception>
    public ReadOnlySpan<float> Logits(ReadOnlySpan<float> input, int width, Workspace workspace)
    {
        ArgumentNullException.ThrowIfNull(workspace);
        Check(input, width);
        int threads = workspace.Threads, frames = width / FrameWidth;
        Span<float> a = workspace.Floats(0, 16L * (width / 2) * 32);
        Span<float> b = workspace.Floats(1, long.Max(16L * (width / 2) * 64, (long)frames * ClassCount));

        long scratchLength = long.Max(
            long.Max(_conv1.ScratchLength(threads), _conv2.ScratchLength(threads)),
            long.Max(_conv3.ScratchLength(threads), _conv4.ScratchLength(threads)));
        Span<float> scratch = workspace.Floats(4, scratchLength);
        _conv0.Run(input, InputHeight, width, a, threads: threads);
        _conv1.Run(a, 16, width / 2, b, scratch, threads: threads);
        MaxPool.Run(b, 16, width / 2, 64, 2, 2, a);
        _conv2.Run(a, 8, frames, b, scratch, threads: threads);
        _conv3.Run(b, 8, frames, a, scratch, b, threads);
        MaxPool.Run(a, 8, frames, 96, 2, 1, b);
        _conv4.Run(b, 4, frames, a, scratch, threads: threads);
        MaxPool.Run(a, 4, frames, 160, 2, 1, b);
        _conv5.Run(b, 2, frames, a, threads: threads);
        _conv6.Run(a, 2, frames, b, threads: threads);
        workspace.Clock?.End(Stage.Features);
        _seq0.Run(b, 1, frames, a, b, threads);
        _seq1.Run(a, 1, frames, b, a, threads);
        _seq2.Run(b, 1, frames, a, b, threads);
        workspace.Clock?.End(Stage.Sequence);
        _head.Run(a, 1, frames, b, threads: threads);
        return b[..(frames * ClassCount)];
    }

    /// <summary>
    /// The layers from first to last, each with the window of the maxima that follow; 1 × 1 for none. A residual is a
    /// layer's own input.
    /// </summary>
    internal IEnumerable<(Conv2d Layer, int PoolHeight, int PoolWidth)> Convolutions =>
    [
        (_conv0, 1, 1), (_conv1.Layer, 2, 2), (_conv2.Layer, 1, 1), (_conv3.Layer, 2, 1), (_conv4.Layer, 2, 1),
        (_conv5, 1, 1), (_conv6, 1, 1), (_seq0, 1, 1), (_seq1, 1, 1), (_seq2, 1, 1), (_head, 1, 1),
    ];

    /// <summary>Checks what <see cref="Logits"/> is given.</summary>
    internal static void Check(ReadOnlySpan<float> input, int width)
    {
        if (width < FrameWidth || width % FrameWidth != 0)
            throw new ArgumentException($"A width of {width} is no multiple of {FrameWidth}.", nameof(width));
        if (input.Length < (long)InputHeight * width)
            throw new ArgumentException("Fewer values than 32 × width.", nameof(input));
    }

    /// <summary>The metadata of a file that is a compact recogniser: that comes before what such a file must hold.</summary>
    private static IReadOnlyDictionary<string, string> Checked(SafetensorsFile file)
    {
        Layers.CheckKind(file, "recogniser", "compact");
        return file.Metadata;
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<Stage, Work> Work(int width)
    {
        int frames = width / FrameWidth;
        return new Dictionary<Stage, Work>
        {
            [Stage.Features] = Profiling.Work.Of(_conv0, InputHeight, width) + Profiling.Work.Of(_conv1.Layer, 16, width / 2)
                + Profiling.Work.Of(_conv2.Layer, 8, frames) + Profiling.Work.Of(_conv3.Layer, 8, frames)
                + Profiling.Work.Of(_conv4.Layer, 4, frames) + Profiling.Work.Of(_conv5, 2, frames)
                + Profiling.Work.Of(_conv6, 2, frames),
            [Stage.Sequence] = Profiling.Work.Of(_seq0, 1, frames) + Profiling.Work.Of(_seq1, 1, frames)
                + Profiling.Work.Of(_seq2, 1, frames),
            [Stage.Predict] = Profiling.Work.Of(_head, 1, frames),
        };
    }
}
