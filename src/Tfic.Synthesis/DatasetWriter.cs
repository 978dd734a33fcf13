using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Tfic.Imaging;

namespace Tfic.Synthesis;

/// <summary>Writes pictures and their text into a folder: PNG files and labels.tsv.</summary>
/// <remarks>
/// The folder's content depends on the generator and the indexes only, not on the number of threads. The labels are
/// written last: a folder that has them is complete. If writing fails or is cancelled, the pictures written so far are
/// removed.
/// </remarks>
public static class DatasetWriter
{
    /// <summary>Name of the file with the labels.</summary>
    public const string LabelsName = "labels.tsv";

    /// <summary>Writes lines: labels.tsv has the columns file, text, font, without a heading.</summary>
    /// <param name="folder">The folder; made if it does not exist.</param>
    /// <param name="generator">What draws.</param>
    /// <param name="first">Index of the first line.</param>
    /// <param name="count">How many lines, at least 1.</param>
    /// <param name="threads">Threads at work at once, at least 1.</param>
    /// <param name="overwrite">Whether a folder that has files already may be written into.</param>
    /// <param name="progress">Is told the number of lines written, from any thread.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="IOException">The folder is not empty, or cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing there is not allowed.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public static void WriteLines(
        string folder, LineGenerator generator, long first, long count, int threads, bool overwrite = false,
        IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(generator);
        Write(folder, count, threads, overwrite, progress, cancellation, (i, file, save) =>
        {
            TextLine line = generator.Draw(first + i);
            save(file, line.Picture);
            return $"{file}\t{line.Text}\t{line.Font}\n";
        });
    }

    /// <summary>
    /// Writes pages: labels.tsv has one row a word, with no heading: file, line, left, top, right, bottom, text, font.
    /// </summary>
    /// <inheritdoc cref="WriteLines"/>
    public static void WritePages(
        string folder, PageGenerator generator, long first, long count, int threads, bool overwrite = false,
        IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(generator);
        Write(folder, count, threads, overwrite, progress, cancellation, (i, file, save) =>
        {
            Page page = generator.Draw(first + i);
            save(file, page.Picture);
            var rows = new StringBuilder();
            for (int line = 0; line < page.Lines.Length; line++)
            {
                foreach ((string text, Box box) in page.Lines[line].Words)
                {
                    rows.Append(
                        CultureInfo.InvariantCulture,
                        $"{file}\t{line}\t{box.Left}\t{box.Top}\t{box.Right}\t{box.Bottom}\t{text}\t{page.Font}\n");
                }
            }

            return rows.ToString();
        });
    }

    /// <summary>
    /// Writes the patches of pages: every page is made smaller to lines 12 pixels apart and cut into 64 × 256. Patches
    /// without a whole word are left out. labels.tsv has the columns file, text (words in reading order), font.
    /// </summary>
    /// <param name="folder">The folder; made if it does not exist.</param>
    /// <param name="generator">What sets the pages.</param>
    /// <param name="first">Index of the first page.</param>
    /// <param name="count">How many pages, at least 1.</param>
    /// <param name="threads">Threads at work at once, at least 1.</param>
    /// <param name="overwrite">Whether a folder that has files already may be written into.</param>
    /// <param name="progress">Is told the number of pages written, from any thread.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="IOException">The folder is not empty, or cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing there is not allowed.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public static void WritePatches(
        string folder, PageGenerator generator, long first, long count, int threads, bool overwrite = false,
        IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(generator);
        Write(folder, count, threads, overwrite, progress, cancellation, (i, file, save) =>
        {
            Page page = generator.Draw(first + i);
            var rows = new StringBuilder();
            ImmutableArray<PagePatch> patches = page.Downscale().Cut();
            for (int p = 0; p < patches.Length; p++)
            {
                if (patches[p].Words.IsEmpty)
                    continue;
                string number = p.ToString("D4", CultureInfo.InvariantCulture);
                string name = $"{Path.GetFileNameWithoutExtension(file)}-{number}.png";
                save(name, patches[p].Picture);
                rows.Append(name).Append('\t').AppendJoin(' ', patches[p].Words.Select(w => w.Text))
                    .Append('\t').Append(page.Font).Append('\n');
            }

            return rows.ToString();
        });
    }

    private static void Write(
        string folder, long count, int threads, bool overwrite, IProgress<long>? progress,
        CancellationToken cancellation, Func<long, string, Action<string, Picture>, string> writeOne)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 100_000_000);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        if (!overwrite && Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
        {
            throw new IOException(
                $"The folder {folder} is not empty. Name another one, or allow overwriting what is there.");
        }

        Directory.CreateDirectory(folder);
        string labels = Path.Combine(folder, LabelsName);
        // Labels of before would not fit the pictures that are about to be replaced.
        File.Delete(labels);

        int digits = Math.Max(6, (count - 1).ToString(CultureInfo.InvariantCulture).Length);
        var rows = new string?[count];
        var written = new ConcurrentBag<string>();
        long done = 0;
        void Save(string name, Picture picture)
        {
            string path = Path.Combine(folder, name);
            PictureFile.Write(path, picture);
            written.Add(path);
        }

        try
        {
            var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation };
            Parallel.For(0, count, options, i =>
            {
                string file = i.ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0') + ".png";
                rows[i] = writeOne(i, file, Save);
                progress?.Report(Interlocked.Increment(ref done));
            });
            AtomicFile.Write(labels, stream =>
            {
                using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true);
                foreach (string? row in rows)
                    writer.Write(row);
            });
        }
        catch (Exception e)
        {
            foreach (string path in written)
                File.Delete(path);
            if (e is AggregateException { InnerExceptions: [{ } only, ..] })
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(only);
            throw;
        }
    }
}
