namespace Tfic.Cli;

/// <summary>Pairs inputs with outputs.</summary>
internal static class OutputNames
{
    /// <summary>
    /// One input goes to the file named, or into the folder named if there is one; several go into the folder, which
    /// is created, each under its own name with the new ending.
    /// </summary>
    /// <param name="inputs">Files, after folders were expanded.</param>
    /// <param name="severalExpected">Whether a folder was given as input, so that the output is one too.</param>
    /// <param name="output">The option's value.</param>
    /// <param name="extension">Ending of files in a folder, with its dot.</param>
    /// <exception cref="CommandFailure">Several inputs and no folder, two inputs of one name, or an output that is
    /// its own input.</exception>
    public static IReadOnlyList<(string Input, string Output)> Pair(
        IReadOnlyList<string> inputs, bool severalExpected, string output, string extension)
    {
        bool several = inputs.Count > 1 || severalExpected;
        bool folder = Directory.Exists(output) || output.EndsWith('/') || output.EndsWith(Path.DirectorySeparatorChar);
        if (!several && !folder)
        {
            Refuse(inputs[0], output);
            return [(inputs[0], output)];
        }

        if (output == Inputs.Standard)
            throw new CommandFailure("Several inputs cannot go to standard output. Name a folder with -o.");
        if (File.Exists(output))
            throw new CommandFailure($"{output}: is a file. Several inputs need a folder: name one with -o.");

        var pairs = new List<(string Input, string Output)>(inputs.Count);
        var owners = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string input in inputs)
        {
            if (input == Inputs.Standard)
                throw new CommandFailure("Standard input has no name to use in a folder. Name a file with -o.");
            string target = Path.Combine(output, Path.GetFileNameWithoutExtension(input) + extension);
            if (!owners.TryAdd(target, input))
                throw new CommandFailure($"{input} and {owners[target]} would both become {target}. Rename one.");
            Refuse(input, target);
            pairs.Add((input, target));
        }

        OutputFile.CreateFolder(output);
        return pairs;
    }

    private static void Refuse(string input, string output)
    {
        if (input != Inputs.Standard && Path.GetFullPath(input) == Path.GetFullPath(output))
            throw new CommandFailure($"{output}: is the input itself. Name another output.");
    }
}
