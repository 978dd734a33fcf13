using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Tfic.Imaging;
using Tfic.Models;
using Tfic.Networks;
using Tfic.Synthesis;
using Tfic.Training;
using Tfic.Training.Data;
using Tfic.Training.Networks;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Cli.Verbs;

/// <summary><c>tfic train</c>: trains the networks that ship. The only verb that loads torch.</summary>
internal static class TrainVerb
{
    private const string Examples = """
        tfic train recogniser -o runs/recogniser
        tfic train detector -o runs/detector
        tfic train codec -o runs/stage1 --stage 1
        """;

    private const string DetectorExamples = """
        tfic train detector -o runs/detector --steps 4000
        tfic train detector -o runs/detector --steps 12000 --export detector.safetensors
        """;

    private const string RecogniserExamples = """
        tfic train recogniser -o runs/recogniser --steps 12000
        tfic train recogniser -o runs/recogniser --steps 40000 --export recogniser.safetensors
        """;

    private const string CodecExamples = """
        tfic train codec -o runs/stage1 --stage 1 --steps 10000 --name my-codec-mse
        tfic train codec -o runs/stage2 --stage 2 --from runs/stage1 --recogniser recogniser.safetensors
        tfic train codec -o runs/rate --entropy-only --no-context --from runs/stage1
        """;

    private const string D1Examples = """
        tfic train d1 --text novel.txt letters.txt -o runs/d1
        tfic train d1 --text novel.txt -o runs/lambda-0.5 --lambda 0.5 --steps 1000
        """;

    private const string D2Examples = """
        tfic train d2 --text novel.txt letters.txt -o runs/d2
        tfic train d2 --text novel.txt --d1 d1.safetensors -o runs/d2
        """;

    public static Verb Create(Terminal terminal) =>
        new("train", "Train the networks, or go on training them from their last checkpoint.", Examples)
        {
            CreateRecogniser(terminal),
            CreateDetector(terminal),
            CreateCodec(terminal),
            CreateD1(terminal),
            CreateD2(terminal),
        };

    private static Verb CreateRecogniser(Terminal terminal)
    {
        var common = new Common(steps: 12_000, batch: 32, learningRate: 1.5e-3, "recogniser.safetensors");
        var from = new Option<string?>("--from")
        {
            Description = "Folder of a run whose weights to start from.",
            HelpName = "FOLDER",
        };
        Option<string[]> text = common.Source.Text(required: false);
        text.Description += " With them, every other batch shows runs of words in small print.";
        var verb = new Verb("recogniser", "Train the compact recogniser on drawn lines.", RecogniserExamples)
        {
            from, text,
        };
        common.AddTo(verb);
        verb.Does((result, cancellation) => Explain(
            () => TrainRecogniser(terminal, common, result, result.GetValue(from), cancellation)));
        return verb;
    }

    private static Verb CreateD1(Terminal terminal)
    {
        var common = new Common(steps: 10_000, batch: 2, learningRate: 1e-3, "restorer-d1.safetensors", prose: true);
        var lambda = new Option<double>("--lambda")
        {
            Description = "Weight of the squared error; the thresholded DCT loss has the rest.",
            HelpName = "X",
            DefaultValueFactory = _ => 0.8,
        };
        CommonOptions.Number(lambda, 0, 1);
        var profile = new Option<RestorerProfile>("--profile")
        {
            Description = "compact: ours, which looks at blocks. dncnn: the paper's network, five times the work.",
            HelpName = "compact|dncnn",
            DefaultValueFactory = _ => RestorerProfile.Compact,
        };
        var letters = new Option<double>("--letters")
        {
            Description = "Weight of a loss that asks the compact network for the characters; 0 for the paper's loss alone.",
            HelpName = "X",
            DefaultValueFactory = _ => 0.1,
        };
        CommonOptions.Number(letters, 0, 100);
        Option<string?> from = FromRestorer("random weights");
        var verb = new Verb("d1", "Train D1, which restores pages that JPEG has ruined.", D1Examples)
        {
            profile, lambda, letters, from,
        };
        common.AddTo(verb);
        verb.Does((result, cancellation) => Explain(() => TrainRestorer(
            terminal, common, result, "d1", options => D1Trainer.Train(
                options with
                {
                    Lambda = result.GetValue(lambda),
                    LetterWeight = result.GetValue(letters),
                    Profile = result.GetValue(profile),
                    From = Restorer(result.GetValue(from)),
                },
                common.Source.LoadFonts(result),
                common.Source.LoadProse(result)!, cancellation), cancellation)));
        return verb;
    }

