using System.Runtime.InteropServices;
using System.Text.Json.Serialization;
using Tfic.Kernels;

namespace Tfic.Cli.Verification;

/// <summary>What <c>tfic verify --json</c> writes.</summary>
/// <param name="Runtime">Version of .NET.</param>
/// <param name="System">Operating system and architecture.</param>
/// <param name="Passed">Whether every check did.</param>
/// <param name="Checks">The checks.</param>
internal sealed record Report(string Runtime, string System, bool Passed, IReadOnlyList<ReportedCheck> Checks)
{
    public static Report Of(IReadOnlyList<RowCheck> checks) => new(
        RuntimeInformation.FrameworkDescription,
        RuntimeInformation.RuntimeIdentifier,
        checks.All(check => check.Passed),
        [.. checks.Select(check => new ReportedCheck(
            check.Kernel, check.Row, check.IsSupported, check.IsPicked, check.Error, check.Tolerance, check.Passed))]);
}

/// <inheritdoc cref="RowCheck"/>
internal sealed record ReportedCheck(
    string Kernel, string Row, bool Supported, bool Picked, double? MaxError, double Tolerance, bool Passed);

[JsonSerializable(typeof(Report))]
[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
internal sealed partial class ReportJson : JsonSerializerContext;
