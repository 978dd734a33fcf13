using System.Diagnostics;

namespace Tfic.Fuzz;

/// <summary>Tries inputs on one target for some time. Runs in a process of its own, which an input may take down.</summary>
internal sealed class Worker
{
    /// <summary>Exit code after an input that did not end in time.</summary>
    public const int HangCode = 75;

    private static readonly TimeSpan s_saveInterval = TimeSpan.FromSeconds(2);

    private readonly Target _target;
    private readonly string _folder;
    private readonly Findings _findings;
    private readonly ulong _seed;
    private readonly GuardedMemory _memory;
    private long _started = long.MaxValue;

    public Worker(Target target, string folder, Findings findings, ulong seed)
    {
        _target = target;
        _folder = folder;
        _findings = findings;
        _seed = seed;
        _memory = new GuardedMemory(target.MaxLength);
    }

    /// <summary>Goes on for some processor time.</summary>
    public void Run(TimeSpan budget)
    {
        using var journal = new Journal(_folder, _target.MaxLength);
        new Thread(Watch) { IsBackground = true }.Start();

        Verdict Judge(byte[] input)
        {
            journal.Begin(input);
            Volatile.Write(ref _started, Environment.CpuUsage.TotalTime.Ticks);
            Verdict verdict = Verdict.Of(_target, _memory.Hold(input));
            Volatile.Write(ref _started, long.MaxValue);
            journal.End();
            if (verdict.Fault is not null)
                _findings.Add(_target, input, verdict.Signature, verdict.Fault);
            return verdict;
        }

        Progress progress = Progress.Load(_folder);
        double before = progress.CpuSeconds;
        var corpus = new Corpus(_target, Path.Combine(_folder, "corpus"), Judge);
        long saved = Stopwatch.GetTimestamp();
        while (true)
        {
            var random = FuzzRandom.For(_seed, _target.Name, progress.Next);
            byte[] input = _target.Mutate(corpus.Pick(random), corpus.Pick(random), random);
            Verdict verdict = Judge(input);
            if (verdict.Fault is null)
                corpus.Offer(input, verdict.Signature);
            double spent = Environment.CpuUsage.TotalTime.TotalSeconds;
            progress = new Progress(
                progress.Next + 1, progress.Inputs + 1, progress.Accepted + (verdict.Accepted ? 1 : 0), before + spent);
            bool done = spent >= budget.TotalSeconds;
            if (done || Stopwatch.GetElapsedTime(saved) > s_saveInterval)
            {
                progress.Save(_folder);
                saved = Stopwatch.GetTimestamp();
            }

            if (done)
                return;
        }
    }

    private void Watch()
    {
        while (true)
        {
            Thread.Sleep(100);
            long started = Volatile.Read(ref _started);
            if (started != long.MaxValue && Environment.CpuUsage.TotalTime.Ticks - started > _target.Patience.Ticks)
                Environment.Exit(HangCode);
        }
    }
}
