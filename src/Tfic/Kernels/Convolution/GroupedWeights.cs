namespace Tfic.Kernels.Convolution;

/// <summary>
/// The order of a layer's weights for the kernels of few bits: [group of 16 outputs][ky][some of the run][output of the
/// group][one of these some], the run being kx · channels + i, padded with zeros.
/// </summary>
internal static class GroupedWeights
{
    /// <summary>Outputs are packed in groups of as many as a 512-bit vector has sums.</summary>
    public const int Group = 16;

    /// <summary>Outputs with those that fill up the last group.</summary>
    public static int Padded(int outputs) => (outputs + Group - 1) / Group * Group;

    /// <summary>Where a weight stands.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="run">Length of a padded run.</param>
    /// <param name="together">How many of the run stand together.</param>
    /// <param name="output">The output.</param>
    /// <param name="ky">Row of the kernel.</param>
    /// <param name="at">kx · channels + i.</param>
    public static int Place(Conv2d layer, int run, int together, int output, int ky, int at) =>
        (((output / Group * layer.KernelHeight + ky) * (run / together) + at / together) * Group + output % Group)
            * together + at % together;

    /// <summary>Rows that are computed at once: 64 KB of floats stay in the cache, and weights serve several rows.</summary>
    /// <param name="pitch">Floats of a row.</param>
    public static int BandHeight(int pitch) => int.Max(1, 16384 / pitch);
}
