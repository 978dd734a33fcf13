using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tfic.Kernels.GatedConvolution;

/// <summary>
/// One iteration of a gated recurrent convolution (Wang and Hu 2017) on what its four convolutions gave: each channel is
/// normalised, and a gate decides how much of the state's part is added to the input's.
/// </summary>
/// <remarks>
/// Of the convolutions of the input, u for the gate and f, and of the state, x for the gate and r, all without biases: the
/// gate is σ(fma(GateFromInput, u, fma(GateFromState, x, GateShift))), and the value
/// fma(fma(FromState, r, StateShift), gate, fma(FromInput, f, Shift)), but 0 where that is below 0. σ is
/// <see cref="Logistic"/>'s. Factors and shifts are those of the published normalisations of the five parts, the one of the
/// gated product merged into its parts.
/// </remarks>
public sealed class GatedUpdate
{
    /// <summary>One implementation.</summary>
    /// <param name="layer">Factors and shifts.</param>
    /// <param name="gateFromInput">u: positions × channels.</param>
    /// <param name="gateFromState">x: the same.</param>
    /// <param name="fromInput">f: the same.</param>
    /// <param name="fromState">r: the same.</param>
    /// <param name="output">The same; it may be one of the inputs.</param>
    public delegate void Kernel(
        GatedUpdate layer, ReadOnlySpan<float> gateFromInput, ReadOnlySpan<float> gateFromState,
        ReadOnlySpan<float> fromInput, ReadOnlySpan<float> fromState, Span<float> output);

    /// <summary>The implementations; tolerance 0: equal bit for bit.</summary>
    public static VariantTable<Kernel> Variants { get; } = new(
        "gated-update",
        new("reference", true, 0, Reference),
        new("vector128", Vector128.IsHardwareAccelerated, 0, Simd<Vector128<float>, Lanes128>),
        new("vector256", Vector256.IsHardwareAccelerated, 0, Simd<Vector256<float>, Lanes256>),
        new("vector512", Vector512.IsHardwareAccelerated, 0, Simd<Vector512<float>, Lanes512>));

    /// <summary>Factor of u, for each channel.</summary>
    public required float[] GateFromInput { get; init; }

    /// <summary>Factor of x.</summary>
    public required float[] GateFromState { get; init; }

    /// <summary>Shift of the gate.</summary>
    public required float[] GateShift { get; init; }

    /// <summary>Factor of f.</summary>
    public required float[] FromInput { get; init; }

    /// <summary>Shift of the value.</summary>
    public required float[] Shift { get; init; }

    /// <summary>Factor of r.</summary>
    public required float[] FromState { get; init; }

    /// <summary>Shift of the state's part, before the gate.</summary>
    public required float[] StateShift { get; init; }

    /// <summary>Channels.</summary>
    public int Channels => Shift.Length;

    /// <summary>Updates, by the row of <see cref="Variants"/> that is picked.</summary>
    /// <inheritdoc cref="Kernel"/>
    /// <exception cref="ArgumentException">Lengths do not agree.</exception>
    public void Run(
        ReadOnlySpan<float> gateFromInput, ReadOnlySpan<float> gateFromState, ReadOnlySpan<float> fromInput,
        ReadOnlySpan<float> fromState, Span<float> output)
    {
        int channels = Channels, length = output.Length;
        if (channels == 0 || GateFromInput.Length != channels || GateFromState.Length != channels
            || GateShift.Length != channels || FromInput.Length != channels || FromState.Length != channels
            || StateShift.Length != channels)
            throw new InvalidOperationException("Not every channel has its factors and shifts.");
        if (length % channels != 0 || gateFromInput.Length != length || gateFromState.Length != length
            || fromInput.Length != length || fromState.Length != length)
        {
            throw new ArgumentException("The inputs and the output do not all hold positions × channels.", nameof(output));
        }

        Variants.Picked.Kernel(this, gateFromInput, gateFromState, fromInput, fromState, output);
    }

    private static void Reference(
        GatedUpdate layer, ReadOnlySpan<float> gateFromInput, ReadOnlySpan<float> gateFromState,
        ReadOnlySpan<float> fromInput, ReadOnlySpan<float> fromState, Span<float> output)
    {
        for (int i = 0; i < output.Length; i++)
        {
            int c = i % layer.Channels;
            float gate = Logistic.Sigmoid(MathF.FusedMultiplyAdd(
                layer.GateFromInput[c], gateFromInput[i],
                MathF.FusedMultiplyAdd(layer.GateFromState[c], gateFromState[i], layer.GateShift[c])));
            float state = MathF.FusedMultiplyAdd(layer.FromState[c], fromState[i], layer.StateShift[c]);
            float value = MathF.FusedMultiplyAdd(
                state, gate, MathF.FusedMultiplyAdd(layer.FromInput[c], fromInput[i], layer.Shift[c]));
            output[i] = value < 0 ? 0 : value;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Simd<TVector, TLanes>(
        GatedUpdate layer, ReadOnlySpan<float> gateFromInput, ReadOnlySpan<float> gateFromState,
        ReadOnlySpan<float> fromInput, ReadOnlySpan<float> fromState, Span<float> output)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        int channels = layer.Channels;
        fixed (float* u = gateFromInput, x = gateFromState, f = fromInput, r = fromState, target = output)
        fixed (float* gu = layer.GateFromInput, gx = layer.GateFromState, gs = layer.GateShift)
        fixed (float* vf = layer.FromInput, vs = layer.Shift, vr = layer.FromState, rs = layer.StateShift)
        {
            var factors = new Factors(gu, gx, gs, vf, vs, vr, rs);
            for (nint at = 0; at < output.Length; at += channels)
            {
                int c = 0;
                for (; c <= channels - TLanes.Count; c += TLanes.Count)
                    Update<TVector, TLanes>(factors, c, u + at + c, x + at + c, f + at + c, r + at + c, target + at + c);
                for (; c < channels; c++)
                    Update<float, Lanes1>(factors, c, u + at + c, x + at + c, f + at + c, r + at + c, target + at + c);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Update<TVector, TLanes>(
        in Factors factors, int c, float* u, float* x, float* f, float* r, float* target)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        TVector gate = Logistic.Sigmoid<TVector, TLanes>(TLanes.FusedMultiplyAdd(
            TLanes.Load(factors.GateFromInput + c), TLanes.Load(u),
            TLanes.FusedMultiplyAdd(
                TLanes.Load(factors.GateFromState + c), TLanes.Load(x), TLanes.Load(factors.GateShift + c))));
        TVector state = TLanes.FusedMultiplyAdd(
            TLanes.Load(factors.FromState + c), TLanes.Load(r), TLanes.Load(factors.StateShift + c));
        TVector value = TLanes.FusedMultiplyAdd(
            state, gate,
            TLanes.FusedMultiplyAdd(TLanes.Load(factors.FromInput + c), TLanes.Load(f), TLanes.Load(factors.Shift + c)));

        // NaN is neither greater nor lesser, so in second place it passes.
        TLanes.Store(TLanes.Greater(TLanes.Broadcast(0f), value), target);
    }

    private readonly unsafe struct Factors(
        float* gateFromInput, float* gateFromState, float* gateShift, float* fromInput, float* shift, float* fromState,
        float* stateShift)
    {
        public readonly float* GateFromInput = gateFromInput;
        public readonly float* GateFromState = gateFromState;
        public readonly float* GateShift = gateShift;
        public readonly float* FromInput = fromInput;
        public readonly float* Shift = shift;
        public readonly float* FromState = fromState;
        public readonly float* StateShift = stateShift;
    }
}
