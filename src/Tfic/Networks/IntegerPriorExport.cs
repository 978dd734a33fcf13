using Tfic.Kernels.IntegerConvolution;
using Tfic.Kernels.RangeCoding;

namespace Tfic.Networks;

/// <summary>A convolution as trained.</summary>
/// <param name="Outputs">Channels out.</param>
/// <param name="Inputs">Channels in; even.</param>
/// <param name="KernelSize">Rows and columns, odd.</param>
/// <param name="Weight">[Outputs, Inputs, KernelSize, KernelSize], row-major.</param>
/// <param name="Bias">One an output.</param>
public sealed record ConvolutionWeights(int Outputs, int Inputs, int KernelSize, float[] Weight, float[] Bias);

/// <summary>The float context model: context.conv2(relu(context.conv0(n) + context.conv1(f))).</summary>
/// <param name="Conv0">
/// [H, 4M, 1, 1]: of n, ŷ' of the neighbours above, to the left, to the right and below, each M channels. Of a 3×3
/// convolution [H, M, 3, 3] these are the taps (0, 1), (1, 0), (1, 2), (2, 1), input neighbour · M + channel.
/// </param>
/// <param name="Conv1">[H, C, 1, 1]: of f, the C channels that h_s.conv2 reads.</param>
/// <param name="Conv2">
/// [2M, H, 1, 1]: what is added to the outputs of h_s.conv2, so its last M outputs are in steps of the scale tables,
/// too: the caller has multiplied their weights and biases by whatever turns the network's raw outputs into steps.
/// </param>
public sealed record ContextWeights(ConvolutionWeights Conv0, ConvolutionWeights Conv1, ConvolutionWeights Conv2);

/// <summary>The float hyper-synthesis, and the context model if there is one.</summary>
/// <param name="Conv0">h_s.conv0, of ẑ; a rectifier and a pixel shuffle by 2 follow.</param>
/// <param name="Conv1">h_s.conv1; a rectifier and a pixel shuffle by 2 follow.</param>
/// <param name="Conv2">
/// h_s.conv2: M means, then M scale indexes in steps of the scale tables, 0…63: the caller has folded whatever turns
/// the network's raw outputs into them (factor and origin) into weights and biases.
/// </param>
/// <param name="Context">The context model; null without one.</param>
public sealed record HyperSynthesisWeights(
    ConvolutionWeights Conv0, ConvolutionWeights Conv1, ConvolutionWeights Conv2, ContextWeights? Context = null);

/// <summary>What the factorised prior says of a channel of ẑ.</summary>
/// <param name="Minimum">The integer that <paramref name="Mass"/>[0] belongs to.</param>
/// <param name="Mass">Probability of Minimum, Minimum + 1, …; the sum may be below 1, the rest is the tails'.</param>
public sealed record ChannelProbabilities(int Minimum, double[] Mass);

/// <summary>
/// Turns a trained hyperprior into integers. Runs once, at export; its result is stored in the model.
/// </summary>
public static class IntegerPriorExport
{
    /// <summary>Least scale of a latent's Gaussian.</summary>
    public const double LeastScale = 0.11;

    /// <summary>Largest scale.</summary>
    public const double LargestScale = 256;

    /// <summary>
    /// Where a calibrated maximum lies on the integer scale: half of what fits, so that pictures beyond the
    /// calibration set may be twice as strong before their activations are clipped.
    /// </summary>
    private const double CalibratedMaximum = (IntegerPrior.MaxActivation + 1) / 2.0;

    /// <summary>What 1 is worth in an integer mean, and in an integer ŷ'.</summary>
    private const double MeanScale = 1 / 64.0;

    /// <summary>What 1 is worth in an integer scale index before it is rounded.</summary>
    private const double IndexScale = 1 / 16.0;

    /// <summary>Standard deviation of a scale index: 0.11 · (256 / 0.11)^(index / 63).</summary>
    /// <param name="index">0…63; between integers too.</param>
    public static double Scale(double index) =>
        LeastScale * Math.Pow(LargestScale / LeastScale, index / (IntegerPrior.Scales - 1));

