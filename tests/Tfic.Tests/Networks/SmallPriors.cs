using Tfic.Kernels.RangeCoding;
using Tfic.Networks;

namespace Tfic.Tests.Networks;

/// <summary>
/// Integer priors of random small shapes, of random weights or of the largest that the rules allow: such that some
/// outputs' sums reach the ends of int32.
/// </summary>
internal static class SmallPriors
{
    public static IntegerPrior Make(Random random, bool hasContext, bool worst)
    {
        int hyper = 2 * random.Next(1, 4);
        int latents = random.Next(1, 10);
        int features = 2 * random.Next(1, 10);
        int between = 2 * random.Next(1, 4);
        int hidden = 2 * random.Next(1, 12);
        IntegerLayer.Tensors Layer(int outputs, int inputs, int k, int largest)
        {
            int each = inputs * k * k;
            var weight = new sbyte[outputs * each];
            var bias = new int[outputs];
            var multiplier = new int[outputs];
            var shift = new int[outputs];
            for (int o = 0; o < outputs; o++)
            {
                bool extreme = worst && random.Next(3) > 0;
                sbyte sign = (sbyte)(random.Next(2) == 0 ? 127 : -128);
                long norm = 0;
                for (int i = 0; i < each; i++)
                {
                    sbyte w = extreme ? sign : (sbyte)random.Next(-128, 128);
                    weight[(o * each) + i] = w;
                    norm += Math.Abs((int)w);
                }

                // Whatever room the weights leave, the bias takes.
                long room = int.MaxValue - (norm * largest);
                bias[o] = extreme ? (int)(Math.Sign(sign) * room) : random.Next(-50_000, 50_000);
                multiplier[o] = extreme && random.Next(2) == 0 ? int.MaxValue : random.Next(1 << 30, int.MaxValue);

                // Typical sums, √each · 74 · a quarter of the largest input, come to some hundreds.
                int typical = (int)Math.Log2(Math.Sqrt(each) * 74 * largest / 4);
                shift[o] = Math.Clamp(31 + typical - random.Next(6, 13), 1, 62);
            }

            return new IntegerLayer.Tensors(weight, bias, multiplier, shift, inputs, k);
        }

        const int Largest = IntegerPrior.MaxActivation;
        IntegerLayer.Tensors[] layers =
        [
            Layer(4 * between, hyper, 3, 128),
            Layer(4 * features, between, 3, Largest),
            Layer(2 * latents, features, 1, Largest),
        ];
        IntegerLayer.Tensors[]? context = hasContext
            ? [Layer(hidden, 4 * latents, 1, Largest), Layer(hidden, features, 1, Largest), Layer(2 * latents, hidden, 1, Largest)]
            : null;
        int[] offsets = [.. Enumerable.Range(0, 8 * latents).Select(_ => random.Next(-300, 600))];
        return new IntegerPrior(
            layers,
            context,
            offsets,
            IntegerPriorExport.GaussianTables(),
            IntegerPriorExport.HyperTables(RandomCodec.HyperProbabilities(random, hyper)));
    }

    /// <summary>Values of ẑ: most of them small, some at the ends.</summary>
    public static int[] Hyper(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => random.Next(5) switch
        {
            0 => -128,
            1 => 127,
            _ => random.Next(-4, 5),
        })];
}
