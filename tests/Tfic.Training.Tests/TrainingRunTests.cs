using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tfic.Training.Tests;

public sealed class TrainingRunTests : TorchTests, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("tfic-training-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [SkippableFact]
    public void AResumedRunEqualsAnUninterruptedOne()
    {
        float[] whole = Run("whole", [8]);
        float[] inParts = Run("parts", [8, 8], stopAt: 3);
        Assert.Equal(whole, inParts);
    }

    [SkippableFact]
    public void ANonFiniteLossEndsTheRun()
    {
        (Linear network, OptimizerHelper optimizer) = Make();
        var run = new TrainingRun(Path.Combine(folder, "nan"), network, optimizer, 1);
        Assert.Throws<InvalidOperationException>(() => run.Train(
            2, 1e-2, 0.5, 1, 10, _ => new StepReport(double.NaN), () => "", CancellationToken.None));
    }

    [SkippableFact]
    public void AnotherSeedIsRefused()
    {
        Run("seed", [2]);
        (Linear network, OptimizerHelper optimizer) = Make();
        var run = new TrainingRun(Path.Combine(folder, "seed"), network, optimizer, seed: 99);
        InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => run.Train(
            4, 1e-2, 0.5, 1, 10, _ => new StepReport(0), () => "", CancellationToken.None));
        Assert.Contains("seed 7", refused.Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(0, 1.0 / 200)]
    [InlineData(1000, 1.0)]
    [InlineData(6000, 1.0)]
    [InlineData(8000, 0.5)]
    [InlineData(10000, 0.0)]
    public void TheRateRisesStaysAndFalls(long step, double expected) =>
        Assert.Equal(expected, TrainingRun.RateAt(step, 10_000, 0.4), 6);

    [SkippableFact]
    public void TheLogHasARowEveryFiftyStepsAndWhatValidationSaid()
    {
        (Linear network, OptimizerHelper optimizer) = Make();
        string output = Path.Combine(folder, "log");
        new TrainingRun(output, network, optimizer, 1).Train(
            100, 1e-2, 0.5, 1, 100, i => Step(network), () => "all is well", CancellationToken.None);
        string[] lines = File.ReadAllLines(Path.Combine(output, "log.tsv"));
        Assert.StartsWith("step\tseconds\tloss", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("50\t", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("100\t", lines[2], StringComparison.Ordinal);
        Assert.Equal("# step 100: all is well", lines[3]);
    }

    private float[] Run(string name, long[] totals, long? stopAt = null)
    {
        float[] result = [];
        for (int session = 0; session < totals.Length; session++)
        {
            using DisposeScope scope = NewDisposeScope();
            (Linear network, OptimizerHelper optimizer) = Make();
            using var stop = new CancellationTokenSource();
            new TrainingRun(Path.Combine(folder, name), network, optimizer, 7).Train(
                totals[session], 1e-2, 0.5, 1, 100,
                i =>
                {
                    if (session == 0 && i + 1 == stopAt)
                        stop.Cancel();
                    return Step(network);
                },
                () => "", stop.Token);
            result = network.weight!.detach().data<float>().ToArray();
        }

        return result;
    }

    private static (Linear Network, OptimizerHelper Optimizer) Make()
    {
        random.manual_seed(5);
        Linear network = nn.Linear(4, 3);
        return (network, optim.AdamW(network.parameters(), 1e-2));
    }

    private static StepReport Step(Linear network)
    {
        Tensor loss = (network.call(randn(6, 4)) - 1).square().mean();
        loss.backward();
        return new StepReport(loss.item<float>());
    }
}
