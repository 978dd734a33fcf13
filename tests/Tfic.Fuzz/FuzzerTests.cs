using Tfic.Fuzz.Targets;

namespace Tfic.Fuzz;

/// <summary>The fuzzer finds what it is there to find.</summary>
public class FuzzerTests
{
    public static TheoryData<string> Names => [.. Target.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_target_tries_sound_and_unsound_inputs_and_keeps_its_promises(string name)
    {
        Target target = Target.Find(name);
        byte[][] seeds = [.. target.Seeds()];
        int count = name == "model" ? 25 : 400;
        var signatures = new HashSet<string>();
        int accepted = 0;
        foreach (byte[] seed in seeds)
        {
            Verdict verdict = Verdict.Of(target, seed);
            Assert.True(verdict is { Fault: null, Accepted: true }, verdict.Fault ?? verdict.Signature);
        }

        for (int i = 0; i < count; i++)
        {
            byte[] input = Input(target, seeds, i);
            Assert.InRange(input.Length, 0, target.MaxLength);
            Assert.Equal(input, Input(target, seeds, i));
            Verdict verdict = Verdict.Of(target, input);
            Assert.True(verdict.Fault is null, verdict.Fault);
            accepted += verdict.Accepted ? 1 : 0;
            signatures.Add(verdict.Signature);
        }

        // Both ways, and many of them: neither is every change harmless, nor is every one stopped at the front door.
        Assert.InRange(accepted, 1, count - 1);
        Assert.InRange(signatures.Count, 5, count);
    }

    [Theory]
    [InlineData("crash", "code 1")]
    [InlineData("hang", "did not end in time")]
    [InlineData("allocation", "bytes allocated")]
    [InlineData("exception", "InvalidOperationException")]
    [InlineData("offset", "is outside of 3 bytes")]
    public void What_breaks_a_promise_is_found_and_kept(string failure, string words)
    {
        string state = Directory.CreateTempSubdirectory("tfic-fuzz-").FullName;
        try
        {
            Target target = Target.Find($"failing-{failure}");
            var report = new StringWriter();
            Assert.False(new Campaign([target], state, 1, report).Run(TimeSpan.FromSeconds(0.2)));

            string finding = Assert.Single(Directory.GetFiles(Path.Combine(state, "findings"), "*.bin"));
            Assert.Equal([0xFF, 2, 3], File.ReadAllBytes(finding));
            Assert.StartsWith(target.Name, Path.GetFileName(finding), StringComparison.Ordinal);
            Assert.Contains(
                words, File.ReadAllText(Path.ChangeExtension(finding, ".txt")), StringComparison.Ordinal);
            Assert.Contains("1 finding", report.ToString(), StringComparison.Ordinal);

            // A later run goes on behind it.
            Progress before = Progress.Load(Path.Combine(state, target.Name));
            Assert.InRange(before.Next, 1, long.MaxValue);
            new Campaign([target], state, 1, report).Run(TimeSpan.FromSeconds(0.2));
            Progress after = Progress.Load(Path.Combine(state, target.Name));
            Assert.InRange(after.Next, before.Next + 1, long.MaxValue);
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }
    }

    private static byte[] Input(Target target, byte[][] seeds, int index)
    {
        var random = FuzzRandom.For(7, target.Name, index);
        return target.Mutate(seeds[random.Below(seeds.Length)], seeds[random.Below(seeds.Length)], random);
    }
}

/// <summary>Every input that was ever found at fault stays harmless.</summary>
public class RegressionTests
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "Regressions");

    public static TheoryData<string> Files =>
        [.. Directory.GetFiles(s_folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void What_was_found_stays_repaired(string file)
    {
        Target target = Target.Find(file.Split('-')[0]);
        byte[] input = File.ReadAllBytes(Path.Combine(s_folder, file));
        Verdict verdict = Verdict.Of(target, new GuardedMemory(Math.Max(1, input.Length)).Hold(input));
        Assert.True(verdict.Fault is null, verdict.Fault);
    }
}
