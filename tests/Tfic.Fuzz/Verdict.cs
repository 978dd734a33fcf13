using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Tfic.Fuzz;

/// <summary>What an input did.</summary>
/// <param name="Fault">What is wrong with the library; null if nothing is.</param>
/// <param name="Signature">
/// Equal for inputs that went the same way, as far as that can be seen from outside: the place of the exception, or the
/// target's own words.
/// </param>
/// <param name="Accepted">Whether the input was taken for good.</param>
internal sealed record Verdict(string? Fault, string Signature, bool Accepted)
{
    // What measuring and the exception itself allocate: message, stack trace, resources at the first use.
    private const long Slack = 1 << 20;

    /// <summary>Runs a target on an input and compares what happens with what is documented.</summary>
    public static Verdict Of(Target target, ReadOnlyMemory<byte> input)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Exception? exception = null;
        string outcome = "";
        try
        {
            outcome = target.Run(input);
        }
        catch (Exception e)
        {
            exception = e;
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        string signature = exception is null ? outcome : Place(exception);
        string? fault = exception switch
        {
            null => null,
            TficFormatException e when e.Offset < -1 || e.Offset > input.Length =>
                $"Offset {e.Offset} is outside of {input.Length} bytes: {e}",
            TficFormatException { Offset: -1 } e when !target.MayLackOffset => $"No offset: {e}",
            TficFormatException e when string.IsNullOrWhiteSpace(e.Message) => $"No message: {e}",
            TficFormatException => null,
            _ => exception.ToString(),
        };
        long allowed = target.MaxAllocation(input.Length) + Slack;
        if (allocated > allowed)
            fault ??= $"{allocated} bytes allocated, {allowed} are allowed; outcome: {exception?.ToString() ?? outcome}";
        return new Verdict(fault, fault is null ? signature : Kind(fault), exception is null);
    }

    /// <summary>The first words of a fault without its numbers: equal for inputs that are at fault alike.</summary>
    private static string Kind(string fault) =>
        "fault " + string.Concat(fault.Split('\n')[0].Where(c => !char.IsAsciiDigit(c)).Take(160));

    /// <summary>Type of an exception and the three places nearest to where it was thrown.</summary>
    private static string Place(Exception exception)
    {
        var text = new StringBuilder(exception.GetType().Name);
        foreach (StackFrame frame in new StackTrace(exception, false).GetFrames().Take(3))
        {
            text.Append(CultureInfo.InvariantCulture,
                $" {frame.GetMethod()?.DeclaringType?.Name}.{frame.GetMethod()?.Name}+{frame.GetILOffset()}");
        }

        return text.ToString();
    }
}
