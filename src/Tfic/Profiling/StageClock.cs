using System.Diagnostics;

namespace Tfic.Profiling;

/// <summary>Parts of encoding and reading whose times are told apart.</summary>
public enum Stage
{
    /// <summary>Encoding: the picture padded and brought to the network's numbers.</summary>
    Convert,

    /// <summary>Encoding: g_a, picture to latents.</summary>
    Analysis,

    /// <summary>Encoding: gains and h_a, latents to hyper-latents.</summary>
    HyperAnalysis,

    /// <summary>Encoding: what chooses probabilities: the integer prior; of TinyLIC h_s and its context model.</summary>
    Prior,

    /// <summary>Encoding: latents and hyper-latents rounded to whole steps.</summary>
    Quantise,

    /// <summary>Encoding: range coding, the container.</summary>
    Code,

    /// <summary>Decoding: g_s, latents to picture.</summary>
    Synthesis,

    /// <summary>Reading: the words of a page found, and put into lines.</summary>
    Detect,

    /// <summary>Reading: grey, resized to the network's rows.</summary>
    Resize,

    /// <summary>Reading: a bent or slanted word straightened.</summary>
    Rectify,

    /// <summary>Reading: convolutions down to one row of frames.</summary>
    Features,

    /// <summary>Reading: convolutions or recurrent layers along the line.</summary>
    Sequence,

    /// <summary>Reading: scores of the classes, and CTC; or attention, character by character.</summary>
    Predict,
}

/// <summary>A time during which a stage ran.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Start">Time stamp of <see cref="Stopwatch"/>.</param>
/// <param name="End">The same.</param>
public readonly record struct StageSpan(Stage Stage, long Start, long End);

/// <summary>
/// Notes when the stages of a picture end. Handed to an encoder or a reader when it is made; without one, they check
/// a reference for null a few times a picture. For one thread.
/// </summary>
public sealed class StageClock
{
    private readonly List<StageSpan> _spans = [];
    private long _last;

    /// <summary>What has been noted since the last <see cref="Start"/>, in order; a stage may come several times.</summary>
    public IReadOnlyList<StageSpan> Spans => _spans;

    /// <summary>Forgets what was noted; the first stage begins now.</summary>
    public void Start()
    {
        _spans.Clear();
        _last = Stopwatch.GetTimestamp();
    }

    /// <summary>A stage ends, and the next begins.</summary>
    public void End(Stage stage)
    {
        long now = Stopwatch.GetTimestamp();
        _spans.Add(new StageSpan(stage, _last, now));
        _last = now;
    }
}
