using Tfic.Networks;
using Tfic.Networks.Recognition;

namespace Tfic.Tests.Networks;

/// <summary>Published recognisers with random weights from a seed.</summary>
internal static class RandomTextRecogniser
{
    /// <summary>A file as the import of a checkpoint makes it.</summary>
    public static byte[] File(TextRecogniserOptions options, int seed)
    {
        // What a network draws for itself is what it would read.
        var writer = new SafetensorsWriter();
        _ = new TextRecogniserModel(
            PublishedWeights.Drawn(seed, writer), options, new string('?', options.ClassCount - options.OwnClasses));
        return writer.ToArray();
    }
}
