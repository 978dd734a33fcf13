using System.Security.Cryptography;

namespace Tfic.Fuzz;

/// <summary>
/// The inputs that changes start from: a target's seeds, and every input so far that went a way that none before it
/// had gone. Kept in a folder, so that a later run goes on from there.
/// </summary>
internal sealed class Corpus
{
    private const int MaxInputs = 4000;
    private const long MaxBytes = 64 << 20;

    private readonly string _folder;
    private readonly List<byte[]> _inputs = [];
    private readonly HashSet<string> _signatures = [];
    private long _bytes;

    /// <summary>Loads what there is; signatures are found again by running the inputs.</summary>
    public Corpus(Target target, string folder, Func<byte[], Verdict> judge)
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
        IEnumerable<byte[]> found = Directory.EnumerateFiles(folder, "*.bin")
            .Order(StringComparer.Ordinal)
            .Select(File.ReadAllBytes)
            .Where(input => input.Length <= target.MaxLength);
        foreach (byte[] input in target.Seeds().Concat(found))
        {
            _signatures.Add(judge(input).Signature);
            Keep(input);
        }
    }

    public int Count => _inputs.Count;

    public byte[] Pick(FuzzRandom random) => _inputs[random.Below(_inputs.Count)];

    /// <summary>Keeps an input if it went a new way.</summary>
    public void Offer(byte[] input, string signature)
    {
        if (_inputs.Count >= MaxInputs || _bytes + input.Length > MaxBytes || !_signatures.Add(signature))
            return;
        Keep(input);
        File.WriteAllBytes(Path.Combine(_folder, Name(input) + ".bin"), input);
    }

    /// <summary>A name for an input: the beginning of its hash.</summary>
    public static string Name(ReadOnlySpan<byte> input) => Convert.ToHexStringLower(SHA256.HashData(input))[..16];

    private void Keep(byte[] input)
    {
        _inputs.Add(input);
        _bytes += input.Length;
    }
}
