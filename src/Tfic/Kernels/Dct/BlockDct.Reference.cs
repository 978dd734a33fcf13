namespace Tfic.Kernels.Dct;

public static partial class BlockDct
{
    internal static void ForwardReference(ReadOnlySpan<float> source, int width, Span<float> target) =>
        TransformReference(source, width, target, Basis);

    internal static void InverseReference(ReadOnlySpan<float> source, int width, Span<float> target) =>
        TransformReference(source, width, target, TransposedBasis);

    internal static void QuantiseReference(
        ReadOnlySpan<float> coefficients, int width, ReadOnlySpan<float> steps, Span<short> levels)
    {
        for (int i = 0; i < coefficients.Length; i++)
        {
            int y = i / width, x = i % width;
            float level = MathF.Round(coefficients[i] / steps[y % Size * Size + x % Size], MidpointRounding.ToEven);
            levels[i] = float.IsNaN(level) ? (short)0 : (short)Math.Clamp(level, short.MinValue, short.MaxValue);
        }
    }

    /// <summary>M·B·Mᵀ for every block B: the forward transform with M = C, the inverse with M = Cᵀ.</summary>
    private static void TransformReference(
        ReadOnlySpan<float> source, int width, Span<float> target, ReadOnlySpan<float> matrix)
    {
        Span<float> between = stackalloc float[Size * Size];
        int height = source.Length / width;
        for (int top = 0; top < height; top += Size)
        {
            for (int left = 0; left < width; left += Size)
            {
                for (int r = 0; r < Size; r++)
                {
                    for (int c = 0; c < Size; c++)
                    {
                        float sum = matrix[r * Size] * source[top * width + left + c];
                        for (int k = 1; k < Size; k++)
                            sum = MathF.FusedMultiplyAdd(
                                matrix[r * Size + k], source[(top + k) * width + left + c], sum);
                        between[r * Size + c] = sum;
                    }
                }

                for (int r = 0; r < Size; r++)
                {
                    for (int c = 0; c < Size; c++)
                    {
                        float sum = between[r * Size] * matrix[c * Size];
                        for (int k = 1; k < Size; k++)
                            sum = MathF.FusedMultiplyAdd(between[r * Size + k], matrix[c * Size + k], sum);
                        target[(top + r) * width + left + c] = sum;
                    }
                }
            }
        }
    }
}
