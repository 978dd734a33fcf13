namespace Tfic.Kernels.Dct;

public static partial class JpegDct
{
    internal static void ForwardReference(
        ReadOnlySpan<byte> source, int stride, JpegQuantiser quantiser, Span<short> blocks)
    {
        ReadOnlySpan<ushort> steps = quantiser.Steps;
        Span<int> between = stackalloc int[64];
        for (int block = 0; block < blocks.Length / 64; block++)
        {
            for (int y = 0; y < 8; y++)
            {
                for (int v = 0; v < 8; v++)
                {
                    int sum = 0;
                    for (int x = 0; x < 8; x++)
                        sum += (source[y * stride + block * 8 + x] - 128) * Matrix[v * 8 + x];
                    between[y * 8 + v] = Descale(sum, ConstantBits - PassBits);
                }
            }

            for (int u = 0; u < 8; u++)
            {
                for (int v = 0; v < 8; v++)
                {
                    int sum = 0;
                    for (int y = 0; y < 8; y++)
                        sum += Matrix[u * 8 + y] * between[y * 8 + v];
                    int coefficient = Descale(sum, ConstantBits + PassBits);
                    int step = steps[u * 8 + v];
                    int level = (Math.Abs(coefficient) + 4 * step) / (8 * step);
                    blocks[block * 64 + u * 8 + v] = (short)(coefficient < 0 ? -level : level);
                }
            }
        }
    }

    internal static void InverseReference(
        ReadOnlySpan<short> blocks, JpegQuantiser quantiser, Span<byte> target, int stride)
    {
        ReadOnlySpan<ushort> steps = quantiser.Steps;
        Span<int> between = stackalloc int[64];
        for (int block = 0; block < blocks.Length / 64; block++)
        {
            for (int y = 0; y < 8; y++)
            {
                for (int v = 0; v < 8; v++)
                {
                    int sum = 0;
                    for (int u = 0; u < 8; u++)
                        sum += Matrix[u * 8 + y] * (blocks[block * 64 + u * 8 + v] * steps[u * 8 + v]);
                    between[y * 8 + v] = Descale(sum, ConstantBits - PassBits);
                }
            }

            for (int y = 0; y < 8; y++)
            {
                for (int x = 0; x < 8; x++)
                {
                    // K twice scales by 2^29; the first shift took 11 of these bits, 18 remain.
                    const int Bits = ConstantBits + PassBits + 3;
                    int sum = 128 << Bits;
                    for (int v = 0; v < 8; v++)
                        sum += between[y * 8 + v] * Matrix[v * 8 + x];
                    int sample = Descale(sum, Bits);
                    target[y * stride + block * 8 + x] = (byte)Math.Clamp(sample, 0, 255);
                }
            }
        }
    }

    private static int Descale(int value, int bits) => (value + (1 << (bits - 1))) >> bits;
}
