using Tfic.Imaging;
using Tfic.Networks;
using Tfic.Networks.Recognition;
using Tfic.Profiling;

namespace Tfic.Reading;

/// <summary>Reads pictures of single words by a published recogniser, as its authors' program does.</summary>
/// <remarks>
/// A picture becomes grey (or stays in colour, where the network takes that), is stretched to the network's size by the
/// antialiased bicubic filter in 8 bits, and its samples become v / 127.5 − 1. Then every step takes its likeliest class.
/// CTC drops repetitions and blanks; attention ends with its class for the end.
/// </remarks>
internal sealed class WordReader(TextRecogniserModel model, Workspace workspace)
{
    private readonly List<GreedyCtc.Emission> _emissions = [];
    private readonly float[] _input =
        new float[model.Options.Height * model.Options.Width * model.Options.InputChannels];

    private Resampler? _resampler;
    private float[] _samples = [];

    /// <summary>Reads a word.</summary>
    /// <param name="word">Grey or RGB, of any size.</param>
    public ReadLine Read(Picture word)
    {
        Normalise(word);
        workspace.Clock?.End(Stage.Resize);
        TextRecogniserPass pass = model.Run(_input, model.Options.Width, 1, workspace, model.StopsAtEnd);
        ReadLine read = model.Options.Prediction == Prediction.Ctc ? OfFrames(pass, word) : OfSteps(pass, word);
        workspace.Clock?.End(Stage.Predict);
        return read;
    }

    private void Normalise(Picture word)
    {
        int channels = model.Options.InputChannels;
        if (_resampler is null || (_resampler.InputWidth, _resampler.InputHeight) != (word.Width, word.Height))
        {
            _resampler = new Resampler(
                word.Width, word.Height, channels, model.Options.Width, model.Options.Height, ResamplingFilter.Cubic,
                rounds: true);
            _samples = new float[checked(word.Width * word.Height * channels)];
        }

        byte[] samples = (channels == 1 ? PictureConversion.ToGrey(word) : PictureConversion.ToRgb(word)).Samples;
        for (int i = 0; i < samples.Length; i++)
            _samples[i] = samples[i];
        _resampler.Resize(_samples, _input);
        foreach (ref float value in _input.AsSpan())
            value = value / 127.5f - 1f;
    }

    private ReadLine OfFrames(TextRecogniserPass pass, Picture word)
    {
        GreedyCtc.Decode(pass.Logits, model.ClassCount, _emissions);
        double columnsPerFrame = (double)word.Width / pass.Count;
        return new ReadLine(
            [
                .. _emissions.Select(emission => new ReadCharacter(
                    model.Characters[emission.Class - 1], emission.Probability, (emission.Frame + 0.5) * columnsPerFrame)),
            ],
            _emissions.Count == 0 ? 0 : GreedyCtc.PathProbability(pass.Logits, model.ClassCount));
    }

    private ReadLine OfSteps(TextRecogniserPass pass, Picture word)
    {
        var characters = new List<ReadCharacter>();
        double confidence = 1;
        for (int step = 0; step < pass.Steps; step++)
        {
            ReadOnlySpan<float> scores = pass.Logits.Slice(step * model.ClassCount, model.ClassCount);
            int best = AttentionDecoder.Largest(scores);
            if (best == AttentionDecoder.End)
                break;
            double probability = GreedyCtc.BestProbability(scores);
            confidence *= probability;
            if (best < model.Options.OwnClasses)
                continue;

            // A character stands where the frames do that mattered to it, in the mean.
            double column = 0;
            for (int t = 0; t < pass.Count; t++)
                column += pass.Attention[step * pass.Count + t] * (t + 0.5) / pass.Count * word.Width;
            characters.Add(new ReadCharacter(model.Characters[best - model.Options.OwnClasses], probability, column));
        }

        return new ReadLine([.. characters], characters.Count == 0 ? 0 : confidence);
    }
}