    /// <summary>Quantises h_s and the context model and builds all probability tables.</summary>
    /// <param name="weights">The trained h_s and, if there is one, context model.</param>
    /// <param name="activationMaxima">
    /// The largest activation behind the ReLU of h_s.conv0 and of h_s.conv1 that was seen on calibration data (over all
    /// channels and all qualities); with a context model a third number, the same behind its ReLU.
    /// </param>
    /// <param name="scaleOffset">[8, M]: offsets of the scale index at qualities 1…8.</param>
    /// <param name="hyper">For each channel of ẑ its probabilities.</param>
    /// <returns>The prior; <see cref="IntegerPrior.AddTo"/> writes it into a model file.</returns>
    /// <exception cref="ArgumentException">Sizes that do not agree, or values that are not finite.</exception>
    /// <remarks>
    /// Each output has its own weight scale s_w = max|w| / 127, doubled until Σ|w| · (largest activation) + |bias|
    /// fits int32: then no sum can overflow. A sum is worth s_a · s_w, where s_a is the scale of the layer's input
    /// (1 for ẑ, 1/64 for ŷ'); the next layer's scale divides it, as multiplier · 2^−shift with a multiplier of 31 bits.
    /// The two layers that the context model adds up share the scale of their sum.
    /// </remarks>
    public static IntegerPrior Quantise(
        HyperSynthesisWeights weights,
        ReadOnlySpan<float> activationMaxima,
        float[,] scaleOffset,
        IReadOnlyList<ChannelProbabilities> hyper)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(scaleOffset);
        ArgumentNullException.ThrowIfNull(hyper);
        int needed = weights.Context is null ? 2 : 3;
        if (activationMaxima.Length != needed)
            throw new ArgumentException($"{activationMaxima.Length} maxima of activations, {needed} needed.");
        foreach (float maximum in activationMaxima)
        {
            if (!(maximum > 0) || !float.IsFinite(maximum))
                throw new ArgumentException($"A maximum of activations is {maximum}; above 0 and finite it must be.");
        }

        double scale1 = activationMaxima[0] / CalibratedMaximum;
        double scale2 = activationMaxima[1] / CalibratedMaximum;
        int channels = weights.Conv2.Outputs / 2;
        IntegerLayer.Tensors[] layers =
        [
            QuantiseLayer("h_s.conv0", weights.Conv0, 1, -sbyte.MinValue, _ => scale1),
            QuantiseLayer("h_s.conv1", weights.Conv1, scale1, IntegerPrior.MaxActivation, _ => scale2),
            QuantiseLayer(
                "h_s.conv2",
                weights.Conv2,
                scale2,
                IntegerPrior.MaxActivation,
                ResultScale),
        ];
        IntegerLayer.Tensors[]? context = null;
        if (weights.Context is { } c)
        {
            double scale3 = activationMaxima[2] / CalibratedMaximum;
            context =
            [
                QuantiseLayer("context.conv0", c.Conv0, MeanScale, IntegerPrior.MaxActivation, _ => scale3),
                QuantiseLayer("context.conv1", c.Conv1, scale2, IntegerPrior.MaxActivation, _ => scale3),
                QuantiseLayer("context.conv2", c.Conv2, scale3, IntegerPrior.MaxActivation, ResultScale),
            ];
        }

        double ResultScale(int output) => output < channels ? MeanScale : IndexScale;

        if (scaleOffset.GetLength(0) != IntegerPrior.QualityLevels || scaleOffset.GetLength(1) != channels)
        {
            throw new ArgumentException(
                $"Scale offsets are [{scaleOffset.GetLength(0)}, {scaleOffset.GetLength(1)}], " +
                $"[{IntegerPrior.QualityLevels}, {channels}] needed.");
        }

