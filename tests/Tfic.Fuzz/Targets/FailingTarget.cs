namespace Tfic.Fuzz.Targets;

/// <summary>Ways to break a promise.</summary>
internal enum Failure
{
    Crash,
    Hang,
    Allocation,
    Exception,
    Offset,
}

/// <summary>Breaks a promise at inputs that begin with 0xFF; others are accepted.</summary>
internal sealed class FailingTarget(Failure failure) : Target
{
    public override string Name => $"failing-{failure}".ToLowerInvariant();

    public override int MaxLength => 64;

    public override TimeSpan Patience => TimeSpan.FromSeconds(0.3);

    public override long MaxAllocation(int length) => 1 << 20;

    public override IEnumerable<byte[]> Seeds() => [[1, 2, 3]];

    public override byte[] Mutate(byte[] input, byte[] other, FuzzRandom random) => [random.Byte(), 2, 3];

    public override string Run(ReadOnlyMemory<byte> input)
    {
        if (input.Span[0] != 0xFF)
            return "fine";
        switch (failure)
        {
            case Failure.Crash:
                unsafe
                {
                    fixed (byte* first = input.Span)
                        return $"{first[input.Length]}";
                }

            case Failure.Hang:
                while (true)
                {
                }

            case Failure.Allocation:
                return $"{new byte[4 << 20].Length}";
            case Failure.Exception:
                throw new InvalidOperationException("not documented");
            default:
                throw new TficFormatException("beyond the end", input.Length + 1);
        }
    }
}
