using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Tests;

/// <summary>
/// Weights and inputs that every implementation of torch agrees on, because they do not come from its generator: a
/// SplitMix64 sequence seeded by each tensor's name.
/// </summary>
internal static class PublishedWeights
{
    /// <summary>
    /// Fills a module's floating-point parameters and buffers by name: variances 0.5 … 1.5, factors of normalisations
    /// the same, everything else within ±√(3 / fan-in), fan-in being the elements of one output (1 for vectors: ±0.1).
    /// What constructors compute (tables, masks, a spline's matrices) stays.
    /// </summary>
    public static void Fill(nn.Module module, params string[] kept)
    {
        using IDisposable guard = no_grad();
        foreach ((string name, Tensor value) in module.state_dict())
        {
            if (value.dtype != ScalarType.Float32 || kept.Any(k => name.Contains(k, StringComparison.Ordinal)))
                continue;
            bool positive = name.EndsWith("running_var", StringComparison.Ordinal)
                || (value.ndim == 1 && name.EndsWith(".weight", StringComparison.Ordinal));
            double bound = value.ndim <= 1 ? 0.1 : Math.Sqrt(3.0 / (value.numel() / value.shape[0]));
            float[] values = Sequence(name, (int)value.numel());
            for (int i = 0; i < values.Length; i++)
                values[i] = positive ? 1 + 0.5f * values[i] : (float)(bound * values[i]);
            value.copy_(tensor(values, value.shape));
        }
    }

    /// <summary>Asserts that a state dictionary has the names and shapes that the published program's has.</summary>
    /// <param name="fixture">Lists them, one a line: name, sizes joined by x.</param>
    /// <param name="module">The module.</param>
    public static void HasPublishedNames(string fixture, nn.Module module)
    {
        string[] published = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Fixtures", fixture));
        IEnumerable<string> own = module.state_dict().Select(pair =>
            $"{pair.Key} {(pair.Value.ndim == 0 ? "scalar" : string.Join('x', pair.Value.shape))}");
        Assert.Equal(published.Order(StringComparer.Ordinal), own.Order(StringComparer.Ordinal));
    }

    /// <summary>A tensor of values −1 … 1.</summary>
    public static Tensor Input(string name, params long[] shape) =>
        tensor(Sequence(name, (int)shape.Aggregate(1L, (a, b) => a * b)), shape);

    /// <summary>A few values of a tensor, evenly spread from the first to the last.</summary>
    public static float[] Sample(Tensor output, int count = 6)
    {
        float[] all = output.detach().to(ScalarType.Float32).contiguous().data<float>().ToArray();
        return [.. Enumerable.Range(0, count).Select(i => all[(int)((long)i * (all.Length - 1) / (count - 1))])];
    }

    /// <summary>Asserts pinned values, to what different orders of summation leave.</summary>
    public static void Equal(float[] expected, Tensor output, double tolerance = 2e-4)
    {
        float[] actual = Sample(output, expected.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(
                Math.Abs(expected[i] - actual[i]) <= tolerance * Math.Max(1, Math.Abs(expected[i])),
                $"[{string.Join(", ", actual.Select(a => a.ToString("R") + "f"))}] is not [{string.Join(", ", expected)}]");
        }
    }

    // FNV-1a of the name, then SplitMix64; 24 bits of each number, so that a float holds it exactly.
    private static float[] Sequence(string name, int count)
    {
        ulong state = 0xCBF29CE484222325;
        foreach (byte b in System.Text.Encoding.UTF8.GetBytes(name))
            state = (state ^ b) * 0x100000001B3;
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            ulong z = state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            values[i] = ((z ^ (z >> 31)) >> 40) / (float)(1 << 23) - 1;
        }

        return values;
    }
}