    private static Verb CreateD2(Terminal terminal)
    {
        var common = new Common(steps: 3_000, batch: 1, learningRate: 2e-4, "restorer-d2.safetensors", prose: true);
        var d1 = new Option<string>("--d1")
        {
            Description = "D1: a file, or the name of one that ships.",
            HelpName = "NAME|PATH",
            DefaultValueFactory = _ => ShippedModels.RestorerD1,
        };
        Option<string?> recogniser = CommonOptions.Recogniser()!;
        Option<string?> from = FromRestorer("D1");
        var verb = new Verb(
            "d2", "Train D2, which makes the words that D1 restored legible to a frozen recogniser.", D2Examples)
        {
            d1, recogniser, from,
        };
        common.AddTo(verb);
        verb.Does((result, cancellation) => Explain(() => TrainRestorer(
            terminal, common, result, "d2", options => D2Trainer.Train(
                options with { From = Restorer(result.GetValue(from)) },
                common.Source.LoadFonts(result), common.Source.LoadProse(result)!,
                Restorer(result.GetRequiredValue(d1))!,
                Recogniser(result.GetValue(recogniser)!), cancellation), cancellation)));
        return verb;
    }

    private static Verb CreateDetector(Terminal terminal)
    {
        var common = new Common(
            steps: 4_000, batch: 8, learningRate: 2e-3, "detector.safetensors", hasLooks: false, decayShare: 0.6);
        var verb = new Verb("detector", "Train the compact detector of words on drawn print.", DetectorExamples);
        common.AddTo(verb);
        verb.Does((result, cancellation) => Explain(() => TrainDetector(terminal, common, result, cancellation)));
        return verb;
    }

    private static Verb CreateCodec(Terminal terminal)
    {
        var common = new Common(steps: 10_000, batch: 8, learningRate: 4e-4, "codec.safetensors");
        var stage = new Option<int>("--stage")
        {
            Description = "1: rate and distortion. 2: rate and the loss of a frozen recogniser, after stage 1.",
            HelpName = "1|2",
            DefaultValueFactory = _ => 1,
        };
        CommonOptions.Number(stage, 1, 2);
        var from = new Option<string?>("--from")
        {
            Description = "What to start from, as stage 2 does from stage 1: the folder of a run, or an exported codec, by "
                + "file or by the name of one that ships. An export's prior went through integers and comes back almost whole.",
            HelpName = "FOLDER|NAME|PATH",
        };
        Option<string?> recogniser = CommonOptions.Recogniser()!;
        var mix = new Option<string>("--mix")
        {
            Description = "Pictures: the paper's stretched lines only, or pages and lines at their own size as well.",
            HelpName = "paper|pages",
            DefaultValueFactory = _ => "pages",
        };
        mix.AcceptOnlyFromAmong("paper", "pages");
        var noContext = new Option<bool>("--no-context")
        {
            Description = "Leave out the checkerboard context.",
        };
        var entropyOnly = new Option<bool>("--entropy-only")
        {
            Description = "Train only what the rate alone depends on, for the latents of --from. Once with and once "
                + "without --no-context it says what the context is worth.",
        };
        var name = new Option<string>("--name")
        {
            Description = "Name of the model, as messages show it.",
            HelpName = "NAME",
            DefaultValueFactory = _ => "my-codec",
        };
        var verb = new Verb("codec", "Train the compact codec on drawn lines.", CodecExamples)
        {
            stage, from, recogniser, name, mix, noContext, entropyOnly,
        };
        common.AddTo(verb);
        verb.Does((result, cancellation) => Explain(() => TrainCodec(
            terminal, common, result, result.GetValue(stage), result.GetValue(from), result.GetValue(recogniser)!,
            result.GetRequiredValue(name), Enum.Parse<CodecMix>(result.GetRequiredValue(mix), ignoreCase: true),
            !result.GetValue(noContext), result.GetValue(entropyOnly), cancellation)));
        return verb;
    }

