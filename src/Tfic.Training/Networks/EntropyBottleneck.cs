using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks;

/// <summary>
/// The factorised prior of z: one learned cumulative distribution a channel (Ballé et al. 2018, Section 6.1 of
/// its appendix), a chain of small monotone layers with widths 1-3-3-3-3-1.
/// </summary>
public sealed class EntropyBottleneck : Module<Tensor, Tensor>
{
    private static readonly long[] Widths = [1, 3, 3, 3, 3, 1];
    private const double InitialScale = 10.0;

    private readonly long channels;
    private readonly Parameter[] matrices = new Parameter[Widths.Length - 1];
    private readonly Parameter[] biases = new Parameter[Widths.Length - 1];
    private readonly Parameter[] factors = new Parameter[Widths.Length - 2];

    /// <summary>Makes the prior.</summary>
    /// <param name="channels">Channels of z.</param>
    public EntropyBottleneck(long channels)
        : base(nameof(EntropyBottleneck))
    {
        this.channels = channels;
        double scale = Math.Pow(InitialScale, 1.0 / (Widths.Length - 1));
        for (int i = 0; i < matrices.Length; i++)
        {
            // softplus(initial) · fan-in = 1/scale: the chain starts as one logistic about InitialScale wide.
            double initial = Math.Log(Math.Exp(1 / scale / Widths[i + 1]) - 1);
            matrices[i] = Parameter(full([channels, Widths[i + 1], Widths[i]], initial));
            biases[i] = Parameter(rand(channels, Widths[i + 1], 1) - 0.5);
            register_parameter($"_matrix{i}", matrices[i]);
            register_parameter($"_bias{i}", biases[i]);
            if (i < factors.Length)
            {
                factors[i] = Parameter(zeros(channels, Widths[i + 1], 1));
                register_parameter($"_factor{i}", factors[i]);
            }
        }
    }

    /// <summary>Bits of each value of z (perturbed or quantised).</summary>
    /// <param name="z">[B, C, H, W].</param>
    /// <returns>−log2 p of each, same shape, ≥ 0.</returns>
    public override Tensor forward(Tensor z)
    {
        Tensor byChannel = z.permute(1, 0, 2, 3).reshape(channels, 1, -1);
        Tensor bits = Mass(byChannel).clamp_min(1e-9).log2().neg();
        return bits.view(channels, z.shape[0], z.shape[2], z.shape[3]).permute(1, 0, 2, 3);
    }

    /// <summary>Probability of the integers minimum…maximum in every channel.</summary>
    /// <returns>[C, maximum − minimum + 1], float32.</returns>
    public Tensor Probabilities(int minimum, int maximum)
    {
        using IDisposable guard = no_grad();
        Tensor values = arange(minimum, maximum + 1, ScalarType.Float32).expand(channels, 1, -1);
        return Mass(values).squeeze(1);
    }

    /// <summary>Brings the distributions near given ones, by descent on what these cost under them.</summary>
    /// <param name="masses">[C, maximum − minimum + 1], of the integers from the minimum on; rows may add up to less than 1.</param>
    /// <param name="minimum">The integer of the first column.</param>
    /// <param name="steps">How many steps of Adam.</param>
    internal void Fit(Tensor masses, int minimum, int steps = 600)
    {
        Tensor values = arange(minimum, minimum + masses.shape[1], ScalarType.Float32).expand(channels, 1, -1);
        using OptimizerHelper optimizer = optim.Adam(parameters(), 0.02);
        for (int i = 0; i < steps; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            optimizer.zero_grad();
            (masses * Mass(values).squeeze(1).clamp_min(1e-9).log()).sum().neg().backward();
            optimizer.step();
        }

        optimizer.zero_grad();
    }

    private Tensor Mass(Tensor values)
    {
        Tensor lower = CumulativeLogits(values - 0.5);
        Tensor upper = CumulativeLogits(values + 0.5);

        // Both ends are taken on the side of the distribution where the sigmoids are small, so that a difference
        // of nearly equal numbers keeps its digits.
        Tensor sign = (lower + upper).sign().neg().detach();
        return (functional.sigmoid(sign * upper) - functional.sigmoid(sign * lower)).abs();
    }

    private Tensor CumulativeLogits(Tensor values)
    {
        Tensor logits = values;
        for (int i = 0; i < matrices.Length; i++)
        {
            logits = matmul(functional.softplus(matrices[i]), logits) + biases[i];
            if (i < factors.Length)
                logits = logits + factors[i].tanh() * logits.tanh();
        }

        return logits;
    }
}
