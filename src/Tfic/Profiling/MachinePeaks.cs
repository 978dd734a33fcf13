using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Tfic.Kernels;

namespace Tfic.Profiling;

/// <summary>What one core of this machine can do at most, measured: multiply-adds, and bytes copied, a second.</summary>
/// <param name="Float32">Fused multiply-adds of float32 in vectors.</param>
/// <param name="BFloat16">vdpbf16ps; null where there is none, or no native library.</param>
/// <param name="Int16">vpdpwssd; likewise.</param>
/// <param name="Int8">vpdpbusd; likewise.</param>
/// <param name="CopiedBytes">Bytes copied between two buffers beyond the caches; read and written they count once.</param>
public sealed record MachinePeaks(double Float32, double? BFloat16, double? Int16, double? Int8, double CopiedBytes)
{
    // A run takes about a millisecond, short enough that some of them are not interrupted; the fastest counts.
    private const int Rounds = 200_000, Runs = 40, CopyRuns = 10, CopyLength = 64 << 20, Sums = 12;

    /// <summary>Measures; takes about a quarter of a second.</summary>
    public static MachinePeaks Measure() => new(
        Vector512.IsHardwareAccelerated ? Floats<Vector512<float>, Lanes512>()
        : Vector256.IsHardwareAccelerated ? Floats<Vector256<float>, Lanes256>()
        : Floats<Vector128<float>, Lanes128>(),
        Native(2, 32), Native(1, 32), Native(0, 64), Copy());

    private static double Floats<TVector, TLanes>()
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        double best = double.PositiveInfinity;
        float sum = 0;
        for (int run = 0; run < Runs; run++)
        {
            long start = Stopwatch.GetTimestamp();
            sum += FusedMultiplyAdds<TVector, TLanes>(Rounds);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        GC.KeepAlive(sum);
        return (double)Sums * Rounds * TLanes.Count / best;
    }

    /// <summary>Twelve independent sums: a latency of up to six cycles at two instructions a cycle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static unsafe float FusedMultiplyAdds<TVector, TLanes>(int rounds)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        TVector x = TLanes.Broadcast(0.5f), y = TLanes.Broadcast(1f);
        TVector s0 = y, s1 = y, s2 = y, s3 = y, s4 = y, s5 = y, s6 = y, s7 = y, s8 = y, s9 = y, s10 = y, s11 = y;
        for (int i = 0; i < rounds; i++)
        {
            s0 = TLanes.FusedMultiplyAdd(x, s0, y);
            s1 = TLanes.FusedMultiplyAdd(x, s1, y);
            s2 = TLanes.FusedMultiplyAdd(x, s2, y);
            s3 = TLanes.FusedMultiplyAdd(x, s3, y);
            s4 = TLanes.FusedMultiplyAdd(x, s4, y);
            s5 = TLanes.FusedMultiplyAdd(x, s5, y);
            s6 = TLanes.FusedMultiplyAdd(x, s6, y);
            s7 = TLanes.FusedMultiplyAdd(x, s7, y);
            s8 = TLanes.FusedMultiplyAdd(x, s8, y);
            s9 = TLanes.FusedMultiplyAdd(x, s9, y);
            s10 = TLanes.FusedMultiplyAdd(x, s10, y);
            s11 = TLanes.FusedMultiplyAdd(x, s11, y);
        }

        TVector all = TLanes.Add(TLanes.Add(TLanes.Add(s0, s1), TLanes.Add(s2, s3)), TLanes.Add(s4, s5));
        all = TLanes.Add(all, TLanes.Add(TLanes.Add(TLanes.Add(s6, s7), TLanes.Add(s8, s9)), TLanes.Add(s10, s11)));
        float* lanes = stackalloc float[TLanes.Count];
        TLanes.Store(all, lanes);
        return lanes[0];
    }

    private static double? Native(int instruction, int multiplyAdds)
    {
        if (!NativeKernels.IsAvailable)
            return null;
        double best = double.PositiveInfinity;
        for (int run = 0; run < Runs; run++)
        {
            long start = Stopwatch.GetTimestamp();
            if (NativeKernels.Peak(instruction, Rounds) != 0)
                return null;
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return (double)Sums * Rounds * multiplyAdds / best;
    }

    private static double Copy()
    {
        byte[] source = new byte[CopyLength], target = new byte[CopyLength];
        source.AsSpan().Fill(1);
        double best = double.PositiveInfinity;
        for (int run = 0; run < CopyRuns; run++)
        {
            long start = Stopwatch.GetTimestamp();
            source.CopyTo(target, 0);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return CopyLength / best;
    }
}
