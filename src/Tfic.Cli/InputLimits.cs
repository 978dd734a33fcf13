using System.CommandLine;
using Tfic.Bitstream;
using Tfic.Imaging;

namespace Tfic.Cli;

/// <summary>What is accepted as input.</summary>
/// <param name="MaxPixels">Most pixels of a picture; null for the default of its reader.</param>
/// <param name="MaxBytes">Longest file; null for 256 MiB for .tfic files and 1 GiB for others.</param>
/// <param name="MaxLayers">Most layers of a .tfic file; null for the default.</param>
internal sealed record InputLimits(long? MaxPixels = null, int? MaxBytes = null, int? MaxLayers = null)
{
    private const int DefaultMaxBytes = 1 << 30;

    /// <summary>For any file, before it is known what it is.</summary>
    public int FileBytes => MaxBytes ?? DefaultMaxBytes;

    /// <summary>For pictures.</summary>
    public PictureLimits Picture { get; } = MaxPixels is { } pixels ? new(pixels) : PictureLimits.Default;

    /// <summary>For .tfic files.</summary>
    public TficLimits Tfic { get; } = new()
    {
        MaxPixels = MaxPixels ?? TficLimits.Default.MaxPixels,
        MaxBytes = MaxBytes ?? TficLimits.Default.MaxBytes,
        MaxLayers = MaxLayers ?? TficLimits.Default.MaxLayers,
    };
}

/// <summary>The options that set <see cref="InputLimits"/>.</summary>
internal sealed class LimitOptions
{
    private readonly Option<long?> _pixels = new("--max-pixels")
    {
        Description = $"Refuse larger pictures. Default: {TficLimits.Default.MaxPixels}.",
        HelpName = "N",
    };

    private readonly Option<int?> _bytes = new("--max-bytes")
    {
        Description = "Refuse longer files. Default: 268435456 for .tfic files, 1073741824 for others.",
        HelpName = "N",
    };

    private readonly Option<int?> _layers = new("--max-layers")
    {
        Description = $"Refuse .tfic files of more layers. Default: {TficLimits.Default.MaxLayers}.",
        HelpName = "N",
    };

    public LimitOptions()
    {
        CommonOptions.Number(_pixels, 1, long.MaxValue);
        CommonOptions.Number(_bytes, 1, int.MaxValue);
        CommonOptions.Number(_layers, 1, TficContainer.MaxSections);
    }

    /// <summary>Adds the options to a verb.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="layers">Whether the verb takes .tfic files.</param>
    public void AddTo(Verb verb, bool layers)
    {
        verb.Add(_pixels);
        verb.Add(_bytes);
        if (layers)
            verb.Add(_layers);
    }

    /// <summary>What the options say.</summary>
    public InputLimits Of(ParseResult result) =>
        new(result.GetValue(_pixels), result.GetValue(_bytes), result.GetValue(_layers));
}
