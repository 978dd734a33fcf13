using Tfic.Kernels;
using Tfic.Kernels.Attention;
using Tfic.Kernels.GatedConvolution;
using Tfic.Kernels.GridSampling;
using Tfic.Kernels.Lstm;

namespace Tfic.Tests.Kernels;

/// <summary>
/// The references of the recognisers' kernels against their formulas in double precision; their other rows are compared
/// with them by <see cref="EquivalenceTests"/>.
/// </summary>
public sealed class RecurrentKernelTests
{
    private readonly Random _random = new(1);

    [Fact]
    public void A_step_of_the_memory_is_its_formula()
    {
        const int Lines = 3, Units = 21;
        float[] gates = Floats(4 * Lines * Units, 3), memory = Floats(Lines * Units, 2), before = [.. memory];
        var hidden = new float[memory.Length];
        LstmCell.Variants.Reference.Kernel(gates, Lines, memory, hidden);
        for (int i = 0; i < memory.Length; i++)
        {
            double Gate(int number) => gates[i / Units * 4 * Units + number * Units + i % Units];
            double c = Sigmoid(Gate(1)) * before[i] + Sigmoid(Gate(0)) * Math.Tanh(Gate(2));
            Assert.Equal(c, memory[i], 1e-6);
            Assert.Equal(Sigmoid(Gate(3)) * Math.Tanh(c), hidden[i], 1e-6);
        }
    }

    [Fact]
    public void A_step_needs_four_gates_for_every_unit_of_every_line()
    {
        Assert.Throws<ArgumentException>(() => LstmCell.Run(new float[7], 1, new float[2], new float[2]));
        Assert.Throws<ArgumentException>(() => LstmCell.Run(new float[8], 1, new float[2], new float[3]));
        Assert.Throws<ArgumentException>(() => LstmCell.Run(new float[12], 2, new float[3], new float[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => LstmCell.Run([], 0, [], []));
    }

    [Fact]
    public void Attention_is_the_mean_of_frames_by_the_softmax_of_their_energies()
    {
        const int Units = 7, Count = 19, Channels = 5;
        int pitch = AdditiveAttention.Pitch(Count);
        Assert.Equal(32, pitch);
        float[] keys = Floats(Units * pitch, 2), query = Floats(Units, 1), score = Floats(Units, 4);
        float[] frames = Floats(Count * Channels, 1);
        for (int k = 0; k < Units; k++)
            keys.AsSpan(k * pitch + Count, pitch - Count).Fill(float.NaN);
        float[] weights = new float[Count], context = new float[Channels];
        AdditiveAttention.Run(keys, pitch, query, score, frames, weights, context);

        double[] energies =
        [
            .. Enumerable.Range(0, Count).Select(t => Enumerable.Range(0, Units).Sum(
                k => score[k] * Math.Tanh(keys[k * pitch + t] + query[k]))),
        ];
        double sum = energies.Sum(Math.Exp);
        for (int t = 0; t < Count; t++)
            Assert.Equal(Math.Exp(energies[t]) / sum, weights[t], 1e-5);
        for (int c = 0; c < Channels; c++)
        {
            Assert.Equal(
                Enumerable.Range(0, Count).Sum(t => Math.Exp(energies[t]) / sum * frames[t * Channels + c]), context[c], 1e-5);
        }
    }

    [Fact]
    public void Energies_of_any_size_do_not_overflow()
    {
        float[] keys = new float[16], weights = new float[2], context = new float[1];
        (keys[0], keys[1]) = (50, -50);
        AdditiveAttention.Run(keys, 16, [0f], [1e30f], [3f, 5f], weights, context);
        Assert.Equal(1f, weights[0]);
        Assert.InRange(weights[1], 0f, 1e-37f);
        Assert.Equal(3f, context[0]);
    }

    [Fact]
    public void Attention_refuses_lengths_that_do_not_agree()
    {
        float[] keys = new float[32], two = new float[2], one = new float[1];
        Assert.Throws<ArgumentException>(() => AdditiveAttention.Run(keys, 16, two, one, two, two, one));
        Assert.Throws<ArgumentException>(() => AdditiveAttention.Run(keys, 2, two, two, two, two, one));
        Assert.Throws<ArgumentException>(() => AdditiveAttention.Run(keys.AsSpan(1), 16, two, two, two, two, one));
        Assert.Throws<ArgumentException>(() => AdditiveAttention.Run(keys, 16, two, two, one, two, one));
        Assert.Throws<ArgumentException>(() => AdditiveAttention.Run(keys, 16, two, two, two, [], one));
    }

    [Fact]
    public void A_gated_update_is_its_formula_and_may_be_written_over_an_input()
    {
        const int Channels = 19, Length = 4 * Channels;
        var layer = new GatedUpdate
        {
            GateFromInput = Floats(Channels, 2),
            GateFromState = Floats(Channels, 2),
            GateShift = Floats(Channels, 2),
            FromInput = Floats(Channels, 2),
            Shift = Floats(Channels, 2),
            FromState = Floats(Channels, 2),
            StateShift = Floats(Channels, 2),
        };
        float[] u = Floats(Length, 2), x = Floats(Length, 2), f = Floats(Length, 2), r = Floats(Length, 2), before = [.. r];
        layer.Run(u, x, f, r, r);
        for (int i = 0; i < Length; i++)
        {
            int c = i % Channels;
            double gate = Sigmoid((double)layer.GateFromInput[c] * u[i] + (double)layer.GateFromState[c] * x[i] + layer.GateShift[c]);
            double state = (double)layer.FromState[c] * before[i] + layer.StateShift[c];
            double value = (double)layer.FromInput[c] * f[i] + layer.Shift[c] + state * gate;
            Assert.Equal(Math.Max(0, value), r[i], 1e-5);
        }

        Assert.Contains(r, value => value == 0);
        Assert.Throws<ArgumentException>(() => layer.Run(u, x, f, before.AsSpan(1), r));
        Assert.Throws<ArgumentException>(() => layer.Run(new float[5], new float[5], new float[5], new float[5], new float[5]));
    }

    [Fact]
    public void A_grid_finds_pixels_and_what_lies_between_them()
    {
        float[] input = [0, 1, 2, 10, 11, 12];
        float[] Sample(params (float Across, float Down)[] places)
        {
            var output = new float[places.Length];
            GridSample.Run(
                input, 2, 3, 1, Array.ConvertAll(places, p => p.Across), Array.ConvertAll(places, p => p.Down), output);
            return output;
        }

        Assert.Equal([0, 2, 12, 1, 5, 6.5f], Sample((-1, -1), (1, -1), (1, 1), (0, -1), (-1, 0), (0.5f, 0)));

        // Beyond the border there is more of it; nowhere is the first pixel.
        Assert.Equal([0, 12, 10, 0], Sample((-7, -1e30f), (1.01f, float.PositiveInfinity), (float.NegativeInfinity, 2), (float.NaN, float.NaN)));
        Assert.Throws<ArgumentException>(() => GridSample.Run(new float[5], 2, 3, 1, [0f], [0f], new float[1]));
        Assert.Throws<ArgumentException>(() => GridSample.Run(input, 2, 3, 1, [0f], [], new float[1]));
        Assert.Throws<ArgumentException>(() => GridSample.Run(input, 2, 3, 1, [0f], [0f], []));
        Assert.Throws<ArgumentException>(() => GridSample.Run(input, 2, 3, 1, [0f], [0f], input));
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private float[] Floats(int count, float magnitude) =>
        [.. Enumerable.Range(0, count).Select(_ => magnitude * (2 * _random.NextSingle() - 1))];
}
