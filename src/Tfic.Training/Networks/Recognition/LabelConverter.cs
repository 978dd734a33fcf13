using System.Globalization;
using Tfic.Networks.Recognition;
using TorchSharp;
using static TorchSharp.torch;

namespace Tfic.Training.Networks.Recognition;

/// <summary>A word as it was read.</summary>
/// <param name="Text">Its characters.</param>
/// <param name="Confidence">Product of the best probabilities of the steps that wrote it; 0 for an empty word.</param>
public readonly record struct RecognisedWord(string Text, double Confidence);

/// <summary>Between words and the classes of a recogniser with either prediction.</summary>
public sealed class LabelConverter
{
    private const int End = 1;

    private readonly Dictionary<char, int> classes = [];
    private readonly string characters;
    private readonly Prediction prediction;
    private readonly int first;

    /// <summary>Makes a converter.</summary>
    /// <param name="prediction">
    /// CTC has class 0 for the blank, then the characters; attention class 0 for the start, 1 for the end, then them.
    /// </param>
    /// <param name="characters">The characters, each once.</param>
    public LabelConverter(Prediction prediction, string characters)
    {
        ArgumentException.ThrowIfNullOrEmpty(characters);
        (this.prediction, this.characters, first) = (prediction, characters, prediction == Prediction.Ctc ? 1 : 2);
        for (int i = 0; i < characters.Length; i++)
        {
            if (!classes.TryAdd(characters[i], first + i))
                throw new ArgumentException($"'{characters[i]}' occurs twice.", nameof(characters));
        }
    }

    /// <summary>Number of classes.</summary>
    public int ClassCount => first + characters.Length;

    /// <summary>Words as targets for training.</summary>
    /// <param name="words">Words of known characters, none longer than <paramref name="maxLength"/>.</param>
    /// <param name="maxLength">Longest word.</param>
    /// <returns>
    /// Text, int64, padded with 0: for CTC [B, maxLength]; for attention [B, maxLength + 2], the start, the characters,
    /// the end. Length, int64 [B]: characters, for attention with the end.
    /// </returns>
    /// <exception cref="ArgumentException">A character is unknown or a word too long.</exception>
    public (Tensor Text, Tensor Length) Encode(IReadOnlyList<string> words, int maxLength = 25)
    {
        ArgumentNullException.ThrowIfNull(words);
        bool attention = prediction == Prediction.Attention;
        int columns = maxLength + (attention ? 2 : 0);
        var text = new long[words.Count * columns];
        var lengths = new long[words.Count];
        for (int i = 0; i < words.Count; i++)
        {
            string word = words[i];
            if (word.Length > maxLength)
                throw new ArgumentException($"'{word}' is longer than {maxLength} characters.", nameof(words));
            int at = i * columns + (attention ? 1 : 0);
            foreach (char character in word)
            {
                text[at++] = classes.TryGetValue(character, out int label)
                    ? label
                    : throw new ArgumentException(
                        string.Create(CultureInfo.InvariantCulture, $"'{word}' has the unknown character '{character}'."),
                        nameof(words));
            }

            if (attention)
                text[at] = End;
            lengths[i] = word.Length + (attention ? 1 : 0);
        }

        return (tensor(text, [words.Count, columns]), tensor(lengths));
    }

    /// <summary>Reads the likeliest class of every step.</summary>
    /// <param name="logits">[B, T, classes].</param>
    /// <returns>
    /// A word a picture. CTC drops repetitions and blanks, and its confidence is of all frames; attention reads up to
    /// the end, whose own probability does not count. Both as published.
    /// </returns>
    public RecognisedWord[] Decode(Tensor logits)
    {
        ArgumentNullException.ThrowIfNull(logits);
        using DisposeScope scope = NewDisposeScope();
        (Tensor best, Tensor index) = logits.detach().to(ScalarType.Float32).softmax(2).max(2);
        float[] probabilities = best.cpu().contiguous().data<float>().ToArray();
        long[] labels = index.cpu().contiguous().data<long>().ToArray();
        var words = new RecognisedWord[logits.shape[0]];
        int steps = (int)logits.shape[1];
        for (int i = 0; i < words.Length; i++)
            words[i] = Decode(labels.AsSpan(i * steps, steps), probabilities.AsSpan(i * steps, steps));
        return words;
    }

    private RecognisedWord Decode(ReadOnlySpan<long> labels, ReadOnlySpan<float> probabilities)
    {
        var text = new System.Text.StringBuilder();
        double confidence = 1;
        for (int t = 0; t < labels.Length; t++)
        {
            int label = (int)labels[t];
            if (prediction == Prediction.Attention && label == End)
                break;
            confidence *= probabilities[t];
            bool repeated = prediction == Prediction.Ctc && t > 0 && labels[t - 1] == label;
            if (label >= first && !repeated)
                text.Append(characters[label - first]);
        }

        return new RecognisedWord(text.ToString(), text.Length == 0 ? 0 : confidence);
    }
}
