using System.Text.Json.Serialization;
using Tfic.Imaging;
using Tfic.Jpeg;
using Tfic.Metrics;
using Tfic.Networks;
using Tfic.Reading;
using Tfic.Restoration;
using Tfic.Synthesis;

namespace Tfic.Cli.Paper;

/// <summary>What the experiment of the paper's Section 4 compares.</summary>
/// <param name="Pages">Sets the test pages.</param>
/// <param name="Patches">How many patches of them are read.</param>
/// <param name="First">D1.</param>
/// <param name="Second">D2; null to leave it out.</param>
/// <param name="Detector">Finds words; null to read at the words' true places only.</param>
/// <param name="Recogniser">The reader that D2 was trained through.</param>
/// <param name="SecondReaderCount">On how many of the patches the second reader is tried; 0 for none.</param>
internal sealed record JpegPlan(
    PageGenerator Pages,
    int Patches,
    RestorerModel First,
    RestorerModel? Second,
    DetectorModel? Detector,
    RecogniserModel Recogniser,
    int SecondReaderCount);

/// <summary>How well patches were read, over letters and digits.</summary>
/// <param name="Patches">Mean over patches of 1 − edit distance ÷ longer length (paper, Section 3.3).</param>
/// <param name="Words">The same over words.</param>
/// <param name="ExactWords">Share of words without an error.</param>
internal sealed record PatchReading(double Patches, double Words, double ExactWords);

/// <summary>One state of the pages: as decoded, restored, or as they were.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Psnr">Mean over pages, dB; null for the originals.</param>
/// <param name="TruePlaces">Read word by word at the words' true places.</param>
/// <param name="Found">Read as <c>tfic read</c> does, at the places that the detector finds; null without one.</param>
/// <param name="Recall">Share of the words that were found, at an intersection over union of 1/2.</param>
/// <param name="Precision">Share of what was found that is a word.</param>
/// <param name="SecondAccuracy">The second reader's accuracy on its part of the patches; null without one.</param>
internal sealed record RestorationRow(
    string Name,
    double? Psnr,
    PatchReading TruePlaces,
    PatchReading? Found,
    double? Recall,
    double? Precision,
    double? SecondAccuracy);

/// <summary>D1 trained with one weight of its two losses.</summary>
/// <param name="Lambda">Weight of the squared error, 0…1; the thresholded DCT loss has the rest.</param>
/// <param name="Accuracy">Accuracy of reading what it restores.</param>
/// <param name="Psnr">dB; may be missing.</param>
internal sealed record SweepPoint(double Lambda, double Accuracy, double? Psnr);

/// <summary>The sweep over λ, measured elsewhere.</summary>
/// <param name="Description">How it was trained and measured.</param>
/// <param name="Points">In any order.</param>
internal sealed record Sweep(string Description, IReadOnlyList<SweepPoint> Points);

/// <summary>All that the report shows.</summary>
/// <param name="Description">What was measured.</param>
/// <param name="Pages">How many pages the patches are of.</param>
/// <param name="Patches">How many patches.</param>
/// <param name="Words">How many words with letters or digits they hold.</param>
/// <param name="SecondReaderPatches">On how many of the patches the second reader was tried.</param>
/// <param name="BytesPerPage">Mean length of the JPEG files.</param>
/// <param name="Bpp">Bits of all files per pixel of all pages.</param>
/// <param name="Rows">The states of the pages.</param>
/// <param name="Sweep">The sweep over λ; null if none is given.</param>
internal sealed record JpegFigures(
    string Description,
    int Pages,
    int Patches,
    int Words,
    int SecondReaderPatches,
    double BytesPerPage,
    double Bpp,
    IReadOnlyList<RestorationRow> Rows,
    Sweep? Sweep);

