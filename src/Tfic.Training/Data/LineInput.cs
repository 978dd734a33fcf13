using Tfic.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Data;

/// <summary>From pictures of lines to the recogniser's input: grey, 32 rows, −1 … 1.</summary>
public static class LineInput
{
    /// <summary>Rows of the recogniser's input.</summary>
    public const int Height = 32;

    /// <summary>Width at which lines of ordinary length are read.</summary>
    public const int Width = 256;

    /// <summary>Weights of red, green and blue in grey (ITU-R BT.601).</summary>
    public static readonly float[] GreyWeights = [0.299f, 0.587f, 0.114f];

    /// <summary>Resizes a line to 32 × width and normalises it.</summary>
    /// <param name="line">Any picture.</param>
    /// <param name="width">Width of the input, a multiple of 4.</param>
    /// <param name="target">32 · width values, −1 … 1.</param>
    public static void Normalise(Picture line, int width, Span<float> target)
    {
        ArgumentNullException.ThrowIfNull(line);
        var grey = new float[line.PixelCount];
        PictureConversion.ToGrey(line, grey);
        float[] resized = Resampling.Resize(grey, line.Width, line.Height, 1, width, Height);
        for (int i = 0; i < resized.Length; i++)
            target[i] = resized[i] / 127.5f - 1f;
    }

    /// <summary>The matrix M of one axis of <see cref="Resampling"/>: output = M · input.</summary>
    /// <returns>[outputSize, inputSize], float32.</returns>
    public static Tensor ResamplingMatrix(int inputSize, int outputSize)
    {
        var matrix = new float[outputSize * inputSize];
        Resampling.Taps[] filter = Resampling.Filter(inputSize, outputSize);
        for (int o = 0; o < outputSize; o++)
            filter[o].Weights.CopyTo(matrix, o * inputSize + filter[o].First);
        return tensor(matrix, [outputSize, inputSize]);
    }

    /// <summary>
    /// <see cref="Normalise"/> as a differentiable graph, for gradients that flow from the recogniser into the
    /// picture.
    /// </summary>
    /// <param name="pictures">[B, 3, H, W], 0…1.</param>
    /// <returns>[B, 1, 32, 256].</returns>
    public static Tensor Normalise(Tensor pictures)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        using Tensor weights = tensor(GreyWeights, [1, 3, 1, 1]);
        using Tensor down = ResamplingMatrix((int)pictures.shape[2], Height);
        using Tensor across = ResamplingMatrix((int)pictures.shape[3], Width);
        Tensor grey = (pictures * weights).sum(1, keepdim: true);
        return matmul(matmul(down, grey), across.t()) * 2 - 1;
    }
}
