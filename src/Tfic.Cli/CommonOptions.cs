using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using Tfic.Bitstream;
using Tfic.Models;
using Tfic.Synthesis;

namespace Tfic.Cli;

/// <summary>Options that several verbs have, each with one meaning everywhere.</summary>
internal static class CommonOptions
{
    /// <summary>What names a codec.</summary>
    public const string Codecs =
        $"a shipped one ({ShippedModels.Compact}, {ShippedModels.CompactMse}) or a .safetensors file";

    public static Option<string> Output(string description) => new("--output", "-o")
    {
        Description = description,
        HelpName = "OUT",
    };

    public static Option<string> Codec() => new("--codec")
    {
        Description = $"Codec: {Codecs}.",
        HelpName = "NAME|PATH",
        DefaultValueFactory = _ => ShippedModels.Compact,
    };

    public static Option<string?> DecodingCodec() => new("--codec")
    {
        Description = "Codec that .tfic files were made with. Default: whichever shipped one they name.",
        HelpName = "NAME|PATH",
    };

    public static Option<string> Recogniser() => new("--recogniser")
    {
        Description =
            $"Recogniser: a shipped one ({ShippedModels.RecogniserCompact}), a .safetensors file, or a checkpoint of "
            + "deep-text-recognition-benchmark.",
        HelpName = "NAME|PATH",
        DefaultValueFactory = _ => ShippedModels.RecogniserCompact,
    };

    public static Option<string> Detector() => new("--detector")
    {
        Description = $"Detector of words: a shipped one ({ShippedModels.DetectorCompact}) or a file of weights, CRAFT's too.",
        HelpName = "NAME|PATH",
        DefaultValueFactory = _ => ShippedModels.DetectorCompact,
    };

    /// <summary><c>--int8</c>.</summary>
    public static Option<bool> Int8() => new("--int8")
    {
        Description = "Run DnCNN restorers in 8 bits where the processor multiplies bytes: faster, a little less exact.",
    };

    /// <summary>D1.</summary>
    public static Option<string> Restorer() => new("--restorer")
    {
        Description = $"Restorer of pages: a shipped one ({ShippedModels.RestorerD1}) or a .safetensors file.",
        HelpName = "NAME|PATH",
        DefaultValueFactory = _ => ShippedModels.RestorerD1,
    };

    /// <summary>D2.</summary>
    public static Option<string?> WordRestorer() => new("--word-restorer")
    {
        Description =
            "Restorer of words, the second step: a .safetensors file. Default: the shipped one, or none where none ships.",
        HelpName = "NAME|PATH",
        DefaultValueFactory = _ => ShippedModels.Names.Contains(ShippedModels.RestorerD2) ? ShippedModels.RestorerD2 : null,
    };

    public static Option<int> Threads()
    {
        var option = new Option<int>("--jobs", "-j")
        {
            Description = "Files worked on at once.",
            HelpName = "N",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        Number(option, 1, 1024);
        return option;
    }

    /// <summary>Threads of one file, beside those of <see cref="Threads"/>.</summary>
    public static Option<int?> FileThreads()
    {
        var option = new Option<int?>("--threads")
        {
            Description = "Threads that share the work on one file. Default: as the files leave processors.",
            HelpName = "N",
        };
        Number(option, 1, 1024);
        return option;
    }

    /// <summary>Threads for one file: as given, or the processors shared among the files worked on at once.</summary>
    public static int ThreadsOfFile(int? given, int jobs, int files) =>
        given ?? Math.Max(1, Environment.ProcessorCount / Math.Min(jobs, files));

    public static Option<bool> NoOverwrite() => new("--no-overwrite")
    {
        Description = "Fail rather than replace a file.",
    };

    /// <summary>The layer of .tfic files that a verb takes.</summary>
    public static Option<LayerKind?> Layer(string description)
    {
        var option = new Option<LayerKind?>("--layer")
        {
            Description = description,
            HelpName = "text|base",
        };
        option.CustomParser = result =>
        {
            switch (result.Tokens[0].Value)
            {
                case "text":
                    return LayerKind.Text;
                case "base":
                    return LayerKind.Base;
                default:
                    result.AddError($"{option.Name} is {result.Tokens[0].Value}; it must be text or base.");
                    return null;
            }
        };
        return option;
    }

    public static Option<ulong> Seed() => new("--seed")
    {
        Description = "Seed of everything random.",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    public static Option<double[]> Qualities(string defaults)
    {
        var option = new Option<double[]>("--quality", "-q")
        {
            Description = $"Qualities, 1 (fewest bytes) to 8, fractions allowed. Default: {defaults}.",
            HelpName = "Q",
            AllowMultipleArgumentsPerToken = true,
            Arity = ArgumentArity.OneOrMore,
        };
        option.CustomParser = result => [.. result.Tokens.Select(t => Number(result, t.Value, option.Name, 1.0, 8.0))];
        return option;
    }

    public static Option<string> Split(Split value)
    {
        var option = new Option<string>("--split")
        {
            Description = "Which of the disjoint sets of fonts and words to draw with.",
            HelpName = "train|validation|test",
            DefaultValueFactory = _ => Name(value),
        };
        option.AcceptOnlyFromAmong([.. Enum.GetValues<Split>().Select(Name)]);
        return option;
    }

    /// <summary>A split as options name it.</summary>
    public static string Name(Split split) => split.ToString().ToLowerInvariant();

    /// <summary>The split that an option of <see cref="Split"/> names.</summary>
    public static Split SplitNamed(string name) => Enum.Parse<Split>(name, ignoreCase: true);

    /// <summary>A generator on one split of fonts and words.</summary>
    /// <exception cref="CommandFailure">The split holds no font or no word.</exception>
    public static LineGenerator Lines(
        LineOptions options, FontSet fonts, WordList words, Split split, ulong seed)
    {
        try
        {
            return new LineGenerator(options, fonts.Split(split), words.Split(split), seed);
        }
        catch (ArgumentException e)
        {
            throw new CommandFailure(
                $"The {Name(split)} split of these fonts and words cannot be drawn: " +
                $"{e.Message} Install or give more of them, or take another --split.", inner: e);
        }
    }

    /// <summary>Parses an option as a number within a range; anything else is an error that names both.</summary>
    public static void Number<T>(Option<T> option, T low, T high)
        where T : struct, INumber<T> =>
        option.CustomParser = result => Number(result, result.Tokens[0].Value, option.Name, low, high);

    /// <summary>The same for an option without a default.</summary>
    public static void Number<T>(Option<T?> option, T low, T high)
        where T : struct, INumber<T> =>
        option.CustomParser = result => Number(result, result.Tokens[0].Value, option.Name, low, high);

    private static T Number<T>(ArgumentResult result, string text, string name, T low, T high)
        where T : struct, INumber<T>
    {
        const NumberStyles styles = NumberStyles.Float;
        if (T.TryParse(text, styles, CultureInfo.InvariantCulture, out T value) && value >= low && value <= high)
            return value;
        result.AddError($"{name} is {text}; it must be a number from {low} to {high}.");
        return low;
    }
}
