using System.Runtime.CompilerServices;

namespace Tfic.Kernels.Convolution;

/// <summary>The vector rows of <see cref="Conv2d"/>: one text for all vector widths.</summary>
/// <remarks>
/// <para>
/// The work is cut into tiles: up to three vectors of output channels times up to eight neighbouring pixels of a row,
/// whose sums stay in registers. Each step loads the weights of one (ky, kx, i) and multiplies them by one input of
/// every pixel: at most 3 + 8 loads for 24 fused multiply-adds, so the multipliers and not the loads set the pace,
/// and enough independent sums to cover their latency (4 cycles, up to 2 a cycle: 8 are needed).
/// </para>
/// <para>
/// Pixels whose kernel reaches over the left or right edge are computed one at a time with fewer columns, rows
/// above or below the input are skipped: nothing outside the input is read, and nothing needs to be padded.
/// </para>
/// <para>
/// Channel groups are the outer loop: the weights of one group (at most a few hundred kilobytes here) stay in the
/// second-level cache while all pixels pass.
/// </para>
/// </remarks>
internal static unsafe class Conv2dSimd
{
    public static void Run<TVector, TLanes>(
        Conv2d layer, ReadOnlySpan<float> input, int height, int width, ReadOnlySpan<float> residual,
        Span<float> output, int threads)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        if (layer.KernelHeight == 1 && layer.KernelWidth == 1 && layer.Stride == 1 && layer.Shuffle == 1
            && layer.Padding == default)
        {
            // A matrix product: all pixels form one row, so that tiles run over the ends of short rows.
            width *= height;
            height = 1;
        }

