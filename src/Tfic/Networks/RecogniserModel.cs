using Tfic.Networks.Recognition;
using Tfic.Profiling;

namespace Tfic.Networks;

/// <summary>A recogniser: a network from a picture of a line or a word to scores of characters.</summary>
/// <remarks>Immutable: threads may share it, each with its own <see cref="Workspace"/>.</remarks>
public abstract class RecogniserModel
{
    /// <summary>Most characters that are accepted, to bound memory.</summary>
    private const int MaxCharacters = (1 << 16) - 2;

    private readonly string[] _characters;

    /// <summary>Notes what all recognisers say of themselves.</summary>
    /// <param name="name">The model's own name.</param>
    /// <param name="characters">What it reads.</param>
    /// <exception cref="TficFormatException">There are no characters, or too many.</exception>
    private protected RecogniserModel(string name, string characters)
    {
        Name = name;
        _characters = [.. characters.EnumerateRunes().Select(rune => rune.ToString())];
        if (_characters.Length is 0 or > MaxCharacters)
            throw new TficFormatException("The recogniser's metadata has no usable 'charset'. Export the model again.");
    }

    /// <summary>The model's own name, from its metadata or of its kind; "" where it has none.</summary>
    public string Name { get; }

    /// <summary>The characters that it reads; their classes are the last ones, in this order.</summary>
    public IReadOnlyList<string> Characters => _characters;

    /// <summary>Number of classes: the characters and what the kind of prediction adds.</summary>
    public abstract int ClassCount { get; }

    /// <summary>Multiply-adds of an input with so many columns, by stage; of what depends on the text, the most.</summary>
    /// <param name="width">Columns of the network's input.</param>
    public abstract IReadOnlyDictionary<Stage, Work> Work(int width);

    /// <summary>Loads a model: a compact recogniser, or one of the published ones as <see cref="TextRecogniserModel"/>.</summary>
    /// <param name="stream">A safetensors file or a PyTorch checkpoint; read to its end.</param>
    /// <exception cref="TficFormatException">Damaged, or not a recogniser of this version.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static RecogniserModel Load(Stream stream) => Load(SafetensorsFile.ReadBytes(stream));

    /// <summary>Loads a model that is in memory.</summary>
    /// <param name="file">A whole safetensors file or PyTorch checkpoint, which must not change afterwards.</param>
    /// <exception cref="TficFormatException">Damaged, or not a recogniser of this version.</exception>
    public static RecogniserModel Load(ReadOnlyMemory<byte> file)
    {
        if (PyTorchFile.IsPyTorch(file.Span))
            return TextRecogniserModel.FromStateDict(PyTorchFile.Read(file).StateDict());
        SafetensorsFile weights = SafetensorsFile.Read(file);
        return TextRecogniserOptions.Fits(weights.Tensors)
            ? TextRecogniserModel.FromStateDict(weights.Tensors, weights.Metadata.GetValueOrDefault("charset"))
            : new CompactRecogniser(weights);
    }
}
