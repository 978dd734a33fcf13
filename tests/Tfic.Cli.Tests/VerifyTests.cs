using System.Text.Json;
using Tfic.Cli.Verbs;
using Tfic.Cli.Verification;
using Tfic.Kernels;
using Tfic.Networks;

namespace Tfic.Cli.Tests;

[Collection(nameof(Fixture))]
public class VerifyTests(Fixture fixture)
{
    [Fact]
    public void Every_row_of_this_machine_agrees_in_kernels_and_networks()
    {
        string text = Command.Run(
            "verify", "--json", "--codec", fixture.Codec, "--recogniser", fixture.Recogniser,
            "--detector", fixture.Detector, "--restorer", fixture.Restorer, fixture.WordRestorer).Ok().Text;
        Report report = JsonSerializer.Deserialize(text, ReportJson.Default.Report)!;
        Assert.True(report.Passed);
        Assert.Equal(
            KernelTables.All.Sum(table => table.Variants.Count) + 9 * NetworkChecks.RowNames.Count
                + (CompactCodec.Narrow ? 2 : 0) + (RestorerModel.Narrow ? 2 : 0),
            report.Checks.Count);
        Assert.All(report.Checks, check => Assert.True(check.Passed, check.ToString()));
        Assert.Contains(report.Checks, check => check is { Kernel: "encode codec", MaxError: 0 });
        Assert.Contains(report.Checks, check => check is { Kernel: "detect detector", MaxError: 0 });
        Assert.Contains(report.Checks, check => check is { Kernel: "code tinylic", MaxError: 0 });
        Assert.Contains(report.Checks, check => check is { Kernel: "detect craft", MaxError: 0 });
        Assert.Contains(report.Checks, check => check is { Kernel: "read published", MaxError: 0 });
        Assert.Contains(report.Checks, check => check is { Kernel: "restore word-restorer", MaxError: 0 });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_row_that_differs_is_named_and_makes_the_command_fail(bool json)
    {
        RowCheck[] checks =
        [
            new("conv2d", "vector256", IsSupported: true, IsPicked: false, Error: 0, Tolerance: 0),
            new("conv2d", "vector512", IsSupported: true, IsPicked: true, double.PositiveInfinity, Tolerance: 0),
            new("conv2d", "gpu", IsSupported: false, IsPicked: false, Error: null, Tolerance: 1e-5),
        ];
        var output = new MemoryStream();
        var error = new StringWriter();
        var terminal = new Terminal(Stream.Null, output, error, OutputIsTerminal: false, ErrorIsTerminal: false);
        Assert.Equal(1, VerifyVerb.Tell(terminal, checks, json));
        Assert.Contains("1 rows differ", error.ToString(), StringComparison.Ordinal);

        string text = System.Text.Encoding.UTF8.GetString(output.ToArray());
        if (!json)
        {
            Assert.Contains("conv2d\tvector512\tpicked\tInfinity\t0\tFAIL", text, StringComparison.Ordinal);
            Assert.Contains("conv2d\tgpu\tcannot run\t–\t1E-05\t–", text, StringComparison.OrdinalIgnoreCase);
            return;
        }

        Report report = JsonSerializer.Deserialize(text, ReportJson.Default.Report)!;
        Assert.False(report.Passed);
        Assert.Equal([true, false, true], report.Checks.Select(check => check.Passed));
        Assert.Equal(double.PositiveInfinity, report.Checks[1].MaxError);
    }
}
