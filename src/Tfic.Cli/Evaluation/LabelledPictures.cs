using Tfic.Imaging;
using Tfic.Synthesis;

namespace Tfic.Cli.Evaluation;

/// <summary>A picture whose text is known.</summary>
/// <param name="Name">Its name in messages.</param>
/// <param name="Load">Reads or draws it, with what it says.</param>
internal sealed record LabelledPicture(string Name, Func<(Picture Picture, string Text)> Load);

/// <summary>Where an evaluation's pictures come from.</summary>
internal static class LabelledPictures
{
    private const string LabelsFile = "labels.tsv";

    /// <summary>The pictures of a folder whose labels.tsv says: file, tab, text.</summary>
    /// <exception cref="CommandFailure">No labels, or a line of them that is not of this form.</exception>
    public static IReadOnlyList<LabelledPicture> FromFolder(string folder, Terminal terminal)
    {
        if (!Directory.Exists(folder))
            throw new CommandFailure($"{folder}: there is no such folder. Check the name.");
        string path = Path.Combine(folder, LabelsFile);
        if (!File.Exists(path))
            throw new CommandFailure($"{folder}: holds no {LabelsFile}, a line \"file<TAB>text\" for every picture.");
        var pictures = new List<LabelledPicture>();
        int number = 0;
        foreach (string line in ReadLines(path))
        {
            number++;
            if (line.Length == 0 || (number == 1 && line.StartsWith("file\t", StringComparison.Ordinal)))
                continue;
            string[] cells = line.Split('\t');
            if (cells.Length < 2)
                throw new CommandFailure($"{path}: line {number} has no tab. Write \"file<TAB>text\".");
            string file = Path.Combine(folder, cells[0]);
            pictures.Add(new LabelledPicture(
                file, () => (Inputs.ReadPicture(file, new InputLimits(), terminal), cells[1])));
        }

        return pictures.Count > 0 ? pictures : throw new CommandFailure($"{path}: names no picture.");
    }

    /// <summary>Lines 0 … count − 1 of a generator.</summary>
    public static IReadOnlyList<LabelledPicture> FromGenerator(LineGenerator lines, int count) =>
        [.. Enumerable.Range(0, count).Select(i => new LabelledPicture($"line {i}", () =>
        {
            TextLine line = lines.Draw(i);
            return (line.Picture, line.Text);
        }))];

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandFailure.From(e, path)!;
        }
    }
}
