namespace Tfic.Synthesis;

/// <summary>
/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): the same numbers on
/// every platform and in every .NET release, which <see cref="Random"/> does not promise.
/// </summary>
internal struct RandomStream
{
    private ulong _state;

    /// <summary>The stream of one drawing: each (seed, index) starts at its own place of the period of 2⁶⁴.</summary>
    public RandomStream(ulong seed, long index)
    {
        _state = Mix(Mix(seed + 0x9e3779b97f4a7c15) ^ (ulong)index);
    }

    /// <summary>The finaliser of SplitMix64: a bijection; every output bit depends on every input bit.</summary>
    public static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    /// <summary>64 random bits.</summary>
    public ulong Next() => Mix(_state += 0x9e3779b97f4a7c15);

    /// <summary>0 ≤ value &lt; 1.</summary>
    public double Unit() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>0 ≤ value &lt; count.</summary>
    public int Below(int count) => (int)Math.BigMul(Next(), (ulong)count, out _);

    /// <summary>From and to are both possible.</summary>
    public int Integer(int from, int to) => from + Below(to - from + 1);

    /// <summary>Uniform over the interval.</summary>
    public double In(Interval interval) => interval.From + (interval.To - interval.From) * Unit();

    /// <summary>True with the probability given; always one number is drawn.</summary>
    public bool Chance(double probability) => Unit() < probability;

    /// <summary>One of the choices, all alike.</summary>
    public T Pick<T>(ReadOnlySpan<T> choices) => choices[Below(choices.Length)];

    /// <summary>One of the characters, all alike.</summary>
    public char Pick(string choices) => choices[Below(choices.Length)];

    /// <summary>An index, each with a probability proportional to its weight.</summary>
    public int Weighted(ReadOnlySpan<double> weights)
    {
        double sum = 0;
        foreach (double weight in weights)
            sum += weight;
        double at = Unit() * sum;
        int last = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] <= 0)
                continue;
            last = i;
            if (at < weights[i])
                return i;
            at -= weights[i];
        }

        return last;
    }

    /// <summary>
    /// Approximately standard normal: the sum of four 16-bit uniforms (Irwin and Hall), cut off at ±3.46. One draw and
    /// a few additions; a picture's noise needs no better tails.
    /// </summary>
    public float Normal()
    {
        ulong bits = Next();
        uint sum = (uint)((bits & 0xffff) + ((bits >> 16) & 0xffff) + ((bits >> 32) & 0xffff) + (bits >> 48));
        // Four uniforms on 0…65535 have mean 2·65535 and variance 4·65536²/12, so σ = 65536/√3.
        return (sum - 131070f) * (1.7320508f / 65536f);
    }
}