    private static int TrainRestorer(
        Terminal terminal,
        Common common,
        ParseResult result,
        string name,
        Func<RestorerTrainingOptions, (Module<Tensor, Tensor> Network, RunState State)> train,
        CancellationToken cancellation)
    {
        RestorerTrainingOptions options = common.Read(
            result, new RestorerTrainingOptions { Output = common.Folder(result) });
        (Module<Tensor, Tensor> network, RunState state) = train(options);
        Finish(state, options.Output, options.Steps, cancellation);
        string path = common.ExportPath(result);
        var metadata = new Dictionary<string, string>(Metadata(state)) { ["name"] = name };
        if (name == "d2")
            metadata["input"] = D2Trainer.SeesPage(network) ? "page" : "cleaned";
        RestorerExport.Write(network, path, metadata);
        terminal.Say($"{path}: {name} after {state.Step:N0} steps");
        return ExitCode.Success;
    }

    private static int TrainRecogniser(
        Terminal terminal, Common common, ParseResult result, string? from, CancellationToken cancellation)
    {
        string? weights = from is null ? null : CheckpointOf(from);
        LineOptions lines = LineLooks.Read(common.Looks(result), terminal);
        (FontSet fonts, WordList words) = common.Source.Load(result);
        RecogniserTrainingOptions options = common.Read(result, new RecogniserTrainingOptions
        {
            Output = common.Folder(result),
            Lines = lines,
            Text = common.Source.LoadProse(result),
            From = weights,
        });
        (CompactRecogniserNetwork network, RunState state) =
            RecogniserTrainer.Train(options, fonts, words, cancellation);
        Finish(state, options.Output, options.Steps, cancellation);
        string path = common.ExportPath(result);
        RecogniserExport.Write(network, path, Metadata(state));
        terminal.Say($"{path}: the recogniser after {state.Step:N0} steps");
        return ExitCode.Success;
    }

    private static int TrainDetector(
        Terminal terminal, Common common, ParseResult result, CancellationToken cancellation)
    {
        (FontSet fonts, WordList words) = common.Source.Load(result);
        DetectorTrainingOptions options = common.Read(
            result, new DetectorTrainingOptions { Output = common.Folder(result) });
        (CompactDetectorNetwork network, RunState state) = DetectorTrainer.Train(options, fonts, words, cancellation);
        Finish(state, options.Output, options.Steps, cancellation);
        string path = common.ExportPath(result);
        DetectorExport.Write(network, path, Metadata(state));
        terminal.Say($"{path}: the detector after {state.Step:N0} steps");
        return ExitCode.Success;
    }

    private static int TrainCodec(
        Terminal terminal,
        Common common,
        ParseResult result,
        int stage,
        string? from,
        string recogniserName,
        string name,
        CodecMix mix,
        bool context,
        bool entropyOnly,
        CancellationToken cancellation)
    {
        if (stage == 2 && from is null)
            throw new CommandFailure("Stage 2 starts from stage 1: name the folder of its run, or its export, with --from.");
        if (entropyOnly && (stage == 2 || from is null))
        {
            throw new CommandFailure(
                "--entropy-only goes with stage 1 and with --from: it keeps the latents of a run.");
        }

        bool exported = from is not null && (ShippedModels.Names.Contains(from) || File.Exists(from));
        string? weights = from is null || exported ? null : CheckpointOf(from);
        LineOptions lines = LineLooks.Read(common.Looks(result), terminal);
        (FontSet fonts, WordList words) = common.Source.Load(result);
        CodecTrainingOptions options = common.Read(result, new CodecTrainingOptions
        {
            Output = common.Folder(result),
            Stage = stage,
            EntropyOnly = entropyOnly,
            Mix = mix,
            Lines = lines,
        });
        CompactRecogniserNetwork? recogniser = stage == 2 ? Recogniser(recogniserName) : null;
        random.manual_seed((long)options.Seed);
        CompactCodecNetwork network = exported
            ? Weights.Load(from!, "codec", stream => CodecExport.Read(SafetensorsFile.Read(stream)))
            : new CompactCodecNetwork { UsesContext = context };
        if (exported && network.UsesContext != context)
            throw new CommandFailure($"{from}: this codec has {(context ? "no context: give --no-context" : "a context: leave out --no-context")}.");
        if (weights is not null)
            network.load(weights);
        RunState state = CodecTrainer.Train(options, fonts, words, network, recogniser, cancellation);
        Finish(state, options.Output, options.Steps, cancellation);

        var samples = new CodecSamples(
            options.Lines, fonts.Split(Split.Train), words.Split(Split.Train), options.Seed);
        float[] maxima = CodecExport.Calibrate(network, LinesAndPieces(samples));
        string path = common.ExportPath(result);
        CodecExport.Write(network, maxima, name, path, Metadata(state));
        terminal.Say($"{path}: the codec after {state.Step:N0} steps of stage {stage}");
        SayPriorCost(terminal, network, maxima, new CodecSamples(
            options.Lines, fonts.Split(Split.Test), words.Split(Split.Test), options.Seed));
        return ExitCode.Success;
    }

