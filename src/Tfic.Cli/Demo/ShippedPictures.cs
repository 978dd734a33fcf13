namespace Tfic.Cli.Demo;

/// <summary>The pictures that the demo shows when given none; Pictures/README.md says how they were drawn.</summary>
internal static class ShippedPictures
{
    public static IReadOnlyList<DemoPicture> All
    {
        get
        {
            using var labels = new StreamReader(Open("labels.tsv"));
            var pictures = new List<DemoPicture>();
            while (labels.ReadLine() is { } line)
            {
                string[] cells = line.Split('\t');
                using Stream picture = Open(cells[0]);
                pictures.Add(new DemoPicture(cells[0], PictureFile.Read(picture), cells[1]));
            }

            return pictures;
        }
    }

    private static Stream Open(string name) =>
        typeof(ShippedPictures).Assembly.GetManifestResourceStream($"Demo/{name}")
        ?? throw new InvalidOperationException($"The resource {name} is missing from this build.");
}
