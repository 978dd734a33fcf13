using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training.Networks.CompressAI;

/// <summary>
/// The factorised prior (Ballé et al. 2018, appendix 6.1) as CompressAI keeps it: a learned cumulative distribution a
/// channel, and three learned quantiles that tell where its tables begin, where its middle is and where they end.
/// </summary>
public sealed class EntropyBottleneck : EntropyModel
{
    private const double InitialScale = 10;
    private static readonly long[] Widths = [1, 3, 3, 3, 3, 1];

    private readonly Parameter[] matrices = new Parameter[Widths.Length - 1];
    private readonly Parameter[] biases = new Parameter[Widths.Length - 1];
    private readonly Parameter[] factors = new Parameter[Widths.Length - 2];
    private readonly Parameter quantiles;

    /// <summary>Makes the prior.</summary>
    /// <param name="channels">Channels of the latent.</param>
    public EntropyBottleneck(long channels)
        : base(nameof(EntropyBottleneck))
    {
        Channels = channels;
        double scale = Math.Pow(InitialScale, 1.0 / (Widths.Length - 1));
        for (int i = 0; i < matrices.Length; i++)
        {
            double initial = Math.Log(Math.Exp(1 / scale / Widths[i + 1]) - 1);
            register_parameter(
                $"_matrix{i}", matrices[i] = Parameter(full([channels, Widths[i + 1], Widths[i]], initial)));
            register_parameter($"_bias{i}", biases[i] = Parameter(rand(channels, Widths[i + 1], 1) - 0.5));
            if (i < factors.Length)
                register_parameter($"_factor{i}", factors[i] = Parameter(zeros(channels, Widths[i + 1], 1)));
        }

        float limit = (float)InitialScale;
        quantiles = Parameter(tensor(new[] { -limit, 0, limit }).repeat(channels, 1, 1));
        register_parameter("quantiles", quantiles);
        float target = (float)Math.Log(2 / TailMass - 1);
        register_buffer("target", tensor(new[] { -target, 0, target }));
    }

    /// <summary>Channels of the latent.</summary>
    public long Channels { get; }

    /// <summary>Middle of each channel's distribution, [1, C, 1, 1].</summary>
    public Tensor Medians => quantiles.slice(2, 1, 2, 1).view(1, -1, 1, 1);

    /// <summary>Quantises a latent, or perturbs it in training, and tells how likely the result is.</summary>
    /// <param name="z">[B, C, H, W].</param>
    /// <returns>The latent and its likelihoods, both of its shape.</returns>
    public (Tensor Value, Tensor Likelihood) Run(Tensor z)
    {
        ArgumentNullException.ThrowIfNull(z);
        Tensor value = Quantise(z, Medians.detach(), training);
        Tensor flat = value.permute(1, 0, 2, 3).reshape(Channels, 1, -1);
        Tensor likelihood = BoundLikelihood(Mass(flat - 0.5, flat + 0.5, detached: false));
        return (value, likelihood.view(Channels, z.shape[0], z.shape[2], z.shape[3]).permute(1, 0, 2, 3));
    }

    /// <summary>
    /// The auxiliary loss: how far the quantiles are from where the distribution has them. It moves nothing else.
    /// </summary>
    public Tensor AuxiliaryLoss() => (Logits(quantiles, detached: true) - get_buffer("target")!).abs().sum();

    /// <summary>Sets the tables from the distributions.</summary>
    public void Update()
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        float[] learned = quantiles.detach().cpu().contiguous().data<float>().ToArray();
        int channels = (int)Channels;
        int[] below = new int[channels], lengths = new int[channels];
        var starts = new float[channels];
        for (int c = 0; c < channels; c++)
        {
            float median = learned[3 * c + 1];
            below[c] = Math.Max(0, (int)MathF.Ceiling(median - learned[3 * c]));
            lengths[c] = below[c] + Math.Max(0, (int)MathF.Ceiling(learned[3 * c + 2] - median)) + 1;
            starts[c] = median - below[c];
        }

        int longest = lengths.Max();
        Tensor values = (arange(longest, ScalarType.Float32).view(1, 1, -1) + tensor(starts).view(-1, 1, 1))
            .to(quantiles.device);
        Tensor lower = Logits(values - 0.5, detached: true), upper = Logits(values + 0.5, detached: true);
        float[] flat = Mass(lower, upper).cpu().contiguous().data<float>().ToArray();
        float[] tail = (functional.sigmoid(lower.select(2, 0)) + functional.sigmoid(upper.select(2, longest - 1).neg()))
            .flatten().cpu().contiguous().data<float>().ToArray();
        var mass = new float[channels, longest];
        Buffer.BlockCopy(flat, 0, mass, 0, 4 * flat.Length);
        SetTables(Array.ConvertAll(below, b => -b), lengths, mass, tail);
    }

    private Tensor Mass(Tensor below, Tensor above, bool detached) =>
        Mass(Logits(below, detached), Logits(above, detached));

    // Both ends are taken where the sigmoids are small, so that the difference keeps its digits.
    private static Tensor Mass(Tensor lower, Tensor upper)
    {
        Tensor sign = (lower + upper).sign().neg().detach();
        return (functional.sigmoid(sign * upper) - functional.sigmoid(sign * lower)).abs();
    }

    private Tensor Logits(Tensor values, bool detached)
    {
        Tensor logits = values;
        for (int i = 0; i < matrices.Length; i++)
        {
            Tensor matrix = detached ? matrices[i].detach() : matrices[i];
            Tensor bias = detached ? biases[i].detach() : biases[i];
            logits = matmul(functional.softplus(matrix), logits) + bias;
            if (i < factors.Length)
            {
                Tensor factor = detached ? factors[i].detach() : factors[i];
                logits = logits + factor.tanh() * logits.tanh();
            }
        }

        return logits;
    }
}