    /// <summary>The weights in a run's folder.</summary>
    private static string CheckpointOf(string folder)
    {
        string weights = Path.Combine(folder, "checkpoint", "network.dat");
        return File.Exists(weights)
            ? weights
            : throw new CommandFailure($"{folder}: holds no checkpoint of a run. Name the folder given to -o there.");
    }

    private static Option<string?> FromRestorer(string otherwise) => new("--from")
    {
        Description = $"Exported restorer to begin with: a file, or the name of one that ships. Default: {otherwise}.",
        HelpName = "NAME|PATH",
    };

    private static Module<Tensor, Tensor>? Restorer(string? nameOrPath) => nameOrPath is null
        ? null
        : Weights.Load(nameOrPath, "restorer", stream => RestorerExport.Read(SafetensorsFile.Read(stream)));

    private static CompactRecogniserNetwork Recogniser(string nameOrPath) =>
        Weights.Load(nameOrPath, "recogniser", stream => RecogniserExport.Read(SafetensorsFile.Read(stream)));

    /// <summary>48 lines and 32 pieces of pages, four at a time.</summary>
    private static IEnumerable<Tensor> LinesAndPieces(CodecSamples samples)
    {
        foreach (Tensor lines in Batches(12, CodecSamples.Width, n => samples.Line(n).Picture))
            yield return lines;
        foreach (Tensor pieces in Batches(8, CodecSamples.Height, n => n % 2 == 0
            ? samples.Piece(n, CodecSamples.Height)
            : samples.Print(n, CodecSamples.Height)))
            yield return pieces;
    }

    /// <summary>Pictures 0, 1, 2 … as [4, 3, 256, width] each.</summary>
    private static IEnumerable<Tensor> Batches(int count, int width, Func<long, Picture> draw)
    {
        const int size = 4;
        int plane = width * CodecSamples.Height;
        for (int n = 0; n < count; n++)
        {
            var values = new float[size * 3 * plane];
            for (int b = 0; b < size; b++)
                CodecSamples.ToPlanes(draw((n * size) + b), values.AsSpan(3 * b * plane, 3 * plane));
            yield return tensor(values, [size, 3, CodecSamples.Height, width]);
        }
    }

    /// <summary>
    /// Says what the integer prior costs more than the network's own, on 48 lines of the test split, and what its context
    /// saves.
    /// </summary>
    private static void SayPriorCost(
        Terminal terminal, CompactCodecNetwork network, float[] maxima, CodecSamples test)
    {
        var table = new TextTable(" quality", " float, bpp", " integer, bpp", " loss", " context saves");
        foreach (PriorCost cost in PriorCost.Measure(
            network, CodecExport.Prior(network, maxima),
            Batches(12, CodecSamples.Width, n => test.Line(n).Picture)))
            table.Add(
                TextTable.Number(cost.Quality, "0.##"), TextTable.Number(cost.Float, "f5"), TextTable.Number(cost.Integer, "f5"),
                TextTable.Number(cost.QuantisationLoss, "p2"), TextTable.Number(cost.ContextSaving, "p1"));
        table.Write(terminal);
    }

    /// <summary>Draws what there is of the log; then, if the run was interrupted, ends here.</summary>
    private static void Finish(RunState state, string folder, long steps, CancellationToken cancellation)
    {
        string log = Path.Combine(folder, "log.tsv");
        if (File.Exists(log) && TrainingCurves.Svg(File.ReadLines(log)) is { } curves)
            File.WriteAllText(Path.Combine(folder, "curves.svg"), curves);
        if (state.Step < steps)
            cancellation.ThrowIfCancellationRequested();
    }

    private static Dictionary<string, string> Metadata(RunState state) => new()
    {
        ["steps"] = state.Step.ToString(CultureInfo.InvariantCulture),
        ["seed"] = state.Seed.ToString(CultureInfo.InvariantCulture),
    };

