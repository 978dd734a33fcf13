namespace Tfic.Reading;

/// <summary>
/// Greedy decoding for connectionist temporal classification (Graves et al. 2006): the best class of each frame,
/// repeats merged, blanks dropped.
/// </summary>
internal static class GreedyCtc
{
    /// <summary>CTC's blank.</summary>
    public const int Blank = 0;

    /// <summary>A class that is emitted.</summary>
    /// <param name="Class">The class, not the blank.</param>
    /// <param name="Frame">The frame that emits it: the first of its run.</param>
    /// <param name="Probability">Softmax of its logit in that frame.</param>
    public readonly record struct Emission(int Class, int Frame, double Probability);

    /// <summary>Decodes.</summary>
    /// <param name="logits">Frames × classes.</param>
    /// <param name="classes">Number of classes, at least 1.</param>
    /// <param name="emissions">Cleared, then filled from left to right.</param>
    public static void Decode(ReadOnlySpan<float> logits, int classes, List<Emission> emissions)
    {
        emissions.Clear();
        int previous = Blank;
        for (int frame = 0; frame < logits.Length / classes; frame++)
        {
            ReadOnlySpan<float> scores = logits.Slice(frame * classes, classes);
            int best = 0;
            for (int c = 1; c < classes; c++)
            {
                if (scores[c] > scores[best])
                    best = c;
            }

            if (best != Blank && best != previous)
                emissions.Add(new Emission(best, frame, BestProbability(scores, scores[best])));
            previous = best;
        }
    }

    /// <summary>Probability of the path that is decoded: the product of every frame's best.</summary>
    /// <param name="logits">Frames × classes.</param>
    /// <param name="classes">Number of classes, at least 1.</param>
    public static double PathProbability(ReadOnlySpan<float> logits, int classes)
    {
        double product = 1;
        for (; !logits.IsEmpty; logits = logits[classes..])
            product *= BestProbability(logits[..classes]);
        return product;
    }

    /// <summary>Softmax of the largest of some scores.</summary>
    public static double BestProbability(ReadOnlySpan<float> scores)
    {
        float best = scores[0];
        foreach (float score in scores)
            best = score > best ? score : best;
        return BestProbability(scores, best);
    }

    /// <summary>Softmax of the best score: 1 / Σ exp(score − best), in which nothing overflows.</summary>
    private static double BestProbability(ReadOnlySpan<float> scores, float best)
    {
        double sum = 0;
        foreach (float score in scores)
            sum += Math.Exp((double)score - best);
        return 1 / sum;
    }
}
