namespace Tfic.Fuzz;

/// <summary>Something that takes bytes from strangers.</summary>
internal abstract class Target
{
    /// <summary>Every target there is.</summary>
    public static IReadOnlyList<Target> All { get; } =
    [
        new Targets.PngTarget(),
        new Targets.PnmTarget(),
        new Targets.JpegTarget(),
        new Targets.TficTarget(),
        new Targets.SymbolsTarget(),
        new Targets.SafetensorsTarget(),
        new Targets.PyTorchTarget(),
        new Targets.ModelTarget(),
    ];

    /// <summary>Targets that fail on purpose, on which the fuzzer itself is tested; never part of a campaign.</summary>
    public static IReadOnlyList<Target> Failing { get; } =
        [.. Enum.GetValues<Targets.Failure>().Select(failure => new Targets.FailingTarget(failure))];

    /// <summary>The target of a name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static Target Find(string name) =>
        All.Concat(Failing).FirstOrDefault(target => target.Name == name) ?? throw new ArgumentException(
            $"There is no target '{name}'. There are: {string.Join(", ", All.Select(target => target.Name))}.");

    /// <summary>Its name: of the command line, of the folder of its regression files.</summary>
    public abstract string Name { get; }

    /// <summary>Longest input worth trying.</summary>
    public virtual int MaxLength => 1 << 16;

    /// <summary>Bytes that one input may make the library allocate.</summary>
    public abstract long MaxAllocation(int length);

    /// <summary>Sound inputs to begin with; the same each time.</summary>
    public abstract IEnumerable<byte[]> Seeds();

    /// <summary>Changes an input, most often so that checksums and lengths fit again.</summary>
    public abstract byte[] Mutate(byte[] input, byte[] other, FuzzRandom random);

    /// <summary>Feeds an input to the library.</summary>
    /// <returns>What came of it, in a few words: inputs with new outcomes are kept and changed further.</returns>
    /// <exception cref="TficFormatException">The input was refused: as it should be, if bad.</exception>
    public abstract string Run(ReadOnlyMemory<byte> input);

    /// <summary>
    /// Processor time after which an input is taken to hang: far beyond what any should need, on any machine.
    /// </summary>
    public virtual TimeSpan Patience => TimeSpan.FromSeconds(5);

    /// <summary>Whether a refusal may come without an offset.</summary>
    public virtual bool MayLackOffset => false;

    /// <summary>Size of a number, roughly.</summary>
    protected static int Magnitude(long value) => 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)value);
}

/// <summary>An input brought to light that the library does not do what it promises.</summary>
internal sealed class PromiseBrokenException(string message) : Exception(message);