        PackedWeights packed = layer.Packed(TLanes.Count);
        int rows = layer.ResultHeight(height) / layer.Shuffle;
        int groups = packed.Groups.Length;
        fixed (float* inputStart = input, residualStart = residual, outputStart = output)
        fixed (float* weights = packed.Weights, bias = packed.Bias)
        {
            var planes = new Planes(inputStart, height, width, residualStart, outputStart, weights, bias);
            if (threads == 1)
            {
                foreach (PackedWeights.Group group in packed.Groups)
                    RunRows<TVector, TLanes>(layer, planes, group, 0, rows);
            }
            else
            {
                RunParallel<TVector, TLanes>(layer, planes, packed.Groups, rows, threads);
            }
        }
    }

    /// <summary>Multiplies the channels of neighbours by a matrix, without residual and activation.</summary>
    /// <param name="layer">1 × 1: its weights are the matrix.</param>
    /// <param name="input">The first neighbour.</param>
    /// <param name="step">Floats from one to the next.</param>
    /// <param name="count">How many.</param>
    /// <param name="output">Receives the first one's outputs, with whole vectors: what is behind them is written, too.</param>
    /// <param name="outputStep">Floats from one's to the next's.</param>
    public static void Multiply<TVector, TLanes>(
        Conv2d layer, float* input, int step, int count, float* output, int outputStep)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        PackedWeights packed = layer.Packed(TLanes.Count);
        fixed (float* weights = packed.Weights, bias = packed.Bias)
        {
            Tile tile = default;
            tile.PixelStep = step;
            tile.Rows = 1;
            tile.Run = layer.InputChannels;
            tile.OutputStep = outputStep;
            tile.Slope = 1f;
            foreach (PackedWeights.Group group in packed.Groups)
            {
                tile.Input = input;
                tile.Weights = weights + group.WeightOffset;
                tile.Bias = bias + group.BiasOffset;
                tile.Output = output + group.First;
                tile.Channels = group.Vectors * TLanes.Count;
                RunPixels<TVector, TLanes>(tile, group.Vectors, count);
            }
        }
    }

    private static void RunParallel<TVector, TLanes>(
        Conv2d layer, Planes planes, PackedWeights.Group[] groups, int rows, int threads)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        // Some bands more than threads, so that one late thread does not hold up all.
        int bands = int.Min(rows, 4 * threads);
        Parallel.For(0, groups.Length * bands, new ParallelOptions { MaxDegreeOfParallelism = threads }, item =>
        {
            int band = item % bands;
            RunRows<TVector, TLanes>(
                layer, planes, groups[item / bands], (int)((long)rows * band / bands),
                (int)((long)rows * (band + 1) / bands));
        });
    }

    /// <summary>Rows [firstRow, endRow) of one group of output channels.</summary>
    private static void RunRows<TVector, TLanes>(
        Conv2d layer, Planes planes, PackedWeights.Group group, int firstRow, int endRow)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        int channels = layer.InputChannels, stride = layer.Stride, shuffle = layer.Shuffle;
        int kernelHeight = layer.KernelHeight, kernelWidth = layer.KernelWidth, left = layer.Padding.Left;
        int columns = layer.ResultWidth(planes.Width) / shuffle;
        int groupWidth = group.Vectors * TLanes.Count;
        int outputStep = layer.OutputChannels / shuffle;
        long outputPitch = (long)columns * outputStep;

        // Between these, every column of the kernel lies inside the input.
        int interior = int.Min(columns, (left + stride - 1) / stride);
        int interiorEnd = planes.Width + left < kernelWidth
            ? interior
            : int.Clamp((planes.Width + left - kernelWidth) / stride + 1, interior, columns);

        Tile tile = default;
        tile.PixelStep = (nint)stride * channels;
        tile.RowStep = (nint)planes.Width * channels;
        tile.WeightRowStep = (nint)kernelWidth * channels * groupWidth;
        tile.Bias = planes.Bias + group.BiasOffset;
        tile.OutputStep = outputStep;
        tile.Slope = layer.NegativeSlope;
        tile.Channels = group.Channels;

        for (int y = firstRow; y < endRow; y++)
        {
            int top = y * stride - layer.Padding.Top;
            int firstTap = int.Max(0, -top);
            tile.Rows = int.Max(0, int.Min(kernelHeight, planes.Height - top) - firstTap);
            float* inputRow = planes.Input + (top + firstTap) * tile.RowStep;
            float* weights = planes.Weights + group.WeightOffset + firstTap * tile.WeightRowStep;
            long outputRow = ((long)y * shuffle + group.Dy) * outputPitch + group.First;

            for (int x = 0; x < columns;)
            {
                int across = x * stride - left;
                int firstColumn = 0, endColumn = kernelWidth, pixels = 1;
                if (x >= interior && x < interiorEnd)
                {
                    pixels = interiorEnd - x;
                }
                else
                {
                    firstColumn = int.Min(kernelWidth, int.Max(0, -across));
                    endColumn = int.Max(firstColumn, int.Min(kernelWidth, planes.Width - across));
                }

                tile.Input = inputRow + (nint)(across + firstColumn) * channels;
                tile.Weights = weights + (nint)firstColumn * channels * groupWidth;
                tile.Run = (endColumn - firstColumn) * channels;
                long at = outputRow + (long)x * outputStep;
                tile.Output = planes.Output + at;
                tile.Before = layer.Residual == Residual.BeforeActivation ? planes.Residual + at : null;
                tile.After = layer.Residual == Residual.AfterActivation ? planes.Residual + at : null;
                RunPixels<TVector, TLanes>(tile, group.Vectors, pixels);
                x += pixels;
            }
        }
    }

    /// <summary>Computes neighbouring pixels of one to three vectors of channels.</summary>
    private static void RunPixels<TVector, TLanes>(Tile tile, int vectors, int pixels)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        if (vectors == 1)
            RunPixels<TVector, TLanes, One>(tile, pixels);
        else if (vectors == 2)
            RunPixels<TVector, TLanes, Two>(tile, pixels);
        else
            RunPixels<TVector, TLanes, Three>(tile, pixels);
    }

    /// <summary>The same, in tiles of 8, 4, 2 and 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunPixels<TVector, TLanes, TVectors>(Tile tile, int pixels)
        where TVector : struct
        where TLanes : ILanes<TVector>
        where TVectors : ICount
    {
        int left = pixels;
        if (TLanes.HasManyRegisters)
        {
            for (; left >= 8; left -= 8)
            {
                RunTile<TVector, TLanes, TVectors, Eight>(tile);
                tile.Advance(8);
            }
        }

        for (; left >= 4; left -= 4)
        {
            RunTile<TVector, TLanes, TVectors, Four>(tile);
            tile.Advance(4);
        }

        if (left >= 2)
        {
            RunTile<TVector, TLanes, TVectors, Two>(tile);
            tile.Advance(2);
            left -= 2;
        }

        if (left == 1)
            RunTile<TVector, TLanes, TVectors, One>(tile);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunTile<TVector, TLanes, TVectors, TPixels>(in Tile tile)
        where TVector : struct
        where TLanes : ILanes<TVector>
        where TVectors : ICount
        where TPixels : ICount
    {
        // Sums of pixel p: a(p), b(p), c(p), one for each vector. They are locals with names of their own, since only
        // those are kept in registers; what a tile does not have is never used and costs nothing.
        TVector a0 = TLanes.Load(tile.Bias), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
        TVector b0 = TVectors.Value > 1 ? TLanes.Load(tile.Bias + TLanes.Count) : default;
        TVector b1 = b0, b2 = b0, b3 = b0, b4 = b0, b5 = b0, b6 = b0, b7 = b0;
        TVector c0 = TVectors.Value > 2 ? TLanes.Load(tile.Bias + 2 * TLanes.Count) : default;
        TVector c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0;

        float* row = tile.Input, weightRow = tile.Weights;
        nint step = tile.PixelStep;
        for (int ky = tile.Rows; ky > 0; ky--)
        {
            float* p0 = row, p1 = row + step, p2 = p1 + step, p3 = p2 + step;
            float* p4 = p3 + step, p5 = p4 + step, p6 = p5 + step, p7 = p6 + step;
            float* weights = weightRow;
            nint run = tile.Run;
            for (nint j = 0; j < run; j++)
            {
                TVector wa = TLanes.Load(weights);
                TVector wb = TVectors.Value > 1 ? TLanes.Load(weights + TLanes.Count) : default;
                TVector wc = TVectors.Value > 2 ? TLanes.Load(weights + 2 * TLanes.Count) : default;
                weights += TVectors.Value * TLanes.Count;
                Step<TVector, TLanes, TVectors>(p0[j], wa, wb, wc, ref a0, ref b0, ref c0);
                if (TPixels.Value > 1)
                    Step<TVector, TLanes, TVectors>(p1[j], wa, wb, wc, ref a1, ref b1, ref c1);
                if (TPixels.Value > 2)
                {
                    Step<TVector, TLanes, TVectors>(p2[j], wa, wb, wc, ref a2, ref b2, ref c2);
                    Step<TVector, TLanes, TVectors>(p3[j], wa, wb, wc, ref a3, ref b3, ref c3);
                }

                if (TPixels.Value > 4)
                {
                    Step<TVector, TLanes, TVectors>(p4[j], wa, wb, wc, ref a4, ref b4, ref c4);
                    Step<TVector, TLanes, TVectors>(p5[j], wa, wb, wc, ref a5, ref b5, ref c5);
                    Step<TVector, TLanes, TVectors>(p6[j], wa, wb, wc, ref a6, ref b6, ref c6);
                    Step<TVector, TLanes, TVectors>(p7[j], wa, wb, wc, ref a7, ref b7, ref c7);
                }
            }

            row += tile.RowStep;
            weightRow += tile.WeightRowStep;
        }

        // Where the last vector has lanes without a channel, whole vectors go to a buffer and channels from there.
        Tile to = tile;
        float* whole = stackalloc float[TPixels.Value * TVectors.Value * TLanes.Count];
        bool isPart = tile.Channels < TVectors.Value * TLanes.Count;
        if (isPart)
        {
            to.Output = whole;
            to.OutputStep = TVectors.Value * TLanes.Count;
            to.Before = to.After = null;
            to.Slope = 1f;
        }

        TVector slope = TLanes.Broadcast(to.Slope);
        Store<TVector, TLanes, TVectors>(to, 0, slope, a0, b0, c0);
        if (TPixels.Value > 1)
            Store<TVector, TLanes, TVectors>(to, 1, slope, a1, b1, c1);
        if (TPixels.Value > 2)
        {
            Store<TVector, TLanes, TVectors>(to, 2, slope, a2, b2, c2);
            Store<TVector, TLanes, TVectors>(to, 3, slope, a3, b3, c3);
        }

        if (TPixels.Value > 4)
        {
            Store<TVector, TLanes, TVectors>(to, 4, slope, a4, b4, c4);
            Store<TVector, TLanes, TVectors>(to, 5, slope, a5, b5, c5);
            Store<TVector, TLanes, TVectors>(to, 6, slope, a6, b6, c6);
            Store<TVector, TLanes, TVectors>(to, 7, slope, a7, b7, c7);
        }

        if (isPart)
            FinishPart(tile, whole, TVectors.Value * TLanes.Count, TPixels.Value);
    }

    /// <summary>One input of one pixel times the weights of all its channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TVector, TLanes, TVectors>(
        float input, TVector wa, TVector wb, TVector wc, ref TVector a, ref TVector b, ref TVector c)
        where TVector : struct
        where TLanes : ILanes<TVector>
        where TVectors : ICount
    {
        TVector x = TLanes.Broadcast(input);
        a = TLanes.FusedMultiplyAdd(x, wa, a);
        if (TVectors.Value > 1)
            b = TLanes.FusedMultiplyAdd(x, wb, b);
        if (TVectors.Value > 2)
            c = TLanes.FusedMultiplyAdd(x, wc, c);
    }

    /// <summary>Residual, activation and store of one pixel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TVector, TLanes, TVectors>(
        in Tile tile, int pixel, TVector slope, TVector a, TVector b, TVector c)
        where TVector : struct
        where TLanes : ILanes<TVector>
        where TVectors : ICount
    {
        nint at = pixel * tile.OutputStep;
        if (tile.Before != null)
        {
            a = TLanes.Add(a, TLanes.Load(tile.Before + at));
            if (TVectors.Value > 1)
                b = TLanes.Add(b, TLanes.Load(tile.Before + at + TLanes.Count));
            if (TVectors.Value > 2)
                c = TLanes.Add(c, TLanes.Load(tile.Before + at + 2 * TLanes.Count));
        }

        a = TLanes.ScaleNegative(a, slope);
        b = TLanes.ScaleNegative(b, slope);
        c = TLanes.ScaleNegative(c, slope);
        if (tile.After != null)
        {
            a = TLanes.Add(a, TLanes.Load(tile.After + at));
            if (TVectors.Value > 1)
                b = TLanes.Add(b, TLanes.Load(tile.After + at + TLanes.Count));
            if (TVectors.Value > 2)
                c = TLanes.Add(c, TLanes.Load(tile.After + at + 2 * TLanes.Count));
        }

        TLanes.Store(a, tile.Output + at);
        if (TVectors.Value > 1)
            TLanes.Store(b, tile.Output + at + TLanes.Count);
        if (TVectors.Value > 2)
            TLanes.Store(c, tile.Output + at + 2 * TLanes.Count);
    }

    /// <summary>Residual, activation and store of sums that lie in a buffer.</summary>
    private static void FinishPart(in Tile tile, float* sums, int width, int pixels)
    {
        for (int p = 0; p < pixels; p++)
        {
            for (int c = 0; c < tile.Channels; c++)
            {
                nint at = p * tile.OutputStep + c;
                float value = sums[p * width + c];
                if (tile.Before != null)
                    value += tile.Before[at];
                if (value < 0)
                    value *= tile.Slope;
                if (tile.After != null)
                    value += tile.After[at];
                tile.Output[at] = value;
            }
        }
    }

    /// <summary>Pinned memory of one call.</summary>
    private readonly struct Planes(
        float* input, int height, int width, float* residual, float* output, float* weights, float* bias)
    {
        public readonly float* Input = input;
        public readonly int Height = height;
        public readonly int Width = width;
        public readonly float* Residual = residual;
        public readonly float* Output = output;
        public readonly float* Weights = weights;
        public readonly float* Bias = bias;
    }

    /// <summary>What a tile needs to know; steps are in floats.</summary>
    private struct Tile
    {
        public float* Input;
        public nint PixelStep;
        public nint RowStep;
        public int Rows;
        public int Run;
        public float* Weights;
        public nint WeightRowStep;
        public float* Bias;
        public float* Output;
        public nint OutputStep;
        public float* Before;
        public float* After;
        public float Slope;
        public int Channels;

        public void Advance(int pixels)
        {
            Input += pixels * PixelStep;
            nint output = pixels * OutputStep;
            Output += output;
            if (Before != null)
                Before += output;
            if (After != null)
                After += output;
        }
    }
}
