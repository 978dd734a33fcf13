using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Networks.CompressAI;

/// <summary>
/// The conditional prior as CompressAI keeps it: a Gaussian of predicted mean and scale over the width of an integer, and
/// tables for 64 scales, to which scales are rounded up for coding.
/// </summary>
public sealed class GaussianConditional : EntropyModel
{
    /// <summary>Least scale.</summary>
    public const double LeastScale = 0.11;

    private const double LargestScale = 256;
    private const int ScaleCount = 64;

    private float[]? scales;

    /// <summary>Makes the prior, without tables yet.</summary>
    public GaussianConditional()
        : base(nameof(GaussianConditional))
    {
        register_buffer("scale_table", zeros([0]));
        register_buffer("scale_bound", tensor(new[] { (float)LeastScale }));
        register_module("lower_bound_scale", new Bound(LeastScale));
    }

    /// <summary>How likely quantised, in training perturbed, values are.</summary>
    /// <param name="y">The latent.</param>
    /// <param name="scale">Standard deviation; held to at least <see cref="LeastScale"/>.</param>
    /// <param name="mean">Mean.</param>
    public Tensor Likelihood(Tensor y, Tensor scale, Tensor mean)
    {
        ArgumentNullException.ThrowIfNull(scale);
        Tensor bounded = scale.clamp_min(LeastScale);
        Tensor magnitude = (Quantise(y, mean, training) - mean).abs();
        return BoundLikelihood(
            Cumulative((0.5 - magnitude) / bounded) - Cumulative((-0.5 - magnitude) / bounded));
    }

    /// <summary>Sets the tables for 64 scales, 0.11 … 256, spaced geometrically.</summary>
    public void Update()
    {
        using IDisposable guard = no_grad();
        Tensor table = linspace(Math.Log(LeastScale), Math.Log(LargestScale), ScaleCount, ScalarType.Float32).exp();
        SetBuffer("scale_table", table);
        scales = null;
        float[] values = table.data<float>().ToArray();

        // Half of the tail's probability lies beyond this many deviations on either side.
        float reach = (float)-NormalQuantile(TailMass / 2);
        int[] centres = Array.ConvertAll(values, scale => (int)MathF.Ceiling(scale * reach));
        int[] lengths = Array.ConvertAll(centres, centre => 2 * centre + 1);
        int longest = lengths.Max();
        var distance = new float[values.Length * longest];
        for (int row = 0; row < values.Length; row++)
        {
            for (int i = 0; i < longest; i++)
                distance[row * longest + i] = Math.Abs(i - centres[row]);
        }

        Tensor x = tensor(distance, [values.Length, longest]);
        Tensor scale = table.unsqueeze(1);
        Tensor lower = Cumulative((-0.5 - x) / scale);
        float[] flat = (Cumulative((0.5 - x) / scale) - lower).contiguous().data<float>().ToArray();
        float[] tail = (lower.select(1, 0) * 2).contiguous().data<float>().ToArray();
        var mass = new float[values.Length, longest];
        Buffer.BlockCopy(flat, 0, mass, 0, 4 * flat.Length);
        SetTables(Array.ConvertAll(centres, centre => -centre), lengths, mass, tail);
    }

    /// <summary>The table of each scale: the first whose scale is not smaller, or the last.</summary>
    public byte[] Indexes(Tensor scale)
    {
        ArgumentNullException.ThrowIfNull(scale);
        scales ??= get_buffer("scale_table")!.cpu().contiguous().data<float>().ToArray();
        float[] values = scale.detach().cpu().contiguous().data<float>().ToArray();
        return Array.ConvertAll(values, value =>
        {
            int index = Array.BinarySearch(scales, Math.Max(value, (float)LeastScale));
            return (byte)Math.Min(index < 0 ? ~index : index, scales.Length - 1);
        });
    }

    /// <summary>x at which a standard normal variable is below with the given probability.</summary>
    internal static double NormalQuantile(double probability)
    {
        using IDisposable guard = no_grad();
        double low = -40, high = 40;
        for (int i = 0; i < 80; i++)
        {
            double middle = (low + high) / 2;
            using Tensor at = tensor(new[] { -middle * Math.Sqrt(0.5) });
            using Tensor tail = at.erfc();
            if (tail.item<double>() / 2 < probability)
                low = middle;
            else
                high = middle;
        }

        return low;
    }

    private static Tensor Cumulative(Tensor x) => (x * -Math.Sqrt(0.5)).erfc() * 0.5;
}
