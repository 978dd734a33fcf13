using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Reflection;
using Tfic.Cli.Verbs;

namespace Tfic.Cli;

/// <summary>The command <c>tfic</c>: its verbs, and what all of them share.</summary>
internal static class TficCommand
{
    /// <summary>Runs the command.</summary>
    /// <param name="args">Arguments, without the command's own name.</param>
    /// <param name="terminal">Where it reads and writes.</param>
    /// <returns>The process's exit code, see <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] args, Terminal terminal)
    {
        Command root = Create(terminal);

        // An input may be called "@name": it is no list of arguments.
        ParseResult result = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        string[] errors = [.. result.Errors.Select(e => e.Message).Distinct()];
        if (errors.Length == 0 && result.Action is not { ClearsParseErrors: true })
            errors = UnknownOptions(result);
        if (errors.Length > 0 && result.Action is not { ClearsParseErrors: true })
        {
            foreach (string message in errors)
                terminal.Complain(message);
            string verb = result.CommandResult.Command is Verb asked ? $" {Path(asked)}" : "";
            terminal.Error.WriteLine($"Try \"tfic{verb} --help\".");
            return ExitCode.BadInput;
        }

        await using var output = new StreamWriter(terminal.Output, leaveOpen: true);
        try
        {
            return await result.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,

                // After Ctrl-C: enough for a training step and its checkpoint.
                ProcessTerminationTimeout = TimeSpan.FromMinutes(1),
                Output = output,
                Error = terminal.Error,
            });
        }
        catch (CommandFailure failure)
        {
            terminal.Complain(failure.Message);
            return failure.ExitCode;
        }
        catch (OperationCanceledException)
        {
            terminal.Complain("interrupted.");
            return ExitCode.Interrupted;
        }
        catch (IOException e)
        {
            // Standard output was closed, as by "| head".
            terminal.Complain(e.Message);
            return ExitCode.Failure;
        }
        catch (Exception fault)
        {
            // A fault of the program: all there is to know, for whoever mends it.
            terminal.Complain($"an unexpected fault. Please report it with this text:\n{fault}");
            return ExitCode.Failure;
        }
    }

    /// <summary>Builds the command with all its verbs.</summary>
    public static Command Create(Terminal terminal)
    {
        var quiet = new Option<bool>("--quiet")
        {
            Description = "Say nothing but errors.",
            Recursive = true,
        };
        quiet.Validators.Add(result => terminal.Quiet = result.GetValueOrDefault<bool>());

        var version = new Option<bool>("--version")
        {
            Description = "Print the version.",
            Action = new PrintVersion(),
        };

        var root = new Command(
            "tfic", "Text-focused image compression: pictures of text in few bytes, and the text back out of them.")
        {
            EncodeVerb.Create(terminal),
            DecodeVerb.Create(terminal),
            ReadVerb.Create(terminal),
            RestoreVerb.Create(terminal),
            InfoVerb.Create(terminal),
            SynthVerb.Create(terminal),
            TrainVerb.Create(terminal),
            EvalVerb.Create(terminal),
            DemoVerb.Create(terminal),
            PaperVerb.Create(terminal),
            ProfileVerb.Create(terminal),
            VerifyVerb.Create(terminal),
            ModelVerb.Create(terminal),
            Verb.Help(),
            version,
            quiet,
        };
        return root;
    }

    /// <summary>
    /// The parser takes a misspelt option for one more input. What begins with a dash is an option, except "-" itself
    /// and whatever follows "--".
    /// </summary>
    private static string[] UnknownOptions(ParseResult result)
    {
        IEnumerable<Token> files = result.Tokens.SkipWhile(t => t.Type != TokenType.DoubleDash);
        var allowed = new HashSet<Token>(files, ReferenceEqualityComparer.Instance);
        return
        [
            .. result.CommandResult.Children.OfType<ArgumentResult>()
                .SelectMany(argument => argument.Tokens)
                .Where(t => t.Value.Length > 1 && t.Value[0] == '-' && !allowed.Contains(t))
                .Select(t => $"There is no option {t.Value}. (A file of that name: write ./{t.Value})"),
        ];
    }

    private static string Path(Verb verb) =>
        verb.Parents.OfType<Verb>().FirstOrDefault() is { } parent ? $"{parent.Name} {verb.Name}" : verb.Name;

    private sealed class PrintVersion : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            string version = typeof(TficCommand).Assembly
                .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
            parseResult.InvocationConfiguration.Output.WriteLine($"tfic {version.Split('+')[0]}");
            return ExitCode.Success;
        }
    }
}
