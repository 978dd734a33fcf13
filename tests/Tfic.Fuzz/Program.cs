using System.Globalization;

namespace Tfic.Fuzz;

internal static class Program
{
    private const string Usage = """
        Usage: ./build.sh fuzz --minutes N [--target NAME]... [--seed N] [--state FOLDER]
               ./build.sh fuzz --replay FILE...

        Changes sound files of every kind that Tfic reads, feeds them to its readers and decoders, and reports whatever
        ends in another way than with a result or a documented exception: crashes, hangs, allocations beyond the limits,
        rows of a kernel that disagree. A run goes on where the one before it ended; the same seed and state give the
        same inputs.

          --minutes N      processor minutes to spend, shared among the targets
          --target NAME    only this target; may be repeated
          --seed N         another sequence of inputs; 1 if not given
          --state FOLDER   what is known so far and what was found; artifacts/fuzz if not given
          --replay FILE    run a finding or a regression file alone; the target is the first word of its name
        """;

    private static int Main(string[] args)
    {
        try
        {
            return args is ["worker", var target, var seconds, var state, var seed]
                ? Work(target, Number(seconds), state, (ulong)Number(seed))
                : Command(args);
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine($"fuzz: {e.Message}");
            return 2;
        }
    }

    private static int Command(string[] args)
    {
        double? minutes = null;
        var targets = new List<Target>();
        ulong seed = 1;
        string state = Path.Combine("artifacts", "fuzz");
        for (int i = 0; i < args.Length; i += 2)
        {
            if (args[i] is "--help" or "-h")
            {
                Console.WriteLine(Usage);
                return 0;
            }

            if (i + 1 == args.Length)
                throw new ArgumentException($"'{args[i]}' wants a value; see --help.");
            string value = args[i + 1];
            switch (args[i])
            {
                case "--minutes":
                    minutes = Number(value);
                    break;
                case "--target":
                    targets.Add(Target.Find(value));
                    break;
                case "--seed":
                    seed = (ulong)Number(value);
                    break;
                case "--state":
                    state = value;
                    break;
                case "--replay":
                    return Replay(args[(i + 1)..]);
                default:
                    throw new ArgumentException($"There is no option '{args[i]}'; see --help.");
            }
        }

        if (minutes is not > 0)
            throw new ArgumentException("--minutes says how long, in processor minutes; see --help.");
        var campaign = new Campaign(targets.Count > 0 ? targets : Target.All, Path.GetFullPath(state), seed, Console.Out);
        return campaign.Run(TimeSpan.FromMinutes(minutes.Value)) ? 0 : 1;
    }

    private static int Work(string target, double seconds, string state, ulong seed)
    {
        var worker = new Worker(
            Target.Find(target), Path.Combine(state, target), new Findings(Path.Combine(state, "findings")), seed);
        worker.Run(TimeSpan.FromSeconds(seconds));
        return 0;
    }

    private static int Replay(string[] files)
    {
        int faults = 0;
        foreach (string file in files)
        {
            Target target = Target.Find(Path.GetFileName(file).Split('-')[0]);
            byte[] input = File.ReadAllBytes(file);
            Verdict verdict = Verdict.Of(target, new GuardedMemory(input.Length).Hold(input));
            Console.WriteLine($"{file}: {verdict.Fault ?? verdict.Signature}");
            faults += verdict.Fault is null ? 0 : 1;
        }

        return faults == 0 ? 0 : 1;
    }

    private static double Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= 0
            ? number
            : throw new ArgumentException($"'{text}' is no number from 0 up.");
}
