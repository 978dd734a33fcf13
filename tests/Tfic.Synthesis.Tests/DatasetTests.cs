namespace Tfic.Synthesis.Tests;

public class DatasetTests
{
    [SkippableFact]
    public void The_same_folder_comes_of_any_number_of_threads()
    {
        using TemporaryFolder one = Fixtures.Folder(), three = Fixtures.Folder();
        var progress = new Counter();
        DatasetWriter.WriteLines(one.Path, Lines(), 100, 12, 1, progress: progress);
        DatasetWriter.WriteLines(three.Path, Lines(), 100, 12, 3);
        string[] names = Names(one);
        Assert.Equal(13, names.Length);
        Assert.Equal("000000.png", names[0]);
        Assert.Equal(names, Names(three));
        Assert.All(names, n => Assert.Equal(File.ReadAllBytes(one.File(n)), File.ReadAllBytes(three.File(n))));
        Assert.Equal(12, progress.Last);

        string[] labels = File.ReadAllLines(one.File("labels.tsv"));
        Assert.Equal(12, labels.Length);
        TextLine line = Lines().Draw(105);
        Assert.Equal($"000005.png\t{line.Text}\t{line.Font}", labels[5]);
        Assert.Equal(line.Picture.Samples, PictureFile.Read(one.File("000005.png")).Samples);
    }

    [SkippableFact]
    public void What_is_there_is_kept_unless_overwriting_is_allowed()
    {
        using TemporaryFolder folder = Fixtures.Folder();
        File.WriteAllText(folder.File("000000.png"), "precious");
        var e = Assert.Throws<IOException>(() => DatasetWriter.WriteLines(folder.Path, Lines(), 0, 2, 1));
        Assert.Contains(folder.Path, e.Message);
        Assert.Equal("precious", File.ReadAllText(folder.File("000000.png")));
        DatasetWriter.WriteLines(folder.Path, Lines(), 0, 2, 1, overwrite: true);
        Assert.Equal(Lines().Draw(0).Picture.Samples, PictureFile.Read(folder.File("000000.png")).Samples);
    }

    [SkippableFact]
    public void A_failure_leaves_no_pictures_and_no_labels()
    {
        using TemporaryFolder folder = Fixtures.Folder();
        var failing = new Counter { FailAt = 4 };
        Assert.Throws<InvalidTimeZoneException>(
            () => DatasetWriter.WriteLines(folder.Path, Lines(), 0, 30, 2, progress: failing));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));

        using var cancellation = new CancellationTokenSource();
        var cancelling = new Counter { Cancel = cancellation };
        Assert.Throws<OperationCanceledException>(() => DatasetWriter.WriteLines(
            folder.Path, Lines(), 0, 1000, 2, progress: cancelling, cancellation: cancellation.Token));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [SkippableFact]
    public void A_file_is_no_folder()
    {
        using TemporaryFolder folder = Fixtures.Folder();
        File.WriteAllText(folder.File("file"), "x");
        Assert.Throws<IOException>(() => DatasetWriter.WriteLines(folder.File("file"), Lines(), 0, 1, 1));
        Assert.Equal("x", File.ReadAllText(folder.File("file")));
    }

    [SkippableFact]
    public void Pages_and_patches_are_written_with_their_words()
    {
        var options = new PageOptions { Width = 900, Height = 400, FontSize = new(20, 20) };
        BookText text = BookText.From(string.Join(' ', Enumerable.Repeat("words of a page", 200)));
        PageGenerator pages = new(options, Fixtures.OneFont, text, 2);
        using TemporaryFolder whole = Fixtures.Folder(), cut = Fixtures.Folder();
        DatasetWriter.WritePages(whole.Path, pages, 0, 2, 2);
        string[][] rows = [.. File.ReadAllLines(whole.File("labels.tsv")).Select(r => r.Split('\t'))];
        Page page = pages.Draw(1);
        PageWord word = page.Lines[2].Words[1];
        Assert.Contains(rows, r => r[0] == "000001.png" && r[1] == "2" && r[6] == word.Text
            && r[2..6].SequenceEqual(
                new[] { word.Box.Left, word.Box.Top, word.Box.Right, word.Box.Bottom }.Select(v => $"{v}")));
        Assert.All(rows, r => Assert.Equal(8, r.Length));

        DatasetWriter.WritePatches(cut.Path, pages, 0, 2, 2);
        string[][] patches = [.. File.ReadAllLines(cut.File("labels.tsv")).Select(r => r.Split('\t'))];
        Assert.NotEmpty(patches);
        Assert.All(patches, r => Assert.NotEmpty(r[1]));
        var picture = PictureFile.Read(cut.File(patches[0][0]));
        Assert.Equal((256, 64), (picture.Width, picture.Height));
        Assert.Equal(patches.Length + 1, Directory.GetFiles(cut.Path).Length);
    }

    private static string[] Names(TemporaryFolder folder) =>
        [.. Directory.GetFiles(folder.Path).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    private static LineGenerator Lines() => new(
        LineOptions.Default with { FontSize = new(16, 24) }, Fixtures.OneFont, Fixtures.Words, 6);

    /// <summary>Unlike <see cref="Progress{T}"/>, this is told at once.</summary>
    private sealed class Counter : IProgress<long>
    {
        private long _last;

        public long Last => _last;

        public long? FailAt { get; init; }

        public CancellationTokenSource? Cancel { get; init; }

        public void Report(long value)
        {
            Interlocked.Exchange(ref _last, Math.Max(value, _last));
            if (value >= FailAt)
                throw new InvalidTimeZoneException();
            if (value >= 3)
                Cancel?.Cancel();
        }
    }
}
