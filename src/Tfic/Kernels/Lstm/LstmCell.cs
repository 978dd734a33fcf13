using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tfic.Kernels.Lstm;

/// <summary>
/// What one step of a long short-term memory (Hochreiter and Schmidhuber 1997) makes of its gates, for several lines at
/// once; the gates come from matrix products, which <see cref="Convolution.Conv2d"/> does.
/// </summary>
/// <remarks>
/// Of sums i, f, g and o, in torch's order, and the memory c: c becomes fma(σ(f), c, σ(i)·tanh(g)), and the hidden state is
/// σ(o)·tanh(c), with σ and tanh of <see cref="Logistic"/>.
/// </remarks>
public static class LstmCell
{
    /// <summary>One implementation.</summary>
    /// <param name="gates">lines × 4 × units: of each line all i, all f, all g, all o.</param>
    /// <param name="lines">Lines.</param>
    /// <param name="memory">lines × units; changed.</param>
    /// <param name="hidden">lines × units; written.</param>
    public delegate void Kernel(ReadOnlySpan<float> gates, int lines, Span<float> memory, Span<float> hidden);

    /// <summary>The implementations; tolerance 0: equal bit for bit.</summary>
    public static VariantTable<Kernel> Variants { get; } = new(
        "lstm-cell",
        new("reference", true, 0, Reference),
        new("vector128", Vector128.IsHardwareAccelerated, 0, Simd<Vector128<float>, Lanes128>),
        new("vector256", Vector256.IsHardwareAccelerated, 0, Simd<Vector256<float>, Lanes256>),
        new("vector512", Vector512.IsHardwareAccelerated, 0, Simd<Vector512<float>, Lanes512>));

    /// <summary>Takes a step, by the row of <see cref="Variants"/> that is picked.</summary>
    /// <inheritdoc cref="Kernel"/>
    /// <exception cref="ArgumentException">There are no lines, or lengths do not agree.</exception>
    public static void Run(ReadOnlySpan<float> gates, int lines, Span<float> memory, Span<float> hidden)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lines, 1);
        if (memory.IsEmpty || memory.Length % lines != 0)
            throw new ArgumentException("The memory does not hold as much of every line.", nameof(memory));
        if (hidden.Length != memory.Length || gates.Length != 4L * memory.Length)
            throw new ArgumentException("There must be four gates and a hidden state for each of the memory.", nameof(gates));
        Variants.Picked.Kernel(gates, lines, memory, hidden);
    }

    private static void Reference(ReadOnlySpan<float> gates, int lines, Span<float> memory, Span<float> hidden)
    {
        int units = memory.Length / lines;
        for (int line = 0; line < lines; line++)
        {
            ReadOnlySpan<float> own = gates.Slice(4 * line * units, 4 * units);
            for (int u = 0; u < units; u++)
            {
                float i = Logistic.Sigmoid(own[u]), f = Logistic.Sigmoid(own[units + u]);
                float g = Logistic.Tanh(own[2 * units + u]), o = Logistic.Sigmoid(own[3 * units + u]);
                int at = line * units + u;
                memory[at] = MathF.FusedMultiplyAdd(f, memory[at], i * g);
                hidden[at] = o * Logistic.Tanh(memory[at]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Simd<TVector, TLanes>(
        ReadOnlySpan<float> gates, int lines, Span<float> memory, Span<float> hidden)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        int units = memory.Length / lines;
        fixed (float* gatesStart = gates, memoryStart = memory, hiddenStart = hidden)
        {
            for (int line = 0; line < lines; line++)
            {
                float* own = gatesStart + 4 * (nint)line * units;
                float* c = memoryStart + (nint)line * units, h = hiddenStart + (nint)line * units;
                int u = 0;
                for (; u <= units - TLanes.Count; u += TLanes.Count)
                    Step<TVector, TLanes>(own + u, units, c + u, h + u);
                for (; u < units; u++)
                    Step<float, Lanes1>(own + u, units, c + u, h + u);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Step<TVector, TLanes>(float* gates, int units, float* memory, float* hidden)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        TVector i = Logistic.Sigmoid<TVector, TLanes>(TLanes.Load(gates));
        TVector f = Logistic.Sigmoid<TVector, TLanes>(TLanes.Load(gates + units));
        TVector g = Logistic.Tanh<TVector, TLanes>(TLanes.Load(gates + 2 * (nint)units));
        TVector o = Logistic.Sigmoid<TVector, TLanes>(TLanes.Load(gates + 3 * (nint)units));
        TVector c = TLanes.FusedMultiplyAdd(f, TLanes.Load(memory), TLanes.Multiply(i, g));
        TLanes.Store(c, memory);
        TLanes.Store(TLanes.Multiply(o, Logistic.Tanh<TVector, TLanes>(c)), hidden);
    }
}
