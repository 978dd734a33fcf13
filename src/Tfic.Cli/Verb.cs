using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Tfic.Cli;

/// <summary>A verb of the command, with examples that its --help shows.</summary>
internal sealed class Verb(string name, string description, string examples) : Command(name, description)
{
    public string Examples { get; } = examples;

    /// <summary>
    /// Sets what the verb does, away from the thread that waits for Ctrl-C: that one then cancels the token, and
    /// unfinished files are removed on the way out.
    /// </summary>
    public void Does(Func<ParseResult, CancellationToken, int> action) =>
        SetAction((result, cancellation) => Task.Run(() => action(result, cancellation), CancellationToken.None));

    /// <summary>An option --help that prints the usual help, then the examples of the verb it is asked of.</summary>
    public static HelpOption Help()
    {
        var option = new HelpOption("--help", "-h");
        option.Action = new HelpWithExamples((HelpAction)option.Action!);
        return option;
    }

    private sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            help.Invoke(parseResult);
            if (parseResult.CommandResult.Command is Verb verb)
            {
                TextWriter output = parseResult.InvocationConfiguration.Output;
                output.WriteLine("Examples:");
                foreach (string line in verb.Examples.Split('\n'))
                    output.WriteLine(line.Length == 0 ? line : $"  {line}");
                output.WriteLine();
            }

            return ExitCode.Success;
        }
    }
}
