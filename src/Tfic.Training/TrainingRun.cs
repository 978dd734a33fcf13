using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tfic.Training;

/// <summary>Where a run stands; written beside the weights in a checkpoint.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Seconds">Time spent in all sessions of the run.</param>
public sealed record RunState(long Step, ulong Seed, double Seconds);

[JsonSerializable(typeof(RunState))]
[JsonSourceGenerationOptions(WriteIndented = true)]
internal sealed partial class RunStateContext : JsonSerializerContext;

/// <summary>What one step reports.</summary>
/// <param name="Loss">The loss that was minimised.</param>
/// <param name="Figures">Further figures by name, the same names at every step; NaN where a step has none.</param>
public readonly record struct StepReport(double Loss, params (string Name, double Value)[] Figures);

/// <summary>
/// The loop that every trainer shares: learning-rate schedule, gradient clipping, log, progress, checkpoints that
/// a later run resumes from.
/// </summary>
/// <remarks>
/// The learning rate rises over the first steps, stays, and falls along half a cosine over the last part of the
/// run. A longer run from the same checkpoint therefore repeats nothing: the part before the fall is common.
/// All random numbers of a step are seeded by (seed, step), so a resumed run equals an uninterrupted one.
/// </remarks>
public sealed class TrainingRun
{
    private const int WarmUpSteps = 200;
    private const int LogInterval = 50;
    private const long CollectionBytes = 256 << 20;

    private readonly string folder;
    private readonly Module network;
    private readonly OptimizerHelper optimizer;
    private readonly ulong seed;

    /// <summary>Prepares a run.</summary>
    /// <param name="folder">Folder for log.tsv and the checkpoint; created.</param>
    /// <param name="network">The network whose parameters the optimiser holds.</param>
    /// <param name="optimizer">The optimiser.</param>
    /// <param name="seed">Seed of all random numbers.</param>
    public TrainingRun(string folder, Module network, OptimizerHelper optimizer, ulong seed)
    {
        this.folder = folder;
        this.network = network;
        this.optimizer = optimizer;
        this.seed = seed;
        Directory.CreateDirectory(folder);
    }

    private string CheckpointFolder => Path.Combine(folder, "checkpoint");

    /// <summary>Trains, or goes on training.</summary>
    /// <param name="steps">Total steps, those of earlier sessions included.</param>
    /// <param name="learningRate">The rate on the plateau.</param>
    /// <param name="decayShare">Share of the steps over which the rate falls to zero, 0…1.</param>
    /// <param name="clipNorm">Largest gradient norm.</param>
    /// <param name="checkpointInterval">Steps between checkpoints.</param>
    /// <param name="step">Computes the loss of step i, calls backward on it, and reports.</param>
    /// <param name="validate">Called at every checkpoint and at the end; what it returns is logged.</param>
    /// <param name="cancellation">Stops after the current step; a checkpoint is written.</param>
    /// <returns>The state at the end.</returns>
    /// <exception cref="InvalidOperationException">The loss is not finite.</exception>
    public RunState Train(
        long steps,
        double learningRate,
        double decayShare,
        double clipNorm,
        long checkpointInterval,
        Func<long, StepReport> step,
        Func<string> validate,
        CancellationToken cancellation)
    {
        RunState state = Resume();
        var clock = Stopwatch.StartNew();
        double secondsBefore = state.Seconds;
        long firstStep = state.Step;
        using var log = new StreamWriter(Path.Combine(folder, "log.tsv"), append: true) { AutoFlush = true };
        bool headed = log.BaseStream.Length > 0;
        var sums = new Dictionary<string, (double Sum, int Count)>();
        long collectedAt = 0;

        void Loop(Action<long, double, double>? show)
        {
            while (state.Step < steps && !cancellation.IsCancellationRequested)
            {
                long i = state.Step;
                SetRate(learningRate * RateAt(i, steps, decayShare));
                // TorchSharp lets a collection finalise a Scalar while libtorch still reads it. With a young
                // generation as large as build.sh train asks for, collections happen here and nowhere else, however
                // much the drawing of the next batches allocates.
                if (GC.GetTotalAllocatedBytes() - collectedAt >= CollectionBytes)
                {
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                    collectedAt = GC.GetTotalAllocatedBytes();
                }

                random.manual_seed(unchecked((long)(seed * 0x9E3779B97F4A7C15UL + (ulong)i)));
                StepReport report;
                using (NewDisposeScope())
                {
                    optimizer.zero_grad();
                    report = step(i);
                    if (!double.IsFinite(report.Loss))
                        throw new InvalidOperationException($"The loss is {report.Loss} at step {i}.");
                    nn.utils.clip_grad_norm_(network.parameters(), clipNorm);
                    optimizer.step();
                }

                state = state with { Step = i + 1, Seconds = secondsBefore + clock.Elapsed.TotalSeconds };
                Gather(sums, report);
                double rate = (state.Step - firstStep) / clock.Elapsed.TotalSeconds;
                show?.Invoke(state.Step, sums["loss"].Sum / sums["loss"].Count, rate);
                if (state.Step % LogInterval == 0)
                {
                    if (!headed)
                        log.WriteLine("step\tseconds\t" + string.Join('\t', sums.Keys));
                    headed = true;
                    log.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{state.Step}\t{state.Seconds:f0}\t")
                        + string.Join('\t', sums.Values.Select(s => Mean(s).ToString("g5", CultureInfo.InvariantCulture))));
                    foreach (string name in sums.Keys)
                        sums[name] = default;
                }

                if (state.Step % checkpointInterval == 0 || state.Step == steps || cancellation.IsCancellationRequested)
                {
                    Save(state);
                    log.WriteLine($"# step {state.Step}: {validate()}");
                }
            }
        }

