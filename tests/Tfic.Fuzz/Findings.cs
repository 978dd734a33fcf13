namespace Tfic.Fuzz;

/// <summary>Inputs at which the library does not do what it promises, as files: the input, and what happened.</summary>
internal sealed class Findings
{
    private readonly string _folder;

    public Findings(string folder)
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
    }

    public int Count => Directory.EnumerateFiles(_folder, "*.bin").Count();

    /// <summary>Keeps an input, unless a shorter one has gone wrong in the same place.</summary>
    public void Add(Target target, byte[] input, string signature, string fault)
    {
        string place = Corpus.Name(System.Text.Encoding.UTF8.GetBytes(signature));
        string path = Path.Combine(_folder, $"{target.Name}-{place}.bin");
        if (File.Exists(path) && new FileInfo(path).Length <= input.Length)
            return;
        File.WriteAllBytes(path, input);
        File.WriteAllText(Path.ChangeExtension(path, ".txt"), fault + "\n");
    }
}
