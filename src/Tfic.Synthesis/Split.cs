namespace Tfic.Synthesis;

/// <summary>A part of the fonts or words; the three parts are disjoint and cover all.</summary>
public enum Split
{
    /// <summary>About 80 %: networks are fitted to these.</summary>
    Train,

    /// <summary>About 10 %: choices between networks are made on these.</summary>
    Validation,

    /// <summary>About 10 %: only the figures that are reported come from these.</summary>
    Test,
}

internal static class SplitRule
{
    /// <summary>The part to which a key belongs, by a hash that never changes.</summary>
    public static Split Of(string key) => (StableHash.Of(key) % 10) switch
    {
        0 => Split.Test,
        1 => Split.Validation,
        _ => Split.Train,
    };
}
