using Tfic.Kernels.Convolution;

namespace Tfic.Networks;

/// <summary>Layers from model files.</summary>
internal static class Layers
{
    /// <summary>Loads NAME.weight and NAME.bias as a convolution padded by half its kernel.</summary>
    /// <exception cref="TficFormatException">Missing, of another shape, or not finite.</exception>
    public static Conv2d Load(
        SafetensorsFile file, string name, int inputs, int outputs, int kernelHeight, int kernelWidth, int stride = 1,
        float slope = 1f, Residual residual = Residual.None, int shuffle = 1) =>
        Load(
            file, name, inputs, outputs, kernelHeight, kernelWidth,
            Padding.Symmetric(kernelHeight / 2, kernelWidth / 2), stride, slope, residual, shuffle);

    /// <summary>Loads NAME.weight and NAME.bias as a convolution.</summary>
    /// <inheritdoc cref="Load(SafetensorsFile, string, int, int, int, int, int, float, Residual, int)"/>
    public static Conv2d Load(
        SafetensorsFile file, string name, int inputs, int outputs, int kernelHeight, int kernelWidth, Padding padding,
        int stride = 1, float slope = 1f, Residual residual = Residual.None, int shuffle = 1) =>
        new(
            file.Float(name + ".weight", outputs, inputs, kernelHeight, kernelWidth),
            file.Float(name + ".bias", outputs), inputs, kernelHeight, kernelWidth)
        {
            Stride = stride,
            Padding = padding,
            NegativeSlope = slope,
            Residual = residual,
            Shuffle = shuffle,
        };

    /// <summary>Checks what a model file says it is.</summary>
    /// <param name="file">The file.</param>
    /// <param name="kind">codec, recogniser or another kind.</param>
    /// <param name="profile">The profile that is wanted.</param>
    /// <exception cref="TficFormatException">It is something else.</exception>
    public static void CheckKind(SafetensorsFile file, string kind, string profile)
    {
        string found = file.Metadata.GetValueOrDefault("tfic", "");
        if (found != kind + " 1")
        {
            throw new TficFormatException(
                found.StartsWith(kind + " ", StringComparison.Ordinal)
                    ? $"The model is of version '{found}', and this program knows '{kind} 1'. Use a newer program."
                    : $"A {kind} model is needed, but the file's metadata says tfic = '{found}'. Is it the right file?");
        }

        string foundProfile = file.Metadata.GetValueOrDefault("profile", "");
        if (foundProfile != profile)
        {
            throw new TficFormatException(
                $"The model has profile '{foundProfile}', and this program knows '{profile}'. Use a newer program.");
        }
    }
}