    private static int Explain(Func<int> train)
    {
        try
        {
            return train();
        }
        catch (DllNotFoundException e)
        {
            throw new CommandFailure($"Training needs libtorch. {e.Message}", inner: e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailure(e.Message, inner: e);
        }
        catch (Exception e) when (e is InvalidOperationException or InvalidDataException or ExternalException)
        {
            throw new CommandFailure(e.Message, ExitCode.Failure, e);
        }
    }

    /// <summary>The options of every training.</summary>
    /// <param name="steps">Default of the steps.</param>
    /// <param name="batch">Default of the batch.</param>
    /// <param name="learningRate">Default of the learning rate.</param>
    /// <param name="exportName">File to export to.</param>
    /// <param name="prose">Whether pages of prose are set, not lines of words drawn.</param>
    /// <param name="hasLooks">Whether options say how lines look.</param>
    /// <param name="decayShare">Default of the share of the steps over which the rate falls.</param>
    private sealed class Common(
        long steps, int batch, double learningRate, string exportName, bool prose = false, bool hasLooks = true,
        double decayShare = 0.4)
    {
        private readonly Option<string> _output = CommonOptions.Output("Folder of the run: log and checkpoint.");
        private readonly Option<long> _steps = Count<long>("--steps", "Steps in all, earlier ones included.", steps);
        private readonly Option<int> _batch = Count("--batch", "Lines or pieces of print a step.", batch);
        private readonly Option<double> _learningRate =
            Share("--learning-rate", "Learning rate, before it falls.", learningRate);

        private readonly Option<double> _decayShare =
            Share("--decay-share", "Share of the steps over which it falls, at the end.", decayShare);

        private readonly Option<ulong> _seed = CommonOptions.Seed();
        private readonly Option<int> _threads =
            Count("--threads", "Threads of torch.", Environment.ProcessorCount);

        private readonly Option<bool> _bfloat16 = new("--bfloat16")
        {
            Description = "Convolve in bfloat16, with weights in float32: faster on processors that have it.",
        };

        private readonly Option<string?> _looks = LineLooks.Option();

        private readonly Option<string?> _export = new("--export")
        {
            Description = $"Weights to write in the end. Default: {exportName} in the folder of the run.",
            HelpName = "FILE",
        };

        public TextSource Source { get; } = new();

        public void AddTo(Verb verb)
        {
            _output.Required = true;
            foreach (Option option in new Option[]
            {
                _output, _steps, _batch, _learningRate, _decayShare, _seed, _threads, _bfloat16, _export,
            })
                verb.Add(option);
            if (prose)
            {
                Source.AddProseTo(verb);
                return;
            }

            if (hasLooks)
                verb.Add(_looks);
            Source.AddTo(verb);
        }

        public string Folder(ParseResult result)
        {
            string folder = result.GetRequiredValue(_output);
            OutputFile.CreateFolder(folder);
            return folder;
        }

        /// <summary>Options of a trainer with what the command line says of those that all have.</summary>
        public T Read<T>(ParseResult result, T options)
            where T : TrainingOptions =>
            (T)((TrainingOptions)options with
            {
                Steps = result.GetValue(_steps),
                Batch = result.GetValue(_batch),
                LearningRate = result.GetValue(_learningRate),
                DecayShare = result.GetValue(_decayShare),
                Seed = result.GetValue(_seed),
                Threads = result.GetValue(_threads),
                BFloat16 = result.GetValue(_bfloat16),
            });

        public string? Looks(ParseResult result) => result.GetValue(_looks);

        public string ExportPath(ParseResult result) =>
            result.GetValue(_export) ?? Path.Combine(result.GetRequiredValue(_output), exportName);

        private static Option<T> Count<T>(string name, string description, T value)
            where T : struct, System.Numerics.INumber<T>
        {
            var option = new Option<T>(name)
            {
                Description = description,
                HelpName = "N",
                DefaultValueFactory = _ => value,
            };
            CommonOptions.Number(option, T.One, T.CreateSaturating(1_000_000_000));
            return option;
        }

        private static Option<double> Share(string name, string description, double value)
        {
            var option = new Option<double>(name)
            {
                Description = description,
                HelpName = "X",
                DefaultValueFactory = _ => value,
            };
            CommonOptions.Number(option, 1e-9, 1);
            return option;
        }
    }
}