        var offsets = new int[IntegerPrior.QualityLevels * channels];
        int at = 0;
        foreach (float offset in scaleOffset)
            offsets[at++] = (int)Math.Round(Finite("scale_offset", offset) * 16);
        return new IntegerPrior(layers, context, offsets, GaussianTables(), HyperTables(hyper));
    }

    /// <summary>The floats that integers stand for: a prior from which training can go on.</summary>
    /// <param name="file">A codec's model file.</param>
    /// <returns>
    /// Weights whose activations reach about 8 where the file's reach what was calibrated (a file does not say how large
    /// the network's own were, and a rectifier does not care); offsets as of <see cref="Quantise"/>; and what the tables
    /// say of ẑ.
    /// </returns>
    /// <exception cref="TficFormatException">A tensor is missing or wrong.</exception>
    public static (HyperSynthesisWeights Weights, float[,] ScaleOffset, IReadOnlyList<ChannelProbabilities> Hyper)
        Dequantise(SafetensorsFile file)
    {
        const double ActivationScale = 8 / CalibratedMaximum;
        IntegerPrior prior = IntegerPrior.Read(file);
        ConvolutionWeights Layer(string name, double inputScale, Func<int, double> outputScale) =>
            DequantiseLayer(IntegerLayer.Read(file, name), inputScale, outputScale);
        double Activation(int output) => ActivationScale;
        double Result(int output) => output < prior.LatentChannels ? MeanScale : IndexScale;

        ContextWeights? context = prior.HasContext
            ? new ContextWeights(
                Layer("context.conv0", MeanScale, Activation),
                Layer("context.conv1", ActivationScale, Activation),
                Layer("context.conv2", ActivationScale, Result))
            : null;
        var weights = new HyperSynthesisWeights(
            Layer("h_s.conv0", 1, Activation),
            Layer("h_s.conv1", ActivationScale, Activation),
            Layer("h_s.conv2", ActivationScale, Result),
            context);

        int[] stored = file.Int32("scale_offset_q4", IntegerPrior.QualityLevels, prior.LatentChannels);
        var offsets = new float[IntegerPrior.QualityLevels, prior.LatentChannels];
        for (int i = 0; i < stored.Length; i++)
            offsets[i / prior.LatentChannels, i % prior.LatentChannels] = stored[i] / 16f;
        return (weights, offsets, [.. Enumerable.Range(0, prior.HyperChannels).Select(c => Masses(prior.HyperTables, c))]);
    }

    /// <summary>
    /// The tables of latents: Gaussians of mean zero, integrated over [k − ½, k + ½], for the 64 scales.
    /// </summary>
    /// <remarks>
    /// A table lists values while the mass from there on, both tails together, is worth half a slot at least; what
    /// lies beyond is cheaper behind the escape.
    /// </remarks>
    public static FrequencyTables GaussianTables()
    {
        var lengths = new int[IntegerPrior.Scales];
        var frequencies = new List<int>();
        var masses = new List<double>();
        for (int s = 0; s < lengths.Length; s++)
        {
            double scale = Scale(s);
            masses.Clear();
            double inside = 1 - (2 * UpperTail(0.5 / scale));
            masses.Add(inside);
            for (int k = 1; 2 * UpperTail((k - 0.5) / scale) * FrequencyTables.Total >= 0.5; k++)
            {
                double mass = UpperTail((k - 0.5) / scale) - UpperTail((k + 0.5) / scale);
                masses.Add(mass);
                masses.Add(mass);
            }

            int[] table = Frequencies(masses);
            lengths[s] = table.Length;
            frequencies.AddRange(table);
        }

        return new FrequencyTables(new int[lengths.Length], lengths, frequencies.ToArray());
    }

    /// <summary>The tables of ẑ: one a channel, centred at its most probable value.</summary>
    /// <param name="channels">For each channel its probabilities.</param>
    /// <exception cref="ArgumentException">
    /// A channel without values, or a mass that is negative or not finite.
    /// </exception>
    public static FrequencyTables HyperTables(IReadOnlyList<ChannelProbabilities> channels)
    {
        ArgumentNullException.ThrowIfNull(channels);
        var centres = new int[channels.Count];
        var lengths = new int[channels.Count];
        var frequencies = new List<int>();
        var masses = new List<double>();
        for (int c = 0; c < channels.Count; c++)
        {
            (int minimum, double[] mass) = channels[c];
            double sum = mass.Sum();
            if (mass.Length == 0 || !(sum > 0) || !double.IsFinite(sum) || mass.Any(m => m < 0))
                throw new ArgumentException($"Channel {c} of z: masses must be at least 0, and not all of them 0.");
            double total = Math.Max(sum, 1);
            int mode = Array.IndexOf(mass, mass.Max());
            double At(long i) => i >= 0 && i < mass.Length ? mass[i] / total : 0;
            masses.Clear();
            masses.Add(At(mode));
            double rest = (sum / total) - At(mode);

            // The same rule as above: as long as what is left, on both sides together, is worth half a slot.
            for (long k = 1; rest * FrequencyTables.Total >= 0.5 && k <= mass.Length; k++)
            {
                masses.Add(At(mode - k));
                masses.Add(At(mode + k));
                rest -= At(mode - k) + At(mode + k);
            }

            int[] table = Frequencies(masses);
            centres[c] = minimum + mode;
            lengths[c] = table.Length;
            frequencies.AddRange(table);
        }

        return new FrequencyTables(centres, lengths, frequencies.ToArray());
    }

    /// <summary>
    /// Integer frequencies, at least 1 each, that add up to 2¹⁶, for the given masses and an escape that gets the rest.
    /// </summary>
    private static int[] Frequencies(List<double> masses)
    {
        var table = new int[masses.Count + 1];
        double rest = Math.Max(1 - masses.Sum(), 0);
        long sum = 0;
        for (int k = 0; k < table.Length; k++)
        {
            double mass = k < masses.Count ? masses[k] : rest;
            table[k] = Math.Max(1, (int)Math.Round(mass * FrequencyTables.Total));
            sum += table[k];
        }

        // Rounding leaves a difference of a few slots. Each goes where it costs the least expected bits: giving a
        // slot to (taking one from) frequency f changes the rate by about mass · log₂(1 ± 1/f).
        for (; sum != FrequencyTables.Total; sum += sum < FrequencyTables.Total ? 1 : -1)
        {
            int step = sum < FrequencyTables.Total ? 1 : -1;
            int best = -1;
            double bestGain = double.NegativeInfinity;
            for (int k = 0; k < table.Length; k++)
            {
                if (table[k] + step < 1)
                    continue;
                double mass = k < masses.Count ? masses[k] : rest;
                double gain = mass * Math.Log2((double)(table[k] + step) / table[k]);
                if (gain > bestGain)
                    (best, bestGain) = (k, gain);
            }

            table[best] += step;
        }

        return table;
    }

    /// <summary>
    /// Probability that a standard normal variable exceeds x ≥ 0, to about 10⁻¹⁵ absolute: ½ − φ(x) · (x + x³/3 +
    /// x⁵/(3·5) + …) where that converges fast, and Laplace's continued fraction φ(x) / (x + 1/(x + 2/(x + …))) beyond.
    /// </summary>
    internal static double UpperTail(double x)
    {
        double density = Math.Exp(-0.5 * x * x) / Math.Sqrt(2 * Math.PI);
        if (x < 3)
        {
            double term = x;
            double sum = x;
            for (int n = 3; term > sum * 1e-17; n += 2)
            {
                term *= x * x / n;
                sum += term;
            }

            return 0.5 - (density * sum);
        }

        double fraction = x;
        for (int n = 60; n > 0; n--)
            fraction = x + (n / fraction);
        return density / fraction;
    }

    private static IntegerLayer.Tensors QuantiseLayer(
        string name, ConvolutionWeights layer, double inputScale, int largestInput, Func<int, double> outputScale)
    {
        int each = layer.Inputs * layer.KernelSize * layer.KernelSize;
        if (layer.Bias.Length != layer.Outputs || layer.Weight.Length != layer.Outputs * each)
            throw new ArgumentException($"{name}: weights and biases do not fit the sizes given.");

        var weight = new sbyte[layer.Weight.Length];
        var bias = new int[layer.Outputs];
        var multiplier = new int[layer.Outputs];
        var shift = new int[layer.Outputs];
        for (int o = 0; o < layer.Outputs; o++)
        {
            ReadOnlySpan<float> from = layer.Weight.AsSpan(o * each, each);
            Span<sbyte> to = weight.AsSpan(o * each, each);
            double largest = 0;
            foreach (float w in from)
                largest = Math.Max(largest, Math.Abs(Finite(name, w)));
            double offset = Finite(name, layer.Bias[o]);

            // A scale below what a bias of 2³⁰ needs is of no use: the loop would only double it up to there.
            double scale = Math.Max(largest / 127, Math.Abs(offset) / inputScale / (1 << 30));
            scale = Math.Max(scale, 1e-30);
            for (; ; scale *= 2)
            {
                long norm = 0;
                for (int i = 0; i < each; i++)
                {
                    to[i] = (sbyte)Math.Round(from[i] / scale);
                    norm += Math.Abs((int)to[i]);
                }

                double rounded = Math.Round(offset / (inputScale * scale));
                if ((norm * largestInput) + Math.Abs(rounded) > int.MaxValue)
                    continue;
                bias[o] = (int)rounded;
                break;
            }

            (multiplier[o], shift[o]) = Ratio(name, inputScale * scale / outputScale(o));
        }

        return new IntegerLayer.Tensors(weight, bias, multiplier, shift, layer.Inputs, layer.KernelSize);
    }

    /// <summary>The reverse of <see cref="QuantiseLayer"/>, but for what rounding took.</summary>
    private static ConvolutionWeights DequantiseLayer(
        IntegerLayer.Tensors layer, double inputScale, Func<int, double> outputScale)
    {
        int each = layer.Weight.Length / layer.Outputs;
        var weight = new float[layer.Weight.Length];
        var bias = new float[layer.Outputs];
        for (int o = 0; o < layer.Outputs; o++)
        {
            double scale = Math.ScaleB(layer.Multiplier[o], -layer.Shift[o]) * outputScale(o) / inputScale;
            for (int i = o * each; i < (o + 1) * each; i++)
                weight[i] = (float)(layer.Weight[i] * scale);
            bias[o] = (float)(layer.Bias[o] * inputScale * scale);
        }

        return new ConvolutionWeights(layer.Outputs, layer.Inputs, layer.KernelSize, weight, bias);
    }

    /// <summary>The reverse of <see cref="HyperTables"/>: values stand at centre, centre − 1, centre + 1, … .</summary>
    private static ChannelProbabilities Masses(FrequencyTables tables, int channel)
    {
        // Firsts counts one more for each table before: its end.
        ReadOnlySpan<int> table = tables.Frequencies.Slice(tables.Firsts[channel] - channel, tables.Lengths[channel] - 1);
        int reach = table.Length / 2;
        var mass = new double[2 * reach + 1];
        for (int k = 0; k < table.Length; k++)
            mass[reach + (k % 2 == 0 ? k / 2 : -(k + 1) / 2)] = (double)table[k] / FrequencyTables.Total;
        return new ChannelProbabilities(tables.Centres[channel] - reach, mass);
    }

    /// <summary>multiplier · 2^−shift nearest to a ratio, with 2³⁰ ≤ multiplier &lt; 2³¹ where possible.</summary>
    private static (int Multiplier, int Shift) Ratio(string name, double ratio)
    {
        // ratio = m · 2^e with ½ ≤ m < 1, so multiplier = m · 2³¹ and shift = 31 − e.
        int exponent = (int)Math.Floor(Math.Log2(ratio)) + 1;
        long multiplier = (long)Math.Round(ratio * Math.Pow(2, 31 - exponent));
        if (multiplier > int.MaxValue)
        {
            multiplier >>= 1;
            exponent++;
        }

        int shift = 31 - exponent;
        if (shift < 1)
            throw new ArgumentException(
                $"{name}: an output grows {ratio:g3}-fold, beyond all reason. Calibrate again.");

        // So small a ratio takes any 32-bit sum to 0.
        return shift > Requantisation.MaxShift ? (0, 1) : ((int)multiplier, shift);
    }

    private static double Finite(string name, double value) =>
        double.IsFinite(value) ? value : throw new ArgumentException($"{name}: a value is not finite.");
}
