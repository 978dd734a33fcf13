using System.Numerics;

namespace Tfic.Kernels.Dct;

/// <summary>The 64 quantiser steps of a component, with what the kernels of <see cref="JpegDct"/> derive from them.</summary>
public sealed class JpegQuantiser
{
    // What follows is in natural order, for the rows that compute in 16 bits.
    internal readonly ushort[] HalfSteps = new ushort[64];
    internal readonly ushort[] Reciprocals = new ushort[64];
    internal readonly ushort[] Shifts = new ushort[64];
    internal readonly ushort[] Scales = new ushort[64];
    internal readonly ushort[] LargestLevels = new ushort[64];

    private readonly ushort[] _steps;

    /// <summary>Derives the tables.</summary>
    /// <param name="steps">64 quantiser steps in natural (row-major) order, at least 1.</param>
    /// <exception cref="ArgumentException">Not 64 steps, or a step of 0.</exception>
    public JpegQuantiser(ReadOnlySpan<ushort> steps)
    {
        if (steps.Length != 64)
            throw new ArgumentException($"{steps.Length} steps given, 64 expected.", nameof(steps));
        if (steps.Contains((ushort)0))
            throw new ArgumentException("A quantiser step is 0; they are at least 1.", nameof(steps));
        _steps = steps.ToArray();
        for (int i = 0; i < 64; i++)
        {
            // Forward. A level is ⌊n / d⌋ with n = |F| + 4·step and d = 8·step. |F| stays below 2^14, so a step of 4095
            // makes all levels 0 as any larger one does, and n < 2^15.
            int step = Math.Min((int)steps[i], 4095), divisor = 8 * step;

            // With 2^k < d ≤ 2^(k + 1), the reciprocal r = ⌈2^(16 + k) / d⌉ has 16 bits, and r·d exceeds 2^(16 + k) by
            // less than d. So n·r / 2^(16 + k) exceeds n / d by less than n / 2^(16 + k) < 2^−(k + 1) ≤ 1 / d: too
            // little to reach the next whole number.
            int k = BitOperations.Log2((uint)divisor - 1);
            HalfSteps[i] = (ushort)(4 * step);
            Reciprocals[i] = (ushort)(((1u << (16 + k)) + (uint)divisor - 1) / (uint)divisor);
            Shifts[i] = (ushort)k;
            Scales[i] = (ushort)(1 << (16 - k)); // the upper half of a product with this is a shift by k

            // Inverse. A column of Kᵀ has two entries of 8192 in magnitude, of frequencies 0 and 4, and others whose
            // magnitudes sum up to at most 44829. Coefficients within these bounds make sums of at most
            // 2·8192·1300 + 44829·1021 < 2^26 − 2^10, and T, without its lowest 11 bits, fits 16 bits. Samples make
            // coefficients of at most 1024 in frequencies 0 and 4, at most 946 in others.
            LargestLevels[i] = (ushort)((i / 8 % 4 == 0 ? 1300 : 1021) / steps[i]);
        }
    }

    /// <summary>The 64 steps in natural (row-major) order.</summary>
    public ReadOnlySpan<ushort> Steps => _steps;
}
