using TorchSharp;

namespace Tfic.Training.Tests;

/// <summary>Tests that need torch: without one they are skipped, with the reason.</summary>
public abstract class TorchTests
{
    private static readonly Lazy<string?> s_missing = new(() =>
    {
        try
        {
            torch.zeros(1).Dispose();
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or NotSupportedException)
        {
            return e.Message;
        }
    });

    /// <summary>Runs before each test of the class.</summary>
    protected TorchTests() => Skip.IfNot(s_missing.Value is null, s_missing.Value);
}