        if (AnsiConsole.Profile.Out.IsTerminal)
        {
            AnsiConsole.Progress()
                .Columns(
                    new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(),
                    new RemainingTimeColumn())
                .Start(context =>
                {
                    ProgressTask bar = context.AddTask("training", maxValue: steps);
                    bar.Value = state.Step;
                    Loop((done, loss, rate) =>
                    {
                        bar.Value = done;
                        bar.Description = string.Create(
                            CultureInfo.InvariantCulture, $"step {done}, loss {loss:g4}, {rate:f1}/s");
                    });
                });
        }
        else
        {
            Loop(null);
        }

        return state;
    }

    /// <summary>Factor on the learning rate at a step.</summary>
    public static double RateAt(long step, long steps, double decayShare)
    {
        double warm = Math.Min(1.0, (step + 1.0) / WarmUpSteps);
        double decayStart = steps * (1 - decayShare);
        double fallen = step <= decayStart ? 0 : (step - decayStart) / Math.Max(1, steps - decayStart);
        return warm * 0.5 * (1 + Math.Cos(Math.PI * fallen));
    }

    private static void Gather(Dictionary<string, (double Sum, int Count)> sums, StepReport report)
    {
        foreach ((string name, double value) in report.Figures.Prepend(("loss", report.Loss)))
        {
            (double sum, int count) = sums.GetValueOrDefault(name);
            sums[name] = double.IsNaN(value) ? (sum, count) : (sum + value, count + 1);
        }
    }

    private static double Mean((double Sum, int Count) s) => s.Count == 0 ? double.NaN : s.Sum / s.Count;

    private void SetRate(double rate)
    {
        foreach (optim.ILearningRateController group in optimizer.ParamGroups)
            group.LearningRate = rate;
    }

    private RunState Resume()
    {
        string statePath = Path.Combine(CheckpointFolder, "state.json");
        if (!File.Exists(statePath))
            return new RunState(0, seed, 0);
        RunState state = JsonSerializer.Deserialize(File.ReadAllText(statePath), RunStateContext.Default.RunState)
            ?? throw new InvalidDataException($"{statePath} is empty: delete the checkpoint folder to start anew.");
        if (state.Seed != seed)
            throw new InvalidOperationException(
                $"The checkpoint in {CheckpointFolder} was made with seed {state.Seed}, not {seed}: "
                + "give that seed, or another output folder.");
        network.load(Path.Combine(CheckpointFolder, "network.dat"));
        optimizer.load_state_dict(Path.Combine(CheckpointFolder, "optimizer.dat"));
        return state;
    }

    /// <summary>Writes into a folder beside the checkpoint and then swaps, so that a kill leaves a whole one.</summary>
    private void Save(RunState state)
    {
        string fresh = CheckpointFolder + ".new", old = CheckpointFolder + ".old";
        if (Directory.Exists(fresh))
            Directory.Delete(fresh, recursive: true);
        Directory.CreateDirectory(fresh);
        network.save(Path.Combine(fresh, "network.dat"));
        optimizer.save_state_dict(Path.Combine(fresh, "optimizer.dat"));
        File.WriteAllText(
            Path.Combine(fresh, "state.json"), JsonSerializer.Serialize(state, RunStateContext.Default.RunState));
        if (Directory.Exists(old))
            Directory.Delete(old, recursive: true);
        if (Directory.Exists(CheckpointFolder))
            Directory.Move(CheckpointFolder, old);
        Directory.Move(fresh, CheckpointFolder);
        if (Directory.Exists(old))
            Directory.Delete(old, recursive: true);
    }
}
