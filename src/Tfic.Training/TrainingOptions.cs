namespace Tfic.Training;

/// <summary>What every trainer is told; how long and how fast differs in the defaults.</summary>
public abstract record TrainingOptions
{
    /// <summary>Folder for log and checkpoint.</summary>
    public required string Output { get; init; }

    /// <summary>Total steps, those of earlier sessions included.</summary>
    public long Steps { get; init; }

    /// <summary>Lines, pictures or pieces of print a step.</summary>
    public int Batch { get; init; }

    /// <summary>Learning rate on the plateau.</summary>
    public double LearningRate { get; init; }

    /// <summary>Share of the steps over which the rate falls.</summary>
    public double DecayShare { get; init; } = 0.4;

    /// <summary>Seed of what is drawn, of weights, noise and order.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Threads of torch.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Convolutions in bfloat16 with float32 weights; of a codec those of g_a, g_s and the recogniser.</summary>
    public bool BFloat16 { get; init; } = true;

    /// <summary>Steps between checkpoints.</summary>
    public long CheckpointInterval { get; init; } = 500;
}
