using System.CommandLine;
using System.Globalization;
using Tfic.Synthesis;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic synth</c>: draws labelled pictures of text.</summary>
internal static class SynthVerb
{
    private const string Examples = """
        tfic synth lines -o lines/ -n 1000
        tfic synth pages book.txt -o pages/ -n 20 --patches
        """;

    private const string LinesExamples = """
        tfic synth lines -o lines/ -n 20000 --split train
        tfic synth lines -o lines/ -n 500 --size 512x256 --seed 7
        tfic synth lines -o lines/ --fonts MyFont.ttf --words words.txt
        tfic synth lines --print-options > options.json
        tfic synth lines -o lines/ --options options.json
        """;

    private const string PagesExamples = """
        tfic synth pages book.txt -o pages/ -n 20
        tfic synth pages book.txt -o patches/ --patches
        tfic synth pages book.txt -o pages/ --fonts Garamond.otf --font-size 28
        """;

    public static Verb Create(Terminal terminal) =>
        new("synth", "Draw pictures of text, with labels, from a seed.", Examples)
        {
            CreateLines(terminal),
            CreatePages(terminal),
        };

    private static Verb CreateLines(Terminal terminal)
    {
        var common = new Common("Lines to draw.", 1000);
        Option<PictureSize> size = PictureSize.Option("WxH, or natural for each line's own. Default: natural.");
        Option<string?> options = LineLooks.Option();
        var print = new Option<bool>("--print-options")
        {
            Description = "Print the options in force as JSON, and draw nothing.",
        };
        var verb = new Verb("lines", "Draw lines of text: PNG files and labels.tsv (file, text, font).", LinesExamples)
        {
            size, options, print,
        };
        common.AddTo(verb);
        verb.Does((result, cancellation) =>
        {
            LineOptions line = LineLooks.Read(result.GetValue(options), terminal);
            line = result.GetValue(size) is { } given ? given.Of(line) : line;
            if (result.GetValue(print))
            {
                terminal.Write(line.ToJson() + "\n");
                return ExitCode.Success;
            }

            string folder = common.Folder(result);
            (FontSet fonts, WordList words) = common.Source.Load(result);
            LineGenerator generator = CommonOptions.Lines(
                line, fonts, words, common.SplitOf(result), common.SeedOf(result));
            return common.Write(terminal, result, "lines", (count, threads, progress) =>
                DatasetWriter.WriteLines(
                    folder, generator, 0, count, threads, common.Overwrites(result), progress, cancellation));
        });
        return verb;
    }

    private static Verb CreatePages(Terminal terminal)
    {
        var book = new Argument<string>("TEXT")
        {
            Description = "Text file of prose, paragraphs separated by empty lines.",
        };
        var common = new Common("Pages to set.", 20);
        var fontSize = new Option<double?>("--font-size")
        {
            Description = "Height of the em square in pixels. Default: from 22 to 34.",
            HelpName = "PIXELS",
        };
        CommonOptions.Number(fontSize, 4, 500);
        var patches = new Option<bool>("--patches")
        {
            Description = "Make pages smaller to lines 12 pixels apart and write them as patches of 256 × 64.",
        };
        var verb = new Verb(
            "pages", "Set book pages: PNG files and labels.tsv with a box for each word.", PagesExamples)
        {
            book, fontSize, patches,
        };
        common.AddTo(verb);
        verb.Does((result, cancellation) =>
        {
            string folder = common.Folder(result);
            PageOptions options = result.GetValue(fontSize) is { } pixels
                ? new PageOptions { FontSize = new Interval(pixels, pixels) }
                : new PageOptions();
            PageGenerator generator = Pages(
                options, common.Source.LoadFonts(result), result.GetRequiredValue(book), common.SplitOf(result),
                common.SeedOf(result));
            bool cut = result.GetValue(patches);
            return common.Write(terminal, result, "pages", (count, threads, progress) =>
            {
                if (cut)
                    DatasetWriter.WritePatches(
                        folder, generator, 0, count, threads, common.Overwrites(result), progress, cancellation);
                else
                    DatasetWriter.WritePages(
                        folder, generator, 0, count, threads, common.Overwrites(result), progress, cancellation);
            });
        });
        return verb;
    }

    private static PageGenerator Pages(PageOptions options, FontSet fonts, string book, Split split, ulong seed)
    {
        try
        {
            return new PageGenerator(options, fonts.Split(split), BookText.Load(book).Split(split), seed);
        }
        catch (Exception e) when (e is TficFormatException or IOException or UnauthorizedAccessException)
        {
            throw CommandFailure.From(e, book)!;
        }
        catch (ArgumentException e)
        {
            throw new CommandFailure($"{book}: no pages can be set. {e.Message}", inner: e);
        }
    }

    /// <summary>What drawing lines and setting pages have in common.</summary>
    private sealed class Common
    {
        private readonly Option<string> _output = CommonOptions.Output("Folder to write; made if it does not exist.");
        private readonly Option<int> _count;
        private readonly Option<ulong> _seed = CommonOptions.Seed();
        private readonly Option<string> _split = CommonOptions.Split(Split.Train);
        private readonly Option<int> _threads = CommonOptions.Threads();

        private readonly Option<bool> _overwrite = new("--overwrite")
        {
            Description = "Write into a folder that is not empty.",
        };

        public Common(string countMeans, int count)
        {
            _count = new Option<int>("--count", "-n")
            {
                Description = countMeans,
                HelpName = "N",
                DefaultValueFactory = _ => count,
            };
            CommonOptions.Number(_count, 1, 100_000_000);
        }

        public TextSource Source { get; } = new();

        public void AddTo(Verb verb)
        {
            verb.Add(_output);
            verb.Add(_count);
            verb.Add(_seed);
            verb.Add(_split);
            Source.AddTo(verb);
            verb.Add(_threads);
            verb.Add(_overwrite);
        }

        public string Folder(ParseResult result) => result.GetValue(_output)
            ?? throw new CommandFailure("Name the folder to write with -o.");

        public Split SplitOf(ParseResult result) => CommonOptions.SplitNamed(result.GetRequiredValue(_split));

        public ulong SeedOf(ParseResult result) => result.GetValue(_seed);

        public bool Overwrites(ParseResult result) => result.GetValue(_overwrite);

        public int Write(
            Terminal terminal, ParseResult result, string things, Action<int, int, IProgress<long>> write)
        {
            int count = result.GetValue(_count);
            string folder = Folder(result);
            try
            {
                terminal.Progress($"Drawing {things}", count, advance =>
                    write(count, result.GetValue(_threads), new ProgressTo(advance)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new CommandFailure($"{folder}: {e.Message}", inner: e);
            }

            terminal.Say(string.Create(CultureInfo.InvariantCulture, $"{folder}: {count:N0} {things}"));
            return ExitCode.Success;
        }
    }

    /// <summary>Progress at once, on the thread that makes it.</summary>
    private sealed class ProgressTo(Action<int> advance) : IProgress<long>
    {
        public void Report(long value) => advance((int)value);
    }
}