[JsonSerializable(typeof(JpegFigures))]
[JsonSerializable(typeof(Sweep))]
[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
internal sealed partial class JpegFiguresJson : JsonSerializerContext;

/// <summary>A page to show, in all its states.</summary>
/// <param name="File">The JPEG file.</param>
/// <param name="Pictures">The page as each row of the figures has it.</param>
/// <param name="Patch">Where its example patch stands.</param>
/// <param name="Texts">What was read there, for each row.</param>
internal sealed record ShownPage(byte[] File, IReadOnlyList<Picture> Pictures, Box Patch, IReadOnlyList<string> Texts);

/// <summary>
/// The paper's experiment on hidden semantics in JPEG (Section 4): pages of prose made so small that baselines are 12
/// pixels apart, coded as grey JPEG files of quality 1, decoded, restored, and read in patches of 64 × 256.
/// </summary>
internal static class JpegExperiment
{
    /// <summary>Pixels from one baseline to the next.</summary>
    public const double LineDistance = 12;

    /// <summary>Quality of the files.</summary>
    public const int Quality = 1;

    /// <summary>Most patches of one page.</summary>
    public const int PatchesPerPage = 10;

    /// <summary>Names of the rows.</summary>
    public const string Degraded = "JPEG, quality 1", First = "D1", Both = "D1 + D2", Original = "not compressed";

    private const int ShownPages = 4;

    // Of the first so many pages those are shown that hold text: about all do.
    private const int PagesKept = 16;

    // A font so unusual that its small pages hold no patch is possible; so many one after the other are not.
    private const int MostPagesWithoutPatches = 50;

    // Lines 48 pixels apart, as at 300 dots an inch.
    private const int SecondReaderFactor = 4;

    /// <summary>Pages as of a paperback at 212 dots an inch, which small have room for about ten patches.</summary>
    public static PageOptions Pages { get; } = new() { FontSize = new Interval(22, 26) };

    /// <summary>Names of the rows of a plan.</summary>
    public static IReadOnlyList<string> Names(JpegPlan plan) =>
        plan.Second is null ? [Degraded, First, Original] : [Degraded, First, Both, Original];

    /// <summary>Runs it.</summary>
    /// <exception cref="CommandFailure">A page could not be measured, or the pages hold no text.</exception>
    public static (JpegFigures Figures, IReadOnlyList<ShownPage> Shown) Run(
        JpegPlan plan, string description, Sweep? sweep, int threads, Terminal terminal, CancellationToken cancellation)
    {
        var pages = new List<PageTrial>();
        int patches = 0;
        terminal.Progress("Measuring", plan.Patches, advance =>
        {
            // In rounds: how many patches a page gives is known when it is set.
            int next = 0;
            for (int fruitless = 0; patches < plan.Patches;)
            {
                int before = patches, round = Math.Max(1, (plan.Patches - patches) / PatchesPerPage);
                Measurement.Run(
                    "page",
                    Enumerable.Range(next, round),
                    threads,
                    terminal,
                    () => new Worker(plan),
                    (worker, index) => worker.Measure(index),
                    page =>
                    {
                        pages.Add(page);
                        patches += page.Patches.Length;
                        advance(Math.Min(patches, plan.Patches));
                    },
                    cancellation);
                next += round;
                fruitless = patches > before ? 0 : fruitless + round;
                if (fruitless >= MostPagesWithoutPatches)
                    throw new CommandFailure($"{fruitless} pages hold no patch with text. Give a longer text or other fonts.");
            }
        });

        PatchTrial[] read = [.. pages.SelectMany(page => page.Patches).Take(plan.Patches)];
        PatchTrial[] second = [.. read.Where(patch => patch.Stages[0].SecondAccuracy is not null)];
        IReadOnlyList<string> names = Names(plan);
        RestorationRow Row(int stage)
        {
            DetectionCounts counts = pages.Select(page => page.Detections[stage]).Aggregate((a, b) => a + b);
            return new RestorationRow(
                names[stage],
                names[stage] == Original ? null : pages.Average(page => page.Psnr[stage]),
                Mean([.. read.Select(patch => patch.Stages[stage].TruePlaces)]),
                plan.Detector is null ? null : Mean([.. read.Select(patch => patch.Stages[stage].Found!)]),
                plan.Detector is null ? null : counts.Recall,
                plan.Detector is null ? null : counts.Precision,
                second.Length > 0 ? second.Average(patch => patch.Stages[stage].SecondAccuracy) : null);
        }

        var figures = new JpegFigures(
            description,
            pages.Count,
            read.Length,
            read.Sum(patch => patch.Stages[0].TruePlaces.Words),
            second.Length,
            pages.Average(page => page.Bytes),
            8.0 * pages.Sum(page => page.Bytes) / pages.Sum(page => page.Pixels),
            [.. Enumerable.Range(0, names.Count).Select(Row)],
            sweep);
        ShownPage[] shown = [.. pages.Select(page => page.Shown).OfType<ShownPage>().Take(ShownPages)];
        return shown.Length > 0 ? (figures, shown) : throw new CommandFailure("The first pages hold no text to show.");
    }

    private static PatchReading Mean(TextTrial[] trials)
    {
        double words = trials.Sum(trial => trial.Words);
        return new PatchReading(
            trials.Average(trial => trial.Accuracy),
            trials.Sum(trial => trial.WordAccuracies) / words,
            trials.Sum(trial => trial.ExactWords) / words);
    }

    /// <summary>One reading of one patch.</summary>
    private sealed record TextTrial(string Text, double Accuracy, int Words, double WordAccuracies, int ExactWords)
    {
        /// <summary>Compares.</summary>
        /// <param name="truth">The words of the patch, in reading order.</param>
        /// <param name="read">What was read at the place of each; "" where nothing was.</param>
        /// <param name="text">What was read in the patch, in reading order.</param>
        public static TextTrial Of(IReadOnlyList<string> truth, IReadOnlyList<string> read, string text)
        {
            int words = 0, exact = 0;
            double sum = 0;
            for (int i = 0; i < truth.Count; i++)
            {
                // Dashes and the like are no words to this measure.
                if (TextAccuracy.Alphanumeric(truth[i]).Length == 0)
                    continue;
                double accuracy = TextAccuracy.Accuracy(truth[i], read[i]);
                words++;
                sum += accuracy;
                exact += accuracy == 1 ? 1 : 0;
            }

            return new TextTrial(text, TextAccuracy.Accuracy(string.Join(' ', truth), text), words, sum, exact);
        }
    }

    private sealed record StageTrial(TextTrial TruePlaces, TextTrial? Found, double? SecondAccuracy);

    private sealed record PatchTrial(StageTrial[] Stages);

    private sealed record PageTrial(
        int Bytes, long Pixels, double[] Psnr, DetectionCounts[] Detections, PatchTrial[] Patches, ShownPage? Shown);

    /// <summary>A page in one state.</summary>
    /// <param name="Picture">The page.</param>
    /// <param name="Detected">The words found on it.</param>
    /// <param name="Words">What was read there, in reading order; null where none were looked for.</param>
    /// <param name="Matches">For each of these the true word that it matches; -1 for none.</param>
    private sealed record Stage(
        Picture Picture, IReadOnlyList<DetectedWord> Detected, PageTextWord[]? Words, int[] Matches)
    {
        public static Stage Of(Picture picture, IReadOnlyList<DetectedWord> detected, PageText? text, Box[] places)
        {
            PageTextWord[]? words = text is null ? null : [.. text.Lines.SelectMany(line => line.Words)];
            var matches = new int[words?.Length ?? 0];
            Array.Fill(matches, -1);
            foreach ((int truth, int found) in DetectionCounts.Match(places, [.. (words ?? []).Select(word => word.Box)]))
                matches[found] = truth;
            return new Stage(picture, detected, words, matches);
        }
    }

    /// <summary>Measures pages; one for each thread.</summary>
    private sealed class Worker(JpegPlan plan)
    {
        private readonly Workspace _workspace = new();
        private readonly LineReader _words = new(plan.Recogniser);
        private readonly PageReader? _pages =
            plan.Detector is null ? null : new PageReader(plan.Detector, plan.Recogniser);

        public PageTrial Measure(int index)
        {
            Page page = plan.Pages.Draw(index).Downscale(LineDistance);
            using var stream = new MemoryStream();
            JpegWriter.Write(stream, page.Picture, Quality);
            byte[] file = stream.ToArray();

            var whole = new Box(0, 0, page.Picture.Width, page.Picture.Height);
            PageWord[] truth =
            [
                .. page.Lines.SelectMany(line => line.Words).Select(word => word with { Box = word.Box.Intersect(whole) })
                    .Where(word => word.Box.Area > 0),
            ];
            Box[] places = [.. truth.Select(word => word.Box)];
            Stage[] stages = Stages(JpegReader.Read(file), page.Picture, places);

            var patches = new List<PatchTrial>();
            var inPatches = new List<Box>();
            foreach (Box place in page.Cut().Select(patch => patch.Place))
            {
                int[] inside = [.. Enumerable.Range(0, truth.Length).Where(i => place.Contains(places[i]))];
                string[] words = [.. inside.Select(i => truth[i].Text)];

                // Margins are no test of reading.
                if (patches.Count == PatchesPerPage || TextAccuracy.Alphanumeric(string.Concat(words)).Length == 0)
                    continue;
                bool alsoSecond = index * PatchesPerPage + patches.Count < plan.SecondReaderCount;
                Box[] cut = [.. places.Where(box => box.Overlaps(place) && !place.Contains(box))];
                patches.Add(new PatchTrial(
                [
                    .. stages.Select(stage => new StageTrial(
                        AtTruePlaces(stage, places, inside, words),
                        stage.Words is null ? null : Found(stage, place, inside, words),
                        alsoSecond
                            ? TextAccuracy.Accuracy(string.Join(' ', words), Tesseract.ReadBlock(
                                Whitened(stage.Picture, place, cut), SecondReaderFactor))
                            : null)),
                ]));
                inPatches.Add(place);
            }

            // The middle one of a page's patches has text all over.
            int middle = patches.Count / 2;
            return new PageTrial(
                file.Length,
                page.Picture.PixelCount,
                [.. stages.Select(stage => Math.Min(Psnr.Rgb(page.Picture, stage.Picture), Psnr.Cap))],
                [.. stages.Select(stage => DetectionCounts.Of(places, [.. stage.Detected.Select(word => word.Box)]))],
                [.. patches],
                index >= PagesKept || patches.Count == 0 ? null : new ShownPage(
                    file, [.. stages.Select(stage => stage.Picture)], inPatches[middle],
                    [.. patches[middle].Stages.Select(trial => (trial.Found ?? trial.TruePlaces).Text)]));
        }

        /// <summary>The page in its states, in the order of <see cref="Names"/>.</summary>
        private Stage[] Stages(Picture degraded, Picture original, Box[] places)
        {
            Picture cleaned = plan.First.Restore(degraded, _workspace);
            var stages = new List<Stage> { Read(degraded, places), Read(cleaned, places) };
            if (plan.Second is not null)
            {
                // The words are taken from D2's page where they truly are, and apart from that where they were found on
                // D1's: neither way of knowing the places gains from the other.
                IReadOnlyList<DetectedWord> found = stages[1].Detected;
                Picture enhanced = plan.Second.Restore(plan.Second.SeesPage ? degraded : cleaned, _workspace);
                Picture asFound = PageRestorer.Compose(cleaned, enhanced, [.. found.Select(word => word.Box)]);
                stages.Add(Stage.Of(PageRestorer.Compose(cleaned, enhanced, places), found, _pages?.Read(asFound, found), places));
            }

            stages.Add(Read(original, places));
            return [.. stages];
        }

        private Stage Read(Picture picture, Box[] places)
        {
            IReadOnlyList<DetectedWord> found = _pages?.Detect(picture) ?? [];
            return Stage.Of(picture, found, _pages?.Read(picture, found), places);
        }

        private TextTrial AtTruePlaces(Stage stage, Box[] places, int[] inside, string[] words)
        {
            var whole = new Box(0, 0, stage.Picture.Width, stage.Picture.Height);
            string[] read =
            [
                .. inside.Select(i => places[i].Enlarge(PageRestorer.Margin, PageRestorer.Margin).Intersect(whole))
                    .Select(box => _words.Read(stage.Picture.Crop(box), LineReader.MinimumWordWidth).Text),
            ];
            return TextTrial.Of(words, read, string.Join(' ', read));
        }

        /// <summary>
        /// What was read on the whole page, as far as it belongs to the patch: words that match one of the patch's, and
        /// those that match none and lie wholly inside, as the patch's own words do.
        /// </summary>
        private static TextTrial Found(Stage stage, Box place, int[] inside, string[] words)
        {
            PageTextWord[] all = stage.Words!;
            var read = new string[words.Length];
            Array.Fill(read, "");
            var text = new List<string>();
            for (int f = 0; f < all.Length; f++)
            {
                int truth = stage.Matches[f], at = Array.IndexOf(inside, truth);
                if (at >= 0)
                    read[at] = all[f].Text;
                if (at >= 0 || (truth < 0 && place.Contains(all[f].Box)))
                    text.Add(all[f].Text);
            }

            return TextTrial.Of(words, read, string.Join(' ', text));
        }

        /// <summary>A patch without the words that its edge cuts, which are not to be read.</summary>
        private static Picture Whitened(Picture page, Box place, Box[] cut)
        {
            Picture patch = page.Crop(place);
            foreach (Box box in cut.Select(box => box.Intersect(place).Offset(-place.Left, -place.Top)))
            {
                var white = new Picture(box.Width, box.Height, 1);
                white.Samples.AsSpan().Fill(255);
                patch.Paste(white, box.Left, box.Top);
            }

            return patch;
        }
    }
}
